"""Many texts, or a long one, segmented by several threads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate, chain
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import Automaton
from bytepiece.core.ids import IdArray
from bytepiece.core.sampling import sample_spans
from bytepiece.core.segment import segment_spans
from bytepiece.encoding.sampling import Sampling
from bytepiece.encoding.special import Parts
from bytepiece.text.segments import segment_end
from bytepiece.workers import check_workers

__all__ = [
    "FEWEST_SHARES",
    "SHARES_PER_WORKER",
    "SMALLEST_SHARE",
    "segment_batch",
    "segment_share",
    "spans_of",
]

SMALLEST_SHARE = 2**16
"""The least that a thread gets at a time, in bytes or characters."""

FEWEST_SHARES = 8
"""A text shorter than so many of the smallest shares is not divided: starting threads would take longer."""

SHARES_PER_WORKER = 4
"""How many shares there are for each thread: several, so that none waits long for the last one."""

Span: TypeAlias = tuple[str | bytes, int, int] | int
"""A part of a text that is segmented by itself: the text, begin and end. Or the id of a special token."""


def segment_batch(
    automaton: Automaton, batch: Sequence[Parts], workers: int | None, sampling: Sampling | None = None
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Segment texts in parts. The result does not depend on the number of workers.

    Args:
        automaton: the automaton of the vocabulary.
        batch: the parts of each text; ``str`` only if the automaton goes by characters and nothing is drawn.
        workers: the number of threads; None for one on each processor.
        sampling: how to draw segmentations; None for the best ones.

    Returns all ids, and offsets: those of text k are ``ids[offsets[k]:offsets[k + 1]]``.
    """
    workers = check_workers(workers)
    spans, numbers = spans_of(batch)
    shares, numbers_of = [spans], [numbers]
    n_bytes = sum([span[2] - span[1] for span in spans if not isinstance(span, int)]) if workers > 1 else 0
    if n_bytes >= FEWEST_SHARES * SMALLEST_SHARE:
        shares, numbers_of = _shares(spans, numbers, max(SMALLEST_SHARE, n_bytes // (workers * SHARES_PER_WORKER)))
    if len(shares) == 1:
        found, ends = segment_share(automaton, shares[0], numbers_of[0], sampling)
        ids = found.to_numpy()
    else:
        n = len(shares)
        with ThreadPoolExecutor(workers) as executor:
            results = list(executor.map(segment_share, [automaton] * n, shares, numbers_of, [sampling] * n))
            ids, ends = _joined(results, executor)
    return ids, _offsets(ends, [*chain.from_iterable(numbers_of)], len(batch))


def spans_of(batch: Iterable[Parts]) -> tuple[list[Span], list[int]]:
    """The spans of texts in parts, and for each span the number of its text.

    The parts of a text are joined, as draws depend on positions in the whole. Several parts must be ``bytes``.
    """
    spans: list[Span] = []
    numbers: list[int] = []
    for number, parts in enumerate(batch):
        if len(parts) == 1 and not isinstance(text := parts[0], int):  # the usual case, quickly
            spans.append((text, 0, len(text)))
            numbers.append(number)
            continue
        texts = [part for part in parts if not isinstance(part, int)]
        joined = texts[0] if len(texts) == 1 else b"".join(texts)  # type: ignore[arg-type]
        begin = 0
        for part in parts:
            if isinstance(part, int):
                spans.append(part)
            else:
                end = begin + len(part)
                spans.append((joined, begin, end))
                begin = end
            numbers.append(number)
    return spans, numbers


def segment_share(
    automaton: Automaton, spans: list[Span], numbers: list[int], sampling: Sampling | None = None
) -> tuple[IdArray, NDArray[np.int64]]:
    """Segment spans of the texts with these numbers. Returns all ids, and where those of each span end."""
    if sampling is None:
        return segment_spans(automaton, spans)
    return sample_spans(automaton, spans, numbers, *sampling)


def _shares(
    spans: Iterable[Span], numbers: Iterable[int], share_bytes: int
) -> tuple[list[list[Span]], list[list[int]]]:
    """Divide spans into shares of about equal size, cutting them only where segments end.

    Returns the spans of each share, and for each of these the number of its text.
    """
    share: list[Span] = []
    share_numbers: list[int] = []
    shares, numbers_of_shares = [share], [share_numbers]
    room = share_bytes
    for span, number in zip(spans, numbers, strict=True):
        while True:
            if room <= 0:
                share, share_numbers = [], []
                shares.append(share)
                numbers_of_shares.append(share_numbers)
                room = share_bytes
            share_numbers.append(number)
            if isinstance(span, int):
                break
            text, begin, end = span
            if end - begin <= room:
                room -= end - begin
                break
            cut = min(segment_end(text, begin + room), end)
            room -= cut - begin
            if cut == end:
                break
            share.append((text, begin, cut))
            span = (text, cut, end)
        share.append(span)
    return shares, numbers_of_shares


def _joined(
    results: list[tuple[IdArray, NDArray[np.int64]]], executor: ThreadPoolExecutor
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """The ids of all shares, and where those of each span end in them; the threads copy, and free, side by side."""
    n_before = [*accumulate((len(ids) for ids, _ in results), initial=0)]
    ends = np.concatenate([ends + n for (_, ends), n in zip(results, n_before, strict=False)])
    shares: list[NDArray[np.uint32] | None] = [ids.to_numpy() for ids, _ in results]
    results.clear()
    joined = np.empty(n_before[-1], dtype=np.uint32)

    def copy(k: int) -> None:
        joined[n_before[k] : n_before[k + 1]] = shares[k]  # type: ignore[assignment]
        shares[k] = None

    list(executor.map(copy, range(len(shares))))
    return joined, ends


def _offsets(ends: NDArray[np.int64], numbers: list[int], n_texts: int) -> NDArray[np.int64]:
    """The offsets of texts, given where the ids of each span end, and the number of the text of each span.

    A text ends with the last span that has its number; without any, where the text before it ends.
    """
    last = np.searchsorted(np.array(numbers, dtype=np.int64), np.arange(-1, n_texts), side="right")
    return np.concatenate([np.zeros(1, dtype=np.int64), ends])[last]
