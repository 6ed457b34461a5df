"""Work that threads do while it is read and while its results are used."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["in_order"]

_AHEAD = 2
"""How many items of each thread are read before they are needed."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(function: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """``function`` of each item, computed by threads, in the order of the items.

    The items are read by the thread that takes the results, and few are held at a time. An error of reading comes after
    the results of the items before it; an error of the function comes in the place of its result.

    >>> list(in_order(abs, iter([-3, 2, -1]), workers=2))
    [3, 2, 1]
    """
    pending: deque[Future[Result]] = deque()
    failure: Exception | None = None
    remaining = iter(items)
    executor = ThreadPoolExecutor(workers)
    try:
        while True:
            try:
                item = next(remaining)
            except StopIteration:
                break
            except Exception as error:
                failure = error
                break
            pending.append(executor.submit(function, item))
            del item  # now the thread alone keeps it
            if len(pending) > _AHEAD * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
        if failure is not None:
            raise failure
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
