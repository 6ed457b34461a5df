r"""Model files: this project's format, and BytePiece's JSON.

This project's format, version 1, is UTF-8 text that a person can read and diff::

    bytepiece-model 1
    settings: {"max_vocab_size": 32000, "min_count": 2, ... "normalization": null, ...}
    special-tokens: ["<pad>", "<bos>", "<eos>"]
    pieces: 31997
    \x00<TAB>1
    ...
     the<TAB>83120
    sha256: 0f3c...

One piece a line with its count, in id order, written by `bytepiece.text.display.escape_piece`. The first three special
tokens have the ids 0 to 2; then come the pieces, then any further special tokens. The last line is the SHA-256
of all the bytes before it.

BytePiece's JSON (version 0.6.3) is an object ``{base64(piece): [id, text, count]}`` in id order, where ``text``
is the piece with undecodable bytes dropped. It implies NFC.
"""

from __future__ import annotations

import binascii
import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from bytepiece.errors import ModelFormatError, SettingsError
from bytepiece.model.kernels import parse_entries, parse_rows
from bytepiece.model.packed import Packed, pack
from bytepiece.model.reserved import FIRST_PIECE_ID, RESERVED_TOKENS
from bytepiece.text.display import escape_piece, unescape_piece
from bytepiece.text.utf8 import is_utf8

__all__ = ["FORMATS", "ModelFields", "parse_model", "serialize_model"]

_MAGIC = b"bytepiece-model "
_VERSION = 1
_HEADER = ("settings", "special-tokens", "pieces")
_CHECKSUM = b"sha256: "


class ModelFields(NamedTuple):
    """What a model file holds, its format undone; whether it makes a valid model is for `Model` to say."""

    packed: Packed
    special_tokens: Sequence[str]
    settings: Mapping[str, Any]


def parse_model(data: bytes) -> ModelFields:
    """Read the bytes of a model file, in whichever format it is.

    Raises `ModelFormatError` saying what is wrong, and where.
    """
    if not data:
        raise ModelFormatError("the file is empty (0 bytes)")
    if data.startswith(_MAGIC):
        return _parse_own(data)
    if data[:64].lstrip().startswith(b"{"):
        return _parse_json(data)
    raise ModelFormatError(
        f"not a model: it starts with {data[:16]!r}, neither with 'bytepiece-model' nor, as BytePiece's JSON, with '{{'"
    )


def serialize_model(model: ModelFields, format: str) -> bytes:
    """The bytes of a model file; ``format`` is a key of `FORMATS`."""
    try:
        serialize = FORMATS[format]
    except (KeyError, TypeError):
        raise SettingsError(f"format must be one of {', '.join(FORMATS)}, not {format!r}") from None
    return serialize(model)


# This project's format.


def _serialize_own(model: ModelFields) -> bytes:
    pieces, counts = model.packed.pieces, model.packed.counts.tolist()
    lines = [
        f"bytepiece-model {_VERSION}",
        f"settings: {json.dumps(model.settings, sort_keys=True)}",
        f"special-tokens: {json.dumps(list(model.special_tokens))}",
        f"pieces: {len(pieces)}",
    ]
    lines += [f"{escape_piece(piece)}\t{count}" for piece, count in zip(pieces, counts, strict=True)]
    body = "\n".join(lines).encode() + b"\n"
    return body + _CHECKSUM + hashlib.sha256(body).hexdigest().encode() + b"\n"


def _parse_own(data: bytes) -> ModelFields:
    first_line, _, _ = data.partition(b"\n")
    version = first_line[len(_MAGIC) :]
    if version != str(_VERSION).encode():
        raise ModelFormatError(
            f"line 1: format version {version[:20].decode('ascii', 'replace')!r}, this program reads {_VERSION}"
        )
    end = data.rfind(b"\n", 0, -1) + 1
    body, checksum = data[:end], data[end:]
    if not checksum.startswith(_CHECKSUM):
        raise ModelFormatError(f"truncated: the last line is not a checksum ({len(data)} bytes)")
    *lines, table = body.split(b"\n", len(_HEADER) + 1)
    if checksum != _CHECKSUM + hashlib.sha256(body).hexdigest().encode() + b"\n":
        raise ModelFormatError(f"line {body.count(10) + 1}: the checksum does not match: damaged, or edited by hand")
    header = {name: _parse_header(lines, k, name) for k, name in enumerate(_HEADER, 1)}
    settings, special_tokens, size = (header[name] for name in _HEADER)
    if not isinstance(settings, dict):
        raise ModelFormatError("line 2: settings must be an object")
    if not isinstance(special_tokens, list) or not all(isinstance(name, str) for name in special_tokens):
        raise ModelFormatError("line 3: special-tokens must be a list of names")
    n_lines = table.count(b"\n")
    if type(size) is not int or size != n_lines:
        raise ModelFormatError(f"line 4: announces {size} pieces, but {n_lines} lines follow")
    columns = parse_rows(table)
    if columns is None:
        _explain_row(table.split(b"\n"))
    return ModelFields(Packed(*columns), special_tokens, settings)


def _parse_header(lines: Sequence[bytes], k: int, name: str) -> Any:
    start = f"{name}: ".encode()
    if k >= len(lines) or not lines[k].startswith(start):
        raise ModelFormatError(f"line {k + 1}: expected '{name}: ...'")
    try:
        return json.loads(lines[k][len(start) :])
    except (ValueError, RecursionError) as error:
        raise ModelFormatError(f"line {k + 1}: {name} is not JSON: {error}") from None


def _explain_row(rows: Sequence[bytes]) -> NoReturn:
    """Find the first row that is no ``piece<TAB>count`` and raise the error that says so."""
    for number, row in enumerate(rows, len(_HEADER) + 2):
        piece, tab, count = row.partition(b"\t")
        problem = None
        if not tab or not count.isdigit():
            problem = "expected a piece, a tab and a count"
        elif len(count) > 20 or int(count) > 2**63 - 1:
            problem = "the count is beyond 2**63 - 1"
        else:
            try:
                unescape_piece(piece)
            except ValueError as error:
                problem = str(error)
        if problem is not None:
            raise ModelFormatError(f"line {number}: {problem}: {row[:80]!r}")
    raise AssertionError("every row is a piece and a count")


# BytePiece's JSON.


def _serialize_json(model: ModelFields) -> bytes:
    if len(model.special_tokens) > FIRST_PIECE_ID:
        raise SettingsError(
            f"BytePiece's JSON has no room for the special token {model.special_tokens[FIRST_PIECE_ID]!r}"
        )
    rows = {
        b64encode(piece).decode(): [k, piece.decode("utf-8", "ignore"), count]
        for k, (piece, count) in enumerate(
            zip(model.packed.pieces, model.packed.counts.tolist(), strict=True), FIRST_PIECE_ID
        )
    }
    return json.dumps(rows, indent=4, ensure_ascii=False).encode("utf-8")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    rows = dict(pairs)
    if len(rows) != len(pairs):
        seen: set[str] = set()
        key = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ModelFormatError(f"the piece {key!r} stands there twice")
    return rows


def _parse_json(data: bytes) -> ModelFields:
    columns = parse_entries(data, FIRST_PIECE_ID) if is_utf8(data) else None
    packed = Packed(*columns) if columns else _pack_json(data)
    return ModelFields(packed, tuple(RESERVED_TOKENS), {"normalization": "nfc"})


def _pack_json(data: bytes) -> Packed:
    """Of JSON that BytePiece did not write just so: it may still be right, and if not, this says why."""
    try:
        rows = json.loads(data, object_pairs_hook=_unique_keys)
    except (ValueError, RecursionError) as error:
        if isinstance(error, ModelFormatError):
            raise
        raise ModelFormatError(f"not valid JSON: {error}") from None
    if not isinstance(rows, dict):
        raise ModelFormatError("BytePiece's JSON must be an object")
    pieces, counts = [], []
    for expected, (key, row) in enumerate(rows.items(), FIRST_PIECE_ID):
        if type(row) is not list or len(row) != 3 or type(row[0]) is not int or type(row[2]) is not int:
            raise ModelFormatError(f"entry {key!r}: expected [id, text, count], not {str(row)[:80]}")
        if row[0] != expected:
            raise ModelFormatError(
                f"entry {key!r}: id {row[0]} where {expected} is due: ids must count up from {FIRST_PIECE_ID}"
            )
        try:
            pieces.append(b64decode(key, validate=True))
        except (binascii.Error, ValueError) as error:
            raise ModelFormatError(f"entry {key!r} (id {row[0]}): bad base64: {error}") from None
        counts.append(row[2])
    return pack(pieces, counts, FIRST_PIECE_ID)


FORMATS = {"bytepiece": _serialize_own, "json": _serialize_json}
"""The formats that can be written, by name."""
