"""What is counted of a shard, and of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bytepiece.errors import CorpusError

__all__ = ["Counts"]


@dataclass
class Counts:
    """See `bytepiece.write_shards` for what the numbers are."""

    documents: int = 0
    tokens: int = 0
    text_bytes: int = 0
    empty: int = 0
    skipped: int = 0
    first_error: str | None = None

    def skip(self, error: CorpusError) -> None:
        """Count a document that cannot be read."""
        self.skipped += 1
        self.first_error = self.first_error or str(error)

    def add(self, other: Mapping[str, Any]) -> None:
        """Add what is counted elsewhere."""
        for name in ("documents", "tokens", "text_bytes", "empty", "skipped"):
            setattr(self, name, getattr(self, name) + other[name])
        self.first_error = self.first_error or other["first_error"]
