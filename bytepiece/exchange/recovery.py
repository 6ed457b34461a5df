"""The counts behind scores.

A model holds counts and other tokenizers hold scores, log(count) - log(sum of counts), rounded. The counts come back
where some give each score to the last bit: those of our own models, not those that expectation maximization made.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytepiece._automaton import log_probabilities
from bytepiece.errors import ImportModelError

__all__ = ["counts_from_scores", "no_probabilities"]

LARGEST_LEAST_COUNT = 2**16
"""How large the least count may be at most: all are tried."""

MANY = 64
"""By how many scores of rare pieces the least count is judged, and how many least counts that pass are tried."""

ROUNDS = 4
"""How often a guess is improved."""


def counts_from_scores(scores: NDArray[np.floating[Any]]) -> list[int]:
    """Positive counts that give each of some scores, float32 or float64, to the last bit.

    Raises `ImportModelError`, saying why, where none are found.
    """
    x = scores.astype(np.float64)
    if not len(x) or not np.isfinite(x).all():
        raise ImportModelError("a score is not a number")
    if not abs(_total(x) - 1) < 1e-4:
        raise no_probabilities(x)
    error = float(np.spacing(np.abs(scores).max()))  # of a score, and so of the logarithm of a count; ample
    distinct = np.unique(scores)
    rarest = distinct[:MANY].astype(np.float64)
    candidates = np.arange(1, LARGEST_LEAST_COUNT + 1, dtype=np.float64)
    for ratio in np.exp(rarest - rarest[0]):
        count = candidates * ratio
        slack = 4 * error * count + 1e-9
        candidates = candidates[np.abs(count - np.rint(count)) <= slack]
    for least in candidates[:MANY]:
        counts = _with_least(float(least), scores, distinct)
        if counts is not None:
            return counts
    raise ImportModelError(
        f"no counts give these scores exactly (with a least count of up to {LARGEST_LEAST_COUNT}), and a model holds counts"
    )


def _total(scores: NDArray[np.float64]) -> float:
    return float(np.exp(np.minimum(scores, 100)).sum())


def no_probabilities(scores: NDArray[np.float64]) -> ImportModelError:
    """The error for scores that are no logarithms of probabilities."""
    return ImportModelError(
        f"no counts give these scores: the probabilities would sum to {_total(scores):.6g}, and those of counts sum to 1"
    )


def _with_least(
    least: float, scores: NDArray[np.floating[Any]], distinct: NDArray[np.floating[Any]]
) -> list[int] | None:
    """Counts of which the least is given, or None; ``distinct`` are the scores that there are, ascending."""
    x, half = distinct.astype(np.float64), _half_spacing(distinct)
    total = least * float(np.exp(-x[0]))
    error = half[0]
    for _ in range(ROUNDS):
        # A count that is small enough is known exactly, and says in which interval the sum of counts is.
        counts = np.rint(total * np.exp(x))
        known = (counts * (half + error) < 0.25) & (counts > 0)
        if not known.any():
            return None
        low = float((counts * np.exp(-x - half))[known].max())
        high = float((counts * np.exp(-x + half))[known].min())
        total, error = (low + high) / 2, abs(high - low) / low
    total = round(total)
    if not 0 < total < 2**62:
        return None

    found = np.maximum(np.rint(np.exp(scores.astype(np.float64) + np.log(total))), 1).astype(np.int64)
    for _ in range(ROUNDS):
        given = (np.log(found) - np.log(total)).astype(scores.dtype)
        found += (given < scores).astype(np.int64) - (given > scores).astype(np.int64)
    # Counts so large that several give the same score take up what the sum still lacks.
    missing = total - sum(found.tolist())
    room = np.maximum(found * _half_spacing(scores) * 0.9 - 1, 0).astype(np.int64)
    for k in np.argsort(-found, kind="stable"):
        if not missing or not room[k]:
            break
        change = max(-int(room[k]), min(int(room[k]), missing))
        found[k] += change
        missing -= change
    given = log_probabilities(found.astype(np.uint64)).astype(scores.dtype)
    return found.tolist() if found.min() > 0 and np.array_equal(given, scores) else None


def _half_spacing(scores: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """By how much a number can differ from that to which it is rounded."""
    return np.spacing(np.abs(scores)).astype(np.float64) / 2
