"""Passes over the texts: one counts n-grams, the next counts pieces.

What a pass counts is a `Task`. `count_part` is the seam: batches of a part of the corpus in, counts out, as sorted runs
that can be cut at any item and merged with those of other parts. It needs nothing else of the corpus, and changes
nothing, so parts can be counted anywhere.

    batches --> counters of the threads --> store, in memory --> merged runs --+
                                              |                               +--> Counts
                                              +--> spool, on disk --> files ---+
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from bytepiece.core.heap import release_large_arrays
from bytepiece.core.packed import CountedBytes
from bytepiece.training.context import Context
from bytepiece.training.counting.kernels.ngrams import ngram_keys, run_lengths
from bytepiece.training.counting.kernels.pieces import PieceTable
from bytepiece.training.counting.runs import NgramRun
from bytepiece.training.counting.spool import Counts, Spool, open_run_files
from bytepiece.training.counting.store import Store
from bytepiece.training.segments import Batch, Reader
from bytepiece.training.texts import Texts

__all__ = ["Counter", "NgramCounter", "PieceCounter", "Task", "count_ngrams", "count_pass"]


class Counter(Protocol):
    """Counts batches, in one thread at a time, and puts the counts into a store."""

    def add(self, batch: Batch) -> None:
        """Count a batch."""

    def finish(self) -> None:
        """Put what is left into the store: all batches are counted."""


class Task(Protocol):
    """What a pass counts.

    Attributes:
        kind: of the counts, as in `counts_file.KINDS`.
        basis: what the counts depend on besides the texts and the settings, as JSON.
        nbytes: memory that the task itself takes.
    """

    @property
    def kind(self) -> str: ...
    @property
    def basis(self) -> Any: ...
    @property
    def nbytes(self) -> int: ...

    def counter(self, store: Store[Any], limit: int) -> Counter:
        """A counter for one thread, which holds not much more than ``limit`` bytes before it empties into the store."""


@dataclass(frozen=True)
class NgramTask:
    """Count the longest n-gram, up to ``order`` bytes, that starts at each byte of each segment."""

    order: int

    kind = "ngrams"
    basis = None
    nbytes = 0

    def counter(self, store: Store[NgramRun], limit: int) -> Counter:
        return NgramCounter(self.order, store)


class NgramCounter:
    """Counts n-grams by sorting, each batch on its own."""

    def __init__(self, order: int, store: Store[NgramRun]) -> None:
        self._order = order
        self._store = store

    def add(self, batch: Batch) -> None:
        keys = ngram_keys(batch.data, batch.begin, batch.ends, self._order)
        keys.sort()
        self._store.add(NgramRun(*run_lengths(keys)))

    def finish(self) -> None:
        pass


class PieceCounter:
    """Counts pieces in a hash table, which is emptied into the store when it takes more than ``limit`` bytes.

    ``count`` puts the pieces of a batch into the table.
    """

    def __init__(self, count: Callable[[Batch, PieceTable], None], limit: int, store: Store[CountedBytes]) -> None:
        self._count = count
        self._limit = limit
        self._store = store
        self._table = PieceTable()

    def add(self, batch: Batch) -> None:
        self._count(batch, self._table)
        if self._table.nbytes > self._limit:
            self.finish()

    def finish(self) -> None:
        self._store.add(self._table.take())


def count_ngrams(context: Context, texts: Texts, order: int) -> Counts[NgramRun]:
    """The first pass: count the n-grams of up to ``order`` bytes; see `count_pass`."""
    with texts.read(context, "Counting n-grams") as (reader, advance):
        return count_pass(context, NgramTask(order), reader, advance)


def count_pass(context: Context, task: Task, reader: Reader, advance: Callable[[int], object]) -> Counts[Any]:
    """Count all that ``reader`` reads, part by part if there is a checkpoint; ``advance`` is told the bytes counted.

    Raises `TrainingError` where temporary files cannot be written, and what reader and checkpoint raise.
    """
    if context.checkpoint is None:
        for batches in reader.parts():
            return _moved_aside(context, task, count_part(context, task, batches, advance))
        return Counts()
    checkpoint = context.checkpoint
    paths: list[str | os.PathLike[str]] = [*checkpoint.resume(task.kind, reader, task.basis)]
    advance(reader.n_bytes)
    for batches in reader.parts(partial(checkpoint.part_bytes, reader)):
        # The counts of a part are gone from memory before those of the next come.
        paths.append(checkpoint.store(task.kind, reader, count_part(context, task, batches, advance)))
    checkpoint.complete(task.kind, reader)
    return Counts(files=open_run_files(paths, task.kind, context.resources))


def count_part(context: Context, task: Task, batches: Iterable[Batch], advance: Callable[[int], object]) -> Counts[Any]:
    """Count a part of the corpus: batches in, counts out."""
    resources = context.resources
    if resources.memory_limit is not None:
        release_large_arrays()
    spool = Spool(task.kind, resources)
    store: Store[Any] = Store(resources.store_bytes(task.nbytes), spool)
    limit = resources.counter_bytes(task.nbytes)
    counters = [task.counter(store, limit) for _ in range(resources.workers)]
    context.threads.consume(batches, counters, _add, lambda batch: advance(batch.n_bytes))
    context.threads.map(_finish, counters)
    return Counts(store.take(context.threads), spool.files)


def _add(counter: Counter, batch: Batch) -> None:
    counter.add(batch)


def _finish(counter: Counter) -> None:
    counter.finish()


def _moved_aside(context: Context, task: Task, counts: Counts[Any]) -> Counts[Any]:
    """The counts of a pass, on disk if they would take memory that the next phase needs."""
    if context.resources.stays_in_memory(sum(run.nbytes for run in counts.runs)):
        return counts
    spool = Spool(task.kind, context.resources)
    spool.add(counts.runs)
    return Counts(files=[*counts.files, *spool.files])
