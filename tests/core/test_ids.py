"""Ids as lists of ints."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece.core.ids import lists_of


def array_of(numbers):
    return np.array(numbers, dtype=np.uint32)


class TestLists:
    @given(st.lists(st.lists(st.integers(0, 300), max_size=200), max_size=5), st.integers(0, 300))
    def test_are_those_of_each_text(self, texts, n_ints):
        ids = array_of([number for text in texts for number in text])
        offsets = np.cumsum([0, *map(len, texts)])
        assert lists_of(ids, offsets, [None] * n_ints) == texts

    def test_share_their_ints(self):
        ints = [None] * 1000
        (first, second) = lists_of(array_of([999, 999]), np.array([0, 1, 2]), ints)
        assert first[0] is second[0] is ints[999]

    @pytest.mark.parametrize("offsets", [[0, 3], [-1, 1], [1, 0], [0, 2, 1], [2**62, 2**62 + 1]])
    def test_wrong_offsets(self, offsets):
        with pytest.raises(ValueError, match=r"text \d: .* of 2 ids"):
            lists_of(array_of([1, 2]), np.array(offsets), [])
