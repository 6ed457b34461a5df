"""Ids to pieces and back: what decoding needs, and nothing that encodes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import cached_property
from operator import index

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import log_probabilities
from bytepiece.core.packed import PackedBytes
from bytepiece.core.packing import join_strings
from bytepiece.encoding.offsets import locate
from bytepiece.errors import UnknownIdError, UnknownPieceError, shown
from bytepiece.model.model import Model
from bytepiece.model.reserved import RESERVED_TOKENS

__all__ = ["Vocabulary"]


class Vocabulary:
    """The pieces and special tokens of a model by their ids, the ids by these, and the scores of the pieces.

    Pieces are ``bytes``, special tokens ``str``. Tables are made when first needed.

    Args:
        model: the model.

    Thread safety: any number of threads can share one.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._size = model.vocab_size

    def checked(self, id: object) -> int:
        """An id as int.

        Raises `UnknownIdError` for anything that is not an id.
        """
        try:
            number = index(id)  # type: ignore[arg-type]
        except TypeError:
            number = -1
        if not 0 <= number < self._size:
            raise UnknownIdError(f"{shown(id)} is not an id: ids are ints from 0 to {self._size - 1}")
        return number

    def piece_of(self, id: int) -> bytes | str:
        """The piece or special token of an id.

        Raises `UnknownIdError` for anything that is not an id.
        """
        return self._pieces[self.checked(id)]

    def id_of(self, piece: bytes | str) -> int:
        """The id of a piece or special token.

        Raises `UnknownPieceError` for anything that the vocabulary does not have.
        """
        try:
            return self._ids[piece]
        except (KeyError, TypeError):
            raise UnknownPieceError(
                f"{piece!r} is not in the vocabulary: pieces are bytes, special tokens str"
            ) from None

    def ids_by_piece(self) -> dict[bytes | str, int]:
        """The ids of all pieces and special tokens. A new dict."""
        return dict(self._ids)

    def pieces_of(self, ids: Iterable[int]) -> Iterator[bytes]:
        """The bytes of each of some valid ids; those of special tokens are empty."""
        return map(self._bytes.__getitem__, ids)

    def name_of(self, id: int) -> bytes:
        """The UTF-8 of the name of a special token."""
        return self.bytes_and_names[id]

    def decode_bytes(self, ids: Iterable[int], skip_special_tokens: bool = True) -> bytes:
        """The bytes of some ids, joined; special tokens are left out, or have those of their names.

        Raises `UnknownIdError` for the first that is not an id.
        """
        if isinstance(ids, np.ndarray) and ids.dtype == np.uint32 and ids.ndim == 1:
            joined = self.join(np.ascontiguousarray(ids), skip_special_tokens)
            if joined is not None:
                return joined
        table = self._bytes if skip_special_tokens else self.bytes_and_names
        if not isinstance(ids, list):
            ids = list(ids)
        try:
            if ids and min(ids) < 0:
                raise IndexError
            return b"".join(map(table.__getitem__, ids))
        except (IndexError, TypeError, ValueError):
            return b"".join([table[self.checked(id)] for id in ids])  # or the error names an id

    def join(self, ids: NDArray[np.uint32], skip_special_tokens: bool = True) -> bytes | None:
        """What `decode_bytes` gives for an array; it holds no lock meanwhile. None if some are not ids."""
        return join_strings(self._packed if skip_special_tokens else self._packed_with_names, ids)

    def decode_with_offsets(self, ids: Iterable[int], skip_special_tokens: bool) -> tuple[str, NDArray[np.int64]]:
        """The text of some ids, and begin and end of each in it, in characters."""
        ids = list(ids)
        data = self.decode_bytes(ids, skip_special_tokens)
        lengths = self.lengths_of(skip_special_tokens)
        array = np.fromiter(map(index, ids), np.uint32, len(ids))
        return data.decode("utf-8", "replace"), locate(array, lengths, data, data)[1]

    def score(self, ids: Iterable[int]) -> float:
        """The sum of the log-probabilities of some ids; special tokens count as 0.

        Raises `UnknownIdError` for the first that is not an id.
        """
        return math.fsum(self._scores[self.checked(id)] for id in ids)

    def lengths_of(self, skip_special_tokens: bool) -> NDArray[np.int32]:
        """For each id the number of bytes that it decodes to."""
        return self.lengths if skip_special_tokens else self._lengths_with_names

    @cached_property
    def _lengths_with_names(self) -> NDArray[np.int32]:
        return self._packed_with_names.lengths.astype(np.int32)

    @cached_property
    def lengths(self) -> NDArray[np.int32]:
        """For each id the number of bytes; special tokens have none."""
        return self._packed.lengths.astype(np.int32)

    @cached_property
    def _packed(self) -> PackedBytes:
        """The bytes of each id; those of special tokens are empty."""
        pieces = self._model.packed
        offsets = np.full(self._size + 1, pieces.offsets[-1], dtype=np.int64)
        offsets[: self._model.first_id] = 0
        offsets[self._model.first_id : self._model.first_id + len(pieces.offsets)] = pieces.offsets
        return PackedBytes(pieces.data, offsets)

    @cached_property
    def _packed_with_names(self) -> PackedBytes:
        return PackedBytes.from_list(self.bytes_and_names)

    @cached_property
    def _pieces(self) -> list[bytes | str]:
        added = [name for name in self._model.special_tokens if name not in RESERVED_TOKENS]
        return [*RESERVED_TOKENS, *self._model.pieces, *added]

    @cached_property
    def _ids(self) -> dict[bytes | str, int]:
        return {piece: id for id, piece in enumerate(self._pieces)}

    @cached_property
    def _bytes(self) -> list[bytes]:
        return [b"" if isinstance(piece, str) else piece for piece in self._pieces]

    @cached_property
    def bytes_and_names(self) -> list[bytes]:
        """For each id the bytes of its piece, or the UTF-8 of the name of the special token."""
        return [piece.encode() if isinstance(piece, str) else piece for piece in self._pieces]

    @cached_property
    def _scores(self) -> list[float]:
        scores = [0.0] * self._size
        of_pieces = log_probabilities(self._model.packed.counts)
        scores[self._model.first_id : self._model.first_id + len(of_pieces)] = of_pieces.tolist()
        return scores
