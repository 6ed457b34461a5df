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
from contextlib import suppress
from typing import Any

from bytepiece.corpus.blocks import Place
from bytepiece.errors import ShardsError
from bytepiece.files import atomic_writer, sync_folder
from bytepiece.nesting import check_depth
from bytepiece.shards.formats import FORMATS

__all__ = ["INPUTS", "MODEL", "Manifest", "check_sizes", "load_inputs", "load_manifests", "place_of", "write_json"]

VERSION = 1
INPUTS = "inputs.json"
MODEL = "tokenizer.model"

_COUNTS = ("documents", "tokens", "text_bytes", "empty", "skipped")
"""What an entry, and the totals, count."""


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
    def name(self) -> str:
        """The name of the manifest's file."""
        return "manifest.json" if self.n_parts == 1 else f"{self._part}.json"

    @property
    def path(self) -> str:
        """The path of that file."""
        return os.path.join(self.folder, self.name)

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
        write_json(self.path, content)

    @staticmethod
    def load(path: str) -> Manifest:
        """Read a manifest. Raises `OSError`, and `ShardsError` for a file that is none."""
        content = _read_json(path)
        if not isinstance(content, dict) or content.get("version") != VERSION:
            raise ShardsError(f"{path}: not a manifest of version {VERSION}")
        try:
            _check(content)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ShardsError(f"{path}: damaged: {error!r}") from None
        del content["version"]
        shards, totals = content.pop("shards"), content.pop("totals")
        return Manifest(os.path.dirname(path), content, shards, totals)

    def take_over(self, earlier: Manifest) -> None:
        """Take over the shards of an earlier run of this part. Raises `ShardsError` where their files are missing."""
        for shard in earlier.shards:
            check_sizes(earlier, shard)
        self.shards, self.totals = earlier.shards, earlier.totals

    def load_or_save(self) -> None:
        """Take over what the file has; where there is none yet, write it."""
        try:
            earlier = Manifest.load(self.path)
        except FileNotFoundError:
            self.save()
        else:
            self.take_over(earlier)


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
    manifests = []
    for name in names:
        with suppress(FileNotFoundError):  # a run that begins anew has removed it just now
            manifests.append(Manifest.load(os.path.join(folder, name)))
    return sorted(manifests, key=lambda manifest: (manifest.n_parts, manifest.number))


def load_inputs(folder: str) -> list[list[Any]]:
    """The files of the corpus that are noted in a folder: path, size and time of the last change, which can be None.

    Raises `OSError` and `ShardsError`.
    """
    path = os.path.join(folder, INPUTS)
    inputs = _read_json(path)
    kinds = [(str,), (int,), (int, type(None))]
    if not isinstance(inputs, list) or not all(
        isinstance(entry, list) and len(entry) == 3 and all(map(isinstance, entry, kinds)) for entry in inputs
    ):
        raise ShardsError(f"{path}: damaged: not a list of files")
    return inputs


def _check(content: dict[str, Any]) -> None:
    """Raise an error, which `Manifest.load` turns into its own, unless this can be a manifest."""
    number, n_parts = content["part"]
    if type(number) is not int or type(n_parts) is not int or not 1 <= number <= n_parts:
        raise ValueError("part")
    if content["dtype"] not in ("uint16", "uint32"):
        raise ValueError("dtype")
    settings, corpus = content["settings"], content["corpus"]
    if settings["format"] not in FORMATS or not all(type(settings[x]) is bool for x in ("append_eos", "prepend_bos")):
        raise ValueError("settings")
    if not all(isinstance(corpus[name], str) for name in ("text_field", "on_error")) or type(corpus["seed"]) is not int:
        raise ValueError("corpus")
    _check_counts(corpus, [name for name in ("limit", "max_document_bytes") if corpus[name] is not None], 2**64)
    if content["totals"] is not None:
        _check_counts(content["totals"], _COUNTS)
    for shard in content["shards"]:
        _check_counts(shard, _COUNTS)
        for place in (shard["begin"], shard["end"]):
            _check_counts(place, ("span", "position", "number"))
        if not isinstance(shard["name"], str) or len(shard["files"]) != len(FORMATS[settings["format"]].endings):
            raise ValueError("files")
        for name, described in shard["files"].items():
            # A name with a folder would lead out of this one.
            if os.path.basename(name) != name or not isinstance(described["sha256"], str):
                raise ValueError("files")
            _check_counts(described, ("bytes",))


def _check_counts(entry: Mapping[str, Any], names: Sequence[str], end: int = 2**48) -> None:
    for name in names:
        value = entry[name]
        if type(value) is not int or not 0 <= value < end:
            raise ValueError(name)


def _read_json(path: str) -> Any:
    """The content of a file of JSON; `ShardsError` if it has none."""
    with open(path, "rb") as file:
        try:
            content = json.load(file)
            check_depth(content)
            return content
        except (ValueError, RecursionError) as error:
            raise ShardsError(f"{path}: damaged: {error}") from None


def write_json(path: str, content: Any) -> None:
    """Replace a file of JSON."""
    with atomic_writer(path) as file:
        file.write(json.dumps(content, indent=1, ensure_ascii=True).encode() + b"\n")
