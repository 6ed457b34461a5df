"""The symbols that an automaton reads: bytes, or characters where all pieces consist of whole ones."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND
from libc.math cimport exp
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

from bytepiece.core.memory cimport Pool, pool_array
from bytepiece.core.sorting cimport order_descending
from bytepiece.core.utf8 cimport STRETCH, continues, is_ascii, read_character

cdef extern from *:
    """
    #if PY_VERSION_HEX < 0x030C0000
    #define bytepiece_ready(text) PyUnicode_READY(text)    /* since 3.12 every str is ready */
    #else
    #define bytepiece_ready(text) 0
    #endif
    """
    int ready "bytepiece_ready"(object text) except -1

cdef enum:
    N_CODES = 0x110000              # the code points of Unicode
    N_KEYS = N_CODES + 256          # what may have a symbol: code points, then the bytes that form no character
    N_BASIC = 0x10000               # code points that the flat table has
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
    """The alphabet of the characters in some pieces, and of the bytes; the most probable have the lowest symbols.

    Returns False if there is no such alphabet: a piece of several bytes is not made of whole characters, or there are
    too many different ones.
    """
    cdef float *heat = <float *>pool_array(pool, N_KEYS, sizeof(float))
    cdef uint8_t *found = <uint8_t *>pool_array(pool, N_KEYS, 1)
    cdef uint32_t *keys
    cdef uint32_t *order
    cdef float *heats
    cdef uint32_t key, n = 0, k
    byte_alphabet(alphabet)
    if not find_characters(text, offsets, scores, n_pieces, found, heat):
        return False
    for key in range(N_KEYS):
        n += found[key]
    if n >= NO_SYMBOL - 1:
        return False
    keys = <uint32_t *>pool_array(pool, n, sizeof(uint32_t))
    heats = <float *>pool_array(pool, n, sizeof(float))
    order = <uint32_t *>pool_array(pool, n, sizeof(uint32_t))
    k = 0
    for key in range(N_KEYS):
        if found[key]:
            keys[k] = key
            heats[k] = heat[key]
            k += 1
    order_descending(heats, n, order, pool)
    make_tables(alphabet, keys, n)
    for k in range(n):
        set_symbol(alphabet, keys[order[k]], <uint16_t>k)
    return True


cdef bint find_characters(
    const uint8_t *text, const int64_t *offsets, const double *scores, size_t n_pieces, uint8_t *found, float *heat
) noexcept nogil:
    """Mark what needs a symbol, and sum up how probable it is; returns False at a piece that cuts a character."""
    cdef const uint8_t *piece
    cdef size_t k, position, length, n
    cdef uint32_t code
    cdef float probability
    for code in range(128):
        found[code] = found[N_CODES + 128 + code] = 1
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
    return True


cdef int make_tables(Alphabet *alphabet, const uint32_t *keys, uint32_t n) except -1 nogil:
    """Make the tables for the symbols of some keys, which ascend; as yet, no code point has a symbol of its own."""
    cdef uint32_t k, code, n_pages = 1    # page 0 has no symbols
    alphabet.has_characters = True
    alphabet.n_symbols = n + 2
    alphabet.unknown = <uint16_t>n
    alphabet.surrogate = <uint16_t>(n + 1)
    alphabet.basic = <uint16_t *>malloc(N_BASIC * sizeof(uint16_t))
    alphabet.page_of = <uint16_t *>calloc(N_CODES // PAGE, sizeof(uint16_t))
    if alphabet.basic == NULL or alphabet.page_of == NULL:
        raise MemoryError("no memory for an alphabet")
    for code in range(N_BASIC):
        alphabet.basic[code] = alphabet.surrogate if 0xD800 <= code < 0xE000 else alphabet.unknown
    for k in range(n):
        if N_BASIC <= keys[k] < N_CODES and alphabet.page_of[keys[k] // PAGE] == 0:
            alphabet.page_of[keys[k] // PAGE] = <uint16_t>n_pages
            n_pages += 1
    alphabet.pages = <uint16_t *>malloc(<size_t>n_pages * PAGE * sizeof(uint16_t))
    if alphabet.pages == NULL:
        raise MemoryError("no memory for an alphabet")
    for k in range(n_pages * PAGE):
        alphabet.pages[k] = alphabet.unknown
    return 0


cdef void set_symbol(Alphabet *alphabet, uint32_t key, uint16_t symbol) noexcept nogil:
    if key >= N_CODES:
        alphabet.bytes[key - N_CODES] = symbol
    elif key >= N_BASIC:
        alphabet.pages[alphabet.page_of[key // PAGE] * PAGE + key % PAGE] = symbol
    else:
        alphabet.basic[key] = symbol
        if key < 0x80:
            alphabet.bytes[key] = symbol


cdef void close_alphabet(Alphabet *alphabet) noexcept nogil:
    free(alphabet.basic)
    free(alphabet.page_of)
    free(alphabet.pages)


cdef inline uint16_t symbol_of(const Alphabet *alphabet, uint32_t code) noexcept nogil:
    if code < N_BASIC:
        return alphabet.basic[code]
    return alphabet.pages[alphabet.page_of[code // PAGE] * PAGE + code % PAGE]


cdef size_t first_symbol(const Alphabet *alphabet, const uint8_t *text, size_t n, uint32_t *symbol) noexcept nogil:
    """Read the symbol that a text of `n` >= 1 bytes begins with; returns its length in bytes."""
    cdef uint32_t code
    cdef size_t length = read_character(text, n, &code) if alphabet.has_characters else 0
    symbol[0] = symbol_of(alphabet, code) if length else alphabet.bytes[text[0]]
    return length if length else 1


cdef Text text_of(const Alphabet *alphabet, object text, size_t begin, size_t end) except *:
    """The part from `begin` to `end` of a ``bytes``, or of a ``str`` if the alphabet has characters.

    The caller keeps `text` alive.
    """
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


cdef size_t character_start(const Alphabet *alphabet, const Text *text, size_t position) noexcept nogil:
    """Where the character begins that has a unit at `position`; of bytes that are not UTF-8, some place before it.

    `position` itself, where units are characters or symbols are bytes.
    """
    cdef const uint8_t *data = <const uint8_t *>text.units
    cdef size_t least = position - min(position, <size_t>3)    # no character has more continuation bytes
    if alphabet.has_characters and text.unit == 0:
        while position > least and continues(data[position]):
            position -= 1
    return position


cdef Py_ssize_t read_symbols(
    const Alphabet *alphabet, const Text *text, size_t begin, size_t end, uint16_t *symbols, uint32_t *characters
) except -1 nogil:
    """Read the symbols of a part of a text, and the code points of those that are characters; returns their number.

    `symbols` and `characters` have room for as many as the part has units. Raises ``UnicodeError`` for a lone
    surrogate.
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


cdef inline void read_ascii(
    const Alphabet *alphabet, const uint8_t *text, uint16_t *symbols, uint32_t *characters
) noexcept nogil:
    """Read the symbols of `STRETCH` bytes, which are ASCII."""
    cdef uint8_t stretch[16]    # STRETCH; a copy, as compilers take what is written for what might be read
    cdef int k
    memcpy(stretch, text, STRETCH)
    for k in range(STRETCH):
        characters[k] = stretch[k]
    for k in range(STRETCH):
        symbols[k] = alphabet.bytes[stretch[k]]


cdef size_t read_bytes(
    const Alphabet *alphabet, const uint8_t *text, size_t n, uint16_t *symbols, uint32_t *characters
) noexcept nogil:
    """Read the symbols of some bytes, as `read_symbols` does. `characters` may be NULL if symbols are bytes."""
    cdef size_t position = 0, length, k = 0
    cdef uint32_t code
    if not alphabet.has_characters:
        for position in range(n):
            symbols[position] = text[position]
        return n
    while position < n:
        if text[position] < 0x80 and n - position >= STRETCH and is_ascii(text + position):
            read_ascii(alphabet, text + position, symbols + k, characters + k)
            k += STRETCH
            position += STRETCH
            continue
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


def has_surrogates(text):
    """Whether a ``str`` has lone surrogates. It is gone through much faster than anything is segmented."""
    if not isinstance(text, str):
        raise TypeError(f"text must be str, not {type(text).__name__}")
    ready(text)
    cdef int unit = PyUnicode_KIND(text)
    cdef const uint16_t *units = <const uint16_t *>PyUnicode_DATA(text)
    cdef const uint32_t *codes = <const uint32_t *>PyUnicode_DATA(text)
    cdef size_t k, n = PyUnicode_GET_LENGTH(text)
    cdef uint16_t found_units = 0    # of the width of what is compared, for vector instructions
    cdef uint32_t found_codes = 0
    if unit == 2:
        for k in range(n):
            found_units |= units[k] & 0xF800 == 0xD800
    elif unit == 4:
        for k in range(n):
            found_codes |= codes[k] & <uint32_t>0xFFFFF800 == 0xD800
    return (found_units | found_codes) != 0
