"""Where pieces are in a text, in bytes and in characters."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from bytepiece.core.buffers cimport items

import numpy as np


# A decoder of UTF-8 that only counts characters, byte by byte. Invalid UTF-8 counts as the characters that Python's
# decoder replaces it by: one U+FFFD for the longest part that begins a character, or for a byte that begins none.
cdef struct Utf8:
    uint8_t missing        # bytes of the current character
    uint8_t low            # the least that the next of them can be
    uint8_t high           # the greatest


cdef inline bint begins(Utf8 *utf8, uint8_t byte) noexcept nogil:
    """Take the next byte; returns whether a character begins with it."""
    if byte < 0x80:
        utf8.missing = 0
        return True
    if utf8.missing and utf8.low <= byte <= utf8.high:
        utf8.missing -= 1
        utf8.low = 0x80
        utf8.high = 0xBF
        return False
    utf8.low = 0xA0 if byte == 0xE0 else 0x90 if byte == 0xF0 else 0x80
    utf8.high = 0x9F if byte == 0xED else 0x8F if byte == 0xF4 else 0xBF
    if 0xC2 <= byte <= 0xDF:
        utf8.missing = 1
    elif 0xE0 <= byte <= 0xEF:
        utf8.missing = 2
    elif 0xF0 <= byte <= 0xF4:
        utf8.missing = 3
    else:
        utf8.missing = 0
    return True


def piece_offsets(ids, lengths, bytes data):
    """Where the pieces of a text are in it.

    Args:
        ids: the ids of the pieces, a buffer of uint32.
        lengths: for each id of the vocabulary, the length of its piece in bytes, an int32 array.
        data: the text: all pieces, one after the other.

    Returns two int64 arrays of shape (n, 2), with begin and end of each piece: in bytes and in characters. A piece that
    has a part of a character has the whole. An empty piece begins and ends after all characters that began before it.
    """
    cdef Py_ssize_t n, n_ids, n_lengths, k
    cdef const uint8_t *text = <const uint8_t *>items(data, 1, &n)
    cdef const uint32_t *id = <const uint32_t *>items(ids, 4, &n_ids)
    cdef const int32_t *length = <const int32_t *>items(lengths, 4, &n_lengths)
    result = np.empty((2, n_ids, 2), dtype=np.int64)
    cdef int64_t *byte_span = <int64_t *>items(result, 8, &k, True)
    cdef int64_t *character_span = byte_span + 2 * n_ids
    cdef Py_ssize_t position = 0, end, characters = 0
    cdef bint fits = True
    cdef Utf8 utf8
    utf8.missing = utf8.low = utf8.high = 0
    with nogil:
        for k in range(n_ids):
            if id[k] >= n_lengths or not 0 <= length[id[k]] <= n - position:
                fits = False
                break
            end = position + length[id[k]]
            byte_span[2 * k] = position
            byte_span[2 * k + 1] = end
            character_span[2 * k] = characters
            if position < end:
                if not begins(&utf8, text[position]):
                    character_span[2 * k] -= 1
                else:
                    characters += 1
                position += 1
            while position < end:
                characters += begins(&utf8, text[position])
                position += 1
            character_span[2 * k + 1] = characters
    if not fits or position != n:
        raise ValueError("the ids are not those of the text")
    return result[0], result[1]


def character_numbers(bytes data):
    """For each byte of a text, the number of its character, counted from 0; an int64 array."""
    cdef Py_ssize_t n, k
    cdef const uint8_t *text = <const uint8_t *>items(data, 1, &n)
    result = np.empty(n, dtype=np.int64)
    cdef int64_t *number = <int64_t *>items(result, 8, &n, True)
    cdef int64_t characters = 0
    cdef Utf8 utf8
    utf8.missing = utf8.low = utf8.high = 0
    with nogil:
        for k in range(n):
            characters += begins(&utf8, text[k])
            number[k] = characters - 1
    return result


def covering_spans(spans, begins, ends):
    """For each piece of a normalized text, the smallest span of the original that covers all that its bytes come from.

    Args:
        spans: of the pieces in the normalized text, in bytes, none of them empty; an int64 array of shape (n, 2).
        begins: for each byte of the normalized text, where the bytes of the original begin that it comes from (int64).
        ends: where these bytes end (int64).

    Returns an array like `spans`.
    """
    cdef Py_ssize_t n_spans, n, n_ends, k, i
    cdef const int64_t *span = <const int64_t *>items(spans.reshape(-1), 8, &n_spans)
    cdef const int64_t *begin = <const int64_t *>items(begins, 8, &n)
    cdef const int64_t *end = <const int64_t *>items(ends, 8, &n_ends)
    result = np.empty((n_spans // 2, 2), dtype=np.int64)
    cdef int64_t *covered = <int64_t *>items(result.reshape(-1), 8, &k, True)
    cdef bint fits = n == n_ends
    with nogil:
        for k in range(0, n_spans, 2):
            if not 0 <= span[k] < span[k + 1] <= n:
                fits = False
            if not fits:
                break
            covered[k] = begin[span[k]]
            covered[k + 1] = end[span[k]]
            for i in range(span[k] + 1, span[k + 1]):
                covered[k] = min(covered[k], begin[i])
                covered[k + 1] = max(covered[k + 1], end[i])
    if not fits:
        raise ValueError("the spans are not those of the text")
    return result
