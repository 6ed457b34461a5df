r"""Pieces of several words, which refinement learns last, where words bound all that it learns before.

Frequent phrases are worth a piece, and most words are not better learned as parts of one. So the vocabulary of words
comes first, with room for a share of phrases:

    grow     |one| of| the|  →  add the pairs of neighbours on both sides of a border that gain most: " of the"
    prune    drop phrases, one by one, until they are no more than their share

The two stages are those of SuperBPE (Liu et al. 2025, https://arxiv.org/abs/2503.13423) and BoundlessBPE (Schmidt et
al. 2025, https://arxiv.org/abs/2504.00178), where merges across spaces follow those within words.

Which strings may be phrases was found by trial, see `benchmarks/language_model.md`. A phrase begins where words begin,
so not with a letter; it does not end with a space, which may lead the next word; it has no digit; and it has no letter
of a script without spaces between words: in Chinese, phrases cost a language model more than they save.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.packed import CountedBytes, PackedBytes
from bytepiece.core.words import cut_words
from bytepiece.text.character_classes import LETTER, NUMBER, SPACE, class_table, unspaced_table
from bytepiece.training.refinement.growing import Allowed, grow
from bytepiece.training.refinement.kernels.pairs import LEFT, RIGHT
from bytepiece.training.refinement.kernels.sample import Sample
from bytepiece.training.refinement.loss_pruning import prune_by_loss
from bytepiece.training.refinement.workbench import NAT, Workbench

__all__ = [
    "LINES",
    "PARTS_OF_WORDS",
    "add_phrases",
    "default_share",
    "in_lines",
    "is_phrase",
    "is_within_word",
    "most_phrases",
]

DEFAULT_SHARE, WITH_PHRASES = 0.02, 32_000
"""The share of phrases where the user does not say, and the least ids of a vocabulary that has them. With fewer ids,
more words make tokens as long for fewer bits (`benchmarks/language_model.md`)."""

LINES = 0.25
"""From how much of the sample phrases are learned. Few lines occur twice, so learning from them takes more time and
memory than from words; and phrases are frequent. Their counts are scaled to all text."""

TOKEN_COST = 8 * NAT
"""What a token costs in this stage beside -log(probability), if not more: phrases are there for shorter sequences."""

GROWTH = (1.0, 2.0)
"""How many phrases there are after each step of growth, in parts of the most that may stay: the second step joins those
of the first to longer ones, and leaves pruning a choice."""


def default_share(size: int) -> float:
    """The share of phrases in a vocabulary of so many ids, where the user does not say."""
    return DEFAULT_SHARE if size >= WITH_PHRASES else 0.0


def in_lines(bench: Workbench, lines: Sample) -> Workbench:
    """A bench for phrases, with the sample of ``bench`` in lines; its pieces are characters."""
    cost = max(bench.token_cost, TOKEN_COST)
    return Workbench(lines, bench.max_piece_length, True, cost, bench.threads, bench.advance, bench.scarcity)


def most_phrases(size: int, share: float) -> int:
    """How many phrases a vocabulary of ``size`` pieces may have: a share of those of two bytes or more."""
    return int(share * (size - 256))


def add_phrases(bench: Workbench, words: CountedBytes, most: int, text_bytes: int) -> CountedBytes:
    """Add up to ``most`` phrases to a vocabulary of ``words``, which are in the order of their bytes.

    The bench is one of lines, see `in_lines`. The phrases are counted as if there were ``text_bytes`` of such text.
    Words keep their counts.
    """
    segmented = bench.segment(words)
    for growth in GROWTH:
        grown = grow(bench, segmented, len(words) + int(growth * most), PHRASES)
        del segmented  # it would be in memory twice
        segmented = bench.segment(grown)
    excess = len(segmented.pieces) - len(words) - most
    if excess > 0:
        segmented, _ = prune_by_loss(bench, segmented, len(words) + most, _are_new(segmented.pieces, words))
    pieces = segmented.pieces
    counts = (pieces.counts * (text_bytes / bench.sample.text_bytes)).astype(np.uint64)
    counts[~_are_new(pieces, words)] = words.counts
    return pieces.with_counts(counts)


def _are_new(pieces: CountedBytes, words: CountedBytes) -> NDArray[np.bool_]:
    """Which pieces are not among the words, which all are pieces."""
    both = pieces.with_counts(np.ones(len(pieces), dtype=np.uint64)).add(
        words.with_counts(np.ones(len(words), dtype=np.uint64))
    )
    return np.asarray(both.counts == 1)


def is_part_of_word(strings: PackedBytes) -> NDArray[np.bool_]:
    """Which strings, all valid UTF-8 and not empty, may be parts of one word that is no number."""
    return is_within_word(strings) & ~_any(strings, class_table() == NUMBER)


def is_phrase(strings: PackedBytes) -> NDArray[np.bool_]:
    """Which strings, all valid UTF-8 and not empty, may be phrases: see above."""
    return np.asarray((_sides_of_phrases(strings) == LEFT | RIGHT) & ~is_within_word(strings))


def _sides_of_phrases(strings: PackedBytes) -> NDArray[np.uint8]:
    """On which sides of a phrase strings may be, all valid UTF-8 and not empty."""
    kinds = class_table()[_codes(strings)]
    begins = _first_characters(strings)
    first, last = kinds[begins[:-1]], kinds[begins[1:] - 1]
    barred = _any(strings, (class_table() == NUMBER) | unspaced_table())
    return np.asarray((LEFT * (first != LETTER) + RIGHT * (last != SPACE)) * ~barred).astype(np.uint8)


def _sides_of_words(strings: PackedBytes) -> NDArray[np.uint8]:
    """On which sides of a part of a word strings may be: the rest is known when they are joined."""
    return np.full(len(strings), LEFT | RIGHT, dtype=np.uint8)


def is_within_word(strings: PackedBytes) -> NDArray[np.bool_]:
    """Which strings, all valid UTF-8, may be part of one word."""
    # With a letter before it, an apostrophe joins the letters after it.
    offsets = strings.offsets + np.arange(len(strings) + 1)
    data = np.insert(strings.data, strings.offsets[:-1], ord("a"))
    ends = cut_words(data.tobytes(), 0, offsets[1:], class_table())
    begin = np.searchsorted(ends, offsets[:-1] + 1, side="right")
    return np.asarray(begin == np.searchsorted(ends, offsets[1:]))


def _any(strings: PackedBytes, wanted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which strings have a character that is ``wanted``, which tells it for each code point."""
    return np.logical_or.reduceat(wanted[_codes(strings)], _first_characters(strings)[:-1])


def _codes(strings: PackedBytes) -> NDArray[np.uint32]:
    """The code points of all strings, one string after the other."""
    return np.frombuffer(strings.data.tobytes().decode().encode("utf-32-le"), dtype="<u4")


def _first_characters(strings: PackedBytes) -> NDArray[np.int64]:
    """For each string the number of its first character among those of all; and in the end the number of all."""
    starts = (strings.data & 0xC0) != 0x80
    return np.concatenate([[0], np.cumsum(starts)])[strings.offsets]


PARTS_OF_WORDS = Allowed(is_part_of_word, _sides_of_words)
PHRASES = Allowed(is_phrase, _sides_of_phrases)
