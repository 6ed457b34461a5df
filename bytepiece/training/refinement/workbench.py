"""What all steps of refinement work with: the sample, and a vocabulary that it is segmented with."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import Automaton, log_probabilities
from bytepiece.core.ids import IdArray
from bytepiece.core.packed import CountedBytes, PackedBytes
from bytepiece.core.segment import segment_packed
from bytepiece.training.counting.kernels.pieces import PieceTable
from bytepiece.training.refinement.kernels.sample import Pieces, Sample, Tokens
from bytepiece.training.refinement.scarcity import Scarcity
from bytepiece.training.refinement.spread import Spread
from bytepiece.training.workers import Threads

__all__ = ["NAT", "TOKEN_COSTS", "Segmented", "Workbench", "by_bytes"]

NAT = 2**16
"""Costs are integers, in such parts of a nat, so that no machine rounds a sum in its own way."""

TOKEN_COSTS = {"likelihood": 0, "length": 64 * NAT}
"""What a token costs beside -log(probability of its piece), which is less than 30 nats, by objective. With nothing
beside it, the sample costs what it costs in the unigram model, as in the training of SentencePiece (Kudo, 2018). With
so much beside it, few tokens come first and probable ones second."""


class Segmented(NamedTuple):
    """A vocabulary, and the sample segmented with it.

    Attributes:
        pieces: the vocabulary, in the order of its bytes, with the number of tokens of each: a segment that occurs
            several times counts so many times.
        tokens: those of the distinct segments.
        automaton: of the pieces, by which the sample was segmented; None after pieces were dropped.
    """

    pieces: CountedBytes
    tokens: Tokens
    automaton: Automaton | None = None

    @property
    def n_tokens(self) -> int:
        """The number of tokens of all text."""
        return int(self.pieces.counts.sum())

    def select(self, kept: NDArray[np.int64]) -> Segmented:
        """Keep some pieces, by ascending numbers; the others must not be tokens of the sample."""
        numbers = np.zeros(len(self.pieces), dtype=np.uint32)
        numbers[kept] = np.arange(len(kept))
        pieces = self.pieces.select(kept)
        return Segmented(pieces, Tokens(self.tokens.sample, Pieces(pieces), numbers[self.tokens.ids], self.tokens.ends))


class Workbench:
    """The sample, the rules for pieces, threads, and progress.

    Attributes:
        sample: the sample.
        max_piece_length: of a piece, in bytes.
        ensure_unicode: pieces of two bytes or more are whole characters.
        token_cost: what a token costs beside its -log(probability), see `TOKEN_COSTS`.
        threads: the threads that work is shared out to.
        advance: is told 1 after each step.
        scarcity: how much pieces of scarce scripts count; None: all count the same.
        shares: the segments of each thread, see `Sample.shares`.
        spread: how widespread pieces are.
    """

    def __init__(
        self,
        sample: Sample,
        max_piece_length: int,
        ensure_unicode: bool,
        token_cost: int,
        threads: Threads,
        advance: Callable[[int], object],
        scarcity: Scarcity | None = None,
    ) -> None:
        self.sample = sample
        self.max_piece_length = max_piece_length
        self.ensure_unicode = ensure_unicode
        self.token_cost = token_cost
        self.threads = threads
        self.advance = advance
        self.scarcity = scarcity
        self.shares = sample.shares(threads.n)
        self.spread = Spread(sample, self.shares, threads)

    def segment(self, pieces: CountedBytes) -> Segmented:
        """Segment the sample at the least cost."""
        return self.segment_with(self.automaton(pieces, self.costs(pieces)), pieces)

    def costs(self, pieces: CountedBytes) -> NDArray[np.uint32]:
        """What a token of each piece costs."""
        scores = log_probabilities(np.maximum(pieces.counts, 1).astype(np.uint64))
        return (self.token_cost + np.floor(-scores * NAT)).astype(np.uint32)

    def weights(self, pieces: PackedBytes) -> NDArray[np.float64]:
        """What the gain or loss of each piece is multiplied by."""
        return np.ones(len(pieces)) if self.scarcity is None else self.scarcity.weights(pieces)

    @staticmethod
    def automaton(pieces: CountedBytes, costs: NDArray[np.uint32]) -> Automaton:
        """An automaton that segments at the least cost."""
        return Automaton(pieces, costs / -float(NAT))

    def segment_with(self, automaton: Automaton, pieces: CountedBytes) -> Segmented:
        """Segment the sample by the scores of an automaton of the pieces."""

        def segment_share(share: tuple[int, int]) -> tuple[IdArray, NDArray[np.int64]]:
            begin, end = share
            return segment_packed(automaton, self.sample.data, self.sample.offsets[begin : end + 1])

        parts = self.threads.map(segment_share, self.shares)
        ids = [ids.to_numpy() for ids, _ in parts]
        starts = accumulate(map(len, ids), initial=0)
        ends = [ends + start for (_, ends), start in zip(parts, starts, strict=False)]
        self.advance(1)
        return self.counted(pieces, np.concatenate(ids), np.concatenate(ends), automaton)

    def counted(
        self,
        pieces: PackedBytes,
        ids: NDArray[np.uint32],
        ends: NDArray[np.int64],
        automaton: Automaton | None = None,
    ) -> Segmented:
        """The sample segmented into tokens, see `Tokens`, which are counted."""
        tokens = Tokens(self.sample, Pieces(pieces), ids, ends)
        counts = self.threads.map(lambda share: tokens.count(*share), self.shares)
        return Segmented(pieces.with_counts(sum(counts[1:], start=counts[0])), tokens, automaton)


def by_bytes(pieces: CountedBytes) -> CountedBytes:
    """The same pieces, sorted by their bytes."""
    counter = PieceTable()
    counter.add_pieces(pieces)
    return counter.take()
