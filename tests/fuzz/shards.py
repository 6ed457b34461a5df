"""Target that reads folders of token files: whatever the bytes, there are ids or a `ShardsError`.

Sizes and sums are set right, so that what is behind them is reached.
"""

import gzip
import hashlib
import json
from contextlib import suppress
from typing import Any

from bytepiece import Model, ShardsError, read_shards, verify_shards, write_shards
from fuzz.readers import FOLDER

MODEL = Model.from_counts({"ab": 3})
OUTPUT = FOLDER / "shards"
NAMES = ("shard-00000.npy", "shard-00000.csv.gz")


def shards(data: bytes) -> None:
    """Changes of a manifest and of its shard (an object of JSON each), the list of inputs, the table, and the ids.

    A zero byte ends each but the last. What is no object takes the place of the whole manifest.
    """
    change, of_shard, inputs, table, ids = (*data.split(b"\0", 4), b"", b"", b"", b"")[:5]
    manifest = whole()
    for name, content in zip(NAMES, (ids, gzip.compress(table, mtime=0)), strict=True):
        (OUTPUT / name).write_bytes(content)
        described = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        manifest["shards"][0]["files"][name] = described
    (OUTPUT / "manifest.json").write_bytes(changed(manifest, change, of_shard))
    if inputs:
        (OUTPUT / "inputs.json").write_bytes(inputs)
    with suppress(ShardsError):
        for document in read_shards(OUTPUT):
            document.tolist()
    with suppress(ShardsError):
        verify_shards(OUTPUT, sample=3)


def whole() -> dict[str, Any]:
    """The manifest of a folder with a shard, which is written anew."""
    (FOLDER / "shards.txt").write_bytes(b"ab\na\n")
    OUTPUT.mkdir(exist_ok=True)
    for path in OUTPUT.iterdir():
        path.unlink()
    write_shards(FOLDER / "shards.txt", MODEL, OUTPUT, "npy", workers=1)
    manifest: dict[str, Any] = json.loads((OUTPUT / "manifest.json").read_bytes())
    return manifest


def changed(manifest: dict[str, Any], change: bytes, of_shard: bytes) -> bytes:
    for target, text in ((manifest["shards"][0], of_shard), (manifest, change)):
        try:
            target.update(json.loads(text or b"{}"))
        except (ValueError, TypeError, RecursionError):
            return text
    return json.dumps(manifest).encode()


TARGETS = {"shards": shards}
