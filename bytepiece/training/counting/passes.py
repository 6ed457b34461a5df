"""Counting a corpus within a limit of memory: counts that merge, spill to disk, and travel.

One pass over the texts counts n-grams, a second one pieces. What is counted is kept in sorted runs, in a `Store` that
all workers share; beyond the limit, runs go to temporary files, which are merged as streams. `Counts` is all of a pass,
read as one stream.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from threading import Lock
from typing import Any, BinaryIO, Generic, NamedTuple, Protocol, TypeVar, cast
from weakref import finalize

from bytepiece.core.packed import CountedBytes
from bytepiece.errors import CorpusError, CountsFormatError, SettingsError, TrainingError, check_int
from bytepiece.sizes import parse_size
from bytepiece.training.counting.checkpoint import Checkpoint
from bytepiece.training.counting.counts_file import read_header, read_runs, save_counts, write_runs
from bytepiece.training.counting.kernels import PieceCounter, ngram_keys, release_memory, run_lengths
from bytepiece.training.counting.runs import NgramRun, Run, merge, merge_streams
from bytepiece.training.segments import Batch, Reader
from bytepiece.training.workers import count_in_parallel, map_in_parallel

__all__ = ["Counts", "PieceSpiller", "Resources", "count_ngrams", "count_pass", "merge_counts", "open_counts"]

R = TypeVar("R", bound=Run)
T = TypeVar("T")

SMALLEST_LIMIT = 2**26
"""The least memory that can be asked for, 64 MB."""

_MERGE_FILES = 16  # as many files of like size are merged into one
_RANGE_BYTES = 2**22  # a range of a store that has more is divided


class Resources(NamedTuple):
    """What training may use.

    Attributes:
        workers: threads.
        memory_limit: bytes beyond the interpreter's own, or None for as much as it takes.
        temp_dir: where temporary files go; None for the system's place.
    """

    workers: int = 1
    memory_limit: int | None = None
    temp_dir: str | None = None

    @classmethod
    def checked(
        cls, workers: int, memory_limit: int | str | None, temp_dir: str | os.PathLike[str] | None
    ) -> Resources:
        """From arguments, which may be wrong: `SettingsError`."""
        check_int("workers", workers, 1, 1024)
        if isinstance(memory_limit, str):
            memory_limit = parse_size(memory_limit, "memory_limit")
        if memory_limit is not None:
            check_int("memory_limit", memory_limit, SMALLEST_LIMIT, 2**63 - 1)
        if temp_dir is not None and not os.path.isdir(temp_dir):
            raise SettingsError(f"temp_dir: there is no folder {os.fspath(temp_dir)}")
        return cls(workers, memory_limit, None if temp_dir is None else os.fspath(temp_dir))

    @property
    def batch_bytes(self) -> int:
        """Bytes of text in a batch; counting its n-grams takes some 25 times as much."""
        if self.memory_limit is None:
            return 2**21
        return max(2**16, min(2**21, self.memory_limit // (48 * self.workers)))

    @property
    def model_bytes(self) -> int | None:
        """Memory for the n-gram model: what is left by batches, and by the least that counters need."""
        if self.memory_limit is None:
            return None
        return self.memory_limit - (2 + self.workers) * self.batch_bytes - self.workers * 2**23

    def store_bytes(self, taken: int = 0) -> int:
        """Memory for the counts of all workers, beside ``taken`` bytes that are in use already.

        Three eighths of what is left: as much may be on its way to disk, and then there are the counters.
        """
        if self.memory_limit is None:
            return 2**29
        batches = (2 + 25 * self.workers) * self.batch_bytes
        return max(2**20, (self.memory_limit - taken - batches) * 3 // 8)

    def counter_bytes(self, taken: int = 0) -> int:
        """Memory for what one worker counts before it goes to the store; as much again, and more, to sort it."""
        return max(2**17, min(2**23, self.store_bytes(taken) // (6 * self.workers)))

    @property
    def open_files(self) -> int:
        """How many files of counts are read side by side: of each some MB are in memory."""
        return max(_MERGE_FILES, min(128, (self.memory_limit or 2**30) // 2**24))


class Counts(Generic[R]):
    """All counts of a pass: iterating gives runs that ascend from one to the next, merged from wherever they are.

    Args:
        runs: those in memory, which ascend from one to the next.
        files: the others.
    """

    def __init__(self, runs: Iterable[R] = (), files: Iterable[RunFile] = ()) -> None:
        self.runs = list(runs)
        self.files = list(files)

    def __iter__(self) -> Iterator[R]:
        streams = [iter(self.runs), *(cast("Iterator[R]", iter(file)) for file in self.files)]
        return merge_streams(streams)


@dataclass(frozen=True)
class RunFile:
    """Where some runs are in a file, which is closed with the last who knows of it."""

    file: BinaryIO
    start: int
    kind: str
    name: str

    @classmethod
    def open(cls, path: str | os.PathLike[str], kind: str) -> RunFile:
        """Open a file of counts of a kind; see `counts_file.read_header` for errors."""
        header, start = read_header(path)
        if header["kind"] != kind:
            raise CountsFormatError(f"{os.fspath(path)}: counts of {header['kind']}, where those of {kind} go")
        return cls(open(path, "rb"), start, header["kind"], os.fspath(path))

    def __iter__(self) -> Iterator[Run]:
        # A generator, so that whoever reads keeps the file open.
        yield from read_runs(self.file, self.start, self.kind, self.name)

    def __post_init__(self) -> None:
        finalize(self, self.file.close)


class Spool:
    """Temporary files of runs; the system removes them when the process ends, however it ends."""

    def __init__(self, kind: str, temp_dir: str | None) -> None:
        self._kind = kind
        self._temp_dir = temp_dir
        self._lock = Lock()
        # Files of level n hold _MERGE_FILES times as much as those of level n - 1: so that each count is written
        # few times, and few files are open.
        self._levels: list[list[RunFile]] = []

    def add(self, runs: Iterable[Run], level: int = 0) -> None:
        """Write runs to a file; any thread may."""
        file = self._write(runs)
        with self._lock:
            if level == len(self._levels):
                self._levels.append([])
            self._levels[level].append(file)
            full = self._levels[level] if len(self._levels[level]) == _MERGE_FILES else []
            if full:
                self._levels[level] = []
        if full:
            self.add(Counts(files=full), level + 1)

    def _write(self, runs: Iterable[Run]) -> RunFile:
        where = self._temp_dir or tempfile.gettempdir()
        try:
            file = cast("BinaryIO", tempfile.TemporaryFile(dir=where, prefix="bytepiece-"))  # noqa: SIM115
            spooled = RunFile(file, 0, self._kind, "a temporary file")
            write_runs(file, runs)
            file.flush()
        except OSError as error:
            raise TrainingError(f"cannot write temporary counts to {where}: {error.strerror}") from error
        return spooled

    @property
    def files(self) -> list[RunFile]:
        """All files."""
        return [file for level in self._levels for file in level]


class Store(Generic[R]):
    """The runs of a pass that are in memory; any thread may add to them. What does not fit goes to a spool.

    The keys are divided into ranges, each with its runs and a lock: so workers are seldom in each other's way, and
    to merge runs takes little room beside them.
    """

    def __init__(self, limit: int, spool: Spool) -> None:
        self._limit = limit
        self._spool = spool
        self._first: _Range[R] = _Range()
        self._nbytes = 0
        self._lock = Lock()  # of the number
        self._spilling = Lock()

    def add(self, run: R) -> None:
        """Add the counts of a run."""
        begin = 0
        place: _Range[R] | None = self._first
        while place is not None:
            with place.lock:
                end = len(run) if place.last is None else run.find(place.last, begin)
                self._note(place.add(run.slice(begin, end)))
                begin, place = end, place.following
        if self._nbytes > self._limit:
            with self._spilling:  # one at a time, or there would be no limit
                if self._nbytes > self._limit:
                    self._spool.add(merge(runs) for runs in self._taken() if runs)

    def take(self, workers: int) -> list[R]:
        """Hand over what is in memory: runs that ascend from one to the next."""
        taken = list(self._taken())
        shares = [taken[len(taken) * k // workers : len(taken) * (k + 1) // workers] for k in range(workers)]
        del taken
        runs = [run for share in map_in_parallel(_merge_each, shares) for run in share]
        release_memory()
        return runs

    def _taken(self) -> Iterator[list[R]]:
        """The runs of each range, which are taken from there now."""
        taken = []
        place: _Range[R] | None = self._first
        while place is not None:
            with place.lock:
                self._note(-place.nbytes)
                taken.append(place.runs)
                place.runs, place = [], place.following
        return _consumed(taken)

    def _note(self, n_bytes: int) -> None:
        with self._lock:
            self._nbytes += n_bytes


def _consumed(items: list[T]) -> Iterator[T]:
    """The items of a list, which are gone from there when it is their turn: so memory is free as soon as can be."""
    items.reverse()
    while items:
        yield items.pop()


def _merge_each(ranges: list[list[R]]) -> list[R]:
    return [merge(runs) for runs in _consumed(ranges) if runs]


class _Range(Generic[R]):
    """The runs of the keys up to ``last``, or of all that are left. Those of like size are merged, so that each count
    is copied few times; a range that becomes large is divided.
    """  # noqa: D205

    def __init__(self, runs: Iterable[R] = (), last: Any = None, following: _Range[R] | None = None) -> None:
        self.runs = list(runs)
        self.last = last
        self.following = following
        self.lock = Lock()

    @property
    def nbytes(self) -> int:
        return sum(run.nbytes for run in self.runs)

    def add(self, run: R) -> int:
        """Add a run of keys of the range; returns how many bytes more it has."""
        before = self.nbytes
        if len(run):
            run = _copied(run)
            while self.runs and len(self.runs[-1]) < 2 * len(run):
                run = self.runs.pop().add(run)
            self.runs.append(run)
        change = self.nbytes - before
        if change and self.runs[0].nbytes > _RANGE_BYTES:
            self._divide()
        return change

    def _divide(self) -> None:
        whole = merge(self.runs)
        n = len(whole)
        n_parts = min(n, -(-2 * whole.nbytes // _RANGE_BYTES))
        edges = [n * k // n_parts for k in range(n_parts + 1)]
        parts = [_copied(whole.slice(begin, end)) for begin, end in pairwise(edges)]
        for part, begin in zip(parts[:0:-1], edges[-2:0:-1], strict=True):
            self.following = _Range([part], self.last, self.following)
            self.last = whole.item(begin - 1)
        self.runs = parts[:1]


def _copied(run: R) -> R:
    """A run with memory of its own."""
    return type(run)(*(array.copy() for array in run.arrays))


class Counter(Protocol):
    """Counts batches, for one thread at a time, and puts the counts into a store."""

    def add(self, batch: Batch) -> None:
        """Count a batch."""

    def finish(self) -> None:
        """All batches are counted: put what is left into the store."""


class NgramCounter:
    """Counts n-grams by sorting."""

    def __init__(self, order: int, store: Store[NgramRun]) -> None:
        self._order = order
        self._store = store

    def add(self, batch: Batch) -> None:
        keys = ngram_keys(batch.data, batch.begin, batch.ends, self._order)
        keys.sort()
        self._store.add(NgramRun(*run_lengths(keys)))

    def finish(self) -> None:
        pass


class PieceSpiller:
    """Counts the pieces that ``count`` finds in batches, in a hash table; beyond ``limit`` bytes it is emptied."""

    def __init__(self, count: Callable[[PieceCounter, Batch], None], limit: int, store: Store[CountedBytes]) -> None:
        self._count = count
        self._limit = limit
        self._store = store
        self._counter = PieceCounter()

    def add(self, batch: Batch) -> None:
        self._count(self._counter, batch)
        if self._counter.nbytes > self._limit:
            self.finish()

    def finish(self) -> None:
        self._store.add(self._counter.take())


def count_pass(
    reader: Reader,
    kind: str,
    new_counter: Callable[[Store[Any]], Counter],
    limit: int,
    resources: Resources,
    checkpoint: Checkpoint | None,
    advance: Callable[[int], object],
    basis: Any = None,
) -> Counts[Any]:
    """Count everything that ``reader`` reads.

    Args:
        reader: the texts.
        kind: of the counts, as in `counts_file.KINDS`.
        new_counter: makes a counter that puts its counts into the given store.
        limit: bytes of memory for the store.
        resources: what may be used.
        checkpoint: where to put finished parts, and where to take those of an earlier run from.
        advance: is told the bytes of text as they are counted.
        basis: what the counts depend on besides the texts, as JSON.

    Raises `TrainingError` where temporary files cannot be written, and what reader and checkpoint raise.
    """
    parts: list[str | os.PathLike[str]] = []
    part_bytes = None
    if checkpoint is not None:
        parts += checkpoint.resume(kind, reader, basis)
        part_bytes = partial(checkpoint.part_bytes, reader)
        advance(reader.n_bytes)
    for batches in reader.parts(part_bytes):
        spool = Spool(kind, resources.temp_dir)
        store: Store[Any] = Store(limit, spool)
        counters = [new_counter(store) for _ in range(resources.workers)]
        count_in_parallel(batches, counters, _add, lambda batch: advance(batch.n_bytes))
        map_in_parallel(_finish, counters)
        runs = store.take(resources.workers)
        if checkpoint is None:
            return _within(resources, runs, spool)
        parts.append(checkpoint.store(kind, reader, Counts(runs, spool.files)))
        del runs  # before those of the next part are there
    if checkpoint is not None:
        checkpoint.complete(kind, reader)
    return Counts(files=_open_parts(parts, kind, resources))


def _add(counter: Counter, batch: Batch) -> None:
    counter.add(batch)


def _finish(counter: Counter) -> None:
    counter.finish()


def _within(resources: Resources, runs: list[Any], spool: Spool) -> Counts[Any]:
    """The counts of a pass, on disk if they would stand in the way of what comes next."""
    if resources.memory_limit is not None and sum(run.nbytes for run in runs) > resources.memory_limit // 8:
        spool.add(runs)
        runs = []
    return Counts(runs, spool.files)


def count_ngrams(
    reader: Reader, order: int, resources: Resources, checkpoint: Checkpoint | None, advance: Callable[[int], object]
) -> Counts[NgramRun]:
    """Count the longest n-gram, up to ``order`` bytes, that starts at each byte of each segment; see `count_pass`.

    Raises `CorpusError` where there is no text at all.
    """
    limit = resources.store_bytes()
    counts = count_pass(
        reader, "ngrams", lambda store: NgramCounter(order, store), limit, resources, checkpoint, advance
    )
    if reader.n_bytes == 0:
        raise CorpusError("there is no text to train on: all texts are empty, or there is none")
    return counts


def merge_counts(paths: Sequence[str | os.PathLike[str]], output: str | os.PathLike[str]) -> None:
    """Make one file of counts of several of one kind, made with the same settings; errors as for `open_counts`."""
    if not paths:
        raise SettingsError("there are no counts to merge")
    header, _ = read_header(paths[0])
    counts = open_counts(paths, {header["kind"]: header.get("settings", {})}, Resources())
    save_counts(output, header, counts[header["kind"]])


def open_counts(
    paths: Iterable[str | os.PathLike[str]], settings: Mapping[str, Mapping[str, Any]], resources: Resources
) -> dict[str, Counts[Any]]:
    """Open files of counts, which may be parts of one corpus, as one; by kind.

    ``settings`` are, for each kind that is welcome, those that the files must have been made with. Where there are too
    many files to read them side by side, they are merged into fewer temporary ones first.

    Raises `CountsFormatError` for another file, or for files of both kinds; `TrainingError` where temporary files
    cannot be written.
    """
    if isinstance(paths, (str, os.PathLike)):
        paths = [paths]
    parts: dict[str, list[str | os.PathLike[str]]] = {}
    models: dict[str, Any] = {}
    for path in paths:
        header, _ = read_header(path)
        kind, made_with = header["kind"], header.get("settings", {})
        if kind not in settings:
            raise CountsFormatError(f"{os.fspath(path)}: counts of {kind}, where those of {' or '.join(settings)} go")
        for name, value in settings[kind].items():
            if made_with.get(name) != value:
                raise CountsFormatError(
                    f"{os.fspath(path)}: counted with {name} {made_with.get(name)!r}, not {value!r}"
                )
        if parts.keys() - {kind}:
            raise CountsFormatError(f"{os.fspath(path)}: counts of {kind} do not go with those before")
        if models.setdefault(kind, header.get("model")) != header.get("model"):
            raise CountsFormatError(f"{os.fspath(path)}: counted with another n-gram model than the parts before")
        parts.setdefault(kind, []).append(path)
    return {kind: Counts(files=_open_parts(parts[kind], kind, resources)) for kind in parts}


def _open_parts(paths: list[str | os.PathLike[str]], kind: str, resources: Resources) -> list[RunFile]:
    n = resources.open_files
    if len(paths) <= n:
        return [RunFile.open(path, kind) for path in paths]
    spool = Spool(kind, resources.temp_dir)
    for begin in range(0, len(paths), n):
        spool.add(Counts(files=[RunFile.open(path, kind) for path in paths[begin : begin + n]]))
    return spool.files
