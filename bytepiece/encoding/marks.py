"""Texts with special tokens segmented as one: each token is put as a mark that keeps what is before and after it apart.

To segment each part by itself gives the same ids, but takes two to three times as long where parts are short.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bytepiece.core.ids import IdArray
from bytepiece.core.names import replace_marks
from bytepiece.encoding.batches import Part

__all__ = ["Inserted", "Marks"]

Inserted = list[list[int]]
"""For each mark the ids that come in its place."""

_MARK = b"\xff\n"


class Marks:
    r"""Puts marks into texts, and ids in the places of marks.

    A mark is the byte FF and a newline. If no piece of two bytes or more has the byte FF, every segmentation is cut
    before it, so what is before is segmented as if the text ended there. After the newline a segment begins, and
    what is there is segmented as if the text began there. Only a newline would belong to the mark: those that follow
    are left out, and their ids are put in with what comes in the place of the mark.

    Args:
        mark_id: the id of the byte FF.
        ids_of_newlines: the ids of so many newlines.

    Thread safety: immutable, but for a cache that has its own lock.

    >>> marks = Marks(258, lambda n: [13] * n)
    >>> document, inserted = marks.join([b"a", 300, b"\nb"])
    >>> document, inserted
    (b'a\xff\nb', [[300, 13]])
    >>> ids, offsets = marks.replace_all(np.array([100, 258, 13, 101]), np.array([0, 4]), inserted)
    >>> ids.tolist(), offsets.tolist()
    ([100, 300, 13, 101], [0, 4])
    """

    def __init__(self, mark_id: int, ids_of_newlines: Callable[[int], list[int]]) -> None:
        self._mark_id = mark_id
        self._ids_of_newlines = lru_cache(16)(ids_of_newlines)

    def join(self, parts: Iterable[Part]) -> tuple[bytes, Inserted] | None:
        """The text that parts make up, with marks between them, and what comes in their places.

        None if a part has the byte FF itself.
        """
        texts: list[bytes] = []
        inserted: Inserted = []
        after_text = False
        for part in parts:
            if isinstance(part, int):
                texts.append(_MARK)
                inserted.append([part])
                after_text = False
                continue
            if after_text:
                texts.append(_MARK)
                inserted.append([])
            if inserted and part[:1] == b"\n":
                rest = part.lstrip(b"\n")
                inserted[-1] += self._ids_of_newlines(len(part) - len(rest))
                part = rest
            texts.append(part)
            after_text = True
        document = b"".join(texts)
        return (document, inserted) if document.count(b"\xff") == len(inserted) else None

    def join_all(self, batch: Iterable[Iterable[Part]]) -> tuple[list[bytes], Inserted] | None:
        """The texts that are given in parts, and what comes in the places of the marks of all; None as `join`."""
        documents: list[bytes] = []
        all_inserted: Inserted = []
        for parts in batch:
            joined = self.join(parts)
            if joined is None:
                return None
            documents.append(joined[0])
            all_inserted += joined[1]
        return documents, all_inserted

    def replace(self, ids: IdArray, ints: list[int | None], inserted: Inserted) -> list[int]:
        """The ids of the text as a list, as ``ids.tolist(ints)`` has it, when those of marks are replaced."""
        return replace_marks(ids, ints, self._mark_id, inserted)

    def replace_all(
        self, ids: NDArray[np.uint32], offsets: NDArray[np.int64], inserted: Inserted
    ) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """The same for many texts: those of text k are ``ids[offsets[k]:offsets[k + 1]]``, before and after."""
        if not inserted:
            return ids, offsets
        marks = np.flatnonzero(ids == self._mark_id)
        lengths = np.fromiter(map(len, inserted), np.int64, len(inserted))
        kept = np.ones(len(ids), dtype=bool)
        kept[marks] = kept[marks + 1] = False
        places = marks - 2 * np.arange(len(marks))
        new = np.array([id for each in inserted for id in each], dtype=np.uint32)
        shifts = np.concatenate([[0], np.cumsum(lengths - 2)])
        return np.insert(ids[kept], np.repeat(places, lengths), new), offsets + shifts[np.searchsorted(marks, offsets)]
