"""Trainings on engines."""

from bytepiece import Trainer

STAGES = [
    "Counting n-grams",
    "Merging n-grams",
    "Discovering pieces",
    "Merging pieces",
    "Selecting pieces",
    "Sampling",
    "Gathering the sample",
    "Counting pieces",
]
"""All that tasks do, in order."""


def train(corpus, engine=None):
    """A training whose sample is a part of the corpus of `tests/engines/conftest.py`."""
    trainer = Trainer(vocab_size=[600, 400], refine_sample=40_000)
    trainer.train(corpus, engine=engine, progress=False)
    return trainer
