r"""Megatron-LM's ``IndexedDataset``: ``NAME.bin`` with all ids, ``NAME.idx`` with where each document lies.

The layout is that of ``megatron/core/datasets/indexed_dataset.py`` in megatron-core 0.16.1 (NVIDIA). All numbers are
little-endian::

    9 bytes     b"MMIDIDX\0\0"
    uint64      the version, 1
    uint8       the code of the dtype: 8 for uint16, 4 for int32
    uint64      n, the number of sequences
    uint64      n + 1, the number of document indices
    int32 * n   the length of each sequence, in ids
    int64 * n   where each sequence begins in the .bin, in bytes
    int64 * (n + 1)   the first sequence of each document, and n

Each document is one sequence here. Megatron has no uint32, so ids of four bytes are int32: the same bytes, as all ids
are below 2**31.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytepiece.shards.format import Batch, Documents, Format, PackedDocuments
from bytepiece.shards.mapping import map_array
from bytepiece.shards.outputs import Output

__all__ = ["Megatron"]

MAGIC = b"MMIDIDX\0\0"
HEADER = struct.Struct("<9sQBQQ")
CODES = {2: 8, 4: 4}
CHUNK = 2**17


class Megatron(Format):
    """Writes and reads a shard; see the module."""

    endings = (".bin", ".idx")
    longest = 2**31 - 1

    def __init__(self, outputs: Sequence[Output], dtype: np.dtype[Any]) -> None:
        super().__init__(outputs, dtype)
        # The lengths of millions of short documents would take more memory than their texts.
        self._lengths = tempfile.TemporaryFile()  # noqa: SIM115
        self._n_documents = 0

    def add(self, batch: Batch) -> None:
        """Write some documents."""
        self.outputs[0].write(batch.ids)
        self._lengths.write(batch.lengths.astype("<i4").tobytes())
        self._n_documents += len(batch.lengths)

    def finish(self) -> None:
        """Write the index."""
        index, n = self.outputs[1], self._n_documents
        index.write(HEADER.pack(MAGIC, 1, CODES[self.dtype.itemsize], n, n + 1))
        for lengths in self._chunks():
            index.write(lengths)
        begin = 0
        for lengths in self._chunks():
            ends = begin + np.cumsum(lengths, dtype="<i8") * self.dtype.itemsize
            index.write(np.concatenate([[begin], ends[:-1]]).astype("<i8"))
            begin = int(ends[-1])
        for first in range(0, n + 1, CHUNK):
            index.write(np.arange(first, min(first + CHUNK, n + 1), dtype="<i8"))
        self._lengths.close()

    def abandon(self) -> None:
        """Close the temporary file."""
        self._lengths.close()

    def _chunks(self) -> Iterator[NDArray[np.int32]]:
        self._lengths.seek(0)
        while data := self._lengths.read(4 * CHUNK):
            yield np.frombuffer(data, dtype="<i4")

    @classmethod
    def read(cls, paths: Sequence[str], dtype: np.dtype[Any]) -> Documents:
        """The documents of a shard."""
        with open(paths[1], "rb") as file:
            header = file.read(HEADER.size)
        if len(header) < HEADER.size:
            raise ValueError("the header of the index is cut off")
        magic, version, code, n, n_indices = HEADER.unpack(header)
        if (magic, version, code, n_indices) != (MAGIC, 1, CODES[dtype.itemsize], n + 1):
            raise ValueError("not an index of such ids")
        lengths = map_array(paths[1], "<i4", HEADER.size, n)
        return PackedDocuments(map_array(paths[0], dtype), np.cumsum(lengths, dtype=np.int64))
