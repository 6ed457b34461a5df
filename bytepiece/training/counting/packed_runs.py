"""Runs as short byte strings, in which counts travel between machines.

A string is the letter of its kind, and blocks of up to `BLOCK_ITEMS` items. A block is its number of items and of
compressed bytes (uint32 each, little-endian), and the arrays of a run, compressed by zlib. Keys are differences from
the one before; offsets are lengths. Numbers lie byte by byte, first the lowest of all: so zlib finds runs of zeros, and
leaves some fifth of what the arrays take.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.packed import CountedBytes
from bytepiece.training.counting.runs import NgramRun, Run

__all__ = ["pack_runs", "unpack_runs"]

BLOCK_ITEMS = 2**16

_HEAD = struct.Struct("<II")
_NGRAMS, _PIECES = b"n", b"p"
_LEVEL = 1  # the fastest


def pack_runs(runs: Iterable[Run]) -> bytes:
    """Pack runs that ascend from one to the next."""
    packed = bytearray()
    for run in runs:
        for begin in range(0, len(run), BLOCK_ITEMS):
            block = run.slice(begin, min(begin + BLOCK_ITEMS, len(run)))
            if not packed:
                packed += _NGRAMS if isinstance(block, NgramRun) else _PIECES
            data = zlib.compress(b"".join(_as_bytes(block)), _LEVEL)
            packed += _HEAD.pack(len(block), len(data)) + data
    return bytes(packed)


def unpack_runs(packed: bytes) -> Iterator[Run]:
    """The runs of `pack_runs`, a block each."""
    position = 1
    while position < len(packed):
        n, size = _HEAD.unpack_from(packed, position)
        position += _HEAD.size + size
        data = zlib.decompress(memoryview(packed)[position - size : position])
        yield _ngrams(data, n) if packed[:1] == _NGRAMS else _pieces(data, n)


def _as_bytes(run: Run) -> Iterator[bytes]:
    if isinstance(run, NgramRun):
        yield _planes(np.diff(run.keys, prepend=np.uint64(0)))
    else:
        assert isinstance(run, CountedBytes)
        yield _planes(run.lengths.astype(np.uint32))
        yield run.data.tobytes()
    yield _planes(run.counts)


def _ngrams(data: bytes, n: int) -> NgramRun:
    return NgramRun(np.cumsum(_numbers(data, 0, n, "<u8"), dtype=np.uint64), _numbers(data, 8 * n, n, "<u8"))


def _pieces(data: bytes, n: int) -> CountedBytes:
    offsets = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(_numbers(data, 0, n, "<u4"), out=offsets[1:])
    pieces = np.frombuffer(data, np.uint8, int(offsets[-1]), 4 * n)
    return CountedBytes(pieces, offsets, _numbers(data, 4 * n + len(pieces), n, "<u8"))


def _planes(numbers: NDArray[Any]) -> bytes:
    """The lowest bytes of all numbers, then the second ones, and so on."""
    little = numbers.astype(numbers.dtype.newbyteorder("<"), copy=False)
    return np.ascontiguousarray(little.view(np.uint8).reshape(-1, numbers.itemsize).T).tobytes()


def _numbers(data: bytes, begin: int, n: int, kind: str) -> NDArray[Any]:
    """The numbers that `_planes` took apart, in an array of their own, as kernels need it."""
    size = np.dtype(kind).itemsize
    planes = np.frombuffer(data, np.uint8, n * size, begin).reshape(size, n)
    return planes.T.copy("C").view(kind).reshape(n).astype(np.dtype(kind).newbyteorder("="), copy=False)
