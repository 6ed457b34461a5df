"""Names of special tokens found in a text: the leftmost first, of those that begin there the longest."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.string cimport memchr, memcmp, memcpy, memset

from bytepiece.core.buffers cimport items
from bytepiece.core.packing cimport Strings, view_strings

import numpy as np

from bytepiece.core.packed import PackedBytes


cdef enum:
    N_CLASSES = 4          # of names, by the length of the prefix that is filtered


cdef inline int prefix_length(int number) noexcept nogil:
    """The length of the prefixes of a class. Each name is in the class of its longest prefix: 1, 2, 3 or 6 bytes.

    In most scripts, three bytes are a character and six are two.
    """
    return number + 1 if number < N_CLASSES - 1 else 6


# Names are sorted, so the one at a position is found by bisection. Most positions are ruled out before: by the first
# byte, or by a Bloom filter of prefixes (Bloom 1970, with both bits in one word).
cdef struct NamesView:
    const uint8_t *text        # all names, one after the other
    const int64_t *offsets
    const int32_t *shorter     # for each name the longest other name that it begins with, or -1
    int32_t n_names
    uint8_t classes[256]       # for each first byte, bit k: whether names of class k begin with it
    int only_byte              # the byte that all names begin with, or -1
    uint64_t masks[4]          # for each class, which of eight bytes are the prefix
    uint64_t *filter
    int shift                  # from a hash to the number of its word in the filter


cdef inline uint64_t hash_of(uint64_t prefix, int number) noexcept nogil:
    cdef uint64_t hash = (prefix + number) * <uint64_t>0x9E3779B97F4A7C15
    return hash ^ hash >> 32


cdef inline uint64_t bits_of(uint64_t hash) noexcept nogil:
    return <uint64_t>1 << (hash & 63) | <uint64_t>1 << (hash >> 6 & 63)


cdef inline uint64_t window_at(const uint8_t *text, size_t n) noexcept nogil:
    """The next eight bytes, as they lie in memory; zeros after the end."""
    cdef uint64_t window = 0
    if n >= 8:
        memcpy(&window, text, 8)
    else:
        memcpy(&window, text, n)
    return window


cdef inline bint may_begin(const NamesView *v, uint8_t classes, uint64_t window) noexcept nogil:
    """Whether a name may begin with the bytes of a window; the classes are those of the first byte."""
    cdef uint64_t hash, bits
    cdef int number
    for number in range(N_CLASSES):
        if classes >> number & 1:
            hash = hash_of(window & v.masks[number], number)
            bits = bits_of(hash)
            if v.filter[hash >> v.shift] & bits == bits:
                return True
    return False


cdef int32_t longest_at(const NamesView *v, const uint8_t *text, Py_ssize_t n) noexcept nogil:
    """The longest name that a text begins with, or -1."""
    cdef int32_t low = 0, high = v.n_names, middle
    cdef Py_ssize_t length
    cdef int order
    # The last name that does not sort after the text begins with every name that the text begins with.
    while low < high:
        middle = low + (high - low) // 2
        length = v.offsets[middle + 1] - v.offsets[middle]
        order = memcmp(v.text + v.offsets[middle], text, min(length, n))
        if order < 0 or (order == 0 and length <= n):
            low = middle + 1
        else:
            high = middle
    low -= 1
    while low >= 0:
        length = v.offsets[low + 1] - v.offsets[low]
        if length <= n and memcmp(v.text + v.offsets[low], text, length) == 0:
            break
        low = v.shorter[low]
    return low


cdef int32_t next_name(const NamesView *v, const uint8_t *text, Py_ssize_t n, Py_ssize_t *position) noexcept nogil:
    """The first name from a position on, or -1; the position moves to its begin."""
    cdef Py_ssize_t p = position[0]
    cdef const void *next_byte
    cdef int32_t found
    while True:
        if v.only_byte >= 0:
            next_byte = memchr(text + p, v.only_byte, n - p)
            p = n if next_byte == NULL else <const uint8_t *>next_byte - text
        else:
            while p < n and not v.classes[text[p]]:
                p += 1
        if p >= n:
            return -1
        if may_begin(v, v.classes[text[p]], window_at(text + p, n - p)):
            found = longest_at(v, text + p, n - p)
            if found >= 0:
                position[0] = p
                return found
        p += 1


cdef class NameFinder:
    """Finds names in texts.

    Args:
        names: a sorted list of ``bytes``, distinct and not empty.

    Thread safety: immutable.
    """

    cdef NamesView view
    cdef object arrays         # keeps alive what the view points to

    def __cinit__(self, list names):
        cdef Py_ssize_t n_names, k, length, log_words = 4
        cdef Strings strings
        cdef int number
        cdef uint64_t window, hash
        packed = PackedBytes.from_list(names)
        shorter = np.array(_shorter(names), dtype=np.int32)
        while 4 << log_words < len(names):    # 16 bits a name
            log_words += 1
        filter = np.zeros(1 << log_words, dtype=np.uint64)
        self.arrays = packed, shorter, filter
        view_strings(packed, &strings)
        self.view.text = strings.data
        self.view.offsets = strings.offsets
        self.view.shorter = <const int32_t *>items(shorter, 4, &n_names)
        self.view.filter = <uint64_t *>items(filter, 8, &k, True)
        self.view.shift = 64 - log_words
        self.view.n_names = n_names
        for number in range(N_CLASSES):
            memset(&self.view.masks[number], 0xFF, prefix_length(number))
        for k in range(n_names):
            length = self.view.offsets[k + 1] - self.view.offsets[k]
            number = N_CLASSES - 1
            while prefix_length(number) > length:
                number -= 1
            window = window_at(self.view.text + self.view.offsets[k], length)
            hash = hash_of(window & self.view.masks[number], number)
            self.view.classes[self.view.text[self.view.offsets[k]]] |= 1 << number
            self.view.filter[hash >> self.view.shift] |= bits_of(hash)
        first_bytes = {name[0] for name in names}
        self.view.only_byte = first_bytes.pop() if len(first_bytes) == 1 else -1

    def find(self, bytes text):
        """Find names from left to right, none within another: a list of (begin, end, number of the name)."""
        cdef Py_ssize_t n, position = 0, end
        cdef const uint8_t *bytes_ = <const uint8_t *>items(text, 1, &n)
        cdef int32_t found
        matches = []
        while True:
            with nogil:
                found = next_name(&self.view, bytes_, n, &position)
            if found < 0:
                return matches
            end = position + (self.view.offsets[found + 1] - self.view.offsets[found])
            matches.append((position, end, found))
            position = end

    def __reduce__(self):
        raise TypeError("a finder is made of names, not pickled")


def _shorter(list names):
    """For each of some sorted names, the number of the longest other name that it begins with, or -1."""
    result = []
    for number, name in enumerate(names):
        found = number - 1
        while found >= 0 and not name.startswith(names[found]):
            found = result[found]
        result.append(found)
    return result
