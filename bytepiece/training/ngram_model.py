"""From counted n-grams to conditional log-probabilities."""

from __future__ import annotations

from bytepiece.training._discovery import NgramAutomaton
from bytepiece.training.counting import NgramRun

__all__ = ["MAX_ORDER", "ngram_model"]

MAX_ORDER = 7
"""The longest n-gram in bytes: with its length it fits the eight bytes of a key."""


def ngram_model(counts: NgramRun, order: int, min_count: int) -> NgramAutomaton:
    """The byte n-gram language model: log p(last byte | the bytes before) = log c(w) - log c(w without its last byte).

    N-grams of two bytes or more are left out where they occur less than ``min_count`` times. Bytes that never
    occur count once. Logarithms are those of the C library, which are the same on every processor; NumPy's differ
    in the last bit between instruction sets.
    """
    model = NgramAutomaton(order, min_count)
    model.add(counts.keys, counts.counts)
    model.finish()
    return model
