"""Ids as lines of decimal numbers, written and read."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport UINT32_MAX, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from bytepiece.core.buffers cimport items

import numpy as np

cdef extern from "Python.h":
    Py_ssize_t PY_SSIZE_T_MAX

cdef bytes _FOURS = b"".join([b"%04d" % number for number in range(10000)])
cdef const char *FOURS = _FOURS    # four digits each of 0 to 9999

cdef enum:
    MOST_DIGITS = 10       # of a number below 2**32
    AHEAD = 16             # bytes that may be written at a time, though fewer count
    TAB = 0x09             # white space, as `bytes.split` has it: the bytes from TAB to CR, and the space
    LF = 0x0A
    CR = 0x0D
    SPACE = 0x20


cdef inline uint32_t n_digits(uint32_t number) noexcept nogil:
    return (
        1 + (number >= 10) + (number >= 100) + (number >= 1000) + (number >= 10000) + (number >= 100000)
        + (number >= 1000000) + (number >= 10000000) + (number >= 100000000) + (number >= 1000000000)
    )


cdef inline char *write_first(char *out, uint32_t number) noexcept nogil:
    """Write a number below 10,000, without leading zeros; returns the place behind it. Always writes four bytes."""
    cdef uint32_t n = 1 + (number >= 10) + (number >= 100) + (number >= 1000)
    memcpy(out, FOURS + 4 * number + (4 - n), 4)
    return out + n


cdef inline char *write_number(char *out, uint32_t number) noexcept nogil:
    """Write a number in decimal; returns the place behind it. There must be room for `AHEAD` bytes."""
    if number < 10000:
        return write_first(out, number)
    if number < 100000000:
        out = write_first(out, number // 10000)
    else:
        out = write_first(out, number // 100000000)
        memcpy(out, FOURS + 4 * (number // 10000 % 10000), 4)
        out += 4
    memcpy(out, FOURS + 4 * (number % 10000), 4)
    return out + 4


cdef inline char *write_exactly(char *out, uint32_t number) noexcept nogil:
    """The same, where there is no more room than for the number itself."""
    cdef char copy[16]    # AHEAD
    cdef size_t n = <size_t>(write_number(copy, number) - copy)
    memcpy(out, copy, n)
    return out + n


def write_lines(ids, ends):
    r"""Ids in decimal: a line for each text, with a space between two ids and a newline at the end.

    Args:
        ids: uint32 buffer, the ids of all texts.
        ends: int64 array, where the ids of each text end; the last ends with the last id.
    """
    cdef Py_ssize_t n_ids, n_texts, k, text
    cdef const uint32_t *id = <const uint32_t *>items(ids, 4, &n_ids)
    cdef const int64_t *end = <const int64_t *>items(ends, 8, &n_texts)
    cdef int64_t begin = 0
    cdef Py_ssize_t size = 0
    cdef bint fits = True
    if n_ids > (PY_SSIZE_T_MAX - n_texts) // (MOST_DIGITS + 1):
        raise OverflowError(f"{n_ids} ids are too many")
    with nogil:
        for text in range(n_texts):
            fits = fits and begin <= end[text] <= n_ids
            size += end[text] == begin    # an empty line has no id before its newline
            begin = end[text]
        for k in range(n_ids):
            size += n_digits(id[k]) + 1
    if not fits or begin != n_ids:
        raise ValueError("the ends are not those of the ids")
    lines = PyBytes_FromStringAndSize(NULL, size)
    cdef char *out = PyBytes_AS_STRING(lines)
    cdef const char *behind = out + size
    begin = 0
    with nogil:
        for text in range(n_texts):
            for k in range(begin, end[text]):
                out = write_number(out, id[k]) if behind - out >= AHEAD else write_exactly(out, id[k])
                out[0] = SPACE
                out += 1
            out -= end[text] > begin    # the newline takes the place of the last space
            out[0] = LF
            out += 1
            begin = end[text]
    return lines


def read_lines(data):
    r"""The ids in lines of decimal numbers, with any white space between them.

    Args:
        data: buffer of bytes; the last line may lack its newline.

    Returns all ids, a uint32 array, and where those of each line end, an int64 array. None if there is anything else in
    the lines, or a number that does not fit.

    >>> ids, ends = read_lines(b"7 12\n\n300")
    >>> ids.tolist(), ends.tolist()
    ([7, 12, 300], [2, 2, 3])
    """
    cdef Py_ssize_t n, k, n_lines = 0, n_ids = 0, capacity
    cdef const uint8_t *text = <const uint8_t *>items(data, 1, &n)
    with nogil:
        for k in range(n):
            n_lines += text[k] == LF
    if n and text[n - 1] != LF:
        n_lines += 1
    ids = np.empty(n // 2 + 1, dtype=np.uint32)
    ends = np.empty(n_lines, dtype=np.int64)
    cdef uint32_t *id = <uint32_t *>items(ids, 4, &capacity, True)
    cdef int64_t *end = <int64_t *>items(ends, 8, &capacity, True)
    cdef uint64_t number = 0
    cdef bint inside = False, valid = True
    cdef uint8_t byte
    n_lines = 0
    with nogil:
        for k in range(n + 1):
            byte = text[k] if k < n else LF
            if 48 <= byte <= 57:
                number = 10 * number + byte - 48
                inside = True
                if number > UINT32_MAX:
                    valid = False
                    break
                continue
            if byte != SPACE and not TAB <= byte <= CR:
                valid = False
                break
            if inside:
                id[n_ids] = <uint32_t>number
                n_ids += 1
                number = 0
                inside = False
            if byte == LF and (k < n or n_lines < capacity):
                end[n_lines] = n_ids
                n_lines += 1
    if not valid:
        return None
    return ids[:n_ids], ends
