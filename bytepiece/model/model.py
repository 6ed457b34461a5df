"""What training produces and a tokenizer needs: pieces with counts, special tokens, settings."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from operator import itemgetter
from typing import Any

import numpy as np

from bytepiece.errors import ModelFormatError
from bytepiece.files import atomic_writer
from bytepiece.model import formats
from bytepiece.model.packed import Packed, pack
from bytepiece.model.reserved import FIRST_PIECE_ID, RESERVED_TOKENS
from bytepiece.text.normal_form import NORMALIZATIONS
from bytepiece.text.preparation import to_bytes
from bytepiece.text.surrogates import has_surrogates

__all__ = ["Model"]


class Model:
    """A vocabulary: immutable, and valid from the moment it exists.

    Args:
        pieces: the pieces in id order, from id 3 on: non-empty, distinct, all 256 single bytes among them.
        counts: for each piece how often it was counted in training, 1 or more; their sum fits 63 bits.
        settings: how it was trained, values that JSON can hold. ``"normalization"``, which encoding obeys
            too, is ``None`` (lossless) or ``"nfc"``.
        special_tokens: names of special tokens besides ``<pad>``, ``<bos>`` and ``<eos>``, which every model has:
            distinct, non-empty ``str`` that UTF-8 can hold. Their ids follow those of the pieces.

    Raises:
        ModelFormatError: a rule above is broken; says which and by which piece or name.

    A model can be shared by threads, pickled and copied; nothing changes it. Equal models have equal pickles.

    >>> model = Model([bytes([b]) for b in range(256)] + [b"ab"], [1] * 257)
    >>> model.vocab_size
    260
    """

    __slots__ = ("_added_tokens", "_packed", "_settings")

    def __init__(
        self,
        pieces: Iterable[bytes],
        counts: Iterable[int],
        settings: Mapping[str, Any] | None = None,
        special_tokens: Iterable[str] = (),
    ) -> None:
        self._set(pack(list(pieces), list(counts), FIRST_PIECE_ID), settings, special_tokens)

    def _set(self, packed: Packed, settings: Mapping[str, Any] | None, special_tokens: Iterable[str]) -> None:
        self._added_tokens = check_special_tokens(special_tokens)
        try:
            self._settings = json.loads(json.dumps({"normalization": None, **(settings or {})}, allow_nan=False))
        except (TypeError, ValueError, RecursionError) as error:
            raise ModelFormatError(f"settings must be what JSON can hold: {error}") from None
        if self._settings["normalization"] not in NORMALIZATIONS:
            raise ModelFormatError(f"unknown normalization {self._settings['normalization']!r}")
        packed.check(FIRST_PIECE_ID)
        for array in (packed.offsets, packed.counts):
            array.setflags(write=False)
        self._packed = packed

    @classmethod
    def _from_packed(cls, packed: Packed, settings: Mapping[str, Any], special_tokens: Iterable[str]) -> Model:
        model = cls.__new__(cls)
        model._set(packed, settings, special_tokens)
        return model

    @property
    def pieces(self) -> list[bytes]:
        """The pieces in id order, special tokens not among them. A new list at each call."""
        return self._packed.pieces

    @property
    def counts(self) -> list[int]:
        """The counts of the pieces, in the same order. A new list at each call."""
        return self._packed.counts.tolist()  # type: ignore[no-any-return]

    @property
    def packed(self) -> Packed:
        """All pieces one after the other, where each begins and the last ends, and the counts; read-only."""
        return self._packed

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
        first = FIRST_PIECE_ID + len(self._packed.counts)
        return {**RESERVED_TOKENS, **{name: id for id, name in enumerate(self._added_tokens, first)}}

    @property
    def first_id(self) -> int:
        """The id of the first piece; piece ``k`` has id ``first_id + k``."""
        return FIRST_PIECE_ID

    @property
    def vocab_size(self) -> int:
        """The number of ids: special tokens and pieces."""
        return FIRST_PIECE_ID + len(self._packed.counts) + len(self._added_tokens)

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
        return self._from_packed(self._packed, self._settings, added)

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

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "my.json")
        ...     Model.from_counts({"clock": 7}).save(path, format="json")
        ...     Model.load(path).normalization
        'nfc'
        """
        try:
            with open(path, "rb") as file:
                fields = formats.parse_model(file.read())
            base, added = fields.special_tokens[:FIRST_PIECE_ID], fields.special_tokens[FIRST_PIECE_ID:]
            if tuple(base) != tuple(RESERVED_TOKENS):
                raise ModelFormatError(f"special tokens {[*base]} are not {[*RESERVED_TOKENS]}, which come first")
            model = cls._from_packed(fields.packed, fields.settings, added)
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

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "my.model")
        ...     Model.from_counts({"clock": 7}).save(path)
        ...     Model.load(path).pieces[-1]
        b'clock'
        """
        fields = formats.ModelFields(self._packed, (*RESERVED_TOKENS, *self._added_tokens), self._settings)
        data = formats.serialize_model(fields, format)
        with atomic_writer(path) as file:
            file.write(data)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Model):
            return NotImplemented
        return (
            self._packed.data == other._packed.data
            and np.array_equal(self._packed.offsets, other._packed.offsets)
            and np.array_equal(self._packed.counts, other._packed.counts)
            and (self._added_tokens, self._settings) == (other._added_tokens, other._settings)
        )

    def __hash__(self) -> int:
        return hash((self._packed.data, len(self._packed.counts), self._added_tokens))

    def __copy__(self) -> Model:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Model:
        return self

    def __reduce__(self) -> tuple[Callable[..., Model], tuple[Any, ...]]:
        # A few long strings: small, and the same for equal models, while a pickle of all the
        # pieces would also tell which objects are one and the same.
        return _unpickle, (
            type(self),
            self._packed.data,
            np.diff(self._packed.offsets).astype("<u4").tobytes(),
            self._packed.counts.astype("<i8").tobytes(),
            json.dumps(self._settings, sort_keys=True),
            json.dumps(self._added_tokens),
        )

    def __repr__(self) -> str:
        return f"<Model of {len(self._packed.counts)} pieces, normalization {self.normalization!r}>"


def _unpickle(
    cls: type[Model], joined: bytes, lengths: bytes, counts: bytes, settings: str, special_tokens: str
) -> Model:
    offsets = np.concatenate([[0], np.cumsum(np.frombuffer(lengths, "<u4"), dtype=np.int64)])
    packed = Packed(joined, offsets, np.frombuffer(counts, "<i8").astype(np.int64))
    return cls._from_packed(packed, json.loads(settings), json.loads(special_tokens))


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
        if has_surrogates(name):
            raise ModelFormatError(f"the name of a special token must not have lone surrogates: {name!r}")
        if name in tokens or name in RESERVED_TOKENS:
            raise ModelFormatError(f"there is a special token {name!r} already")
        tokens[str(name)] = None
    return tuple(tokens)
