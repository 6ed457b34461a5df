"""Hash tables whose keys are integers: sets, or structs that begin with their key.

A table is an array of a power of two of entries, zero where free, at most half of them taken. An entry lies at the
place that its hash names, or in the first place after it that was free (linear probing)::

    hash & mask
       v
    .  a  b  c  .  .      b and c may have the hash of a, or that of the place where they are

A key is a uint64 other than 0.
"""

from libc.stdint cimport uint8_t, uint64_t


cdef inline uint64_t mix(uint64_t x) noexcept nogil:
    """A hash each bit of which depends on all bits of `x`: the output function of SplitMix64 (Steele et al. 2014)."""
    x = (x ^ x >> 30) * <uint64_t>0xBF58476D1CE4E5B9
    x = (x ^ x >> 27) * <uint64_t>0x94D049BB133111EB
    return x ^ x >> 31


cdef inline size_t place_of_key(
    const void *table, size_t entry_size, size_t mask, uint64_t hash, uint64_t key
) noexcept nogil:
    """The number of the entry with a key, or of the free place where it goes.

    `mask` is the number of places less one. Entries have `entry_size` bytes, the first eight being the key.
    """
    cdef size_t place = <size_t>hash & mask
    cdef uint64_t found
    while True:
        found = (<const uint64_t *>(<const uint8_t *>table + place * entry_size))[0]
        if found == key or found == 0:
            return place
        place = (place + 1) & mask
