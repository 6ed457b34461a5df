"""Runs: counts sorted by what they count, which can be merged.

There are two kinds: `NgramRun`, and `CountedBytes` for pieces. Both can be cut at any item and merged with another of
their kind, so streams of runs, however long, can be merged in little memory: `merge_streams`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from bytepiece.training.counting.kernels.ngrams import fold_rare, merge_runs

__all__ = ["NgramRun", "Run", "folded", "merge", "merge_streams"]

R = TypeVar("R", bound="Run")


class Run(Protocol):
    """What both kinds of counts can do. The items ascend, and none is there twice."""

    @property
    def counts(self) -> NDArray[np.uint64]:
        """The counts, in the order of the items."""

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """The arrays it consists of."""

    @property
    def nbytes(self) -> int:
        """The memory of the arrays, in bytes."""

    @property
    def text_bytes(self) -> float:
        """The length of the text that was counted, about."""

    def __len__(self) -> int:
        """The number of items."""

    def item(self, k: int) -> Any:
        """Item ``k``: the key of an n-gram, or a piece."""

    def find(self, item: Any, begin: int = 0) -> int:
        """How many items are ``item`` or less; those before number ``begin`` are known to be."""

    def slice(self: R, begin: int, end: int) -> R:
        """The items from ``begin`` to ``end`` and their counts, which share the memory of these."""

    def split(self: R, item: Any) -> tuple[R, R]:
        """The items up to ``item``, and the greater ones."""

    def add(self: R, other: R) -> R:
        """Both merged: an item of both gets the sum of its counts."""

    @staticmethod
    def join(runs: Sequence[Any]) -> Any:
        """Runs that ascend from one to the next, as one."""


@dataclass(frozen=True, slots=True, eq=False)
class NgramRun:
    """Counted n-grams: their keys (uint64, see `bytepiece.training.counting.kernels.ngrams`) and counts."""

    keys: NDArray[np.uint64]
    counts: NDArray[np.uint64]

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        return self.keys, self.counts

    @property
    def nbytes(self) -> int:
        return self.keys.nbytes + self.counts.nbytes

    @property
    def text_bytes(self) -> float:
        return float(self.counts.sum(dtype=np.float64))

    def __len__(self) -> int:
        return len(self.keys)

    def item(self, k: int) -> np.uint64:
        return self.keys[k]  # type: ignore[no-any-return]

    def find(self, item: np.uint64, begin: int = 0) -> int:
        return begin + int(np.searchsorted(self.keys[begin:], item, side="right"))

    def slice(self, begin: int, end: int) -> NgramRun:
        return NgramRun(self.keys[begin:end], self.counts[begin:end])

    def split(self, item: np.uint64) -> tuple[NgramRun, NgramRun]:
        cut = self.find(item)
        return self.slice(0, cut), self.slice(cut, len(self))

    def add(self, other: NgramRun) -> NgramRun:
        return NgramRun(*merge_runs(self.keys, self.counts, other.keys, other.counts))

    @staticmethod
    def join(runs: Sequence[NgramRun]) -> NgramRun:
        return NgramRun(
            np.concatenate([np.zeros(0, dtype=np.uint64), *(run.keys for run in runs)]),
            np.concatenate([np.zeros(0, dtype=np.uint64), *(run.counts for run in runs)]),
        )


def merge(runs: Sequence[R]) -> R:
    """Merge one run or more; the smallest first, so that each count is copied few times."""
    ordered = sorted(runs, key=len, reverse=True)
    while len(ordered) > 1:
        merged = ordered.pop().add(ordered.pop())
        position = bisect_right(ordered, -len(merged), key=lambda run: -len(run))
        ordered.insert(position, merged)
    return ordered[0]


def merge_streams(streams: Iterable[Iterator[R]]) -> Iterator[R]:
    """Merge streams, each of runs that ascend from one to the next, into one such stream.

    One run of each stream is in memory at a time. Items up to the least of their last items are complete.
    """
    heads = [(run, stream) for stream in streams for run in _next(stream)]
    while len(heads) > 1:
        bound = min(run.item(len(run) - 1) for run, _ in heads)
        complete, remaining = [], []
        for run, stream in heads:
            first, rest = run.split(bound)
            if len(first):
                complete.append(first)
            if len(rest):
                remaining.append((rest, stream))
            else:
                remaining += [(run, stream) for run in _next(stream)]
        yield merge(complete)
        heads = remaining
    for run, stream in heads:
        yield run
        yield from stream


def folded(runs: Iterable[NgramRun], min_count: int) -> Iterator[NgramRun]:
    """Runs of n-grams that ascend from one to the next, with rare ones given to their prefixes, see `fold_rare`.

    Some runs are in memory at a time: those with the n-grams of the same first three bytes. The counts must be those of
    the whole corpus.
    """
    waiting: list[NgramRun] = []
    for run in runs:
        # What begins with the last three bytes of the run may go on in the next.
        whole = int(np.searchsorted(run.keys, _first_bytes(run.keys[-1]))) if len(run) else 0
        if whole:
            yield _folded(NgramRun.join([*waiting, run.slice(0, whole)]), min_count)
            waiting = []
        waiting.append(run.slice(whole, len(run)))
    yield _folded(NgramRun.join(waiting), min_count)


def _folded(run: NgramRun, min_count: int) -> NgramRun:
    return NgramRun(*fold_rare(run.keys, run.counts, min_count))


def _first_bytes(key: np.uint64) -> np.uint64:
    """The least number that begins with the first three bytes of a key."""
    return key >> np.uint64(40) << np.uint64(40)


def _next(stream: Iterator[R]) -> Iterable[R]:
    """The next run of a stream that is not empty, if there is one."""
    for run in stream:
        if len(run):
            return [run]
    return []
