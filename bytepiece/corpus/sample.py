"""A random sample of documents: those whose hash is below a limit.

The hash of a document depends on the seed, the number of its file and its number in the file. So a sample is the same
in every pass, and a part of every larger sample with the same seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import accumulate, islice, repeat
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Keep", "SampleChooser", "chosen", "hashes", "wanted"]

Keep: TypeAlias = Callable[[int, int], NDArray[np.bool_]]
"""Which documents of a file are wanted: called with the number of the first one, and how many there are."""

_ALL_HASHES = 2**64
_BUCKETS = 2**16
_BUCKET_SIZE = _ALL_HASHES // _BUCKETS
_STEP = np.uint64(0x9E3779B97F4A7C15)


def chosen(seed: int, file_number: int, limit: int | None, first: int = 0) -> Iterator[bool]:
    """Whether each document of a file, from the number ``first`` on, is in the sample; without a limit, each is."""
    if limit is None:
        return repeat(True)
    return map(limit.__gt__, hashes(seed, file_number, first))


def wanted(seed: int, file_number: int, limit: int | None) -> Keep | None:
    """Which documents of a file are in the sample, block by block; None for all."""
    if limit is None:
        return None
    return lambda first, n: np.fromiter(islice(chosen(seed, file_number, limit, first), n), np.bool_, n)


class SampleChooser:
    """Finds the limit with which a sample has about a given size, in one pass over all documents.

    Documents are sorted into buckets by their hashes; a sample is made of the first buckets. In the pass, `note_hashes`
    must be advanced for each document, before `add` gets its text.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._n_bytes = [0] * _BUCKETS
        self._bucket = 0

    def note_hashes(self, file_number: int, first: int = 0) -> Iterator[bool]:
        """Note the hash of each document of a file in turn, from a number on. Each is wanted, so each gives True."""
        for value in hashes(self._seed, file_number, first):
            self._bucket = value // _BUCKET_SIZE
            yield True

    def add(self, text: str) -> None:
        """Add the size of the document whose hash was noted last."""
        self._n_bytes[self._bucket] += len(text) if text.isascii() else len(text.encode())

    @property
    def sizes(self) -> NDArray[np.int64]:
        """The size of the documents in each bucket."""
        return np.array(self._n_bytes, dtype=np.int64)

    def add_sizes(self, sizes: NDArray[np.int64]) -> None:
        """Add the sizes that were found in another part of the corpus."""
        self._n_bytes = (self.sizes + sizes).tolist()

    def limit(self, sample_bytes: int) -> int:
        """The limit of the sample whose size is nearest to ``sample_bytes``, and that is not empty."""
        # Of equally near samples take the last: it also has the empty documents.
        distances = [
            (abs(n_bytes - sample_bytes), -bucket)
            for bucket, n_bytes in enumerate(accumulate(self._n_bytes))
            if n_bytes
        ]
        last = -min(distances)[1] if distances else _BUCKETS - 1
        return (last + 1) * _BUCKET_SIZE


def hashes(seed: int, file_number: int, first: int = 0) -> Iterator[int]:
    """A number from 0 to 2**64 - 1 for each document of a file, from the number ``first`` on, by SplitMix64."""
    state = _mix(np.array([seed % 2**64], np.uint64) + _STEP)
    state = _mix(state + np.array([file_number], np.uint64) * _STEP)
    state += np.array([first], np.uint64) * _STEP
    steps = np.arange(1, 1025, dtype=np.uint64) * _STEP
    while True:
        yield from _mix(state + steps).tolist()
        state += steps[-1:]


def _mix(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
