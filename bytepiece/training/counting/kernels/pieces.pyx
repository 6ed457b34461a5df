"""Pieces counted in a hash table."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcpy

from bytepiece.core.buffers cimport items
from bytepiece.core.hashing cimport equal_bytes, hash_bytes
from bytepiece.core.memory cimport prefetch
from bytepiece.core.packing cimport Strings, view_counts, view_strings
from bytepiece.core.sorting cimport SortKey, set_key, sort_keys

import numpy as np

from bytepiece.core.packed import CountedBytes

cdef enum:
    GROUP = 32    # pieces that are looked up together


cdef inline size_t words_of(size_t length) noexcept nogil:
    """The words that the record of a piece takes."""
    return (sizeof(Record) + length + 7) >> 3


cdef class PieceTable:
    """Counts byte strings. `take` hands the counts over, sorted, and starts afresh. For one thread at a time."""

    def __dealloc__(self):
        self.clear()

    cdef void clear(self) noexcept nogil:
        free(self.records)
        free(self.slots)
        self.records = NULL
        self.slots = NULL
        self.bits = 0
        self.n_records = 0
        self.n_words = self.capacity = 0

    @property
    def nbytes(self):
        """int: the memory it holds, in bytes."""
        cdef size_t n_slots = <size_t>1 << self.bits if self.slots != NULL else 0
        return (self.capacity + n_slots) * sizeof(uint64_t)

    def __len__(self):
        return self.n_records

    cdef int add_cuts(
        self, const uint8_t *text, const Py_ssize_t *starts, Py_ssize_t n_pieces, const uint64_t *counts
    ) except -1 nogil:
        """Count the pieces a text is cut into: text[starts[1]:starts[0]], text[starts[2]:starts[1]], and so on.

        The first counts `counts[0]` times.

        The table is larger than the caches. So for some pieces at a time, first all slots are fetched, then all
        records, and only then are the pieces counted.
        """
        cdef uint32_t hashes[32]
        cdef uint64_t slot
        cdef Py_ssize_t begin = 0, n, k
        while begin < n_pieces:
            n = min(<Py_ssize_t>GROUP, n_pieces - begin)
            self.make_room(n)
            for k in range(n):
                hashes[k] = hash_bytes(text + starts[begin + k + 1], starts[begin + k] - starts[begin + k + 1])
                prefetch(&self.slots[hashes[k] >> (32 - self.bits)])
            for k in range(n):
                slot = self.slots[hashes[k] >> (32 - self.bits)]
                if slot:
                    prefetch(self.records + <uint32_t>slot - 1)
            for k in range(n):
                self.add(
                    text + starts[begin + k + 1], starts[begin + k] - starts[begin + k + 1], hashes[k],
                    counts[begin + k]
                )
            begin += GROUP
        return 0

    cdef int add(self, const uint8_t *piece, size_t length, uint32_t hash, uint64_t count) except -1 nogil:
        """Count a piece, which has this hash, `count` more times. `make_room` must have been called."""
        cdef uint64_t slot
        cdef uint32_t position = hash >> (32 - self.bits), mask = (<uint32_t>1 << self.bits) - 1
        cdef size_t capacity, n_words
        cdef Record *record
        cdef void *grown
        while True:
            slot = self.slots[position]
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
        self.slots[position] = <uint64_t>hash << 32 | <uint64_t>(self.n_words + 1)
        self.n_words += n_words
        self.n_records += 1
        return 0

    cdef int make_room(self, Py_ssize_t n) except -1 nogil:
        """Make the table so large that `n` more records leave half of its slots free."""
        cdef uint64_t *slots
        cdef size_t word = 0
        cdef int bits = self.bits if self.slots != NULL else 12
        cdef uint32_t position, mask
        cdef Record *record
        while (<uint64_t>self.n_records + <uint64_t>n) * 2 > <uint64_t>1 << bits:
            bits += 1
        if bits == self.bits:
            return 0
        if bits > 31:
            raise MemoryError("more than 2**30 distinct pieces")
        slots = <uint64_t *>calloc(<size_t>1 << bits, sizeof(uint64_t))
        if slots == NULL:
            raise MemoryError("no memory to count pieces")
        free(self.slots)
        self.slots = slots
        self.bits = bits
        mask = (<uint32_t>1 << bits) - 1
        while word < self.n_words:
            record = <Record *>(self.records + word)
            position = record.hash >> (32 - bits)
            while slots[position]:
                position = (position + 1) & mask
            slots[position] = <uint64_t>record.hash << 32 | <uint64_t>(word + 1)
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

    def add_short(self, data, Py_ssize_t begin, segment_ends, Py_ssize_t longest):
        """Count segments of up to `longest` bytes, each once.

        The first segment starts at `begin` in `data`; `segment_ends` (int64) says where each ends. Returns the longer
        ones, one after the other (uint8), and where each ends (int64).
        """
        cdef Py_ssize_t n, n_segments, k, start = begin, length, n_long = 0, n_bytes = 0
        cdef const uint8_t *text = <const uint8_t *>items(data, 1, &n)
        cdef const int64_t *ends = <const int64_t *>items(segment_ends, 8, &n_segments)
        for k in range(n_segments):
            if not 0 <= start <= ends[k] <= n:
                raise ValueError("segment ends must ascend within the data")
            if ends[k] - start > longest:
                n_long += 1
                n_bytes += ends[k] - start
            start = ends[k]
        long_data, long_ends = np.empty(n_bytes, dtype=np.uint8), np.empty(n_long, dtype=np.int64)
        cdef uint8_t *long_text = <uint8_t *>items(long_data, 1, &n, True)
        cdef int64_t *long_end = <int64_t *>items(long_ends, 8, &n, True)
        n_long = n_bytes = 0
        start = begin
        with nogil:
            for k in range(n_segments):
                length = ends[k] - start
                if length > longest:
                    memcpy(long_text + n_bytes, text + start, length)
                    n_bytes += length
                    long_end[n_long] = n_bytes
                    n_long += 1
                elif length:
                    self.make_room(1)
                    self.add(text + start, length, hash_bytes(text + start, length), 1)
                start = ends[k]
        return long_data, long_ends

    def take(self):
        """Hand over what was counted, sorted by bytes, as `bytepiece.core.packed.CountedBytes`, and start afresh."""
        cdef Py_ssize_t n_records = self.n_records, n, k
        cdef size_t word = 0, n_bytes = 0
        cdef Record *record
        cdef SortKey *order = NULL
        # The slots are freed first: records suffice to make them again, and sorting takes memory.
        free(self.slots)
        self.slots = NULL
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
            copy_sorted(
                order, n_records, <uint8_t *>items(pieces, 1, &n, True), <int64_t *>items(offsets, 8, &n, True),
                <uint64_t *>items(counts, 8, &n, True)
            )
        finally:
            free(order)
        self.clear()
        return CountedBytes(pieces, offsets, counts)


cdef void copy_sorted(const SortKey *order, Py_ssize_t n, uint8_t *text, int64_t *offset, uint64_t *count) noexcept:
    """Copy the pieces and counts of records to arrays, in the order of the keys."""
    cdef Py_ssize_t k
    with nogil:
        offset[0] = 0
        for k in range(n):
            memcpy(text + offset[k], order[k].bytes, order[k].length)
            offset[k + 1] = offset[k] + order[k].length
            count[k] = (<const Record *>order[k].bytes - 1).count
