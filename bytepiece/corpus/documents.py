"""The documents of one file, or of a part of one: in UTF-8, their sizes, or their number."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.documents import line_ends
from bytepiece.corpus.blocks import span_blocks
from bytepiece.corpus.hooks import OnError, OnProgress, ignore
from bytepiece.corpus.parquet import count_rows
from bytepiece.corpus.parsing import read_block
from bytepiece.corpus.sample import Keep
from bytepiece.corpus.spans import Span

__all__ = ["count_documents", "document_sizes", "utf8_documents"]


def utf8_documents(
    span: Span,
    text_field: str,
    keep: Keep | None,
    failed: OnError,
    advance: OnProgress = ignore,
    longest: int | None = None,
) -> Iterator[bytes]:
    """The documents of a file, or of a part of one.

    ``failed`` gets the error of each document that cannot be read, between those before and after it, and of the place
    where a damaged file ends. The other arguments are those of `span_blocks` and `read_block`.
    """
    for block in span_blocks(span, text_field, longest=longest, advance=advance):
        found = read_block(span, text_field, block, keep, longest)
        texts, errors = found.texts.to_list(), found.errors
        del block, found  # fewer copies of a long line stay
        first = 0
        for place, error in errors:
            yield from texts[first:place]
            first = place
            failed(error)
        yield from texts[first:]


def document_sizes(
    span: Span, text_field: str, failed: OnError, advance: OnProgress = ignore, longest: int | None = None
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The numbers of the documents in the file, and their sizes in bytes, some at a time; see `utf8_documents`."""
    for block in span_blocks(span, text_field, longest=longest, advance=advance):
        found = read_block(span, text_field, block, None, longest)
        for _, error in found.errors:
            failed(error)
        yield found.numbers, found.texts.lengths


def count_documents(span: Span, longest: int | None = None) -> int:
    """The number of documents of a part of a file, with those that cannot be read."""
    if span.path.endswith(".parquet"):
        return count_rows(span.path, span.part)
    blocks = span_blocks(span, "", longest=longest)
    return sum(1 if block.content is None else len(line_ends(block.content)) for block in blocks)
