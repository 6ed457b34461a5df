"""How a vocabulary grows: by the pairs of neighbouring tokens that gain most."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.packed import CountedBytes, PackedBytes
from bytepiece.training.counting.kernels.pieces import PieceTable
from bytepiece.training.refinement.kernels.characters import spelled_characters, whole_characters
from bytepiece.training.refinement.kernels.pairs import LEFT, RIGHT, PairCounter, join_pairs
from bytepiece.training.refinement.workbench import NAT, Segmented, Workbench
from bytepiece.training.workers import Threads

__all__ = ["Allowed", "fill_gaps", "grow"]

PAIR_COUNT, PAIR_DOCUMENTS = 3, 2
"""Pairs that occur less often, or in fewer documents, are no candidates."""

PAIR_ALLOWANCE = 0.5
"""How much of a pair's count may be chance: gain = count - this x (sum of squared per-document counts / count)."""

FILLING_COUNT = 2
"""Pairs that occur less often fill no gap. With pairs that occur once, a vocabulary that is too large for its corpus
would be a copy of it in the end."""

PARTS = 4
"""Pairs are counted in at least so many parts, each thread one at a time: all of them at once would take 8 bytes of
memory for each token."""

KNOWN = 2.0**50
"""The count of a candidate that must not be added; all gains are less."""


class Allowed(NamedTuple):
    """Which strings may be added; all are valid UTF-8 and not empty.

    Attributes:
        strings: tells of strings whether they may.
        sides: tells of pieces on which sides of such a string they may be, as for `PairCounter`: it spares counting
            other pairs.
    """

    strings: Callable[[PackedBytes], NDArray[np.bool_]]
    sides: Callable[[PackedBytes], NDArray[np.uint8]]


class PairRule(NamedTuple):
    """Which pairs are candidates."""

    min_count: int
    min_documents: int
    allowance: float


def grow(bench: Workbench, segmented: Segmented, target: int, allowed: Allowed | None = None) -> CountedBytes:
    """Add the candidates that gain most, up to ``target`` pieces; of those that gain the same, the first by bytes.

    ``allowed`` tells which strings may be added; None: all.
    """
    if bench.spread.tells_chance:
        rule = PairRule(PAIR_COUNT, PAIR_DOCUMENTS, PAIR_ALLOWANCE)
    else:
        rule = PairRule(PAIR_COUNT, 1, 0.0)
    return _add_best(bench, segmented, target, rule, segmented.pieces, allowed)


def fill_gaps(
    bench: Workbench, segmented: Segmented, target: int, useless: CountedBytes, allowed: Allowed | None = None
) -> CountedBytes:
    """As `grow`, but any pair will do that occurs again, except for pieces that were found useless."""
    rule = PairRule(FILLING_COUNT, 1, 0.0)
    return _add_best(bench, segmented, target, rule, segmented.pieces.add(useless), allowed)


def _add_best(
    bench: Workbench,
    segmented: Segmented,
    target: int,
    rule: PairRule,
    known: CountedBytes,
    allowed: Allowed | None,
) -> CountedBytes:
    wanted = target - len(segmented.pieces)
    if wanted <= 0:
        return segmented.pieces
    candidates = _Candidates()
    _count_pairs(bench, segmented, rule, candidates, allowed)
    if bench.ensure_unicode and allowed is None:
        _count_spelled(bench, segmented, candidates)
    candidates.add(known, np.zeros(len(known)), np.full(len(known), KNOWN))
    counted, gains = candidates.take(bench.threads)
    new = np.flatnonzero(gains < KNOWN)
    # The candidates are sorted by bytes, and this sort is stable: equals stay in that order.
    best = new[np.argsort(-gains[new], kind="stable")[:wanted]]
    bench.advance(1)
    return segmented.pieces.add(counted.select(np.sort(best)))


def _count_pairs(
    bench: Workbench, segmented: Segmented, rule: PairRule, candidates: _Candidates, allowed: Allowed | None
) -> None:
    """Add the pairs of pieces to the candidates."""
    pieces, counts = segmented.tokens.pieces, np.maximum(segmented.pieces.counts, 1).astype(np.float64)
    sides = np.full(len(pieces), LEFT | RIGHT, dtype=np.uint8)
    if bench.ensure_unicode:
        sides *= whole_characters(pieces)
    if allowed is not None:
        whole = np.flatnonzero(sides)
        sides[whole] = allowed.sides(segmented.pieces.select(whole))
    counter = PairCounter(segmented.tokens, sides, bench.max_piece_length)
    n_parts = max(PARTS, bench.threads.n)

    def count_part(part: int) -> tuple[PackedBytes, NDArray[np.float64], NDArray[np.float64]]:
        lefts, rights, robust = counter.count(part, n_parts, *rule)
        strings, found = PackedBytes(*join_pairs(pieces, lefts, rights)), robust / 256
        # Two tokens become one, with a probability of its own.
        gain = bench.token_cost / NAT + np.log(found * segmented.n_tokens / (counts[lefts] * counts[rights]))
        if allowed is not None:
            kept = np.flatnonzero(allowed.strings(strings))
            strings, found, gain = strings.select(kept), found[kept], gain[kept]
        return strings, found, found * gain * bench.weights(strings)

    for part in bench.threads.map(count_part, range(n_parts)):
        candidates.add(*part)


def _count_spelled(bench: Workbench, segmented: Segmented, candidates: _Candidates) -> None:
    """Add the characters that are spelled in single bytes to the candidates."""
    counts = spelled_characters(segmented.tokens)[:-1]
    codes = np.flatnonzero(counts >= PAIR_COUNT)
    characters = PackedBytes.from_list(chr(code).encode() for code in codes.tolist())
    short = np.flatnonzero(characters.lengths <= bench.max_piece_length)
    characters, found = characters.select(short), counts[codes[short]].astype(np.float64)
    spelled = np.add.reduceat(_byte_costs(bench, segmented.pieces)[characters.data], characters.offsets[:-1])
    gain = (spelled - bench.token_cost) / NAT + np.log(found / segmented.n_tokens)
    candidates.add(characters, found, found * gain)


def _byte_costs(bench: Workbench, pieces: CountedBytes) -> NDArray[np.int64]:
    """What a token of each single byte costs."""
    single = pieces.lengths == 1
    costs = np.zeros(256, dtype=np.int64)
    costs[pieces.data[pieces.offsets[:-1][single]]] = bench.costs(pieces)[single]
    return costs


class _Candidates:
    """Byte strings that may become pieces, each with its count and its gain.

    A gain is what the sample would cost less, in nats, times the weight of the string. A string may be added several
    times, as it can be cut into several pairs.
    """

    def __init__(self) -> None:
        self._added: list[tuple[PackedBytes, NDArray[np.float64], NDArray[np.float64]]] = []

    def add(self, strings: PackedBytes, counts: NDArray[np.float64], gains: NDArray[np.float64]) -> None:
        """Add strings. One that gains nothing is the last choice."""
        self._added.append((strings, counts, gains))

    def take(self, threads: Threads) -> tuple[CountedBytes, NDArray[np.float64]]:
        """All strings with their counts, sorted by bytes, and their gains."""
        counted, gains = threads.map(self._sums, (0, 1))
        return counted.with_counts(1 + counted.counts // 256), gains.counts / 256

    def _sums(self, which: int) -> CountedBytes:
        """The counts of each string together, or the gains, in 256ths."""
        table = PieceTable()
        for strings, *both in self._added:
            table.add_pieces(strings.with_counts(np.maximum(both[which] * 256, 1).astype(np.uint64)))
        return table.take()
