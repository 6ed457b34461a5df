"""A corpus in parts, as the tasks of an engine read it: how large parts are, and a function called with each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bytepiece.engines.engine import Engine, Usage

__all__ = ["call_by_tasks", "part_size"]

LEAST_PART, LARGEST_PART = 2**24, 2**30
FEWEST_PARTS, MOST_PARTS = 64, 2**12
"""Parts are smaller than the largest where they would be too few, and larger where they would be too many."""


def part_size(raw_bytes: int) -> int:
    """How many bytes of a corpus of ``raw_bytes`` each part has. It depends on the size of the corpus alone.

    >>> part_size(10 * 2**30) == 10 * 2**30 // 64, part_size(10**12) == 2**30, -(-(10**13) // part_size(10**13))
    (True, True, 4096)
    """
    return max(LEAST_PART, min(LARGEST_PART, raw_bytes // FEWEST_PARTS), -(-raw_bytes // MOST_PARTS))


def _ignore(number: int, usage: Usage) -> None:
    pass


def call_by_tasks(
    engine: Engine,
    function: Callable[[Any], Any],
    parts: Sequence[Any],
    done: Callable[[int, Usage], object] = _ignore,
) -> Iterator[Any]:
    """Call a function with each part by a task of its own; the results come in the order of the parts.

    Args:
        engine: who runs the tasks.
        function: can be pickled.
        parts: can be pickled; their ``str`` is used in errors.
        done: is told the number of each part that is done, and what its task took.

    Raises `EngineError` for a call that fails, whatever the reason.
    """
    for (output,) in engine.map(_Apply(function), parts, 1, done):
        yield output.get()


@dataclass(frozen=True)
class _Apply:
    """A task that calls a function."""

    function: Callable[[Any], Any]

    def __call__(self, item: Any) -> Iterator[Any]:
        yield self.function(item)
