"""What the verbs read and write: files, standard input and output, and messages on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, TextIO

from bytepiece.corpus.compression import open_input, read_lines
from bytepiece.corpus.documents import documents, is_jsonl
from bytepiece.errors import BytePieceError
from bytepiece.files import atomic_writer

__all__ = ["STANDARD_INPUT", "numbered_lines", "output_to", "say", "texts"]

STANDARD_INPUT = "-"


def say(verb: str, message: str) -> None:
    """Write a message on standard error, in one line."""
    if sys.stderr is not None:  # else print() would write to standard output
        print(f"bytepiece {verb}: {' '.join(message.splitlines())}", file=sys.stderr)


@contextmanager
def output_to(path: str | None) -> Iterator[BinaryIO]:
    """Open a file for writing, which changes only when the block ends; None is standard output."""
    if path is None:
        output = _standard("output", sys.stdout)
        yield output
        output.flush()
    else:
        with atomic_writer(path) as file:
            yield file


def texts(files: Sequence[str], text_field: str) -> Iterator[bytes | str]:
    """The texts of files: the lines of a text file as they are, the documents of a ``.jsonl`` file.

    Without files, the lines of standard input.
    """
    for path in files or [STANDARD_INPUT]:
        if is_jsonl(path):
            yield from documents(path, text_field)
        else:
            for _, _, line in numbered_lines([path]):
                yield line


def numbered_lines(files: Sequence[str]) -> Iterator[tuple[str, int, bytes]]:
    """The lines of files, or of standard input; each with the name of the file and its number from 1."""
    for path in files or [STANDARD_INPUT]:
        if path == STANDARD_INPUT:
            for number, line in enumerate(_standard("input", sys.stdin), 1):
                yield "standard input", number, line
        else:
            with open_input(path) as file:
                for number, line in enumerate(read_lines(file, path), 1):
                    yield path, number, line


def _standard(name: str, stream: TextIO | None) -> BinaryIO:
    if stream is None:
        raise BytePieceError(f"standard {name} is closed")
    return stream.buffer
