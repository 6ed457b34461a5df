"""What a training shows while it runs, and reports when it is done."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from operator import mul
from time import perf_counter
from typing import Any

from tqdm import tqdm

from bytepiece.model.model import Model

__all__ = ["Progress"]


class Progress:
    """A progress bar for each stage that takes longer than a second, and a record of all stages.

    Args:
        show: whether to show bars, on standard error.
    """

    def __init__(self, show: bool = False) -> None:
        self._show = show
        self._start = perf_counter()
        self._stages: list[dict[str, Any]] = []
        self._facts: dict[str, int] = {}

    @contextmanager
    def stage(
        self, name: str, unit: str, total: int | None = None, share: Callable[[], float] | None = None
    ) -> Iterator[Callable[[int], object]]:
        """Time a stage; gives the function that is told how much more of it is done, in ``unit`` ("B" for bytes).

        Where ``total`` is not known, ``share`` may say how much of everything that is about, from 0 to 1.
        """
        start = perf_counter()
        scale = unit == "B"
        with tqdm(desc=name, total=total, unit=unit, unit_scale=scale, delay=1, disable=not self._show) as bar:
            done = 0

            def advance(amount: int) -> None:
                nonlocal done
                done += amount
                if share is not None and (known := share()) > 0:
                    bar.total = max(done, round(done / known))
                bar.update(amount)

            yield advance
        self._stages.append({"name": name, "seconds": round(perf_counter() - start, 3), "amount": done, "unit": unit})

    def note(self, **facts: int) -> None:
        """Put facts into the report."""
        self._facts.update(facts)

    def report(self, models: Mapping[int, Model]) -> dict[str, Any]:
        """The record of all stages, what was noted, and what the models are like."""
        n_bytes = self._facts.get("n_bytes")
        sizes: dict[str, dict[str, float]] = {}
        for size, model in models.items():
            sizes[str(size)] = {"pieces": len(model.pieces), "longest_piece": max(map(len, model.pieces))}
            if n_bytes is not None:
                # As training cuts it: the pieces of each candidate, as often as that was found.
                # Bytes that never occur count once, and are no tokens.
                tokens = sum(model.counts)
                unseen = sum(map(mul, map(len, model.pieces), model.counts)) - n_bytes
                sizes[str(size)]["bytes_per_token"] = round(n_bytes / (tokens - unseen), 4)
        return {
            "seconds": round(perf_counter() - self._start, 3),
            "peak_memory": _peak_memory(),
            **self._facts,
            "stages": self._stages,
            "models": sizes,
        }


def _peak_memory() -> int | None:
    """The most memory this process has had, in bytes; None where the system does not say."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
