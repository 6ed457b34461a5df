"""How a vocabulary settles: pieces are counted by probability, as a tokenizer segments, and unused ones replaced."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import Automaton
from bytepiece.core.packed import CountedBytes
from bytepiece.training.pruning.vocabularies import automaton_of, count_uses_in, with_uses
from bytepiece.training.refinement.growing import Allowed, fill_gaps
from bytepiece.training.refinement.workbench import Segmented, Workbench, by_bytes

__all__ = ["Refined", "settle"]

SETTLING_STEPS = 20
"""How often pieces are replaced that the last count finds unused. After that, the vocabulary stays smaller."""

EXCHANGES = 5
"""In how many of the first steps pieces are replaced that are tokens of one document only."""

MORE = 0.002
"""More pieces than wanted are counted, by this share. If no more than these turn out unused, no second count is needed.
Those left over become spares."""


class Refined(NamedTuple):
    """A refined vocabulary, sorted by bytes.

    Attributes:
        pieces: counted over the sample.
        draft: the same pieces with the counts by whose probabilities that was done, see `last_count`.
    """

    pieces: CountedBytes
    draft: CountedBytes


def settle(
    bench: Workbench, pieces: CountedBytes, spare: CountedBytes, target: int, allowed: Allowed | None = None
) -> Refined:
    """Count the pieces as a tokenizer segments, by probability; and keep ``target`` pieces that it uses.

    A tokenizer never uses a piece whose parts together are more probable, even if that saves tokens. Such pieces are
    replaced by the last of ``spare``, and if there are none, by pairs. So are pieces that are tokens of one document
    only, where these are too many. ``allowed`` tells which pairs may fill gaps; None: all.
    """
    return _Settling(bench, pieces, spare, target, allowed).run()


class _Settling:
    """The vocabulary while it settles.

    Beside its pieces: spares to fill gaps with, spares that were taken, the last ones first, and useless pieces.
    """

    def __init__(
        self, bench: Workbench, pieces: CountedBytes, spare: CountedBytes, target: int, allowed: Allowed | None
    ) -> None:
        self._bench = bench
        self._pieces = pieces
        self._spare = spare
        self._target = target
        self._allowed = allowed
        self._taken = self._useless = spare.slice(0, 0)

    def run(self) -> Refined:
        step = 0
        while True:
            automaton = self._replace_useless()
            segmented = self._bench.segment_with(automaton, self._pieces)
            pieces = segmented.pieces
            used = (pieces.counts > 0) | (pieces.lengths == 1)
            single = self._exchangeable(segmented) if step < EXCHANGES else np.zeros(0, dtype=np.int64)
            wanted = used.copy()
            wanted[single] = False
            step += 1
            if wanted.sum() >= self._target or (wanted.all() and step > SETTLING_STEPS):
                return self._finish(pieces, wanted)
            self._useless = self._useless.add(pieces.select(np.flatnonzero(~used)))
            # They come back if nothing else is left that is of use.
            self._spare = CountedBytes.join([pieces.select(single), self._spare])
            kept = np.flatnonzero(wanted)
            self._pieces = pieces.select(kept)
            if step > SETTLING_STEPS:
                self._spare = self._spare.slice(0, 0)
            elif not len(self._spare):
                self._pieces = fill_gaps(
                    self._bench, segmented.select(kept), self._target, self._useless, self._allowed
                )
                if len(self._pieces) == len(kept):
                    step = SETTLING_STEPS  # there is nothing left to try

    def _finish(self, pieces: CountedBytes, wanted: NDArray[np.bool_]) -> Refined:
        """Keep what is wanted, but not more than the target: the last spares go that were taken, and are cut."""
        numbers = {piece: number for number, piece in enumerate(pieces.to_list()) if wanted[number]}
        taken = [numbers[piece] for piece in dict.fromkeys(self._taken.to_list()) if piece in numbers]
        wanted[taken[: max(0, int(wanted.sum()) - self._target)]] = False
        kept, others = np.flatnonzero(wanted), np.flatnonzero(~wanted & (pieces.counts > 0))
        counted = _counted_once(pieces.select(kept))
        if len(others):
            counted = with_uses(counted, [pieces.select(others)], self._bench.threads)
        return Refined(counted, self._pieces.select(kept))

    def _replace_useless(self) -> Automaton:
        """Replace the pieces whose parts together are more probable, until there are none; returns the automaton."""
        while True:
            missing = self._target + int(MORE * self._target) - len(self._pieces)
            if missing > 0 and len(self._spare):
                n = max(0, len(self._spare) - missing)
                taken, self._spare = self._spare.slice(n, len(self._spare)), self._spare.slice(0, n)
                self._pieces = self._pieces.add(by_bytes(taken))
                self._taken = CountedBytes.join([taken, self._taken])
            self._pieces = _counted_once(self._pieces)
            automaton = automaton_of(self._pieces)
            counts = count_uses_in(automaton, self._pieces, self._bench.threads)
            if counts.all():
                return automaton
            self._useless = self._useless.add(self._pieces.select(np.flatnonzero(counts == 0)))
            self._pieces = self._pieces.with_counts(counts).select(np.flatnonzero(counts))

    def _exchangeable(self, segmented: Segmented) -> NDArray[np.int64]:
        """The pieces to replace because they are tokens of one document only; none if there are not enough others."""
        single = self._bench.spread.single_tokens(segmented.pieces, segmented.tokens, self._target)
        return single if len(single) <= len(self._spare) else single[:0]


def _counted_once(pieces: CountedBytes) -> CountedBytes:
    """Every piece needs a probability: those that are no token count as one."""
    return pieces.with_counts(np.maximum(pieces.counts, 1).astype(np.uint64))
