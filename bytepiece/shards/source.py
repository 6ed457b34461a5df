"""A part of a corpus, read from a place on and encoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.ids import frame_documents
from bytepiece.corpus.blocks import Block, Place, lines_before, span_blocks
from bytepiece.corpus.compression import without_compression
from bytepiece.corpus.parsing import read_block
from bytepiece.corpus.partitions import Partition
from bytepiece.corpus.spans import Span
from bytepiece.encoding.encoder import Encoder
from bytepiece.encoding.pipeline import in_order
from bytepiece.errors import CorpusError
from bytepiece.shards.format import Ids
from bytepiece.shards.settings import Settings

__all__ = ["Encoded", "Source"]

GROUP_BLOCKS, GROUP_BYTES = 64, 2**16
"""Blocks are encoded together until they are so many, or have so many bytes."""


class Encoded(NamedTuple):
    """Documents of a block with their ids.

    Attributes:
        span: the number of their file in the part.
        begin: the place where the block begins.
        ids: all ids.
        lengths: int64, the number of ids of each document, 0 for an empty one.
        text_lengths: int64, the length of each text in bytes.
        numbers: int64, see `bytepiece.corpus.parsing.Texts`; as ``positions``, which are its ``ends``, and ``errors``.
    """

    span: int
    begin: Place
    ids: Ids
    lengths: NDArray[np.int64]
    text_lengths: NDArray[np.int64]
    numbers: NDArray[np.int64]
    positions: NDArray[np.int64]
    errors: list[tuple[int, CorpusError]]


class Source:
    """Reads a part of a corpus from a place on, and encodes it in threads."""

    def __init__(
        self, part: Partition, encoder: Encoder, settings: Settings, wide: bool, start: tuple[int, Place] | None
    ) -> None:
        self.raw_position = 0
        self._part = part
        self._encoder = encoder
        self._settings = settings
        self._wide = wide
        self._start = start
        self._spans = [_numbered(span) if settings.format == "parquet" else span for span in part.spans]

    def encoded(self, workers: int) -> Iterator[Encoded]:
        """The documents, encoded by some threads while they are read."""
        groups = in_order(lambda group: [*map(self._encode, group)], self._groups(), workers, _n_bytes)
        return chain.from_iterable(groups)

    def _groups(self) -> Iterator[list[tuple[int, Block]]]:
        """The blocks; those of small files come together, as a thread takes longer to begin than to encode one."""
        group: list[tuple[int, Block]] = []
        try:
            for item in self._blocks():
                group.append(item)
                if len(group) == GROUP_BLOCKS or _n_bytes(group) >= GROUP_BYTES:
                    yield group
                    group = []
        except Exception:
            yield group  # what comes before the error is not lost
            raise
        yield group

    def _blocks(self) -> Iterator[tuple[int, Block]]:
        first, place = self._start or (0, None)
        for number, span in enumerate(self._spans):
            if number >= first:
                start = place if number == first else None
                for block in span_blocks(span, self._part.text_field, start, self._part.longest, self._advance):
                    yield number, block
        self.raw_position = self._part.raw_bytes

    def _advance(self, n_bytes: int) -> None:
        self.raw_position += n_bytes

    def _encode(self, item: tuple[int, Block]) -> Encoded:
        number, block = item
        span = self._spans[number]
        part = self._part
        found = read_block(span, part.text_field, block, part.keep(span), part.longest)
        ids, ends = self._encoder.encode_texts(found.texts, self._settings.allowed_special)
        framed, lengths = frame_documents(ids, ends, self._settings.before, self._settings.after, self._wide)
        text_lengths = found.texts.lengths
        return Encoded(number, block.place, framed, lengths, text_lengths, found.numbers, found.ends, found.errors)


def _n_bytes(group: Sequence[tuple[int, Block]]) -> int:
    return sum(block.n_bytes for _, block in group)


def _numbered(span: Span) -> Span:
    """The same part of a file, with the number of its first document in the file."""
    if span.first or not span.part or span.path.endswith(".parquet") or without_compression(span.path) != span.path:
        return span
    return span._replace(first=lines_before(span.path, span.part[0]))
