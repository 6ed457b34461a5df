"""Counting a corpus within a limit of memory: counts that merge, spill to disk, and travel.

One pass over the texts counts n-grams, a second one pieces. What is counted is kept in sorted runs; beyond the limit,
runs go to temporary files, which are merged as streams. `Counts` is all of a pass, read as one stream.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any, BinaryIO, Generic, NamedTuple, Protocol, TypeVar, cast
from weakref import finalize

from bytepiece.errors import CorpusError, CountsFormatError, SettingsError, TrainingError, check_int
from bytepiece.sizes import parse_size
from bytepiece.training._counting import PieceCounter, ngram_keys, run_lengths
from bytepiece.training.checkpoint import Checkpoint
from bytepiece.training.counts_file import read_header, read_runs, save_counts, write_runs
from bytepiece.training.runs import NgramRun, PieceCounts, Run, merge, merge_streams
from bytepiece.training.segments import Batch, Reader
from bytepiece.training.workers import count_in_parallel

__all__ = ["Counts", "PieceSpiller", "Resources", "count_ngrams", "count_pass", "merge_counts", "open_counts"]

R = TypeVar("R", bound=Run)

SMALLEST_LIMIT = 2**26
"""The least memory that can be asked for, 64 MB."""

_MERGE_FILES = 16  # as many files of like size are merged into one


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
        """Bytes of text in a batch; counting its n-grams takes some 16 times as much."""
        if self.memory_limit is None:
            return 2**22
        return max(2**16, min(2**22, self.memory_limit // (48 * self.workers)))

    @property
    def model_bytes(self) -> int | None:
        """Memory for the n-gram model: what is left by batches, and by the least that counters need."""
        if self.memory_limit is None:
            return None
        return self.memory_limit - (2 + self.workers) * self.batch_bytes - self.workers * 2**23

    def counter_bytes(self, taken: int = 0) -> int:
        """Memory for the counts of one worker, beside ``taken`` bytes that are in use already.

        Half of what is left: counts are copied when they are merged or sorted.
        """
        if self.memory_limit is None:
            return 2**28
        batches = (2 + 20 * self.workers) * self.batch_bytes
        return max(2**20, (self.memory_limit - taken - batches) // (2 * self.workers))


class Counts(Generic[R]):
    """All counts of a pass: iterating gives runs that ascend from one to the next, merged from wherever they are."""

    def __init__(self, runs: Iterable[R] = (), files: Iterable[RunFile] = ()) -> None:
        self.runs = list(runs)
        self.files = list(files)

    def __iter__(self) -> Iterator[R]:
        streams = [iter([run]) for run in self.runs]
        streams += [cast("Iterator[R]", iter(file)) for file in self.files]
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


class Counter(Protocol):
    """Counts batches, for one thread at a time; what does not fit goes to a spool."""

    def add(self, batch: Batch) -> None:
        """Count a batch."""

    def take(self) -> list[Any]:
        """Hand over the runs that are in memory."""


class NgramCounter:
    """Counts n-grams by sorting. Runs of like size are merged, so that each count is copied few times."""

    def __init__(self, order: int, limit: int, spool: Spool) -> None:
        self._order = order
        self._limit = limit
        self._spool = spool
        self._runs: list[NgramRun] = []

    def add(self, batch: Batch) -> None:
        keys = ngram_keys(batch.data, batch.begin, batch.ends, self._order)
        keys.sort()
        distinct, counts = run_lengths(keys)
        run = NgramRun(distinct.copy(), counts)
        while self._runs and len(self._runs[-1].keys) < 2 * len(run.keys):
            run = self._runs.pop().add(run)
        self._runs.append(run)
        if sum(run.nbytes for run in self._runs) > self._limit:
            self._spool.add(Counts(self.take()))

    def take(self) -> list[NgramRun]:
        runs, self._runs = self._runs, []
        return runs


class PieceSpiller:
    """Counts the pieces that ``count`` finds in batches."""

    def __init__(self, count: Callable[[PieceCounter, Batch], None], limit: int, spool: Spool) -> None:
        self._count = count
        self._limit = limit
        self._spool = spool
        self._counter = PieceCounter()

    def add(self, batch: Batch) -> None:
        self._count(self._counter, batch)
        if self._counter.nbytes > self._limit:
            self._spool.add(self.take())

    def take(self) -> list[PieceCounts]:
        return [PieceCounts(*self._counter.take())]


def count_pass(
    reader: Reader,
    kind: str,
    new_counter: Callable[[Spool], Counter],
    resources: Resources,
    checkpoint: Checkpoint | None,
    advance: Callable[[int], object],
    basis: Any = None,
) -> Counts[Any]:
    """Count everything that ``reader`` reads.

    Args:
        reader: the texts.
        kind: of the counts, as in `counts_file.KINDS`.
        new_counter: makes a counter that spills to the given spool.
        resources: what may be used.
        checkpoint: where to put finished parts, and where to take those of an earlier run from.
        advance: is told the bytes of text as they are counted.
        basis: what the counts depend on besides the texts, as JSON.

    Raises `TrainingError` where temporary files cannot be written, and what reader and checkpoint raise.
    """
    parts: list[RunFile] = []
    part_bytes = None
    if checkpoint is not None:
        parts += [RunFile.open(path, kind) for path in checkpoint.resume(kind, reader, basis)]
        part_bytes = partial(checkpoint.part_bytes, reader)
        advance(reader.n_bytes)
    for batches in reader.parts(part_bytes):
        spool = Spool(kind, resources.temp_dir)
        counters = [new_counter(spool) for _ in range(resources.workers)]
        count_in_parallel(batches, counters, _add, lambda batch: advance(batch.n_bytes))
        runs = [run for counter in counters for run in counter.take()]
        if checkpoint is None:
            return _within(resources, [merge(runs)] if runs else [], spool)
        parts.append(RunFile.open(checkpoint.store(kind, reader, Counts(runs, spool.files)), kind))
    if checkpoint is not None:
        checkpoint.complete(kind, reader)
    return Counts(files=parts)


def _add(counter: Counter, batch: Batch) -> None:
    counter.add(batch)


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
    limit = resources.counter_bytes()
    counts = count_pass(
        reader, "ngrams", lambda spool: NgramCounter(order, limit, spool), resources, checkpoint, advance
    )
    if reader.n_bytes == 0:
        raise CorpusError("there is no text to train on: all texts are empty, or there is none")
    return counts


def merge_counts(paths: Sequence[str | os.PathLike[str]], output: str | os.PathLike[str]) -> None:
    """Make one file of counts of several of one kind, made with the same settings; errors as for `open_counts`."""
    if not paths:
        raise SettingsError("there are no counts to merge")
    header, _ = read_header(paths[0])
    counts = open_counts(paths, {header["kind"]: header.get("settings", {})})
    save_counts(output, header, counts[header["kind"]])


def open_counts(
    paths: Iterable[str | os.PathLike[str]], settings: Mapping[str, Mapping[str, Any]]
) -> dict[str, Counts[Any]]:
    """Open files of counts, which may be parts of one corpus, as one; by kind.

    ``settings`` are, for each kind that is welcome, those that the files must have been made with. Raises
    `CountsFormatError` for another file, or for files of both kinds.
    """
    if isinstance(paths, (str, os.PathLike)):
        paths = [paths]
    files: dict[str, list[RunFile]] = {}
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
        if files.keys() - {kind}:
            raise CountsFormatError(f"{os.fspath(path)}: counts of {kind} do not go with those before")
        if models.setdefault(kind, header.get("model")) != header.get("model"):
            raise CountsFormatError(f"{os.fspath(path)}: counted with another n-gram model than the parts before")
        files.setdefault(kind, []).append(RunFile.open(path, kind))
    return {kind: Counts(files=parts) for kind, parts in files.items()}
