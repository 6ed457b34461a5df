from libc.stdint cimport uint64_t

from bytepiece.training.discovery.kernels.tables cimport Table

cdef enum:
    PAIRS = 1 << 16      # pairs of bytes


# N-grams that share all but their last byte, until the count of what they share is complete.
cdef struct Siblings:
    uint64_t keys[256]
    uint64_t counts[256]
    int size


cdef class NgramModel:
    cdef Table tables[8]                  # the n-grams of three bytes and more, by length
    cdef double bytes[256]                # log-probabilities of bytes
    cdef uint64_t *pairs                  # log p(second byte | first), as in tables
    cdef int order
    cdef readonly uint64_t min_count
    cdef readonly uint64_t n_bytes        # the sum of all counts
    cdef bint dry
    cdef bint finished
    cdef uint64_t hashes[2]               # of the n-grams and their counts, as they came
    # While counts come in:
    cdef uint64_t last                    # the last key
    cdef uint64_t open_counts[8]          # the counts of its prefixes, by length, so far
    cdef Siblings siblings[8]             # by length

    cdef int take(self, uint64_t key, uint64_t count) except -1 nogil
    cdef int close(self, int common) except -1 nogil
    cdef void add_unseen(self, uint64_t end) noexcept nogil
    cdef void keep(self, int n, uint64_t key, uint64_t count) noexcept nogil
    cdef int release(self, int n, uint64_t count) except -1 nogil
    cdef void note(self, uint64_t number) noexcept nogil
