"""Arrays in files, mapped into memory."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["map_array"]


def map_array(path: str, dtype: np.dtype[Any] | str, begin: int = 0, n: int | None = None) -> NDArray[Any]:
    """The items of a file, mapped into memory.

    Args:
        path: the file.
        dtype: of the items.
        begin: where the first item begins, in bytes.
        n: how many there are; None for all to the end.

    Raises `OSError`, and ``ValueError`` for a file that does not have these items.
    """
    dtype = np.dtype(dtype)
    size = os.path.getsize(path) - begin
    if n is None:
        if size < 0 or size % dtype.itemsize:
            raise ValueError(f"{size} bytes from byte {begin} on are no items of {dtype.itemsize} bytes")
        n = size // dtype.itemsize
    elif n < 0 or size < n * dtype.itemsize:
        raise ValueError(f"{size} bytes from byte {begin} on are too few for {n} items of {dtype.itemsize} bytes")
    if n == 0:  # which cannot be mapped
        return np.zeros(0, dtype=dtype)
    return np.memmap(path, dtype=dtype, mode="r", offset=begin, shape=(n,))
