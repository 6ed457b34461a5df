"""The kinds of files that a corpus may have; a file's ending says which it is."""

from bytepiece.corpus.compression import COMPRESSED_ENDINGS, check_decompressor, without_compression
from bytepiece.corpus.parquet import check_pyarrow

__all__ = ["ENDINGS", "check_readable", "is_jsonl"]

ENDINGS = (*(text + packed for text in (".txt", ".jsonl") for packed in ("", *COMPRESSED_ENDINGS)), ".parquet")
"""The endings of the files that are read in a folder."""


def is_jsonl(path: str) -> bool:
    """Whether a path names a file of JSON lines, compressed or not."""
    return without_compression(path).endswith(".jsonl")


def check_readable(path: str) -> None:
    """Raise `OptionalDependencyError` where a library for this kind of file is missing."""
    if path.endswith(".parquet"):
        check_pyarrow()
    else:
        check_decompressor(path)
