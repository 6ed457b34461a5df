"""What refinement looks at: all documents of the corpus, or a sample of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import compress
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bytepiece.training.refinement.kernels.distinct import SegmentTable
from bytepiece.training.refinement.kernels.sample import Sample
from bytepiece.training.refinement.parts import Parts, hashes_of
from bytepiece.training.segments import Reader
from bytepiece.training.workers import Threads

__all__ = [
    "LARGEST_SAMPLE",
    "MANY_DOCUMENTS",
    "SMALLEST_SAMPLE",
    "SampledText",
    "collect_parts",
    "collect_sample",
    "sample_of",
]

SMALLEST_SAMPLE, LARGEST_SAMPLE = 2**20, 2**31 - 2
"""How many bytes a sample may have: those of some documents, and less than 2 GB."""

DOCUMENT_BYTES = 2**16
"""Longer documents are cut into parts of about this size, and chosen part by part."""

MANY_DOCUMENTS = 1000
"""In a corpus of fewer documents, each part of a long one counts as a document, as there are too few to tell what is
widespread. From this number on, all parts of a document count as one; otherwise a piece that one long document repeats
would seem to be widespread."""

LARGEST_SHARE = 1 / 16
"""The parts of a document that has more of the sample than this count as documents in any corpus: else most of the
sample would be one document."""

MOST_DOCUMENTS = 2**20
"""If the sample has more documents, some neighbours count as one. As they are in the order of their hashes, that is as
good as by chance; and what is counted by document takes little memory."""

CUT_BYTES = 2**20
"""So much text is cut into segments at a time."""

Check: TypeAlias = Callable[[tuple[int, int, int], float], object]
"""Is told, while segments are collected, how many bytes, segments and postings they have by now, see `Sample.amounts`,
and of which share of the text; raises an error if they will not fit into memory."""


class _Segments(NamedTuple):
    """Segments, one after the other.

    Attributes:
        data: where they lie, all of it.
        ends: where each one ends there (int64).
        documents: the number of the document of each (uint32).
        end: where the last one ends in the whole text.
    """

    data: bytes
    ends: NDArray[np.int64]
    documents: NDArray[np.uint32]
    end: int


class SampledText:
    """The text of a sample, to be cut into segments.

    Args:
        data: all text.
        part_ends: where each part ends; no segment goes on from one part to the next (int64).
        document_ends: where each document ends (int64).
        whole: whether this is the whole corpus.
        reader: cuts text.
    """

    def __init__(
        self,
        data: bytes,
        part_ends: NDArray[np.int64],
        document_ends: NDArray[np.int64],
        whole: bool,
        reader: Reader,
    ) -> None:
        self.data = data
        self.part_ends = part_ends
        self.document_ends = document_ends
        self.whole = whole
        self._reader = reader

    def segments(self, check: Check = lambda amounts, share: None) -> Sample:
        """The distinct segments."""
        return self._distinct(self._reader.cut, len(self.part_ends), check)

    def lines(self, n_bytes: int, check: Check = lambda amounts, share: None) -> Sample:
        """The distinct lines of the first ``n_bytes`` or somewhat more, which documents have by chance."""
        return self._distinct(self._reader.cut_lines, int(np.searchsorted(self.part_ends, n_bytes)) + 1, check)

    def _distinct(
        self, cut: Callable[[bytes, NDArray[np.int64]], NDArray[np.int64]], n_parts: int, check: Check
    ) -> Sample:
        """The distinct segments of the first parts: while some of them are looked up, others are cut."""
        n_parts = min(n_parts, len(self.part_ends))
        n_bytes = int(self.part_ends[n_parts - 1]) if n_parts else 0

        def add(table: SegmentTable, segments: _Segments) -> None:
            table.add(segments.data, segments.ends, segments.documents)
            check(table.amounts, segments.end / n_bytes)

        table = SegmentTable()
        Threads().consume(self._cut(cut, n_parts), [table], add, lambda segments: None)
        n_documents = int(np.searchsorted(self.document_ends, n_bytes)) + 1
        return table.take(n_documents, self.whole and n_parts == len(self.part_ends))

    def _cut(self, cut: Callable[[bytes, NDArray[np.int64]], NDArray[np.int64]], n_parts: int) -> Iterator[_Segments]:
        """The segments of the first parts, some of them together."""
        begin, first = 0, 0
        while first < n_parts:
            last = min(int(np.searchsorted(self.part_ends, begin + CUT_BYTES)), n_parts - 1)
            end = int(self.part_ends[last])
            data = self.data[begin:end]
            ends = cut(data, self.part_ends[first : last + 1] - begin)
            first_document, last_document = np.searchsorted(self.document_ends, [begin + 1, end])
            inner_ends = self.document_ends[first_document:last_document] - begin
            numbers = np.diff(np.searchsorted(ends, inner_ends, side="right"), prepend=0, append=len(ends))
            documents = np.repeat(np.arange(first_document, last_document + 1, dtype=np.uint32), numbers)
            yield _Segments(data, ends, documents, end)
            begin, first = end, last + 1


def collect_sample(reader: Reader, n_bytes: int, check: Callable[[int], object] = lambda n_bytes: None) -> SampledText:
    """Read everything, and keep a sample of ``n_bytes`` at most, see `Parts`: the documents with the least hashes.

    The sample does not depend on the order of the documents. Those longer than `DOCUMENT_BYTES` are cut where lines
    end, and chosen part by part; their parts count as one document or as several, see `MANY_DOCUMENTS`. ``check`` is
    told how many bytes the sample will have at least, whenever these are more; it raises an error if that is too much.
    """
    parts = Parts(n_bytes)
    collect_parts(reader, parts, check)
    return sample_of(parts, reader, reader.documents)


def collect_parts(reader: Reader, parts: Parts, check: Callable[[int], object] = lambda n_bytes: None) -> None:
    """Read everything, and keep what may be in the sample; ``check`` as for `collect_sample`.

    While some documents are chosen from, others are read.
    """
    first = 0

    def add(parts: Parts, documents: list[bytes]) -> None:
        nonlocal first
        _add_documents(parts, documents, first, reader)
        first += len(documents)
        check(min(parts.n_bytes, parts.most))

    Threads().consume(reader.texts(), [parts], add, lambda documents: None)
    parts.drop_excess()


def _add_documents(parts: Parts, documents: list[bytes], first: int, reader: Reader) -> None:
    """Add documents, of which ``first`` is the number of the first one; long ones in parts."""
    hashes = hashes_of(documents)
    numbers = np.arange(first, first + len(documents), dtype=np.uint64)
    short = np.fromiter((len(document) <= DOCUMENT_BYTES for document in documents), np.bool_, len(documents))
    parts.add([*compress(documents, short)], hashes[short], hashes[short], numbers[short])
    for k in np.flatnonzero(~short).tolist():
        pieces = [*_cut(reader, documents[k])]
        parts.add(pieces, hashes_of(pieces), np.full(len(pieces), hashes[k]), np.full(len(pieces), numbers[k]))


def sample_of(parts: Parts, reader: Reader, n_documents: int) -> SampledText:
    """The sample of a corpus of so many documents; ``reader`` says where segments end."""
    data, part_ends, numbers = parts.by_document()
    document_ends = part_ends[_last_parts(part_ends, numbers, n_documents)]
    together = -(-len(document_ends) // MOST_DOCUMENTS)
    document_ends = document_ends[::-1][::together][::-1].copy()
    return SampledText(data, part_ends, document_ends, not parts.dropped_any, reader)


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
