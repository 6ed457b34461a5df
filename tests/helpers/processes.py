"""Python in processes of its own."""

import os
import shutil
import subprocess
import sys
import textwrap

import pytest

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
needs_posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX")
needs_dev_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")

UNDER_ASAN = "asan" in os.environ.get("LD_PRELOAD", "")
"""Whether this process runs under AddressSanitizer, which keeps freed memory, and terabytes of addresses for itself."""


def run_python(code, *arguments, environment=(), **options):
    """Run code with arguments, and give what became of it: status, standard output and standard error as text."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        env=os.environ | dict(environment),
        capture_output=True,
        text=True,
        **options,
    )


def run_command(*arguments, **options):
    """Run the command ``bytepiece``; standard output and standard error are bytes."""
    return subprocess.run([sys.executable, "-m", "bytepiece", *map(str, arguments)], capture_output=True, **options)


def shell(script, **variables):
    """Run a line of bash, in which ``$bytepiece`` is the command; its status, and what it says on standard error."""
    environment = os.environ | {name: str(value) for name, value in variables.items()}
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script.replace("$bytepiece", f'"{sys.executable}" -m bytepiece')],
        env=environment,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stderr
