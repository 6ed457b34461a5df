"""Runs: counts sorted by what they count, which can be merged.

There are two kinds, `NgramRun` and `PieceCounts`. Both can be cut at any key and merged with another of their kind, so
streams of runs, however long, can be merged in little memory: `merge_streams`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from bytepiece.training.counting.kernels import merge_pieces, merge_runs

__all__ = ["NgramRun", "PieceCounts", "Run", "merge", "merge_streams"]

R = TypeVar("R", bound="Run")


class Run(Protocol):
    """What both kinds of counts can do. Sorted by key, no key twice."""

    def __iter__(self) -> Iterator[NDArray[Any]]:
        """The arrays it consists of."""

    @property
    def counts(self) -> NDArray[np.uint64]:
        """The counts, in the order of the keys."""

    def key(self, k: int) -> Any:
        """The key number ``k``."""

    def find(self, key: Any, begin: int = 0) -> int:
        """How many keys there are up to ``key``, which is not less than those before number ``begin``."""

    @property
    def nbytes(self) -> int:
        """The memory it takes, in bytes."""

    def split(self: R, key: Any) -> tuple[R, R]:
        """What is up to ``key``, and the rest."""

    def part(self: R, begin: int, end: int) -> R:
        """What stands at ``begin`` to ``end``."""

    def add(self: R, other: R) -> R:
        """Both merged: where both have a key, their counts are added."""

    @classmethod
    def join(cls: type[R], runs: Sequence[R]) -> R:
        """Runs that ascend from one to the next, as one."""


class NgramRun(NamedTuple):
    """Counted n-grams: keys (uint64, ascending; see ``_counting.ngram_keys``) and counts (uint64)."""

    keys: NDArray[np.uint64]
    counts: NDArray[np.uint64]

    def key(self, k: int) -> np.uint64:
        return self.keys[k]  # type: ignore[no-any-return]

    def find(self, key: np.uint64, begin: int = 0) -> int:
        return begin + int(np.searchsorted(self.keys[begin:], key, side="right"))

    @property
    def nbytes(self) -> int:
        return self.keys.nbytes + self.counts.nbytes

    def split(self, key: np.uint64) -> tuple[NgramRun, NgramRun]:
        cut = self.find(key)
        return self.part(0, cut), self.part(cut, len(self.keys))

    def part(self, begin: int, end: int) -> NgramRun:
        return NgramRun(self.keys[begin:end], self.counts[begin:end])

    def add(self, other: NgramRun) -> NgramRun:
        return NgramRun(*merge_runs(self.keys, self.counts, other.keys, other.counts))

    @classmethod
    def join(cls, runs: Sequence[NgramRun]) -> NgramRun:
        return cls(
            np.concatenate([np.zeros(0, dtype=np.uint64), *(run.keys for run in runs)]),
            np.concatenate([np.zeros(0, dtype=np.uint64), *(run.counts for run in runs)]),
        )


class PieceCounts(NamedTuple):
    """Counted byte strings, sorted: all one after the other in ``pieces`` (uint8), piece k from ``offsets[k]`` to
    ``offsets[k + 1]`` (int64), and ``counts`` (uint64).
    """  # noqa: D205

    pieces: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    counts: NDArray[np.uint64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The length of each, in bytes."""
        return np.diff(self.offsets)

    @property
    def nbytes(self) -> int:
        return self.pieces.nbytes + self.offsets.nbytes + self.counts.nbytes

    def key(self, k: int) -> bytes:
        return self.pieces[self.offsets[k] : self.offsets[k + 1]].tobytes()

    def find(self, key: bytes, begin: int = 0) -> int:
        return bisect_right(range(len(self.counts)), key, begin, key=self.key)

    def split(self, key: bytes) -> tuple[PieceCounts, PieceCounts]:
        cut = self.find(key)
        return self.part(0, cut), self.part(cut, len(self.counts))

    def part(self, begin: int, end: int) -> PieceCounts:
        first, last = self.offsets[begin], self.offsets[end]
        return PieceCounts(self.pieces[first:last], self.offsets[begin : end + 1] - first, self.counts[begin:end])

    def add(self, other: PieceCounts) -> PieceCounts:
        return PieceCounts(*merge_pieces(*self, *other))

    @classmethod
    def join(cls, runs: Sequence[PieceCounts]) -> PieceCounts:
        offsets, end = [np.zeros(1, dtype=np.int64)], 0
        for run in runs:
            offsets.append(run.offsets[1:] + end)
            end += len(run.pieces)
        return cls(
            np.concatenate([np.zeros(0, dtype=np.uint8), *(run.pieces for run in runs)]),
            np.concatenate(offsets),
            np.concatenate([np.zeros(0, dtype=np.uint64), *(run.counts for run in runs)]),
        )

    def to_list(self) -> list[bytes]:
        """The byte strings as a list."""
        data, offsets = self.pieces.tobytes(), self.offsets.tolist()
        return [data[begin:end] for begin, end in pairwise(offsets)]


def merge(runs: Sequence[R]) -> R:
    """Merge some runs, at least one; those of like size first, so that each is copied few times."""
    ordered = sorted(runs, key=lambda run: len(run.counts), reverse=True)
    while len(ordered) > 1:
        merged = ordered.pop().add(ordered.pop())
        position = bisect_right(ordered, -len(merged.counts), key=lambda run: -len(run.counts))
        ordered.insert(position, merged)
    return ordered[0]


def merge_streams(streams: Iterable[Iterator[R]]) -> Iterator[R]:
    """Merge streams, each of runs that ascend from one to the next, into one such stream.

    One run of each stream is in memory at a time: what is up to the least of their last keys is complete.
    """
    heads = [(run, stream) for stream in streams for run in _next(stream)]
    while len(heads) > 1:
        bound = min(run.key(len(run.counts) - 1) for run, _ in heads)
        complete, remaining = [], []
        for run, stream in heads:
            first, rest = run.split(bound)
            if len(first.counts):
                complete.append(first)
            if len(rest.counts):
                remaining.append((rest, stream))
            else:
                remaining += [(run, stream) for run in _next(stream)]
        yield merge(complete)
        heads = remaining
    for run, stream in heads:
        yield run
        yield from stream


def _next(stream: Iterator[R]) -> Iterable[R]:
    """The next run of a stream that is not empty, if there is one."""
    for run in stream:
        if len(run.counts):
            return [run]
    return []
