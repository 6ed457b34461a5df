"""How a vocabulary is pruned back to its size: the pieces go whose loss is least, see `Pruner`."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import Automaton
from bytepiece.core.packed import CountedBytes
from bytepiece.training.refinement.kernels.pruner import Pruner
from bytepiece.training.refinement.kernels.sample import Pieces
from bytepiece.training.refinement.kernels.windows import additional_costs
from bytepiece.training.refinement.workbench import Segmented, Workbench
from bytepiece.training.workers import Threads

__all__ = ["drop_pieces", "prune_by_loss"]

WINDOWS = 8
"""At how many places the loss of a piece is measured."""

LEEWAY = 2
"""A piece is a candidate if its loss, as first estimated, is at most so many times the loss up to which just enough
pieces would go."""

SPARE = 1000
"""How many of the pieces that were dropped last are kept to fill gaps."""

PENALTY = 1e16
"""What is taken from the loss of a piece of one document only, where there are too many: they go first."""

CHUNK = 1000
"""Pieces are dropped so many at a time; between, an interrupt by the user is noticed."""

SET_ASIDE = 1 / 16
"""Pieces whose loss is out of date are set aside and measured together by all threads: at most this share of those
still to be dropped. Meanwhile they stay. Near the end few are set aside, so the last pieces go in order."""

HAND = 32
"""The least pieces that are worth a thread."""


def prune_by_loss(
    bench: Workbench, segmented: Segmented, target: int, droppable: NDArray[np.bool_] | None = None
) -> tuple[Segmented, CountedBytes]:
    """Drop pieces one by one until ``target`` are left; see `Pruner`.

    ``droppable`` are those that may go, all of them in several documents; None: any may go. Returns the rest, and the
    `SPARE` pieces that were dropped last, in the order in which they were.
    """
    left, ids, ends, spare = _drop(bench, segmented, target, droppable)
    bench.advance(1)
    return bench.counted(segmented.pieces.select(left), ids, ends), spare


def _drop(
    bench: Workbench, segmented: Segmented, target: int, droppable: NDArray[np.bool_] | None
) -> tuple[NDArray[np.int64], NDArray[np.uint32], NDArray[np.int64], CountedBytes]:
    """The numbers of the pieces that are left, the new segmentation, and the pieces that were dropped last.

    A function of its own, so that the memory of the `Pruner` is free when it returns.
    """
    pieces, tokens = segmented.pieces, segmented.tokens
    excess = len(pieces) - target
    costs = bench.costs(pieces)
    automaton = segmented.automaton or bench.automaton(pieces, costs)  # its scores, which are older, do not matter
    single = np.zeros(len(pieces), dtype=np.bool_)
    if droppable is None:
        single = bench.spread.single_strings(pieces, tokens, target)
    weights = bench.weights(pieces)
    pruner = Pruner(automaton, tokens, costs, bench.spread.rarest(pieces), weights, np.where(single, PENALTY, 0.0))
    losses = weights * (_first_sight(bench, automaton, tokens.pieces, costs) * pieces.counts.astype(np.int64))
    multiple = pieces.lengths > 1 if droppable is None else (pieces.lengths > 1) & droppable
    suffices = np.partition(losses[multiple], excess - 1)[excess - 1]
    enough = max(suffices, LEEWAY * suffices)  # it is negative where pieces are of no use
    candidates = np.flatnonzero(multiple & ((losses <= enough) | single))
    dropped, counts = drop_pieces(bench.threads, pruner, candidates, excess)
    dropped, counts = dropped[-SPARE:], counts[-SPARE:]
    spare = pieces.select(dropped).with_counts(np.maximum(counts, 1).astype(np.uint64))
    return pruner.left(), *pruner.segmentation(), spare


def drop_pieces(
    threads: Threads, pruner: Pruner, candidates: NDArray[np.int64], number: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Drop ``number`` of the candidates, or all there are; returns them in that order, and their counts."""
    dropped, counts, stale = [], [], candidates
    while True:
        # Dealt out like cards, so that each thread has as many of the frequent pieces.
        n = min(threads.n, 1 + len(stale) // HAND)
        hands = [stale[k::n].copy() for k in range(n)]
        threads.map(lambda hand: pruner.estimate(hand, WINDOWS), hands)
        pruner.consider(stale)
        some, their_counts, stale = pruner.drop(min(CHUNK, number), 1 + int(SET_ASIDE * number))
        dropped.append(some)
        counts.append(their_counts)
        number -= len(some)
        if number == 0 or len(some) == len(stale) == 0:
            break
    return np.concatenate(dropped), np.concatenate(counts)


def _first_sight(bench: Workbench, automaton: Automaton, table: Pieces, costs: NDArray[np.uint32]) -> NDArray[np.int64]:
    """How much more the bytes of each piece cost without itself."""
    n = bench.threads.n
    shares = list(pairwise(len(table) * k // n for k in range(n + 1)))
    return np.concatenate(bench.threads.map(lambda share: additional_costs(automaton, table, costs, *share), shares))
