"""The last count: the tokens of all texts, segmented as the sample was in the end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import Automaton
from bytepiece.core.packed import CountedBytes
from bytepiece.core.segment import segment_packed
from bytepiece.training.refinement.workbench import stretches
from bytepiece.training.segments import Batch

__all__ = ["TokenCounter", "counted"]


class TokenCounter:
    """Counts the tokens of batches in lines, across which no piece lies, in one thread at a time.

    Args:
        automaton: of the vocabulary.

    Attributes:
        counts: how often each piece was used so far (uint64).
    """

    def __init__(self, automaton: Automaton) -> None:
        self.counts = np.zeros(automaton.n_pieces, dtype=np.uint64)
        self._automaton = automaton

    def add(self, batch: Batch) -> None:
        """Count the tokens of a batch."""
        offsets = np.concatenate([np.full(1, batch.begin, dtype=np.int64), batch.ends])
        ids, _ = segment_packed(self._automaton, batch.data, stretches(batch.data, offsets))
        self.counts += np.bincount(np.asarray(ids), minlength=len(self.counts)).astype(np.uint64)


def counted(pieces: CountedBytes, counts: NDArray[np.uint64]) -> CountedBytes:
    """The pieces of a vocabulary with the counts of their tokens. Those that are not used count once."""
    return pieces.with_counts(np.maximum(counts, 1).astype(np.uint64))
