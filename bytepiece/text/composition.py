"""Which characters NFC may change, as the Unicode of this Python has it.

NFC decomposes all characters, sorts each run of marks by their combining classes, and composes what it can. A
character *joins* the one before it if NFC may treat the two together: a mark, which is sorted and composed; a vowel of
a Hangul syllable. A text can be cut before every character that does not join. What lies between two such cuts is
called a *cluster*: NFC normalizes each cluster by itself.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.nfc import CHANGES, JOINS, JOINS_AND_CHANGES, hash_pairs

__all__ = ["Composition", "codes_to_examine", "composition"]

_END = 0x30000
"""From this code point on, no character has a canonical decomposition or a combining class."""

_BLOCK = 64  # code points that are examined together
_HANGUL_LEADS, _HANGUL_VOWELS, _HANGUL_TAILS = range(0x1100, 0x1113), range(0x1161, 0x1176), range(0x11A8, 0x11C3)
_HANGUL_SYLLABLES = range(0xAC00, 0xD7A4)


class Composition(NamedTuple):
    """What is known of single characters, and of pairs."""

    classes: NDArray[np.uint8]
    """For each code point its combining class, or one of the classes that `bytepiece.core.nfc` adds."""
    pairs: NDArray[np.uint64]
    """A hash table of the pairs (starter, mark) that NFC does not leave as they are, for `quick_check`."""
    joining: frozenset[str]
    """The characters that join the one before them."""
    open: frozenset[str]
    """The characters that NFC may change together with one that follows."""


@cache
def composition() -> Composition:
    """What NFC composes. Computed once, in a twentieth of a second."""
    classes = np.zeros(_END, dtype=np.uint8)
    parts: dict[int, tuple[int, int]] = {}  # the two that a character is composed of
    divisible = {*_HANGUL_SYLLABLES}  # what NFD decomposes
    for code in codes_to_examine():
        character = chr(code)
        classes[code] = unicodedata.combining(character)
        if unicodedata.normalize("NFD", character) == character:
            continue
        divisible.add(code)
        if unicodedata.normalize("NFC", character) != character or classes[code]:
            classes[code] = CHANGES
        else:
            first, second = (int(part, 16) for part in unicodedata.decomposition(character).split())
            parts[code] = first, second
    for _, second in parts.values():
        if classes[second] == 0:
            classes[second] = JOINS
    pairs = [*_changing_pairs(parts, classes)]
    for code in [code for code in parts if any(classes[part] for part in _stems(code, parts))]:
        classes[code] = CHANGES  # composed of what joins the character before
    for code in np.flatnonzero(classes == CHANGES).tolist():
        if classes[ord(unicodedata.normalize("NFD", chr(code))[0])]:
            classes[code] = JOINS_AND_CHANGES
    classes[_HANGUL_VOWELS] = classes[_HANGUL_TAILS] = JOINS_AND_CHANGES
    joining = np.flatnonzero((classes != 0) & (classes != CHANGES)).tolist()
    firsts = {first for first, _ in parts.values()}
    return Composition(
        classes, hash_pairs(pairs), _characters(joining), _characters(divisible | firsts | {*_HANGUL_LEADS})
    )


def _characters(codes: Iterable[int]) -> frozenset[str]:
    return frozenset(map(chr, codes))


def _stems(code: int, parts: Mapping[int, tuple[int, int]]) -> Iterator[int]:
    """What a composed character is without its last mark, without its last two, and so on."""
    while code in parts:
        code, _ = parts[code]
        yield code


def _changing_pairs(parts: Mapping[int, tuple[int, int]], classes: NDArray[np.uint8]) -> Iterator[tuple[int, int]]:
    """Pairs of a starter and a mark that NFC does not leave as they are."""
    marks_of: dict[int, list[int]] = {}
    for first, second in parts.values():
        marks_of.setdefault(first, []).append(second)
        yield first, second
    # A mark of a lower class goes before the last mark of a composed character, and may compose with the stem: é
    # (U+00E9) and a dot below (U+0323) become ẹ and an acute.
    for code, (_, last) in parts.items():
        for stem in _stems(code, parts):
            yield from ((code, mark) for mark in marks_of.get(stem, ()) if classes[mark] < classes[last])


def codes_to_examine() -> Iterator[int]:
    """The code points of all blocks with a character that NFD decomposes or that has a combining class, but Hangul."""
    # No mark has a higher class than U+0345. After it, a mark of any other class is out of order.
    after_mark = np.full((_END, 2), 0x345, dtype="<u4")
    after_mark[:, 1] = np.arange(_END)
    text = after_mark.tobytes().decode("utf-32-le", "surrogatepass")
    for begin in range(0, _END, _BLOCK):
        block = text[2 * begin : 2 * (begin + _BLOCK)]
        if begin not in _HANGUL_SYLLABLES and not unicodedata.is_normalized("NFD", block):
            yield from range(begin, begin + _BLOCK)
