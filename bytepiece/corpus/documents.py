"""The documents of one file: lines of text, lines of JSON, or the rows of a parquet file."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, repeat

from bytepiece.corpus.compression import (
    COMPRESSED_ENDINGS,
    check_decompressor,
    open_input,
    read_lines,
    without_compression,
)
from bytepiece.corpus.fields import decode_text, parse_json_line, too_long
from bytepiece.corpus.hooks import OnError, OnProgress, Part, ignore, stop
from bytepiece.corpus.parquet import check_pyarrow, count_rows, parquet_documents
from bytepiece.errors import CorpusError

__all__ = ["ENDINGS", "check_readable", "count_documents", "documents", "is_jsonl"]

ENDINGS = (*(text + packed for text in (".txt", ".jsonl") for packed in ("", *COMPRESSED_ENDINGS)), ".parquet")
"""The endings of the files that are read in a folder."""


def documents(
    path: str,
    text_field: str = "text",
    keep: Iterator[bool] | None = None,
    failed: OnError = stop,
    advance: OnProgress = ignore,
    part: Part | None = None,
    longest: int | None = None,
) -> Iterator[str]:
    """The documents of one file; its ending says which kind of file it is.

    Args:
        path: the file.
        text_field: the field of a JSON line, or the column of a parquet file, that holds the text.
        keep: says of each document in turn whether it is wanted. The others are not even parsed.
        failed: gets the error of each document that cannot be read, and of the place where a damaged file ends.
        advance: gets the number of bytes read, each time some are read.
        part: which part of the file to read; None for all.
        longest: lines or rows of more bytes are documents that cannot be read.
    """
    read = parquet_documents if path.endswith(".parquet") else _line_documents
    return read(path, text_field, repeat(True) if keep is None else keep, failed, advance, part, longest)


def count_documents(path: str, part: Part | None = None, longest: int | None = None) -> int:
    """The number of documents of a file or a part of one, with those that cannot be read; see `documents`."""
    if path.endswith(".parquet"):
        return count_rows(path, part)
    with open_input(path) as file:
        return sum(1 for _ in read_lines(file, path, part=part, longest=longest))


def is_jsonl(path: str) -> bool:
    """Whether a path names a file of JSON lines, compressed or not."""
    return without_compression(path).endswith(".jsonl")


def check_readable(path: str) -> None:
    """Raise `OptionalDependencyError` where a library for this kind of file is missing."""
    if path.endswith(".parquet"):
        check_pyarrow()
    else:
        check_decompressor(path)


def _line_documents(
    path: str,
    text_field: str,
    keep: Iterator[bool],
    failed: OnError,
    advance: OnProgress,
    part: Part | None,
    longest: int | None,
) -> Iterator[str]:
    json_lines = is_jsonl(path)
    where = f" from byte {part[0]} on" if part and part[0] else ""
    with open_input(path, advance) as file:
        for number, line, kept in zip(count(1), read_lines(file, path, failed, part, longest), keep):
            if not kept:
                continue
            try:
                if line is None:
                    raise ValueError(too_long(longest))
                text = parse_json_line(line, text_field) if json_lines else decode_text(line)
            except ValueError as error:
                failed(CorpusError(f"{path}, line {number}{where}: {error}"))
            else:
                yield text
