"""The best path over the automaton, and what is made of it."""

from cpython.list cimport PyList_New, PyList_SET_ITEM
from cpython.ref cimport Py_INCREF
from libc.math cimport INFINITY
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memchr, memmove, memset

import numpy as np

from bytepiece._automaton cimport Automaton, AutomatonView, Match
from bytepiece._buffers cimport items

cdef enum:
    WINDOW = 1 << 13     # positions of a lattice to begin with

cdef uint32_t ROOT = 0


# The lattice of a segment, of which only a window is kept: what lies before the place where all paths that can
# still win have met is decided, and handed on.
cdef struct Lattice:
    double *scores         # of the best path to each position
    int32_t *pieces        # the last piece of that path
    uint8_t *alive
    Py_ssize_t capacity


cdef struct Ids:
    uint32_t *ids
    Py_ssize_t size
    Py_ssize_t capacity


cdef int resize_lattice(Lattice *lattice, Py_ssize_t capacity) except -1 nogil:
    cdef void *scores = realloc(lattice.scores, (capacity + 1) * sizeof(double))
    if scores != NULL:
        lattice.scores = <double *>scores
    cdef void *pieces = realloc(lattice.pieces, (capacity + 1) * sizeof(int32_t))
    if pieces != NULL:
        lattice.pieces = <int32_t *>pieces
    cdef void *alive = realloc(lattice.alive, capacity + 1)
    if alive != NULL:
        lattice.alive = <uint8_t *>alive
    if scores == NULL or pieces == NULL or alive == NULL:
        raise MemoryError("no memory for the lattice of a segment")
    lattice.capacity = capacity
    return 0


cdef void free_lattice(Lattice *lattice) noexcept nogil:
    free(lattice.scores)
    free(lattice.pieces)
    free(lattice.alive)


cdef inline Py_ssize_t segment_length(const uint8_t *text, Py_ssize_t n) noexcept nogil:
    """The bytes up to the end of the first run of newlines."""
    cdef const void *newline = memchr(text, 10, n)
    cdef Py_ssize_t end
    if newline == NULL:
        return n
    end = <const uint8_t *>newline - text
    while end < n and text[end] == 10:
        end += 1
    return end


cdef int segment_text(
    const AutomatonView *a, const uint8_t *text, Py_ssize_t n, Lattice *lattice, Ids *out
) except -1 nogil:
    """Segment a text, cut after each run of newlines."""
    cdef Py_ssize_t length
    while n:
        length = segment_length(text, n)
        best_path(a, text, length, lattice, out)
        text += length
        n -= length
    return 0


cdef int best_path(
    const AutomatonView *a, const uint8_t *text, Py_ssize_t n, Lattice *lattice, Ids *out
) except -1 nogil:
    """Viterbi over one segment; appends the pieces of its best path.

    Of equal sums the longest last piece wins: matches come longest first, and only a greater sum replaces.
    """
    cdef Py_ssize_t i, p = 0, decided
    cdef uint32_t state = ROOT, child
    cdef const Match *match
    cdef double best, score
    cdef int32_t piece
    lattice.scores[0] = 0.0
    for i in range(n):
        if p == lattice.capacity:
            decided = meeting_point(a, lattice, p)
            append_path(a, lattice, decided, out)
            if decided * 2 < p:
                resize_lattice(lattice, 2 * lattice.capacity)
            memmove(lattice.scores, lattice.scores + decided, (p + 1 - decided) * sizeof(double))
            memmove(lattice.pieces, lattice.pieces + decided, (p + 1 - decided) * sizeof(int32_t))
            p -= decided
        child = a.nodes[state].base ^ text[i]
        while a.nodes[child].parent != state:
            state = a.nodes[state].fail
            child = a.nodes[state].base ^ text[i]
        state = child
        p += 1
        match = &a.matches[a.nodes[state].matches]
        best = -INFINITY
        piece = 0
        while match.length:
            score = lattice.scores[p - match.length] + match.score
            if score > best:
                best = score
                piece = match.piece
            match += 1
        lattice.scores[p] = best
        lattice.pieces[p] = piece
    return append_path(a, lattice, p, out)


cdef Py_ssize_t meeting_point(const AutomatonView *a, Lattice *lattice, Py_ssize_t p) noexcept nogil:
    """The last position that the best paths to all positions from which a piece can still start have in common."""
    cdef Py_ssize_t k, alive = 0
    memset(lattice.alive, 0, p + 1)
    for k in range(max(<Py_ssize_t>0, p + 1 - a.max_length), p + 1):
        lattice.alive[k] = 1
        alive += 1
    k = p
    while alive > 1:
        if lattice.alive[k]:
            alive -= 1
            if not lattice.alive[k - a.lengths[lattice.pieces[k]]]:
                lattice.alive[k - a.lengths[lattice.pieces[k]]] = 1
                alive += 1
        k -= 1
    while not lattice.alive[k]:
        k -= 1
    return k


cdef int append_path(const AutomatonView *a, const Lattice *lattice, Py_ssize_t p, Ids *out) except -1 nogil:
    """Append the pieces of the best path to position `p`."""
    cdef Py_ssize_t n = 0, k = p
    cdef void *grown
    while k > 0:
        k -= a.lengths[lattice.pieces[k]]
        n += 1
    if out.capacity - out.size < n:
        k = out.capacity + out.capacity // 2 + n
        grown = realloc(out.ids, k * sizeof(uint32_t))
        if grown == NULL:
            raise MemoryError("no memory for the ids")
        out.ids = <uint32_t *>grown
        out.capacity = k
    out.size += n
    k = p
    n = out.size
    while k > 0:
        n -= 1
        out.ids[n] = <uint32_t>lattice.pieces[k]
        k -= a.lengths[lattice.pieces[k]]
    return 0


def segment(Automaton automaton, bytes data, uint32_t first_id):
    """The ids of the pieces of a text, as a list; the first piece has the id `first_id`."""
    cdef Py_ssize_t n, k
    cdef const uint8_t *text = <const uint8_t *>items(data, 1, &n)
    cdef Lattice lattice
    cdef Ids out
    cdef object id  # an int object, of which the list gets a reference
    memset(&lattice, 0, sizeof(Lattice))
    memset(&out, 0, sizeof(Ids))
    try:
        with nogil:
            resize_lattice(&lattice, min(n, <Py_ssize_t>WINDOW))
            segment_text(&automaton.view, text, n, &lattice, &out)
        ids = PyList_New(out.size)
        for k in range(out.size):
            id = out.ids[k] + first_id
            Py_INCREF(id)
            PyList_SET_ITEM(ids, k, id)
        return ids
    finally:
        free_lattice(&lattice)
        free(out.ids)


def count_parts(Automaton automaton, pieces, offsets, counts):
    """Segment counted byte strings, and count the pieces they are cut into.

    The strings are given as `bytepiece.training.counting.PieceCounts`. Returns a uint64 array: for each piece of the
    automaton the sum of the counts of the strings, as often as it is in them.
    """
    cdef Py_ssize_t n, n_offsets, n_pieces, k, j
    cdef const uint8_t *text = <const uint8_t *>items(pieces, 1, &n)
    cdef const int64_t *offset = <const int64_t *>items(offsets, 8, &n_offsets)
    cdef const uint64_t *count = <const uint64_t *>items(counts, 8, &n_pieces)
    cdef Lattice lattice
    cdef Ids out
    if n_offsets != n_pieces + 1 or offset[n_pieces] > n:
        raise ValueError("pieces, offsets and counts do not match")
    result = np.zeros(automaton.n_pieces, dtype=np.uint64)
    cdef uint64_t *total = <uint64_t *>items(result, 8, &n, True)
    memset(&lattice, 0, sizeof(Lattice))
    memset(&out, 0, sizeof(Ids))
    try:
        with nogil:
            resize_lattice(&lattice, WINDOW)
            for k in range(n_pieces):
                out.size = 0
                segment_text(&automaton.view, text + offset[k], offset[k + 1] - offset[k], &lattice, &out)
                for j in range(out.size):
                    total[out.ids[j]] += count[k]
    finally:
        free_lattice(&lattice)
        free(out.ids)
    return result
