"""New-word discovery: an n-gram model cuts the corpus into candidate pieces, which are counted.

The method of Jianlin Su (https://kexue.fm/archives/3956, and 9752 for bytes): a cut pays where the bytes before help
little to predict the next one. `bytepiece.reference.discover` shows it in a page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bytepiece.core.packed import CountedBytes
from bytepiece.training.context import Context
from bytepiece.training.counting.kernels.pieces import PieceTable
from bytepiece.training.counting.passes import Counter, PieceCounter, count_pass
from bytepiece.training.counting.spool import Counts
from bytepiece.training.counting.store import Store
from bytepiece.training.discovery.kernels.cutting import count_candidates
from bytepiece.training.discovery.kernels.model import NgramModel
from bytepiece.training.segments import Batch
from bytepiece.training.texts import Texts

__all__ = ["discover"]

SHORT = 32
"""Segments of so many bytes at most are counted before they are cut: words recur, longer segments seldom do. Where the
mean is longer, none is."""


def discover(context: Context, texts: Texts, model: NgramModel, ensure_unicode: bool) -> Counts[CountedBytes]:
    """The second pass: cut every segment where the model finds it best, and count the pieces; see `count_pass`.

    With ``ensure_unicode`` no piece starts inside a character, except that characters too rare for the model are
    spelled in single bytes.
    """
    with texts.read(context, "Discovering pieces") as (reader, advance):
        return count_pass(context, DiscoveryTask(model, ensure_unicode), reader, advance)


@dataclass(frozen=True)
class DiscoveryTask:
    """Cut each segment into the pieces that the model finds most probable, and count them."""

    model: NgramModel
    ensure_unicode: bool

    kind = "pieces"

    @property
    def basis(self) -> Any:
        return [self.model.fingerprint, self.model.min_count]

    @property
    def nbytes(self) -> int:
        return self.model.nbytes

    def counter(self, store: Store[CountedBytes], limit: int) -> Counter:
        return PieceCounter(self.cut, limit, store)

    def cut(self, batch: Batch, table: PieceTable) -> None:
        """Cut the segments of a batch, and put the pieces into a table."""
        if batch.n_bytes > SHORT * len(batch.ends):  # lines, not words
            data = np.frombuffer(batch.data, dtype=np.uint8)[batch.begin :]
            count_candidates(self.model, data, batch.ends - batch.begin, None, self.ensure_unicode, table)
            return
        words = PieceTable()
        longer, ends = words.add_short(batch.data, batch.begin, batch.ends, SHORT)
        count_candidates(self.model, longer, ends, None, self.ensure_unicode, table)
        distinct = words.take()
        count_candidates(self.model, distinct.data, distinct.offsets[1:], distinct.counts, self.ensure_unicode, table)
