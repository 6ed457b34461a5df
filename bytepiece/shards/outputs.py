"""The files of a shard while they are written: hashed, and on the disk before they get their names."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import Executor, Future
from contextlib import ExitStack, suppress
from typing import Any, BinaryIO

from bytepiece.files import atomic_writer

__all__ = ["Output", "Outputs", "hash_of"]

SYNC_BYTES = 2**25
"""How many bytes are written before they are sent to the disk: at the end little is left to wait for."""

HASH_BYTES = 2**20


class Output:
    """A file that is written from begin to end, and hashed meanwhile.

    Attributes:
        n_bytes: how many bytes were written.
    """

    def __init__(self, file: BinaryIO, background: Executor) -> None:
        self.n_bytes = 0
        self._file = file
        self._hash: Any = hashlib.sha256()  # None if it can only be taken from the file as a whole
        self._background = background
        self._synced = 0
        self._syncing: Future[Any] | None = None

    def write(self, data: Any, /) -> int:
        """Write bytes, or the bytes of an array; returns their number."""
        view = memoryview(data).cast("B") if memoryview(data).nbytes else memoryview(b"")
        self._file.write(view)
        self._hash.update(view)
        self.n_bytes += len(view)
        if self.n_bytes - self._synced >= SYNC_BYTES and (self._syncing is None or self._syncing.done()):
            self.settle()  # an error of the disk is told once, and a later sync would not know it
            self._synced = self.n_bytes
            self._syncing = self._background.submit(_sync, self._file)
        return len(view)

    def rewrite(self, data: bytes) -> None:
        """Write bytes over those at the begin of the file."""
        self._file.seek(0)
        self._file.write(data)
        self._hash = None

    def describe(self, path: str) -> dict[str, Any]:
        """The size and the hash of the file, which has its name now."""
        digest = hash_of(path) if self._hash is None else self._hash.hexdigest()
        return {"bytes": self.n_bytes, "sha256": digest}

    def settle(self) -> None:
        """Wait for what goes on in the background."""
        if self._syncing is not None:
            self._syncing.result()

    # What libraries ask of a file that they write to.

    def tell(self) -> int:
        """The number of bytes written."""
        return self.n_bytes

    def flush(self) -> None:
        """Hand all bytes to the system."""
        self._file.flush()

    def close(self) -> None:
        """Do nothing: the file is closed by `Outputs`."""

    @property
    def closed(self) -> bool:
        """Whether nothing can be written any more."""
        return self._file.closed

    def writable(self) -> bool:
        """It can be written to."""
        return True

    def readable(self) -> bool:
        """It cannot be read."""
        return False

    def seekable(self) -> bool:
        """It cannot be sought in."""
        return False


class Outputs:
    """The files of a shard. `keep` gives them their names, in their order; before that, `discard` removes them.

    Args:
        paths: the paths of the files.
        background: where data is sent to the disk meanwhile.
    """

    def __init__(self, paths: Iterable[str], background: Executor) -> None:
        self._paths = [*paths]
        self._background = background
        self._stack = ExitStack()
        self._outputs: dict[str, Output] = {}
        try:
            for path in reversed(self._paths):  # an ExitStack ends with what it began with
                self._outputs[path] = Output(self._stack.enter_context(atomic_writer(path)), background)
        except BaseException as error:
            self.discard(error)
            raise

    def __iter__(self) -> Any:
        return iter([self._outputs[path] for path in self._paths])

    def keep(self) -> dict[str, dict[str, Any]]:
        """Put the files on the disk, and give them their names. Returns size and hash of each, by name."""
        for output in self:
            output.settle()
        self._stack.close()
        return {os.path.basename(path): self._outputs[path].describe(path) for path in self._paths}

    def discard(self, error: BaseException) -> None:
        """Remove the files, because of an error. An error of the system gets the name of a file."""
        for output in self._outputs.values():
            with suppress(OSError):
                output.settle()
        self._stack.__exit__(type(error), error, error.__traceback__)


def hash_of(path: str) -> str:
    """The SHA-256 of a file. Raises `OSError`."""
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        while data := file.read(HASH_BYTES):
            digest.update(data)
    return digest.hexdigest()


def _sync(file: BinaryIO) -> None:
    if not file.closed:
        file.flush()
        os.fsync(file.fileno())
