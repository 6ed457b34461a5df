"""Parquet files: one column holds the documents, some rows are read at a time."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytepiece.corpus.hooks import OnError, OnProgress, Part
from bytepiece.corpus.optional import import_optional
from bytepiece.corpus.storage import open_raw, raw_size
from bytepiece.errors import CorpusError

__all__ = ["check_pyarrow", "count_rows", "packed_column", "rows_of_groups", "text_columns"]

BUFFER_BYTES = 2**18
"""How many bytes of the file are read at a time."""

BATCH_BYTES = 2**20
"""About how many bytes of text are held at a time; a single row can be longer."""

LARGEST_BATCH_BYTES = 2**25
"""The most bytes of text that are held at a time, where rows share values. More is held only of a single longer row,
and of `LEAST_ROWS` rows that are stored as differences."""

LEAST_ROWS = 16
"""At least so many rows are read at a time where nothing tells how long they are: one by one would take too long."""


def check_pyarrow() -> None:
    """Raise `OptionalDependencyError` where pyarrow is missing."""
    _import_pyarrow()


def rows_of_groups(path: str) -> list[int]:
    """The number of rows of each row group; `CorpusError` for a damaged file."""
    pyarrow, parquet = _import_pyarrow()
    try:
        with open_raw(path) as file, parquet.ParquetFile(file) as table:
            return _rows_of_groups(table, pyarrow)
    except (pyarrow.ArrowException, OSError) as error:
        if getattr(error, "errno", None) is not None:
            raise
        raise CorpusError(f"{path}: damaged file: {' '.join(str(error).split())}") from None


def _rows_of_groups(table: Any, pyarrow: Any) -> list[int]:
    """The same of an open file; what is wrong is an error of Arrow, as elsewhere in a damaged file."""
    rows = [table.metadata.row_group(group).num_rows for group in range(table.num_row_groups)]
    if min(rows, default=0) < 0 or sum(rows) != table.metadata.num_rows:
        raise pyarrow.ArrowInvalid(f"{table.metadata.num_rows} rows, and {sum(rows)} in its row groups")
    return rows


def count_rows(path: str, part: Part | None = None) -> int:
    """The number of rows of a file, or of some of its row groups."""
    return sum(rows_of_groups(path)[slice(*part) if part else slice(None)])


def text_columns(
    path: str,
    name: str,
    failed: OnError,
    advance: OnProgress,
    batch_rows: int,
    part: Part | None = None,
    first_row: int = 0,
) -> Iterator[tuple[int, Any]]:
    """The texts of a column, some rows at a time: the number of the first row, and an Arrow array of large binary.

    No more than ``batch_rows`` come at a time; rows before ``first_row`` are left out. ``failed`` gets a `CorpusError`
    where the file is damaged, or has no such column of text.
    """
    pyarrow, parquet = _import_pyarrow()
    row = position = 0
    try:
        with (
            io.BufferedReader(open_raw(path), BUFFER_BYTES) as file,
            # pre_buffer=False: row groups that are read ahead would stay in memory.
            parquet.ParquetFile(
                file, pre_buffer=False, buffer_size=BUFFER_BYTES, page_checksum_verification=True
            ) as table,
        ):
            schema = table.schema_arrow
            if name not in schema.names:
                failed(CorpusError(f"{path}: no field {name!r} (there are: {', '.join(schema.names) or 'none'})"))
                return
            if schema.names.count(name) > 1:
                failed(CorpusError(f"{path}: {schema.names.count(name)} fields {name!r}"))
                return
            if not _holds_text(schema.field(name).type, pyarrow.types):
                failed(CorpusError(f"{path}: field {name!r} must be text, not {schema.field(name).type}"))
                return
            size, n_rows = raw_size(path), table.metadata.num_rows
            rows = _rows_of_groups(table, pyarrow)
            first, end = part or (0, len(rows))
            row = sum(rows[:first])
            position = size * row // max(1, n_rows)
            for group in range(first, end):
                if row + rows[group] <= first_row:
                    row += rows[group]
                    continue
                at_once = _rows_at_once(path, table, group, name, batch_rows)
                for batch in table.iter_batches(at_once, [group], [name], use_threads=False):
                    texts = batch.column(name).cast(pyarrow.large_binary())
                    advance(size * (row + len(texts)) // n_rows - position)
                    position = size * (row + len(texts)) // n_rows
                    begin = min(max(0, first_row - row), len(texts))
                    yield row + begin, texts.slice(begin)
                    row += len(texts)
            if row != sum(rows[:end]):  # pyarrow passes over some damaged pages in silence
                failed(CorpusError(f"{path}: damaged file: {row} rows where there should be {sum(rows[:end])}"))
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, MemoryError) or getattr(error, "errno", None) is not None:
            raise
        failed(CorpusError(f"{path}, after {row} rows: damaged file: {' '.join(str(error).split())}"))


def _rows_at_once(path: str, table: Any, group: int, name: str, most: int) -> int:
    """How many rows of a row group are read at a time.

    Their average size says it, unless the file has what many rows share only once: a value in a dictionary, or the
    first bytes of values that are stored as differences.
    """
    metadata = table.metadata
    sizes = metadata.row_group(group)
    n_rows = min(most, sizes.num_rows, BATCH_BYTES * sizes.num_rows // max(1, sizes.total_byte_size))
    if n_rows * sizes.total_byte_size > LARGEST_BATCH_BYTES:  # no value is longer than the row group
        # Where the column is damaged, pyarrow raises an error when a row is read, but ends the process when its
        # metadata are looked at. So a row is read first.
        longest = _longest_in_dictionary(path, table, group, name)
        paths = [metadata.schema.column(k).path for k in range(metadata.num_columns)]
        column = sizes.column(paths.index(name))
        if "DELTA_BYTE_ARRAY" in column.encodings:
            n_rows = min(n_rows, max(LARGEST_BATCH_BYTES // max(1, column.total_uncompressed_size), LEAST_ROWS))
        elif column.physical_type == "BYTE_ARRAY" and column.has_dictionary_page:
            n_rows = min(n_rows, LARGEST_BATCH_BYTES // max(1, longest))
    return max(1, int(n_rows))


def _longest_in_dictionary(path: str, table: Any, group: int, name: str) -> int:
    """How many bytes the longest text has in the dictionary of a column, which comes with the first row.

    It means nothing if the column has no dictionary. Raises pyarrow's error where the first row cannot be read.
    """
    pyarrow, parquet = _import_pyarrow()
    with (
        io.BufferedReader(open_raw(path), BUFFER_BYTES) as file,
        parquet.ParquetFile(
            file, metadata=table.metadata, read_dictionary=[name], pre_buffer=False, buffer_size=BUFFER_BYTES
        ) as with_dictionary,
    ):
        try:
            row = next(with_dictionary.iter_batches(1, [group], [name], use_threads=False), None)
        except (pyarrow.ArrowException, OSError):
            # Damaged; or stored as differences, which pyarrow makes no dictionary of.
            next(table.iter_batches(1, [group], [name], use_threads=False), None)
            return 0
    if row is None or not pyarrow.types.is_dictionary(row.schema.types[0]):
        return 0
    texts = row.column(name).dictionary.cast(pyarrow.large_binary())
    return int(np.diff(packed_column(texts)[1]).max(initial=0))


def packed_column(texts: Any) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The bytes and the offsets of an Arrow array of large binary without nulls; no text is copied."""
    if len(texts) == 0:
        return np.zeros(0, dtype=np.uint8), np.zeros(1, dtype=np.int64)
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    first, last = int(ends[0]), int(ends[-1])
    bytes_ = np.zeros(0, dtype=np.uint8) if data is None else np.frombuffer(data, dtype=np.uint8)
    return bytes_[first:last], ends - first


def _holds_text(type: Any, types: Any) -> bool:
    """Whether an Arrow type is text, the bytes of text, or null."""
    if types.is_dictionary(type):
        type = type.value_type
    kinds = ("string", "large_string", "string_view", "binary", "large_binary", "binary_view", "null")
    tests = [getattr(types, f"is_{kind}", None) for kind in kinds]  # older versions have no views
    return any(test(type) for test in tests if test)


def _import_pyarrow() -> tuple[Any, Any]:
    what = "a .parquet file"
    return import_optional("pyarrow", "pyarrow", what), import_optional("pyarrow.parquet", "pyarrow", what)
