"""Counted words: a dictionary becomes a model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from operator import index

import numpy as np

from bytepiece.core.packed import PackedBytes
from bytepiece.errors import CorpusError, SettingsError
from bytepiece.model.model import Model
from bytepiece.model.reserved import FIRST_PIECE_ID, SMALLEST_VOCABULARY
from bytepiece.text.display import unescape_piece
from bytepiece.text.preparation import to_bytes
from bytepiece.training.counting.passes import Counts
from bytepiece.training.pruning.pruning import prune

__all__ = ["convert_to_bytepiece", "parse_counts", "read_counts", "settle"]

_BOM = b"\xef\xbb\xbf"


def convert_to_bytepiece(pieces: Mapping[str, int] | Mapping[bytes, int], path: str | os.PathLike[str]) -> None:
    r"""Make a model of counted pieces as BytePiece 0.6.3 does, and write it in its JSON format, which implies NFC.

    The pieces are segmented by themselves, as at the end of training: one that is less probable than its parts gives
    them its count and disappears. `Model.from_counts` keeps all pieces and counts.

    Args:
        pieces: counts from 0 on by piece, ``str`` or ``bytes``. Single bytes that are missing get the count 1.
        path: the file, written whole or not at all.

    Raises `SettingsError` for what is no piece or no count, `TextError` for a lone surrogate, `OSError` where the file
    cannot be written.

    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.json")
    ...     convert_to_bytepiece({"钟楼": 5, "修": 2, "bellfry": 0}, path)
    ...     [piece.decode() for piece in Model.load(path).pieces if len(piece) > 1]
    ['修', '钟楼']
    """
    _settled(pieces, {"normalization": "nfc"}).save(path, format="json")


def settle(model: Model) -> Model:
    """A model without the pieces that are less probable than their parts, which get their counts.

    >>> model = settle(Model.from_counts({"clock": 900, "tower": 900, "clocktower": 1}))
    >>> [piece for piece in model.pieces if len(piece) > 1]
    [b'clock', b'tower']
    """
    counts = dict(zip(model.pieces, model.counts, strict=True))
    added = [*model.special_tokens][FIRST_PIECE_ID:]
    return _settled(counts, model.settings).with_special_tokens(added)


def _settled(pieces: Mapping[str, int] | Mapping[bytes, int], settings: Mapping[str, object]) -> Model:
    counts: dict[bytes, int] = {}
    for key, value in pieces.items():
        piece = to_bytes(key)
        try:
            count = index(value)
        except TypeError:
            count = -1
        if not piece or not 0 <= count < 2**63:
            raise SettingsError(f"pieces: {key!r} with {value!r}: a piece must not be empty, its count an int from 0")
        if piece in counts:
            raise SettingsError(f"pieces: {piece!r} is there twice, as str and as bytes")
        if count:
            counts[piece] = count
    ordered = sorted(counts)
    numbers = np.array([counts[piece] for piece in ordered], dtype=np.uint64)
    candidates = PackedBytes.from_list(ordered).with_counts(numbers)
    longest = max(map(len, ordered), default=1)
    ((_, settled),) = prune(
        Counts([candidates]), [len(counts) + SMALLEST_VOCABULARY], longest, min_count=1, workers=1, advance=int
    )
    return Model(settled.to_list(), settled.counts.tolist(), settings)


def read_counts(path: str | os.PathLike[str]) -> dict[bytes, int]:
    r"""Counted pieces of a text file, as `Model.from_counts` takes them: lines of a piece, a tab and a count.

    Pieces are UTF-8 with the escapes of the command ``vocab``: ``\\``, ``\t``, ``\n``, ``\r``, and ``\xNN`` for a byte.
    Counts of a piece that is there more than once are added.

    Raises `CorpusError` naming the line, `OSError` where the file cannot be read.

    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "words.tsv")
    ...     with open(path, "wb") as file:
    ...         size = file.write("钟楼\t5\nof the\t7\n".encode())
    ...     [(piece.decode(), count) for piece, count in read_counts(path).items()]
    [('钟楼', 5), ('of the', 7)]
    """
    try:
        with open(path, "rb") as file:
            return parse_counts(file.read())
    except CorpusError as error:
        raise CorpusError(f"{os.fspath(path)}, {error}") from None


def parse_counts(data: bytes) -> dict[bytes, int]:
    """The counted pieces of the bytes of such a file; raises `CorpusError` naming the line."""
    counts: dict[bytes, int] = {}
    for number, line in enumerate(data.removeprefix(_BOM).splitlines(), 1):
        escaped, tab, count = line.partition(b"\t")
        try:
            if not escaped or not tab:
                raise ValueError("expected a piece, a tab and a count")
            if not count.isdigit() or len(count) > 19 or not int(count):
                raise ValueError("the count must be a whole number from 1 to 2**63 - 1")
            piece = unescape_piece(escaped)
            escaped.decode()
        except UnicodeDecodeError as error:
            raise CorpusError(f"line {number}: not UTF-8: {line[error.start : error.start + 4]!r}") from None
        except ValueError as error:
            raise CorpusError(f"line {number}: {error}: {line[:80].decode(errors='backslashreplace')!r}") from None
        counts[piece] = counts.get(piece, 0) + int(count)
    return counts
