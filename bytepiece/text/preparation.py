"""Text before it is segmented: to bytes, normalized.

Nothing here knows of a vocabulary.
"""

import re

from bytepiece.errors import SettingsError, TextError
from bytepiece.text.nfc import nfc

__all__ = [
    "ERRORS",
    "NORMALIZATIONS",
    "check_normalization",
    "replace_surrogates",
    "surrogate_error",
    "to_bytes",
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
