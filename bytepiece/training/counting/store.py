"""The counts of a pass in memory: merged as they come, and handed to the spool where they take too much.

The keys are divided into ranges, each with its own runs and lock:

    range 1: keys up to "cz"      range 2: keys up to "n"       range 3: all others
    [run][run][run]               [run][run]                    [run][run][run]

So threads seldom wait for each other, and merging takes little memory beside the counts: one range at a time. Within a
range, runs of like size are merged, so that each count is copied few times. A range that becomes large is divided.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from threading import Lock
from typing import Any, Generic, TypeVar

from bytepiece.core.heap import release_memory
from bytepiece.training.counting.runs import Run, merge
from bytepiece.training.counting.spool import Spool
from bytepiece.training.workers import Threads

__all__ = ["Store"]

R = TypeVar("R", bound=Run)
T = TypeVar("T")

_RANGE_BYTES = 2**22
"""A range that has more is divided, and so is one with more than a sixteenth of the store's limit: merging it takes as
much again."""


class Store(Generic[R]):
    """The runs of a pass that are in memory; any thread may add to them.

    Args:
        limit: bytes; when the runs take more, all go to the spool.
        spool: where they go.
    """

    def __init__(self, limit: int, spool: Spool) -> None:
        self._limit = limit
        self._spool = spool
        self._first: _Range[R] = _Range(min(_RANGE_BYTES, max(2**18, limit // 16)))
        self._nbytes = 0
        self._size_lock = Lock()
        self._spill_lock = Lock()

    def add(self, run: R) -> None:
        """Add the counts of a run."""
        begin = 0
        place: _Range[R] | None = self._first
        while place is not None:
            with place.lock:
                end = len(run) if place.last is None else run.find(place.last, begin)
                self._resize(place.add(run.slice(begin, end)))
                begin, place = end, place.following
        if self._nbytes > self._limit:
            # One thread spills. The others wait here: if they went on counting, memory would have no limit.
            with self._spill_lock:
                if self._nbytes > self._limit:
                    self._spool.add(merge(runs) for runs in self._emptied() if runs)

    def take(self, threads: Threads) -> list[R]:
        """Hand over what is in memory: runs that ascend from one to the next."""
        ranges = list(self._emptied())
        n = len(ranges)
        shares = [ranges[n * k // threads.n : n * (k + 1) // threads.n] for k in range(threads.n)]
        del ranges
        runs = [run for share in threads.map(_merge_each, shares) for run in share]
        release_memory()
        return runs

    def _emptied(self) -> Iterator[list[R]]:
        """The runs of each range, which is empty from now on."""
        taken = []
        place: _Range[R] | None = self._first
        while place is not None:
            with place.lock:
                self._resize(-place.nbytes)
                taken.append(place.runs)
                place.runs, place = [], place.following
        return _consumed(taken)

    def _resize(self, n_bytes: int) -> None:
        with self._size_lock:
            self._nbytes += n_bytes


class _Range(Generic[R]):
    """The runs of the keys up to ``last``; the last range has no ``last``, and takes all keys that are left.

    It is divided when it has more than ``most`` bytes.
    """

    def __init__(self, most: int, runs: Iterable[R] = (), last: Any = None, following: _Range[R] | None = None) -> None:
        self.most = most
        self.runs = list(runs)
        self.last = last
        self.following = following
        self.lock = Lock()

    @property
    def nbytes(self) -> int:
        return sum(run.nbytes for run in self.runs)

    def add(self, run: R) -> int:
        """Add a run whose keys belong to this range; returns how many bytes the range has grown."""
        before = self.nbytes
        if len(run):
            run = _copied(run)
            while self.runs and len(self.runs[-1]) < 2 * len(run):
                run = self.runs.pop().add(run)
            self.runs.append(run)
        after = self.nbytes
        if len(run) and self.runs[0].nbytes > self.most:
            after = self._divide()
        return after - before

    def _divide(self) -> int:
        """Keep the first part of the keys; ranges that follow get the others. Returns the bytes of all parts."""
        whole = merge(self.runs)
        n = len(whole)
        n_parts = min(n, -(-2 * whole.nbytes // self.most))
        edges = [n * k // n_parts for k in range(n_parts + 1)]
        parts = [_copied(whole.slice(begin, end)) for begin, end in pairwise(edges)]
        for part, begin in zip(parts[:0:-1], edges[-2:0:-1], strict=True):
            self.following = _Range(self.most, [part], self.last, self.following)
            self.last = whole.item(begin - 1)
        self.runs = parts[:1]
        return sum(part.nbytes for part in parts)


def _copied(run: R) -> R:
    """A run with memory of its own: a slice would keep all of the run alive that it is part of."""
    return type(run)(*(array.copy() for array in run.arrays))


def _consumed(items: list[T]) -> Iterator[T]:
    """The items of a list, each removed when its turn comes: so its memory is free as soon as it is used."""
    items.reverse()
    while items:
        yield items.pop()


def _merge_each(ranges: list[list[R]]) -> list[R]:
    return [merge(runs) for runs in _consumed(ranges) if runs]
