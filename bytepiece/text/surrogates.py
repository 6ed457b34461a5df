"""Lone surrogates: code points that a ``str`` can hold, but that are no characters and have no UTF-8."""

import re

from bytepiece.core.alphabet import has_surrogates
from bytepiece.errors import TextError, check_choice

__all__ = ["ERRORS", "SURROGATES", "check_errors", "has_surrogates", "replace_surrogates", "surrogate_error"]

ERRORS = ("strict", "replace")
"""What encoding can do about a lone surrogate: raise `TextError`, or read U+FFFD in its place."""

SURROGATES = "\ud800-\udfff"
"""All surrogates, as a range in a regular expression."""

_SURROGATE = re.compile(f"[{SURROGATES}]")


def check_errors(errors: str) -> None:
    """Raise `SettingsError` unless ``errors`` is one of `ERRORS`."""
    check_choice("errors", errors, ERRORS)


def replace_surrogates(text: str) -> str:
    r"""Put U+FFFD in the place of each lone surrogate.

    >>> replace_surrogates("a\ud800")
    'a�'
    """
    return _SURROGATE.sub("\ufffd", text)


def surrogate_error(text: str, before: int = 0) -> TextError:
    """The error that names the first lone surrogate of a text; ``before`` characters came before this text."""
    position = next(match.start() for match in _SURROGATE.finditer(text))
    return TextError(
        f"lone surrogate U+{ord(text[position]):04X} at character {before + position}: "
        "not a character, so it has no bytes"
    )
