"""Columns of texts as other libraries hold them: their buffers, without a Python object for each text."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.ids import IdArray
from bytepiece.core.packed import PackedBytes
from bytepiece.corpus.optional import import_optional
from bytepiece.corpus.parquet import packed_column
from bytepiece.encoding.batches import SHARES_PER_WORKER, SMALLEST_SHARE
from bytepiece.errors import TextError
from bytepiece.workers import check_workers

__all__ = ["column_of", "encode_column", "list_array", "texts_of"]

_ARROW = ("__arrow_c_stream__", "__arrow_c_array__", "__arrow_array__")


def column_of(texts: object) -> list[PackedBytes] | None:
    """The texts of a column, chunk by chunk, in the memory of the column where that has offsets of 64 bits.

    A column is what can be read by the Arrow PyCapsule interface or by ``__arrow_array__``: an array or chunked array
    of pyarrow, a series of polars, or one of pandas whose strings are in Arrow; and a column of a ``datasets.Dataset``.

    Returns None for anything else, and without pyarrow; then the texts can only be iterated.

    Raises `TextError` for a column of anything but strings and binary, and for a missing text, naming its number.
    """
    if isinstance(texts, list | tuple):
        return None
    holder = _in_arrow(texts)
    if holder is None:
        return None
    try:
        pyarrow: Any = importlib.import_module("pyarrow")
    except ImportError:
        return None
    array = pyarrow.chunked_array(holder) if hasattr(holder, _ARROW[0]) else pyarrow.array(holder)
    chunks = array.chunks if isinstance(array, pyarrow.ChunkedArray) else [array]
    n_before = 0
    packed = []
    for chunk in chunks:
        if pyarrow.types.is_dictionary(chunk.type):
            chunk = chunk.dictionary_decode()  # nulls may be among its values
        if chunk.null_count:
            k = chunk.is_null().index(True).as_py() + n_before
            raise TextError(f"text {k} (from 0): text must be str or bytes, not None")
        if len(chunk):
            packed.append(_packed(chunk, pyarrow))
        n_before += len(chunk)
    return packed


def _in_arrow(texts: Any) -> Any:
    """What has the texts in Arrow's memory, or None."""
    source = getattr(texts, "source", None)
    if source is not None and hasattr(source, "with_format") and hasattr(texts, "column_name"):
        return source.with_format("arrow")[:][texts.column_name]  # datasets.Column
    if any(hasattr(texts, name) for name in _ARROW):
        return texts
    values = getattr(texts, "array", None)  # of a series of pandas
    return values if hasattr(values, "__arrow_array__") else None


def _packed(chunk: Any, pyarrow: Any) -> PackedBytes:
    types = pyarrow.types
    kinds = ("string", "large_string", "string_view", "binary", "large_binary", "binary_view")
    if not any(getattr(types, f"is_{kind}", lambda type: False)(chunk.type) for kind in kinds):
        raise TextError(f"a column of texts must have strings or binary, not {chunk.type}")
    if not types.is_large_binary(chunk.type):
        chunk = chunk.cast(pyarrow.large_binary())
    return PackedBytes(*packed_column(chunk))


def texts_of(column: Sequence[PackedBytes]) -> Iterator[bytes]:
    """The texts of a column one by one."""
    return (text for chunk in column for text in chunk.to_list())


def encode_column(
    column: Sequence[PackedBytes],
    encode: Callable[[PackedBytes], tuple[IdArray | NDArray[np.uint32], NDArray[np.int64]]],
    workers: int | None,
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Encode a column by several threads, each of which takes some texts at a time.

    Args:
        column: the texts.
        encode: gives the ids of some texts, and where those of each end.
        workers: the number of threads; None for one on each processor.

    Returns all ids, and offsets: those of text k are ``ids[offsets[k]:offsets[k + 1]]``.
    """
    workers = check_workers(workers)
    n_bytes = sum(int(chunk.offsets[-1] - chunk.offsets[0]) for chunk in column)
    share_bytes = n_bytes + 1 if workers == 1 else max(SMALLEST_SHARE, n_bytes // (workers * SHARES_PER_WORKER))
    shares = [share for chunk in column for share in _shares(chunk, share_bytes)]
    if len(shares) == 1:
        results = [encode(shares[0])]
    else:
        with ThreadPoolExecutor(workers) as executor:
            results = list(executor.map(encode, shares))
    arrays = [np.empty(0, dtype=np.uint32), *(np.asarray(ids) for ids, _ in results)]
    n_before = accumulate(map(len, arrays[1:]), initial=0)
    offsets = np.concatenate([[0], *(ends + n for (_, ends), n in zip(results, n_before, strict=False))])
    return arrays[1] if len(results) == 1 else np.concatenate(arrays), offsets.astype(np.int64, copy=False)


def _shares(chunk: PackedBytes, n_bytes: int) -> Iterator[PackedBytes]:
    """The texts of a chunk in shares of this size or little more."""
    begin = 0
    while begin < len(chunk):
        end = int(np.searchsorted(chunk.offsets, chunk.offsets[begin] + n_bytes))
        end = min(max(end, begin + 1), len(chunk))
        yield chunk.slice(begin, end)
        begin = end


def list_array(ids: NDArray[np.uint32], offsets: NDArray[np.int64], dtype: str) -> Any:
    """A list array of pyarrow over the memory of ids, of which each list has those between two offsets.

    Args:
        ids: the ids.
        offsets: one more than there are lists.
        dtype: ``"uint32"``, or ``"uint16"`` for a copy in half the memory.

    Returns a ``pyarrow.ListArray``, or a ``LargeListArray`` for 2**31 ids or more. Raises `OptionalDependencyError`
    without pyarrow.
    """
    pyarrow = import_optional("pyarrow", "pyarrow", "Arrow arrays")
    values = pyarrow.array(ids.astype(dtype, copy=False))
    if len(ids) < 2**31:
        return pyarrow.ListArray.from_arrays(pyarrow.array(offsets.astype(np.int32)), values)
    return pyarrow.LargeListArray.from_arrays(pyarrow.array(offsets), values)
