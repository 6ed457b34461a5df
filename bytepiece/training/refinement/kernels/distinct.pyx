"""The distinct segments of documents, found in a hash table."""

from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcpy

from bytepiece.core.buffers cimport items
from bytepiece.core.hashing cimport equal_bytes, hash_bytes
from bytepiece.core.memory cimport prefetch
from bytepiece.training.refinement.kernels.sample cimport Posting

import numpy as np

from bytepiece.training.refinement.kernels.sample import Sample

cdef enum:
    GROUP = 32                # segments that are looked up together
    MOST_BYTES = 0x7FFFFFFE   # of a sample


# A distinct segment.
cdef struct Record:
    size_t end                # of its text, which begins where that of the one before ends
    uint32_t hash
    uint32_t n_postings       # of the documents before the last
    Posting last              # of the last document that has it


# A posting of a document that was not the last.
cdef struct Noted:
    uint32_t segment
    Posting posting


cdef class SegmentTable:
    """Collects the segments of documents; `take` makes a `Sample` of them, each distinct segment once, as they came.

    Thread safety: for one thread.
    """

    cdef uint8_t *text
    cdef size_t n_bytes
    cdef size_t text_capacity
    cdef Record *records
    cdef size_t n_segments
    cdef size_t record_capacity
    cdef Noted *noted
    cdef size_t n_noted
    cdef size_t noted_capacity
    cdef uint32_t *slots        # open addressing: one more than the number of a segment, or 0
    cdef int bits               # there are 1 << bits slots

    def __dealloc__(self):
        free(self.text)
        free(self.records)
        free(self.noted)
        free(self.slots)

    def add(self, data, segment_ends, documents):
        """Add segments.

        Args:
            data: the segments, one after the other (uint8 or bytes).
            segment_ends: where each segment ends (int64).
            documents: for each segment, the number of its document (uint32); over all calls they must not descend.
        """
        cdef Py_ssize_t n, n_segments, k, m, first = 0
        cdef const uint8_t *text = <const uint8_t *>items(data, 1, &n)
        cdef const int64_t *ends = <const int64_t *>items(segment_ends, 8, &n_segments)
        cdef const uint32_t *document = <const uint32_t *>items(documents, 4, &m)
        cdef int64_t begin = 0
        cdef uint32_t hashes[32]
        cdef uint32_t numbers[32]
        if m != n_segments:
            raise ValueError("segments and documents do not match")
        for k in range(n_segments):
            if not (ends[k - 1] if k else 0) < ends[k] <= n:
                raise ValueError("segments must have bytes, and lie within the data")
        if <size_t>n > MOST_BYTES - self.n_bytes:
            raise ValueError("a sample must be shorter than 2 GB")
        with nogil:
            while first < n_segments:
                m = min(<Py_ssize_t>GROUP, n_segments - first)
                self.make_room(m)
                for k in range(m):
                    begin = ends[first + k - 1] if first + k else 0
                    hashes[k] = hash_bytes(text + begin, ends[first + k] - begin)
                    prefetch(&self.slots[hashes[k] >> (32 - self.bits)])
                for k in range(m):
                    numbers[k] = self.slots[hashes[k] >> (32 - self.bits)]
                    prefetch(&self.records[max(numbers[k], 2) - 2])
                for k in range(m):
                    if numbers[k] > 1:
                        prefetch(self.text + self.records[numbers[k] - 2].end)
                for k in range(m):
                    begin = ends[first + k - 1] if first + k else 0
                    self.note(text + begin, ends[first + k] - begin, hashes[k], document[first + k])
                first += m

    @property
    def amounts(self):
        """How many bytes, segments and postings the `Sample` will have, as `Sample.amounts`."""
        return self.n_bytes, self.n_segments, self.n_noted + self.n_segments

    def take(self, Py_ssize_t n_documents, bint whole=True):
        """Make a `Sample`, and start afresh; `n_documents` is the number of all documents, `whole` as there."""
        cdef Py_ssize_t n, k
        cdef size_t n_bytes = self.n_bytes, n_segments = self.n_segments
        free(self.slots)  # first what is no longer needed, as the arrays take as much again
        self.slots = NULL
        self.bits = 0
        data = np.empty(n_bytes, dtype=np.uint8)
        if n_bytes:
            memcpy(items(data, 1, &n, True), self.text, n_bytes)
        free(self.text)
        self.text = NULL
        self.n_bytes = self.text_capacity = 0
        offsets = np.zeros(n_segments + 1, dtype=np.int64)
        posting_offsets = np.zeros(n_segments + 1, dtype=np.uint32)
        postings = np.empty((self.n_noted + n_segments, 2), dtype=np.uint32)
        cdef int64_t *offset = <int64_t *>items(offsets, 8, &n, True)
        cdef uint32_t *posting_offset = <uint32_t *>items(posting_offsets, 4, &n, True)
        cdef Posting *posting = <Posting *>items(postings, 4, &n, True)
        cdef Record *record
        with nogil:
            for k in range(n_segments):
                record = &self.records[k]
                offset[k + 1] = record.end
                posting_offset[k + 1] = posting_offset[k] + record.n_postings + 1
                posting[posting_offset[k + 1] - 1] = record.last
                record.n_postings = posting_offset[k]  # from here on, where the next one goes
            for k in range(self.n_noted):
                record = &self.records[self.noted[k].segment]
                posting[record.n_postings] = self.noted[k].posting
                record.n_postings += 1
        free(self.records)
        free(self.noted)
        self.records = NULL
        self.noted = NULL
        self.n_segments = self.record_capacity = self.n_noted = self.noted_capacity = 0
        return Sample(data, offsets, posting_offsets, postings, n_documents, whole)

    cdef int note(self, const uint8_t *segment, size_t length, uint32_t hash, uint32_t document) except -1 nogil:
        """Count a segment of a document. `make_room` must have been called."""
        cdef uint32_t place = hash >> (32 - self.bits), mask = (<uint32_t>1 << self.bits) - 1
        cdef Record *record
        cdef size_t begin
        while self.slots[place]:
            record = &self.records[self.slots[place] - 1]
            begin = self.records[self.slots[place] - 2].end if self.slots[place] > 1 else 0
            if record.hash == hash and record.end - begin == length and equal_bytes(self.text + begin, segment, length):
                if record.last.document == document:
                    record.last.count += 1
                    return 0
                if record.last.document > document:
                    raise ValueError("the documents of segments must ascend")
                self.note_posting(self.slots[place] - 1)
                record.n_postings += 1
                record.last.document = document
                record.last.count = 1
                return 0
            place = (place + 1) & mask
        if self.text_capacity - self.n_bytes < length:
            self.text = <uint8_t *>grown(self.text, &self.text_capacity, self.n_bytes + length, 1)
        memcpy(self.text + self.n_bytes, segment, length)
        self.n_bytes += length
        record = &self.records[self.n_segments]
        record.end = self.n_bytes
        record.hash = hash
        record.n_postings = 0
        record.last.document = document
        record.last.count = 1
        self.n_segments += 1
        self.slots[place] = <uint32_t>self.n_segments
        return 0

    cdef int note_posting(self, uint32_t segment) except -1 nogil:
        """Keep the posting of what was the last document that has a segment."""
        if self.n_noted == self.noted_capacity:
            self.noted = <Noted *>grown(self.noted, &self.noted_capacity, self.n_noted + 1, sizeof(Noted))
        self.noted[self.n_noted].segment = segment
        self.noted[self.n_noted].posting = self.records[segment].last
        self.n_noted += 1
        return 0

    cdef int make_room(self, size_t n) except -1 nogil:
        """Make room for `n` more records, and for slots of which half are free."""
        cdef int bits = self.bits if self.slots != NULL else 12
        cdef uint32_t *slots
        cdef uint32_t place
        cdef size_t k
        if self.record_capacity - self.n_segments < n:
            self.records = <Record *>grown(self.records, &self.record_capacity, self.n_segments + n, sizeof(Record))
        while (self.n_segments + n) * 2 > <size_t>1 << bits:
            bits += 1
        if bits == self.bits:
            return 0
        if bits > 31:
            raise MemoryError("more than 2**30 distinct segments")
        slots = <uint32_t *>calloc(<size_t>1 << bits, sizeof(uint32_t))
        if slots == NULL:
            out_of_memory()
        free(self.slots)
        self.slots = slots
        self.bits = bits
        for k in range(self.n_segments):
            place = self.records[k].hash >> (32 - bits)
            while slots[place]:
                place = (place + 1) & ((<uint32_t>1 << bits) - 1)
            slots[place] = <uint32_t>(k + 1)
        return 0


cdef int out_of_memory() except -1 nogil:
    raise MemoryError("no memory for segments")


cdef void *grown(void *old, size_t *capacity, size_t n, size_t size) except NULL nogil:
    """Room for `n` items at least, of `size` bytes each; `capacity` tells for how many."""
    cdef size_t more = capacity[0] + capacity[0] // 4 + 1024
    cdef void *result
    more = max(more, n)
    result = realloc(old, more * size)  # a sample is below 2 GB, so this does not overflow
    if result == NULL:
        out_of_memory()
    capacity[0] = more
    return result
