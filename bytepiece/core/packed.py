"""Byte strings packed in arrays: a fifth of the memory that as many `bytes` objects take, and kernels can read them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.packing import merge_counted, select_strings

__all__ = ["CountedBytes", "PackedBytes"]


@dataclass(frozen=True, slots=True, eq=False)
class PackedBytes:
    """A sequence of byte strings. The arrays are for reading only.

    Attributes:
        data: uint8, all strings one after the other.
        offsets: int64, from 0 to ``len(data)``, one more than strings: string ``k`` is
            ``data[offsets[k]:offsets[k + 1]]``.

    >>> words = PackedBytes.from_list([b"clock", b"", b"tower"])
    >>> len(words), words.item(2), words.slice(1, 3).to_list()
    (3, b'tower', [b'', b'tower'])
    """

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]

    @staticmethod
    def from_list(strings: Iterable[bytes]) -> PackedBytes:
        """Pack byte strings, in their order."""
        strings = list(strings)
        offsets = np.zeros(len(strings) + 1, dtype=np.int64)
        np.cumsum(np.fromiter(map(len, strings), np.int64, len(strings)), out=offsets[1:])
        return PackedBytes(np.frombuffer(b"".join(strings), dtype=np.uint8), offsets)

    def to_list(self) -> list[bytes]:
        """The strings as `bytes` objects."""
        data = self.data.tobytes()
        return [data[begin:end] for begin, end in pairwise(self.offsets.tolist())]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The length of each string, in bytes."""
        return np.diff(self.offsets)

    @property
    def nbytes(self) -> int:
        """The memory of the arrays, in bytes."""
        return self.data.nbytes + self.offsets.nbytes

    def item(self, k: int | np.signedinteger[Any]) -> bytes:
        """String ``k``."""
        return self.data[self.offsets[k] : self.offsets[k + 1]].tobytes()

    def slice(self, begin: int, end: int) -> PackedBytes:
        """The strings from ``begin`` to ``end``, which share the memory of these."""
        first, last = self.offsets[begin], self.offsets[end]
        return PackedBytes(self.data[first:last], self.offsets[begin : end + 1] - first)

    def select(self, numbers: NDArray[np.signedinteger[Any]]) -> PackedBytes:
        """Copies of the strings with the given numbers (int64), in that order; `IndexError` if there is no such."""
        return PackedBytes(*select_strings(self, numbers))

    def with_counts(self, counts: NDArray[np.uint64]) -> CountedBytes:
        """The same strings with these counts."""
        return CountedBytes(self.data, self.offsets, counts)


@dataclass(frozen=True, slots=True, eq=False)
class CountedBytes(PackedBytes):
    """Byte strings with counts (uint64). Those that are searched, split or merged must be sorted, and distinct.

    >>> a = PackedBytes.from_list([b"clock", b"tower"]).with_counts(np.array([7, 4], dtype=np.uint64))
    >>> b = PackedBytes.from_list([b"boat", b"clock"]).with_counts(np.array([1, 2], dtype=np.uint64))
    >>> a.add(b).to_list(), a.add(b).counts.tolist()
    ([b'boat', b'clock', b'tower'], [1, 9, 4])
    """

    counts: NDArray[np.uint64]

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """The arrays, in the order in which files of counts have them."""
        return self.data, self.offsets, self.counts

    @property
    def nbytes(self) -> int:
        """The memory of the arrays, in bytes."""
        return self.data.nbytes + self.offsets.nbytes + self.counts.nbytes

    @property
    def text_bytes(self) -> float:
        """The length of the text that was counted, about."""
        return float(np.dot(self.counts.astype(np.float64), self.lengths))

    def slice(self, begin: int, end: int) -> CountedBytes:
        """The strings from ``begin`` to ``end`` and their counts, which share the memory of these."""
        return PackedBytes.slice(self, begin, end).with_counts(self.counts[begin:end])

    def select(self, numbers: NDArray[np.signedinteger[Any]]) -> CountedBytes:
        """Copies of the strings with the given numbers (int64) and their counts; `IndexError` if there is no such."""
        return PackedBytes.select(self, numbers).with_counts(self.counts[numbers])

    def find(self, string: bytes, begin: int = 0) -> int:
        """How many strings are ``string`` or less; those before number ``begin`` are known to be."""
        return bisect_right(range(len(self)), string, begin, key=self.item)

    def split(self, string: bytes) -> tuple[CountedBytes, CountedBytes]:
        """The strings up to ``string``, and the greater ones."""
        cut = self.find(string)
        return self.slice(0, cut), self.slice(cut, len(self))

    def add(self, other: CountedBytes) -> CountedBytes:
        """Both merged: a string of both gets the sum of its counts."""
        return CountedBytes(*merge_counted(self, other))

    @staticmethod
    def join(parts: Sequence[CountedBytes]) -> CountedBytes:
        """The strings of all parts, one part after the other."""
        offsets, end = [np.zeros(1, dtype=np.int64)], 0
        for part in parts:
            offsets.append(part.offsets[1:] + end)
            end += len(part.data)
        return CountedBytes(
            np.concatenate([np.zeros(0, dtype=np.uint8), *(part.data for part in parts)]),
            np.concatenate(offsets),
            np.concatenate([np.zeros(0, dtype=np.uint64), *(part.counts for part in parts)]),
        )
