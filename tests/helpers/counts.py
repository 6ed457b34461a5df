"""Counts of n-grams and of pieces, as the kernels take them."""

import numpy as np

from bytepiece.core.packed import PackedBytes
from bytepiece.training.counting.runs import NgramRun


def key_of(ngram):
    """The key of an n-gram: its bytes from the highest down, and in the lowest byte its length."""
    return int.from_bytes(ngram.ljust(7, b"\0") + bytes([len(ngram)]), "big")


def packed(counts):
    """A dict of counts by byte string, in its order."""
    return PackedBytes.from_list(counts).with_counts(np.array(list(counts.values()), dtype=np.uint64))


def run_of(kind, counts):
    """A dict of counts as a run, which is sorted."""
    counts = dict(sorted(counts.items()))
    if kind == "pieces":
        return packed(counts)
    return NgramRun(*(np.array(list(numbers), dtype=np.uint64) for numbers in (counts, counts.values())))
