"""The best path over the automaton, and what is made of it.

Text is taken in blocks, each in two passes: `walk` finds the state after each byte, `viterbi` the best sums and
the last pieces that lead to them. The passes are apart because they are slow for different reasons: a walk waits for
memory and for branches, so several walks take turns; the sums depend on each other.
"""

from cpython.list cimport PyList_GET_ITEM, PyList_New, PyList_SET_ITEM
from cpython.long cimport PyLong_FromUnsignedLong
from cpython.ref cimport Py_INCREF
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memchr, memmove, memset

from bytepiece._automaton cimport MORE_GROUPS, Automaton, AutomatonView, Slot
from bytepiece._buffers cimport items
from bytepiece._memory cimport prefetch

import numpy as np

cdef extern from *:
    """
    /* As expressions, because compilers turn these into selections, and statements into branches. */
    #define bytepiece_larger(a, b) ((a) > (b) ? (a) : (b))
    #define bytepiece_select(condition, a, b) ((b) ^ (((a) ^ (b)) & (0u - (uint32_t)(condition))))
    """
    double larger "bytepiece_larger"(double a, double b) noexcept nogil
    uint32_t select "bytepiece_select"(bint condition, uint32_t a, uint32_t b) noexcept nogil

cdef enum:
    WINDOW = 16384         # positions of a lattice to begin with
    LANES = 6


cdef int open_lattice(Lattice *lattice, const AutomatonView *a, size_t n) except -1 nogil:
    """A lattice for texts; `n` is the length of the longest, or anything if that is not known."""
    lattice.block = min(n, <size_t>BLOCK)
    lattice.sums = <double *>malloc((lattice.block + a.max_length + 1) * sizeof(double))
    if lattice.sums == NULL:
        raise MemoryError("no memory for the lattice of a segment")
    return resize_lattice(lattice, min(n, <size_t>WINDOW))


cdef int resize_lattice(Lattice *lattice, size_t capacity) except -1 nogil:
    cdef void *matches = realloc(lattice.matches, (capacity + AHEAD) * sizeof(uint32_t))
    if matches != NULL:
        lattice.matches = <uint32_t *>matches
    cdef void *lengths = realloc(lattice.lengths, (capacity + AHEAD) * sizeof(uint16_t))
    if lengths != NULL:
        lattice.lengths = <uint16_t *>lengths
    if matches == NULL or lengths == NULL:
        raise MemoryError("no memory for the lattice of a segment")
    lattice.capacity = capacity
    return 0


cdef void close_lattice(Lattice *lattice) noexcept nogil:
    free(lattice.matches)
    free(lattice.lengths)
    free(lattice.sums)


# The walk.

cdef inline void step(
    const Slot *slots, const uint8_t *text, uint32_t *groups, uint32_t *state, size_t *position
) noexcept nogil:
    """Go to the child and on to the next byte, or along the fail link and stay; without a branch."""
    cdef uint32_t byte = text[position[0]]
    cdef const Slot *slot = &slots[state[0]]
    cdef uint32_t child = (slot.base_label >> 8) + byte
    cdef uint32_t fails = (<uint8_t>slots[child].base_label ^ byte) != 0
    groups[position[0]] = slots[child].group
    state[0] = select(fails, slot.fail, child)
    position[0] += 1 - fails


cdef uint32_t walk(
    const AutomatonView *a, uint32_t state, const uint8_t *text, size_t n, uint32_t *groups
) noexcept nogil:
    """Note for each byte the first group of the matches that end there; returns the last state."""
    cdef size_t position = 0
    if n >= 4 * LANES * <size_t>a.max_length:
        return walk_lanes(a, state, text, n, groups)
    while position < n:
        step(a.slots, text, groups, &state, &position)
    return state


cdef uint32_t walk_lanes(
    const AutomatonView *a, uint32_t state, const uint8_t *text, size_t n, uint32_t *groups
) noexcept nogil:
    """Walk through six parts of a text in turn, so that each waits for memory while the others go on.

    All but the first start at the root, the length of the longest piece before their part, and are in the right state
    when that begins. What they note too early the lane before them overwrites: it comes there later, as
    parts are four times as long as that. A lane that is done goes on into the next part, where it notes
    what stands there already; only at its last position it may be on a fail link yet, so each ends with a whole step.
    """
    cdef const Slot *slots = a.slots
    cdef size_t part = n // LANES, early = a.max_length, rounds, end
    cdef uint32_t s0 = state, s1 = a.root, s2 = a.root, s3 = a.root, s4 = a.root, s5 = a.root
    cdef size_t p0 = 0, p1 = part - early, p2 = 2 * part - early
    cdef size_t p3 = 3 * part - early, p4 = 4 * part - early, p5 = 5 * part - early
    while True:
        # As many rounds as the slowest needs at least, and none can leave the text.
        rounds = 0
        rounds = max(rounds, part - p0 if p0 < part else 0)
        rounds = max(rounds, 2 * part - p1 if p1 < 2 * part else 0)
        rounds = max(rounds, 3 * part - p2 if p2 < 3 * part else 0)
        rounds = max(rounds, 4 * part - p3 if p3 < 4 * part else 0)
        rounds = max(rounds, 5 * part - p4 if p4 < 5 * part else 0)
        rounds = min(rounds, n - p5)
        rounds = min(rounds, min(n - p0, min(n - p1, min(n - p2, min(n - p3, n - p4)))))
        if rounds < 4:
            break
        while rounds:
            step(slots, text, groups, &s0, &p0)
            step(slots, text, groups, &s1, &p1)
            step(slots, text, groups, &s2, &p2)
            step(slots, text, groups, &s3, &p3)
            step(slots, text, groups, &s4, &p4)
            step(slots, text, groups, &s5, &p5)
            rounds -= 1
    end = lane_end(p0, part, n)
    while p0 < end:
        step(slots, text, groups, &s0, &p0)
    end = lane_end(p1, 2 * part, n)
    while p1 < end:
        step(slots, text, groups, &s1, &p1)
    end = lane_end(p2, 3 * part, n)
    while p2 < end:
        step(slots, text, groups, &s2, &p2)
    end = lane_end(p3, 4 * part, n)
    while p3 < end:
        step(slots, text, groups, &s3, &p3)
    end = lane_end(p4, 5 * part, n)
    while p4 < end:
        step(slots, text, groups, &s4, &p4)
    while p5 < n:
        step(slots, text, groups, &s5, &p5)
    return s5


cdef inline size_t lane_end(size_t position, size_t part_end, size_t n) noexcept nogil:
    """Up to where a lane still has to walk: to the end of its part, or over the byte at which it stands."""
    if position < part_end:
        return part_end
    return position + 1 if position < n else n


# The sums.

cdef inline uint32_t best_of_group(
    const double *scores, const uint16_t *lengths, const double *top, uint32_t first, double *best
) noexcept nogil:
    """Of the four matches from `first` on the one with the greatest sum, of equals the first; without a branch."""
    cdef double sum0 = top[lengths[first]] + scores[first]
    cdef double sum1 = top[lengths[first + 1]] + scores[first + 1]
    cdef double sum2 = top[lengths[first + 2]] + scores[first + 2]
    cdef double sum3 = top[lengths[first + 3]] + scores[first + 3]
    cdef uint32_t in_front = sum1 > sum0, in_back = sum3 > sum2
    cdef double front = larger(sum1, sum0), back = larger(sum3, sum2)
    cdef uint32_t behind = back > front
    best[0] = larger(back, front)
    return first + select(behind, 2 + in_back, in_front)


cdef void viterbi(
    const AutomatonView *a, const uint8_t *text, uint32_t *matches, uint16_t *lengths, size_t n, double *top
) noexcept nogil:
    """The best sum at each of `n` positions, and the last match of the best path to it.

    `top` is where the sum before the first byte is; the next ones go to its left. Of equal sums the longest last piece
    wins: matches come longest first, and only a greater sum replaces. In `matches` each group is replaced.
    """
    cdef const double *scores = a.scores
    cdef const uint16_t *piece_lengths = a.lengths
    cdef const uint8_t *more = a.more
    cdef double best, group_best, next_best, previous = top[0]
    cdef uint32_t group, match, group_match, next_match
    cdef size_t k
    for k in range(n):
        group = matches[k + AHEAD] & ~<uint32_t>MORE_GROUPS
        prefetch(scores + group)
        prefetch(piece_lengths + group)
        match = text[k]
        best = previous + scores[match]
        top -= 1
        group = matches[k]
        if group:
            group_match = best_of_group(scores, piece_lengths, top, group & ~<uint32_t>MORE_GROUPS, &group_best)
            if group & MORE_GROUPS:
                group &= ~<uint32_t>MORE_GROUPS
                while more[group >> 2]:
                    group += 4
                    next_match = best_of_group(scores, piece_lengths, top, group, &next_best)
                    group_match = select(next_best > group_best, next_match, group_match)
                    group_best = larger(next_best, group_best)
            match = select(best > group_best, match, group_match)
            best = larger(best, group_best)
        matches[k] = match
        lengths[k] = piece_lengths[match]
        top[0] = best
        previous = best


# Paths.

cdef int reserve(Ids *ids, size_t n) except -1 nogil:
    """Make room for `n` more ids."""
    cdef size_t capacity
    cdef void *grown
    if ids.capacity - ids.size >= n:
        return 0
    capacity = ids.capacity + ids.capacity // 2 + n
    grown = realloc(ids.ids, capacity * sizeof(uint32_t))
    if grown == NULL:
        raise MemoryError("no memory for the ids")
    ids.ids = <uint32_t *>grown
    ids.capacity = capacity
    return 0


cdef int emit(const AutomatonView *a, const Lattice *lattice, size_t begin, size_t end, Ids *out) except -1 nogil:
    """Append the ids of the best path between two positions of the window, both on it."""
    cdef size_t position = end, n = 0
    cdef uint32_t *place
    while position > begin:
        position -= lattice.lengths[position - 1]
        n += 1
    if not out.counting:
        reserve(out, n)
        place = out.ids + out.size + n
        position = end
        while position > begin:
            place -= 1
            place[0] = out.first_id + a.pieces[lattice.matches[position - 1]]
            position -= lattice.lengths[position - 1]
    out.size += n
    return 0


cdef int meeting_point(
    const AutomatonView *a, const Lattice *lattice, size_t begin, size_t end, size_t *meeting
) except -1 nogil:
    """The last position that is on the best paths to all positions up to `end` where a piece can still start."""
    cdef size_t first = end - a.max_length + 1 if end - begin >= a.max_length else begin
    cdef size_t position = end, previous, alive = 0, n = a.max_length + 1
    # A ring of the last positions: which of them are on one of these paths.
    cdef uint8_t *on_path = <uint8_t *>calloc(n, 1)
    if on_path == NULL:
        raise MemoryError("no memory for the lattice of a segment")
    while True:
        if position >= first and not on_path[position % n]:
            on_path[position % n] = 1
            alive += 1
        if on_path[position % n]:
            if position == begin or (alive == 1 and position <= first):
                break
            on_path[position % n] = 0
            alive -= 1
            previous = position - lattice.lengths[position - 1]
            if not on_path[previous % n]:
                on_path[previous % n] = 1
                alive += 1
        position -= 1
    free(on_path)
    meeting[0] = position
    return 0


cdef size_t segment_end(const uint8_t *text, size_t begin, size_t n) noexcept nogil:
    """Where the first run of newlines from `begin` on ends, or the text."""
    cdef const void *newline = memchr(text + begin, 10, n - begin)
    cdef size_t end
    if newline == NULL:
        return n
    end = <size_t>(<const uint8_t *>newline - text)
    while end < n and text[end] == 10:
        end += 1
    return end


cdef int segment_text(
    const AutomatonView *a, const uint8_t *text, size_t n, Lattice *lattice, Ids *out
) except -1 nogil:
    """Segment a text, cut after each run of newlines, and append the ids.

    Blocks cross the ends of segments where no piece can.
    """
    cdef size_t position = 0, begin = 0, meeting, block, block_end, end
    cdef size_t origin = 0        # of the window, in the text
    cdef size_t undecided = 0     # the ids up to here are out
    cdef uint32_t state = a.root
    cdef double *sum = lattice.sums + lattice.block
    cdef size_t part_begin = 0, part_end = segment_end(text, 0, n) if n else 0
    sum[0] = 0.0
    while position < n:
        # Blocks of like size, so that none is too short for all lanes.
        block = n - position
        block = block // (block // lattice.block + (block % lattice.block != 0))
        block = max(block, <size_t>1)
        if not a.newline_safe:
            block = min(block, part_end - position)
        if position + block - origin > lattice.capacity:
            if position + block - undecided > lattice.capacity:
                meeting_point(a, lattice, undecided - origin, position - origin, &meeting)
                emit(a, lattice, undecided - origin, meeting, out)
                undecided = origin + meeting
            memmove(lattice.matches, lattice.matches + (undecided - origin), (position - undecided) * sizeof(uint32_t))
            memmove(lattice.lengths, lattice.lengths + (undecided - origin), (position - undecided) * sizeof(uint16_t))
            origin = undecided
            # Where much stays undecided, moving it again and again would not be linear.
            if 2 * (position - origin) + block > lattice.capacity:
                resize_lattice(lattice, 2 * (position - origin + block))
        state = walk(a, state, text + position, block, lattice.matches + (position - origin))
        memset(lattice.matches + (position - origin + block), 0, AHEAD * sizeof(uint32_t))
        block_end = position + block
        begin = position
        while position < block_end:
            end = min(part_end, block_end)
            if lattice.forward == NULL:
                viterbi(
                    a,
                    text + position,
                    lattice.matches + (position - origin),
                    lattice.lengths + (position - origin),
                    end - position,
                    sum - (position - begin),
                )
            else:
                lattice.forward(
                    lattice.context,
                    a,
                    text + position,
                    lattice.matches + (position - origin),
                    lattice.lengths + (position - origin),
                    end - position,
                    position == part_begin,
                )
            position = end
            if position == part_end:
                emit(a, lattice, undecided - origin, position - origin, out)
                undecided = part_begin = position
                if position < n:
                    part_end = segment_end(text, position, n)
                    (sum - (position - begin))[0] = 0.0
                if not a.newline_safe:
                    state = a.root
        memmove(sum, sum - block, (a.max_length + 1) * sizeof(double))
    return 0


cdef class IdArray:
    """Ids in memory of their own; offers them as a buffer of uint32, and `tolist`."""

    def __dealloc__(self):
        free(self.data.ids)

    def __len__(self):
        return self.data.size

    def __getbuffer__(self, Py_buffer *buffer, int flags):
        reserve(&self.data, 1)  # even of nothing there is an address
        self.shape[0] = self.data.size
        buffer.buf = self.data.ids
        buffer.format = "I"
        buffer.internal = NULL
        buffer.itemsize = sizeof(uint32_t)
        buffer.len = self.data.size * sizeof(uint32_t)
        buffer.ndim = 1
        buffer.obj = self
        buffer.readonly = 0
        buffer.shape = self.shape
        buffer.strides = &buffer.itemsize
        buffer.suboffsets = NULL

    def tolist(self, list ints):
        """The ids as a list.

        `ints[id]` is the object for an id, or None if there was none yet; for ids beyond its end objects are made.
        """
        cdef Py_ssize_t k, n_ints = len(ints)
        cdef uint32_t number
        cdef object id  # an object of Python, of which the list gets a reference
        ids = PyList_New(self.data.size)
        for k in range(<Py_ssize_t>self.data.size):
            number = self.data.ids[k]
            id = <object>PyList_GET_ITEM(ints, number) if number < n_ints else None
            if id is None:
                id = PyLong_FromUnsignedLong(number)
                if number < n_ints:
                    ints[number] = id
            Py_INCREF(id)
            PyList_SET_ITEM(ids, k, id)
        return ids


def segment(Automaton automaton, bytes data, uint32_t first_id, bint counting=False):
    """The ids of the pieces of a text, as an `IdArray`; the first piece has the id `first_id`.

    With `counting` only their number.
    """
    cdef Py_ssize_t n
    cdef const uint8_t *text = <const uint8_t *>items(data, 1, &n)
    cdef Lattice lattice
    cdef IdArray out = IdArray()
    memset(&lattice, 0, sizeof(Lattice))
    out.data.first_id = first_id
    out.data.counting = counting
    try:
        with nogil:
            open_lattice(&lattice, &automaton.view, n)
            segment_text(&automaton.view, text, n, &lattice, &out.data)
    finally:
        close_lattice(&lattice)
    return out.data.size if counting else out


cdef Span *read_spans(list spans) except NULL:
    """Spans given as (``bytes``, begin, end), checked. The caller frees them, and keeps the bytes alive."""
    cdef Py_ssize_t n, k, begin, end, n_spans = len(spans)
    cdef bytes data
    cdef Span *views = <Span *>calloc(n_spans + 1, sizeof(Span))
    if views == NULL:
        raise MemoryError("no memory for the spans")
    try:
        for k in range(n_spans):
            data, begin, end = spans[k]
            if not 0 <= begin <= end <= len(data):
                raise ValueError(f"span {k}: {begin} to {end} of {len(data)} bytes")
            views[k].text = <const uint8_t *>items(data, 1, &n) + begin
            views[k].begin = begin
            views[k].length = end - begin
    except BaseException:
        free(views)
        raise
    return views


def segment_spans(Automaton automaton, list spans, uint32_t first_id):
    """Segment parts of texts, each given as (``bytes``, begin, end).

    Returns all ids, as an `IdArray`, and where those of each span end, as an int64 array.
    """
    cdef Py_ssize_t n, k, n_spans = len(spans)
    cdef Lattice lattice
    cdef IdArray out = IdArray()
    cdef Span *views = NULL
    ends = np.empty(n_spans, dtype=np.int64)
    cdef int64_t *ends_ = <int64_t *>items(ends, 8, &n, True)
    memset(&lattice, 0, sizeof(Lattice))
    out.data.first_id = first_id
    try:
        views = read_spans(spans)
        with nogil:
            open_lattice(&lattice, &automaton.view, BLOCK)
            for k in range(n_spans):
                segment_text(&automaton.view, views[k].text, views[k].length, &lattice, &out.data)
                ends_[k] = <int64_t>out.data.size
    finally:
        close_lattice(&lattice)
        free(views)
    return out, ends


def segment_parts(Automaton automaton, data, offsets, Py_ssize_t begin, Py_ssize_t end):
    """Segment parts of a text, those from number `begin` to `end`; `offsets` say where each begins and the last ends.

    Returns the numbers of all pieces, as an `IdArray`, and how many there are up to the end of each part (int64).
    """
    cdef Py_ssize_t n, n_offsets, k
    cdef const uint8_t *text = <const uint8_t *>items(data, 1, &n)
    cdef const int64_t *offset = <const int64_t *>items(offsets, 8, &n_offsets)
    cdef Lattice lattice
    cdef IdArray out = IdArray()
    if not 0 <= begin <= end < n_offsets:
        raise ValueError(f"parts {begin} to {end} of {n_offsets - 1}")
    for k in range(begin, end):
        if not 0 <= offset[k] <= offset[k + 1] <= n:
            raise ValueError(f"part {k}: {offset[k]} to {offset[k + 1]} of {n} bytes")
    ends = np.empty(end - begin, dtype=np.int64)
    cdef int64_t *ends_ = <int64_t *>items(ends, 8, &n, True)
    memset(&lattice, 0, sizeof(Lattice))
    try:
        with nogil:
            open_lattice(&lattice, &automaton.view, BLOCK)
            for k in range(begin, end):
                segment_text(&automaton.view, text + offset[k], offset[k + 1] - offset[k], &lattice, &out.data)
                ends_[k - begin] = <int64_t>out.data.size
    finally:
        close_lattice(&lattice)
    return out, ends


# Counted strings. There are many of them, and they are short: so some walks through them take turns. As they come
# sorted, they begin like those before them, and of that nothing is done again.

cdef enum:
    CURSORS = 8
    SHORT = 1024           # bytes of a string that can be done in this way


# A walk through some of the strings, one after the other.
cdef struct Cursor:
    Py_ssize_t number      # of the string
    Py_ssize_t end         # of the numbers
    const uint8_t *text
    size_t length
    size_t position        # how far the walk has come
    size_t shared          # how many bytes are those of the string before
    uint32_t state
    uint32_t *states       # after each byte
    uint32_t *matches      # these three as in a lattice
    uint16_t *lengths
    double *sums


cdef struct Strings:
    const uint8_t *text
    const int64_t *offsets
    const uint64_t *counts
    uint64_t *totals       # how often each piece of the automaton is used
    Lattice lattice        # for the other strings
    Ids ids


cdef int open_cursor(Cursor *cursor, const AutomatonView *a, Py_ssize_t begin, Py_ssize_t end) except -1 nogil:
    cursor.number = begin - 1
    cursor.end = end
    cursor.states = <uint32_t *>malloc(SHORT * sizeof(uint32_t))
    cursor.matches = <uint32_t *>calloc(SHORT + AHEAD, sizeof(uint32_t))
    cursor.lengths = <uint16_t *>malloc(SHORT * sizeof(uint16_t))
    cursor.sums = <double *>malloc((SHORT + a.max_length + 1) * sizeof(double))
    if cursor.states == NULL or cursor.matches == NULL or cursor.lengths == NULL or cursor.sums == NULL:
        raise MemoryError("no memory for the lattice of a segment")
    cursor.sums[SHORT] = 0.0
    return 0


cdef void close_cursor(Cursor *cursor) noexcept nogil:
    free(cursor.states)
    free(cursor.matches)
    free(cursor.lengths)
    free(cursor.sums)


cdef int next_string(Cursor *cursor, const AutomatonView *a, Strings *strings) except -1 nogil:
    """Go on to the next string in which there is something to walk; returns 0 if there is none."""
    cdef const uint8_t *before
    cdef size_t most, k
    while cursor.number + 1 < cursor.end:
        cursor.number += 1
        before = cursor.text
        most = cursor.length
        cursor.text = strings.text + strings.offsets[cursor.number]
        cursor.length = <size_t>(strings.offsets[cursor.number + 1] - strings.offsets[cursor.number])
        if cursor.length > SHORT or segment_end(cursor.text, 0, cursor.length) < cursor.length:
            strings.ids.size = 0
            segment_text(a, cursor.text, cursor.length, &strings.lattice, &strings.ids)
            for k in range(strings.ids.size):
                strings.totals[strings.ids.ids[k]] += strings.counts[cursor.number]
            cursor.length = 0  # there is nothing to share
            continue
        most = min(most, cursor.length)
        k = 0
        while k < most and cursor.text[k] == before[k]:
            k += 1
        cursor.shared = cursor.position = k
        cursor.state = cursor.states[k - 1] if k else a.root
        if k < cursor.length:
            return 1
        count_string(cursor, a, strings)
    return 0


cdef void count_string(const Cursor *cursor, const AutomatonView *a, Strings *strings) noexcept nogil:
    """The walk is at the end of a string: find the best path, and count its pieces."""
    cdef size_t position = cursor.length, shared = cursor.shared
    viterbi(
        a, cursor.text + shared, cursor.matches + shared, cursor.lengths + shared, position - shared,
        cursor.sums + SHORT - shared
    )
    while position:
        strings.totals[a.pieces[cursor.matches[position - 1]]] += strings.counts[cursor.number]
        position -= cursor.lengths[position - 1]


cdef int count_strings(const AutomatonView *a, Strings *strings, Cursor *cursors) except -1 nogil:
    """Walk through all strings, a byte in each at a time."""
    cdef Cursor *active[8]
    cdef Cursor *cursor
    cdef int n_active = 0, k
    cdef size_t position
    for k in range(CURSORS):
        if next_string(&cursors[k], a, strings):
            active[n_active] = &cursors[k]
            n_active += 1
    while n_active:
        for k in range(n_active - 1, -1, -1):
            cursor = active[k]
            position = cursor.position
            step(a.slots, cursor.text, cursor.matches, &cursor.state, &cursor.position)
            cursor.states[position] = cursor.state  # which stands once the walk has gone on from here
            if cursor.position == cursor.length:
                count_string(cursor, a, strings)
                if not next_string(cursor, a, strings):
                    n_active -= 1
                    active[k] = active[n_active]
    return 0


def count_parts(Automaton automaton, pieces, offsets, counts):
    """Segment counted byte strings, and count the pieces they are cut into.

    The strings are given as `bytepiece.training.runs.PieceCounts`. Returns a uint64 array: for each piece of the
    automaton the sum of the counts of the strings, as often as it is in them.
    """
    cdef Py_ssize_t n, n_offsets, n_pieces, k
    cdef Strings strings
    cdef Cursor cursors[8]
    memset(&strings, 0, sizeof(Strings))
    memset(cursors, 0, sizeof(cursors))
    strings.text = <const uint8_t *>items(pieces, 1, &n)
    strings.offsets = <const int64_t *>items(offsets, 8, &n_offsets)
    strings.counts = <const uint64_t *>items(counts, 8, &n_pieces)
    if n_offsets != n_pieces + 1 or strings.offsets[n_pieces] > n:
        raise ValueError("pieces, offsets and counts do not match")
    result = np.zeros(automaton.n_pieces, dtype=np.uint64)
    strings.totals = <uint64_t *>items(result, 8, &n, True)
    try:
        with nogil:
            open_lattice(&strings.lattice, &automaton.view, BLOCK)
            for k in range(CURSORS):
                open_cursor(&cursors[k], &automaton.view, n_pieces * k // CURSORS, n_pieces * (k + 1) // CURSORS)
            count_strings(&automaton.view, &strings, cursors)
    finally:
        for k in range(CURSORS):
            close_cursor(&cursors[k])
        close_lattice(&strings.lattice)
        free(strings.ids.ids)
    return result
