"""Short texts segmented without one of the pieces."""

from libc.stdint cimport UINT32_MAX, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from bytepiece.core.automaton cimport (
    Automaton,
    AutomatonView,
    check_goes_by_bytes,
    first_group,
    length_of,
    piece_of,
    slot_at,
)
from bytepiece.core.buffers cimport items
from bytepiece.training.refinement.kernels.sample cimport Pieces

import numpy as np


cdef int open_window(Window *window, size_t capacity) except -1 nogil:
    """Make room for texts of `capacity` bytes. On an error nothing is left to free."""
    window.costs = <uint64_t *>malloc((capacity + 1) * sizeof(uint64_t))
    window.last = <uint32_t *>malloc((capacity + 1) * sizeof(uint32_t))
    if window.costs == NULL or window.last == NULL:
        close_window(window)
        raise MemoryError("no memory for a window")
    return 0


cdef void close_window(Window *window) noexcept nogil:
    free(window.costs)
    free(window.last)
    window.costs = NULL
    window.last = NULL


cdef uint64_t segment_without(
    const AutomatonView *a, const uint32_t *costs, const uint8_t *text, size_t n, uint32_t without, Window *window
) noexcept nogil:
    """The least cost of a text without the piece `without`; `window` then tells the segmentation.

    Pieces that cost UINT32_MAX are left out as well. Of equal costs, the longest last piece wins. Costs are below
    2**32, so the sum fits for every text of less than 2**32 bytes.
    """
    cdef uint64_t *best = window.costs
    cdef uint32_t *last = window.last
    cdef uint32_t state = a.root, group, first, match, piece, least_piece
    cdef uint64_t least, sum
    cdef bint found
    cdef size_t k
    best[0] = 0
    for k in range(n):
        state = next_state(a, state, text[k])
        group = slot_at(a.slots, state).group
        first = 4 * first_group(a, group)
        found = False
        least = 0
        least_piece = 0
        for match in range(first, first + a.groups[group].n_others):
            piece = piece_of(a, match)
            if costs[piece] != UINT32_MAX and piece != without:
                sum = best[k + 1 - length_of(a, match)] + costs[piece]
                if not found or sum < least:
                    found = True
                    least = sum
                    least_piece = piece
        piece = a.byte_pieces[text[k]]
        sum = best[k] + costs[piece]
        if not found or sum < least:
            least = sum
            least_piece = piece
        best[k + 1] = least
        last[k + 1] = least_piece
    return best[n]


def additional_costs(Automaton automaton, Pieces pieces, costs, Py_ssize_t begin, Py_ssize_t end):
    """How much more each of the pieces from number `begin` to `end` costs if it is left out itself (int64).

    `costs` are those of all pieces (uint32). Single bytes, which nothing can replace, get 0.
    """
    cdef Py_ssize_t n_costs, n, k
    cdef const uint32_t *cost = <const uint32_t *>items(costs, 4, &n_costs)
    cdef const AutomatonView *a = &automaton.view
    cdef const uint8_t *text = pieces.view.text
    cdef const int64_t *offset = pieces.view.offsets
    cdef Window window
    cdef size_t length
    check_goes_by_bytes(automaton)
    if pieces.view.n_pieces != automaton.n_pieces or n_costs != automaton.n_pieces:
        raise ValueError("automaton, pieces and costs do not match")
    if not 0 <= begin <= end <= n_costs:
        raise ValueError(f"pieces {begin} to {end} of {n_costs}")
    for k in range(begin, end):
        if pieces.view.lengths[k] > a.max_length:
            raise ValueError("pieces are not those of the automaton")
    result = np.zeros(end - begin, dtype=np.int64)
    cdef int64_t *more = <int64_t *>items(result, 8, &n, True)
    memset(&window, 0, sizeof(Window))
    try:
        with nogil:
            open_window(&window, a.max_length)
            for k in range(begin, end):
                length = pieces.view.lengths[k]
                if length == 1:
                    continue
                more[k - begin] = <int64_t>segment_without(a, cost, text + offset[k], length, <uint32_t>k, &window)
                more[k - begin] -= cost[k]
    finally:
        close_window(&window)
    return result
