"""Kernels of NFC: whether a text is normalized, and which parts of it may not be.

What is known of characters comes as two tables, see `bytepiece.text.composition`. Each code point has a *class*:

* 0: a starter that does not join the character before it, and stays as it is;
* 1 to 252: a mark, of that combining class;
* `JOINS`: a starter that may be composed with the character before it;
* `CHANGES`: NFC has something else in its place, or may have;
* `JOINS_AND_CHANGES`: both.

And there is a set of the *pairs* of a starter and a mark that NFC changes.
"""

from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from bytepiece.core.buffers cimport items

import numpy as np

cdef enum:
    N_CODES = 0x30000     # code points that have a class; those above are of class 0
    PAIR_BITS = 13        # the set of pairs has 2**PAIR_BITS places
    STRETCH = 16          # characters that are looked at together

cdef enum:
    _JOINS = 253
    _CHANGES = 254
    _JOINS_AND_CHANGES = 255

JOINS = _JOINS
CHANGES = _CHANGES
JOINS_AND_CHANGES = _JOINS_AND_CHANGES

NO_TABLE = -1
"""What `quick_check` returns when it needs the tables."""


# The set of pairs: a hash table with linear probing, zero where free. It stays small and is read for every mark of a
# text, so one multiplication is hash enough.

cdef inline uint64_t place_of_pair(const uint64_t *pairs, uint64_t pair) noexcept nogil:
    """Where a pair is, or the free place where it goes."""
    cdef uint64_t place = pair * <uint64_t>0x9E3779B97F4A7C15 >> (64 - PAIR_BITS)
    while pairs[place] and pairs[place] != pair:
        place = (place + 1) & ((1 << PAIR_BITS) - 1)
    return place


cdef inline bint is_pair(const uint64_t *pairs, uint64_t first, uint64_t second) noexcept nogil:
    return pairs[place_of_pair(pairs, first << 32 | second)] != 0


def hash_pairs(list pairs):
    """The set of some pairs of characters, given by their code points, for `quick_check`: a uint64 array."""
    cdef Py_ssize_t n
    cdef uint64_t first, second
    table = np.zeros(1 << PAIR_BITS, dtype=np.uint64)
    cdef uint64_t *places = <uint64_t *>items(table, 8, &n, True)
    if 2 * len(pairs) > n:
        raise ValueError(f"{len(pairs)} pairs are too many for the table")
    for first, second in pairs:
        places[place_of_pair(places, first << 32 | second)] = first << 32 | second
    return table


# Characters without tables.

ctypedef fused Unit:
    uint16_t
    uint32_t


cdef inline bint is_plain(uint32_t code) noexcept nogil:
    """Whether a character is surely of class 0. Most texts have no others.

    These code points are assigned, so Unicode's stability policy keeps them as they are.
    """
    return (
        code < 0x300
        or 0x4E00 <= code < 0xA000
        or 0x3001 <= code < 0x302A
        or 0x2010 <= code < 0x2028
        or 0xFF01 <= code < 0xFF5F
        or 0xAC00 <= code < 0xD7A4
    )


cdef inline bint all_latin(const Unit *text) noexcept nogil:
    """Whether the next STRETCH characters are below U+0300, the first mark. Without a branch, so that it vectorizes."""
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


# Characters with tables.

cdef struct Tables:
    const uint8_t *classes
    const uint64_t *pairs


cdef Tables open_tables(classes, pairs) except *:
    cdef Py_ssize_t n_classes = 0, n_pairs = 0
    cdef Tables tables
    tables.classes = <const uint8_t *>items(classes, 1, &n_classes)
    tables.pairs = <const uint64_t *>items(pairs, 8, &n_pairs)
    if n_classes != N_CODES or n_pairs != 1 << PAIR_BITS:
        raise ValueError("not the classes and pairs of all characters")
    return tables


cdef inline uint8_t class_of(const Tables *tables, uint32_t code) noexcept nogil:
    return tables.classes[code] if code < N_CODES else 0


cdef inline bint joins(const Tables *tables, uint32_t code) noexcept nogil:
    """Whether a character belongs to one cluster with the character before it."""
    cdef uint8_t its_class = class_of(tables, code)
    return its_class != 0 and its_class != _CHANGES


cdef Py_ssize_t find_change(const Unit *text, Py_ssize_t begin, Py_ssize_t n, const Tables *tables) noexcept nogil:
    """The first character that NFC may change, `n` if there is none. A cluster must start at `begin`."""
    cdef Py_ssize_t end, k
    cdef uint32_t starter = 0
    cdef uint8_t its_class, last_class = 0    # the latter of the last mark after the starter
    while begin < n:
        end = min(begin + STRETCH, n)
        if end - begin == STRETCH and all_latin(text + begin):
            starter = text[end - 1]
            last_class = 0
            begin = end
            continue
        for k in range(begin, end):
            its_class = class_of(tables, text[k])
            if its_class == 0:
                starter = text[k]
                last_class = 0
                continue
            # A mark of a lower class is sorted before the last one.
            if its_class >= _CHANGES or its_class < last_class or is_pair(tables.pairs, starter, text[k]):
                return k
            if its_class == _JOINS:
                starter = text[k]
                last_class = 0
            else:
                last_class = its_class
        begin = end
    return n


cdef bint find_cluster(
    const Unit *text, Py_ssize_t *begin, Py_ssize_t *end, Py_ssize_t n, const Tables *tables
) noexcept nogil:
    """Find the next cluster that NFC may change, from `end` on, where one must start; returns whether there is one."""
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


cdef bint find_long_cluster(const Unit *text, Py_ssize_t n, Py_ssize_t least, const Tables *tables) noexcept nogil:
    """Whether `least` characters in a row each join the one before. Of so many in a row, one has a number that `least`
    divides, so only those are looked at first.
    """
    cdef Py_ssize_t k = 0, begin, end
    while k < n:
        if joins(tables, text[k]):
            begin = k
            end = k + 1
            while begin > 0 and joins(tables, text[begin - 1]) and end - begin < least:
                begin -= 1
            while end < n and joins(tables, text[end]) and end - begin < least:
                end += 1
            if end - begin == least:
                return True
        k += least
    return False


cdef inline int check_str(text) except -1:
    """What is read is any `str`, those of subclasses too: `numpy.str_` is one."""
    if not isinstance(text, str):
        raise TypeError(f"text must be str, not {type(text).__name__}")
    return 0


def quick_check(text, classes, pairs):
    """1 if a text is in NFC, 0 if it may not be, `NO_TABLE` if that takes the tables and they are None."""
    check_str(text)
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


def changing_clusters(text, classes, pairs):
    """The clusters of a text that NFC may change, in order.

    Returns an int64 array of shape (n, 2): begin and end of each, in characters.
    """
    check_str(text)
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


def has_long_cluster(text, classes, pairs, Py_ssize_t least):
    """Whether some `least` characters in a row join the one before them."""
    check_str(text)
    cdef Py_ssize_t n = PyUnicode_GET_LENGTH(text)
    cdef int unit = PyUnicode_KIND(text)
    cdef const void *data = PyUnicode_DATA(text)
    cdef Tables tables = open_tables(classes, pairs)
    if least < 1:
        raise ValueError(f"{least} characters")
    if unit == 1:
        return False
    if unit == 2:
        return find_long_cluster(<uint16_t *>data, n, least, &tables)
    return find_long_cluster(<uint32_t *>data, n, least, &tables)
