"""The ids of ``<bos>`` and ``<eos>`` around those of texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytepiece.model.reserved import RESERVED_TOKENS

__all__ = ["add_to_arrays", "add_to_list"]

_BOS, _EOS = RESERVED_TOKENS["<bos>"], RESERVED_TOKENS["<eos>"]


def add_to_list(items: list[Any], add_bos: bool, add_eos: bool, of_id: Callable[[int], object] = lambda id: id) -> None:
    """Put ``<bos>`` first and ``<eos>`` last, in a list of ids or of parts; or what ``of_id`` makes of their ids."""
    if add_bos:
        items.insert(0, of_id(_BOS))
    if add_eos:
        items.append(of_id(_EOS))


def add_to_arrays(
    ids: NDArray[np.uint32], offsets: NDArray[np.int64], add_bos: bool, add_eos: bool
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """The same around the ids of each text, ``ids[offsets[k]:offsets[k + 1]]``; the new ids and offsets.

    >>> ids, offsets = add_to_arrays(np.array([7, 8, 9], np.uint32), np.array([0, 2, 2, 3]), True, True)
    >>> ids.tolist(), offsets.tolist()
    ([1, 7, 8, 2, 1, 2, 1, 9, 2], [0, 4, 6, 9])
    """
    n_added = bool(add_bos) + bool(add_eos)
    if not n_added:
        return ids, offsets
    new_offsets = offsets + n_added * np.arange(len(offsets))
    new_ids = np.empty(new_offsets[-1], dtype=np.uint32)
    of_text = np.ones(len(new_ids), dtype=np.bool_)
    for add, places, id in ((add_bos, new_offsets[:-1], _BOS), (add_eos, new_offsets[1:] - 1, _EOS)):
        if add:
            new_ids[places] = id
            of_text[places] = False
    new_ids[of_text] = ids
    return new_ids, new_offsets
