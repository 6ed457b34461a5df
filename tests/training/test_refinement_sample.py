"""The sample of refinement: which documents are in it, and what counts as one."""

import random
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import Trainer, TrainingError
from bytepiece.training import resources
from bytepiece.training.distributed import tasks
from bytepiece.training.refinement.parts import NO_BOUND, Keys, merge_keys
from bytepiece.training.refinement.sample import collect_sample
from bytepiece.training.resources import Resources
from bytepiece.training.segments import Reader

SAMPLE = "bytepiece.training.refinement.sample"


def test_a_sample_is_of_whole_documents_whatever_their_order():
    texts = [f"document {k}: {'é' * (k % 30)}" for k in range(80)]
    size = sum(len(text.encode()) for text in texts) // 2
    sample = collect_sample(Reader(texts), size)
    again = collect_sample(Reader(texts[::-1]), size)
    assert 0 < len(sample.data) <= size
    assert not sample.whole
    assert sample.data == again.data
    bounds = [0, *sample.document_ends.tolist()]
    assert {sample.data[begin:end] for begin, end in pairwise(bounds)} <= {text.encode() for text in texts}


@pytest.mark.parametrize("n_bytes", range(900, 1020, 20))
def test_documents_that_come_late_do_not_fill_room_that_came_free(monkeypatch, n_bytes):
    """Also where some documents are there twice, and different ones have parts in common."""
    monkeypatch.setattr(f"{SAMPLE}.DOCUMENT_BYTES", 60)
    generator = random.Random(3)
    texts = [f"{k}: {'x' * generator.randrange(50)}\n" for k in range(60)]
    texts += ["".join(texts[k : k + 4]) for k in range(0, 40, 5)] * 2
    first = collect_sample(Reader(texts), n_bytes)
    for _ in range(20):
        generator.shuffle(texts)
        again = collect_sample(Reader(texts), n_bytes)
        assert again.data == first.data
        assert again.document_ends.tolist() == first.document_ends.tolist()


@pytest.mark.parametrize(
    ("boundaries", "segments"), [(None, [b"a cat\n", b"a 12\n"]), ("words", [b"a", b" cat", b" 1", b"2", b"\n"])]
)
def test_distinct_segments(monkeypatch, boundaries, segments):
    """However the text is divided to be cut."""
    for cut_bytes in (1, 13, 2**20):
        monkeypatch.setattr(f"{SAMPLE}.CUT_BYTES", cut_bytes)
        text = collect_sample(Reader(["a cat\na cat\na 12\n", "a cat\na 12\n"], boundaries=boundaries), 2**20)
        sample = text.segments()
        found = [sample.data[begin:end].tobytes() for begin, end in pairwise(sample.offsets.tolist())]
        assert sorted(found) == sorted(segments)
        assert int((sample.counts * np.diff(sample.offsets)).sum()) == len(text.data)
        postings = sample.postings[slice(*sample.posting_offsets[found.index(segments[0]) :][:2])]
        assert sorted(postings[:, 1].tolist()) == ([1, 2] if boundaries is None else [2, 3])
        assert [*postings[:, 0]] == [0, 1]
        assert len(text.lines(2**24).counts) == 2
        some = text.lines(1)  # those of the first document
        assert (some.n_documents, some.whole) == (1, False)
        assert some.data.tobytes() in (b"a cat\na 12\n", b"a 12\na cat\n")


@pytest.mark.parametrize("n", [10, 11, 35])
def test_of_too_many_documents_neighbours_count_as_one(monkeypatch, n):
    monkeypatch.setattr(f"{SAMPLE}.MOST_DOCUMENTS", 10)
    text = collect_sample(Reader([f"{k} {'x' * k}\n" for k in range(n)]), 2**20)
    together = (n + 9) // 10
    assert len(text.document_ends) == -(-n // together) <= 10
    assert text.document_ends[-1] == len(text.data)
    assert {*text.document_ends.tolist()} <= {*text.part_ends.tolist()}
    assert text.segments().n_documents == len(text.document_ends)


def test_long_documents_are_cut_where_segments_end(monkeypatch):
    monkeypatch.setattr(f"{SAMPLE}.DOCUMENT_BYTES", 50)
    text = "".join(f"line {k} of some\n" for k in range(100))
    sample = collect_sample(Reader([text]), 2**20)
    assert sample.whole
    assert len(sample.data) == len(text)
    bounds = [0, *sample.document_ends.tolist()]
    assert {line for begin, end in pairwise(bounds) for line in sample.data[begin:end].splitlines(True)} == set(
        text.encode().splitlines(True)
    )
    assert len(bounds) > 25


@pytest.mark.parametrize(
    ("many", "largest", "expected"),
    [(31, 1, [1] * 30 + [10]), (32, 1, [1] * 40), (31, 1 / 5, [1] * 40)],
    ids=["as one", "of a corpus of few documents", "of one that is most of the sample"],
)
@pytest.mark.parametrize("n_bytes", [2**20, (20 + 28) * 35], ids=["whole", "sampled"])
def test_parts_of_a_document_count(monkeypatch, many, largest, expected, n_bytes):
    monkeypatch.setattr(f"{SAMPLE}.DOCUMENT_BYTES", 20)
    monkeypatch.setattr(f"{SAMPLE}.MANY_DOCUMENTS", many)
    monkeypatch.setattr(f"{SAMPLE}.LARGEST_SHARE", largest)
    long = "".join(f"long {k:13}.\n" for k in range(10))  # the parts have 20 bytes
    texts = [f"short {k:13}\n" for k in range(15)] + [long] + [f"short {k:13}\n" for k in range(15, 30)]
    sample = collect_sample(Reader(texts), n_bytes)
    bounds = [0, *sample.document_ends.tolist()]
    found = [sample.data[begin:end] for begin, end in pairwise(bounds)]
    parts = [*map(len, found)]
    assert sum(parts) == 20 * (40 if n_bytes == 2**20 else 35)
    assert all(len({document.split(b" ")[0] for document in text.splitlines()}) == 1 for text in found)
    if n_bytes == 2**20:
        assert sorted(parts) == [20 * n for n in expected]
    else:
        # All that is left of the long document counts as one, or each part for itself.
        assert (max(parts) > 20) == (expected[-1] > 1)
        assert sum(text.startswith(b"long") for text in found) == 1 or expected[-1] == 1


def test_short_documents_count_as_long_as_the_memory_they_take():
    texts = [chr(97 + k % 26) for k in range(5000)]
    sample = collect_sample(Reader(texts), 29_000)
    assert len(sample.data) == len(sample.part_ends) == 1000
    assert not sample.whole
    assert collect_sample(Reader(texts), 29 * 5000).whole


@given(data=st.data())
def test_keys_can_be_merged_in_any_number_of_parts(data):
    """The bound is that of all keys together."""
    hashes = data.draw(st.lists(st.integers(0, 20), min_size=1, max_size=60))
    n_parts, most = data.draw(st.integers(1, 20)), data.draw(st.integers(0, 1500))
    lengths = [5 * (hash % 7) + 1 for hash in hashes]
    keys = Keys(
        np.array(lengths, np.uint32), np.array(hashes, np.uint64), np.arange(len(hashes), dtype=np.uint64), NO_BOUND
    )
    whole = keys.select(*keys.fitting(most))
    cuts = [len(hashes) * k // n_parts for k in range(n_parts + 1)]
    parts = [keys.select(np.arange(*ends), NO_BOUND) for ends in pairwise(cuts)]
    parts = [part.select(*part.fitting(most)) for part in parts]
    merged = merge_keys(parts, most)
    assert merged.bound == whole.bound
    assert [array.tolist() for array in merged[:3]] == [array.tolist() for array in whole[:3]]


def test_a_sample_that_does_not_fit_is_refused_while_it_is_read():
    texts, read = [f"{k} {'x' * 1000}\n" for k in range(3000)], []
    limited = partial(Resources(memory_limit=2**20).check_sampling, 2**24)
    with pytest.raises(TrainingError, match=r"sample of 16\.0 MB needs 256 MB of memory, and the limit is 1 MB"):
        collect_sample(Reader(read.append(text) or text for text in texts), 2**24, limited)
    assert len(read) < 600
    sample = collect_sample(Reader(texts), 2**18, limited)  # a smaller one fits, however long the texts are
    assert not sample.whole


@pytest.mark.parametrize("task", [tasks.ChooseKeys, partial(tasks.ChooseParts, bound=NO_BOUND)])
def test_a_sample_that_does_not_fit_into_a_task_is_refused(task):
    reading = tasks.Reading(None, False, "words", Resources(memory_limit=2**20))
    with pytest.raises(
        TrainingError, match=r"taking a sample of 16\.0 MB needs 54 MB of memory, and the limit is 1 MB"
    ):
        [*task(reading=reading, n_bytes=2**24)([f"{k} {'x' * 1000}\n" for k in range(3000)])]


def test_a_sample_of_a_part_that_does_not_fit_is_refused_while_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(resources, "SMALLEST_LIMIT", 2**20)
    read = []

    class Texts:
        def __iter__(self):
            return (read.append(k) or f"{k} {'x' * 1000}\n" for k in range(3000))

    trainer = Trainer(vocab_size=300, refine_sample="2M")
    with pytest.raises(
        TrainingError, match=r"^taking a sample of 2\.0 MB needs 7 MB of memory, and the limit is 1 MB: raise it to 7M$"
    ):
        trainer.take_sample(Texts(), tmp_path / "sample", memory_limit="1M", progress=False)
    assert len(read) < 600
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_segments_that_do_not_fit_are_refused_while_they_are_collected():
    generator = random.Random(0)
    text = collect_sample(Reader([generator.randbytes(3000).hex() + "\n" for _ in range(2000)]), 2**24)
    shares = []

    def check(amounts, share):
        shares.append(share)
        Resources(memory_limit=90 * 2**20).check_refinement(len(text.data), [amounts], (), share)

    with pytest.raises(TrainingError, match=r"raise it to 1[78]\dM, take a sample of 2M \(refine_sample\)"):
        text.segments(check)
    assert 0 < len(shares) < 8  # some are cut ahead
    assert shares[-1] < 0.7
