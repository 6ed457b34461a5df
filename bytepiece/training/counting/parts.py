"""Files of counts that were made of the parts of a corpus, opened as the counts of the whole."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from bytepiece.errors import CountsFormatError, SettingsError
from bytepiece.training.counting.blocks import check_documents, check_kind, check_made_with, documents_of, read_header
from bytepiece.training.counting.counts_file import KINDS, save_counts
from bytepiece.training.counting.spool import Counts, open_run_files
from bytepiece.training.resources import Resources

__all__ = ["Given", "documents_of_corpus", "merge_counts", "open_counts"]


class Given(NamedTuple):
    """Counts that were made before."""

    counts: Counts[Any]
    settings: Mapping[str, Any]
    """The settings they were made with."""
    documents: int | None
    """The number of documents they were made of, None if a file does not say."""
    ngrams_of: int | None
    """Of pieces, the number of documents whose n-grams found them."""

    @property
    def min_count(self) -> int:
        """The ``min_count`` with which pieces were counted."""
        value = self.settings.get("min_count")
        if type(value) is not int or value < 1:
            where = self.counts.names
            raise CountsFormatError(f"{where}: counts of pieces with min_count {value!r}, which is not an int from 1")
        return value


def open_counts(
    paths: Iterable[str | os.PathLike[str]], settings: Mapping[str, Mapping[str, Any]], resources: Resources
) -> dict[str, Given]:
    """Open files of counts, which may be parts of one corpus, as one; by kind.

    Args:
        paths: the files, all of one kind; or a single path.
        settings: the settings that files must have been made with, by kind. Other kinds are refused.
        resources: where temporary files go, and how many files are read side by side.

    Returns no entry if there are no files, else one. All files were made with the same settings.

    Raises `CountsFormatError` for files that are damaged or do not go together; `TrainingError` where temporary files
    cannot be written.
    """
    if isinstance(paths, (str, os.PathLike)):
        paths = [paths]
    parts: dict[str, list[str | os.PathLike[str]]] = {}
    settings_of: dict[str, dict[str, Any]] = {}
    models: dict[str, Any] = {}
    documents: list[int | None] = []
    for path in paths:
        header, _ = read_header(path)
        check_kind(path, header, *settings)
        kind = header["kind"]
        others = {name: value for name, value in header["settings"].items() if name not in settings[kind]}
        check_made_with(path, header, settings_of.setdefault(kind, {**settings[kind], **others}))
        if parts.keys() - {kind}:
            raise CountsFormatError(f"{os.fspath(path)}: counts of {kind} do not go with those before")
        if models.setdefault(kind, header.get("model")) != header.get("model"):
            raise CountsFormatError(f"{os.fspath(path)}: counted with another n-gram model than the parts before")
        parts.setdefault(kind, []).append(path)
        documents.append(documents_of(path, header))
    total = None if None in documents else sum(filter(None, documents))
    return {
        kind: Given(
            Counts(files=open_run_files(parts[kind], kind, resources)),
            settings_of[kind],
            total,
            header.get("ngrams_of"),
        )
        for kind in parts
    }


def documents_of_corpus(given: Mapping[str, Given], sampled: int | None) -> int | None:
    """The number of documents of the corpus that these counts, or a sample of so many documents, are of.

    Returns None if that is not known. N-grams do not say it: those of more texts may go with fewer.

    Raises `CountsFormatError` unless counts and sample are of as many documents, and the n-grams of the pieces, too.
    """
    if sampled is None:
        return given["pieces"].documents if "pieces" in given else None
    for kind, counts in given.items():
        check_documents(f"counts of {kind}", counts.documents, "samples", sampled)
    if "pieces" in given:
        check_documents("pieces found by ngrams", given["pieces"].ngrams_of, "samples", sampled)
    return sampled


def merge_counts(paths: Sequence[str | os.PathLike[str]], output: str | os.PathLike[str]) -> None:
    """Make one file of counts of several of one kind, made with the same settings; errors as for `open_counts`."""
    if not paths:
        raise SettingsError("there are no counts to merge")
    header, _ = read_header(paths[0])
    check_kind(paths[0], header, *KINDS)
    given = open_counts(paths, {header["kind"]: header["settings"]}, Resources())[header["kind"]]
    save_counts(output, {**header, "documents": given.documents}, given.counts)
