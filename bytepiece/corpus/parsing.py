"""Blocks of documents parsed: their texts, and what is wrong with those that cannot be read.

Kernels read what they can, without Python's lock, so that threads parse side by side. What they refuse is read one by
one by Python, whose library decides what JSON is, and says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.documents import are_utf8, json_texts, line_ends
from bytepiece.core.packed import PackedBytes
from bytepiece.corpus.blocks import Block, since
from bytepiece.corpus.fields import check_length, decode_text, parse_json_line, text_of_row, too_long
from bytepiece.corpus.kinds import is_jsonl
from bytepiece.corpus.parquet import packed_column
from bytepiece.corpus.sample import Keep
from bytepiece.corpus.spans import Span
from bytepiece.errors import CorpusError

__all__ = ["Texts", "read_block"]

NO_BOUND = 2**63 - 1


class Texts(NamedTuple):
    """Documents that were read together.

    Attributes:
        texts: the documents, in UTF-8; those of a text file or a Parquet file are in the memory of their block.
        numbers: int64, the number of each document, see `bytepiece.corpus.blocks.Place`.
        ends: int64, the position in the file where each document ends.
        errors: what cannot be read, in order; each with the number of documents here that come before it.
    """

    texts: PackedBytes
    numbers: NDArray[np.int64]
    ends: NDArray[np.int64]
    errors: list[tuple[int, CorpusError]]


def read_block(
    span: Span, text_field: str, block: Block, keep: Keep | None = None, longest: int | None = None
) -> Texts:
    """The documents of a block.

    Args:
        span: the file, or part of a file, of the block.
        text_field: the field of a JSON line that holds the text.
        block: the block.
        keep: which documents are wanted; the others are not even parsed.
        longest: lines or rows of more bytes are documents that cannot be read.
    """
    if block.content is None:
        read = _texts_of_long_line
    else:
        read = _texts_of_lines if isinstance(block.content, bytearray) else _texts_of_rows
    texts = read(span, text_field, block, keep, longest)
    if block.error is not None:
        texts.errors.append((len(texts.numbers), block.error))
    return texts


def _texts_of_lines(span: Span, text_field: str, block: Block, keep: Keep | None, longest: int | None) -> Texts:
    data, (position, number), _ = block
    ends = line_ends(data)
    lines = PackedBytes(np.frombuffer(data, dtype=np.uint8), np.append(0, ends))
    chosen = _chosen(keep, number, len(ends))
    json_lines = is_jsonl(span.path)
    if json_lines:
        most = NO_BOUND if longest is None else longest
        field = text_field.encode("utf-8", "surrogatepass")
        packed, offsets, are_read = json_texts(data, ends, chosen, field, most)
        texts = PackedBytes(packed, offsets)
    else:
        texts = lines if keep is None else lines.select(chosen)
        are_read = _are_texts(texts, longest)

    def text_of(k: int) -> str:
        line = lines.item(chosen[k])
        check_length(line, longest)
        return parse_json_line(line, text_field) if json_lines else decode_text(line)

    texts, errors = _completed(texts, are_read, text_of, lambda k: _line(span, number + int(chosen[k])))
    chosen = chosen[are_read]
    return Texts(texts, number + chosen, position + ends[chosen], errors)


def _texts_of_long_line(span: Span, text_field: str, block: Block, keep: Keep | None, longest: int | None) -> Texts:
    number, none = block.place.number, np.zeros(0, dtype=np.int64)
    errors = [(0, CorpusError(f"{_line(span, number)}: {too_long(longest)}"))] * len(_chosen(keep, number, 1))
    return Texts(PackedBytes.from_list([]), none, none, errors)


def _line(span: Span, number: int) -> str:
    return f"{span.path}, line {number + 1}{since(span)}"


def _texts_of_rows(span: Span, text_field: str, block: Block, keep: Keep | None, longest: int | None) -> Texts:
    column, row = block.content, block.place.position
    rows = PackedBytes(*packed_column(column))
    chosen = _chosen(keep, row, len(column))
    texts = rows if keep is None else rows.select(chosen)
    are_read = _are_texts(texts, longest)
    if column.null_count:
        are_read &= column.is_valid().to_numpy(zero_copy_only=False)[chosen]
    texts, errors = _completed(
        texts,
        are_read,
        lambda k: text_of_row(column[int(chosen[k])].as_py(), text_field, longest),
        lambda k: f"{span.path}, row {row + int(chosen[k])} (from 0)",
    )
    numbers = row + chosen[are_read]
    return Texts(texts, numbers, numbers + 1, errors)


def _chosen(keep: Keep | None, number: int, n: int) -> NDArray[np.int64]:
    """Which of the documents from a number on are wanted."""
    return np.arange(n, dtype=np.int64) if keep is None else np.flatnonzero(keep(number, n))


def _are_texts(texts: PackedBytes, longest: int | None) -> NDArray[np.bool_]:
    """Whether each string is a document that can be read."""
    valid = are_utf8(texts)
    return valid if longest is None else valid & (texts.lengths <= longest)


def _completed(
    texts: PackedBytes, are_read: NDArray[np.bool_], text_of: Callable[[int], str], where: Callable[[int], str]
) -> tuple[PackedBytes, list[tuple[int, CorpusError]]]:
    """The texts with those that kernels did not read, and errors, as in `Texts`; notes in `are_read` what is read."""
    refused = np.flatnonzero(~are_read).tolist()
    if not refused:
        return texts, []
    view, bounds, lengths = memoryview(texts.data), texts.offsets, texts.lengths  # type: ignore[arg-type]
    errors: list[tuple[int, CorpusError]] = []
    parts: list[memoryview | bytes] = []
    first = 0
    for k in refused:
        parts.append(view[bounds[first] : bounds[k]])
        first = k + 1
        try:
            text = text_of(k).encode()
        except ValueError as error:
            errors.append((k - len(errors), CorpusError(f"{where(k)}: {error}")))
        else:
            parts.append(text)
            lengths[k] = len(text)
            are_read[k] = True
    parts.append(view[bounds[first] :])
    offsets = np.append(0, np.cumsum(lengths[are_read]))
    return PackedBytes(np.frombuffer(b"".join(parts), dtype=np.uint8), offsets), errors
