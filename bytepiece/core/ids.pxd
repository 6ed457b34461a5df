from libc.stdint cimport uint32_t


# A growing array of ids, the owner of its memory; or only their number, if `counting`.
cdef struct Ids:
    uint32_t *ids
    size_t size
    size_t capacity
    bint counting


cdef int reserve(Ids *ids, size_t n) except -1 nogil
cdef void reserve_for_rest(Ids *ids, size_t taken, size_t total) noexcept nogil
cdef void give_back(Ids *ids) noexcept nogil


cdef class IdArray:
    cdef Ids data
    cdef Py_ssize_t shape[1]
