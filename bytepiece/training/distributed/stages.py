"""What a training on an engine keeps of its finished stages, so that it goes on from there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, TypeVar

from bytepiece.errors import CheckpointError, CountsFormatError
from bytepiece.files import remove_abandoned
from bytepiece.training.counting.blocks import read_header
from bytepiece.training.counting.checkpoint import check_settings, use_folder
from bytepiece.training.counting.counts_file import save_counts
from bytepiece.training.counting.runs import Run
from bytepiece.training.counting.spool import RunFile
from bytepiece.training.distributed.tasks import Facts
from bytepiece.training.refinement.sample_file import GatheredSample, open_sample, save_sample

__all__ = ["Stages"]

T = TypeVar("T")


class Stages:
    """A folder with a file for each finished stage: ``ngrams``, ``pieces``, ``sample``, and ``tokens-SIZE``.

    Args:
        folder: made if it does not exist; None keeps nothing.
        settings: of the training; files of other settings are refused.

    Raises `OSError` if the folder cannot be read or written, `CheckpointError` if a training that still runs uses it.
    """

    def __init__(self, folder: str | os.PathLike[str] | None, settings: Mapping[str, Any]) -> None:
        self._folder = None if folder is None else os.fspath(folder)
        self._settings = dict(settings)
        self._lock = ExitStack()
        if self._folder is not None:
            self._lock = use_folder(self._folder)
            remove_abandoned(self._folder)

    def __enter__(self) -> Stages:
        return self

    def __exit__(self, *error: object) -> None:
        """Let other trainings use the folder."""
        self._lock.close()

    def load(self, name: str, parts: str, basis: str = "") -> tuple[list[Run], Facts] | None:
        """The counts of a stage, and the facts of the corpus, if they were saved; arguments as for `save`.

        Raises `CheckpointError` if they are those of another training, or damaged.
        """
        return self._open(name, parts, basis, lambda path: [*RunFile.open(path, _kind(name))])

    def load_sample(self, parts: str) -> tuple[GatheredSample, Facts] | None:
        """The sample, if it was saved; as `load`."""

        def read(path: str) -> GatheredSample:
            sample = open_sample(path, {"refine_sample": self._settings["refine_sample"]})
            assert sample is not None
            return sample

        return self._open("sample", parts, "", read)

    def save(self, name: str, counts: Iterable[Run], parts: str, facts: Facts, basis: str = "") -> None:
        """Save the counts of a stage.

        Args:
            name: of the stage.
            counts: the counts.
            parts: says into what the corpus is divided.
            facts: what is in it.
            basis: what the counts depend on besides; those of another basis are not loaded.
        """
        path = self._path(name)
        if path is not None:
            save_counts(path, {"kind": _kind(name), **self._header(parts, facts, basis)}, counts)

    def save_sample(self, sample: GatheredSample, parts: str, facts: Facts) -> None:
        """Save the sample; as `save`."""
        path = self._path("sample")
        if path is not None:
            save_sample(path, self._header(parts, facts, ""), sample)

    def _header(self, parts: str, facts: Facts, basis: str) -> dict[str, Any]:
        return {"settings": self._settings, "parts": parts, "facts": [*facts], "basis": basis}

    def _open(self, name: str, parts: str, basis: str, read: Callable[[str], T]) -> tuple[T, Facts] | None:
        """What ``read`` makes of a file, and the facts, if they are there."""
        path = self._path(name)
        if path is None or not os.path.exists(path):
            return None
        try:
            header, _ = read_header(path)
            check_settings(path, dict(header["settings"]), self._settings)
            if header["parts"] != parts:
                raise CheckpointError(f"{path}: a checkpoint of another corpus, or of another division into parts")
            if header["basis"] != basis:
                return None
            return read(path), _facts(header["facts"])
        except (CountsFormatError, KeyError, TypeError) as error:
            raise CheckpointError(f"{path}: damaged ({error}); remove the folder to start anew") from None

    def _path(self, name: str) -> str | None:
        return None if self._folder is None else os.path.join(self._folder, f"{name}.counts")


def _facts(values: Sequence[Any]) -> Facts:
    """The facts in a header; ``TypeError`` for what cannot be facts."""
    facts = Facts(*values)
    numbers = (facts.documents, facts.n_bytes, facts.skipped)
    texts = isinstance(facts.fingerprint, str) and isinstance(facts.first_error, (str, type(None)))
    if not texts or any(type(number) is not int or not 0 <= number < 2**63 for number in numbers):
        raise TypeError("facts")
    return facts


def _kind(name: str) -> str:
    """The kind of counts of a stage."""
    return name.partition("-")[0]
