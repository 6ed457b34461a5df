"""Pieces as people see them: each on one line, with escapes for what cannot be seen."""

import re
from collections.abc import Iterable

from bytepiece.text.utf8 import decode_escaped, encode_escaped

__all__ = ["escape_piece", "escape_pieces", "unescape_piece"]

# Characters that break a line, hide in it or turn its direction around. The list is fixed, because a model must be the
# same file everywhere, and str.isprintable() depends on the Unicode version of the Python at hand.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\udc80-\udcff\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e0fff]"
)
_BORDER = "\ud800"  # a surrogate that `decode_escaped` does not make
_NAMED = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}
_NAMED_BACK = {b"\\": b"\\", b"t": b"\t", b"n": b"\n", b"r": b"\r"}
_ESCAPE = re.compile(rb"\\(?:x([0-9a-f]{2})|(.)|$)", re.DOTALL)


def _escape_match(match: re.Match[str]) -> str:
    character = match[0]
    named = _NAMED.get(character)
    if named is not None:
        return named
    return "".join(f"\\x{byte:02x}" for byte in encode_escaped(character))


def escape_piece(piece: bytes) -> str:
    r"""Show a piece on one line, so that `unescape_piece` gives it back exactly.

    Most characters stand for themselves. Backslash, tab, newline and carriage return become ``\\``, ``\t``, ``\n`` and
    ``\r``. Bytes that form no character become ``\xNN``, and so does each byte of a character that cannot be seen.

    >>> escape_piece("né\n".encode() + b"\xff")
    'né\\n\\xff'
    """
    return _escape(decode_escaped(piece))


def escape_pieces(pieces: Iterable[bytes]) -> list[str]:
    """`escape_piece` of each of some pieces, several times as fast."""
    escaped = _escape(_BORDER.join([*map(decode_escaped, pieces), ""]))
    return escaped.split(_BORDER)[:-1]


def _escape(text: str) -> str:
    return _UNPRINTABLE.sub(_escape_match, text.replace("\\", "\\\\"))


def _unescape_match(match: re.Match[bytes]) -> bytes:
    if match[1] is not None:
        return bytes.fromhex(match[1].decode())
    try:
        return _NAMED_BACK[match[2]]
    except KeyError:
        raise ValueError(f"unknown escape {match[0]!r}") from None


def unescape_piece(escaped: bytes) -> bytes:
    r"""Undo `escape_piece`, whose result is given in UTF-8.

    Raises `ValueError` for an escape that `escape_piece` never writes.

    >>> unescape_piece(rb"n\n\xff")
    b'n\n\xff'
    """
    return _ESCAPE.sub(_unescape_match, escaped)
