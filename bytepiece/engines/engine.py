"""What an engine does, whichever it is.

A task is a function that is called with an item, such as a part of a corpus, somewhere in the cluster. It is a
generator: each value that it yields is an output, which stays where the engine keeps it. Other tasks, and this process,
get it from there. So what tasks pass on to each other does not come here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

__all__ = ["Engine", "Output", "Task", "Usage"]

T_co = TypeVar("T_co", covariant=True)


class Output(Protocol, Generic[T_co]):
    """What a task yielded, wherever it lies. It can be part of another task's item, and lives until nobody has it."""

    def get(self) -> T_co:
        """The value; raises `EngineError` if it is lost."""


class Task(Protocol):
    """A function that can be pickled, as an instance of a class at the top of a module can."""

    def __call__(self, item: Any, /) -> Iterator[Any]:
        """Yield the outputs for an item, whose ``str`` is used in errors; the same outputs each time it is called."""


class Usage(NamedTuple):
    """What tasks took.

    Attributes:
        n_bytes: the size of their outputs, in bytes.
        seconds: the time of all tasks together.
        peak_memory: the most memory that a process which ran one has had, in bytes; 0 if the system does not tell.
    """

    n_bytes: int = 0
    seconds: float = 0.0
    peak_memory: int = 0

    def add(self, other: Usage) -> Usage:
        """That of both."""
        return Usage(
            self.n_bytes + other.n_bytes, self.seconds + other.seconds, max(self.peak_memory, other.peak_memory)
        )


class Engine(Protocol):
    """Who runs tasks.

    Attributes:
        workers: the number of threads of each task, unless the call says otherwise.
    """

    workers: int

    def map(
        self, task: Task, items: Sequence[Any], n_outputs: int, done: Callable[[int, Usage], object]
    ) -> list[list[Output[Any]]]:
        """Run a task for each item.

        Args:
            task: yields ``n_outputs`` values for an item.
            items: can be pickled; they may have outputs of other tasks in them.
            n_outputs: the number of outputs of an item.
            done: is told the number of each item that is done, in any order, and what its task took.

        Returns the outputs of each item, in the order of the items. A task that is lost with its machine runs anew.

        Raises `EngineError` for a task that fails; names its item, and says why.
        """

    def broadcast(self, value: Any) -> Output[Any]:
        """Keep a value where all tasks get it."""
