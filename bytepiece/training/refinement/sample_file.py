"""Files of samples: what may be in the sample of a corpus, of a part of it or of all.

They are files of `bytepiece.training.counting.blocks`. An item is a document, or a part of a long one; the data of a
block, little-endian:

    lengths   hashes of the documents   numbers of the documents   texts, one after the other
    uint32    uint64                    uint64

Beside kind and settings, the header has the number of documents that were read, and the bound, see `Keys`. Samples of
parts of a corpus, merged, are the sample of the corpus.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bytepiece.errors import CountsFormatError, SettingsError
from bytepiece.files import atomic_writer
from bytepiece.training.counting.blocks import (
    Block,
    check_kind,
    check_made_with,
    header_line,
    read_blocks,
    read_header,
    write_block,
)
from bytepiece.training.refinement.parts import NO_BOUND, Bound, ChosenParts, Keys, Parts, bound_after, hashes_of
from bytepiece.training.refinement.sample import LARGEST_SAMPLE

__all__ = ["GatheredSample", "merge_samples", "open_sample", "save_sample"]

BLOCK_BYTES, BLOCK_ITEMS = 2**22, 2**16
"""The most text and the most items of a block; a single item may be longer."""


class GatheredSample(NamedTuple):
    """What may be in the sample.

    Attributes:
        parts: documents, and parts of documents.
        documents: the number of documents of which they were chosen.
        bound: the key of the first part that is out of the sample.
    """

    parts: Parts
    documents: int
    bound: Bound

    @property
    def whole(self) -> bool:
        """Whether these are all documents."""
        return self.bound >= NO_BOUND


def save_sample(path: str | os.PathLike[str], header: Mapping[str, Any], sample: GatheredSample) -> None:
    """Write a file, whole or not at all.

    Args:
        path: where to; an existing file is replaced.
        header: ``"settings"`` are those the sample depends on.
        sample: what is written.

    Raises `OSError` if the file cannot be written.
    """
    start = header_line({**header, "kind": "sample", "documents": sample.documents, "bound": [*sample.bound]})
    checksum = zlib.crc32(start)
    with atomic_writer(path) as file:
        file.write(start)
        for block in sample.parts.in_blocks(BLOCK_BYTES, BLOCK_ITEMS):
            arrays = block.keys.lengths, block.keys.document_hashes, block.numbers
            data = b"".join(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes() for array in arrays)
            checksum = write_block(file, len(block.numbers), data + block.data, checksum)
        write_block(file, 0, b"", checksum)


def open_sample(paths: Iterable[str | os.PathLike[str]], settings: Mapping[str, Any]) -> GatheredSample | None:
    """Read files of samples, which may be those of the parts of a corpus, as one.

    Args:
        paths: the files, or a single path.
        settings: those with which the samples must have been taken; ``"refine_sample"`` is the size in bytes.

    Returns None if there are no files. Less than twice the size of the sample is in memory.

    Raises `CountsFormatError` for files that are damaged or do not go together; `OSError` if one cannot be read.
    """
    paths = [paths] if isinstance(paths, (str, os.PathLike)) else [*paths]
    if not paths:
        return None
    headers = [_read_header(path, settings) for path in paths]
    bound: Bound = min(header["bound"] for header, _ in headers)
    # Parts with the key of the bound are in some of the files: whether they fit is found out here.
    parts = Parts(settings["refine_sample"], bound_after(bound))
    documents = 0
    for path, (header, start) in zip(paths, headers, strict=True):
        with open(path, "rb") as file:
            for block in read_blocks(file, start, os.fspath(path), BLOCK_ITEMS):
                parts.add_all(_parts_of(block, header["documents"]), documents)
        documents += header["documents"]
    parts.drop_excess()
    return GatheredSample(parts, documents, min(bound, parts.keys.bound))


def merge_samples(paths: Sequence[str | os.PathLike[str]], output: str | os.PathLike[str]) -> None:
    """Make one file of several, made with the same settings; errors as for `open_sample`."""
    if not paths:
        raise SettingsError("there are no samples to merge")
    header, _ = _read_header(paths[0], {})
    sample = open_sample(paths, header["settings"])
    assert sample is not None
    save_sample(output, {"settings": header["settings"]}, sample)


def _read_header(path: str | os.PathLike[str], settings: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """The header of a sample with these settings, and where its blocks begin."""
    header, start = read_header(path)
    check_kind(path, header, "sample")
    check_made_with(path, header, settings)
    size, documents, bound = header["settings"].get("refine_sample"), header.get("documents"), header.get("bound")
    numbers = bound if isinstance(bound, list) else []
    right = len(numbers) == 2 and all(_is_int(number, 2**64) for number in numbers)
    if not right or not _is_int(size, LARGEST_SAMPLE) or not _is_int(documents, 2**48):
        raise CountsFormatError(f"{os.fspath(path)}, line 2: damaged header")
    header["bound"] = tuple(numbers)
    return header, start


def _is_int(value: object, most: int) -> bool:
    return type(value) is int and 0 <= value <= most


def _parts_of(block: Block, n_documents: int) -> ChosenParts:
    """The parts of a block. They are hashed anew, so that a file cannot say that they have other hashes."""
    n, data = block.n_items, block.data
    if len(data) < 20 * n:
        raise CountsFormatError(f"{block.where}: damaged")
    lengths = np.frombuffer(data, "<u4", n).astype(np.uint32)
    document_hashes, numbers = np.frombuffer(data, "<u8", 2 * n, 4 * n).astype(np.uint64).reshape(2, n)
    text = data[20 * n :]
    ends = np.cumsum(lengths, dtype=np.int64)
    if ends[-1] != len(text) or not lengths.all() or (numbers >= n_documents).any():
        raise CountsFormatError(f"{block.where}: damaged")
    try:
        text.decode()
    except UnicodeDecodeError:
        raise CountsFormatError(f"{block.where}: text that is not UTF-8") from None
    begins = (ends - lengths).tolist()
    hashes = hashes_of([text[begin:end] for begin, end in zip(begins, ends.tolist(), strict=True)])
    return ChosenParts(text, Keys(lengths, hashes, document_hashes, NO_BOUND), numbers)
