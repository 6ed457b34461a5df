"""An engine for every `concurrent.futures.Executor`: outputs of tasks go through a folder that all machines see."""

from __future__ import annotations

import os
import pickle
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from contextlib import suppress
from dataclasses import dataclass
from itertools import count, islice, pairwise
from typing import Any
from weakref import finalize

from bytepiece.engines.engine import Output, Task, Usage
from bytepiece.engines.running import PROTOCOL, Call, describe, run_call, versions
from bytepiece.errors import EngineError, SettingsError, check_int
from bytepiece.files import atomic_writer

__all__ = ["ExecutorEngine"]


class ExecutorEngine:
    """Runs tasks by an executor: of this machine's processes, or of a cluster.

    Args:
        executor: anything with the methods of `concurrent.futures.Executor`, for example ``Client(...).get_executor()``
            of Dask, ``MPIPoolExecutor`` of mpi4py, or a ``ProcessPoolExecutor``. It stays open. If the
            executor starts lost tasks anew, as Dask does, lost machines are survived.
        folder: where outputs of tasks lie until they are not needed any more. All machines must see it under this
            name. It must exist; what is written there goes when the engine does.
        workers: the number of threads of each task.

    Raises `SettingsError` for a folder that does not exist, and for a wrong number of workers.

    >>> from concurrent.futures import ThreadPoolExecutor
    >>> import tempfile
    >>> from bytepiece import ExecutorEngine
    >>> with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as executor:
    ...     engine = ExecutorEngine(executor, folder)
    ...     engine.broadcast([1, 2, 3]).get()
    [1, 2, 3]
    """

    ahead = 2**12
    """How many tasks are given to the executor before they are done."""

    def __init__(self, executor: Executor, folder: str | os.PathLike[str], workers: int = 1) -> None:
        check_int("workers", workers, 1, 1024)
        if not os.path.isdir(folder):
            raise SettingsError(f"folder: there is no folder {os.fspath(folder)}")
        self.workers = workers
        self._executor = executor
        self._folder = tempfile.mkdtemp(prefix="bytepiece-", dir=os.path.abspath(folder))
        finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._numbers = count()

    def map(
        self, task: Task, items: Sequence[Any], n_outputs: int, done: Callable[[int, Usage], object]
    ) -> list[list[Output[Any]]]:
        """Run a task for each item; see `bytepiece.engines.engine.Engine`."""
        outputs: list[list[Output[Any]]] = [[] for _ in items]
        calls = enumerate(Call(versions(), task, item, n_outputs) for item in items)
        futures: dict[Future[list[int]], tuple[int, str]] = {}
        try:
            while True:
                for number, call in islice(calls, self.ahead - len(futures)):
                    path = self._next_path()
                    futures[self._executor.submit(_run_to_file, path, call)] = number, path
                if not futures:
                    return outputs
                for future in wait(futures, return_when=FIRST_COMPLETED).done:
                    number, path = futures.pop(future)
                    *outputs[number], usage = _outputs(path, _result(future, items[number]))
                    done(number, usage.get())
        finally:
            for future in futures:
                future.cancel()

    def broadcast(self, value: Any) -> Output[Any]:
        """Keep a value where all tasks get it."""
        path = self._next_path()
        with atomic_writer(path) as file:
            pickle.dump(value, file, PROTOCOL)
        return _outputs(path, [0, os.path.getsize(path)])[0]

    def _next_path(self) -> str:
        return os.path.join(self._folder, f"{next(self._numbers):06}.outputs")


def _run_to_file(path: str, call: Call) -> list[int]:
    """Write the outputs of a task to a file; returns where they begin, and where the last ends."""
    places = [0]
    with atomic_writer(path) as file:
        for data in run_call(call):
            file.write(data)
            places.append(places[-1] + len(data))
    return places


def _result(future: Future[list[int]], item: Any) -> list[int]:
    try:
        return future.result()
    except EngineError:
        raise
    except (Exception, CancelledError) as error:  # every kind of executor has its own
        raise EngineError(f"{item}: {type(error).__name__}: {describe(error)}") from error


def _outputs(path: str, places: list[int]) -> list[Output[Any]]:
    file = _File(path)
    finalize(file, _remove, path)
    return [FileOutput(path, begin, end, file) for begin, end in pairwise(places)]


def _remove(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)


class _File:
    """A file of outputs, in the process that started the tasks. When nobody holds it any more, it is removed."""

    def __init__(self, path: str) -> None:
        self.path = path


@dataclass
class FileOutput:
    """A value that lies in a file."""

    path: str
    begin: int
    end: int
    file: _File | None = None

    def get(self) -> Any:
        """The value; raises `EngineError` if it cannot be read."""
        try:
            with open(self.path, "rb") as file:
                file.seek(self.begin)
                return pickle.loads(file.read(self.end - self.begin))
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            raise EngineError(f"{self.path}: an output of a task is lost: {describe(error)}") from error

    def __reduce__(self) -> Any:
        # Another process must not remove the file.
        return FileOutput, (self.path, self.begin, self.end)
