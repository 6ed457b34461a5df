"""A text and its pieces, to look at in a notebook or on a terminal."""

from __future__ import annotations

import html
from collections.abc import Sequence

from bytepiece.encoding.special import Names
from bytepiece.text.coloured import in_html, in_terminal
from bytepiece.text.display import escape_piece
from bytepiece.tokenizer import Tokenizer

__all__ = ["Shown", "show"]


class Shown:
    """The pieces of a text: coloured in a notebook and where they are printed.

    Attributes:
        pieces: ``bytes``, and special tokens as ``str``.
        n_bytes: how many bytes they have, special tokens without.
    """

    def __init__(self, pieces: Sequence[bytes | str]) -> None:
        self.pieces = tuple(pieces)
        self.n_bytes = sum(len(piece) for piece in self.pieces if isinstance(piece, bytes))

    def _repr_html_(self) -> str:
        per = f", {self.n_bytes / len(self.pieces):.2f} bytes per token" if self.pieces else ""
        figures = html.escape(f"{len(self.pieces)} tokens, {self.n_bytes} bytes{per}")
        return f'{in_html(self.pieces)}<div style="opacity:0.7;font-size:smaller">{figures}</div>'

    def __str__(self) -> str:
        return in_terminal(self.pieces)

    def __repr__(self) -> str:
        shown = (escape_piece(piece if isinstance(piece, bytes) else piece.encode()) for piece in self.pieces)
        return f"<{'|'.join(shown)}>"


def show(tokenizer: Tokenizer, text: str | bytes, *, allowed_special: Names = ()) -> Shown:
    """The pieces of a text, to look at: coloured in a notebook, and where they are printed.

    Args:
        tokenizer: the tokenizer that cuts the text.
        text: ``str`` or ``bytes``; lone surrogates count as U+FFFD.
        allowed_special: the special tokens that are found in the text, names or ``"all"``.

    Raises what `Tokenizer.encode` raises.

    >>> from bytepiece import Model, Tokenizer, show
    >>> show(Tokenizer(Model.from_counts({"he": 20, "llo": 30})), "hello")
    <he|llo>
    """
    ids = tokenizer.encode(text, allowed_special=allowed_special, errors="replace")
    return Shown(tokenizer.ids_to_pieces(ids))
