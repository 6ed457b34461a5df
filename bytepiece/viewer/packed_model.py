"""A model as the page carries it: small, and quick to read in a browser.

The layout is that of `bytepiece/viewer/page/packed_model.js`, which reads it: the length of the header (uint32), the
header (JSON), then columns, all compressed together. A column of numbers lies in planes: the lowest bytes of all
numbers, then the second bytes, and so on. Planes compress far better than numbers, whose high bytes are mostly zeros.

Pieces of the same count have the same score. So there is a table of the distinct counts, which ascend and are given by
their differences, and of their scores; a piece has the number of its count. Scores come out as the very doubles they
are: each is predicted from the one before, in plain IEEE arithmetic, and what travels is how many doubles lie between,
mostly 0 or 1.
"""

from __future__ import annotations

import json
import zlib
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bytepiece.analysis.inspection import script_of_piece
from bytepiece.core.automaton import log_probabilities
from bytepiece.model.model import Model

__all__ = ["pack_model"]


def pack_model(model: Model, name: str) -> bytes:
    """The bytes of a model, under a name to show.

    >>> len(pack_model(Model.from_counts({"clock": 7}), "clock")) < 1000
    True
    """
    pieces = model.pieces
    shared = [_n_shared(before, piece) for before, piece in pairwise([b"", *pieces])]
    suffixes = b"".join(piece[n:] for piece, n in zip(pieces, shared, strict=True))
    counts, ranks = np.unique(model.packed.counts, return_inverse=True)
    scripts = [*map(script_of_piece, pieces)]
    script_names = sorted(set(scripts))
    header = {
        "name": name,
        "first_id": model.first_id,
        "pieces": len(pieces),
        "suffix_bytes": len(suffixes),
        "distinct_counts": len(counts),
        "special_tokens": [*model.special_tokens.items()],
        "settings": model.settings,
        "scripts": script_names,
    }
    number_of = {script: number for number, script in enumerate(script_names)}
    columns = [
        _planes(np.array(shared, dtype="<u2")),
        _planes((model.packed.lengths - shared).astype("<u2")),
        suffixes,
        _planes(ranks.astype("<u4")),
        _planes(np.array([number_of[script] for script in scripts], dtype="<u2")),
        _planes(np.diff(counts, prepend=np.uint64(0)).astype("<u8")),
        _planes(_corrections(counts, _scores(model, counts)).astype("<u8")),
    ]
    text = json.dumps(header).encode()
    return zlib.compress(b"".join([len(text).to_bytes(4, "little"), text, *columns]), 9)


def _n_shared(piece: bytes, other: bytes) -> int:
    """The number of bytes with which both begin."""
    n = 0
    for byte, other_byte in zip(piece, other, strict=False):
        if byte != other_byte:
            break
        n += 1
    return n


def _scores(model: Model, distinct: NDArray[np.uint64]) -> NDArray[np.float64]:
    """The score of the pieces of each count."""
    scores = np.empty(len(distinct), dtype=np.float64)
    scores[np.searchsorted(distinct, model.packed.counts)] = log_probabilities(model.packed.counts)
    return scores


def _corrections(counts: NDArray[np.uint64], scores: NDArray[np.float64]) -> NDArray[np.uint64]:
    """How many doubles lie between each score and what the one before predicts: 2n for n above it, 2n - 1 for n below.

    The logarithm of a quotient is 2 artanh(x), here by the first terms of its series. x is small for large counts.
    """
    before, after = counts[:-1].astype(np.float64), counts[1:].astype(np.float64)
    x = (after - before) / (after + before)
    y = x * x
    predicted = scores[:-1] + 2 * x * (1 + y * (1 / 3 + y * (1 / 5 + y * (1 / 7))))
    distances = scores.view(np.int64) - np.concatenate([[0.0], predicted]).view(np.int64)
    return (distances << 1 ^ distances >> 63).view(np.uint64)


def _planes(numbers: NDArray[np.generic]) -> bytes:
    width = numbers.dtype.itemsize
    return numbers.view(np.uint8).reshape(-1, width).T.tobytes()
