"""Parts of a corpus, each of which can be read on its own, on any machine that sees the files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from bytepiece.corpus.documents import count_documents, document_sizes, utf8_documents
from bytepiece.corpus.hooks import Pass, doing
from bytepiece.corpus.sample import Keep, SampleChooser, wanted
from bytepiece.corpus.spans import Span

__all__ = ["Mapped", "Partition", "numbered", "sample_limit"]

Result = TypeVar("Result")


class Mapped(Protocol):
    """How a function is called with each of several partitions: as by `map`, or by the tasks of an engine."""

    def __call__(self, function: Callable[[Partition], Result], partitions: Sequence[Partition], /) -> Iterable[Result]:
        """The results, in the order of the partitions."""


@dataclass
class Partition:
    """A part of a corpus: some files, or a part of one. It can be pickled. Iterating starts anew each time.

    Attributes:
        spans: the files, or parts of files.
        text_field: as for `bytepiece.Corpus`.
        on_error: as for `bytepiece.Corpus`. What is skipped of a damaged file is the rest of this part.
        seed: which sample.
        limit: documents whose hash is below are in the sample; None for all documents.
        longest: documents of more bytes cannot be read; None for no bound.
        skipped: how many documents were skipped in the pass that ended last.
        first_error: why the first of them could not be read, and where it is; None if none was skipped.

    Iterating raises as iterating a corpus does.
    """

    spans: tuple[Span, ...]
    text_field: str
    on_error: str
    seed: int = 0
    limit: int | None = None
    longest: int | None = None
    skipped: int = 0
    first_error: str | None = None

    @property
    def raw_bytes(self) -> int:
        """The size of what it reads, in bytes on disk."""
        return sum(span.raw_bytes for span in self.spans)

    @property
    def identity(self) -> str:
        """What it reads, and how: the same for partitions that have the same documents, if no file changed."""
        return repr((self.spans, self.text_field, self.on_error, self.seed, self.limit, self.longest))

    def __iter__(self) -> Iterator[str]:
        return map(bytes.decode, self.iter_utf8())

    def iter_utf8(self) -> Iterator[bytes]:
        """The same documents in UTF-8; see `bytepiece.Corpus.iter_utf8`."""
        this = Pass()
        failed = doing(self.on_error, this)
        for span in self.spans:
            yield from utf8_documents(span, self.text_field, self.keep(span), failed, longest=self.longest)
        self.skipped, self.first_error = this.skipped, this.first_error

    def keep(self, span: Span) -> Keep | None:
        """Which documents of one of its spans are in the sample; None for all."""
        return wanted(self.seed, span.number, self.limit)

    def __str__(self) -> str:
        more = f" and {len(self.spans) - 1} more" if len(self.spans) > 1 else ""
        return f"{self.spans[0]}{more}" if self.spans else "nothing"


def numbered(partitions: Sequence[Partition], map: Mapped) -> list[Partition]:
    """The same partitions, with the number of the first document of each part of a file."""
    seen: dict[int, int] = {}
    result = []
    for partition, counts in zip(partitions, map(_count_documents, partitions), strict=True):
        spans = []
        for span, n_documents in zip(partition.spans, counts, strict=True):
            first = seen.get(span.number, 0)
            spans.append(span._replace(first=first))
            seen[span.number] = first + n_documents
        result.append(replace(partition, spans=tuple(spans)))
    return result


def _count_documents(partition: Partition) -> list[int]:
    """The number of documents of each span; of a whole file, nobody asks."""
    return [0 if span.part is None else count_documents(span, partition.longest) for span in partition.spans]


def sample_limit(partitions: Sequence[Partition], sample_bytes: int, map: Mapped) -> int:
    """The limit with which the sample has about a size in bytes; the partitions are `numbered`."""
    chooser = SampleChooser(partitions[0].seed)
    for sizes in map(_sample_sizes, partitions):
        chooser.add_sizes(sizes)
    return chooser.limit(sample_bytes)


def _sample_sizes(partition: Partition) -> NDArray[np.int64]:
    chooser = SampleChooser(partition.seed)
    failed = doing(partition.on_error, Pass())
    for span in partition.spans:
        for numbers, sizes in document_sizes(span, partition.text_field, failed, longest=partition.longest):
            chooser.add(span.number, numbers, sizes)
    return chooser.sizes
