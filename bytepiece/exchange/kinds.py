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
from bytepiece.model.reserved import RESERVED_TOKENS

__all__ = ["KINDS", "export_model", "import_model"]


class ExportOptions(NamedTuple):
    """The options of `export_model`. Each kind uses those that it knows."""

    force: bool = False
    special_tokens_as_text: bool = False
    model_max_length: int | None = None
    auto_map: bool = False


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
    remark: Callable[[Model, ExportOptions], str | None] = lambda model, options: None
    """What to know of a file of this kind: how it differs from the model, or what was decided."""


def _write_huggingface(model: Model, path: str | os.PathLike[str], options: ExportOptions) -> None:
    to_huggingface(
        model,
        path,
        special_tokens_as_text=options.special_tokens_as_text,
        model_max_length=options.model_max_length,
        auto_map=options.auto_map,
    )


def _write_sentencepiece(model: Model, path: str | os.PathLike[str], options: ExportOptions) -> None:
    to_sentencepiece(model, path, force=options.force)


def _write_json(model: Model, path: str | os.PathLike[str], options: ExportOptions) -> None:
    model.save(path, "json")


def _write_own(model: Model, path: str | os.PathLike[str], options: ExportOptions) -> None:
    model.save(path)


def _huggingface_remark(model: Model, options: ExportOptions) -> str | None:
    n = len(model.special_tokens) - len(RESERVED_TOKENS)
    if not n:
        return None
    if options.special_tokens_as_text:
        return "the names of special tokens in a text stay text there"
    return f"special tokens ({n} and the reserved ones) are found in any text there, unless --special-tokens-as-text"


def _sentencepiece_remark(model: Model, options: ExportOptions) -> str | None:
    return (
        "SentencePiece does not normalize as the model does: apply NFC to text before" if model.normalization else None
    )


def _json_remark(model: Model, options: ExportOptions) -> str | None:
    return None if model.normalization else "BytePiece's JSON implies NFC, which the model does not apply to text"


_KINDS = (
    # This kind is asked first, because a counted piece can look like the beginning of any other file.
    Kind("counts", "lines of a piece, a tab and a count", is_tsv, from_tsv),
    Kind("huggingface", "a tokenizer.json", is_tokenizer, from_huggingface, _write_huggingface, _huggingface_remark),
    Kind(
        "sentencepiece",
        "a SentencePiece model",
        is_sentencepiece,
        from_sentencepiece,
        _write_sentencepiece,
        _sentencepiece_remark,
    ),
    Kind("json", "BytePiece's JSON", json_format.recognizes, Model.load, _write_json, _json_remark),
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
    special_tokens_as_text: bool = False,
    model_max_length: int | None = None,
    auto_map: bool = False,
) -> str | None:
    """Write a model as one of `KINDS`: `to_huggingface`, `to_sentencepiece`, or `Model.save`.

    Returns what to know of the file, if there is something: how it differs from the model, or what was decided. What
    differs in single pieces is told by `sentencepiece_problems`.

    Raises what these raise, and `SettingsError` for an unknown kind.

    >>> import os, tempfile
    >>> model = Model.from_counts({"clock": 5})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "clock")
    ...     export_model(model, path, "huggingface")
    ...     import_model(path) == model
    True
    """
    options = ExportOptions(force, special_tokens_as_text, model_max_length, auto_map)
    for known in _KINDS:
        if known.name == kind and known.write is not None:
            known.write(model, path, options)
            return known.remark(model, options)
    raise SettingsError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")
