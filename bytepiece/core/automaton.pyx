"""The matching automaton over the pieces: built once, then immutable.

An Aho-Corasick automaton (Aho and Corasick 1975) on a double array (Aoe 1989). After each symbol of a text, it is in
the state of the longest suffix that begins a piece; the header has a picture. Building it takes these steps:

1. choose the alphabet, characters or bytes, and sort the pieces;
2. make the trie, level by level;
3. order its nodes: hot ones together, and each subtree together, so that a walk finds them in the caches;
4. place the children of each node in the double array;
5. link each node to its suffixes;
6. lay out the matches of each node.

`benchmarks/README.md` says what each refinement gave, and what else was tried.
"""

from libc.math cimport INFINITY, exp, log
from libc.stdint cimport UINT32_MAX, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memchr, memset

from bytepiece.core.alphabet cimport (
    NO_SYMBOL,
    byte_alphabet,
    character_alphabet,
    close_alphabet,
    first_symbol,
)
from bytepiece.core.buffers cimport items
from bytepiece.core.heap cimport release_if_limited
from bytepiece.core.memory cimport Pool, allocate_table, pool_array, pool_free
from bytepiece.core.packing cimport Strings, view_strings
from bytepiece.core.sorting cimport SortKey, order_descending, set_key, sort_keys

import numpy as np

from bytepiece.errors import ModelFormatError

MAX_PIECE_BYTES = 65535
"""The longest piece that an automaton takes, in bytes."""

cdef enum:
    MAX_SLOTS = 1 << 24      # so that 32 bits hold the position of a slot in bytes
    HOT_NODES = 2048         # their slots fill a cache of the first level
    N_FAMILIES = 7           # see `place_children`

cdef uint32_t NONE = UINT32_MAX
cdef double MAX_SCORE = 1e100


def log_probabilities(counts):
    """log(count) - log(sum of counts) for each of some positive integers, whose sum is below 2**63: a float64 array.

    The logarithm is the C library's. NumPy's differs in the last bit between instruction sets, and the last bit decides
    ties.
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
        pieces: a `bytepiece.core.packed.PackedBytes`: distinct, 1 to `MAX_PIECE_BYTES` bytes long, all 256 single
            bytes among them.
        scores: a float64 array, the score of each piece, between -1e100 and 1e100, so that no sum overflows.
        by_characters: read a text character by character, which is faster. If a piece cuts a character, or the pieces
            have more than some 65,000 different characters, it is read byte by byte nevertheless.
        first_id: the id of the first piece; the others follow.

    Raises ``ValueError`` if pieces or scores break a rule, `ModelFormatError` if the pieces have more than some 16
    million different beginnings, ``MemoryError`` if memory runs out.

    Thread safety: immutable.
    """

    def __cinit__(self, pieces, scores, bint by_characters=False, uint32_t first_id=0):
        cdef Py_ssize_t n, k
        cdef Strings strings
        cdef Builder b
        memset(&b, 0, sizeof(Builder))
        view_strings(pieces, &strings)
        b.text = strings.data
        b.offsets = strings.offsets
        b.scores = <const double *>items(scores, 8, &n)
        if strings.n != n or n >= NONE:
            raise ValueError("each piece needs a score")
        for k in range(n):
            if not 1 <= b.offsets[k + 1] - b.offsets[k] <= MAX_PIECE_BYTES:
                raise ValueError(
                    f"piece {k} has {b.offsets[k + 1] - b.offsets[k]} bytes, which must be 1 to {MAX_PIECE_BYTES}"
                )
            if not -MAX_SCORE < b.scores[k] < MAX_SCORE:
                raise ValueError(f"piece {k} has the score {b.scores[k]}, whose size must be below {MAX_SCORE}")
        b.n_pieces = <uint32_t>n
        b.view.newline_safe = True
        b.view.first_id = first_id
        try:
            with nogil:
                build(&b, by_characters)
            self.n_pieces = n
            self.by_characters = b.view.alphabet.has_characters
            self.nbytes = b.n_bytes
            self.scores = scores
            self.view = b.view
            memset(&b.view, 0, sizeof(AutomatonView))
        finally:
            free_tables(&b.view)
            free(b.free_slots)
            free(b.free_bases)
            pool_free(&b.pool)
            release_if_limited()    # building took more than what stays

    def __dealloc__(self):
        free_tables(&self.view)

    def __reduce__(self):
        raise TypeError("an automaton is built from a model, not pickled")


cdef void free_tables(AutomatonView *view) noexcept nogil:
    close_alphabet(&view.alphabet)
    free(<void *>view.slots)
    free(<void *>view.groups)
    free(<void *>view.depths)


# An automaton under construction. Nodes of the trie are numbered level by level; the root is node 0. The pool owns what
# is not needed afterwards.
cdef struct Builder:
    const uint8_t *text
    const int64_t *offsets
    const double *scores
    uint32_t n_pieces
    uint32_t n_nodes
    Pool pool
    # Sorted pieces:
    SortKey *sorted           # in the order of their bytes
    uint32_t *common          # for each, the length of the prefix it shares with the piece before it
    uint32_t max_nodes
    # The trie: the children of node v are first_child[v] to first_child[v + 1] - 1.
    uint32_t *first_child
    uint32_t *parent
    uint32_t *piece           # the piece that ends in the node, or NONE
    uint16_t *depth           # in symbols
    uint16_t *label           # the symbol that leads to the node
    uint32_t *order           # the nodes, as they are laid out
    # The double array; slots and bases are numbers here, not positions in bytes.
    uint32_t *base
    uint32_t *slot
    uint32_t *node_in_slot
    uint64_t *free_slots      # bitmaps, of n_words each
    uint64_t *free_bases
    uint32_t n_words
    # Links:
    uint32_t *suffix          # the longest proper suffix of the node that is a node too
    uint32_t *fail            # see Slot
    # The result:
    AutomatonView view
    Py_ssize_t n_bytes


cdef int build(Builder *b, bint by_characters) except -1 nogil:
    if not by_characters or not character_alphabet(
        &b.view.alphabet, b.text, b.offsets, b.scores, b.n_pieces, &b.pool
    ):
        byte_alphabet(&b.view.alphabet)
    sort_pieces(b)
    make_trie(b)
    order_nodes(b)
    place_children(b)
    make_slots(b)
    link(b)
    make_matches(b)
    return 0


cdef int raise_no_room() except -1 nogil:
    with gil:
        raise ModelFormatError("the pieces have more than 2**24 different beginnings")


cdef int sort_pieces(Builder *b) except -1 nogil:
    """Sort the pieces, and compare each with the one before it: they must be distinct."""
    cdef uint32_t k, shorter, n = 0
    cdef const SortKey *key
    cdef const uint8_t *newline
    b.sorted = <SortKey *>pool_array(&b.pool, b.n_pieces, sizeof(SortKey))
    b.common = <uint32_t *>pool_array(&b.pool, b.n_pieces, sizeof(uint32_t))
    for k in range(b.n_pieces):
        set_key(&b.sorted[k], b.text + b.offsets[k], <uint32_t>(b.offsets[k + 1] - b.offsets[k]), k)
    sort_keys(b.sorted, b.n_pieces)
    b.max_nodes = 1 + b.view.alphabet.n_symbols
    for k in range(b.n_pieces):
        key = &b.sorted[k]
        n = 0
        if k:
            shorter = min(key.length, b.sorted[k - 1].length)
            while n < shorter and key.bytes[n] == b.sorted[k - 1].bytes[n]:
                n += 1
            if n == key.length:
                raise ValueError("pieces must be distinct")
        b.common[k] = n
        if key.length - n >= MAX_SLOTS - b.max_nodes:
            raise_no_room()
        b.max_nodes += key.length - n
        newline = <const uint8_t *>memchr(key.bytes, 10, key.length)
        while newline != NULL and newline < key.bytes + key.length:
            if newline[0] != 10:
                b.view.newline_safe = False
            newline += 1
    return 0


cdef int make_trie(Builder *b) except -1 nogil:
    """Make the nodes, level by level. A node is a range of the sorted pieces: those that begin with its symbols."""
    cdef uint32_t *begin = <uint32_t *>pool_array(&b.pool, b.max_nodes, sizeof(uint32_t))
    cdef uint32_t *end = <uint32_t *>pool_array(&b.pool, b.max_nodes, sizeof(uint32_t))
    cdef uint16_t *n_bytes = <uint16_t *>pool_array(&b.pool, b.max_nodes, sizeof(uint16_t))
    cdef uint8_t *at_root = <uint8_t *>pool_array(&b.pool, b.view.alphabet.n_symbols, 1)
    cdef uint32_t node = 0, k, next_k, next_bytes, symbol
    cdef const SortKey *key
    b.first_child = <uint32_t *>pool_array(&b.pool, b.max_nodes + 1, sizeof(uint32_t))
    b.parent = <uint32_t *>pool_array(&b.pool, b.max_nodes, sizeof(uint32_t))
    b.piece = <uint32_t *>pool_array(&b.pool, b.max_nodes, sizeof(uint32_t))
    b.depth = <uint16_t *>pool_array(&b.pool, b.max_nodes, sizeof(uint16_t))
    b.label = <uint16_t *>pool_array(&b.pool, b.max_nodes, sizeof(uint16_t))
    end[0] = b.n_pieces
    b.n_nodes = 1
    while node < b.n_nodes:
        k = begin[node]
        b.piece[node] = NONE
        if k < end[node] and b.sorted[k].length == n_bytes[node]:
            b.piece[node] = b.sorted[k].number
            k += 1
        b.first_child[node] = b.n_nodes
        while k < end[node]:
            key = &b.sorted[k]
            next_bytes = n_bytes[node] + <uint32_t>first_symbol(
                &b.view.alphabet, key.bytes + n_bytes[node], key.length - n_bytes[node], &symbol
            )
            next_k = k + 1
            # Where characters are symbols, a single byte of one is a symbol of its own.
            if not (b.view.alphabet.has_characters and key.length == 1 and key.bytes[0] >= 0x80):
                while next_k < end[node] and b.common[next_k] >= next_bytes:
                    next_k += 1
            begin[b.n_nodes] = k
            end[b.n_nodes] = next_k
            n_bytes[b.n_nodes] = <uint16_t>next_bytes
            add_node(b, node, symbol)
            if node == 0:
                at_root[symbol] = True
            k = next_k
        if node == 0:
            # The root has a child by every symbol, so that each chain of suffixes ends there.
            for symbol in range(b.view.alphabet.n_symbols):
                if not at_root[symbol]:
                    add_node(b, 0, symbol)
        node += 1
    b.first_child[b.n_nodes] = b.n_nodes
    b.view.max_length = b.depth[b.n_nodes - 1]
    for node in range(1, b.first_child[1]):
        at_root[b.label[node]] = b.piece[node] != NONE
    for k in range(256):
        if not at_root[b.view.alphabet.bytes[k]]:
            raise ValueError("all 256 single bytes must be among the pieces")
    return 0


cdef inline void add_node(Builder *b, uint32_t parent, uint32_t symbol) noexcept nogil:
    b.parent[b.n_nodes] = parent
    b.depth[b.n_nodes] = <uint16_t>(b.depth[parent] + 1)
    b.label[b.n_nodes] = <uint16_t>symbol
    b.n_nodes += 1


cdef int order_nodes(Builder *b) except -1 nogil:
    """Order the nodes: first those that walks visit most, the hottest first; then the others, each subtree together.

    The heat of a node is the sum of the probabilities of all pieces that begin with it.
    """
    cdef float *heat = <float *>pool_array(&b.pool, b.n_nodes, sizeof(float))
    cdef uint8_t *hot = <uint8_t *>pool_array(&b.pool, b.n_nodes, 1)
    cdef uint32_t *stack = <uint32_t *>pool_array(&b.pool, b.n_nodes, sizeof(uint32_t))
    cdef uint32_t node, child, rank, n_ordered = min(b.n_nodes, <uint32_t>HOT_NODES), n_waiting = 1
    b.order = <uint32_t *>pool_array(&b.pool, b.n_nodes, sizeof(uint32_t))
    for node in range(b.n_nodes - 1, 0, -1):
        if b.piece[node] != NONE:
            heat[node] += <float>exp(b.scores[b.piece[node]])
        heat[b.parent[node]] += heat[node]
    order_descending(heat, b.n_nodes, b.order, &b.pool)
    for rank in range(n_ordered):
        hot[b.order[rank]] = 1
    stack[0] = 0
    while n_waiting:
        n_waiting -= 1
        node = stack[n_waiting]
        if not hot[node]:
            b.order[n_ordered] = node
            n_ordered += 1
        for child in range(b.first_child[node], b.first_child[node + 1]):
            stack[n_waiting] = child
            n_waiting += 1
    return 0


# The double array.

cdef inline uint64_t bits_from(const uint64_t *bitmap, size_t start) noexcept nogil:
    """64 bits of a bitmap, from bit `start` on."""
    cdef int shift = start & 63
    cdef uint64_t low = bitmap[start >> 6] >> shift
    return low | bitmap[(start >> 6) + 1] << (64 - shift) if shift else low


cdef inline uint32_t lowest_bit(uint64_t bits) noexcept nogil:
    """The number of the lowest bit that is set. There must be one."""
    cdef uint32_t n = 0
    bits &= ~bits + 1
    n += (bits & <uint64_t>0xFFFFFFFF00000000) != 0
    n = n << 1 | ((bits & <uint64_t>0xFFFF0000FFFF0000) != 0)
    n = n << 1 | ((bits & <uint64_t>0xFF00FF00FF00FF00) != 0)
    n = n << 1 | ((bits & <uint64_t>0xF0F0F0F0F0F0F0F0) != 0)
    n = n << 1 | ((bits & <uint64_t>0xCCCCCCCCCCCCCCCC) != 0)
    return n << 1 | ((bits & <uint64_t>0xAAAAAAAAAAAAAAAA) != 0)


cdef int extend_bitmaps(Builder *b, uint32_t n_words) except -1 nogil:
    cdef void *slots = realloc(b.free_slots, n_words * sizeof(uint64_t))
    if slots != NULL:
        b.free_slots = <uint64_t *>slots
    cdef void *bases = realloc(b.free_bases, n_words * sizeof(uint64_t))
    if bases != NULL:
        b.free_bases = <uint64_t *>bases
    if slots == NULL or bases == NULL:
        raise MemoryError("no memory for the automaton")
    memset(b.free_slots + b.n_words, 0xFF, (n_words - b.n_words) * sizeof(uint64_t))
    memset(b.free_bases + b.n_words, 0xFF, (n_words - b.n_words) * sizeof(uint64_t))
    b.n_words = n_words
    return 0


cdef int place_children(Builder *b) except -1 nogil:
    """Find a base for each node with children: the first one for which all their slots are free.

    64 bases are tried at a time: of the bitmap of free bases, and of that of free slots shifted by each label, the bits
    that all have in common are bases that fit. Families of like size start where the search for the last one ended,
    which keeps the whole search linear.
    """
    cdef uint32_t begin_word[7]    # N_FAMILIES
    cdef uint32_t rank, node, n, k, word, tries, family, base
    cdef uint32_t reach = b.view.alphabet.n_symbols // 64 + 2    # words that the children of a word of bases can be in
    cdef uint64_t fitting
    cdef const uint16_t *labels
    b.base = <uint32_t *>pool_array(&b.pool, b.n_nodes, sizeof(uint32_t))
    for family in range(N_FAMILIES):
        begin_word[family] = 0
    extend_bitmaps(b, b.n_nodes // 56 + 80 + reach)
    for rank in range(b.n_nodes):
        node = b.order[rank]
        labels = b.label + b.first_child[node]
        n = b.first_child[node + 1] - b.first_child[node]
        if n == 0:
            continue
        family = n - 1 if n <= 3 else 3 if n <= 5 else 4 if n <= 8 else 5 if n <= 16 else 6
        word = begin_word[family]
        tries = 0
        while True:
            if word + reach >= b.n_words:
                extend_bitmaps(b, b.n_words + b.n_words // 4 + 64 + reach)
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
        if base >= MAX_SLOTS - 2 * b.view.alphabet.n_symbols - 64:
            raise_no_room()
        b.base[node] = base
        b.free_bases[base >> 6] &= ~(<uint64_t>1 << (base & 63))
        for k in range(n):
            b.free_slots[(base + labels[k]) >> 6] &= ~(<uint64_t>1 << ((base + labels[k]) & 63))
    return 0


cdef inline bint is_set(const uint64_t *bitmap, size_t position) noexcept nogil:
    return bitmap[position >> 6] >> (position & 63) & 1


cdef int make_slots(Builder *b) except -1 nogil:
    """Give each node its slot; the root gets the last one."""
    cdef uint32_t node, child, slot, n_slots = 64 * b.n_words
    cdef Slot *slots
    cdef uint16_t *depths
    while is_set(b.free_slots, n_slots - 1):
        n_slots -= 1
    b.slot = <uint32_t *>pool_array(&b.pool, b.n_nodes, sizeof(uint32_t))
    b.slot[0] = n_slots
    b.view.root = n_slots * <uint32_t>sizeof(Slot)
    n_slots += b.view.alphabet.n_symbols + 1    # so that a walk may look for any child of any state
    slots = <Slot *>allocate_table(n_slots * sizeof(Slot))
    if slots == NULL:
        raise MemoryError("no memory for the automaton")
    b.view.slots = slots
    depths = <uint16_t *>calloc(n_slots, sizeof(uint16_t))
    if depths == NULL:
        raise MemoryError("no memory for the automaton")
    b.view.depths = depths
    b.n_bytes += n_slots * <Py_ssize_t>(sizeof(Slot) + sizeof(uint16_t))
    b.node_in_slot = <uint32_t *>pool_array(&b.pool, n_slots, sizeof(uint32_t))
    for slot in range(n_slots):
        set_links(&slots[slot], 0, NO_SYMBOL, 0, b.slot[0])
        slots[slot].group = 0    # a walk may read it before it finds that the child does not exist
    for node in range(b.n_nodes):
        for child in range(b.first_child[node], b.first_child[node + 1]):
            b.slot[child] = b.base[node] + b.label[child]
            b.node_in_slot[b.slot[child]] = child
    return 0


cdef inline void set_links(Slot *slot, uint32_t base, uint16_t label, uint16_t children, uint32_t fail) noexcept nogil:
    """Set what a walk reads of a slot; base and fail link are given as numbers."""
    slot.base = base * <uint32_t>sizeof(Slot)
    slot.label = label
    slot.children = children
    slot.fail = fail * <uint32_t>sizeof(Slot)


# Links.

cdef inline uint32_t find_child(const Builder *b, uint32_t node, uint16_t label) noexcept nogil:
    """The child of a node by a symbol, or NONE."""
    cdef uint32_t child
    if b.first_child[node] == b.first_child[node + 1]:
        return NONE
    child = b.node_in_slot[b.base[node] + label]
    return child if child and b.parent[child] == node else NONE


cdef uint16_t filter_of_children(const Builder *b, uint32_t node) noexcept nogil:
    cdef uint32_t child, bits = 0
    for child in range(b.first_child[node], b.first_child[node + 1]):
        bits |= 1 << (b.label[child] & 15)
    return <uint16_t>bits


cdef bint has_all_children_of(const Builder *b, uint32_t node, uint32_t other) noexcept nogil:
    cdef uint32_t child
    if b.first_child[other + 1] - b.first_child[other] > b.first_child[node + 1] - b.first_child[node]:
        return False
    for child in range(b.first_child[other], b.first_child[other + 1]):
        if find_child(b, node, b.label[child]) == NONE:
            return False
    return True


cdef int link(Builder *b) except -1 nogil:
    """Find the suffix of each node, level by level, and the fail link: where a walk goes on if there is no child."""
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
            while found == NONE:    # ends in the root at the latest
                state = b.fail[state]
                found = find_child(b, state, b.label[node])
        b.suffix[node] = found
        state = found
        while state and has_all_children_of(b, node, state):
            state = b.fail[state]
        b.fail[node] = state
    set_links(&slots[b.slot[0]], b.base[0], NO_SYMBOL, 0xFFFF, b.slot[0])
    for node in range(1, b.n_nodes):
        # A leaf stands for the state that its link leads to. That one has children: links skip states without.
        state = b.fail[node] if b.first_child[node] == b.first_child[node + 1] else node
        set_links(
            &slots[b.slot[node]], b.base[state], b.label[node], filter_of_children(b, state), b.slot[b.fail[state]]
        )
        depths[b.slot[node]] = b.depth[state]
    return 0


# Matches.

cdef int make_matches(Builder *b) except -1 nogil:
    """Lay out the matches of each state in groups, in the order of the nodes.

    A state in which no piece ends has the matches of its longest suffix in which one does, and shares its groups.
    """
    # For each node, the longest of itself and its suffixes that is a match: its last symbol at least.
    cdef uint32_t *longest = <uint32_t *>pool_array(&b.pool, b.n_nodes, sizeof(uint32_t))
    cdef uint32_t *n_matches = <uint32_t *>pool_array(&b.pool, b.n_nodes, sizeof(uint32_t))
    cdef uint32_t *group_of = <uint32_t *>pool_array(&b.pool, b.n_nodes, sizeof(uint32_t))
    cdef uint32_t *single = <uint32_t *>pool_array(&b.pool, b.view.alphabet.n_symbols, sizeof(uint32_t))
    cdef Slot *slots = <Slot *>b.view.slots
    cdef size_t n = 0, k
    cdef uint32_t node, rank, ending, last, n_others, group, match
    cdef Group *groups
    find_singles(b, single)
    for node in range(1, b.n_nodes):
        longest[node] = longest[b.suffix[node]]
        n_matches[node] = n_matches[longest[node]]
        if b.depth[node] == 1:
            longest[node] = node
            n_matches[node] = 1
        if b.piece[node] != NONE and (b.depth[node] > 1 or single[b.label[node]] == NONE):
            longest[node] = node
            n_matches[node] += 1
        if longest[node] == node:
            n += (n_matches[node] + 3) // 4
    if n >= MAX_MATCHES // 4:
        raise MemoryError("more than 2**30 matches of pieces within pieces")
    groups = <Group *>allocate_table(n * sizeof(Group))
    if groups == NULL:
        raise MemoryError("no memory for the automaton")
    b.view.groups = groups
    b.view.n_groups = n
    b.n_bytes += <Py_ssize_t>(n * sizeof(Group))
    for k in range(n):
        memset(&groups[k], 0, sizeof(Group))
        for match in range(4):
            groups[k].scores[match] = -INFINITY
            groups[k].lengths[match] = <uint16_t>b.view.max_length
    group = 0
    for rank in range(b.n_nodes):
        node = b.order[rank]
        if node == 0 or longest[node] != node:
            continue
        n_others = n_matches[node] - 1
        ending = node
        for match in range(4 * group, 4 * group + n_others):
            set_match(&groups[match >> 2], match & 3, b.piece[ending], b.scores[b.piece[ending]], b.depth[ending])
            ending = longest[b.suffix[ending]]
        group += n_others // 4
        groups[group].n_others = <uint16_t>n_others
        last = single[b.label[node]]
        groups[group].more = n_others >= 4 or last == NONE
        set_match(&groups[group], 3, last, -INFINITY if last == NONE else b.scores[last], 1)
        group_of[node] = group
        group += 1
    for node in range(1, b.n_nodes):
        slots[b.slot[node]].group = group_of[longest[node]]
    for k in range(256):
        b.view.byte_pieces[k] = single[b.view.alphabet.bytes[k]]
        b.view.byte_scores[k] = b.scores[b.view.byte_pieces[k]]
    return 0


cdef inline void set_match(Group *group, uint32_t number, uint32_t piece, double score, uint16_t length) noexcept nogil:
    group.pieces[number] = piece
    group.scores[number] = score
    group.lengths[number] = length


cdef int find_singles(const Builder *b, uint32_t *single) except -1 nogil:
    """For each symbol, the piece that is better than its spelling in every text, or NONE if there is no such piece.

    Sums are rounded: the scores of single bytes, added to a long sum one by one, may come out somewhat better than
    their own sum. So the piece must be better by a margin: no text is so long that 0.5 is rounded away.
    """
    cdef uint32_t node
    cdef size_t k, n
    cdef const uint8_t *piece
    cdef double spelled
    for node in range(1, b.first_child[1]):
        single[b.label[node]] = b.piece[node]
    for node in range(1, b.first_child[1]):
        if b.piece[node] == NONE:
            continue
        piece = b.text + b.offsets[b.piece[node]]
        n = <size_t>(b.offsets[b.piece[node] + 1] - b.offsets[b.piece[node]])
        spelled = 0.0
        for k in range(n):
            spelled += b.scores[single[b.view.alphabet.bytes[piece[k]]]]
        if n > 1 and not (b.scores[b.piece[node]] >= spelled + 0.5 and spelled > -1000.0):
            single[b.label[node]] = NONE
    return 0
