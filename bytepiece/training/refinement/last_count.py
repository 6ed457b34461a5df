"""The last count: the tokens of all texts, segmented as the sample was in the end.

What it begins with is a *draft*: a vocabulary, sorted by bytes, with the counts by whose probabilities the sample was
segmented. The last count replaces them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import Automaton
from bytepiece.core.packed import CountedBytes
from bytepiece.core.segment import segment_packed
from bytepiece.training.segments import Batch, Reader
from bytepiece.training.workers import Threads

__all__ = ["count_tokens", "counted"]


def count_tokens(
    reader: Reader, automata: Sequence[Automaton], threads: Threads, advance: Callable[[int], object]
) -> list[NDArray[np.uint64]]:
    """How often each piece of each vocabulary is a token of all that ``reader`` reads (uint64).

    Args:
        reader: reads the texts, once for all vocabularies.
        automata: those of the drafts.
        threads: the threads that segment.
        advance: is told the bytes that are done.
    """
    counters = [_TokenCounter(automata) for _ in range(threads.n)]
    for batches in reader.parts(in_lines=True):
        threads.consume(batches, counters, _TokenCounter.add, lambda batch: advance(batch.n_bytes))
    each = zip(*(counter.counts for counter in counters), strict=True)
    return [sum(counts[1:], start=counts[0]) for counts in each]


def counted(draft: CountedBytes, counts: NDArray[np.uint64]) -> CountedBytes:
    """The pieces of a draft with the counts of their tokens. Those that are not used count once."""
    return draft.with_counts(np.maximum(counts, 1).astype(np.uint64))


class _TokenCounter:
    """Counts the tokens of batches in lines, across which no piece lies, in one thread at a time.

    ``counts`` has an array for each vocabulary.
    """

    def __init__(self, automata: Sequence[Automaton]) -> None:
        self.counts = [np.zeros(automaton.n_pieces, dtype=np.uint64) for automaton in automata]
        self._automata = automata

    def add(self, batch: Batch) -> None:
        """Count the tokens of a batch."""
        lines = np.concatenate([np.full(1, batch.begin, dtype=np.int64), batch.ends])
        for automaton, counts in zip(self._automata, self.counts, strict=True):
            ids, _ = segment_packed(automaton, batch.data, lines)
            counts += np.bincount(np.asarray(ids), minlength=len(counts)).astype(np.uint64)
