"""The formats of model files: which there are, and which one a file is in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bytepiece.errors import ModelFormatError, SettingsError
from bytepiece.model import json_format, native_format
from bytepiece.model.fields import ModelFields

__all__ = ["WRITERS", "read_model", "write_model"]

WRITERS: Mapping[str, Callable[[ModelFields], bytes]] = {
    "bytepiece": native_format.write,
    "json": json_format.write,
}
"""The formats by name, with the functions that write them."""


def read_model(data: bytes) -> ModelFields:
    """Read the bytes of a model file.

    Raises `ModelFormatError` saying what is wrong, and where.
    """
    if not data:
        raise ModelFormatError("the file is empty (0 bytes)")
    if native_format.recognizes(data):
        return native_format.read(data)
    if json_format.recognizes(data):
        return json_format.read(data)
    raise ModelFormatError(
        f"not a model: it starts with {data[:16]!r}, neither with 'bytepiece-model' nor, as BytePiece's JSON, with '{{'"
    )


def write_model(model: ModelFields, format: str) -> bytes:
    """The bytes of a model file in a format of `WRITERS`.

    Raises `SettingsError` for an unknown format, and where the format has no room for something.
    """
    try:
        write = WRITERS[format]
    except (KeyError, TypeError):
        raise SettingsError(f"format must be one of {', '.join(WRITERS)}, not {format!r}") from None
    return write(model)
