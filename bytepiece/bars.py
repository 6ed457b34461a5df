"""Progress bars."""

import sys
from typing import Any

from tqdm import tqdm

__all__ = ["progress_bar"]

DELAY = 1.0
"""Seconds after which a bar appears: what ends sooner needs none."""


class Bar(tqdm):  # type: ignore[misc]
    """A bar that looks at the clock at each update, so it does without tqdm's thread, which would stay."""

    monitor_interval = 0


def progress_bar(unit: str, total: int | None = None, name: str | None = None, shown: bool = True) -> Any:
    """A bar of tqdm on standard error, as a context manager; none is shown where standard error is closed.

    Args:
        unit: of amounts; "B" for bytes.
        total: the whole amount, if it is known.
        name: what is going on.
        shown: whether anyone wants to see it.
    """
    hidden = not shown or sys.stderr is None
    return Bar(desc=name, total=total, unit=unit, unit_scale=unit == "B", delay=DELAY, disable=hidden, miniters=1)
