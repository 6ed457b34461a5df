r"""Files of counts: runs of one kind, read and written as streams.

They are files of `bytepiece.training.counting.blocks`; the data of a block are the arrays of a run, see `KINDS`.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO, TypeVar

import numpy as np

from bytepiece.core.automaton import MAX_PIECE_BYTES
from bytepiece.core.packed import CountedBytes
from bytepiece.core.packing import find_descent
from bytepiece.errors import CountsFormatError
from bytepiece.files import atomic_writer
from bytepiece.training.counting.blocks import header_line, read_blocks, write_block
from bytepiece.training.counting.kernels.ngrams import MAX_ORDER
from bytepiece.training.counting.runs import NgramRun, Run

__all__ = ["KINDS", "read_runs", "save_counts", "write_runs"]

_BLOCK_ITEMS = 2**16

_UNUSED_BYTES = np.array([(1 << 64 - 8 * n) - 2**8 for n in range(MAX_ORDER + 1)], dtype=np.uint64)
"""By length, which bytes of a key belong neither to the n-gram nor to its length."""

R = TypeVar("R", bound=Run)

KINDS: Mapping[str, type[NgramRun] | type[CountedBytes]] = {
    "ngrams": NgramRun,
    "pieces": CountedBytes,
    "tokens": CountedBytes,
}
"""The kinds of counts by their names in headers. `NgramRun.arrays` and `CountedBytes.arrays` go into blocks."""


def save_counts(path: str | os.PathLike[str], header: Mapping[str, Any], runs: Iterable[Run]) -> None:
    """Write a file of counts, whole or not at all.

    Args:
        path: where to; an existing file is replaced.
        header: ``"kind"`` is one of `KINDS`; ``"settings"`` are those the counts depend on; ``"documents"`` is the
            number of documents that were counted. Of pieces, ``"model"`` is the fingerprint of the n-gram model that
            found them, and ``"ngrams_of"`` the number of documents of its n-grams.
        runs: the counts; the runs ascend from one to the next.

    Raises `OSError` if the file cannot be written.
    """
    start = header_line(header)
    with atomic_writer(path) as file:
        file.write(start)
        write_runs(file, runs, zlib.crc32(start))


def write_runs(file: BinaryIO, runs: Iterable[Run], checksum: int = 0, block_items: int = _BLOCK_ITEMS) -> None:
    """Write runs in blocks of one size, and the end; ``checksum`` is that of the file so far.

    Blocks have ``block_items`` items, but never more than are read.
    """
    for items in _blocks(runs, min(block_items, _BLOCK_ITEMS)):
        block = type(items[0]).join(items)
        arrays = [array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes() for array in block.arrays]
        checksum = write_block(file, len(block), b"".join(arrays), checksum)
    write_block(file, 0, b"", checksum)


def _blocks(runs: Iterable[R], n_items: int) -> Iterator[list[R]]:
    """Parts of runs, block by block. Blocks have one size, however long the runs are: equal counts make equal files."""
    parts: list[R] = []
    room = n_items
    for run in runs:
        begin = 0
        while begin < len(run):
            part = run.slice(begin, min(begin + room, len(run)))
            parts.append(part)
            begin += len(part)
            room -= len(part)
            if room == 0:
                yield parts
                parts, room = [], n_items
    if parts:
        yield parts


def read_runs(file: BinaryIO, start: int, kind: str, name: str, own: bool = False) -> Iterator[Run]:
    """The runs that `write_runs` wrote from position ``start`` on; each block is checked.

    Others may move the file's position between runs. Raises `CountsFormatError`, with ``name`` and place, if the file
    is damaged or ends early, and for counts that no pass can have made, even if the checksum is right. That is not
    looked for in a file of this process's ``own``.
    """
    last = None
    for where, n_items, data in read_blocks(file, start, name, _BLOCK_ITEMS):
        run = _run(kind, n_items, data, where)
        problem = None if own else _problem(run, last)
        if problem is not None:
            raise CountsFormatError(f"{where}: {problem}")
        last = run.item(len(run) - 1)
        yield run


def _run(kind: str, n_items: int, data: bytes, where: str) -> Run:
    n_numbers = 16 * n_items + (0 if kind == "ngrams" else 8)
    if len(data) < n_numbers or (kind == "ngrams" and len(data) != n_numbers):
        raise CountsFormatError(f"{where}: damaged")
    if kind == "ngrams":
        keys, counts = np.frombuffer(data, "<u8").reshape(2, -1).astype(np.uint64, copy=False)
        return NgramRun(keys, counts)
    n_pieces = len(data) - n_numbers
    pieces = np.frombuffer(data, np.uint8, n_pieces)
    # Copies, because kernels take only aligned numbers.
    offsets = np.frombuffer(data, "<i8", n_items + 1, n_pieces).astype(np.int64)
    counts = np.frombuffer(data, "<u8", n_items, n_pieces + 8 * (n_items + 1)).astype(np.uint64)
    if offsets[0] != 0 or offsets[-1] != n_pieces or (np.diff(offsets) < 0).any():
        raise CountsFormatError(f"{where}: damaged")
    return CountedBytes(pieces, offsets, counts)


def _problem(run: Run, last: Any) -> str | None:
    """What is wrong with a run whose checksum is right; ``last`` is the last item of the run before it, if any."""
    if not run.counts.all():
        return "a count is 0"
    if isinstance(run, NgramRun):
        lengths = (run.keys & np.uint64(0xFF)).astype(np.int64)
        if not ((lengths >= 1) & (lengths <= MAX_ORDER)).all():
            return f"an n-gram must have 1 to {MAX_ORDER} bytes"
        if (run.keys & _UNUSED_BYTES[lengths]).any():
            return "an n-gram must be followed by zeros"
        ascends = bool((run.keys[1:] > run.keys[:-1]).all())
    else:
        assert isinstance(run, CountedBytes)
        lengths = run.lengths
        if not ((lengths >= 1) & (lengths <= MAX_PIECE_BYTES)).all():
            return f"a piece must have 1 to {MAX_PIECE_BYTES} bytes"
        ascends = find_descent(run) is None
    if not ascends or not (last is None or run.item(0) > last):
        return "the items do not ascend"
    return None
