"""MosaicML streaming: ``NAME.mds``, and ``NAME.mds.json`` with the shard's entry in the index.

A sample has the ``input_ids`` of a document.

When all shards are there, ``index.json`` lists them, and ``StreamingDataset`` reads the folder. The files are made by
``MDSWriter`` of mosaicml-streaming 0.13, an optional package, and hold what it calls a shard: up to 4 GB.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from bytepiece.corpus.optional import import_optional
from bytepiece.files import atomic_writer
from bytepiece.shards.format import Batch, Documents, Format, Ids
from bytepiece.shards.outputs import Output

__all__ = ["Mds"]


class Mds(Format):
    """Writes and reads a shard; see the module."""

    endings = (".mds", ".mds.json")
    longest = 2**29

    def __init__(self, outputs: Sequence[Output], dtype: np.dtype[Any]) -> None:
        super().__init__(outputs, dtype)
        self._folder = tempfile.TemporaryDirectory()
        # MDSWriter writes a file into a folder of its own, from which it is copied.
        self._writer = _streaming("streaming").MDSWriter(
            out=self._folder.name, columns={"input_ids": f"ndarray:{dtype.name}"}, size_limit=None
        )

    @classmethod
    def check(cls) -> None:
        """Raise `OptionalDependencyError` where mosaicml-streaming is missing."""
        _streaming("streaming")

    @classmethod
    def complete(cls, folder: str, names: Sequence[str]) -> None:
        """Write ``index.json``, which lists all shards."""
        entries = [_entry(os.path.join(folder, f"{name}.mds.json")) for name in names]
        with atomic_writer(os.path.join(folder, "index.json")) as file:
            file.write(json.dumps({"shards": entries, "version": 2}, sort_keys=True).encode() + b"\n")

    def add(self, batch: Batch) -> None:
        """Write some documents."""
        for begin, end in pairwise([0, *np.cumsum(batch.lengths).tolist()]):
            self._writer.write({"input_ids": batch.ids[begin:end]})

    def finish(self) -> None:
        """Take over what MDSWriter wrote."""
        self._writer.finish()
        with open(os.path.join(self._folder.name, "index.json"), "rb") as file:
            (entry,) = json.load(file)["shards"]
        with open(os.path.join(self._folder.name, entry["raw_data"]["basename"]), "rb") as file:
            shutil.copyfileobj(file, self.outputs[0], 2**20)
        self.outputs[1].write(json.dumps(entry, sort_keys=True).encode() + b"\n")
        self._folder.cleanup()

    def abandon(self) -> None:
        """Remove the folder."""
        self._folder.cleanup()

    @classmethod
    def read(cls, paths: Sequence[str], dtype: np.dtype[Any]) -> Documents:
        """The documents of a shard."""
        return _Samples(paths[0], _entry(paths[1]))


class _Samples(Documents):
    def __init__(self, path: str, entry: dict[str, Any]) -> None:
        if entry["raw_data"].get("bytes") != os.path.getsize(path):
            raise ValueError("the file has another size than its index says")
        self._samples = _streaming("streaming.base.format").reader_from_json(os.path.dirname(path) or ".", None, entry)

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, number: int) -> Ids:
        ids: Ids = self._samples[number]["input_ids"]
        return ids

    def all_ids(self) -> Iterator[Ids]:
        """All ids, a document at a time."""
        return iter(self)


def _entry(path: str) -> dict[str, Any]:
    """What the index says of a shard, under the name that its file has."""
    with open(path, "rb") as file:
        entry: dict[str, Any] = json.load(file)
    try:
        entry["raw_data"]["basename"] = os.path.basename(path).removesuffix(".json")
    except (TypeError, KeyError) as error:
        raise ValueError(f"{path}: {error!r}") from None
    return entry


def _streaming(module: str) -> Any:
    return import_optional(module, "mosaicml-streaming", "a shard in mds")
