"""The ids that no piece can have: 0 to 2, those of three special tokens. Pieces have the ids from 3 on."""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["FIRST_PIECE_ID", "RESERVED_TOKENS", "SMALLEST_VOCABULARY"]

RESERVED_TOKENS: Mapping[str, int] = MappingProxyType({"<pad>": 0, "<bos>": 1, "<eos>": 2})
"""The special tokens that every model has, with their ids."""

FIRST_PIECE_ID = len(RESERVED_TOKENS)
"""The id of the first piece; also the number of reserved ids."""

SMALLEST_VOCABULARY = FIRST_PIECE_ID + 256
"""The least number of ids that a model can have: the 256 single bytes are always pieces."""
