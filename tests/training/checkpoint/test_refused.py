"""Checkpoints of another training, and damaged ones: refused, and no wrong model."""

import json
import re
import shutil

import pytest

from bytepiece import BytePieceError, CheckpointError, CorpusError
from bytepiece.training.counting.checkpoint import Checkpoint
from bytepiece.training.resources import Resources
from helpers.checkpoints import (
    BATCH_BYTES,
    PART_BYTES,
    SIZES,
    Failure,
    Interrupted,
    contents,
    interrupt,
    manifest_of,
    train,
)
from helpers.trainers import plain_trainer

# Another training.


def test_the_order_of_sizes_is_no_difference(texts, models, folder, counted):
    interrupt(texts, 40, folder)
    counted.clear()
    assert train(texts, folder, vocab_size=[*reversed(SIZES), SIZES[0]]) == models
    assert counted["ngrams"] == 0


def test_special_tokens_are_no_difference(texts, models, folder, counted):
    sizes = [size + 1 for size in SIZES]
    interrupt(texts, 40, folder, vocab_size=sizes)
    counted.clear()
    resumed = train(texts, folder, vocab_size=sizes, special_tokens=["<a>"])
    assert [resumed[size + 1].pieces for size in SIZES] == [models[size].pieces for size in SIZES]
    assert counted["ngrams"] == 0


@pytest.mark.parametrize(
    ("name", "was", "now"),
    [
        ("order", 6, 5),
        ("min_count", 2, 3),
        ("max_piece_length", 36, 12),
        ("vocab_size", SIZES, [300, 280]),
        ("isolate_digits", False, True),
        ("ensure_unicode", True, False),
        ("normalization", None, "nfc"),
        ("normalization", "nfc", None),
    ],
)
@pytest.mark.parametrize("position", [20, 40], ids=["first pass", "second pass"])
def test_other_settings_are_refused_by_their_name(position, name, was, now, texts, models, folder):
    interrupt(texts, position, folder, **{name: was})
    before = contents(folder)
    with pytest.raises(CheckpointError) as caught:
        train(texts, folder, **{name: now})
    was, now = (sorted(value, reverse=True) if isinstance(value, list) else value for value in (was, now))
    assert f"{name} was {was!r} and is {now!r}" in str(caught.value)
    assert str(folder) in str(caught.value)
    assert sum(other in str(caught.value) for other in plain_trainer()._settings(300)) == 1
    assert contents(folder) == before


def test_all_settings_that_differ_are_named(texts, folder):
    interrupt(texts, 40, folder)
    with pytest.raises(CheckpointError, match=r"min_count was 2 and is 5; order was 6 and is 3"):
        train(texts, folder, order=3, min_count=5)


def changed(texts):
    """Other corpora, all different in the first few texts."""
    yield pytest.param(["x", *texts[1:]], id="another text")
    yield pytest.param([texts[0][::-1], *texts[1:]], id="as many bytes")
    yield pytest.param(["x", *texts], id="one more")
    yield pytest.param(texts[1:], id="one less")
    yield pytest.param(["", *texts], id="an empty one more")
    yield pytest.param([texts[1], texts[0], *texts[2:]], id="another order")
    yield pytest.param([texts[0][:3], texts[0][3:], *texts[1:]], id="one in two")
    yield pytest.param(texts[:2], id="only two")
    yield pytest.param([], id="none")


@pytest.mark.parametrize("position", [20, 40], ids=["first pass", "second pass"])
@pytest.mark.parametrize("number", range(9))
def test_another_corpus_is_refused(number, position, texts, folder):
    (other,) = [*changed(texts)][number].values
    interrupt(texts, position, folder)
    before = contents(folder)
    with pytest.raises(CheckpointError, match=r"another corpus.* documents .* bytes") as caught:
        train(other, folder)
    assert str(folder) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert contents(folder) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda texts: [*texts, "more"],
        lambda texts: [*texts, *(text[::-1] for text in texts)],
        lambda texts: [*texts[:24], *texts[0]],
    ],
    ids=["a text more", "twice as many", "single bytes more"],
)
@pytest.mark.parametrize("position", [15, 30, 40, None], ids=["first pass", "second", "further", "finished"])
@pytest.mark.slow
def test_a_corpus_that_differs_behind_the_finished_parts_gives_no_wrong_model(position, change, texts, models, folder):
    """Refused, or as if it had been that from the start: pieces of one n-gram model never go with those of another."""
    if position is None:
        train(texts, folder)
    else:
        interrupt(texts, position, folder)
    other = change(texts)
    expected = plain_trainer(vocab_size=SIZES)
    expected.train(other, progress=False)
    try:
        trained = train(other, folder)
    except BytePieceError as error:
        trained = str(error)
    assert trained == expected.models or "another corpus" in trained


def test_a_corpus_that_changes_between_the_passes_is_refused(texts, folder):
    interrupt(texts, 27, folder)
    with pytest.raises(BytePieceError, match="another corpus"):
        train([*texts[:5], "x", *texts[6:]], folder)


@pytest.mark.parametrize("position", [10, 20])
def test_with_counts_the_first_pass_is_not_made(position, texts, models, folder, counted, tmp_path):
    path = tmp_path / "ngrams.counts"
    plain_trainer().count_ngrams(texts, path, progress=False)
    interrupt(texts, position, folder, from_counts=[path])
    counted.clear()
    assert train(texts, folder, from_counts=[path]) == models
    assert counted["ngrams"] == 0


@pytest.mark.parametrize(
    ("start_with_counts", "position"),
    [(False, 20), (False, 40), (True, 13)],
    ids=["first pass", "second pass", "second pass, of counts"],
)
def test_pieces_of_other_counts_give_no_wrong_model(start_with_counts, position, texts, folder, tmp_path):
    """A checkpoint belongs to the counts of n-grams that it was made with."""
    own, others = tmp_path / "own.counts", tmp_path / "others.counts"
    plain_trainer().count_ngrams(texts, own, progress=False)
    plain_trainer().count_ngrams([text[::-1] for text in texts], others, progress=False)
    interrupt(texts, position, folder, from_counts=[own] if start_with_counts else [])
    expected = plain_trainer(vocab_size=SIZES)
    expected.train(texts, from_counts=[others], progress=False)
    try:
        trained = train(texts, folder, from_counts=[others])
    except CheckpointError as error:
        trained = str(error)
    assert trained == expected.models or isinstance(trained, str)


def test_pieces_of_counts_of_like_sizes_give_no_wrong_model(folder, tmp_path):
    """Both have as many bytes, and as many n-grams of each length."""
    texts = ["abcabd" * 5, "efgefh" * 5]
    paths = [tmp_path / "a.counts", tmp_path / "b.counts"]
    for text, path in zip(texts, paths, strict=True):
        plain_trainer().count_ngrams([text], path, progress=False)
    interrupt(texts * 30, 50, folder, from_counts=paths[:1])
    with pytest.raises(CheckpointError, match="another n-gram model"):
        train(texts * 30, folder, from_counts=paths[1:])


# Damage.


@pytest.fixture(scope="module")
def begun_once(texts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("begun")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoint, "part_bytes", lambda *_: PART_BYTES)
        patch.setattr(Resources, "batch_bytes", BATCH_BYTES)
        interrupt(texts, 40, folder)
    return folder


@pytest.fixture
def begun(begun_once, folder):
    """The folder of a training that was interrupted in its second pass."""
    shutil.copytree(begun_once, folder)
    return folder


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b"1",
        b'"x"',
        b"\xff\xfe\x00",
        b"\0" * 500,
        b"[" * 100_000,
        b'{"version": 1, "settings": {}}',
        b'{"version": 1, "parts": {}}',
        b'{"version": 1, "settings": null, "parts": {}}',
        b'{"version": 1, "settings": [], "parts": {}}',
    ],
    ids=lambda data: str(data[:50]),
)
def test_a_damaged_manifest_is_refused(data, begun, texts):
    (begun / "checkpoint.json").write_bytes(data)
    with pytest.raises(CheckpointError, match=re.escape(str(begun))):
        train(texts, begun)


@pytest.mark.slow
def test_a_manifest_cut_off_anywhere_is_refused(begun, texts):
    data = (begun / "checkpoint.json").read_bytes()
    for end in range(0, len(data.rstrip()), 11):
        (begun / "checkpoint.json").write_bytes(data[:end])
        with pytest.raises(CheckpointError, match=re.escape(str(begun))):
            train(texts, begun)


@pytest.mark.parametrize("version", [0, 2, "1", None, 1.5, [1]])
def test_another_version_is_refused_by_its_number(version, begun, texts):
    manifest = manifest_of(begun) | {"version": version}
    (begun / "checkpoint.json").write_text(json.dumps(manifest))
    with pytest.raises(CheckpointError, match=re.escape(f"version {version}")):
        train(texts, begun)


@pytest.mark.parametrize(
    "parts", [None, 1, "x", {"a": 1}, [None], [1], ["x"], [[]], [{}], [{"file": "ngrams-00000.counts"}]], ids=str
)
@pytest.mark.parametrize("where", ["all", "ngrams"])
def test_damaged_parts_in_the_manifest_are_refused(where, parts, begun, texts):
    manifest = manifest_of(begun)
    if where == "ngrams":
        manifest["parts"]["ngrams"] = parts
    else:
        manifest["parts"] = parts
    (begun / "checkpoint.json").write_text(json.dumps(manifest))
    with pytest.raises(CheckpointError, match=re.escape(str(begun))):
        train(texts, begun)


@pytest.mark.parametrize("field", ["file", "documents", "bytes", "fingerprint"])
@pytest.mark.parametrize("value", [None, -1, 0, 1, 2**70, 1.5, "x", "", [], {}], ids=str)
def test_a_damaged_part_in_the_manifest_is_refused(value, field, begun, texts, models):
    """Or it does no harm: the bytes are there to be shown."""
    manifest = manifest_of(begun)
    manifest["parts"]["ngrams"][0][field] = value
    (begun / "checkpoint.json").write_text(json.dumps(manifest))
    try:
        trained = train(texts, begun)
    except BytePieceError as error:
        trained = str(error)
    except OSError as error:
        trained = str(error.filename)
    if isinstance(trained, str):
        assert str(begun) in trained
    else:
        assert field == "bytes"
        assert trained == models


def test_a_part_in_the_manifest_has_its_file_in_the_folder(begun, texts, tmp_path):
    """No file outside the folder is read, whatever the manifest says."""
    manifest = manifest_of(begun)
    part = manifest["parts"]["ngrams"][0]
    (begun / part["file"]).rename(tmp_path / "elsewhere.counts")
    part["file"] = "../elsewhere.counts"
    (begun / "checkpoint.json").write_text(json.dumps(manifest))
    with pytest.raises(CheckpointError):
        train(texts, begun)


def test_a_missing_part_is_refused_by_its_name(begun, texts):
    (begun / "ngrams-00001.counts").unlink()
    with pytest.raises((CheckpointError, FileNotFoundError)) as caught:
        train(texts, begun)
    assert "ngrams-00001.counts" in str(caught.value)


@pytest.mark.slow
def test_a_damaged_part_is_refused_by_its_name(begun, texts):
    path = begun / "ngrams-00001.counts"
    data = path.read_bytes()
    for position in range(0, len(data), 101):
        damaged = bytearray(data)
        damaged[position] ^= 1
        for new in (data[:position], damaged):
            path.write_bytes(new)
            with pytest.raises(BytePieceError, match=re.escape(str(path))):
                train(texts, begun)


def test_a_part_of_the_other_kind_is_refused_by_its_name(texts, folder):
    interrupt(texts, 40, folder)
    (folder / "pieces-00000.counts").write_bytes((folder / "ngrams-00000.counts").read_bytes())
    with pytest.raises(BytePieceError, match=re.escape(str(folder / "pieces-00000.counts"))):
        train(texts, folder)


def test_a_folder_with_something_else_in_it_will_do(texts, models, folder):
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    assert train(texts, folder) == models
    assert (folder / "notes.txt").read_text() == "mine"


def test_a_file_where_the_folder_should_be_is_an_os_error(texts, folder):
    folder.write_text("mine")
    with pytest.raises(OSError, match=re.escape(str(folder))):
        train(texts, folder)
    assert folder.read_text() == "mine"


def test_two_trainings_at_once_are_refused(texts, folder):
    """Each would write over the parts of the other."""

    class Nested:
        def __iter__(self):
            with pytest.raises(CheckpointError, match="another training uses this checkpoint"):
                train(texts, folder)
            return iter(texts)

    models = train(Nested(), folder)
    assert train(texts, folder) == models


def test_a_training_that_failed_holds_no_folder(texts, folder):
    """Its traceback, which a notebook keeps, has the checkpoint."""
    with pytest.raises(Failure) as kept:
        train(Interrupted(texts, 5), folder)
    train(texts, folder)
    assert kept.type is Failure


def test_a_refused_training_holds_no_folder(texts, folder):
    train(texts, folder)
    with pytest.raises(CheckpointError) as kept:
        train(texts, folder, order=3)
    train(texts, folder)
    assert kept.type is CheckpointError


def test_of_no_text(folder):
    for texts, match in (([], "no text"), ([], "no text"), (["a text"], "another corpus: it has 0 documents")):
        with pytest.raises((CorpusError, CheckpointError), match=match):
            plain_trainer().train(texts, checkpoint=folder, progress=False)
