"""A tokenizer in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from typing import Any

from bytepiece.bench import worker
from bytepiece.errors import BenchError

__all__ = ["Process", "environment"]

_PACKAGE_FOLDER = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))


def environment(python: str) -> dict[str, str]:
    """The environment of a process that encodes: one thread, and this package if it is the same Python."""
    variables = os.environ | {"TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1"}
    paths = [_PACKAGE_FOLDER, *filter(None, [variables.pop("PYTHONPATH", "")])]
    return variables | ({"PYTHONPATH": os.pathsep.join(paths)} if python == sys.executable else {})


class Process:
    """Runs `bytepiece.bench.worker` for one tokenizer, until it is closed.

    Args:
        label: what errors call it.
        module: the library that encodes.
        path: the model, in a file for that library.
        python: the interpreter that has the library.

    Raises `BenchError` if the library fails or the process ends.
    """

    def __init__(self, label: str, module: str, path: str, python: str = sys.executable) -> None:
        self._label = label
        # In a session of its own, Ctrl-C interrupts only the process that shows errors.
        self._process = subprocess.Popen(
            [python, worker.__file__, module, path],
            env=environment(python),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def ask(self, method: str, *arguments: str) -> Any:
        """Let the worker run a method; gives its result."""
        assert self._process.stdin
        assert self._process.stdout
        with suppress(BrokenPipeError):
            print(json.dumps([method, *arguments]), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise BenchError(f"the process of {self._label} ended with status {self._process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise BenchError(f"{self._label} failed: {answer['error']}")
        return answer["result"]

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
