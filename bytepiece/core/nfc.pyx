"""What NFC leaves alone, at a glance."""

from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from bytepiece.core.buffers cimport items

import numpy as np

cdef enum:
    CODES = 0x30000       # that the table has
    PAIR_BITS = 13        # the hash table of pairs has 2**PAIR_BITS places
    STRETCH = 16          # characters that are looked at together

cdef enum:
    _JOINS = 253
    _CHANGES = 254
    _JOINS_AND_CHANGES = 255

JOINS = _JOINS
"""As a class: no mark, but may be composed with the character before."""

CHANGES = _CHANGES
"""As a class: NFC has something else instead, or it takes more than a glance to tell."""

JOINS_AND_CHANGES = _JOINS_AND_CHANGES
"""As a class: both."""

NO_TABLE = -1


cdef inline bint is_plain(uint32_t code) noexcept nogil:
    """What needs no table: what most texts consist of. These are assigned, and so fixed by the stability policy."""
    return (
        code < 0x300
        or 0x4E00 <= code < 0xA000
        or 0x3001 <= code < 0x302A
        or 0x2010 <= code < 0x2028
        or 0xFF01 <= code < 0xFF5F
        or 0xAC00 <= code < 0xD7A4
    )


cdef inline bint is_pair(const uint64_t *pairs, uint64_t first, uint64_t second) noexcept nogil:
    cdef uint64_t pair = first << 32 | second
    cdef uint64_t place = place_of(pair)
    while pairs[place]:
        if pairs[place] == pair:
            return True
        place = (place + 1) & ((1 << PAIR_BITS) - 1)
    return False


cdef inline uint64_t place_of(uint64_t pair) noexcept nogil:
    return pair * <uint64_t>0x9E3779B97F4A7C15 >> (64 - PAIR_BITS)


def hash_pairs(list pairs):
    """Pairs of characters, given as code points, in a table for `quick_check`, a uint64 array."""
    table = np.zeros(1 << PAIR_BITS, dtype=np.uint64)
    if 2 * len(pairs) > len(table):
        raise ValueError(f"{len(pairs)} pairs are too many for the table")
    for first, second in pairs:
        place = place_of(first << 32 | second)
        while table[place]:
            place = (place + 1) % len(table)
        table[place] = first << 32 | second
    return table


ctypedef fused Unit:
    uint16_t
    uint32_t


cdef inline bint all_latin(const Unit *text) noexcept nogil:
    """Whether a stretch of a text has nothing from U+0300 on; compilers find it out for many characters at a time."""
    cdef Py_ssize_t k
    cdef Unit others = 0
    for k in range(STRETCH):
        others |= text[k] >= 0x300
    return not others


cdef bint all_plain(const Unit *text, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t k
    for k in range(n):
        if not is_plain(text[k]):
            return False
    return True


# What characters are looked up in.
cdef struct Tables:
    const uint8_t *classes
    const uint64_t *pairs


cdef inline uint8_t class_of(const Tables *tables, uint32_t code) noexcept nogil:
    return tables.classes[code] if code < CODES else 0


cdef Py_ssize_t find_change(const Unit *text, Py_ssize_t begin, Py_ssize_t n, const Tables *tables) noexcept nogil:
    """The first character that NFC may change, from `begin` on, where a cluster begins; `n` if there is none."""
    cdef Py_ssize_t end, k
    cdef uint32_t starter = 0
    cdef uint8_t here, last = 0
    while begin < n:
        end = min(begin + STRETCH, n)
        if end - begin == STRETCH and all_latin(text + begin):
            starter = text[end - 1]
            last = 0
            begin = end
            continue
        for k in range(begin, end):
            here = class_of(tables, text[k])
            if here == 0:
                starter = text[k]
                last = 0
                continue
            # A mark of a lower class belongs before the last one.
            if here >= _CHANGES or here < last or is_pair(tables.pairs, starter, text[k]):
                return k
            if here == _JOINS:
                starter = text[k]
                last = 0
            else:
                last = here
        begin = end
    return n


cdef inline bint joins(const Tables *tables, uint32_t code) noexcept nogil:
    """Whether a character belongs to a cluster with the one before."""
    cdef uint8_t here = class_of(tables, code)
    return here != 0 and here != _CHANGES


cdef bint find_cluster(
    const Unit *text, Py_ssize_t *begin, Py_ssize_t *end, Py_ssize_t n, const Tables *tables
) noexcept nogil:
    """Move from the end of a cluster, or the beginning of a text, on to the next one that NFC may change."""
    cdef Py_ssize_t least = end[0]
    begin[0] = find_change(text, least, n, tables)
    if begin[0] == n:
        return False
    end[0] = begin[0] + 1
    while begin[0] > least and joins(tables, text[begin[0]]):
        begin[0] -= 1
    while end[0] < n and joins(tables, text[end[0]]):
        end[0] += 1
    return True


cdef Tables open_tables(classes, pairs) except *:
    """`classes`, a uint8 array, has for each code point below 0x30000 its combining class, or JOINS, CHANGES or
    JOINS_AND_CHANGES; `pairs` are the characters that change if a mark comes after them."""
    cdef Py_ssize_t n_classes, n_pairs
    cdef Tables tables
    tables.classes = <const uint8_t *>items(classes, 1, &n_classes)
    tables.pairs = <const uint64_t *>items(pairs, 8, &n_pairs)
    if n_classes != CODES or n_pairs != 1 << PAIR_BITS:
        raise ValueError("not the classes and pairs of all characters")
    return tables


def quick_check(str text, classes, pairs):
    """1 if a text is in NFC; 0 if that cannot be told at a glance; `NO_TABLE` if it cannot without a table.

    The tables are those of `open_tables`; None if there are none yet.
    """
    cdef Py_ssize_t n = PyUnicode_GET_LENGTH(text)
    cdef int unit = PyUnicode_KIND(text)
    cdef const void *data = PyUnicode_DATA(text)
    cdef Tables tables
    if unit == 1:
        return 1
    if classes is None:
        return 1 if (all_plain(<uint16_t *>data, n) if unit == 2 else all_plain(<uint32_t *>data, n)) else NO_TABLE
    tables = open_tables(classes, pairs)
    if unit == 2:
        return find_change(<uint16_t *>data, 0, n, &tables) == n
    return find_change(<uint32_t *>data, 0, n, &tables) == n


def changing_clusters(str text, classes, pairs):
    """The clusters of a text that NFC may change, in order: begin and end of each, in characters.

    Returns an int64 array of shape (n, 2). The tables are those of `open_tables`.
    """
    cdef Py_ssize_t begin = 0, end = 0, n = PyUnicode_GET_LENGTH(text)
    cdef int unit = PyUnicode_KIND(text)
    cdef const void *data = PyUnicode_DATA(text)
    cdef Tables tables = open_tables(classes, pairs)
    cdef list found = []
    while unit > 1 and (
        find_cluster(<uint16_t *>data, &begin, &end, n, &tables)
        if unit == 2
        else find_cluster(<uint32_t *>data, &begin, &end, n, &tables)
    ):
        found.append(begin)
        found.append(end)
    return np.array(found, dtype=np.int64).reshape(-1, 2)
