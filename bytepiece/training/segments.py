"""Texts cut into training segments, in batches for the workers."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bytepiece.errors import CorpusError, TextError
from bytepiece.text import to_bytes
from bytepiece.training._counting import cut_segments

__all__ = ["Batch", "batches", "check_texts"]

MAX_CHARACTERS = 10_000
"""The most characters of a segment before its newlines."""

MAX_NEWLINES = 100
"""The most newlines at the end of a segment."""

BATCH_BYTES = 2**22
"""The bytes of text that a worker takes at a time; only longer documents are cut for it, at a segment's end."""


class Batch(NamedTuple):
    """Segments that lie one after the other in ``data``, from ``begin`` on; ``ends`` says where each ends."""

    data: bytes
    begin: int
    ends: NDArray[np.int64]

    @property
    def n_bytes(self) -> int:
        """The bytes of all its segments."""
        return int(self.ends[-1]) - self.begin if len(self.ends) else 0


def check_texts(texts: Iterable[str]) -> None:
    """Raise `CorpusError` unless ``texts`` can be read twice, as training does."""
    if isinstance(texts, (str, bytes)):
        raise CorpusError(f"texts must be an iterable of str, not a single {type(texts).__name__}")
    try:
        iterator = iter(texts)
    except TypeError:
        raise CorpusError(f"texts must be an iterable of str, not {type(texts).__name__}") from None
    if iterator is texts:
        raise CorpusError(
            "training reads the texts twice, and this iterator can be read once: pass a list, a "
            "bytepiece.Corpus, or an object whose __iter__ starts anew each time"
        )


def batches(texts: Iterable[str], normalization: str | None = None, isolate_digits: bool = False) -> Iterator[Batch]:
    """Cut texts into segments, and put these into batches of about `BATCH_BYTES`.

    A text is cut after every run of newlines, after `MAX_CHARACTERS` characters, and after `MAX_NEWLINES` newlines;
    with ``isolate_digits`` every decimal digit is a segment of its own.

    Raises `CorpusError` for a text that is no str or has a lone surrogate, naming its number.
    """
    zeros = _zeros() if isolate_digits else np.zeros(0, dtype=np.int64)
    documents: list[bytes] = []
    size = 0
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise CorpusError(f"text {number} (from 0) must be str, not {type(text).__name__}")
        try:
            document = to_bytes(text, normalization)
        except TextError as error:
            raise CorpusError(f"text {number} (from 0): {error}") from None
        documents.append(document)
        size += len(document)
        if size >= BATCH_BYTES:
            yield from _cut(documents, zeros)
            documents, size = [], 0
    if size:
        yield from _cut(documents, zeros)


def _cut(documents: list[bytes], zeros: NDArray[np.int64]) -> Iterator[Batch]:
    lengths = np.fromiter(map(len, documents), np.int64, len(documents))
    data = b"".join(documents)
    ends = cut_segments(data, np.cumsum(lengths), MAX_CHARACTERS, MAX_NEWLINES, zeros)
    begin, first = 0, 0
    while first < len(ends):
        last = int(np.searchsorted(ends, begin + BATCH_BYTES + MAX_CHARACTERS)) + 1
        batch = Batch(data, begin, ends[first:last])
        yield batch
        begin += batch.n_bytes
        first = last


@cache
def _zeros() -> NDArray[np.int64]:
    """The code points of the digits zero of all scripts; nine more digits follow each (Unicode category Nd)."""
    zeros = [code for code in range(0x110000) if unicodedata.decimal(chr(code), None) == 0]
    return np.array(zeros, dtype=np.int64)
