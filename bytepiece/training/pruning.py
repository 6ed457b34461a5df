"""From counted candidate pieces to vocabularies of the requested sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from bytepiece._automaton import Automaton, log_probabilities
from bytepiece._segment import count_parts
from bytepiece.training._counting import PieceCounter, select_pieces
from bytepiece.training.counting import PieceCounts

__all__ = ["prune"]

RESERVED_IDS = 3
"""Ids of a vocabulary that no piece can have: those of the special tokens."""


def prune(
    candidates: PieceCounts,
    sizes: Iterable[int],
    max_piece_length: int,
    min_count: int,
    workers: int,
    advance: Callable[[int], object],
) -> Iterator[tuple[int, PieceCounts]]:
    """Reduce candidates to a vocabulary of each size, the largest first.

    Pieces that are too long or too rare are cut into those that stay, and give them their counts. A vocabulary has at
    most ``size - RESERVED_IDS`` pieces, in the order of their ids: by length, then by bytes. It has somewhat fewer
    where pieces turn out useless after the cut, and all there are where these are fewer.

    ``advance`` is told 1 after each segmentation of a vocabulary by itself.
    """
    pieces = _with_single_bytes(candidates)
    keep = (pieces.lengths == 1) | ((pieces.lengths <= max_piece_length) & (pieces.counts >= min_count))
    pieces = _settle(_split(pieces, keep, workers), workers, advance)
    for size in sorted(sizes, reverse=True):
        if len(pieces.counts) > size - RESERVED_IDS:
            keep = np.zeros(len(pieces.counts), dtype=bool)
            keep[_by_use(pieces)[: size - RESERVED_IDS]] = True
            pieces = _settle(_split(pieces, keep, workers), workers, advance)
        # Sorted by bytes before, and the sort is stable: by length, then by bytes.
        yield size, _select(pieces, np.argsort(pieces.lengths, kind="stable"))


def _with_single_bytes(pieces: PieceCounts) -> PieceCounts:
    """Add each single byte that is missing, with count 1."""
    present = np.zeros(256, dtype=bool)
    present[pieces.pieces[pieces.offsets[:-1][pieces.lengths == 1]]] = True
    missing = np.flatnonzero(~present).astype(np.uint8)
    counter = PieceCounter()
    counter.add_pieces(*pieces)
    counter.add_pieces(missing, np.arange(len(missing) + 1), np.ones(len(missing), dtype=np.uint64))
    return PieceCounts(*counter.take())


def _by_use(pieces: PieceCounts) -> NDArray[np.intp]:
    """The order in which pieces are kept: single bytes, then the frequent before the rare, then the long."""
    # Sorted by bytes before, and the sort is stable: equals stay in that order.
    keys = (-pieces.lengths, -pieces.counts.astype(np.int64), pieces.lengths > 1)
    return np.lexsort(keys)


def _select(pieces: PieceCounts, which: NDArray[np.intp]) -> PieceCounts:
    return PieceCounts(*select_pieces(*pieces, which))


def _split(pieces: PieceCounts, keep: NDArray[np.bool_], workers: int) -> PieceCounts:
    """Keep some pieces; cut the others into them, and add their counts."""
    kept, dropped = _select(pieces, np.flatnonzero(keep)), _select(pieces, np.flatnonzero(~keep))
    return kept._replace(counts=kept.counts + _resegment(kept, dropped, workers))


def _settle(pieces: PieceCounts, workers: int, advance: Callable[[int], object]) -> PieceCounts:
    """Segment a vocabulary by itself, and drop the pieces that no segmentation uses, until none is left to drop."""
    while True:
        counts = _resegment(pieces, pieces, workers)
        used = np.flatnonzero(counts)
        advance(1)
        settled = len(used) == len(counts)
        pieces = _select(pieces._replace(counts=counts), used)
        if settled:
            return pieces


def _resegment(vocabulary: PieceCounts, pieces: PieceCounts, workers: int) -> NDArray[np.uint64]:
    """How often each piece of a vocabulary is used where the given pieces are segmented with it."""
    automaton = Automaton((vocabulary.pieces, vocabulary.offsets), log_probabilities(vocabulary.counts))
    return count_parts(automaton, *pieces)
