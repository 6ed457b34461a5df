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


cdef struct Entry:
    uint64_t hash
    uint64_t count
    size_t offset
    uint32_t length


cdef class PieceCounter:
    cdef Entry *entries
    cdef Py_ssize_t n_entries
    cdef Py_ssize_t entry_capacity
    cdef uint8_t *bytes
    cdef size_t n_bytes
    cdef size_t byte_capacity
    cdef uint64_t *table        # the upper half of a hash, and one more than the number of its entry
    cdef uint64_t mask

    cdef int add(self, const uint8_t *piece, size_t length, uint64_t count) except -1 nogil
    cdef void clear(self) noexcept nogil
    cdef int grow_table(self) except -1 nogil
