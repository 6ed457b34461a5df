"""New-word discovery: an n-gram model cuts the corpus into candidate pieces, which are counted.

The method of Jianlin Su (https://kexue.fm/archives/3956, and 9752 for bytes): a cut pays where the bytes before help
little to predict the next one. `bytepiece.reference.discover` shows it in a page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bytepiece.training._counting import PieceCounter
from bytepiece.training._discovery import NgramAutomaton
from bytepiece.training.counting import PieceCounts, count_pieces
from bytepiece.training.segments import Batch

__all__ = ["discover"]


def discover(
    batches: Iterable[Batch],
    model: NgramAutomaton,
    ensure_unicode: bool,
    workers: int,
    advance: Callable[[int], object],
) -> PieceCounts:
    """Cut every segment where the model finds it best, and count the pieces.

    With ``ensure_unicode`` no piece starts inside a character, except that characters too rare for the model are
    spelled in single bytes.
    """

    def cut(counter: PieceCounter, batch: Batch) -> None:
        model.discover(batch.data, batch.begin, batch.ends, ensure_unicode, counter)

    return count_pieces(batches, cut, workers, advance)
