"""Sums over all segmentations of a text, and scores of one: against enumeration, and against the twin."""

import math
import random
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import Model, SettingsError, Tokenizer, UnknownIdError
from bytepiece.reference import Segmenter
from helpers.enumeration import distribution, scorer, vocabularies_and_short_texts
from helpers.vocabularies import BYTE_COUNTS, BYTES, parts, tokenizer_of

# Sums over all segmentations.


@given(drawn=vocabularies_and_short_texts(), alpha=st.sampled_from([0.0, 0.2, 1.0, 5.0]))
def test_log_partition_and_entropy_by_enumeration(drawn, alpha):
    counts, text = drawn
    score = scorer(counts)
    segmentations, probabilities = distribution(counts, text, alpha)
    exponents = [alpha * score(pieces) for pieces in segmentations]
    largest = max(exponents)
    log_partition = largest + math.log(math.fsum(math.exp(exponent - largest) for exponent in exponents))
    entropy = -math.fsum(p * math.log(p) for p in probabilities if p)
    tokenizer = tokenizer_of(counts)
    assert tokenizer.log_partition(text, alpha) == pytest.approx(log_partition, rel=1e-12, abs=1e-12)
    assert tokenizer.entropy(text, alpha) == pytest.approx(entropy, rel=1e-9, abs=1e-12)


@given(drawn=vocabularies_and_short_texts(max_size=30, longest=200), alpha=st.floats(0, 100))
def test_the_twin_has_the_same_log_partition(drawn, alpha):
    counts, text = drawn
    expected = math.fsum(Segmenter(counts).log_partition(part, alpha) for part in parts(text))
    assert tokenizer_of(counts).log_partition(text, alpha) == pytest.approx(expected, rel=1e-10, abs=1e-10)


def test_with_alpha_0_segmentations_are_counted():
    numbers = [1, 1]
    for n in range(2, 3001):  # pieces a, aa and aaaaa
        numbers.append(numbers[n - 1] + numbers[n - 2] + (numbers[n - 5] if n >= 5 else 0))
    tokenizer = tokenizer_of(BYTE_COUNTS | {b"aa": 3, b"aaaaa": 5})
    text = b"a" * 3000
    assert tokenizer.log_partition(text, 0) == pytest.approx(math.log(numbers[-1]), rel=1e-13)
    assert tokenizer.entropy(text, 0) == pytest.approx(math.log(numbers[-1]), rel=1e-12)


@pytest.mark.parametrize("alpha", [700, 1e6])
def test_a_great_alpha_leaves_the_best_ones_alone(alpha):
    tokenizer = tokenizer_of(BYTE_COUNTS | {b"ab": 1000, b"abab": 10**12})
    text = b"zababab" * 1000
    best = tokenizer.score(tokenizer.encode(text))
    ways = 1000 * math.log(2)  # each time ab may come before or after abab
    assert tokenizer.log_partition(text, alpha) == pytest.approx(alpha * best + ways, rel=1e-12)
    assert tokenizer.entropy(text, alpha) == pytest.approx(ways, rel=1e-6)


@pytest.mark.parametrize("alpha", [0, 1, 3.5])
def test_long_unlikely_pieces_overflow_nothing(alpha):
    """What lies before such a piece is more probable than what it spans by more than a float can hold."""
    piece = random.Random(1).randbytes(5000).replace(b"\n", b"n")
    counts = dict.fromkeys(BYTES, 1) | {piece: 1, b"a": 2**60}
    tokenizer = tokenizer_of(counts)
    text = piece * 2 + b"a" + piece[:-1]
    expected = Segmenter(counts).log_partition(text, alpha)
    assert tokenizer.log_partition(text, alpha) == pytest.approx(expected, rel=1e-12)
    if alpha:
        assert tokenizer.tokenize(text, alpha=alpha, seed=1)[:3] == [piece, piece, b"a"]


@pytest.mark.parametrize("method", ["log_partition", "entropy"])
@pytest.mark.parametrize("alpha", [None, -1, math.inf, -math.inf, math.nan, 1.1e6, "1", True, 1j])
def test_sums_need_a_finite_alpha(tokenizer, method, alpha):
    with pytest.raises(SettingsError, match="alpha must be"):
        getattr(tokenizer, method)("abc", alpha)


def test_of_nothing(tokenizer):
    assert tokenizer.encode("", alpha=0.5) == []
    assert tokenizer.encode_batch([], alpha=0.5) == []
    assert tokenizer.nbest("", 5) == [([], 0.0)]
    assert (tokenizer.log_partition(""), tokenizer.entropy(""), tokenizer.score([])) == (0, 0, 0)


# Scores.


def test_score_is_the_sum_of_log_probabilities(overlapping, tokenizer, long_text):
    ids = tokenizer.encode(long_text[:1000])
    assert tokenizer.score(ids) == pytest.approx(scorer(overlapping)(tokenizer.ids_to_pieces(ids)), rel=1e-13)
    assert tokenizer.score([0, 1, *ids, 2]) == tokenizer.score(ids) == tokenizer.score(np.array(ids))
    assert tokenizer.score(iter(ids[::-1])) == tokenizer.score(ids)


def test_special_tokens_have_no_score(overlapping):
    tokenizer = Tokenizer(Model.from_counts(overlapping).with_special_tokens(["<a>"]))
    assert tokenizer.score([tokenizer.vocab_size - 1]) == 0
    assert tokenizer.score([tokenizer.vocab_size - 2]) < 0


@pytest.mark.parametrize("bad", [-1, 10**6, 2**70, "a", None, 1.5])
def test_score_refuses_what_is_no_id(tokenizer, bad):
    with pytest.raises(UnknownIdError, match=re.escape(repr(bad))):
        tokenizer.score([5, bad])
