"""Byte strings hashed and compared, for hash tables."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy


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
    """A hash of a byte string, eight bytes a step. The last step takes the last eight bytes, some of them again."""
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
    """Whether two byte strings of one length are equal; a call of memcmp costs more for such short ones."""
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
