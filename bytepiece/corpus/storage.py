"""Files on other machines, by their addresses: s3://, gs://, hf://, https:// and all others that fsspec knows.

Each kind of address needs a library of its own, such as s3fs; fsspec says which.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bytepiece.corpus.optional import import_optional
from bytepiece.errors import CorpusError, OptionalDependencyError

__all__ = ["is_address", "open_raw", "paths_at", "raw_size"]

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(::[^:]+)*://")  # C:// is none
BLOCK_BYTES = 2**22
"""How many bytes are asked for at a time: an answer takes some hundredths of a second, however short it is."""


def is_address(path: str) -> bool:
    """Whether a path is the address of a file elsewhere."""
    return _ADDRESS.match(path) is not None


def paths_at(address: str, endings: tuple[str, ...]) -> list[str] | None:
    """The addresses of the files that a folder or a pattern stands for, sorted by folder and name; None for a file.

    Of a folder these are the files with one of the endings, and those of its subfolders; hidden ones are left out.
    """
    with _errors(address):
        system, path = _system(address)
        if "*" in path or "?" in path or "[" in path:
            found = [each for each in system.glob(path) if system.isfile(each)]
            if not found:
                raise CorpusError(f"{address}: no file matches this pattern")
        elif system.isdir(path):
            start = len(path.rstrip("/"))
            found = [each for each in system.find(path) if each.endswith(endings) and "/." not in each[start:]]
            if not found:
                raise CorpusError(f"{address}: a directory with no file to read ({', '.join(endings)})")
        else:
            return None
        return [system.unstrip_protocol(each) for each in sorted(found, key=lambda each: each.split("/"))]


def raw_size(path: str) -> int:
    """The size of a file, here or elsewhere, in bytes; raises `OSError` if it is not there."""
    if not is_address(path):
        return os.path.getsize(path)
    with _errors(path):
        system, inner = _system(path)
        info = system.info(inner)
    if info.get("type") == "directory":
        raise CorpusError(f"{path}: a directory, not a file")
    if not isinstance(info.get("size"), int):
        raise CorpusError(f"{path}: nobody knows how large it is, so it cannot be read several times")
    return int(info["size"])


def open_raw(path: str) -> io.RawIOBase:
    """Open a file, here or elsewhere, for reading bytes; it can seek. A folder is a `CorpusError`."""
    if not is_address(path):
        if os.path.isdir(path):
            raise CorpusError(f"{path}: a directory, not a file")
        return io.FileIO(path)
    with _errors(path):
        system, inner = _system(path)
        return _Remote(system.open(inner, "rb", block_size=BLOCK_BYTES), path)


class _Remote(io.RawIOBase):
    """A file of fsspec as a raw file, whose errors name it."""

    def __init__(self, file: Any, address: str) -> None:
        super().__init__()
        self._file = file
        self._address = address

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        with _errors(self._address):
            return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def readinto(self, buffer: Any, /) -> int:
        with _errors(self._address):
            data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def _system(address: str) -> tuple[Any, str]:
    """The file system of fsspec for an address, and the path in it."""
    fsspec = import_optional("fsspec", "fsspec", "an address like s3://")
    system, path = fsspec.core.url_to_fs(address)
    return system, path


@contextmanager
def _errors(address: str) -> Iterator[None]:
    """Turn what libraries raise into errors that name the address."""
    try:
        yield
    except OptionalDependencyError:
        raise
    except ImportError as error:
        raise OptionalDependencyError(f"{address}: {error}") from error
    except CorpusError:
        raise
    except OSError as error:
        error.filename = address
        raise
    except Exception as error:  # each library has its own
        raise CorpusError(f"{address}: {type(error).__name__}: {' '.join(str(error).split())}") from error
