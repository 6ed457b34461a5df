"""What vocabularies are like: one by itself, and two side by side."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.automaton import Automaton, log_probabilities
from bytepiece.core.segment import segment_parts
from bytepiece.model.model import Model
from bytepiece.text.utf8 import is_utf8
from bytepiece.tokenizer import Tokenizer

__all__ = ["compare_models", "inspect_model"]

N_EXAMPLES = 5

_BATCH_BYTES = 2**22  # of texts that are encoded together


def inspect_model(model: Model) -> dict[str, Any]:
    """Describe a vocabulary.

    Returns:
        ``ids`` and ``pieces``, how many there are; ``counts``, their sum; ``special_tokens`` with their ids;
        ``settings``;

        ``lengths`` of the pieces in bytes: how many pieces have each, their mean, and the mean that counts as weights
        give;

        ``scripts``: how many pieces are in each, after the names of their letters, and their share of the counts;

        ``checks``: for each the pieces that fail, as their number and, as ``bytes``, the `N_EXAMPLES` most counted
        ones. Those that no text uses are less probable than their parts, go across the end of a segment, or are not
        normalized where text is. The other checks are what the settings promise; of the size the number says by how
        much it is too large.

    >>> report = inspect_model(Model.from_counts({"clock": 900, "tower": 400, "clocktower": 1, "钟": 7}))
    >>> report["pieces"], report["scripts"]["Han"]["pieces"], report["checks"]["used_by_no_text"]
    (260, 1, {'pieces': 1, 'examples': [b'clocktower']})
    """
    pieces, counts = model.pieces, np.array(model.counts, dtype=np.float64)
    lengths = np.diff(model.packed[1])
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


def compare_models(first: Model, second: Model, texts: Iterable[str | bytes] = ()) -> dict[str, Any]:
    """Describe how two vocabularies differ, and what they make of texts.

    Args:
        first: a model.
        second: another one. Where a pair of figures is given, its own comes second.
        texts: encoded with both, if there are any.

    Returns:
        ``settings`` that differ; ``pieces``: how many each has, how many are in both and how many of these with the
        same id, and the `N_EXAMPLES` most counted ones, as ``bytes``, that only one has; ``special_tokens`` that only
        one has, with their ids;

        ``texts``, if there are any: their number and bytes, tokens of each model and bytes per token, tokens of the
        second for one of the first, and how many texts have the same pieces.

    Raises what `Tokenizer.encode` and reading the texts raise.

    >>> report = compare_models(Model.from_counts({"the": 5}), Model.from_counts({"the": 9, "he": 2}), ["the", "he"])
    >>> report["pieces"]["both"], report["pieces"]["only_second"], report["texts"]["tokens"]
    (257, [b'he'], (3, 2))
    """
    settings, others = first.settings, second.settings
    tokens, other_tokens = first.special_tokens, second.special_tokens
    pairs = _same_pieces(first, second)
    report = {
        "settings": {
            name: (settings.get(name), others.get(name))
            for name in sorted(settings.keys() | others.keys())
            if settings.get(name) != others.get(name)
        },
        "pieces": {
            "each": (len(first.pieces), len(second.pieces)),
            "both": int((pairs >= 0).sum()),
            "same_id": int((pairs == np.arange(len(pairs))).sum()),
            "only_first": _most_counted(first, set(second.pieces)),
            "only_second": _most_counted(second, set(first.pieces)),
        },
        "special_tokens": {
            "only_first": {name: id for name, id in tokens.items() if name not in other_tokens},
            "only_second": {name: id for name, id in other_tokens.items() if name not in tokens},
        },
    }
    encoded = _encode_with_both(first, second, pairs, texts)
    return report | ({"texts": encoded} if encoded else {})


# Scripts.


def _scripts(pieces: list[bytes], counts: list[int]) -> dict[str, dict[str, float]]:
    n_pieces: Counter[str] = Counter()
    n_counts: Counter[str] = Counter()
    for piece, count in zip(pieces, counts, strict=True):
        script = _script_of_piece(piece)
        n_pieces[script] += 1
        n_counts[script] += count
    total = n_counts.total()
    return {
        script: {"pieces": n, "share_of_counts": round(n_counts[script] / total, 4)}
        for script, n in n_pieces.most_common()
    }


def _script_of_piece(piece: bytes) -> str:
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
    """The script of a letter, as its name tells: the first word, once wide and mathematical letters are plain ones."""
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
    size = settings.get("max_vocab_size")
    if isinstance(size, int):
        checks["beyond_max_vocab_size"] = {"pieces": max(0, model.vocab_size - size)}
    return checks


def _unused(model: Model, pieces: list[bytes]) -> list[int]:
    data, offsets, counts = model.packed
    automaton = Automaton((data, offsets), log_probabilities(counts))
    _, ends = segment_parts(automaton, data, offsets, 0, len(pieces))
    unused = np.diff(ends, prepend=0) != 1
    if model.normalization == "nfc":
        # What a normalized text consists of is normalized, however it is cut.
        unused |= [is_utf8(piece) and not unicodedata.is_normalized("NFC", piece.decode()) for piece in pieces]
    return np.flatnonzero(unused).tolist()


def _where(pieces: list[bytes], fails: Callable[[bytes], bool]) -> list[int]:
    return [k for k, piece in enumerate(pieces) if fails(piece)]


def _has_digit(piece: bytes) -> bool:
    return any(map(str.isdecimal, piece.decode(errors="ignore")))


def _is_one(piece: bytes) -> bool:
    return is_utf8(piece) and len(piece.decode()) == 1


def _summary(model: Model, pieces: list[bytes], which: list[int]) -> dict[str, Any]:
    counts = model.counts
    examples = sorted(which, key=lambda k: -counts[k])[:N_EXAMPLES]
    return {"pieces": len(which), "examples": [pieces[k] for k in examples]}


# Two models.


def _same_pieces(first: Model, second: Model) -> NDArray[np.int64]:
    """For each piece of the first model its number in the second, or -1."""
    numbers = {piece: k for k, piece in enumerate(second.pieces)}
    return np.array([numbers.get(piece, -1) for piece in first.pieces], dtype=np.int64)


def _most_counted(model: Model, others: set[bytes]) -> list[bytes]:
    left = [(count, piece) for piece, count in zip(model.pieces, model.counts, strict=True) if piece not in others]
    return [piece for _, piece in sorted(left, key=lambda pair: -pair[0])[:N_EXAMPLES]]


def _encode_with_both(
    first: Model, second: Model, pairs: NDArray[np.int64], texts: Iterable[str | bytes]
) -> dict[str, Any]:
    tokenizers = Tokenizer(first), Tokenizer(second)
    n_texts = n_bytes = n_same = 0
    n_tokens = [0, 0]
    for batch, size in _batches(texts):
        (ids, offsets), (other_ids, other_offsets) = (each.encode_batch_to_numpy(batch) for each in tokenizers)
        n_texts += len(batch)
        n_bytes += size
        n_tokens[0] += len(ids)
        n_tokens[1] += len(other_ids)
        ids_in_second = pairs[ids.astype(np.int64) - first.first_id] + second.first_id
        for (begin, end), (other_begin, other_end) in zip(
            pairwise(offsets.tolist()), pairwise(other_offsets.tolist()), strict=True
        ):
            n_same += np.array_equal(ids_in_second[begin:end], other_ids[other_begin:other_end])
    if not n_bytes:
        return {}
    return {
        "texts": n_texts,
        "bytes": n_bytes,
        "tokens": tuple(n_tokens),
        "bytes_per_token": tuple(round(n_bytes / n, 4) for n in n_tokens),
        "tokens_of_second_for_one_of_first": round(n_tokens[1] / n_tokens[0], 4),
        "texts_with_the_same_pieces": n_same,
    }


def _batches(texts: Iterable[str | bytes]) -> Iterator[tuple[list[str | bytes], int]]:
    """Texts, some MB at a time, with their bytes."""
    batch: list[str | bytes] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
        if size >= _BATCH_BYTES:
            yield batch, size
            batch, size = [], 0
    if batch:
        yield batch, size
