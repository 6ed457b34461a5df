"""Counts that merge: of n-grams and of pieces, by as many workers as there are.

The only room that knows about workers and memory. Workers are threads: the kernels hold no lock while they
count, the corpus is read once and copied to nobody, and one that fails fails the whole. Sums do not
depend on who counted what, so neither does any result.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from bytepiece.training._counting import PieceCounter, merge_runs, ngram_keys, run_lengths
from bytepiece.training.segments import Batch

__all__ = ["NgramRun", "PieceCounts", "count_in_parallel", "count_ngrams", "count_pieces"]

Counter = TypeVar("Counter")


class NgramRun(NamedTuple):
    """Counted n-grams: keys (uint64, ascending; see ``_counting.ngram_keys``) and counts (uint64)."""

    keys: NDArray[np.uint64]
    counts: NDArray[np.uint64]


class PieceCounts(NamedTuple):
    """Counted byte strings: ``pieces`` (uint8) one after the other, ``offsets`` (int64), ``counts`` (uint64)."""

    pieces: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    counts: NDArray[np.uint64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The length of each, in bytes."""
        return np.diff(self.offsets)

    def to_list(self) -> list[bytes]:
        """The byte strings as a list."""
        data, offsets = self.pieces.tobytes(), self.offsets.tolist()
        return [data[begin:end] for begin, end in pairwise(offsets)]


def count_in_parallel(
    batches: Iterable[Batch],
    counters: Sequence[Counter],
    count: Callable[[Counter, Batch], None],
    advance: Callable[[int], object],
) -> None:
    """Let as many threads as there are counters count batches, each counter in one thread at a time.

    ``advance`` is told the bytes of each batch that is done. A few batches wait at a time, so reading runs
    beside counting and no further ahead than that.
    """
    idle = deque(counters)

    def work(batch: Batch) -> int:
        counter = idle.pop()
        try:
            count(counter, batch)
        finally:
            idle.append(counter)
        return batch.n_bytes

    pending: deque[Future[int]] = deque()
    executor = ThreadPoolExecutor(len(counters))
    try:
        for batch in batches:
            pending.append(executor.submit(work, batch))
            if len(pending) > 2 * len(counters):
                advance(pending.popleft().result())
        while pending:
            advance(pending.popleft().result())
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


class _NgramCounter:
    """Counts n-grams by sorting; keeps runs, and merges those of like size, so that each is merged few times."""

    def __init__(self, order: int) -> None:
        self._order = order
        self.runs: list[NgramRun] = []

    def add(self, batch: Batch) -> None:
        keys = ngram_keys(batch.data, batch.begin, batch.ends, self._order)
        keys.sort()
        distinct, counts = run_lengths(keys)
        run = NgramRun(distinct.copy(), counts)
        while self.runs and len(self.runs[-1].keys) < 2 * len(run.keys):
            run = _merge(self.runs.pop(), run)
        self.runs.append(run)


def _merge(a: NgramRun, b: NgramRun) -> NgramRun:
    return NgramRun(*merge_runs(a.keys, a.counts, b.keys, b.counts))


def count_ngrams(batches: Iterable[Batch], order: int, workers: int, advance: Callable[[int], object]) -> NgramRun:
    """Count the longest n-gram, up to ``order`` bytes, that starts at each byte of each segment."""
    counters = [_NgramCounter(order) for _ in range(workers)]
    count_in_parallel(batches, counters, _NgramCounter.add, advance)
    runs = [run for counter in counters for run in counter.runs]
    counters.clear()
    runs.sort(key=lambda run: len(run.keys), reverse=True)
    total = NgramRun(np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.uint64))
    while runs:
        total = _merge(total, runs.pop())
    return total


def count_pieces(
    batches: Iterable[Batch],
    count: Callable[[PieceCounter, Batch], None],
    workers: int,
    advance: Callable[[int], object],
) -> PieceCounts:
    """Count the pieces that ``count`` finds in each batch. They come sorted by bytes."""
    counters = [PieceCounter() for _ in range(workers)]
    count_in_parallel(batches, counters, count, advance)
    total = counters.pop()
    while counters:
        total.add_pieces(*counters.pop().take())
    return PieceCounts(*total.take())
