"""Jobs that are timed in turn, so that what disturbs the machine disturbs all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import TypeAlias

__all__ = ["Seconds", "alternate", "ratio"]

Seconds: TypeAlias = "dict[str, list[float]]"
"""The seconds of each job, in each round."""


def alternate(jobs: Mapping[str, Callable[[], float]], rounds: int) -> Seconds:
    """Run jobs in turn, some rounds. Each round begins with another job.

    A job returns its seconds. Entry k of each list is from round k.

    >>> alternate({"a": lambda: 1.0, "b": lambda: 2.0}, 3)
    {'a': [1.0, 1.0, 1.0], 'b': [2.0, 2.0, 2.0]}
    """
    seconds: Seconds = {name: [] for name in jobs}
    names = list(jobs)
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            seconds[name].append(jobs[name]())
    return seconds


def ratio(dividend: Sequence[float], divisor: Sequence[float]) -> float:
    """The median of the ratios of each round.

    >>> ratio([4.0, 6.0, 9.0], [2.0, 2.0, 3.0])
    3.0
    """
    return median(a / b for a, b in zip(dividend, divisor, strict=True))
