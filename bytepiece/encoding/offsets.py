"""Where in a text, as it was given, its pieces come from: in bytes and in characters."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.ids import IdArray
from bytepiece.core.offsets import character_numbers, covering_spans, piece_offsets
from bytepiece.text.nfc_alignment import align
from bytepiece.text.utf8 import decode_escaped

__all__ = ["Encoding", "Offsets", "encoding_of_token", "join_encodings", "locate"]


class Encoding(NamedTuple):
    """The ids of a text, and for each where in the text it comes from: ``text[begin:end]`` for a row of offsets."""

    ids: list[int]
    byte_offsets: NDArray[np.int64]
    """Shape (n, 2): begin and end in the UTF-8 of the text, or in the text itself if it is ``bytes``."""
    char_offsets: NDArray[np.int64]
    """Shape (n, 2): begin and end in characters."""


Offsets: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]
"""The offsets of an `Encoding`, in bytes and in characters."""


def locate(ids: IdArray | NDArray[np.uint32], lengths: NDArray[np.int32], original: bytes, data: bytes) -> Offsets:
    """Where in a text its pieces come from.

    Args:
        ids: the ids of the pieces.
        lengths: for each id of the vocabulary, the length of its piece in bytes.
        original: the text as it was given.
        data: the text that was segmented: the original or its NFC.

    A piece that has a part of a character has the whole character in characters. Invalid UTF-8 counts as the characters
    that ``bytes.decode`` replaces it by. If NFC changed the text, a piece has the smallest span that covers what
    `bytepiece.text.nfc_alignment.align` says of all its bytes.
    """
    in_data, in_characters = piece_offsets(ids, lengths, data)
    if data == original or not len(in_data):
        return in_data, in_characters
    alignment = align(decode_escaped(original))
    spans = covering_spans(in_data, *alignment)
    characters = character_numbers(original)
    return spans, np.stack([characters[spans[:, 0]], characters[spans[:, 1] - 1] + 1], axis=1)


def encoding_of_token(id: int, name: bytes) -> Encoding:
    """The encoding of a special token, by its name."""
    return Encoding(
        [id], np.array([[0, len(name)]], dtype=np.int64), np.array([[0, len(name.decode())]], dtype=np.int64)
    )


def join_encodings(encodings: list[Encoding]) -> Encoding:
    """The encoding of a text from those of its parts, none of which is empty."""
    if len(encodings) == 1:
        return encodings[0]
    ids: list[int] = []
    byte_offsets = [np.empty((0, 2), dtype=np.int64)]
    char_offsets = [np.empty((0, 2), dtype=np.int64)]
    n_bytes = n_characters = 0
    for encoding in encodings:
        ids += encoding.ids
        byte_offsets.append(encoding.byte_offsets + n_bytes)
        char_offsets.append(encoding.char_offsets + n_characters)
        n_bytes = int(byte_offsets[-1].max())
        n_characters = int(char_offsets[-1].max())
    return Encoding(ids, np.concatenate(byte_offsets), np.concatenate(char_offsets))
