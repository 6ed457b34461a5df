"""How much pieces count, by how much text there is of their script.

A piece makes text likelier by as much in one script as in another. But a language model has to learn what stands before
and after it. In a script with little text, words are rare, and their neighbours are new each time: there, a model pays
less for short pieces. So gains and losses are multiplied by a weight, which is the less, the less text there is:

    weight = text / (text + SCARCE)

Here, text is the bytes of all letters of the script in the corpus. The weights are divided by that of the script with
the most text, so a corpus in one script is refined as if there were none. With 50 MB of text in each script, they hardly
matter any more.

Single characters and pieces without letters have full weight. A piece with letters of several scripts has that of the
scarcest one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.packed import PackedBytes
from bytepiece.text.scripts import NO_SCRIPT, script_table
from bytepiece.training.refinement.kernels.characters import character_bytes, least_of_characters
from bytepiece.training.refinement.kernels.sample import Pieces, Sample

__all__ = ["Scarcity"]

SCARCE = 10**6
"""With so many bytes of text in its script, a piece has half of the weight. `benchmarks/language_model.md` has the
trials."""

FULL = 2**16
"""Weights are whole numbers, in parts of this, so that they are the same on all machines."""


class Scarcity:
    """How much the pieces of each script count.

    Args:
        sample: a sample of the corpus.
        corpus_bytes: the bytes of the whole corpus.
    """

    def __init__(self, sample: Sample, corpus_bytes: int) -> None:
        scripts = script_table()
        found = np.zeros(1 + int(scripts.max()), dtype=np.uint64)
        np.add.at(found, scripts, character_bytes(sample)[:-1])
        text = [n * corpus_bytes // max(sample.text_bytes, 1) for n in found.tolist()]
        text[NO_SCRIPT] = 0
        most = max(1, *text)
        weights = [FULL * n * (most + SCARCE) // (most * (n + SCARCE)) for n in text]
        weights[NO_SCRIPT] = FULL
        # One more item, for invalid bytes.
        self._weights = np.append(np.array(weights, dtype=np.uint32)[scripts], np.uint32(FULL))

    def weights(self, pieces: PackedBytes) -> NDArray[np.float64]:
        """What the gain or loss of each piece is multiplied by, from 0 to 1; no piece is empty."""
        least = least_of_characters(Pieces(pieces), self._weights, FULL)
        n_characters = np.add.reduceat((pieces.data & 0xC0) != 0x80, pieces.offsets[:-1], dtype=np.int64)
        return np.where((n_characters > 1) & (least < FULL), least / FULL, 1.0)
