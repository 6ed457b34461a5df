"""Files with nothing but ids, and beside them where documents end.

=============  =====================================================================================================
``bin``        ``NAME.bin``: ids without a header, as the ``train.bin`` of nanoGPT (karpathy/nanoGPT,
               ``data/openwebtext/prepare.py``). No framework reads where documents end, so ``NAME.ends`` is our own.
``llm.c``      the same after a header of 256 int32: a magic number, a version, the number of ids, zeros
               (karpathy/llm.c, ``dev/data/data_common.py``). uint16 has magic 20240520 and version 1, uint32 20240801
               and 7.
``datatrove``  ``NAME.ds``, ``NAME.ds.index``, ``NAME.ds.metadata``: the ``TokenizedFile`` of datatrove 0.10.1 (Hugging
               Face). The metadata is three lines: tokenizer and bytes of an id, the number of ids, and that again for
               people.
``npy``        ``NAME.npy``, which in spite of its name has no header, and ``NAME.csv.gz`` with begin and end of each
               document: what dolma writes, and OLMo-core reads (allenai/OLMo-core, ``src/olmo_core/data/utils.py``,
               ``iter_document_indices``).
=============  =====================================================================================================

Ends are uint64, little-endian, in ids from the begin of the shard.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from bytepiece.shards.format import Batch, Documents, Format, PackedDocuments
from bytepiece.shards.mapping import map_array
from bytepiece.shards.outputs import Output

__all__ = ["Bin", "Datatrove", "LlmC", "Npy"]


class Bin(Format):
    """Ids without a header, and their ends."""

    endings: ClassVar[tuple[str, ...]] = (".bin", ".ends")
    header_bytes: ClassVar[int] = 0

    def __init__(self, outputs: Sequence[Output], dtype: np.dtype[Any]) -> None:
        super().__init__(outputs, dtype)
        self.n_ids = 0

    def add(self, batch: Batch) -> None:
        """Write some documents."""
        self.outputs[0].write(batch.ids)
        self.outputs[1].write((self.n_ids + np.cumsum(batch.lengths)).astype("<u8"))
        self.n_ids += len(batch.ids)

    def finish(self) -> None:
        """Everything is written."""

    @classmethod
    def read(cls, paths: Sequence[str], dtype: np.dtype[Any]) -> Documents:
        """The documents of a shard."""
        return PackedDocuments(map_array(paths[0], dtype, cls.header_bytes), map_array(paths[1], "<u8"))


class LlmC(Bin):
    """Ids after the header of llm.c, and their ends."""

    header_bytes = 1024
    longest = 2**31 - 1

    def __init__(self, outputs: Sequence[Output], dtype: np.dtype[Any]) -> None:
        super().__init__(outputs, dtype)
        outputs[0].write(self._header())

    def finish(self) -> None:
        """Write the header, which has the number of ids."""
        self.outputs[0].rewrite(self._header())

    def _header(self) -> bytes:
        header = np.zeros(256, dtype="<i4")
        header[:3] = (20240520, 1, self.n_ids) if self.dtype.itemsize == 2 else (20240801, 7, self.n_ids)
        return header.tobytes()


class Datatrove(Bin):
    """The files of datatrove."""

    endings: ClassVar[tuple[str, ...]] = (".ds", ".ds.index", ".ds.metadata")

    def finish(self) -> None:
        """Write the metadata."""
        number = float(self.n_ids)
        unit = ""
        for unit in ("", "k", "M", "G", "T"):
            if number < 1000 or unit == "T":
                break
            number /= 1000
        lines = f"bytepiece|{self.dtype.itemsize}", str(self.n_ids), f"{number:.3g} {unit}T"
        self.outputs[2].write("\n".join(lines).encode())


class Npy(Format):
    """The files of dolma and OLMo-core."""

    endings = (".npy", ".csv.gz")

    def __init__(self, outputs: Sequence[Output], dtype: np.dtype[Any]) -> None:
        super().__init__(outputs, dtype)
        # Without name and time, the same text is the same file.
        self._table = gzip.GzipFile("", "wb", 6, outputs[1], mtime=0)
        self._n_ids = 0

    def add(self, batch: Batch) -> None:
        """Write some documents."""
        self.outputs[0].write(batch.ids)
        ends = [self._n_ids, *(self._n_ids + np.cumsum(batch.lengths)).tolist()]
        self._table.write("".join([f"{begin},{end}\n" for begin, end in pairwise(ends)]).encode())
        self._n_ids = ends[-1]

    def finish(self) -> None:
        """End the table."""
        self._table.close()

    def abandon(self) -> None:
        """Close the table."""
        with suppress(OSError):
            self._table.close()

    @classmethod
    def read(cls, paths: Sequence[str], dtype: np.dtype[Any]) -> Documents:
        """The documents of a shard."""
        ids = map_array(paths[0], dtype)
        try:
            with gzip.open(paths[1], "rb") as file:
                ends = np.fromiter(_ends(file, len(ids)), dtype=np.int64)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(f"{paths[1]}: {error}") from None
        return PackedDocuments(ids, ends)


def _ends(table: gzip.GzipFile, n_ids: int) -> Iterator[int]:
    """Where documents end, by a table of begins and ends. No more is read than ``n_ids`` can need."""
    end = 0
    while line := table.readline(64):
        begin, _, last = line.partition(b",")
        before, end = end, int(last)
        if int(begin) != before or not before < end <= n_ids:
            raise ValueError(f"the documents do not follow each other in the {n_ids} ids")
        yield end
