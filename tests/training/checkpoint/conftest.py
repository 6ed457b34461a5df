"""Texts, their models, and a training in which parts are small."""

import os
from collections import Counter

import pytest

from bytepiece.training.counting import passes
from bytepiece.training.counting.checkpoint import Checkpoint
from bytepiece.training.counting.passes import NgramCounter
from bytepiece.training.resources import Resources
from helpers.checkpoints import BATCH_BYTES, PART_BYTES, SIZES
from helpers.texts import random_texts
from helpers.trainers import plain_trainer


@pytest.fixture(scope="module")
def texts():
    return [*random_texts("abcdeé你"), "", ""]


@pytest.fixture(scope="module")
def n_bytes(texts):
    return sum(len(text.encode()) for text in texts)


@pytest.fixture(scope="module")
def models(texts):
    trainer = plain_trainer(vocab_size=SIZES)
    trainer.train(texts, progress=False)
    return trainer.models


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    """Parts of a few texts, batches of one or two; and no test waits for the disk."""
    monkeypatch.setattr(Checkpoint, "part_bytes", lambda *_: PART_BYTES)
    monkeypatch.setattr(Resources, "batch_bytes", BATCH_BYTES)
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "checkpoint"


@pytest.fixture
def counted(monkeypatch):
    """How many bytes each pass counts."""
    counted = Counter()
    add = passes._add

    def noting(counter, batch):
        counted["ngrams" if isinstance(counter, NgramCounter) else "pieces"] += batch.n_bytes
        add(counter, batch)

    monkeypatch.setattr(passes, "_add", noting)
    return counted
