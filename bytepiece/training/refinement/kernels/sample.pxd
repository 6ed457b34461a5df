from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t


cdef enum:
    MAX_PIECE = 0xFFFF       # bytes: lengths of pieces have 16 bits
    LANDMARK_BITS = 6


# That a document has a segment so many times.
cdef struct Posting:
    uint32_t document
    uint32_t count


# Each distinct segment once, with its postings. The documents "a cat\na dog\n" and "a cat\na cat\n", in lines:
#
#     text       a   c a t \n a   d o g \n        offsets          0  6  12
#     postings   0 x 1, 1 x 2 | 0 x 1             posting_offsets  0  2  3
#     counts     3            | 1
#
cdef struct SampleView:
    const uint8_t *text
    size_t n_bytes
    const int64_t *offsets              # where each segment begins, and the last ends
    Py_ssize_t n_segments
    const uint32_t *posting_offsets     # where the postings of each segment begin, and those of the last end
    const Posting *postings             # of one segment by ascending documents
    const uint32_t *counts              # how often each segment occurs
    uint32_t *landmarks                 # the segments of the positions 0, 64, 128, and so on
    Py_ssize_t n_documents


cdef class Sample:
    cdef SampleView view
    cdef readonly object data
    cdef readonly object offsets
    cdef readonly object posting_offsets
    cdef readonly object postings
    cdef readonly object counts
    cdef readonly Py_ssize_t n_documents
    cdef readonly bint whole
    cdef readonly int64_t text_bytes


cdef inline size_t segment_at(const SampleView *s, size_t position) noexcept nogil:
    """The segment of a position of the text."""
    cdef size_t segment = s.landmarks[position >> LANDMARK_BITS]
    while s.offsets[segment + 1] <= <int64_t>position:
        segment += 1
    return segment


# In how many documents something is, and how often in each. Threads have one each.
cdef struct Tally:
    uint32_t *here              # for each document, its count
    uint32_t *documents         # those with a count
    size_t n_documents


cdef int open_tally(Tally *tally, const SampleView *s) except -1 nogil
cdef void close_tally(Tally *tally) noexcept nogil
cdef uint64_t clear_tally(Tally *tally) noexcept nogil


cdef inline void tally_segment(Tally *tally, const SampleView *s, size_t segment) noexcept nogil:
    """Count the segment in all its documents."""
    cdef uint32_t k
    cdef const Posting *posting
    for k in range(s.posting_offsets[segment], s.posting_offsets[segment + 1]):
        posting = &s.postings[k]
        if tally.here[posting.document] == 0:
            tally.documents[tally.n_documents] = posting.document
            tally.n_documents += 1
        tally.here[posting.document] += posting.count


cdef struct PiecesView:
    const uint8_t *text
    const int64_t *offsets
    uint16_t *lengths
    Py_ssize_t n_pieces


cdef class Pieces:
    cdef PiecesView view
    cdef object keep                # whose arrays pointers go into


cdef struct TokensView:
    const uint32_t *ids
    Py_ssize_t n_tokens
    const int64_t *ends             # for each segment, the number of tokens up to its end


cdef class Tokens:
    cdef TokensView view
    cdef readonly Sample sample
    cdef readonly Pieces pieces
    cdef readonly object ids
    cdef readonly object ends
