from libc.stdint cimport uint8_t, uint32_t, uint64_t


cdef enum:
    MAX_ORDER = 7    # the longest n-gram: a key has eight bytes, and the last one is the length


cdef inline Py_ssize_t character_length(uint8_t lead) noexcept nogil:
    """Bytes of the UTF-8 character that starts with `lead`."""
    if lead < 0xC0:
        return 1
    if lead < 0xE0:
        return 2
    return 3 if lead < 0xF0 else 4


# A piece that was counted; its bytes follow, and zeros up to a multiple of eight.
cdef struct Record:
    uint64_t count
    uint32_t length
    uint32_t hash


cdef class PieceCounter:
    cdef uint64_t *records      # one after the other
    cdef size_t n_words         # of eight bytes, that they take
    cdef size_t capacity
    cdef Py_ssize_t n_records
    cdef uint64_t *table        # hash << 32, and one more than the word where the record begins; 0 where there is none
    cdef int bits               # the table has 1 << bits slots

    cdef int add_parts(self, const uint8_t *text, const Py_ssize_t *starts, Py_ssize_t n_parts) except -1 nogil
    cdef int add(self, const uint8_t *piece, size_t length, uint32_t hash, uint64_t count) except -1 nogil
    cdef void clear(self) noexcept nogil
    cdef int make_room(self, Py_ssize_t n) except -1 nogil
