from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

from bytepiece.core.memory cimport Pool


cdef enum:
    NO_SYMBOL = 0xFFFF      # the label of a slot that no symbol leads to


# A text, or a part of one: bytes, or the code points of a `str` as Python keeps them, in units of 1, 2 or 4 bytes.
cdef struct Text:
    const void *units
    size_t n                # units
    int unit                # the size of one unit in a `str`; 0 in bytes


# What an automaton reads, step by step. Of bytes, each is its own symbol. Characters save steps, two of three in
# Chinese. An alphabet of characters has symbols for
#
# * each character that is in some piece;
# * each byte from 0x80 on, for bytes that form no character (a byte below is the character of that code);
# * all characters that are in no piece, together: `unknown`;
# * all surrogates, together, which are an error: `surrogate`.
#
# The symbol of a code point is looked up in one table below 0x10000, and in two steps above, where few are in use:
#
#     basic[code]
#     pages[256 * page_of[code / 256] + code % 256]      all pages without a symbol are page 0
cdef struct Alphabet:
    bint has_characters
    uint32_t n_symbols
    uint16_t bytes[256]     # the symbols of single bytes
    uint16_t unknown        # NO_SYMBOL if the symbols are bytes
    uint16_t surrogate
    uint16_t *basic
    uint16_t *page_of
    uint16_t *pages


cdef void byte_alphabet(Alphabet *alphabet) noexcept nogil
cdef bint character_alphabet(
    Alphabet *alphabet, const uint8_t *text, const int64_t *offsets, const double *scores, size_t n_pieces, Pool *pool
) except -1 nogil
cdef void close_alphabet(Alphabet *alphabet) noexcept nogil
cdef Text text_of(const Alphabet *alphabet, object text, size_t begin, size_t end) except *
cdef size_t character_start(const Alphabet *alphabet, const Text *text, size_t position) noexcept nogil
cdef Py_ssize_t read_symbols(
    const Alphabet *alphabet, const Text *text, size_t begin, size_t end, uint16_t *symbols, uint32_t *characters
) except -1 nogil
cdef size_t read_bytes(
    const Alphabet *alphabet, const uint8_t *text, size_t n, uint16_t *symbols, uint32_t *characters
) noexcept nogil
cdef size_t first_symbol(const Alphabet *alphabet, const uint8_t *text, size_t n, uint32_t *symbol) noexcept nogil
