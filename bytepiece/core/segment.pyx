"""The best path through a text, and its ids.

A text is taken in blocks, each in three passes:

    read_symbols    what the automaton reads: bytes or characters
    walk            the state after each symbol, and with it the pieces that end there
    viterbi         the best sum of scores up to each position, and the last piece of the path that has it

The passes are apart because each waits for something else: a walk for memory, so several walks take turns; the sums for
each other. Positions and lengths are in symbols. A path is known only from its end, so ids come out where it is
certain that the best path goes through: at the ends of segments, and before characters that are in no piece.
"""

from libc.stdint cimport UINT32_MAX, int64_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memchr, memmove, memset

from bytepiece.core.alphabet cimport Alphabet, Text, character_start, read_bytes, read_symbols, text_of
from bytepiece.core.automaton cimport (
    Automaton,
    AutomatonView,
    Group,
    Slot,
    first_group,
)
from bytepiece.core.buffers cimport items
from bytepiece.core.ids cimport IdArray, Ids, give_back, reserve, reserve_for_rest
from bytepiece.core.memory cimport prefetch
from bytepiece.core.utf8 cimport write_character

import numpy as np

cdef enum:
    WINDOW = 16384         # positions of a lattice to begin with
    LANES = 6              # of a walk
    STRETCH = 16           # symbols that are searched for newlines together
    SAMPLE = 524288        # units of a text, from whose ids the number of all its ids is estimated


# How far the segmentation of a text has come.
cdef struct Progress:
    size_t position        # of the next symbol
    size_t origin          # the position at which the window of the lattice begins
    size_t decided         # the position up to which ids are out
    size_t segment_begin
    uint32_t state         # of the automaton


cdef int open_lattice(Lattice *lattice, const AutomatonView *a, size_t n) except -1 nogil:
    """Allocate a lattice for texts of up to `n` units; longer ones make it grow."""
    lattice.block = min(n, <size_t>BLOCK)
    lattice.sums = <double *>malloc((lattice.block + a.max_length + 1) * sizeof(double))
    lattice.symbols = <uint16_t *>malloc((lattice.block + 1) * sizeof(uint16_t))
    lattice.characters = <uint32_t *>malloc((lattice.block + 1) * sizeof(uint32_t))
    lattice.ends = <uint32_t *>malloc((lattice.block + 1) * sizeof(uint32_t))
    if lattice.sums == NULL or lattice.symbols == NULL or lattice.characters == NULL or lattice.ends == NULL:
        raise MemoryError("no memory for the lattice of a segment")
    # Padding reads sums from before the text, which must be numbers.
    memset(lattice.sums + lattice.block, 0, (a.max_length + 1) * sizeof(double))
    return resize_lattice(lattice, min(n, <size_t>WINDOW))


cdef int resize_lattice(Lattice *lattice, size_t capacity) except -1 nogil:
    cdef void *pieces = realloc(lattice.pieces, (capacity + AHEAD) * sizeof(uint32_t))
    if pieces != NULL:
        lattice.pieces = <uint32_t *>pieces
    cdef void *lengths = realloc(lattice.lengths, (capacity + AHEAD) * sizeof(uint16_t))
    if lengths != NULL:
        lattice.lengths = <uint16_t *>lengths
    if pieces == NULL or lengths == NULL:
        raise MemoryError("no memory for the lattice of a segment")
    lattice.capacity = capacity
    return 0


cdef void close_lattice(Lattice *lattice) noexcept nogil:
    free(lattice.pieces)
    free(lattice.lengths)
    free(lattice.sums)
    free(lattice.symbols)
    free(lattice.characters)
    free(lattice.ends)


# The walk.

cdef uint32_t walk(
    const AutomatonView *a, uint32_t state, const uint16_t *symbols, size_t n, uint32_t *groups
) noexcept nogil:
    """Note for each symbol the last group of the matches that end there. Returns the state after the last symbol."""
    cdef size_t position = 0, at = state
    if n >= 4 * LANES * <size_t>a.max_length:
        return walk_lanes(a, state, symbols, n, groups)
    walk_on(a.slots, symbols, groups, &at, &position, n)
    return <uint32_t>at


cdef uint32_t walk_lanes(
    const AutomatonView *a, uint32_t state, const uint16_t *symbols, size_t n, uint32_t *groups
) noexcept nogil:
    """Walk through six parts of a text in turn: while one lane waits for memory, the others go on.

        text      |-- part 0 --|-- part 1 --|-- part 2 --|-- part 3 --|-- part 4 --|-- part 5 --|
        lane 0    >>>>>>>>>>>>>>
        lane 1              ...>>>>>>>>>>>>>>
        lane 2                           ...>>>>>>>>>>>>>>               and so on

    Each lane but the first starts at the root, the length of the longest piece before its part (...). This warm-up
    brings it into the right state. What it notes meanwhile may be wrong, but the lane to its left overwrites it later,
    as a part is at least four warm-ups long. A lane that has finished its part goes on while others work, and notes
    what the next lane has noted. At last each lane completes the symbol at which it stands: a group that was noted on a
    fail link is provisional.
    """
    cdef const Slot *slots = a.slots
    cdef size_t part = n // LANES, early = a.max_length, rounds
    cdef size_t s0 = state, s1 = a.root, s2 = a.root, s3 = a.root, s4 = a.root, s5 = a.root
    cdef size_t p0 = 0, p1 = part - early, p2 = 2 * part - early
    cdef size_t p3 = 3 * part - early, p4 = 4 * part - early, p5 = 5 * part - early
    while True:
        # The rounds that the slowest lane needs at least, and in which no lane can leave the text.
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
            step(slots, symbols, groups, &s0, &p0)
            step(slots, symbols, groups, &s1, &p1)
            step(slots, symbols, groups, &s2, &p2)
            step(slots, symbols, groups, &s3, &p3)
            step(slots, symbols, groups, &s4, &p4)
            step(slots, symbols, groups, &s5, &p5)
            rounds -= 1
    walk_on(slots, symbols, groups, &s0, &p0, lane_end(p0, part, n))
    walk_on(slots, symbols, groups, &s1, &p1, lane_end(p1, 2 * part, n))
    walk_on(slots, symbols, groups, &s2, &p2, lane_end(p2, 3 * part, n))
    walk_on(slots, symbols, groups, &s3, &p3, lane_end(p3, 4 * part, n))
    walk_on(slots, symbols, groups, &s4, &p4, lane_end(p4, 5 * part, n))
    walk_on(slots, symbols, groups, &s5, &p5, n)
    return <uint32_t>s5


cdef inline void walk_on(
    const Slot *slots, const uint16_t *symbols, uint32_t *groups, size_t *state, size_t *position, size_t end
) noexcept nogil:
    """Walk alone, up to a place."""
    while position[0] < end:
        step(slots, symbols, groups, state, position)


cdef inline size_t lane_end(size_t position, size_t part_end, size_t n) noexcept nogil:
    """Where a lane ends: with its part, or after the symbol at which it stands."""
    if position < part_end:
        return part_end
    return position + 1 if position < n else n


cdef void walk_strings(
    const AutomatonView *a, const uint16_t *symbols, const int64_t *ends, size_t n_strings, uint32_t *groups
) noexcept nogil:
    """Walk through strings that lie one after the other, each from the root; a lane takes a string at a time."""
    cdef const Slot *slots = a.slots
    cdef size_t s0, s1, s2, s3, s4, s5    # states, positions, ends
    cdef size_t p0 = 0, p1 = 0, p2 = 0, p3 = 0, p4 = 0, p5 = 0
    cdef size_t e0 = 0, e1 = 0, e2 = 0, e3 = 0, e4 = 0, e5 = 0
    cdef size_t taken = 0
    s0 = s1 = s2 = s3 = s4 = s5 = a.root
    while True:
        if p0 == e0 and not take_string(a, ends, n_strings, &taken, &s0, &p0, &e0):
            break
        if p1 == e1 and not take_string(a, ends, n_strings, &taken, &s1, &p1, &e1):
            break
        if p2 == e2 and not take_string(a, ends, n_strings, &taken, &s2, &p2, &e2):
            break
        if p3 == e3 and not take_string(a, ends, n_strings, &taken, &s3, &p3, &e3):
            break
        if p4 == e4 and not take_string(a, ends, n_strings, &taken, &s4, &p4, &e4):
            break
        if p5 == e5 and not take_string(a, ends, n_strings, &taken, &s5, &p5, &e5):
            break
        step(slots, symbols, groups, &s0, &p0)
        step(slots, symbols, groups, &s1, &p1)
        step(slots, symbols, groups, &s2, &p2)
        step(slots, symbols, groups, &s3, &p3)
        step(slots, symbols, groups, &s4, &p4)
        step(slots, symbols, groups, &s5, &p5)
    walk_on(slots, symbols, groups, &s0, &p0, e0)
    walk_on(slots, symbols, groups, &s1, &p1, e1)
    walk_on(slots, symbols, groups, &s2, &p2, e2)
    walk_on(slots, symbols, groups, &s3, &p3, e3)
    walk_on(slots, symbols, groups, &s4, &p4, e4)
    walk_on(slots, symbols, groups, &s5, &p5, e5)


cdef inline bint take_string(
    const AutomatonView *a, const int64_t *ends, size_t n_strings, size_t *taken, size_t *state, size_t *position,
    size_t *end
) noexcept nogil:
    """Begin the walk through the next string that is not empty; returns False if there is none."""
    while taken[0] < n_strings:
        position[0] = <size_t>ends[taken[0] - 1] if taken[0] else 0
        end[0] = <size_t>ends[taken[0]]
        state[0] = a.root
        taken[0] += 1
        if position[0] < end[0]:
            return True
    return False


# The sums.

cdef inline uint32_t best_of_group(const Group *group, const double *top, double last_sum, double *best) noexcept nogil:
    """The number, 0 to 3, of the match of a group that has the greatest sum; found without a branch.

    Of equal sums the first wins, which is that of the longest piece: matches are sorted, the longest first.

    `last_sum` is the sum of the last match. It needs the sum before it, which is known last, so it is compared last.
    """
    cdef double sum0 = top[group.lengths[0]] + group.scores[0]
    cdef double sum1 = top[group.lengths[1]] + group.scores[1]
    cdef double sum2 = top[group.lengths[2]] + group.scores[2]
    cdef double first_two = larger(sum1, sum0), first_three = larger(sum2, first_two)
    cdef uint32_t second = sum1 > sum0, third = sum2 > first_two, last = last_sum > first_three
    best[0] = larger(last_sum, first_three)
    # The number of the last match that won: 2 replaces 0 and 1, and 3 has all bits.
    return (second & (third ^ 1)) + 2 * third | 3 * last


cdef inline double spell(const AutomatonView *a, const uint8_t *bytes, size_t n, double sum) noexcept nogil:
    """Add the scores of the two to four bytes of a character to a sum, one by one."""
    sum += a.byte_scores[bytes[0]]
    sum += a.byte_scores[bytes[1]]
    if n > 2:
        sum += a.byte_scores[bytes[2]]
    if n > 3:
        sum += a.byte_scores[bytes[3]]
    return sum


cdef size_t viterbi(
    const AutomatonView *a, const uint16_t *symbols, const uint32_t *characters, uint32_t *pieces, uint16_t *lengths,
    size_t n, double *top
) noexcept nogil:
    """Find the best sum at each of the next `n` positions, and the last piece of the path that has it.

    Pieces replace the groups. Of equal sums the one with the longest last piece wins. Stops before a character that is
    in no piece, as all paths meet there. Returns the number of positions that are done.

    `top` is the place of the sum before the first symbol. Sums are stored to its left, and read to its right, as far as
    the longest piece reaches. Each sum needs the one before it, which stays in a register: storing and loading it
    would double the wait.
    """
    cdef const Group *group
    cdef const Group *longer
    cdef const Group *first
    cdef double best = top[0], longer_best, spelled_sum
    cdef uint32_t piece, length, number, wins
    cdef uint16_t unknown = a.alphabet.unknown
    cdef uint8_t bytes[4]
    cdef size_t k
    for k in range(n):
        prefetch(&a.groups[pieces[k + AHEAD]])
        if symbols[k] == unknown:
            return k
        top -= 1
        group = &a.groups[pieces[k]]
        number = best_of_group(group, top, best + group.scores[3], &best)
        piece = group.pieces[number]
        length = group.lengths[number]
        if group.more:
            longer = group
            first = &a.groups[first_group(a, pieces[k])]
            while longer > first:
                longer -= 1
                number = best_of_group(longer, top, top[longer.lengths[3]] + longer.scores[3], &longer_best)
                wins = longer_best >= best    # of equals the longer one, which comes later here
                piece = select(wins, longer.pieces[number], piece)
                length = select(wins, longer.lengths[number], length)
                best = larger(longer_best, best)
            if group.pieces[3] == UINT32_MAX:
                spelled_sum = spell(a, bytes, write_character(characters[k], bytes), top[1])
                if spelled_sum > best:
                    best = spelled_sum
                    piece = SPELLED | characters[k]
                    length = 1
        pieces[k] = piece
        lengths[k] = <uint16_t>length
        top[0] = best
    return n


# Paths.

cdef inline size_t n_ids(uint32_t piece) noexcept nogil:
    """The number of ids for an entry of `Lattice.pieces`: one, or those of a character that is spelled. No branch."""
    cdef size_t spelled = (piece & SPELLED) != 0
    return 1 + spelled * (1 + ((piece ^ SPELLED) >= 0x800) + ((piece ^ SPELLED) >= 0x10000))


cdef int emit(const AutomatonView *a, const Lattice *lattice, size_t begin, size_t end, Ids *out) except -1 nogil:
    """Append the ids of the best path between two positions of the window, which are both on it.

    The path is followed from its end, so its ids come last first, and are reversed.
    """
    cdef uint8_t bytes[4]
    cdef size_t position = end, size = out.size, first = size, n, k
    cdef uint32_t piece, first_id = a.first_id
    cdef uint32_t *id
    if out.counting:
        while position > begin:
            size += n_ids(lattice.pieces[position - 1])
            position -= lattice.lengths[position - 1]
        out.size = size
        return 0
    while position > begin:
        if out.capacity - size < 4:
            out.size = size
            reserve(out, 4)
        id = out.ids + size
        piece = lattice.pieces[position - 1]
        position -= lattice.lengths[position - 1]
        if piece & SPELLED:
            n = write_character(piece ^ SPELLED, bytes)
            for k in range(n):
                id[k] = first_id + a.byte_pieces[bytes[n - 1 - k]]
            size += n
        else:
            id[0] = first_id + piece
            size += 1
    out.size = size
    while first + 1 < size:
        size -= 1
        out.ids[first], out.ids[size] = out.ids[size], out.ids[first]
        first += 1
    return 0


cdef Py_ssize_t emit_unknown(
    const AutomatonView *a, const uint16_t *symbols, const uint32_t *characters, size_t n, double *top, Ids *out
) except -1 nogil:
    """Append the ids of characters that are in no piece, byte by byte, up to the first other one.

    Sums are stored as in `viterbi`. Returns the number of characters.
    """
    cdef uint8_t bytes[4]
    cdef double sum = top[0]
    cdef size_t k = 0, size = out.size, length
    cdef uint32_t *id
    while k < n and symbols[k] == a.alphabet.unknown:
        length = write_character(characters[k], bytes)
        sum = spell(a, bytes, length, sum)
        k += 1
        (top - k)[0] = sum
        if out.counting:
            size += length
            continue
        if out.capacity - size < 4:
            out.size = size
            reserve(out, 4)
        id = out.ids + size
        id[0] = a.first_id + a.byte_pieces[bytes[0]]
        id[1] = a.first_id + a.byte_pieces[bytes[1]]
        if length > 2:
            id[2] = a.first_id + a.byte_pieces[bytes[2]]
        if length > 3:
            id[3] = a.first_id + a.byte_pieces[bytes[3]]
        size += length
    out.size = size
    return k


cdef int meeting_point(
    const AutomatonView *a, const Lattice *lattice, size_t begin, size_t end, size_t *meeting
) except -1 nogil:
    """Find the last position that every path that can still win goes through.

    The next piece can start at each of the last `a.max_length` positions. The best paths to them are followed back
    together, always from the rightmost position that is on one of them, until they have met:

        begin ----+--------- meeting ----+------+---- end
                                 |       +----+---- end - 1
                                 +------------- end - 2
    """
    cdef size_t first = end - a.max_length + 1 if end - begin >= a.max_length else begin
    cdef size_t position = end, previous, alive = 0, n = a.max_length + 1
    # For the last positions, in a ring: whether one of these paths goes through.
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


# Where segments end: after each run of newlines. `bytepiece.text.segments` says the same of texts in Python.

cdef size_t segment_end(const uint8_t *text, size_t begin, size_t n) noexcept nogil:
    """Where the segment ends that the byte at `begin` belongs to."""
    cdef const void *newline = memchr(text + begin, NEWLINE, n - begin)
    cdef size_t end
    if newline == NULL:
        return n
    end = <size_t>(<const uint8_t *>newline - text)
    while end < n and text[end] == NEWLINE:
        end += 1
    return end


cdef inline bint is_among(uint16_t symbol, const uint16_t *symbols) noexcept nogil:
    """Whether a symbol is in a stretch; a loop without a branch, which compilers vectorize."""
    cdef uint16_t found = 0
    cdef size_t k
    for k in range(STRETCH):
        found |= symbols[k] == symbol
    return found


cdef inline size_t find_ends(
    const uint16_t *symbols, size_t n, uint16_t newline, bint after_newline, uint32_t *ends
) noexcept nogil:
    """Where segments end in a block: at each symbol that follows a newline and is none. Returns the number of ends.

    `after_newline` says whether the block before ended with a newline.
    """
    cdef size_t begin = 0, end, k, n_ends = 0
    while begin < n:
        end = min(begin + STRETCH, n)
        if after_newline or end - begin < STRETCH or is_among(newline, symbols + begin):
            for k in range(begin, end):
                if symbols[k] == newline:
                    after_newline = True
                elif after_newline:
                    ends[n_ends] = <uint32_t>k
                    n_ends += 1
                    after_newline = False
        begin = end
    return n_ends


# Texts.

cdef inline size_t block_end(const Alphabet *alphabet, const Text *text, size_t begin, size_t size) noexcept nogil:
    """Where the block ends that begins at `begin`: after `size` units at most, and not within a character.

    The blocks of a text have about equal sizes, so that none is too short for all lanes.
    """
    cdef size_t left = text.n - begin, end
    end = begin + max(left // (left // size + (left % size != 0)), <size_t>1)
    if end == text.n:
        return end
    return max(character_start(alphabet, text, end), begin + 1)


cdef inline int make_room(
    const AutomatonView *a, Lattice *lattice, Progress *at, size_t n, Ids *out
) except -1 nogil:
    """Make room for `n` more positions in the window: move it to the first that is not decided."""
    cdef size_t meeting, begin, left
    if at.position + n - at.origin <= lattice.capacity:
        return 0
    if at.position + n - at.decided > lattice.capacity:
        meeting_point(a, lattice, at.decided - at.origin, at.position - at.origin, &meeting)
        emit(a, lattice, at.decided - at.origin, meeting, out)
        at.decided = at.origin + meeting
    begin = at.decided - at.origin
    left = at.position - at.decided
    memmove(lattice.pieces, lattice.pieces + begin, left * sizeof(uint32_t))
    memmove(lattice.lengths, lattice.lengths + begin, left * sizeof(uint16_t))
    at.origin = at.decided
    # If much stays undecided, a window that is not doubled would be moved again and again.
    if 2 * left + n > lattice.capacity:
        resize_lattice(lattice, 2 * (left + n))
    return 0


cdef inline int find_paths(
    const AutomatonView *a, Lattice *lattice, Progress *at, size_t offset, size_t n, Ids *out
) except -1 nogil:
    """Find the best paths to the next `n` positions, all in one segment; they begin at `offset` in the block."""
    cdef const uint16_t *symbols = lattice.symbols + offset
    cdef const uint32_t *characters = lattice.characters + offset
    cdef size_t begin = at.position - at.origin
    cdef uint32_t *pieces = lattice.pieces + begin
    cdef uint16_t *lengths = lattice.lengths + begin
    cdef double *top = lattice.sums + lattice.block - offset
    cdef size_t k = 0
    if not a.newline_safe:
        at.state = walk(a, at.state, symbols, n, pieces)
    if lattice.forward != NULL:
        lattice.forward(lattice.context, a, symbols, pieces, lengths, n, at.position == at.segment_begin)
        k = n
    while k < n:
        k += viterbi(a, symbols + k, characters + k, pieces + k, lengths + k, n - k, top - k)
        if k < n:
            emit(a, lattice, at.decided - at.origin, begin + k, out)
            k += emit_unknown(a, symbols + k, characters + k, n - k, top - k, out)
            at.decided = at.position + k
    at.position += n
    return 0


cdef inline int segment_block(
    const AutomatonView *a, Lattice *lattice, Progress *at, size_t offset, size_t n, const uint32_t *ends,
    size_t n_ends, Ids *out
) except -1 nogil:
    """Find the best paths from a place in a block to the place `n`, and append the ids of segments that end there."""
    cdef size_t end, k
    for k in range(n_ends + 1):
        end = ends[k] if k < n_ends else n
        if offset < end:
            find_paths(a, lattice, at, offset, end - offset, out)
            offset = end
        if k < n_ends:
            end_segment(a, lattice, at, offset, out)
    return 0


cdef inline int end_segment(
    const AutomatonView *a, Lattice *lattice, Progress *at, size_t offset, Ids *out
) except -1 nogil:
    """Append the ids of a segment that ends at a place of the block."""
    emit(a, lattice, at.decided - at.origin, at.position - at.origin, out)
    at.decided = at.segment_begin = at.position
    (lattice.sums + lattice.block - offset)[0] = 0.0
    if not a.newline_safe:
        at.state = a.root
    return 0


cdef int segment_text(const AutomatonView *a, const Text *text, Lattice *lattice, Ids *out) except -1 nogil:
    """Segment a text, cut after each run of newlines, and append the ids.

    A block may hold several segments, as many are short. If no piece of the vocabulary spans two segments, one walk
    goes through the whole block. Otherwise each segment has a walk of its own, which starts at the root.
    """
    cdef uint16_t newline = a.alphabet.bytes[NEWLINE]
    cdef size_t taken = 0, stop, n, n_ends    # units of the text, then symbols of the block
    cdef bint after_newline = False
    cdef uint32_t *groups
    cdef double *sum = lattice.sums + lattice.block
    cdef Progress at
    memset(&at, 0, sizeof(Progress))
    at.state = a.root
    sum[0] = 0.0
    while taken < text.n:
        if taken >= SAMPLE and not out.counting and out.capacity - out.size < 2 * BLOCK:
            reserve_for_rest(out, taken, text.n)
        stop = block_end(&a.alphabet, text, taken, lattice.block)
        n = read_symbols(&a.alphabet, text, taken, stop, lattice.symbols, lattice.characters)
        n_ends = find_ends(lattice.symbols, n, newline, after_newline, lattice.ends)
        after_newline = lattice.symbols[n - 1] == newline
        taken = stop
        make_room(a, lattice, &at, n, out)
        groups = lattice.pieces + (at.position - at.origin)
        if a.newline_safe:
            at.state = walk(a, at.state, lattice.symbols, n, groups)
        memset(groups + n, 0, AHEAD * sizeof(uint32_t))
        segment_block(a, lattice, &at, 0, n, lattice.ends, n_ends, out)
        memmove(sum, sum - n, (a.max_length + 1) * sizeof(double))
    return emit(a, lattice, at.decided - at.origin, at.position - at.origin, out)


cdef int segment_strings(
    const AutomatonView *a, const uint8_t *text, const int64_t *offsets, size_t n_strings, Lattice *lattice,
    int64_t *ends, Ids *out
) except -1 nogil:
    """Segment strings that fill a block at most, together, and note where the ids of each end."""
    cdef size_t n = 0, n_ends, first = 0, last, begin = 0, end, k
    cdef Progress at
    for k in range(n_strings):
        n += read_bytes(
            &a.alphabet, text + offsets[k], offsets[k + 1] - offsets[k], lattice.symbols + n, lattice.characters + n
        )
        ends[k] = <int64_t>n
    walk_strings(a, lattice.symbols, ends, n_strings, lattice.pieces)
    memset(lattice.pieces + n, 0, AHEAD * sizeof(uint32_t))
    n_ends = find_ends(lattice.symbols, n, a.alphabet.bytes[NEWLINE], False, lattice.ends)
    memset(&at, 0, sizeof(Progress))
    at.state = a.root
    lattice.sums[lattice.block] = 0.0
    for k in range(n_strings):
        end = <size_t>ends[k]
        last = first
        while last < n_ends and lattice.ends[last] < end:
            last += 1
        segment_block(a, lattice, &at, begin, end, lattice.ends + first, last - first, out)
        end_segment(a, lattice, &at, end, out)
        ends[k] = <int64_t>out.size
        first = last
        begin = end
    return 0


cdef inline size_t strings_of_block(const int64_t *offsets, size_t n_strings, size_t longest) noexcept nogil:
    """How many of the next strings fill a block at most. The next one that is longer than `longest` ends the search."""
    cdef size_t n = 0
    while n < min(n_strings, <size_t>BLOCK) and offsets[n + 1] - offsets[0] <= BLOCK:
        if offsets[n + 1] - offsets[n] > <int64_t>longest:
            break
        n += 1
    return n


cdef int segment_whole(Automaton automaton, text, Ids *out) except -1:
    """Append the ids of a text, or count them."""
    cdef Text whole = text_of(&automaton.view.alphabet, text, 0, len(text))
    cdef Lattice lattice
    memset(&lattice, 0, sizeof(Lattice))
    try:
        with nogil:
            open_lattice(&lattice, &automaton.view, whole.n)
            if not out.counting:
                reserve(out, min(whole.n // 4, <size_t>BLOCK) + 16)    # enough for most texts
            segment_text(&automaton.view, &whole, &lattice, out)
    finally:
        close_lattice(&lattice)
    return 0


def segment(Automaton automaton, text):
    """The ids of the pieces of a text, as an `IdArray`.

    The text is ``bytes``, or ``str`` if the automaton goes by characters. A lone surrogate raises ``UnicodeError``.
    """
    cdef IdArray out = IdArray()
    segment_whole(automaton, text, &out.data)
    give_back(&out.data)
    return out


def count_ids(Automaton automaton, text):
    """The number of ids that `segment` gives for a text."""
    cdef Ids out
    memset(&out, 0, sizeof(Ids))
    out.counting = True
    segment_whole(automaton, text, &out)
    return out.size


cdef Span *read_spans(const Alphabet *alphabet, list spans) except NULL:
    """The spans of a list, checked. The caller frees them, and keeps the texts alive."""
    cdef Py_ssize_t k, begin, end, n_spans = len(spans)
    cdef Span *views = <Span *>calloc(n_spans + 1, sizeof(Span))
    if views == NULL:
        raise MemoryError("no memory for the spans")
    try:
        for k in range(n_spans):
            if isinstance(spans[k], int):
                views[k].is_id = True
                views[k].id = spans[k]
                continue
            text, begin, end = spans[k]
            if not 0 <= begin <= end <= len(text):
                raise ValueError(f"span {k}: {begin} to {end} of {len(text)}")
            views[k].text = text_of(alphabet, text, begin, end)
            views[k].begin = begin
    except BaseException:
        free(views)
        raise
    return views


cdef int segment_span(const AutomatonView *a, const Span *span, Lattice *lattice, Ids *out) except -1 nogil:
    """Append the ids of a span."""
    if not span.is_id:
        return segment_text(a, &span.text, lattice, out)
    reserve(out, 1)
    out.ids[out.size] = span.id
    out.size += 1
    return 0


def segment_spans(Automaton automaton, list spans):
    """Segment parts of texts, each by itself.

    A span is a part of a text, as `segment` takes it, given as (text, begin, end); or an int, an id that comes in its
    place.

    Returns all ids, as an `IdArray`, and where those of each span end, as an int64 array.
    """
    cdef Py_ssize_t n, k, n_spans = len(spans)
    cdef Lattice lattice
    cdef IdArray out = IdArray()
    cdef Span *views = NULL
    ends = np.empty(n_spans, dtype=np.int64)
    cdef int64_t *ends_ = <int64_t *>items(ends, 8, &n, True)
    memset(&lattice, 0, sizeof(Lattice))
    try:
        views = read_spans(&automaton.view.alphabet, spans)
        with nogil:
            open_lattice(&lattice, &automaton.view, views[0].text.n if n_spans == 1 else BLOCK)
            for k in range(n_spans):
                segment_span(&automaton.view, &views[k], &lattice, &out.data)
                ends_[k] = <int64_t>out.data.size
    finally:
        close_lattice(&lattice)
        free(views)
    return out, ends


def segment_packed(Automaton automaton, data, offsets):
    """Segment strings that are packed in a text: string k is at `offsets[k]` to `offsets[k + 1]`.

    Short ones are segmented together, so that while the walk through one waits for memory, others go on.

    Returns all ids, as an `IdArray`, and where those of each string end, as an int64 array.
    """
    cdef Py_ssize_t n, n_offsets, k, n_strings
    cdef const uint8_t *text = <const uint8_t *>items(data, 1, &n)
    cdef const int64_t *offset = <const int64_t *>items(offsets, 8, &n_offsets)
    cdef size_t longest = 4 * LANES * <size_t>automaton.view.max_length
    cdef Text string
    cdef Lattice lattice
    cdef IdArray out = IdArray()
    if n_offsets < 1:
        raise ValueError("there are no offsets")
    for k in range(n_offsets - 1):
        if not 0 <= offset[k] <= offset[k + 1] <= n:
            raise ValueError(f"string {k}: {offset[k]} to {offset[k + 1]} of {n} bytes")
    ends = np.empty(n_offsets - 1, dtype=np.int64)
    cdef int64_t *ends_ = <int64_t *>items(ends, 8, &n, True)
    memset(&string, 0, sizeof(Text))
    memset(&lattice, 0, sizeof(Lattice))
    try:
        with nogil:
            open_lattice(&lattice, &automaton.view, BLOCK)
            k = 0
            while k < n_offsets - 1:
                n_strings = strings_of_block(offset + k, n_offsets - 1 - k, longest)
                if n_strings:
                    segment_strings(&automaton.view, text, offset + k, n_strings, &lattice, ends_ + k, &out.data)
                    k += n_strings
                    continue
                string.units = text + offset[k]
                string.n = offset[k + 1] - offset[k]
                segment_text(&automaton.view, &string, &lattice, &out.data)
                ends_[k] = <int64_t>out.data.size
                k += 1
    finally:
        close_lattice(&lattice)
    return out, ends
