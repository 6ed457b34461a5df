"""Trainers for tests of what is not refinement."""

from bytepiece import Trainer


def plain_trainer(order=6, vocab_size=10000, **settings):
    """A trainer that gives the vocabularies of the reference: it neither refines nor normalizes, and cuts no words."""
    return Trainer.bytepiece063(**{"order": order, "vocab_size": vocab_size, "normalization": None} | settings)
