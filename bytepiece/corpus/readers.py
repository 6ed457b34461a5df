"""How each kind of file is read: opened, decompressed, and its lines or rows turned into documents."""

from __future__ import annotations

import gzip
import importlib
import io
import json
import lzma
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from itertools import count, repeat
from typing import IO, Any, NoReturn, Protocol

from bytepiece.errors import CorpusError, OptionalDependencyError
from bytepiece.text.preparation import to_bytes

__all__ = ["ENDINGS", "check_readable", "documents", "field_of", "is_jsonl", "open_input", "read_lines", "stop"]

ENDINGS = (*(text + packed for text in (".txt", ".jsonl") for packed in ("", ".gz", ".xz", ".zst")), ".parquet")
"""The endings of the files that are read as documents; the second ending is how a file is compressed."""

BUFFER_BYTES = 2**18
"""The bytes of a file, and of what is decompressed, that are held at a time."""

BATCH_BYTES = 2**22
"""About the bytes of text of the parquet rows that are held at a time."""

BATCH_ROWS = 1024
"""The most parquet rows that are held at a time."""


def stop(error: CorpusError) -> NoReturn:
    """Raise the error: what to do with the first document that cannot be read, unless told otherwise."""
    raise error from None


def _ignore(n_bytes: int) -> None:
    pass


def documents(
    path: str,
    text_field: str = "text",
    keep: Iterator[bool] | None = None,
    failed: Callable[[CorpusError], object] = stop,
    advance: Callable[[int], object] = _ignore,
) -> Iterator[str]:
    """The documents of one file, by its ending: lines of text, lines of JSON, or the rows of a parquet file.

    Args:
        path: the file.
        text_field: the field of a JSON line, or the column of a parquet file, that holds the text.
        keep: says of each document, when it is its turn, whether it is wanted; if not, it is not even parsed.
        failed: gets the error of each document that cannot be read, and of the point from where a damaged file
            cannot. Where it returns, reading goes on with what comes next.
        advance: gets the number of bytes of the file, as it is on disk, that were read since the last call.
    """
    read = _parquet_documents if path.endswith(".parquet") else _line_documents
    return read(path, text_field, repeat(True) if keep is None else keep, failed, advance)


def check_readable(path: str) -> None:
    """Raise `OptionalDependencyError` where reading this kind of file needs a library that is not there."""
    if path.endswith(".parquet"):
        _pyarrow()
    elif path.endswith(".zst"):
        _zstandard()


# Lines.


def _line_documents(
    path: str,
    text_field: str,
    keep: Iterator[bool],
    failed: Callable[[CorpusError], object],
    advance: Callable[[int], object],
) -> Iterator[str]:
    json_lines = is_jsonl(path)
    with open_input(path, advance) as file:
        for number, line, kept in zip(count(1), read_lines(file, path, failed), keep):
            if not kept:
                continue
            try:
                text = _parse_json(line, text_field) if json_lines else _decode(line)
            except ValueError as error:
                failed(CorpusError(f"{path}, line {number}: {error}"))
            else:
                yield text


def _decode(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: byte 0x{line[error.start]:02x} at position {error.start}") from None


def _parse_json(line: bytes, text_field: str) -> str:
    if line.isspace():
        return ""
    try:
        document = json.loads(_decode(line))
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from None
    except RecursionError:
        raise ValueError("not JSON that can be read: nested too deep") from None
    if not isinstance(document, dict):
        raise ValueError(f"expected a JSON object, not {type(document).__name__}")
    text = field_of(document, text_field)
    if not text.isascii() and b"\\u" in line:  # the only way to a lone surrogate
        to_bytes(text)
    return text


def field_of(document: object, name: str) -> str:
    """The text in a field of a mapping; `ValueError` where it is missing or no text."""
    if not isinstance(document, Mapping):
        raise ValueError(f"expected a mapping of fields, not {type(document).__name__}")
    if name not in document:
        raise ValueError(f"no field {name!r} (there are: {', '.join(map(str, document)) or 'none'})")
    text = document[name]
    if not isinstance(text, str):
        raise ValueError(f"field {name!r} must be text, not {type(text).__name__}")
    return text


# Files of lines, decompressed.


class _Decompressor(Protocol):
    """A compressed file; ``read1`` gives some bytes, none only at the end."""

    def read1(self, size: int, /) -> bytes | memoryview: ...


class _CountedFile(io.FileIO):
    """A file that tells how many bytes are read from it."""

    def __init__(self, path: str, advance: Callable[[int], object]) -> None:
        super().__init__(path)
        self._advance = advance

    def readinto(self, buffer: Any, /) -> int:
        n_bytes = super().readinto(buffer)
        self._advance(n_bytes)
        return n_bytes


class _Decompressed(io.RawIOBase):
    """A compressed file as a raw file of what is in it.

    Reads no further than it must: what comes before the damage of an archive can be had.
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

    zstandard's own ``stream_reader`` takes a file that was cut off for one that ended.
    """

    CHUNK_BYTES = 2**12  # at most 128 kB of text come from 4 bytes

    def __init__(self, file: IO[bytes]) -> None:
        zstandard = _zstandard()
        self._file = file
        self._error = zstandard.ZstdError
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=2**31)  # as of zstd --long=31
        self._frame = self._decompressor.decompressobj()
        self._ready = memoryview(b"")

    def read1(self, size: int, /) -> memoryview:
        while not self._ready and (data := self._next_chunk()):
            try:
                self._ready = memoryview(self._frame.decompress(data))
            except self._error as error:
                raise _DamagedArchive(str(error)) from None
        ready, self._ready = self._ready[:size], self._ready[size:]
        return ready

    def _next_chunk(self) -> bytes:
        chunk: bytes = (self._frame.unused_data if self._frame.eof else b"") or self._file.read(self.CHUNK_BYTES)
        if self._frame.eof and chunk:
            self._frame = self._decompressor.decompressobj()
        elif not self._frame.eof and not chunk:
            raise _DamagedArchive("Compressed file ended before the end-of-stream marker was reached")
        return chunk


_DECOMPRESSORS: dict[str, Callable[[IO[bytes]], _Decompressor]] = {
    ".gz": lambda file: gzip.GzipFile(fileobj=file, mode="rb"),
    ".xz": lzma.LZMAFile,
    ".zst": _ZstdFile,
}
_DAMAGED = (_DamagedArchive, EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)


def open_input(path: str, advance: Callable[[int], object] = _ignore) -> IO[bytes]:
    """Open a file for reading bytes, decompressed as its ending says; a folder is a `CorpusError`.

    ``advance`` gets the number of bytes on disk that each reading takes.
    """
    if os.path.isdir(path):
        raise CorpusError(f"{path}: a directory, not a file")
    decompressor = _DECOMPRESSORS.get(os.path.splitext(path)[1])
    file = io.BufferedReader(_CountedFile(path, advance), BUFFER_BYTES)
    if decompressor is None:
        return file
    try:
        return io.BufferedReader(_Decompressed(file, decompressor), BUFFER_BYTES)
    except BaseException:
        file.close()
        raise


def is_jsonl(path: str) -> bool:
    """Whether a path names JSON lines, compressed or not."""
    stem, ending = os.path.splitext(path)
    return (stem if ending in _DECOMPRESSORS else path).endswith(".jsonl")


def read_lines(file: IO[bytes], path: str, failed: Callable[[CorpusError], object] = stop) -> Iterator[bytes]:
    """The lines of a file, each with its newline; ``failed`` gets a `CorpusError` where an archive is damaged."""
    number = 0
    try:
        for line in file:
            yield line
            number += 1
    except _DAMAGED as error:
        failed(CorpusError(f"{path}, after line {number}: damaged archive: {error}"))


# Parquet files.


def _parquet_documents(
    path: str,
    text_field: str,
    keep: Iterator[bool],
    failed: Callable[[CorpusError], object],
    advance: Callable[[int], object],
) -> Iterator[str]:
    first = 0
    for column in _read_column(path, text_field, failed, advance):
        for row, (text, kept) in enumerate(zip(column, keep, strict=False), first):
            if not kept:
                continue
            try:
                if text is None:
                    raise ValueError(f"field {text_field!r} must be text, not null")
                document = _decode(text)
            except ValueError as error:
                failed(CorpusError(f"{path}, row {row} (from 0): {error}"))
            else:
                yield document
        first += len(column)


def _read_column(
    path: str, name: str, failed: Callable[[CorpusError], object], advance: Callable[[int], object]
) -> Iterator[list[bytes | None]]:
    """The texts of a parquet file, some rows at a time.

    ``failed`` gets a `CorpusError` where the file is damaged, or has no such texts.
    """
    pyarrow, parquet = _pyarrow()
    row = position = 0
    try:
        # Neither pages nor row groups are read ahead: they would stay in memory.
        with (
            open(path, "rb") as file,
            parquet.ParquetFile(
                file, pre_buffer=False, buffer_size=BUFFER_BYTES, page_checksum_verification=True
            ) as table,
        ):
            schema = table.schema_arrow
            if name not in schema.names:
                failed(CorpusError(f"{path}: no field {name!r} (there are: {', '.join(schema.names) or 'none'})"))
                return
            if not _holds_text(schema.field(name).type, pyarrow.types):
                failed(CorpusError(f"{path}: field {name!r} must be text, not {schema.field(name).type}"))
                return
            size, n_rows = os.path.getsize(path), table.metadata.num_rows
            for group in range(table.num_row_groups):
                sizes = table.metadata.row_group(group)
                n_bytes = max(1, sizes.total_byte_size)
                at_once = min(BATCH_ROWS, max(1, BATCH_BYTES * sizes.num_rows // n_bytes))
                for batch in table.iter_batches(at_once, [group], [name], use_threads=False):
                    texts = batch.column(name).cast(pyarrow.large_binary()).to_pylist()
                    row += len(texts)
                    advance(size * row // n_rows - position)
                    position = size * row // n_rows
                    yield texts
            if row != n_rows:  # some damage just makes pages disappear
                failed(CorpusError(f"{path}: damaged file: {row} rows where there should be {n_rows}"))
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, MemoryError) or getattr(error, "errno", None) is not None:
            raise
        failed(CorpusError(f"{path}, after {row} rows: damaged file: {' '.join(str(error).split())}"))


def _holds_text(type: Any, types: Any) -> bool:
    """Whether an Arrow type is text, or the bytes of text, or nothing but nulls."""
    if types.is_dictionary(type):
        type = type.value_type
    kinds = ("string", "large_string", "string_view", "binary", "large_binary", "binary_view", "null")
    tests = [getattr(types, f"is_{kind}", None) for kind in kinds]  # views are of later versions
    return any(test(type) for test in tests if test)


# Optional libraries.


def _pyarrow() -> tuple[Any, Any]:
    modules = (_optional(module, "a .parquet file", "pyarrow", "parquet") for module in ("pyarrow", "pyarrow.parquet"))
    return next(modules), next(modules)


def _zstandard() -> Any:
    return _optional("zstandard", "a .zst file", "zstandard", "zstd")


def _optional(module: str, what: str, package: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise OptionalDependencyError(
            f"reading {what} needs {package} ({error}): pip install 'bytepiece[{extra}]'"
        ) from error
