"""What a measurement depends on: the machine, and what else it does meanwhile."""

from __future__ import annotations

import os
import platform
import time

from bytepiece.workers import processors

__all__ = ["Others", "machine"]


def machine() -> str:
    """The processor, how many of them this process may use, and the version of Python."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{model}, {processors()} of {os.cpu_count()} CPUs, Python {platform.python_version()}"


class Others:
    """The CPU seconds that other processes take from now on. On a quiet machine there are almost none."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._busy = self._others()

    def _others(self) -> float:
        """CPU seconds of all processes but this one and its children that have ended; ``nan`` where that is unknown."""
        try:
            with open("/proc/stat", encoding="ascii") as file:
                user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, file.readline().split()[1:9])
        except (OSError, ValueError):
            return float("nan")
        own = os.times()
        busy = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
        return busy - (own.user + own.system + own.children_user + own.children_system)

    def seconds(self) -> float:
        """The CPU seconds since the start; call it when all children have ended."""
        return self._others() - self._busy

    def __str__(self) -> str:
        took, others = time.perf_counter() - self._start, self.seconds()
        meanwhile = "" if others != others else f"; other processes took {others:.1f} CPU seconds meanwhile"
        return f"The run took {took:.0f} s{meanwhile}."
