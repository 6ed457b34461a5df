"""NFC: quickly; in parts, where a text can be cut before it is normalized; and what became of its characters.

A character *joins* what stands before it if NFC does not treat the two one by one: a mark, which is put in order among
others and composed with its base; a vowel of a Hangul syllable. Before all others a text can be cut. What is between
two such places is called a cluster here: NFC normalizes each by itself.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.nfc import CHANGES, JOINS, JOINS_AND_CHANGES, NO_TABLE, changing_clusters, hash_pairs, quick_check

__all__ = ["Alignment", "NfcStream", "align", "nfc"]

_END = 0x30000
"""The first code point from which on no character has a canonical decomposition or a combining class."""

_LONGEST_CACHED = 8  # characters


_BLOCK = 64  # code points
_HANGUL_VOWELS, _HANGUL_TAILS, _HANGUL_SYLLABLES = range(0x1161, 0x1176), range(0x11A8, 0x11C3), range(0xAC00, 0xD7A4)


# Made when a text first needs them, as they take a while.
_tables: tuple[NDArray[np.uint8], NDArray[np.uint64]] | tuple[None, None] = (None, None)


def nfc(text: str) -> str:
    """The NFC of a text; quickly if it is that already.

    ``unicodedata`` is quick only with texts in which nothing could be composed with anything. Here it is asked
    only if something is, or should be in another order.
    """
    global _tables
    known = quick_check(text, *_tables)
    if known == NO_TABLE:
        _tables = _classes_and_pairs()
        known = quick_check(text, *_tables)
    return text if known else unicodedata.normalize("NFC", text)


@cache
def _classes_and_pairs() -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
    """What `quick_check` needs, from the Unicode of this Python."""
    classes = np.zeros(_END, dtype=np.uint8)
    composed: dict[int, tuple[int, int]] = {}
    joined: dict[int, list[int]] = {}  # what is composed with a character
    for code in _codes_to_look_at():
        character = chr(code)
        classes[code] = unicodedata.combining(character)
        if unicodedata.normalize("NFD", character) == character:
            continue
        if unicodedata.normalize("NFC", character) != character or classes[code]:
            classes[code] = CHANGES
        else:
            first, second = (int(part, 16) for part in unicodedata.decomposition(character).split())
            composed[code] = first, second
            joined.setdefault(first, []).append(second)
    for _, second in composed.values():
        if classes[second] == 0:
            classes[second] = JOINS
    pairs = [(first, second) for first, seconds in joined.items() for second in seconds]
    for code, (first, last) in composed.items():
        # A mark of a lower class than the last of a composed character comes before that: to what stands there.
        part: int | None = first
        while part is not None:
            if classes[part]:
                classes[code] = CHANGES  # it joins the character before
            pairs += [(code, mark) for mark in joined.get(part, ()) if classes[mark] < classes[last]]
            part = composed[part][0] if part in composed else None
    for code in np.flatnonzero(classes == CHANGES).tolist():
        if classes[ord(unicodedata.normalize("NFD", chr(code))[0])]:  # a mark, or what is composed like one
            classes[code] = JOINS_AND_CHANGES
    classes[_HANGUL_VOWELS] = classes[_HANGUL_TAILS] = JOINS_AND_CHANGES
    return classes, hash_pairs(pairs)


def _codes_to_look_at() -> Iterator[int]:
    """The code points of the blocks with a character that is decomposed or has a combining class; without Hangul."""
    # After the mark of the highest class, all marks of other classes are out of order.
    after_mark = np.full((_END, 2), 0x345, dtype="<u4")
    after_mark[:, 1] = np.arange(_END)
    text = after_mark.tobytes().decode("utf-32-le", "surrogatepass")
    for begin in range(0, _END, _BLOCK):
        block = text[2 * begin : 2 * (begin + _BLOCK)]
        if begin not in _HANGUL_SYLLABLES and not unicodedata.is_normalized("NFD", block):
            yield from range(begin, begin + _BLOCK)


class _Characters(NamedTuple):
    """What the Unicode of this Python says of single characters."""

    joining: frozenset[str]
    """Those that join what stands before them."""
    open: frozenset[str]
    """Those that something can join."""


@cache
def _characters() -> _Characters:
    characters = [*map(chr, range(_END))]
    lines = "\n".join(characters)
    decomposed = unicodedata.normalize("NFD", lines).split("\n")
    composed = unicodedata.normalize("NFC", lines).split("\n")
    # The newline itself, which made two empty lines.
    decomposed[10:12] = composed[10:12] = ["\n"]
    marks = {character for character in characters if unicodedata.combining(character)}
    divisible, firsts, seconds = set(), set(), set()
    for character, parts, composition in zip(characters, decomposed, composed, strict=True):
        if parts != character:
            divisible.add(character)
            if composition == character:
                codes = unicodedata.decomposition(character).split()  # none of a Hangul syllable
                first, *rest = [chr(int(code, 16)) for code in codes] or list(parts)
                firsts.add(first)
                seconds.update(rest)
    joining = {c for c, parts in zip(characters, decomposed, strict=True) if parts[0] in marks or parts[0] in seconds}
    return _Characters(frozenset(joining), frozenset(divisible | firsts))


class NfcStream:
    r"""Normalizes a text that comes in parts; the results joined are the NFC of the parts joined.

    What may still change with the next part is kept back: the last cluster.

    >>> stream = NfcStream()
    >>> stream.feed("cafe"), stream.feed("\u0301 au"), stream.flush()
    ('caf', 'é a', 'u')
    """

    def __init__(self) -> None:
        self._kept: list[str] = []

    def feed(self, text: str) -> str:
        """Take a part of the text; returns what is normalized now."""
        joining, open_ = _characters()
        if not text:
            return ""
        if text[-1] not in open_ and text[-1] not in joining:
            cut = len(text)
        else:
            cut = next((k for k in range(len(text) - 1, -1, -1) if text[k] not in joining), -1)
            if cut < 0:
                self._kept.append(text)
                return ""
        whole = "".join([*self._kept, text[:cut]])
        self._kept = [text[cut:]]
        return unicodedata.normalize("NFC", whole)

    def flush(self) -> str:
        """End the text; returns the rest of it, normalized."""
        rest = "".join(self._kept)
        self._kept = []
        return unicodedata.normalize("NFC", rest)


class Alignment(NamedTuple):
    """For each byte of a normalized text the bytes of the original it comes from: those from begin to end.

    They are the fewest that can be said: a byte of a character that stayed as it was comes from itself, and one of
    a composed or decomposed character from all bytes of all characters that this was made of, and what is between.
    """

    begins: NDArray[np.int64]
    ends: NDArray[np.int64]


def align(text: str) -> Alignment:
    r"""Align a text and its NFC, both in UTF-8. Bytes that form no character are surrogate escapes in the text.

    >>> alignment = align("xe\u0301")
    >>> alignment.begins.tolist(), alignment.ends.tolist()
    ([0, 1, 1], [1, 4, 4])
    """
    spans = changing_clusters(text, *_classes_and_pairs())
    clusters = [text[begin:end] for begin, end in spans.tolist()]
    aligned = [(_align_cached if len(cluster) <= _LONGEST_CACHED else _align_cluster)(cluster) for cluster in clusters]
    bounds = _byte_offsets(text)[spans]
    theres = bounds[:, 0]  # where clusters begin, in bytes of the text
    n_bytes = np.array([len(begins) for begins, _ in aligned], dtype=np.int64)  # of the NFC of each
    growth = n_bytes - (bounds[:, 1] - theres)
    heres = theres + np.cumsum(growth) - growth  # where they begin in the NFC
    n = len(_encode(text)) + int(growth.sum())
    # Outside of clusters each byte comes from itself.
    shifts = np.zeros(n + 1, dtype=np.int64)
    shifts[heres + n_bytes] = -growth
    all_begins = np.arange(n, dtype=np.int64) + np.cumsum(shifts)[:n]
    all_ends = all_begins + 1
    first = np.cumsum(n_bytes) - n_bytes  # byte of each cluster, among those of all
    places = np.arange(n_bytes.sum()) + np.repeat(heres - first, n_bytes)
    offsets = np.repeat(theres, n_bytes)
    all_begins[places] = np.fromiter(chain.from_iterable(begins for begins, _ in aligned), np.int64) + offsets
    all_ends[places] = np.fromiter(chain.from_iterable(ends for _, ends in aligned), np.int64) + offsets
    return Alignment(all_begins, all_ends)


def _byte_offsets(text: str) -> NDArray[np.int64]:
    """Where each character begins and the last ends, in UTF-8; a surrogate escape is one byte."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    offsets = np.ones(len(codes) + 1, dtype=np.int64)
    offsets[0] = 0
    for least in (0x80, 0x800, 0x10000):
        offsets[1:] += codes >= least
    offsets[1:][codes - 0xD800 < 0x800] = 1
    return np.cumsum(offsets)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _align_cluster(cluster: str) -> tuple[list[int], list[int]]:
    """For each byte of the NFC of a cluster begin and end of what it comes from, in the cluster."""
    sizes = [len(_encode(character)) for character in cluster]
    offsets = [0, *np.cumsum(sizes).tolist()]
    begins: list[int] = []
    ends: list[int] = []
    for character, first, last in _compose(cluster):
        begin, end = offsets[first], offsets[last + 1]
        if first == last and character == cluster[first]:
            begins += range(begin, end)
            ends += range(begin + 1, end + 1)
        else:
            n = len(_encode(character))
            begins += [begin] * n
            ends += [end] * n
    return begins, ends


_align_cached = lru_cache(4096)(_align_cluster)


def _compose(cluster: str) -> list[tuple[str, int, int]]:
    """The characters of the NFC of a cluster, each with the first and the last one that it was made of.

    This is the definition of the Unicode Standard, chapter 3.11: decompose, put marks in order, compose.
    """
    decomposed = [(part, k) for k, c in enumerate(cluster) for part in unicodedata.normalize("NFD", c)]
    ordered: list[tuple[str, int]] = []
    begin = 0
    for k in range(len(decomposed) + 1):  # each run of marks is sorted, and a starter ends it
        if k == len(decomposed) or not unicodedata.combining(decomposed[k][0]):
            ordered += sorted(decomposed[begin:k], key=lambda item: unicodedata.combining(item[0]))
            ordered += decomposed[k : k + 1]
            begin = k + 1
    composed: list[tuple[str, int, int]] = []
    starter = -1  # index of the last one, or -1
    last_class = -1  # of the last mark after it, or -1
    for character, k in ordered:
        combining_class = unicodedata.combining(character)
        if starter >= 0 and last_class < combining_class:
            base, first, last = composed[starter]
            composition = unicodedata.normalize("NFC", base + character)
            if len(composition) == 1:
                composed[starter] = (composition, min(first, k), max(last, k))
                continue
        composed.append((character, k, k))
        if combining_class == 0:
            starter, last_class = len(composed) - 1, -1
        else:
            last_class = combining_class
    return composed
