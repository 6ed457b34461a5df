"""How much pieces count, by how much text there is of their script.

A piece makes text likelier by as much in one script as in another. But a language model has to learn what stands before
and after it. In a script with little text, words are rare, and their neighbours are new each time: there, a model pays
less for short pieces. So gains and losses are multiplied by a weight, which is the less, the less text there is:

    weight = text / (text + scarce)

Here, text is the bytes of all letters of the script in the corpus, and scarce is `SCARCE`. With 50 MB of text in each
script, weights hardly matter any more. In a small corpus scarce is `SCARCE_SHARE` of the text in the script that has
most, so that a second language does not count as scarce. All weights are divided by that of this script: a corpus in
one script is refined as if there were no weights.

Single characters have full weight, as do pieces without letters, and parts of characters. A piece with letters of
several scripts has the weight of the scarcest one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.packed import PackedBytes
from bytepiece.text.scripts import NO_SCRIPT, script_table
from bytepiece.training.refinement.kernels.characters import character_bytes, least_of_characters
from bytepiece.training.refinement.kernels.sample import Sample

__all__ = ["Scarcity"]

SCARCE, SCARCE_SHARE = 10**6, 1 / 16
"""With so many bytes of text in its script, or such a share of those in the largest script if that is less, a piece has
half of the weight. `benchmarks/language_model.md` has the trials."""

FULL = 2**16
"""Weights are whole numbers, in parts of this, so that they are the same on all machines."""

_CHARACTER_LENGTHS = np.repeat(np.arange(1, 5), [0xC0, 0x20, 0x10, 0x10])
"""How long a character is, by its first byte."""


class Scarcity:
    """How much the pieces of each script count.

    Args:
        sample: a sample of the corpus.
        corpus_bytes: about how many bytes the whole corpus has.
    """

    def __init__(self, sample: Sample, corpus_bytes: int) -> None:
        scripts = script_table()
        found = np.zeros(1 + int(scripts.max()), dtype=np.uint64)
        np.add.at(found, scripts, character_bytes(sample)[:-1])
        text = [n * corpus_bytes // max(sample.text_bytes, 1) for n in found.tolist()]
        text[NO_SCRIPT] = 0
        most = max(1, *text)
        scarce = min(SCARCE, int(SCARCE_SHARE * most))
        weights = [FULL * n * (most + scarce) // (most * max(1, n + scarce)) for n in text]
        weights[NO_SCRIPT] = FULL
        # One more item, for invalid bytes.
        self._weights = np.append(np.array(weights, dtype=np.uint32)[scripts], np.uint32(FULL))

    def weights(self, pieces: PackedBytes) -> NDArray[np.float64]:
        """What the gain or loss of each piece is multiplied by, from 0 to 1; no piece is empty."""
        least = least_of_characters(pieces, self._weights, FULL)
        single = pieces.lengths <= _CHARACTER_LENGTHS[pieces.data[pieces.offsets[:-1]]]
        return np.where(single | (least >= FULL), 1.0, least / FULL)
