"""The best way to cut segments into candidate pieces: Viterbi over the n-gram model.

The state of a byte tells how many bytes of its piece stand before it: j bytes in state j, j or more in the last state,
which is order - 1. A path through the states, from the first byte to the last, is a way to cut the segment:

    order 3          t   h   e   _   c   a   t

    state 0          x               x                a piece starts here
    state 1              x               x            its second byte
    state 2                  x   x           x        a later one              cut: the_|cat

A byte in state j scores log p(byte | the j bytes before it). From every state a path may go on to state 0: a new piece
starts. Or the piece goes on: from state j to j + 1, from the last state to itself.
"""

from libc.math cimport INFINITY
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc

from bytepiece.core.buffers cimport items
from bytepiece.core.memory cimport prefetch
from bytepiece.core.utf8 cimport character_length
from bytepiece.training.counting.kernels.pieces cimport PieceTable
from bytepiece.training.discovery.kernels.model cimport PAIRS, NgramModel
from bytepiece.training.discovery.kernels.tables cimport Table, look, unflipped

cdef enum:
    BLOCK = 1 << 12        # bytes of text that are cut together, so that all about them stays in the caches
    GROUP = 32             # lookups that are under way together
    LAST_STAYS = 1 << 7


# All about the bytes of a block.
cdef struct Trellis:
    uint64_t *keys         # the eight bytes that end at each byte
    double *emissions      # by byte and state: log p(byte | bytes before); minus infinity if the model lacks the n-gram
    Py_ssize_t *unknown    # the bytes whose longest n-gram has not been found yet
    # The best predecessors. Of state 0: bit j is set if no state gives a better sum than state j. Of the last state:
    # LAST_STAYS is set if it is the last state itself, not the one before.
    uint8_t *back
    Py_ssize_t *starts     # where pieces start, from the end of the block to its begin
    uint64_t *counts       # of these pieces


def count_candidates(
    NgramModel model, data, segment_ends, counts, bint ensure_unicode, PieceTable table
):
    """Cut segments into the candidate pieces that the model finds most probable, and count them.

    Args:
        model: the finished n-gram model.
        data: the segments, one after the other, UTF-8 (bytes or uint8).
        segment_ends: int64 array, where each segment ends.
        counts: uint64 array, how often each segment counts; None: once.
        ensure_unicode: no piece starts inside a character, except in unreachable ones.
        table: where the pieces are counted.
    """
    cdef Py_ssize_t n, n_segments, n_counts, k, first, start = 0, longest = 0
    cdef const uint8_t *text = <const uint8_t *>items(data, 1, &n)
    cdef const int64_t *ends = <const int64_t *>items(segment_ends, 8, &n_segments)
    cdef const uint64_t *count = NULL
    cdef Trellis trellis
    if not model.finished:
        raise ValueError("the model is not finished")
    if counts is not None:
        count = <const uint64_t *>items(counts, 8, &n_counts)
        if n_counts != n_segments:
            raise ValueError("each segment needs a count")
    for k in range(n_segments):
        if not start <= ends[k] <= n:
            raise ValueError("segment ends must ascend within the data")
        longest = max(longest, <Py_ssize_t>ends[k] - start)
        start = ends[k]
    n = BLOCK + longest
    trellis.keys = <uint64_t *>malloc(n * sizeof(uint64_t))
    trellis.unknown = <Py_ssize_t *>malloc(n * sizeof(Py_ssize_t))
    trellis.emissions = <double *>malloc(n * model.order * sizeof(double))
    trellis.back = <uint8_t *>malloc(n)
    trellis.starts = <Py_ssize_t *>malloc((n + 1) * sizeof(Py_ssize_t))
    trellis.counts = <uint64_t *>malloc(n * sizeof(uint64_t))
    try:
        if not (
            trellis.keys and trellis.unknown and trellis.emissions and trellis.back and trellis.starts
            and trellis.counts
        ):
            raise MemoryError("no memory to cut a segment")
        start = first = 0
        with nogil:
            for k in range(n_segments):
                if ends[k] - start >= BLOCK or k == n_segments - 1:
                    cut_block(
                        model, text + start, start, ends + first, count + first if count != NULL else NULL,
                        k + 1 - first, ensure_unicode, &trellis, table
                    )
                    start = ends[k]
                    first = k + 1
    finally:
        free(trellis.keys)
        free(trellis.unknown)
        free(trellis.emissions)
        free(trellis.back)
        free(trellis.starts)
        free(trellis.counts)


cdef int cut_block(
    NgramModel model, const uint8_t *text, int64_t offset, const int64_t *ends, const uint64_t *counts,
    Py_ssize_t n_segments, bint ensure_unicode, Trellis *trellis, PieceTable table
) except -1 nogil:
    """Cut some segments; `ends` count from `offset` bytes before `text`."""
    cdef Py_ssize_t size = ends[n_segments - 1] - offset, k, start, end, n_pieces = 0, n_before
    look_up(model, text, offset, ends, n_segments, trellis)
    # From the last segment to the first, because the best path is read from the last byte of a segment to its first.
    trellis.starts[0] = end = size
    for k in range(n_segments - 1, -1, -1):
        start = ends[k - 1] - offset if k else 0
        if start < end:
            if ensure_unicode:
                rule_out_starts(text, start, end, model.order, trellis)
            n_before = n_pieces
            # The usual order as a constant, so that its loops are unrolled.
            if model.order == 6:
                n_pieces = best_path(start, end, 6, trellis, n_pieces)
            else:
                n_pieces = best_path(start, end, model.order, trellis, n_pieces)
            while n_before < n_pieces:
                trellis.counts[n_before] = counts[k] if counts != NULL else 1
                n_before += 1
        end = start
    table.add_cuts(text, trellis.starts, n_pieces, trellis.counts)
    return 0


cdef void look_up(
    NgramModel model, const uint8_t *text, int64_t offset, const int64_t *ends, Py_ssize_t n_segments, Trellis *trellis
) noexcept nogil:
    """Fill the emissions: for each byte, the log-probabilities of the n-grams that end there."""
    cdef Py_ssize_t size = ends[n_segments - 1] - offset, i, k, start, end, n_unknown = 0
    cdef uint64_t key = 0
    cdef int n, order = model.order
    cdef double *row = trellis.emissions
    for i in range(size):
        key = key << 8 | text[i]
        trellis.keys[i] = key
        row[0] = model.bytes[text[i]]
        if order > 1:
            row[1] = unflipped(model.pairs[key & (PAIRS - 1)])
        row += order
    start = 0
    for k in range(n_segments):
        end = ends[k] - offset
        # No n-gram begins before its segment.
        for i in range(start, min(start + order - 1, end)):
            for n in range(<int>(i - start) + 1, order):
                trellis.emissions[i * order + n] = -INFINITY
        for i in range(start + order - 1, end):
            trellis.unknown[n_unknown] = i
            n_unknown += 1
        start = end
    # First the longest n-grams. Then those one byte shorter, at the bytes where no longer one was found, and at the
    # first byte of each segment where one can end; and so on.
    for n in range(order, 2, -1):
        n_unknown = find(&model.tables[n], n, order, trellis, n_unknown)
        start = 0
        for k in range(n_segments):
            if start + n - 2 < ends[k] - offset:
                trellis.unknown[n_unknown] = start + n - 2
                n_unknown += 1
            start = ends[k] - offset


cdef Py_ssize_t find(const Table *table, int n, int order, Trellis *trellis, Py_ssize_t n_unknown) noexcept nogil:
    """Look for the n-grams of `n` bytes that end at unknown bytes; those found also tell of their suffixes.

    Returns how many bytes stay unknown. The table is larger than the caches, so the slots of some bytes are fetched
    while those of the bytes before are read.
    """
    cdef uint64_t *slots[2][32]
    cdef uint64_t *slot
    cdef uint64_t mask = (<uint64_t>1 << 8 * n) - 1, found
    cdef Py_ssize_t begin = 0, i, n_left = 0
    cdef int turn = 0, k, j, n_ahead, n_here = 0
    cdef double *row
    while begin < n_unknown or n_here:
        n_ahead = <int>max(0, min(<Py_ssize_t>GROUP, n_unknown - begin))
        for k in range(n_ahead):
            slot = look(table, trellis.keys[trellis.unknown[begin + k]] & mask)
            prefetch(slot)
            prefetch(slot + table.width - 1)
            slots[turn][k] = slot
        turn ^= 1
        for k in range(n_here):
            i = trellis.unknown[begin - GROUP + k]
            slot = slots[turn][k]
            row = trellis.emissions + i * order
            # No branch on whether it is found: it would be mispredicted often.
            found = -<uint64_t>(slot[0] == trellis.keys[i] & mask)
            for j in range(1, n - 1):
                row[j + 1] = unflipped(slot[j] & found)
            trellis.unknown[n_left] = i
            n_left += found == 0
        begin += GROUP
        n_here = n_ahead
    return n_left


cdef void rule_out_starts(
    const uint8_t *text, Py_ssize_t start, Py_ssize_t end, int order, Trellis *trellis
) noexcept nogil:
    """Forbid pieces to start inside characters, by emissions of minus infinity.

    A character is unreachable if the n-grams that would carry a piece through it are too rare to be in the model. It is
    spelled in single bytes, and a piece starts after it.
    """
    cdef Py_ssize_t i = start, k, after
    cdef int n
    cdef bint unreachable
    cdef double *emissions = trellis.emissions
    while i < end:
        after = min(i + <Py_ssize_t>character_length(text[i]), end)
        unreachable = False
        for k in range(i + 1, after):
            n = <int>min(k - i + 1, <Py_ssize_t>order)
            if order == 1 or emissions[k * order + n - 1] == -INFINITY:
                unreachable = True
        if unreachable:
            for k in range(i, after + 1 if after < end else after):
                for n in range(2, order + 1):
                    emissions[k * order + n - 1] = -INFINITY
        else:
            for k in range(i + 1, after):
                emissions[k * order] = -INFINITY
        i = after


cdef inline Py_ssize_t best_path(
    Py_ssize_t start, Py_ssize_t end, int order, Trellis *trellis, Py_ssize_t n_pieces
) noexcept nogil:
    """Viterbi over a segment. Appends where its pieces start, from the last to the first; returns their new number.

    Sums are compared, not the scores before the addition: rounding makes some sums equal. The lowest state wins ties.
    """
    cdef double score[7]
    cdef double sums[7]
    cdef double last, stays, best
    cdef const double *row = trellis.emissions + start * order
    cdef Py_ssize_t i
    cdef int j, state
    cdef uint32_t marks
    score[0] = row[0]
    for j in range(1, order):
        score[j] = -INFINITY
    for i in range(start + 1, end):
        row += order
        best = -INFINITY
        for j in range(order - 1, -1, -1):  # state 0 last: its score is ready last
            sums[j] = score[j] + row[0]
            best = sums[j] if sums[j] > best else best
        marks = 0
        for j in range(order):
            marks |= <uint32_t>(sums[j] >= best) << j
        if order > 1:
            last = score[order - 2] + row[order - 1]
            stays = score[order - 1] + row[order - 1]
            marks |= <uint32_t>(stays > last) << 7
            for j in range(order - 2, 0, -1):
                score[j] = score[j - 1] + row[j]
            score[order - 1] = stays if stays > last else last
        score[0] = best
        trellis.back[i] = <uint8_t>marks
    state = 0
    for j in range(1, order):
        if score[j] > score[state]:
            state = j
    for i in range(end - 1, start, -1):
        if state == 0:
            n_pieces += 1
            trellis.starts[n_pieces] = i
            marks = trellis.back[i]
            while not marks & 1:
                marks >>= 1
                state += 1
        elif state < order - 1 or not trellis.back[i] & LAST_STAYS:
            state -= 1
    n_pieces += 1
    trellis.starts[n_pieces] = start
    return n_pieces
