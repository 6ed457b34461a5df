"""The n-gram model: from counts, sorted by n-gram, to log-probabilities.

The count of an n-gram is the sum of the counts of all keys that begin with it, which come one after the other. When
another key comes, the n-gram is complete. Its log-probability also needs the count of its prefix, the n-gram without
its last byte. It waits for that, with its siblings: the other n-grams with this prefix.

    key      completes

    abc 5
    abd 2    abc 5    waits for the count of ab
    ac  1    abd 2    waits for the count of ab
             ab  7    waits for the count of a;  log p(c|ab) = log 5 - log 7,  log p(d|ab) = log 2 - log 7
"""

from libc.math cimport log
from libc.stdint cimport uint64_t
from libc.stdlib cimport calloc, free

from bytepiece.core.buffers cimport items
from bytepiece.training.counting.kernels.ngrams cimport MAX_ORDER
from bytepiece.training.discovery.kernels.tables cimport (
    Ngram,
    append,
    flipped,
    free_table,
    make_table,
    n_buckets_for,
    n_slots_for,
)


cdef class NgramModel:
    """The n-grams that occur often enough, with log-probabilities, in hash tables by their length.

    Whatever part of an n-gram occurs at least as often as the whole. So if an n-gram is in the model, its parts are:
    the longest one that ends at a byte of a text tells of all the shorter ones that end there.

    Build it with `add`, all counts in the order of their keys, then `finish`. From then on it is immutable, and threads
    share it.

    Args:
        order: the longest n-gram in bytes, 1 to `MAX_ORDER`.
        min_count: n-grams of two bytes or more that occur less often are left out.
        dry: only find out how large the model would be, and its fingerprint.
    """

    def __cinit__(self, int order, uint64_t min_count, bint dry=False):
        if not 1 <= order <= MAX_ORDER or min_count < 1:
            raise ValueError(f"order {order}, min_count {min_count}")
        self.order = order
        self.min_count = min_count
        self.dry = dry
        self.pairs = <uint64_t *>calloc(PAIRS, sizeof(uint64_t))
        if self.pairs == NULL:
            raise MemoryError("no memory for the n-gram model")

    def __dealloc__(self):
        cdef int n
        for n in range(MAX_ORDER + 1):
            free_table(&self.tables[n])
        free(self.pairs)

    @property
    def sizes(self):
        """list[int]: the number of n-grams of 1, 2, ... `order` bytes."""
        return [self.tables[n].size for n in range(1, self.order + 1)]

    @property
    def nbytes(self):
        """int: the memory of the model, in bytes."""
        cdef int n
        cdef size_t total = PAIRS * 8
        for n in range(3, self.order + 1):
            total += n_slots_for(self.tables[n].size) * (n - 1) * 8 + n_buckets_for(self.tables[n].size) * 2
        return total

    @property
    def peak_nbytes(self):
        """int: the memory of making it, when the n-grams of one length are there as a list and as a table."""
        return self.nbytes + max(self.sizes) * (sizeof(Ngram) + 2 * sizeof(uint64_t))

    @property
    def fingerprint(self):
        """str: a hash of the n-grams and their counts; equal for equal models."""
        return f"{self.hashes[0]:016x}{self.hashes[1]:016x}"

    def add(self, keys, counts):
        """Take counts of the longest n-grams that start at each byte.

        Args:
            keys: uint64 array, ascending from call to call, see `bytepiece.training.counting.kernels.ngrams`.
            counts: uint64 array.
        """
        cdef Py_ssize_t n_keys, n_counts, k
        cdef const uint64_t *key = <const uint64_t *>items(keys, 8, &n_keys)
        cdef const uint64_t *count = <const uint64_t *>items(counts, 8, &n_counts)
        if self.finished or n_keys != n_counts:
            raise ValueError("each key needs a count, and none may come after finish()")
        with nogil:
            for k in range(n_keys):
                self.take(key[k], count[k])

    cdef int take(self, uint64_t key, uint64_t count) except -1 nogil:
        cdef int length = <int>(key & 0xFF), last_length = <int>(self.last & 0xFF), common = 0, n
        cdef uint64_t difference = key ^ self.last
        if key <= self.last or length < 1 or length > self.order:
            raise ValueError("keys must ascend, and be of the model's order")
        if (key << 8 * length >> 8 * length) >> 8:  # the n-gram would come twice
            raise ValueError("in a key, zeros must follow the n-gram")
        if count > (<uint64_t>1 << 63) - 1 - self.n_bytes:
            raise OverflowError("more than 2**63 bytes of text")
        while common < last_length and common < length and not (difference >> (56 - 8 * common)) & 0xFF:
            common += 1
        self.close(common)
        self.last = key
        self.n_bytes += count
        for n in range(1, length + 1):
            self.open_counts[n] = (self.open_counts[n] if n <= common else 0) + count
        return 0

    cdef int close(self, int common) except -1 nogil:
        """Complete the open n-grams of more than `common` bytes; those that occur often enough stay."""
        cdef int n = <int>(self.last & 0xFF)
        while n > common:
            # First the longer ones that wait for the count of this one; they are not more frequent.
            if n < self.order:
                self.release(n + 1, self.open_counts[n])
            if n == 1:
                self.add_unseen(self.last >> 56)
            if n == 1 or self.open_counts[n] >= self.min_count:
                self.keep(n, self.last >> (64 - 8 * n), self.open_counts[n])
            n -= 1
        return 0

    cdef void add_unseen(self, uint64_t end) noexcept nogil:
        """Add the bytes below `end` that never occur: each counts once, and in the sum of all counts."""
        while <uint64_t>self.siblings[1].size < end:
            self.n_bytes += 1
            self.keep(1, <uint64_t>self.siblings[1].size, 1)

    cdef void keep(self, int n, uint64_t key, uint64_t count) noexcept nogil:
        """Add an n-gram to the siblings of its length: it belongs to the model."""
        cdef Siblings *siblings = &self.siblings[n]
        siblings.keys[siblings.size] = key
        siblings.counts[siblings.size] = count
        siblings.size += 1
        self.note(key << 8 | <uint64_t>n)
        self.note(count)

    cdef int release(self, int n, uint64_t count) except -1 nogil:
        """Give the siblings of `n` bytes their log-probabilities: the prefix that they share occurs `count` times."""
        cdef Siblings *siblings = &self.siblings[n]
        cdef double logp, log_count = log(<double>count)
        cdef int k
        for k in range(siblings.size):
            logp = log(<double>siblings.counts[k]) - log_count
            if n == 1:
                self.bytes[siblings.keys[k]] = logp
            elif n == 2:
                self.pairs[siblings.keys[k]] = flipped(logp)
            if n > 2 and not self.dry:
                append(&self.tables[n], siblings.keys[k], logp)
            else:
                self.tables[n].size += 1
        siblings.size = 0
        return 0

    cdef void note(self, uint64_t number) noexcept nogil:
        """Mix a number into the hashes."""
        self.hashes[0] = (self.hashes[0] ^ number) * <uint64_t>0xFF51AFD7ED558CCD
        self.hashes[0] ^= self.hashes[0] >> 32
        self.hashes[1] = (self.hashes[1] + number) * <uint64_t>0xC4CEB9FE1A85EC53
        self.hashes[1] ^= self.hashes[1] >> 29

    def finish(self):
        """All counts are in: make the hash tables, unless it is dry."""
        cdef int n
        if self.finished:
            raise ValueError("finish() was called before")
        with nogil:
            self.close(0)
            self.add_unseen(256)
            self.release(1, self.n_bytes)
            for n in range(3, self.order + 1 if not self.dry else 0):
                make_table(&self.tables[n], n, &self.tables[n - 1])
        self.finished = True
