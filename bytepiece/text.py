"""Text before it is segmented: to bytes, normalized; and pieces shown to people.

Nothing here knows of a vocabulary.
"""

import re

from bytepiece.errors import SettingsError, TextError
from bytepiece.nfc import nfc

__all__ = [
    "ERRORS",
    "NORMALIZATIONS",
    "check_normalization",
    "escape_piece",
    "replace_surrogates",
    "surrogate_error",
    "to_bytes",
    "unescape_piece",
]

NORMALIZATIONS = (None, "nfc")
"""What a model may do to text before encoding: nothing (lossless), or Unicode's NFC."""


def check_normalization(normalization: object) -> None:
    """Raise `SettingsError` unless ``normalization`` is one of `NORMALIZATIONS`."""
    if normalization not in NORMALIZATIONS:
        raise SettingsError(f"normalization must be None or 'nfc', not {normalization!r}")


ERRORS = ("strict", "replace")
"""What encoding can do about lone surrogates in ``str``: raise `TextError`, or put U+FFFD in the place of each."""

_SURROGATE = re.compile("[\ud800-\udfff]")


def to_bytes(text: str | bytes, normalization: str | None = None, errors: str = "strict") -> bytes:
    r"""Return the bytes to be segmented.

    ``str`` becomes UTF-8; ``bytes`` are taken as they are. With ``"nfc"`` the text is normalized first; in
    ``bytes`` everything that is UTF-8 is, and bytes that form no character stay as they are.

    Raises `TextError` for a lone surrogate, naming its position, unless ``errors`` is ``"replace"``: then
    each counts as U+FFFD. And for anything that is not text.

    >>> to_bytes("cafe\u0301", "nfc")
    b'caf\xc3\xa9'
    """
    check_errors(errors)
    if isinstance(text, bytes):
        if normalization is None or text.isascii():
            return bytes(text)
        decoded = text.decode("utf-8", "surrogateescape")
        normalized = normalize(decoded, normalization)
        return bytes(text) if normalized is decoded else normalized.encode("utf-8", "surrogateescape")
    if not isinstance(text, str):
        raise TextError(f"text must be str or bytes, not {type(text).__name__}")
    normalized = normalize(text, normalization)
    try:
        return normalized.encode("utf-8")
    except UnicodeEncodeError:
        if errors == "replace":
            return replace_surrogates(normalized).encode("utf-8")
        raise surrogate_error(text) from None


def check_errors(errors: str) -> None:
    """Raise `SettingsError` unless that is one of `ERRORS`."""
    if errors not in ERRORS:
        raise SettingsError(f"errors must be 'strict' or 'replace', not {errors!r}")


def normalize(text: str, normalization: str | None) -> str:
    """A text in a normal form: None, as it is, or ``"nfc"``."""
    return text if normalization is None else nfc(text)


def replace_surrogates(text: str) -> str:
    """Put U+FFFD in the place of each lone surrogate."""
    return _SURROGATE.sub("\ufffd", text)


def surrogate_error(text: str, before: int = 0) -> TextError:
    """The error for the first lone surrogate of a text, with ``before`` characters before the text."""
    position = next(match.start() for match in _SURROGATE.finditer(text))
    return TextError(
        f"lone surrogate U+{ord(text[position]):04X} at character {before + position}: "
        "not a character, so it has no bytes"
    )


# What would break a line, hide in it, or turn its direction around. A fixed list: str.isprintable() would
# follow the Unicode version of the Python at hand, and the same model must be the same file everywhere.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ue000-\uf8ff\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e0fff]"
)
_NAMED = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}
_NAMED_BACK = {b"\\": b"\\", b"t": b"\t", b"n": b"\n", b"r": b"\r"}
_ESCAPE = re.compile(rb"\\(?:x([0-9a-f]{2})|(.)|$)", re.DOTALL)


def _escape_match(match: re.Match[str]) -> str:
    character = match[0]
    named = _NAMED.get(character)
    if named is not None:
        return named
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))


def escape_piece(piece: bytes) -> str:
    r"""Show a piece on one line, so that `unescape_piece` gives it back exactly.

    Characters stand for themselves; ``\\``, ``\t``, ``\n``, ``\r`` as in Python; bytes that form no character
    and characters that cannot be seen, or that would break the line, as ``\xNN`` for each byte.

    >>> escape_piece("né\n".encode() + b"\xff")
    'né\\n\\xff'
    """
    text = piece.decode("utf-8", "surrogateescape").replace("\\", "\\\\")
    return _UNPRINTABLE.sub(_escape_match, text)


def _unescape_match(match: re.Match[bytes]) -> bytes:
    if match[1] is not None:
        return bytes.fromhex(match[1].decode())
    try:
        return _NAMED_BACK[match[2]]
    except KeyError:
        raise ValueError(f"unknown escape {match[0]!r}") from None


def unescape_piece(escaped: bytes) -> bytes:
    r"""Undo `escape_piece` on its UTF-8 bytes; `ValueError` where there is an escape it never writes.

    >>> unescape_piece(rb"n\n\xff")
    b'n\n\xff'
    """
    return _ESCAPE.sub(_unescape_match, escaped)
