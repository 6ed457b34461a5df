"""What a training on an engine keeps of its finished stages, so that it goes on from there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from typing import Any

from bytepiece.errors import CheckpointError, CountsFormatError
from bytepiece.files import remove_abandoned
from bytepiece.training.counting.checkpoint import check_settings, use_folder
from bytepiece.training.counting.counts_file import read_header, save_counts
from bytepiece.training.counting.runs import Run
from bytepiece.training.counting.spool import RunFile
from bytepiece.training.distributed.tasks import Facts

__all__ = ["Stages"]


class Stages:
    """A folder with a file of counts for each finished stage.

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

    def load(self, kind: str, parts: str) -> tuple[RunFile, Facts] | None:
        """The counts of a kind, and the facts of the corpus, if they were saved; arguments as for `save`.

        Raises `CheckpointError` if they are those of another training, or damaged.
        """
        path = self._path(kind)
        if path is None or not os.path.exists(path):
            return None
        try:
            header, _ = read_header(path)
            check_settings(path, dict(header["settings"]), self._settings)
            if header["parts"] != parts:
                raise CheckpointError(f"{path}: a checkpoint of another corpus, or of another division into parts")
            return RunFile.open(path, kind), Facts(*header["facts"])
        except (CountsFormatError, KeyError, TypeError) as error:
            raise CheckpointError(f"{path}: damaged ({error}); remove the folder to start anew") from None

    def save(self, kind: str, counts: Iterable[Run], parts: str, facts: Facts) -> None:
        """Save the counts of a kind. ``parts`` says into what the corpus is divided, ``facts`` what is in it."""
        path = self._path(kind)
        if path is not None:
            header = {"kind": kind, "settings": self._settings, "parts": parts, "facts": [*facts]}
            save_counts(path, header, counts)

    def _path(self, kind: str) -> str | None:
        return None if self._folder is None else os.path.join(self._folder, f"{kind}.counts")
