from libc.stdint cimport uint8_t, uint16_t, uint32_t

from bytepiece.core.alphabet cimport Alphabet, Text
from bytepiece.core.automaton cimport AutomatonView, Slot, child_of, slot_at
from bytepiece.core.ids cimport Ids


cdef enum:
    NEWLINE = 10
    BLOCK = 8192           # bytes that are walked before their sums are made
    AHEAD = 24             # how many positions before their use groups are fetched
    SPELLED = 0x40000000   # with a code point, an entry of `Lattice.pieces`: this character, each byte a piece


# Makes sums in place of the Viterbi, for `n` bytes that follow those of the call before, or begin a segment. Replaces
# each group in `pieces` by the last piece of the path that it chooses, and notes the length of that. Bytes only.
ctypedef void (*Forward)(
    void *context, const AutomatonView *a, const uint16_t *symbols, uint32_t *pieces, uint16_t *lengths, size_t n,
    bint begins_segment
) noexcept nogil


# The lattice of a text: for each position the last piece of the best path up to it. The path to 7 is followed back by
# lengths, here "cat", then "the ":
#
#     text          t    h    e   ' '   c    a    t
#     position    0    1    2    3    4    5    6    7
#     pieces        t    h   he  "the " c    a   cat        at index position - 1
#     lengths       1    1    2    4    1    1    3
#
# Only a window is kept, and it moves: all paths that can still win share a position, and what
# lies before it is decided.
# `pieces` first holds what the walk finds, the last group of each state; the sums then replace groups by pieces.
#
# Sums are kept for one block and, before it, for as many positions as the longest piece has. They lie backwards, so
# that the sum from which a piece of length n starts is `top[n]`:
#
#     sums at positions    4    3    2    1    0
#                          ^ top, when the sum at 4 is made
cdef struct Lattice:
    uint32_t *pieces
    uint16_t *lengths      # of these pieces, in symbols
    size_t capacity        # positions in the window
    double *sums
    size_t block           # the most symbols of a block; these are what it consists of:
    uint16_t *symbols
    uint32_t *characters   # the code points of the symbols, where they have some
    uint32_t *ends         # of the segments that end in the block
    Forward forward        # NULL for the Viterbi
    void *context          # of `forward`


# A part of a text that is segmented by itself, and where it begins there; or, if `is_id`, an id that stands for itself.
cdef struct Span:
    Text text
    size_t begin
    bint is_id
    uint32_t id


cdef extern from *:
    """
    /* Selections without a branch, because what decides cannot be predicted. Compilers make them of some expressions
       only, and branch where a condition depends on a comparison of what was just loaded. */
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
    # bit k % 16
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
