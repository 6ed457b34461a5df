"""Work shared out to threads.

Threads, not processes: kernels run without the GIL, the corpus is read once and copied to nobody, an error in one
thread ends the whole, and all memory is that of one process. Counts are sums, so no result depends on the number
of threads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["Threads"]

State = TypeVar("State")
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Threads:
    """Threads of this process: all parallel work of a training goes through its two methods.

    Attributes:
        n: how many.
    """

    n: int = 1

    def consume(
        self,
        items: Iterable[Item],
        states: Sequence[State],
        step: Callable[[State, Item], None],
        done: Callable[[Item], object],
    ) -> None:
        """Take the items one by one, each into one of the states: ``step(state, item)``.

        There are as many states as threads, and each is used by one thread at a time. ``done`` is called with each
        item, in their order, once its step is done. Few items wait at a time: reading them goes on beside the steps,
        but not far ahead of them.
        """
        idle = deque(states)

        def work(item: Item) -> Item:
            state = idle.pop()
            try:
                step(state, item)
            finally:
                idle.append(state)
            return item

        pending: deque[Future[Item]] = deque()
        executor = ThreadPoolExecutor(len(states))
        try:
            for item in items:
                pending.append(executor.submit(work, item))
                if len(pending) > 2 * len(states):
                    done(pending.popleft().result())
            while pending:
                done(pending.popleft().result())
        finally:
            executor.shutdown(wait=True, cancel_futures=True)

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """``function`` of each item, in their order."""
        if len(items) == 1:
            return [function(items[0])]
        with ThreadPoolExecutor(self.n) as executor:
            return list(executor.map(function, items))
