"""Segmentation of a text that comes in parts: the passes of `_segment`, and when their result is final."""

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
    """Segments a text that comes in parts.

    The best path to each position goes on from one before it, so they form a tree. Positions in which a piece can still
    start are its tips; others without a branch are cut off, and as long as the root has one branch only,
    the next position on it is decided: it becomes the root. Each position is added, cut off and passed once, so
    the time is linear however long nothing is decided. Memory is for the tree, which begins at the root.

    Thread safety: a stream is for one thread at a time.
    """

    cdef Automaton automaton
    cdef Lattice lattice
    cdef uint32_t state        # of the automaton
    cdef uint32_t *branches    # of each position of the window: from how many the best path comes here
    cdef size_t decided        # the root, in the window
    cdef size_t tips           # the first position where a piece can still start
    cdef size_t filled         # the last position
    cdef size_t top            # where its sum is
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
        """Take a part of the text; returns the ids that are final now, as an `IdArray`."""
        cdef Py_ssize_t n
        cdef const uint8_t *text = <const uint8_t *>items(data, 1, &n)
        cdef IdArray out = IdArray()
        with nogil:
            self.advance(text, n, &out.data)
        return out

    def flush(self):
        """End the text; returns the rest of the ids."""
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
        cdef size_t position = 0, part_end = 0, block
        while position < n:
            if self.after_newline and text[position] != 10:
                emit(a, lattice, self.decided, self.filled, out)
                self.begin_segment()
            if position == part_end:
                part_end = segment_end(text, position, n)
            block = min(part_end - position, lattice.block)
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
            self.after_newline = text[position - 1] == 10
            self.decide(out)
        return 0

    cdef int make_room(self, size_t block) except -1 nogil:
        """For `block` more positions and their sums."""
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
            # Where much stays undecided, moving it again and again would not be linear.
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
        """Put `n` more positions into the tree."""
        cdef size_t position
        for position in range(self.filled + 1, self.filled + n + 1):
            self.branches[position] = 0
            self.branches[position - self.lattice.lengths[position - 1]] += 1
        self.filled += n

    cdef int decide(self, Ids *out) except -1 nogil:
        """Cut off what cannot win any more, and emit the ids up to the first fork."""
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
