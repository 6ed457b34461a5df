"""How a vocabulary grows: by the pairs of neighbouring tokens that gain most."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bytepiece.core.packed import CountedBytes, PackedBytes
from bytepiece.training.counting.kernels.pieces import PieceTable
from bytepiece.training.refinement.kernels.characters import spelled_characters, whole_characters
from bytepiece.training.refinement.kernels.pairs import PairCounter, join_pairs
from bytepiece.training.refinement.kernels.sample import Pieces
from bytepiece.training.refinement.workbench import Segmented, Workbench

__all__ = ["fill_gaps", "grow"]

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

KNOWN = 2**62
"""The count of a candidate that must not be added; all gains are less."""


class PairRule(NamedTuple):
    """Which pairs are candidates."""

    min_count: int
    min_documents: int
    allowance: float


def grow(bench: Workbench, segmented: Segmented, target: int) -> CountedBytes:
    """Add the candidates that gain most, up to ``target`` pieces; of those that gain the same, the first by bytes."""
    if bench.spread.tells_chance:
        rule = PairRule(PAIR_COUNT, PAIR_DOCUMENTS, PAIR_ALLOWANCE)
    else:
        rule = PairRule(PAIR_COUNT, 1, 0.0)
    return _add_best(bench, segmented, target, rule, segmented.pieces)


def fill_gaps(bench: Workbench, segmented: Segmented, target: int, useless: CountedBytes) -> CountedBytes:
    """As `grow`, but any pair will do that occurs again, except for pieces that were found useless."""
    rule = PairRule(FILLING_COUNT, 1, 0.0)
    return _add_best(bench, segmented, target, rule, segmented.pieces.add(useless))


def _add_best(bench: Workbench, segmented: Segmented, target: int, rule: PairRule, known: CountedBytes) -> CountedBytes:
    wanted = target - len(segmented.pieces)
    if wanted <= 0:
        return segmented.pieces
    candidates = PieceTable()
    _count_pairs(bench, segmented, rule, candidates)
    if bench.ensure_unicode:
        _count_spelled(bench, segmented, candidates)
    candidates.add_pieces(known.with_counts(np.full(len(known), KNOWN, dtype=np.uint64)))
    found = candidates.take()
    new = np.flatnonzero(found.counts < KNOWN)
    # The candidates are sorted by bytes, and this sort is stable: equals stay in that order.
    best = new[np.argsort(-found.counts[new].astype(np.int64), kind="stable")[:wanted]]
    added = found.select(np.sort(best))
    bench.advance(1)
    return segmented.pieces.add(added.with_counts(1 + added.counts // 256))


def _count_pairs(bench: Workbench, segmented: Segmented, rule: PairRule, candidates: PieceTable) -> None:
    """Add the pairs of pieces to the candidates, with their gains in 256ths of a token."""
    pieces = Pieces(segmented.pieces)
    joinable = whole_characters(pieces) if bench.ensure_unicode else np.ones(len(pieces), dtype=np.uint8)
    counter = PairCounter(bench.sample, pieces, segmented.ids, segmented.ends, joinable, bench.max_piece_length)
    n_parts = max(PARTS, bench.threads.n)
    for lefts, rights, gains in bench.threads.map(lambda part: counter.count(part, n_parts, *rule), range(n_parts)):
        candidates.add_pieces(PackedBytes(*join_pairs(pieces, lefts, rights)).with_counts(gains))


def _count_spelled(bench: Workbench, segmented: Segmented, candidates: PieceTable) -> None:
    """Add the characters that are spelled in single bytes to the candidates, with their gains in 256ths of a token."""
    counts = spelled_characters(bench.sample, Pieces(segmented.pieces), segmented.ids)[:-1]
    codes = np.flatnonzero(counts >= PAIR_COUNT)
    characters = PackedBytes.from_list(chr(code).encode() for code in codes.tolist())
    gains = 256 * counts[codes] * (characters.lengths - 1).astype(np.uint64)
    short = np.flatnonzero(characters.lengths <= bench.max_piece_length)
    candidates.add_pieces(characters.with_counts(gains).select(short))
