"""Counting the tokens of documents."""

from __future__ import annotations

from math import nan

import numpy as np
from numpy.typing import NDArray

from bytepiece.analysis.figures import Figures
from bytepiece.model.model import Model

__all__ = ["Tally"]

RENYI_ORDER = 2.5
"""The order whose efficiency agrees best with the quality of translation, found by Zouhar et al."""

N_LONGEST = 10
"""How many of the longest pieces are shown."""


class Tally:
    """The tokens of some documents, counted by piece.

    For each piece it also keeps the first and the last document that has it, which are the same for a piece that only
    one document has.

    Attributes:
        documents: the number of documents.
        n_bytes: their length in bytes.
        characters: their length in characters; the caller counts them.
    """

    def __init__(self, model: Model) -> None:
        self._packed = model.packed
        self._first_id = model.first_id
        self._lengths = self._packed.lengths
        n_pieces = len(self._lengths)
        self._counts = np.zeros(n_pieces, dtype=np.int64)
        self._first = np.full(n_pieces, -1, dtype=np.int64)  # -1 where no document has the piece
        self._last = np.full(n_pieces, -1, dtype=np.int64)
        self.documents = self.n_bytes = self.characters = 0

    def add(self, texts: list[bytes], ids: NDArray[np.uint32], offsets: NDArray[np.int64]) -> None:
        """Count the tokens of further documents: document ``k`` has ``ids[offsets[k]:offsets[k + 1]]``."""
        pieces = ids.astype(np.int64) - self._first_id
        documents = np.repeat(np.arange(self.documents, self.documents + len(texts)), np.diff(offsets))
        self._counts += np.bincount(pieces, minlength=len(self._counts))
        # Of several values that NumPy assigns to one place, the last one stays. So the first document of a piece is
        # assigned in reverse order.
        self._last[pieces] = documents
        new = np.flatnonzero(self._first[pieces] < 0)[::-1]
        self._first[pieces[new]] = documents[new]
        self.documents += len(texts)
        self.n_bytes += sum(map(len, texts))

    def merge(self, other: Tally) -> None:
        """Add the documents of another tally, which come after these."""
        new = np.flatnonzero(self._first < 0)
        seen = np.flatnonzero(other._first >= 0)
        self._first[new] = np.where(other._first[new] < 0, -1, other._first[new] + self.documents)
        self._last[seen] = other._last[seen] + self.documents
        self._counts += other._counts
        self.documents += other.documents
        self.n_bytes += other.n_bytes
        self.characters += other.characters

    def figures(self) -> Figures:
        """The figures of all documents so far."""
        used, multiple = self._counts > 0, self._lengths > 1
        return Figures(
            documents=self.documents,
            n_bytes=self.n_bytes,
            characters=self.characters,
            tokens=int(self._counts.sum()),
            single_byte_tokens=int(self._counts[~multiple].sum()),
            pieces=int(multiple.sum()),
            unused_pieces=int((multiple & ~used).sum()),
            one_document_pieces=int((multiple & used & (self._first == self._last)).sum()),
            renyi_efficiency=_renyi_efficiency(self._counts[used]),
            longest_pieces=self._longest(np.flatnonzero(used)),
        )

    def _longest(self, numbers: NDArray[np.int64]) -> tuple[bytes, ...]:
        if len(numbers) > N_LONGEST:
            # Keep all pieces that can be among the longest: of the same length, their bytes decide.
            lengths = self._lengths[numbers]
            numbers = numbers[lengths >= np.partition(lengths, -N_LONGEST)[-N_LONGEST]]
        pieces = [self._packed.item(k) for k in numbers]
        return tuple(sorted(pieces, key=lambda piece: (-len(piece), piece))[:N_LONGEST])


def _renyi_efficiency(counts: NDArray[np.int64]) -> float:
    """The efficiency of tokens with these counts, which are positive."""
    if len(counts) == 0:
        return nan
    if len(counts) == 1:
        return 0.0
    shares = counts / counts.sum()
    return float(np.log(np.sum(shares**RENYI_ORDER)) / (1 - RENYI_ORDER) / np.log(len(counts)))
