"""The formats by their names."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bytepiece.shards.flat import Bin, Datatrove, LlmC, Npy
from bytepiece.shards.format import Format
from bytepiece.shards.mds import Mds
from bytepiece.shards.megatron import Megatron
from bytepiece.shards.parquet import Parquet

__all__ = ["FORMATS"]

FORMATS: Mapping[str, type[Format]] = MappingProxyType(
    {
        "megatron": Megatron,
        "datatrove": Datatrove,
        "bin": Bin,
        "llm.c": LlmC,
        "npy": Npy,
        "parquet": Parquet,
        "mds": Mds,
    }
)
"""The class of each format."""
