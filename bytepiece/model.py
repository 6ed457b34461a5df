"""What training produces and a tokenizer needs: pieces with counts, special tokens, settings."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from copy import deepcopy
from operator import itemgetter
from typing import Any

from bytepiece import formats
from bytepiece.errors import ModelFormatError
from bytepiece.files import atomic_writer
from bytepiece.text import NORMALIZATIONS, to_bytes

__all__ = ["SPECIAL_TOKENS", "Model"]

SPECIAL_TOKENS: Mapping[str, int] = {"<pad>": 0, "<bos>": 1, "<eos>": 2}
"""The special tokens that every model has, with their ids; the pieces follow from id 3 on."""

_MAX_TOTAL = 2**63 - 1


class Model:
    """A vocabulary: immutable, and valid from the moment it exists.

    Args:
        pieces: the pieces in id order, from id 3 on: non-empty, distinct, all 256 single bytes among them.
        counts: for each piece how often it was counted in training, 1 or more; their sum fits 63 bits.
        settings: how it was trained, values that JSON can hold. ``"normalization"``, which encoding obeys
            too, is ``None`` (lossless) or ``"nfc"``.

    Raises:
        ModelFormatError: a rule above is broken; says which and by which piece.

    A model can be shared by threads, pickled and copied; nothing changes it.

    >>> model = Model([bytes([b]) for b in range(256)] + [b"ab"], [1] * 257)
    >>> model.vocab_size
    260
    """

    __slots__ = ("_counts", "_pieces", "_settings")

    def __init__(
        self, pieces: Iterable[bytes], counts: Iterable[int], settings: Mapping[str, Any] | None = None
    ) -> None:
        self._pieces = tuple(pieces)
        self._counts = tuple(counts)
        try:
            self._settings = json.loads(json.dumps({"normalization": None, **(settings or {})}, allow_nan=False))
        except (TypeError, ValueError, RecursionError) as error:
            raise ModelFormatError(f"settings must be what JSON can hold: {error}") from None
        self._validate()

    def _validate(self) -> None:
        pieces, counts = self._pieces, self._counts
        if len(pieces) != len(counts):
            raise ModelFormatError(f"{len(pieces)} pieces but {len(counts)} counts")
        if set(map(type, pieces)) - {bytes} or b"" in pieces:
            k = next(k for k, piece in enumerate(pieces) if type(piece) is not bytes or not piece)
            raise ModelFormatError(f"{_name(k)} must be non-empty bytes, not {pieces[k]!r}")
        if set(map(type, counts)) - {int} or (counts and min(counts) < 1):
            k = next(k for k, count in enumerate(counts) if type(count) is not int or count < 1)
            raise ModelFormatError(f"{_name(k)}, {pieces[k]!r}: count must be an int >= 1, not {counts[k]!r}")
        if sum(counts) > _MAX_TOTAL:
            k = max(range(len(counts)), key=counts.__getitem__)
            raise ModelFormatError(
                f"counts sum to {sum(counts)}, beyond 2**63 - 1; the largest is that of {_name(k)}, {pieces[k]!r}"
            )
        distinct = set(pieces)
        if len(distinct) != len(pieces):
            first: dict[bytes, int] = {}
            k = next(k for k, piece in enumerate(pieces) if first.setdefault(piece, k) != k)
            raise ModelFormatError(f"{_name(k)} repeats {_name(first[pieces[k]])}: {pieces[k]!r}")
        missing = [byte for byte in range(256) if bytes([byte]) not in distinct]
        if missing:
            raise ModelFormatError(
                f"{len(missing)} of the 256 single bytes are missing, the first is 0x{missing[0]:02x}"
            )
        if self._settings["normalization"] not in NORMALIZATIONS:
            raise ModelFormatError(f"unknown normalization {self._settings['normalization']!r}")

    @property
    def pieces(self) -> list[bytes]:
        """The pieces in id order, special tokens not among them. A new list at each call."""
        return list(self._pieces)

    @property
    def counts(self) -> list[int]:
        """The counts of the pieces, in the same order. A new list at each call."""
        return list(self._counts)

    @property
    def settings(self) -> dict[str, Any]:
        """The training settings and ``"normalization"``. A new dict at each call."""
        return deepcopy(self._settings)

    @property
    def normalization(self) -> str | None:
        """What encoding does to text first: ``None`` or ``"nfc"``."""
        return self._settings["normalization"]  # type: ignore[no-any-return]

    @property
    def special_tokens(self) -> dict[str, int]:
        """The special tokens by name, with their ids. A new dict at each call."""
        return dict(SPECIAL_TOKENS)

    @property
    def first_id(self) -> int:
        """The id of the first piece; piece ``k`` has id ``first_id + k``."""
        return len(SPECIAL_TOKENS)

    @property
    def vocab_size(self) -> int:
        """The number of ids: special tokens and pieces."""
        return len(SPECIAL_TOKENS) + len(self._pieces)

    @classmethod
    def from_counts(cls, counts: Mapping[bytes | str, int], settings: Mapping[str, Any] | None = None) -> Model:
        """Make a model of counted pieces, in the order of trained models: by length, then by bytes.

        Pieces that are ``str`` become UTF-8. Single bytes that are missing get the count 1. So a dictionary of counted
        words becomes a model; `bytepiece.convert_to_bytepiece` also drops the words that no text would use.

        >>> model = Model.from_counts({"clock": 7, "tower": 4})
        >>> model.pieces[256:], model.vocab_size
        ([b'clock', b'tower'], 261)
        """
        items = [(to_bytes(piece) if isinstance(piece, str) else piece, count) for piece, count in counts.items()]
        present = {piece for piece, _ in items}
        items += [(bytes([byte]), 1) for byte in range(256) if bytes([byte]) not in present]
        items.sort(key=lambda item: (len(item[0]), item[0]))
        return cls(map(itemgetter(0), items), map(itemgetter(1), items), settings)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Model:
        """Read a model file: this project's format or BytePiece's JSON, whichever it is.

        Raises `ModelFormatError`, naming file and place, unless every rule of the format and of a model
        holds; `OSError` where the file cannot be read.
        """
        try:
            with open(path, "rb") as file:
                fields = formats.parse_model(file.read())
            model = cls(fields.pieces, fields.counts, fields.settings)
            if fields.special_tokens is not None and tuple(fields.special_tokens) != tuple(SPECIAL_TOKENS):
                raise ModelFormatError(f"special tokens {fields.special_tokens!r} are not {[*SPECIAL_TOKENS]}")
        except IsADirectoryError:
            raise ModelFormatError(f"{os.fspath(path)}: a directory, not a model file") from None
        except ModelFormatError as error:
            raise ModelFormatError(f"{os.fspath(path)}: {error}") from None
        return model

    def save(self, path: str | os.PathLike[str], format: str = "bytepiece") -> None:
        """Write a model file, whole or not at all: a crash or a full disk leaves the old file as it was.

        Args:
            path: where to; an existing file is replaced.
            format: ``"bytepiece"``, this project's own format, or ``"json"``, that of BytePiece 0.6.3, which
                has no room for the settings and implies NFC.

        Raises `OSError` where it cannot be written.
        """
        fields = formats.ModelFields(self._pieces, self._counts, tuple(SPECIAL_TOKENS), self._settings)
        data = formats.serialize_model(fields, format)
        with atomic_writer(path) as file:
            file.write(data)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Model):
            return NotImplemented
        return (self._pieces, self._counts, self._settings) == (other._pieces, other._counts, other._settings)

    def __hash__(self) -> int:
        return hash((self._pieces, self._counts))

    def __repr__(self) -> str:
        return f"<Model of {len(self._pieces)} pieces, normalization {self.normalization!r}>"


def _name(k: int) -> str:
    return f"piece {k} (id {len(SPECIAL_TOKENS) + k})"
