"""Finished parts of a pass in a folder, so that a training that was killed goes on from there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from typing import Any

from bytepiece.errors import CheckpointError
from bytepiece.files import atomic_writer, lock_folder, make_folder, remove_abandoned
from bytepiece.nesting import check_depth
from bytepiece.training.counting.counts_file import save_counts
from bytepiece.training.counting.runs import Run
from bytepiece.training.segments import Reader

__all__ = ["Checkpoint", "check_settings", "use_folder"]

_VERSION = 1
_MANIFEST = "checkpoint.json"


def use_folder(folder: str) -> ExitStack:
    """Make the folder of a checkpoint, and lock it until the result is closed.

    Raises `CheckpointError` if a training that still runs uses it; `OSError`.
    """
    make_folder(folder)
    lock = lock_folder(folder)
    if lock is None:
        raise CheckpointError(f"{folder}: another training uses this checkpoint; give each its own folder")
    return lock


def check_settings(path: str, found: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Raise `CheckpointError` where ``path`` is a checkpoint of settings other than these."""
    different = [
        f"{name} was {found.get(name)!r} and is {settings.get(name)!r}"
        for name in sorted(settings.keys() | found.keys())
        if found.get(name) != settings.get(name)
    ]
    if different:
        raise CheckpointError(f"{path}: a checkpoint of other settings: {'; '.join(different)}")


class Checkpoint:
    """A folder with the counts of finished parts of a corpus, and a manifest that says which parts they are.

    Args:
        folder: made if it does not exist.
        settings: of the training; a checkpoint of other settings is refused.

    Raises `CheckpointError` if the folder holds a checkpoint of another training, or a damaged one, or if a training
    that still runs uses it; `OSError` if it cannot be read or written.
    """

    def __init__(self, folder: str | os.PathLike[str], settings: Mapping[str, Any]) -> None:
        self._folder = os.fspath(folder)
        self._lock = use_folder(self._folder)
        self._manifest: dict[str, Any] = {"version": _VERSION, "settings": dict(settings)}
        self._manifest |= {"parts": {}, "basis": {}, "complete": {}}
        path = os.path.join(self._folder, _MANIFEST)
        try:
            if os.path.exists(path):
                self._manifest = self._read(path, settings)
            remove_abandoned(self._folder)
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(self, *error: object) -> None:
        """Let other trainings use the folder."""
        self._lock.close()

    def _read(self, path: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The manifest of a checkpoint with these settings."""
        try:
            with open(path, encoding="utf-8") as file:
                found: dict[str, Any] = json.load(file)
            check_depth(found)
            version, found_settings = found["version"], dict(found["settings"])
            if version == _VERSION:
                _check(found)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise CheckpointError(f"{path}: damaged; remove the folder to start anew") from None
        if version != _VERSION:
            raise CheckpointError(f"{path}: version {version}, this program continues {_VERSION}")
        check_settings(self._folder, found_settings, settings)
        return found

    def resume(self, kind: str, reader: Reader, basis: Any = None) -> list[str]:
        """Let ``reader`` skip the texts that are counted already; returns the files with their counts.

        ``basis`` is what the counts depend on besides texts and settings. Raises `CheckpointError` if the texts, or the
        basis, are not those of the checkpoint.
        """
        parts = self._manifest["parts"].get(kind, [])
        if parts and self._manifest["basis"].get(kind) != basis:
            raise CheckpointError(f"{self._folder}: its {kind} were counted with another n-gram model")
        self._manifest["basis"][kind] = basis
        complete = self._manifest["complete"].get(kind)
        for place in [*parts, complete] if complete else parts:
            reader.skip(place["documents"] - reader.documents)
            if reader.documents != place["documents"] or reader.fingerprint != place["fingerprint"]:
                raise CheckpointError(
                    f"{self._folder}: a checkpoint of another corpus: its first {place['documents']} documents have "
                    f"{place['bytes']} bytes, the first {reader.documents} of this one {reader.n_bytes} bytes"
                    f"{' and other content' if reader.n_bytes == place['bytes'] else ''}"
                )
        if complete and not reader.at_end():
            raise CheckpointError(
                f"{self._folder}: a checkpoint of another corpus: it has {reader.documents} documents, this one more"
            )
        return [os.path.join(self._folder, part["file"]) for part in parts]

    def complete(self, kind: str, reader: Reader) -> None:
        """Note that all texts are counted; ``reader`` has read them."""
        if kind not in self._manifest["complete"]:
            self._manifest["complete"][kind] = _place(reader)
            self._save()

    def part_bytes(self, reader: Reader) -> int:
        """The size of the next part. Parts grow with the corpus, so that even a huge one has only some hundred."""
        return max(2**25, reader.n_bytes // 20)

    def store(self, kind: str, reader: Reader, counts: Iterable[Run]) -> str:
        """Keep the counts of the texts that ``reader`` has read since the last part; returns the file."""
        parts = self._manifest["parts"].setdefault(kind, [])
        name = f"{kind}-{len(parts):05}.counts"
        path = os.path.join(self._folder, name)
        save_counts(path, {"kind": kind}, counts)
        parts.append({"file": name, **_place(reader)})
        self._save()
        return path

    def _save(self) -> None:
        with atomic_writer(os.path.join(self._folder, _MANIFEST)) as file:
            file.write(json.dumps(self._manifest, indent=1).encode())


def _place(reader: Reader) -> dict[str, Any]:
    """How far a reader has read, and a hash of what it has read."""
    return {"documents": reader.documents, "bytes": reader.n_bytes, "fingerprint": reader.fingerprint}


def _check(manifest: dict[str, Any]) -> None:
    """Raise an error, which `Checkpoint` turns into its own, unless this can be a manifest."""
    if not isinstance(manifest["basis"], dict) or not isinstance(manifest["complete"], dict):
        raise ValueError("basis, complete")
    for kind, parts in manifest["parts"].items():
        _check_places(parts)
        if any(part["file"] != f"{kind}-{number:05}.counts" for number, part in enumerate(parts)):
            raise ValueError("file")
    for kind, complete in manifest["complete"].items():
        _check_places([complete], least=0)
        if any(part["documents"] > complete["documents"] for part in manifest["parts"].get(kind, [])):
            raise ValueError("complete")


def _check_places(places: list[dict[str, Any]], least: int = 1) -> None:
    """Raise an error unless these can be places in a corpus, each behind the one before."""
    for place in places:
        right = type(place["documents"]) is int and type(place["bytes"]) is int
        if not right or not isinstance(place["fingerprint"], str) or not least <= place["documents"] < 2**63:
            raise ValueError("documents, bytes, fingerprint")
        least = place["documents"] + 1
