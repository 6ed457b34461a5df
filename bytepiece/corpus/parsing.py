"""Blocks of documents parsed: their texts, and what is wrong with those that cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.alphabet import utf8_lengths
from bytepiece.core.packed import PackedBytes
from bytepiece.corpus.blocks import Block, since
from bytepiece.corpus.documents import is_jsonl
from bytepiece.corpus.fields import check_length, decode_text, json_text_parser, text_of_row, too_long
from bytepiece.corpus.parquet import packed_column
from bytepiece.corpus.partitions import Span
from bytepiece.errors import CorpusError

__all__ = ["Keep", "Texts", "line_ends", "read_block"]

Keep: TypeAlias = Callable[[int, int], NDArray[np.bool_]]
"""Which documents are wanted: called with the number in its file of the first, and how many there are."""


class Texts(NamedTuple):
    """Documents that were read together.

    Attributes:
        texts: the documents: as they lie in the file, if it has them in UTF-8, one after the other; else each as a
            ``str`` without lone surrogates.
        numbers: int64, the number of each document, see `bytepiece.corpus.blocks.Place`.
        ends: int64, the position in the file where each document ends.
        errors: what cannot be read, in order; each with the number of documents here that come before it.
    """

    texts: PackedBytes | list[str]
    numbers: NDArray[np.int64]
    ends: NDArray[np.int64]
    errors: list[tuple[int, CorpusError]]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The length of each document in bytes of UTF-8."""
        return utf8_lengths(self.texts) if isinstance(self.texts, list) else self.texts.lengths

    def in_bytes(self) -> Iterator[bytes]:
        """The documents in UTF-8, one by one."""
        if isinstance(self.texts, list):
            return map(str.encode, self.texts)
        return map(self.texts.item, range(len(self.texts)))


def read_block(
    span: Span, text_field: str, block: Block, keep: Keep | None = None, longest: int | None = None
) -> Texts:
    """The documents of a block.

    Args:
        span: the file, or part of a file, of the block.
        text_field: the field of a JSON line that holds the text.
        block: the block.
        keep: which documents are wanted; the others are not even parsed.
        longest: lines or rows of more bytes are documents that cannot be read.
    """
    if block.content is None:
        read = _texts_of_long_line
    else:
        read = _texts_of_lines if isinstance(block.content, bytearray) else _texts_of_rows
    texts = read(span, text_field, block, keep, longest)
    if block.error is not None:
        texts.errors.append((len(texts.numbers), block.error))
    return texts


def _texts_of_lines(span: Span, text_field: str, block: Block, keep: Keep | None, longest: int | None) -> Texts:
    data, (position, number), _ = block
    ends = line_ends(data)
    numbers = np.arange(number, number + len(ends))
    json_lines = is_jsonl(span.path)
    packed = PackedBytes(np.frombuffer(data, dtype=np.uint8), np.append(0, ends))
    if not json_lines and keep is None and _are_texts(packed, longest):
        return Texts(packed, numbers, position + ends, [])
    parse = json_text_parser(text_field) if json_lines else decode_text
    chosen = np.ones(len(ends), dtype=np.bool_) if keep is None else keep(number, len(ends))
    bounds, view = packed.offsets.tolist(), memoryview(data)

    def text_of(k: int) -> str:
        line = view[bounds[k] : bounds[k + 1]]
        check_length(line, longest)
        return parse(line)

    texts, errors = _parsed(chosen, text_of, lambda k: _line(span, number + k))
    return Texts(texts, numbers[chosen], position + ends[chosen], errors)


def _texts_of_long_line(span: Span, text_field: str, block: Block, keep: Keep | None, longest: int | None) -> Texts:
    number, none = block.place.number, np.zeros(0, dtype=np.int64)
    wanted = keep is None or keep(number, 1)[0]
    errors = [(0, CorpusError(f"{_line(span, number)}: {too_long(longest)}"))] if wanted else []
    return Texts([], none, none, errors)


def _line(span: Span, number: int) -> str:
    return f"{span.path}, line {number + 1}{since(span)}"


def _texts_of_rows(span: Span, text_field: str, block: Block, keep: Keep | None, longest: int | None) -> Texts:
    column, row = block.content, block.place.position
    numbers = np.arange(row, row + len(column))
    if keep is None and column.null_count == 0:
        packed = PackedBytes(*packed_column(column))
        if _are_texts(packed, longest):
            return Texts(packed, numbers, numbers + 1, [])
    chosen = np.ones(len(column), dtype=np.bool_) if keep is None else keep(row, len(column))
    rows: list[bytes] = column.to_pylist()
    texts, errors = _parsed(
        chosen,
        lambda k: text_of_row(rows[k], text_field, longest),
        lambda k: f"{span.path}, row {row + k} (from 0)",
    )
    return Texts(texts, numbers[chosen], numbers[chosen] + 1, errors)


def _parsed(
    chosen: NDArray[np.bool_], text_of: Callable[[int], str], where: Callable[[int], str]
) -> tuple[list[str], list[tuple[int, CorpusError]]]:
    """The texts that are chosen, and errors, as in `Texts`. What cannot be read is no longer chosen."""
    texts: list[str] = []
    errors: list[tuple[int, CorpusError]] = []
    for k in np.flatnonzero(chosen).tolist():
        try:
            texts.append(text_of(k))
        except ValueError as error:
            chosen[k] = False
            errors.append((len(texts), CorpusError(f"{where(k)}: {error}")))
    return texts, errors


def line_ends(data: bytes | bytearray) -> NDArray[np.int64]:
    """Where each line ends, newline included; the last may lack it."""
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n")) + 1
    return np.append(ends, len(data)) if len(data) and not data.endswith(b"\n") else ends


def _are_texts(texts: PackedBytes, longest: int | None) -> bool:
    """Whether each of the documents is UTF-8, and none is too long."""
    lengths = texts.lengths
    if longest is not None and lengths.max(initial=0) > longest:
        return False
    begins = texts.data[texts.offsets[:-1][lengths > 0]]
    if np.any(begins & 0xC0 == 0x80):  # a character that two documents share
        return False
    try:
        str(texts.data, "utf-8")  # type: ignore[call-overload]
    except UnicodeDecodeError:
        return False
    return True
