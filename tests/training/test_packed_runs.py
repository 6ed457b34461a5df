"""Counts that travel: what is unpacked is what was packed."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece.training.counting import packed_runs
from bytepiece.training.counting.packed_runs import pack_runs, unpack_runs
from bytepiece.training.counting.runs import NgramRun
from helpers.counts import run_of
from helpers.properties import examples

COUNTS = st.sampled_from([1, 255, 256, 2**32, 2**63 - 1]) | st.integers(1, 2**60)
KEYS = {
    "ngrams": st.integers(0, 9) | st.integers(0, 2**64 - 1) | st.just(2**64 - 1),
    "pieces": st.binary(max_size=12) | st.just(b"x" * 70_000),
}


@pytest.mark.parametrize("kind", KEYS)
@given(data=st.data())
@examples(100)
def test_there_and_back(kind, data):
    counts = data.draw(st.dictionaries(KEYS[kind], COUNTS, max_size=20))
    whole = run_of(kind, counts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=4)))
    runs = [whole.slice(begin, end) for begin, end in pairwise([0, *cuts, len(whole)])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packed_runs, "BLOCK_ITEMS", data.draw(st.integers(1, 30)))
        packed = pack_runs(runs)
    back = whole.join(list(unpack_runs(packed))) if counts else whole
    assert [array.tolist() for array in back.arrays] == [array.tolist() for array in whole.arrays]
    assert [array.dtype for array in back.arrays] == [array.dtype for array in whole.arrays]


@pytest.mark.parametrize("kind", KEYS)
def test_kernels_take_them(kind):
    key = b"piece" if kind == "pieces" else 2**56 + 1
    (back,) = unpack_runs(pack_runs([run_of(kind, {key: 3})]))
    assert back.add(back).counts.tolist() == [6]


def test_neighbours_take_few_bytes():
    run = run_of("ngrams", {(97 << 56) + 256 * k + 6: 1 + k % 3 for k in range(50_000)})
    assert len(pack_runs([run])) < 50_000


def test_of_nothing():
    assert pack_runs([]) == pack_runs([NgramRun.join([])]) == b""
    assert list(unpack_runs(b"")) == []
