"""The sample of refinement: which documents are in it, and what counts as one."""

import random
from itertools import pairwise

import pytest

from bytepiece import TrainingError
from bytepiece.training.refinement.sample import collect_sample
from bytepiece.training.resources import Resources
from bytepiece.training.segments import Reader

SAMPLE = "bytepiece.training.refinement.sample"


def test_a_sample_is_of_whole_documents_whatever_their_order():
    texts = [f"document {k}: {'é' * (k % 30)}" for k in range(80)]
    size = sum(len(text.encode()) for text in texts) // 2
    sample = collect_sample(Reader(texts), Resources(), size)
    again = collect_sample(Reader(texts[::-1]), Resources(), size)
    assert 0 < len(sample.data) <= size
    assert not sample.whole
    assert sample.data == again.data
    bounds = [0, *sample.document_ends.tolist()]
    assert {sample.data[begin:end] for begin, end in pairwise(bounds)} <= {text.encode() for text in texts}


@pytest.mark.parametrize("n_bytes", range(300, 330, 5))
def test_documents_that_come_late_do_not_fill_room_that_came_free(monkeypatch, n_bytes):
    """Also where some documents are there twice, and different ones have parts in common."""
    monkeypatch.setattr(f"{SAMPLE}.DOCUMENT_BYTES", 60)
    generator = random.Random(3)
    texts = [f"{k}: {'x' * generator.randrange(50)}\n" for k in range(60)]
    texts += ["".join(texts[k : k + 4]) for k in range(0, 40, 5)] * 2
    first = collect_sample(Reader(texts), Resources(), n_bytes)
    for _ in range(20):
        generator.shuffle(texts)
        again = collect_sample(Reader(texts), Resources(), n_bytes)
        assert again.data == first.data
        assert again.document_ends.tolist() == first.document_ends.tolist()


def test_a_limit_that_is_too_small_is_an_error():
    with pytest.raises(TrainingError, match=r"needs 66 MB of memory, and the limit is 60 MB.*refine_rounds=0"):
        collect_sample(Reader(["some text\n" * 10_000]), Resources(memory_limit=60 * 2**20))


@pytest.mark.parametrize(("boundaries", "needed"), [(None, 79), ("words", 95)])
def test_short_segments_need_more_memory(boundaries, needed):
    reader = Reader(["a 1 " * 250_000], boundaries=boundaries)
    with pytest.raises(TrainingError, match=f"needs {needed} MB"):
        collect_sample(reader, Resources(memory_limit=2**20))


def test_long_documents_are_cut_where_segments_end(monkeypatch):
    monkeypatch.setattr(f"{SAMPLE}.DOCUMENT_BYTES", 50)
    text = "".join(f"line {k} of some\n" for k in range(100))
    sample = collect_sample(Reader([text]), Resources())
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
@pytest.mark.parametrize("n_bytes", [None, 700], ids=["whole", "sampled"])
def test_parts_of_a_document_count(monkeypatch, many, largest, expected, n_bytes):
    monkeypatch.setattr(f"{SAMPLE}.DOCUMENT_BYTES", 20)
    monkeypatch.setattr(f"{SAMPLE}.MANY_DOCUMENTS", many)
    monkeypatch.setattr(f"{SAMPLE}.LARGEST_SHARE", largest)
    long = "".join(f"long {k:13}.\n" for k in range(10))  # the parts have 20 bytes
    texts = [f"short {k:13}\n" for k in range(15)] + [long] + [f"short {k:13}\n" for k in range(15, 30)]
    sample = collect_sample(Reader(texts), Resources(), n_bytes)
    bounds = [0, *sample.document_ends.tolist()]
    found = [sample.data[begin:end] for begin, end in pairwise(bounds)]
    parts = [*map(len, found)]
    assert sum(parts) == (20 * 40 if n_bytes is None else n_bytes)
    assert all(len({document.split(b" ")[0] for document in text.splitlines()}) == 1 for text in found)
    if n_bytes is None:
        assert sorted(parts) == [20 * n for n in expected]
    else:
        # All that is left of the long document counts as one, or each part for itself.
        assert (max(parts) > 20) == (expected[-1] > 1)
        assert sum(text.startswith(b"long") for text in found) == 1 or expected[-1] == 1
    assert [sample.document_ends[k] for k in sample.documents] >= sample.offsets[1:].tolist()
