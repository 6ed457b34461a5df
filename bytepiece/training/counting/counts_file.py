r"""Files of counts: runs of one kind, with checksums, read and written as streams.

Version 1, numbers little-endian:

    bytepiece-counts 1\n
    {"kind": "ngrams", "settings": {...}}\n           a header in JSON, see `save_counts`
    block, block, ..., a block without items

    block:  number of items   bytes of the arrays   arrays of a run, see `KINDS`   CRC-32
            uint64            uint64                                               uint32

The CRC-32 is that of the whole file up to there, without the checksums before.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO, TypeVar

import numpy as np

from bytepiece.core.automaton import MAX_PIECE_BYTES
from bytepiece.core.packed import CountedBytes
from bytepiece.core.packing import find_descent
from bytepiece.errors import CountsFormatError
from bytepiece.files import atomic_writer
from bytepiece.nesting import check_depth
from bytepiece.training.counting.kernels.ngrams import MAX_ORDER
from bytepiece.training.counting.runs import NgramRun, Run

__all__ = ["KINDS", "read_header", "read_runs", "save_counts", "write_runs"]

_MAGIC = b"bytepiece-counts "
_VERSION = 1
_BLOCK_ITEMS = 2**16
_BLOCK_HEAD = struct.Struct("<QQ")
_BLOCK_CRC = struct.Struct("<I")

_UNUSED_BYTES = np.array([(1 << 64 - 8 * n) - 2**8 for n in range(MAX_ORDER + 1)], dtype=np.uint64)
"""By length, which bytes of a key belong neither to the n-gram nor to its length."""

R = TypeVar("R", bound=Run)

KINDS: Mapping[str, type[NgramRun] | type[CountedBytes]] = {"ngrams": NgramRun, "pieces": CountedBytes}
"""The kinds of counts by their names in headers. `NgramRun.arrays` and `CountedBytes.arrays` go into blocks."""


def save_counts(path: str | os.PathLike[str], header: Mapping[str, Any], runs: Iterable[Run]) -> None:
    """Write a file of counts, whole or not at all.

    Args:
        path: where to; an existing file is replaced.
        header: ``"kind"`` is one of `KINDS`; ``"settings"`` are those the counts depend on, and ``"model"`` is the
            fingerprint of the n-gram model that they depend on.
        runs: the counts; the runs ascend from one to the next.

    Raises `OSError` if the file cannot be written.
    """
    start = _MAGIC + f"{_VERSION}\n".encode() + json.dumps(header, sort_keys=True).encode() + b"\n"
    with atomic_writer(path) as file:
        file.write(start)
        write_runs(file, runs, zlib.crc32(start))


def write_runs(file: BinaryIO, runs: Iterable[Run], checksum: int = 0) -> None:
    """Write runs in blocks of one size, and the end; ``checksum`` is that of the file so far."""
    for items in _blocks(runs):
        block = type(items[0]).join(items)
        arrays = [array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes() for array in block.arrays]
        checksum = _write_block(file, len(block), b"".join(arrays), checksum)
    _write_block(file, 0, b"", checksum)


def _blocks(runs: Iterable[R]) -> Iterator[list[R]]:
    """Parts of runs, block by block. Blocks have one size, however long the runs are: equal counts make equal files."""
    parts: list[R] = []
    room = _BLOCK_ITEMS
    for run in runs:
        begin = 0
        while begin < len(run):
            part = run.slice(begin, min(begin + room, len(run)))
            parts.append(part)
            begin += len(part)
            room -= len(part)
            if room == 0:
                yield parts
                parts, room = [], _BLOCK_ITEMS
    if parts:
        yield parts


def _write_block(file: BinaryIO, n_items: int, data: bytes, checksum: int) -> int:
    """Write a block; returns its checksum, from which that of the next goes on: no block can be missing or doubled."""
    head = _BLOCK_HEAD.pack(n_items, len(data))
    checksum = zlib.crc32(data, zlib.crc32(head, checksum))
    file.write(head + data + _BLOCK_CRC.pack(checksum))
    return checksum


def read_header(path: str | os.PathLike[str]) -> tuple[dict[str, Any], int]:
    """Read the header of a file of counts, and the position at which its blocks begin.

    Raises `CountsFormatError`, naming the file, if it is no file of counts; `OSError` if it cannot be read.
    """
    name = os.fspath(path)
    try:
        file = open(path, "rb")  # noqa: SIM115
    except IsADirectoryError:
        raise CountsFormatError(f"{name}: a directory, not a file of counts") from None
    with file:
        first = file.readline(64)
        if not first.startswith(_MAGIC):
            raise CountsFormatError(f"{name}: not a file of counts: it starts with {first[:16]!r}")
        if first != _MAGIC + f"{_VERSION}\n".encode():
            raise CountsFormatError(f"{name}: format {first[len(_MAGIC) :]!r}, this program reads {_VERSION}")
        try:
            header = json.loads(file.readline(2**20))
        except (ValueError, RecursionError):
            raise CountsFormatError(f"{name}, line 2: damaged header") from None
        start = file.tell()
    if not isinstance(header, dict) or header.get("kind") not in list(KINDS):
        raise CountsFormatError(f"{name}, line 2: a header without kind, or of an unknown one")
    try:
        check_depth(header)
    except ValueError as error:
        raise CountsFormatError(f"{name}, line 2: {error}") from None
    if not isinstance(header.get("settings", {}), dict):
        raise CountsFormatError(f"{name}, line 2: settings must be an object")
    return header, start


def read_runs(file: BinaryIO, start: int, kind: str, name: str, own: bool = False) -> Iterator[Run]:
    """The runs that `write_runs` wrote from position ``start`` on; each block is checked.

    Others may move the file's position between runs. Raises `CountsFormatError`, with ``name`` and place, if the file
    is damaged or ends early, and for counts that no pass can have made, even if the checksum is right. That is not
    looked for in a file of this process's ``own``.
    """
    file.seek(0)
    checksum = zlib.crc32(file.read(start))
    end = file.seek(0, os.SEEK_END)
    position = start
    last = None
    n_items = 1
    while n_items:
        file.seek(position)
        where = f"{name}, byte {position}"
        head = file.read(_BLOCK_HEAD.size)
        if len(head) < _BLOCK_HEAD.size:
            raise CountsFormatError(f"{where}: the file ends early")
        n_items, n_bytes = _BLOCK_HEAD.unpack(head)
        position += _BLOCK_HEAD.size + n_bytes + _BLOCK_CRC.size
        if n_items > _BLOCK_ITEMS or position > end:
            raise CountsFormatError(f"{where}: damaged, or the file ends early")
        data = file.read(n_bytes)
        checksum = zlib.crc32(data, zlib.crc32(head, checksum))
        if _BLOCK_CRC.unpack(file.read(_BLOCK_CRC.size))[0] != checksum:
            raise CountsFormatError(f"{where}: the checksum does not match: damaged")
        if n_items:
            run = _run(kind, n_items, data, where)
            problem = None if own else _problem(run, last)
            if problem is not None:
                raise CountsFormatError(f"{where}: {problem}")
            last = run.item(len(run) - 1)
            yield run
    if position != end:
        raise CountsFormatError(f"{name}, byte {position}: something follows the end")


def _run(kind: str, n_items: int, data: bytes, where: str) -> Run:
    n_numbers = 16 * n_items + (8 if kind == "pieces" else 0)
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
