from libc.stdint cimport int32_t, uint32_t


cdef struct Node:
    uint32_t base      # the child by byte c is in slot base ^ c, if that slot names this one as its parent
    uint32_t parent
    uint32_t fail      # the slot of the longest proper suffix that is in the trie too
    uint32_t matches   # where the list of the pieces that end here begins


cdef struct Match:
    double score
    int32_t piece
    int32_t length     # of the piece, in bytes; 0 behind the last of a list


# What a walk needs: read by any number of threads, changed by none.
cdef struct AutomatonView:
    const Node *nodes
    const Match *matches
    const uint32_t *lengths
    uint32_t max_length


cdef class Automaton:
    cdef AutomatonView view
    cdef readonly Py_ssize_t n_pieces
    cdef readonly Py_ssize_t nbytes
