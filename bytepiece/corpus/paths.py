"""Which files a corpus consists of: those of files, folders and patterns."""

from __future__ import annotations

import errno
import glob
import os
import stat
from collections.abc import Iterator
from typing import NoReturn

from bytepiece.corpus.kinds import ENDINGS, check_readable
from bytepiece.corpus.storage import is_address, paths_at, raw_size
from bytepiece.errors import CorpusError

__all__ = ["absolute", "files_of", "size_of"]


def files_of(path: str) -> list[str]:
    """The files that a file, a folder or a pattern stands for, here or at an address, sorted by folder and name.

    Raises `CorpusError` where a folder or pattern has none. A single file is not looked at.
    """
    if is_address(path):
        found = paths_at(path, ENDINGS)
        return [path] if found is None else found
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


def absolute(path: str) -> str:
    """The path by which a file is found from any current folder. An address stays as it is."""
    return path if is_address(path) else os.path.abspath(path)


def _walk(folder: str) -> Iterator[str]:
    """All files in a folder and its subfolders. Links are followed; hidden files and folders are left out."""
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


def size_of(path: str) -> int:
    """The size of a file in bytes. Raises unless the file can be read, and read again."""
    if is_address(path):
        check_readable(path)
        return raw_size(path)
    status = os.stat(path)
    if stat.S_ISFIFO(status.st_mode):
        raise CorpusError(f"{path}: a pipe can be read once, and a corpus is read several times: name a file")
    if not os.access(path, os.R_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    check_readable(path)
    return status.st_size
