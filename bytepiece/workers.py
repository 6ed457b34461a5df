"""How many threads work."""

from __future__ import annotations

import os

from bytepiece.errors import check_int

__all__ = ["check_workers", "processors"]

_MOST = 1024


def check_workers(workers: int | None) -> int:
    """The number of threads that the argument ``workers`` stands for: None is one for each processor.

    Raises `SettingsError` unless it is None or an int from 1 to 1024.
    """
    if workers is None:
        return min(processors(), _MOST)
    check_int("workers", workers, 1, _MOST)
    return workers


def processors() -> int:
    """The number of processors that this process may use."""
    if hasattr(os, "process_cpu_count"):  # Python 3.13
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
