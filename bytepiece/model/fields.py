"""What a model file holds, in whichever format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bytepiece.core.packed import CountedBytes

__all__ = ["ModelFields"]


class ModelFields(NamedTuple):
    """The contents of a model file. Whether they make a valid model, `Model` checks."""

    pieces: CountedBytes
    """In id order."""
    special_tokens: Sequence[str]
    """The three reserved ones first."""
    settings: Mapping[str, Any]
