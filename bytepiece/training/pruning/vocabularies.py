"""From counted candidate pieces to vocabularies of the requested sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import Automaton, log_probabilities
from bytepiece.core.packed import CountedBytes, PackedBytes
from bytepiece.model.reserved import FIRST_PIECE_ID
from bytepiece.training.context import Context
from bytepiece.training.counting.spool import Counts
from bytepiece.training.pruning.kernels.usage import count_uses
from bytepiece.training.workers import Threads

__all__ = ["by_id", "prune"]


def prune(
    context: Context, candidates: Counts[CountedBytes], sizes: Iterable[int], max_piece_length: int, min_count: int
) -> dict[int, CountedBytes]:
    """Reduce candidates to a vocabulary of each size, the largest first.

    Pieces that are too long or too rare are cut into those that stay, and give them their counts. A vocabulary has at
    most ``size - FIRST_PIECE_ID`` pieces, in the order of their ids: by length, then by bytes. It has fewer where
    there are fewer candidates, or where some of its pieces turn out to be unused.

    Candidates are read twice; only those that stay are in memory. The stage counts the segmentations of a vocabulary
    by itself.
    """

    def useful(pieces: CountedBytes) -> NDArray[np.bool_]:
        fitting: NDArray[np.bool_] = (pieces.lengths <= max_piece_length) & (pieces.counts >= min_count)
        single: NDArray[np.bool_] = pieces.lengths == 1
        return fitting | single

    vocabularies = {}
    with context.progress.stage("Pruning", " rounds") as advance:
        pieces = CountedBytes.join([run.select(np.flatnonzero(useful(run))) for run in candidates])
        pieces = pieces.add(_missing_bytes(pieces))
        useless = (run.select(np.flatnonzero(~useful(run))) for run in candidates)
        pieces = _without_unused(_with_uses(pieces, useless, context.threads), context.threads, advance)
        for size in sorted(sizes, reverse=True):
            target = size - FIRST_PIECE_ID
            if len(pieces) > target:
                order = _order_of_keeping(pieces)
                kept, rest = pieces.select(np.sort(order[:target])), pieces.select(np.sort(order[target:]))
                pieces = _without_unused(_with_uses(kept, [rest], context.threads), context.threads, advance)
            vocabularies[size] = by_id(pieces)
    return vocabularies


def by_id(pieces: CountedBytes) -> CountedBytes:
    """Pieces that are sorted by bytes, in the order of their ids: by length, then by bytes."""
    return pieces.select(np.argsort(pieces.lengths, kind="stable"))  # stable: ties stay in the order of bytes


def _order_of_keeping(pieces: CountedBytes) -> NDArray[np.intp]:
    """The numbers of pieces, those first that are dropped last: single bytes, then the frequent, then the long."""
    # The sort is stable, so ties stay in the order of bytes.
    return np.lexsort((-pieces.lengths, -pieces.counts.astype(np.int64), pieces.lengths > 1))


def _with_uses(pieces: CountedBytes, others: Iterable[CountedBytes], threads: Threads) -> CountedBytes:
    """Pieces whose counts have grown by their uses in other counted strings, which are cut into them."""
    automaton = _automaton(pieces)
    counts = pieces.counts.copy()
    for strings in others:
        counts += _uses(automaton, strings, threads)
    return pieces.with_counts(counts)


def _missing_bytes(pieces: CountedBytes) -> CountedBytes:
    """The single bytes that are not among the pieces, each with count 1."""
    present = pieces.data[pieces.offsets[:-1][pieces.lengths == 1]]
    missing = np.setdiff1d(np.arange(256, dtype=np.uint8), present)
    return PackedBytes(missing, np.arange(len(missing) + 1)).with_counts(np.ones(len(missing), dtype=np.uint64))


def _without_unused(pieces: CountedBytes, threads: Threads, advance: Callable[[int], object]) -> CountedBytes:
    """Segment a vocabulary by itself, and drop the pieces that no segmentation uses; repeat until all are used."""
    while True:
        counts = _uses(_automaton(pieces), pieces, threads)
        advance(1)
        used = np.flatnonzero(counts)
        pieces = pieces.with_counts(counts).select(used)
        if len(used) == len(counts):
            return pieces


def _automaton(pieces: CountedBytes) -> Automaton:
    return Automaton(pieces, log_probabilities(pieces.counts))


def _uses(automaton: Automaton, counted: CountedBytes, threads: Threads) -> NDArray[np.uint64]:
    """How often each piece of the automaton is used where counted strings are segmented; see `count_uses`."""
    n = len(counted)
    shares = [counted.slice(n * k // threads.n, n * (k + 1) // threads.n) for k in range(threads.n)]
    counts = threads.map(lambda share: count_uses(automaton, share), shares)
    return sum(counts[1:], start=counts[0])
