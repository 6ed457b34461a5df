from libc.stdint cimport uint8_t, uint16_t, uint32_t

from bytepiece.core.alphabet cimport Alphabet


# The automaton in letters. Of the pieces a, ab, abc, b, bcd, c and d, this is the trie, whose nodes are the states:
#
#     root -a- A -b- AB -c- ABC
#          -b- B -c- BC -d- BCD
#          -c- C
#          -d- D
#
# After the text "xabc" the automaton is in ABC: the longest suffix that begins a piece. The matches there are abc and
# c, the pieces that end the text. If d follows, ABC has no child by d; its fail link leads to BC, which has one: BCD.
#
# States lie in one table of slots, a double array: the child by symbol c is c slots behind the base of its parent, and
# the gaps are filled with children of others. With a = 0, b = 1, c = 2, d = 3 and the root's base 4:
#
#     slot     4   5   6   7   8   9   10  11
#     state    A   B   C   D   AB  BCD ABC BC
#     label    a   b   c   d   b   d   c   c        the symbol that led there
#     base     7   9           8           6
#
# A has a child by b: slot 7 + 1 has the label b. It has none by d: slot 7 + 3 has another label. Bases are unique, so
# the label alone tells. Most children that a walk asks for do not exist, and their slots are seldom cached; a filter in
# the parent, 16 bits, rules most of them out.
#
# Two things shorten a walk. A fail link skips states that have no child by a symbol for which this state has none.
# And a leaf has base, filter and fail link of the first state on its suffix chain that has children (ABC those of BC),
# since a walk can only go on from there.
#
# A state is given by the position of its slot in the table, in bytes, which saves a multiplication a step; so are bases
# and fail links.
cdef struct Slot:
    uint32_t base
    uint32_t fail
    uint16_t label
    uint16_t children      # the filter: unless bit c % 16 is set, there is no child by symbol c
    uint32_t group         # the last group of its matches


cdef inline const Slot *slot_at(const Slot *slots, size_t state) noexcept nogil:
    return <const Slot *>(<const uint8_t *>slots + state)


cdef inline uint32_t child_of(const Slot *slot, uint32_t symbol) noexcept nogil:
    """The child by a symbol, if there is one."""
    return slot.base + symbol * <uint32_t>sizeof(Slot)


cdef enum:
    MAX_MATCHES = 1 << 30


# The matches of a state, four a group, the longest first. The match of the last symbol alone is always the last one of
# the last group, so that it can be added last; padding fills the gap. Six matches:
#
#     group g - 1:   m0   m1   m2   m3
#     group g:       m4   pad  pad  m5       a slot names this group
#
# Padding has the score -inf, so it never wins, and the greatest length, so it reads a sum stored long ago and causes no
# stall. A group fills one line of the cache.
cdef struct Group:
    double scores[4]
    uint32_t pieces[4]
    uint16_t lengths[4]        # in symbols
    # Only in the last group:
    uint16_t n_others          # how many matches the state has besides its last one
    uint8_t more               # whether more than this group must be compared: groups before it, or a spelling


# What walks and sums read. Match m is number m % 4 of group m // 4.
#
# Where symbols are characters, a character can also be spelled: cut into bytes, each a piece. Nearly always its own
# piece is better by far, and the spelling is left out. Where it is not, or where the character has no piece, the last
# match stands for the spelling: its piece is UINT32_MAX and its score -inf, and whoever makes sums adds the scores of
# the bytes. The character's own piece, if there is one, is then the match before it.
cdef struct AutomatonView:
    Alphabet alphabet
    const Slot *slots
    const Group *groups
    double byte_scores[256]
    uint32_t byte_pieces[256]
    const uint16_t *depths     # for each slot, how many of the last symbols may begin a longer piece
    size_t n_groups
    uint32_t first_id          # the id of piece 0
    uint32_t root              # a state
    uint32_t max_length        # of a piece, in symbols
    bint newline_safe          # no piece spans two segments: behind a newline it has newlines only


cdef inline double score_of(const AutomatonView *a, uint32_t match) noexcept nogil:
    return a.groups[match >> 2].scores[match & 3]


cdef inline uint32_t piece_of(const AutomatonView *a, uint32_t match) noexcept nogil:
    return a.groups[match >> 2].pieces[match & 3]


cdef inline uint32_t length_of(const AutomatonView *a, uint32_t match) noexcept nogil:
    return a.groups[match >> 2].lengths[match & 3]


cdef inline uint32_t first_group(const AutomatonView *a, uint32_t group) noexcept nogil:
    """The first group of a state, given its last."""
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
