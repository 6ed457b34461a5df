"""The documents of some files, all of them or a sample."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from bytepiece.corpus.documents import documents
from bytepiece.corpus.hooks import stop
from bytepiece.corpus.paths import files_of, size_of
from bytepiece.corpus.sample import SampleChooser, chosen
from bytepiece.errors import CorpusError, SettingsError
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
            A file that is named twice is read twice.
        text_field: the field of a ``.jsonl`` line, or the column of a ``.parquet`` file, that holds the text.
        on_error: what to do with a document that cannot be read: ``"stop"``, or ``"skip"`` it and count it. The rest
            of a damaged file is skipped, and counts as one document.
        sample_bytes: use a random sample of the documents, with about this many bytes of text: a number, or a size like
            ``"2G"``. Each document has the same chance, wherever it is. The sample is the same in every pass and on
            every machine, and part of each larger sample with the same seed. It takes one more pass over the files,
            before the first one. A corpus that is smaller is used whole.
        seed: which sample.

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
        self.paths = [file for path in paths for file in files_of(os.fspath(path))]
        self._sizes = [size_of(path) for path in self.paths]
        self.raw_bytes = sum(self._sizes)
        self._current = self._last = _Pass()
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
        self.choose_sample()
        this = _Pass()
        yield from self._read(this, lambda file_number: chosen(self.seed, file_number, self._limit))
        self._last = this

    def choose_sample(self) -> None:
        """Read everything once to choose the sample, if there is one to choose and it is not chosen yet.

        The first iteration does this too.
        """
        if self.sample_bytes is None or self._limit is not None:
            return
        chooser = SampleChooser(self.seed)
        for text in chain.from_iterable(texts for _, texts in self._read(_Pass(), chooser.note_hashes)):
            chooser.add(text)
        self._limit = chooser.limit(self.sample_bytes)

    def _read(self, this: _Pass, keep: Callable[[int], Iterator[bool]]) -> Iterator[tuple[str, Iterator[str]]]:
        """Read all files once. ``keep`` says, for the number of a file, which of its documents are wanted."""
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
    """What happened in one pass over a corpus."""

    def __init__(self) -> None:
        self.raw_position = 0
        self.skipped = 0
        self.first_error: str | None = None

    def advance(self, n_bytes: int) -> None:
        self.raw_position += n_bytes

    def skip(self, error: CorpusError) -> None:
        self.skipped += 1
        self.first_error = self.first_error or str(error)
