"""Kernels of counting: training segments, n-grams as sorted keys, runs of counts that merge."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memchr, memcpy

import numpy as np

from bytepiece.core.packed import CountedBytes
from bytepiece.core.buffers cimport items
from bytepiece.core.memory cimport prefetch, trim_memory
from bytepiece.core.packing cimport Strings, view_counts, view_strings
from bytepiece.core.sorting cimport SortKey, set_key, sort_keys


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
    cdef Py_ssize_t position = 0, end, k, length, characters, newlines, capacity, reach
    cdef const uint8_t *newline
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
                    if not n_zeros:
                        # So many bytes have no more characters; beyond that they are counted.
                        reach = min(end - position, max_characters)
                        newline = <const uint8_t *>memchr(text + position, 10, reach)
                        if newline != NULL:
                            position = newline - text
                        elif reach == end - position:
                            position = end
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


def release_memory():
    """Give memory that was freed back to the system, where that is not done by itself."""
    with nogil:
        trim_memory()


# Pieces, counted in a hash table.

cdef enum:
    GROUP = 32    # so many pieces are looked up at a time


cdef inline uint64_t load8(const uint8_t *bytes) noexcept nogil:
    cdef uint64_t word
    memcpy(&word, bytes, 8)
    return word


cdef inline uint64_t load4(const uint8_t *bytes) noexcept nogil:
    cdef uint32_t word
    memcpy(&word, bytes, 4)
    return word


cdef inline uint64_t mixed(uint64_t h, uint64_t word) noexcept nogil:
    """One step of hashing, as in MurmurHash3's finalizer."""
    h = (h ^ word) * <uint64_t>0xFF51AFD7ED558CCD
    return h ^ h >> 32


cdef inline uint32_t hash_bytes(const uint8_t *text, size_t n) noexcept nogil:
    """A hash of byte strings; eight bytes a step, the last ones perhaps twice."""
    cdef uint64_t h = <uint64_t>n * <uint64_t>0x9E3779B97F4A7C15
    cdef const uint8_t *last
    if n >= 8:
        last = text + n - 8
        while text < last:
            h = mixed(h, load8(text))
            text += 8
        h = mixed(h, load8(last))
    elif n >= 4:
        h = mixed(h, load4(text) << 32 | load4(text + n - 4))
    elif n:
        h = mixed(h, <uint64_t>text[0] << 16 | <uint64_t>text[n >> 1] << 8 | text[n - 1])
    return <uint32_t>(h * <uint64_t>0xC4CEB9FE1A85EC53 >> 32)


cdef inline bint equal_bytes(const uint8_t *a, const uint8_t *b, size_t n) noexcept nogil:
    cdef uint64_t difference = 0
    cdef size_t k = 8
    if n >= 8:
        while k < n:
            if load8(a + k - 8) != load8(b + k - 8):
                return False
            k += 8
        return load8(a + n - 8) == load8(b + n - 8)
    if n >= 4:
        difference = (load4(a) ^ load4(b)) | (load4(a + n - 4) ^ load4(b + n - 4))
    elif n:
        difference = (a[0] ^ b[0]) | (a[n >> 1] ^ b[n >> 1]) | (a[n - 1] ^ b[n - 1])
    return difference == 0


cdef inline size_t words_of(size_t length) noexcept nogil:
    """The words of a record of a piece."""
    return (sizeof(Record) + length + 7) >> 3


cdef class PieceCounter:
    """Counts byte strings; `take` hands the counts over, sorted, and starts afresh.

    For one thread at a time.
    """

    def __dealloc__(self):
        self.clear()

    cdef void clear(self) noexcept nogil:
        free(self.records)
        free(self.table)
        self.records = NULL
        self.table = NULL
        self.bits = 0
        self.n_records = 0
        self.n_words = self.capacity = 0

    @property
    def nbytes(self):
        """int: the memory it holds, in bytes."""
        cdef size_t n_slots = <size_t>1 << self.bits if self.table != NULL else 0
        return (self.capacity + n_slots) * sizeof(uint64_t)

    def __len__(self):
        return self.n_records

    cdef int add_parts(self, const uint8_t *text, const Py_ssize_t *starts, Py_ssize_t n_parts) except -1 nogil:
        """Count the parts of a text, each once: from starts[1] to starts[0], starts[2] to starts[1], and so on.

        What is counted is larger than the caches. So for some parts at a time, first the slots of the table are
        fetched, then the records, and then it is counted.
        """
        cdef uint32_t hashes[32]
        cdef uint64_t slot
        cdef Py_ssize_t begin = 0, n, k
        while begin < n_parts:
            n = min(<Py_ssize_t>GROUP, n_parts - begin)
            self.make_room(n)
            for k in range(n):
                hashes[k] = hash_bytes(text + starts[begin + k + 1], starts[begin + k] - starts[begin + k + 1])
                prefetch(&self.table[hashes[k] >> (32 - self.bits)])
            for k in range(n):
                slot = self.table[hashes[k] >> (32 - self.bits)]
                if slot:
                    prefetch(self.records + <uint32_t>slot - 1)
            for k in range(n):
                self.add(
                    text + starts[begin + k + 1], starts[begin + k] - starts[begin + k + 1], hashes[k], 1
                )
            begin += GROUP
        return 0

    cdef int add(self, const uint8_t *piece, size_t length, uint32_t hash, uint64_t count) except -1 nogil:
        """Count a piece with that hash `count` more times; there must be room."""
        cdef uint64_t slot
        cdef uint32_t position = hash >> (32 - self.bits), mask = (<uint32_t>1 << self.bits) - 1
        cdef size_t capacity, n_words
        cdef Record *record
        cdef void *grown
        while True:
            slot = self.table[position]
            if slot == 0:
                break
            if slot >> 32 == hash:
                record = <Record *>(self.records + <uint32_t>slot - 1)
                if record.length == length and equal_bytes(<const uint8_t *>(record + 1), piece, length):
                    record.count += count
                    return 0
            position = (position + 1) & mask
        if length >= <size_t>0xFFFFFFFF:
            raise OverflowError("a piece of 4 GiB")
        n_words = words_of(length)
        if self.capacity - self.n_words < n_words:
            capacity = self.capacity + self.capacity // 2 + n_words + 4096
            grown = realloc(self.records, capacity * sizeof(uint64_t))
            if grown == NULL:
                raise MemoryError("no memory to count pieces")
            self.records = <uint64_t *>grown
            self.capacity = capacity
        if self.n_words >= <size_t>0xFFFFFFFF:
            raise MemoryError("more than 32 GiB of distinct pieces")
        self.records[self.n_words + n_words - 1] = 0
        record = <Record *>(self.records + self.n_words)
        record.count = count
        record.length = <uint32_t>length
        record.hash = hash
        memcpy(record + 1, piece, length)
        self.table[position] = <uint64_t>hash << 32 | <uint64_t>(self.n_words + 1)
        self.n_words += n_words
        self.n_records += 1
        return 0

    cdef int make_room(self, Py_ssize_t n) except -1 nogil:
        """Let the table have a free slot beside each that is taken, after `n` more records."""
        cdef uint64_t *table
        cdef size_t word = 0
        cdef int bits = self.bits if self.table != NULL else 12
        cdef uint32_t position, mask
        cdef Record *record
        while (<uint64_t>self.n_records + <uint64_t>n) * 2 > <uint64_t>1 << bits:
            bits += 1
        if bits == self.bits:
            return 0
        if bits > 31:
            raise MemoryError("more than 2**30 distinct pieces")
        table = <uint64_t *>calloc(<size_t>1 << bits, sizeof(uint64_t))
        if table == NULL:
            raise MemoryError("no memory to count pieces")
        free(self.table)
        self.table = table
        self.bits = bits
        mask = (<uint32_t>1 << bits) - 1
        while word < self.n_words:
            record = <Record *>(self.records + word)
            position = record.hash >> (32 - bits)
            while table[position]:
                position = (position + 1) & mask
            table[position] = <uint64_t>record.hash << 32 | <uint64_t>(word + 1)
            word += words_of(record.length)
        return 0

    def add_pieces(self, counted):
        """Count each string of a `bytepiece.core.packed.CountedBytes` as often as it says."""
        cdef Strings strings
        cdef Py_ssize_t k
        cdef size_t length
        cdef const uint8_t *piece
        view_strings(counted, &strings)
        cdef const uint64_t *counts = view_counts(counted, strings.n)
        with nogil:
            for k in range(strings.n):
                self.make_room(1)
                piece = strings.data + strings.offsets[k]
                length = <size_t>(strings.offsets[k + 1] - strings.offsets[k])
                self.add(piece, length, hash_bytes(piece, length), counts[k])

    def take(self):
        """Hand over what was counted, sorted by bytes, as `bytepiece.core.packed.CountedBytes`, and start afresh."""
        cdef Py_ssize_t n_records = self.n_records, n, k
        cdef size_t word = 0, n_bytes = 0
        cdef Record *record
        cdef SortKey *order = NULL
        # The table goes first: it can be made again, and sorting takes memory.
        free(self.table)
        self.table = NULL
        self.bits = 0
        try:
            order = <SortKey *>calloc(n_records + 1, sizeof(SortKey))
            if order == NULL:
                raise MemoryError("no memory to sort pieces")
            with nogil:
                for k in range(n_records):
                    record = <Record *>(self.records + word)
                    set_key(&order[k], <const uint8_t *>(record + 1), record.length, 0)
                    word += words_of(record.length)
                    n_bytes += record.length
                sort_keys(order, n_records)
            pieces = np.empty(n_bytes, dtype=np.uint8)
            offsets = np.empty(n_records + 1, dtype=np.int64)
            counts = np.empty(n_records, dtype=np.uint64)
            hand_over(
                order, n_records, <uint8_t *>items(pieces, 1, &n, True), <int64_t *>items(offsets, 8, &n, True),
                <uint64_t *>items(counts, 8, &n, True)
            )
        finally:
            free(order)
        self.clear()
        return CountedBytes(pieces, offsets, counts)


cdef void hand_over(const SortKey *order, Py_ssize_t n, uint8_t *text, int64_t *offset, uint64_t *count) noexcept:
    """Copy pieces and counts of records in their order."""
    cdef Py_ssize_t k
    with nogil:
        offset[0] = 0
        for k in range(n):
            memcpy(text + offset[k], order[k].bytes, order[k].length)
            offset[k + 1] = offset[k] + order[k].length
            count[k] = (<const Record *>order[k].bytes - 1).count
