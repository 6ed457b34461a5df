"""What the benchmarks share beside `bytepiece.bench`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence

from bytepiece.bench.report import markdown_table


def timed(job: Callable[[], object]) -> Callable[[], float]:
    def run() -> float:
        start = time.perf_counter()
        job()
        return time.perf_counter() - start

    return run


def table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> None:
    """Print a Markdown table. All columns but the first are numbers."""
    print(markdown_table(head, rows), flush=True)


def progress(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
