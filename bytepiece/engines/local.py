"""The engine of a single process."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from bytepiece.engines.executor import ExecutorEngine
from bytepiece.workers import check_workers

__all__ = ["LocalEngine"]

T = TypeVar("T")


class LocalEngine(ExecutorEngine):
    r"""Runs tasks in this process, one after the other, each with several threads.

    The model is that of a training without an engine, and so is nearly all of the work. It shows what engines do, and
    lets a training with a checkpoint be continued on a cluster, or the other way round.

    Args:
        folder: where outputs of tasks lie; None for the system's place for temporary files.
        workers: the number of threads, None for one on each processor.

    >>> import os, tempfile
    >>> from bytepiece import Corpus, LocalEngine, Trainer
    >>> trainer = Trainer(vocab_size=300)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "clocks.txt")
    ...     with open(path, "w") as file:
    ...         _ = file.write("a clock and a boat\n" * 9)
    ...     trainer.train(Corpus(path), engine=LocalEngine(folder), progress=False)
    >>> b" clock" in trainer.models[300].pieces
    True
    """

    ahead = 1

    def __init__(self, folder: str | os.PathLike[str] | None = None, workers: int | None = None) -> None:
        super().__init__(_Here(), tempfile.gettempdir() if folder is None else folder, check_workers(workers))


class _Here(Executor):
    """Calls functions at once."""

    def submit(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future
