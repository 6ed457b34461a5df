"""From counted candidate pieces to vocabularies of the requested sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import Automaton, log_probabilities
from bytepiece.core.packed import CountedBytes, PackedBytes
from bytepiece.errors import ModelFormatError, TrainingError
from bytepiece.model.reserved import FIRST_PIECE_ID
from bytepiece.training.context import Context
from bytepiece.training.counting.spool import Counts
from bytepiece.training.pruning.kernels.usage import count_uses
from bytepiece.training.workers import Threads

__all__ = ["Useful", "automaton_of", "by_id", "count_uses_in", "prune", "select_useful", "with_all_bytes", "with_uses"]


@dataclass(frozen=True)
class Useful:
    """Which candidates may be pieces: single bytes, and those that are neither too long nor too rare."""

    max_piece_length: int
    min_count: int

    def __call__(self, candidates: CountedBytes) -> NDArray[np.bool_]:
        """Of each candidate, whether it may be one."""
        lengths = candidates.lengths
        useful: NDArray[np.bool_] = (lengths <= self.max_piece_length) & (candidates.counts >= self.min_count)
        useful |= lengths == 1
        return useful

    def split(self, candidates: CountedBytes) -> tuple[CountedBytes, CountedBytes]:
        """The candidates that may be pieces, and the others."""
        useful = self(candidates)
        return candidates.select(np.flatnonzero(useful)), candidates.select(np.flatnonzero(~useful))


def select_useful(context: Context, candidates: Counts[CountedBytes], useful: Useful) -> CountedBytes:
    """The useful candidates and all bytes; the other candidates are cut into them, and give them their counts.

    Candidates are read twice; only the useful ones are in memory.
    """
    with context.progress.stage("Selecting pieces", " pieces") as advance:
        pieces = with_all_bytes(CountedBytes.join([useful.split(run)[0] for run in candidates]))
        pieces = with_uses(pieces, (useful.split(run)[1] for run in candidates), context.threads)
        advance(len(pieces))
    return pieces


def with_all_bytes(pieces: CountedBytes) -> CountedBytes:
    """The pieces, and the single bytes that are not among them, each with count 1."""
    present = pieces.data[pieces.offsets[:-1][pieces.lengths == 1]]
    missing = np.setdiff1d(np.arange(256, dtype=np.uint8), present)
    single = PackedBytes(missing, np.arange(len(missing) + 1)).with_counts(np.ones(len(missing), dtype=np.uint64))
    return pieces.add(single)


def prune(context: Context, pieces: CountedBytes, sizes: Iterable[int]) -> dict[int, CountedBytes]:
    """Reduce pieces, which are those of `select_useful`, to a vocabulary of each size, the largest first.

    A vocabulary has at most ``size - FIRST_PIECE_ID`` pieces, in the order of their ids: by length, then by bytes. It
    has fewer where there are fewer pieces, or where some of its pieces turn out to be unused. The stage counts the
    segmentations of a vocabulary by itself.
    """
    vocabularies = {}
    with context.progress.stage("Pruning", " rounds") as advance:
        pieces = _without_unused(pieces, context.threads, advance)
        for size in sorted(sizes, reverse=True):
            target = size - FIRST_PIECE_ID
            if len(pieces) > target:
                order = _order_of_keeping(pieces)
                kept, rest = pieces.select(np.sort(order[:target])), pieces.select(np.sort(order[target:]))
                pieces = _without_unused(with_uses(kept, [rest], context.threads), context.threads, advance)
            vocabularies[size] = by_id(pieces)
    return vocabularies


def by_id(pieces: CountedBytes) -> CountedBytes:
    """Pieces that are sorted by bytes, in the order of their ids: by length, then by bytes."""
    return pieces.select(np.argsort(pieces.lengths, kind="stable"))  # stable: ties stay in the order of bytes


def _order_of_keeping(pieces: CountedBytes) -> NDArray[np.intp]:
    """The numbers of pieces, those first that are dropped last: single bytes, then the frequent, then the long."""
    # The sort is stable, so ties stay in the order of bytes.
    return np.lexsort((-pieces.lengths, -pieces.counts.astype(np.int64), pieces.lengths > 1))


def with_uses(pieces: CountedBytes, others: Iterable[CountedBytes], threads: Threads) -> CountedBytes:
    """Pieces whose counts have grown by their uses in other counted strings, which are cut into them."""
    automaton = automaton_of(pieces)
    counts = pieces.counts.copy()
    for strings in others:
        counts += count_uses_in(automaton, strings, threads)
    return pieces.with_counts(counts)


def _without_unused(pieces: CountedBytes, threads: Threads, advance: Callable[[int], object]) -> CountedBytes:
    """Segment a vocabulary by itself, and drop the pieces that no segmentation uses; repeat until all are used."""
    while True:
        counts = count_uses_in(automaton_of(pieces), pieces, threads)
        advance(1)
        used = np.flatnonzero(counts)
        pieces = pieces.with_counts(counts).select(used)
        if len(used) == len(counts):
            return pieces


def automaton_of(pieces: CountedBytes) -> Automaton:
    """The automaton that segments by the probabilities of counted pieces.

    Raises `TrainingError` if there are more than it has room for.
    """
    try:
        return Automaton(pieces, log_probabilities(pieces.counts))
    except ModelFormatError as error:
        raise TrainingError(f"{len(pieces)} pieces are too many ({error}): raise min_count") from None


def count_uses_in(automaton: Automaton, counted: CountedBytes, threads: Threads) -> NDArray[np.uint64]:
    """How often each piece of the automaton is used where counted strings are segmented; see `count_uses`."""
    n = len(counted)
    shares = [counted.slice(n * k // threads.n, n * (k + 1) // threads.n) for k in range(threads.n)]
    counts = threads.map(lambda share: count_uses(automaton, share), shares)
    return sum(counts[1:], start=counts[0])
