"""How a task runs on a machine of a cluster, whichever engine has sent it there."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from bytepiece.engines.engine import Task, Usage
from bytepiece.errors import BytePieceError, EngineError
from bytepiece.memory import peak_memory
from bytepiece.version import __version__

__all__ = ["Call", "run_call", "versions"]

PROTOCOL = pickle.HIGHEST_PROTOCOL


class Call(NamedTuple):
    """A task with an item, as it is sent away.

    Attributes:
        versions: those of whoever sends it, see `versions`.
        task: the task.
        item: its item.
        n_outputs: how many values it yields.
    """

    versions: dict[str, str]
    task: Task
    item: Any
    n_outputs: int


def versions() -> dict[str, str]:
    """The versions of what results depend on: those of all machines must be the same."""
    return {"bytepiece": __version__, "numpy": np.__version__}


def run_call(call: Call) -> Iterator[bytes]:
    """The outputs of a task, pickled, and after them its `Usage`.

    Raises `EngineError` where the task fails in a way that trying again does not change.
    """
    here = versions()
    for name, version in call.versions.items():
        if here[name] != version:
            raise EngineError(f"this machine has {name} {here[name]}, the one that trains {version}")
    start, n_bytes, n_outputs = perf_counter(), 0, 0
    try:
        for output in call.task(call.item):
            data = pickle.dumps(output, PROTOCOL)
            n_bytes += len(data)
            n_outputs += 1
            yield data
    except (BytePieceError, OSError, MemoryError) as error:
        raise EngineError(f"{call.item}: {describe(error)}") from error
    assert n_outputs == call.n_outputs, f"{n_outputs} outputs of {call.n_outputs}"
    yield pickle.dumps(Usage(n_bytes, perf_counter() - start, peak_memory() or 0), PROTOCOL)


def describe(error: BaseException) -> str:
    """What went wrong, in one line."""
    if isinstance(error, MemoryError):
        return f"out of memory{f' ({error})' if str(error) else ''}"
    if isinstance(error, OSError) and error.strerror:
        return f"{f'{error.filename}: ' if error.filename else ''}{error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__
