"""The automaton, and the kernel that segments with it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece.core.automaton import Automaton, log_probabilities
from bytepiece.core.packed import PackedBytes
from bytepiece.core.segment import segment
from helpers.vocabularies import BYTES

# The core alone.


@pytest.fixture(scope="module")
def byte_automaton():
    return Automaton(PackedBytes.from_list(BYTES), log_probabilities([1] * 256))


def ids_of(automaton, data):
    return np.asarray(segment(automaton, data)).tolist()


@pytest.mark.parametrize("first_id", [0, 3, 1000, 2**31 - 300])
def test_ids_count_from_the_first(first_id):
    automaton = Automaton(PackedBytes.from_list(BYTES), log_probabilities([1] * 256), first_id=first_id)
    assert ids_of(automaton, bytes(range(11, 256))) == list(range(first_id + 11, first_id + 256))


def test_ids_follow_the_given_order_of_pieces():
    pieces = [*BYTES[::-1], b"ab"]
    automaton = Automaton(PackedBytes.from_list(pieces), log_probabilities([1] * 257))
    assert ids_of(automaton, b"abz") == [256, 255 - ord("z")]


def test_pieces_can_be_some_of_those_packed():
    pieces = PackedBytes.from_list([b"a", *BYTES, b"ab", b"abc", b"b"]).slice(1, 259)
    automaton = Automaton(pieces, log_probabilities([1] * 258))
    assert ids_of(automaton, b"abcab") == [257, 256]


@pytest.mark.parametrize(
    "pieces",
    [[], BYTES[1:], BYTES[:-1], [*BYTES, b""], [*BYTES, b"ab", b"ab"], [*BYTES, b"a"]],
    ids=["none", "without 0x00", "without 0xff", "an empty one", "a pair twice", "a byte twice"],
)
def test_bad_pieces_are_refused(pieces):
    with pytest.raises(ValueError, match="piece"):
        Automaton(PackedBytes.from_list(pieces), np.zeros(len(pieces)))


@pytest.mark.parametrize("length", [65_536, 2**20])
def test_a_piece_too_long_is_refused_by_its_length(length):
    with pytest.raises(ValueError, match=f"piece 256 has {length} bytes"):
        Automaton(PackedBytes.from_list([*BYTES, b"a" * length]), np.zeros(257))


@pytest.mark.parametrize("n_scores", [0, 255, 257])
def test_as_many_scores_as_pieces(n_scores):
    with pytest.raises(ValueError, match="each piece needs a score"):
        Automaton(PackedBytes.from_list(BYTES), np.zeros(n_scores))


@pytest.mark.parametrize("score", [np.nan, np.inf, -np.inf, 1e100, -1e308])
def test_scores_whose_sums_could_be_no_numbers_are_refused(score):
    scores = np.zeros(256)
    scores[97] = score
    with pytest.raises(ValueError, match="piece 97 has the score"):
        Automaton(PackedBytes.from_list(BYTES), scores)


@given(st.lists(st.integers(1, 2**55), min_size=1, max_size=50))
def test_log_probabilities_to_the_last_bit(counts):
    log_total = math.log(sum(counts))
    assert log_probabilities(counts).tolist() == [math.log(count) - log_total for count in counts]
