"""What refinement looks at: all documents of the corpus, or a sample of them."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.packed import PackedBytes
from bytepiece.training.refinement.kernels.sample import Sample
from bytepiece.training.resources import Resources
from bytepiece.training.segments import Reader

__all__ = ["MANY_DOCUMENTS", "collect_sample"]

SAMPLE_BYTES = 2**26
"""The size of the sample, 64 MB. More text is better: of 40 MB, half gives a vocabulary of 64,000 with 5.07 bytes per
token, all gives 5.25."""

DOCUMENT_BYTES = 2**16
"""Longer documents are cut into parts of about this size, and chosen part by part."""

MANY_DOCUMENTS = 1000
"""In a corpus of fewer documents, each part of a long one counts as a document, as there are too few to tell what is
widespread. From this number on, all parts of a document count as one; otherwise a piece that one long document repeats
would seem to be widespread."""

LARGEST_SHARE = 1 / 16
"""The parts of a document that has more of the sample than this count as documents in any corpus: else most of the
sample would be one document."""


def collect_sample(reader: Reader, resources: Resources, n_bytes: int | None = None) -> Sample:
    """Read everything, and keep a sample of ``n_bytes`` at most: the documents with the least hashes.

    The sample does not depend on the order of the documents. Those longer than `DOCUMENT_BYTES` are cut where lines
    end, and chosen part by part; their parts count as one document or as several, see `MANY_DOCUMENTS`.

    Raises `TrainingError` if refinement of the sample would take more memory than there is.
    """
    parts = _Parts(SAMPLE_BYTES if n_bytes is None else n_bytes)
    for number, document in enumerate(reader.texts()):
        document_hash = _hash(document)
        if len(document) <= DOCUMENT_BYTES:
            parts.add(document, document_hash, document_hash, number)
        else:
            for part in _cut(reader, document):
                parts.add(part, _hash(part), document_hash, number)
    parts.drop_excess()
    data, part_ends, numbers = parts.by_document()
    last_parts = _last_parts(part_ends, numbers, reader.documents)
    document_ends = part_ends[last_parts]
    segment_ends = reader.cut(data, part_ends)
    resources.check_refinement(parts.n_bytes, len(segment_ends))
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), segment_ends])
    documents = np.searchsorted(document_ends, offsets[1:]).astype(np.uint32)
    return Sample(data, offsets, documents, document_ends, not parts.dropped_any)


def _hash(text: bytes) -> int:
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


def _cut(reader: Reader, document: bytes) -> Iterator[bytes]:
    """The parts of a document: of `DOCUMENT_BYTES` or somewhat more, up to the end of a line."""
    ends = reader.cut_lines(document, np.array([len(document)], dtype=np.int64))
    begin = 0
    while begin < len(document):
        last = min(int(np.searchsorted(ends, begin + DOCUMENT_BYTES)), len(ends) - 1)
        yield document[begin : ends[last]]
        begin = int(ends[last])


def _last_parts(part_ends: NDArray[np.int64], numbers: NDArray[np.uint64], n_documents: int) -> NDArray[np.bool_]:
    """Which parts end what counts as a document; ``numbers`` are those of the documents they are from."""
    last = np.ones(len(numbers), dtype=np.bool_)
    if n_documents >= MANY_DOCUMENTS:
        last[:-1] = numbers[1:] != numbers[:-1]
        sizes = np.diff(part_ends[last], prepend=0)
        too_large = sizes > LARGEST_SHARE * part_ends[-1]
        last |= np.repeat(too_large, np.diff(np.flatnonzero(last), prepend=-1))
    return last


class _Parts:
    """Documents and parts of documents: those with the least hashes that fit into ``n_bytes`` together.

    They are ordered by their own hash, then by that of their document, then as they came. The first one that does not
    fit is where the sample ends: what comes later in that order stays out, even if it would fit.

    Everything is in arrays that grow: a document of one byte takes 28 bytes more.
    """

    def __init__(self, n_bytes: int) -> None:
        self._most = n_bytes
        self._data = bytearray()
        self._lengths = array("I")
        self._hashes = array("Q")
        self._document_hashes = array("Q")
        self._numbers = array("Q")
        self._bound = (2**64, 0)  # above all hashes

    @property
    def n_bytes(self) -> int:
        """The size of all parts."""
        return len(self._data)

    @property
    def dropped_any(self) -> bool:
        """Whether some part did not fit."""
        return self._bound[0] < 2**64

    def add(self, part: bytes, hash: int, document_hash: int, number: int) -> None:
        """Add a part of the document with a number, unless it comes after what was dropped."""
        if not part or (hash, document_hash) >= self._bound:
            return
        self._data += part
        self._lengths.append(len(part))
        self._hashes.append(hash)
        self._document_hashes.append(document_hash)
        self._numbers.append(number)
        if len(self._data) > self._most + self._most // 4:
            self.drop_excess()

    def drop_excess(self) -> None:
        """Drop what does not fit."""
        if len(self._data) <= self._most:
            return
        lengths, hashes, document_hashes, numbers = self._arrays()
        order = np.lexsort((document_hashes, hashes))  # stable: equals stay as they came
        n = int(np.searchsorted(np.cumsum(lengths[order]), self._most, side="right"))
        self._bound = (int(hashes[order[n]]), int(document_hashes[order[n]]))
        kept = np.sort(order[:n])
        self._data = bytearray(self._packed().select(kept).data)
        self._lengths = array("I", lengths[kept].tobytes())
        self._hashes = array("Q", hashes[kept].tobytes())
        self._document_hashes = array("Q", document_hashes[kept].tobytes())
        self._numbers = array("Q", numbers[kept].tobytes())

    def by_document(self) -> tuple[bytes, NDArray[np.int64], NDArray[np.uint64]]:
        """All text, in the order of the documents' hashes; where each part ends; and the number of its document."""
        lengths, _, document_hashes, numbers = self._arrays()
        order = np.lexsort((numbers, document_hashes))  # stable: the parts of a document stay as they came
        return (
            self._packed().select(order).data.tobytes(),
            np.cumsum(lengths[order], dtype=np.int64),
            numbers[order],
        )

    def _arrays(self) -> tuple[NDArray[np.uint32], NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64]]:
        return (
            np.frombuffer(self._lengths, dtype=np.uint32),
            np.frombuffer(self._hashes, dtype=np.uint64),
            np.frombuffer(self._document_hashes, dtype=np.uint64),
            np.frombuffer(self._numbers, dtype=np.uint64),
        )

    def _packed(self) -> PackedBytes:
        offsets = np.zeros(len(self._lengths) + 1, dtype=np.int64)
        np.cumsum(np.frombuffer(self._lengths, dtype=np.uint32), out=offsets[1:])
        return PackedBytes(np.frombuffer(self._data, dtype=np.uint8), offsets)
