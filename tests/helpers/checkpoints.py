"""Trainings that are interrupted, and what is in their checkpoints."""

import json

import pytest

from helpers.trainers import plain_trainer

SIZES = [270, 300]
PART_BYTES = 700
BATCH_BYTES = 200
KINDS = ["ngrams", "pieces"]


class Failure(Exception):
    """What a training may be interrupted by."""


def train(texts, folder, workers=1, from_counts=(), memory_limit=None, **settings):
    trainer = plain_trainer(**{"vocab_size": SIZES} | settings)
    trainer.train(texts, workers, checkpoint=folder, from_counts=from_counts, memory_limit=memory_limit, progress=False)
    return trainer.models


class Interrupted:
    """Texts that raise an error in place of one of them, counted over both passes."""

    def __init__(self, texts, position, error=Failure):
        self.texts = texts
        self.position = position
        self.error = error

    def __iter__(self):
        for text in [*self.texts, None]:  # after the last, too
            if self.position == 0:
                raise self.error
            self.position -= 1
            if text is not None:
                yield text


def interrupt(texts, position, folder, workers=1, **settings):
    """Start a training, and interrupt it before a text."""
    with pytest.raises(Failure):
        train(Interrupted(texts, position), folder, workers, **settings)


def manifest_of(folder):
    return json.loads((folder / "checkpoint.json").read_text())


def finished(folder):
    """How many bytes of each pass are counted in finished parts."""
    if not (folder / "checkpoint.json").exists():
        return dict.fromkeys(KINDS, 0)
    parts = manifest_of(folder)["parts"]
    return {kind: parts[kind][-1]["bytes"] if parts.get(kind) else 0 for kind in KINDS}


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}
