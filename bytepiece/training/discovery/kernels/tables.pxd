"""A hash table of the n-grams of one length, in which a lookup reads one slot.

The hash function is perfect, as in PTHash (Pibiri and Trani 2021): a first hash puts the n-grams into buckets of about
three. Each bucket has a pilot, a number that, mixed into the hash, sends each n-gram of the bucket to its own slot.

    n-gram --> hash --> bucket --> pilot --> slot: | "abcde" | p(e|cd) | p(e|bcd) | p(e|abcd) |

A slot holds an n-gram and the log-probabilities of its last byte after two bytes, three bytes, and so on: all that is
asked for where the n-gram ends in a text. Those after one byte and after none are in arrays elsewhere.
"""

from libc.math cimport INFINITY
from libc.stdint cimport uint16_t, uint32_t, uint64_t


cdef union Number:
    double real
    uint64_t bits


# An n-gram of known length: its bytes as an integer, the last byte lowest.
cdef struct Ngram:
    uint64_t key
    double logp


# A list while n-grams come in, then a hash table.
cdef struct Table:
    Ngram *ngrams
    Py_ssize_t capacity  # of the list
    Py_ssize_t size      # the number of n-grams
    uint64_t *slots
    uint64_t n_slots
    uint64_t width       # of a slot, in words of eight bytes
    uint16_t *pilots     # by bucket
    uint64_t n_buckets
    uint64_t seed        # of the first hash


cdef inline uint64_t flipped(double logp) noexcept nogil:
    """The bits of a log-probability, xor those of minus infinity. So a word that is 0 stands for minus infinity."""
    cdef Number number, infinity
    number.real = logp
    infinity.real = -INFINITY
    return number.bits ^ infinity.bits


cdef inline double unflipped(uint64_t bits) noexcept nogil:
    cdef Number number
    number.real = -INFINITY
    number.bits ^= bits
    return number.real


cdef inline uint64_t hash_of(const Table *table, uint64_t key) noexcept nogil:
    """A hash that no two keys share: each step can be reversed."""
    key = (key ^ table.seed) * <uint64_t>0x9E3779B97F4A7C15
    return (key ^ key >> 32) * <uint64_t>0xFF51AFD7ED558CCD


cdef inline uint64_t bucket_of(const Table *table, uint64_t hash) noexcept nogil:
    return <uint64_t><uint32_t>hash * table.n_buckets >> 32


cdef inline uint64_t slot_of(const Table *table, uint64_t hash, uint64_t pilot) noexcept nogil:
    hash = (hash ^ pilot * <uint64_t>0xD6E8FEB86659FD93) * <uint64_t>0xC4CEB9FE1A85EC53
    return (hash >> 32) * table.n_slots >> 32


cdef inline uint64_t *look(const Table *table, uint64_t key) noexcept nogil:
    """The only slot where an n-gram can be."""
    cdef uint64_t hash = hash_of(table, key)
    return table.slots + slot_of(table, hash, table.pilots[bucket_of(table, hash)]) * table.width


cdef inline uint64_t suffix_of(uint64_t key, int n) noexcept nogil:
    """An n-gram of `n` bytes without its first byte."""
    return key & ((<uint64_t>1 << 8 * (n - 1)) - 1)


cdef inline uint64_t n_slots_for(Py_ssize_t size) noexcept nogil:
    """A tenth of the slots stays free: without that, the last pilots would be hard to find."""
    return <uint64_t>(size + size // 9 + 1)


cdef inline uint64_t n_buckets_for(Py_ssize_t size) noexcept nogil:
    return <uint64_t>(size // 3 + 1)


cdef int append(Table *table, uint64_t key, double logp) except -1 nogil
cdef int make_table(Table *table, int n, const Table *shorter) except -1 nogil
cdef void free_table(Table *table) noexcept nogil
