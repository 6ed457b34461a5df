"""Kernels of counting: training segments, n-grams as sorted keys, runs of counts that merge."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcmp, memcpy

import numpy as np

from bytepiece._buffers cimport items
from bytepiece._sorting cimport SortKey, compare_bytes, set_key, sort_keys


# Cutting documents into training segments.

cdef inline bint is_digit(
    const uint8_t *text, Py_ssize_t length, const int64_t *zeros, Py_ssize_t n_zeros
) noexcept nogil:
    """Whether the character is a decimal digit: at most 9 above one of the sorted code points `zeros`."""
    cdef int64_t code
    cdef Py_ssize_t low = 0, high = n_zeros, middle
    if length == 1:
        code = text[0]
        return 48 <= code <= 57
    elif length == 2:
        code = (text[0] & 0x1F) << 6 | (text[1] & 0x3F)
    elif length == 3:
        code = (text[0] & 0x0F) << 12 | (text[1] & 0x3F) << 6 | (text[2] & 0x3F)
    else:
        code = (text[0] & 0x07) << 18 | (text[1] & 0x3F) << 12 | (text[2] & 0x3F) << 6 | (text[3] & 0x3F)
    while low < high:
        middle = (low + high) >> 1
        if zeros[middle] <= code:
            low = middle + 1
        else:
            high = middle
    return low > 0 and code - zeros[low - 1] <= 9


def cut_segments(bytes data, document_ends, Py_ssize_t max_characters, Py_ssize_t max_newlines, zeros):
    """Cut documents of valid UTF-8 into training segments.

    A segment is up to `max_characters` characters followed by up to `max_newlines` newlines, and ends with its
    document. Where `zeros`, the sorted code points of the digits zero, is not empty, every decimal digit is a
    segment of its own.

    Args:
        data: the documents, one after the other.
        document_ends: int64 array, where each document ends in `data`.
        zeros: int64 array.

    Returns an int64 array: where each segment ends in `data`.
    """
    cdef Py_ssize_t n, n_documents, n_zeros, n_segments = 0
    cdef const uint8_t *text = <const uint8_t *>items(data, 1, &n)
    cdef const int64_t *ends = <const int64_t *>items(document_ends, 8, &n_documents)
    cdef const int64_t *zero = <const int64_t *>items(zeros, 8, &n_zeros)
    cdef Py_ssize_t position = 0, end, k, length, characters, newlines, capacity
    # Every segment but a document's last is full, or ends in a newline, or has a digit beside its end.
    segment_ends = np.empty(n // 64 + n_documents + 16, dtype=np.int64)
    cdef int64_t *out = <int64_t *>items(segment_ends, 8, &capacity, True)
    for k in range(n_documents):
        end = ends[k]
        if not position <= end <= n:
            raise ValueError("document ends must ascend within the data")
        while position < end:
            if n_segments == capacity:
                segment_ends = np.concatenate([segment_ends, np.empty(capacity, dtype=np.int64)])
                out = <int64_t *>items(segment_ends, 8, &capacity, True)
            with nogil:
                while n_segments < capacity and position < end:
                    characters = 0
                    newlines = 0
                    while position < end and characters < max_characters and text[position] != 10:
                        length = character_length(text[position])
                        if n_zeros and is_digit(text + position, length, zero, n_zeros):
                            if characters == 0:
                                position += length
                                characters = max_characters + 1
                            break
                        position += length
                        characters += 1
                    if characters <= max_characters:
                        while position < end and newlines < max_newlines and text[position] == 10:
                            position += 1
                            newlines += 1
                    out[n_segments] = position
                    n_segments += 1
    return segment_ends[:n_segments].copy()


# N-grams as keys: the bytes from the highest down, zeros after them, and in the lowest byte the length. Sorted
# as integers they are sorted as byte strings. Each position contributes the longest n-gram that starts there
# within its segment; the shorter ones are its prefixes, so their counts are sums over neighbours.

def ngram_keys(bytes data, Py_ssize_t begin, segment_ends, int order):
    """The key of the longest n-gram, up to `order` bytes, at each position of the segments.

    The first segment starts at `begin` in `data`; `segment_ends` is an int64 array. Returns a uint64 array.
    """
    cdef Py_ssize_t n, n_segments, n_keys, k, start = begin, end, position, length
    cdef const uint8_t *text = <const uint8_t *>items(data, 1, &n)
    cdef const int64_t *ends = <const int64_t *>items(segment_ends, 8, &n_segments)
    cdef uint64_t key, mask
    if not 1 <= order <= MAX_ORDER:
        raise ValueError(f"order {order}")
    if n_segments and not 0 <= begin <= ends[n_segments - 1] <= n:
        raise ValueError("segment ends must ascend within the data")
    keys = np.empty(ends[n_segments - 1] - begin if n_segments else 0, dtype=np.uint64)
    cdef uint64_t *out = <uint64_t *>items(keys, 8, &n_keys, True)
    out -= begin
    mask = ~((<uint64_t>1 << 8 * (8 - order)) - 1)
    with nogil:
        for k in range(n_segments):
            end = ends[k]
            key = 0
            length = 0
            position = end
            while position > start:
                position -= 1
                if length < order:
                    length += 1
                key = (key >> 8 | <uint64_t>text[position] << 56) & mask
                out[position] = key | <uint64_t>length
            start = end
    return keys


def run_lengths(keys):
    """Count equal neighbours: of a sorted uint64 array, the distinct keys and how often each stands there.

    The keys are moved together in place; returns a view of them and a uint64 array.
    """
    cdef Py_ssize_t n, n_counts, k, n_distinct = 0
    cdef uint64_t *key = <uint64_t *>items(keys, 8, &n, True)
    cdef uint64_t *count
    cdef Py_ssize_t start = 0
    if n == 0:
        return keys, np.zeros(0, dtype=np.uint64)
    with nogil:
        n_distinct = 1
        for k in range(1, n):
            n_distinct += key[k] != key[k - 1]
    counts = np.empty(n_distinct, dtype=np.uint64)
    count = <uint64_t *>items(counts, 8, &n_counts, True)
    with nogil:
        n_distinct = 0
        for k in range(1, n + 1):
            if k == n or key[k] != key[start]:
                key[n_distinct] = key[start]
                count[n_distinct] = <uint64_t>(k - start)
                n_distinct += 1
                start = k
    return keys[:n_distinct], counts


def merge_runs(keys_a, counts_a, keys_b, counts_b):
    """Merge two sorted runs of counts, adding where both have a key.

    Keys and counts are uint64 arrays. Returns the keys and counts of the merged run.
    """
    cdef Py_ssize_t n_a, n_b, n, m, i = 0, j = 0, k = 0
    cdef const uint64_t *a = <const uint64_t *>items(keys_a, 8, &n_a)
    cdef const uint64_t *x = <const uint64_t *>items(counts_a, 8, &m)
    cdef const uint64_t *b = <const uint64_t *>items(keys_b, 8, &n_b)
    cdef const uint64_t *y = <const uint64_t *>items(counts_b, 8, &n)
    cdef uint64_t left, right
    cdef bint take_left, take_right
    if m != n_a or n != n_b:
        raise ValueError("each key needs a count")
    keys = np.empty(n_a + n_b, dtype=np.uint64)
    counts = np.empty(n_a + n_b, dtype=np.uint64)
    cdef uint64_t *key = <uint64_t *>items(keys, 8, &n, True)
    cdef uint64_t *count = <uint64_t *>items(counts, 8, &n, True)
    with nogil:
        while i < n_a and j < n_b:
            # No branch on which is smaller: it is unpredictable, and would cost more than all the rest.
            left = a[i]
            right = b[j]
            take_left = left <= right
            take_right = right <= left
            key[k] = left if take_left else right
            count[k] = (x[i] if take_left else 0) + (y[j] if take_right else 0)
            i += take_left
            j += take_right
            k += 1
        while i < n_a:
            key[k] = a[i]
            count[k] = x[i]
            i += 1
            k += 1
        while j < n_b:
            key[k] = b[j]
            count[k] = y[j]
            j += 1
            k += 1
    # The arrays shrink to what they hold; most of a vocabulary's runs overlap.
    keys.resize(k, refcheck=False)
    counts.resize(k, refcheck=False)
    return keys, counts


# Pieces, counted in a hash table.

cdef inline uint64_t hash_bytes(const uint8_t *text, size_t n) noexcept nogil:
    """A hash of byte strings; eight bytes a step, the bits mixed as in MurmurHash3's finalizer."""
    cdef uint64_t h = <uint64_t>n * <uint64_t>0x9E3779B97F4A7C15, chunk
    while n >= 8:
        memcpy(&chunk, text, 8)
        h = (h ^ chunk) * <uint64_t>0xFF51AFD7ED558CCD
        h ^= h >> 32
        text += 8
        n -= 8
    if n:
        chunk = 0
        memcpy(&chunk, text, n)
        h = (h ^ chunk) * <uint64_t>0xFF51AFD7ED558CCD
        h ^= h >> 32
    h *= <uint64_t>0xC4CEB9FE1A85EC53
    return h ^ h >> 29


cdef class PieceCounter:
    """Counts byte strings; `take` hands the counts over, sorted, and starts afresh.

    For one thread at a time.
    """

    def __dealloc__(self):
        self.clear()

    cdef void clear(self) noexcept nogil:
        free(self.entries)
        free(self.bytes)
        free(self.table)
        self.entries = NULL
        self.bytes = NULL
        self.table = NULL
        self.mask = 0
        self.n_entries = self.entry_capacity = 0
        self.n_bytes = self.byte_capacity = 0

    @property
    def nbytes(self):
        """int: the memory it holds, in bytes."""
        cdef size_t table = (self.mask + 1) * sizeof(uint64_t) if self.table != NULL else 0
        return self.entry_capacity * sizeof(Entry) + self.byte_capacity + table

    def __len__(self):
        return self.n_entries

    cdef int add(self, const uint8_t *piece, size_t length, uint64_t count) except -1 nogil:
        """Count a piece `count` more times."""
        cdef uint64_t h, position, slot
        cdef Entry *entry
        cdef void *grown
        cdef size_t capacity
        if length > <size_t>0xFFFFFFFF:
            raise OverflowError("a piece of 4 GiB")
        if self.table == NULL or <uint64_t>self.n_entries * 2 > self.mask:
            self.grow_table()
        h = hash_bytes(piece, length)
        position = h & self.mask
        while self.table[position]:
            slot = self.table[position]
            if slot >> 32 == h >> 32:
                entry = &self.entries[<uint32_t>slot - 1]
                if entry.hash == h and entry.length == length and not memcmp(
                    self.bytes + entry.offset, piece, length
                ):
                    entry.count += count
                    return 0
            position = (position + 1) & self.mask
        if self.n_entries == self.entry_capacity:
            capacity = <size_t>self.entry_capacity + <size_t>self.entry_capacity // 2 + 1024
            if capacity >= <size_t>0xFFFFFFFF:
                raise MemoryError("more than 2**32 distinct pieces")
            grown = realloc(self.entries, capacity * sizeof(Entry))
            if grown == NULL:
                raise MemoryError("no memory to count pieces")
            self.entries = <Entry *>grown
            self.entry_capacity = <Py_ssize_t>capacity
        if self.byte_capacity - self.n_bytes <= length:
            capacity = self.byte_capacity + self.byte_capacity // 2 + length + 4096
            grown = realloc(self.bytes, capacity)
            if grown == NULL:
                raise MemoryError("no memory to count pieces")
            self.bytes = <uint8_t *>grown
            self.byte_capacity = capacity
        entry = &self.entries[self.n_entries]
        entry.hash = h
        entry.count = count
        entry.offset = self.n_bytes
        entry.length = <uint32_t>length
        memcpy(self.bytes + self.n_bytes, piece, length)
        self.n_bytes += length
        self.n_entries += 1
        self.table[position] = (h >> 32 << 32) | <uint64_t>self.n_entries
        return 0

    cdef int grow_table(self) except -1 nogil:
        cdef uint64_t size = 4096, position
        cdef uint64_t *table
        cdef Py_ssize_t k
        while size < <uint64_t>self.n_entries * 4:
            size *= 2
        table = <uint64_t *>calloc(size, sizeof(uint64_t))
        if table == NULL:
            raise MemoryError("no memory to count pieces")
        free(self.table)
        self.table = table
        self.mask = size - 1
        for k in range(self.n_entries):
            position = self.entries[k].hash & self.mask
            while table[position]:
                position = (position + 1) & self.mask
            table[position] = (self.entries[k].hash >> 32 << 32) | <uint64_t>(k + 1)
        return 0

    def add_pieces(self, pieces, offsets, counts):
        """Count the pieces of `bytepiece.training.counting.PieceCounts`, given by its three arrays."""
        cdef Py_ssize_t n, n_offsets, n_pieces, k
        cdef const uint8_t *text = <const uint8_t *>items(pieces, 1, &n)
        cdef const int64_t *offset = <const int64_t *>items(offsets, 8, &n_offsets)
        cdef const uint64_t *count = <const uint64_t *>items(counts, 8, &n_pieces)
        if n_offsets != n_pieces + 1 or offset[n_pieces] > n:
            raise ValueError("offsets and counts do not match")
        with nogil:
            for k in range(n_pieces):
                self.add(text + offset[k], <size_t>(offset[k + 1] - offset[k]), count[k])

    def take(self):
        """Hand over what was counted, sorted by bytes, and start afresh.

        Returns all pieces one after the other (uint8), where each begins and the last ends (int64, one more than
        pieces) and the counts (uint64).
        """
        cdef Py_ssize_t n_entries = self.n_entries, n, k
        cdef SortKey *order = NULL
        pieces = np.empty(self.n_bytes, dtype=np.uint8)
        offsets = np.empty(n_entries + 1, dtype=np.int64)
        counts = np.empty(n_entries, dtype=np.uint64)
        cdef uint8_t *text = <uint8_t *>items(pieces, 1, &n, True)
        cdef int64_t *offset = <int64_t *>items(offsets, 8, &n, True)
        cdef uint64_t *count = <uint64_t *>items(counts, 8, &n, True)
        # The table goes first: it can be made again, and sorting takes memory.
        free(self.table)
        self.table = NULL
        self.mask = 0
        try:
            order = <SortKey *>calloc(n_entries + 1, sizeof(SortKey))
            if order == NULL:
                raise MemoryError("no memory to sort pieces")
            with nogil:
                for k in range(n_entries):
                    set_key(&order[k], self.bytes + self.entries[k].offset, self.entries[k].length, <uint32_t>k)
                sort_keys(order, n_entries)
                offset[0] = 0
                for k in range(n_entries):
                    memcpy(text + offset[k], order[k].bytes, order[k].length)
                    offset[k + 1] = offset[k] + order[k].length
                    count[k] = self.entries[order[k].number].count
        finally:
            free(order)
        self.clear()
        return pieces, offsets, counts


def merge_pieces(pieces_a, offsets_a, counts_a, pieces_b, offsets_b, counts_b):
    """Merge two runs of counted pieces, each sorted by bytes, adding where both have a piece.

    Takes and returns the three arrays of `PieceCounter.take`, twice and once.
    """
    cdef Py_ssize_t n_a, n_b, n, i = 0, j = 0, k = 0, length
    cdef const uint8_t *a = <const uint8_t *>items(pieces_a, 1, &n)
    cdef const uint8_t *b = <const uint8_t *>items(pieces_b, 1, &n)
    cdef const int64_t *start_a = <const int64_t *>items(offsets_a, 8, &n)
    cdef const int64_t *start_b = <const int64_t *>items(offsets_b, 8, &n)
    cdef const uint64_t *x = <const uint64_t *>items(counts_a, 8, &n_a)
    cdef const uint64_t *y = <const uint64_t *>items(counts_b, 8, &n_b)
    cdef int order
    if len(offsets_a) != n_a + 1 or len(offsets_b) != n_b + 1:
        raise ValueError("offsets and counts do not match")
    if start_a[n_a] > len(pieces_a) or start_b[n_b] > len(pieces_b):
        raise ValueError("offsets and pieces do not match")
    pieces = np.empty(len(pieces_a) + len(pieces_b), dtype=np.uint8)
    offsets = np.empty(n_a + n_b + 1, dtype=np.int64)
    counts = np.empty(n_a + n_b, dtype=np.uint64)
    cdef uint8_t *text = <uint8_t *>items(pieces, 1, &n, True)
    cdef int64_t *start = <int64_t *>items(offsets, 8, &n, True)
    cdef uint64_t *count = <uint64_t *>items(counts, 8, &n, True)
    start[0] = 0
    with nogil:
        while i < n_a or j < n_b:
            if j == n_b:
                order = -1
            elif i == n_a:
                order = 1
            else:
                order = compare_bytes(
                    a + start_a[i], start_a[i + 1] - start_a[i], b + start_b[j], start_b[j + 1] - start_b[j]
                )
            count[k] = 0
            if order >= 0:
                length = start_b[j + 1] - start_b[j]
                memcpy(text + start[k], b + start_b[j], length)
                count[k] += y[j]
                j += 1
            if order <= 0:
                length = start_a[i + 1] - start_a[i]
                memcpy(text + start[k], a + start_a[i], length)
                count[k] += x[i]
                i += 1
            start[k + 1] = start[k] + length
            k += 1
    n = start[k]
    pieces.resize(n, refcheck=False)
    offsets.resize(k + 1, refcheck=False)
    counts.resize(k, refcheck=False)
    return pieces, offsets, counts


def select_pieces(pieces, offsets, counts, which):
    """Of counted pieces those numbered by the int64 array `which`, in that order: the three arrays of `take`."""
    cdef Py_ssize_t n, n_offsets, n_pieces, n_selected, k
    cdef const uint8_t *text = <const uint8_t *>items(pieces, 1, &n)
    cdef const int64_t *offset = <const int64_t *>items(offsets, 8, &n_offsets)
    cdef const int64_t *selected = <const int64_t *>items(which, 8, &n_selected)
    cdef int64_t *new_offset
    cdef uint8_t *new_text
    n_pieces = n_offsets - 1
    if n_pieces < 0 or offset[n_pieces] > n:
        raise ValueError("offsets and pieces do not match")
    new_offsets = np.empty(n_selected + 1, dtype=np.int64)
    new_offset = <int64_t *>items(new_offsets, 8, &n, True)
    new_offset[0] = 0
    for k in range(n_selected):
        if not 0 <= selected[k] < n_pieces:
            raise IndexError(f"piece {selected[k]} of {n_pieces}")
        new_offset[k + 1] = new_offset[k] + offset[selected[k] + 1] - offset[selected[k]]
    new_pieces = np.empty(new_offset[n_selected], dtype=np.uint8)
    new_text = <uint8_t *>items(new_pieces, 1, &n, True)
    with nogil:
        for k in range(n_selected):
            memcpy(
                new_text + new_offset[k], text + offset[selected[k]], <size_t>(new_offset[k + 1] - new_offset[k])
            )
    return new_pieces, new_offsets, counts[which]
