"""Files opened as bytes: compressed ones are decompressed as they are read."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import zlib
from collections.abc import Callable
from typing import IO, Any, Protocol

from bytepiece.corpus.hooks import OnProgress, ignore
from bytepiece.corpus.optional import import_optional
from bytepiece.corpus.storage import open_raw

__all__ = [
    "COMPRESSED_ENDINGS",
    "DAMAGED",
    "check_decompressor",
    "first_line",
    "open_input",
    "skip_line",
    "without_compression",
]

BUFFER_BYTES = 2**18
"""How many bytes of a file, and of its decompressed text, are held at a time."""


def open_input(path: str, advance: OnProgress = ignore) -> IO[bytes]:
    """Open a file for reading bytes, decompressed as its ending says; a folder is a `CorpusError`."""
    decompressor = _DECOMPRESSORS.get(os.path.splitext(path)[1])
    file = io.BufferedReader(_CountedFile(open_raw(path), advance), BUFFER_BYTES)
    if decompressor is None:
        return file
    try:
        return io.BufferedReader(_Decompressed(file, decompressor), BUFFER_BYTES)
    except BaseException:
        file.close()
        raise


def first_line(file: IO[bytes], begin: int, end: int | None) -> int:
    """Go to the first line of a file that is not compressed that begins at ``begin`` or later; returns where it is."""
    if begin == 0:
        return 0
    file.seek(begin - 1)
    # The line that began before can be long, and reach beyond the end.
    return begin - 1 + skip_line(file, None if end is None else end - begin + 1)


def skip_line(file: IO[bytes], n_bytes: int | None = None) -> int:
    """Read to the end of a line, or somewhat more than ``n_bytes`` of it; returns how much was read."""
    n_read = 0
    while (n_bytes is None or n_read < n_bytes) and (data := file.readline(BUFFER_BYTES)):
        n_read += len(data)
        if data.endswith(b"\n"):
            break
    return n_read


def without_compression(path: str) -> str:
    """The path without the ending that says how the file is compressed."""
    stem, ending = os.path.splitext(path)
    return stem if ending in _DECOMPRESSORS else path


def check_decompressor(path: str) -> None:
    """Raise `OptionalDependencyError` where the library that decompresses a file is missing."""
    if path.endswith(".zst"):
        _zstandard()


class _CountedFile(io.RawIOBase):
    """A file that reports how many bytes are read from it."""

    def __init__(self, file: io.RawIOBase, advance: OnProgress) -> None:
        super().__init__()
        self._file = file
        self._advance = advance

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._file.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: Any, /) -> int:
        n_bytes: int = self._file.readinto(buffer)
        self._advance(n_bytes)
        return n_bytes

    def close(self) -> None:
        self._file.close()
        super().close()


class _Decompressor(Protocol):
    """A compressed file. ``read1`` gives decompressed bytes, and no bytes only at the end."""

    def read1(self, size: int, /) -> bytes | memoryview: ...


class _Decompressed(io.RawIOBase):
    """The decompressed bytes of a file, as a raw file.

    It reads the archive no further than it must, so all text before a damaged place can be read.
    """

    def __init__(self, file: IO[bytes], decompressor: Callable[[IO[bytes]], _Decompressor]) -> None:
        super().__init__()
        self._file = file
        self._decompressor = decompressor(file)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data = self._decompressor.read1(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


class _DamagedArchive(Exception):
    pass


class _ZstdFile:
    """A file of Zstandard frames, one after the other.

    zstandard's own ``stream_reader`` ends quietly where a file was cut off.
    """

    CHUNK_BYTES = 2**12  # 4 bytes can hold 128 kB of text

    def __init__(self, file: IO[bytes]) -> None:
        zstandard = _zstandard()
        self._file = file
        self._error = zstandard.ZstdError
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=2**31)  # that of zstd --long=31
        self._frame = self._decompressor.decompressobj()
        self._ready = memoryview(b"")

    def read1(self, size: int, /) -> memoryview:
        while not self._ready and (data := self._next_chunk()):
            try:
                self._ready = memoryview(self._frame.decompress(data))
            except self._error as error:
                raise _DamagedArchive(str(error)) from None
        ready = self._ready[:size]
        self._ready = self._ready[size:] or memoryview(b"")  # an empty view would keep all in memory
        return ready

    def _next_chunk(self) -> bytes:
        chunk: bytes = (self._frame.unused_data if self._frame.eof else b"") or self._file.read(self.CHUNK_BYTES)
        if self._frame.eof and chunk:
            self._frame = self._decompressor.decompressobj()
        elif not self._frame.eof and not chunk:
            raise _DamagedArchive("Compressed file ended before the end-of-stream marker was reached")
        return chunk


def _zstandard() -> Any:
    return import_optional("zstandard", "zstandard", "a .zst file")


_DECOMPRESSORS: dict[str, Callable[[IO[bytes]], _Decompressor]] = {
    ".gz": lambda file: gzip.GzipFile(fileobj=file, mode="rb"),
    ".xz": lzma.LZMAFile,
    ".zst": _ZstdFile,
}
DAMAGED = (_DamagedArchive, EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)
"""What reading a damaged archive raises."""

COMPRESSED_ENDINGS = tuple(_DECOMPRESSORS)
"""The endings of compressed files."""
