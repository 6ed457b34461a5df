"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import BinaryIO

if sys.platform != "win32":
    import fcntl

__all__ = [
    "atomic_writer",
    "check_writable",
    "lock_folder",
    "make_folder",
    "paths_by_size",
    "remove_abandoned",
    "sync_folder",
]

_BINARY = getattr(os, "O_BINARY", 0)  # Windows alone has it
_PREFIX, _SUFFIX = ".bytepiece-", ".tmp"


@contextmanager
def atomic_writer(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open ``path`` for writing, so that it changes only when the block ends, and then all at once.

    The bytes go to a temporary file in the same folder. At the end of the block they are on the disk, and the file
    takes the name ``path``. After an error the temporary file is gone, and ``path`` is as it was. Links are followed.
    A file that is replaced keeps its permissions. Anything but a regular file (a pipe, ``/dev/stdout``) is written
    directly.

    Raises `OSError`.
    """
    path = os.fspath(path)  # open() would take an int, and close that file
    mode = None
    try:
        status = os.stat(path)  # realpath() cannot follow the link from /dev/stdout to a pipe; the system can
    except FileNotFoundError:
        pass
    else:
        if not stat.S_ISREG(status.st_mode):
            with open(path, "wb") as file:
                yield file
            return
        mode = stat.S_IMODE(status.st_mode)
    target = os.path.realpath(path)
    lock = None
    temporary = _temporary_name(target)
    # Its name is known before it exists: a signal may end the program at any moment from here on.
    try:
        while (new := _create(temporary, 0o666 if mode is None else mode)) is None:
            temporary = _temporary_name(target)
        with open(new, "wb") as file:
            # The lock is kept until the file has its name; then remove_abandoned() does not touch it any more.
            lock = None if sys.platform == "win32" else os.dup(new)
            yield file
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            os.chmod(temporary, mode)
        os.replace(temporary, target)
    except BaseException as error:
        with suppress(OSError):  # it is gone, or was never there
            os.unlink(temporary)
        if isinstance(error, OSError) and error.errno is not None and error.filename in (None, temporary):
            error.filename = path  # the error of a full disk names no file
        raise
    finally:
        if lock is not None:
            os.close(lock)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise the `OSError` that `atomic_writer` would raise for a wrong path, before work whose result it would lose.

    Nothing is written, so a full disk is not noticed.
    """
    problem: int | None = None
    if os.path.isdir(path):
        problem = errno.EISDIR
    elif not os.path.exists(path) or os.path.isfile(path):  # not a pipe or a device, which is written directly
        problem = _problem_of(os.path.dirname(os.path.realpath(path)))
    if problem is not None:
        raise OSError(problem, os.strerror(problem), os.fspath(path))


def _problem_of(folder: str) -> int | None:
    """The number of the error with which a new file in a folder would fail."""
    try:
        status = os.stat(folder)
    except OSError as error:  # it is not there, or the way to it is closed
        return error.errno
    if not stat.S_ISDIR(status.st_mode):
        return errno.ENOTDIR
    return None if os.access(folder, os.W_OK) else errno.EACCES


def paths_by_size(path: str | os.PathLike[str], sizes: Sequence[int]) -> list[str]:
    """Where what is made for each size of a vocabulary goes: of several, to ``path.SIZE``."""
    return [f"{os.fspath(path)}.{size}" for size in sizes] if len(sizes) > 1 else [os.fspath(path)]


def make_folder(path: str | os.PathLike[str]) -> None:
    """Make a folder, and those it is in, unless it is there. Raises `OSError`."""
    try:
        os.makedirs(path, exist_ok=True)
    except FileExistsError as error:  # a file has the name
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), os.fspath(path)) from error


def remove_abandoned(folder: str | os.PathLike[str]) -> None:
    """Remove the temporary files that killed processes left in a folder.

    Files of `atomic_writer` that a process is still writing stay. Raises `OSError` where the folder cannot be read.
    """
    for name in os.listdir(folder):
        if name.startswith(_PREFIX) and name.endswith(_SUFFIX):
            path = os.path.join(folder, name)
            with suppress(OSError):  # somebody is writing it, or it is gone
                if sys.platform == "win32":
                    os.unlink(path)  # fails while the file is open
                else:
                    _remove_unlocked(path)


def _temporary_name(target: str) -> str:
    return os.path.join(os.path.dirname(target), f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}")


def _create(path: str, mode: int) -> int | None:
    """Open a new temporary file, locked against `remove_abandoned`; None where that took it before it was locked."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, mode)
    if sys.platform == "win32" or (_lock(file) and os.path.exists(path)):
        return file
    os.close(file)
    with suppress(FileNotFoundError):
        os.unlink(path)
    return None


def lock_folder(folder: str | os.PathLike[str]) -> ExitStack | None:
    """Lock a folder against other calls of this, in this process or another, until what it returns is closed.

    Returns None where it is locked already. Some systems have no such locks: nothing is locked there. Raises `OSError`.
    """
    lock = ExitStack()
    if sys.platform != "win32":
        file = os.open(folder, os.O_RDONLY)
        lock.callback(os.close, file)
        if not _lock(file):
            lock.close()
            return None
    return lock


if sys.platform != "win32":

    def _lock(file: int) -> bool:
        """Lock an open file. Returns False where another process has locked it."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # this file system has no locks, so remove_abandoned() cannot get one either
            pass
        return True

    def _remove_unlocked(path: str) -> None:
        file = os.open(path, os.O_WRONLY)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(path)
        finally:
            os.close(file)


def sync_folder(folder: str | os.PathLike[str]) -> None:
    """Wait until the names of the files in a folder are on the disk. Raises `OSError`."""
    if sys.platform != "win32":  # which cannot open folders
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
