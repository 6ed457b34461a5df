"""Checkpoints: a training that was interrupted, wherever, goes on where it was and gives the same model."""

import json
import os
import re
import shutil
import signal
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bytepiece import BytePieceError, Trainer
from bytepiece.errors import CheckpointError
from bytepiece.files import atomic_writer
from bytepiece.training.counting import checkpoint as checkpoint_module
from bytepiece.training.counting import counts_file
from bytepiece.training.counting import passes as counting
from bytepiece.training.counting.checkpoint import Checkpoint
from bytepiece.training.counting.passes import NgramCounter, Resources
from helpers.processes import run_python
from helpers.properties import examples
from helpers.texts import random_texts

SIZES = [270, 300]
PART_BYTES = 700
BATCH_BYTES = 200
KINDS = ["ngrams", "pieces"]


class Failure(Exception):
    """What a training may be interrupted by."""


@pytest.fixture(scope="module")
def texts():
    return [*random_texts("abcdeé你"), "", ""]


@pytest.fixture(scope="module")
def n_bytes(texts):
    return sum(len(text.encode()) for text in texts)


@pytest.fixture(scope="module")
def models(texts):
    trainer = Trainer(max_vocab_size=SIZES)
    trainer.train(texts, progress=False)
    return trainer.models


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    """Parts of a few texts, batches of one or two; and no test waits for the disk."""
    monkeypatch.setattr(Checkpoint, "part_bytes", lambda *_: PART_BYTES)
    monkeypatch.setattr(Resources, "batch_bytes", BATCH_BYTES)
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "checkpoint"


@pytest.fixture
def counted(monkeypatch):
    """How many bytes each pass counts."""
    counted = Counter()
    add = counting._add

    def noting(counter, batch):
        counted["ngrams" if isinstance(counter, NgramCounter) else "pieces"] += batch.n_bytes
        add(counter, batch)

    monkeypatch.setattr(counting, "_add", noting)
    return counted


def train(texts, folder, workers=1, counts=(), memory_limit=None, **settings):
    trainer = Trainer(**{"max_vocab_size": SIZES} | settings)
    trainer.train(texts, workers, checkpoint=folder, counts=counts, memory_limit=memory_limit, progress=False)
    return trainer.models


class Interrupted:
    """Texts that raise an error in place of one of them, counted over both passes."""

    def __init__(self, texts, position, error=Failure):
        self.texts = texts
        self.position = position
        self.error = error

    def __iter__(self):
        for text in [*self.texts, None]:  # after the last, too
            if self.position == 0:
                raise self.error
            self.position -= 1
            if text is not None:
                yield text


def interrupt(texts, position, folder, workers=1, **settings):
    """Start a training, and interrupt it before a text."""
    with pytest.raises(Failure):
        train(Interrupted(texts, position), folder, workers, **settings)


def manifest_of(folder):
    return json.loads((folder / "checkpoint.json").read_text())


def finished(folder):
    """How many bytes of each pass are counted in finished parts."""
    if not (folder / "checkpoint.json").exists():
        return dict.fromkeys(KINDS, 0)
    parts = manifest_of(folder)["parts"]
    return {kind: parts[kind][-1]["bytes"] if parts.get(kind) else 0 for kind in KINDS}


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# The same model.


@pytest.mark.parametrize("workers", [1, 3])
def test_a_checkpoint_changes_no_model(workers, texts, models, folder):
    assert train(texts, folder, workers) == models


def test_a_folder_is_made_where_there_is_none(texts, models, tmp_path):
    assert train(texts, tmp_path / "a" / "b") == models


@pytest.mark.slow
@pytest.mark.parametrize("position", range(2 * 27))
def test_interrupted_before_any_text_it_resumes(position, texts, models, n_bytes, folder, counted):
    """What was counted in finished parts is not counted again, and these are all but the last few texts."""
    interrupt(texts, position, folder)
    done = finished(folder)
    longest = max(len(text.encode()) for text in texts)
    documents = [*texts, "", *texts][:position]
    read = sum(len(text.encode()) for text in documents)
    assert read - sum(done.values()) < PART_BYTES + 2 * BATCH_BYTES + longest
    counted.clear()
    assert train(texts, folder) == models
    assert counted == Counter({kind: n_bytes - done[kind] for kind in KINDS})


@pytest.mark.parametrize("workers", [1, 3])
def test_interrupted_again_and_again_it_resumes(workers, texts, models, n_bytes, folder, counted):
    """A bit further each time, and never further back."""
    done = finished(folder)
    for position in range(0, 2 * 27, 5):
        interrupt(texts, position, folder, workers)
        now = finished(folder)
        assert all(now[kind] >= done[kind] for kind in KINDS)
        done = now
    counted.clear()
    assert train(texts, folder) == models
    assert counted == Counter({kind: n_bytes - done[kind] for kind in KINDS})


RESOURCES = st.fixed_dictionaries(
    {
        "workers": st.integers(1, 4),
        "memory_limit": st.sampled_from([None, "64M", "1G"]),
        "batch_bytes": st.integers(1, 500),
        "part_bytes": st.integers(100, 5000),
        "counter_bytes": st.sampled_from([0, 5000, 2**28]),
    }
)


TINY = {"workers": 1, "memory_limit": None, "batch_bytes": 1, "part_bytes": 100, "counter_bytes": 0}


@given(runs=st.lists(st.tuples(st.integers(0, 2 * 27), RESOURCES), min_size=1, max_size=4))
@example(runs=[(26, TINY), (27, TINY), (53, TINY)])
@examples(10)
def test_resumed_with_other_resources_it_gives_the_same(runs, texts, models, tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("checkpoint")
    for position, resources in runs:
        monkeypatch.setattr(Checkpoint, "part_bytes", lambda *_, n=resources["part_bytes"]: n)
        monkeypatch.setattr(Resources, "batch_bytes", resources["batch_bytes"])
        monkeypatch.setattr(Resources, "counter_bytes", lambda *_, n=resources["counter_bytes"], **__: n)
        monkeypatch.setattr(Resources, "store_bytes", lambda *_, n=resources["counter_bytes"], **__: n)
        given = (folder, resources["workers"])
        try:
            assert train(Interrupted(texts, position), *given, memory_limit=resources["memory_limit"]) == models
        except Failure:
            continue
    assert train(texts, folder) == models


@pytest.mark.parametrize("position", [10, 40])
def test_ctrl_c_is_an_interruption_like_others(position, texts, models, folder, counted):
    with pytest.raises(KeyboardInterrupt):
        train(Interrupted(texts, position, KeyboardInterrupt), folder, 2)
    done = finished(folder)
    assert any(done.values())
    counted.clear()
    assert train(texts, folder) == models
    assert counted["ngrams"] + sum(done.values()) + counted["pieces"] == 2 * sum(len(text.encode()) for text in texts)


@pytest.mark.parametrize("pass_number", [1, 2])
@pytest.mark.parametrize("workers", [1, 3])
def test_interrupted_by_a_worker_it_resumes(workers, pass_number, texts, models, n_bytes, folder, counted, monkeypatch):
    calls = Counter()
    kind = KINDS[pass_number - 1]
    add = counting._add

    def failing(counter, batch):
        add(counter, batch)
        calls[isinstance(counter, NgramCounter)] += 1
        if calls[kind == "ngrams"] == 8:
            raise Failure

    with monkeypatch.context() as patch:
        patch.setattr(counting, "_add", failing)
        with pytest.raises(Failure):
            train(texts, folder, workers)
    done = finished(folder)
    counted.clear()
    assert train(texts, folder) == models
    assert counted == Counter({kind: n_bytes - done[kind] for kind in KINDS})


def test_a_finished_training_counts_nothing_again(texts, models, folder, counted):
    train(texts, folder)
    counted.clear()
    assert train(texts, folder) == models
    assert not +counted


def test_parts_grow_with_the_corpus(texts, models, folder, monkeypatch):
    """So that even of a huge corpus there are not too many of them."""
    monkeypatch.setattr(Checkpoint, "part_bytes", lambda self, reader: max(PART_BYTES, reader.n_bytes))
    assert train(texts, folder) == models
    for parts in manifest_of(folder)["parts"].values():
        ends = [part["bytes"] for part in parts]
        assert len(ends) > 2
        assert all(after >= 2 * before for before, after in pairwise(ends[:-1]))


def test_a_large_corpus_has_some_hundred_parts(texts, folder, monkeypatch):
    monkeypatch.undo()

    class SomeReader:
        n_bytes = 0

    reader = SomeReader()
    checkpoint = Checkpoint(folder, {})
    n_parts = 0
    while reader.n_bytes < 10**13:
        reader.n_bytes += checkpoint.part_bytes(reader)
        n_parts += 1
    assert n_parts < 1000


# Killed.

SCRIPT = """
import json, os, signal, sys
from bytepiece import Trainer
from bytepiece.training.counting import checkpoint, counts_file
from bytepiece.training.counting import passes as counting

folder, event, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
checkpoint.Checkpoint.part_bytes = lambda *_: 700
counting.Resources.batch_bytes = 200
counting.Resources.counter_bytes = counting.Resources.store_bytes = lambda *_, **__: 2000

def count_down():
    global number
    number -= 1
    if number < 0:
        os.kill(os.getpid(), signal.SIGKILL)

def at(module, name):
    function = getattr(module, name)
    def counting_down(*given, **options):
        count_down()
        return function(*given, **options)
    setattr(module, name, counting_down)

if event == "block":
    at(counts_file, "_write_block")
elif event == "rename":
    at(os, "replace")
elif event == "manifest":
    at(checkpoint, "atomic_writer")
elif event == "batch":
    at(counting, "_add")

texts = json.load(sys.stdin)

class Texts:
    def __iter__(self):
        for text in texts:
            if event == "text":
                count_down()
            yield text

Trainer(max_vocab_size=[270, 300]).train(Texts(), 2, checkpoint=folder, progress=False)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.parametrize(
    ("event", "number"),
    [
        ("text", 3),
        ("text", 20),
        ("text", 45),
        ("batch", 12),
        ("batch", 30),
        ("block", 10),
        ("rename", 0),
        ("rename", 5),
        ("manifest", 1),
        ("manifest", 8),
    ],
)
def test_killed_it_resumes(event, number, texts, models, n_bytes, folder, counted):
    done = run_python(SCRIPT, folder, event, number, input=json.dumps(texts))
    assert (done.returncode, done.stderr) == (-signal.SIGKILL, "")
    if event == "rename":
        assert list(folder.glob(".*"))
    done = finished(folder)
    assert train(texts, folder) == models
    assert not list(folder.glob(".*"))
    assert counted == Counter({kind: n_bytes - done[kind] for kind in KINDS})


def test_temporary_files_of_another_training_stay(texts, models, folder):
    """It may be still alive: two have been started by mistake, say."""
    folder.mkdir()
    with atomic_writer(folder / "other") as file:
        file.write(b"other")
        assert train(texts, folder) == models
    assert (folder / "other").read_bytes() == b"other"


def test_a_checkpoint_that_is_refused_stays_as_it_is(texts, folder):
    train(texts, folder)
    (folder / ".bytepiece-0123456789abcdef.tmp").touch()
    with pytest.raises(CheckpointError, match="other settings"):
        train(texts, folder, order=5)
    assert list(folder.glob(".*"))


@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("error", [Failure, KeyboardInterrupt])
def test_interrupted_between_part_and_manifest_it_resumes(error, number, texts, models, folder, monkeypatch):
    calls = []
    write = checkpoint_module.atomic_writer

    def failing(path):
        calls.append(path)
        if len(calls) > number:
            raise error
        return write(path)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint_module, "atomic_writer", failing)
        with pytest.raises(error):
            train(texts, folder)
    assert os.path.basename(calls[0]) == "checkpoint.json"
    assert len(list(folder.glob("*.counts"))) == number + 1
    assert train(texts, folder) == models


@pytest.mark.parametrize("number", [0, 3, 8])
def test_interrupted_while_a_part_is_written_it_resumes(number, texts, models, folder, monkeypatch):
    calls = []
    write = counts_file._write_block

    def failing(*given):
        calls.append(None)
        if len(calls) > 2 * number + 1:
            raise OSError(28, "No space left on device")
        return write(*given)

    with monkeypatch.context() as patch:
        patch.setattr(counts_file, "_write_block", failing)
        with pytest.raises(OSError, match="No space"):
            train(texts, folder)
    assert all(name.endswith((".counts", ".json")) for name in contents(folder) if folder.exists())
    assert train(texts, folder) == models


# Another training.


def test_the_order_of_sizes_is_no_difference(texts, models, folder, counted):
    interrupt(texts, 40, folder)
    counted.clear()
    assert train(texts, folder, max_vocab_size=[*reversed(SIZES), SIZES[0]]) == models
    assert counted["ngrams"] == 0


def test_special_tokens_are_no_difference(texts, models, folder, counted):
    sizes = [size + 1 for size in SIZES]
    interrupt(texts, 40, folder, max_vocab_size=sizes)
    counted.clear()
    resumed = train(texts, folder, max_vocab_size=sizes, special_tokens=["<a>"])
    assert [resumed[size + 1].pieces for size in SIZES] == [models[size].pieces for size in SIZES]
    assert counted["ngrams"] == 0


@pytest.mark.parametrize(
    ("name", "was", "now"),
    [
        ("order", 6, 5),
        ("min_count", 2, 3),
        ("max_piece_length", 36, 12),
        ("max_vocab_size", SIZES, [300, 280]),
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
    assert sum(other in str(caught.value) for other in Trainer()._settings(300)) == 1
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
def test_a_corpus_that_differs_behind_the_finished_parts_gives_no_wrong_model(position, change, texts, models, folder):
    """Refused, or as if it had been that from the start: pieces of one n-gram model never go with those of another."""
    if position is None:
        train(texts, folder)
    else:
        interrupt(texts, position, folder)
    other = change(texts)
    expected = Trainer(max_vocab_size=SIZES)
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
    Trainer().count_ngrams(texts, path, progress=False)
    interrupt(texts, position, folder, counts=[path])
    counted.clear()
    assert train(texts, folder, counts=[path]) == models
    assert counted["ngrams"] == 0


@pytest.mark.parametrize(
    ("start_with_counts", "position"),
    [(False, 20), (False, 40), (True, 13)],
    ids=["first pass", "second pass", "second pass, of counts"],
)
def test_pieces_of_other_counts_give_no_wrong_model(start_with_counts, position, texts, folder, tmp_path):
    """Counts of n-grams that are given are part of what a checkpoint is of."""
    own, others = tmp_path / "own.counts", tmp_path / "others.counts"
    Trainer().count_ngrams(texts, own, progress=False)
    Trainer().count_ngrams([text[::-1] for text in texts], others, progress=False)
    interrupt(texts, position, folder, counts=[own] if start_with_counts else [])
    expected = Trainer(max_vocab_size=SIZES)
    expected.train(texts, counts=[others], progress=False)
    try:
        trained = train(texts, folder, counts=[others])
    except CheckpointError as error:
        trained = str(error)
    assert trained == expected.models or isinstance(trained, str)


def test_pieces_of_counts_of_like_sizes_give_no_wrong_model(folder, tmp_path):
    """As many bytes and n-grams of each length, but others."""
    texts = ["abcabd" * 5, "efgefh" * 5]
    paths = [tmp_path / "a.counts", tmp_path / "b.counts"]
    for text, path in zip(texts, paths, strict=True):
        Trainer().count_ngrams([text], path, progress=False)
    interrupt(texts * 30, 50, folder, counts=paths[:1])
    with pytest.raises(CheckpointError, match="another n-gram model"):
        train(texts * 30, folder, counts=paths[1:])


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
    """Wherever the manifest comes from, no other file is read."""
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
