"""How consistently a vocabulary cuts: the entropy of the ways in which a frequent string is cut in its contexts."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
from kneser_ney import Documents
from numpy.typing import NDArray

_WORD = re.compile(rb"[A-Za-z]{4,16}")
_LEAST_OFTEN = 100
"""Strings that occur less often are left out."""


def cut_entropy(texts: list[str], documents: Documents, pieces: list[bytes]) -> float:
    """The mean entropy, in bits, of how a string is cut, over the occurrences of frequent strings.

    Strings are words of four to sixteen ASCII letters where a text has mostly these, else pairs of characters that
    are next to each other. A way to cut is the set of places within the string, its two ends among them, where a
    token ends. A single space before a word counts with it: a cut before either is the same.
    """
    data = "".join(texts).encode()
    cuts = _cuts(documents, pieces, len(data))
    ways: dict[bytes, list[bytes]] = {}
    for begin, end in _spans(data):
        way = cuts[begin : end + 1].copy()
        if begin and data[begin - 1] == 0x20:
            way[0] |= cuts[begin - 1]
        ways.setdefault(data[begin:end], []).append(way.tobytes())
    frequent = [each for each in ways.values() if len(each) >= _LEAST_OFTEN]
    if not frequent:
        return float("nan")
    entropies = [_entropy(each) for each in frequent]
    return float(np.average(entropies, weights=[len(each) for each in frequent]))


def _cuts(documents: Documents, pieces: list[bytes], n_bytes: int) -> NDArray[np.bool_]:
    """For each place in a text whether a token ends there."""
    ends = np.cumsum(np.array([*map(len, pieces), 0])[documents.ids])  # the end token has no bytes
    cuts = np.zeros(n_bytes + 1, dtype=np.bool_)
    cuts[ends] = cuts[0] = True
    return cuts


def _spans(data: bytes) -> list[tuple[int, int]]:
    words = [match.span() for match in _WORD.finditer(data)]
    if sum(end - begin for begin, end in words) > len(data) / 4:
        return words
    starts = [k for k, byte in enumerate(data) if byte & 0xC0 != 0x80] + [len(data)]
    return list(zip(starts, starts[2:], strict=False))


def _entropy(ways: list[bytes]) -> float:
    shares = np.array([*Counter(ways).values()]) / len(ways)
    return float(-(shares * np.log2(shares)).sum())
