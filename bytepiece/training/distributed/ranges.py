"""Counts in ranges of keys: each range is merged by itself.

    part 1:  a..f  g..m  n..z        merge 1:  a..f of all parts
    part 2:  a..f  g..m  n..z   -->  merge 2:  g..m of all parts
    part 3:  a..f  g..m  n..z        merge 3:  n..z of all parts

Where ranges end changes no count. They end where a look at some of the text suggests that they become equally large.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bytepiece.engines.engine import Output
from bytepiece.training.counting.packed_runs import pack_runs, unpack_runs
from bytepiece.training.counting.runs import Run, merge_streams
from bytepiece.training.counting.spool import Counts, Spool
from bytepiece.training.resources import Resources

__all__ = ["KeyRange", "ends_of_ngrams", "ends_of_pieces", "pack_ranges"]


def ends_of_ngrams(keys: Iterable[int], n: int) -> list[np.uint64]:
    """The last keys of all ranges but the last one; ``keys`` are some of those to be expected.

    Ranges end where the first three bytes of n-grams change, as `fold_rare` needs it. There may be fewer than ``n``.
    """
    prefixes = {key >> 40 for key in _quantiles(sorted(keys), n)} - {0}
    return [np.uint64((prefix << 40) - 1) for prefix in sorted(prefixes)]


def ends_of_pieces(pieces: Iterable[bytes], n: int) -> list[bytes]:
    """The same for pieces, whose ranges can end anywhere."""
    return sorted({*_quantiles(sorted(pieces), n)})


def _quantiles(items: Sequence[Any], n: int) -> list[Any]:
    return [items[len(items) * k // n] for k in range(1, n)] if items else []


def pack_ranges(runs: Iterable[Run], ends: Sequence[Any]) -> Iterator[bytes]:
    """The counts of each range, packed; runs ascend from one to the next."""
    collected: list[Run] = []
    number = 0
    for run in runs:
        while number < len(ends) and len(run) and run.item(len(run) - 1) > ends[number]:
            inside, run = run.split(ends[number])
            yield pack_runs([*collected, inside])
            collected = []
            number += 1
        collected.append(run)
    yield pack_runs(collected)
    for _ in range(number, len(ends)):
        yield b""


@dataclass(frozen=True)
class KeyRange:
    """The counts of a range in all parts of the corpus.

    Attributes:
        number: of the range, from 0.
        n: the number of ranges.
        parts: the outputs of tasks, packed.
    """

    number: int
    n: int
    parts: Sequence[Output[bytes]]

    def merged(self, kind: str, resources: Resources) -> Iterable[Run]:
        """All counts of the range. Few of the parts are in memory at a time."""
        step = resources.MERGED_FILES
        if len(self.parts) <= step:
            return merge_streams([unpack_runs(part.get()) for part in self.parts])
        spool = Spool(kind, resources)
        for begin in range(0, len(self.parts), step):
            spool.add(merge_streams([unpack_runs(part.get()) for part in self.parts[begin : begin + step]]))
        return Counts(files=spool.files)

    def __str__(self) -> str:
        return f"merging counts, range {self.number + 1} of {self.n}"
