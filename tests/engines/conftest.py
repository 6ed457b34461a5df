"""Corpora for engines, in files of which each engine reads many parts."""

import random

import pytest

from bytepiece import Corpus
from helpers.engine_training import train


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """Some 150 kB of text, more than the sample of `train`."""
    folder = tmp_path_factory.mktemp("corpus")
    chance = random.Random(3)
    words = ["".join(chance.choices("abcdeéilmnors钟", k=chance.randrange(2, 9))) for _ in range(500)]
    for name in ("a.txt", "b.txt"):
        lines = [" ".join(chance.choices(words, k=chance.randrange(1, 30))) + "\n" for _ in range(700)]
        (folder / name).write_text("".join(lines), encoding="utf-8")
    return Corpus(folder)


@pytest.fixture
def small(monkeypatch):
    """Small parts, and small samples."""
    monkeypatch.setattr("bytepiece.engines.parts.LEAST_PART", 40_000)
    monkeypatch.setattr("bytepiece.training.trainer.SMALLEST_SAMPLE", 1)


@pytest.fixture
def expected(corpus, small):
    """The models of a training without an engine."""
    return train(corpus).models
