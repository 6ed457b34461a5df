"""The kernel that segments words and counts their parts."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece.core.automaton import Automaton, log_probabilities
from bytepiece.core.packed import PackedBytes
from bytepiece.training.pruning.kernels.usage import count_uses
from helpers.counts import packed
from helpers.segmenters import twin
from helpers.vocabularies import BYTE_COUNTS, BYTES, vocabularies


@pytest.fixture(scope="module")
def byte_automaton():
    return Automaton(PackedBytes.from_list(BYTES), log_probabilities([1] * 256))


@given(
    vocabulary=vocabularies(),
    words=st.dictionaries(st.text("abc", max_size=20).map(str.encode), st.integers(0, 2**50), max_size=20),
)
def test_count_uses_is_the_sum_over_the_words(vocabulary, words):
    expected = Counter()
    for word, count in words.items():
        for piece in twin(vocabulary)(word):
            expected[piece] += count
    automaton = Automaton(PackedBytes.from_list(list(vocabulary)), log_probabilities(list(vocabulary.values())))
    totals = count_uses(automaton, packed(words)).tolist()
    assert {piece: total for piece, total in zip(vocabulary, totals, strict=True) if total} == +expected


def test_count_uses_counts_beyond_32_bits(byte_automaton):
    assert count_uses(byte_automaton, packed({b"aa": 2**61}))[ord("a")] == 2**62


def test_count_uses_of_nothing(byte_automaton):
    assert not count_uses(byte_automaton, packed({})).any()


def test_count_uses_of_a_word_longer_than_the_window():
    counts = BYTE_COUNTS | {b"a" * 3: 10**6}
    automaton = Automaton(PackedBytes.from_list(list(counts)), log_probabilities(list(counts.values())))
    totals = count_uses(automaton, packed({b"a" * 100_000: 1}))
    assert (totals[256], totals[ord("a")]) == (33_333, 1)
