"""Texts cut into training segments, in batches for the workers."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from hashlib import blake2b
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.words import cut_words
from bytepiece.errors import CorpusError, TextError
from bytepiece.text.character_classes import class_table
from bytepiece.text.preparation import to_bytes
from bytepiece.training.counting.kernels.segments import cut_segments

__all__ = ["BOUNDARIES", "Batch", "Reader"]

MAX_CHARACTERS = 10_000
"""The most characters of a segment before its newlines."""

MAX_NEWLINES = 100
"""The most newlines at the end of a segment."""

BOUNDARIES = (None, "words")
"""What may bound segments beside newlines."""

NOTED_BYTES = 2**16
"""The bytes of texts that are hashed together, when texts are read one by one: a call for each would take longer."""

LEAST_BYTES = 16
"""The least mean size of the texts that are together in a batch: each is an object of some 50 bytes beside its own."""


class Batch(NamedTuple):
    """Segments, one after the other.

    Attributes:
        data: where they lie.
        begin: where the first one begins.
        ends: where each one ends.
        whole: whether the last text ends with the batch.
    """

    data: bytes
    begin: int
    ends: NDArray[np.int64]
    whole: bool

    @property
    def n_bytes(self) -> int:
        """The length of all segments in bytes."""
        return int(self.ends[-1]) - self.begin if len(self.ends) else 0


class Reader:
    """Reads texts in batches, cut into segments, and keeps a hash of what it has read.

    A text is cut after every run of newlines, after `MAX_CHARACTERS` characters, and after `MAX_NEWLINES`
    newlines; with ``isolate_digits`` every decimal digit is a segment of its own; with the boundaries ``"words"``
    every word is, see `bytepiece.core.words`.

    Args:
        texts: iterable of ``str``. If its class defines a method ``iter_utf8``, that gives the texts, as UTF-8.
        normalization: ``None`` or ``"nfc"``, applied to each text first.
        isolate_digits: see above.
        boundaries: see above; None for no further ones.
        batch_bytes: the size of a batch. Only texts longer than that are divided, where a segment ends.
        document_bytes: a longer text is a `CorpusError`.

    Attributes:
        documents: the number of texts read so far.
        n_bytes: their length in bytes.
    """

    def __init__(
        self,
        texts: Iterable[str],
        normalization: str | None = None,
        isolate_digits: bool = False,
        boundaries: str | None = None,
        batch_bytes: int = 2**22,
        document_bytes: int | None = None,
    ) -> None:
        self._documents = iter(self._read(texts, normalization, document_bytes))
        self._zeros = _zeros() if isolate_digits else np.zeros(0, dtype=np.int64)
        self._in_words = boundaries == "words"
        self._batch_bytes = batch_bytes
        # Hashes of the bytes and of the lengths of texts, as streams: they do not depend on batches.
        self._content = blake2b(digest_size=16)
        self._lengths = blake2b(digest_size=16)
        self.documents = 0
        self.n_bytes = 0

    @property
    def fingerprint(self) -> str:
        """A hash of all texts read so far; it does not depend on how they were divided into batches."""
        return self._content.hexdigest() + self._lengths.hexdigest()

    def skip(self, documents: int) -> None:
        """Read some texts, and throw them away."""
        for document in islice(self._documents, documents):
            self._note([document])

    def texts(self) -> Iterator[list[bytes]]:
        """The remaining texts, each as a whole, some together."""
        for documents in self._together(NOTED_BYTES):
            self._note(documents)
            yield documents

    def cut(self, data: bytes, text_ends: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the segments of texts end; the texts lie one after the other in ``data``."""
        return self._cut_words(data, 0, self.cut_lines(data, text_ends))

    def cut_lines(self, data: bytes, text_ends: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where lines end: the segments of texts, if they are not cut into words."""
        return cut_segments(data, text_ends, MAX_CHARACTERS, MAX_NEWLINES, self._zeros)

    def at_end(self) -> bool:
        """Whether no text is left; if one is left, it is lost."""
        return next(self._documents, None) is None

    def parts(self, n_bytes: Callable[[], int] | None = None, in_lines: bool = False) -> Iterator[Iterator[Batch]]:
        """The remaining batches, in parts of whole texts, of ``n_bytes()`` or somewhat more; or all in one part.

        With ``in_lines``, their segments are lines, even if the reader cuts into words.
        """
        batches = self._batches(in_lines)
        for first in batches:
            yield self._part(first, batches, None if n_bytes is None else n_bytes())

    @staticmethod
    def _part(batch: Batch | None, batches: Iterator[Batch], n_bytes: int | None) -> Iterator[Batch]:
        size = 0
        while batch is not None:
            yield batch
            size += batch.n_bytes
            if n_bytes is not None and size >= n_bytes and batch.whole:
                return
            batch = next(batches, None)

    @staticmethod
    def _read(texts: Iterable[str], normalization: str | None, longest: int | None) -> Iterator[bytes]:
        kind: type = str
        if "iter_utf8" in vars(type(texts)):  # not inherited: a subclass may have other texts
            texts, kind = texts.iter_utf8(), bytes  # type: ignore[attr-defined]
        for number, text in enumerate(texts):
            if not isinstance(text, kind):
                raise CorpusError(f"text {number} (from 0) must be {kind.__name__}, not {type(text).__name__}")
            try:
                data = to_bytes(text, normalization)
            except TextError as error:
                raise CorpusError(f"text {number} (from 0): {error}") from None
            if longest is not None and len(data) > longest:
                raise CorpusError(
                    f"text {number} (from 0): it has {len(data)} bytes, and {longest} are the most that fit the memory "
                    "limit: raise it, or divide the text"
                )
            yield data

    def _batches(self, in_lines: bool) -> Iterator[Batch]:
        for documents in self._together(self._batch_bytes):
            yield from self._cut(documents, in_lines)

    def _together(self, n_bytes: int) -> Iterator[list[bytes]]:
        """The remaining texts in lists of some ``n_bytes``, less if they are tiny; the last list may be empty."""
        documents: list[bytes] = []
        size = 0
        for document in self._documents:
            documents.append(document)
            size += len(document)
            if max(size, LEAST_BYTES * len(documents)) >= n_bytes:
                yield documents
                documents, size = [], 0
        yield documents

    def _cut(self, documents: list[bytes], in_lines: bool) -> Iterator[Batch]:
        data, document_ends = self._note(documents)
        ends = self.cut_lines(data, document_ends)
        begin, first = 0, 0
        while first < len(ends):
            last = int(np.searchsorted(ends, begin + self._batch_bytes + MAX_CHARACTERS)) + 1
            # Words are cut batch by batch: those of a long text would take more memory than the text.
            line_ends = ends[first:last]
            segment_ends = line_ends if in_lines else self._cut_words(data, begin, line_ends)
            batch = Batch(data, begin, segment_ends, last >= len(ends))
            yield batch
            begin += batch.n_bytes
            first = last

    def _cut_words(self, data: bytes, begin: int, ends: NDArray[np.int64]) -> NDArray[np.int64]:
        return cut_words(data, begin, ends, class_table()) if self._in_words else ends

    def _note(self, documents: list[bytes]) -> tuple[bytes, NDArray[np.int64]]:
        """Join documents, and update the hashes. Returns their bytes, and where each one ends."""
        data = documents[0] if len(documents) == 1 else b"".join(documents)
        lengths = np.fromiter(map(len, documents), np.int64, len(documents))
        self._content.update(data)
        self._lengths.update(lengths.astype("<i8", copy=False).tobytes())
        self.documents += len(documents)
        self.n_bytes += len(data)
        return data, np.cumsum(lengths)


@cache
def _zeros() -> NDArray[np.int64]:
    """The code points of the digits zero of all scripts; nine more digits follow each (Unicode category Nd)."""
    zeros = [code for code in range(0x110000) if unicodedata.decimal(chr(code), None) == 0]
    return np.array(zeros, dtype=np.int64)
