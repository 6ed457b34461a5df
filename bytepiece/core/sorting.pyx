"""Sorting byte strings, and numbers by weight."""

from libc.stdint cimport uint8_t, uint32_t
from libc.stdlib cimport free, malloc, qsort
from libc.string cimport memcmp, memcpy, memset

from bytepiece.core.memory cimport Pool, pool_array


cdef int compare_bytes(const uint8_t *a, size_t n_a, const uint8_t *b, size_t n_b) noexcept nogil:
    """Negative, zero or positive, as the first string comes before the second, is equal, or comes after."""
    cdef int order = memcmp(a, b, min(n_a, n_b))
    return order if order else (n_a > n_b) - (n_a < n_b)


cdef void set_key(SortKey *key, const uint8_t *bytes, uint32_t length, uint32_t number) noexcept nogil:
    cdef uint32_t k
    key.prefix = 0
    for k in range(8):
        key.prefix = key.prefix << 8 | (bytes[k] if k < length else 0)
    key.bytes = bytes
    key.length = length
    key.number = number


cdef int compare_keys(const void *a, const void *b) noexcept nogil:
    cdef const SortKey *x = <const SortKey *>a
    cdef const SortKey *y = <const SortKey *>b
    cdef int order
    if x.prefix != y.prefix:
        return -1 if x.prefix < y.prefix else 1
    order = compare_bytes(x.bytes, x.length, y.bytes, y.length)
    return order if order else (x.number > y.number) - (x.number < y.number)


cdef int sort_keys(SortKey *keys, size_t n) except -1 nogil:
    """Sort keys by their strings, equal strings by number.

    A radix sort of the prefixes, then of each run of equal prefixes a comparison sort.
    """
    cdef size_t counts[8][256]
    cdef size_t k, end, position, total
    cdef int byte, value
    cdef SortKey *source = keys
    cdef SortKey *target
    cdef SortKey *spare
    k = 1
    while k < n and compare_keys(&keys[k - 1], &keys[k]) <= 0:
        k += 1
    if k >= n:
        return 0    # they were sorted
    spare = <SortKey *>malloc(n * sizeof(SortKey))
    if spare == NULL:
        raise MemoryError("no memory to sort pieces")
    memset(counts, 0, sizeof(counts))
    for k in range(n):
        for byte in range(8):
            counts[byte][keys[k].prefix >> 8 * byte & 0xFF] += 1
    target = spare
    for byte in range(8):
        total = 0
        for value in range(256):
            position = total
            total += counts[byte][value]
            counts[byte][value] = position
        for k in range(n):
            value = <int>(source[k].prefix >> 8 * byte & 0xFF)
            target[counts[byte][value]] = source[k]
            counts[byte][value] += 1
        source, target = target, source
    # After eight rounds they are back in `keys`.
    k = 0
    while k < n:
        end = k + 1
        while end < n and keys[end].prefix == keys[k].prefix:
            end += 1
        if end - k > 1:
            qsort(keys + k, end - k, sizeof(SortKey), compare_keys)
        k = end
    free(spare)
    return 0


cdef int order_descending(const float *weights, uint32_t n, uint32_t *order, Pool *pool) except -1 nogil:
    """The numbers 0 to `n` - 1 from the greatest weight to the least; no weight is negative.

    A counting sort by the upper half of each float: exact enough, and stable, so that ties keep their order.
    """
    cdef uint32_t *starts = <uint32_t *>pool_array(pool, 1 << 16, sizeof(uint32_t))
    cdef uint32_t k, bits, bucket, size, total = 0
    for k in range(n):
        memcpy(&bits, &weights[k], 4)
        starts[0xFFFF - (bits >> 16)] += 1
    for bucket in range(1 << 16):
        size = starts[bucket]
        starts[bucket] = total
        total += size
    for k in range(n):
        memcpy(&bits, &weights[k], 4)
        bucket = 0xFFFF - (bits >> 16)
        order[starts[bucket]] = k
        starts[bucket] += 1
    return 0
