"""What reading a file reports to its caller: documents that cannot be read, and progress."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, TypeAlias

from bytepiece.errors import CorpusError

__all__ = ["OnError", "OnProgress", "ignore", "stop"]

OnError: TypeAlias = Callable[[CorpusError], object]
"""Gets the error of each document that cannot be read. If it returns, reading goes on with the next document."""

OnProgress: TypeAlias = Callable[[int], object]
"""Gets the number of bytes of the file on disk that were read since the last call."""


def stop(error: CorpusError) -> NoReturn:
    """Raise the error: the `OnError` that reads nothing more."""
    raise error from None


def ignore(n_bytes: int) -> None:
    """Do nothing: the `OnProgress` of callers that do not show any."""
