"""What reading a file is told, and what it reports: documents that cannot be read, and progress."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, TypeAlias

from bytepiece.errors import CorpusError

__all__ = ["OnError", "OnProgress", "Part", "Pass", "doing", "ignore", "stop"]

OnError: TypeAlias = Callable[[CorpusError], object]
"""Gets the error of each document that cannot be read. If it returns, reading goes on with the next document."""

OnProgress: TypeAlias = Callable[[int], object]
"""Gets the number of bytes of the file on disk that were read since the last call."""

Part: TypeAlias = tuple[int, int]
"""A part of a file. Of a parquet file: the number of its first row group, and of the first one after it. Of lines that
are not compressed: two positions in bytes, between which the lines of the part begin."""


def stop(error: CorpusError) -> NoReturn:
    """Raise the error: the `OnError` that reads nothing more."""
    raise error from None


def ignore(n_bytes: int) -> None:
    """Do nothing: the `OnProgress` of callers that do not show any."""


class Pass:
    """What happened in one pass over a corpus."""

    def __init__(self) -> None:
        self.raw_position = 0
        self.skipped = 0
        self.first_error: str | None = None

    def advance(self, n_bytes: int) -> None:
        """Note that some bytes of files were read."""
        self.raw_position += n_bytes

    def skip(self, error: CorpusError) -> None:
        """Note a document that cannot be read."""
        self.skipped += 1
        self.first_error = self.first_error or str(error)


def doing(on_error: str, this: Pass) -> OnError:
    """What ``on_error`` of `bytepiece.Corpus` asks for, in one pass."""
    return this.skip if on_error == "skip" else stop
