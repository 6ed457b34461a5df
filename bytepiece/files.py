"""Files that are whole or not there at all."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

__all__ = ["atomic_writer"]

_BINARY = getattr(os, "O_BINARY", 0)  # Windows alone has it


@contextmanager
def atomic_writer(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open ``path`` for writing so that it changes only when the block ends, and then at once.

    The bytes go to a temporary file beside it, reach the disk, and take its name; after an error the
    temporary file is gone and ``path`` is as it was. A link is followed; the permissions of a file that is
    replaced are kept. What is no regular file (a pipe, ``/dev/stdout``) is written directly.

    Raises `OSError`.
    """
    mode = None
    try:
        status = os.stat(path)  # the system follows links that have no path: of /dev/stdout, to a pipe
    except FileNotFoundError:
        pass
    else:
        if not stat.S_ISREG(status.st_mode):
            with open(path, "wb") as file:
                yield file
            return
        mode = stat.S_IMODE(status.st_mode)
    target = os.path.realpath(path)
    temporary = os.path.join(os.path.dirname(target), f".bytepiece-{secrets.token_hex(8)}.tmp")
    try:
        new = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666 if mode is None else mode)
    except OSError as error:
        error.filename = os.fspath(path)
        raise
    try:
        with open(new, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            os.chmod(temporary, mode)
        os.replace(temporary, target)
    except BaseException as error:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.errno is not None and error.filename in (None, temporary):
            error.filename = os.fspath(path)  # a full disk does not say of which file
        raise
