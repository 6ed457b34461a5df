"""Text files of counted pieces: lines of a piece, a tab and a count."""

from __future__ import annotations

import os

from bytepiece.errors import ModelFormatError
from bytepiece.model.model import Model
from bytepiece.text.display import unescape_piece

__all__ = ["is_tsv", "parse_tsv", "read_counts"]

_BOM = b"\xef\xbb\xbf"


def is_tsv(data: bytes) -> bool:
    """Whether the first line of a file has a tab and a count."""
    first_line = data.partition(b"\n")[0].rstrip(b"\r")
    return first_line.partition(b"\t")[2].isdigit()


def parse_tsv(data: bytes) -> Model:
    """The model of the bytes of a file of counted pieces, as `Model.from_counts` makes it.

    Raises `ModelFormatError` naming the line or the piece.
    """
    return Model.from_counts(_parse(data))


def read_counts(path: str | os.PathLike[str]) -> dict[bytes, int]:
    r"""Read counted pieces from a text file, as `Model.from_counts` takes them.

    A line has a piece, a tab and a count. Pieces are UTF-8 with the escapes of the command ``vocab``: ``\\``, ``\t``,
    ``\n``, ``\r``, and ``\xNN`` for a byte. If a piece is there more than once, its counts are added.

    Raises `ModelFormatError` naming the line, `OSError` where the file cannot be read.

    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "words.tsv")
    ...     with open(path, "wb") as file:
    ...         size = file.write("钟楼\t5\nof the\t7\n".encode())
    ...     [(piece.decode(), count) for piece, count in read_counts(path).items()]
    [('钟楼', 5), ('of the', 7)]
    """
    with open(path, "rb") as file:
        data = file.read()
    try:
        return _parse(data)
    except ModelFormatError as error:
        raise ModelFormatError(f"{os.fspath(path)}: {error}") from None


def _parse(data: bytes) -> dict[bytes, int]:
    counts: dict[bytes, int] = {}
    for number, line in enumerate(data.removeprefix(_BOM).splitlines(), 1):
        try:
            piece, count = _parse_line(line)
        except ValueError as error:
            raise ModelFormatError(f"line {number}: {error}") from None
        counts[piece] = counts.get(piece, 0) + count
    return counts


def _parse_line(line: bytes) -> tuple[bytes, int]:
    escaped, tab, count = line.partition(b"\t")
    try:
        if not escaped or not tab:
            raise ValueError("expected a piece, a tab and a count")
        if not count.isdigit() or len(count) > 19 or not int(count):
            raise ValueError("the count must be a whole number from 1 to 2**63 - 1")
        piece = unescape_piece(escaped)
        escaped.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: {line[error.start : error.start + 4]!r}") from None
    except ValueError as error:
        raise ValueError(f"{error}: {line[:80].decode(errors='backslashreplace')!r}") from None
    return piece, int(count)
