"""The formats that `Model.load` and `Model.save` know, and which of them a file is in.

The model's own formats are added by `bytepiece.model.model`, those of other tokenizers by `bytepiece.exchange.kinds`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

from bytepiece.errors import BytePieceError, ImportModelError, ModelFormatError, SettingsError

__all__ = ["Format", "SaveOptions", "add_formats", "load_model", "save_model", "writable_formats"]


class SaveOptions(NamedTuple):
    """The options of `Model.save`. Each format uses those that it knows."""

    force: bool = False
    special_tokens_as_text: bool = False
    model_max_length: int | None = None
    auto_map: bool = False


class Format(NamedTuple):
    """A format of model files."""

    name: str
    description: str
    """What such a file is, for an error message."""
    recognizes: Callable[[bytes], bool]
    """Whether the bytes of a file look like this format. Asked about those that no format before it recognizes."""
    parse: Callable[[bytes], Any]
    """The `Model` in the bytes of a file."""
    write: Callable[[Any, str | os.PathLike[str], SaveOptions], None] | None = None
    """Writes a `Model`. None for a format that can only be read."""
    remark: Callable[[Any, SaveOptions], str | None] = lambda model, options: None
    """What to know of a file of this format: how it differs from the `Model`, or what was decided."""
    file_in_folder: str | None = None
    """The file that has the model, where it comes as a folder."""


_FORMATS: list[Format] = []


def add_formats(*formats: Format) -> None:
    """Add formats, which are asked about a file before those that are there already."""
    _FORMATS[:0] = formats


def writable_formats() -> tuple[str, ...]:
    """The names of the formats that can be written."""
    return tuple(format.name for format in _FORMATS if format.write is not None)


def load_model(path: str | os.PathLike[str], name: str | None = None) -> Any:
    """Read a model in the format ``name``, or in the one that recognizes it. The file is opened once: it can be a pipe.

    Raises `ModelFormatError` or `ImportModelError`, naming the file; `SettingsError` for an unknown format; `OSError`.
    """
    if name is not None and name not in [format.name for format in _FORMATS]:
        raise SettingsError(f"format must be one of {', '.join(format.name for format in _FORMATS)}, not {name!r}")
    formats = [format for format in _FORMATS if name in (None, format.name)]
    path = os.fspath(path)  # open() would take an int, and close that file
    try:
        data = _read(path, formats)
        for format in formats:
            if name is not None or format.recognizes(data):
                return format.parse(data)
        if not data:
            raise ModelFormatError("the file is empty (0 bytes)")
        *most, last = (format.description for format in formats)
        raise ModelFormatError(f"starts with {data[:16]!r}: neither {', '.join(most)} nor {last}")
    except (ModelFormatError, ImportModelError) as error:
        raise type(error)(f"{path}: {error}") from None
    except BytePieceError as error:
        raise ImportModelError(f"{path}: {error}") from None


def _read(path: str | os.PathLike[str], formats: list[Format]) -> bytes:
    """The bytes of a model file, which can be in a folder."""
    if os.path.isdir(path):
        names = [format.file_in_folder for format in formats if format.file_in_folder is not None]
        found = [name for name in names if os.path.exists(os.path.join(path, name))]
        if not found:
            without = f" without a {' or '.join(names)}" if names else ""
            raise ModelFormatError(f"a directory{without}, not a model file")
        path = os.path.join(path, found[0])
    with open(path, "rb") as file:
        return file.read()


def save_model(model: Any, path: str | os.PathLike[str], name: str, options: SaveOptions) -> str | None:
    """Write a model in the format ``name``; returns what to know of the file, see `Format.remark`.

    Raises `SettingsError` for an unknown format, and what the format raises.
    """
    for format in _FORMATS:
        if format.name == name and format.write is not None:
            format.write(model, path, options)
            return format.remark(model, options)
    raise SettingsError(f"format must be one of {', '.join(writable_formats())}, not {name!r}")
