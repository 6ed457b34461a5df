"""What several formats need."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TypeVar

from bytepiece.errors import BytePieceError, ImportModelError
from bytepiece.model.model import Model

__all__ = ["in_id_order", "parse_file"]

T = TypeVar("T")


def parse_file(path: str | os.PathLike[str], parse: Callable[[bytes], Model]) -> Model:
    """Parse the bytes of a file; whatever is wrong with them is an `ImportModelError` that names the file."""
    try:
        with open(path, "rb") as file:
            return parse(file.read())
    except BytePieceError as error:
        raise ImportModelError(f"{os.fspath(path)}: {error}") from None


def in_id_order(model: Model, of_pieces: Iterable[T], of_token: Callable[[str], T]) -> list[T]:
    """An entry for each id of a model: those of the pieces, and those made of the names of special tokens.

    >>> model = Model.from_counts({"ab": 1}).with_special_tokens(["<a>"])
    >>> in_id_order(model, map(repr, model.pieces), str)[-2:]
    ["b'ab'", '<a>']
    """
    entries = [of_token(name) for name in model.special_tokens]
    entries[model.first_id : model.first_id] = of_pieces
    return entries
