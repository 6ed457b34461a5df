"""Progress bars while a training runs, and its report when it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from operator import mul
from time import perf_counter
from typing import Any

from bytepiece.bars import progress_bar
from bytepiece.memory import peak_memory
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
        """Time a stage; gives the function that is told each time more of it is done.

        Args:
            name: for the bar and the report.
            unit: of amounts; "B" for bytes.
            total: the amount of the whole stage, if it is known.
            share: if the total is not known, tells about how much of the stage is done, from 0 to 1.
        """
        start = perf_counter()
        with progress_bar(unit, total, name, self._show) as bar:
            done = 0

            def advance(amount: int) -> None:
                nonlocal done
                done += amount
                if share is not None and (known := share()) > 0:
                    bar.total = max(done, round(done / known))
                bar.update(amount)

            yield advance
        self._stages.append({"name": name, "seconds": round(perf_counter() - start, 3), "amount": done, "unit": unit})

    def add_to_stage(self, **facts: int | float) -> None:
        """Add numbers to the stage that ended last."""
        self._stages[-1].update(facts)

    def note(self, **facts: int) -> None:
        """Put numbers into the report."""
        self._facts.update(facts)

    def report(self, models: Mapping[int, Model]) -> dict[str, Any]:
        """The stages, the numbers noted, and the sizes of the models."""
        n_bytes = self._facts.get("n_bytes")
        sizes: dict[str, dict[str, float]] = {}
        for size, model in models.items():
            sizes[str(size)] = {"pieces": len(model.pieces), "longest_piece": max(map(len, model.pieces))}
            if "phrases" in model.settings:
                sizes[str(size)]["phrases"] = model.settings["phrases"]
            if n_bytes is not None:
                # A model's counts are those of the tokens of the corpus. But bytes that never occur count once.
                tokens = sum(model.counts)
                unseen = sum(map(mul, map(len, model.pieces), model.counts)) - n_bytes
                sizes[str(size)]["bytes_per_token"] = round(n_bytes / (tokens - unseen), 4)
        return {
            "seconds": round(perf_counter() - self._start, 3),
            "peak_memory": peak_memory(),
            **self._facts,
            "stages": self._stages,
            "models": sizes,
        }
