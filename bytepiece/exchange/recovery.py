"""The counts behind scores.

A model holds counts. Other tokenizers hold scores, log(count) - log(sum of counts), rounded to float32 or float64. Here
counts are found that give each score to the last bit. They exist for scores that were computed from counts, and not for
those that expectation maximization made.

The search tries each possible count of the rarest piece. It gives the sum of all counts, roughly; the sum gives the
counts of other rare pieces, exactly, since they are small; and these give a closer sum, which gives more counts.
"""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import log_probabilities
from bytepiece.errors import ImportModelError

__all__ = ["counts_from_scores", "no_probabilities"]

LARGEST_LEAST_COUNT = 2**16
"""The largest count of the rarest piece that is tried."""

LEAST_SCORE = -44
"""Less than log(1 / 2**63): counts sum to less than 2**63, so no score can be lower."""

N_RAREST = 64
"""A least count is tried in full only if it fits so many of the lowest scores."""

N_CANDIDATES = 64
"""How many least counts are tried in full."""

FARTHEST_SUM = 64
"""How far from the middle of its interval a sum is tried."""

ROUNDS = 4
"""How many times a guess is improved."""


def counts_from_scores(scores: NDArray[np.floating[Any]]) -> list[int]:
    """Positive counts that give each of the scores, float32 or float64, to the last bit.

    Raises `ImportModelError`, saying why, where no such counts are found.
    """
    x = scores.astype(np.float64)
    if not len(x) or not np.isfinite(x).all():
        raise ImportModelError("a score is not a number")
    if not abs(_total(x) - 1) < 1e-4 or x.min() < LEAST_SCORE:
        raise no_probabilities(x)
    error = float(np.spacing(np.abs(scores).max()))  # at least the rounding error of a score, so of a log count
    distinct = np.unique(scores)
    rarest = distinct[:N_RAREST].astype(np.float64)
    candidates = np.arange(1, LARGEST_LEAST_COUNT + 1, dtype=np.float64)
    # With the right least count, the counts of the other rare pieces are whole numbers too.
    for ratio in np.exp(rarest - rarest[0]):
        count = candidates * ratio
        slack = 4 * error * count + 1e-9
        candidates = candidates[np.abs(count - np.rint(count)) <= slack]
    for least in candidates[:N_CANDIDATES]:
        counts = _with_least(float(least), scores, distinct)
        if counts is not None:
            return counts
    raise ImportModelError("a model holds counts, and no counts were found that give exactly these scores")


def _total(scores: NDArray[np.float64]) -> float:
    return float(np.exp(np.minimum(scores, 100)).sum())


def no_probabilities(scores: NDArray[np.float64]) -> ImportModelError:
    """The error for scores that are not logarithms of probabilities."""
    return ImportModelError(
        f"a model holds counts, whose probabilities sum to 1; those of these scores sum to {_total(scores):.6g}"
    )


def _with_least(
    least: float, scores: NDArray[np.floating[Any]], distinct: NDArray[np.floating[Any]]
) -> list[int] | None:
    """Counts with a given least count, or None. ``distinct`` are the different scores, ascending."""
    x, half = distinct.astype(np.float64), _half_spacing(distinct)
    total = least * float(np.exp(-x[0]))
    half += np.spacing(log(total))  # the two logarithms were rounded too, before they were subtracted
    error = half[0]
    for _ in range(ROUNDS):
        # A small count is known exactly, and gives an interval for the sum of the counts.
        counts = np.rint(total * np.exp(x))
        known = (counts * (half + error) < 0.25) & (counts > 0)
        if not known.any():
            return None
        low = float((counts * np.exp(-x - half))[known].max())
        high = float((counts * np.exp(-x + half))[known].min())
        if known[:-1].all() and (scores == distinct[-1]).sum() == 1 and x[-1] + half[-1] < 0:
            # If all counts but the largest are known, so is their sum, and its share of the whole is 1 minus that of
            # the largest count. This gives another interval.
            rest = sum(np.rint(total * np.exp(scores.astype(np.float64))).tolist()) - counts[-1]
            low = max(low, rest / -np.expm1(x[-1] - half[-1]))
            high = min(high, rest / -np.expm1(x[-1] + half[-1]))
        total, error = (low + high) / 2, abs(high - low) / low
    for guess in _whole_numbers(low, high):
        found = _with_total(guess, scores)
        if found is not None:
            return found
    return None


def _whole_numbers(low: float, high: float) -> list[int]:
    """The whole numbers in an interval, from the middle outwards. If there are too many, only the middle one."""
    middle = round((low + high) / 2)
    reach = max(0, round((high - low) / 2))
    if not 0 < middle - reach <= middle + reach < 2**62 or reach > FARTHEST_SUM:
        reach = 0
    return sorted(range(middle - reach, middle + reach + 1), key=lambda number: abs(number - middle))


def _with_total(total: int, scores: NDArray[np.floating[Any]]) -> list[int] | None:
    """Counts with a given sum, or None."""
    found = np.maximum(np.rint(np.exp(scores.astype(np.float64) + log(total))), 1).astype(np.int64)
    for _ in range(ROUNDS):
        # math.log is the logarithm of log_probabilities; NumPy's can differ in the last bit.
        given = (np.array(list(map(log, found.tolist()))) - log(total)).astype(scores.dtype)
        found = np.maximum(found + (given < scores) - (given > scores), 1)
    # Make the sum right by changing counts so large that their scores stay the same.
    missing = total - sum(found.tolist())
    room = np.maximum(found * _half_spacing(scores) * 0.9 - 1, 0).astype(np.int64)
    for k in np.argsort(-found, kind="stable"):
        if not missing or not room[k]:
            break
        change = max(-int(room[k]), min(int(room[k]), missing))
        found[k] += change
        missing -= change
    given = log_probabilities(found.astype(np.uint64)).astype(scores.dtype)
    return found.tolist() if np.array_equal(given, scores) else None


def _half_spacing(scores: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """How far a number can be from the float to which it is rounded."""
    half: NDArray[np.float64] = np.spacing(np.abs(scores)).astype(np.float64) / 2
    return half
