from libc.stdint cimport uint8_t, uint16_t, uint32_t

from bytepiece.core.alphabet cimport Alphabet, Text
from bytepiece.core.automaton cimport AutomatonView, Slot, child_of, slot_at
from bytepiece.core.ids cimport Ids


cdef enum:
    BLOCK = 8192           # bytes that are walked before their sums are made
    AHEAD = 24             # how many positions before their use matches are fetched
    SPELLED = 0x40000000   # | a code point, in the place of a piece: the bytes of that character, each a piece


# Makes the sums of `n` bytes, in place of the Viterbi: in the place of each of the groups in `pieces` it notes one
# piece, and the length of that. The bytes follow those of the call before, or begin a segment. Not for characters.
ctypedef void (*Forward)(
    void *context, const AutomatonView *a, const uint16_t *symbols, uint32_t *pieces, uint16_t *lengths, size_t n,
    bint begins_segment
) noexcept nogil


# The lattice of a segment, of which only a window is kept: what lies before the place where all paths that can
# still win have met is decided, and handed on.
cdef struct Lattice:
    uint32_t *pieces       # of each position: first the last group of the state, then the last piece of the best path
    uint16_t *lengths      # of that piece, in symbols
    size_t capacity
    double *sums           # of a block and the longest piece before it, backwards: sum(p - k) is right of sum(p) by k
    size_t block
    uint16_t *symbols      # of a block
    uint32_t *characters   # that they stand for
    uint32_t *ends         # of segments in the block
    Forward forward        # NULL: the Viterbi
    void *context          # of `forward`


# A part of a text that is segmented by itself, and where it begins there; or, if `is_id`, an id that stands for itself.
cdef struct Span:
    Text text
    size_t begin
    bint is_id
    uint32_t id


cdef extern from *:
    """
    /* Selections without a branch: what decides cannot be predicted. Compilers make selections of some expressions, and
       branches of statements, and of whatever depends on a comparison of what was just loaded. */
    #define bytepiece_larger(a, b) ((a) > (b) ? (a) : (b))
    #define bytepiece_select(condition, a, b) ((b) ^ (((a) ^ (b)) & (0u - (uint32_t)(condition))))
    #if defined(__x86_64__) && defined(__GNUC__)
    static inline size_t bytepiece_if_equal(uint16_t x, const uint16_t *y, size_t a, size_t b) {
        __asm__("cmpw %2, %1; cmovne %3, %0" : "+r"(a) : "r"(x), "m"(*y), "r"(b) : "cc");
        return a;
    }
    static inline size_t bytepiece_if_bit(uint16_t bits, uint16_t k, size_t a, size_t b) {
        __asm__("btw %2, %1; cmovnc %3, %0" : "+r"(a) : "r"(bits), "r"(k), "r"(b) : "cc");
        return a;
    }
    #else
    #define bytepiece_if(condition, a, b) ((b) ^ (((a) ^ (b)) & ((size_t)0 - (size_t)(condition))))
    #define bytepiece_if_equal(x, y, a, b) bytepiece_if((x) == *(y), a, b)
    #define bytepiece_if_bit(bits, k, a, b) bytepiece_if((bits) >> ((k) & 15) & 1, a, b)
    #endif
    """
    double larger "bytepiece_larger"(double a, double b) noexcept nogil
    uint32_t select "bytepiece_select"(bint condition, uint32_t a, uint32_t b) noexcept nogil
    size_t if_equal "bytepiece_if_equal"(uint16_t x, const uint16_t *y, size_t a, size_t b) noexcept nogil
    # of 16 bits, number k % 16
    size_t if_bit "bytepiece_if_bit"(uint16_t bits, uint16_t k, size_t a, size_t b) noexcept nogil


cdef inline void step(
    const Slot *slots, const uint16_t *symbols, uint32_t *groups, size_t *state, size_t *position
) noexcept nogil:
    """Go to the child and on to the next symbol, or along the fail link and stay; without a branch."""
    cdef const Slot *slot = slot_at(slots, state[0])
    cdef uint16_t symbol = symbols[position[0]]
    cdef size_t fail = slot.fail
    cdef size_t child = if_bit(slot.children, symbol, child_of(slot, symbol), fail)
    cdef size_t next = if_equal(symbol, &slot_at(slots, child).label, child, fail)
    groups[position[0]] = slot_at(slots, child).group
    state[0] = next
    position[0] += next != fail


cdef int open_lattice(Lattice *lattice, const AutomatonView *a, size_t n) except -1 nogil
cdef int resize_lattice(Lattice *lattice, size_t capacity) except -1 nogil
cdef void close_lattice(Lattice *lattice) noexcept nogil
cdef uint32_t walk(
    const AutomatonView *a, uint32_t state, const uint16_t *symbols, size_t n, uint32_t *groups
) noexcept nogil
cdef size_t viterbi(
    const AutomatonView *a, const uint16_t *symbols, const uint32_t *characters, uint32_t *pieces, uint16_t *lengths,
    size_t n, double *top
) noexcept nogil
cdef int emit(const AutomatonView *a, const Lattice *lattice, size_t begin, size_t end, Ids *out) except -1 nogil
cdef size_t segment_end(const uint8_t *text, size_t begin, size_t n) noexcept nogil
cdef int segment_text(const AutomatonView *a, const Text *text, Lattice *lattice, Ids *out) except -1 nogil
cdef int segment_span(const AutomatonView *a, const Span *span, Lattice *lattice, Ids *out) except -1 nogil
cdef Span *read_spans(const Alphabet *alphabet, list spans) except NULL
