"""The wire format of protocol buffers, as far as a SentencePiece model needs it.

The package ``sentencepiece`` has classes for its model file. They need the library ``protobuf``, which it does not
install, and which refuses classes that were made for another version. https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

__all__ = ["field", "fields", "float32"]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def field(number: int, value: int | float | str | bytes) -> bytes:
    r"""A field of a message.

    An int, 0 or more, and a bool become a varint, and a float becomes a float32. Text and bytes stay as they are; a
    nested message is bytes.

    >>> field(1, "ab") + field(2, 300)
    b'\n\x02ab\x10\xac\x02'
    """
    if isinstance(value, float):
        return _varint(number << 3 | _FIXED32) + struct.pack("<f", value)
    if isinstance(value, int):
        return _varint(number << 3 | _VARINT) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | _BYTES) + _varint(len(data)) + data


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    r"""The fields of a message in their order: each with its number and its value, an int or bytes.

    Raises ``ValueError`` where the bytes are not a message.

    >>> list(fields(b"\n\x02ab\x10\xac\x02"))
    [(1, b'ab'), (2, 300)]
    """
    position, end = 0, len(message)

    def varint() -> int:
        nonlocal position
        value = shift = 0
        while position < end and shift < 70:
            byte = message[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
        raise ValueError(f"no whole number at byte {position}")

    while position < end:
        start = position
        key = varint()
        kind = key & 7
        if key >> 3 == 0 or kind not in (_VARINT, _FIXED64, _BYTES, _FIXED32):
            raise ValueError(f"no field at byte {start}")
        if kind == _VARINT:
            yield key >> 3, varint()
            continue
        size = varint() if kind == _BYTES else 4 if kind == _FIXED32 else 8
        if size > end - position:
            raise ValueError(f"cut off in the field at byte {start}")
        yield key >> 3, message[position : position + size]
        position += size


def float32(data: int | bytes) -> float:
    """The value of a field that holds a float32."""
    if not isinstance(data, bytes) or len(data) != 4:
        raise ValueError(f"not a float: {data!r}")
    value: float = struct.unpack("<f", data)[0]
    return value
