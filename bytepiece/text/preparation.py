"""From a text to the bytes that are segmented. Nothing here knows of a vocabulary."""

from bytepiece.errors import TextError
from bytepiece.text.normal_form import normalize
from bytepiece.text.surrogates import check_errors, replace_surrogates, surrogate_error
from bytepiece.text.utf8 import decode_escaped, encode_escaped

__all__ = ["to_bytes"]


def to_bytes(text: str | bytes, normalization: str | None = None, errors: str = "strict") -> bytes:
    r"""Return the bytes to be segmented.

    ``str`` becomes UTF-8; ``bytes`` are taken as they are. With ``"nfc"`` the text is normalized first. Of ``bytes``,
    all that is UTF-8 is normalized, and bytes that form no character stay as they are.

    Raises `TextError` for anything that is neither ``str`` nor ``bytes``, and for a lone surrogate, naming its
    position. With ``errors="replace"`` a lone surrogate counts as U+FFFD instead.

    >>> to_bytes("cafe\u0301", "nfc")
    b'caf\xc3\xa9'
    """
    check_errors(errors)
    if isinstance(text, bytes):
        if normalization is None or text.isascii():
            return bytes(text)
        decoded = decode_escaped(text)
        normalized = normalize(decoded, normalization)
        return bytes(text) if normalized is decoded else encode_escaped(normalized)
    if not isinstance(text, str):
        raise TextError(f"text must be str or bytes, not {type(text).__name__}")
    normalized = normalize(text, normalization)
    try:
        return normalized.encode("utf-8")
    except UnicodeEncodeError:
        if errors == "replace":
            return replace_surrogates(normalized).encode("utf-8")
        raise surrogate_error(text) from None
