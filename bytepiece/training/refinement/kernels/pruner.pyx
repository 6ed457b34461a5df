r"""Pruning by loss: pieces are dropped one by one, always the one whose loss is least.

Of the sample, the pruner keeps the piece that begins at each position, if one does, and a mark where a segment begins:

    position    0    1    2    3    4    5    6    7    8    9    10
    text        t    h    e    _    c    a    t    s    \n   a    t
    tokens     *the_ .    .    .    cat  .    .    s\n  .   *at   .   *

A dot is inside of a token; a star marks the beginnings of segments, and the end of the last. For each piece the pruner
keeps the places where it stands: "cat" has 4, "s\n" has 7.

To drop "cat", each of its windows is segmented without it. A window is the piece and its neighbours in the segment:

    window      t    h    e    _    c    a    t    s    \n
    costs     0 .    .    .    70   .    142  .    .    214    least cost of the text up to there
    last        .    .    .    the_ .    ca   .    .    ts\n   last piece on the way to it

    tokens     *the_ .    .    .    ca   .    ts\n .    .   *at   .   *

Then "ca" gets the place 4, and "ts\n" gets 6. Places that are out of date stay until the piece is looked at:
"s\n" has 7 still. A place counts as often as its segment occurs: if "the cats\n" is three times in the corpus, "cat"
and "s\n" count three less, and "ca" and "ts\n" three more.
"""

from libc.stdint cimport UINT32_MAX, int64_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, qsort, realloc
from libc.string cimport memcpy, memset

from bytepiece.core.automaton cimport Automaton, AutomatonView, check_goes_by_bytes
from bytepiece.core.buffers cimport items
from bytepiece.training.refinement.kernels.characters cimport COMMON
from bytepiece.training.refinement.kernels.sample cimport (
    Sample,
    SampleView,
    Tally,
    Tokens,
    TokensView,
    clear_tally,
    close_tally,
    open_tally,
    segment_at,
    tally_segment,
)
from bytepiece.training.refinement.kernels.windows cimport Window, close_window, open_window, segment_without

import numpy as np

cdef double UNUSED_LOSS = -1e18       # of a piece that is no token
cdef uint32_t DROPPED = UINT32_MAX    # the cost of a piece that is left out
cdef uint32_t STARTS = 1 << 31        # the mark

# The positions where a piece stands.
cdef struct Places:
    uint32_t *positions
    uint32_t n
    uint32_t n_sorted       # the first ones, which ascend; those appended since do not
    uint32_t capacity
    bint own                # allocated for this piece; else part of `Pruner.positions`


# A place where the loss of a piece is measured, and for how many occurrences of the piece it stands.
cdef struct Chosen:
    uint32_t position
    uint32_t weight


# The loss of a piece as it was measured, and what it depends on.
cdef struct Estimate:
    double loss
    double robust           # the share of the count that is not chance
    Chosen *chosen
    uint32_t n_chosen
    uint32_t count_then     # of the piece when these places were chosen
    uint32_t *parts         # the pieces of two bytes or more that the windows use in its place
    uint32_t n_parts
    uint32_t count          # of the piece when its loss was measured
    uint32_t time           # of that; 0: not measured yet


cdef struct Ranked:
    double loss
    uint32_t piece


# What one thread needs to measure losses.
cdef struct Workspace:
    Window window
    Tally tally
    uint32_t *parts         # pieces that windows used, with repeats
    size_t n_parts
    size_t windows          # for which there is room


cdef void close_workspace(Workspace *space) noexcept nogil:
    close_window(&space.window)
    close_tally(&space.tally)
    free(space.parts)
    space.parts = NULL


cdef int open_workspace(
    Workspace *space, const SampleView *sample, size_t longest_window, size_t windows
) except -1 nogil:
    """Make room for a number of windows. The workspace starts as zeros; whatever happens, it is to be closed."""
    open_window(&space.window, longest_window)
    open_tally(&space.tally, sample)
    space.parts = <uint32_t *>calloc(longest_window + 1, windows * sizeof(uint32_t))
    space.n_parts = 0
    space.windows = windows
    if space.parts == NULL:
        raise MemoryError("no memory for a window")
    return 0


cdef class Pruner:
    """Drops pieces of a vocabulary one by one, always the one whose loss is least, and keeps the sample segmented.

    The loss of a piece is how much more the sample costs without it, times its weight. It is measured in windows: the
    piece and the token on each side of it. A few windows are looked at, evenly spread over the occurrences of the
    piece, and their mean stands for all:

        loss = weight x robust count x mean of additional costs - penalty
        robust count = count - share x (sum of squared per-document counts / count)

    The share is 1: a count that comes from few documents may be chance. For a piece with a rare character it is less:

        share = (documents of its rarest character - documents of the piece) / documents of its rarest character

    A piece that is in all documents of its rarest character owes nothing to chance.

    A loss is valid until one of the pieces that the windows use instead is dropped, or the count of the piece has
    changed by more than a sixteenth. Dropping pieces makes others more needed, not less. So only pieces that come to
    the top of a heap are measured again, if their losses are no longer valid: some are set aside, measured by all
    threads, and go back into the heap. They are measured at the same places, unless their counts have changed so much.

    Args:
        automaton: of the pieces.
        tokens: those of the sample.
        costs: of each piece (uint32). Single bytes are never dropped.
        rarest: for each piece, the number of documents that contain its rarest character (uint32), see
            `least_of_characters`.
        weights: what the loss of each piece is multiplied by (float64).
        penalties: what is taken from the loss of each piece (float64).

    Thread safety: `estimate` may run in several threads, for different pieces.
    """

    cdef object keep                # the objects that pointers go into
    cdef readonly Py_ssize_t n_pieces
    cdef readonly Py_ssize_t n_left
    cdef readonly Py_ssize_t n_tokens
    cdef const AutomatonView *a
    cdef const SampleView *sample
    cdef const uint16_t *lengths
    cdef const uint32_t *rarest
    cdef const double *weights
    cdef const double *penalties
    cdef uint32_t *costs            # DROPPED for the pieces that are
    cdef uint32_t *counts           # how often each piece is a token, in all occurrences of the segments
    cdef uint32_t *dropped_at       # the time, 0 for pieces that are left
    cdef uint32_t *tokens           # for each position: one more than the piece that begins there, or 0; | STARTS
    cdef uint32_t *positions        # of all tokens at first, piece by piece
    cdef Places *places
    cdef Estimate *estimates
    cdef Ranked *heap
    cdef size_t n_heap
    cdef uint32_t time              # one more than the number of pieces dropped
    cdef Window window

    def __cinit__(
        self,
        Automaton automaton,
        Tokens tokens,
        costs,
        rarest,
        weights,
        penalties,
    ):
        cdef Py_ssize_t n_pieces = tokens.pieces.view.n_pieces, n, k
        cdef Sample sample = tokens.sample
        self.keep = (automaton, sample, tokens.pieces, rarest, weights, penalties)
        check_goes_by_bytes(automaton)
        if automaton.n_pieces != n_pieces:
            raise ValueError("automaton and pieces do not match")
        self.a = &automaton.view
        self.sample = &sample.view
        self.n_pieces = self.n_left = n_pieces
        self.lengths = tokens.pieces.view.lengths
        cdef const uint32_t *cost = <const uint32_t *>items(costs, 4, &n)
        if n != n_pieces:
            raise ValueError("costs and pieces do not match")
        self.rarest = <const uint32_t *>items(rarest, 4, &n)
        if n != n_pieces:
            raise ValueError("rarest characters and pieces do not match")
        self.weights = <const double *>items(weights, 8, &n)
        if n != n_pieces:
            raise ValueError("weights and pieces do not match")
        self.penalties = <const double *>items(penalties, 8, &n)
        if n != n_pieces:
            raise ValueError("penalties and pieces do not match")
        self.n_tokens = tokens.view.n_tokens
        self.time = 1
        self.costs = <uint32_t *>malloc((n_pieces + 1) * sizeof(uint32_t))
        self.counts = <uint32_t *>calloc(n_pieces + 1, sizeof(uint32_t))
        self.dropped_at = <uint32_t *>calloc(n_pieces + 1, sizeof(uint32_t))
        self.places = <Places *>calloc(n_pieces + 1, sizeof(Places))
        self.estimates = <Estimate *>calloc(n_pieces + 1, sizeof(Estimate))
        self.heap = <Ranked *>malloc((n_pieces + 1) * sizeof(Ranked))
        self.tokens = <uint32_t *>calloc(sample.view.n_bytes + 1, sizeof(uint32_t))
        self.positions = <uint32_t *>malloc((tokens.view.n_tokens + 1) * sizeof(uint32_t))
        open_window(&self.window, 3 * <size_t>self.a.max_length)
        if not (
            self.costs and self.counts and self.dropped_at and self.places and self.estimates and self.heap
            and self.tokens and self.positions
        ):
            raise MemoryError("no memory to prune")
        memcpy(self.costs, cost, n_pieces * sizeof(uint32_t))
        with nogil:
            for k in range(sample.view.n_segments + 1):
                self.tokens[sample.view.offsets[k]] |= STARTS
            place_tokens(self, &tokens.view)

    def __dealloc__(self):
        cdef Py_ssize_t k
        for k in range(self.n_pieces):
            if self.places != NULL and self.places[k].own:
                free(self.places[k].positions)
            if self.estimates != NULL:
                free(self.estimates[k].parts)
                free(self.estimates[k].chosen)
        free(self.costs)
        free(self.counts)
        free(self.dropped_at)
        free(self.places)
        free(self.estimates)
        free(self.heap)
        free(self.tokens)
        free(self.positions)
        close_window(&self.window)

    def estimate(self, candidates, uint32_t windows):
        """Measure the losses of some pieces (int64 array of numbers), each in `windows` windows: a float64 array."""
        cdef Py_ssize_t n, k, m
        cdef const int64_t *piece = <const int64_t *>items(candidates, 8, &n)
        cdef Workspace space
        if windows == 0:
            raise ValueError("losses need a window")
        for k in range(n):
            if not 0 <= piece[k] < self.n_pieces or self.lengths[piece[k]] == 1 or self.dropped_at[piece[k]]:
                raise ValueError(f"piece {piece[k]} cannot be dropped")
        result = np.empty(n, dtype=np.float64)
        cdef double *loss = <double *>items(result, 8, &m, True)
        memset(&space, 0, sizeof(Workspace))
        try:
            with nogil:
                open_workspace(&space, self.sample, 3 * <size_t>self.a.max_length, windows)
                for k in range(n):
                    estimate_piece(self, <uint32_t>piece[k], &space)
                    loss[k] = self.estimates[piece[k]].loss
        finally:
            close_workspace(&space)
        return result

    def consider(self, candidates):
        """Add to the pieces that may be dropped (int64 array of distinct numbers); all must be estimated."""
        cdef Py_ssize_t n, k
        cdef const int64_t *piece = <const int64_t *>items(candidates, 8, &n)
        if n > self.n_pieces - <Py_ssize_t>self.n_heap:
            raise ValueError("more candidates than pieces")
        for k in range(n):
            if not 0 <= piece[k] < self.n_pieces or self.estimates[piece[k]].time == 0 or self.dropped_at[piece[k]]:
                raise ValueError(f"piece {piece[k]} is not estimated")
            push(self, <uint32_t>piece[k])

    def drop(self, Py_ssize_t number, Py_ssize_t most_stale):
        """Drop `number` of the candidates, or fewer if `most_stale` come to the top whose losses are no longer valid.

        Returns those that are dropped, in that order, and their counts, and those that are to be estimated and
        considered again (int64).
        """
        cdef Py_ssize_t n_dropped = 0, n_stale = 0, n
        cdef uint32_t piece
        pieces = np.empty(max(number, 0), dtype=np.int64)
        counts = np.empty(max(number, 0), dtype=np.int64)
        set_aside = np.empty(max(most_stale, 0), dtype=np.int64)
        cdef int64_t *dropped = <int64_t *>items(pieces, 8, &n, True)
        cdef int64_t *count = <int64_t *>items(counts, 8, &n, True)
        cdef int64_t *stale = <int64_t *>items(set_aside, 8, &n, True)
        with nogil:
            while n_dropped < number and n_stale < most_stale and self.n_heap:
                piece = pop(self)
                if is_valid(self, piece):
                    dropped[n_dropped] = piece
                    count[n_dropped] = self.counts[piece]
                    n_dropped += 1
                    drop_piece(self, piece)
                else:
                    stale[n_stale] = piece
                    n_stale += 1
        return pieces[:n_dropped].copy(), counts[:n_dropped].copy(), set_aside[:n_stale].copy()

    def left(self):
        """The numbers of the pieces that are left (int64)."""
        cdef Py_ssize_t n, k, m = 0
        result = np.empty(self.n_left, dtype=np.int64)
        cdef int64_t *out = <int64_t *>items(result, 8, &n, True)
        for k in range(self.n_pieces):
            if not self.dropped_at[k]:
                out[m] = k
                m += 1
        return result

    def segmentation(self):
        """The tokens of the sample now (uint32), and for each segment the number of tokens up to its end (int64).

        Tokens are numbered as the pieces that are left, from 0.
        """
        cdef Py_ssize_t n, m = 0, segment
        cdef size_t position = 0
        cdef uint32_t token
        kept = self.left()
        left_numbers = np.zeros(self.n_pieces, dtype=np.uint32)
        left_numbers[kept] = np.arange(len(kept), dtype=np.uint32)
        cdef const uint32_t *number = <const uint32_t *>items(left_numbers, 4, &n)
        ids = np.empty(self.n_tokens, dtype=np.uint32)
        cdef uint32_t *id = <uint32_t *>items(ids, 4, &n, True)
        ends = np.empty(self.sample.n_segments, dtype=np.int64)
        cdef int64_t *end = <int64_t *>items(ends, 8, &n, True)
        with nogil:
            for segment in range(self.sample.n_segments):
                while position < <size_t>self.sample.offsets[segment + 1]:
                    token = token_at(self, position)
                    position += self.lengths[token]
                    id[m] = number[token]
                    m += 1
                end[segment] = m
        return ids, ends


# Tokens and their places.

cdef inline uint32_t token_at(Pruner s, size_t position) noexcept nogil:
    """The piece that begins at a position, or UINT32_MAX inside of a token."""
    return (s.tokens[position] & ~STARTS) - 1


cdef int place_tokens(Pruner s, const TokensView *tokens) except -1 nogil:
    """Write down which piece begins at each position, and the positions of each piece."""
    cdef Py_ssize_t k = 0, segment
    cdef size_t position = 0, begin = 0
    cdef uint32_t piece
    cdef Places *places
    for k in range(tokens.n_tokens):
        s.places[tokens.ids[k]].capacity += 1
    for k in range(s.n_pieces):
        s.places[k].positions = s.positions + begin
        begin += s.places[k].capacity
    k = 0
    for segment in range(s.sample.n_segments):
        while k < tokens.ends[segment]:
            piece = tokens.ids[k]
            s.counts[piece] += s.sample.counts[segment]
            s.tokens[position] |= piece + 1
            places = &s.places[piece]
            places.positions[places.n] = <uint32_t>position
            places.n += 1
            position += s.lengths[piece]
            k += 1
    for k in range(s.n_pieces):
        s.places[k].n_sorted = s.places[k].n
    return 0


cdef int add_place(Places *places, uint32_t position) except -1 nogil:
    cdef size_t capacity
    cdef uint32_t *grown
    if places.n == places.capacity:
        capacity = <size_t>places.capacity + places.capacity // 2 + 8
        if places.own:
            grown = <uint32_t *>realloc(places.positions, capacity * sizeof(uint32_t))
        else:
            grown = <uint32_t *>malloc(capacity * sizeof(uint32_t))
            if grown != NULL and places.n:
                memcpy(grown, places.positions, places.n * sizeof(uint32_t))
        if grown == NULL:
            raise MemoryError("no memory to prune")
        places.positions = grown
        places.capacity = <uint32_t>capacity
        places.own = True
    places.positions[places.n] = position
    places.n += 1
    return 0


cdef int compare_numbers(const void *a, const void *b) noexcept nogil:
    cdef uint32_t x = (<const uint32_t *>a)[0], y = (<const uint32_t *>b)[0]
    return (x > y) - (x < y)


cdef int update_places(Pruner s, uint32_t piece) except -1 nogil:
    """Sort the places of a piece, and remove those that are out of date or there twice."""
    cdef Places *places = &s.places[piece]
    cdef uint32_t *p = places.positions
    cdef uint32_t n_tail = places.n - places.n_sorted, i, j, k, m = 0
    cdef uint32_t *tail
    if n_tail:
        tail = <uint32_t *>malloc(n_tail * sizeof(uint32_t))
        if tail == NULL:
            raise MemoryError("no memory to prune")
        memcpy(tail, p + places.n_sorted, n_tail * sizeof(uint32_t))
        qsort(tail, n_tail, sizeof(uint32_t), compare_numbers)
        # Merge both from the back, where the tail has left room.
        i = places.n_sorted
        j = n_tail
        k = places.n
        while j:
            k -= 1
            if i and p[i - 1] > tail[j - 1]:
                i -= 1
                p[k] = p[i]
            else:
                j -= 1
                p[k] = tail[j]
        free(tail)
    for k in range(places.n):
        if token_at(s, p[k]) == piece and (m == 0 or p[m - 1] != p[k]):
            p[m] = p[k]
            m += 1
    places.n = places.n_sorted = m
    return 0


cdef inline uint64_t find_window(Pruner s, size_t position, uint32_t piece, size_t *begin, size_t *end) noexcept nogil:
    """The window of a token: where it begins and ends. Returns what its tokens cost."""
    cdef uint64_t cost = s.costs[piece]
    cdef uint32_t after
    cdef size_t low = position, high = position + s.lengths[piece]
    if not s.tokens[low] & STARTS:
        low -= 1
        while not s.tokens[low] & ~STARTS:
            low -= 1
        cost += s.costs[token_at(s, low)]
    if not s.tokens[high] & STARTS:
        after = token_at(s, high)
        cost += s.costs[after]
        high += s.lengths[after]
    begin[0] = low
    end[0] = high
    return cost


cdef int drop_piece(Pruner s, uint32_t piece) except -1 nogil:
    """Drop a piece, and segment its windows without it."""
    cdef Places *places = &s.places[piece]
    cdef size_t begin, end, position
    cdef uint32_t k, token, count
    update_places(s, piece)
    s.time += 1
    s.dropped_at[piece] = s.time
    s.costs[piece] = DROPPED
    s.n_left -= 1
    for k in range(places.n):
        if token_at(s, places.positions[k]) != piece:
            continue  # it was in the window of the place before, as a neighbour
        count = s.sample.counts[segment_at(s.sample, places.positions[k])]
        find_window(s, places.positions[k], piece, &begin, &end)
        segment_without(s.a, s.costs, s.sample.text + begin, end - begin, piece, &s.window)
        position = begin
        while position < end:
            token = token_at(s, position)
            s.tokens[position] &= STARTS
            s.counts[token] -= count
            s.n_tokens -= 1
            position += s.lengths[token]
        position = end
        while position > begin:
            token = s.window.last[position - begin]
            position -= s.lengths[token]
            s.tokens[position] |= token + 1
            s.counts[token] += count
            s.n_tokens += 1
            if s.lengths[token] > 1:
                add_place(&s.places[token], <uint32_t>position)
    if places.own:
        free(places.positions)
    memset(places, 0, sizeof(Places))
    free(s.estimates[piece].parts)
    free(s.estimates[piece].chosen)
    memset(&s.estimates[piece], 0, sizeof(Estimate))
    return 0


# Losses.

cdef int choose_places(Pruner s, uint32_t piece, Workspace *space) except -1 nogil:
    """Choose the places where the loss of a piece is measured, and tell how much of its count may be chance."""
    cdef Estimate *estimate = &s.estimates[piece]
    cdef const Places *places = &s.places[piece]
    cdef Chosen *chosen
    cdef uint64_t before = 0, count = s.counts[piece], m
    cdef uint32_t n = 0, k, weight
    cdef size_t segment
    update_places(s, piece)
    chosen = <Chosen *>realloc(estimate.chosen, space.windows * sizeof(Chosen))
    if chosen == NULL:
        raise MemoryError("no memory to prune")
    estimate.chosen = chosen
    estimate.count_then = <uint32_t>count
    estimate.n_chosen = 0
    # Of all occurrences, number 0, count / m, 2 count / m, and so on are chosen; or all, if they have few places.
    m = count if places.n <= space.windows else space.windows
    for k in range(places.n):
        segment = segment_at(s.sample, places.positions[k])
        tally_segment(&space.tally, s.sample, segment)
        before += s.sample.counts[segment]
        weight = <uint32_t>((before * m + count - 1) // count) - n
        if weight:
            n += weight
            estimate.chosen[estimate.n_chosen].position = places.positions[k]
            estimate.chosen[estimate.n_chosen].weight = weight
            estimate.n_chosen += 1
    estimate.robust = robust_share(s, piece, &space.tally)
    return 0


cdef int estimate_piece(Pruner s, uint32_t piece, Workspace *space) except -1 nogil:
    """Measure the loss of a piece; where, is chosen at first, and again if its count has changed much since."""
    cdef Estimate *estimate = &s.estimates[piece]
    cdef bint fresh = estimate.time == 0 or has_changed(s.counts[piece], estimate.count_then)
    if fresh:
        choose_places(s, piece, space)
    if not measure(s, piece, space) and not fresh:
        choose_places(s, piece, space)  # it has left all places
        measure(s, piece, space)
    return 0


cdef int measure(Pruner s, uint32_t piece, Workspace *space) except -1 nogil:
    """Measure the loss of a piece at the chosen places, and note what it depends on; returns 0 if it is at none."""
    cdef Estimate *estimate = &s.estimates[piece]
    cdef const Chosen *chosen
    cdef uint32_t k
    cdef int64_t more = 0, measured = 0
    cdef double saved
    estimate.count = s.counts[piece]
    estimate.time = s.time
    estimate.n_parts = 0
    space.n_parts = 0
    for k in range(estimate.n_chosen):
        chosen = &estimate.chosen[k]
        if token_at(s, chosen.position) == piece:
            more += chosen.weight * measure_window(s, piece, chosen.position, space)
            measured += chosen.weight
    keep_parts(estimate, space)
    estimate.loss = UNUSED_LOSS
    if measured:
        saved = estimate.robust * s.counts[piece] * <double>more / <double>measured
        estimate.loss = s.weights[piece] * saved - s.penalties[piece]
    return measured > 0


cdef int64_t measure_window(Pruner s, uint32_t piece, size_t position, Workspace *space) noexcept nogil:
    """How much more a window of a piece costs without it. The workspace gets the parts in its place, too."""
    cdef size_t begin, end
    cdef int64_t more = -<int64_t>find_window(s, position, piece, &begin, &end)
    cdef uint32_t part
    more += <int64_t>segment_without(s.a, s.costs, s.sample.text + begin, end - begin, piece, &space.window)
    position = end - begin
    while position:
        part = space.window.last[position]
        position -= s.lengths[part]
        if s.lengths[part] > 1:
            space.parts[space.n_parts] = part
            space.n_parts += 1
    return more


cdef int keep_parts(Estimate *estimate, Workspace *space) except -1 nogil:
    """Keep the distinct ones of the parts in the workspace."""
    cdef uint32_t n = 0
    cdef size_t k
    cdef uint32_t *kept
    if space.n_parts == 0:
        return 0
    qsort(space.parts, space.n_parts, sizeof(uint32_t), compare_numbers)
    for k in range(space.n_parts):
        if n == 0 or space.parts[n - 1] != space.parts[k]:
            space.parts[n] = space.parts[k]
            n += 1
    kept = <uint32_t *>realloc(estimate.parts, n * sizeof(uint32_t))
    if kept == NULL:
        raise MemoryError("no memory to prune")
    memcpy(kept, space.parts, n * sizeof(uint32_t))
    estimate.parts = kept
    estimate.n_parts = n
    return 0


cdef double robust_share(Pruner s, uint32_t piece, Tally *tally) noexcept nogil:
    """How much of a piece's count is not chance, see `Pruner`. Its documents are in the tally, which is cleared."""
    cdef double n = <double>s.counts[piece], documents = <double>tally.n_documents, rarest = <double>s.rarest[piece]
    cdef double squares = <double>clear_tally(tally), share = 1
    if s.rarest[piece] != <uint32_t>COMMON:
        share = (rarest - documents) / rarest if rarest > documents else 0
    return 1 - share * (squares / n) / n if n else 0


cdef inline bint has_changed(uint32_t count, uint32_t before) noexcept nogil:
    """Whether a count has changed so much that nothing holds any more that was measured with it."""
    return <uint64_t>(count - before if count > before else before - count) * 16 > before


cdef bint is_valid(Pruner s, uint32_t piece) noexcept nogil:
    """Whether the loss of a piece can still be as it was measured."""
    cdef const Estimate *estimate = &s.estimates[piece]
    cdef uint32_t k
    if has_changed(s.counts[piece], estimate.count):
        return False
    for k in range(estimate.n_parts):
        if s.dropped_at[estimate.parts[k]] >= estimate.time:
            return False
    return True


# The heap of candidates, the least loss on top.

cdef inline bint before(const Ranked *a, const Ranked *b) noexcept nogil:
    return a.loss < b.loss or (a.loss == b.loss and a.piece < b.piece)


cdef void push(Pruner s, uint32_t piece) noexcept nogil:
    cdef Ranked item
    cdef size_t place = s.n_heap, parent
    item.loss = s.estimates[piece].loss
    item.piece = piece
    s.n_heap += 1
    while place:
        parent = (place - 1) // 2
        if not before(&item, &s.heap[parent]):
            break
        s.heap[place] = s.heap[parent]
        place = parent
    s.heap[place] = item


cdef uint32_t pop(Pruner s) noexcept nogil:
    cdef uint32_t top = s.heap[0].piece
    cdef Ranked item
    cdef size_t place = 0, child
    s.n_heap -= 1
    item = s.heap[s.n_heap]
    while True:
        child = 2 * place + 1
        if child >= s.n_heap:
            break
        if child + 1 < s.n_heap and before(&s.heap[child + 1], &s.heap[child]):
            child += 1
        if not before(&s.heap[child], &item):
            break
        s.heap[place] = s.heap[child]
        place = child
    s.heap[place] = item
    return top
