"""Goldens beside the checkout: what BytePiece 0.6.3 made of texts that may not be part of this project."""

import json
import tempfile
import zipfile
from functools import cached_property
from pathlib import Path

import pytest

from bytepiece import Tokenizer

# A quick run has the smallest of the published models only.
each_published = pytest.mark.parametrize(
    "name",
    [
        "bytepiece.id.plus.40k",
        pytest.param("bytepiece.eu.plus.160k", marks=pytest.mark.slow),
        pytest.param("bytepiece.zh.id.eu.80k", marks=pytest.mark.slow),
        pytest.param("bytepiece_80k", marks=pytest.mark.slow),
    ],
)


def read_json_lines(path: Path) -> list:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


class Goldens:
    """Models that BytePiece trained, models that its author published, and the ids they give texts."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._tokenizers = {}
        self._ids = {}

    @property
    def train(self) -> Path:
        """A folder for each training: its corpus, its settings, and a model of each size."""
        return self.folder / "golden" / "train"

    def json(self, name: str) -> bytes:
        """The file of a published model."""
        with zipfile.ZipFile(self.folder / "models" / f"{name}.zip") as archive:
            return archive.read(f"{name}.model")

    def tokenizer(self, name: str) -> Tokenizer:
        if name not in self._tokenizers:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, name)
                path.write_bytes(self.json(name))
                self._tokenizers[name] = Tokenizer(path)
        return self._tokenizers[name]

    @cached_property
    def texts(self) -> list[str]:
        return [document["text"] for document in read_json_lines(self.folder / "golden" / "encode" / "texts.jsonl")]

    def ids(self, name: str) -> list[list[int]]:
        """The ids of each of the texts."""
        if name not in self._ids:
            self._ids[name] = read_json_lines(self.folder / "golden" / "encode" / f"{name}.ids.jsonl")
        return self._ids[name]

    def pairs(self, name: str) -> list[tuple[str, list[int]]]:
        """The texts with their ids."""
        return list(zip(self.texts, self.ids(name), strict=True))
