"""Where each byte of a normalized text comes from in the original."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.nfc import changing_clusters
from bytepiece.text.composition import composition
from bytepiece.text.utf8 import encode_escaped

__all__ = ["Alignment", "align"]

_LONGEST_CACHED = 8  # characters of a cluster


class Alignment(NamedTuple):
    """For each byte of a normalized text, the bytes of the original that it comes from: ``begins[k]`` to ``ends[k]``.

    A byte of a character that NFC left as it was comes from itself. A byte of any other character comes from the
    shortest range that holds all characters that this one was made of.
    """

    begins: NDArray[np.int64]
    ends: NDArray[np.int64]


def align(text: str) -> Alignment:
    r"""Align a text and its NFC, both in UTF-8. In the text, bytes that form no character are surrogate escapes.

    >>> alignment = align("xe\u0301")
    >>> alignment.begins.tolist(), alignment.ends.tolist()
    ([0, 1, 1], [1, 4, 4])
    """
    spans = changing_clusters(text, composition().classes, composition().pairs)
    clusters = [text[begin:end] for begin, end in spans.tolist()]
    aligned = [(_align_cached if len(cluster) <= _LONGEST_CACHED else _align_cluster)(cluster) for cluster in clusters]
    bounds = _byte_offsets(text)[spans]
    old_begins = bounds[:, 0]  # of the clusters, in bytes of the text
    n_bytes = np.array([len(begins) for begins, _ in aligned], dtype=np.int64)  # of the NFC of each cluster
    growth = n_bytes - (bounds[:, 1] - old_begins)
    new_begins = old_begins + np.cumsum(growth) - growth
    # Between clusters each byte comes from itself, shifted by what the clusters before have grown.
    n = len(encode_escaped(text)) + int(growth.sum())
    shifts = np.zeros(n + 1, dtype=np.int64)
    shifts[new_begins + n_bytes] = -growth
    all_begins = np.arange(n, dtype=np.int64) + np.cumsum(shifts)[:n]
    all_ends = all_begins + 1
    # Within clusters the alignment of each is shifted to where the cluster begins.
    firsts = np.cumsum(n_bytes) - n_bytes  # index of the first byte of each cluster, among the bytes of all clusters
    places = np.arange(n_bytes.sum()) + np.repeat(new_begins - firsts, n_bytes)
    offsets = np.repeat(old_begins, n_bytes)
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


def _align_cluster(cluster: str) -> tuple[list[int], list[int]]:
    """For each byte of the NFC of a cluster, begin and end of what it comes from, in bytes of the cluster."""
    sizes = [len(encode_escaped(character)) for character in cluster]
    offsets = [0, *np.cumsum(sizes).tolist()]
    begins: list[int] = []
    ends: list[int] = []
    for character, first, last in _compose(cluster):
        begin, end = offsets[first], offsets[last + 1]
        if first == last and character == cluster[first]:
            begins += range(begin, end)
            ends += range(begin + 1, end + 1)
        else:
            n = len(encode_escaped(character))
            begins += [begin] * n
            ends += [end] * n
    return begins, ends


_align_cached = lru_cache(4096)(_align_cluster)


def _compose(cluster: str) -> list[tuple[str, int, int]]:
    """The characters of the NFC of a cluster, each with the first and the last one that it was made of.

    These are the three steps of the Unicode Standard, chapter 3.11: decompose, sort the marks, compose.
    """
    decomposed = [(part, k) for k, c in enumerate(cluster) for part in unicodedata.normalize("NFD", c)]
    ordered: list[tuple[str, int]] = []
    begin = 0
    for k in range(len(decomposed) + 1):  # a starter ends a run of marks
        if k == len(decomposed) or not unicodedata.combining(decomposed[k][0]):
            ordered += sorted(decomposed[begin:k], key=lambda item: unicodedata.combining(item[0]))
            ordered += decomposed[k : k + 1]
            begin = k + 1
    composed: list[tuple[str, int, int]] = []
    starter = -1  # index of the last starter, or -1
    last_class = -1  # of the last mark after it, or -1
    for character, k in ordered:
        combining_class = unicodedata.combining(character)
        if starter >= 0 and last_class < combining_class:
            base, first, last = composed[starter]
            composite = unicodedata.normalize("NFC", base + character)
            if len(composite) == 1:
                composed[starter] = (composite, min(first, k), max(last, k))
                continue
        composed.append((character, k, k))
        if combining_class == 0:
            starter, last_class = len(composed) - 1, -1
        else:
            last_class = combining_class
    return composed
