"""Texts put together, so that many are encoded in one call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

__all__ = ["batches"]

BATCH_BYTES = 2**22
"""How many bytes of text are encoded at a time; a single text can be longer."""


def batches(texts: Iterable[bytes]) -> Iterator[list[bytes]]:
    """The texts in lists of about `BATCH_BYTES` bytes. No list is empty."""
    batch: list[bytes] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text) + 1  # so that a batch of empty texts ends too
        if size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
