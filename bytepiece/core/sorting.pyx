"""Byte strings, sorted."""

from libc.stdint cimport uint8_t, uint32_t
from libc.stdlib cimport free, malloc, qsort
from libc.string cimport memcmp, memset


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
    if x.prefix != y.prefix:
        return -1 if x.prefix < y.prefix else 1
    return compare_bytes(x.bytes, x.length, y.bytes, y.length)


cdef int sort_keys(SortKey *keys, size_t n) except -1 nogil:
    """Sort keys by their strings: a radix sort of the prefixes, then the few that are equal in these."""
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
        return 0
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
