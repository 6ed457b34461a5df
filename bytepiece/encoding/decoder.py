"""Ids to text: the half of a tokenizer that segments nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytepiece.encoding.vocabulary import Vocabulary
from bytepiece.model.model import Model
from bytepiece.model.reserved import RESERVED_TOKENS
from bytepiece.workers import check_workers

__all__ = ["Decoder"]

_LARGE_BATCH = 64
"""Fewer texts are not worth a thread."""


class Decoder:
    """What a `bytepiece.Tokenizer` knows about its ids, and their text."""

    _model: Model
    _vocabulary: Vocabulary

    # The vocabulary.

    @property
    def model(self) -> Model:
        """The model of this tokenizer."""
        return self._model

    def save(self, path: str | os.PathLike[str], format: str = "bytepiece", **options: Any) -> None:
        """Write the model; arguments and errors are those of `Model.save`.

        >>> import os, tempfile
        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"clock": 7}))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     tokenizer.save(os.path.join(folder, "my.model"))
        ...     os.listdir(folder)
        ['my.model']
        """
        self._model.save(path, format, **options)

    @property
    def vocab_size(self) -> int:
        """The number of ids, those of special tokens included: ids are 0 to ``vocab_size - 1``. Also ``len()``."""
        return self._model.vocab_size

    def __len__(self) -> int:
        return self._model.vocab_size

    @property
    def special_tokens(self) -> dict[str, int]:
        """Special tokens by name, with their ids. A new dict at each call."""
        return self._model.special_tokens

    @property
    def pad_id(self) -> int:
        """The id of ``<pad>``."""
        return RESERVED_TOKENS["<pad>"]

    @property
    def bos_id(self) -> int:
        """The id of ``<bos>``."""
        return RESERVED_TOKENS["<bos>"]

    @property
    def eos_id(self) -> int:
        """The id of ``<eos>``."""
        return RESERVED_TOKENS["<eos>"]

    def get_vocab(self) -> dict[bytes | str, int]:
        """The ids of all pieces (``bytes``) and special tokens (``str``), in their order. A new dict at each call.

        >>> from bytepiece import Model, Tokenizer
        >>> vocabulary = Tokenizer(Model.from_counts({"he": 20, "llo": 30})).get_vocab()
        >>> len(vocabulary), vocabulary["<bos>"], vocabulary[b"he"]
        (261, 1, 259)
        """
        return self._vocabulary.ids_by_piece()

    def piece_to_id(self, piece: bytes | str) -> int:
        """The id of a piece (``bytes``) or a special token (``str``).

        Raises `UnknownPieceError`, a ``KeyError``, for anything else.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> tokenizer.piece_to_id(b"he"), tokenizer.piece_to_id("<bos>")
        (259, 1)
        """
        return self._vocabulary.id_of(piece)

    def id_to_piece(self, id: int) -> bytes | str:
        """The piece (``bytes``) or special token (``str``) of an id.

        Raises `UnknownIdError`, a ``ValueError``, for anything that is not an id.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> tokenizer.id_to_piece(259), tokenizer.id_to_piece(1)
        (b'he', '<bos>')
        """
        return self._vocabulary.piece_of(id)

    def pieces_to_ids(self, pieces: Iterable[bytes | str]) -> list[int]:
        """`piece_to_id` of each.

        >>> from bytepiece import Model, Tokenizer
        >>> Tokenizer(Model.from_counts({"he": 20, "llo": 30})).pieces_to_ids(["<bos>", b"he", b"llo"])
        [1, 259, 260]
        """
        return [*map(self._vocabulary.id_of, pieces)]

    def ids_to_pieces(self, ids: Iterable[int]) -> list[bytes | str]:
        """`id_to_piece` of each.

        >>> from bytepiece import Model, Tokenizer
        >>> Tokenizer(Model.from_counts({"he": 20, "llo": 30})).ids_to_pieces([1, 259, 260])
        ['<bos>', b'he', b'llo']
        """
        return [*map(self._vocabulary.piece_of, ids)]

    def score(self, ids: Iterable[int]) -> float:
        """The sum of the log-probabilities of some pieces, in nats. Special tokens have none, and count as 0.

        Raises `UnknownIdError`, a ``ValueError``, for the first that is not an id.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> round(tokenizer.score([259, 260]), 2)
        -5.05
        """
        return self._vocabulary.score(ids)

    # Text.

    def decode(self, ids: Iterable[int], errors: str = "replace", skip_special_tokens: bool = True) -> str:
        """The text of some ids.

        Args:
            ids: ints from 0 to ``vocab_size - 1``.
            errors: what happens to invalid UTF-8, as for ``bytes.decode``: ``"replace"`` reads U+FFFD, ``"ignore"``
                leaves it out, ``"strict"`` raises ``UnicodeDecodeError``.
            skip_special_tokens: leave special tokens out; otherwise their names are part of the text.

        Raises `UnknownIdError`, a ``ValueError``, for the first that is not an id.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> tokenizer.decode([1, 259, 260]), tokenizer.decode([1, 259, 260], skip_special_tokens=False)
        ('hello', '<bos>hello')
        """
        return self._vocabulary.decode_bytes(ids, skip_special_tokens).decode("utf-8", errors)

    def decode_bytes(self, ids: Iterable[int], skip_special_tokens: bool = True) -> bytes:
        r"""The bytes of some ids: what was encoded, valid UTF-8 or not. Arguments and errors are those of `decode`.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> tokenizer.decode_bytes(tokenizer.encode(b"he\xff"))
        b'he\xff'
        """
        return self._vocabulary.decode_bytes(ids, skip_special_tokens)

    def decode_batch(
        self,
        batch: Iterable[Iterable[int]],
        errors: str = "replace",
        skip_special_tokens: bool = True,
        workers: int | None = None,
    ) -> list[str]:
        """`decode` of each.

        ``workers`` is the number of threads, None for one on each processor. Only arrays are decoded side by side, best
        those of uint32: Python's lock lets one thread at a time read lists.

        >>> from bytepiece import Model, Tokenizer
        >>> Tokenizer(Model.from_counts({"he": 20, "llo": 30})).decode_batch([[259, 260], [259]])
        ['hello', 'he']
        """
        n_workers = check_workers(workers)
        batch = list(batch)
        if n_workers == 1 or len(batch) < _LARGE_BATCH or not isinstance(batch[0], np.ndarray):
            return [self.decode(ids, errors, skip_special_tokens) for ids in batch]
        shares = [batch[begin : begin + _LARGE_BATCH] for begin in range(0, len(batch), _LARGE_BATCH)]
        with ThreadPoolExecutor(n_workers) as executor:
            decoded = executor.map(
                lambda share: [self.decode(ids, errors, skip_special_tokens) for ids in share], shares
            )
            return [text for texts in decoded for text in texts]

    def decode_with_offsets(
        self, ids: Iterable[int], skip_special_tokens: bool = True
    ) -> tuple[str, NDArray[np.int64]]:
        """The text of some ids, as `decode` gives it, and where in the text each id is.

        Returns the text, and an int64 array of shape (n, 2): begin and end of each id, in characters. An id that has a
        part of a character has the whole character, U+FFFD included, so the spans of two ids can overlap. A special
        token that is left out begins and ends after all characters that began before it.

        Raises what `decode` raises.

        >>> from bytepiece import Model, Tokenizer
        >>> tokenizer = Tokenizer(Model.from_counts({"he": 20, "llo": 30}))
        >>> text, offsets = tokenizer.decode_with_offsets(tokenizer.encode("né"))
        >>> text, offsets.tolist()
        ('né', [[0, 1], [1, 2], [1, 2]])
        """
        return self._vocabulary.decode_with_offsets(ids, skip_special_tokens)
