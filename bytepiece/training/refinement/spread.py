"""How widespread pieces are: what few documents have may be chance, and of no use elsewhere."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import Automaton
from bytepiece.core.packed import CountedBytes
from bytepiece.training.refinement.kernels.characters import character_documents, least_of_characters
from bytepiece.training.refinement.kernels.documents import NO_DOCUMENT, SEVERAL, string_documents, token_documents
from bytepiece.training.refinement.kernels.sample import Sample, Tokens
from bytepiece.training.refinement.sample import MANY_DOCUMENTS
from bytepiece.training.workers import Threads

__all__ = ["Spread"]

FEW_DOCUMENTS = 8
"""A character in fewer documents than this is rare, and a piece with it may be in few documents without being chance.
A corpus of fewer documents tells nothing about chance."""

SINGLE_SHARE, MOST_SINGLE = 0.009, 0.0099
"""Where too many pieces of two bytes or more are in one document only, this share of them stays, `SINGLE_SHARE`. When
pieces are dropped, their strings are looked at. After the last count it is their tokens, in samples of `MANY_DOCUMENTS`
or more, and more than `MOST_SINGLE` are too many."""


class Spread:
    """How widespread pieces are in a sample.

    Args:
        sample: the sample.
        shares: the segments that each thread looks at.
        threads: the threads.

    Attributes:
        tells_chance: whether the sample has enough documents to tell what may be chance.
    """

    def __init__(self, sample: Sample, shares: list[tuple[int, int]], threads: Threads) -> None:
        self._sample = sample
        self._shares = shares
        self._threads = threads
        self.tells_chance = sample.n_documents >= FEW_DOCUMENTS

    @cached_property
    def _character_documents(self) -> NDArray[np.uint32]:
        return character_documents(self._sample, FEW_DOCUMENTS)

    def rarest(self, pieces: CountedBytes) -> NDArray[np.uint32]:
        """For each piece, the number of documents with its rarest character; `FEW_DOCUMENTS` or more are COMMON.

        All are 0, as if no piece were chance, if the sample tells nothing about that.
        """
        if not self.tells_chance:
            return np.zeros(len(pieces), dtype=np.uint32)
        return least_of_characters(pieces, self._character_documents, FEW_DOCUMENTS)

    def single_strings(self, pieces: CountedBytes, tokens: Tokens, target: int) -> NDArray[np.bool_]:
        """Which pieces are in one document only, as strings, beyond `SINGLE_SHARE` of ``target``.

        Pieces that are tokens of several documents are not, so few are left to be searched for.
        """
        single = np.zeros(len(pieces), dtype=np.bool_)
        if not self.tells_chance:
            return single
        doubtful = self._token_documents(tokens) != SEVERAL
        # An automaton needs all single bytes.
        numbers = np.flatnonzero(doubtful | (pieces.lengths == 1))
        searched = pieces.select(numbers)
        automaton = Automaton(searched, np.zeros(len(searched)))
        found = _merge(self._threads.map(lambda share: string_documents(automaton, self._sample, *share), self._shares))
        numbers = numbers[(found != SEVERAL) & (searched.lengths > 1)]
        single[self._best_first(pieces, numbers)[_allowed(SINGLE_SHARE, target) :]] = True
        return single

    def single_tokens(self, pieces: CountedBytes, tokens: Tokens, target: int) -> NDArray[np.int64]:
        """The numbers of the pieces that are tokens of one document only, beyond `SINGLE_SHARE` of ``target``.

        None if no more than `MOST_SINGLE` of ``target`` are, or if the sample has fewer than `MANY_DOCUMENTS`.
        """
        nothing = np.zeros(0, dtype=np.int64)
        if self._sample.n_documents < MANY_DOCUMENTS:
            return nothing
        found = self._token_documents(tokens)
        single = np.flatnonzero((found != NO_DOCUMENT) & (found != SEVERAL) & (pieces.lengths > 1))
        if len(single) <= MOST_SINGLE * (target - 256):
            return nothing
        return self._best_first(pieces, single)[_allowed(SINGLE_SHARE, target) :]

    def _token_documents(self, tokens: Tokens) -> NDArray[np.uint32]:
        return _merge(self._threads.map(lambda share: token_documents(tokens, *share), self._shares))

    def _best_first(self, pieces: CountedBytes, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Order pieces that are in one document only: the frequent first, and those of rare characters."""
        rarest = self.rarest(pieces)[numbers]
        chance = np.where(rarest >= FEW_DOCUMENTS, 1.0, (rarest - 1.0) / np.maximum(rarest, 1))
        return numbers[np.argsort(-(pieces.counts[numbers] * (1.01 - chance)), kind="stable")]


def _merge(parts: list[NDArray[np.uint32]]) -> NDArray[np.uint32]:
    """The documents of pieces, from those in several parts of the sample."""
    merged = parts[0]
    for part in parts[1:]:
        same = (part == NO_DOCUMENT) | (part == merged)
        merged = np.where(merged == NO_DOCUMENT, part, np.where(same, merged, np.uint32(SEVERAL)))
    return merged


def _allowed(share: float, target: int) -> int:
    """A share of the pieces of two bytes or more, of ``target`` pieces."""
    return int(share * (target - 256))
