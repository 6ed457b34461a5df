"""Models of any kind, told apart by what is in the file."""

from __future__ import annotations

import os
import re

from bytepiece.errors import BytePieceError, ImportModelError
from bytepiece.exchange.dictionary import parse_counts
from bytepiece.exchange.huggingface import from_huggingface, parse_tokenizer
from bytepiece.exchange.sentencepiece import parse_sentencepiece
from bytepiece.model import Model

__all__ = ["import_model"]

_MODEL_KEY = re.compile(rb'"model"\s*:')  # of a tokenizer.json; BytePiece's JSON has base64 there


def import_model(path: str | os.PathLike[str]) -> Model:
    """Read a model of any kind that has the same ids here.

    The kinds are this project's model files, BytePiece's JSON, a ``tokenizer.json`` or a folder with one
    (`from_huggingface`), a SentencePiece model (`from_sentencepiece`), and counted pieces (`read_counts`).

    Raises `ImportModelError` or `ModelFormatError`, naming the file and saying why, where it is none of them or there is no
    such model; `CorpusError` naming a line of counted pieces; `OSError` where it cannot be read.
    """
    if os.path.isdir(path):
        return from_huggingface(path)
    with open(path, "rb") as file:
        data = file.read()
    if data.startswith(b"bytepiece-model "):
        return Model.load(path)
    try:
        first_line = data.partition(b"\n")[0].rstrip(b"\r")
        if first_line.partition(b"\t")[2].isdigit():
            return Model.from_counts(parse_counts(data))
        if data.lstrip()[:1] == b"{":
            return parse_tokenizer(data) if _MODEL_KEY.search(data) else Model.load(path)
        if data.startswith(b"\n"):
            return parse_sentencepiece(data)
    except ImportModelError as error:
        raise ImportModelError(f"{os.fspath(path)}: {error}") from None
    except BytePieceError as error:
        where = "" if str(error).startswith(os.fspath(path)) else f"{os.fspath(path)}: "
        raise type(error)(f"{where}{error}") from None
    raise ImportModelError(
        f"{os.fspath(path)}: starts with {data[:16]!r}: neither a model file, BytePiece's JSON, a tokenizer.json, a "
        "SentencePiece model, nor lines of a piece, a tab and a count"
    )
