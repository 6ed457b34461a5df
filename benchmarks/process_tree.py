"""Measuring a command: its time, and the memory of all its processes together (Linux)."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from threading import Event, Thread
from typing import NamedTuple

INTERVAL = 0.02
"""Seconds between two measurements of the memory."""


class Usage(NamedTuple):
    status: int
    seconds: float
    cpu_seconds: float
    peak: int


def run(command: list[str], environment: dict[str, str], log: str) -> Usage:
    """Run a command to its end, with its output in a file.

    The peak is the largest memory that was measured, every 20 ms. For a single process this is the kernel's peak of
    resident memory, which also covers the time between two measurements. For several processes it is the sum of their
    PSS, in which shared pages count once.
    """
    with open(log, "wb") as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        watcher = _Watcher(process.pid)
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        finally:
            watcher.stop()
        seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    return Usage(process.returncode, seconds, usage.ru_utime + usage.ru_stime, watcher.peak)


def killed_after(command: list[str], seconds: float) -> bool:
    """Run a command, and kill it and all its processes after some seconds. Returns whether it was still running."""
    process = subprocess.Popen(command, start_new_session=True)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait() == -signal.SIGKILL
    return False


class _Watcher(Thread):
    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._pid = pid
        self._stopped = Event()
        self.start()

    def run(self) -> None:
        while not self._stopped.wait(INTERVAL):
            self.peak = max(self.peak, tree_memory(self._pid))

    def stop(self) -> None:
        self._stopped.set()
        self.join()


def tree_memory(pid: int) -> int:
    """The memory of a process and all its descendants, in bytes."""
    pids = _tree(pid)
    if len(pids) == 1:
        return _field(f"/proc/{pid}/status", "VmHWM:")
    return sum(_field(f"/proc/{pid}/smaps_rollup", "Pss:") for pid in pids)


def _tree(pid: int) -> list[int]:
    pids = [pid]
    for pid in pids:  # the loop adds to this list
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                    pids += map(int, file.read().split())
        except OSError:  # it ended
            pass
    return pids


def _field(path: str, name: str) -> int:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name))
    except (OSError, StopIteration):  # it ended
        return 0
