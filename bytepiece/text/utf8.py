"""Bytes that should be UTF-8, and may not be.

Where ``bytes`` must pass through ``str`` and come back unchanged, each byte that forms no character travels as a
surrogate escape (PEP 383): byte 0xFF as U+DCFF.
"""

__all__ = ["decode_escaped", "encode_escaped", "is_utf8"]


def is_utf8(data: bytes) -> bool:
    """Whether bytes are valid UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def decode_escaped(data: bytes) -> str:
    r"""Decode bytes of any kind.

    >>> decode_escaped(b"a\xff")
    'a\udcff'
    """
    return data.decode("utf-8", "surrogateescape")


def encode_escaped(text: str) -> bytes:
    """Undo `decode_escaped`."""
    return text.encode("utf-8", "surrogateescape")
