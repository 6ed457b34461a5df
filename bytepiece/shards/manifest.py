"""The record of an output folder: of what its shards were made, and which are whole.

========================  ==========================================================================================
``manifest.json``         settings, and an entry for each shard that is whole; of part 2 of 7, ``part-2-of-7.json``
``inputs.json``           the files of the corpus: path, size, time of the last change in nanoseconds
``tokenizer.model``       the model
========================  ==========================================================================================

Each is replaced at once. A shard is whole when its entry is there: its files are on the disk before.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from bytepiece.corpus.blocks import Place
from bytepiece.corpus.corpus import Corpus
from bytepiece.corpus.paths import size_of
from bytepiece.corpus.storage import is_address
from bytepiece.errors import ShardsError
from bytepiece.files import atomic_writer, remove_abandoned, sync_folder
from bytepiece.model.model import Model

__all__ = ["INPUTS", "MODEL", "Manifest", "load_manifests", "read_json"]

VERSION = 1
INPUTS = "inputs.json"
MODEL = "tokenizer.model"


class Manifest:
    """The manifest of one part of a corpus.

    Args:
        folder: the output folder.
        header: of what the shards are made: ``part``, ``settings``, ``corpus`` and the like.
        shards: the entries of the whole shards.
        totals: what all shards have together, when the last is whole; else None.
    """

    def __init__(
        self,
        folder: str,
        header: Mapping[str, Any],
        shards: Sequence[Mapping[str, Any]] = (),
        totals: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder = folder
        self.header = dict(header)
        self.shards = [dict(shard) for shard in shards]
        self.totals = totals

    @property
    def number(self) -> int:
        """The number of this part, from 1 on."""
        return int(self.header["part"][0])

    @property
    def n_parts(self) -> int:
        """How many parts there are."""
        return int(self.header["part"][1])

    @property
    def has_begun(self) -> bool:
        """Whether there is a shard, or it is known that there is none."""
        return bool(self.shards) or self.totals is not None

    @property
    def name(self) -> str:
        """The name of the manifest's file."""
        return "manifest.json" if self.n_parts == 1 else f"{self._part}.json"

    @property
    def _part(self) -> str:
        return f"part-{self.number:0{len(str(self.n_parts))}}-of-{self.n_parts}"

    def shard_name(self, number: int) -> str:
        """The name of a shard, without the endings of its files. Sorted by name, shards are in order."""
        shard = f"shard-{number:05}"
        return shard if self.n_parts == 1 else f"{self._part}-{shard}"

    def paths(self, shard: Mapping[str, Any]) -> list[str]:
        """The paths of the files of a shard."""
        return [os.path.join(self.folder, name) for name in shard["files"]]

    @property
    def limit(self) -> int | None:
        """Documents whose hash is below are in the sample; None for all documents."""
        limit = self.header["corpus"]["limit"]
        return None if limit is None else int(limit)

    def end(self) -> tuple[int, Place] | None:
        """Where the last whole shard ends: the number of the file in the part, and the place in it."""
        return place_of(self.shards[-1]["end"]) if self.shards else None

    def add(self, shard: Mapping[str, Any]) -> None:
        """Record a shard whose files are on the disk."""
        sync_folder(self.folder)
        self.shards.append(dict(shard))
        self.save()

    def complete(self, totals: Mapping[str, Any]) -> None:
        """Record that all shards are whole."""
        self.totals = dict(totals)
        self.save()

    def save(self) -> None:
        """Replace the file."""
        content = {"version": VERSION, **self.header, "totals": self.totals, "shards": self.shards}
        write_json(os.path.join(self.folder, self.name), content)

    @staticmethod
    def load(path: str) -> Manifest:
        """Read a manifest. Raises `OSError`, and `ShardsError` for a file that is none."""
        content = read_json(path)
        if not isinstance(content, dict) or content.get("version") != VERSION:
            raise ShardsError(f"{path}: not a manifest of version {VERSION}")
        del content["version"]
        shards, totals = content.pop("shards"), content.pop("totals")
        return Manifest(os.path.dirname(path), content, shards, totals)

    def resume(self, corpus: Corpus, model: Model) -> None:
        """Take over what an earlier run left in the folder, or begin.

        Where that run was of this part and came to no shard, this one begins anew. Raises `ShardsError` where the
        folder has shards that were made with other settings, of another model, or of other files.
        """
        os.makedirs(self.folder, exist_ok=True)
        remove_abandoned(self.folder)
        earlier = load_manifests(self.folder)
        if all(other.name == self.name and not other.has_begun for other in earlier):
            self._begin(corpus, model)
            return
        for other in earlier:
            _compare(f"{os.path.join(self.folder, other.name)}: made with", other.header, self.header, ("part",))
            if other.n_parts != self.n_parts:
                raise ShardsError(
                    f"{self.folder}: has part {other.number}/{other.n_parts} of the corpus, "
                    f"not of one in {self.n_parts} part{'s' * (self.n_parts > 1)}"
                )
        self._check_inputs(corpus)
        self._check_model(model)
        for other in earlier:
            if other.number == self.number:
                self.shards, self.totals = other.shards, other.totals
        for shard in self.shards:
            check_sizes(self, shard)
        if not self.has_begun:
            self.save()

    def _begin(self, corpus: Corpus, model: Model) -> None:
        """Record what the shards will be made of."""
        if os.path.exists(os.path.join(self.folder, self.name)):
            for name in os.listdir(self.folder):
                if name.startswith(self.shard_name(0)):  # named just before the end, and not recorded
                    os.unlink(os.path.join(self.folder, name))
        write_json(os.path.join(self.folder, INPUTS), [_describe(path) for path in corpus.paths])
        model.save(os.path.join(self.folder, MODEL))
        self.save()

    def _check_inputs(self, corpus: Corpus) -> None:
        inputs = [_describe(path) for path in corpus.paths]
        earlier = read_json(os.path.join(self.folder, INPUTS))
        for old, new in zip(earlier, inputs, strict=False):
            if old[0] != new[0]:
                raise ShardsError(f"{self.folder}: made of other files: {old[0]} there, {new[0]} here")
            if old != new:
                what = f"it had {old[1]} bytes, and has {new[1]}" if old[1] != new[1] else "the time of its last change"
                raise ShardsError(f"{old[0]}: changed since the shards in {self.folder} were made of it: {what}")
        if len(earlier) != len(inputs):
            raise ShardsError(f"{self.folder}: made of {len(earlier)} files, not of {len(inputs)}")

    def _check_model(self, model: Model) -> None:
        path = os.path.join(self.folder, MODEL)
        if Model.load(path) != model:
            raise ShardsError(f"{self.folder}: made with another model, which is in {path}")


def place_of(entry: Mapping[str, Any]) -> tuple[int, Place]:
    """The number of a file, and the place in it, of an entry in a manifest."""
    return int(entry["span"]), Place(int(entry["position"]), int(entry["number"]))


def check_sizes(manifest: Manifest, shard: Mapping[str, Any]) -> None:
    """Raise `ShardsError` where a file of a shard is missing, or has another size than the manifest says."""
    for path, described in zip(manifest.paths(shard), shard["files"].values(), strict=True):
        try:
            size = os.path.getsize(path)
        except FileNotFoundError:
            raise ShardsError(f"{path}: missing, and {manifest.name} has it") from None
        if size != described["bytes"]:
            raise ShardsError(f"{path}: damaged: {size} bytes, where {manifest.name} has {described['bytes']}")


def load_manifests(folder: str) -> list[Manifest]:
    """The manifests in a folder, in the order of the parts. Raises `OSError` and `ShardsError`."""
    names = [
        name
        for name in os.listdir(folder)
        if name == "manifest.json" or (name.startswith("part-") and name.endswith(".json") and "shard" not in name)
    ]
    manifests = [Manifest.load(os.path.join(folder, name)) for name in names]
    return sorted(manifests, key=lambda manifest: (manifest.n_parts, manifest.number))


def read_json(path: str) -> Any:
    """The content of a file of JSON; `ShardsError` if it has none."""
    with open(path, "rb") as file:
        try:
            return json.load(file)
        except ValueError as error:
            raise ShardsError(f"{path}: damaged: {error}") from None


def write_json(path: str, content: Any) -> None:
    """Replace a file of JSON."""
    with atomic_writer(path) as file:
        file.write(json.dumps(content, indent=1, ensure_ascii=True).encode() + b"\n")


def _compare(what: str, earlier: Mapping[str, Any], now: Mapping[str, Any], but: Sequence[str] = ()) -> None:
    for name in sorted({*earlier, *now} - {*but}):
        old, new = earlier.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            _compare(what, old, new)
        elif old != new:
            raise ShardsError(f"{what} {name}={old!r}, not {new!r}")


def _describe(path: str) -> list[Any]:
    """What is recorded of a file of the corpus; of one at an address, no time."""
    if is_address(path):
        return [path, size_of(path), None]
    status = os.stat(path)
    return [os.path.abspath(path), status.st_size, status.st_mtime_ns]
