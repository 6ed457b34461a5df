"""SentencePiece: a unigram model with byte fallback.

All ids stay the same. Special tokens are control symbols. After the ids of the model come symbols that no text uses:
``<unk>``, which SentencePiece requires, and a second symbol for each byte that is an ASCII character, which byte
fallback requires.

SentencePiece can do less than a model. `sentencepiece_problems` lists the pieces that are affected. And with every
model it differs so:

- It sums float32, over the whole text. Of segmentations that are nearly equally probable it may choose another one.
- It does not normalize. Where the model has ``"nfc"``, the caller must normalize.
- It turns spaces into U+2581 and back, so that U+2581 in a text becomes a space.

The file also holds the counts and settings, in fields that its format leaves free, so that the same model can be read
from it.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bytepiece.core.automaton import log_probabilities
from bytepiece.errors import ExportError, ImportModelError
from bytepiece.exchange.protobuf import field, fields, float32
from bytepiece.exchange.recovery import counts_from_scores
from bytepiece.exchange.shared import in_id_order, parse_file
from bytepiece.files import atomic_writer
from bytepiece.model.model import Model
from bytepiece.model.reserved import FIRST_PIECE_ID
from bytepiece.text.segments import spans_segments

__all__ = [
    "PieceProblem",
    "from_sentencepiece",
    "is_sentencepiece",
    "parse_sentencepiece",
    "sentencepiece_problems",
    "to_sentencepiece",
]

SPACE = "\u2581"
"""What stands for a space in the pieces of SentencePiece."""

# The numbers of fields, in a model file, a symbol, the trainer's settings and the normalizer's.
_SYMBOL, _TRAINER, _NORMALIZER, _DENORMALIZER = 1, 2, 3, 5
_NAME, _SCORE, _KIND = 1, 2, 3
_MODEL_TYPE, _VOCAB_SIZE, _BYTE_FALLBACK = 3, 4, 35
_SPLIT_BY_SCRIPT, _SPLIT_BY_WHITESPACE, _SPLIT_BY_NUMBER = 21, 22, 23
_IDS, _NAMES = range(40, 44), range(45, 49)  # of the symbols for unknown, beginning, end and padding
_NORMALIZER_NAME, _CHARSMAP, _SPACE_IN_FRONT, _REMOVE_SPACES, _ESCAPE_SPACES = 1, 2, 3, 4, 5

_UNIGRAM = 1  # a model type

_NORMAL, _UNKNOWN, _CONTROL, _USER_DEFINED, _UNUSED, _BYTE = 1, 2, 3, 4, 5, 6  # kinds of symbols
_KINDS = {_UNKNOWN: "unknown", _CONTROL: "control", _USER_DEFINED: "user-defined", _UNUSED: "unused", _BYTE: "no byte"}

# The numbers of our own fields; the format leaves those from 200 on free. A symbol has the count of its piece, and the
# bytes of the piece if its name does not spell them. A model has its settings.
_COUNT, _PIECE, _SETTINGS = 25200, 25201, 25200


@dataclass(frozen=True)
class PieceProblem:
    """A piece that SentencePiece cannot use as the model does, and why.

    ``exported`` says whether it is exported nevertheless, because it gives other ids only in some texts.
    """

    id: int
    piece: bytes
    count: int
    reason: str
    exported: bool


def _unusable(piece: bytes) -> str | None:
    """Why SentencePiece cannot have a piece of two bytes or more; None if it can."""
    try:
        text = piece.decode()
    except UnicodeDecodeError:
        return "not UTF-8"
    if "\0" in text:
        return "holds NUL"
    if SPACE in text:
        return "holds U+2581, which stands for the space"
    return None


def sentencepiece_problems(model: Model) -> list[PieceProblem]:
    r"""The pieces that SentencePiece cannot use as the model does, in the order of their ids.

    A piece has a problem if it is not UTF-8, holds NUL, or holds U+2581. It also has one if it holds a character that
    has no piece of its own: SentencePiece gives all such characters, spelled in bytes, the same low score.

    >>> for problem in sentencepiece_problems(Model.from_counts({b"\xe4\xbd": 4, "钟楼": 5, "钟": 2})):
    ...     print(problem.piece, problem.count, problem.reason)
    b'\xe4\xbd' 4 not UTF-8
    b'\xe9\x92\x9f\xe6\xa5\xbc' 5 holds U+697C, a character without a piece of its own
    """
    return list(_problems(model))


def _problems(model: Model) -> Iterator[PieceProblem]:
    short = [piece for piece in model.pieces if len(piece) <= 4 and not _unusable(piece)]
    single = {piece.decode() for piece in short if len(piece.decode()) == 1}
    for id, (piece, count) in enumerate(zip(model.pieces, model.counts, strict=True), model.first_id):
        if len(piece) == 1 or spans_segments(piece):
            continue
        reason = _unusable(piece)
        if reason:
            yield PieceProblem(id, piece, count, reason, False)
            continue
        unknown = next((character for character in piece.decode() if character not in single), None)
        if unknown:
            reason = f"holds U+{ord(unknown):04X}, a character without a piece of its own"
            yield PieceProblem(id, piece, count, reason, True)


def _summary(problems: Sequence[PieceProblem]) -> str:
    reasons = Counter(
        "hold a character without a piece of its own" if problem.exported else problem.reason for problem in problems
    )
    first = ", ".join(f"{problem.piece!r} (id {problem.id}, count {problem.count})" for problem in problems[:3])
    return f"{', '.join(f'{count} {reason}' for reason, count in reasons.most_common())}; the first: {first}"


# To SentencePiece.


def to_sentencepiece(model: Model, path: str | os.PathLike[str], *, force: bool = False) -> None:
    """Write a SentencePiece model with the same pieces, ids and scores.

    Even so SentencePiece differs in a few things from every model; the docstring of the module lists them.

    Args:
        model: the model.
        path: the file. It is written whole or not at all.
        force: write the file even if there are `sentencepiece_problems`. Pieces that SentencePiece cannot have become
            unused symbols, and text that has them gets other pieces.

    Raises:
        ExportError: there are `sentencepiece_problems`; it says how many, why, and names the first ones.
        OSError: the file cannot be written.

    >>> import os, tempfile
    >>> model = Model.from_counts({"red": 5, "house": 3}).with_special_tokens(["<|im_start|>"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "red.model")
    ...     to_sentencepiece(model, path)
    ...     from_sentencepiece(path) == model
    True
    """
    problems = sentencepiece_problems(model)
    if problems and not force:
        raise ExportError(
            f"SentencePiece cannot use {len(problems)} of {len(model.pieces)} pieces as the model does: "
            f"{_summary(problems)}"
        )
    with atomic_writer(path) as file:
        file.write(_serialize(model, {problem.id for problem in problems if not problem.exported}))


def _serialize(model: Model, impossible: set[int]) -> bytes:
    special_tokens = model.special_tokens
    scores = log_probabilities(model.counts).tolist()
    symbols: list[tuple[str, float, int, bytes]] = []
    bytes_left = dict.fromkeys(range(256), 0.0)  # the scores of those that are not byte symbols yet
    for id, (piece, score, count) in enumerate(zip(model.pieces, scores, model.counts, strict=True), model.first_id):
        extra = field(_COUNT, count)
        if len(piece) == 1 and (piece == b"\0" or piece >= b"\x80"):
            del bytes_left[piece[0]]
            symbols.append((_byte_name(piece[0]), score, _BYTE, extra))
        elif id in impossible or spans_segments(piece):
            symbols.append((f"<unused {id}>", score, _UNUSED, extra + field(_PIECE, piece)))
        else:
            if len(piece) == 1:
                bytes_left[piece[0]] = score
            symbols.append((piece.decode().replace(" ", SPACE), score, _NORMAL, extra))
    symbols = in_id_order(model, symbols, lambda name: (name, 0.0, _CONTROL, b""))
    symbols += [(_byte_name(byte), score, _BYTE, b"") for byte, score in bytes_left.items()]
    unknown = "<unk>"
    while unknown in special_tokens:
        unknown = f"<{unknown}>"
    symbols.append((unknown, 0.0, _UNKNOWN, b""))

    trainer = {
        _MODEL_TYPE: _UNIGRAM,
        _VOCAB_SIZE: len(symbols),
        **dict.fromkeys((_SPLIT_BY_SCRIPT, _SPLIT_BY_WHITESPACE, _SPLIT_BY_NUMBER), False),
        _BYTE_FALLBACK: True,
        **dict(zip(_IDS, (len(symbols) - 1, *(special_tokens[name] for name in _ROLES)), strict=True)),
        **dict(zip(_NAMES, (unknown, *_ROLES), strict=True)),
    }
    normalizer = {
        _NORMALIZER_NAME: "identity",
        _CHARSMAP: b"",
        _SPACE_IN_FRONT: False,
        _REMOVE_SPACES: False,
        _ESCAPE_SPACES: True,
    }
    parts = [
        field(_SYMBOL, field(_NAME, name) + field(_SCORE, score) + field(_KIND, kind) + extra)
        for name, score, kind, extra in symbols
    ]
    parts += [field(_TRAINER, _message(trainer)), field(_NORMALIZER, _message(normalizer))]
    parts.append(field(_SETTINGS, json.dumps(model.settings, sort_keys=True)))
    return b"".join(parts)


_ROLES = ("<bos>", "<eos>", "<pad>")


def _message(values: dict[int, Any]) -> bytes:
    return b"".join(field(number, value) for number, value in values.items())


def _byte_name(byte: int) -> str:
    return f"<0x{byte:02X}>"


_BYTES_BY_NAME = {_byte_name(byte): bytes([byte]) for byte in range(256)}


# From SentencePiece.


@dataclass(frozen=True)
class _Symbol:
    name: str
    score: float
    kind: int
    count: int | None
    piece: bytes | None


def from_sentencepiece(path: str | os.PathLike[str]) -> Model:
    """Read a model from a SentencePiece model.

    What `to_sentencepiece` wrote comes back as it was. For another file, counts are searched that give its scores,
    which are float32, to the last bit. There are such counts for exports of BytePiece 0.6.3, and none for what
    SentencePiece trained.

    Raises `ImportModelError`, saying why, where no model gives the same ids: it is not unigram, lacks byte fallback,
    changes text, has symbols that a model cannot have, or scores that no counts give. Raises `OSError` where it cannot
    be read.

    >>> import os, tempfile
    >>> model = Model.from_counts({"red": 5, "house": 3}).with_special_tokens(["<|im_start|>"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "red.model")
    ...     to_sentencepiece(model, path)
    ...     from_sentencepiece(path) == model
    True
    """
    return parse_file(path, parse_sentencepiece)


def is_sentencepiece(data: bytes) -> bool:
    """Whether the bytes of a file look like those of a SentencePiece model, which begins with its first symbol."""
    return data.startswith(b"\n")


def parse_sentencepiece(data: bytes) -> Model:
    """The model in the bytes of a SentencePiece model; raises as `from_sentencepiece` does."""
    try:
        message = list(fields(data))
        symbols = [_parse_symbol(value) for number, value in message if number == _SYMBOL]
        specs = {
            number: dict(fields(_bytes(value)))
            for number, value in message
            if number in (_TRAINER, _NORMALIZER, _DENORMALIZER)
        }
        settings: Any = next((json.loads(_bytes(value)) for number, value in message if number == _SETTINGS), {})
    except (ValueError, RecursionError) as error:
        raise ImportModelError(f"not a SentencePiece model: {error}") from None
    _check_specs(*(specs.get(number, {}) for number in (_TRAINER, _NORMALIZER, _DENORMALIZER)))
    pieces, special_tokens = _vocabulary(symbols)
    of_pieces = list(pieces.values())
    given = [symbol.count for symbol in of_pieces]
    scores = np.array([symbol.score for symbol in of_pieces], dtype=np.float32)
    if isinstance(settings, dict) and all(given):
        model = Model(pieces, [count for count in given if count], settings, special_tokens)
        if np.array_equal(log_probabilities(model.counts).astype(np.float32), scores):
            return model
    return Model(pieces, counts_from_scores(scores), special_tokens=special_tokens)


def _bytes(value: int | bytes) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError(f"expected bytes, not the number {value}")
    return value


def _parse_symbol(value: int | bytes) -> _Symbol:
    values = dict(fields(_bytes(value)))
    kind, count, piece = values.get(_KIND, _NORMAL), values.get(_COUNT), values.get(_PIECE)
    if not isinstance(kind, int) or isinstance(count, bytes) or isinstance(piece, int):
        raise ValueError("a symbol with fields of the wrong types")
    return _Symbol(_bytes(values.get(_NAME, b"")).decode(), float32(values.get(_SCORE, bytes(4))), kind, count, piece)


def _check_specs(trainer: dict[int, Any], normalizer: dict[int, Any], denormalizer: dict[int, Any]) -> None:
    problems = {
        "it is not a unigram model": trainer.get(_MODEL_TYPE, _UNIGRAM) != _UNIGRAM,
        "it has no byte fallback, so not every text has pieces": not trainer.get(_BYTE_FALLBACK, 0),
        "it normalizes text": bool(normalizer.get(_CHARSMAP)),
        "it puts a space in front of text": bool(normalizer.get(_SPACE_IN_FRONT, 1)),
        "it removes spaces": bool(normalizer.get(_REMOVE_SPACES, 1)),
        "it changes text when it decodes": bool(denormalizer.get(_CHARSMAP)),
    }
    for problem, found in problems.items():
        if found:
            raise ImportModelError(f"no model does the same: {problem}")


def _vocabulary(symbols: list[_Symbol]) -> tuple[dict[bytes, _Symbol], list[str]]:
    """The pieces in id order with their symbols, and the added special tokens."""
    first_id = FIRST_PIECE_ID
    pieces: dict[bytes, _Symbol] = {}
    special_tokens: list[str] = []
    for id, symbol in enumerate(symbols):
        if id < first_id and symbol.kind in (_UNKNOWN, _CONTROL):
            continue
        piece = symbol.piece if symbol.kind in (_NORMAL, _UNUSED) else None
        if symbol.kind == _NORMAL and piece is None:
            piece = symbol.name.replace(SPACE, " ").encode()
        elif symbol.kind == _BYTE:
            piece = _BYTES_BY_NAME.get(symbol.name)
            if piece in pieces:
                continue
        elif symbol.kind == _UNKNOWN:
            continue
        elif symbol.kind == _CONTROL and id == first_id + len(pieces) + len(special_tokens):
            special_tokens.append(symbol.name)
            continue
        if piece is None or id < first_id:
            kind = _KINDS.get(symbol.kind, "normal")
            raise ImportModelError(f"the symbol {symbol.name!r} (id {id}) is {kind}: a model cannot have it there")
        if piece in pieces:
            raise ImportModelError(f"the piece {piece!r} is there twice, the second time as {symbol.name!r} (id {id})")
        if id != first_id + len(pieces):
            raise ImportModelError(f"the piece {piece!r} has the id {id}, and would get {first_id + len(pieces)}")
        pieces[piece] = symbol
    return pieces, special_tokens
