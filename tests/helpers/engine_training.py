"""Trainings on engines."""

from bytepiece import Trainer


def train(corpus, engine=None):
    """A training whose sample is a part of the corpus of `tests/engines/conftest.py`."""
    trainer = Trainer(vocab_size=[600, 400], refine_sample=40_000)
    trainer.train(corpus, engine=engine, progress=False)
    return trainer
