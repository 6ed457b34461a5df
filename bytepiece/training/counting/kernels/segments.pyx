"""Cutting documents into training segments."""

from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memchr

from bytepiece.core.buffers cimport items
from bytepiece.core.utf8 cimport character_length, read_character

import numpy as np


cdef inline bint is_digit(const uint8_t *text, size_t n, const int64_t *zeros, Py_ssize_t n_zeros) noexcept nogil:
    """Whether the first character of a text is a decimal digit: 0 to 9 above one of the sorted code points `zeros`."""
    cdef uint32_t code
    cdef Py_ssize_t low = 0, high = n_zeros, middle
    if text[0] < 0x80:
        return 48 <= text[0] <= 57
    if not read_character(text, n, &code):
        return False
    while low < high:
        middle = (low + high) >> 1
        if zeros[middle] <= <int64_t>code:
            low = middle + 1
        else:
            high = middle
    return low > 0 and <int64_t>code - zeros[low - 1] <= 9


# How segments are cut.
cdef struct Rules:
    Py_ssize_t max_characters
    Py_ssize_t max_newlines
    const int64_t *zeros     # sorted code points of the digits zero; none if digits are not cut off
    Py_ssize_t n_zeros


cdef inline Py_ssize_t training_segment_end(
    const uint8_t *text, Py_ssize_t position, Py_ssize_t end, const Rules *rules
) noexcept nogil:
    """Where the segment ends that starts at `position`, in a document that ends at `end`."""
    cdef Py_ssize_t characters = 0, newlines = 0, length, reach
    cdef const uint8_t *newline
    if not rules.n_zeros:
        # In the next `reach` bytes there are at most `max_characters`. A newline among them saves counting.
        reach = min(end - position, rules.max_characters)
        newline = <const uint8_t *>memchr(text + position, 10, reach)
        if newline != NULL:
            position = newline - text
        elif reach == end - position:
            return end
    while position < end and characters < rules.max_characters and text[position] != 10:
        length = <Py_ssize_t>character_length(text[position])
        if rules.n_zeros and is_digit(text + position, <size_t>(end - position), rules.zeros, rules.n_zeros):
            return position if characters else position + length
        position += length
        characters += 1
    while position < end and newlines < rules.max_newlines and text[position] == 10:
        position += 1
        newlines += 1
    return position


def cut_segments(bytes data, document_ends, Py_ssize_t max_characters, Py_ssize_t max_newlines, zeros):
    """Cut documents of valid UTF-8 into training segments.

    A segment is up to `max_characters` characters followed by up to `max_newlines` newlines, and ends with its
    document. If there are `zeros`, every decimal digit is a segment of its own.

    Args:
        data: the documents, one after the other.
        document_ends: int64 array, where each document ends in `data`.
        zeros: int64 array, the code points of the digits zero of all scripts, sorted; or empty.

    Returns an int64 array: where each segment ends in `data`.
    """
    cdef Py_ssize_t n, n_documents, n_segments = 0, position = 0, end, k, capacity
    cdef const uint8_t *text = <const uint8_t *>items(data, 1, &n)
    cdef const int64_t *ends = <const int64_t *>items(document_ends, 8, &n_documents)
    cdef Rules rules
    rules.max_characters = max_characters
    rules.max_newlines = max_newlines
    rules.zeros = <const int64_t *>items(zeros, 8, &rules.n_zeros)
    segment_ends = np.empty(n // 64 + n_documents + 16, dtype=np.int64)  # enough for most texts
    cdef int64_t *out = <int64_t *>items(segment_ends, 8, &capacity, True)
    for k in range(n_documents):
        end = ends[k]
        if not position <= end <= n:
            raise ValueError("document ends must ascend within the data")
        while position < end:
            if n_segments == capacity:
                segment_ends = np.concatenate([segment_ends, np.empty(capacity, dtype=np.int64)])
                out = <int64_t *>items(segment_ends, 8, &capacity, True)
            with nogil:
                while n_segments < capacity and position < end:
                    position = training_segment_end(text, position, end, &rules)
                    out[n_segments] = position
                    n_segments += 1
    return segment_ends[:n_segments].copy()
