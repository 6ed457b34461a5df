"""Characters in UTF-8."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy


cdef enum:
    STRETCH = 16    # bytes that are looked at together


cdef inline bint is_ascii(const uint8_t *text) noexcept nogil:
    """Whether the next `STRETCH` bytes are ASCII."""
    cdef uint64_t words[2]
    memcpy(words, text, STRETCH)
    return (words[0] | words[1]) & <uint64_t>0x8080808080808080 == 0


cdef inline bint continues(uint8_t byte) noexcept nogil:
    """Whether a byte is a continuation byte: one that no character begins with."""
    return byte & 0xC0 == 0x80


cdef inline size_t character_length(uint8_t lead) noexcept nogil:
    """How many bytes the character has that begins with `lead`, in valid UTF-8."""
    if lead < 0xC0:
        return 1
    if lead < 0xE0:
        return 2
    return 3 if lead < 0xF0 else 4


cdef inline size_t read_character(const uint8_t *text, size_t n, uint32_t *code) noexcept nogil:
    """Read the character that a text of `n` >= 1 bytes begins with; returns its length, 0 if there is none.

    As strict as Python: surrogates and overlong forms are not characters.
    """
    cdef uint32_t byte = text[0]
    if byte < 0x80:
        code[0] = byte
        return 1
    if 0xE0 <= byte < 0xF0:
        if n < 3 or not (continues(text[1]) and continues(text[2])):
            return 0
        code[0] = (byte & 0x0F) << 12 | (text[1] & 0x3F) << 6 | (text[2] & 0x3F)
        return 0 if code[0] < 0x800 or code[0] & 0xF800 == 0xD800 else 3
    if 0xC2 <= byte < 0xE0:
        if n < 2 or not continues(text[1]):
            return 0
        code[0] = (byte & 0x1F) << 6 | (text[1] & 0x3F)
        return 2
    if byte < 0xF0 or n < 4 or not (continues(text[1]) and continues(text[2]) and continues(text[3])):
        return 0
    code[0] = (byte & 0x0F) << 18 | (text[1] & 0x3F) << 12 | (text[2] & 0x3F) << 6 | (text[3] & 0x3F)
    return 4 if 0x10000 <= code[0] < 0x110000 else 0


cdef inline size_t write_character(uint32_t code, uint8_t *text) noexcept nogil:
    """Write a character from U+0080 on; returns its length, 2 to 4 bytes."""
    if code < 0x800:
        text[0] = <uint8_t>(0xC0 | code >> 6)
        text[1] = <uint8_t>(0x80 | (code & 0x3F))
        return 2
    if code < 0x10000:
        text[0] = <uint8_t>(0xE0 | code >> 12)
        text[1] = <uint8_t>(0x80 | (code >> 6 & 0x3F))
        text[2] = <uint8_t>(0x80 | (code & 0x3F))
        return 3
    text[0] = <uint8_t>(0xF0 | code >> 18)
    text[1] = <uint8_t>(0x80 | (code >> 12 & 0x3F))
    text[2] = <uint8_t>(0x80 | (code >> 6 & 0x3F))
    text[3] = <uint8_t>(0x80 | (code & 0x3F))
    return 4
