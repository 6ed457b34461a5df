"""Many strings that are segmented in one call: each has the ids that it has alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece.core.automaton import Automaton, log_probabilities
from bytepiece.core.packed import PackedBytes
from bytepiece.core.segment import segment, segment_packed
from helpers.properties import examples
from helpers.vocabularies import random_text, random_vocabulary, vocabularies_and_texts

KINDS = pytest.mark.parametrize("by_characters", [False, True])


def check_strings(counts, strings, by_characters):
    automaton = Automaton(PackedBytes.from_list(counts), log_probabilities(list(counts.values())), by_characters)
    alone = [segment(automaton, string).tolist([]) for string in strings]
    packed = PackedBytes.from_list(strings)
    ids, ends = segment_packed(automaton, packed.data, packed.offsets)
    assert ids.tolist([]) == [id for ids in alone for id in ids]
    assert ends.tolist() == np.cumsum([len(ids) for ids in alone], dtype=np.int64).tolist()


@KINDS
@given(drawn=vocabularies_and_texts(max_size=60), data=st.data())
@examples(100)
def test_strings_of_a_text(by_characters, drawn, data):
    """Empty ones, too, and such as begin or end with newlines."""
    counts, text = drawn
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=20)))
    check_strings(counts, [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)], by_characters)


@KINDS
@pytest.mark.parametrize("length", [0, 1, 2, 12, 287, 288, 289, 8191, 8192, 8193])
def test_strings_of_all_lengths_among_short_ones(length, by_characters):
    """Those of 24 times the longest piece walk alone, those of 8192 bytes fill a block."""
    counts = random_vocabulary(1, b"ab\n\xff", 200)
    text = random_text(2, counts, 3000)
    short = [text[10 * k : 10 * k + k % 9] for k in range(1000)]
    check_strings(counts, [*short, text[:length], text[:length], *short], by_characters)


@KINDS
def test_characters_that_are_in_no_piece(by_characters):
    counts = random_vocabulary(3, "aé".encode(), 30)
    texts = ["a", "", "日本", "a日\n\n語é", "\n", "éa日"] * 1500
    check_strings(counts, [text.encode() for text in texts], by_characters)
