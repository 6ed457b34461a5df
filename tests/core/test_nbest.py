"""The n best segmentations: against enumeration, and against the definition."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import SettingsError
from bytepiece.reference import Segmenter
from helpers.enumeration import all_segmentations, vocabularies_and_short_texts
from helpers.vocabularies import parts, random_text, random_vocabulary, tokenizer_of

# The n best.


def plain_nbest(counts, data, n):
    """By the definition: all segmentations of each part, in the order of the twin, then all of their combinations."""
    texts = [([], 0.0)]
    for part in parts(data):
        of_part = Segmenter(counts).nbest(part, 10**9)
        joined = [([*before, *pieces], text_score + score) for pieces, score in of_part for before, text_score in texts]
        texts = sorted(joined, key=lambda item: -item[1])
    return texts[:n]


@given(drawn=vocabularies_and_short_texts(max_size=3, longest=9), n=st.sampled_from([1, 2, 3, 10, 1000]))
def test_nbest_by_the_definition(drawn, n):
    counts, text = drawn
    tokenizer = tokenizer_of(counts)
    best = [(tokenizer.ids_to_pieces(ids), score) for ids, score in tokenizer.nbest(text, n)]
    assert best == plain_nbest(counts, text, n)


@given(drawn=vocabularies_and_short_texts(max_size=3, longest=9))
def test_nbest_gives_every_segmentation_once(drawn):
    counts, text = drawn
    tokenizer = tokenizer_of(counts)
    best = tokenizer.nbest(text, 10**9)
    pieces = [tuple(tokenizer.ids_to_pieces(ids)) for ids, _ in best]
    assert len(set(pieces)) == len(pieces)
    assert set(pieces) == set(map(tuple, all_segmentations(counts, text)))
    for ids, score in best:
        assert score == pytest.approx(tokenizer.score(ids), rel=1e-12, abs=1e-12)
    assert [score for _, score in best] == sorted((score for _, score in best), reverse=True)


@given(drawn=vocabularies_and_short_texts(max_size=30, longest=200), n=st.integers(1, 9))
def test_fewer_are_the_first_of_more(drawn, n):
    counts, text = drawn
    tokenizer = tokenizer_of(counts)
    best = tokenizer.nbest(text, 9)
    assert best[:n] == tokenizer.nbest(text, n)
    assert best[0][0] == tokenizer.encode(text)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_nbest_of_long_texts(seed):
    counts = random_vocabulary(seed, b"ab", size=100, longest=6)
    tokenizer = tokenizer_of(counts)
    text = random_text(seed, counts, 1000)
    best = tokenizer.nbest(text, 20)
    expected = Segmenter(counts).nbest(text, 20)
    assert [(tokenizer.ids_to_pieces(ids), score) for ids, score in best] == expected
    assert best[0][0] == tokenizer.encode(text)


@pytest.mark.slow
def test_nbest_of_a_text_of_many_parts(overlapping, tokenizer, long_text):
    best = tokenizer.nbest(long_text[:100_000], 10)
    assert len(set(map(tuple, (ids for ids, _ in best)))) == 10
    assert best[0][0] == tokenizer.encode(long_text[:100_000])
    assert {tokenizer.decode_bytes(ids) for ids, _ in best} == {long_text[:100_000]}
    assert all(a >= b for (_, a), (_, b) in pairwise(best))


def test_the_share_of_the_best_agrees_with_the_log_partition():
    counts = random_vocabulary(8, b"ab", size=20, longest=6)
    tokenizer = tokenizer_of(counts)
    text = random_text(8, counts, 3)[:12]
    scores = [score for _, score in tokenizer.nbest(text, 10**6)]
    assert math.log(math.fsum(map(math.exp, scores))) == pytest.approx(tokenizer.log_partition(text), rel=1e-12)


@pytest.mark.parametrize("n", [0, -1, 2**31, 1.0, True, None, "3"])
def test_a_bad_n_is_refused(tokenizer, n):
    with pytest.raises(SettingsError, match="n must be"):
        tokenizer.nbest("abc", n)
