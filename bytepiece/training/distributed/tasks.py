"""What the tasks of a training do. Each is a pure function of its item, which for most is a part of the corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from threading import Lock
from typing import Any, NamedTuple, Protocol

import numpy as np

from bytepiece.core.automaton import Automaton
from bytepiece.core.packed import CountedBytes
from bytepiece.engines.engine import Output
from bytepiece.training.context import Context
from bytepiece.training.counting.packed_runs import pack_runs, unpack_runs
from bytepiece.training.counting.passes import NgramTask, Task, count_part
from bytepiece.training.counting.runs import Run, folded
from bytepiece.training.counting.spool import Counts
from bytepiece.training.discovery.candidates import DiscoveryTask
from bytepiece.training.discovery.kernels.model import NgramModel
from bytepiece.training.discovery.ngram_model import ngram_model
from bytepiece.training.distributed.ranges import KeyRange, pack_ranges
from bytepiece.training.pruning.vocabularies import Useful, automaton_of, count_uses_in
from bytepiece.training.refinement.last_count import count_tokens
from bytepiece.training.refinement.parts import Bound, Parts, bound_after
from bytepiece.training.refinement.sample import collect_parts
from bytepiece.training.resources import Resources
from bytepiece.training.segments import Reader

__all__ = [
    "ChooseKeys",
    "ChooseParts",
    "CountRanges",
    "CountTokens",
    "CutRest",
    "Discovering",
    "Facts",
    "FoldRange",
    "Look",
    "NgramCounting",
    "Part",
    "Reading",
    "Rest",
    "SelectRange",
]

LOOK_BYTES, LOOK_ITEMS = 2**20, 512
"""How much text of a part tells where ranges of keys should end, and how many keys of it are noted."""


class Part(Protocol):
    """A part of a corpus, see `bytepiece.corpus.partitions.Partition`; its ``str`` says which."""

    skipped: int
    first_error: str | None

    @property
    def raw_bytes(self) -> int:
        """The size on disk."""

    def __iter__(self) -> Iterator[str]:
        """The documents."""


class Facts(NamedTuple):
    """What a task has read of a part.

    Attributes:
        documents: their number.
        n_bytes: their size.
        fingerprint: see `Reader`.
        skipped: how many documents cannot be read.
        first_error: why the first of these cannot.
    """

    documents: int
    n_bytes: int
    fingerprint: str
    skipped: int = 0
    first_error: str | None = None

    @classmethod
    def of_all(cls, parts: Sequence[Facts]) -> Facts:
        """Those of a corpus in parts."""
        fingerprint = blake2b("".join(part.fingerprint for part in parts).encode(), digest_size=32).hexdigest()
        errors = [part.first_error for part in parts if part.first_error]
        n_documents, n_bytes, skipped = (
            sum(getattr(part, name) for part in parts) for name in ("documents", "n_bytes", "skipped")
        )
        return cls(n_documents, n_bytes, fingerprint, skipped, errors[0] if errors else None)


@dataclass(frozen=True)
class Reading:
    """How tasks read a part of the corpus, and what they may use.

    Attributes:
        normalization: see `Reader`.
        isolate_digits: see `Reader`.
        boundaries: see `Reader`.
        resources: threads and memory of a task.
    """

    normalization: str | None
    isolate_digits: bool
    boundaries: str | None
    resources: Resources

    def reader(self, texts: Iterable[str]) -> Reader:
        """A reader of a part."""
        cutting = self.normalization, self.isolate_digits, self.boundaries
        return Reader(texts, *cutting, self.resources.batch_bytes, self.resources.document_bytes)

    @property
    def context(self) -> Context:
        """The surroundings of a task, without progress and checkpoint."""
        return Context(self.resources)

    def collect(self, reader: Reader, parts: Parts) -> None:
        """Keep what may be in the sample; `TrainingError` where that takes more than a task may."""
        collect_parts(reader, parts, partial(self.resources.check_sampling, parts.most, refines=False))

    @staticmethod
    def facts(reader: Reader, part: Part) -> Facts:
        """What ``reader`` has read."""
        return Facts(reader.documents, reader.n_bytes, reader.fingerprint, part.skipped, part.first_error)


class Counting(Protocol):
    """What is counted, in a form that can be pickled."""

    def task(self) -> Task:
        """The task for `count_part`."""


@dataclass(frozen=True)
class NgramCounting:
    """N-grams are counted."""

    order: int

    def task(self) -> Task:
        """See `Counting`."""
        return NgramTask(self.order)


@dataclass(frozen=True)
class Discovering:
    """Pieces are discovered with an n-gram model, and counted.

    Attributes:
        ngrams: the counts for the model, packed.
        order: of the model.
        min_count: of the model.
        ensure_unicode: see `DiscoveryTask`.
        fingerprint: of the model.
    """

    ngrams: Sequence[Output[bytes]]
    order: int
    min_count: int
    ensure_unicode: bool
    fingerprint: str

    def task(self) -> Task:
        """See `Counting`."""
        model: NgramModel = _kept.get(
            ("model", self.fingerprint, self.order), lambda: ngram_model(_Runs(self.ngrams), self.order, self.min_count)
        )
        return DiscoveryTask(model, self.ensure_unicode)


class _Kept:
    """The last object that tasks of this process have made: it serves the next one, too."""

    def __init__(self) -> None:
        self._key: Any = None
        self._value: Any = None
        self._lock = Lock()

    def get(self, key: Any, make: Callable[[], Any]) -> Any:
        """The object of a key."""
        with self._lock:
            if self._key != key:
                self._key = self._value = None  # its memory is free before the next one takes any
                self._value = make()
                self._key = key
            return self._value


_kept = _Kept()


@dataclass(frozen=True)
class _Runs:
    """The counts of some outputs, one after the other."""

    outputs: Sequence[Output[bytes]]

    names = "the counts of all parts"

    def __iter__(self) -> Iterator[Any]:
        for output in self.outputs:
            yield from unpack_runs(output.get())


@dataclass(frozen=True)
class Look:
    """Count the beginning of a part; the output is a list of some of the keys."""

    reading: Reading
    counting: Counting

    def __call__(self, part: Part) -> Iterator[Any]:
        """See `bytepiece.engines.engine.Task`."""
        keys: list[Any] = []
        for batches in self.reading.reader(part).parts(lambda: LOOK_BYTES):
            for run in count_part(self.reading.context, self.counting.task(), batches, _ignore):
                keys += [run.item(k) for k in range(0, len(run), max(1, len(run) // LOOK_ITEMS))]
            break
        yield [key if isinstance(key, bytes) else int(key) for key in keys]


@dataclass(frozen=True)
class CountRanges:
    """Count a part. The outputs are `Facts`, and the counts of each range, packed."""

    reading: Reading
    counting: Counting
    ends: Sequence[Any]

    def __call__(self, part: Part) -> Iterator[Any]:
        """See `bytepiece.engines.engine.Task`."""
        reader = self.reading.reader(part)
        counts: Counts[Any] = Counts()
        for batches in reader.parts():
            counts = count_part(self.reading.context, self.counting.task(), batches, _ignore)
        yield Reading.facts(reader, part)
        yield from pack_ranges(counts, self.ends)


@dataclass(frozen=True)
class FoldRange:
    """Merge the n-grams of a range, and give rare ones to their prefixes. The output is the counts, packed."""

    min_count: int
    resources: Resources

    def __call__(self, keys: KeyRange) -> Iterator[bytes]:
        """See `bytepiece.engines.engine.Task`."""
        merged: Any = keys.merged("ngrams", self.resources)
        yield pack_runs(folded(merged, self.min_count))


@dataclass(frozen=True)
class SelectRange:
    """Merge the candidates of a range. The outputs are the useful ones, and the others, both packed."""

    useful: Useful
    resources: Resources

    def __call__(self, keys: KeyRange) -> Iterator[bytes]:
        """See `bytepiece.engines.engine.Task`."""
        pieces: list[Run] = []

        def others() -> Iterator[Run]:
            merged: Any = keys.merged("pieces", self.resources)
            for run in merged:
                useful, rest = self.useful.split(run)
                pieces.append(useful)
                yield rest

        rest = pack_runs(others())
        yield pack_runs(pieces)
        yield rest


class Rest(NamedTuple):
    """The candidates of a range that are no pieces."""

    number: int
    n: int
    packed: Output[bytes]

    def __str__(self) -> str:
        return f"cutting rare candidates, range {self.number + 1} of {self.n}"


@dataclass(frozen=True)
class CutRest:
    """Cut the other candidates of a range into pieces. The output is how often each piece is used (uint64).

    Attributes:
        pieces: the pieces, packed.
        fingerprint: a hash of them.
        resources: threads of the task.
    """

    pieces: Output[bytes]
    fingerprint: str
    resources: Resources

    def __call__(self, rest: Rest) -> Iterator[Any]:
        """See `bytepiece.engines.engine.Task`."""
        automaton = _kept.get(("automaton", self.fingerprint), self._automaton)
        counts = np.zeros(automaton.n_pieces, dtype=np.uint64)
        for run in _Runs([rest.packed]):
            counts += count_uses_in(automaton, run, Context(self.resources).threads)
        yield counts

    def _automaton(self) -> Automaton:
        return automaton_of(CountedBytes.join([*_Runs([self.pieces])]))


@dataclass(frozen=True)
class ChooseKeys:
    """Choose what may be in a sample of ``n_bytes``. The outputs are `Facts`, and the `Keys` of it."""

    reading: Reading
    n_bytes: int

    def __call__(self, part: Part) -> Iterator[Any]:
        """See `bytepiece.engines.engine.Task`."""
        reader, parts = self.reading.reader(part), Parts(self.n_bytes)
        self.reading.collect(reader, parts)
        yield Reading.facts(reader, part)
        yield parts.chosen.keys


@dataclass(frozen=True)
class ChooseParts:
    """Take what is in the sample. The output is `ChosenParts`; those with the key of the bound are there, too."""

    reading: Reading
    n_bytes: int
    bound: Bound

    def __call__(self, part: Part) -> Iterator[Any]:
        """See `bytepiece.engines.engine.Task`."""
        parts = Parts(self.n_bytes, bound_after(self.bound))
        self.reading.collect(self.reading.reader(part), parts)
        yield parts.chosen


@dataclass(frozen=True)
class CountTokens:
    """Count the tokens of a part. The outputs are `Facts`, and an array of counts (uint64) for each draft.

    Attributes:
        reading: how the part is read.
        drafts: the vocabularies.
        fingerprint: a hash of them.
    """

    reading: Reading
    drafts: Sequence[Output[CountedBytes]]
    fingerprint: str

    def __call__(self, part: Part) -> Iterator[Any]:
        """See `bytepiece.engines.engine.Task`."""
        reader, threads = self.reading.reader(part), self.reading.context.threads
        automata = _kept.get(("automata", self.fingerprint), self._automata)
        counts = count_tokens(reader, automata, threads, _ignore)
        yield Reading.facts(reader, part)
        yield from counts

    def _automata(self) -> list[Automaton]:
        return [automaton_of(draft.get()) for draft in self.drafts]


def _ignore(_: object) -> None:
    pass
