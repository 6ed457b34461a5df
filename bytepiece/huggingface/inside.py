"""What is inside a `BytePieceTokenizer`: texts become ids and offsets, and ids become text."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.offsets import character_numbers, piece_offsets
from bytepiece.encoding.encoder import Encoder
from bytepiece.encoding.special import Parts
from bytepiece.errors import UnknownIdError
from bytepiece.huggingface.added_tokens import AddedTokens
from bytepiece.model.model import Model
from bytepiece.text.nfc_alignment import align
from bytepiece.text.normal_form import nfc
from bytepiece.text.preparation import to_bytes

__all__ = ["Inside"]


class Inside:
    """Encodes and decodes with a model to which tokens were added.

    Args:
        model: the model.
        encoder: its encoder.
        added: the added tokens (``tokenizers.AddedToken``) by id; those of the model among them, unless they are only
            text.

    Thread safety: immutable, apart from tables that are made when first needed.
    """

    def __init__(self, model: Model, encoder: Encoder, added: Mapping[int, Any]) -> None:
        self._encoder = encoder
        self._normalization = model.normalization
        self._added = AddedTokens(added)
        # A token that was added under the id of a piece has two spellings.
        first_id = model.first_id
        self._plain = self._added.plain and not any(first_id <= id < first_id + len(model.pieces) for id in added)

    def knows(self, texts: Iterable[str]) -> bool:
        """Whether added tokens are found in these texts as `AddedTokens` finds them."""
        if not self._plain:
            return False
        return self._normalization is None or not self._added.normalized or all(nfc(text) is text for text in texts)

    # Text to ids.

    def encode(self, texts: Sequence[str], split_special_tokens: bool) -> list[list[int]]:
        """The ids of texts. Batches are divided among threads, unless ``TOKENIZERS_PARALLELISM`` forbids it."""
        batch = [self._parts(text, split_special_tokens) for text in texts]
        if len(batch) == 1:
            return [self._encoder.encode(batch[0], False, False, None, None)]
        return self._encoder.lists_of(*self._encoder.encode_batch(batch, _workers(), None, None))

    def encode_plain(self, text: str) -> list[int]:
        """The ids of a text in which no added token is found."""
        return self._encoder.encode([self._encoder.prepare(text, "replace")], False, False, None, None)

    def _parts(self, text: str, split_special_tokens: bool) -> Parts:
        if self._added.names and not (split_special_tokens and self._added.all_special):
            data = to_bytes(text, None, "replace")
            parts = self._added.split(data, split_special_tokens)
            if len(parts) > 1 or (parts and isinstance(parts[0], int)):
                return [*map(self._normalized, parts)] if self._normalization else parts
        return [self._encoder.prepare(text, "replace")]

    def _normalized(self, part: bytes | int) -> bytes | int:
        return part if isinstance(part, int) else to_bytes(part, self._normalization)

    def offsets(self, text: str, ids: list[int], split_special_tokens: bool) -> list[tuple[int, int]]:
        """Begin and end of each id in a text, in characters; a composed character counts as its first one."""
        data = to_bytes(text, None, "replace")
        if self._normalization is None or nfc(text) is text:
            spans = [piece_offsets(np.array(ids, dtype=np.uint32), self._lengths, data)[1]]
        else:
            spans, begin = [], 0
            for part in self._added.split(data, split_special_tokens):
                name = self._added.names[part] if isinstance(part, int) else part
                spans.append((_name_span(name) if isinstance(part, int) else self._normalized_spans(name)) + begin)
                begin += len(name.decode())
        return [(begin, end) for array in spans for begin, end in array.tolist()]

    def _normalized_spans(self, part: bytes) -> NDArray[np.int64]:
        """Begin and end of each id of a text that is normalized, in characters as it is given."""
        normalized = to_bytes(part, self._normalization)
        ids = np.array(self._encoder.encode([normalized], False, False, None, None), dtype=np.uint32)
        spans = piece_offsets(ids, self._lengths, normalized)[0]
        characters = character_numbers(part)[align(part.decode()).begins]
        return np.stack([characters[spans[:, 0]], characters[spans[:, 1] - 1] + 1], axis=1)

    # Ids to text.

    def decode(self, ids: list[int], skip_special_tokens: bool) -> str:
        """The text of some ids; those beyond the vocabulary have none.

        Raises `UnknownIdError` for a negative one.
        """
        if ids and min(ids) < 0:
            raise UnknownIdError(f"{min(ids)} is not an id")
        table = self._without_special if skip_special_tokens else self._bytes
        try:
            data = b"".join(map(table.__getitem__, ids))
        except IndexError:
            data = b"".join([table[id] for id in ids if id < len(table)])
        return data.decode("utf-8", "replace")

    @cached_property
    def _bytes(self) -> list[bytes]:
        """The bytes of each id: of a piece, or of the name of a token."""
        pieces = self._encoder.vocabulary
        table = [*pieces.bytes_and_names]
        names = self._added.names
        table += [b""] * (max(names, default=0) + 1 - len(table))
        for id, name in names.items():
            table[id] = name
        return table

    @cached_property
    def _without_special(self) -> list[bytes]:
        return [b"" if id in self._added.special else data for id, data in enumerate(self._bytes)]

    @cached_property
    def _lengths(self) -> NDArray[np.int32]:
        return np.fromiter(map(len, self._bytes), np.int32, len(self._bytes))


def _name_span(name: bytes) -> NDArray[np.int64]:
    return np.array([[0, len(name.decode())]], dtype=np.int64)


def _workers() -> int | None:
    return 1 if os.environ.get("TOKENIZERS_PARALLELISM", "").lower() in ("off", "false", "f", "no", "n", "0") else None
