"""The matching automaton over the pieces: built once, immutable.

An Aho-Corasick automaton (Aho and Corasick 1975): after each byte of a text it is in the longest suffix of the text
that begins a piece. Its trie lies in a double array (Aoe 1989), addressed by exclusive or. The pieces that end in a
state are a flat list, the longest first.
"""

from libc.math cimport log
from libc.stdint cimport UINT32_MAX, int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memset

import numpy as np

from bytepiece._buffers cimport items

cdef enum:
    ROOT = 0
    BLOCK = 256          # slots that one base can reach
    TRIES = 24           # free slots that are tried for siblings before they get a new block

cdef uint32_t NONE = UINT32_MAX


def log_probabilities(counts):
    """log(count) - log(sum of counts), float64, of a sequence of positive integers below 2**63.

    The logarithm is the C library's: NumPy's differs in the last bit between instruction sets, and the last bit
    decides ties.
    """
    counts = np.ascontiguousarray(counts, dtype=np.uint64)
    scores = np.empty(len(counts), dtype=np.float64)
    cdef Py_ssize_t n, k
    cdef const uint64_t *count = <const uint64_t *>items(counts, 8, &n)
    cdef double *score = <double *>items(scores, 8, &n, True)
    cdef uint64_t total = 0
    cdef double log_total
    with nogil:
        for k in range(n):
            total += count[k]
        log_total = log(<double>total)
        for k in range(n):
            score[k] = log(<double>count[k]) - log_total
    return scores


cdef class Automaton:
    """The automaton of a vocabulary.

    Args:
        pieces: a list of ``bytes``; or the pair of all pieces one after the other (``bytes`` or a uint8 array) and
            the offsets where each begins and the last ends (an int64 array). Distinct, not empty, all 256 single
            bytes among them.
        scores: a float64 array with a score for each piece.

    Thread safety: immutable.
    """

    def __cinit__(self, pieces, scores):
        cdef Py_ssize_t n, n_bytes, n_offsets, k
        if isinstance(pieces, tuple):
            data, offsets = pieces
        else:
            data = b"".join(pieces)
            offsets = np.zeros(len(pieces) + 1, dtype=np.int64)
            np.cumsum(np.fromiter(map(len, pieces), np.int64, len(pieces)), out=offsets[1:])
        cdef Builder b
        memset(&b, 0, sizeof(Builder))
        b.text = <const uint8_t *>items(data, 1, &n_bytes)
        b.offsets = <const int64_t *>items(offsets, 8, &n_offsets)
        b.scores = <const double *>items(scores, 8, &n)
        if n_offsets != n + 1 or b.offsets[0] != 0 or b.offsets[n] != n_bytes:
            raise ValueError("pieces, offsets and scores do not match")
        for k in range(n):
            if b.offsets[k] >= b.offsets[k + 1]:
                raise ValueError(f"piece {k} is empty")
        # There are no more nodes, and no more matches, than bytes in all pieces.
        if n_bytes >= 2**31:
            raise MemoryError(f"the pieces have {n_bytes} bytes in all; an automaton takes less than 2**31")
        b.n_pieces = <uint32_t>n
        try:
            with nogil:
                build(&b)
            self.n_pieces = n
            self.nbytes = (
                b.n_slots * <Py_ssize_t>sizeof(Node) + b.n_matches * <Py_ssize_t>sizeof(Match)
                + n * <Py_ssize_t>sizeof(uint32_t)
            )
            self.view.nodes = b.nodes
            self.view.matches = b.matches
            self.view.lengths = b.lengths
            self.view.max_length = b.max_length
            b.nodes = NULL
            b.matches = NULL
            b.lengths = NULL
        finally:
            free(b.nodes)
            free(b.matches)
            free(b.lengths)
            free(b.order)
            free(b.spare)
            free(b.queue)

    def __dealloc__(self):
        free(<void *>self.view.nodes)
        free(<void *>self.view.matches)
        free(<void *>self.view.lengths)

    def __reduce__(self):
        raise TypeError("an automaton is built from a model, not pickled")


# A node whose children are not made yet: the pieces that begin with its bytes are order[begin:end].
cdef struct Pending:
    uint32_t slot
    uint32_t begin
    uint32_t end


cdef struct Builder:
    const uint8_t *text
    const int64_t *offsets
    const double *scores
    uint32_t n_pieces
    # The result. In free slots `parent` is NONE, and `base` and `fail` link the next and the last free slot.
    Node *nodes
    Match *matches
    uint32_t *lengths
    uint32_t max_length
    Py_ssize_t n_slots
    Py_ssize_t n_matches
    Py_ssize_t slot_capacity
    Py_ssize_t match_capacity
    uint32_t free_slot
    # Scratch.
    uint32_t *order
    uint32_t *spare
    Pending *queue           # the nodes of this depth, then those of the next
    Py_ssize_t n_queue
    Py_ssize_t queue_capacity


cdef int grow(void **array, Py_ssize_t needed, Py_ssize_t *capacity, size_t size) except -1 nogil:
    """Room for `needed` items of `size` bytes; half as much again each time, so that growing stays linear."""
    if needed <= capacity[0]:
        return 0
    cdef Py_ssize_t new_capacity = needed + needed // 2 + 1024
    cdef void *grown = realloc(array[0], <size_t>new_capacity * size)
    if grown == NULL:
        raise MemoryError("no memory for the automaton")
    array[0] = grown
    capacity[0] = new_capacity
    return 0


cdef int build(Builder *b) except -1 nogil:
    """Make the trie level by level, with fail links and matches of each node as soon as it exists."""
    cdef uint32_t k
    cdef Py_ssize_t position = 0, level_end, depth = 0
    b.order = <uint32_t *>malloc((<size_t>b.n_pieces + 1) * sizeof(uint32_t))
    b.spare = <uint32_t *>malloc((<size_t>b.n_pieces + 1) * sizeof(uint32_t))
    b.lengths = <uint32_t *>malloc((<size_t>b.n_pieces + 1) * sizeof(uint32_t))
    if not (b.order and b.spare and b.lengths):
        raise MemoryError("no memory for the automaton")
    for k in range(b.n_pieces):
        b.order[k] = k
        b.lengths[k] = <uint32_t>(b.offsets[k + 1] - b.offsets[k])
        b.max_length = max(b.max_length, b.lengths[k])
    b.free_slot = NONE
    add_block(b)
    take_slot(b, ROOT, ROOT)
    append_match(b, 0, 0, 0)
    enqueue(b, ROOT, 0, b.n_pieces)
    while position < b.n_queue:
        level_end = b.n_queue
        while position < level_end:
            expand(b, b.queue[position], depth)
            position += 1
        # Nodes that are done make room.
        b.n_queue -= level_end
        for position in range(b.n_queue):
            b.queue[position] = b.queue[level_end + position]
        position = 0
        depth += 1
        if depth == 1 and b.n_queue != 256:
            raise ValueError("all 256 single bytes must be among the pieces")
    return 0


cdef int enqueue(Builder *b, uint32_t slot, uint32_t begin, uint32_t end) except -1 nogil:
    grow(<void **>&b.queue, b.n_queue + 1, &b.queue_capacity, sizeof(Pending))
    b.queue[b.n_queue].slot = slot
    b.queue[b.n_queue].begin = begin
    b.queue[b.n_queue].end = end
    b.n_queue += 1
    return 0


cdef inline uint8_t byte_at(const Builder *b, uint32_t piece, Py_ssize_t depth) noexcept nogil:
    return b.text[b.offsets[piece] + depth]


cdef int sort_by_byte(Builder *b, uint32_t begin, uint32_t end, Py_ssize_t depth) except -1 nogil:
    """Sort order[begin:end] by the byte at `depth`."""
    cdef uint32_t counts[257]
    cdef uint32_t k, j, piece
    if end - begin < 24:
        for k in range(begin + 1, end):
            piece = b.order[k]
            j = k
            while j > begin and byte_at(b, b.order[j - 1], depth) > byte_at(b, piece, depth):
                b.order[j] = b.order[j - 1]
                j -= 1
            b.order[j] = piece
        return 0
    memset(counts, 0, sizeof(counts))
    for k in range(begin, end):
        counts[byte_at(b, b.order[k], depth) + 1] += 1
        b.spare[k] = b.order[k]
    for k in range(256):
        counts[k + 1] += counts[k]
    for k in range(begin, end):
        piece = b.spare[k]
        j = byte_at(b, piece, depth)
        b.order[begin + counts[j]] = piece
        counts[j] += 1
    return 0


cdef int expand(Builder *b, Pending node, Py_ssize_t depth) except -1 nogil:
    """Make the children of a node, and their fail links and matches."""
    cdef uint8_t bytes[256]
    cdef int n = 0, k
    cdef uint32_t begin = node.begin, i, j, slot, base, fail
    # The piece that ends in this node, if there is one, was noted when the node was made.
    i = begin
    while i < node.end:
        if b.lengths[b.order[i]] == depth:
            b.order[i], b.order[begin] = b.order[begin], b.order[i]
            begin += 1
        i += 1
    if begin - node.begin > 1:
        raise ValueError("pieces must be distinct")
    if begin == node.end:
        b.nodes[node.slot].base = node.slot & ~<uint32_t>0xFF  # whatever is there has another parent
        return 0
    sort_by_byte(b, begin, node.end, depth)
    for i in range(begin, node.end):
        if i == begin or byte_at(b, b.order[i], depth) != bytes[n - 1]:
            bytes[n] = byte_at(b, b.order[i], depth)
            n += 1
    base = find_base(b, bytes, n)
    b.nodes[node.slot].base = base
    i = begin
    for k in range(n):
        slot = base ^ bytes[k]
        take_slot(b, slot, node.slot)
        j = i
        while i < node.end and byte_at(b, b.order[i], depth) == bytes[k]:
            i += 1
        enqueue(b, slot, j, i)
        fail = ROOT
        if node.slot != ROOT:
            fail = next_state(b.nodes, b.nodes[node.slot].fail, bytes[k])
        b.nodes[slot].fail = fail
        link_matches(b, slot, j, i, depth + 1)
    return 0


cdef int link_matches(Builder *b, uint32_t slot, uint32_t begin, uint32_t end, Py_ssize_t depth) except -1 nogil:
    """The pieces that end in a node: the one that is all its bytes, if there is one, and those of its fail link."""
    cdef uint32_t i, fail = b.nodes[slot].fail
    cdef Py_ssize_t source = b.nodes[fail].matches
    b.nodes[slot].matches = <uint32_t>source
    for i in range(begin, end):
        if b.lengths[b.order[i]] == depth:
            b.nodes[slot].matches = <uint32_t>b.n_matches
            append_match(b, b.scores[b.order[i]], <int32_t>b.order[i], <int32_t>depth)
            while b.matches[source].length:
                append_match(b, b.matches[source].score, b.matches[source].piece, b.matches[source].length)
                source += 1
            append_match(b, 0, 0, 0)
            break
    return 0


cdef int append_match(Builder *b, double score, int32_t piece, int32_t length) except -1 nogil:
    grow(<void **>&b.matches, b.n_matches + 1, &b.match_capacity, sizeof(Match))
    b.matches[b.n_matches].score = score
    b.matches[b.n_matches].piece = piece
    b.matches[b.n_matches].length = length
    b.n_matches += 1
    return 0


# The double array.

cdef int add_block(Builder *b) except -1 nogil:
    """Append a block of free slots, before all other free slots in their ring."""
    cdef Py_ssize_t first = b.n_slots, k
    cdef uint32_t last
    grow(<void **>&b.nodes, first + BLOCK, &b.slot_capacity, sizeof(Node))
    b.n_slots += BLOCK
    for k in range(first, b.n_slots):
        b.nodes[k].parent = NONE
        b.nodes[k].base = <uint32_t>(k + 1)
        b.nodes[k].fail = <uint32_t>(k - 1)
        b.nodes[k].matches = 0
    if b.free_slot == NONE:
        b.nodes[b.n_slots - 1].base = <uint32_t>first
        b.nodes[first].fail = <uint32_t>(b.n_slots - 1)
    else:
        last = b.nodes[b.free_slot].fail
        b.nodes[last].base = <uint32_t>first
        b.nodes[first].fail = last
        b.nodes[b.n_slots - 1].base = b.free_slot
        b.nodes[b.free_slot].fail = <uint32_t>(b.n_slots - 1)
    b.free_slot = <uint32_t>first
    return 0


cdef void take_slot(Builder *b, uint32_t slot, uint32_t parent) noexcept nogil:
    cdef Node *node = &b.nodes[slot]
    if node.base == slot:
        b.free_slot = NONE
    else:
        b.nodes[node.fail].base = node.base
        b.nodes[node.base].fail = node.fail
        if b.free_slot == slot:
            b.free_slot = node.base
    node.parent = parent
    node.base = 0
    node.fail = ROOT


cdef uint32_t find_base(Builder *b, const uint8_t *bytes, int n) except? 0xFFFFFFFF nogil:
    """A base for siblings: free slots for all of them."""
    cdef uint32_t slot = b.free_slot, base
    cdef int _, k
    for _ in range(TRIES):
        if slot == NONE:
            break
        base = slot ^ bytes[0]
        k = 1
        while k < n and b.nodes[base ^ bytes[k]].parent == NONE:
            k += 1
        if k == n:
            return base
        slot = b.nodes[slot].base
        if slot == b.free_slot:
            break
    if n > 1 and slot != NONE:
        b.free_slot = slot  # those before were tried in vain; the next search begins behind them
    add_block(b)
    return b.free_slot


cdef inline uint32_t next_state(const Node *nodes, uint32_t state, uint8_t byte) noexcept nogil:
    """The state after one more byte."""
    cdef uint32_t child = nodes[state].base ^ byte
    while nodes[child].parent != state:
        if state == ROOT:
            return ROOT
        state = nodes[state].fail
        child = nodes[state].base ^ byte
    return child
