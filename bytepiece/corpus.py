"""Documents from files."""

from __future__ import annotations

import gzip
import json
import lzma
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import IO, cast

from bytepiece.errors import CorpusError
from bytepiece.text import to_bytes

__all__ = ["Corpus", "is_jsonl", "open_input", "read_lines"]

_OPENERS: dict[str, Callable[[str, str], object]] = {".gz": gzip.open, ".xz": lzma.open}
_DAMAGED = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)


class Corpus:
    r"""The documents of some files; iterating starts anew each time, as training needs it.

    In a ``.jsonl`` file each line is an object with the document in one field; in any other file each line is a
    document, its newline with it. Each kind can be compressed: ``.gz``, ``.xz``.

    Args:
        paths: the files.
        text_field: the field of a ``.jsonl`` line that holds the text.

    Iterating raises `CorpusError`, naming file and line, for bytes that are not UTF-8, a line that is no JSON
    object, a field that is missing or no text, and a damaged archive; `OSError` for a file that cannot be read.
    """

    def __init__(self, paths: Sequence[str | os.PathLike[str]], text_field: str = "text") -> None:
        if isinstance(paths, (str, os.PathLike)):
            paths = [paths]
        self.paths = [os.fspath(path) for path in paths]
        self.text_field = text_field

    def __iter__(self) -> Iterator[str]:
        for path in self.paths:
            with open_input(path) as file:
                parse = self._parse_json if is_jsonl(path) else self._parse_text
                for number, line in enumerate(read_lines(file, path), 1):
                    try:
                        yield parse(line)
                    except ValueError as error:
                        raise CorpusError(f"{path}, line {number}: {error}") from None

    @staticmethod
    def _parse_text(line: bytes) -> str:
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"not UTF-8: byte 0x{line[error.start]:02x} at position {error.start}") from None

    def _parse_json(self, line: bytes) -> str:
        if line.isspace():
            return ""
        try:
            document = json.loads(self._parse_text(line))
        except json.JSONDecodeError as error:
            raise ValueError(f"not JSON: {error}") from None
        except RecursionError:
            raise ValueError("not JSON that can be read: nested too deep") from None
        if not isinstance(document, dict):
            raise ValueError(f"expected a JSON object, not {type(document).__name__}")
        if self.text_field not in document:
            raise ValueError(f"no field {self.text_field!r} (there are: {', '.join(document) or 'none'})")
        text = document[self.text_field]
        if not isinstance(text, str):
            raise ValueError(f"field {self.text_field!r} must be text, not {type(text).__name__}")
        if b"\\ud" in line.lower():  # the only way to a lone surrogate
            to_bytes(text)
        return text

    def __repr__(self) -> str:
        return f"Corpus({self.paths!r}, text_field={self.text_field!r})"


def open_input(path: str) -> IO[bytes]:
    """Open a file for reading bytes, decompressed as its ending says; a folder is a `CorpusError`."""
    if os.path.isdir(path):
        raise CorpusError(f"{path}: a directory, not a file")
    opener = _OPENERS.get(os.path.splitext(path)[1])
    return cast("IO[bytes]", opener(path, "rb")) if opener else open(path, "rb")


def is_jsonl(path: str) -> bool:
    """Whether a path names JSON lines, compressed or not."""
    stem, ending = os.path.splitext(path)
    return (stem if ending in _OPENERS else path).endswith(".jsonl")


def read_lines(file: IO[bytes], path: str) -> Iterator[bytes]:
    """The lines of a file, each with its newline; `CorpusError` where an archive is damaged."""
    number = 0
    try:
        for line in file:
            yield line
            number += 1
    except _DAMAGED as error:
        raise CorpusError(f"{path}, after line {number}: damaged archive: {error}") from None
