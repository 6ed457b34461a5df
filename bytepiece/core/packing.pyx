"""Kernels of packed byte strings: selecting some of them, merging two sorted sequences, finding one that
repeats or that does not ascend."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport UINT32_MAX, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp, memcpy

from bytepiece.core.buffers cimport items
from bytepiece.core.sorting cimport SortKey, compare_bytes, set_key, sort_keys

import numpy as np

cdef extern from "Python.h":
    Py_ssize_t PY_SSIZE_T_MAX


cdef int view_strings(object packed, Strings *strings) except -1:
    """Point `strings` to the arrays of a `bytepiece.core.packed.PackedBytes`, which the caller keeps alive.

    Raises `ValueError` unless the offsets ascend within the data.
    """
    cdef Py_ssize_t n_bytes, n_offsets, k
    cdef bint ascending
    strings.data = <const uint8_t *>items(packed.data, 1, &n_bytes)
    strings.offsets = <const int64_t *>items(packed.offsets, 8, &n_offsets)
    strings.n = n_offsets - 1
    if n_offsets < 1:
        raise ValueError("packed strings need one offset more than there are strings")
    ascending = strings.offsets[0] >= 0 and strings.offsets[strings.n] <= n_bytes
    with nogil:
        for k in range(strings.n):
            ascending = ascending & (strings.offsets[k] <= strings.offsets[k + 1])
    if not ascending:
        raise ValueError("the offsets of packed strings must ascend within the data")
    return 0


cdef const uint64_t *view_counts(object counted, Py_ssize_t n) except? NULL:
    """The counts of a `bytepiece.core.packed.CountedBytes` of `n` strings; raises `ValueError` for another number."""
    cdef Py_ssize_t n_counts
    cdef const uint64_t *counts = <const uint64_t *>items(counted.counts, 8, &n_counts)
    if n_counts != n:
        raise ValueError("each string needs a count")
    return counts


def select_strings(packed, numbers):
    """The strings with the given numbers (int64), in that order, as a pair of `data` and `offsets`."""
    cdef Strings strings
    cdef Py_ssize_t n, n_selected, k
    cdef const int64_t *number = <const int64_t *>items(numbers, 8, &n_selected)
    cdef int64_t begin, end
    view_strings(packed, &strings)
    new_offsets = np.empty(n_selected + 1, dtype=np.int64)
    cdef int64_t *offset = <int64_t *>items(new_offsets, 8, &n, True)
    offset[0] = 0
    for k in range(n_selected):
        if not 0 <= number[k] < strings.n:
            raise IndexError(f"string {number[k]} of {strings.n}")
        offset[k + 1] = offset[k] + strings.offsets[number[k] + 1] - strings.offsets[number[k]]
    new_data = np.empty(offset[n_selected], dtype=np.uint8)
    cdef uint8_t *data = <uint8_t *>items(new_data, 1, &n, True)
    with nogil:
        for k in range(n_selected):
            begin = strings.offsets[number[k]]
            end = strings.offsets[number[k] + 1]
            memcpy(data + offset[k], strings.data + begin, <size_t>(end - begin))
    return new_data, new_offsets


def join_strings(packed, ids):
    """The strings with the given numbers, one after the other, as `bytes`.

    `ids` is a buffer of uint32. Returns None if there is no string of some number.
    """
    cdef Strings strings
    cdef Py_ssize_t n_ids, k
    cdef const uint32_t *id = <const uint32_t *>items(ids, 4, &n_ids)
    cdef const int64_t *offset
    cdef int64_t length
    cdef uint64_t size = 0
    cdef bint known = True
    view_strings(packed, &strings)
    offset = strings.offsets
    with nogil:
        for k in range(n_ids):
            if id[k] >= strings.n:
                known = False
                break
            size += <uint64_t>(offset[id[k] + 1] - offset[id[k]])
            if size > <uint64_t>PY_SSIZE_T_MAX:
                break
    if not known:
        return None
    if size > <uint64_t>PY_SSIZE_T_MAX:
        raise MemoryError("no memory for so many bytes")
    joined = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>size)
    cdef char *out = PyBytes_AS_STRING(joined)
    with nogil:
        for k in range(n_ids):
            length = offset[id[k] + 1] - offset[id[k]]
            memcpy(out, strings.data + offset[id[k]], <size_t>length)
            out += length
    return joined


def merge_counted(left, right):
    """Merge two sorted `CountedBytes`; a string of both gets the sum of its counts.

    Returns `data`, `offsets` and `counts`.
    """
    cdef Strings a, b
    cdef Py_ssize_t n, i = 0, j = 0, k = 0, length
    cdef int order
    view_strings(left, &a)
    view_strings(right, &b)
    cdef const uint64_t *counts_a = view_counts(left, a.n)
    cdef const uint64_t *counts_b = view_counts(right, b.n)
    merged_data = np.empty(a.offsets[a.n] - a.offsets[0] + b.offsets[b.n] - b.offsets[0], dtype=np.uint8)
    merged_offsets = np.empty(a.n + b.n + 1, dtype=np.int64)
    merged_counts = np.empty(a.n + b.n, dtype=np.uint64)
    cdef uint8_t *data = <uint8_t *>items(merged_data, 1, &n, True)
    cdef int64_t *offset = <int64_t *>items(merged_offsets, 8, &n, True)
    cdef uint64_t *count = <uint64_t *>items(merged_counts, 8, &n, True)
    offset[0] = 0
    with nogil:
        while i < a.n or j < b.n:
            if j == b.n:
                order = -1
            elif i == a.n:
                order = 1
            else:
                order = compare_bytes(
                    a.data + a.offsets[i], <size_t>(a.offsets[i + 1] - a.offsets[i]),
                    b.data + b.offsets[j], <size_t>(b.offsets[j + 1] - b.offsets[j]),
                )
            count[k] = 0
            length = 0
            if order >= 0:
                length = b.offsets[j + 1] - b.offsets[j]
                memcpy(data + offset[k], b.data + b.offsets[j], <size_t>length)
                count[k] += counts_b[j]
                j += 1
            if order <= 0:
                length = a.offsets[i + 1] - a.offsets[i]
                memcpy(data + offset[k], a.data + a.offsets[i], <size_t>length)
                count[k] += counts_a[i]
                i += 1
            offset[k + 1] = offset[k] + length
            k += 1
    # The arrays shrink in place to what they hold.
    n = offset[k]
    merged_data.resize(n, refcheck=False)
    merged_offsets.resize(k + 1, refcheck=False)
    merged_counts.resize(k, refcheck=False)
    return merged_data, merged_offsets, merged_counts


def find_descent(packed):
    """The number of the first string that is not greater than the one before it; None if all ascend."""
    cdef Strings strings
    cdef Py_ssize_t k
    view_strings(packed, &strings)
    with nogil:
        for k in range(1, strings.n):
            if compare_bytes(
                strings.data + strings.offsets[k - 1], <size_t>(strings.offsets[k] - strings.offsets[k - 1]),
                strings.data + strings.offsets[k], <size_t>(strings.offsets[k + 1] - strings.offsets[k]),
            ) >= 0:
                break
        else:
            k = strings.n
    return None if k >= strings.n else k


def find_repeat(packed):
    """The number of the first string that is equal to one before it, and the number of that one; None if all differ."""
    cdef Strings strings
    cdef SortKey *keys
    cdef uint32_t repeat = UINT32_MAX, first = UINT32_MAX
    cdef bint ascending
    cdef Py_ssize_t k
    cdef int64_t begin, end
    view_strings(packed, &strings)
    with nogil:
        ascending = ascend_by_length(&strings)
    if ascending:
        return None
    if strings.n >= UINT32_MAX or strings.offsets[strings.n] - strings.offsets[0] > UINT32_MAX:
        raise OverflowError(f"{strings.n} strings are too many or too long to be compared")
    keys = <SortKey *>malloc((<size_t>strings.n + 1) * sizeof(SortKey))
    if keys == NULL:
        raise MemoryError("no memory to compare strings")
    try:
        with nogil:
            for k in range(strings.n):
                begin = strings.offsets[k]
                end = strings.offsets[k + 1]
                set_key(&keys[k], strings.data + begin, <uint32_t>(end - begin), <uint32_t>k)
            sort_keys(keys, strings.n)
            # Equal strings are neighbours now, in the order of their numbers.
            for k in range(1, strings.n):
                if keys[k].number < repeat and are_equal(&keys[k - 1], &keys[k]):
                    first = keys[k - 1].number
                    repeat = keys[k].number
    finally:
        free(keys)
    return (repeat, first) if repeat != UINT32_MAX else None


cdef bint ascend_by_length(const Strings *strings) noexcept nogil:
    """Whether each string is longer than the one before, or as long and greater: so are the pieces of most models."""
    cdef Py_ssize_t k
    cdef const uint8_t *string = strings.data + strings.offsets[0]
    cdef int64_t length = 0, last_length = -1
    for k in range(strings.n):
        length = strings.offsets[k + 1] - strings.offsets[k]
        if length < last_length or (length == last_length and memcmp(string - length, string, <size_t>length) >= 0):
            return False
        string += length
        last_length = length
    return True


cdef inline bint are_equal(const SortKey *a, const SortKey *b) noexcept nogil:
    return a.prefix == b.prefix and compare_bytes(a.bytes, a.length, b.bytes, b.length) == 0
