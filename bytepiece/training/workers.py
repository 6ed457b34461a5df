"""Work shared out to threads.

Threads, not processes: the kernels hold no lock while they count, the corpus is read once and copied to nobody, one
that fails fails the whole, and all memory is that of one process. Sums do not depend on who added what,
so no result depends on the number of workers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["count_in_parallel", "map_in_parallel"]

Counter = TypeVar("Counter")
Item = TypeVar("Item")
Result = TypeVar("Result")


def count_in_parallel(
    items: Iterable[Item],
    counters: Sequence[Counter],
    count: Callable[[Counter, Item], None],
    done: Callable[[Item], object],
) -> None:
    """Let as many threads as there are counters count items, each counter in one thread at a time.

    ``done`` is called with each item, in their order, once it is counted. A few items wait at a time, so reading them
    runs beside counting, and no further ahead than that.
    """
    idle = deque(counters)

    def work(item: Item) -> Item:
        counter = idle.pop()
        try:
            count(counter, item)
        finally:
            idle.append(counter)
        return item

    pending: deque[Future[Item]] = deque()
    executor = ThreadPoolExecutor(len(counters))
    try:
        for item in items:
            pending.append(executor.submit(work, item))
            if len(pending) > 2 * len(counters):
                done(pending.popleft().result())
        while pending:
            done(pending.popleft().result())
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def map_in_parallel(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """``function`` of each item, each in a thread of its own."""
    if len(items) == 1:
        return [function(items[0])]
    with ThreadPoolExecutor(len(items)) as executor:
        return list(executor.map(function, items))
