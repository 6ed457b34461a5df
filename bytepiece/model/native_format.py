r"""The format of model files that is this project's own: UTF-8 text that a person can read and diff.

Version 1::

    bytepiece-model 1
    settings: {"vocab_size": 32000, "min_count": 2, ... "normalization": null, ...}
    special-tokens: ["<pad>", "<bos>", "<eos>"]
    pieces: 31997
    \x00<TAB>1
    ...
     the<TAB>83120
    sha256: 0f3c...

Four lines of header; then a line for each piece, in id order, with its count. Pieces are escaped as
`bytepiece.text.display.escape_piece` does it. Of the special tokens the first three have the ids 0 to 2, and the others
the ids after the pieces. The last line is the SHA-256 of all bytes before it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from bytepiece.errors import ModelFormatError
from bytepiece.model.fields import ModelFields
from bytepiece.model.rows import read_rows, write_rows
from bytepiece.text.display import UNPRINTABLE, unescape_piece

__all__ = ["read", "recognizes", "write"]

_MAGIC = b"bytepiece-model "
_VERSION = 1
_HEADER = ("settings", "special-tokens", "pieces")  # in lines 2 to 4
_CHECKSUM = b"sha256: "


def recognizes(data: bytes) -> bool:
    """Whether a file says that it is in this format."""
    return data.startswith(_MAGIC)


def write(model: ModelFields) -> bytes:
    """The bytes of a model file."""
    header = [
        f"bytepiece-model {_VERSION}",
        f"settings: {json.dumps(model.settings, sort_keys=True)}",
        f"special-tokens: {json.dumps(list(model.special_tokens))}",
        f"pieces: {len(model.pieces)}",
        "",
    ]
    body = "\n".join(header).encode() + write_rows(model.pieces, np.array(UNPRINTABLE, dtype=np.uint32))
    return body + _checksum_line(body)


def _checksum_line(body: bytes) -> bytes:
    return _CHECKSUM + hashlib.sha256(body).hexdigest().encode() + b"\n"


def read(data: bytes) -> ModelFields:
    """Read a model file; `ModelFormatError` says what is wrong, and in which line."""
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
    if checksum != _checksum_line(body):
        raise ModelFormatError(f"line {body.count(10) + 1}: the checksum does not match: damaged, or edited by hand")
    *lines, table = body.split(b"\n", len(_HEADER) + 1)
    settings, special_tokens, size = (_read_header(lines, k, name) for k, name in enumerate(_HEADER, 1))
    if not isinstance(settings, dict):
        raise ModelFormatError("line 2: settings must be an object")
    if not isinstance(special_tokens, list) or not all(isinstance(name, str) for name in special_tokens):
        raise ModelFormatError("line 3: special-tokens must be a list of names")
    n_lines = table.count(b"\n")
    if type(size) is not int or size != n_lines:
        raise ModelFormatError(f"line 4: announces {size} pieces, but {n_lines} lines follow")
    pieces = read_rows(table)
    if pieces is None:
        _explain_row(table.split(b"\n"))
    return ModelFields(pieces, special_tokens, settings)


def _read_header(lines: Sequence[bytes], k: int, name: str) -> Any:
    start = f"{name}: ".encode()
    if k >= len(lines) or not lines[k].startswith(start):
        raise ModelFormatError(f"line {k + 1}: expected '{name}: ...'")
    try:
        return json.loads(lines[k][len(start) :])
    except (ValueError, RecursionError) as error:
        raise ModelFormatError(f"line {k + 1}: {name} is not JSON: {error}") from None


def _explain_row(rows: Sequence[bytes]) -> NoReturn:
    """Raise the error for the first line that `read_rows` cannot read."""
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
