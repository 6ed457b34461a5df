r"""Hugging Face: ``tokenizer.json`` for ``tokenizers``, ``tokenizer_config.json`` for ``transformers``.

``tokenizers`` can do exactly what a model does, ties included: its ``Unigram`` also sums float64 from left to right,
and of equal sums the longest piece wins. Three things have to be arranged:

- Its pieces are text. So each byte is spelled as a character, in GPT-2's alphabet (``ByteLevel``).
- It does not cut text by itself. ``Split`` makes it cut after newlines; sums over a whole text would be rounded
  differently from those over segments.
- It reads one decimal fraction in four with a wrong last bit. So where the scores cannot be written as numbers that it
  reads exactly, all are multiplied by one power of two that makes them whole numbers. No comparison of sums changes, so
  no segmentation does. (To sample with its ``alpha``, divide ``alpha`` by that factor.)

Special tokens are pieces with their ids and names, and with a score so low that no text produces them. ``tokenizers``
finds a token in any text if ``tokenizer.json`` also lists it as an added token; a model finds it only where the call
allows it. So they are listed if the model has special tokens of its own, as chat templates need it, and not where the
strict form is asked for. ``transformers`` learns them from ``tokenizer_config.json`` in both cases, and the strict form
from its ``split_special_tokens``.

``tokenizer_class`` names the class of `bytepiece.huggingface`. ``transformers`` 5 takes its own for a name that it does
not know.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import log_probabilities
from bytepiece.errors import ExportError, ImportModelError, check_int
from bytepiece.exchange.recovery import counts_from_scores, no_probabilities
from bytepiece.exchange.shared import in_id_order, parse_file
from bytepiece.files import atomic_writer
from bytepiece.model.model import Model
from bytepiece.model.reserved import FIRST_PIECE_ID, RESERVED_TOKENS
from bytepiece.nesting import check_depth

__all__ = [
    "finds_special_tokens",
    "from_huggingface",
    "is_tokenizer",
    "model_of_document",
    "parse_tokenizer",
    "spell",
    "to_huggingface",
    "tokenizer_config",
    "tokenizer_json",
    "with_vocabulary",
]

TOKENIZER, CONFIG, CODE = "tokenizer.json", "tokenizer_config.json", "tokenization_bytepiece.py"

NO_LENGTH = int(1e30)
"""The ``model_max_length`` that ``transformers`` writes where there is no limit."""

UNREACHABLE = -1e30
"""The score of special tokens: any text has a segmentation with a higher score."""

_MODEL_KEY = re.compile(rb'"model"\s*:')  # BytePiece's JSON has no such key: its keys are base64 of pieces

_SPLIT = {"type": "Split", "pattern": {"Regex": "\\n+"}, "behavior": "MergedWithPrevious", "invert": False}
_BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}


def _alphabet() -> Iterable[str]:
    """GPT-2's character for each byte: itself if it is visible in Latin-1, else the next one from U+0100 on."""
    other = 0x100
    for byte in range(256):
        if 0x21 <= byte <= 0x7E or 0xA1 <= byte <= 0xAC or byte >= 0xAE:
            yield chr(byte)
        else:
            yield chr(other)
            other += 1


_SPELL = dict(enumerate(_alphabet()))
_UNSPELL = {ord(character): byte for byte, character in _SPELL.items()}


def spell(piece: bytes) -> str:
    """A piece in GPT-2's alphabet."""
    return piece.decode("latin-1").translate(_SPELL)


# To Hugging Face.


def to_huggingface(
    model: Model,
    folder: str | os.PathLike[str],
    *,
    special_tokens_as_text: bool = False,
    model_max_length: int | None = None,
    auto_map: bool = False,
) -> None:
    """Write a folder that ``transformers.AutoTokenizer`` and ``tokenizers`` load, and that gives the same ids there.

    ``AutoTokenizer`` makes a `bytepiece.huggingface.BytePieceTokenizer` of it if that is imported, and else the fast
    tokenizer of ``transformers``.

    Args:
        model: the model. With ``"nfc"``, ``tokenizers`` normalizes by its own Unicode tables.
        folder: it is made if it is not there. Each of its files is written whole or not at all.
        special_tokens_as_text: leave the names of special tokens in text as they are. Without it, they are found in
            any text if the model has special tokens of its own, as is usual there and as chat templates need; then
            whoever writes the text can write special tokens.
        model_max_length: the number of ids that ``truncation=True`` leaves; None for no limit.
        auto_map: for folders that are loaded with ``trust_remote_code=True``: write a file that imports our class, so
            that the caller need not. Without ``trust_remote_code`` such a folder gives the fast tokenizer, in
            ``transformers`` 4 too.

    Raises:
        ExportError: a piece is spelled like a special token; or ``tokenizers`` would not read a score exactly, which
            happens only where one piece has nearly all the counts.
        SettingsError: ``model_max_length`` is not an int above 0.
        OSError: it cannot be written.

    >>> import os, tempfile
    >>> model = Model.from_counts({"red": 5, "house": 3})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     to_huggingface(model, folder)
    ...     sorted(os.listdir(folder)), from_huggingface(folder) == model
    (['tokenizer.json', 'tokenizer_config.json'], True)
    """
    config = tokenizer_config(model, special_tokens_as_text)
    if model_max_length is not None:
        check_int("model_max_length", model_max_length, 1, NO_LENGTH)
        config["model_max_length"] = model_max_length
    if auto_map:
        config["tokenizer_class"] = "PreTrainedTokenizerFast"
        config["auto_map"] = {"AutoTokenizer": [None, f"{CODE.removesuffix('.py')}.BytePieceTokenizer"]}
    files = {
        TOKENIZER: tokenizer_json(model, special_tokens_as_text),
        CONFIG: json.dumps(config, ensure_ascii=False, indent=2) + "\n",
    }
    if auto_map:
        files[CODE] = "from bytepiece.huggingface import BytePieceTokenizer  # noqa: F401\n"
    new = not os.path.isdir(folder)
    if new:
        os.mkdir(folder)
    try:
        for name, text in files.items():
            with atomic_writer(os.path.join(folder, name)) as file:
                file.write(text.encode())
    except BaseException:
        if new:
            with suppress(OSError):
                os.rmdir(folder)
        raise


def finds_special_tokens(model: Model, special_tokens_as_text: bool) -> bool:
    """Whether an export finds special tokens in text: not without any of its own, nor in the strict form."""
    return not special_tokens_as_text and len(model.special_tokens) > len(RESERVED_TOKENS)


def tokenizer_json(model: Model, special_tokens_as_text: bool) -> str:
    """A model as ``tokenizer.json``. Raises what `to_huggingface` raises."""
    special_tokens = model.special_tokens
    for piece in model.pieces:
        if (spelling := spell(piece)) in special_tokens:
            raise ExportError(f"the piece {piece!r} would have the name of the special token {spelling!r}")
    added = special_tokens if finds_special_tokens(model, special_tokens_as_text) else {}
    document: dict[str, Any] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": id, "content": name, **_ADDED} for name, id in added.items()],
        "normalizer": {"type": "NFC"} if model.normalization == "nfc" else None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [_SPLIT, _BYTE_LEVEL]},
        "post_processor": None,
        "decoder": _BYTE_LEVEL,
    }
    return with_vocabulary(document, model)


def with_vocabulary(document: Mapping[str, Any], model: Model) -> str:
    """A parsed ``tokenizer.json`` as text, with the vocabulary of a model in place of its own.

    Raises `ExportError` if ``tokenizers`` would not read the scores exactly.
    """
    numbers = _numbers(log_probabilities(model.counts).tolist())
    spelled = map(spell, model.pieces)
    rows = in_id_order(model, zip(spelled, numbers, strict=True), lambda name: (name, str(UNREACHABLE)))
    unigram: dict[str, Any] = {"type": "Unigram", "unk_id": None, "byte_fallback": False, "vocab": []}
    head, _, tail = json.dumps({**document, "model": unigram}, ensure_ascii=False).rpartition("[]")
    vocabulary = ",\n".join(f"[{json.dumps(name, ensure_ascii=False)}, {number}]" for name, number in rows)
    return f"{head}[\n{vocabulary}\n]{tail}\n"


_ADDED = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}


def tokenizer_config(model: Model, special_tokens_as_text: bool) -> dict[str, Any]:
    """What ``tokenizer_config.json`` says of a model. No token is unknown: every byte has a piece."""
    config = {
        "tokenizer_class": "BytePieceTokenizer",
        "pad_token": "<pad>",
        "bos_token": "<bos>",
        "eos_token": "<eos>",
        "unk_token": None,
        "model_max_length": NO_LENGTH,
        "added_tokens_decoder": {str(id): {"content": name, **_ADDED} for name, id in model.special_tokens.items()},
        "clean_up_tokenization_spaces": False,
        "split_special_tokens": not finds_special_tokens(model, special_tokens_as_text),
    }
    # `bytepiece.huggingface` has to know whether it was asked for, or the model only has none of its own yet.
    return config | ({"special_tokens_as_text": True} if special_tokens_as_text else {})


def _numbers(scores: list[float]) -> list[str]:
    """The scores as JSON that ``tokenizers`` reads exactly, all times a power of two where that is needed."""
    distinct = sorted(set(scores), key=abs, reverse=True)
    largest = max(0, 63 - math.frexp(distinct[0])[1])  # whole numbers must be below 2**63
    for exponent in (0, *range(largest, 0, -1)):
        numbers = {}
        for score in distinct:
            number = _exact_number(math.ldexp(score, exponent))
            if number is None:
                break
            numbers[score] = number
        else:
            return [numbers[score] for score in scores]
    raise ExportError("tokenizers would not read the scores of the pieces exactly: one makes up nearly all the counts")


def _exact_number(value: float) -> str | None:
    """A decimal number that serde_json, as ``tokenizers`` uses it, reads as this very float; None if there is none.

    It reads the digits as a whole number below 2**64, converts that to a float, and divides it by a power of ten. Up to
    10**22 the power is exact. If the digits are exact as a float too, only the division rounds, and it rounds right.
    """
    if value == 0 or value.is_integer():
        return str(int(value))
    for exponent in range(1, 23):
        digits = value * 10**exponent
        if abs(digits) >= 2**64 or not digits.is_integer():
            digits = float(round(digits))
        for near in (digits, math.nextafter(digits, 0), math.nextafter(digits, math.inf * digits)):
            if near.is_integer() and abs(near) < 2**64 and near / 10**exponent == value:
                return f"{int(near)}e-{exponent}"
    return None


# From Hugging Face.


def from_huggingface(path: str | os.PathLike[str]) -> Model:
    """Read a model from a ``tokenizer.json``, or a folder that has one.

    Special tokens may have been added to it there. The training settings are not in such a file.

    Raises `ImportModelError`, saying why, where no model gives exactly the same ids: it is another kind of tokenizer,
    has other settings than those that `to_huggingface` writes, or has scores that no counts give. Raises `OSError`
    where it cannot be read.

    >>> import os, tempfile
    >>> model = Model.from_counts({"red": 5, "house": 3}).with_special_tokens(["<|im_start|>"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     to_huggingface(model, folder)
    ...     from_huggingface(os.path.join(folder, "tokenizer.json")) == model
    True
    """
    return parse_file(os.path.join(path, TOKENIZER) if os.path.isdir(path) else path, parse_tokenizer)


def is_tokenizer(data: bytes) -> bool:
    """Whether the bytes of a file look like those of a ``tokenizer.json``."""
    return data.lstrip()[:1] == b"{" and _MODEL_KEY.search(data) is not None


def parse_tokenizer(data: bytes) -> Model:
    """The model in the bytes of a ``tokenizer.json``; raises as `from_huggingface` does."""
    try:
        document = json.loads(data)
        check_depth(document)
    except (ValueError, RecursionError) as error:
        raise ImportModelError(f"not valid JSON: {error}") from None
    rows, normalization = _read_pipeline(document)
    for name in ("truncation", "padding"):
        if document.get(name) is not None:
            raise ImportModelError(f"the {name} {_show(document[name])}: it must be none")
    if not _adds_nothing(document.get("post_processor")):
        raise ImportModelError(f"the post_processor {_show(document.get('post_processor'))}: it must add nothing")
    added_tokens = document.get("added_tokens") or []
    if not isinstance(added_tokens, list) or not all(map(_is_added_token, added_tokens)):
        raise ImportModelError("the added tokens must be a list, each with content and id")
    for token in added_tokens:
        if {name: token.get(name, value) for name, value in _ADDED.items()} != _ADDED:
            raise ImportModelError(f"the added token {_show(token)}: it must be {_show(_ADDED)}")
    return _model_of(rows, added_tokens, normalization)


def model_of_document(document: Any) -> Model:
    """The model in a parsed ``tokenizer.json``, without tokens that were added to it, truncation and the like.

    Raises `ImportModelError` as `from_huggingface` does.
    """
    rows, normalization = _read_pipeline(document)
    return _model_of(rows, [], normalization)


def _read_pipeline(document: Any) -> tuple[list[list[Any]], str | None]:
    """The vocabulary and the normalization of a tokenizer.

    Raises `ImportModelError` unless it does to text what some model does.
    """
    if not isinstance(document, dict) or not isinstance(document.get("model"), dict):
        raise ImportModelError("no tokenizer: it has no model")
    model, normalizer = document["model"], document.get("normalizer")
    if model.get("type") != "Unigram":
        raise ImportModelError(f"a model of type {model.get('type')!r}: only Unigram can be a model here")
    if normalizer not in (None, {"type": "NFC"}):
        raise ImportModelError(f"the normalizer {_show(normalizer)}: a model has NFC or none")
    if not _is_pre_tokenizer(document.get("pre_tokenizer")):
        raise ImportModelError(
            f"the pre-tokenizer {_show(document.get('pre_tokenizer'))}: it must cut after each run of newlines (Split, "
            "regex \\n+, MergedWithPrevious), and then be ByteLevel without prefix space and regex"
        )
    decoder = document.get("decoder")
    if not isinstance(decoder, dict) or decoder.get("type") != "ByteLevel":
        raise ImportModelError(f"the decoder {_show(decoder)}: it must be ByteLevel")
    rows = model.get("vocab")
    if not isinstance(rows, list) or not all(map(_is_row, rows)):
        raise ImportModelError("the vocabulary must be a list of names with scores")
    return rows, "nfc" if normalizer else None


def _show(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)[:200]


def _is_pre_tokenizer(value: object) -> bool:
    steps = value.get("pretokenizers") if isinstance(value, dict) else None
    if not isinstance(steps, list) or len(steps) != 2 or not isinstance(steps[1], dict):
        return False
    split, byte_level = steps
    return split == _SPLIT and {**byte_level, "trim_offsets": False} == _BYTE_LEVEL


def _adds_nothing(value: object) -> bool:
    """Whether a post-processor leaves the ids as they are: there is none, or the one that ``transformers`` writes."""
    if not isinstance(value, dict):
        return value is None
    single = value.get("single")
    return value.get("type") == "TemplateProcessing" and single == [{"Sequence": {"id": "A", "type_id": 0}}]


def _is_row(row: object) -> bool:
    return isinstance(row, list) and len(row) == 2 and isinstance(row[0], str) and _is_number(row[1])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) < 1e300


def _is_added_token(token: object) -> bool:
    return isinstance(token, dict) and isinstance(token.get("content"), str) and isinstance(token.get("id"), int)


def _model_of(rows: list[list[Any]], added_tokens: list[dict[str, Any]], normalization: str | None) -> Model:
    """The model of a vocabulary: rows of a name and a score, in id order."""
    special_tokens = {name: id for id, (name, score) in enumerate(rows) if score <= UNREACHABLE}
    special_tokens |= {token["content"]: token["id"] for token in added_tokens}
    names = sorted(special_tokens, key=special_tokens.__getitem__)
    # Special tokens that were added later are only in the list of added tokens.
    n_ids = len(rows) + sum(id >= len(rows) for id in special_tokens.values())
    end = n_ids - len(names) + FIRST_PIECE_ID
    ids = [*range(FIRST_PIECE_ID), *range(end, n_ids)]
    if names[:FIRST_PIECE_ID] != [*RESERVED_TOKENS] or [special_tokens[name] for name in names] != ids:
        raise ImportModelError(
            f"its special tokens are {special_tokens}; a model has {dict(RESERVED_TOKENS)}, and others after the pieces"
        )
    if any(rows[id][0] != name for name, id in special_tokens.items() if id < len(rows)):
        raise ImportModelError("special tokens do not have the ids that the vocabulary gives them")
    pieces = []
    for id, (name, _) in enumerate(rows[FIRST_PIECE_ID:end], FIRST_PIECE_ID):
        try:
            pieces.append(bytes(_UNSPELL[ord(character)] for character in name))
        except KeyError:
            raise ImportModelError(
                f"the piece {name!r} (id {id}) is not spelled in GPT-2's alphabet of bytes"
            ) from None
    scores = np.array([score for _, score in rows[FIRST_PIECE_ID:end]], dtype=np.float64)
    return Model(pieces, _counts(scores), {"normalization": normalization}, names[FIRST_PIECE_ID:])


def _counts(scores: NDArray[np.float64]) -> list[int]:
    """The counts behind the scores, which may have been multiplied by a power of two."""
    errors = []
    for exponent in range(64):
        divided = np.ldexp(scores, -exponent)
        if abs(np.exp(np.minimum(divided, 0)).sum() - 1) < 1e-4:
            try:
                return counts_from_scores(divided)
            except ImportModelError as error:
                errors.append(error)
    raise errors[0] if errors else no_probabilities(scores)
