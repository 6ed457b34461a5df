r"""Files that pass from one machine to another: a header in JSON, and blocks with checksums.

Version 1, numbers little-endian:

    bytepiece-counts 1\n
    {"kind": "ngrams", "settings": {...}, ...}\n      a header in JSON
    block, block, ..., a block without items

    block:  number of items   bytes of the data   data   CRC-32
            uint64            uint64                     uint32

The CRC-32 is that of the whole file up to there, without the checksums before. What the data of a block is depends on
the kind: see `counts_file` for counts, `bytepiece.training.refinement.sample_file` for a sample.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

from bytepiece.errors import CountsFormatError
from bytepiece.nesting import check_depth

__all__ = [
    "FILE_KINDS",
    "Block",
    "check_documents",
    "check_kind",
    "check_made_with",
    "documents_of",
    "header_line",
    "read_blocks",
    "read_header",
    "write_block",
]

FILE_KINDS = ("ngrams", "pieces", "tokens", "sample")
"""What files can hold, by the names in their headers."""

_MAGIC = b"bytepiece-counts "
_VERSION = 1
_HEAD = struct.Struct("<QQ")
_CRC = struct.Struct("<I")


class Block(NamedTuple):
    """A block of a file.

    Attributes:
        where: the file and the place, for errors.
        n_items: the number of items.
        data: what they are.
    """

    where: str
    n_items: int
    data: bytes


def header_line(header: Mapping[str, Any]) -> bytes:
    """How a file begins; ``"kind"`` of the header is one of `FILE_KINDS`."""
    return _MAGIC + f"{_VERSION}\n".encode() + json.dumps(header, sort_keys=True).encode() + b"\n"


def write_block(file: BinaryIO, n_items: int, data: bytes, checksum: int) -> int:
    """Write a block; returns its checksum, from which that of the next goes on: no block can be missing or doubled.

    ``checksum`` is that of the file so far. The last block has no items, and no data.
    """
    head = _HEAD.pack(n_items, len(data))
    checksum = zlib.crc32(data, zlib.crc32(head, checksum))
    file.write(head + data + _CRC.pack(checksum))
    return checksum


def read_header(path: str | os.PathLike[str]) -> tuple[dict[str, Any], int]:
    """Read the header of a file, and the position at which its blocks begin.

    Raises `CountsFormatError`, naming the file, if it is none of these; `OSError` if it cannot be read.
    """
    name = os.fspath(path)
    try:
        file = open(path, "rb")  # noqa: SIM115
    except IsADirectoryError:
        raise CountsFormatError(f"{name}: a directory, not a file of counts") from None
    with file:
        first = file.readline(64)
        if not first.startswith(_MAGIC):
            raise CountsFormatError(f"{name}: not a file of counts: it starts with {first[:16]!r}")
        if first != _MAGIC + f"{_VERSION}\n".encode():
            raise CountsFormatError(f"{name}: format {first[len(_MAGIC) :]!r}, this program reads {_VERSION}")
        try:
            header = json.loads(file.readline(2**20))
        except (ValueError, RecursionError):
            raise CountsFormatError(f"{name}, line 2: damaged header") from None
        start = file.tell()
    if not isinstance(header, dict) or header.get("kind") not in FILE_KINDS:
        raise CountsFormatError(f"{name}, line 2: a header without kind, or of an unknown one")
    try:
        check_depth(header)
    except ValueError as error:
        raise CountsFormatError(f"{name}, line 2: {error}") from None
    if not isinstance(header.setdefault("settings", {}), dict):
        raise CountsFormatError(f"{name}, line 2: settings must be an object")
    return header, start


def check_kind(path: str | os.PathLike[str], header: Mapping[str, Any], *kinds: str) -> None:
    """Raise `CountsFormatError` unless the header of ``path`` is that of one of the kinds."""
    if header["kind"] not in kinds:
        raise CountsFormatError(
            f"{os.fspath(path)}: a file of {header['kind']}, where one of {' or '.join(kinds)} goes"
        )


def check_made_with(path: str | os.PathLike[str], header: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Raise `CountsFormatError` unless ``path``, which has this header, was made with these settings."""
    for name, value in settings.items():
        if header["settings"].get(name) != value:
            made_with = header["settings"].get(name)
            raise CountsFormatError(f"{os.fspath(path)}: made with {name} {made_with!r}, not {value!r}")


def documents_of(path: str | os.PathLike[str], header: Mapping[str, Any]) -> int | None:
    """Of how many documents ``path``, which has this header, was made; None if it does not say.

    Raises `CountsFormatError` if that is no number.
    """
    documents = header.get("documents")
    if documents is not None and (type(documents) is not int or not 0 <= documents < 2**48):
        raise CountsFormatError(f"{os.fspath(path)}, line 2: documents must be an int from 0, not {documents!r}")
    return documents


def check_documents(what: str, documents: int | None, other: str, expected: int) -> None:
    """Raise `CountsFormatError` unless two things, of which these are the names, were made of as many documents."""
    if documents != expected:
        raise CountsFormatError(
            f"{what} of {documents} documents do not go with {other} of {expected}: a part is missing or given twice, "
            "or they are of different texts"
        )


def read_blocks(file: BinaryIO, start: int, name: str, most_items: int) -> Iterator[Block]:
    """The blocks from position ``start`` on, but the last one, each checked.

    Others may move the file's position between blocks. Raises `CountsFormatError`, with ``name`` and place, if the file
    is damaged or ends early, and for blocks of more than ``most_items``.
    """
    file.seek(0)
    checksum = zlib.crc32(file.read(start))
    end = file.seek(0, os.SEEK_END)
    position = start
    n_items = 1
    while n_items:
        file.seek(position)
        where = f"{name}, byte {position}"
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            raise CountsFormatError(f"{where}: the file ends early")
        n_items, n_bytes = _HEAD.unpack(head)
        position += _HEAD.size + n_bytes + _CRC.size
        if n_items > most_items or position > end:
            raise CountsFormatError(f"{where}: damaged, or the file ends early")
        data = file.read(n_bytes)
        checksum = zlib.crc32(data, zlib.crc32(head, checksum))
        if _CRC.unpack(file.read(_CRC.size))[0] != checksum:
            raise CountsFormatError(f"{where}: the checksum does not match: damaged")
        if n_items:
            yield Block(where, n_items, data)
    if position != end:
        raise CountsFormatError(f"{name}, byte {position}: something follows the end")
