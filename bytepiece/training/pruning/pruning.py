"""From counted candidate pieces to vocabularies of the requested sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import Automaton, log_probabilities
from bytepiece.core.packed import CountedBytes, PackedBytes
from bytepiece.model.reserved import FIRST_PIECE_ID
from bytepiece.training.counting.passes import Counts
from bytepiece.training.pruning.kernels import count_parts
from bytepiece.training.workers import map_in_parallel

__all__ = ["by_id", "prune"]

Keep = NDArray[np.bool_]
"""Which of some pieces stay."""


def prune(
    candidates: Counts[CountedBytes],
    sizes: Iterable[int],
    max_piece_length: int,
    min_count: int,
    workers: int,
    advance: Callable[[int], object],
) -> Iterator[tuple[int, CountedBytes]]:
    """Reduce candidates to a vocabulary of each size, the largest first.

    Pieces that are too long or too rare are cut into those that stay, and give them their counts. A vocabulary has at
    most ``size - FIRST_PIECE_ID`` pieces, in the order of their ids: by length, then by bytes. It has somewhat fewer
    where pieces turn out useless after the cut, and all there are where these are fewer.

    Candidates are read twice; only those that stay are in memory. ``advance`` is told 1 after each segmentation of
    a vocabulary by itself.
    """

    def frequent(pieces: CountedBytes) -> Keep:
        multiple: Keep = (pieces.lengths <= max_piece_length) & (pieces.counts >= min_count)
        single: Keep = pieces.lengths == 1
        return multiple | single

    pieces = _settle(_split(candidates, frequent, workers), workers, advance)
    for size in sorted(sizes, reverse=True):
        if len(pieces) > size - FIRST_PIECE_ID:
            kept = np.zeros(len(pieces), dtype=bool)
            kept[_by_use(pieces)[: size - FIRST_PIECE_ID]] = True
            pieces = _settle(_split([pieces], partial(_constant, kept), workers), workers, advance)
        yield size, by_id(pieces)


def by_id(pieces: CountedBytes) -> CountedBytes:
    """Pieces that are sorted by bytes, in the order of their ids: by length, then by bytes."""
    return pieces.select(np.argsort(pieces.lengths, kind="stable"))  # stable: equals stay in that order


def _constant(kept: Keep, _: CountedBytes) -> Keep:
    return kept


def _split(candidates: Iterable[CountedBytes], keep: Callable[[CountedBytes], Keep], workers: int) -> CountedBytes:
    """Keep some pieces, and all single bytes; cut the others into them, and add their counts."""
    kept = CountedBytes.join([run.select(np.flatnonzero(keep(run))) for run in candidates])
    kept = kept.add(_missing_bytes(kept))
    automaton = _automaton(kept)
    counts = kept.counts.copy()
    for run in candidates:
        dropped = run.select(np.flatnonzero(~keep(run)))
        counts += _count_parts(automaton, dropped, workers)
    return kept.with_counts(counts)


def _missing_bytes(pieces: CountedBytes) -> CountedBytes:
    """The single bytes that are not among the pieces, each with count 1."""
    present = pieces.data[pieces.offsets[:-1][pieces.lengths == 1]]
    missing = np.setdiff1d(np.arange(256, dtype=np.uint8), present)
    return PackedBytes(missing, np.arange(len(missing) + 1)).with_counts(np.ones(len(missing), dtype=np.uint64))


def _by_use(pieces: CountedBytes) -> NDArray[np.intp]:
    """The order in which pieces are kept: single bytes, then the frequent before the rare, then the long."""
    # Sorted by bytes before, and the sort is stable: equals stay in that order.
    return np.lexsort((-pieces.lengths, -pieces.counts.astype(np.int64), pieces.lengths > 1))


def _settle(pieces: CountedBytes, workers: int, advance: Callable[[int], object]) -> CountedBytes:
    """Segment a vocabulary by itself, and drop the pieces that no segmentation uses, until none is left to drop."""
    while True:
        counts = _count_parts(_automaton(pieces), pieces, workers)
        advance(1)
        used = np.flatnonzero(counts)
        settled = len(used) == len(counts)
        pieces = pieces.with_counts(counts).select(used)
        if settled:
            return pieces


def _automaton(pieces: CountedBytes) -> Automaton:
    return Automaton(pieces, log_probabilities(pieces.counts))


def _count_parts(automaton: Automaton, pieces: CountedBytes, workers: int) -> NDArray[np.uint64]:
    """How often each piece of the automaton is used where the given pieces are segmented."""
    n = len(pieces)
    shares = [pieces.slice(n * k // workers, n * (k + 1) // workers) for k in range(workers)]
    counts = map_in_parallel(lambda share: count_parts(automaton, share), shares)
    return sum(counts[1:], start=counts[0])
