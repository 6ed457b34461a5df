"""Texts with special tokens segmented as one: a mark in the place of each token keeps apart what is before and after.

Segmenting each part by itself gives the same ids, but takes two to three times as long where parts are short.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.ids import IdArray
from bytepiece.core.marks import replace_marks

__all__ = ["Inserted", "Marks"]

Inserted = list[list[int]]
"""For each mark the ids that come in its place."""

_MARK = b"\xff\n"


class Marks:
    r"""Puts marks into texts, and ids in the places of marks.

    A mark is the byte FF and a newline. If no longer piece has the byte FF, every segmentation is cut before a mark, so
    the text before it is segmented as if it ended there. After the newline a segment begins, so the text after it is
    segmented as if it began there. There is one exception: newlines directly after a mark would belong to its segment,
    which ends after a whole run of newlines. So they are left out of the joined text, and their ids are put in the
    place of the mark, after that of the token:

        parts      "a"   300         "\nb"
        joined     "a"   "\xff\n"    "b"
        ids        100   258   13    101
        inserted         [300, 13]

    Args:
        mark_id: the id of the byte FF.
        ids_of_newlines: gives the ids of a number of newlines.
        keep_apart: whether no piece but the single byte has the byte FF.

    Thread safety: immutable, but for a cache that has its own lock.

    >>> marks = Marks(258, lambda n: [13] * n, keep_apart=True)
    >>> texts, inserted = marks.join([[b"a", 300, b"\nb"]])
    >>> texts, inserted
    ([b'a\xff\nb'], [[300, 13]])
    >>> ids = np.array([100, 258, 13, 101], dtype=np.uint32)
    >>> ids, offsets = marks.replace(ids, np.array([0, 4]), inserted)
    >>> ids.to_numpy().tolist(), offsets.tolist()
    ([100, 300, 13, 101], [0, 4])
    """

    def __init__(self, mark_id: int, ids_of_newlines: Callable[[int], list[int]], keep_apart: bool) -> None:
        self._mark_id = mark_id
        self._ids_of_newlines = lru_cache(16)(ids_of_newlines)
        self._keep_apart = keep_apart

    def join(self, batch: Iterable[Iterable[bytes | int]]) -> tuple[list[bytes], Inserted] | None:
        """Texts in parts, each as one text with marks between its parts, and the ids in the places of all marks.

        None if marks would not keep the parts apart, because a longer piece or a text has the byte FF.
        """
        if not self._keep_apart:
            return None
        texts: list[bytes] = []
        all_inserted: Inserted = []
        for parts in batch:
            pieces, inserted = self._marked(parts)
            text = b"".join(pieces)
            if text.count(b"\xff") != len(inserted):
                return None
            texts.append(text)
            all_inserted += inserted
        return texts, all_inserted

    def _marked(self, parts: Iterable[bytes | int]) -> tuple[list[bytes], Inserted]:
        """The parts of one text and the marks between them, and the ids in the places of these marks."""
        pieces: list[bytes] = []
        inserted: Inserted = []
        after_text = False
        for part in parts:
            if isinstance(part, int):
                pieces.append(_MARK)
                inserted.append([part])
                after_text = False
                continue
            if after_text:
                pieces.append(_MARK)
                inserted.append([])
            if inserted and part[:1] == b"\n":
                rest = part.lstrip(b"\n")
                inserted[-1] += self._ids_of_newlines(len(part) - len(rest))
                part = rest
            pieces.append(part)
            after_text = True
        return pieces, inserted

    def replace(
        self, ids: IdArray | NDArray[np.uint32], positions: NDArray[np.int64], inserted: Inserted
    ) -> tuple[IdArray, NDArray[np.int64]]:
        """Put the inserted ids in the places of marks.

        Args:
            ids: of texts that `join` made.
            positions: in these ids, ascending, none within a mark.
            inserted: what `join` gave.

        Returns the ids, and the positions in them.
        """
        return replace_marks(ids, positions, self._mark_id, inserted)
