"""Pieces and counts in a few arrays: as objects they would take five times the memory, and much longer to check."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bytepiece.errors import ModelFormatError
from bytepiece.model.kernels import find_repeat

__all__ = ["Packed", "pack"]

_MAX_TOTAL = 2**63 - 1


class Packed(NamedTuple):
    """Pieces with their counts. The arrays are for reading only."""

    data: bytes
    """All pieces one after the other."""
    offsets: NDArray[np.int64]
    """Where each piece begins, and the last ends."""
    counts: NDArray[np.int64]

    @property
    def pieces(self) -> list[bytes]:
        """A new list of the pieces."""
        return [self.data[begin:end] for begin, end in pairwise(self.offsets.tolist())]

    def piece(self, k: int) -> bytes:
        """Piece number ``k``."""
        return self.data[self.offsets[k] : self.offsets[k + 1]]

    def check(self, first_id: int) -> None:
        """Raise `ModelFormatError` unless this makes a vocabulary; ``first_id`` is the id of the first piece."""
        lengths = np.diff(self.offsets)
        for wrong, problem in (
            (lengths < 1, "must be non-empty bytes"),
            (self.counts < 1, "count must be an int >= 1"),
        ):
            if wrong.any():
                k = int(np.argmax(wrong))
                raise ModelFormatError(_complaint(k, first_id, self.piece(k), int(self.counts[k]), problem))
        total = (int((self.counts >> 32).sum()) << 32) + int((self.counts & 0xFFFFFFFF).sum())
        if total > _MAX_TOTAL:
            k = int(np.argmax(self.counts))
            raise ModelFormatError(
                f"counts sum to {total}, beyond 2**63 - 1; the largest is that of "
                f"{_name(k, first_id)}, {self.piece(k)!r}"
            )
        repeat = find_repeat(self.data, self.offsets, hash(self.data))
        if repeat is not None:
            k, first = repeat
            raise ModelFormatError(f"{_name(k, first_id)} repeats {_name(first, first_id)}: {self.piece(k)!r}")
        singles = self.offsets[:-1][lengths == 1]
        present = np.zeros(256, dtype=bool)
        present[np.frombuffer(self.data, dtype=np.uint8)[singles]] = True
        if not present.all():
            raise ModelFormatError(
                f"{256 - int(present.sum())} of the 256 single bytes are missing, "
                f"the first is 0x{int(np.argmin(present)):02x}"
            )


def pack(pieces: Sequence[bytes], counts: Sequence[int], first_id: int) -> Packed:
    """Pack pieces and their counts.

    Raises `ModelFormatError` for what cannot be packed: pieces that are no ``bytes``, counts that are no positive
    ``int`` of 63 bits.
    """
    if len(pieces) != len(counts):
        raise ModelFormatError(f"{len(pieces)} pieces but {len(counts)} counts")
    if set(map(type, pieces)) - {bytes}:
        k = next(k for k, piece in enumerate(pieces) if type(piece) is not bytes)
        raise ModelFormatError(_complaint(k, first_id, pieces[k], counts[k], "must be non-empty bytes"))
    if set(map(type, counts)) - {int} or (counts and min(counts) < 1):
        k = next(k for k, count in enumerate(counts) if type(count) is not int or count < 1)
        raise ModelFormatError(_complaint(k, first_id, pieces[k], counts[k], "count must be an int >= 1"))
    if counts and max(counts) > _MAX_TOTAL:
        k = max(range(len(counts)), key=counts.__getitem__)
        raise ModelFormatError(
            f"counts sum to {sum(counts)}, beyond 2**63 - 1; the largest is that of {_name(k, first_id)}, {pieces[k]!r}"
        )
    offsets = np.zeros(len(pieces) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, pieces), np.int64, len(pieces)), out=offsets[1:])
    return Packed(b"".join(pieces), offsets, np.array(counts, dtype=np.int64))


def _complaint(k: int, first_id: int, piece: object, count: object, problem: str) -> str:
    if problem.startswith("count"):
        return f"{_name(k, first_id)}, {piece!r}: {problem}, not {count!r}"
    return f"{_name(k, first_id)} {problem}, not {piece!r}"


def _name(k: int, first_id: int) -> str:
    return f"piece {k} (id {first_id + k})"
