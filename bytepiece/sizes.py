"""Sizes as people write them: 512M, 2G."""

import re

from bytepiece.errors import SettingsError, shown

__all__ = ["parse_size"]

_SIZE = re.compile(r"([0-9]+)(?:\.([0-9]+))? ?(?:([KMGT])i?)?B?", re.ASCII | re.IGNORECASE)
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_LARGEST = 2**63 - 1


def parse_size(size: str | int, name: str = "size", unit: str = "bytes") -> int:
    """The number of bytes, or of another ``unit``, of a size like ``512M``, ``1.5G`` or ``2GiB``, or a plain number.

    K, M, G and T are powers of 1024 in each way to write them: ``512M`` = ``512MB`` = ``512MiB`` = 512 * 2**20.

    Raises `SettingsError`, with the argument's ``name``, for an invalid size, and for one outside 1 to 2**63 - 1.

    >>> parse_size("512M")
    536870912
    """
    if isinstance(size, int) and not isinstance(size, bool):
        n_bytes = size
    else:
        match = _SIZE.fullmatch(size) if isinstance(size, str) and len(size) < 100 else None
        if match is None:
            raise SettingsError(f"{name} must be a number of {unit} or a size like 512M or 2G, not {size!r}")
        whole, fraction, power = match[1], match[2] or "", 1024 ** _POWERS[(match[3] or "").upper()]
        n_bytes = int(whole + fraction) * power // 10 ** len(fraction)
    if not 1 <= n_bytes <= _LARGEST:
        given = size if isinstance(size, str) else shown(size)
        raise SettingsError(f"{name} must be 1 to {_LARGEST} {unit}, not {given}")
    return n_bytes
