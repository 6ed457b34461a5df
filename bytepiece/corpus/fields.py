"""From a row to its document: the text in one field. What is wrong is a `ValueError`, which its caller places."""

from __future__ import annotations

import json
from collections.abc import Mapping

from bytepiece.text.preparation import to_bytes

__all__ = ["check_length", "decode_text", "field_of", "parse_json_line", "text_of_row", "too_long"]


def field_of(row: object, name: str) -> str:
    """The text in a field of a mapping; `ValueError` where the field is missing or is not text."""
    if not isinstance(row, Mapping):
        raise ValueError(f"expected a mapping of fields, not {type(row).__name__}")
    if name not in row:
        raise ValueError(f"no field {name!r} (there are: {', '.join(map(str, row)) or 'none'})")
    text = row[name]
    if not isinstance(text, str):
        raise ValueError(f"field {name!r} must be text, not {type(text).__name__}")
    return text


def parse_json_line(line: bytes, text_field: str) -> str:
    """The text in a field of a JSON object; of an empty line, the empty text."""
    if line.isspace():
        return ""
    try:
        row = json.loads(decode_text(line))
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from None
    except RecursionError:
        raise ValueError("not JSON that can be read: nested too deep") from None
    if not isinstance(row, dict):
        raise ValueError(f"expected a JSON object, not {type(row).__name__}")
    text = field_of(row, text_field)
    if not text.isascii() and b"\\u" in line:  # only an escape can make a lone surrogate
        to_bytes(text)
    return text


def check_length(text: bytes | memoryview, longest: int | None) -> None:
    """Raise `ValueError` for a document of more than ``longest`` bytes."""
    if longest is not None and len(text) > longest:
        raise ValueError(too_long(longest))


def text_of_row(text: bytes | None, text_field: str, longest: int | None) -> str:
    """The text in a row of a column; `ValueError` for null, for too many bytes, and for what is not UTF-8."""
    if text is None:
        raise ValueError(f"field {text_field!r} must be text, not null")
    check_length(text, longest)
    return decode_text(text)


def too_long(most: int | None) -> str:
    """What is wrong with a document of more than ``most`` bytes."""
    return (
        f"longer than {most} bytes, the most that the limit for memory or text allows: raise it, or divide the document"
    )


def decode_text(data: bytes | memoryview) -> str:
    """Decode UTF-8; the error names the first invalid byte."""
    try:
        return str(data, "utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: byte 0x{data[error.start]:02x} at position {error.start}") from None
