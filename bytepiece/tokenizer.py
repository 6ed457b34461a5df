"""Text in, ids out, and back."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterable
from functools import cached_property
from itertools import pairwise
from operator import index

import numpy as np
from numpy.typing import NDArray

from bytepiece._automaton import Automaton, log_probabilities
from bytepiece._segment import segment
from bytepiece.batches import segment_all
from bytepiece.errors import UnknownIdError, UnknownPieceError
from bytepiece.model import Model
from bytepiece.text import to_bytes

__all__ = ["Tokenizer"]

_FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


class Tokenizer:
    """Encodes text with a model: the segmentation into pieces whose counts make it most probable.

    Args:
        model: a `Model`, or the path of a model file.

    Raises what `Model.load` raises.

    Everything that encodes takes ``str`` or ``bytes``, cuts it after every run of newlines, and finds in each part, by
    Viterbi, the pieces with the greatest sum of log-probabilities; of equals the one whose last piece is longest.
    The cost is linear in the length of the text. Unless the model normalizes, `decode_bytes` gives every byte back.

    Thread safety: a tokenizer is immutable; any number of threads can share one. While it segments it
    holds no lock, so threads run side by side.

    >>> from bytepiece import Model, Tokenizer
    >>> counts = {bytes([byte]): 1 for byte in range(256)} | {b"he": 20, b"llo": 30}
    >>> tokenizer = Tokenizer(Model.from_counts(counts))
    >>> tokenizer.tokenize("hello")
    [b'he', b'llo']
    >>> tokenizer.decode(tokenizer.encode("hello"))
    'hello'
    """

    def __init__(self, model: Model | str | os.PathLike[str]) -> None:
        self._model = model if isinstance(model, Model) else Model.load(model)
        self._first_id = self._model.first_id
        self._special_tokens = self._model.special_tokens
        self._normalization = self._model.normalization
        data, offsets, counts = self._model.packed
        self._automaton = Automaton((data, offsets), log_probabilities(counts))
        # Ints that lists of ids share, because making them anew takes longer than finding the ids of short pieces.
        # Not without a global lock, where threads would fight for their reference counts.
        self._ints: list[int | None] = [] if _FREE_THREADED else [None] * self._model.vocab_size

    @property
    def model(self) -> Model:
        """The model it was made of."""
        return self._model

    @property
    def vocab_size(self) -> int:
        """The number of ids, special tokens among them: ids are 0 to ``vocab_size - 1``."""
        return self._model.vocab_size

    def tokenize(self, text: str | bytes) -> list[bytes]:
        """Segment a text into pieces.

        Raises `TextError` for a lone surrogate, naming its position, and for what is neither ``str`` nor ``bytes``.
        """
        by_id = self._bytes_by_id
        return [by_id[id] for id in self.encode(text)]

    def encode(self, text: str | bytes, add_bos: bool = False, add_eos: bool = False) -> list[int]:
        """Segment a text, and return the ids of its pieces.

        Args:
            text: ``str``, or ``bytes`` of any content.
            add_bos: put the id of ``<bos>`` first.
            add_eos: put the id of ``<eos>`` last.

        Raises what `tokenize` raises.
        """
        ids = segment(self._automaton, to_bytes(text, self._normalization), self._first_id).tolist(self._ints)
        if add_bos:
            ids.insert(0, self._special_tokens["<bos>"])
        if add_eos:
            ids.append(self._special_tokens["<eos>"])
        return ids

    def encode_to_numpy(self, text: str | bytes, threads: int | None = 1) -> NDArray[np.uint32]:
        """Encode a text as `encode` does; the ids as a uint32 array.

        Args:
            text: ``str``, or ``bytes`` of any content.
            threads: how many segment it; None for one on each processor. A text is divided after newlines only.

        Raises what `tokenize` raises.
        """
        document = to_bytes(text, self._normalization)
        return segment_all(self._automaton, [document], self._first_id, threads)[0]

    def encode_batch(self, texts: Iterable[str | bytes], threads: int | None = None) -> list[list[int]]:
        """Encode many texts; a list of lists of ids, as `encode` gives them.

        Args:
            texts: the texts.
            threads: how many segment them, the results do not depend on it; None for one on each processor.

        Raises what `tokenize` raises.
        """
        ids, offsets = self.encode_batch_to_numpy(texts, threads)
        return [ids[begin:end].tolist() for begin, end in pairwise(offsets.tolist())]

    def encode_batch_to_numpy(
        self, texts: Iterable[str | bytes], threads: int | None = None
    ) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """Encode many texts into one pair of arrays; arguments and errors as for `encode_batch`.

        Returns all ids (uint32), and offsets (int64), one more than texts: those of text k are
        ``ids[offsets[k]:offsets[k + 1]]``.
        """
        documents = [to_bytes(text, self._normalization) for text in texts]
        return segment_all(self._automaton, documents, self._first_id, threads)

    def count(self, text: str | bytes) -> int:
        """The number of ids that `encode` gives, without making them; raises what `tokenize` raises."""
        return segment(self._automaton, to_bytes(text, self._normalization), self._first_id, counting=True)

    def decode(self, ids: Iterable[int], errors: str = "replace") -> str:
        """The text of some ids. Special tokens have none.

        Args:
            ids: ints from 0 to ``vocab_size - 1``.
            errors: what becomes of bytes that form no character, as for ``bytes.decode``: ``"replace"`` puts U+FFFD in
                their place, ``"ignore"`` drops them, ``"strict"`` raises ``UnicodeDecodeError``.

        Raises `UnknownIdError`, a ``ValueError``, naming the first id that is none.
        """
        return self.decode_bytes(ids).decode("utf-8", errors)

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes of some ids: what was encoded, whatever it was. Special tokens have none.

        Raises `UnknownIdError`, a ``ValueError``, naming the first id that is none.
        """
        if not isinstance(ids, list):
            ids = list(ids)
        try:
            if ids and min(ids) < 0:
                raise IndexError
            return b"".join(map(self._bytes_by_id.__getitem__, ids))
        except (IndexError, TypeError, ValueError):
            return b"".join([self._bytes_by_id[self._checked(id)] for id in ids])

    def decode_batch(self, batch: Iterable[Iterable[int]], errors: str = "replace") -> list[str]:
        """`decode` of each."""
        return [self.decode(ids, errors) for ids in batch]

    def _checked(self, id: object) -> int:
        try:
            number = index(id)  # type: ignore[arg-type]
        except TypeError:
            number = -1
        if not 0 <= number < self.vocab_size:
            raise UnknownIdError(f"{id!r} is not an id: ids are ints from 0 to {self.vocab_size - 1}")
        return number

    @cached_property
    def _by_id(self) -> list[bytes | str]:
        return [*self._special_tokens, *self._model.pieces]

    @cached_property
    def _bytes_by_id(self) -> list[bytes]:
        return [*(b"" for _ in self._special_tokens), *self._model.pieces]

    @cached_property
    def _by_piece(self) -> dict[bytes | str, int]:
        return {piece: id for id, piece in enumerate(self._by_id)}

    def piece_to_id(self, piece: bytes | str) -> int:
        """The id of a piece (``bytes``) or of a special token (``str``).

        Raises `UnknownPieceError`, a ``KeyError``, for one that is not in the vocabulary.
        """
        try:
            return self._by_piece[piece]
        except (KeyError, TypeError):
            raise UnknownPieceError(
                f"{piece!r} is not in the vocabulary: pieces are bytes, special tokens str"
            ) from None

    def id_to_piece(self, id: int) -> bytes | str:
        """The piece (``bytes``) or special token (``str``) of an id.

        Raises `UnknownIdError`, a ``ValueError``, for one that is none.
        """
        return self._by_id[self._checked(id)]

    def pieces_to_ids(self, pieces: Iterable[bytes | str]) -> list[int]:
        """`piece_to_id` of each."""
        return [self.piece_to_id(piece) for piece in pieces]

    def ids_to_pieces(self, ids: Iterable[int]) -> list[bytes | str]:
        """`id_to_piece` of each."""
        return [self.id_to_piece(id) for id in ids]

    def __reduce__(self) -> tuple[type[Tokenizer], tuple[Model]]:
        return type(self), (self._model,)

    def __repr__(self) -> str:
        return f"<Tokenizer of {self.vocab_size} ids>"
