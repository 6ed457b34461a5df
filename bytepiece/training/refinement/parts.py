"""Which documents and parts of documents are in the sample: those with the least hashes."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import compress, pairwise
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.packed import PackedBytes

__all__ = ["NO_BOUND", "Bound", "ChosenParts", "Keys", "Parts", "bound_after", "hashes_of", "merge_keys"]

Bound: TypeAlias = tuple[int, int]
"""The hash of a part and that of its document: the first ones that are out of the sample."""

NO_BOUND: Bound = (2**64, 0)  # above all hashes

PART_BYTES = 28
"""What a part takes beside its text: it counts as so much longer. Else millions of documents of some bytes would take
many times the memory of the sample."""


class Keys(NamedTuple):
    """What decides whether parts are in the sample, in the order in which they came.

    Attributes:
        lengths: of each part in bytes (uint32).
        hashes: of each part (uint64).
        document_hashes: of the document of each part (uint64).
        bound: parts from there on were dropped.
    """

    lengths: NDArray[np.uint32]
    hashes: NDArray[np.uint64]
    document_hashes: NDArray[np.uint64]
    bound: Bound

    def copy(self) -> Keys:
        """The same in memory of its own."""
        return Keys(self.lengths.copy(), self.hashes.copy(), self.document_hashes.copy(), self.bound)

    def select(self, numbers: NDArray[np.intp], bound: Bound) -> Keys:
        """The keys of the parts with these numbers, and another bound."""
        return Keys(self.lengths[numbers], self.hashes[numbers], self.document_hashes[numbers], bound)

    def fitting(self, most: int) -> tuple[NDArray[np.intp], Bound]:
        """The numbers of the parts that fit into ``most`` bytes together, ascending; and the bound.

        Parts are ordered by their own hash, then by that of their document, then as they came. The first one that does
        not fit is the bound: what comes later in that order stays out, even if it would fit.
        """
        order = np.lexsort((self.document_hashes, self.hashes))  # stable: equals stay as they came
        sizes = self.lengths[order].astype(np.int64) + PART_BYTES
        n = int(np.searchsorted(np.cumsum(sizes), most, side="right"))
        bound = self.bound
        if n < len(order):
            bound = min(bound, (int(self.hashes[order[n]]), int(self.document_hashes[order[n]])))
        return np.sort(order[:n]), bound


def bound_after(bound: Bound) -> Bound:
    """The next greater bound: parts with the key of the first one are below it."""
    return bound[0], bound[1] + 1


def below(hashes: NDArray[np.uint64], document_hashes: NDArray[np.uint64], bound: Bound) -> NDArray[np.bool_]:
    """Which keys are below a bound."""
    if bound[0] >= 2**64:
        return np.ones(len(hashes), dtype=np.bool_)
    same = hashes == np.uint64(bound[0])
    if bound[1] < 2**64:
        same &= document_hashes < np.uint64(bound[1])
    return np.asarray((hashes < np.uint64(bound[0])) | same)


def merge_keys(keys: Iterable[Keys], most: int) -> Keys:
    """The keys of all parts that fit into ``most`` bytes together, of several parts of a corpus in their order.

    They are sorted again when a quarter more has come: of a later part of the corpus, few are below the bound.
    """
    merged = Keys(np.zeros(0, np.uint32), np.zeros(0, np.uint64), np.zeros(0, np.uint64), NO_BOUND)
    waiting: list[Keys] = []
    n_waiting = 0
    for each in keys:
        kept = np.flatnonzero(below(each.hashes, each.document_hashes, merged.bound))
        waiting.append(each.select(kept, each.bound))
        n_waiting += len(kept)
        if 4 * n_waiting > len(merged.hashes):
            merged = _merged([merged, *waiting], most)
            waiting, n_waiting = [], 0
    return _merged([merged, *waiting], most) if waiting else merged


def _merged(keys: Sequence[Keys], most: int) -> Keys:
    merged = Keys(
        np.concatenate([each.lengths for each in keys]),
        np.concatenate([each.hashes for each in keys]),
        np.concatenate([each.document_hashes for each in keys]),
        min(each.bound for each in keys),
    )
    # What lies behind the bound of one part is out, even if it would fit.
    inside = merged.select(np.flatnonzero(below(merged.hashes, merged.document_hashes, merged.bound)), merged.bound)
    return inside.select(*inside.fitting(most))


def hashes_of(texts: Sequence[bytes]) -> NDArray[np.uint64]:
    """A hash of each text."""
    digests = b"".join([blake2b(text, digest_size=8).digest() for text in texts])
    return np.frombuffer(digests, dtype=">u8").astype(np.uint64)


class ChosenParts(NamedTuple):
    """Parts that may be in the sample.

    Attributes:
        data: their text, one after the other.
        keys: their keys.
        numbers: of their documents (uint64), see `Parts.add`.
    """

    data: bytes
    keys: Keys
    numbers: NDArray[np.uint64]


class Parts:
    """Documents and parts of documents: those with the least hashes that fit into ``most`` bytes together, see `Keys`.

    Everything is in arrays that grow.

    Args:
        most: how many bytes they may have, with `PART_BYTES` for each part.
        bound: parts from there on are not wanted.
    """

    def __init__(self, most: int, bound: Bound = NO_BOUND) -> None:
        self.most = most
        self._data = bytearray()
        self._lengths = array("I")
        self._hashes = array("Q")
        self._document_hashes = array("Q")
        self._numbers = array("Q")
        self._bound = bound

    @property
    def n_bytes(self) -> int:
        """The size of all parts."""
        return len(self._data)

    @property
    def dropped_any(self) -> bool:
        """Whether some part did not fit."""
        return self._bound < NO_BOUND

    @property
    def keys(self) -> Keys:
        """The keys of all parts; do not use them any more when a part is added."""
        return Keys(
            np.frombuffer(self._lengths, dtype=np.uint32),
            np.frombuffer(self._hashes, dtype=np.uint64),
            np.frombuffer(self._document_hashes, dtype=np.uint64),
            self._bound,
        )

    def add(
        self,
        parts: Sequence[bytes],
        hashes: NDArray[np.uint64],
        document_hashes: NDArray[np.uint64],
        numbers: NDArray[np.uint64],
    ) -> None:
        """Add parts, each with the hash and the number of its document, but those that come after what was dropped."""
        lengths = np.fromiter(map(len, parts), np.uint32, len(parts))
        kept = (lengths > 0) & below(hashes, document_hashes, self._bound)
        self._data += b"".join(compress(parts, kept))
        self._lengths.frombytes(lengths[kept].tobytes())
        self._hashes.frombytes(hashes[kept].tobytes())
        self._document_hashes.frombytes(document_hashes[kept].tobytes())
        self._numbers.frombytes(numbers[kept].tobytes())
        if self._size > self.most + self.most // 4:
            self.drop_excess()

    def add_all(self, parts: ChosenParts, first: int) -> None:
        """Add the parts that were chosen elsewhere; ``first`` is the number of the first document there."""
        bounds = [0, *np.cumsum(parts.keys.lengths, dtype=np.int64).tolist()]
        texts = [parts.data[begin:end] for begin, end in pairwise(bounds)]
        self.add(texts, parts.keys.hashes, parts.keys.document_hashes, parts.numbers + np.uint64(first))

    @property
    def chosen(self) -> ChosenParts:
        """All parts as they are, to be added elsewhere."""
        return ChosenParts(bytes(self._data), self.keys.copy(), np.array(self._numbers, dtype=np.uint64))

    def in_blocks(self, n_bytes: int, n_parts: int) -> Iterator[ChosenParts]:
        """The same, of which each has ``n_bytes`` of text and ``n_parts`` at most, or a single part."""
        keys, numbers = self.keys.copy(), np.array(self._numbers, dtype=np.uint64)
        ends = np.cumsum(keys.lengths, dtype=np.int64)
        begin, first = 0, 0
        while first < len(ends):
            fitting = int(np.searchsorted(ends, begin + n_bytes, side="right"))
            last = min(max(fitting, first + 1), first + n_parts)
            some, end = slice(first, last), int(ends[last - 1])
            of_block = Keys(keys.lengths[some], keys.hashes[some], keys.document_hashes[some], keys.bound)
            yield ChosenParts(bytes(self._data[begin:end]), of_block, numbers[some])
            begin, first = end, last

    @property
    def _size(self) -> int:
        return len(self._data) + PART_BYTES * len(self._lengths)

    def drop_excess(self) -> None:
        """Drop what does not fit."""
        if self._size <= self.most:
            return
        keys, numbers = self.keys, np.frombuffer(self._numbers, dtype=np.uint64)
        kept, self._bound = keys.fitting(self.most)
        self._data = bytearray(self._packed().select(kept).data)
        self._lengths = array("I", keys.lengths[kept].tobytes())
        self._hashes = array("Q", keys.hashes[kept].tobytes())
        self._document_hashes = array("Q", keys.document_hashes[kept].tobytes())
        self._numbers = array("Q", numbers[kept].tobytes())

    def by_document(self) -> tuple[bytes, NDArray[np.int64], NDArray[np.uint64]]:
        """All text, in the order of the documents' hashes; where each part ends; and the number of its document."""
        numbers = np.frombuffer(self._numbers, dtype=np.uint64)
        keys = self.keys
        order = np.lexsort((numbers, keys.document_hashes))  # stable: the parts of a document stay as they came
        return (
            self._packed().select(order).data.tobytes(),
            np.cumsum(keys.lengths[order], dtype=np.int64),
            numbers[order],
        )

    def _packed(self) -> PackedBytes:
        offsets = np.zeros(len(self._lengths) + 1, dtype=np.int64)
        np.cumsum(np.frombuffer(self._lengths, dtype=np.uint32), out=offsets[1:])
        return PackedBytes(np.frombuffer(self._data, dtype=np.uint8), offsets)
