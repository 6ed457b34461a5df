"""Parts of a corpus, each of which can be read on its own, on any machine that sees the files."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby, pairwise
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from bytepiece.corpus.compression import without_compression
from bytepiece.corpus.documents import count_documents, documents
from bytepiece.corpus.hooks import Part, Pass, stop
from bytepiece.corpus.parquet import rows_of_groups
from bytepiece.corpus.sample import SampleChooser, chosen
from bytepiece.errors import CorpusError

__all__ = ["Mapped", "Partition", "Span", "cut", "numbered", "sample_limit"]

Result = TypeVar("Result")


class Mapped(Protocol):
    """How a function is called with each of several partitions: as by `map`, or by the tasks of an engine."""

    def __call__(self, function: Callable[[Partition], Result], partitions: Sequence[Partition], /) -> Iterable[Result]:
        """The results, in the order of the partitions."""


class Span(NamedTuple):
    """A file of a corpus, or a part of one.

    Attributes:
        path: the file.
        number: that of the file in the corpus.
        raw_bytes: the size on disk.
        part: which part of the file; None for all.
        first: the number in the file of the first document.
    """

    path: str
    number: int
    raw_bytes: int
    part: Part | None = None
    first: int = 0

    def __str__(self) -> str:
        if self.part is None:
            return self.path
        unit = "row groups" if self.path.endswith(".parquet") else "bytes"
        return f"{self.path}, {unit} {self.part[0]} to {self.part[1]}"


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
        this = Pass()
        failed = this.skip if self.on_error == "skip" else stop
        for span in self.spans:
            keep = chosen(self.seed, span.number, self.limit, span.first)
            yield from documents(span.path, self.text_field, keep, failed, part=span.part, longest=self.longest)
        self.skipped, self.first_error = this.skipped, this.first_error

    def __str__(self) -> str:
        more = f" and {len(self.spans) - 1} more" if len(self.spans) > 1 else ""
        return f"{self.spans[0]}{more}" if self.spans else "nothing"


def cut(paths: Sequence[str], sizes: Sequence[int], n: int) -> list[list[Span]]:
    """Cut files into ``n`` parts of about the same size on disk; see `bytepiece.Corpus.partitions`."""
    parts: list[list[Span]] = [[] for _ in range(n)]
    bounds = [sum(sizes) * part // n for part in range(n + 1)]
    start = 0
    for number, (path, size) in enumerate(zip(paths, sizes, strict=True)):
        for place, span in _spans(Span(path, number, size), start, bounds):
            parts[place].append(span)
        start += size
    return parts


def _spans(file: Span, start: int, bounds: Sequence[int]) -> Iterator[tuple[int, Span]]:
    """A file, or the parts into which it is cut at some of the bounds, each with the number of its part of the corpus.

    ``start`` is the position of the file among all files.
    """
    first, last = _place(start, bounds), _place(start + max(0, file.raw_bytes - 1), bounds)
    if first == last or without_compression(file.path) != file.path:
        yield first, file
    elif file.path.endswith(".parquet"):
        yield from _row_groups(file, start, bounds)
    else:
        edges = [start, *bounds[first + 1 : last + 1], start + file.raw_bytes]
        for place, (begin, end) in enumerate(pairwise(edges), first):
            if begin < end:
                yield place, file._replace(raw_bytes=end - begin, part=(begin - start, end - start))


def _row_groups(file: Span, start: int, bounds: Sequence[int]) -> Iterator[tuple[int, Span]]:
    try:
        rows = rows_of_groups(file.path)
    except CorpusError:  # whoever reads it says what is wrong
        rows = []
    if not sum(rows):
        yield _place(start, bounds), file
        return
    ends = [file.raw_bytes * n // sum(rows) for n in accumulate(rows)]
    begins = [0, *ends[:-1]]
    for place, group in groupby(range(len(rows)), lambda k: _place(start + begins[k], bounds)):
        groups = [*group]
        part = groups[0], groups[-1] + 1
        size = ends[groups[-1]] - begins[groups[0]]
        yield place, file._replace(raw_bytes=size, part=part, first=sum(rows[: part[0]]))


def _place(position: int, bounds: Sequence[int]) -> int:
    """The part of the corpus in which a position is."""
    return min(bisect_right(bounds, position) - 1, len(bounds) - 2)


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
    longest = partition.longest
    return [0 if span.part is None else count_documents(span.path, span.part, longest) for span in partition.spans]


def sample_limit(partitions: Sequence[Partition], sample_bytes: int, map: Mapped) -> int:
    """The limit with which the sample has about a size in bytes; the partitions are `numbered`."""
    chooser = SampleChooser(partitions[0].seed)
    for sizes in map(_sample_sizes, partitions):
        chooser.add_sizes(sizes)
    return chooser.limit(sample_bytes)


def _sample_sizes(partition: Partition) -> NDArray[np.int64]:
    chooser = SampleChooser(partition.seed)
    failed = Pass().skip if partition.on_error == "skip" else stop
    for span in partition.spans:
        noted = chooser.note_hashes(span.number, span.first)
        longest = partition.longest
        for text in documents(span.path, partition.text_field, noted, failed, part=span.part, longest=longest):
            chooser.add(text)
    return chooser.sizes
