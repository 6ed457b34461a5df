"""Which n-grams and pieces are too rare to learn from, where the user does not say."""

from __future__ import annotations

from math import isqrt

__all__ = ["choose_min_count"]


def choose_min_count(n_bytes: int) -> int:
    """The ``min_count`` for a corpus of so many bytes, as they are after normalization.

    It is 2 for a few sentences, 6 at 1 MB and 8 up to 40 MB, and grows with the square root of the size from there on:
    17 at 190 MB, 40 at 1 GB. With refinement, tokens are then as long as with the best, but for 0.2 %, as far as
    `benchmarks/compression.md` tells. It depends on nothing else, so any number of workers, any memory limit and any
    division into parts give the same.
    """
    return max(min(8, 2 + n_bytes // 250_000), isqrt(n_bytes // 625_000))
