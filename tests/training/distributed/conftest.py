"""A corpus in parts."""

import random

import pytest

from helpers.divided import Divided


@pytest.fixture(scope="session")
def texts():
    chance = random.Random(7)
    words = ["clock", "tower", "boat", "bells", "钟楼", "café", "12", "it's", "x" * 50]
    documents = [" ".join(chance.choices(words, k=chance.randrange(1, 30))) + "\n" for _ in range(120)]
    documents += documents[:30]  # some are there twice
    documents += ["", "\n", "a long one " * 400, "\n".join(documents[40:60])]
    return documents


@pytest.fixture
def divided(texts):
    """The texts in parts."""
    return lambda n, order=None: Divided(texts if order is None else [texts[k] for k in order], n)
