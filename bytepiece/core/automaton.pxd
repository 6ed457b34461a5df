from libc.stdint cimport uint8_t, uint16_t, uint32_t

from bytepiece.core.alphabet cimport Alphabet


# A state: a node of the trie. Its number is where its slot lies in the table, in bytes, which saves a multiplication at
# each step. The child by symbol c is in slot base + c * sizeof(Slot), if c is the label there; bases are unique, so the
# label alone tells. Most children that are sought do not exist, and where they would be is seldom in a cache: a filter
# tells of most of them that they are not there. Then the walk goes on from the next state on the suffix chain that has
# a child which this one lacks: the fail link. A leaf has the base, the filter and the fail link of the first state on
# its chain that has children: a walk that cannot go on in a leaf goes on there anyway.
cdef struct Slot:
    uint32_t base
    uint32_t fail
    uint16_t label
    uint16_t children      # the filter: if bit c % 16 is not set, there is no child by symbol c
    uint32_t group         # the last one of its matches


cdef inline const Slot *slot_at(const Slot *slots, size_t state) noexcept nogil:
    return <const Slot *>(<const uint8_t *>slots + state)


cdef inline uint32_t child_of(const Slot *slot, uint32_t symbol) noexcept nogil:
    """Where the child by a symbol is, if there is one."""
    return slot.base + symbol * <uint32_t>sizeof(Slot)


cdef enum:
    MAX_MATCHES = 1 << 30


# Four matches: pieces that end in a state. Those of a state are in one group or in several that follow each other, the
# longest first; the last one of the last group, which the slot names, is the last symbol alone. Before it stand matches
# that never win, as many as it takes, of a score of minus infinity and the greatest length: what they add to was made
# long ago, and is not waited for. What is needed of a group lies in one line of the cache.
cdef struct Group:
    double scores[4]
    uint32_t pieces[4]
    uint16_t lengths[4]        # in symbols
    # of the last group:
    uint16_t n_others          # the matches of the state before the last one
    uint8_t more               # whether more is to be compared than this group: those before it, or bytes


# What a walk needs. Match m is number m % 4 in group m // 4.
#
# A character has more segmentations than one: its bytes can be pieces. Where its own piece is better by far, as nearly
# always, they are left out. Where not, or where it has no piece, the last match stands for the bytes: its piece is
# UINT32_MAX, and it never wins by itself. The piece of the character, if any, is then before it.
cdef struct AutomatonView:
    Alphabet alphabet
    const Slot *slots
    const Group *groups
    double byte_scores[256]
    uint32_t byte_pieces[256]
    const uint16_t *depths     # for each slot how many of the last symbols may be the beginning of a longer piece
    size_t n_groups
    uint32_t first_id          # the id of piece 0
    uint32_t root              # a state
    uint32_t max_length        # of a piece, in symbols
    bint newline_safe          # no piece has anything behind a newline but newlines


cdef inline double score_of(const AutomatonView *a, uint32_t match) noexcept nogil:
    return a.groups[match >> 2].scores[match & 3]


cdef inline uint32_t piece_of(const AutomatonView *a, uint32_t match) noexcept nogil:
    return a.groups[match >> 2].pieces[match & 3]


cdef inline uint32_t length_of(const AutomatonView *a, uint32_t match) noexcept nogil:
    return a.groups[match >> 2].lengths[match & 3]


cdef inline uint32_t first_group(const AutomatonView *a, uint32_t group) noexcept nogil:
    """Of the groups of a state, given by the last."""
    return group - a.groups[group].n_others // 4


cdef class Automaton:
    cdef AutomatonView view
    cdef readonly Py_ssize_t n_pieces
    cdef readonly Py_ssize_t nbytes
    cdef readonly bint by_characters
    cdef readonly object scores


cdef inline int check_goes_by_bytes(Automaton automaton) except -1:
    if automaton.by_characters:
        raise ValueError("this needs an automaton that goes by bytes")
    return 0
