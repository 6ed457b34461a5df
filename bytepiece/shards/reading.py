"""Shards read back: documents as arrays of ids."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import accumulate
from operator import index
from typing import Any, overload

import numpy as np

from bytepiece.errors import ShardsError
from bytepiece.model.model import Model
from bytepiece.shards.format import Documents, Ids
from bytepiece.shards.formats import FORMATS
from bytepiece.shards.manifest import MODEL, Manifest, load_manifests

__all__ = ["Shards", "checked", "open_shard", "read_shards"]


class Shards(Sequence[Ids]):
    r"""The documents of the shards in a folder, in order: arrays of uint16 or uint32, in memory that is mapped.

    In parquet, a row group is in memory at a time.

    Attributes:
        folder: the folder.
        n_tokens: the number of all ids.
        complete: whether all shards of all parts are there.
        entries: each shard: its manifest, and what that says of it.

    Raises, for a document of a damaged shard, `ShardsError`.

    Thread safety: for one thread at a time.

    >>> import os, tempfile
    >>> from bytepiece import Model, write_shards, read_shards
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "two.txt")
    ...     with open(path, "w") as file:
    ...         _ = file.write("a\nb\n")
    ...     output = os.path.join(folder, "shards")
    ...     totals = write_shards(path, Model.from_counts({"b\n": 2}), output)
    ...     shards = read_shards(output)
    ...     len(shards), shards.n_tokens, shards.complete, shards[1].tolist()
    (2, 5, True, [259, 2])
    """

    def __init__(self, folder: str, manifests: Sequence[Manifest]) -> None:
        self.folder = folder
        self.n_tokens = sum(shard["tokens"] for manifest in manifests for shard in manifest.shards)
        self.complete = {manifest.number for manifest in manifests if manifest.totals is not None} == set(
            range(1, manifests[0].n_parts + 1)
        )
        self.entries: list[tuple[Manifest, Mapping[str, Any]]] = [
            (manifest, shard) for manifest in manifests for shard in manifest.shards
        ]
        self._ends = [*accumulate(shard["documents"] for _, shard in self.entries)]
        self._opened: tuple[int, Documents] | None = None

    @cached_property
    def model(self) -> Model:
        """The model the shards were made with."""
        return Model.load(os.path.join(self.folder, MODEL))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, number: int) -> Ids: ...

    @overload
    def __getitem__(self, number: slice) -> list[Ids]: ...

    def __getitem__(self, number: int | slice) -> Ids | list[Ids]:
        if isinstance(number, slice):
            return [self[k] for k in range(*number.indices(len(self)))]
        place = index(number) + (len(self) if number < 0 else 0)
        if not 0 <= place < len(self):
            raise IndexError(f"document {number} of {len(self)}")
        shard = bisect_right(self._ends, place)
        documents = self._open(shard)
        with checked(*self.entries[shard]):
            return documents[place - (self._ends[shard - 1] if shard else 0)]

    def __iter__(self) -> Iterator[Ids]:
        for number, entry in enumerate(self.entries):
            documents = self._open(number)
            with checked(*entry):
                yield from documents

    def _open(self, number: int) -> Documents:
        if self._opened is None or self._opened[0] != number:
            self._opened = number, open_shard(*self.entries[number])
        return self._opened[1]

    def __repr__(self) -> str:
        return f"Shards({self.folder!r}, {len(self)} documents, {self.n_tokens} tokens)"


def read_shards(folder: str | os.PathLike[str]) -> Shards:
    r"""The documents in a folder that `write_shards` filled, or began to fill.

    Raises `ShardsError` for a folder without shards, or with a damaged manifest, and `OSError`.

    >>> import os, tempfile
    >>> from bytepiece import Model, read_shards, write_shards
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with open(os.path.join(folder, "two.txt"), "w") as file:
    ...         _ = file.write("a\nb\n")
    ...     _ = write_shards(os.path.join(folder, "two.txt"), Model.from_counts({"b": 1}), folder, format="npy")
    ...     shards = read_shards(folder)
    ...     len(shards), shards[0].tolist()
    (2, [100, 13, 2])
    """
    folder = os.fspath(folder)
    manifests = load_manifests(folder)
    if not manifests:
        raise ShardsError(f"{folder}: no shards (no manifest.json)")
    return Shards(folder, manifests)


def open_shard(manifest: Manifest, shard: Mapping[str, Any]) -> Documents:
    """The documents of a shard. Raises `ShardsError` where it is damaged, and `OSError`."""
    read = FORMATS[manifest.header["settings"]["format"]].read
    dtype = np.dtype(manifest.header["dtype"]).newbyteorder("<")
    with checked(manifest, shard):
        documents: Documents = read(manifest.paths(shard), dtype)
    if len(documents) != shard["documents"]:
        raise _damaged(manifest, shard, f"{len(documents)} documents, where there should be {shard['documents']}")
    return documents


@contextmanager
def checked(manifest: Manifest, shard: Mapping[str, Any]) -> Iterator[None]:
    """What goes wrong where a shard is read is a `ShardsError`."""
    try:
        yield
    except ShardsError:
        raise
    except (ValueError, EOFError) as error:
        raise _damaged(manifest, shard, str(error)) from None


def _damaged(manifest: Manifest, shard: Mapping[str, Any], what: str) -> ShardsError:
    return ShardsError(f"{os.path.join(manifest.folder, shard['name'])}: damaged shard: {what}")
