from libc.stdint cimport uint8_t, uint32_t, uint64_t


# A counted piece; its bytes follow, and zeros up to a multiple of eight.
cdef struct Record:
    uint64_t count
    uint32_t length
    uint32_t hash


# A hash table of open addressing. Its slots refer to records, which lie one after the other:
#
#     slots    |  0  | hash, 1 | 0 | hash, 5 | ...        0: free; else one more than the word where the record begins
#     records  | count, length, hash, "abcdefghi" | count, length, hash, "xyz" | ...
#
cdef class PieceTable:
    cdef uint64_t *records
    cdef size_t n_words         # of eight bytes, in all records
    cdef size_t capacity        # words for which there is room
    cdef Py_ssize_t n_records
    cdef uint64_t *slots        # hash << 32 | word + 1
    cdef int bits               # there are 1 << bits slots

    cdef int add_cuts(
        self, const uint8_t *text, const Py_ssize_t *starts, Py_ssize_t n_pieces, const uint64_t *counts
    ) except -1 nogil
    cdef int add(self, const uint8_t *piece, size_t length, uint32_t hash, uint64_t count) except -1 nogil
    cdef void clear(self) noexcept nogil
    cdef int make_room(self, Py_ssize_t n) except -1 nogil
