"""Where words begin and end in a text."""

from libc.stdint cimport int64_t, uint8_t, uint32_t

import numpy as np

from bytepiece.core.buffers cimport items
from bytepiece.core.utf8 cimport read_character


cdef enum:  # the classes of `bytepiece.text.character_classes`
    OTHER
    LETTER
    NUMBER
    SPACE
    LINE_END
    BLANK
    APOSTROPHE
    BEGINNING  # of a segment: no character

cdef enum:
    CODES = 0x110000
    CLASS_BITS = 3             # of a class
    CLASS = 7


cdef inline bint is_white(uint32_t kind) noexcept nogil:
    return SPACE <= kind <= BLANK


cdef inline bint belongs(uint32_t kind, uint32_t before, uint32_t before_that) noexcept nogil:
    r"""Whether a character belongs to the word before it; all three are classes.

    The words of two lines, each between bars:

        |the| clock| struck| don|'t| 1|2|);\n|
        |    |return|
    """
    if is_white(kind):
        return is_white(before) or (kind == LINE_END and (before == OTHER or before == APOSTROPHE))
    if before == SPACE:
        return not is_white(before_that)  # of several spaces none leads a word
    if kind == LETTER:
        return before == LETTER or (before == APOSTROPHE and before_that == LETTER)
    if kind == NUMBER:
        return False
    return before == OTHER or before == APOSTROPHE


def cut_words(bytes data, Py_ssize_t begin, segment_ends, classes):
    """Cut segments of valid UTF-8 where words begin.

    Args:
        data: the segments, one after the other.
        begin: where the first one begins in `data`.
        segment_ends: int64 array, ascending: where each segment ends in `data`.
        classes: uint8 array, the class of each code point.

    Returns an int64 array: where each word ends in `data`. Each segment ends a word.
    """
    cdef Py_ssize_t n, n_segments, n_codes, n_words = 0, capacity, k = 0, position = begin, end
    cdef const uint8_t *text = <const uint8_t *>items(data, 1, &n)
    cdef const int64_t *ends = <const int64_t *>items(segment_ends, 8, &n_segments)
    cdef const uint8_t *kinds = <const uint8_t *>items(classes, 1, &n_codes)
    cdef const char *problem = NULL
    cdef uint8_t borders[512]
    if n_codes != CODES:
        raise ValueError("classes must be those of all code points")
    if not 0 <= begin <= n:
        raise ValueError("segments must begin within the data")
    find_borders(borders)
    if n_segments:
        n = min(n, max(begin, <Py_ssize_t>ends[n_segments - 1]))
    word_ends = np.empty(n_segments + (n - begin) // 4 + 16, dtype=np.int64)
    cdef int64_t *out = <int64_t *>items(word_ends, 8, &capacity, True)
    while k < n_segments:
        with nogil:
            while k < n_segments:
                end = ends[k]
                if not position <= end <= n:
                    problem = b"segment ends must ascend within the data"
                    break
                if capacity - n_words < end - position:
                    break
                if not cut_segment(text, &position, end, kinds, borders, out, &n_words):
                    problem = b"segments must be valid UTF-8"
                    break
                k += 1
        if problem != NULL:
            raise ValueError(problem.decode())
        if k < n_segments:
            word_ends = np.concatenate([word_ends, np.empty(max(capacity, end - position), dtype=np.int64)])
            out = <int64_t *>items(word_ends, 8, &capacity, True)
    return word_ends[:n_words].copy()


cdef void find_borders(uint8_t *borders) noexcept:
    """Write down for all three classes in a row whether a word begins at the last.

    Looking that up costs less than the branches of `belongs`, which processors cannot foresee.
    """
    cdef uint32_t kinds
    for kinds in range(1 << 3 * CLASS_BITS):
        borders[kinds] = (kinds >> CLASS_BITS) & CLASS != BEGINNING and not belongs(
            kinds & CLASS, kinds >> CLASS_BITS & CLASS, kinds >> 2 * CLASS_BITS
        )


cdef inline bint cut_segment(
    const uint8_t *text,
    Py_ssize_t *position,
    Py_ssize_t end,
    const uint8_t *kinds,
    const uint8_t *borders,
    int64_t *out,
    Py_ssize_t *n_out,
) noexcept nogil:
    """Write down where each word of a segment ends; False if it is not valid UTF-8."""
    cdef Py_ssize_t at = position[0], n = n_out[0]
    cdef uint32_t code, last_three = BEGINNING << CLASS_BITS | BEGINNING    # classes
    cdef size_t length
    while at < end:
        code = text[at]
        length = 1
        if code >= 0x80:
            length = read_character(text + at, end - at, &code)
            if length == 0:
                return False
        last_three = (last_three << CLASS_BITS | kinds[code]) & ((1 << 3 * CLASS_BITS) - 1)
        out[n] = at
        n += borders[last_three]
        at += length
    if at > position[0]:
        out[n] = at
        n += 1
    position[0] = at
    n_out[0] = n
    return True
