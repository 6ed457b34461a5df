from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t


cdef enum:
    MAX_PIECE = 0xFFFF       # bytes: lengths of pieces have 16 bits


cdef struct SampleView:
    const uint8_t *text
    size_t n_bytes
    const int64_t *offsets          # where each segment begins, and the last ends
    Py_ssize_t n_segments
    const uint32_t *documents       # of each segment, the number of its document
    const int64_t *document_ends    # where each document ends
    Py_ssize_t n_documents


cdef class Sample:
    cdef SampleView view
    cdef readonly object data
    cdef readonly object offsets
    cdef readonly object documents
    cdef readonly object document_ends
    cdef readonly bint whole


cdef struct PiecesView:
    const uint8_t *text
    const int64_t *offsets
    uint16_t *lengths
    Py_ssize_t n_pieces


cdef class Pieces:
    cdef PiecesView view
    cdef object keep                # whose arrays pointers go into


cdef int check_tokens(const uint32_t *ids, Py_ssize_t n_tokens, const PiecesView *pieces, size_t n_bytes) except -1
