"""Many texts, or one long one, segmented by several threads."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from bytepiece._automaton import Automaton
from bytepiece._segment import segment_spans
from bytepiece.errors import check_int

__all__ = ["processors", "segment_all"]

_SMALLEST_SHARE = 2**16  # bytes; less is not worth a thread
_SHARES_PER_THREAD = 4  # so that none waits long for the last

Span = tuple[bytes, int, int]


def segment_all(
    automaton: Automaton, documents: Sequence[bytes], first_id: int, threads: int | None
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Segment documents.

    Args:
        automaton: of the vocabulary.
        documents: the texts.
        first_id: of the first piece.
        threads: how many; None for one on each processor. The result does not depend on it.

    Returns all ids, and offsets: those of document k are ``ids[offsets[k]:offsets[k + 1]]``.
    """
    if threads is None:
        threads = processors()
    check_int("threads", threads, 1, 1024)
    total = sum(map(len, documents))
    share_bytes = max(_SMALLEST_SHARE, total // (threads * _SHARES_PER_THREAD)) if threads > 1 else total
    shares, documents_of_shares = _shares(documents, share_bytes)
    if len(shares) == 1:
        results = [segment_spans(automaton, shares[0], first_id)]
    else:
        with ThreadPoolExecutor(threads) as executor:
            results = list(executor.map(lambda share: segment_spans(automaton, share, first_id), shares))
    counts = np.zeros(len(documents) + 1, dtype=np.int64)
    for (_, ends), numbers in zip(results, documents_of_shares, strict=True):
        np.add.at(counts, np.array(numbers, dtype=np.int64) + 1, np.diff(ends, prepend=0))
    arrays = [np.asarray(memoryview(ids)) for ids, _ in results]
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays), np.cumsum(counts)


def _shares(documents: Sequence[bytes], share_bytes: int) -> tuple[list[list[Span]], list[list[int]]]:
    """Divide documents into shares of about a size, cutting only after newlines, where segments end anyway.

    Returns the spans of each share, and the number of the document that each span is from.
    """
    shares: list[list[Span]] = [[]]
    numbers: list[list[int]] = [[]]
    room = share_bytes
    for number, document in enumerate(documents):
        begin = 0
        while True:
            if room <= 0:
                shares.append([])
                numbers.append([])
                room = share_bytes
            end = _cut(document, begin + room) if begin + room < len(document) else len(document)
            shares[-1].append((document, begin, end))
            numbers[-1].append(number)
            room -= end - begin
            begin = end
            if begin == len(document):
                break
    return shares, numbers


def _cut(document: bytes, position: int) -> int:
    """Where the first run of newlines from ``position`` on ends, or the document."""
    newline = document.find(b"\n", position)
    if newline < 0:
        return len(document)
    rest = newline + 1
    while rest < len(document) and document[rest] == 0x0A:
        rest += 1
    return rest


def processors() -> int:
    """The number of processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1
