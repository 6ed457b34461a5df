"""Processes in which allocations and writes fail."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.processes import run_python

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def faulty(tmp_path_factory):
    """Runs Python with ``shim.c`` before all libraries but a sanitizer's; ``faults`` there is the shim."""
    if sys.platform != "linux" or shutil.which("gcc") is None:
        pytest.skip("needs Linux and gcc")
    library = tmp_path_factory.mktemp("shim") / "shim.so"
    source = Path(__file__).with_name("shim.c")
    subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    before = f"import ctypes, sys; sys.path.insert(0, {str(TESTS)!r}); faults = ctypes.CDLL({str(library)!r})\n"
    preload = " ".join([*os.environ.get("LD_PRELOAD", "").split(), str(library)])

    def run(code, *arguments):
        done = run_python(before + code, *arguments, environment={"LD_PRELOAD": preload})
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    return run
