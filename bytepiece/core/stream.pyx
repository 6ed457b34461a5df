"""Segmentation of a text that comes in chunks: the passes of `bytepiece.core.segment`, and when an id is final."""

from libc.stdint cimport uint8_t, uint32_t
from libc.stdlib cimport free, realloc
from libc.string cimport memmove, memset

from bytepiece.core.alphabet cimport read_bytes
from bytepiece.core.automaton cimport Automaton, AutomatonView, Slot, check_goes_by_bytes
from bytepiece.core.buffers cimport items
from bytepiece.core.ids cimport IdArray, Ids
from bytepiece.core.segment cimport (
    AHEAD,
    BLOCK,
    NEWLINE,
    Lattice,
    close_lattice,
    emit,
    open_lattice,
    resize_lattice,
    segment_end,
    viterbi,
    walk,
)


cdef class SegmentStream:
    """Segments a text that comes in chunks.

    An id comes out as soon as every path that can still win contains it. The best path to each position continues one
    to an earlier position, so best paths form a tree:

        decided ---- 5 ---- 9 ---- 12        positions from 11 on are tips: a piece can still start there
                     |      +----- 13
                     +----- 7                a dead end: no piece can start there any more

    Dead ends are cut off, here 7, and then also what led only to them. As long as the root has a single branch, the
    next position on it is decided, here 5 and then 9: it becomes the root. Each position is added, cut off and passed
    at most once, so the time is linear, however long nothing is decided. Only the tree is in memory.

    Thread safety: a stream is for one thread at a time.
    """

    cdef Automaton automaton
    cdef Lattice lattice
    cdef uint32_t state        # of the automaton
    # Positions are those in the window of the lattice.
    cdef uint32_t *branches    # for each position, how many best paths continue from it in one piece
    cdef size_t decided        # the root
    cdef size_t tips           # the first position at which a piece can still start
    cdef size_t filled         # the last position
    cdef size_t top            # the place of its sum
    cdef bint after_newline

    def __cinit__(self, Automaton automaton):
        check_goes_by_bytes(automaton)
        self.automaton = automaton
        open_lattice(&self.lattice, &automaton.view, BLOCK)
        self.resize(self.lattice.capacity)
        self.begin_segment()

    def __dealloc__(self):
        close_lattice(&self.lattice)
        free(self.branches)

    def feed(self, bytes data):
        """Take a chunk of the text; returns the ids that are final now, as an `IdArray`."""
        cdef Py_ssize_t n
        cdef const uint8_t *text = <const uint8_t *>items(data, 1, &n)
        cdef IdArray out = IdArray()
        with nogil:
            self.advance(text, n, &out.data)
        return out

    def flush(self):
        """End the text; returns its last ids, as an `IdArray`."""
        cdef IdArray out = IdArray()
        emit(&self.automaton.view, &self.lattice, self.decided, self.filled, &out.data)
        self.begin_segment()
        return out

    cdef void begin_segment(self) noexcept nogil:
        self.state = self.automaton.view.root
        self.decided = self.tips = self.filled = 0
        self.branches[0] = 0
        self.top = self.lattice.block
        self.lattice.sums[self.top] = 0.0
        self.after_newline = False

    cdef int advance(self, const uint8_t *text, size_t n, Ids *out) except -1 nogil:
        cdef const AutomatonView *a = &self.automaton.view
        cdef Lattice *lattice = &self.lattice
        cdef size_t position = 0, stop = 0, block
        while position < n:
            if self.after_newline and text[position] != NEWLINE:
                emit(a, lattice, self.decided, self.filled, out)
                self.begin_segment()
            if position == stop:
                stop = segment_end(text, position, n)
            block = min(stop - position, lattice.block)
            self.make_room(block)
            read_bytes(&a.alphabet, text + position, block, lattice.symbols, lattice.characters)
            self.state = walk(a, self.state, lattice.symbols, block, lattice.pieces + self.filled)
            memset(lattice.pieces + (self.filled + block), 0, AHEAD * sizeof(uint32_t))
            viterbi(
                a,
                lattice.symbols,
                lattice.characters,
                lattice.pieces + self.filled,
                lattice.lengths + self.filled,
                block,
                lattice.sums + self.top,
            )
            self.top -= block
            self.grow(block)
            position += block
            self.after_newline = text[position - 1] == NEWLINE
            self.decide(out)
        return 0

    cdef int make_room(self, size_t block) except -1 nogil:
        """Make room for `block` more positions and their sums."""
        cdef Lattice *lattice = &self.lattice
        cdef size_t begin = self.decided, n = self.filled - self.decided
        if self.top < block:
            memmove(
                lattice.sums + lattice.block,
                lattice.sums + self.top,
                (self.automaton.view.max_length + 1) * sizeof(double),
            )
            self.top = lattice.block
        if self.filled + block > lattice.capacity:
            memmove(lattice.pieces, lattice.pieces + begin, n * sizeof(lattice.pieces[0]))
            memmove(lattice.lengths, lattice.lengths + begin, n * sizeof(lattice.lengths[0]))
            memmove(self.branches, self.branches + begin, (n + 1) * sizeof(self.branches[0]))
            self.decided = 0
            self.tips -= begin
            self.filled -= begin
            # If much stays undecided, a window that is not doubled would be moved again and again.
            if 2 * n + block > lattice.capacity:
                self.resize(2 * (n + block))
        return 0

    cdef int resize(self, size_t capacity) except -1 nogil:
        cdef void *branches = realloc(self.branches, (capacity + 1) * sizeof(uint32_t))
        if branches == NULL:
            raise MemoryError("no memory for the lattice of a segment")
        self.branches = <uint32_t *>branches
        return resize_lattice(&self.lattice, capacity)

    cdef void grow(self, size_t n) noexcept nogil:
        """Add `n` positions to the tree."""
        cdef size_t position
        for position in range(self.filled + 1, self.filled + n + 1):
            self.branches[position] = 0
            self.branches[position - self.lattice.lengths[position - 1]] += 1
        self.filled += n

    cdef int decide(self, Ids *out) except -1 nogil:
        """Cut off dead ends, and append the ids up to the first fork."""
        cdef size_t depth = self.automaton.view.depths[self.state // sizeof(Slot)]
        cdef size_t tips = self.filled - min(depth, self.filled - self.decided)
        cdef size_t position, decided = self.decided
        while self.tips < tips:
            position = self.tips
            while position > decided and self.branches[position] == 0:
                position -= self.lattice.lengths[position - 1]
                self.branches[position] -= 1
            self.tips += 1
        while decided < tips and self.branches[decided] == 1:
            decided += 1
            while decided < tips and self.branches[decided] == 0:
                decided += 1
        emit(&self.automaton.view, &self.lattice, self.decided, decided, out)
        self.decided = decided
        return 0
