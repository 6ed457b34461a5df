"""How a vocabulary is pruned back to its size: the pieces go without which the sample costs least."""

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

__all__ = ["prune_by_loss"]

WINDOWS, FIRST_WINDOWS = 8, 4
"""At how many places the loss of a piece is measured, and for a first estimate."""

LEEWAY = 2
"""Candidates are the pieces whose loss at first sight is no more than so many times what would suffice."""

SPARE = 1000
"""How many of the pieces that were dropped last are kept to fill gaps."""

PENALTY = 1e16
"""What is taken from the loss of a piece of one document only, where there are too many: they go first."""

CHUNK = 1000
"""Pieces are dropped so many at a time; between, an interrupt by the user is noticed."""


def prune_by_loss(
    bench: Workbench, segmented: Segmented, target: int, droppable: NDArray[np.bool_] | None = None
) -> tuple[Segmented, CountedBytes]:
    """Drop pieces one by one until ``target`` are left; see `Pruner`. ``droppable`` are those that may go, or all.

    Returns the rest, and the `SPARE` pieces that were dropped last, in the order in which they were.
    """
    pruned, left, spare = _drop(bench, segmented, target, droppable)
    bench.advance(1)
    return Segmented.of(bench.sample, *pruned.select(left)), spare


def _drop(
    bench: Workbench, segmented: Segmented, target: int, droppable: NDArray[np.bool_] | None
) -> tuple[Segmented, NDArray[np.int64], CountedBytes]:
    """The new segmentation, still by numbers of all pieces, the pieces that are left, and the last that were dropped.

    A function of its own, so that the memory of the `Pruner` is free when it returns.
    """
    pieces = segmented.pieces
    excess = len(pieces) - target
    costs, table = bench.costs(pieces), Pieces(pieces)
    automaton = bench.automaton(pieces, costs)
    single = bench.spread.single_strings(*segmented, target)
    pruner = Pruner(
        automaton,
        bench.sample,
        table,
        costs,
        segmented.ids,
        segmented.ends,
        bench.spread.rarest(pieces),
        np.where(single, PENALTY, 0.0),
    )
    losses = _first_sight(bench, automaton, table, costs) * pieces.counts.astype(np.int64)
    multiple = pieces.lengths > 1 if droppable is None else (pieces.lengths > 1) & droppable
    suffices = np.partition(losses[multiple], excess - 1)[excess - 1]
    enough = max(suffices, LEEWAY * suffices)  # it is negative where pieces are of no use
    candidates = np.flatnonzero(multiple & ((losses <= enough) | single))
    # Dealt out like cards, so that each worker has as many of the frequent pieces.
    hands = [candidates[k :: bench.threads.n].copy() for k in range(bench.threads.n)]
    bench.threads.map(lambda hand: pruner.estimate(hand, WINDOWS, FIRST_WINDOWS), hands)
    pruner.consider(candidates)
    chunks = [pruner.drop(min(CHUNK, excess - done), WINDOWS) for done in range(0, excess, CHUNK)]
    dropped, counts = (np.concatenate(arrays)[-SPARE:] for arrays in zip(*chunks, strict=True))
    spare = pieces.select(dropped).with_counts(np.maximum(counts, 1).astype(np.uint64))
    return Segmented(pieces, *pruner.segmentation()), pruner.left(), spare


def _first_sight(bench: Workbench, automaton: Automaton, table: Pieces, costs: NDArray[np.uint32]) -> NDArray[np.int64]:
    """How much more the bytes of each piece cost without itself."""
    n = bench.threads.n
    shares = list(pairwise(len(table) * k // n for k in range(n + 1)))
    return np.concatenate(bench.threads.map(lambda share: additional_costs(automaton, table, costs, *share), shares))
