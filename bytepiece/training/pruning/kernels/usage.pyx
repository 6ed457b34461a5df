"""How often each piece of an automaton is used where counted strings are segmented.

The strings are many, short and sorted. So several cursors walk through the automaton, each over strings of its own, a
byte in turn: while one waits for memory, the others go on. And a cursor does not walk again over what a string shares
with the one before:

    cursor 0   clock      cursor 1   towel
               clocks                tower
                    ^ starts here       ^
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

from bytepiece.core.alphabet cimport Text, read_bytes
from bytepiece.core.automaton cimport Automaton, AutomatonView, check_goes_by_bytes
from bytepiece.core.buffers cimport items
from bytepiece.core.packing cimport Strings, view_counts, view_strings
from bytepiece.core.ids cimport Ids
from bytepiece.core.segment cimport (
    AHEAD,
    BLOCK,
    Lattice,
    close_lattice,
    open_lattice,
    segment_end,
    segment_text,
    step,
    viterbi,
)

import numpy as np

cdef enum:
    CURSORS = 8
    SHORT = 1024           # the most bytes of a string that a cursor walks through; longer ones are segmented as texts


# A walk through strings, one after the other.
cdef struct Cursor:
    Py_ssize_t number      # of the current string
    Py_ssize_t end         # the number at which the walk ends
    const uint8_t *text
    size_t length
    size_t position        # bytes of the string that the walk has read
    size_t shared          # bytes that the string before begins with, too
    size_t state
    uint32_t *states       # after each byte
    uint16_t *symbols
    uint32_t *pieces       # this and the next two as in `Lattice`
    uint16_t *lengths
    double *sums


cdef struct Job:
    Strings strings
    const uint64_t *counts
    uint64_t *totals       # how often each piece of the automaton is used
    Lattice lattice        # for strings that no cursor takes
    Ids ids


cdef int open_cursor(Cursor *cursor, const AutomatonView *a, Py_ssize_t begin, Py_ssize_t end) except -1 nogil:
    cursor.number = begin - 1
    cursor.end = end
    cursor.states = <uint32_t *>malloc(SHORT * sizeof(uint32_t))
    cursor.symbols = <uint16_t *>malloc(SHORT * sizeof(uint16_t))
    cursor.pieces = <uint32_t *>calloc(SHORT + AHEAD, sizeof(uint32_t))
    cursor.lengths = <uint16_t *>malloc(SHORT * sizeof(uint16_t))
    # Zeros, because `viterbi` reads before the first sum.
    cursor.sums = <double *>calloc(SHORT + a.max_length + 1, sizeof(double))
    if not (cursor.states and cursor.symbols and cursor.pieces and cursor.lengths and cursor.sums):
        raise MemoryError("no memory for the lattice of a segment")
    return 0


cdef void close_cursor(Cursor *cursor) noexcept nogil:
    free(cursor.states)
    free(cursor.symbols)
    free(cursor.pieces)
    free(cursor.lengths)
    free(cursor.sums)


cdef int next_string(Cursor *cursor, const AutomatonView *a, Job *job) except -1 nogil:
    """Go on to the next string that the cursor must walk through; returns 0 if there is none.

    Counts the strings before it: long ones, those of several segments, and those that the one before begins with.
    """
    cdef const uint8_t *before
    cdef size_t most, k
    cdef Text whole
    while cursor.number + 1 < cursor.end:
        cursor.number += 1
        before = cursor.text
        most = cursor.length
        cursor.text = job.strings.data + job.strings.offsets[cursor.number]
        cursor.length = <size_t>(job.strings.offsets[cursor.number + 1] - job.strings.offsets[cursor.number])
        if cursor.length > SHORT or segment_end(cursor.text, 0, cursor.length) < cursor.length:
            job.ids.size = 0
            whole.units = cursor.text
            whole.n = cursor.length
            whole.unit = 0
            segment_text(a, &whole, &job.lattice, &job.ids)
            for k in range(job.ids.size):
                job.totals[job.ids.ids[k]] += job.counts[cursor.number]
            cursor.length = 0  # nothing for the next string to share
            continue
        most = min(most, cursor.length)
        k = 0
        while k < most and cursor.text[k] == before[k]:
            k += 1
        cursor.shared = cursor.position = k
        cursor.state = cursor.states[k - 1] if k else a.root
        read_bytes(&a.alphabet, cursor.text + k, cursor.length - k, cursor.symbols + k, NULL)
        if k < cursor.length:
            return 1
        count_string(cursor, a, job)
    return 0


cdef void count_string(const Cursor *cursor, const AutomatonView *a, Job *job) noexcept nogil:
    """Find the best path through a string that the walk has read, and count its pieces."""
    cdef size_t position = cursor.length, shared = cursor.shared
    viterbi(
        a, cursor.symbols + shared, NULL, cursor.pieces + shared, cursor.lengths + shared, position - shared,
        cursor.sums + SHORT - shared
    )
    while position:
        job.totals[cursor.pieces[position - 1]] += job.counts[cursor.number]
        position -= cursor.lengths[position - 1]


cdef int count_strings(const AutomatonView *a, Job *job, Cursor *cursors) except -1 nogil:
    """Walk through all strings, each cursor a byte in turn."""
    cdef Cursor *active[8]
    cdef Cursor *cursor
    cdef int n_active = 0, k
    cdef size_t position
    for k in range(CURSORS):
        if next_string(&cursors[k], a, job):
            active[n_active] = &cursors[k]
            n_active += 1
    while n_active:
        for k in range(n_active - 1, -1, -1):
            cursor = active[k]
            position = cursor.position
            step(a.slots, cursor.symbols, cursor.pieces, &cursor.state, &cursor.position)
            cursor.states[position] = <uint32_t>cursor.state  # if a fail link was followed, the next turn overwrites it
            if cursor.position == cursor.length:
                count_string(cursor, a, job)
                if not next_string(cursor, a, job):
                    n_active -= 1
                    active[k] = active[n_active]
    return 0


def count_uses(Automaton automaton, counted):
    """Segment counted byte strings, and count the pieces.

    The strings are a `bytepiece.core.packed.CountedBytes`. Returns a uint64 array: for each piece of the automaton, how
    often it is used in all strings together, each as often as its count says.
    """
    cdef Py_ssize_t n, k
    cdef Job job
    cdef Cursor cursors[8]
    memset(&job, 0, sizeof(Job))
    memset(cursors, 0, sizeof(cursors))
    view_strings(counted, &job.strings)
    job.counts = view_counts(counted, job.strings.n)
    check_goes_by_bytes(automaton)
    result = np.zeros(automaton.n_pieces, dtype=np.uint64)
    job.totals = <uint64_t *>items(result, 8, &n, True)
    n = job.strings.n
    try:
        with nogil:
            open_lattice(&job.lattice, &automaton.view, BLOCK)
            for k in range(CURSORS):
                open_cursor(&cursors[k], &automaton.view, n * k // CURSORS, n * (k + 1) // CURSORS)
            count_strings(&automaton.view, &job, cursors)
    finally:
        for k in range(CURSORS):
            close_cursor(&cursors[k])
        close_lattice(&job.lattice)
        free(job.ids.ids)
    return result
