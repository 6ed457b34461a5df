"""Files of a corpus, and parts of files, of about the same size."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby, pairwise
from typing import NamedTuple

from bytepiece.corpus.compression import without_compression
from bytepiece.corpus.hooks import Part
from bytepiece.corpus.parquet import rows_of_groups
from bytepiece.errors import CorpusError

__all__ = ["Span", "cut"]


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
