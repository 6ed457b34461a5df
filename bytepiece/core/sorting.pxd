from libc.stdint cimport uint8_t, uint32_t, uint64_t

from bytepiece.core.memory cimport Pool


# A byte string to be sorted, and its number.
cdef struct SortKey:
    uint64_t prefix          # its first eight bytes as an integer, which nearly always decide
    const uint8_t *bytes
    uint32_t length
    uint32_t number


cdef int compare_bytes(const uint8_t *a, size_t n_a, const uint8_t *b, size_t n_b) noexcept nogil
cdef void set_key(SortKey *key, const uint8_t *bytes, uint32_t length, uint32_t number) noexcept nogil
cdef int sort_keys(SortKey *keys, size_t n) except -1 nogil
cdef int order_descending(const float *weights, uint32_t n, uint32_t *order, Pool *pool) except -1 nogil
