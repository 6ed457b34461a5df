"""What the verbs read and write: files, standard input and output, and messages on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple, TextIO

import numpy as np

from bytepiece.bars import progress_bar
from bytepiece.core.documents import line_ends
from bytepiece.core.packed import PackedBytes
from bytepiece.corpus.blocks import Block, Place, line_blocks, span_blocks
from bytepiece.corpus.hooks import OnProgress
from bytepiece.corpus.kinds import is_jsonl
from bytepiece.corpus.parsing import read_block
from bytepiece.corpus.spans import Span
from bytepiece.errors import BytePieceError, CorpusError
from bytepiece.files import atomic_writer

__all__ = ["STANDARD_INPUT", "Lines", "is_terminal", "output_to", "reading", "say"]

STANDARD_INPUT = "-"


def say(verb: str, message: str) -> None:
    """Write a message on standard error, in one line."""
    if sys.stderr is not None:  # else print() would write to standard output
        print(f"{f'bytepiece {verb}'.rstrip()}: {' '.join(message.splitlines())}", file=sys.stderr)


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


class Lines(NamedTuple):
    """Some lines of a file, or documents that are stored in one."""

    span: Span
    block: Block

    @property
    def content(self) -> bytearray:
        """The lines as they are. Raises `CorpusError` where the file is damaged, or has no lines."""
        if self.block.error is not None:
            raise self.block.error
        if not isinstance(self.block.content, bytearray):
            raise CorpusError(f"{self.span.path}: rows, where lines are expected")
        return self.block.content

    def texts(self, text_field: str) -> PackedBytes:
        """The texts: the lines of a text file as they are, the documents of a ``.jsonl`` or ``.parquet`` file.

        Raises `CorpusError` for a document that cannot be read.
        """
        if not is_jsonl(self.span.path) and not self.span.path.endswith(".parquet"):
            lines = self.content
            return PackedBytes(np.frombuffer(lines, dtype=np.uint8), np.append(0, line_ends(lines)))
        if self.block.error is not None:
            raise self.block.error
        found = read_block(self.span, text_field, self.block)
        if found.errors:
            raise found.errors[0][1]
        return found.texts


@contextmanager
def reading(files: Sequence[str], text_field: str) -> Iterator[Iterator[Lines]]:
    """Read files, or standard input, in blocks of lines; with a progress bar if that would be seen alone."""
    sizes = [os.path.getsize(path) for path in files if path != STANDARD_INPUT and os.path.isfile(path)]
    quiet = not sizes or not is_terminal(sys.stderr) or is_terminal(sys.stdout)
    with progress_bar("B", sum(sizes), shown=not quiet) as bar:
        yield _blocks(files or [STANDARD_INPUT], text_field, bar.update)


def _blocks(files: Sequence[str], text_field: str, advance: OnProgress) -> Iterator[Lines]:
    for number, path in enumerate(files):
        if path == STANDARD_INPUT:
            span = Span("standard input", number, 0)
            blocks = line_blocks(_standard("input", sys.stdin), span, Place(0, 0))
        else:
            span = Span(path, number, 0)
            blocks = span_blocks(span, text_field, advance=advance)
        for block in blocks:
            yield Lines(span, block)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a standard stream is there, and somebody watches it."""
    return stream is not None and stream.isatty()


def _standard(name: str, stream: TextIO | None) -> BinaryIO:
    if stream is None:
        raise BytePieceError(f"standard {name} is closed")
    return stream.buffer
