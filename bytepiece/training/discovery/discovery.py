"""New-word discovery: an n-gram model cuts the corpus into candidate pieces, which are counted.

The method of Jianlin Su (https://kexue.fm/archives/3956, and 9752 for bytes): a cut pays where the bytes before help
little to predict the next one. `bytepiece.reference.discover` shows it in a page.
"""

from __future__ import annotations

from collections.abc import Callable

from bytepiece.core.packed import CountedBytes
from bytepiece.training.counting.checkpoint import Checkpoint
from bytepiece.training.counting.kernels import PieceCounter
from bytepiece.training.counting.passes import Counts, PieceSpiller, Resources, count_pass
from bytepiece.training.discovery.kernels import NgramModel
from bytepiece.training.segments import Batch, Reader

__all__ = ["discover"]


def discover(
    reader: Reader,
    model: NgramModel,
    ensure_unicode: bool,
    resources: Resources,
    checkpoint: Checkpoint | None,
    advance: Callable[[int], object],
) -> Counts[CountedBytes]:
    """Cut every segment where the model finds it best, and count the pieces; see `counting.count_pass`.

    With ``ensure_unicode`` no piece starts inside a character, except that characters too rare for the model are
    spelled in single bytes.
    """

    def cut(counter: PieceCounter, batch: Batch) -> None:
        model.discover(batch.data, batch.begin, batch.ends, ensure_unicode, counter)

    limit = resources.counter_bytes(taken=model.nbytes)
    return count_pass(
        reader,
        "pieces",
        lambda store: PieceSpiller(cut, limit, store),
        resources.store_bytes(taken=model.nbytes),
        resources,
        checkpoint,
        advance,
        basis=[model.fingerprint, model.min_count],
    )
