"""Every kind of model file: read, told apart by what is in it, and written."""

from __future__ import annotations

import os
import re

from bytepiece.errors import BytePieceError, ImportModelError, SettingsError
from bytepiece.exchange.dictionary import parse_counts
from bytepiece.exchange.huggingface import from_huggingface, parse_tokenizer, to_huggingface
from bytepiece.exchange.sentencepiece import parse_sentencepiece, to_sentencepiece
from bytepiece.model.model import Model

__all__ = ["KINDS", "caveats", "export_model", "import_model"]

KINDS = ("huggingface", "sentencepiece", "json", "bytepiece")
"""What `export_model` writes: Hugging Face's folder, a SentencePiece model, BytePiece's JSON, this project's format."""

_MODEL_KEY = re.compile(rb'"model"\s*:')  # of a tokenizer.json; BytePiece's JSON has base64 there


def import_model(path: str | os.PathLike[str]) -> Model:
    r"""Read a model of any kind, as long as some model gives the same ids.

    The kinds are this project's model files, BytePiece's JSON, a ``tokenizer.json`` or a folder with one
    (`from_huggingface`), a SentencePiece model (`from_sentencepiece`), and counted pieces (`read_counts`).

    Raises `ImportModelError` or `ModelFormatError`, naming the file and saying why, where it is none of them or
    there is no such model; `CorpusError` naming a line of counted pieces; `OSError` where it cannot be read.

    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "words.tsv")
    ...     with open(path, "w") as file:
    ...         size = file.write("clock\t5\n")
    ...     import_model(path).pieces[-1]
    b'clock'
    """
    if os.path.isdir(path):
        return from_huggingface(path)
    with open(path, "rb") as file:
        data = file.read()
    first_line = data.partition(b"\n")[0].rstrip(b"\r")
    try:
        if first_line.partition(b"\t")[2].isdigit():
            return Model.from_counts(parse_counts(data))
        if _MODEL_KEY.search(data) and data.lstrip()[:1] == b"{":
            return parse_tokenizer(data)
        if data.startswith(b"\n"):
            return parse_sentencepiece(data)
    except BytePieceError as error:
        raise type(error)(f"{os.fspath(path)}: {error}") from None
    if data.startswith(b"bytepiece-model ") or data.lstrip()[:1] == b"{":
        return Model.load(path)
    raise ImportModelError(
        f"{os.fspath(path)}: starts with {data[:16]!r}: neither a model file, BytePiece's JSON, a tokenizer.json, a "
        "SentencePiece model, nor lines of a piece, a tab and a count"
    )


def export_model(
    model: Model,
    path: str | os.PathLike[str],
    kind: str,
    *,
    force: bool = False,
    special_tokens_in_text: bool = False,
) -> None:
    """Write a model as one of `KINDS`: `to_huggingface`, `to_sentencepiece`, or `Model.save`.

    Raises what these raise, and `SettingsError` for a kind that is none.

    >>> import os, tempfile
    >>> model = Model.from_counts({"clock": 5})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "clock")
    ...     export_model(model, path, "huggingface")
    ...     import_model(path) == model
    True
    """
    if kind == "huggingface":
        to_huggingface(model, path, special_tokens_in_text=special_tokens_in_text)
    elif kind == "sentencepiece":
        to_sentencepiece(model, path, force=force)
    elif kind in KINDS:
        model.save(path, kind)
    else:
        raise SettingsError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")


def caveats(model: Model, kind: str) -> list[str]:
    """How what was written differs from the model as a whole; for each piece see `sentencepiece_problems`.

    >>> caveats(Model.from_counts({"clock": 5}), "json")
    ["BytePiece's JSON implies NFC, which the model does not apply to text"]
    """
    if kind == "sentencepiece" and model.normalization:
        return ["SentencePiece does not normalize as the model does: apply NFC to text before"]
    if kind == "json" and not model.normalization:
        return ["BytePiece's JSON implies NFC, which the model does not apply to text"]
    return []
