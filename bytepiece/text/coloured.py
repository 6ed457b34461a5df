"""Pieces in colour, for terminals and notebooks. A piece has the same colour everywhere, in the page of `view` too."""

from __future__ import annotations

import html
from collections.abc import Iterable

from bytepiece.text.display import escape_piece

__all__ = ["colour_of", "in_html", "in_terminal"]

# Eight colours that differ for the colour-blind too, after Paul Tol's light scheme; those of `page/style.css`, and the
# nearest of a terminal's 256. With black text, both can be read on light and on dark ground.
_COLOURS = ("#bcd9f5", "#ffdd9e", "#b9e6d0", "#f9c9d4", "#e4e79c", "#dacff2", "#f8cfb1", "#c5eef6")
_TERMINAL = (153, 222, 151, 218, 186, 189, 216, 159)

_TEXT_STYLE = "font-family:monospace;line-height:2;white-space:pre-wrap;overflow-wrap:anywhere"
_PIECE_STYLE = "color:#1f2328;padding:2px 1px;margin:0 1px;border-radius:4px"
_SPECIAL_STYLE = f"{_PIECE_STYLE};background:#fff;border:1px dashed #62666d;font-weight:bold"


def colour_of(piece: bytes) -> int:
    """The number of a piece's colour, 0 to 7: FNV-1a of its bytes, in 32 bits.

    >>> colour_of(b"clock")
    5
    """
    hash = 0x811C9DC5
    for byte in piece:
        hash = (hash ^ byte) * 0x01000193 & 0xFFFFFFFF
    return (hash ^ hash >> 15) % len(_COLOURS)  # the last bits alone say little of the first bytes


def in_terminal(pieces: Iterable[bytes | str]) -> str:
    r"""Pieces in one line, coloured by escape sequences; special tokens, which are ``str``, are bold.

    A piece that has the colour of the one before it is underlined. What cannot be printed is escaped, so no piece can
    send a sequence of its own.

    >>> in_terminal([b"a\x1b", "<eos>"])
    '\x1b[30;48;5;186ma\\x1b\x1b[0m\x1b[1m<eos>\x1b[0m'
    """
    shown = []
    before = -1
    for piece in pieces:
        if isinstance(piece, str):
            colour, style, text = -1, "1", escape_piece(piece.encode())
        else:
            colour, text = colour_of(piece), escape_piece(piece)
            style = f"30;{'4;' * (colour == before)}48;5;{_TERMINAL[colour]}"
        shown.append(f"\x1b[{style}m{text}\x1b[0m")
        before = colour
    return "".join(shown)


def in_html(pieces: Iterable[bytes | str]) -> str:
    r"""Pieces as HTML that needs no style sheet and no script; special tokens, which are ``str``, have a dashed border.

    >>> "&lt;b&gt;" in in_html([b"<b>"])
    True
    """
    return f'<div style="{_TEXT_STYLE}">{"".join(map(_span, pieces))}</div>'


def _span(piece: bytes | str) -> str:
    if isinstance(piece, str):
        return f'<span style="{_SPECIAL_STYLE}">{html.escape(escape_piece(piece.encode()))}</span>'
    text = piece.rstrip(b"\n")
    newlines = len(piece) - len(text)
    shown = html.escape(escape_piece(text)) + newlines * "↵"
    # The line breaks come after the piece, or its colour would begin the next line.
    return f'<bdi style="{_PIECE_STYLE};background:{_COLOURS[colour_of(piece)]}">{shown}</bdi>' + newlines * "\n"
