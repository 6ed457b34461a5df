"""How deep values may be nested: what JSON can hold, Python may not be able to copy, compare or print."""

from __future__ import annotations

__all__ = ["MAX_DEPTH", "check_depth"]

MAX_DEPTH = 32
"""The most lists and dicts within each other."""


def check_depth(value: object) -> None:
    """Raise ``ValueError`` where lists and dicts are nested more than `MAX_DEPTH` deep.

    >>> check_depth([{"a": [1, 2]}])
    """
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, (list, dict))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise ValueError(f"nested more than {MAX_DEPTH} deep")
