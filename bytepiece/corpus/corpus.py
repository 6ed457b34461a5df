"""The documents of some files, all of them or a sample."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bytepiece.corpus.documents import document_sizes, utf8_documents
from bytepiece.corpus.hooks import OnError, Pass, doing
from bytepiece.corpus.partitions import Mapped, Partition, numbered, sample_limit
from bytepiece.corpus.paths import absolute, files_of, size_of
from bytepiece.corpus.sample import SampleChooser, wanted
from bytepiece.corpus.spans import Span, cut
from bytepiece.errors import SettingsError, check_int
from bytepiece.sizes import parse_size

__all__ = ["Corpus"]


class Corpus:
    r"""The documents of some files. Iterating starts anew each time, as training needs it.

    A ``.jsonl`` file has an object in each line, with the document in one field. A ``.parquet`` file has a document in
    each row, in one column. In any other file each line is a document, its newline included. Files of lines can be
    compressed: ``.gz``, ``.xz``, ``.zst``. Parquet files need ``pip install pyarrow``, and ``.zst`` files
    ``pip install zstandard``.

    Args:
        paths: a file, folder or pattern, or several. A folder means all its ``.txt``, ``.jsonl`` and ``.parquet``
            files and those of its subfolders; hidden files and folders are left out. A pattern has ``*``, ``?``,
            ``[...]`` or ``**`` (any folders) in it, and means the files that match. The files of both are sorted.
            A file that is named twice is read twice. All of these can be addresses, as ``s3://bucket/folder``, which
            fsspec reads: ``pip install '.[fsspec]'``, and the library that it asks for, such as s3fs.
        text_field: the field of a ``.jsonl`` line, or the column of a ``.parquet`` file, that holds the text.
        on_error: what to do with a document that cannot be read: ``"stop"``, or ``"skip"`` it and count it. The rest
            of a damaged file is skipped, and counts as one document.
        sample_bytes: use a random sample of the documents, with about this many bytes of text: a number, or a size like
            ``"2G"``. Each document has the same chance, wherever it is. The sample is the same in every pass and on
            every machine, and part of each larger sample with the same seed. It takes one more pass over the files,
            before the first one. A corpus that is smaller is used whole.
        seed: which sample.
        max_document_bytes: longer documents, as they are stored, cannot be read, see ``on_error``. A line that is
            longer, and has more than a megabyte, is never in memory as a whole.

    Attributes:
        paths: the files, found when the corpus is made.
        raw_bytes: the size of the files on disk, in bytes.

    Raises `CorpusError` where a folder or pattern has no file, `OSError` for a file that is missing or may not be read,
    and `OptionalDependencyError` where a library for it is missing. All of these come before anything is read.

    Iterating raises `CorpusError`, naming file and line or row, for a document that cannot be read: bytes that are not
    UTF-8, a line that is not a JSON object, a field that is missing or is not text, a damaged file. These errors are
    what ``on_error`` is about. It raises `OSError` for a file that cannot be read, in any case.

    Several iterations can run at the same time, in several threads too.

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
        max_document_bytes: int | None = None,
    ) -> None:
        if isinstance(paths, (str, os.PathLike)):
            paths = [paths]
        if on_error not in ("stop", "skip"):
            raise SettingsError(f"on_error must be 'stop' or 'skip', not {on_error!r}")
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise SettingsError(f"seed must be an int, not {seed!r}")
        if max_document_bytes is not None:
            check_int("max_document_bytes", max_document_bytes, 1, 2**63 - 1)
        self.text_field = text_field
        self.on_error = on_error
        self.sample_bytes = None if sample_bytes is None else parse_size(sample_bytes, "sample_bytes")
        self.seed = seed
        self.max_document_bytes = max_document_bytes
        self.paths = [file for path in paths for file in files_of(os.fspath(path))]
        self._sizes = [size_of(path) for path in self.paths]
        self.raw_bytes = sum(self._sizes)
        self._current = self._last = Pass()
        self._limit: int | None = None  # documents whose hash is below are in the sample

    @property
    def raw_position(self) -> int:
        """How many of the `raw_bytes` were read in the pass that began last. Choosing a sample is a pass too."""
        return self._current.raw_position

    @property
    def skipped(self) -> int:
        """How many documents were skipped in the pass that ended last. With a sample, only its documents count."""
        return self._last.skipped

    @property
    def first_error(self) -> str | None:
        """Why the first of the skipped documents could not be read, and where it is; None if none was skipped."""
        return self._last.first_error

    def __iter__(self) -> Iterator[str]:
        for _, texts in self.by_file():
            yield from texts

    def by_file(self) -> Iterator[tuple[str, Iterator[str]]]:
        """The path of each file with its documents, in one pass. Read the documents before you take the next file."""
        return ((path, map(bytes.decode, texts)) for path, texts in self._read())

    def iter_utf8(self) -> Iterator[bytes]:
        r"""The same documents, with the same errors, in UTF-8, for those who would encode each ``str`` again.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "one.jsonl")
        ...     with open(path, "w") as file:
        ...         file.write('{"text": "caf\\u00e9"}')
        ...     list(Corpus(path).iter_utf8())
        21
        [b'caf\xc3\xa9']
        """
        for _, texts in self._read():
            yield from texts

    def choose_sample(self) -> None:
        """Read everything once to choose the sample, if there is one to choose and it is not chosen yet.

        The first iteration does this too.
        """
        if self.sample_bytes is None or self._limit is not None:
            return
        chooser = SampleChooser(self.seed)
        this = Pass()
        for file, failed in self._files(this):
            longest = self.max_document_bytes
            for numbers, sizes in document_sizes(file, self.text_field, failed, this.advance, longest):
                chooser.add(file.number, numbers, sizes)
        self._limit = chooser.limit(self.sample_bytes)

    def partitions(self, n_bytes: int | str, map: Mapped = map) -> list[Partition]:
        r"""The corpus in parts of about ``n_bytes`` of its files; see `Partition`.

        Files of lines are cut between lines, parquet files between row groups. A compressed file is in one part as a
        whole. So parts can be larger, and some can have no documents. Together they have the documents of the corpus,
        in its order, or those of the sample. Their paths are absolute: processes in other folders can read them.

        Args:
            n_bytes: a number, or a size like ``"1G"``.
            map: reads several parts, as the built-in `map` does it. A sample takes two passes over the parts: one
                numbers the documents of the files that are cut, one adds up sizes.

        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "lines.txt")
        ...     with open(path, "w") as file:
        ...         file.write("one\ntwo\nthree\n")
        ...     [list(part) for part in Corpus(path).partitions(6)]
        14
        [['one\n'], ['two\n', 'three\n'], []]
        """
        n = max(1, -(-self.raw_bytes // parse_size(n_bytes, "n_bytes")))
        return self._parts([absolute(path) for path in self.paths], n, map)

    def part(self, number: int, n: int) -> Partition:
        """Part ``number``, from 0 on, of ``n`` parts of the corpus; see `partitions`.

        Raises `SettingsError` if there is no such part.
        """
        check_int("n", n, 1, 2**31 - 1)
        check_int("number", number, 0, n - 1)
        return self._parts(self.paths, n, map)[number]

    def note_skipped(self, skipped: int, first_error: str | None) -> None:
        """Note how many documents a pass over the `partitions` has skipped, for `skipped` and `first_error`."""
        self._last = Pass()
        self._last.skipped, self._last.first_error = skipped, first_error

    def _parts(self, paths: Sequence[str], n: int, map: Mapped) -> list[Partition]:
        parts = [
            Partition(tuple(spans), self.text_field, self.on_error, self.seed, longest=self.max_document_bytes)
            for spans in cut(paths, self._sizes, n)
        ]
        if self.sample_bytes is None:
            return parts
        parts = numbered(parts, map)
        if self._limit is None:
            self._limit = sample_limit(parts, self.sample_bytes, map)
        return [replace(part, limit=self._limit) for part in parts]

    def _read(self) -> Iterator[tuple[str, Iterator[bytes]]]:
        """The path of each file with its documents, in UTF-8."""
        self.choose_sample()
        this = Pass()
        for file, failed in self._files(this):
            keep, longest = wanted(self.seed, file.number, self._limit), self.max_document_bytes
            yield file.path, utf8_documents(file, self.text_field, keep, failed, this.advance, longest)
        self._last = this

    def _files(self, this: Pass) -> Iterator[tuple[Span, OnError]]:
        """Each file, and what is done about errors. Read a file before you take the next one."""
        self._current = this
        failed = doing(self.on_error, this)
        end = 0
        for number, (path, size) in enumerate(zip(self.paths, self._sizes, strict=True)):
            yield Span(path, number, size), failed
            end += size
            this.raw_position = end

    def __repr__(self) -> str:
        shown = f"{self.paths!r}, text_field={self.text_field!r}"
        if self.on_error != "stop":
            shown += f", on_error={self.on_error!r}"
        if self.sample_bytes is not None:
            shown += f", sample_bytes={self.sample_bytes}, seed={self.seed}"
        if self.max_document_bytes is not None:
            shown += f", max_document_bytes={self.max_document_bytes}"
        return f"Corpus({shown})"
