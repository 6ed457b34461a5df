"""Many texts, or one long one, segmented by several threads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import Automaton
from bytepiece.core.ids import IdArray
from bytepiece.core.sampling import sample_spans
from bytepiece.core.segment import segment_spans
from bytepiece.encoding.sampling import Sampling
from bytepiece.errors import check_int
from bytepiece.text.segments import segment_end

__all__ = ["Part", "processors", "segment_all", "segment_parts", "size_of", "spans_of"]

_SMALLEST_SHARE = 2**16  # bytes; less is not worth a thread
_SHARES_PER_THREAD = 4  # so that none waits long for the last

Span = tuple[str | bytes, int, int]
Section = tuple[int, int, int]  # the number of a document, begin, end
Part = bytes | int
"""A part of a text that is segmented by itself, or the id of a special token."""


def segment_all(
    automaton: Automaton,
    documents: Sequence[str | bytes],
    threads: int | None,
    sampling: Sampling | None = None,
    sections: Sequence[Section] | None = None,
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Segment documents.

    Args:
        automaton: of the vocabulary.
        documents: the texts, ``str`` only where the automaton goes by characters, and not to be sampled.
        threads: how many; None for one on each processor. The result does not depend on it.
        sampling: how to draw segmentations; None for the best ones.
        sections: parts of the documents to be segmented, each by itself; None for the whole documents.

    Returns all ids, and offsets: those of section k are ``ids[offsets[k]:offsets[k + 1]]``.
    """
    if threads is None:
        threads = processors()
    check_int("threads", threads, 1, 1024)
    if sections is None:
        sections = [(number, 0, len(document)) for number, document in enumerate(documents)]
    total = sum(map(len, documents))
    share_bytes = max(_SMALLEST_SHARE, total // (threads * _SHARES_PER_THREAD)) if threads > 1 else total
    shares, sections_of_shares = _shares(documents, share_bytes, sections)

    def segment_share(spans: list[Span], numbers: list[int]) -> tuple[IdArray, NDArray[np.int64]]:
        if sampling is None:
            return segment_spans(automaton, spans)
        return sample_spans(automaton, spans, [sections[k][0] for k in numbers], *sampling)

    if len(shares) == 1:
        results = [segment_share(shares[0], sections_of_shares[0])]
    else:
        with ThreadPoolExecutor(threads) as executor:
            results = list(executor.map(segment_share, shares, sections_of_shares))
    counts = np.zeros(len(sections) + 1, dtype=np.int64)
    for (_, ends), numbers in zip(results, sections_of_shares, strict=True):
        np.add.at(counts, np.array(numbers, dtype=np.int64) + 1, np.diff(ends, prepend=0))
    arrays = [np.asarray(memoryview(ids)) for ids, _ in results]
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays), np.cumsum(counts)


def segment_parts(
    automaton: Automaton,
    batch: Iterable[Sequence[Part]],
    threads: int | None,
    sampling: Sampling | None = None,
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Segment texts that are given in parts.

    Returns all ids, special tokens among them, and offsets: those of text k are ``ids[offsets[k]:offsets[k + 1]]``.
    """
    documents: list[str | bytes] = []
    sections: list[Section] = []
    tokens: list[int] = []
    places: list[int] = []  # for each token how many sections are before it
    ends = [(0, 0)]  # of each text, in sections and in tokens
    for number, parts in enumerate(batch):
        place = len(sections)
        for part in parts:
            if isinstance(part, int):
                tokens.append(part)
                places.append(place)
            else:
                place += 1
        spans = spans_of(parts)
        documents.append(spans[0][0] if spans else b"")
        sections += [(number, begin, end) for _, begin, end in spans]
        ends.append((len(sections), len(tokens)))
    ids, offsets = segment_all(automaton, documents, threads, sampling, sections)
    if tokens:
        ids = np.insert(ids, offsets[places], tokens)
    sections_before, tokens_before = np.array(ends, dtype=np.int64).T
    return ids, offsets[sections_before] + tokens_before


def spans_of(parts: Iterable[Part]) -> list[tuple[bytes, int, int]]:
    """The parts that are to be segmented, as spans of all of them joined."""
    texts = [part for part in parts if isinstance(part, bytes)]
    document = b"".join(texts)
    return [(document, begin, end) for begin, end in pairwise([0, *accumulate(map(len, texts))])]


def size_of(parts: Iterable[Part]) -> int:
    """How many bytes are to be segmented."""
    return sum(len(part) for part in parts if isinstance(part, bytes))


def _shares(
    documents: Sequence[str | bytes], share_bytes: int, sections: Sequence[Section]
) -> tuple[list[list[Span]], list[list[int]]]:
    """Divide sections into shares of about a size, cutting only after newlines, where segments end anyway.

    Returns the spans of each share, and the number of the section that each span is from.
    """
    shares: list[list[Span]] = [[]]
    numbers: list[list[int]] = [[]]
    room = share_bytes
    for number, (document_number, begin, stop) in enumerate(sections):
        document = documents[document_number]
        while True:
            if room <= 0:
                shares.append([])
                numbers.append([])
                room = share_bytes
            end = min(segment_end(document, begin + room), stop) if begin + room < stop else stop
            shares[-1].append((document, begin, end))
            numbers[-1].append(number)
            room -= end - begin
            begin = end
            if begin == stop:
                break
    return shares, numbers


def processors() -> int:
    """The number of processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1
