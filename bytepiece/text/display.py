"""Pieces as people see them: each on one line, with escapes for what cannot be seen."""

import re

from bytepiece.text.utf8 import decode_escaped, encode_escaped

__all__ = ["UNPRINTABLE", "escape_piece", "unescape_piece"]

UNPRINTABLE = (
    (0x00, 0x1F),
    (0x7F, 0x9F),
    (0xAD, 0xAD),
    (0x61C, 0x61C),
    (0x180E, 0x180E),
    (0x200B, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0xFEFF, 0xFEFF),
    (0xFFF9, 0xFFFB),
    (0xE000, 0xF8FF),
    (0xFDD0, 0xFDEF),
    (0xFFFE, 0xFFFF),
    (0xE0000, 0xE0FFF),
)
"""Ranges of characters that break a line, hide in it or turn its direction around.

They are fixed, because a model must be the same file everywhere, and `str.isprintable` depends on the Unicode version
of the Python at hand.
"""

# With the surrogates for bytes that form no character.
_UNPRINTABLE = re.compile("[" + "".join(f"{chr(a)}-{chr(b)}" for a, b in (*UNPRINTABLE, (0xDC80, 0xDCFF))) + "]")
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
    text = decode_escaped(piece).replace("\\", "\\\\")
    return _UNPRINTABLE.sub(_escape_match, text)


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
