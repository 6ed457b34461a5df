"""What training produces and a tokenizer needs: pieces with counts, special tokens, settings."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from itertools import pairwise
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytepiece import formats
from bytepiece.errors import ModelFormatError
from bytepiece.files import atomic_writer
from bytepiece.text import NORMALIZATIONS, to_bytes

__all__ = ["SPECIAL_TOKENS", "Model"]

SPECIAL_TOKENS: Mapping[str, int] = {"<pad>": 0, "<bos>": 1, "<eos>": 2}
"""The special tokens that every model has, with their ids; the pieces follow from id 3 on."""

_MAX_TOTAL = 2**63 - 1
_SURROGATE = re.compile("[\ud800-\udfff]")


class Model:
    """A vocabulary: immutable, and valid from the moment it exists.

    Args:
        pieces: the pieces in id order, from id 3 on: non-empty, distinct, all 256 single bytes among them.
        counts: for each piece how often it was counted in training, 1 or more; their sum fits 63 bits.
        settings: how it was trained, values that JSON can hold. ``"normalization"``, which encoding obeys
            too, is ``None`` (lossless) or ``"nfc"``.
        special_tokens: names of further ones than `SPECIAL_TOKENS`, distinct and non-empty ``str`` that UTF-8 can hold.
            Their ids come after those of the pieces.

    Raises:
        ModelFormatError: a rule above is broken; says which and by which piece or name.

    A model can be shared by threads, pickled and copied; nothing changes it. Equal models have equal pickles.

    >>> model = Model([bytes([b]) for b in range(256)] + [b"ab"], [1] * 257)
    >>> model.vocab_size
    260
    """

    # Pieces and counts are packed: as objects they would take five times the memory.
    __slots__ = ("_added_tokens", "_counts", "_data", "_offsets", "_settings")

    def __init__(
        self,
        pieces: Iterable[bytes],
        counts: Iterable[int],
        settings: Mapping[str, Any] | None = None,
        special_tokens: Iterable[str] = (),
    ) -> None:
        pieces, counts = list(pieces), list(counts)
        self._added_tokens = check_special_tokens(special_tokens)
        try:
            self._settings = json.loads(json.dumps({"normalization": None, **(settings or {})}, allow_nan=False))
        except (TypeError, ValueError, RecursionError) as error:
            raise ModelFormatError(f"settings must be what JSON can hold: {error}") from None
        self._validate(pieces, counts)
        self._data = b"".join(pieces)
        self._offsets = np.zeros(len(pieces) + 1, dtype=np.int64)
        np.cumsum(np.fromiter(map(len, pieces), np.int64, len(pieces)), out=self._offsets[1:])
        self._counts = np.array(counts, dtype=np.int64)
        for array in (self._offsets, self._counts):
            array.setflags(write=False)

    def _validate(self, pieces: list[bytes], counts: list[int]) -> None:
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
        return [self._data[begin:end] for begin, end in pairwise(self._offsets.tolist())]

    @property
    def counts(self) -> list[int]:
        """The counts of the pieces, in the same order. A new list at each call."""
        return self._counts.tolist()  # type: ignore[no-any-return]

    @property
    def packed(self) -> tuple[bytes, NDArray[np.int64], NDArray[np.int64]]:
        """All pieces one after the other, where each begins and the last ends, and the counts; read-only."""
        return self._data, self._offsets, self._counts

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
        """Special tokens by name, with their ids: 0 to 2, further ones after the pieces. A new dict at each call."""
        first = len(SPECIAL_TOKENS) + len(self._counts)
        return {**SPECIAL_TOKENS, **{name: id for id, name in enumerate(self._added_tokens, first)}}

    @property
    def first_id(self) -> int:
        """The id of the first piece; piece ``k`` has id ``first_id + k``."""
        return len(SPECIAL_TOKENS)

    @property
    def vocab_size(self) -> int:
        """The number of ids: special tokens and pieces."""
        return len(SPECIAL_TOKENS) + len(self._counts) + len(self._added_tokens)

    def with_special_tokens(self, names: Iterable[str]) -> Model:
        """A model with further special tokens: their ids follow all that it has, which stay as they are.

        Args:
            names: new ones, distinct and non-empty ``str`` that UTF-8 can hold.

        Raises `ModelFormatError` for a name that is none, or that the model has.

        In text they are plain text, unless a call allows them: see `Tokenizer.encode`.

        >>> model = Model([bytes([b]) for b in range(256)], [1] * 256)
        >>> model = model.with_special_tokens(["<|im_start|>", "<|im_end|>"])
        >>> model.special_tokens
        {'<pad>': 0, '<bos>': 1, '<eos>': 2, '<|im_start|>': 259, '<|im_end|>': 260}
        """
        added = check_special_tokens(names, [*self._added_tokens])
        return type(self)(self.pieces, self.counts, self._settings, added)

    @classmethod
    def from_counts(
        cls,
        counts: Mapping[bytes, int] | Mapping[str, int],
        settings: Mapping[str, Any] | None = None,
        special_tokens: Iterable[str] = (),
    ) -> Model:
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
        return cls(map(itemgetter(0), items), map(itemgetter(1), items), settings, special_tokens)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Model:
        """Read a model file: this project's format or BytePiece's JSON, whichever it is.

        Raises `ModelFormatError`, naming file and place, unless every rule of the format and of a model
        holds; `OSError` where the file cannot be read.
        """
        try:
            with open(path, "rb") as file:
                fields = formats.parse_model(file.read())
            base, added = fields.special_tokens[: len(SPECIAL_TOKENS)], fields.special_tokens[len(SPECIAL_TOKENS) :]
            if tuple(base) != tuple(SPECIAL_TOKENS):
                raise ModelFormatError(f"special tokens {[*base]} are not {[*SPECIAL_TOKENS]}, which come first")
            model = cls(fields.pieces, fields.counts, fields.settings, added)
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

        Raises `SettingsError` for an unknown format, and for ``"json"`` if there are further special tokens, for which
        it has no room either; `OSError` where the file cannot be written.
        """
        fields = formats.ModelFields(self.pieces, self.counts, (*SPECIAL_TOKENS, *self._added_tokens), self._settings)
        data = formats.serialize_model(fields, format)
        with atomic_writer(path) as file:
            file.write(data)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Model):
            return NotImplemented
        return (
            self._data == other._data
            and np.array_equal(self._offsets, other._offsets)
            and np.array_equal(self._counts, other._counts)
            and (self._added_tokens, self._settings) == (other._added_tokens, other._settings)
        )

    def __hash__(self) -> int:
        return hash((self._data, len(self._counts), self._added_tokens))

    def __copy__(self) -> Model:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Model:
        return self

    def __reduce__(self) -> tuple[Callable[..., Model], tuple[Any, ...]]:
        # A few long strings: small, and the same for equal models, while a pickle of all the
        # pieces would also tell which objects are one and the same.
        return _unpickle, (
            type(self),
            self._data,
            np.diff(self._offsets).astype("<u4").tobytes(),
            self._counts.astype("<i8").tobytes(),
            json.dumps(self._settings, sort_keys=True),
            json.dumps(self._added_tokens),
        )

    def __repr__(self) -> str:
        return f"<Model of {len(self._counts)} pieces, normalization {self.normalization!r}>"


def _unpickle(
    cls: type[Model], joined: bytes, lengths: bytes, counts: bytes, settings: str, special_tokens: str
) -> Model:
    ends = np.cumsum(np.frombuffer(lengths, "<u4"), dtype=np.int64).tolist()
    pieces = [joined[begin:end] for begin, end in pairwise([0, *ends])]
    return cls(pieces, np.frombuffer(counts, "<i8").tolist(), json.loads(settings), json.loads(special_tokens))


def check_special_tokens(names: Iterable[str], present: Iterable[str] = ()) -> tuple[str, ...]:
    """The further special tokens of a model: those it has, and new names.

    Raises `ModelFormatError` for a name that is none, or that is there already.
    """
    if isinstance(names, (str, bytes)) or not isinstance(names, Iterable):
        raise ModelFormatError(f"special tokens must be an iterable of names, not {names!r}")
    tokens = dict.fromkeys(present)
    for name in names:
        if not isinstance(name, str) or not name:
            raise ModelFormatError(f"the name of a special token must be a non-empty str, not {name!r}")
        if _SURROGATE.search(name):
            raise ModelFormatError(f"the name of a special token must not have lone surrogates: {name!r}")
        if name in tokens or name in SPECIAL_TOKENS:
            raise ModelFormatError(f"there is a special token {name!r} already")
        tokens[str(name)] = None
    return tuple(tokens)


def _name(k: int) -> str:
    return f"piece {k} (id {len(SPECIAL_TOKENS) + k})"
