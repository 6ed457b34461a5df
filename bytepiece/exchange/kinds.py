"""Every kind of model file: how it is recognized, read and written.

To add a kind, write a module like `huggingface` or `sentencepiece`, and add an entry to the table here.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

from bytepiece.errors import ImportModelError, SettingsError
from bytepiece.exchange.huggingface import from_huggingface, is_tokenizer, to_huggingface
from bytepiece.exchange.sentencepiece import from_sentencepiece, is_sentencepiece, to_sentencepiece
from bytepiece.exchange.tsv import from_tsv, is_tsv
from bytepiece.model import json_format, native_format
from bytepiece.model.model import Model

__all__ = ["KINDS", "caveats", "export_model", "import_model"]


class ExportOptions(NamedTuple):
    """The options of `export_model`. Each kind uses those that it knows."""

    force: bool
    special_tokens_in_text: bool


class Kind(NamedTuple):
    """A kind of model file."""

    name: str
    description: str
    """What such a file is, for an error message."""
    recognizes: Callable[[bytes], bool]
    """Whether the bytes of a file look like this kind. Only those are asked about that no earlier kind recognizes."""
    read: Callable[[str | os.PathLike[str]], Model]
    write: Callable[[Model, str | os.PathLike[str], ExportOptions], None] | None = None
    """None for a kind that can only be read."""
    caveat: Callable[[Model], str | None] = lambda model: None
    """How every file of this kind differs from the model, if it does."""


def _write_huggingface(model: Model, path: str | os.PathLike[str], options: ExportOptions) -> None:
    to_huggingface(model, path, special_tokens_in_text=options.special_tokens_in_text)


def _write_sentencepiece(model: Model, path: str | os.PathLike[str], options: ExportOptions) -> None:
    to_sentencepiece(model, path, force=options.force)


def _write_json(model: Model, path: str | os.PathLike[str], options: ExportOptions) -> None:
    model.save(path, "json")


def _write_own(model: Model, path: str | os.PathLike[str], options: ExportOptions) -> None:
    model.save(path)


def _sentencepiece_caveat(model: Model) -> str | None:
    return (
        "SentencePiece does not normalize as the model does: apply NFC to text before" if model.normalization else None
    )


def _json_caveat(model: Model) -> str | None:
    return None if model.normalization else "BytePiece's JSON implies NFC, which the model does not apply to text"


_KINDS = (
    # This kind is asked first, because a counted piece can look like the beginning of any other file.
    Kind("counts", "lines of a piece, a tab and a count", is_tsv, from_tsv),
    Kind("huggingface", "a tokenizer.json", is_tokenizer, from_huggingface, _write_huggingface),
    Kind(
        "sentencepiece",
        "a SentencePiece model",
        is_sentencepiece,
        from_sentencepiece,
        _write_sentencepiece,
        _sentencepiece_caveat,
    ),
    Kind("json", "BytePiece's JSON", json_format.recognizes, Model.load, _write_json, _json_caveat),
    Kind("bytepiece", "a model file", native_format.recognizes, Model.load, _write_own),
)

KINDS = tuple(kind.name for kind in _KINDS if kind.write is not None)
"""What `export_model` writes: Hugging Face's folder, a SentencePiece model, BytePiece's JSON, this project's format."""


def import_model(path: str | os.PathLike[str]) -> Model:
    r"""Read a model of any kind, provided that some model gives the same ids.

    The kinds are this project's model files, BytePiece's JSON, a ``tokenizer.json`` or a folder with one
    (`from_huggingface`), a SentencePiece model (`from_sentencepiece`), and counted pieces (`read_counts`).

    Raises `ImportModelError` or `ModelFormatError`, naming the file and saying why, where it is none of these, or where
    no model gives the same ids; `OSError` where it cannot be read.

    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "words.tsv")
    ...     with open(path, "w") as file:
    ...         size = file.write("clock\t5\n")
    ...     import_model(path).pieces[-1]
    b'clock'
    """
    if os.path.isdir(path):
        if not os.path.exists(os.path.join(path, "tokenizer.json")):
            raise ImportModelError(f"{os.fspath(path)}: a directory without a tokenizer.json, not a model")
        return from_huggingface(path)
    with open(path, "rb") as file:
        data = file.read()
    for kind in _KINDS:
        if kind.recognizes(data):
            return kind.read(path)
    *most, last = (kind.description for kind in _KINDS)
    raise ImportModelError(f"{os.fspath(path)}: starts with {data[:16]!r}: neither {', '.join(most)} nor {last}")


def export_model(
    model: Model,
    path: str | os.PathLike[str],
    kind: str,
    *,
    force: bool = False,
    special_tokens_in_text: bool = False,
) -> None:
    """Write a model as one of `KINDS`: `to_huggingface`, `to_sentencepiece`, or `Model.save`.

    Raises what these raise, and `SettingsError` for an unknown kind.

    >>> import os, tempfile
    >>> model = Model.from_counts({"clock": 5})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "clock")
    ...     export_model(model, path, "huggingface")
    ...     import_model(path) == model
    True
    """
    for known in _KINDS:
        if known.name == kind and known.write is not None:
            known.write(model, path, ExportOptions(force, special_tokens_in_text))
            return
    raise SettingsError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")


def caveats(model: Model, kind: str) -> list[str]:
    """How the whole model differs once it is written as a kind; for single pieces see `sentencepiece_problems`.

    >>> caveats(Model.from_counts({"clock": 5}), "json")
    ["BytePiece's JSON implies NFC, which the model does not apply to text"]
    """
    return [caveat for known in _KINDS if known.name == kind and (caveat := known.caveat(model))]
