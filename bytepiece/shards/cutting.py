"""Where documents are cut into shards, and shards into row groups: by the documents alone, however they come."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["fitting"]


def fitting(ends: NDArray[np.signedinteger[Any]], begin: int, room: int) -> int:
    """How many of some documents fit into the room that is left.

    Args:
        ends: where each document ends.
        begin: where the first one begins.
        room: for how many ids there is room.

    >>> fitting(np.array([3, 5, 5, 9]), 0, 5)
    3
    """
    return int(np.searchsorted(ends, begin + room, side="right"))
