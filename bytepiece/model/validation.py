"""The rules of a model: what makes counted pieces a vocabulary, and a name a special token."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from operator import index
from typing import Any

import numpy as np

from bytepiece.core.automaton import MAX_PIECE_BYTES
from bytepiece.core.packed import CountedBytes, PackedBytes
from bytepiece.core.packing import find_repeat
from bytepiece.errors import ModelFormatError, shown
from bytepiece.model.reserved import FIRST_PIECE_ID, RESERVED_TOKENS
from bytepiece.nesting import check_depth
from bytepiece.text.normal_form import NORMALIZATIONS
from bytepiece.text.surrogates import has_surrogates

__all__ = ["bytes_of_counts", "check_pieces", "check_settings", "check_special_tokens", "pack_pieces"]

_MAX_TOTAL = 2**63 - 1
"""The greatest sum of counts."""


def pack_pieces(pieces: Sequence[bytes], counts: Sequence[int]) -> CountedBytes:
    """Pack pieces and their counts, if their types are right and each count is from 1 to 2**63 - 1.

    Raises `ModelFormatError`.
    """
    if len(pieces) != len(counts):
        raise ModelFormatError(f"{len(pieces)} pieces but {len(counts)} counts")
    if set(map(type, pieces)) - {bytes}:
        k = next(k for k, piece in enumerate(pieces) if type(piece) is not bytes)
        raise _invalid_piece(k, pieces[k])
    if set(map(type, counts)) - {int} or min(counts, default=1) < 1:
        k = next(k for k, count in enumerate(counts) if type(count) is not int or count < 1)
        raise _invalid_count(k, pieces[k], counts[k])
    if max(counts, default=1) > _MAX_TOTAL:
        k = max(range(len(counts)), key=counts.__getitem__)
        raise _counts_too_large(sum(counts), k, pieces[k])
    return PackedBytes.from_list(pieces).with_counts(np.array(counts, dtype=np.uint64))


def bytes_of_counts(counts: Mapping[bytes, int] | Mapping[str, int], least: int = 1) -> dict[bytes, int]:
    """Counted pieces, ``str`` or ``bytes``, as ``bytes``.

    Raises `ModelFormatError`, naming the piece, unless all are different and each count is an int from ``least``.
    """
    if not isinstance(counts, Mapping):
        raise ModelFormatError(f"counted pieces must be a mapping of pieces to counts, not {type(counts).__name__}")
    found: dict[bytes, int] = {}
    for key, value in counts.items():
        if not isinstance(key, (str, bytes)) or not key:
            raise ModelFormatError(f"a piece must be non-empty str or bytes, not {key!r}")
        if isinstance(key, str) and has_surrogates(key):
            raise ModelFormatError(f"a piece must not have lone surrogates: {key!r}")
        piece = key.encode() if isinstance(key, str) else bytes(key)
        try:
            count = index(value)
        except TypeError:
            count = -1
        if isinstance(value, bool) or not least <= count <= _MAX_TOTAL:
            raise ModelFormatError(f"piece {key!r}: count must be an int from {least} to 2**63 - 1, not {shown(value)}")
        if piece in found:
            raise ModelFormatError(f"piece {piece!r} is there twice, as str and as bytes")
        found[piece] = count
    return found


def check_pieces(pieces: CountedBytes) -> None:
    """Raise `ModelFormatError` unless these pieces, in id order, make a vocabulary."""
    lengths = pieces.lengths
    if not lengths.all():
        k = int(np.argmin(lengths))
        raise _invalid_piece(k, b"")
    if (lengths > MAX_PIECE_BYTES).any():
        k = int(np.argmax(lengths))
        start = pieces.data[pieces.offsets[k] :][:40].tobytes()
        raise ModelFormatError(
            f"{_name(k)}, {start!r}..., has {lengths[k]} bytes: at most {MAX_PIECE_BYTES} are possible"
        )
    if not pieces.counts.all():
        k = int(np.argmin(pieces.counts))
        raise _invalid_count(k, pieces.item(k), 0)
    total = (int((pieces.counts >> 32).sum()) << 32) + int((pieces.counts & 0xFFFFFFFF).sum())  # beyond 64 bits, too
    if total > _MAX_TOTAL:
        k = int(np.argmax(pieces.counts))
        raise _counts_too_large(total, k, pieces.item(k))
    repeat = find_repeat(pieces)
    if repeat is not None:
        k, first = repeat
        raise ModelFormatError(f"{_name(k)} repeats {_name(first)}: {pieces.item(k)!r}")
    present = np.zeros(256, dtype=bool)
    present[pieces.data[pieces.offsets[:-1][lengths == 1]]] = True
    if not present.all():
        raise ModelFormatError(
            f"{256 - int(present.sum())} of the 256 single bytes are missing, "
            f"the first is 0x{int(np.argmin(present)):02x}"
        )


def check_settings(settings: Mapping[str, Any] | None) -> dict[str, Any]:
    """A copy of the settings of a model, ``"normalization"`` among them.

    Raises `ModelFormatError` for values that JSON cannot hold, and for an unknown normalization.
    """
    try:
        checked: dict[str, Any] = json.loads(json.dumps({"normalization": None, **(settings or {})}, allow_nan=False))
        check_depth(checked)
    except (TypeError, ValueError, RecursionError) as error:
        raise ModelFormatError(f"settings must be what JSON can hold: {error}") from None
    if checked["normalization"] not in NORMALIZATIONS:
        raise ModelFormatError(f"unknown normalization {checked['normalization']!r}")
    return checked


def check_special_tokens(names: Iterable[str], present: Iterable[str] = ()) -> tuple[str, ...]:
    """The special tokens ``present`` in a model, reserved ones aside, and new ones after them.

    Raises `ModelFormatError` for an invalid name, or one that the model has already.
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


def _name(k: int) -> str:
    return f"piece {k} (id {FIRST_PIECE_ID + k})"


def _invalid_piece(k: int, piece: object) -> ModelFormatError:
    return ModelFormatError(f"{_name(k)} must be non-empty bytes, not {piece!r}")


def _invalid_count(k: int, piece: bytes, count: object) -> ModelFormatError:
    return ModelFormatError(f"{_name(k)}, {piece!r}: count must be an int >= 1, not {shown(count)}")


def _counts_too_large(total: int, k: int, piece: bytes) -> ModelFormatError:
    return ModelFormatError(
        f"counts sum to {shown(total)}, beyond 2**63 - 1; the largest is that of {_name(k)}, {piece!r}"
    )
