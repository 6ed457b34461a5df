"""What a vocabulary is like."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from bytepiece.model.model import Model
from bytepiece.text.utf8 import is_utf8
from bytepiece.tokenizer import Tokenizer

__all__ = ["inspect_model", "script_of_piece"]

N_EXAMPLES = 5


def inspect_model(model: Tokenizer | Model | str | os.PathLike[str]) -> dict[str, Any]:
    """Describe a vocabulary: that of a `Tokenizer`, a `Model`, or the path of a model file.

    Returns a dict with the keys

        ``ids`` and ``pieces``: how many there are; ``counts``: their sum; ``special_tokens``, with their ids;
        ``settings``.

        ``lengths``: the mean length of the pieces in bytes, the mean weighted by counts, and the number of pieces of
        each length.

        ``scripts``: for each script the number of its pieces, and their share of the counts.

        ``checks``: for each check the number of pieces that fail, and the `N_EXAMPLES` of them with the highest
        counts, as ``bytes``. ``used_by_no_text`` are the pieces that are not encoded as themselves: they are less
        probable than their parts, go across the end of a segment, or change when text is normalized. The other checks
        are what the settings promise. For the size, the number says how many ids there are too many.

    Raises, for a path, what `Model.load` raises.

    >>> report = inspect_model(Model.from_counts({"clock": 900, "tower": 400, "clocktower": 1, "钟": 7}))
    >>> report["pieces"], report["scripts"]["Han"]["pieces"], report["checks"]["used_by_no_text"]
    (260, 1, {'pieces': 1, 'examples': [b'clocktower']})
    """
    if isinstance(model, Tokenizer):
        model = model.model
    elif not isinstance(model, Model):
        model = Model.load(model)
    pieces, counts = model.pieces, np.array(model.counts, dtype=np.float64)
    lengths = model.packed.lengths
    total = sum(model.counts)
    return {
        "ids": model.vocab_size,
        "pieces": len(pieces),
        "counts": total,
        "special_tokens": model.special_tokens,
        "settings": model.settings,
        "lengths": {
            "mean": round(float(lengths.mean()), 2),
            "mean_by_counts": round(float((lengths * counts).sum() / total), 2),
            **{str(length): n for length, n in sorted(Counter(lengths.tolist()).items())},
        },
        "scripts": _scripts(pieces, model.counts),
        "checks": _checks(model, pieces),
    }


# Scripts.


def _scripts(pieces: list[bytes], counts: list[int]) -> dict[str, dict[str, float]]:
    n_pieces: Counter[str] = Counter()
    n_counts: Counter[str] = Counter()
    for piece, count in zip(pieces, counts, strict=True):
        script = script_of_piece(piece)
        n_pieces[script] += 1
        n_counts[script] += count
    total = n_counts.total()
    return {
        script: {"pieces": n, "share_of_counts": round(n_counts[script] / total, 4)}
        for script, n in n_pieces.most_common()
    }


def script_of_piece(piece: bytes) -> str:
    r"""The script of the letters of a piece; of a piece without letters, what it has instead.

    >>> script_of_piece("钟楼".encode()), script_of_piece(b" 12"), script_of_piece(b"\xe9")
    ('Han', 'digits', 'parts of characters')
    """
    try:
        text = piece.decode()
    except UnicodeDecodeError:
        return "parts of characters"
    scripts = {_script(character) for character in text if character.isalpha()}
    if scripts:
        return scripts.pop() if len(scripts) == 1 else "several scripts"
    if any(map(str.isdigit, text)):
        return "digits"
    return "spaces" if text.isspace() else "other characters"


@lru_cache(2**16)
def _script(letter: str) -> str:
    """The script of a letter: the first word of its Unicode name, once wide and mathematical letters are plain ones."""
    name = unicodedata.name(unicodedata.normalize("NFKC", letter)[0], "OTHER LETTERS")
    word = name.partition(" ")[0].partition("-")[0]
    return "Han" if word in ("CJK", "IDEOGRAPHIC") else word.title()


# Checks.


def _checks(model: Model, pieces: list[bytes]) -> dict[str, dict[str, Any]]:
    settings = model.settings
    failing = {"used_by_no_text": _unused(model, pieces)}
    if settings.get("ensure_unicode"):
        failing["not_whole_characters"] = _where(pieces, lambda piece: len(piece) > 1 and not is_utf8(piece))
    if settings.get("isolate_digits"):
        failing["with_digits_not_isolated"] = _where(pieces, lambda piece: _has_digit(piece) and not _is_one(piece))
    longest = settings.get("max_piece_length")
    if isinstance(longest, int):
        failing["longer_than_max_piece_length"] = _where(pieces, lambda piece: len(piece) > longest)
    checks: dict[str, dict[str, Any]] = {name: _summary(model, pieces, which) for name, which in failing.items()}
    size = settings.get("vocab_size")
    if isinstance(size, int):
        checks["beyond_vocab_size"] = {"pieces": max(0, model.vocab_size - size)}
    return checks


def _unused(model: Model, pieces: list[bytes]) -> list[int]:
    """The pieces that are not encoded as themselves."""
    ids, offsets = Tokenizer(model).encode_batch_to_numpy(pieces)
    used = (np.diff(offsets) == 1) & (ids[offsets[:-1]] == np.arange(len(pieces)) + model.first_id)
    return np.flatnonzero(~used).tolist()


def _where(pieces: list[bytes], fails: Callable[[bytes], bool]) -> list[int]:
    return [k for k, piece in enumerate(pieces) if fails(piece)]


def _has_digit(piece: bytes) -> bool:
    return any(map(str.isdecimal, piece.decode(errors="ignore")))


def _is_one(piece: bytes) -> bool:
    """Whether a piece is one character."""
    return is_utf8(piece) and len(piece.decode()) == 1


def _summary(model: Model, pieces: list[bytes], which: list[int]) -> dict[str, Any]:
    counts = model.counts
    examples = sorted(which, key=lambda k: -counts[k])[:N_EXAMPLES]
    return {"pieces": len(which), "examples": [pieces[k] for k in examples]}
