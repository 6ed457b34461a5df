"""A dictionary of counted words becomes a model, without the words that no text would use."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np

from bytepiece.core.packed import PackedBytes
from bytepiece.errors import ModelFormatError
from bytepiece.model.model import Model
from bytepiece.model.reserved import FIRST_PIECE_ID, SMALLEST_VOCABULARY
from bytepiece.model.validation import bytes_of_counts
from bytepiece.training.context import Context
from bytepiece.training.pruning.vocabularies import prune, with_all_bytes

__all__ = ["convert_to_bytepiece", "drop_unused_pieces"]


def convert_to_bytepiece(pieces: Mapping[str, int] | Mapping[bytes, int], path: str | os.PathLike[str]) -> None:
    r"""Make a model of counted pieces as BytePiece 0.6.3 does, and write it in its JSON format, which implies NFC.

    The pieces are segmented by each other, as at the end of training: a piece that is less probable than its parts
    disappears, and its parts get its count. (`Model.from_counts` keeps all pieces and counts.)

    Args:
        pieces: the count, 0 or more, of each piece, which is ``str`` or ``bytes``. Missing single bytes get count 1.
        path: the file. It is written whole or not at all.

    Raises `ModelFormatError`, naming the piece, for an invalid piece or count; `OSError` where the file cannot be
    written.

    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.json")
    ...     convert_to_bytepiece({"钟楼": 5, "修": 2, "bellfry": 0}, path)
    ...     [piece.decode() for piece in Model.load(path).pieces if len(piece) > 1]
    ['修', '钟楼']
    """
    counts = {piece: count for piece, count in bytes_of_counts(pieces, least=0).items() if count}
    _without_unused(counts, {"normalization": "nfc"}).save(path, format="json")


def drop_unused_pieces(model: Model) -> Model:
    """A model without the pieces that are less probable than their parts. The parts get their counts.

    >>> model = drop_unused_pieces(Model.from_counts({"clock": 900, "tower": 900, "clocktower": 1}))
    >>> [piece for piece in model.pieces if len(piece) > 1]
    [b'clock', b'tower']
    """
    counts = dict(zip(model.pieces, model.counts, strict=True))
    added = [*model.special_tokens][FIRST_PIECE_ID:]
    return _without_unused(counts, model.settings, added)


def _without_unused(
    counts: Mapping[bytes, int], settings: Mapping[str, object], special_tokens: Sequence[str] = ()
) -> Model:
    """The model of the pieces that are left once they are segmented by each other.

    Raises `ModelFormatError` for counts that could sum to more than a count can be: a piece may be used many times in
    another.
    """
    if sum(count * len(piece) for piece, count in counts.items()) + 256 > 2**63 - 1:
        raise ModelFormatError("the counts, each times the length of its piece, sum to more than 2**63 - 1")
    pieces = sorted(counts)
    candidates = PackedBytes.from_list(pieces).with_counts(np.array([counts[piece] for piece in pieces], np.uint64))
    size = len(pieces) + SMALLEST_VOCABULARY
    kept = prune(Context(), with_all_bytes(candidates), [size])[size]
    return Model.from_packed(kept, settings, special_tokens)
