"""Parts of a corpus, counted apart: together they give the model of the whole."""

import os
import re
import shutil
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import BytePieceError, CorpusError, Model, SettingsError
from bytepiece.errors import CountsFormatError
from bytepiece.training.counting import counts_file
from bytepiece.training.counting.blocks import read_header
from bytepiece.training.counting.parts import merge_counts
from bytepiece.training.resources import Resources
from helpers.counts import key_of, run_of
from helpers.processes import run_python
from helpers.properties import examples
from helpers.texts import random_texts
from helpers.trainers import plain_trainer

SIZES = [300, 1000]
KINDS = pytest.mark.parametrize("kind", ["ngrams", "pieces"])


@pytest.fixture(scope="module")
def texts():
    return random_texts("abcdeé你12")


@pytest.fixture(scope="module")
def models(texts):
    return train(texts)


def train(texts, from_counts=(), **settings):
    trainer = plain_trainer(**{"vocab_size": SIZES} | settings)
    trainer.train(texts, from_counts=from_counts, progress=False)
    return trainer.models


def count_ngrams(texts, path, workers=1, **settings):
    plain_trainer(**settings).count_ngrams(texts, path, workers, progress=False)
    return path


def count_pieces(texts, ngrams, path, workers=1, **settings):
    plain_trainer(**settings).count_pieces(texts, ngrams, path, workers, progress=False)
    return path


@pytest.fixture(scope="module")
def halves(texts, tmp_path_factory):
    """Files of the n-grams and of the pieces of two halves of the texts."""
    folder = tmp_path_factory.mktemp("halves")
    parts = [texts[:12], texts[12:]]
    ngrams = [count_ngrams(part, folder / f"ngrams-{k}") for k, part in enumerate(parts)]
    pieces = [count_pieces(part, ngrams, folder / f"pieces-{k}") for k, part in enumerate(parts)]
    return {"ngrams": ngrams, "pieces": pieces}


# The model of the whole.


@given(data=st.data(), n_parts=st.integers(1, 5))
@examples(25)
def test_any_parts_give_the_model_of_the_whole(data, n_parts, texts, models, tmp_path_factory):
    """Each pass has parts of its own; some of them are merged before training."""
    folder = tmp_path_factory.mktemp("parts")

    def parts():
        places = data.draw(st.lists(st.integers(0, n_parts - 1), min_size=len(texts), max_size=len(texts)))
        divided = [[text for text, place in zip(texts, places, strict=True) if place == n] for n in range(n_parts)]
        return [part for part in divided if any(part)]

    def some_merged(files, name):
        n = data.draw(st.integers(0, len(files)))
        if n == 0:
            return files
        merge_counts(files[:n], folder / name)
        return [*files[n:], folder / name]

    ngrams = [count_ngrams(part, folder / f"ngrams-{k}", 1 + k % 3) for k, part in enumerate(parts())]
    ngrams = some_merged(ngrams, "merged ngrams")
    assert train(texts, ngrams) == models
    pieces = [count_pieces(part, ngrams, folder / f"pieces-{k}", 1 + k % 3) for k, part in enumerate(parts())]
    assert train(None, some_merged(pieces, "merged pieces")) == models


@pytest.mark.parametrize(
    "chosen",
    [
        {"order": 1},
        {"order": 7, "min_count": 1},
        {"min_count": 5, "max_piece_length": 5},
        {"isolate_digits": True, "normalization": "nfc"},
        {"ensure_unicode": False},
    ],
    ids=str,
)
def test_parts_give_the_model_of_the_whole_with_any_settings(chosen, texts, tmp_path):
    parts = [texts[::2], texts[1::2]]
    ngrams = [count_ngrams(part, tmp_path / f"ngrams-{k}", **chosen) for k, part in enumerate(parts)]
    pieces = [count_pieces(part, ngrams, tmp_path / f"pieces-{k}", **chosen) for k, part in enumerate(parts)]
    expected = train(texts, **chosen)
    assert train(texts, ngrams, **chosen) == expected
    assert train(None, pieces, **chosen) == expected


@pytest.mark.slow
def test_each_text_may_be_a_part(texts, models, tmp_path):
    """Many files, and each n-gram in some of them."""
    parts = [*texts, *texts[:5]]
    ngrams = [count_ngrams([text], tmp_path / f"ngrams-{k}") for k, text in enumerate(parts)]
    pieces = [count_pieces([text], ngrams, tmp_path / f"pieces-{k}") for k, text in enumerate(parts)]
    assert train(None, pieces) == train(parts)


def test_the_order_of_parts_changes_nothing(halves, texts, models):
    assert train(texts, halves["ngrams"][::-1]) == models
    assert train(None, halves["pieces"][::-1]) == models


def test_a_part_twice_counts_twice(halves, texts):
    assert train(texts * 2, halves["ngrams"] * 2) == train(texts * 2)


def test_vocabularies_of_any_size_come_of_the_same_pieces(halves, texts):
    for settings_ in ({"vocab_size": 260}, {"vocab_size": [270, 280]}, {"max_piece_length": 3}):
        assert train(None, halves["pieces"], **settings_) == train(texts, **settings_)


def test_ngrams_of_more_texts_may_cut_a_part(halves, texts):
    """The n-gram model of a whole corpus, for pieces of some of it."""
    assert [*train(texts[:5], halves["ngrams"])] == SIZES[::-1]


def test_a_part_without_pieces_is_a_part(halves, models, tmp_path):
    empty = count_pieces([""], halves["ngrams"], tmp_path / "empty")
    assert train(None, [*halves["pieces"], empty]) == models


@pytest.mark.parametrize("make", [str, os.fspath, lambda path: path], ids=["str", "fspath", "Path"])
def test_a_single_file_will_do(make, texts, models, tmp_path):
    path = count_ngrams(texts, tmp_path / "all")
    assert train(texts, make(path)) == models
    assert train(None, count_pieces(texts, make(path), tmp_path / "pieces")) == models


def test_paths_come_in_any_iterable(halves, texts, models):
    assert train(texts, iter(halves["ngrams"])) == models
    assert train(None, (path for path in halves["pieces"])) == models


def test_texts_are_not_read_where_pieces_are_given(halves, models):
    class Texts:
        def __iter__(self):
            raise AssertionError
            yield

    assert train(Texts(), halves["pieces"]) == models


@pytest.mark.slow
@pytest.mark.parametrize("n", [2, 3, 16])
@pytest.mark.parametrize("n_parts", [1, 2, 3, 4, 9, 10, 29])
def test_more_parts_than_can_be_read_side_by_side(n_parts, n, texts, tmp_path, monkeypatch):
    """Files are merged in rounds: those of both passes in training, and in `merge_counts`."""
    monkeypatch.setattr(Resources, "open_files", n)
    monkeypatch.setattr(Resources, "MERGED_FILES", 2)
    texts = [*texts, *texts[:5]]
    parts = [part for part in (texts[k::n_parts] for k in range(n_parts)) if part]
    ngrams = [count_ngrams(part, tmp_path / f"ngrams-{k}") for k, part in enumerate(parts)]
    pieces = [count_pieces(part, ngrams, tmp_path / f"pieces-{k}") for k, part in enumerate(parts)]
    expected = train(texts)
    assert train(texts, ngrams) == expected
    assert train(None, pieces) == expected
    merge_counts(pieces, tmp_path / "merged")
    assert train(None, [tmp_path / "merged"]) == expected


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of resources")
def test_more_parts_than_files_can_be_open(halves, texts, tmp_path):
    n = 300
    for kind in halves:
        for k in range(n):
            shutil.copy(halves[kind][k % 2], tmp_path / f"{k}.{kind}")
    code = """
        import glob, resource, sys
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
        from bytepiece.cli.main import main
        sys.exit(main([*sys.argv[2:], *glob.glob(sys.argv[1])]))
    """

    def run(pattern, *arguments):
        done = run_python(code, tmp_path / pattern, *arguments)
        assert (done.returncode, done.stderr) == (0, "")

    options = ["--vocab-size", "300", "--refine-rounds", "0", "--boundaries", "none", "--quiet", "--output"]
    run("*.pieces", "train", *options, tmp_path / "model", "--from-counts")
    assert {300: Model.load(tmp_path / "model")} == train(None, halves["pieces"] * (n // 2), vocab_size=300)
    run("*.pieces", "merge", "--output", tmp_path / "merged")
    run("merged", "train", *options, tmp_path / "model of merged", "--from-counts")
    assert (tmp_path / "model of merged").read_bytes() == (tmp_path / "model").read_bytes()


def test_parts_can_be_counted_in_little_memory(texts, models, tmp_path, monkeypatch):
    monkeypatch.setattr(Resources, "counter_bytes", lambda *_, **__: 0)
    monkeypatch.setattr(Resources, "store_bytes", lambda *_, **__: 0)
    monkeypatch.setattr(Resources, "batch_bytes", 100)
    monkeypatch.setattr("bytepiece.training.resources.SMALLEST_LIMIT", 1)
    trainer = plain_trainer(vocab_size=SIZES)
    options = {"memory_limit": 2**20, "temp_dir": tmp_path, "progress": False}
    trainer.count_ngrams(texts, tmp_path / "ngrams", 2, **options)
    trainer.count_pieces(texts, [tmp_path / "ngrams"], tmp_path / "pieces", 2, **options)
    trainer.train(None, from_counts=[tmp_path / "pieces"], **options)
    assert trainer.models == models
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ngrams", "pieces"]


@KINDS
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("counter_bytes", [0, 3000, 2**28])
def test_the_same_texts_are_the_same_file(kind, counter_bytes, workers, texts, tmp_path, monkeypatch):
    """A file depends on nothing but the texts and settings, byte for byte."""
    monkeypatch.setattr(counts_file, "_BLOCK_ITEMS", 100)
    ngrams = count_ngrams(texts, tmp_path / "ngrams")
    files = {"ngrams": ngrams, "pieces": count_pieces(texts, [ngrams], tmp_path / "pieces")}
    monkeypatch.setattr(Resources, "counter_bytes", lambda *_, **__: counter_bytes)
    monkeypatch.setattr(Resources, "store_bytes", lambda *_, **__: counter_bytes)
    monkeypatch.setattr(Resources, "batch_bytes", 300)
    if kind == "ngrams":
        other = count_ngrams(texts, tmp_path / "other", workers)
    else:
        other = count_pieces(texts, [ngrams], tmp_path / "other", workers)
    assert other.read_bytes() == files[kind].read_bytes()


@KINDS
def test_merged_parts_are_the_file_of_the_whole(kind, halves, texts, tmp_path):
    merge_counts(halves[kind], tmp_path / "merged")
    if kind == "ngrams":
        whole = count_ngrams(texts, tmp_path / "whole")
    else:
        whole = count_pieces(texts, halves["ngrams"], tmp_path / "whole")
    assert (tmp_path / "merged").read_bytes() == whole.read_bytes()


@KINDS
def test_parts_may_be_merged_in_any_order(kind, halves, tmp_path):
    merge_counts(halves[kind], tmp_path / "merged")
    merge_counts(halves[kind][:1], tmp_path / "first")
    merge_counts([halves[kind][1], tmp_path / "first"], tmp_path / "again")
    assert (tmp_path / "merged").read_bytes() == (tmp_path / "again").read_bytes()


# What does not go together.


def check_refused(paths, named, saying, texts=None, **settings):
    """Training with counts is an error in one line, which names the file."""
    trainer = plain_trainer(vocab_size=300, **settings)
    with pytest.raises(CountsFormatError, match=saying) as caught:
        trainer.train(texts, from_counts=paths, progress=False)
    assert str(named) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "value", "kinds"),
    [
        ("order", 5, ["ngrams", "pieces"]),
        ("isolate_digits", True, ["ngrams", "pieces"]),
        ("normalization", "nfc", ["ngrams", "pieces"]),
        ("min_count", 3, ["pieces"]),
        ("ensure_unicode", False, ["pieces"]),
    ],
)
def test_counts_of_other_settings_are_refused_by_their_name(name, value, kinds, halves, texts, tmp_path):
    others = {"ngrams": [count_ngrams(texts, tmp_path / "ngrams", **{name: value})]}
    others["pieces"] = [count_pieces(texts, others["ngrams"], tmp_path / "pieces", **{name: value})]
    for kind in kinds:
        check_refused([*halves[kind], *others[kind]], others[kind][0], f"{name} {value!r}", texts)
        check_refused(halves[kind], halves[kind][0], name, texts, **{name: value})
        with pytest.raises(CountsFormatError, match=re.escape(str(others[kind][0]))):
            merge_counts([*halves[kind], *others[kind]], tmp_path / "merged")
        assert not (tmp_path / "merged").exists()


def test_ngrams_do_not_depend_on_the_settings_of_pieces(halves, texts):
    chosen = {"min_count": 3, "ensure_unicode": False}
    assert train(texts, halves["ngrams"], **chosen) == train(texts, **chosen)


def test_pieces_of_other_settings_cannot_be_counted(halves, texts, tmp_path):
    with pytest.raises(CountsFormatError, match=f"{re.escape(str(halves['ngrams'][0]))}.*order 6, not 5"):
        count_pieces(texts, halves["ngrams"], tmp_path / "pieces", order=5)
    assert list(tmp_path.iterdir()) == []


def test_pieces_of_another_model_are_refused(halves, texts, tmp_path):
    """A mistake that is easily made: pieces found with the n-grams of a part only."""
    other = count_pieces(texts[12:], halves["ngrams"][1:], tmp_path / "other")
    check_refused([halves["pieces"][0], other], other, "another n-gram model")
    with pytest.raises(CountsFormatError, match=f"{re.escape(str(other))}.*another n-gram model"):
        merge_counts([halves["pieces"][0], other], tmp_path / "merged")


def test_pieces_of_a_model_of_like_sizes_are_refused(tmp_path):
    """Both corpora have as many bytes, and as many n-grams of each length."""
    texts = ["abcabd" * 5, "efgefh" * 5]
    pieces = []
    for k, text in enumerate(texts):
        ngrams = count_ngrams([text], tmp_path / f"ngrams-{k}")
        pieces.append(count_pieces(texts, [ngrams], tmp_path / f"pieces-{k}"))
    check_refused(pieces, pieces[1], "another n-gram model")


def test_counts_of_both_kinds_are_refused(halves, texts, tmp_path):
    first, second = halves["ngrams"][0], halves["pieces"][1]
    check_refused([first, second], second, "pieces", texts)
    check_refused([second, first], first, "ngrams", texts)
    with pytest.raises(CountsFormatError, match=re.escape(str(second))):
        merge_counts([first, second], tmp_path / "merged")


def test_pieces_are_no_ngrams(halves, texts, tmp_path):
    with pytest.raises(CountsFormatError, match=f"{re.escape(str(halves['pieces'][0]))}.*pieces"):
        count_pieces(texts, halves["pieces"], tmp_path / "pieces")


def test_a_file_that_is_no_counts_is_refused(halves, texts, tmp_path):
    (tmp_path / "text").write_text("a text\n")
    check_refused([*halves["ngrams"], tmp_path / "text"], tmp_path / "text", "not a file of counts", texts)


@pytest.mark.parametrize("position", [0, 1])
@KINDS
def test_a_part_that_is_not_there_is_an_os_error(kind, position, halves, texts, tmp_path):
    paths = [*halves[kind]]
    paths[position] = tmp_path / "none"
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / "none"))):
        train(texts, paths)
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / "none"))):
        merge_counts(paths, tmp_path / "merged")


@KINDS
def test_a_damaged_part_is_refused_by_its_name(kind, halves, texts, tmp_path):
    data = halves[kind][1].read_bytes()
    (tmp_path / "damaged").write_bytes(data[:-30] + b"x" + data[-29:])
    check_refused([halves[kind][0], tmp_path / "damaged"], tmp_path / "damaged", "damaged", texts)
    with pytest.raises(CountsFormatError, match=re.escape(str(tmp_path / "damaged"))):
        merge_counts([halves[kind][0], tmp_path / "damaged"], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_ngrams_need_texts(halves):
    with pytest.raises(CorpusError, match="no texts"):
        train(None, halves["ngrams"])


def test_pieces_of_other_texts_than_refinement_reads(texts, tmp_path):
    trainer = plain_trainer(vocab_size=300, refine_rounds=1)
    trainer.count_ngrams(texts, tmp_path / "ngrams", progress=False)
    trainer.count_pieces(texts, tmp_path / "ngrams", tmp_path / "pieces", progress=False)
    for some in (texts[1:], [*texts, ""]):
        with pytest.raises(CorpusError, match=f"there are {len(some)} texts, but .* of {len(texts)} are given"):
            trainer.train(some, from_counts=tmp_path / "pieces", progress=False)


def test_pieces_need_ngrams(texts, tmp_path):
    with pytest.raises(SettingsError, match=r"^ngrams"):
        count_pieces(texts, [], tmp_path / "pieces")


@pytest.mark.parametrize("empty", [[], [""]], ids=repr)
def test_a_part_may_be_without_text_but_not_all(empty, texts, models, halves, tmp_path):
    nothing = count_ngrams(empty, tmp_path / "nothing")
    assert train(texts, [*halves["ngrams"], nothing]) == models
    for call in (
        lambda: train(empty, [nothing]),
        lambda: count_pieces(empty, [nothing], tmp_path / "pieces"),
    ):
        with pytest.raises(CorpusError, match="there is no text"):
            call()
    assert list(tmp_path.iterdir()) == [nothing]


def test_texts_need_to_be_read_once_only(texts, models, tmp_path):
    """Counting a part is one pass, so texts that can be read once will do."""
    ngrams = count_ngrams(texts, tmp_path / "ngrams")

    class Once:
        passes = 0

        def __iter__(self):
            self.passes += 1
            assert self.passes == 1
            yield from texts

    checked = Once()
    count_ngrams(checked, tmp_path / "ngrams")
    assert train(None, count_pieces(Once(), [ngrams], tmp_path / "pieces")) == models


@pytest.mark.parametrize("verb", ["count_ngrams", "count_pieces"])
def test_a_failed_counting_leaves_the_old_file(verb, halves, texts, tmp_path):
    path = tmp_path / "out"
    path.write_bytes(b"what was there")

    class Texts:
        def __iter__(self):
            yield texts[0]
            raise KeyboardInterrupt

    trainer = plain_trainer()
    given = (halves["ngrams"],) if verb == "count_pieces" else ()
    with pytest.raises(KeyboardInterrupt):
        getattr(trainer, verb)(Texts(), *given, path, progress=False)
    assert path.read_bytes() == b"what was there"
    assert list(tmp_path.iterdir()) == [path]


def test_errors_of_counts_are_those_of_the_package(tmp_path):
    (tmp_path / "x").write_bytes(b"x")
    with pytest.raises(BytePieceError):
        merge_counts([tmp_path / "x"], tmp_path / "y")


def test_merging_nothing_is_an_error(tmp_path):
    with pytest.raises(SettingsError):
        merge_counts([], tmp_path / "merged")


def test_trained_on_counts_a_model_loads(halves, tmp_path):
    trainer = plain_trainer(vocab_size=300)
    trainer.train(None, from_counts=halves["pieces"], progress=False)
    trainer.save(tmp_path / "my.model")
    assert Model.load(tmp_path / "my.model") == trainer.models[300]


def test_counts_that_no_text_has_are_refused_by_the_files(tmp_path, texts):
    """Each is in order by itself; but where there is "abcd", there is "bcd"."""
    path = tmp_path / "some.counts"
    count_ngrams(texts, path)
    header = read_header(path)[0]
    counts_file.save_counts(path, header, [run_of("ngrams", {key_of(b"abcd"): 1000})])
    with pytest.raises(CountsFormatError, match=f"{re.escape(str(path))}: .*suffix"):
        train(texts, [path])
    counts_file.save_counts(path, header, [run_of("ngrams", {key_of(b"abcdefg"): 1000})])
    with pytest.raises(CountsFormatError, match=f"{re.escape(str(path))}: .*order"):
        train(texts, [path])
