"""The kernels of refinement: pairs of pieces counted, what pieces are worth, and pruning one piece at a time.

A sample of the corpus is given as all its bytes, the offsets where its segments begin and the last ends, and for each
segment the number of its document; how it is cut at the moment, as the numbers of its pieces from first to last.
Pieces are numbered in the order of their bytes, so that ties by number are ties by bytes.
"""

from libc.stdint cimport UINT32_MAX, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, qsort, realloc
from libc.string cimport memcpy, memset

from bytepiece.core.automaton cimport (
    Automaton,
    AutomatonView,
    Slot,
    check_goes_by_bytes,
    child_of,
    first_group,
    length_of,
    piece_of,
    slot_at,
)
from bytepiece.core.buffers cimport items
from bytepiece.core.utf8 cimport read_character

import numpy as np

cdef uint32_t NONE = UINT32_MAX       # no document yet
cdef uint32_t MANY = UINT32_MAX - 1   # several documents
cdef uint32_t DROPPED = UINT32_MAX    # the cost of a piece that is no longer there
cdef uint32_t STARTS = 1 << 31        # a segment begins here, or all end

cdef enum:
    CODES = 0x110000


# Characters.

cdef inline uint32_t code_at(const uint8_t *text, size_t n, size_t *length) noexcept nogil:
    """The code point of the character that the text begins with, and its length; CODES where it is none."""
    cdef uint32_t code
    length[0] = read_character(text, n, &code)
    if length[0]:
        return code
    length[0] = 1
    return CODES


def character_documents(data, document_ends, uint32_t most):
    """For each code point the number of documents that it is in, but `most` for more: a uint32 array."""
    cdef Py_ssize_t n, n_documents, document, end
    cdef const uint8_t *text = <const uint8_t *>items(data, 1, &n)
    cdef const int64_t *ends = <const int64_t *>items(document_ends, 8, &n_documents)
    found = np.zeros(CODES + 1, dtype=np.uint32)
    seen = np.full(CODES + 1, NONE, dtype=np.uint32)
    cdef Py_ssize_t n_codes
    cdef uint32_t *number = <uint32_t *>items(found, 4, &n_codes, True)
    cdef uint32_t *last = <uint32_t *>items(seen, 4, &n_codes, True)
    cdef size_t position = 0, length
    cdef uint32_t code
    for document in range(n_documents):
        if not (ends[document - 1] if document else 0) <= ends[document] <= n:
            raise ValueError("documents do not match the text")
    with nogil:
        for document in range(n_documents):
            end = ends[document]
            while <Py_ssize_t>position < end:
                code = code_at(text + position, end - position, &length)
                position += length
                if last[code] != <uint32_t>document:
                    last[code] = <uint32_t>document
                    if number[code] < most:
                        number[code] += 1
    return found


def rarest_characters(pieces, offsets, documents, uint32_t most):
    """For each piece the number of documents of the rarest character in it, as `character_documents` tells it.

    What is no character counts for nothing. A uint32 array.
    """
    cdef Py_ssize_t n, n_offsets, k, n_codes
    cdef const uint8_t *text = <const uint8_t *>items(pieces, 1, &n)
    cdef const int64_t *offset = <const int64_t *>items(offsets, 8, &n_offsets)
    cdef const uint32_t *number = <const uint32_t *>items(documents, 4, &n_codes)
    cdef size_t position, end, length
    cdef uint32_t code, least
    if n_codes <= CODES or offset[n_offsets - 1] > n:
        raise ValueError("pieces, offsets and documents do not match")
    result = np.empty(n_offsets - 1, dtype=np.uint32)
    cdef uint32_t *out = <uint32_t *>items(result, 4, &n, True)
    with nogil:
        for k in range(n_offsets - 1):
            position = <size_t>offset[k]
            end = <size_t>offset[k + 1]
            least = most
            while position < end:
                code = code_at(text + position, end - position, &length)
                position += length
                if code < CODES and number[code] < least:
                    least = number[code]
            out[k] = least
    return result


def spelled_characters(data, ids, lengths):
    """How often each character is cut into single bytes, by code point: a uint64 array."""
    cdef Py_ssize_t n, n_tokens, n_pieces, k
    cdef const uint8_t *text = <const uint8_t *>items(data, 1, &n)
    cdef const uint32_t *id = <const uint32_t *>items(ids, 4, &n_tokens)
    cdef const uint16_t *length = <const uint16_t *>items(lengths, 2, &n_pieces)
    result = np.zeros(CODES + 1, dtype=np.uint64)
    cdef Py_ssize_t n_codes, position = 0
    cdef uint64_t *out = <uint64_t *>items(result, 8, &n_codes, True)
    cdef size_t m
    check_tokens(id, n_tokens, length, n_pieces, n)
    with nogil:
        for k in range(n_tokens):
            if text[position] >= 0xC2 and length[id[k]] == 1:
                out[code_at(text + position, n - position, &m)] += 1
            position += length[id[k]]
    return result


cdef int check_tokens(
    const uint32_t *ids, Py_ssize_t n_tokens, const uint16_t *lengths, Py_ssize_t n_pieces, Py_ssize_t n_bytes
) except -1:
    """Raise ValueError unless the tokens are pieces, and together as long as the text."""
    cdef Py_ssize_t k, total = 0
    cdef bint known = True
    with nogil:
        for k in range(n_tokens):
            if ids[k] >= n_pieces:
                known = False
                break
            total += lengths[ids[k]]
    if not known or total != n_bytes:
        raise ValueError("tokens do not match the text")
    return 0


# Pairs.

cdef struct Pair:
    uint64_t key          # left piece << 32 | right piece, and 1 more: 0 for a free place
    uint64_t squares      # sum of the squares of its counts in the documents before the last
    uint32_t count
    uint32_t documents
    uint32_t last         # document that it was in
    uint32_t here         # how often in that


cdef struct PairTable:
    Pair *pairs
    size_t used
    size_t mask


cdef inline size_t place_of(const PairTable *table, uint64_t key) noexcept nogil:
    cdef uint64_t h = key ^ key >> 31
    h = h * <uint64_t>0x9E3779B97F4A7C15
    h = (h ^ h >> 29) * <uint64_t>0xBF58476D1CE4E5B9
    cdef size_t place = (h ^ h >> 32) & table.mask
    while table.pairs[place].key and table.pairs[place].key != key:
        place = (place + 1) & table.mask
    return place


cdef int grow_pairs(PairTable *table) except -1 nogil:
    cdef size_t size = 2 * (table.mask + 1) if table.pairs else 1 << 14
    cdef size_t k, old_size = table.mask + 1
    cdef Pair *old = table.pairs
    cdef Pair *pairs = <Pair *>calloc(size, sizeof(Pair))
    if pairs == NULL:
        raise MemoryError("no memory to count pairs")
    table.pairs = pairs
    table.mask = size - 1
    if old != NULL:
        for k in range(old_size):
            if old[k].key:
                pairs[place_of(table, old[k].key)] = old[k]
        free(old)
    return 0


cdef inline int count_pair(PairTable *table, uint64_t key, uint32_t document) except -1 nogil:
    cdef Pair *pair
    if 2 * table.used > table.mask:
        grow_pairs(table)
    pair = &table.pairs[place_of(table, key)]
    if pair.key == 0:
        pair.key = key
        pair.last = document
        pair.documents = 1
        table.used += 1
    elif pair.last != document:
        pair.squares += <uint64_t>pair.here * pair.here
        pair.here = 0
        pair.last = document
        pair.documents += 1
    pair.here += 1
    pair.count += 1
    return 0


cdef inline double gain_of(const Pair *pair, double allowance) noexcept nogil:
    cdef double squares = <double>(pair.squares + <uint64_t>pair.here * pair.here)
    return <double>pair.count - allowance * squares / <double>pair.count


def count_pairs(
    ids,
    token_ends,
    documents,
    lengths,
    joinable,
    uint32_t max_length,
    uint32_t least_count,
    uint32_t least_documents,
    double allowance,
    uint32_t part,
    uint32_t parts,
):
    """Count the pairs of pieces that follow each other in a segment, of one part of all left pieces.

    Args:
        ids: all tokens (uint32).
        token_ends: for each segment the number of tokens up to its end (int64).
        documents: for each segment the number of its document (uint32).
        lengths: of the pieces (uint16).
        joinable: for each piece whether it may be in a pair (uint8).
        max_length: the longest pair in bytes.
        least_count, least_documents: pairs that occur less often, or in fewer documents, are left out.
        allowance: what a pair gains is its count, less so many times the sum of the squares of its counts in each
            document, divided by its count.
        part, parts: counted are the left pieces whose number, scrambled, modulo `parts` is `part`.

    Returns the left pieces, the right pieces (uint32), and what the pairs gain in 256ths (uint64), in no order.
    """
    cdef Py_ssize_t n_tokens, n_segments, n_documents, n_pieces, n_joinable, k, i, begin = 0, n = 0
    cdef const uint32_t *id = <const uint32_t *>items(ids, 4, &n_tokens)
    cdef const int64_t *ends = <const int64_t *>items(token_ends, 8, &n_segments)
    cdef const uint32_t *document = <const uint32_t *>items(documents, 4, &n_documents)
    cdef const uint16_t *length = <const uint16_t *>items(lengths, 2, &n_pieces)
    cdef const uint8_t *can_join = <const uint8_t *>items(joinable, 1, &n_joinable)
    cdef PairTable table
    cdef uint32_t left, right
    cdef size_t place
    cdef Pair *pair
    cdef double gain
    if n_documents != n_segments or n_joinable != n_pieces or parts == 0:
        raise ValueError("segments, documents and pieces do not match")
    for k in range(n_segments):
        if not (ends[k - 1] if k else 0) <= ends[k] <= n_tokens:
            raise ValueError("the ends of segments do not match the tokens")
    memset(&table, 0, sizeof(PairTable))
    try:
        with nogil:
            for k in range(n_tokens):
                if id[k] >= n_pieces:
                    raise ValueError("a token is no piece")
            grow_pairs(&table)
            for k in range(n_segments):
                i = begin
                while i + 1 < ends[k]:
                    left = id[i]
                    i += 1
                    if (left * <uint32_t>0x9E3779B9 >> 12) % parts != part or not can_join[left]:
                        continue
                    right = id[i]
                    if can_join[right] and <uint32_t>length[left] + length[right] <= max_length:
                        count_pair(&table, (<uint64_t>left << 32 | right) + 1, document[k])
                begin = ends[k]
            for place in range(table.mask + 1):
                pair = &table.pairs[place]
                if (
                    pair.key
                    and pair.count >= least_count
                    and pair.documents >= least_documents
                    and gain_of(pair, allowance) > 0
                ):
                    table.pairs[n] = pair[0]  # what stands there was looked at before
                    n += 1
        lefts = np.empty(n, dtype=np.uint32)
        rights = np.empty(n, dtype=np.uint32)
        gains = np.empty(n, dtype=np.uint64)
        left_ = <uint32_t *>items(lefts, 4, &n, True)
        right_ = <uint32_t *>items(rights, 4, &n, True)
        gain_ = <uint64_t *>items(gains, 8, &n, True)
        for k in range(n):
            pair = &table.pairs[k]
            left_[k] = <uint32_t>((pair.key - 1) >> 32)
            right_[k] = <uint32_t>(pair.key - 1)
            gain = gain_of(pair, allowance)
            gain_[k] = <uint64_t>(gain * 256)
    finally:
        free(table.pairs)
    return lefts, rights, gains


def join_pairs(pieces, offsets, lefts, rights):
    """The byte strings of pairs of pieces: one after the other (uint8), and where each begins and the last ends."""
    cdef Py_ssize_t n, n_offsets, n_pairs, n_rights, k, total = 0, m
    cdef const uint8_t *text = <const uint8_t *>items(pieces, 1, &n)
    cdef const int64_t *offset = <const int64_t *>items(offsets, 8, &n_offsets)
    cdef const uint32_t *left = <const uint32_t *>items(lefts, 4, &n_pairs)
    cdef const uint32_t *right = <const uint32_t *>items(rights, 4, &n_rights)
    if n_rights != n_pairs or offset[n_offsets - 1] > n:
        raise ValueError("pairs do not match")
    joined_offsets = np.empty(n_pairs + 1, dtype=np.int64)
    cdef int64_t *begin = <int64_t *>items(joined_offsets, 8, &n, True)
    for k in range(n_pairs):
        if left[k] >= n_offsets - 1 or right[k] >= n_offsets - 1:
            raise IndexError("a pair of pieces that are not there")
        begin[k] = total
        total += offset[left[k] + 1] - offset[left[k]] + offset[right[k] + 1] - offset[right[k]]
    begin[n_pairs] = total
    joined = np.empty(total, dtype=np.uint8)
    cdef uint8_t *out = <uint8_t *>items(joined, 1, &n, True)
    with nogil:
        for k in range(n_pairs):
            m = offset[left[k] + 1] - offset[left[k]]
            memcpy(out + begin[k], text + offset[left[k]], m)
            memcpy(out + begin[k] + m, text + offset[right[k]], offset[right[k] + 1] - offset[right[k]])
    return joined, joined_offsets


# The automaton, one byte at a time.

cdef inline uint32_t next_state(const AutomatonView *a, uint32_t state, uint32_t byte) noexcept nogil:
    """The state after one more byte. The root has a child by every byte, so this ends."""
    cdef const Slot *slot
    cdef uint32_t child
    while True:
        slot = slot_at(a.slots, state)
        child = child_of(slot, byte)
        if slot_at(a.slots, child).label == byte:
            return child
        state = slot.fail


def piece_documents(Automaton automaton, data, offsets, documents, Py_ssize_t begin, Py_ssize_t end):
    """In which documents each piece of two bytes or more is, as a string, however the text is cut.

    Looked at are the segments from `begin` to `end`. Returns a uint32 array: the number of the document, 2**32 - 1 for
    none, 2**32 - 2 for several.
    """
    cdef Py_ssize_t n, n_offsets, n_documents, n_pieces, k, i
    cdef const uint8_t *text = <const uint8_t *>items(data, 1, &n)
    cdef const int64_t *offset = <const int64_t *>items(offsets, 8, &n_offsets)
    cdef const uint32_t *document = <const uint32_t *>items(documents, 4, &n_documents)
    cdef const AutomatonView *a = &automaton.view
    cdef uint32_t state, group, first, match, piece
    cdef bint all_many
    check_goes_by_bytes(automaton)
    check_offsets(offset, n_offsets, n)
    if n_documents != n_offsets - 1 or not 0 <= begin <= end <= n_documents:
        raise ValueError("segments and documents do not match")
    result = np.full(automaton.n_pieces, NONE, dtype=np.uint32)
    cdef uint32_t *seen = <uint32_t *>items(result, 4, &n_pieces, True)
    # For each list of matches, by its last group, whether all are in several documents: nothing is left to learn.
    finished = bytearray(a.n_groups)
    cdef uint8_t *settled = <uint8_t *>items(finished, 1, &n, True)
    with nogil:
        for k in range(begin, end):
            state = a.root
            for i in range(offset[k], offset[k + 1]):
                state = next_state(a, state, text[i])
                group = slot_at(a.slots, state).group
                if settled[group]:
                    continue
                all_many = True
                first = 4 * first_group(a, group)
                for match in range(first, first + a.groups[group].n_others):
                    piece = piece_of(a, match)
                    if seen[piece] == NONE:
                        seen[piece] = document[k]
                        all_many = False
                    elif seen[piece] != MANY:
                        if seen[piece] == document[k]:
                            all_many = False
                        else:
                            seen[piece] = MANY
                settled[group] = all_many
    return result


cdef int check_offsets(const int64_t *offsets, Py_ssize_t n_offsets, Py_ssize_t n_bytes) except -1:
    """Raise ValueError unless offsets go from 0 up to the end of the text."""
    cdef Py_ssize_t k
    if n_offsets < 1 or offsets[0] != 0 or offsets[n_offsets - 1] != n_bytes:
        raise ValueError("offsets do not match the text")
    for k in range(1, n_offsets):
        if offsets[k] < offsets[k - 1]:
            raise ValueError("offsets must not descend")
    return 0


# Short texts, cut with a piece left out.

# What one thread needs: for each position the least cost up to it, and the last piece on the way.
cdef struct Scratch:
    uint64_t *costs
    uint32_t *last
    uint32_t *parts         # pieces that were used, with repeats
    size_t n_parts


cdef void close_scratch(Scratch *scratch) noexcept nogil:
    free(scratch.costs)
    free(scratch.last)
    free(scratch.parts)


cdef int open_scratch(Scratch *scratch, size_t longest, size_t samples) except -1 nogil:
    scratch.costs = <uint64_t *>malloc((longest + 1) * sizeof(uint64_t))
    scratch.last = <uint32_t *>malloc((longest + 1) * sizeof(uint32_t))
    scratch.parts = <uint32_t *>malloc((longest + 1) * samples * sizeof(uint32_t))
    scratch.n_parts = 0
    if scratch.costs == NULL or scratch.last == NULL or scratch.parts == NULL:
        close_scratch(scratch)
        memset(scratch, 0, sizeof(Scratch))
        raise MemoryError("no memory for a window")
    return 0


cdef uint64_t cut(
    const AutomatonView *a, const uint32_t *costs, const uint8_t *text, size_t n, uint32_t without, Scratch *scratch
) noexcept nogil:
    """The least cost of a text without one piece; `scratch` then tells the way. Of equal costs the longest last piece.

    Costs of pieces are below 2**32, so the sum for a text of less than 2**32 bytes fits.
    """
    cdef uint64_t *best = scratch.costs
    cdef uint32_t *last = scratch.last
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
            if costs[piece] != DROPPED and piece != without:
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


def alternatives(Automaton automaton, costs, pieces, offsets, Py_ssize_t begin, Py_ssize_t end):
    """How many tokens more each of the pieces from number `begin` to `end` takes without itself (int64).

    0 for single bytes, which have no alternative. `costs` are those of all pieces (uint32).
    """
    cdef Py_ssize_t n, n_offsets, n_costs, k
    cdef const uint32_t *cost = <const uint32_t *>items(costs, 4, &n_costs)
    cdef const uint8_t *text = <const uint8_t *>items(pieces, 1, &n)
    cdef const int64_t *offset = <const int64_t *>items(offsets, 8, &n_offsets)
    cdef const AutomatonView *a = &automaton.view
    cdef Scratch scratch
    cdef size_t position
    cdef uint32_t part
    check_goes_by_bytes(automaton)
    check_offsets(offset, n_offsets, n)
    if n_offsets - 1 != automaton.n_pieces or n_costs != n_offsets - 1 or not 0 <= begin <= end <= n_costs:
        raise ValueError("pieces, offsets and costs do not match")
    for k in range(begin, end):
        if not 1 <= offset[k + 1] - offset[k] <= <int64_t>a.max_length:
            raise ValueError("pieces are not those of the automaton")
    result = np.zeros(end - begin, dtype=np.int64)
    cdef int64_t *out = <int64_t *>items(result, 8, &n, True)
    memset(&scratch, 0, sizeof(Scratch))
    try:
        with nogil:
            open_scratch(&scratch, a.max_length, 1)
            for k in range(begin, end):
                position = <size_t>(offset[k + 1] - offset[k])
                if position == 1:
                    continue
                cut(a, cost, text + offset[k], position, <uint32_t>k, &scratch)
                out[k - begin] = -1
                while position:
                    out[k - begin] += 1
                    part = scratch.last[position]
                    position -= <size_t>(offset[part + 1] - offset[part])
    finally:
        close_scratch(&scratch)
    return result


# Pruning.

# Where a piece stands: positions, the first `n_sorted` of them ascending; some may be out of date.
cdef struct Places:
    uint32_t *positions
    uint32_t n
    uint32_t n_sorted
    uint32_t capacity
    bint own                # not in the table of all


# What the loss of a piece was, when it was measured, and with which pieces.
cdef struct Estimate:
    double loss
    uint32_t *parts         # of two bytes or more that the ways without it use
    uint32_t n_parts
    uint32_t count          # of the piece then
    uint32_t time
    bint rough              # measured at fewer places than there are


cdef struct Ranked:
    double loss
    uint32_t piece


cdef inline bint before(const Ranked *a, const Ranked *b) noexcept nogil:
    return a.loss < b.loss or (a.loss == b.loss and a.piece < b.piece)


cdef int compare_numbers(const void *a, const void *b) noexcept nogil:
    cdef uint32_t x = (<const uint32_t *>a)[0], y = (<const uint32_t *>b)[0]
    return (x > y) - (x < y)


cdef class Pruner:
    """Drops pieces of a vocabulary one by one, always the one that costs least, and keeps a sample cut without them.

    The loss of a piece is how many tokens more the windows where it stands take without it: the piece and the
    token on each side of it. Looked at are a few of them, evenly spread; the mean of these times the count, less an
    allowance for counts that come from few documents:

        loss = (count - share * sum of squares of the counts in each document / count) * mean of additional tokens

    where the share is 1 but for pieces with rare characters, see `few`.

    A loss stays valid until a piece that the windows would use instead is dropped, or the count has changed by more
    than a sixteenth. As pieces that are dropped make others more worth, not less, it suffices to measure that of the
    piece that comes first anew where it is no longer valid: if that is then not the first any more, another one is.

    Args:
        automaton: of the pieces.
        data, offsets: the sample; at most 2**31 - 2 bytes.
        document_ends: where each document ends (int64).
        costs: of each piece (uint32); single bytes are never dropped.
        lengths: of each piece (uint16).
        ids: how the sample is cut.
        rarest: for each piece the number of documents of its rarest character (uint32).
        few: pieces whose rarest character is in fewer documents than that have a smaller share: those of its
            documents that the piece is not in.
        penalties: what is taken from the loss of each piece (float64).
        samples, first_samples: how many windows are looked at, and how many of them for a first estimate.

    Thread safety: `estimate` may run in several threads, for pieces that are not the same.
    """

    cdef object keep                # the arrays that pointers go into
    cdef readonly Py_ssize_t n_pieces
    cdef readonly Py_ssize_t n_left
    cdef readonly Py_ssize_t n_tokens
    cdef const AutomatonView *a
    cdef const uint8_t *text
    cdef size_t n_bytes
    cdef const int64_t *document_ends
    cdef size_t n_documents
    cdef const uint16_t *lengths
    cdef const uint32_t *rarest
    cdef uint32_t few
    cdef const double *penalties
    cdef uint32_t samples
    cdef uint32_t first_samples
    cdef uint32_t *costs
    cdef uint32_t *counts
    cdef uint32_t *dropped_at       # the time, 0 for not yet
    cdef uint32_t *tokens           # of each position the piece that begins there, + 1; | STARTS
    cdef uint32_t *positions        # of all tokens, piece by piece
    cdef Places *places
    cdef Estimate *estimates
    cdef Ranked *heap
    cdef size_t n_heap
    cdef uint32_t time
    cdef Scratch scratch

    def __cinit__(
        self,
        Automaton automaton,
        data,
        offsets,
        document_ends,
        costs,
        lengths,
        ids,
        rarest,
        uint32_t few,
        penalties,
        uint32_t samples,
        uint32_t first_samples,
    ):
        cdef Py_ssize_t n, n_offsets, n_documents, n_pieces, n_tokens, k
        self.keep = (automaton, data, document_ends, lengths, rarest, penalties)
        self.a = &automaton.view
        self.text = <const uint8_t *>items(data, 1, &n)
        if n >= 2**31 - 1:
            raise ValueError("a sample must be shorter than 2 GB")
        self.n_bytes = <size_t>n
        cdef const int64_t *offset = <const int64_t *>items(offsets, 8, &n_offsets)
        check_offsets(offset, n_offsets, n)
        self.document_ends = <const int64_t *>items(document_ends, 8, &n_documents)
        self.n_documents = <size_t>n_documents
        if n_documents == 0 or self.document_ends[n_documents - 1] != n:
            raise ValueError("documents do not match the text")
        cdef const uint32_t *cost = <const uint32_t *>items(costs, 4, &n_pieces)
        self.n_pieces = self.n_left = n_pieces
        self.lengths = <const uint16_t *>items(lengths, 2, &k)
        check_goes_by_bytes(automaton)
        if k != n_pieces or automaton.n_pieces != n_pieces:
            raise ValueError("costs, lengths and pieces do not match")
        self.rarest = <const uint32_t *>items(rarest, 4, &k)
        self.few = few
        if k != n_pieces:
            raise ValueError("rarest characters and pieces do not match")
        self.penalties = <const double *>items(penalties, 8, &k)
        if k != n_pieces or samples == 0 or first_samples == 0:
            raise ValueError("penalties and pieces do not match")
        self.samples = samples
        self.first_samples = min(first_samples, samples)
        cdef const uint32_t *id = <const uint32_t *>items(ids, 4, &n_tokens)
        check_tokens(id, n_tokens, self.lengths, n_pieces, n)
        self.n_tokens = n_tokens
        self.time = 1
        self.costs = <uint32_t *>malloc((n_pieces + 1) * sizeof(uint32_t))
        self.counts = <uint32_t *>calloc(n_pieces + 1, sizeof(uint32_t))
        self.dropped_at = <uint32_t *>calloc(n_pieces + 1, sizeof(uint32_t))
        self.places = <Places *>calloc(n_pieces + 1, sizeof(Places))
        self.estimates = <Estimate *>calloc(n_pieces + 1, sizeof(Estimate))
        self.heap = <Ranked *>malloc((n_pieces + 1) * sizeof(Ranked))
        self.tokens = <uint32_t *>calloc(self.n_bytes + 1, sizeof(uint32_t))
        self.positions = <uint32_t *>malloc((n_tokens + 1) * sizeof(uint32_t))
        if not (
            self.costs and self.counts and self.dropped_at and self.places and self.estimates and self.heap
            and self.tokens and self.positions
        ):
            raise MemoryError("no memory to prune")
        open_scratch(&self.scratch, 3 * <size_t>self.a.max_length, samples)
        memcpy(self.costs, cost, n_pieces * sizeof(uint32_t))
        with nogil:
            for k in range(n_offsets):
                self.tokens[offset[k]] |= STARTS
            place_tokens(self, id, n_tokens)

    def __dealloc__(self):
        cdef Py_ssize_t k
        for k in range(self.n_pieces):
            if self.places != NULL and self.places[k].own:
                free(self.places[k].positions)
            if self.estimates != NULL:
                free(self.estimates[k].parts)
        free(self.costs)
        free(self.counts)
        free(self.dropped_at)
        free(self.places)
        free(self.estimates)
        free(self.heap)
        free(self.tokens)
        free(self.positions)
        close_scratch(&self.scratch)

    def estimate(self, candidates, bint rough=True):
        """Measure the losses of some pieces (int64 array of their numbers): a float64 array."""
        cdef Py_ssize_t n, k, m
        cdef const int64_t *piece = <const int64_t *>items(candidates, 8, &n)
        cdef Scratch scratch
        result = np.empty(n, dtype=np.float64)
        cdef double *out = <double *>items(result, 8, &m, True)
        for k in range(n):
            if not 0 <= piece[k] < self.n_pieces or self.lengths[piece[k]] == 1 or self.dropped_at[piece[k]]:
                raise ValueError(f"piece {piece[k]} cannot be dropped")
        memset(&scratch, 0, sizeof(Scratch))
        try:
            with nogil:
                open_scratch(&scratch, 3 * <size_t>self.a.max_length, self.samples)
                for k in range(n):
                    measure(self, <uint32_t>piece[k], self.first_samples if rough else self.samples, &scratch)
                    out[k] = self.estimates[piece[k]].loss
        finally:
            close_scratch(&scratch)
        return result

    def consider(self, candidates):
        """Say which pieces may be dropped (int64 array of their numbers, distinct), all estimated before."""
        cdef Py_ssize_t n, k
        cdef const int64_t *piece = <const int64_t *>items(candidates, 8, &n)
        if n > self.n_pieces:
            raise ValueError("more candidates than pieces")
        self.n_heap = 0
        for k in range(n):
            if not 0 <= piece[k] < self.n_pieces or self.estimates[piece[k]].time == 0 or self.dropped_at[piece[k]]:
                raise ValueError(f"piece {piece[k]} is not estimated")
            push(self, <uint32_t>piece[k])

    def drop(self, Py_ssize_t number):
        """Drop so many pieces, one after the other; returns them in that order, and their counts (int64)."""
        cdef Py_ssize_t dropped = 0, n
        cdef uint32_t piece
        pieces = np.empty(max(number, 0), dtype=np.int64)
        counts = np.empty(max(number, 0), dtype=np.int64)
        cdef int64_t *out = <int64_t *>items(pieces, 8, &n, True)
        cdef int64_t *count = <int64_t *>items(counts, 8, &n, True)
        with nogil:
            while dropped < number and self.n_heap:
                piece = pop(self)
                if not self.estimates[piece].rough and is_valid(self, piece):
                    count[dropped] = self.counts[piece]
                    drop_piece(self, piece)
                    out[dropped] = piece
                    dropped += 1
                else:
                    measure(self, piece, self.samples, &self.scratch)
                    push(self, piece)
        return pieces[:dropped].copy(), counts[:dropped].copy()

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

    def cut_now(self):
        """How the sample is cut now: the numbers of its pieces (uint32), and where its segments end in them (int64)."""
        cdef Py_ssize_t n, k, m = 0, n_segments = 0
        cdef size_t position
        ids = np.empty(self.n_tokens, dtype=np.uint32)
        cdef uint32_t *id = <uint32_t *>items(ids, 4, &n, True)
        with nogil:
            for position in range(1, self.n_bytes + 1):
                n_segments += (self.tokens[position] & STARTS) != 0
        ends = np.empty(n_segments, dtype=np.int64)
        cdef int64_t *end = <int64_t *>items(ends, 8, &n, True)
        k = 0
        with nogil:
            position = 0
            while position < self.n_bytes:
                id[m] = (self.tokens[position] & ~STARTS) - 1
                position += self.lengths[id[m]]
                m += 1
                if self.tokens[position] & STARTS:
                    end[k] = m
                    k += 1
        return ids, ends


cdef int place_tokens(Pruner s, const uint32_t *ids, Py_ssize_t n_tokens) except -1 nogil:
    """Note which piece begins at each position, and sort the positions by piece."""
    cdef Py_ssize_t k
    cdef size_t position = 0, begin = 0
    cdef Places *places
    for k in range(n_tokens):
        s.counts[ids[k]] += 1
    for k in range(s.n_pieces):
        places = &s.places[k]
        places.positions = s.positions + begin
        places.capacity = s.counts[k]
        begin += s.counts[k]
    for k in range(n_tokens):
        s.tokens[position] |= ids[k] + 1
        places = &s.places[ids[k]]
        places.positions[places.n] = <uint32_t>position
        places.n += 1
        position += s.lengths[ids[k]]
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


cdef int update_places(Pruner s, uint32_t piece) except -1 nogil:
    """Sort the positions of a piece, and leave out those where it no longer stands, or that are there twice."""
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
        if (s.tokens[p[k]] & ~STARTS) == piece + 1 and (m == 0 or p[m - 1] != p[k]):
            p[m] = p[k]
            m += 1
    places.n = places.n_sorted = m
    return 0


cdef inline uint32_t find_window(Pruner s, size_t position, uint32_t piece, size_t *begin, size_t *end) noexcept nogil:
    """A token and its neighbours inside the segment; returns how many tokens that are."""
    cdef uint32_t n = 1
    cdef size_t low = position, high = position + s.lengths[piece]
    if not s.tokens[low] & STARTS:
        low -= 1
        while not s.tokens[low] & ~STARTS:
            low -= 1
        n += 1
    if not s.tokens[high] & STARTS:
        high += s.lengths[(s.tokens[high] & ~STARTS) - 1]
        n += 1
    begin[0] = low
    end[0] = high
    return n


cdef size_t document_at(Pruner s, size_t first, size_t position) noexcept nogil:
    """The document in which a position is, `first` or a later one: steps that double, then halves."""
    cdef size_t step = 1, low = first, high, middle
    if s.document_ends[low] > <int64_t>position:
        return low
    while low + step < s.n_documents and s.document_ends[low + step] <= <int64_t>position:
        low += step
        step *= 2
    high = min(low + step, s.n_documents - 1)
    low += 1
    while low < high:
        middle = (low + high) // 2
        if s.document_ends[middle] > <int64_t>position:
            high = middle
        else:
            low = middle + 1
    return low


cdef inline double share_of(Pruner s, uint32_t piece, uint64_t documents) noexcept nogil:
    """How much a piece in so many documents owes to chance; less where its characters are nowhere else."""
    cdef uint32_t rarest = s.rarest[piece]
    if rarest >= s.few:
        return 1
    return <double>(rarest - documents) / <double>rarest if rarest > documents else 0


cdef int measure(Pruner s, uint32_t piece, uint32_t samples, Scratch *scratch) except -1 nogil:
    """Measure the loss of dropping a piece, and note with it what it depends on."""
    cdef Estimate *estimate = &s.estimates[piece]
    cdef const uint32_t *p
    cdef uint32_t n, m, k, part, n_parts, now
    cdef uint64_t squares = 0, here = 0, documents = 0, costs = 0
    cdef int64_t more = 0
    cdef size_t document = 0, begin, end, position
    cdef double robust
    cdef uint32_t *kept
    update_places(s, piece)
    p = s.places[piece].positions
    n = s.places[piece].n
    estimate.count = n
    estimate.time = s.time
    estimate.n_parts = 0
    estimate.rough = samples < min(n, s.samples)
    if n == 0:
        estimate.loss = -1e9
        return 0
    for k in range(n):
        if documents == 0 or <int64_t>p[k] >= s.document_ends[document]:
            squares += here * here
            here = 0
            document = document_at(s, document, p[k])
            documents += 1
        here += 1
    squares += here * here
    m = min(n, samples)
    scratch.n_parts = 0
    for k in range(m):
        now = find_window(s, p[<size_t>k * n // m], piece, &begin, &end)
        costs += cut(s.a, s.costs, s.text + begin, end - begin, piece, scratch)
        more -= now
        position = end - begin
        while position:
            part = scratch.last[position]
            more += 1
            position -= s.lengths[part]
            if s.lengths[part] > 1:
                scratch.parts[scratch.n_parts] = part
                scratch.n_parts += 1
    n_parts = 0
    if scratch.n_parts:
        qsort(scratch.parts, scratch.n_parts, sizeof(uint32_t), compare_numbers)
        for position in range(scratch.n_parts):
            if n_parts == 0 or scratch.parts[n_parts - 1] != scratch.parts[position]:
                scratch.parts[n_parts] = scratch.parts[position]
                n_parts += 1
        kept = <uint32_t *>realloc(estimate.parts, n_parts * sizeof(uint32_t))
        if kept == NULL:
            raise MemoryError("no memory to prune")
        estimate.parts = kept
        memcpy(kept, scratch.parts, n_parts * sizeof(uint32_t))
    estimate.n_parts = n_parts
    robust = <double>n - share_of(s, piece, documents) * (<double>squares / <double>n)
    # Between equals, the one whose windows are more likely without it goes first.
    estimate.loss = robust * <double>more / <double>m + 1e-9 * (<double>costs / 65536) / <double>m
    estimate.loss -= s.penalties[piece]
    return 0


cdef bint is_valid(Pruner s, uint32_t piece) noexcept nogil:
    cdef const Estimate *estimate = &s.estimates[piece]
    cdef int64_t change = <int64_t>s.counts[piece] - estimate.count
    cdef uint32_t k
    if (change if change >= 0 else -change) * 16 > estimate.count:
        return False
    for k in range(estimate.n_parts):
        if s.dropped_at[estimate.parts[k]] >= estimate.time:
            return False
    return True


cdef int drop_piece(Pruner s, uint32_t piece) except -1 nogil:
    """Take a piece out, and cut the windows where it stands without it."""
    cdef Places *places = &s.places[piece]
    cdef size_t begin, end, position, base
    cdef uint32_t k, token
    update_places(s, piece)
    s.time += 1
    s.dropped_at[piece] = s.time
    s.costs[piece] = DROPPED
    s.n_left -= 1
    for k in range(places.n):
        if (s.tokens[places.positions[k]] & ~STARTS) != piece + 1:
            continue
        find_window(s, places.positions[k], piece, &begin, &end)
        cut(s.a, s.costs, s.text + begin, end - begin, piece, &s.scratch)
        position = begin
        while position < end:
            token = (s.tokens[position] & ~STARTS) - 1
            s.tokens[position] &= STARTS
            s.counts[token] -= 1
            s.n_tokens -= 1
            position += s.lengths[token]
        position = end - begin
        while position:
            token = s.scratch.last[position]
            position -= s.lengths[token]
            base = begin + position
            s.tokens[base] |= token + 1
            s.counts[token] += 1
            s.n_tokens += 1
            if s.lengths[token] > 1:
                add_place(&s.places[token], <uint32_t>base)
    if places.own:
        free(places.positions)
    free(s.estimates[piece].parts)
    s.estimates[piece].parts = NULL
    s.estimates[piece].n_parts = 0
    memset(places, 0, sizeof(Places))
    return 0


# The heap of candidates, the least loss on top.

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
