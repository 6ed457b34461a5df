"""Byte strings packed in arrays, with counts and without."""

import pickle
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece.core.packed import CountedBytes, PackedBytes
from bytepiece.core.packing import find_repeat
from helpers.counts import packed
from helpers.properties import examples

STRINGS = st.binary(max_size=20) | st.text("\x00a", max_size=20).map(str.encode)
COUNTED = st.dictionaries(STRINGS, st.integers(1, 2**33), max_size=40)


def pairs(counted):
    return list(zip(counted.to_list(), counted.counts.tolist(), strict=True))


@given(strings=st.lists(STRINGS, max_size=20))
@examples(40)
def test_packed_strings_come_back(strings):
    packed = PackedBytes.from_list(strings)
    assert packed.to_list() == strings
    assert [packed.item(k) for k in range(len(packed))] == strings
    assert packed.lengths.tolist() == [len(string) for string in strings]
    assert pickle.loads(pickle.dumps(packed)).to_list() == strings


def test_memory_is_that_of_the_arrays():
    strings = PackedBytes.from_list([b"abc", b"d"])
    assert strings.nbytes == 4 + 3 * 8
    assert strings.with_counts(np.array([1, 2], dtype=np.uint64)).nbytes == 4 + 3 * 8 + 2 * 8


@given(counts=COUNTED, data=st.data())
@examples(40)
def test_slices_are_those_of_a_list(counts, data):
    begin = data.draw(st.integers(0, len(counts)))
    end = data.draw(st.integers(begin, len(counts)))
    part = packed(counts).slice(begin, end)
    assert (part.offsets[0], part.offsets[-1]) == (0, len(part.data))
    assert pairs(part) == list(counts.items())[begin:end]


@given(counts=COUNTED.filter(len), data=st.data())
@examples(40)
def test_selected_strings_come_in_the_order_asked_for(counts, data):
    numbers = data.draw(st.lists(st.integers(0, len(counts) - 1), max_size=20))
    selected = packed(counts).select(np.array(numbers, dtype=np.int64))
    assert pairs(selected) == [list(counts.items())[k] for k in numbers]


@pytest.mark.parametrize("number", [-1, 2, 2**40])
def test_a_string_that_is_not_there_cannot_be_selected(number):
    with pytest.raises(IndexError, match=f"string {number} of 2"):
        packed({b"a": 1, b"b": 2}).select(np.array([0, number], dtype=np.int64))


@given(a=COUNTED, b=COUNTED)
@examples(40)
def test_merged_strings_have_the_sums_of_their_counts(a, b):
    merged = packed(dict(sorted(a.items()))).add(packed(dict(sorted(b.items()))))
    assert pairs(merged) == sorted((Counter(a) + Counter(b)).items())


@given(counts=COUNTED, string=STRINGS)
@examples(40)
def test_split_at_a_string(counts, string):
    first, rest = packed(dict(sorted(counts.items()))).split(string)
    assert pairs(first) == [item for item in sorted(counts.items()) if item[0] <= string]
    assert pairs(rest) == [item for item in sorted(counts.items()) if item[0] > string]


@given(parts=st.lists(COUNTED, max_size=4))
@examples(40)
def test_joined_parts_stand_one_after_the_other(parts):
    assert pairs(CountedBytes.join([packed(part) for part in parts])) == [
        item for part in parts for item in part.items()
    ]


def test_repeats_are_found():
    for pieces, expected in (
        ([b"a", b"b", b"a"], (2, 0)),
        ([b"", b"a", b""], (2, 0)),
        ([b"a", b"ab", b"b"], None),
        ([], None),
    ):
        assert find_repeat(PackedBytes.from_list(pieces)) == expected
