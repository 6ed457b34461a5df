"""Parquet: a row for each document, with ``input_ids`` (a list of uint16 or uint32), ``source`` and ``row``.

The source is the file a document comes from, and the row its number there, from 0: that of its line, or of its row.
Hugging Face ``datasets``, polars and everything else that reads Arrow reads these files. Needs pyarrow.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytepiece.corpus.optional import import_optional
from bytepiece.shards.cutting import fitting
from bytepiece.shards.format import Batch, Documents, Format, Ids
from bytepiece.shards.outputs import Output

__all__ = ["Parquet"]

GROUP_IDS = 2**20
"""The most ids of a row group, unless it has a single document."""

GROUP_ROWS = 2**16
"""The most documents of a row group."""


class Parquet(Format):
    """Writes and reads a shard; see the module."""

    endings = (".parquet",)
    longest = 2**31 - 1

    def __init__(self, outputs: Sequence[Output], dtype: np.dtype[Any]) -> None:
        super().__init__(outputs, dtype)
        arrow, parquet = _pyarrow()
        fields = [("input_ids", arrow.list_(arrow.from_numpy_dtype(dtype))), ("source", arrow.string())]
        self._arrow = arrow
        self._schema = arrow.schema([*fields, ("row", arrow.int64())])
        self._writer = parquet.ParquetWriter(
            arrow.PythonFile(outputs[0], mode="w"), self._schema, compression="zstd", write_page_checksum=True
        )
        self._batches: list[Batch] = []
        self._n_ids = self._n_rows = 0

    @classmethod
    def check(cls) -> None:
        """Raise `OptionalDependencyError` where pyarrow is missing."""
        _pyarrow()

    def add(self, batch: Batch) -> None:
        """Write some documents. Row groups depend on the documents alone, and not on the batches in which they come."""
        first = begin = 0
        ends = np.cumsum(batch.lengths)
        while first < len(ends):
            n = fitting(ends[first:], begin, GROUP_IDS - self._n_ids)
            n = min(n, GROUP_ROWS - self._n_rows)
            if n == 0 and self._n_rows == 0:
                n = 1
            if n == 0:
                self._write_group()
                continue
            end = int(ends[first + n - 1])
            part = slice(first, first + n)
            self._batches.append(Batch(batch.ids[begin:end], batch.lengths[part], batch.source, batch.numbers[part]))
            self._n_ids += end - begin
            self._n_rows += n
            first, begin = first + n, end

    def finish(self) -> None:
        """Write the last row group and the footer."""
        if self._batches:
            self._write_group()
        self._writer.close()

    def abandon(self) -> None:
        """Close the writer."""
        with suppress(OSError, self._arrow.ArrowException):
            self._writer.close()

    def _write_group(self) -> None:
        arrow, batches = self._arrow, self._batches
        ids = np.concatenate([batch.ids for batch in batches])
        lengths = np.concatenate([batch.lengths for batch in batches])
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        columns = [
            arrow.ListArray.from_arrays(arrow.array(offsets), arrow.array(ids)),
            arrow.concat_arrays([arrow.repeat(_as_utf8(batch.source), len(batch.lengths)) for batch in batches]),
            arrow.array(np.concatenate([batch.numbers for batch in batches])),
        ]
        self._writer.write_table(arrow.Table.from_arrays(columns, schema=self._schema))
        self._batches, self._n_ids, self._n_rows = [], 0, 0

    @classmethod
    def read(cls, paths: Sequence[str], dtype: np.dtype[Any]) -> Documents:
        """The documents of a shard."""
        return _Rows(paths[0], dtype)


class _Rows(Documents):
    """The documents of a file; one row group is in memory at a time."""

    def __init__(self, path: str, dtype: np.dtype[Any]) -> None:
        arrow, parquet = _pyarrow()
        try:
            self._file = parquet.ParquetFile(path, memory_map=True, page_checksum_verification=True)
            if self._file.schema_arrow.field("input_ids").type != arrow.list_(arrow.from_numpy_dtype(dtype)):
                raise ValueError("not a file of such ids")
        except (arrow.ArrowException, KeyError) as error:
            raise ValueError(f"damaged file: {' '.join(str(error).split())}") from None
        metadata = self._file.metadata
        self._error = arrow.ArrowException
        sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
        self._ends = np.cumsum(sizes, dtype=np.int64).tolist()
        self._loaded: tuple[int, Ids, NDArray[np.int32]] | None = None

    def __len__(self) -> int:
        return int(self._file.metadata.num_rows)

    def __getitem__(self, number: int) -> Ids:
        if not 0 <= number < len(self):
            raise IndexError(f"document {number} of {len(self)}")
        group = bisect_right(self._ends, number)
        ids, offsets = self._load(group)
        row = number - (self._ends[group - 1] if group else 0)
        return ids[offsets[row] : offsets[row + 1]]

    def all_ids(self) -> Iterator[Ids]:
        """All ids, a row group at a time."""
        return (self._load(group)[0] for group in range(len(self._ends)))

    def _load(self, group: int) -> tuple[Ids, NDArray[np.int32]]:
        loaded = self._loaded
        if loaded is None or loaded[0] != group:
            try:
                column = self._file.read_row_group(group, ["input_ids"]).column(0).combine_chunks()
            except (self._error, OSError) as error:
                raise ValueError(f"damaged file: {' '.join(str(error).split())}") from None
            chunk = column.chunk(0) if hasattr(column, "chunk") else column
            loaded = group, chunk.values.to_numpy(), chunk.offsets.to_numpy()
            self._loaded = loaded
        return loaded[1], loaded[2]


def _as_utf8(path: str) -> str:
    r"""A path as text: bytes of its name that are not UTF-8 become ``\xff``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _pyarrow() -> tuple[Any, Any]:
    what = "a shard in parquet"
    return import_optional("pyarrow", "pyarrow", what), import_optional("pyarrow.parquet", "pyarrow", what)
