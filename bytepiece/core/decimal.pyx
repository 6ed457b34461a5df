"""Ids as lines of decimal numbers, written and read."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport UINT32_MAX, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from bytepiece.core.buffers cimport items

import numpy as np

cdef extern from "Python.h":
    Py_ssize_t PY_SSIZE_T_MAX

cdef bytes _PAIRS = b"".join(b"%02d" % number for number in range(100))
cdef const char *PAIRS = _PAIRS    # the digits of 0 to 99

cdef enum:
    MOST_DIGITS = 10       # of a number below 2**32
    TAB = 0x09             # white space is from here to CR, and the space; it is what `bytes.split` takes for it
    LF = 0x0A
    CR = 0x0D
    SPACE = 0x20


cdef inline Py_ssize_t n_digits(uint32_t number) noexcept nogil:
    cdef Py_ssize_t n = 1
    while number >= 10000:
        number //= 10000
        n += 4
    return n + (number >= 10) + (number >= 100) + (number >= 1000)


cdef inline char *write_number(char *out, uint32_t number) noexcept nogil:
    """Write a number in decimal; returns the place behind it."""
    cdef Py_ssize_t n = n_digits(number), k = n
    while number >= 100:
        k -= 2
        memcpy(out + k, PAIRS + 2 * (number % 100), 2)
        number //= 100
    if k == 2:
        memcpy(out, PAIRS + 2 * number, 2)
    else:
        out[0] = <char>(48 + number)
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
    begin = 0
    with nogil:
        for text in range(n_texts):
            for k in range(begin, end[text]):
                out = write_number(out, id[k])
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
