"""Making the hash tables of the n-gram model."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc

from bytepiece.core.memory cimport allocate_table, prefetch

cdef enum:
    AHEAD = 32           # n-grams from fetching a slot to its use
    N_PILOTS = 1 << 16
    LARGEST_BUCKET = 32  # buckets have about three n-grams; with any seed but a bad one, none has half as many

cdef uint64_t NO_NGRAM = ~<uint64_t>0


cdef int append(Table *table, uint64_t key, double logp) except -1 nogil:
    cdef Py_ssize_t capacity
    cdef void *grown
    if table.size == table.capacity:
        capacity = table.capacity + table.capacity // 2 + 1024
        if capacity >= <Py_ssize_t>0xFFFFFFFF:
            raise MemoryError("more than 2**32 n-grams of one length: raise min_count")
        grown = realloc(table.ngrams, capacity * sizeof(Ngram))
        if grown == NULL:
            raise MemoryError("no memory for the n-gram model")
        table.ngrams = <Ngram *>grown
        table.capacity = capacity
    table.ngrams[table.size].key = key
    table.ngrams[table.size].logp = logp
    table.size += 1
    return 0


cdef int make_table(Table *table, int n, const Table *shorter) except -1 nogil:
    """Turn the list of all n-grams of `n` bytes into a hash table; `shorter` is that of `n` - 1 bytes."""
    cdef Py_ssize_t k
    cdef int j
    cdef uint64_t key
    cdef uint64_t *slot
    cdef const uint64_t *suffix
    table.width = n - 1
    table.n_slots = n_slots_for(table.size)
    table.n_buckets = n_buckets_for(table.size)
    table.pilots = <uint16_t *>calloc(table.n_buckets, sizeof(uint16_t))
    table.slots = <uint64_t *>allocate_table(table.n_slots * table.width * sizeof(uint64_t))
    if table.pilots == NULL or table.slots == NULL:
        raise MemoryError("no memory for the n-gram model")
    while not find_pilots(table):
        table.seed += <uint64_t>0xA0761D6478BD642F
    for k in range(<Py_ssize_t>table.n_slots):
        table.slots[k * table.width] = NO_NGRAM
    for k in range(table.size):
        if k + AHEAD < table.size:
            key = table.ngrams[k + AHEAD].key
            prefetch(look(table, key))
            if n > 3:
                prefetch(look(shorter, suffix_of(key, n)))
        key = table.ngrams[k].key
        slot = look(table, key)
        slot[0] = key
        if n > 3:
            suffix = look(shorter, suffix_of(key, n))
            if suffix[0] != suffix_of(key, n):
                raise ValueError("an n-gram is counted more often than its suffix")
            for j in range(1, n - 2):
                slot[j] = suffix[j]
        slot[n - 2] = flipped(table.ngrams[k].logp)
    free(table.ngrams)
    table.ngrams = NULL
    table.capacity = 0
    return 0


cdef int find_pilots(Table *table) except -1 nogil:
    """Find pilots that send each n-gram to a slot of its own: those of large buckets first, while most slots are free.

    Returns 0 if there are none: then another seed must be tried.
    """
    cdef Py_ssize_t k, size, most = 0, bucket, n_buckets = <Py_ssize_t>table.n_buckets
    cdef uint64_t hash
    cdef int pilot
    cdef uint32_t *begins = <uint32_t *>calloc(n_buckets + 2, sizeof(uint32_t))
    cdef uint64_t *hashes = <uint64_t *>malloc(table.size * sizeof(uint64_t) + 1)
    cdef uint8_t *taken = <uint8_t *>calloc(table.n_slots // 8 + 1, 1)
    try:
        if begins == NULL or hashes == NULL or taken == NULL:
            raise MemoryError("no memory for the n-gram model")
        # Counting sort by bucket: the hashes of a bucket are hashes[begins[bucket]:begins[bucket + 1]] in the end.
        for k in range(table.size):
            begins[bucket_of(table, hash_of(table, table.ngrams[k].key)) + 2] += 1
        for bucket in range(n_buckets):
            most = max(most, <Py_ssize_t>begins[bucket + 2])
            begins[bucket + 2] += begins[bucket + 1]
        for k in range(table.size):
            hash = hash_of(table, table.ngrams[k].key)
            bucket = bucket_of(table, hash)
            hashes[begins[bucket + 1]] = hash
            begins[bucket + 1] += 1
        if most > LARGEST_BUCKET:
            return 0
        for size in range(most, 0, -1):
            for bucket in range(n_buckets):
                if begins[bucket + 1] - begins[bucket] != size:
                    continue
                pilot = find_pilot(table, hashes + begins[bucket], <int>size, taken)
                if pilot == N_PILOTS:
                    return 0
                table.pilots[bucket] = <uint16_t>pilot
    finally:
        free(begins)
        free(hashes)
        free(taken)
    return 1


cdef int find_pilot(const Table *table, const uint64_t *hashes, int size, uint8_t *taken) noexcept nogil:
    """Take the slots to which the first pilot sends these hashes that finds all of them free.

    Returns the pilot, N_PILOTS if there is none.
    """
    cdef uint64_t slots[32]
    cdef int pilot, j = 0, k
    for pilot in range(N_PILOTS):
        for j in range(size):
            slots[j] = slot_of(table, hashes[j], pilot)
            if taken[slots[j] >> 3] >> (slots[j] & 7) & 1:
                break
            taken[slots[j] >> 3] |= <uint8_t>(1 << (slots[j] & 7))
        else:
            return pilot
        for k in range(j):
            taken[slots[k] >> 3] &= <uint8_t>~(1 << (slots[k] & 7))
    return N_PILOTS


cdef void free_table(Table *table) noexcept nogil:
    free(table.ngrams)
    free(table.slots)
    free(table.pilots)
