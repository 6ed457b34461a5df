"""Counts on disk: the temporary files that a pass writes when its counts take too much memory.

`bytepiece.training.resources` says how much that is. Files are merged as streams, see `runs.merge_streams`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from threading import Lock
from typing import BinaryIO, Generic, TypeVar, cast
from weakref import finalize

from bytepiece.errors import CountsFormatError, TrainingError
from bytepiece.training.counting.blocks import check_kind, read_header
from bytepiece.training.counting.counts_file import read_runs, write_runs
from bytepiece.training.counting.runs import Run, merge_streams
from bytepiece.training.resources import Resources

__all__ = ["Counts", "RunFile", "Spool", "open_run_files"]

R = TypeVar("R", bound=Run)

_MOST_TEXT = 2.0**62
"""The most bytes of text that can be counted, with a margin: counts have 64 bits."""


@dataclass(frozen=True)
class RunFile:
    """The runs in a file, from position ``start`` on. The file is closed when nobody holds this any more.

    A file of this process's ``own`` is trusted to have the counts of a text.
    """

    file: BinaryIO
    start: int
    kind: str
    name: str
    own: bool = False

    @classmethod
    def open(cls, path: str | os.PathLike[str], kind: str) -> RunFile:
        """Open a file of counts of a kind; see `blocks.read_header` for errors."""
        header, start = read_header(path)
        check_kind(path, header, kind)
        return cls(open(path, "rb"), start, header["kind"], os.fspath(path))

    def __iter__(self) -> Iterator[Run]:
        # A generator, so that whoever reads keeps the file open.
        yield from read_runs(self.file, self.start, self.kind, self.name, self.own)

    def __post_init__(self) -> None:
        finalize(self, _close, self.file)


def _close(file: BinaryIO) -> None:
    """Close a file that is needed no more, even if a full disk left bytes that could not be written."""
    with suppress(OSError):
        file.close()


class Counts(Generic[R]):
    """All counts of a pass. Iterating merges them into runs that ascend from one to the next.

    Args:
        runs: the counts in memory; they ascend from one to the next.
        files: the counts in files.
    """

    def __init__(self, runs: Iterable[R] = (), files: Iterable[RunFile] = ()) -> None:
        self.runs = list(runs)
        self.files = list(files)

    def __iter__(self) -> Iterator[R]:
        total = 0.0  # of the text of all files

        def summed(file: RunFile) -> Iterator[R]:
            nonlocal total
            for run in file:
                total += 0 if file.own else run.text_bytes
                if total >= _MOST_TEXT:  # sums could exceed 64 bits
                    raise CountsFormatError(
                        f"{self.names}: the counts are those of more than 4 exabytes of text: damaged"
                    )
                yield cast("R", run)

        return merge_streams([iter(self.runs), *map(summed, self.files)])

    @property
    def names(self) -> str:
        """Of the files, for messages."""
        return ", ".join(file.name for file in self.files)

    @property
    def total(self) -> int:
        """The sum of all counts; files are read for it."""
        runs: Iterable[Run] = chain(self.runs, *self.files)
        return sum(int(run.counts.sum()) for run in runs)


class Spool:
    """Temporary files of runs; the system removes them when the process ends, however it ends.

    Args:
        kind: of the counts, as in `counts_file.KINDS`.
        resources: where the files go, and how many are merged into one.
    """

    def __init__(self, kind: str, resources: Resources) -> None:
        self._kind = kind
        self._resources = resources
        self._lock = Lock()
        # Files of level n hold `MERGED_FILES` times as much as those of level n - 1.
        self._levels: list[list[RunFile]] = []

    def add(self, runs: Iterable[Run], level: int = 0) -> None:
        """Write runs to a file; any thread may."""
        file = self._write(runs)
        with self._lock:
            if level == len(self._levels):
                self._levels.append([])
            self._levels[level].append(file)
            full = self._levels[level] if len(self._levels[level]) == self._resources.MERGED_FILES else []
            if full:
                self._levels[level] = []
        if full:
            self.add(Counts(files=full), level + 1)

    def _write(self, runs: Iterable[Run]) -> RunFile:
        where = self._resources.temp_dir or tempfile.gettempdir()
        try:
            file = cast("BinaryIO", tempfile.TemporaryFile(dir=where, prefix="bytepiece-"))  # noqa: SIM115
            spooled = RunFile(file, 0, self._kind, "a temporary file", own=True)
            write_runs(file, runs, block_items=self._resources.block_items)
            file.flush()
        except OSError as error:
            raise TrainingError(f"cannot write temporary counts to {where}: {error.strerror}") from error
        return spooled

    @property
    def files(self) -> list[RunFile]:
        """All files."""
        return [file for level in self._levels for file in level]


def open_run_files(paths: Sequence[str | os.PathLike[str]], kind: str, resources: Resources) -> list[RunFile]:
    """Open files of counts of one kind; too many to be read side by side are merged into fewer temporary ones first."""
    n = resources.open_files
    if len(paths) <= n:
        return [RunFile.open(path, kind) for path in paths]
    spool = Spool(kind, resources)
    for begin in range(0, len(paths), n):
        spool.add(Counts(files=[RunFile.open(path, kind) for path in paths[begin : begin + n]]))
    return spool.files
