"""Texts longer than what the core holds at a time, and the work and memory that they take."""

import math
import random

import numpy as np
import pytest

from bytepiece.core.automaton import Automaton
from bytepiece.core.packed import PackedBytes
from helpers.segmenters import core, plain_tokenization, twin
from helpers.vocabularies import (
    BYTE_COUNTS,
    BYTES,
    random_text,
    random_vocabulary,
    with_bytes,
)

PRIMES = [2, 3, 5, 7, 11, 13, 17, 19, 23]

WINDOW_EDGES = [8191, 8192, 8193, 16_385, 65_537, 100_003]


def plain_lengths(counts, size):
    """`plain_segmentation` of a run of one letter: the lengths of its pieces."""
    log_total = math.log(sum(counts.values()))
    scores = [(n, math.log(counts[b"a" * n]) - log_total) for n in range(30, 0, -1) if b"a" * n in counts]
    best, last = [0.0], [0]
    for end in range(1, size + 1):
        score, n = max(((best[end - n] + score, n) for n, score in scores if n <= end), key=lambda item: item[0])
        best.append(score)
        last.append(n)
    lengths = []
    while size:
        lengths.append(last[size])
        size -= last[size]
    return lengths[::-1]


# Texts of all lengths, because long ones are taken in parts.


@pytest.mark.parametrize("longest", [2, 3, 7])
@pytest.mark.parametrize("alphabet", [b"ab", b"ab\n", b"a\n"], ids=repr)
def test_texts_of_all_lengths(alphabet, longest):
    counts = random_vocabulary(7, alphabet, size=30, longest=longest)
    data = random_text(8, counts, 300)
    tokenize, tokenize_too = core(counts), twin(counts)
    assert [tokenize(data[:n]) for n in range(300)] == [tokenize_too(data[:n]) for n in range(300)]


@pytest.mark.slow
@pytest.mark.parametrize("size", [8190, 8191, 8192, 8193, 16_383, 16_384, 16_385, 24_577, 49_153])
@pytest.mark.parametrize("longest", [2, 12, 300])
def test_texts_whose_ends_and_newlines_move(longest, size):
    counts = random_vocabulary(9, b"abc", size=60, longest=longest)
    data = (random_text(10, counts, 60_000) * 2)[:size]
    tokenize, tokenize_too = core(counts), twin(counts)
    for cut in (0, 1, longest, 4095, 8191):
        moved = data[:cut] + b"\n" + data[cut:]
        assert tokenize(moved) == tokenize_too(moved)


# Texts longer than any part of them that is held in memory.


@pytest.mark.slow
@pytest.mark.parametrize("size", WINDOW_EDGES)
def test_paths_that_never_meet(make, size):
    """Only pieces whose lengths are primes: the best paths to neighbouring positions share nothing."""
    counts = BYTE_COUNTS | {b"a" * prime: 10**6 for prime in PRIMES}
    assert list(map(len, make(counts)(b"a" * size))) == plain_lengths(counts, size)


@pytest.mark.slow
@pytest.mark.parametrize("size", WINDOW_EDGES)
@pytest.mark.parametrize("primes", [(2, 3), (3, 5, 7), (997, 1009)], ids=str)
def test_ties_over_a_long_text(primes, size):
    counts = with_bytes([b"a" * prime for prime in primes])
    assert core(counts)(b"a" * size) == twin(counts)(b"a" * size)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("alphabet", [b"ab", b"\x00\xff", bytes(set(range(256)) - {10})])
def test_long_text_without_newline(alphabet, seed):
    counts = random_vocabulary(seed, alphabet)
    data = random_text(seed, counts, 20_000)
    assert core(counts)(data) == twin(counts)(data)


@pytest.mark.parametrize("length", [8191, 8192, 8193, 20_000])
def test_pieces_longer_than_the_window(length):
    unit = random.Random(length).randbytes(length).replace(b"\n", b"n")
    counts = with_bytes([unit, unit[1:], unit[:-1], unit[: length // 2], unit[-5:] + unit[:5]])
    data = unit[1:] + unit * 3 + unit[:-1] * 2 + b"x" + unit
    assert core(counts)(data) == twin(counts)(data)


# The work it takes.

HOSTILE = {
    "powers of one byte": lambda n: [b"a" * length for length in range(2, n)],
    "powers of one byte, and one byte more": lambda n: [b"a" * length + b"b" for length in range(2, n)],
    "one long piece and its suffixes": lambda n: [(bytes(range(100)) * 9)[k:n] for k in range(n - 2)],
    "scattered pairs": lambda n: sorted({bytes(random.Random(k).choices(range(256), k=2)) for k in range(n * 8)}),
    "scattered threes": lambda n: sorted({bytes(random.Random(k).choices(range(256), k=3)) for k in range(n * 8)}),
    "two letters": lambda n: sorted(random_vocabulary(3, b"ab", size=n * 8, longest=40).keys() - set(BYTES)),
}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_memory_of_the_automaton_is_linear_in_the_pieces(hostile):
    def bytes_per_byte(n):
        pieces = [*BYTES, *HOSTILE[hostile](n)]
        return Automaton(PackedBytes.from_list(pieces), np.zeros(len(pieces))).nbytes / sum(map(len, pieces))

    assert bytes_per_byte(500) < 2 * bytes_per_byte(125)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_pieces_in_a_text_of_themselves(make, hostile):
    counts = with_bytes(HOSTILE[hostile](60))
    data = random_text(5, counts, 60)
    assert make(counts)(data) == plain_tokenization(counts, data)
