"""From counted candidates to vocabularies, against the readable twin."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import reference
from bytepiece.training.context import Context
from bytepiece.training.counting.spool import Counts
from bytepiece.training.progress import Progress
from bytepiece.training.pruning.vocabularies import Useful, prune, select_useful
from bytepiece.training.resources import Resources
from helpers.counts import run_of
from helpers.properties import examples
from helpers.vocabularies import BYTES


def pruned(candidates, sizes, max_piece_length=36, min_count=1, workers=1, progress=None):
    """The vocabularies by size, each as a list of pieces with their counts, in the order of their ids."""
    runs = Counts(candidates if isinstance(candidates, list) else [run_of("pieces", candidates)])
    context = Context(Resources(workers), progress or Progress())
    pieces = select_useful(context, runs, Useful(max_piece_length, min_count))
    vocabularies = prune(context, pieces, sizes).items()
    return {size: list(zip(pieces.to_list(), pieces.counts.tolist(), strict=True)) for size, pieces in vocabularies}


def reference_pruned(candidates, sizes, max_piece_length=36, min_count=1):
    vocabularies = reference.prune(candidates, sizes, max_piece_length, min_count)
    return {size: list(pieces.items()) for size, pieces in vocabularies.items()}


@st.composite
def candidate_counts(draw):
    """Counted pieces over few letters; newlines, where there are some, at the end, as discovery gives them."""
    letters = draw(st.sampled_from([b"a", b"ab", b"abc", b"\x00\xff", "你é".encode()]))
    count = draw(st.sampled_from([st.just(3), st.integers(1, 5), st.integers(1, 2**45)]))
    piece = st.builds(
        lambda body, newlines: bytes(body) + b"\n" * newlines,
        st.lists(st.sampled_from(letters), min_size=1, max_size=9),
        st.sampled_from([0, 0, 0, 1, 3]),
    )
    return draw(st.dictionaries(piece, count, max_size=40))


def random_candidates(seed, alphabet=b"abcd", size=2000, longest=20):
    generator = random.Random(seed)
    pieces = {bytes(generator.choices(alphabet, k=generator.randint(1, longest))) for _ in range(size)}
    return {piece: int(generator.paretovariate(0.7)) for piece in sorted(pieces)}


@given(
    candidates=candidate_counts(),
    sizes=st.sets(st.integers(259, 300), min_size=1, max_size=3),
    max_piece_length=st.integers(1, 12),
    min_count=st.integers(1, 6),
)
def test_vocabularies_are_those_of_the_reference(candidates, sizes, max_piece_length, min_count):
    expected = reference_pruned(candidates, sizes, max_piece_length, min_count)
    assert pruned(candidates, sizes, max_piece_length, min_count) == expected


@pytest.mark.slow
@pytest.mark.parametrize("max_piece_length", [1, 5, 36])
@pytest.mark.parametrize("min_count", [1, 2, 10])
@pytest.mark.parametrize("seed", range(3))
def test_many_candidates(seed, min_count, max_piece_length):
    candidates = random_candidates(seed)
    sizes = [10_000, 800, 400, 300, 259]
    expected = reference_pruned(candidates, sizes, max_piece_length, min_count)
    assert pruned(candidates, sizes, max_piece_length, min_count) == expected


@pytest.mark.parametrize("alphabet", [b"a", b"ab", bytes(set(range(256)) - {10})], ids=len)
def test_candidates_of_equal_counts(alphabet):
    candidates = dict.fromkeys(random_candidates(9, alphabet, 500), 7)
    assert pruned(candidates, [500, 300]) == reference_pruned(candidates, [500, 300])


@pytest.mark.parametrize("workers", [2, 3, 8])
@pytest.mark.parametrize("size", [0, 1, 2000])
def test_the_number_of_workers_changes_nothing(workers, size):
    candidates = random_candidates(4, size=size)
    assert pruned(candidates, [400], workers=workers) == pruned(candidates, [400])


@given(candidates=candidate_counts(), data=st.data())
@examples(50)
def test_candidates_may_come_in_several_runs(candidates, data):
    run = run_of("pieces", candidates)
    edges = sorted(data.draw(st.lists(st.integers(0, len(candidates)), max_size=3)))
    parts = [run.slice(begin, end) for begin, end in pairwise([0, *edges, len(candidates)])]
    assert pruned(parts, [270]) == pruned(candidates, [270])


def test_sizes_come_largest_first():
    assert list(pruned(random_candidates(1), [300, 1000, 259, 500])) == [1000, 500, 300, 259]


@pytest.mark.slow
def test_each_size_starts_from_the_one_before():
    """Pieces are lost on the way to 1000 that 500 alone would still count with."""
    candidates = random_candidates(2)
    assert pruned(candidates, [1000, 500])[500] == reference_pruned(candidates, [1000, 500])[500]


@given(candidates=candidate_counts(), size=st.integers(259, 300))
@examples(50)
def test_a_vocabulary_has_no_more_ids_than_asked_for(candidates, size):
    assert len(pruned(candidates, [size])[size]) + 3 <= size


@given(candidates=candidate_counts())
@examples(50)
def test_all_single_bytes_are_there(candidates):
    assert {piece for piece, _ in pruned(candidates, [259])[259]} == set(BYTES)


@given(candidates=candidate_counts(), size=st.integers(259, 400))
@examples(50)
def test_ids_are_sorted_by_length_then_bytes(candidates, size):
    pieces = [piece for piece, _ in pruned(candidates, [size])[size]]
    assert pieces == sorted(pieces, key=lambda piece: (len(piece), piece))


@given(candidates=candidate_counts(), size=st.integers(259, 300), min_count=st.integers(1, 5))
@examples(50)
def test_no_byte_of_the_candidates_is_lost(candidates, size, min_count):
    missing = sum(byte not in candidates for byte in BYTES)
    before = missing + sum(len(piece) * count for piece, count in candidates.items())
    assert sum(len(piece) * count for piece, count in pruned(candidates, [size], 8, min_count)[size]) == before


def test_a_rare_candidate_gives_its_count_to_its_parts():
    counts = dict(pruned({b"ab": 10, b"cd": 20, b"abcd": 4}, [300], min_count=5)[300])
    assert {piece: count for piece, count in counts.items() if count > 1} == {b"ab": 14, b"cd": 24}


def test_a_long_candidate_gives_its_count_to_its_parts():
    counts = dict(pruned({b"ab": 10, b"cd": 20, b"abcd": 400}, [300], max_piece_length=3)[300])
    assert {piece: count for piece, count in counts.items() if count > 1} == {b"ab": 410, b"cd": 420}


def test_a_candidate_just_long_and_frequent_enough_stays():
    assert (b"abc", 5) in pruned({b"abc": 5}, [300], max_piece_length=3, min_count=5)[300]


def test_single_bytes_stay_however_rare():
    assert (b"a", 1) in pruned({b"a": 1}, [300], min_count=100)[300]


def test_a_candidate_that_parts_spell_better_is_dropped():
    """abcd as one is less probable than ab, cd: it segments into these."""
    counts = dict(pruned({b"ab": 10**6, b"cd": 10**6, b"abcd": 1}, [300])[300])
    assert (b"abcd" in counts, counts[b"ab"]) == (False, 10**6 + 1)


def test_of_equal_counts_the_longer_stays():
    pieces = [piece for piece, _ in pruned({b"ab": 9, b"xyz": 9}, [260])[260]]
    assert (b"xyz" in pieces, b"ab" in pieces) == (True, False)


def test_of_equal_counts_and_lengths_the_lower_stays():
    pieces = [piece for piece, _ in pruned({b"zz": 9, b"yy": 9}, [260])[260]]
    assert (b"yy" in pieces, b"zz" in pieces) == (True, False)


def test_the_frequent_stays_before_the_long():
    pieces = [piece for piece, _ in pruned({b"ab": 10, b"xyz": 9}, [260])[260]]
    assert (b"ab" in pieces, b"xyz" in pieces) == (True, False)


def test_no_candidates_give_single_bytes_of_count_one():
    assert pruned({}, [10_000]) == {10_000: [(byte, 1) for byte in BYTES]}


def test_counts_are_64_bit():
    assert (b"ab", 2**60) in pruned({b"ab": 2**60}, [300])[300]


def test_progress_is_told_each_round():
    progress = Progress()
    pruned(random_candidates(5), [600, 300], progress=progress)
    selecting, pruning = progress.report({})["stages"]
    assert selecting["amount"] > 600
    assert pruning["amount"] >= 3  # to begin with, and for each size
