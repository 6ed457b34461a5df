"""What the benchmarks share: rounds, tables, and a description of the machine."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median

Seconds = dict[str, list[float]]


def alternate(jobs: Mapping[str, Callable[[], float]], rounds: Mapping[str, int] | int) -> Seconds:
    """Run jobs in turn, for the number of rounds that each has. Each round begins with another job.

    A job returns its seconds. Entry k of each list is from round k.
    """
    if isinstance(rounds, int):
        rounds = dict.fromkeys(jobs, rounds)
    seconds: Seconds = {name: [] for name in jobs}
    names = list(jobs)
    for number in range(max(rounds.values())):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            if number < rounds[name]:
                seconds[name].append(jobs[name]())
    return seconds


def timed(job: Callable[[], object]) -> Callable[[], float]:
    def run() -> float:
        start = time.perf_counter()
        job()
        return time.perf_counter() - start

    return run


def ratio(dividend: Sequence[float], divisor: Sequence[float]) -> float:
    """The median of the ratios of each round. Rounds in which only one job took part do not count."""
    return median(a / b for a, b in zip(dividend, divisor))  # noqa: B905


def table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> None:
    """Print a Markdown table. All columns but the first are numbers."""
    print("| " + " | ".join(map(str, head)) + " |")
    print("| --- |" + " ---: |" * (len(head) - 1))
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |")
    print(flush=True)


def progress(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def machine() -> str:
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{model}, {usable_cpus()} of {os.cpu_count()} CPUs, Python {platform.python_version()}"


def usable_cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Others:
    """The CPU seconds that other processes take from now on. On a quiet machine there are almost none."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._busy = self._others()

    def _others(self) -> float:
        """CPU seconds of all processes so far, without this one and its children that have ended."""
        try:
            with open("/proc/stat", encoding="ascii") as file:
                user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, file.readline().split()[1:9])
        except OSError:
            return float("nan")
        own = os.times()
        busy = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
        return busy - (own.user + own.system + own.children_user + own.children_system)

    def seconds(self) -> float:
        """The CPU seconds since the start; call it when all children have ended."""
        return self._others() - self._busy

    def __str__(self) -> str:
        took = time.perf_counter() - self._start
        return f"The run took {took:.0f} s; other processes took {self.seconds():.1f} CPU seconds meanwhile."
