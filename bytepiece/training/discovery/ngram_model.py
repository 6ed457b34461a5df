"""From counted n-grams to conditional log-probabilities."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Protocol

from bytepiece.core.heap import release_memory
from bytepiece.errors import CountsFormatError, TrainingError
from bytepiece.training.counting.runs import NgramRun
from bytepiece.training.discovery.kernels.model import NgramModel

__all__ = ["measure_ngram_model", "ngram_model"]

_LEAST = 2**20
"""A limit below this is not enforced: bytes and pairs alone take half of it."""


class NgramCounts(Protocol):
    """Sorted counts of n-grams, which can be read again and again."""

    @property
    def names(self) -> str:
        """Where they come from, for errors."""

    def __iter__(self) -> Iterator[NgramRun]:
        """The counts."""


def ngram_model(counts: NgramCounts, order: int, min_count: int, limit: int | None = None) -> NgramModel:
    """The byte n-gram language model: log p(last byte | bytes before).

    That is log count(n-gram) - log count(n-gram without its last byte).

    N-grams of two bytes or more are left out if they occur less than ``min_count`` times. Bytes that never occur count
    once. Logarithms are those of the C library, which are the same on every processor; NumPy's differ in the last bit
    between instruction sets.

    Raises `TrainingError` if the model takes more than ``limit`` bytes; says how much it takes, and which
    ``min_count`` would do. Raises `CountsFormatError` for files whose counts are no counts of a text.
    """
    model = _model(counts, order, min_count, limit)
    release_memory()
    return model


def measure_ngram_model(counts: NgramCounts, order: int, min_count: int, limit: int | None = None) -> NgramModel:
    """The model without its tables: it has their sizes and the fingerprint, in little memory.

    Errors are those of `ngram_model`.
    """
    return _model(counts, order, min_count, limit, dry=True)


def _model(counts: NgramCounts, order: int, min_count: int, limit: int | None, dry: bool = False) -> NgramModel:
    model = NgramModel(order, min_count, dry)
    try:
        if _fill(model, counts, limit):
            model.finish()
            return model
        del model
        raise _too_large(counts, order, min_count, limit)
    except CountsFormatError:
        raise
    except (ValueError, OverflowError) as error:
        raise CountsFormatError(f"{counts.names}: {error}: damaged") from None


def _too_large(counts: NgramCounts, order: int, min_count: int, limit: int | None) -> TrainingError:
    whole = NgramModel(order, min_count, dry=True)
    _fill(whole, counts, None)
    smaller = (NgramModel(order, min_count << doublings, dry=True) for doublings in count(1))
    fitting = next(model for model in smaller if _fill(model, counts, limit))
    return TrainingError(
        f"the n-gram model takes {whole.peak_nbytes / 2**20:.0f} MB with min_count {min_count}, and the limit "
        f"leaves {max(0, limit or 0) / 2**20:.0f} MB for it; min_count {fitting.min_count} would fit"
    )


def _fill(model: NgramModel, counts: NgramCounts, limit: int | None) -> bool:
    """Give all counts to a model; False as soon as it takes more than ``limit`` bytes."""
    for run in counts:
        model.add(run.keys, run.counts)
        if limit is not None and model.peak_nbytes > max(limit, _LEAST):
            return False
    return True
