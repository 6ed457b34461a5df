"""Python in processes of its own."""

import os
import subprocess
import sys
import textwrap


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
