"""NFC of texts with long runs of marks, for which ``unicodedata`` takes quadratic time: it sorts a run by insertion.

No text of any language has more than some marks in a row, but anybody can send a million. So each run is sorted here,
and ``unicodedata`` composes its beginning. No character is composed of more than `_MOST_MARKS` marks, and a mark that
stays keeps all later ones of its class away from the letter. So all but the first few marks of a class stay.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import groupby
from unicodedata import combining

__all__ = ["LONG_RUN", "compose_cluster"]

LONG_RUN = 32
"""Characters; up to here ``unicodedata`` takes no more than for other texts."""

_MOST_MARKS = 3


def compose_cluster(cluster: str) -> str:
    r"""The NFC of a cluster, see `bytepiece.text.composition`, in linear time.

    >>> compose_cluster("e" + "\u0323\u0301" * 50) == "\u1eb9" + "\u0323" * 49 + "\u0301" * 50
    True
    """
    if len(cluster) <= LONG_RUN:
        return unicodedata.normalize("NFC", cluster)
    chunks = (cluster[begin : begin + LONG_RUN] for begin in range(0, len(cluster), LONG_RUN))
    decomposed = "".join([unicodedata.normalize("NFD", chunk) for chunk in chunks])
    composed: list[str] = []
    starters = ""
    for is_run, characters in groupby(decomposed, lambda character: combining(character) > 0):
        if is_run:
            composed += _compose_run(starters, [*characters])
            starters = ""
        else:
            starters = "".join(characters)
    return "".join([*composed, unicodedata.normalize("NFC", starters)])


def _compose_run(starters: str, marks: list[str]) -> Iterator[str]:
    """The NFC of starters and all marks between them and the next starter."""
    first: list[str] = []
    rest: list[str] = []
    for _, group in groupby(sorted(marks, key=combining), combining):
        same = [*group]
        first += same[: _MOST_MARKS + 1]
        rest += same[_MOST_MARKS + 1 :]
    composed = unicodedata.normalize("NFC", "".join([starters, *first]))
    n_marks = next((n for n, character in enumerate(reversed(composed)) if not combining(character)), len(composed))
    end = len(composed) - n_marks
    yield composed[:end]
    yield from sorted([*composed[end:], *rest], key=combining)
