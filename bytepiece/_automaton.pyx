"""The matching automaton over the pieces: built once, immutable.

An Aho-Corasick automaton (Aho and Corasick 1975): after each byte of a text it is in the longest suffix of the text
that begins a piece. Its trie lies in a double array (Aoe 1989). Three things make the walk short: fail links skip
states that could not go on either; a leaf, which can never go on, takes over the children of the state its link leads
to; and what is often visited lies together. `benchmarks/README.md` says what each of them gave, and what was tried
besides.
"""

from libc.math cimport INFINITY, exp, log
from libc.stdint cimport UINT32_MAX, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memchr, memcpy, memset

from bytepiece._buffers cimport items
from bytepiece._memory cimport Pool, allocate_table, pool_array, pool_free, trim_memory
from bytepiece._sorting cimport SortKey, set_key, sort_keys

import numpy as np

MAX_PIECE_BYTES = 65535
"""The longest piece that an automaton takes, in bytes."""

cdef enum:
    MAX_SLOTS = 1 << 24      # a base has 24 bits

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
            the offsets where each begins and the last ends (an int64 array). Distinct, 1 to `MAX_PIECE_BYTES` bytes
            long, all 256 single bytes among them.
        scores: a float64 array with a score for each piece, finite.

    Raises ``ValueError`` where pieces break a rule, ``MemoryError`` where there is no memory for them, or they have
    more than some 16 million beginnings.

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
        if n_offsets != n + 1 or b.offsets[0] != 0 or b.offsets[n] != n_bytes or n >= NONE:
            raise ValueError("pieces, offsets and scores do not match")
        for k in range(n):
            if not 1 <= b.offsets[k + 1] - b.offsets[k] <= MAX_PIECE_BYTES:
                raise ValueError(
                    f"piece {k} has {b.offsets[k + 1] - b.offsets[k]} bytes, which must be 1 to {MAX_PIECE_BYTES}"
                )
        b.n_pieces = <uint32_t>n
        b.view.newline_safe = True
        try:
            with nogil:
                build(&b)
            self.n_pieces = n
            self.nbytes = b.n_bytes
            self.scores = scores
            self.view = b.view
            memset(&b.view, 0, sizeof(AutomatonView))
        finally:
            free_tables(&b.view)
            free(b.free_slots)
            free(b.free_bases)
            pool_free(&b.pool)
            trim_memory()  # what building took is more than what stays

    def __dealloc__(self):
        free_tables(&self.view)

    def __reduce__(self):
        raise TypeError("an automaton is built from a model, not pickled")


cdef void free_tables(AutomatonView *view) noexcept nogil:
    free(<void *>view.slots)
    free(<void *>view.scores)
    free(<void *>view.lengths)
    free(<void *>view.pieces)
    free(<void *>view.more)
    free(<void *>view.depths)


# The way to an automaton: nodes are numbered level by level, the root is node 0. What is in the pool is scratch.
cdef struct Builder:
    const uint8_t *text
    const int64_t *offsets
    const double *scores
    uint32_t n_pieces
    uint32_t n_nodes
    Pool pool
    SortKey *sorted           # the pieces in the order of their bytes
    uint32_t *common          # for each the bytes that it begins with like the one before
    # the trie; children of node v are first_child[v] to first_child[v + 1] - 1
    uint32_t *first_child
    uint32_t *parent
    uint32_t *piece           # that ends in the node, or NONE
    uint16_t *depth
    uint8_t *label
    uint32_t *by_heat         # the nodes, the hottest first
    # the double array
    uint32_t *base
    uint32_t *slot
    uint32_t *node_in_slot
    uint64_t *free_slots      # bitmaps
    uint64_t *free_bases
    uint32_t n_words          # of each
    # links
    uint32_t *suffix          # the longest proper suffix that is in the trie too
    uint32_t *fail            # see Slot
    # the result
    AutomatonView view
    Py_ssize_t n_bytes


cdef int build(Builder *b) except -1 nogil:
    sort_pieces(b)
    make_trie(b)
    order_by_heat(b)
    place_children(b)
    make_slots(b)
    link(b)
    make_matches(b)
    return 0


cdef int sort_pieces(Builder *b) except -1 nogil:
    """Sort the pieces, and find how much each has in common with the one before."""
    cdef uint32_t k, shorter, n = 0
    cdef const SortKey *key
    cdef const uint8_t *newline
    b.sorted = <SortKey *>pool_array(&b.pool, b.n_pieces, sizeof(SortKey))
    b.common = <uint32_t *>pool_array(&b.pool, b.n_pieces, sizeof(uint32_t))
    for k in range(b.n_pieces):
        set_key(&b.sorted[k], b.text + b.offsets[k], <uint32_t>(b.offsets[k + 1] - b.offsets[k]), k)
    sort_keys(b.sorted, b.n_pieces)
    b.n_nodes = 1
    for k in range(b.n_pieces):
        key = &b.sorted[k]
        b.view.max_length = max(b.view.max_length, key.length)
        n = 0
        if k:
            shorter = min(key.length, b.sorted[k - 1].length)
            while n < shorter and key.bytes[n] == b.sorted[k - 1].bytes[n]:
                n += 1
            if n == key.length:
                raise ValueError("pieces must be distinct")
        b.common[k] = n
        if key.length - n >= MAX_SLOTS - b.n_nodes:
            raise MemoryError("more than 2**24 beginnings of pieces")
        b.n_nodes += key.length - n
        newline = <const uint8_t *>memchr(key.bytes, 10, key.length)
        while newline != NULL and newline < key.bytes + key.length:
            if newline[0] != 10:
                b.view.newline_safe = False
            newline += 1
    return 0


cdef int make_trie(Builder *b) except -1 nogil:
    """Make the nodes, level by level: a node is the range of sorted pieces that begin with its bytes."""
    cdef uint32_t *begin = <uint32_t *>pool_array(&b.pool, b.n_nodes, sizeof(uint32_t))
    cdef uint32_t *end = <uint32_t *>pool_array(&b.pool, b.n_nodes, sizeof(uint32_t))
    cdef uint32_t node, child = 1, k, next_k, depth
    b.first_child = <uint32_t *>pool_array(&b.pool, b.n_nodes + 1, sizeof(uint32_t))
    b.parent = <uint32_t *>pool_array(&b.pool, b.n_nodes, sizeof(uint32_t))
    b.piece = <uint32_t *>pool_array(&b.pool, b.n_nodes, sizeof(uint32_t))
    b.depth = <uint16_t *>pool_array(&b.pool, b.n_nodes, sizeof(uint16_t))
    b.label = <uint8_t *>pool_array(&b.pool, b.n_nodes, 1)
    end[0] = b.n_pieces
    for node in range(b.n_nodes):
        depth = b.depth[node]
        k = begin[node]
        b.piece[node] = NONE
        if depth and b.sorted[k].length == depth:
            b.piece[node] = b.sorted[k].number
            k += 1
        b.first_child[node] = child
        while k < end[node]:
            next_k = k + 1
            while next_k < end[node] and b.common[next_k] > depth:
                next_k += 1
            begin[child] = k
            end[child] = next_k
            b.parent[child] = node
            b.depth[child] = <uint16_t>(depth + 1)
            b.label[child] = b.sorted[k].bytes[depth]
            child += 1
            k = next_k
    b.first_child[b.n_nodes] = child
    if b.first_child[1] != 257:
        raise ValueError("all 256 single bytes must be among the pieces")
    for node in range(1, 257):
        if b.piece[node] == NONE:
            raise ValueError("all 256 single bytes must be among the pieces")
    return 0


cdef int order_by_heat(Builder *b) except -1 nogil:
    """Sort the nodes by how often a walk may come by: the probabilities of the pieces that begin with them."""
    cdef float *heat = <float *>pool_array(&b.pool, b.n_nodes, sizeof(float))
    cdef uint32_t *starts = <uint32_t *>pool_array(&b.pool, 1 << 16, sizeof(uint32_t))
    cdef uint32_t node, bits, bucket, total = 0, n
    b.by_heat = <uint32_t *>pool_array(&b.pool, b.n_nodes, sizeof(uint32_t))
    for node in range(b.n_nodes - 1, 0, -1):
        if b.piece[node] != NONE:
            heat[node] += <float>exp(b.scores[b.piece[node]])
        heat[b.parent[node]] += heat[node]
    # The upper half of a positive float orders well enough: a counting sort, stable, so ties keep their order.
    for node in range(b.n_nodes):
        memcpy(&bits, &heat[node], 4)
        starts[0xFFFF - (bits >> 16)] += 1
    for bucket in range(1 << 16):
        n = starts[bucket]
        starts[bucket] = total
        total += n
    for node in range(b.n_nodes):
        memcpy(&bits, &heat[node], 4)
        bucket = 0xFFFF - (bits >> 16)
        b.by_heat[starts[bucket]] = node
        starts[bucket] += 1
    return 0


# Placing: where in the double array the children of each node go.

cdef inline uint64_t bits_from(const uint64_t *bitmap, size_t start) noexcept nogil:
    """64 bits of a bitmap, from `start` on."""
    cdef int shift = start & 63
    cdef uint64_t low = bitmap[start >> 6] >> shift
    return low | bitmap[(start >> 6) + 1] << (64 - shift) if shift else low


cdef inline uint32_t lowest_bit(uint64_t bits) noexcept nogil:
    """The number of the lowest bit that is set, of those there must be one."""
    cdef uint32_t n = 0
    bits &= ~bits + 1
    n += (bits & <uint64_t>0xFFFFFFFF00000000) != 0
    n = n << 1 | ((bits & <uint64_t>0xFFFF0000FFFF0000) != 0)
    n = n << 1 | ((bits & <uint64_t>0xFF00FF00FF00FF00) != 0)
    n = n << 1 | ((bits & <uint64_t>0xF0F0F0F0F0F0F0F0) != 0)
    n = n << 1 | ((bits & <uint64_t>0xCCCCCCCCCCCCCCCC) != 0)
    return n << 1 | ((bits & <uint64_t>0xAAAAAAAAAAAAAAAA) != 0)


cdef int extend_bitmaps(Builder *b, uint32_t n_words) except -1 nogil:
    cdef uint32_t k
    cdef void *slots = realloc(b.free_slots, n_words * sizeof(uint64_t))
    if slots != NULL:
        b.free_slots = <uint64_t *>slots
    cdef void *bases = realloc(b.free_bases, n_words * sizeof(uint64_t))
    if bases != NULL:
        b.free_bases = <uint64_t *>bases
    if slots == NULL or bases == NULL:
        raise MemoryError("no memory for the automaton")
    memset(b.free_slots + b.n_words, 0xFF, (n_words - b.n_words) * sizeof(uint64_t))
    for k in range(b.n_words, n_words):
        # No base is divisible by 256, see `make_slots`.
        b.free_bases[k] = <uint64_t>0xFFFFFFFFFFFFFFFF ^ (k % 4 == 0)
    b.n_words = n_words
    return 0


cdef int place_children(Builder *b) except -1 nogil:
    """Find a base for each node with children, the hottest first: the first that fits, 64 bases at a time.

    For families of like size, the search begins near where it ended last, which keeps it linear.
    """
    cdef uint32_t begin_word[7]
    cdef uint32_t rank, node, n, k, word, tries, family, base
    cdef uint64_t fitting
    cdef const uint8_t *labels
    b.base = <uint32_t *>pool_array(&b.pool, b.n_nodes, sizeof(uint32_t))
    for family in range(7):
        begin_word[family] = 0
    extend_bitmaps(b, b.n_nodes // 56 + 80)
    for rank in range(b.n_nodes):
        node = b.by_heat[rank]
        labels = b.label + b.first_child[node]
        n = b.first_child[node + 1] - b.first_child[node]
        if n == 0:
            continue
        family = n - 1 if n <= 3 else 3 if n <= 5 else 4 if n <= 8 else 5 if n <= 16 else 6
        word = begin_word[family]
        tries = 0
        while True:
            if word + 6 > b.n_words:
                extend_bitmaps(b, b.n_words + b.n_words // 4 + 64)
            fitting = b.free_bases[word]
            for k in range(n):
                fitting &= bits_from(b.free_slots, <size_t>word * 64 + labels[k])
                if fitting == 0:
                    break
            if fitting:
                break
            word += 1
            tries += 1
        if tries > 4:
            begin_word[family] = word - min(tries >> 1, <uint32_t>8)
        base = word * 64 + lowest_bit(fitting)
        if base >= MAX_SLOTS - 1024:
            raise MemoryError("more than 2**24 beginnings of pieces")
        b.base[node] = base
        b.free_bases[base >> 6] &= ~(<uint64_t>1 << (base & 63))
        for k in range(n):
            b.free_slots[(base + labels[k]) >> 6] &= ~(<uint64_t>1 << ((base + labels[k]) & 63))
    return 0


cdef inline bint is_set(const uint64_t *bitmap, size_t position) noexcept nogil:
    return bitmap[position >> 6] >> (position & 63) & 1


cdef int make_slots(Builder *b) except -1 nogil:
    """Put the nodes into their slots; the root gets the last one.

    Slots without a node have a label that nobody looks for there: as no base is divisible by 256, nobody finds
    the label s % 256 in slot s.
    """
    cdef uint32_t node, child, slot, n_slots = 64 * b.n_words
    cdef Slot *slots
    cdef uint16_t *depths
    while is_set(b.free_slots, n_slots - 1):
        n_slots -= 1
    b.view.root = n_slots
    n_slots += 512  # of any state, also the root, all 256 places of children exist
    slots = <Slot *>allocate_table(n_slots * sizeof(Slot))
    if slots == NULL:
        raise MemoryError("no memory for the automaton")
    b.view.slots = slots
    depths = <uint16_t *>calloc(n_slots, sizeof(uint16_t))
    if depths == NULL:
        raise MemoryError("no memory for the automaton")
    b.view.depths = depths
    b.n_bytes += n_slots * <Py_ssize_t>(sizeof(Slot) + sizeof(uint16_t))
    b.slot = <uint32_t *>pool_array(&b.pool, b.n_nodes, sizeof(uint32_t))
    b.node_in_slot = <uint32_t *>pool_array(&b.pool, n_slots, sizeof(uint32_t))
    for slot in range(n_slots):
        slots[slot].base_label = slot & 0xFF
        slots[slot].fail = b.view.root
        slots[slot].group = NO_GROUP
    b.slot[0] = b.view.root
    slots[b.view.root].base_label |= b.base[0] << 8
    for node in range(b.n_nodes):
        for child in range(b.first_child[node], b.first_child[node + 1]):
            b.slot[child] = b.base[node] + b.label[child]
            b.node_in_slot[b.slot[child]] = child
            slots[b.slot[child]].base_label = b.base[child] << 8 | b.label[child]
    return 0


# Links.

cdef inline uint32_t find_child(const Builder *b, uint32_t node, uint8_t label) noexcept nogil:
    """The child of a node, or NONE."""
    cdef uint32_t slot = b.base[node] + label
    if b.first_child[node] == b.first_child[node + 1] or <uint8_t>b.view.slots[slot].base_label != label:
        return NONE
    return b.node_in_slot[slot]


cdef bint has_all_children_of(const Builder *b, uint32_t node, uint32_t other) noexcept nogil:
    cdef uint32_t k = b.first_child[node], child
    for child in range(b.first_child[other], b.first_child[other + 1]):
        while k < b.first_child[node + 1] and b.label[k] < b.label[child]:
            k += 1
        if k == b.first_child[node + 1] or b.label[k] != b.label[child]:
            return False
    return True


cdef int link(Builder *b) except -1 nogil:
    """Find suffixes, level by level, and where to go on when there is no child."""
    cdef uint32_t node, state, found
    cdef Slot *slots = <Slot *>b.view.slots
    cdef uint16_t *depths = <uint16_t *>b.view.depths
    b.suffix = <uint32_t *>pool_array(&b.pool, b.n_nodes, sizeof(uint32_t))
    b.fail = <uint32_t *>pool_array(&b.pool, b.n_nodes, sizeof(uint32_t))
    for node in range(1, b.n_nodes):
        found = 0
        if b.parent[node]:
            state = b.suffix[b.parent[node]]
            found = find_child(b, state, b.label[node])
            while found == NONE:  # ends at the latest in the root, which every byte continues
                state = b.fail[state]
                found = find_child(b, state, b.label[node])
        b.suffix[node] = found
        state = found
        while state and has_all_children_of(b, node, state):
            state = b.fail[state]
        b.fail[node] = state
    for node in range(1, b.n_nodes):
        state = b.fail[node]
        slots[b.slot[node]].fail = b.slot[state]
        depths[b.slot[node]] = b.depth[node]
        if b.first_child[node] == b.first_child[node + 1]:
            # A leaf. Links lead up the levels, and leaves among them are skipped: this state has children.
            slots[b.slot[node]].base_label = b.base[state] << 8 | b.label[node]
            slots[b.slot[node]].fail = b.slot[b.fail[state]]
            depths[b.slot[node]] = b.depth[state]
    return 0


# Matches.

cdef int make_matches(Builder *b) except -1 nogil:
    """Lay out the matches of each state, the longest first, those of hot states together."""
    # Of the suffixes of a node, itself among them, the longest that is a piece of two bytes or more; 0 for none.
    cdef uint32_t *longest = <uint32_t *>pool_array(&b.pool, b.n_nodes, sizeof(uint32_t))
    cdef uint32_t *n_matches = <uint32_t *>pool_array(&b.pool, b.n_nodes, sizeof(uint32_t))
    cdef uint32_t *group_of = <uint32_t *>pool_array(&b.pool, b.n_nodes, sizeof(uint32_t))
    cdef Slot *slots = <Slot *>b.view.slots
    cdef size_t n = SINGLES, match = SINGLES
    cdef uint32_t node, rank, ending, left
    cdef double *scores
    cdef uint16_t *lengths
    cdef uint32_t *pieces
    cdef uint8_t *more
    for node in range(1, b.n_nodes):
        longest[node] = longest[b.suffix[node]]
        if b.piece[node] != NONE and b.depth[node] > 1:
            n_matches[node] = n_matches[longest[node]] + 1
            longest[node] = node
            n += (n_matches[node] + 3) // 4 * 4
    if n >= MORE_GROUPS:
        raise MemoryError("more than 2**30 matches of pieces within pieces")
    scores = <double *>allocate_table(n * sizeof(double))
    b.view.scores = scores
    lengths = <uint16_t *>allocate_table(n * sizeof(uint16_t))
    b.view.lengths = lengths
    pieces = <uint32_t *>allocate_table(n * sizeof(uint32_t))
    b.view.pieces = pieces
    more = <uint8_t *>allocate_table(n // 4)
    b.view.more = more
    b.view.n_matches = n
    if not (scores and lengths and pieces and more):
        raise MemoryError("no memory for the automaton")
    b.n_bytes += <Py_ssize_t>(n * (sizeof(double) + sizeof(uint16_t) + sizeof(uint32_t)) + n // 4)
    memset(more, 0, n // 4)
    for node in range(1, 257):
        scores[b.label[node]] = b.scores[b.piece[node]]
        lengths[b.label[node]] = 1
        pieces[b.label[node]] = b.piece[node]
    for rank in range(b.n_nodes):
        node = b.by_heat[rank]
        left = n_matches[node]
        if left == 0:
            continue
        group_of[node] = <uint32_t>match | (MORE_GROUPS if left > 4 else 0)
        ending = node
        while left:
            scores[match] = b.scores[b.piece[ending]]
            lengths[match] = b.depth[ending]
            pieces[match] = b.piece[ending]
            ending = longest[b.suffix[ending]]
            left -= 1
            match += 1
            if match % 4 == 0 and left:
                more[match // 4 - 1] = 1
        while match % 4:
            scores[match] = -INFINITY
            lengths[match] = 1
            pieces[match] = 0
            match += 1
    for node in range(1, b.n_nodes):
        slots[b.slot[node]].group = group_of[longest[node]]
    return 0
