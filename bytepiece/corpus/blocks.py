"""Files in blocks of many documents, for those who take them as bytes.

One thread reads blocks, any number of threads parse them:

    span -- span_blocks --> blocks -- read_block --> texts
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any, NamedTuple

from bytepiece.core.documents import count_newlines, line_ends
from bytepiece.corpus.compression import DAMAGED, first_line, open_input, skip_line, without_compression
from bytepiece.corpus.hooks import OnProgress, ignore
from bytepiece.corpus.parquet import text_columns
from bytepiece.corpus.spans import Span
from bytepiece.errors import CorpusError

__all__ = ["Block", "Place", "line_blocks", "lines_before", "since", "span_blocks"]

BLOCK_BYTES = 2**19
"""About how many bytes a block has, so that it stays in the processor's cache; a longer line makes a longer one."""

BLOCK_ROWS = 2**13
"""The most lines or rows of a block: what is wrong with each of them is told at once."""


class Place(NamedTuple):
    """A place in a file, between two documents.

    Attributes:
        position: bytes of the file, decompressed, or rows.
        number: that of the next document in its file. For lines of a part whose first number is not known: that in the
            part.
    """

    position: int
    number: int


class Block(NamedTuple):
    """Documents as they are stored in a file, one after the other.

    Attributes:
        content: whole lines as a ``bytearray``; or an Arrow array of binary; or None in place of a line that is too
            long, and was not kept.
        place: where they begin.
        error: why nothing can be read after them; None where reading goes on.
    """

    content: Any
    place: Place
    error: CorpusError | None = None

    @property
    def n_bytes(self) -> int:
        """About how much memory the content takes."""
        if self.content is None:
            return 0
        return len(self.content) if isinstance(self.content, bytearray) else int(self.content.nbytes)


def span_blocks(
    span: Span,
    text_field: str,
    start: Place | None = None,
    longest: int | None = None,
    advance: OnProgress = ignore,
) -> Iterator[Block]:
    """The documents of a file, or of a part of one, in blocks.

    Args:
        span: what is read.
        text_field: the column of a parquet file.
        start: where reading begins, if not with the first document; a place that `read_block` gave.
        longest: a line of more bytes is not kept in memory; None for no bound.
        advance: gets the number of bytes read, each time some are read.

    What is wrong with a damaged file is the error of the last block. Raises `OSError`.
    """
    if span.path.endswith(".parquet"):
        return _row_blocks(span, text_field, start, advance)
    return _line_blocks(span, start, longest, advance)


def _row_blocks(span: Span, text_field: str, start: Place | None, advance: OnProgress) -> Iterator[Block]:
    errors: list[CorpusError] = []
    first = start.position if start else 0
    for row, column in text_columns(span.path, text_field, errors.append, advance, BLOCK_ROWS, span.part, first):
        yield Block(column, Place(row, row))
        first = row + len(column)
    if errors:
        yield Block(bytearray(), Place(first, first), errors[0])


def _line_blocks(span: Span, start: Place | None, longest: int | None, advance: OnProgress) -> Iterator[Block]:
    begin, end = span.part or (0, None)
    place = start or Place(begin, span.first)
    with open_input(span.path, advance) as file:
        try:
            if start is None:
                place = Place(first_line(file, begin, end), span.first)
            else:
                _go_to(file, span.path, start.position)
        except DAMAGED as error:
            yield _damaged(span, place, error)
        else:
            yield from line_blocks(file, span, place, None if end is None else end - place.position, longest)


def _damaged(span: Span, place: Place, error: Exception) -> Block:
    message = f"{span.path}, after line {place.number}{since(span)}: damaged archive: {error}"
    return Block(bytearray(), place, CorpusError(message))


def since(span: Span) -> str:
    """From where on the lines of a part of a file are counted, for messages; empty where that is the file's begin."""
    return f" from byte {span.part[0]} on" if span.part and span.part[0] and not span.first else ""


def _go_to(file: IO[bytes], path: str, position: int) -> None:
    """Go to a position of the decompressed file."""
    if without_compression(path) == path:
        file.seek(position)
    else:
        for left in range(position, 0, -BLOCK_BYTES):
            file.read(min(left, BLOCK_BYTES))


def line_blocks(
    file: IO[bytes], span: Span, place: Place, size: int | None = None, longest: int | None = None
) -> Iterator[Block]:
    """The rest of a file in blocks of whole lines.

    Args:
        file: the file, at the begin of a line.
        span: what it is.
        place: where in the span it is.
        size: only lines that begin in the next so many bytes are read.
        longest: of lines that are longer than this, and than a block, only the place is told.
    """
    held = bytearray()
    n_searched = 0  # so many bytes of what is held have no newline
    try:
        while (size is None or size > 0) and (data := file.read1(BLOCK_BYTES)):  # type: ignore[attr-defined]
            held += data
            cut = held.rfind(b"\n", n_searched) + 1
            if size is not None and cut >= size:
                cut = held.find(b"\n", size - 1) + 1
            elif len(held) < BLOCK_BYTES:
                continue
            if cut:
                block, held = held, held[cut:]
                del block[cut:]
                n_lines = count_newlines(block)
                after = Place(place.position + cut, place.number + n_lines)
                yield from _few_lines(block, place, n_lines)
            elif longest is not None and len(held) > longest:
                cut, held = len(held), bytearray()
                cut += skip_line(file)
                after = Place(place.position + cut, place.number + 1)
                yield Block(None, place)
            else:
                n_searched = len(held)
                continue
            place, n_searched = after, 0
            size = None if size is None else size - cut
        if held and (size is None or size > 0):
            yield from _few_lines(held, place, count_newlines(held))
    except DAMAGED as error:
        if cut := held.rfind(b"\n") + 1:
            n_lines = count_newlines(held)
            yield from _few_lines(held[:cut], place, n_lines)
            place = Place(place.position + cut, place.number + n_lines)
        yield _damaged(span, place, error)


def _few_lines(lines: bytearray, place: Place, n: int) -> Iterator[Block]:
    """Some lines, of which ``n`` end, in blocks of no more than `BLOCK_ROWS`."""
    if n <= BLOCK_ROWS:
        yield Block(lines, place)
        return
    begin, number = 0, place.number
    for end in (*line_ends(lines)[BLOCK_ROWS - 1 : n - 1 : BLOCK_ROWS].tolist(), len(lines)):
        yield Block(lines[begin:end], Place(place.position + begin, number))
        begin, number = end, number + BLOCK_ROWS


def lines_before(path: str, position: int) -> int:
    """How many lines of a file that is not compressed begin before a position in bytes."""
    if position == 0:
        return 0
    n_lines, left = 1, position - 1
    with open_input(path) as file:
        while left and (data := file.read(min(left, BLOCK_BYTES))):
            n_lines += count_newlines(data)
            left -= len(data)
    return n_lines
