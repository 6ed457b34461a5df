"""Files in blocks of whole lines: many documents at a time, for those who take them as bytes.

    file -- line_blocks --> blocks, read in order by one thread -- read_block --> texts, parsed by many
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bytepiece.corpus.compression import DAMAGED, open_input, without_compression
from bytepiece.corpus.fields import json_text_reader
from bytepiece.corpus.hooks import OnProgress, ignore
from bytepiece.errors import CorpusError

__all__ = ["Block", "Keep", "Texts", "blocks_of_lines", "line_blocks", "read_lines_of_block"]

BLOCK_BYTES = 2**20
"""About how many bytes a block has; a line that is longer makes a longer one."""

Keep: TypeAlias = Callable[[int, int], NDArray[np.bool_]]
"""Which documents are wanted: called with the number in its file of the first, and how many there are."""


class Block(NamedTuple):
    """Documents as they are stored in a file, one after the other.

    Attributes:
        content: whole lines as ``bytes``, or an Arrow array of texts.
        position: where the block begins: a byte of the file, decompressed; or a row.
        number: how many lines or rows were read before it.
        error: why nothing can be read after it; None where reading goes on.
    """

    content: Any
    position: int
    number: int
    error: CorpusError | None = None


class Texts(NamedTuple):
    """Documents that were read together, in UTF-8, one after the other.

    Attributes:
        data: where they lie.
        offsets: int64, document ``k`` is ``data[offsets[k]:offsets[k + 1]]``.
        numbers: int64, the number of each document: that of its line or row, counted from where reading began.
        ends: int64, where each document ends in its file; as `Block.position`.
        errors: the documents that cannot be read, in order.
    """

    data: bytes | NDArray[np.uint8]
    offsets: NDArray[np.int64]
    numbers: NDArray[np.int64]
    ends: NDArray[np.int64]
    errors: list[CorpusError]


def line_blocks(path: str, begin: int = 0, end: int | None = None, advance: OnProgress = ignore) -> Iterator[Block]:
    """The lines of a file that begin between two positions, in blocks.

    Args:
        path: the file; it is decompressed as its ending says.
        begin: the first position; of a compressed file, one in the text.
        end: the position after the last; None for all lines.
        advance: gets the number of bytes read, each time some are read.

    What is wrong with an archive is the error of the last block. Raises `OSError`.
    """
    number = 0
    position = 0
    with open_input(path, advance) as file:
        try:
            position = _first_line(file, path, begin, end)
            for content in blocks_of_lines(file, None if end is None else end - position):
                yield Block(content, position, number)
                position += len(content)
                number += content.count(b"\n")
        except DAMAGED as error:
            message = f"{path}, after line {number}{_since(begin)}: damaged archive: {error}"
            yield Block(b"", position, number, CorpusError(message))


def _first_line(file: IO[bytes], path: str, begin: int, end: int | None) -> int:
    """Go to the first line that begins at a position or after it; returns where that is."""
    if begin == 0:
        return 0
    if without_compression(path) == path:
        file.seek(begin - 1)
    else:
        for left in range(begin - 1, 0, -BLOCK_BYTES):
            file.read(min(left, BLOCK_BYTES))
    position = begin - 1
    line = b""
    # The line that began before can be long, and reach beyond the end.
    while not line.endswith(b"\n") and (end is None or position < end):
        line = file.readline(BLOCK_BYTES)
        if not line:
            break
        position += len(line)
    return position


def blocks_of_lines(file: IO[bytes], size: int | None = None) -> Iterator[bytes]:
    """The rest of a file in blocks of whole lines; only the lines that begin in the next ``size`` bytes.

    Before an error of reading, all whole lines before it are in blocks.
    """
    parts: list[bytes] = []  # what was read of the next block, without a newline at which it could end
    n_bytes = 0
    failure: Exception | None = None
    while size is None or size > 0:
        try:
            data = _read(file)
        except DAMAGED as error:
            failure, data = error, b""
        ...
