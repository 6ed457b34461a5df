"""Corpora for engines, in files of which each engine reads many parts."""

import random

import pytest

from bytepiece import Corpus, Trainer
from bytepiece.training.distributed import source, tasks
from bytepiece.training.refinement import sample

SIZES = [600, 400]


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """Some 150 kB of text, more than the sample of `small`."""
    folder = tmp_path_factory.mktemp("corpus")
    chance = random.Random(3)
    words = ["".join(chance.choices("abcdeéilmnors钟", k=chance.randrange(2, 9))) for _ in range(500)]
    for name in ("a.txt", "b.txt"):
        lines = [" ".join(chance.choices(words, k=chance.randrange(1, 30))) + "\n" for _ in range(700)]
        (folder / name).write_text("".join(lines), encoding="utf-8")
    return Corpus(folder)


@pytest.fixture
def small(monkeypatch):
    """Small parts, and a small sample, so that a small corpus is like a large one."""
    monkeypatch.setattr(source, "LEAST_PART", 10_000)
    for module in (sample, tasks, source):
        monkeypatch.setattr(module, "SAMPLE_BYTES", 40_000)


@pytest.fixture
def expected(corpus, small):
    """The models of a training without an engine."""
    return train(corpus).models


def train(corpus, engine=None, **settings):
    trainer = Trainer(vocab_size=SIZES)
    trainer.train(corpus, engine=engine, progress=False, **settings)
    return trainer
