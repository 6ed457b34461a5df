"""A random sample of documents: those whose hash is below a limit.

The hash of a document depends on the seed, the number of its file and its number in the file. So a sample is the same
in every pass, and a part of every larger sample with the same seed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Keep", "SampleChooser", "hashes", "wanted"]

Keep: TypeAlias = Callable[[int, int], NDArray[np.bool_]]
"""Which documents of a file are wanted: called with the number of the first one, and how many there are."""

_ALL_HASHES = 2**64
_BUCKETS = 2**16
_BUCKET_SIZE = _ALL_HASHES // _BUCKETS
_STEP = np.uint64(0x9E3779B97F4A7C15)


def wanted(seed: int, file_number: int, limit: int | None) -> Keep | None:
    """Which documents of a file are in the sample; None for all."""
    if limit is None:
        return None
    most = np.uint64(limit - 1)  # the limit itself may be too large

    def keep(first: int, n: int) -> NDArray[np.bool_]:
        return np.asarray(hashes(seed, file_number, np.arange(first, first + n, dtype=np.int64)) <= most)

    return keep


class SampleChooser:
    """Finds the limit with which a sample has about a given size, from the sizes of all documents.

    Documents are sorted into buckets by their hashes; a sample is made of the first buckets.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._sizes = np.zeros(_BUCKETS, dtype=np.int64)

    def add(self, file_number: int, numbers: NDArray[np.int64], sizes: NDArray[np.int64]) -> None:
        """Add some documents of a file: their numbers in it, and their sizes in bytes."""
        buckets = hashes(self._seed, file_number, numbers) // np.uint64(_BUCKET_SIZE)
        np.add.at(self._sizes, buckets.astype(np.intp), sizes)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """The size of the documents in each bucket."""
        return self._sizes

    def add_sizes(self, sizes: NDArray[np.int64]) -> None:
        """Add the sizes that were found in another part of the corpus."""
        self._sizes += sizes

    def limit(self, sample_bytes: int) -> int:
        """The limit of the sample whose size is nearest to ``sample_bytes``, and that is not empty."""
        # Of equally near samples take the last: it also has the empty documents.
        distances = [
            (abs(n_bytes - sample_bytes), -bucket)
            for bucket, n_bytes in enumerate(np.cumsum(self._sizes).tolist())
            if n_bytes
        ]
        last = -min(distances)[1] if distances else _BUCKETS - 1
        return (last + 1) * _BUCKET_SIZE


def hashes(seed: int, file_number: int, numbers: NDArray[np.int64]) -> NDArray[np.uint64]:
    """A number from 0 to 2**64 - 1 for each of some documents of a file, by SplitMix64."""
    state = _mix(np.array([seed % 2**64], np.uint64) + _STEP)
    state = _mix(state + np.array([file_number], np.uint64) * _STEP)
    return _mix(state + (numbers.astype(np.uint64) + np.uint64(1)) * _STEP)


def _mix(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
