"""BytePiece's format of model files: that of version 0.6.3.

JSON, an object ``{base64(piece): [id, text, count]}`` in id order, where ``text`` is the piece without the bytes that
form no character. It has no header: it implies the three reserved special tokens, and NFC.
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode, b64encode
from typing import Any

from bytepiece.core.packed import CountedBytes
from bytepiece.errors import ModelFormatError, SettingsError
from bytepiece.model.fields import ModelFields
from bytepiece.model.reserved import FIRST_PIECE_ID, RESERVED_TOKENS
from bytepiece.model.rows import read_entries
from bytepiece.model.validation import pack_pieces
from bytepiece.text.utf8 import is_utf8

__all__ = ["read", "recognizes", "write"]


def recognizes(data: bytes) -> bool:
    """Whether a file starts as a JSON object does."""
    return data[:64].lstrip().startswith(b"{")


def write(model: ModelFields) -> bytes:
    """The bytes of a model file; `SettingsError` if there are special tokens besides the reserved ones."""
    if len(model.special_tokens) > len(RESERVED_TOKENS):
        raise SettingsError(
            f"BytePiece's JSON has no room for the special token {model.special_tokens[len(RESERVED_TOKENS)]!r}"
        )
    pieces, counts = model.pieces.to_list(), model.pieces.counts.tolist()
    entries = {
        b64encode(piece).decode(): [id, piece.decode("utf-8", "ignore"), count]
        for id, (piece, count) in enumerate(zip(pieces, counts, strict=True), FIRST_PIECE_ID)
    }
    return json.dumps(entries, indent=4, ensure_ascii=False).encode("utf-8")


def read(data: bytes) -> ModelFields:
    """Read a model file; `ModelFormatError` says what is wrong, and with which entry."""
    pieces = read_entries(data, FIRST_PIECE_ID) if is_utf8(data) else None
    if pieces is None:
        pieces = _read_any_json(data)
    return ModelFields(pieces, tuple(RESERVED_TOKENS), {"normalization": "nfc"})


def _read_any_json(data: bytes) -> CountedBytes:
    """Read JSON that is not laid out as BytePiece does it; it may still hold a model, and if not, this says why."""
    try:
        entries = json.loads(data, object_pairs_hook=_unique_keys)
    except (ValueError, RecursionError) as error:
        if isinstance(error, ModelFormatError):
            raise
        raise ModelFormatError(f"not valid JSON: {error}") from None
    if not isinstance(entries, dict):
        raise ModelFormatError("BytePiece's JSON must be an object")
    pieces, counts = [], []
    for expected, (key, entry) in enumerate(entries.items(), FIRST_PIECE_ID):
        if type(entry) is not list or len(entry) != 3 or type(entry[0]) is not int or type(entry[2]) is not int:
            raise ModelFormatError(f"entry {key!r}: expected [id, text, count], not {str(entry)[:80]}")
        id, _, count = entry
        if id != expected:
            raise ModelFormatError(
                f"entry {key!r}: id {id} where {expected} is due: ids must count up from {FIRST_PIECE_ID}"
            )
        try:
            pieces.append(b64decode(key, validate=True))
        except (binascii.Error, ValueError) as error:
            raise ModelFormatError(f"entry {key!r} (id {id}): bad base64: {error}") from None
        counts.append(count)
    return pack_pieces(pieces, counts)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        seen: set[str] = set()
        key = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ModelFormatError(f"the piece {key!r} stands there twice")
    return entries
