"""What documents there are: those of files, globs and folders, all of them or a sample; and columns of datasets."""

from __future__ import annotations

import errno
import glob
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, chain, repeat
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from bytepiece.corpus.readers import ENDINGS, check_readable, documents, field_of, is_jsonl, stop
from bytepiece.errors import CorpusError, SettingsError
from bytepiece.sizes import parse_size

__all__ = ["Column", "Corpus", "is_jsonl"]

BATCH_ROWS = 100
"""The rows of a dataset that are asked for at a time."""


class Corpus:
    r"""The documents of some files; iterating starts anew each time, as training needs it.

    In a ``.jsonl`` file each line is an object with the document in one field; in a ``.parquet`` file each row has
    it in one column; in any other file each line is a document, its newline with it. Lines can be compressed:
    ``.gz``, ``.xz``, ``.zst``. Parquet files need ``pip install 'bytepiece[parquet]'``, ``.zst`` files
    ``'bytepiece[zstd]'``.

    Args:
        paths: files, folders and patterns, or a single one. A folder is all its ``.txt``, ``.jsonl`` and ``.parquet``
            files, and those of its subfolders; other files, and those whose name begins with a dot, are left out.
            A pattern has ``*``, ``?``, ``[...]`` or ``**`` (any folders) in it, and is the files that match. Both
            are sorted; a file that is there twice is read twice.
        text_field: the field of a ``.jsonl`` line, or the column of a ``.parquet`` file, that holds the text.
        on_error: what to do with a document that cannot be read: ``"stop"``, or ``"skip"`` and count it. Of a damaged
            file the rest is skipped, and counts as one.
        sample_bytes: take a sample of the documents, of about so many bytes of text together: a number or a size like
            ``"2G"``. Each document has the same chance, wherever it is; the sample is the same in every pass
            and on every machine, and part of each larger sample with the same seed. Choosing takes
            one more pass over the files, before the first. A corpus that is smaller is taken whole.
        seed: another number, another sample.

    Attributes:
        paths: the files, found when the corpus is made.
        raw_bytes: the size of the files on disk.

    Raises `CorpusError` where there is no file for a folder or pattern, `OSError` for a file that is missing or
    may not be read, `OptionalDependencyError` where a library for it is missing, all before anything is read.

    Iterating raises `CorpusError`, naming file and line or row, for bytes that are not UTF-8, a line that is no JSON
    object, a field that is missing or no text, and a damaged file; all of these are what ``on_error`` is about.
    `OSError` for a file that cannot be read is raised in any case.

    Several iterations at a time, in several threads too, do not disturb each other.

    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with open(os.path.join(folder, "two.jsonl"), "w") as file:
    ...         print('{"text": "one"}', '{"text": "two"}', sep="\n", file=file)
    ...     list(Corpus(folder))
    ['one', 'two']
    """

    def __init__(
        self,
        paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        text_field: str = "text",
        on_error: str = "stop",
        sample_bytes: int | str | None = None,
        seed: int = 0,
    ) -> None:
        if isinstance(paths, (str, os.PathLike)):
            paths = [paths]
        if on_error not in ("stop", "skip"):
            raise SettingsError(f"on_error must be 'stop' or 'skip', not {on_error!r}")
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise SettingsError(f"seed must be an int, not {seed!r}")
        self.text_field = text_field
        self.on_error = on_error
        self.sample_bytes = None if sample_bytes is None else parse_size(sample_bytes, "sample_bytes")
        self.seed = seed
        self.paths = [file for path in paths for file in _files(os.fspath(path))]
        self._sizes = [_size(path) for path in self.paths]
        self.raw_bytes = sum(self._sizes)
        self._current = self._last = _Pass()
        self._limit: int | None = None  # the hash below which documents are in the sample

    @property
    def raw_position(self) -> int:
        """How many of the `raw_bytes` were read in the pass that began last; choosing a sample is one, too."""
        return self._current.raw_position

    @property
    def skipped(self) -> int:
        """How many documents were skipped in the pass that ended last; of a sample, only chosen ones count."""
        return self._last.skipped

    @property
    def first_error(self) -> str | None:
        """Why the first of the skipped documents could not be read, and where it is."""
        return self._last.first_error

    def __iter__(self) -> Iterator[str]:
        for _, texts in self.by_file():
            yield from texts

    def by_file(self) -> Iterator[tuple[str, Iterator[str]]]:
        """The files in one pass: of each its path and its documents, which are read before the next file comes."""
        self.choose_sample()
        this = _Pass()
        yield from self._read(this, self._chosen)
        self._last = this

    def choose_sample(self) -> None:
        """Read everything once to choose the sample, as the first iteration does unless it was done before.

        Has nothing to do where there is no `sample_bytes`.
        """
        if self.sample_bytes is None or self._limit is not None:
            return
        bytes_of = [0] * _BUCKETS  # the bytes of text by hash
        bucket = 0

        def note_hashes(file_number: int) -> Iterator[bool]:
            nonlocal bucket
            for value in _hashes(self.seed, file_number):
                bucket = value // (_EVERY_HASH // _BUCKETS)
                yield True

        for text in chain.from_iterable(texts for _, texts in self._read(_Pass(), note_hashes)):
            bytes_of[bucket] += len(text) if text.isascii() else len(text.encode())
        sums = list(accumulate(bytes_of))
        # The nearest that is no empty sample; of equals the last, which has the empty documents, too.
        distances = [(abs(n_bytes - self.sample_bytes), -bucket) for bucket, n_bytes in enumerate(sums) if n_bytes]
        last = -min(distances)[1] if distances else _BUCKETS - 1
        self._limit = (last + 1) * (_EVERY_HASH // _BUCKETS)

    def _chosen(self, file_number: int) -> Iterator[bool]:
        if self._limit is None:
            return repeat(True)
        return map(self._limit.__gt__, _hashes(self.seed, file_number))

    def _read(self, this: _Pass, keep: Callable[[int], Iterator[bool]]) -> Iterator[tuple[str, Iterator[str]]]:
        """One pass over the files, of which ``keep`` says which documents are wanted; ``this`` takes the notes."""
        self._current = this
        failed = this.skip if self.on_error == "skip" else stop
        end = 0
        for number, (path, size) in enumerate(zip(self.paths, self._sizes, strict=True)):
            yield path, documents(path, self.text_field, keep(number), failed, this.advance)
            end += size
            this.raw_position = end

    def __repr__(self) -> str:
        shown = f"{self.paths!r}, text_field={self.text_field!r}"
        if self.on_error != "stop":
            shown += f", on_error={self.on_error!r}"
        if self.sample_bytes is not None:
            shown += f", sample_bytes={self.sample_bytes}, seed={self.seed}"
        return f"Corpus({shown})"


class _Pass:
    """What is to be known of one pass over a corpus."""

    def __init__(self) -> None:
        self.raw_position = 0
        self.skipped = 0
        self.first_error: str | None = None

    def advance(self, n_bytes: int) -> None:
        self.raw_position += n_bytes

    def skip(self, error: CorpusError) -> None:
        self.skipped += 1
        self.first_error = self.first_error or str(error)


# Files.


def _files(path: str) -> list[str]:
    """The files that a file, a folder or a pattern stands for."""
    if os.path.isdir(path):
        files = [file for file in _walk(path) if file.endswith(ENDINGS)]
        if not files:
            raise CorpusError(f"{path}: a directory with no file to read ({', '.join(ENDINGS)})")
    elif not os.path.lexists(path) and glob.has_magic(path):
        files = [file for file in set(glob.glob(path, recursive=True)) if os.path.isfile(file)]
        if not files:
            raise CorpusError(f"{path}: no file matches this pattern")
    else:
        return [path]
    return sorted(files, key=lambda file: file.split(os.sep))


def _walk(folder: str) -> Iterator[str]:
    """All files in a folder and below, links followed; hidden ones left out."""
    seen = set()  # links can lead in circles

    def fail(error: OSError) -> NoReturn:
        raise error

    for place, folders, files in os.walk(folder, onerror=fail, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (os.path.join(place, name) for name in files if not name.startswith("."))


def _size(path: str) -> int:
    """The size of a file; raises unless it can be read, more than once."""
    status = os.stat(path)
    if stat.S_ISFIFO(status.st_mode):
        raise CorpusError(f"{path}: a pipe can be read once, and a corpus is read several times: name a file")
    if not os.access(path, os.R_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    check_readable(path)
    return status.st_size


# Chance.

_EVERY_HASH = 2**64
_BUCKETS = 2**16
_STEP = np.uint64(0x9E3779B97F4A7C15)


def _hashes(seed: int, file_number: int) -> Iterator[int]:
    """A number from 0 to 2**64 - 1 for each document of a file, as SplitMix64 gives them."""
    state = _mix(np.array([seed % 2**64], np.uint64) + _STEP)
    state = _mix(state + np.array([file_number], np.uint64) * _STEP)
    steps = np.arange(1, 1025, dtype=np.uint64) * _STEP
    while True:
        yield from _mix(state + steps).tolist()
        state += steps[-1:]


def _mix(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


# Datasets.


class Column:
    """The texts in one column of a dataset; iterating starts anew each time, as training needs it.

    Args:
        dataset: rows that are mappings, and can be iterated again and again: a ``datasets.Dataset`` or
            ``IterableDataset`` of Hugging Face, a list of dicts.
        name: the column.

    Raises `CorpusError` for an iterator that can be read once, for no rows at all such as a ``DatasetDict``, whose
    splits are to be named, and for a column that the dataset does not have. Iterating raises it, naming the row,
    where the field is missing or no text.

    >>> list(Column([{"text": "one"}, {"text": "two"}], "text"))
    ['one', 'two']
    """

    def __init__(self, dataset: Iterable[Mapping[str, Any]], name: str) -> None:
        if isinstance(dataset, Mapping):
            splits = ", ".join(map(str, dataset)) or "none"
            raise CorpusError(f"a dataset must be rows, not {type(dataset).__name__}: choose one of {splits}")
        try:
            once = iter(dataset) is dataset
        except TypeError:
            raise CorpusError(f"a dataset must be rows, not {type(dataset).__name__}") from None
        if once:
            raise CorpusError("training reads a dataset twice, and this iterator can be read once")
        names = getattr(dataset, "column_names", None)
        if isinstance(names, list) and name not in names:
            raise CorpusError(f"no field {name!r} (there are: {', '.join(names) or 'none'})")
        self.dataset = dataset
        self.name = name

    def __iter__(self) -> Iterator[str]:
        for number, row in enumerate(self._rows()):
            try:
                text = field_of(row, self.name)
            except ValueError as error:
                raise CorpusError(f"row {number} (from 0): {error}") from None
            yield text

    def _rows(self) -> Iterator[Mapping[str, Any]]:
        rows: Any = self.dataset
        if not callable(getattr(rows, "iter", None)):
            yield from rows
            return
        if isinstance(getattr(rows, "column_names", None), list) and hasattr(rows, "select_columns"):
            rows = rows.select_columns([self.name])  # nothing else is decoded
        for batch in rows.iter(batch_size=BATCH_ROWS):
            if self.name in batch:
                yield from ({self.name: value} for value in batch[self.name])
            else:
                yield batch

    def __repr__(self) -> str:
        return f"Column({type(self.dataset).__name__}, {self.name!r})"
