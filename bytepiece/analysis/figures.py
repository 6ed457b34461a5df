"""The figures of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

__all__ = ["Figures", "ratio"]


@dataclass(frozen=True)
class Figures:
    """How a model cuts some documents. A ratio is ``nan`` where its divisor is 0.

    Attributes:
        documents: the number of documents.
        n_bytes: their length in bytes of UTF-8, before the model normalizes.
        characters: their length in code points, before the model normalizes.
        tokens: the number of their ids, without ``<bos>`` and ``<eos>``.
        single_byte_tokens: how many of the tokens are single bytes, ASCII letters among them.
        pieces: how many pieces of two bytes or more the model has.
        unused_pieces: how many of these are not tokens of any document.
        one_document_pieces: how many of these are tokens of exactly one document, once or more often.
        renyi_efficiency: how evenly the pieces are used, 0 to 1: the Rényi entropy of order 2.5 of the tokens, divided
            by the logarithm of the number of distinct tokens. See Zouhar et al. 2023, "Tokenization and the Noiseless
            Channel".
        longest_pieces: the ten longest pieces that are tokens; pieces of the same length in the order of their bytes.
    """

    documents: int
    n_bytes: int
    characters: int
    tokens: int
    single_byte_tokens: int
    pieces: int
    unused_pieces: int
    one_document_pieces: int
    renyi_efficiency: float
    longest_pieces: tuple[bytes, ...]

    @property
    def bytes_per_token(self) -> float:
        """The compression."""
        return ratio(self.n_bytes, self.tokens)

    @property
    def characters_per_token(self) -> float:
        """The compression, in characters."""
        return ratio(self.characters, self.tokens)

    @property
    def tokens_per_document(self) -> float:
        """The mean number of tokens of a document."""
        return ratio(self.tokens, self.documents)

    @property
    def single_byte_share(self) -> float:
        """The share of single bytes among the tokens, 0 to 1."""
        return ratio(self.single_byte_tokens, self.tokens)

    @property
    def one_document_share(self) -> float:
        """The share of the used pieces that only one document uses, 0 to 1.

        It counts pieces of two bytes or more. On the training corpus it tells how much was learned by heart.
        """
        return ratio(self.one_document_pieces, self.pieces - self.unused_pieces)


def ratio(dividend: float, divisor: float) -> float:
    """The quotient, or ``nan`` where the divisor is 0."""
    return dividend / divisor if divisor else nan
