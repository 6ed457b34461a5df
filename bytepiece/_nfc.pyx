"""Whether a text is in NFC, at a glance."""

from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from bytepiece._buffers cimport items

cdef enum:
    CODES = 0x30000       # that the table has
    PAIR_BITS = 13        # the hash table of pairs has 2**PAIR_BITS places
    STRETCH = 16          # characters that are looked at together

cdef enum:
    _JOINS = 254
    _CHANGES = 255

JOINS = _JOINS
"""As a class: no mark, but may be composed with the character before."""

CHANGES = _CHANGES
"""As a class: NFC has something else instead, or it takes more than a glance to tell."""

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
    """Pairs of characters, given as code points, in a table for `quick_check`."""
    table = bytearray(8 << PAIR_BITS)
    view = memoryview(table).cast("Q")
    if 2 * len(pairs) > len(view):
        raise ValueError(f"{len(pairs)} pairs are too many for the table")
    for first, second in pairs:
        place = place_of(first << 32 | second)
        while view[place]:
            place = (place + 1) % len(view)
        view[place] = first << 32 | second
    return table


ctypedef fused Unit:
    uint16_t
    uint32_t


cdef bint all_plain(const Unit *text, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t k
    for k in range(n):
        if not is_plain(text[k]):
            return False
    return True


cdef inline bint all_latin(const Unit *text) noexcept nogil:
    """Whether a stretch of a text has nothing from U+0300 on; compilers find it out for many characters at a time."""
    cdef Py_ssize_t k
    cdef uint16_t others = 0
    for k in range(STRETCH):
        others |= text[k] >= 0x300
    return not others


cdef bint all_in_place(const Unit *text, Py_ssize_t n, const uint8_t *classes, const uint64_t *pairs) noexcept nogil:
    cdef Py_ssize_t begin = 0, end, k
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
            here = classes[text[k]] if <uint32_t>text[k] < CODES else 0
            if here == 0:
                starter = text[k]
                last = 0
                continue
            # A mark of a lower class belongs before the last one.
            if here == _CHANGES or here < last or is_pair(pairs, starter, text[k]):
                return False
            if here == _JOINS:
                starter = text[k]
                last = 0
            else:
                last = here
        begin = end
    return True


def quick_check(str text, classes, pairs):
    """1 if a text is in NFC; 0 if that cannot be told at a glance; `NO_TABLE` if it cannot without a table.

    `classes`, a uint8 array, has for each code point below 0x30000 its combining class, or JOINS or CHANGES; `pairs`
    are the characters that change if a mark comes after them. None if there is no table yet.
    """
    cdef Py_ssize_t n_classes, n_pairs, n = PyUnicode_GET_LENGTH(text)
    cdef int unit = PyUnicode_KIND(text)
    cdef const void *data = PyUnicode_DATA(text)
    cdef const uint8_t *class_of
    cdef const uint64_t *table
    if unit == 1:
        return 1
    if classes is None:
        return 1 if (all_plain(<uint16_t *>data, n) if unit == 2 else all_plain(<uint32_t *>data, n)) else NO_TABLE
    class_of = <const uint8_t *>items(classes, 1, &n_classes)
    table = <const uint64_t *>items(memoryview(pairs).cast("Q"), 8, &n_pairs)
    if n_classes != CODES or n_pairs != 1 << PAIR_BITS:
        raise ValueError("not the classes and pairs of all characters")
    if unit == 2:
        return all_in_place(<uint16_t *>data, n, class_of, table)
    return all_in_place(<uint32_t *>data, n, class_of, table)
