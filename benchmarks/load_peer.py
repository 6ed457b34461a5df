"""Loads a tokenizer in a process of its own, which `load.py` starts with the Python that has the tokenizer.

It prints the seconds to import, those from file to first token, and the memory that loading adds. Linux only.
"""

from __future__ import annotations

import gc
import importlib
import json
import runpy
import sys
import time
from pathlib import Path


def main(worker: str, module: str, path: str) -> None:
    open_tokenizer = runpy.run_path(worker)["open_tokenizer"]
    start = time.perf_counter()
    importlib.import_module(module)
    imported = time.perf_counter()
    before = memory(reset_peak=True)["VmRSS"]
    begin = time.perf_counter()
    encode = open_tokenizer(module, path)
    encode("a")
    end = time.perf_counter()
    after = memory()
    figures = {
        "import": imported - start,
        "seconds": end - begin,
        "adds": after["VmRSS"] - before,
        "peak": after["VmHWM"] - before,
    }
    print(json.dumps(figures))


def memory(reset_peak: bool = False) -> dict[str, int]:
    """Resident memory in bytes: now (VmRSS) and at its peak (VmHWM)."""
    gc.collect()
    if reset_peak:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        lines = [line.split() for line in file]
    return {words[0][:-1]: int(words[1]) * 1024 for words in lines if words[0] in ("VmRSS:", "VmHWM:")}


if __name__ == "__main__":
    main(*sys.argv[1:])
