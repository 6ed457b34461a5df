from libc.stdint cimport uint8_t, uint16_t, uint32_t

from bytepiece._automaton cimport AutomatonView


cdef enum:
    BLOCK = 8192           # bytes that are walked before their sums are made
    AHEAD = 24             # how many positions before their use matches are fetched


# Makes the sums of `n` bytes, in place of the Viterbi: for each of the groups in `matches` it notes one match, and the
# length of that. The bytes follow those of the call before, or begin a segment.
ctypedef void (*Forward)(
    void *context, const AutomatonView *a, const uint8_t *text, uint32_t *matches, uint16_t *lengths, size_t n,
    bint begins_segment
) noexcept nogil


# The lattice of a segment, of which only a window is kept: what lies before the place where all paths that can
# still win have met is decided, and handed on.
cdef struct Lattice:
    uint32_t *matches      # of each position: first the group of the state, then the last match of the best path
    uint16_t *lengths      # of that match, in bytes
    size_t capacity
    double *sums           # of a block and the longest piece before it, backwards: sum(p - k) is right of sum(p) by k
    size_t block
    Forward forward        # NULL: the Viterbi
    void *context          # of `forward`


cdef struct Ids:
    uint32_t *ids
    size_t size
    size_t capacity
    uint32_t first_id      # of piece 0
    bint counting          # only count them


# A part of a text, and where it begins there.
cdef struct Span:
    const uint8_t *text
    size_t begin
    size_t length


cdef class IdArray:
    cdef Ids data
    cdef Py_ssize_t shape[1]


cdef int open_lattice(Lattice *lattice, const AutomatonView *a, size_t n) except -1 nogil
cdef int resize_lattice(Lattice *lattice, size_t capacity) except -1 nogil
cdef void close_lattice(Lattice *lattice) noexcept nogil
cdef uint32_t walk(
    const AutomatonView *a, uint32_t state, const uint8_t *text, size_t n, uint32_t *groups
) noexcept nogil
cdef void viterbi(
    const AutomatonView *a, const uint8_t *text, uint32_t *matches, uint16_t *lengths, size_t n, double *top
) noexcept nogil
cdef int emit(const AutomatonView *a, const Lattice *lattice, size_t begin, size_t end, Ids *out) except -1 nogil
cdef size_t segment_end(const uint8_t *text, size_t begin, size_t n) noexcept nogil
cdef int segment_text(
    const AutomatonView *a, const uint8_t *text, size_t n, Lattice *lattice, Ids *out
) except -1 nogil
cdef int reserve(Ids *ids, size_t n) except -1 nogil
cdef Span *read_spans(list spans) except NULL
