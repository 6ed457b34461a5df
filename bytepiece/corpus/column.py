"""The texts in one column of a dataset that is in this process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bytepiece.corpus.fields import field_of
from bytepiece.errors import CorpusError

__all__ = ["Column"]

BATCH_ROWS = 100
"""How many rows of a dataset are asked for at a time."""


class Column:
    """The texts in one column of a dataset. Iterating starts anew each time, as training needs it.

    Args:
        dataset: rows that are mappings, and that can be iterated again and again: a ``datasets.Dataset`` or
            ``IterableDataset`` of Hugging Face, or a list of dicts.
        name: the column.

    Raises `CorpusError` for an iterator, which can be read only once; for a ``DatasetDict``, of which one split must be
    chosen; and for a column that the dataset does not have. Iterating raises `CorpusError`, naming the row, where the
    field is missing or is not text.

    >>> list(Column([{"text": "one"}, {"text": "two"}], "text"))
    ['one', 'two']
    """

    def __init__(self, dataset: Iterable[Mapping[str, Any]], name: str) -> None:
        if isinstance(dataset, Mapping):
            splits = ", ".join(map(str, dataset)) or "none"
            raise CorpusError(f"a dataset must be rows, not {type(dataset).__name__}: choose one of {splits}")
        try:
            once = iter(dataset) is dataset
        except TypeError:
            raise CorpusError(f"a dataset must be rows, not {type(dataset).__name__}") from None
        if once:
            raise CorpusError("training reads a dataset twice, and this iterator can be read once")
        names = getattr(dataset, "column_names", None)
        if isinstance(names, list) and name not in names:
            raise CorpusError(f"no field {name!r} (there are: {', '.join(names) or 'none'})")
        self.dataset = dataset
        self.name = name

    def __iter__(self) -> Iterator[str]:
        for number, row in enumerate(self._rows()):
            try:
                text = field_of(row, self.name)
            except ValueError as error:
                raise CorpusError(f"row {number} (from 0): {error}") from None
            yield text

    def _rows(self) -> Iterator[Mapping[str, Any]]:
        rows: Any = self.dataset
        if not callable(getattr(rows, "iter", None)):
            yield from rows
            return
        if isinstance(getattr(rows, "column_names", None), list) and hasattr(rows, "select_columns"):
            rows = rows.select_columns([self.name])  # so that no other column is decoded
        for batch in rows.iter(batch_size=BATCH_ROWS):
            if self.name in batch:
                yield from ({self.name: value} for value in batch[self.name])
            else:
                yield batch

    def __repr__(self) -> str:
        return f"Column({type(self.dataset).__name__}, {self.name!r})"
