"""What a format of token files has to say: how a shard is written, and how it is read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bytepiece.shards.outputs import Output

__all__ = ["Batch", "Documents", "Format", "Ids", "PackedDocuments"]

Ids: TypeAlias = NDArray[Any]
"""Ids as they are stored: uint16 or uint32, little-endian."""


class Batch(NamedTuple):
    """Documents that are written together; none is empty.

    Attributes:
        ids: all ids, one document after the other.
        lengths: int64, the number of ids of each document.
        source: the file they come from.
        numbers: int64, the number of each document in that file.
    """

    ids: Ids
    lengths: NDArray[np.int64]
    source: str
    numbers: NDArray[np.int64]


class Format(ABC):
    """A format; an instance writes one shard.

    Args:
        outputs: a file for each of the `endings`.
        dtype: of the ids.
    """

    endings: ClassVar[tuple[str, ...]]
    """The endings of the files of a shard. The last one makes the shard one that a framework finds."""

    longest: ClassVar[int] = 2**62
    """The most ids of a document; fewer where the format has lengths or offsets of 32 bits."""

    def __init__(self, outputs: Sequence[Output], dtype: np.dtype[Any]) -> None:
        self.outputs = outputs
        self.dtype = dtype

    @classmethod  # noqa: B027
    def check(cls) -> None:
        """Raise `OptionalDependencyError` where a library is missing."""

    @classmethod  # noqa: B027
    def complete(cls, folder: str, names: Sequence[str]) -> None:
        """Write what comes after all shards, which have the given names."""

    @abstractmethod
    def add(self, batch: Batch) -> None:
        """Write some documents."""

    @abstractmethod
    def finish(self) -> None:
        """Write what comes after all documents."""

    def abandon(self) -> None:  # noqa: B027
        """Let go of what is held, after an error; the outputs are discarded."""

    @classmethod
    @abstractmethod
    def read(cls, paths: Sequence[str], dtype: np.dtype[Any]) -> Documents:
        """The documents of a shard, given the paths of its files. Raises `OSError` and ``ValueError``."""


class Documents(ABC):
    """The documents of a shard: arrays of ids, in order."""

    @abstractmethod
    def __len__(self) -> int:
        """The number of documents."""

    @abstractmethod
    def __getitem__(self, number: int) -> Ids:
        """The ids of a document."""

    def __iter__(self) -> Iterator[Ids]:
        return map(self.__getitem__, range(len(self)))

    @abstractmethod
    def all_ids(self) -> Iterator[Ids]:
        """All ids, in arrays of any size."""


class PackedDocuments(Documents):
    """Documents in one array, which may be mapped into memory.

    Args:
        ids: all ids.
        ends: where each document ends.

    Raises ``ValueError`` unless the ends ascend to the number of ids.
    """

    def __init__(self, ids: Ids, ends: NDArray[Any]) -> None:
        if (int(ends[-1]) if len(ends) else 0) != len(ids):
            raise ValueError(f"the documents do not end where the {len(ids)} ids do")
        if len(ends) and (ends[0] < 0 or not bool(np.all(ends[:-1] <= ends[1:]))):
            raise ValueError("the ends of the documents do not ascend")
        self._ids = ids
        self._ends = ends

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, number: int) -> Ids:
        return self._ids[int(self._ends[number - 1]) if number else 0 : int(self._ends[number])]

    def all_ids(self) -> Iterator[Ids]:
        """All ids, a million at a time."""
        return (self._ids[begin : begin + 2**20] for begin in range(0, len(self._ids), 2**20))
