"""Work that threads do while it is read and while its results are used."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["in_order"]

_AHEAD = 8
"""How many items of each thread are read before they are needed, so that threads go on where reading one takes long."""

_AHEAD_BYTES = 2**26
"""How large the items may be together that are read before they are needed."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    n_bytes: Callable[[Item], int] = lambda item: 0,
) -> Iterator[Result]:
    """``function`` of each item, computed by threads, in the order of the items.

    The items are read by the thread that takes the results, and few are held at a time, the fewer the larger they are:
    ``n_bytes`` says how large. An error of reading comes after the results of the items before it; an error of the
    function comes in the place of its result.

    >>> list(in_order(abs, iter([-3, 2, -1]), workers=2))
    [3, 2, 1]
    """
    pending: deque[tuple[Future[Result], int]] = deque()
    held = 0  # bytes of all items that are pending
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
            size = n_bytes(item)
            pending.append((executor.submit(function, item), size))
            held += size
            del item  # now the thread alone keeps it
            while len(pending) > _AHEAD * workers or (held > _AHEAD_BYTES and pending):
                future, size = pending.popleft()
                held -= size
                yield future.result()
        while pending:
            yield pending.popleft()[0].result()
        if failure is not None:
            raise failure
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
