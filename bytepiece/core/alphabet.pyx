"""The symbols that an automaton reads instead of bytes, where all pieces consist of whole characters."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND
from libc.math cimport exp
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

from bytepiece.core.memory cimport Pool, pool_array
from bytepiece.core.sorting cimport order_descending
from bytepiece.core.utf8 cimport continues, read_character

cdef extern from *:
    """
    #if PY_VERSION_HEX < 0x030C0000
    #define bytepiece_ready(text) PyUnicode_READY(text)    /* since then all are */
    #else
    #define bytepiece_ready(text) 0
    #endif
    """
    int ready "bytepiece_ready"(object text) except -1

cdef enum:
    CODES = 0x110000        # of Unicode
    BASIC = 0x10000         # those that a flat table has
    PAGE = 256


cdef void byte_alphabet(Alphabet *alphabet) noexcept nogil:
    """The alphabet in which each byte is its own symbol."""
    cdef uint32_t byte
    memset(alphabet, 0, sizeof(Alphabet))
    alphabet.n_symbols = 256
    alphabet.unknown = NO_SYMBOL
    for byte in range(256):
        alphabet.bytes[byte] = <uint16_t>byte


cdef bint character_alphabet(
    Alphabet *alphabet, const uint8_t *text, const int64_t *offsets, const double *scores, size_t n_pieces, Pool *pool
) except -1 nogil:
    """The alphabet of the characters in some pieces, and of all bytes; frequent ones come first.

    Returns False where there is none: a piece of several bytes is not made of whole characters, or all have too many.
    """
    # Code points, then the bytes from 0x80 on, which are no characters.
    cdef float *heat = <float *>pool_array(pool, CODES + 256, sizeof(float))
    cdef uint8_t *found = <uint8_t *>pool_array(pool, CODES + 256, 1)
    cdef uint32_t *codes
    cdef uint32_t *order
    cdef float *heats
    cdef const uint8_t *piece
    cdef size_t k, position, length, n
    cdef uint32_t code, n_symbols = 0, n_pages = 1, symbol, page
    cdef float probability
    byte_alphabet(alphabet)
    for code in range(128):
        found[code] = found[CODES + 128 + code] = 1
    for k in range(n_pieces):
        piece = text + offsets[k]
        n = <size_t>(offsets[k + 1] - offsets[k])
        if n == 1 and piece[0] >= 0x80:
            continue
        probability = <float>exp(scores[k])
        position = 0
        while position < n:
            length = read_character(piece + position, n - position, &code)
            if length == 0:
                return False
            found[code] = 1
            heat[code] += probability
            position += length
    for code in range(CODES + 256):
        n_symbols += found[code]
    if n_symbols >= NO_SYMBOL - 1:
        return False
    codes = <uint32_t *>pool_array(pool, n_symbols, sizeof(uint32_t))
    heats = <float *>pool_array(pool, n_symbols, sizeof(float))
    order = <uint32_t *>pool_array(pool, n_symbols, sizeof(uint32_t))
    n_symbols = 0
    for code in range(CODES + 256):
        if found[code]:
            codes[n_symbols] = code
            heats[n_symbols] = heat[code]
            n_pages += code >= BASIC and (n_symbols == 0 or codes[n_symbols - 1] // PAGE != code // PAGE)
            n_symbols += 1
    order_descending(heats, n_symbols, order, pool)
    alphabet.has_characters = True
    alphabet.n_symbols = n_symbols + 2
    alphabet.unknown = <uint16_t>n_symbols
    alphabet.surrogate = <uint16_t>(n_symbols + 1)
    alphabet.basic = <uint16_t *>malloc(BASIC * sizeof(uint16_t))
    alphabet.page_of = <uint16_t *>calloc(CODES // PAGE, sizeof(uint16_t))
    alphabet.pages = <uint16_t *>malloc(n_pages * PAGE * sizeof(uint16_t))
    if alphabet.basic == NULL or alphabet.page_of == NULL or alphabet.pages == NULL:
        raise MemoryError("no memory for an alphabet")
    for code in range(BASIC):
        alphabet.basic[code] = alphabet.surrogate if 0xD800 <= code < 0xE000 else alphabet.unknown
    for k in range(n_pages * PAGE):
        alphabet.pages[k] = alphabet.unknown
    n_pages = 1    # the first one has no symbols
    for symbol in range(n_symbols):
        code = codes[order[symbol]]
        if code >= CODES:
            alphabet.bytes[code - CODES] = <uint16_t>symbol
        elif code < BASIC:
            alphabet.basic[code] = <uint16_t>symbol
            if code < 0x80:
                alphabet.bytes[code] = <uint16_t>symbol
        else:
            page = code // PAGE
            if alphabet.page_of[page] == 0:
                alphabet.page_of[page] = <uint16_t>n_pages
                n_pages += 1
            alphabet.pages[alphabet.page_of[page] * PAGE + code % PAGE] = <uint16_t>symbol
    return True


cdef void close_alphabet(Alphabet *alphabet) noexcept nogil:
    free(alphabet.basic)
    free(alphabet.page_of)
    free(alphabet.pages)


cdef inline uint16_t symbol_of(const Alphabet *alphabet, uint32_t code) noexcept nogil:
    if code < BASIC:
        return alphabet.basic[code]
    return alphabet.pages[alphabet.page_of[code // PAGE] * PAGE + code % PAGE]


cdef size_t first_symbol(const Alphabet *alphabet, const uint8_t *text, size_t n, uint32_t *symbol) noexcept nogil:
    """The symbol that a text of at least one byte begins with, and its length in bytes."""
    cdef uint32_t code
    cdef size_t length = read_character(text, n, &code) if alphabet.has_characters else 0
    symbol[0] = symbol_of(alphabet, code) if length else alphabet.bytes[text[0]]
    return length if length else 1


cdef Text text_of(const Alphabet *alphabet, object text, size_t begin, size_t end) except *:
    """A part of a ``bytes`` or, where the alphabet has characters, of a ``str``. The caller keeps that alive."""
    cdef Text part
    cdef size_t n
    if isinstance(text, bytes):
        part.unit = 0
        n = PyBytes_GET_SIZE(text)
        part.units = PyBytes_AS_STRING(text) + begin
    elif alphabet.has_characters and isinstance(text, str):
        ready(text)
        part.unit = PyUnicode_KIND(text)
        n = PyUnicode_GET_LENGTH(text)
        part.units = <const uint8_t *>PyUnicode_DATA(text) + begin * <size_t>part.unit
    else:
        raise TypeError(f"text must be {'str or ' if alphabet.has_characters else ''}bytes, not {type(text).__name__}")
    if not begin <= end <= n:
        raise ValueError(f"part from {begin} to {end} of a text of {n}")
    part.n = end - begin
    return part


cdef size_t character_end(const Alphabet *alphabet, const Text *text, size_t position) noexcept nogil:
    """The last position up to `position`, which is less than `text.n`, that is not within a character."""
    cdef const uint8_t *data = <const uint8_t *>text.units
    cdef size_t least = position - min(position, <size_t>3)    # at most three bytes continue a character
    if alphabet.has_characters and text.unit == 0:
        while position > least and continues(data[position]):
            position -= 1
    return position


cdef Py_ssize_t read_symbols(
    const Alphabet *alphabet, const Text *text, size_t begin, size_t end, uint16_t *symbols, uint32_t *characters
) except -1 nogil:
    """The symbols of a part of a text, and which characters they stand for, where they do; returns how many.

    Raises ``UnicodeError`` for a lone surrogate.
    """
    cdef const uint8_t *bytes = <const uint8_t *>text.units
    cdef const uint16_t *units = <const uint16_t *>text.units
    cdef const uint32_t *codes = <const uint32_t *>text.units
    cdef const uint16_t *basic = alphabet.basic
    cdef uint16_t symbol, surrogate = alphabet.surrogate
    cdef size_t position, k = end - begin
    cdef bint found = False
    if text.unit == 0:
        return read_bytes(alphabet, bytes + begin, k, symbols, characters)
    if text.unit == 1:
        for position in range(k):
            characters[position] = bytes[begin + position]
        for position in range(k):
            symbols[position] = basic[bytes[begin + position]]
    elif text.unit == 2:
        for position in range(k):
            characters[position] = units[begin + position]
            found |= units[begin + position] & 0xF800 == 0xD800
        for position in range(k):
            symbols[position] = basic[units[begin + position]]
    else:
        for position in range(begin, end):
            symbol = symbol_of(alphabet, codes[position])
            found |= symbol == surrogate
            symbols[position - begin] = symbol
            characters[position - begin] = codes[position]
    if found:
        raise UnicodeError("a lone surrogate")
    return k


cdef size_t read_bytes(
    const Alphabet *alphabet, const uint8_t *text, size_t n, uint16_t *symbols, uint32_t *characters
) noexcept nogil:
    cdef size_t position = 0, length, k = 0
    cdef uint32_t code
    if not alphabet.has_characters:
        for position in range(n):
            symbols[position] = text[position]
        return n
    while position < n:
        length = read_character(text + position, n - position, &code)
        if length:
            symbols[k] = symbol_of(alphabet, code)
            characters[k] = code
        else:
            symbols[k] = alphabet.bytes[text[position]]
            length = 1
        k += 1
        position += length
    return k
