from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

from bytepiece.core.memory cimport Pool


cdef enum:
    NO_SYMBOL = 0xFFFF      # as a label: that of no symbol


# A text, or a part of one: bytes, or the code points of a `str`, in units of 1, 2 or 4 bytes as Python keeps them.
cdef struct Text:
    const void *units
    size_t n                # units
    int unit                # the size of one, or 0: these are bytes


# What an automaton goes through, step by step: bytes; or characters, in Chinese three bytes a step. Each has a symbol.
# Bytes that form no character have symbols of their own; characters that are in no piece share one; lone surrogates,
# which have no bytes, share one that is an error.
cdef struct Alphabet:
    bint has_characters
    uint32_t n_symbols
    uint16_t bytes[256]     # the symbols of single bytes
    uint16_t unknown        # the symbol of characters in no piece; NO_SYMBOL among bytes
    uint16_t surrogate
    uint16_t *basic         # the symbols of the code points below 0x10000
    uint16_t *page_of       # of the others, by their upper bits
    uint16_t *pages         # by the page and their lower bits


cdef void byte_alphabet(Alphabet *alphabet) noexcept nogil
cdef bint character_alphabet(
    Alphabet *alphabet, const uint8_t *text, const int64_t *offsets, const double *scores, size_t n_pieces, Pool *pool
) except -1 nogil
cdef void close_alphabet(Alphabet *alphabet) noexcept nogil
cdef Text text_of(const Alphabet *alphabet, object text, size_t begin, size_t end) except *
cdef size_t character_end(const Alphabet *alphabet, const Text *text, size_t position) noexcept nogil
cdef Py_ssize_t read_symbols(
    const Alphabet *alphabet, const Text *text, size_t begin, size_t end, uint16_t *symbols, uint32_t *characters
) except -1 nogil
cdef size_t read_bytes(
    const Alphabet *alphabet, const uint8_t *text, size_t n, uint16_t *symbols, uint32_t *characters
) noexcept nogil
cdef size_t first_symbol(const Alphabet *alphabet, const uint8_t *text, size_t n, uint32_t *symbol) noexcept nogil
