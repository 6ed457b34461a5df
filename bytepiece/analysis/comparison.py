"""How two vocabularies differ."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytepiece.analysis.batches import batches
from bytepiece.model.model import Model
from bytepiece.text.preparation import to_bytes
from bytepiece.tokenizer import Tokenizer

__all__ = ["compare_models"]

N_EXAMPLES = 5


def compare_models(
    first: Model, second: Model, texts: Iterable[str | bytes] = (), workers: int | None = None
) -> dict[str, Any]:
    """Describe how two vocabularies differ, and how each encodes some texts.

    Args:
        first: a model.
        second: another model. In each pair of figures its own comes second.
        texts: the texts that both encode.
        workers: the number of threads that encode, None for one on each processor.

    Returns a dict with the keys

        ``settings``: those that differ.

        ``pieces``: how many pieces each model has, how many both have, and how many both have with the same id; and of
        those that only one model has, the `N_EXAMPLES` with the highest counts, as ``bytes``.

        ``special_tokens``: those that only one model has, with their ids.

        ``texts``, unless they are empty: their number and bytes; for each model its tokens and bytes per token; the
        tokens of the second model for one of the first; and the number of texts that both cut into the same pieces.

    Raises `TextError` for what is neither ``str`` nor ``bytes`` and for a lone surrogate, and what reading the texts
    raises.

    >>> report = compare_models(Model.from_counts({"the": 5}), Model.from_counts({"the": 9, "he": 2}), ["the", "he"])
    >>> report["pieces"]["both"], report["pieces"]["only_second"], report["texts"]["tokens"]
    (257, [b'he'], (3, 2))
    """
    settings, others = first.settings, second.settings
    tokens, other_tokens = first.special_tokens, second.special_tokens
    numbers = _numbers_in_second(first, second)
    report = {
        "settings": {
            name: (settings.get(name), others.get(name))
            for name in sorted(settings.keys() | others.keys())
            if settings.get(name) != others.get(name)
        },
        "pieces": {
            "each": (len(first.pieces), len(second.pieces)),
            "both": int((numbers >= 0).sum()),
            "same_id": int((numbers == np.arange(len(numbers))).sum()),
            "only_first": _most_counted(first, set(second.pieces)),
            "only_second": _most_counted(second, set(first.pieces)),
        },
        "special_tokens": {
            "only_first": {name: id for name, id in tokens.items() if name not in other_tokens},
            "only_second": {name: id for name, id in other_tokens.items() if name not in tokens},
        },
    }
    encoded = _encode_with_both(first, second, numbers, texts, workers)
    return report | ({"texts": encoded} if encoded else {})


def _numbers_in_second(first: Model, second: Model) -> NDArray[np.int64]:
    """For each piece of the first model its number in the second, or -1."""
    numbers = {piece: k for k, piece in enumerate(second.pieces)}
    return np.array([numbers.get(piece, -1) for piece in first.pieces], dtype=np.int64)


def _most_counted(model: Model, others: set[bytes]) -> list[bytes]:
    """The pieces with the highest counts that are not among others."""
    left = [(count, piece) for piece, count in zip(model.pieces, model.counts, strict=True) if piece not in others]
    return [piece for _, piece in sorted(left, key=lambda pair: -pair[0])[:N_EXAMPLES]]


def _encode_with_both(
    first: Model,
    second: Model,
    numbers_in_second: NDArray[np.int64],
    texts: Iterable[str | bytes],
    workers: int | None,
) -> dict[str, Any]:
    tokenizers = Tokenizer(first), Tokenizer(second)
    n_texts = n_bytes = n_same = 0
    n_tokens = [0, 0]
    for batch in batches(map(to_bytes, texts)):
        (ids, offsets), (other_ids, other_offsets) = (each.encode_batch_to_numpy(batch, workers) for each in tokenizers)
        n_texts += len(batch)
        n_bytes += sum(map(len, batch))
        n_tokens[0] += len(ids)
        n_tokens[1] += len(other_ids)
        ids_in_second = numbers_in_second[ids.astype(np.int64) - first.first_id] + second.first_id
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
