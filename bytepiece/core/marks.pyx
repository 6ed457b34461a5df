"""Ids put in the places of marks, see `bytepiece.encoding.marks`."""

from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memcpy

from bytepiece.core.buffers cimport items
from bytepiece.core.ids cimport IdArray, Ids, reserve

import numpy as np


cdef int copy_ids(const uint32_t *ids, size_t n, Ids *out) except -1:
    if n:    # else there may be no memory to copy to
        reserve(out, n)
        memcpy(out.ids + out.size, ids, n * sizeof(uint32_t))
        out.size += n
    return 0


cdef int copy_list(list ids, Ids *out) except -1:
    cdef uint32_t id
    reserve(out, len(ids))
    for id in ids:
        out.ids[out.size] = id
        out.size += 1
    return 0


def replace_marks(ids, positions, uint32_t mark_id, list inserted):
    """Replace each mark, which is `mark_id` and the id after it, by the ids that are inserted for it.

    Args:
        ids: a buffer of uint32.
        positions: ascending positions in the ids, none within a mark, an int64 array.
        mark_id: the first of the two ids of a mark.
        inserted: for each mark a list of ids.

    Returns the new ids, as an `IdArray`, and the same positions in them, an int64 array.
    """
    cdef Py_ssize_t n, n_positions, k, begin = 0, shift = 0, n_marks = 0, n_moved = 0
    cdef const uint32_t *id = <const uint32_t *>items(ids, 4, &n)
    cdef const int64_t *position = <const int64_t *>items(positions, 8, &n_positions)
    moved = np.empty(n_positions, dtype=np.int64)
    cdef int64_t *new_position = <int64_t *>items(moved, 8, &n_positions, True)
    cdef IdArray out = IdArray()
    for k in range(n):
        if id[k] != mark_id:
            continue
        if n_marks == len(inserted) or k + 2 > n or k < begin:
            raise ValueError("the marks are not those that were joined")
        while n_moved < n_positions and position[n_moved] <= k:
            new_position[n_moved] = position[n_moved] + shift
            n_moved += 1
        copy_ids(id + begin, k - begin, &out.data)
        copy_list(inserted[n_marks], &out.data)
        n_marks += 1
        begin = k + 2
        shift = <Py_ssize_t>out.data.size - begin
    if n_marks != len(inserted):
        raise ValueError("the marks are not those that were joined")
    copy_ids(id + begin, n - begin, &out.data)
    for k in range(n_moved, n_positions):
        new_position[k] = position[k] + shift
    return out, moved
