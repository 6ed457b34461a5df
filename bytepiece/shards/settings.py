"""What decides which ids are in which shard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypedDict

import numpy as np

from bytepiece.core.ids import NO_ID
from bytepiece.encoding.special import Names, SpecialTokens
from bytepiece.errors import SettingsError, check_choice, check_int
from bytepiece.model.model import Model
from bytepiece.model.reserved import RESERVED_TOKENS
from bytepiece.shards.formats import FORMATS

__all__ = ["DEFAULT_SHARD_TOKENS", "Options", "Settings", "dtype_of", "settings_of"]

DEFAULT_SHARD_TOKENS = {"mds": 2**25}
"""The default of ``shard_tokens``, where it is not 2**28: the readers of mds take files of 64 MB as a whole."""

MOST_SHARD_TOKENS = {"mds": 2**29, "llm.c": 2**31 - 1}
"""The most tokens of a shard, where a format has a limit: offsets of 32 bits."""


class Options(TypedDict, total=False):
    """The settings that have defaults, as `bytepiece.write_shards` takes them."""

    shard_tokens: int | None
    append_eos: bool
    prepend_bos: bool
    allowed_special: Names


@dataclass(frozen=True)
class Settings:
    """See `bytepiece.write_shards`; made by `settings_of`."""

    format: str
    shard_tokens: int
    append_eos: bool
    prepend_bos: bool
    allowed_special: Literal["all"] | frozenset[str]

    @property
    def before(self) -> int:
        """The id that comes before each document."""
        return RESERVED_TOKENS["<bos>"] if self.prepend_bos else NO_ID

    @property
    def after(self) -> int:
        """The id that comes after each document."""
        return RESERVED_TOKENS["<eos>"] if self.append_eos else NO_ID

    def as_dict(self) -> Mapping[str, Any]:
        """The settings, as JSON has them."""
        names = self.allowed_special
        return {**asdict(self), "allowed_special": names if names == "all" else sorted(names)}


def settings_of(format: str, options: Options, model: Model) -> Settings:
    """The settings of shards. Raises `SettingsError`."""
    check_choice("format", format, FORMATS)
    if unknown := options.keys() - Options.__annotations__.keys():
        raise SettingsError(f"write_shards has no argument {min(unknown)!r}")
    shard_tokens = options.get("shard_tokens")
    if shard_tokens is None:
        shard_tokens = DEFAULT_SHARD_TOKENS.get(format, 2**28)
    check_int("shard_tokens", shard_tokens, 1, MOST_SHARD_TOKENS.get(format, 2**62))
    append_eos, prepend_bos = options.get("append_eos", True), options.get("prepend_bos", False)
    check_choice("append_eos", append_eos, (True, False))
    check_choice("prepend_bos", prepend_bos, (True, False))
    names = options.get("allowed_special", ())
    SpecialTokens(model.special_tokens).split("x", names)  # raises an error for what is no name
    allowed: Any = "all" if names == "all" else frozenset(names)
    return Settings(format, shard_tokens, append_eos, prepend_bos, allowed)


def dtype_of(model: Model) -> np.dtype[Any]:
    """The smallest dtype for all ids of a model: uint16 for up to 65,536 ids, else uint32."""
    return np.dtype("<u2" if model.vocab_size <= 2**16 else "<u4")
