"""Rows of a result: sequences that are truncated, put into a template with special tokens, and padded.

The rules are those of ``tokenizers`` 0.23 (``utils/truncation.rs``, ``utils/padding.rs``, ``Encoding::truncate``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, product
from typing import Any, NamedTuple

from bytepiece.errors import SettingsError

__all__ = ["Padding", "Row", "Slot", "Truncation", "Window", "pad", "whole", "windows"]

Window = tuple[tuple[int, int], ...]
"""Of each sequence of a row, begin and end of what the row has of it."""


class Truncation(NamedTuple):
    """How sequences are truncated."""

    max_length: int
    strategy: str
    """``longest_first``, ``only_first`` or ``only_second``."""
    stride: int
    """How many ids two neighbouring windows share."""
    left: bool
    """Whether what is cut off is at the beginning."""


class Padding(NamedTuple):
    """How rows are padded."""

    length: int | None
    """None for that of the longest row."""
    multiple_of: int | None
    left: bool


class Slot(NamedTuple):
    """A place in a template: of a sequence, or of a special token."""

    sequence: int | None
    type_id: int
    id: int
    """Of the special token."""


def whole(lengths: Iterable[int]) -> Window:
    """The window that has all of one or two sequences."""
    return tuple([(0, length) for length in lengths])


def windows(lengths: Sequence[int], truncation: Truncation) -> list[Window]:
    """The windows of one or two sequences: what is left of them, then what overflows.

    Raises `SettingsError` if the stride is not less than the length of a window, or the sequence that is to be
    truncated is too short for it.

    >>> windows([5], Truncation(3, "longest_first", 1, False))
    [((0, 3),), ((2, 5),)]
    """
    if sum(lengths) <= truncation.max_length:
        return [whole(lengths)]
    spans = [
        [*_spans(length, limit, truncation)]
        for length, limit in zip(lengths, _limits(lengths, truncation), strict=True)
    ]
    if len(spans) == 1:
        return [(span,) for span in spans[0]]
    # All windows of the first with all of the second; those with the first window of the first come first and last.
    (first, *others), second = spans
    return [(first, second[0]), *product(others, second), *((first, span) for span in second[1:])]


def _limits(lengths: Sequence[int], truncation: Truncation) -> list[int]:
    """The greatest length of each sequence."""
    max_length = truncation.max_length
    if max_length <= 0:
        return [0] * len(lengths)
    if truncation.strategy == "longest_first":
        if len(lengths) == 1:
            return [max_length]
        short, long = sorted(lengths)
        long = short if short > max_length else max(short, max_length - short)
        if short + long > max_length:
            short = max_length // 2
            long = short + max_length % 2
        return [long, short] if lengths[0] > lengths[1] else [short, long]
    number = int(truncation.strategy == "only_second")
    if number == len(lengths):
        raise SettingsError("truncation='only_second' needs a second sequence")
    limits = [*lengths]
    limits[number] -= sum(lengths) - max_length
    if limits[number] <= 0:
        raise SettingsError(
            f"truncation={truncation.strategy!r} must remove {sum(lengths) - max_length} ids of a sequence of "
            f"{lengths[number]}: a greater max_length or another strategy is needed"
        )
    return limits


def _spans(length: int, limit: int, truncation: Truncation) -> Iterator[tuple[int, int]]:
    """The windows of one sequence."""
    if length <= limit:
        yield 0, length
    elif limit == 0:
        yield 0, 0
        yield 0, length
    elif truncation.stride >= limit:
        raise SettingsError(f"stride must be below the {limit} ids that truncation leaves, not {truncation.stride}")
    elif truncation.left:
        for end in range(length, 0, truncation.stride - limit):
            yield max(end - limit, 0), end
            if end <= limit:
                break
    else:
        for begin in range(0, length, limit - truncation.stride):
            yield begin, min(begin + limit, length)
            if begin + limit >= length:
                break


class Row(NamedTuple):
    """A row of a result, yet without its columns."""

    sample: int
    """The number of the text, or pair of texts, that it has a window of."""
    slots: Sequence[Slot]
    window: Window

    def column(self, of_slot: Callable[[Slot, int, int], list[Any]]) -> list[Any]:
        """A column of the row: what each slot has, of a sequence from its begin to its end.

        >>> slots = [Slot(None, 0, 7), Slot(0, 0, 0)]
        >>> Row(0, slots, ((2, 5),)).column(lambda slot, begin, end: [slot.id] * (end - begin))
        [7, 0, 0, 0]
        """
        if len(self.slots) == 1:  # the usual case, quickly
            return of_slot(self.slots[0], *self.window[0])
        values = [
            of_slot(slot, 0, 1) if slot.sequence is None else of_slot(slot, *self.window[slot.sequence])
            for slot in self.slots
        ]
        return [*chain.from_iterable(values)]


def pad(columns: dict[str, list[list[Any]]], fill: dict[str, Any], padding: Padding) -> None:
    """Pad all rows to one length: in each column with its ``fill``.

    >>> columns = {"input_ids": [[5], [6, 7, 8]]}
    >>> pad(columns, {"input_ids": 0}, Padding(None, 4, left=False))
    >>> columns
    {'input_ids': [[5, 0, 0, 0], [6, 7, 8, 0]]}
    """
    lengths = [len(row) for row in columns["input_ids"]]
    length = max(lengths, default=0) if padding.length is None else padding.length
    if padding.multiple_of and length % padding.multiple_of:
        length += padding.multiple_of - length % padding.multiple_of
    for name, rows in columns.items():
        for k, (row, n) in enumerate(zip(rows, lengths, strict=True)):
            if n < length:
                missing = [fill[name]] * (length - n)
                rows[k] = missing + row if padding.left else row + missing
