r"""Pairs of neighbouring tokens, counted by document: the candidates by which a vocabulary grows.

Right neighbours are sorted by their left piece, each with its segment. Those of one left piece are then sorted by their
right piece, so that the pairs are counted one after the other:

    segments        the_ cat s\n     the_ dog s\n     a_ cat s\n
    number          0                1                2

    left piece      a_        cat              dog       the_
    neighbours      cat/2     s\n/0 s\n/2      s\n/1     cat/0 dog/1
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcpy, memset

from bytepiece.core.buffers cimport items
from bytepiece.training.refinement.kernels.sample cimport (
    Pieces,
    SampleView,
    Tally,
    Tokens,
    clear_tally,
    close_tally,
    open_tally,
    tally_segment,
)

import numpy as np

cpdef enum:    # the sides of a pair
    LEFT = 1
    RIGHT = 2


cdef struct Neighbour:
    uint32_t right
    uint32_t segment


# A pair of the left piece that is being counted.
cdef struct Pair:
    uint32_t right
    uint32_t count
    uint32_t end          # of its segments in `Tables.segments`


cdef struct Candidate:
    uint32_t left
    uint32_t right
    uint64_t gain         # in 256ths


cdef struct Rule:
    uint32_t min_count
    uint32_t min_documents
    double allowance


cdef struct Tables:
    size_t *ends              # for each left piece, where its neighbours end
    Neighbour *neighbours
    uint32_t *places          # for each right piece, one more than the place of its pair, or 0
    Pair *pairs               # of one left piece
    uint32_t *segments        # of these pairs, sorted by pair
    Tally tally
    Candidate *candidates
    Py_ssize_t n_candidates
    Py_ssize_t capacity


cdef void close_tables(Tables *tables) noexcept nogil:
    free(tables.ends)
    free(tables.neighbours)
    free(tables.places)
    free(tables.pairs)
    free(tables.segments)
    close_tally(&tables.tally)
    free(tables.candidates)


cdef int out_of_memory() except -1 nogil:
    raise MemoryError("no memory to count pairs")


cdef class PairCounter:
    """Counts the pairs of neighbouring tokens that may become pieces.

    A pair lies in one segment, is no longer than a piece may be, and both its pieces are joinable on that side.

    Args:
        tokens: those of the sample.
        joinable: for each piece, LEFT if it may be the left of a pair, RIGHT if the right, both or 0 (uint8).
        max_length: of a pair, in bytes.

    Thread safety: `count` may run in several threads.
    """

    cdef Tokens tokens
    cdef const uint8_t *joinable
    cdef uint32_t max_length
    cdef object keep                  # the array that a pointer goes into

    def __cinit__(self, Tokens tokens, joinable, uint32_t max_length):
        cdef Py_ssize_t n
        self.tokens, self.keep = tokens, joinable
        self.joinable = <const uint8_t *>items(joinable, 1, &n)
        if n != tokens.pieces.view.n_pieces:
            raise ValueError("joinable does not match the pieces")
        self.max_length = max_length

    def count(self, uint32_t part, uint32_t parts, uint32_t min_count, uint32_t min_documents, double allowance):
        """Count one of `parts` parts of the pairs, by their left pieces: parts that are counted in turn save memory.

        Left out are pairs that occur less than `min_count` times, or in less than `min_documents` documents, or gain
        nothing. The gain of a pair is

            count - allowance x (sum of squared per-document counts / count).

        Returns the left pieces, the right pieces (uint32), and the gains in 256ths (uint64), in no order.
        """
        cdef Py_ssize_t n, k
        cdef Tables tables
        cdef Rule rule
        if part >= parts:
            raise ValueError(f"part {part} of {parts}")
        rule.min_count, rule.min_documents, rule.allowance = max(min_count, 1), min_documents, allowance
        memset(&tables, 0, sizeof(Tables))
        try:
            with nogil:
                sort_neighbours(self, part, parts, &tables)
                count_neighbours(&self.tokens.sample.view, &tables, self.tokens.pieces.view.n_pieces, &rule)
            lefts = np.empty(tables.n_candidates, dtype=np.uint32)
            rights = np.empty(tables.n_candidates, dtype=np.uint32)
            gains = np.empty(tables.n_candidates, dtype=np.uint64)
            left = <uint32_t *>items(lefts, 4, &n, True)
            right = <uint32_t *>items(rights, 4, &n, True)
            gain = <uint64_t *>items(gains, 8, &n, True)
            for k in range(n):
                left[k] = tables.candidates[k].left
                right[k] = tables.candidates[k].right
                gain[k] = tables.candidates[k].gain
        finally:
            close_tables(&tables)
        return lefts, rights, gains


cdef size_t walk_pairs(
    PairCounter counter, uint32_t part, uint32_t parts, size_t *ends, Neighbour *neighbours
) noexcept nogil:
    """Count the neighbours of each left piece of the part into `ends`; returns how many pairs there are.

    If `neighbours` is not NULL, `ends` says where those of each left piece begin, and they are written there.
    """
    cdef const uint32_t *ids = counter.tokens.view.ids
    cdef const uint8_t *joinable = counter.joinable
    cdef const uint16_t *lengths = counter.tokens.pieces.view.lengths
    cdef uint32_t left, right, max_length = counter.max_length
    cdef Py_ssize_t k, i, end, begin = 0
    cdef size_t n = 0
    for k in range(counter.tokens.sample.view.n_segments):
        i = begin
        end = counter.tokens.view.ends[k]
        while i + 1 < end:
            left = ids[i]
            i += 1
            # The number, scrambled to 32 bits and scaled to the number of parts.
            if <uint64_t>(left * <uint32_t>0x9E3779B9) * parts >> 32 != part or not joinable[left] & LEFT:
                continue
            right = ids[i]
            if joinable[right] & RIGHT and <uint32_t>lengths[left] + lengths[right] <= max_length:
                if neighbours != NULL:
                    neighbours[ends[left]].right = right
                    neighbours[ends[left]].segment = <uint32_t>k
                ends[left] += 1
                n += 1
        begin = end
    return n


cdef int sort_neighbours(PairCounter counter, uint32_t part, uint32_t parts, Tables *tables) except -1 nogil:
    """Sort the neighbours by their left pieces, and make room to count them."""
    cdef Py_ssize_t n_pieces = counter.tokens.pieces.view.n_pieces, k
    cdef size_t n, begin = 0, most = 0
    tables.ends = <size_t *>calloc(n_pieces + 1, sizeof(size_t))
    if tables.ends == NULL:
        out_of_memory()
    n = walk_pairs(counter, part, parts, tables.ends, NULL)
    for k in range(n_pieces):
        most = max(most, tables.ends[k])
        begin += tables.ends[k]
        tables.ends[k] = begin - tables.ends[k]
    tables.neighbours = <Neighbour *>malloc((n + 1) * sizeof(Neighbour))
    tables.places = <uint32_t *>calloc(n_pieces + 1, sizeof(uint32_t))
    tables.pairs = <Pair *>malloc((min(most, <size_t>n_pieces) + 1) * sizeof(Pair))
    tables.segments = <uint32_t *>malloc((most + 1) * sizeof(uint32_t))
    if not (tables.neighbours and tables.places and tables.pairs and tables.segments):
        out_of_memory()
    open_tally(&tables.tally, &counter.tokens.sample.view)
    walk_pairs(counter, part, parts, tables.ends, tables.neighbours)
    return 0


cdef int count_neighbours(
    const SampleView *s, Tables *tables, Py_ssize_t n_pieces, const Rule *rule
) except -1 nogil:
    """Count the pairs of each left piece, and keep the candidates."""
    cdef Py_ssize_t left
    cdef size_t begin = 0, end
    cdef uint32_t n, k, i, segments
    cdef Pair *pair
    for left in range(n_pieces):
        end = tables.ends[left]
        n = sort_pairs(s, tables, begin, end)
        segments = 0
        for k in range(n):
            pair = &tables.pairs[k]
            tables.places[pair.right] = 0
            if pair.count >= rule.min_count:
                for i in range(segments, pair.end):
                    tally_segment(&tables.tally, s, tables.segments[i])
                keep_pair(tables, <uint32_t>left, pair, rule)
            segments = pair.end
        begin = end
    return 0


cdef uint32_t sort_pairs(const SampleView *s, Tables *tables, size_t begin, size_t end) noexcept nogil:
    """Find the pairs of one left piece among its neighbours, and sort the segments by pair; returns how many there are.

    Afterwards `Tables.places` has the places of the right pieces.
    """
    cdef size_t i
    cdef uint32_t n = 0, k, segments = 0
    cdef const Neighbour *neighbour
    cdef Pair *pair
    for i in range(begin, end):
        neighbour = &tables.neighbours[i]
        if tables.places[neighbour.right] == 0:
            tables.pairs[n].right = neighbour.right
            tables.pairs[n].count = tables.pairs[n].end = 0
            n += 1
            tables.places[neighbour.right] = n
        pair = &tables.pairs[tables.places[neighbour.right] - 1]
        pair.count += s.counts[neighbour.segment]
        pair.end += 1
    for k in range(n):
        segments += tables.pairs[k].end
        tables.pairs[k].end = segments - tables.pairs[k].end
    for i in range(begin, end):
        neighbour = &tables.neighbours[i]
        pair = &tables.pairs[tables.places[neighbour.right] - 1]
        tables.segments[pair.end] = neighbour.segment
        pair.end += 1
    return n


cdef int keep_pair(Tables *tables, uint32_t left, const Pair *pair, const Rule *rule) except -1 nogil:
    """Keep a pair if it is a candidate; its documents are in the tally, which is cleared."""
    cdef size_t documents = tables.tally.n_documents
    cdef double squares = <double>clear_tally(&tables.tally)
    cdef double gain = <double>pair.count - rule.allowance * squares / <double>pair.count
    cdef Candidate *grown
    if documents < rule.min_documents or not gain > 0:
        return 0
    if tables.n_candidates == tables.capacity:
        tables.capacity = 2 * tables.capacity + 1024
        grown = <Candidate *>realloc(tables.candidates, tables.capacity * sizeof(Candidate))
        if grown == NULL:
            out_of_memory()
        tables.candidates = grown
    tables.candidates[tables.n_candidates].left = left
    tables.candidates[tables.n_candidates].right = pair.right
    tables.candidates[tables.n_candidates].gain = <uint64_t>(gain * 256)
    tables.n_candidates += 1
    return 0


def join_pairs(Pieces pieces, lefts, rights):
    """The byte strings of pairs of pieces, one after the other (uint8), and their offsets (int64)."""
    cdef Py_ssize_t n_pairs, n_rights, n, k
    cdef int64_t total = 0, n_left, n_right
    cdef const uint8_t *text = pieces.view.text
    cdef const int64_t *offset = pieces.view.offsets
    cdef const uint32_t *left = <const uint32_t *>items(lefts, 4, &n_pairs)
    cdef const uint32_t *right = <const uint32_t *>items(rights, 4, &n_rights)
    if n_rights != n_pairs:
        raise ValueError("left and right pieces do not match")
    offsets = np.empty(n_pairs + 1, dtype=np.int64)
    cdef int64_t *begin = <int64_t *>items(offsets, 8, &n, True)
    for k in range(n_pairs):
        if left[k] >= pieces.view.n_pieces or right[k] >= pieces.view.n_pieces:
            raise IndexError(f"pair {k}: no such piece")
        begin[k] = total
        total += <int64_t>pieces.view.lengths[left[k]] + pieces.view.lengths[right[k]]
    begin[n_pairs] = total
    joined = np.empty(total, dtype=np.uint8)
    cdef uint8_t *out = <uint8_t *>items(joined, 1, &n, True)
    with nogil:
        for k in range(n_pairs):
            n_left = pieces.view.lengths[left[k]]
            n_right = pieces.view.lengths[right[k]]
            memcpy(out + begin[k], text + offset[left[k]], n_left)
            memcpy(out + begin[k] + n_left, text + offset[right[k]], n_right)
    return joined, offsets
