"""Files in blocks of many documents, for those who take them as bytes.

One thread reads blocks, any number of threads parse them:

    span -- span_blocks --> blocks -- read_block --> texts
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bytepiece.corpus.compression import DAMAGED, open_input, without_compression
from bytepiece.corpus.documents import is_jsonl
from bytepiece.corpus.fields import check_length, decode_text, json_text_parser, text_of_row
from bytepiece.corpus.hooks import OnProgress, ignore
from bytepiece.corpus.parquet import packed_column, text_columns
from bytepiece.corpus.partitions import Span
from bytepiece.errors import CorpusError

__all__ = [
    "Block",
    "Keep",
    "Place",
    "Texts",
    "blocks_of_lines",
    "line_ends",
    "lines_before",
    "read_block",
    "span_blocks",
]

BLOCK_BYTES = 2**18
"""About how many bytes a block has, so that it stays in the processor's cache; a longer line makes a longer one."""

BLOCK_ROWS = 2**15
"""The most rows of a block."""

Keep: TypeAlias = Callable[[int, int], NDArray[np.bool_]]
"""Which documents are wanted: called with the number in its file of the first, and how many there are."""

Parser: TypeAlias = Callable[[bytes], bytes]
"""Gives the UTF-8 of the document in a line; raises ``ValueError`` where there is none."""


class Place(NamedTuple):
    """A place in a file, between two documents.

    Attributes:
        position: bytes of the file, decompressed, or rows.
        number: that of the next document in its file; for lines, if the part of the file is not numbered, in its part.
    """

    position: int
    number: int


class Block(NamedTuple):
    """Documents as they are stored in a file, one after the other.

    Attributes:
        content: whole lines as bytes, or an Arrow array of binary.
        place: where they begin.
        error: why nothing can be read after them; None where reading goes on.
    """

    content: Any
    place: Place
    error: CorpusError | None = None


class Texts(NamedTuple):
    """Documents that were read together, in UTF-8, one after the other.

    Attributes:
        data: where they lie.
        offsets: int64; document ``k`` is ``data[offsets[k]:offsets[k + 1]]``.
        numbers: int64, the number of each document, see `Place`.
        ends: int64, the position in the file where each document ends, see `Place`.
        errors: what cannot be read, in order; each with the number of documents here that come before it.
    """

    data: bytes | NDArray[np.uint8]
    offsets: NDArray[np.int64]
    numbers: NDArray[np.int64]
    ends: NDArray[np.int64]
    errors: list[tuple[int, CorpusError]]


# Reading.


def span_blocks(
    span: Span, text_field: str, start: Place | None = None, advance: OnProgress = ignore
) -> Iterator[Block]:
    """The documents of a file, or of a part of one, in blocks.

    Args:
        span: what is read.
        text_field: the column of a parquet file.
        start: where reading begins, if not with the first document; a place that `read_block` gave.
        advance: gets the number of bytes read, each time some are read.

    What is wrong with a damaged file is the error of the last block. Raises `OSError`.
    """
    if span.path.endswith(".parquet"):
        return _row_blocks(span, text_field, start, advance)
    return _line_blocks(span, start, advance)


def _row_blocks(span: Span, text_field: str, start: Place | None, advance: OnProgress) -> Iterator[Block]:
    errors: list[CorpusError] = []
    first = start.position if start else 0
    for row, column in text_columns(span.path, text_field, errors.append, advance, span.part, first, BLOCK_ROWS):
        yield Block(column, Place(row, row))
        first = row + len(column)
    if errors:
        yield Block(b"", Place(first, first), errors[0])


def _line_blocks(span: Span, start: Place | None, advance: OnProgress) -> Iterator[Block]:
    begin, end = span.part or (0, None)
    place = start or Place(begin, span.first)
    with open_input(span.path, advance) as file:
        try:
            if start is None:
                place = Place(_first_line(file, begin, end), span.first)
            else:
                _go_to(file, span.path, start.position)
            for content in blocks_of_lines(file, None if end is None else end - place.position):
                yield Block(content, place)
                place = Place(place.position + len(content), place.number + content.count(b"\n"))
        except DAMAGED as error:
            message = f"{span.path}, after line {place.number}{_since(span)}: damaged archive: {error}"
            yield Block(b"", place, CorpusError(message))


def _since(span: Span) -> str:
    """From where on lines are counted, if that is not the begin of the file."""
    return f" from byte {span.part[0]} on" if span.part and span.part[0] and not span.first else ""


def _go_to(file: IO[bytes], path: str, position: int) -> None:
    """Go to a position of the decompressed file."""
    if without_compression(path) == path:
        file.seek(position)
    else:
        for left in range(position, 0, -BLOCK_BYTES):
            file.read(min(left, BLOCK_BYTES))


def _first_line(file: IO[bytes], begin: int, end: int | None) -> int:
    """Go to the first line of a file that is not compressed that begins at ``begin`` or later; returns where it is."""
    if begin == 0:
        return 0
    file.seek(begin - 1)
    position = begin - 1
    line = b""
    # The line that began before can be long, and reach beyond the end.
    while not line.endswith(b"\n") and (end is None or position < end):
        line = file.readline(BLOCK_BYTES)
        if not line:
            break
        position += len(line)
    return position


def blocks_of_lines(file: IO[bytes], size: int | None = None) -> Iterator[bytes | bytearray]:
    """The rest of a file in blocks of whole lines; only the lines that begin in its next ``size`` bytes.

    If the file cannot be read to its end, the error comes after the last whole line.
    """
    held, searched = bytearray(), 0  # in what is held, no block ends among the bytes that were searched
    try:
        while size is None or size > 0:
            data = file.read1(BLOCK_BYTES)  # type: ignore[attr-defined]
            if not data:
                if held:
                    yield held
                return
            held += data
            if size is not None and len(held) >= size:
                cut = held.find(b"\n", max(size - 1, searched)) + 1
            elif len(held) >= BLOCK_BYTES:
                cut = held.rfind(b"\n", searched) + 1
            else:
                continue
            searched = 0 if cut else len(held)
            if cut == len(held):
                yield held
                held = bytearray()
            elif cut:
                yield bytes(memoryview(held)[:cut])
                del held[:cut]
            if size is not None:
                size -= cut
    except DAMAGED:
        if cut := held.rfind(b"\n") + 1:
            yield bytes(memoryview(held)[:cut])
        raise


def lines_before(path: str, position: int) -> int:
    """How many lines of a file that is not compressed begin before a position in bytes."""
    if position == 0:
        return 0
    n_lines, left = 1, position - 1
    with open_input(path) as file:
        while left and (data := file.read(min(left, BLOCK_BYTES))):
            n_lines += data.count(b"\n")
            left -= len(data)
    return n_lines


# Parsing.


def read_block(
    span: Span, text_field: str, block: Block, keep: Keep | None = None, longest: int | None = None
) -> Texts:
    """The documents of a block, in UTF-8.

    Args:
        span: the file, or part of a file, of the block.
        text_field: the field of a JSON line that holds the text.
        block: the block.
        keep: which documents are wanted; the others are not even parsed.
        longest: lines or rows of more bytes are documents that cannot be read.
    """
    read = _texts_of_lines if isinstance(block.content, (bytes, bytearray)) else _texts_of_rows
    texts = read(span, text_field, block, keep, longest)
    if block.error is not None:
        texts.errors.append((len(texts.numbers), block.error))
    return texts


def _texts_of_lines(span: Span, text_field: str, block: Block, keep: Keep | None, longest: int | None) -> Texts:
    data, (position, number), _ = block
    ends = line_ends(data)
    numbers = np.arange(number, number + len(ends))
    json_lines = is_jsonl(span.path)
    if keep is None and longest is None and not json_lines and _is_utf8(data):
        return Texts(data, np.append(0, ends), numbers, position + ends, [])
    parse = json_text_parser(text_field) if json_lines else _checked_line
    chosen = np.ones(len(ends), dtype=np.bool_) if keep is None else keep(number, len(ends))

    bounds = [0, *ends.tolist()]

    def text_of(k: int) -> bytes:
        line = data[bounds[k] : bounds[k + 1]]
        check_length(line, longest)
        return parse(line)

    texts, errors = _parsed(chosen, text_of, lambda k: f"{span.path}, line {number + k + 1}{_since(span)}")
    joined = texts[0] if len(texts) == 1 else b"".join(texts)
    return Texts(joined, _offsets(map(len, texts), len(texts)), numbers[chosen], position + ends[chosen], errors)


def _texts_of_rows(span: Span, text_field: str, block: Block, keep: Keep | None, longest: int | None) -> Texts:
    column, row = block.content, block.place.position
    numbers = np.arange(row, row + len(column))
    if keep is None and longest is None and column.null_count == 0:
        data, offsets = packed_column(column)
        if _is_utf8(data):
            return Texts(data, offsets, numbers, numbers + 1, [])
    chosen = np.ones(len(column), dtype=np.bool_) if keep is None else keep(row, len(column))
    rows: list[bytes] = column.to_pylist()

    def text_of(k: int) -> bytes:
        text_of_row(rows[k], text_field, longest)
        return rows[k]

    texts, errors = _parsed(chosen, text_of, lambda k: f"{span.path}, row {row + k} (from 0)")
    offsets = _offsets(map(len, texts), len(texts))
    return Texts(b"".join(texts), offsets, numbers[chosen], numbers[chosen] + 1, errors)


def _parsed(
    chosen: NDArray[np.bool_], text_of: Callable[[int], bytes], where: Callable[[int], str]
) -> tuple[list[bytes], list[tuple[int, CorpusError]]]:
    """The texts that are chosen, and errors, as in `Texts`. What cannot be read is no longer chosen."""
    texts: list[bytes] = []
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


def _checked_line(line: bytes) -> bytes:
    decode_text(line)
    return line


def _is_utf8(data: Any) -> bool:
    try:
        str(data, "utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _offsets(lengths: Iterator[int], n: int) -> NDArray[np.int64]:
    offsets = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.fromiter(lengths, np.int64, n), out=offsets[1:])
    return offsets
