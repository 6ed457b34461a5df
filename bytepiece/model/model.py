"""What training produces and a tokenizer needs: pieces with counts, special tokens, settings."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import Any

import numpy as np

from bytepiece.core.packed import CountedBytes
from bytepiece.errors import ModelFormatError
from bytepiece.files import atomic_writer
from bytepiece.model import json_format, native_format
from bytepiece.model.fields import ModelFields
from bytepiece.model.formats import Format, SaveOptions, add_formats, load_model, save_model
from bytepiece.model.reserved import FIRST_PIECE_ID, RESERVED_TOKENS
from bytepiece.model.validation import bytes_of_counts, check_pieces, check_settings, check_special_tokens, pack_pieces

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

    Models can be shared by threads, pickled and copied; equal models have equal pickles.

    >>> model = Model([bytes([b]) for b in range(256)] + [b"ab"], [1] * 257)
    >>> model.vocab_size
    260
    """

    __slots__ = ("_added_tokens", "_packed", "_settings")

    _packed: CountedBytes
    _settings: dict[str, Any]
    _added_tokens: tuple[str, ...]

    def __init__(
        self,
        pieces: Iterable[bytes],
        counts: Iterable[int],
        settings: Mapping[str, Any] | None = None,
        special_tokens: Iterable[str] = (),
    ) -> None:
        self._set(pack_pieces(list(pieces), list(counts)), settings, special_tokens)

    def _set(self, pieces: CountedBytes, settings: Mapping[str, Any] | None, special_tokens: Iterable[str]) -> None:
        self._added_tokens = check_special_tokens(special_tokens)
        self._settings = check_settings(settings)
        check_pieces(pieces)
        for array in pieces.arrays:
            array.setflags(write=False)
        self._packed = pieces

    @classmethod
    def from_packed(
        cls,
        pieces: CountedBytes,
        settings: Mapping[str, Any] | None = None,
        special_tokens: Iterable[str] = (),
    ) -> Model:
        """Make a model of `CountedBytes`, the pieces in id order and their counts. Its arrays become read-only.

        The other arguments, and the errors, are those of `Model`.

        >>> from bytepiece.core.packed import PackedBytes
        >>> pieces = PackedBytes.from_list([bytes([byte]) for byte in range(256)])
        >>> Model.from_packed(pieces.with_counts(np.ones(256, dtype=np.uint64))).vocab_size
        259
        """
        model = cls.__new__(cls)
        model._set(pieces, settings, special_tokens)
        return model

    @property
    def pieces(self) -> list[bytes]:
        """The pieces in id order, special tokens not among them. A new list at each call."""
        return self._packed.to_list()

    @property
    def counts(self) -> list[int]:
        """The counts of the pieces, in the same order. A new list at each call."""
        return self._packed.counts.tolist()  # type: ignore[no-any-return]

    @property
    def packed(self) -> CountedBytes:
        """The pieces and their counts in arrays, which are read-only."""
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
        """Special tokens by name, with their ids: 0 to 2, and those after the pieces. A new dict at each call."""
        first = FIRST_PIECE_ID + len(self._packed)
        return {**RESERVED_TOKENS, **{name: id for id, name in enumerate(self._added_tokens, first)}}

    @property
    def first_id(self) -> int:
        """The id of the first piece; piece ``k`` has id ``first_id + k``."""
        return FIRST_PIECE_ID

    @property
    def vocab_size(self) -> int:
        """The number of ids: special tokens and pieces."""
        return FIRST_PIECE_ID + len(self._packed) + len(self._added_tokens)

    def with_special_tokens(self, names: Iterable[str]) -> Model:
        """A model with more special tokens. Their ids follow all others, which stay as they are.

        Args:
            names: new names, distinct, non-empty ``str`` that UTF-8 can hold.

        Raises `ModelFormatError` for an invalid name, and for one that the model has already.

        In a text, such a name is plain text unless a call allows it: see `Tokenizer.encode`.

        >>> model = Model([bytes([b]) for b in range(256)], [1] * 256)
        >>> model = model.with_special_tokens(["<|im_start|>", "<|im_end|>"])
        >>> model.special_tokens
        {'<pad>': 0, '<bos>': 1, '<eos>': 2, '<|im_start|>': 259, '<|im_end|>': 260}
        """
        added = check_special_tokens(names, [*self._added_tokens])
        return self.from_packed(self._packed, self._settings, added)

    @classmethod
    def from_counts(
        cls,
        counts: Mapping[bytes, int] | Mapping[str, int],
        settings: Mapping[str, Any] | None = None,
        special_tokens: Iterable[str] = (),
    ) -> Model:
        """Make a model of counted pieces, in the order of trained models: by length, then by bytes.

        Pieces that are ``str`` become UTF-8. Missing single bytes get the count 1, so any dictionary of counted words
        can become a model. `bytepiece.convert_to_bytepiece` also drops the words that no text would use.

        Raises `ModelFormatError`, naming the piece, for an invalid piece or count.

        >>> model = Model.from_counts({"clock": 7, "tower": 4})
        >>> model.pieces[256:], model.vocab_size
        ([b'clock', b'tower'], 261)
        """
        all_counts = {bytes([byte]): 1 for byte in range(256)} | bytes_of_counts(counts)
        pieces = sorted(all_counts, key=lambda piece: (len(piece), piece))
        return cls(pieces, [all_counts[piece] for piece in pieces], settings, special_tokens)

    @classmethod
    def load(cls, path: str | os.PathLike[str], format: str | None = None) -> Model:
        """Read a model of any format, provided that some model gives the same ids.

        Args:
            path: the file, or the folder of a Hugging Face tokenizer. It is read once, so it can be a pipe.
            format: ``"bytepiece"``, this project's own; ``"json"``, that of BytePiece 0.6.3; ``"huggingface"``, a
                ``tokenizer.json``; ``"sentencepiece"``; or ``"counts"``, lines of a piece, a tab and a count. None for
                the one that the file is in.

        Raises `ModelFormatError`, naming file and place, if a rule of the format or of a model is broken;
        `ImportModelError`, saying why, if no model gives the ids of the other tokenizer; `SettingsError` for an unknown
        format; `OSError` if the file cannot be read.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "my.json")
        ...     Model.from_counts({"clock": 7}).save(path, format="json")
        ...     Model.load(path).normalization
        'nfc'
        """
        return load_model(path, format)  # type: ignore[no-any-return]

    def save(
        self,
        path: str | os.PathLike[str],
        format: str = "bytepiece",
        *,
        force: bool = False,
        special_tokens_as_text: bool = False,
        model_max_length: int | None = None,
        auto_map: bool = False,
    ) -> None:
        """Write a model file, whole or not at all: a crash or a full disk leaves the old file as it was.

        Args:
            path: where to; an existing file is replaced. For ``"huggingface"`` a folder.
            format: ``"bytepiece"``, this project's own format; ``"json"``, that of BytePiece 0.6.3, which has no room
                for the settings and implies NFC; ``"huggingface"`` or ``"sentencepiece"``.
            force: see `bytepiece.exchange.to_sentencepiece`.
            special_tokens_as_text: see `bytepiece.exchange.to_huggingface`, as for the next two.
            model_max_length: see there.
            auto_map: see there.

        Raises `SettingsError` for an unknown format, and for ``"json"`` if there are special tokens besides the three
        of every model, for which it has no room either; `ExportError` if the other tokenizer cannot use some pieces as
        the model does; `OSError` if the file cannot be written.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "my.model")
        ...     Model.from_counts({"clock": 7}).save(path)
        ...     Model.load(path).pieces[-1]
        b'clock'
        """
        save_model(self, path, format, SaveOptions(force, special_tokens_as_text, model_max_length, auto_map))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Model):
            return NotImplemented
        return (self._added_tokens, self._settings) == (other._added_tokens, other._settings) and all(
            map(np.array_equal, self._packed.arrays, other._packed.arrays)
        )

    def __hash__(self) -> int:
        return hash((self._packed.data.tobytes(), len(self._packed), self._added_tokens))

    def __copy__(self) -> Model:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Model:
        return self

    def __reduce__(self) -> tuple[Callable[..., Model], tuple[Any, ...]]:
        # A few long strings: smaller than the pickle of a list of pieces, and equal for equal models.
        return _unpickle, (
            type(self),
            self._packed.data.tobytes(),
            self._packed.lengths.astype("<u4").tobytes(),
            self._packed.counts.astype("<u8").tobytes(),
            json.dumps(self._settings, sort_keys=True),
            json.dumps(self._added_tokens),
        )

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self._settings.items())
        n_special = FIRST_PIECE_ID + len(self._added_tokens)
        return f"<Model of {self.vocab_size} ids: {len(self._packed)} pieces, {n_special} special tokens; {settings}>"


def _unpickle(
    cls: type[Model], data: bytes, lengths: bytes, counts: bytes, settings: str, special_tokens: str
) -> Model:
    offsets = np.concatenate([[0], np.cumsum(np.frombuffer(lengths, "<u4"), dtype=np.int64)])
    pieces = CountedBytes(np.frombuffer(data, np.uint8), offsets, np.frombuffer(counts, "<u8").astype(np.uint64))
    return cls.from_packed(pieces, json.loads(settings), json.loads(special_tokens))


# The formats that this project defines.


def _model_of(fields: ModelFields) -> Model:
    reserved, added = fields.special_tokens[:FIRST_PIECE_ID], fields.special_tokens[FIRST_PIECE_ID:]
    if [*reserved] != [*RESERVED_TOKENS]:
        raise ModelFormatError(f"special tokens {[*reserved]} are not {[*RESERVED_TOKENS]}, which come first")
    return Model.from_packed(fields.pieces, fields.settings, added)


def _writer(write: Callable[[ModelFields], bytes]) -> Callable[[Model, str | os.PathLike[str], SaveOptions], None]:
    def write_file(model: Model, path: str | os.PathLike[str], options: SaveOptions) -> None:
        data = write(ModelFields(model.packed, tuple(model.special_tokens), model.settings))
        with atomic_writer(path) as file:
            file.write(data)

    return write_file


def _json_remark(model: Model, options: SaveOptions) -> str | None:
    return None if model.normalization else "BytePiece's JSON implies NFC, which the model does not apply to text"


add_formats(
    Format(
        "bytepiece",
        "a model file",
        native_format.recognizes,
        lambda data: _model_of(native_format.read(data)),
        _writer(native_format.write),
    ),
    Format(
        "json",
        "BytePiece's JSON",
        json_format.recognizes,
        lambda data: _model_of(json_format.read(data)),
        _writer(json_format.write),
        _json_remark,
    ),
)
