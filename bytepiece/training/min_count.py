"""Which n-grams and pieces are too rare to learn from, where the user does not say."""

from __future__ import annotations

from math import isqrt

__all__ = ["choose_min_count"]


def choose_min_count(n_bytes: int) -> int:
    """The ``min_count`` for a corpus of so many bytes, as they are after normalization.

    It grows with the square root of the size: 2 up to 5 MB, 8 at 40 MB, 40 at 1 GB. It depends on nothing else, so any
    number of workers, any memory limit and any division into parts give the same.
    """
    return max(2, isqrt(n_bytes // 625_000))
