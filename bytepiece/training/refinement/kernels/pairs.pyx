"""Pairs of neighbouring tokens, counted by document: the candidates by which a vocabulary grows."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from bytepiece.core.buffers cimport items
from bytepiece.core.hashing cimport mix, place_of_key
from bytepiece.training.refinement.kernels.sample cimport Pieces, Sample

import numpy as np


cdef struct Pair:
    uint64_t key          # (left piece << 32 | right piece) + 1; 0 marks a free slot
    uint64_t squares      # sum of the squared counts of all its documents but the last
    uint32_t count
    uint32_t documents
    uint32_t last         # the last document it was found in
    uint32_t here         # its count in that document


# A hash table, see `bytepiece.core.hashing`.
cdef struct PairTable:
    Pair *pairs
    size_t used
    size_t mask


cdef inline size_t slot_of(const PairTable *table, uint64_t key) noexcept nogil:
    return place_of_key(table.pairs, sizeof(Pair), table.mask, mix(key), key)


cdef int grow_table(PairTable *table) except -1 nogil:
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
                pairs[slot_of(table, old[k].key)] = old[k]
        free(old)
    return 0


cdef inline int count_pair(PairTable *table, uint64_t key, uint32_t document) except -1 nogil:
    cdef Pair *pair
    if 2 * table.used > table.mask:
        grow_table(table)
    pair = &table.pairs[slot_of(table, key)]
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


cdef class PairCounter:
    """Counts the pairs of neighbouring tokens that may become pieces.

    A pair lies in one segment, is no longer than a piece may be, and both its pieces are joinable.

    Args:
        sample: the sample.
        pieces: the vocabulary.
        ids: the tokens of the sample (uint32).
        token_ends: for each segment, the number of tokens up to its end (int64).
        joinable: for each piece, whether it may be part of a pair (uint8).
        max_length: of a pair, in bytes.

    Thread safety: `count` may run in several threads.
    """

    cdef Sample sample
    cdef Pieces pieces
    cdef object keep                  # the arrays that pointers go into
    cdef const uint32_t *ids
    cdef const int64_t *token_ends
    cdef const uint8_t *joinable
    cdef uint32_t max_length

    def __cinit__(self, Sample sample, Pieces pieces, ids, token_ends, joinable, uint32_t max_length):
        cdef Py_ssize_t n_tokens, n, k
        self.sample, self.pieces, self.keep = sample, pieces, (ids, token_ends, joinable)
        self.ids = <const uint32_t *>items(ids, 4, &n_tokens)
        for k in range(n_tokens):
            if self.ids[k] >= pieces.view.n_pieces:
                raise ValueError("tokens do not match the pieces")
        self.token_ends = <const int64_t *>items(token_ends, 8, &n)
        if n != sample.view.n_segments:
            raise ValueError("tokens do not match the segments")
        for k in range(n):
            if not (self.token_ends[k - 1] if k else 0) <= self.token_ends[k] <= n_tokens:
                raise ValueError("the ends of segments do not match the tokens")
        self.joinable = <const uint8_t *>items(joinable, 1, &n)
        if n != pieces.view.n_pieces:
            raise ValueError("joinable does not match the pieces")
        self.max_length = max_length

    def count(self, uint32_t part, uint32_t parts, uint32_t min_count, uint32_t min_documents, double allowance):
        """Count one of `parts` parts of the pairs, by their left pieces: parts that are counted in turn save memory.

        Left out are pairs that occur less than `min_count` times, or in less than `min_documents` documents, or gain
        nothing. The gain of a pair is

            count - allowance x (sum of squared per-document counts / count).

        Returns the left pieces, the right pieces (uint32), and the gains in 256ths (uint64), in no order.
        """
        cdef Py_ssize_t n = 0, n_kept, k
        cdef size_t slot
        cdef PairTable table
        cdef Pair *pair
        if part >= parts:
            raise ValueError(f"part {part} of {parts}")
        memset(&table, 0, sizeof(PairTable))
        try:
            with nogil:
                grow_table(&table)
                fill_table(&table, self, part, parts)
                # Pairs that are kept move to the front, into slots that were looked at before.
                for slot in range(table.mask + 1):
                    pair = &table.pairs[slot]
                    if (
                        pair.key
                        and pair.count >= min_count
                        and pair.documents >= min_documents
                        and gain_of(pair, allowance) > 0
                    ):
                        table.pairs[n] = pair[0]
                        n += 1
            lefts = np.empty(n, dtype=np.uint32)
            rights = np.empty(n, dtype=np.uint32)
            gains = np.empty(n, dtype=np.uint64)
            left = <uint32_t *>items(lefts, 4, &n_kept, True)
            right = <uint32_t *>items(rights, 4, &n_kept, True)
            gain = <uint64_t *>items(gains, 8, &n_kept, True)
            for k in range(n_kept):
                pair = &table.pairs[k]
                left[k] = <uint32_t>((pair.key - 1) >> 32)
                right[k] = <uint32_t>(pair.key - 1)
                gain[k] = <uint64_t>(gain_of(pair, allowance) * 256)
        finally:
            free(table.pairs)
        return lefts, rights, gains


cdef int fill_table(PairTable *table, PairCounter counter, uint32_t part, uint32_t parts) except -1 nogil:
    """Count the pairs whose left piece is in the part: by its number, scrambled to 32 bits and scaled to `parts`."""
    cdef const uint32_t *ids = counter.ids
    cdef const uint8_t *joinable = counter.joinable
    cdef const uint16_t *lengths = counter.pieces.view.lengths
    cdef const uint32_t *documents = counter.sample.view.documents
    cdef uint32_t left, right, max_length = counter.max_length
    cdef Py_ssize_t k, i, end, begin = 0
    for k in range(counter.sample.view.n_segments):
        i = begin
        end = counter.token_ends[k]
        while i + 1 < end:
            left = ids[i]
            i += 1
            if <uint64_t>(left * <uint32_t>0x9E3779B9) * parts >> 32 != part or not joinable[left]:
                continue
            right = ids[i]
            if joinable[right] and <uint32_t>lengths[left] + lengths[right] <= max_length:
                count_pair(table, (<uint64_t>left << 32 | right) + 1, documents[k])
        begin = end
    return 0


def join_pairs(Pieces pieces, lefts, rights):
    """The byte strings of pairs of pieces, one after the other (uint8), and their offsets (int64)."""
    cdef Py_ssize_t n_pairs, n_rights, n, k
    cdef int64_t total = 0, n_left, n_right
    cdef const uint8_t *text = pieces.view.text
    cdef const int64_t *offset = pieces.view.offsets
    cdef const uint32_t *left = <const uint32_t *>items(lefts, 4, &n_pairs)
    cdef const uint32_t *right = <const uint32_t *>items(rights, 4, &n_rights)
    if n_rights != n_pairs:
        raise ValueError("left and right pieces do not match")
    offsets = np.empty(n_pairs + 1, dtype=np.int64)
    cdef int64_t *begin = <int64_t *>items(offsets, 8, &n, True)
    for k in range(n_pairs):
        if left[k] >= pieces.view.n_pieces or right[k] >= pieces.view.n_pieces:
            raise IndexError(f"pair {k}: no such piece")
        begin[k] = total
        total += <int64_t>pieces.view.lengths[left[k]] + pieces.view.lengths[right[k]]
    begin[n_pairs] = total
    joined = np.empty(total, dtype=np.uint8)
    cdef uint8_t *out = <uint8_t *>items(joined, 1, &n, True)
    with nogil:
        for k in range(n_pairs):
            n_left = pieces.view.lengths[left[k]]
            n_right = pieces.view.lengths[right[k]]
            memcpy(out + begin[k], text + offset[left[k]], n_left)
            memcpy(out + begin[k] + n_left, text + offset[right[k]], n_right)
    return joined, offsets
