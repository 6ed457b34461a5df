"""Texts to measure with."""

from __future__ import annotations

import gzip
import json
import lzma
import re
import unicodedata
from itertools import cycle
from pathlib import Path


def documents(path: str) -> list[str]:
    """The documents of a .jsonl file, one per line. Any other file is one document. Both can be .xz or .gz."""
    opener = {".xz": lzma.open, ".gz": gzip.open}.get(Path(path).suffix, open)
    with opener(path, "rt", encoding="utf-8", newline="\n") as file:
        if ".jsonl" in Path(path).suffixes:
            return [json.loads(line)["text"] for line in file]
        return [file.read()]


def normalized(texts: list[str], normalization: str | None) -> list[str]:
    return [unicodedata.normalize("NFC", text) for text in texts] if normalization == "nfc" else texts


def label(path: str) -> str:
    return re.sub(r"(\.jsonl|\.txt)?(\.xz|\.gz)?$", "", Path(path).name)


def n_bytes(texts: list[str]) -> int:
    return sum(len(text.encode()) for text in texts)


def of_length(texts: list[str], length: int, separator: str) -> str:
    """The texts one after the other, repeated and cut so that they have about ``length`` bytes."""
    parts = []
    for text in cycle(texts):
        parts.append(text + separator)
        length -= len(parts[-1].encode())
        if length <= 0:
            last = parts[-1].encode()
            parts[-1] = last[: len(last) + length].decode("utf-8", "ignore")
            return "".join(parts)
    raise ValueError("no texts")
