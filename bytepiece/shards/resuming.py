"""What an earlier run left in an output folder: taken over, or removed, or a reason to refuse."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from bytepiece.corpus.paths import absolute, size_of
from bytepiece.corpus.storage import is_address
from bytepiece.errors import ShardsError
from bytepiece.files import make_folder, remove_abandoned
from bytepiece.model.model import Model
from bytepiece.shards.manifest import INPUTS, MODEL, Manifest, load_inputs, load_manifests, write_json

__all__ = ["resume"]


def resume(manifests: Sequence[Manifest], paths: Sequence[str], model: Model) -> None:
    """Take over what an earlier run left in the folder, or begin there.

    An earlier run that finished no shard does not bind this one. Its notes are removed if it wrote the same part, or if
    this run writes all parts.

    Args:
        manifests: those of the parts that will be written: of one, or of all. They get the shards that are there.
        paths: the files of the corpus.
        model: makes the shards.

    Raises `ShardsError` where the folder has shards that were made with other settings, of another model, or of other
    files.
    """
    folder, n_parts = manifests[0].folder, manifests[0].n_parts
    make_folder(folder)
    remove_abandoned(folder)
    earlier = {other.name: other for other in load_manifests(folder)}
    names = {manifest.name for manifest in manifests}
    if not any(other.shards for other in earlier.values()) and (len(names) == n_parts or names >= earlier.keys()):
        _begin(folder, [*earlier.values()], paths, model)
        return
    for other in earlier.values():
        _compare(f"{other.path}: made with", other.header, manifests[0].header, ("part",))
        if other.n_parts != n_parts:
            raise ShardsError(
                f"{folder}: has part {other.number}/{other.n_parts} of the corpus, "
                f"not of one in {n_parts} part{'s' * (n_parts > 1)}"
            )
    _check_inputs(folder, paths)
    _check_model(folder, model)
    for manifest in manifests:
        if manifest.name in earlier:
            manifest.take_over(earlier[manifest.name])


def _begin(folder: str, earlier: Sequence[Manifest], paths: Sequence[str], model: Model) -> None:
    """Record what the shards will be made of, in place of what is noted in manifests without a shard."""
    unnoted = {other.shard_name(0) for other in earlier}  # their files can have got their names just before the end
    for name in os.listdir(folder) if unnoted else ():
        if name.partition(".")[0] in unnoted:
            os.unlink(os.path.join(folder, name))
    for other in earlier:
        os.unlink(other.path)
    write_json(os.path.join(folder, INPUTS), [_describe(path) for path in paths])
    model.save(os.path.join(folder, MODEL))


def _check_inputs(folder: str, paths: Sequence[str]) -> None:
    inputs = [_describe(path) for path in paths]
    earlier = load_inputs(folder)
    for old, new in zip(earlier, inputs, strict=False):
        if old[0] != new[0]:
            raise ShardsError(f"{folder}: made of other files: {old[0]} there, {new[0]} here")
        if old != new:
            what = f"it had {old[1]} bytes, and has {new[1]}" if old[1] != new[1] else "the time of its last change"
            raise ShardsError(f"{old[0]}: changed since the shards in {folder} were made of it: {what}")
    if len(earlier) != len(inputs):
        raise ShardsError(f"{folder}: made of {len(earlier)} files, not of {len(inputs)}")


def _check_model(folder: str, model: Model) -> None:
    path = os.path.join(folder, MODEL)
    if Model.load(path) != model:
        raise ShardsError(f"{folder}: made with another model, which is in {path}")


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
    return [absolute(path), status.st_size, status.st_mtime_ns]
