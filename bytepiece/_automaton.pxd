from libc.stdint cimport uint8_t, uint16_t, uint32_t

from bytepiece._memory cimport Pool


# A state: a node of the trie. The child by byte c is slots[base + c], if c is the label there; bases are unique,
# so the label alone tells. A leaf has the base and the fail link of the first state on its suffix chain that has
# children: a walk that cannot go on in a leaf goes on there anyway.
cdef struct Slot:
    uint32_t base_label    # base << 8 | label
    uint32_t fail          # the next state on the suffix chain that has a child which this one lacks
    uint32_t group         # the first match of two bytes or more, | MORE_GROUPS; NO_GROUP if there is none


cdef enum:
    SINGLES = 256              # matches 0 to 255 are the single bytes; then come groups of four
    NO_GROUP = 0
    MORE_GROUPS = 0x40000000   # the matches of the state go on in the next group


# What a walk needs. Matches are parallel arrays: of each state its pieces of two bytes or more, the longest first, in
# groups of four, filled up with matches that never win.
cdef struct AutomatonView:
    const Slot *slots
    const double *scores
    const uint16_t *lengths
    const uint32_t *pieces
    const uint8_t *more        # for each group whether its matches go on in the next one
    const uint16_t *depths     # for each state how many of the last bytes may be the beginning of a longer piece
    size_t n_matches           # in these arrays, fillers among them
    uint32_t root
    uint32_t max_length        # of a piece, in bytes
    bint newline_safe          # no piece has anything behind a newline but newlines


cdef class Automaton:
    cdef AutomatonView view
    cdef readonly Py_ssize_t n_pieces
    cdef readonly Py_ssize_t nbytes
    cdef readonly object scores
