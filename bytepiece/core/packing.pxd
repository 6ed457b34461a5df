from libc.stdint cimport int64_t, uint8_t, uint64_t


# Packed byte strings, as kernels read them: string k is data[offsets[k]:offsets[k + 1]].
cdef struct Strings:
    const uint8_t *data
    const int64_t *offsets
    Py_ssize_t n


cdef int view_strings(object packed, Strings *strings) except -1
cdef const uint64_t *view_counts(object counted, Py_ssize_t n) except? NULL
