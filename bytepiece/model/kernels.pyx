"""Packed pieces: read from model files, and looked up."""

from libc.stdint cimport INT64_MAX, UINT32_MAX, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memchr, memcmp, memset

from bytepiece.core.buffers cimport items

import numpy as np

cdef const uint8_t *BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


# Where pieces and counts go; there is room for all that a file of this size can hold.
cdef struct Columns:
    uint8_t *data
    int64_t *offsets
    int64_t *counts
    size_t n
    size_t n_bytes


cdef inline int hex_value(uint8_t digit) noexcept nogil:
    """The value of a lower-case hexadecimal digit, or -1."""
    if 48 <= digit <= 57:
        return digit - 48
    return digit - 87 if 97 <= digit <= 102 else -1


cdef const uint8_t *read_escaped(const uint8_t *text, const uint8_t *end, Columns *out) noexcept nogil:
    """Read a piece up to a tab, as `bytepiece.text.display.unescape_piece` does.

    Returns where it ends, NULL if it is none.
    """
    cdef int high, low
    while text < end and text[0] != 9:
        if text[0] != 92:    # a backslash
            out.data[out.n_bytes] = text[0]
            text += 1
        elif end - text < 2:
            return NULL
        elif text[1] == 120:    # x
            high = hex_value(text[2]) if end - text >= 4 else -1
            low = hex_value(text[3]) if end - text >= 4 else -1
            if high < 0 or low < 0:
                return NULL
            out.data[out.n_bytes] = <uint8_t>(high << 4 | low)
            text += 4
        else:
            if text[1] == 92:
                out.data[out.n_bytes] = 92
            elif text[1] == 116:    # t
                out.data[out.n_bytes] = 9
            elif text[1] == 110:    # n
                out.data[out.n_bytes] = 10
            elif text[1] == 114:    # r
                out.data[out.n_bytes] = 13
            else:
                return NULL
            text += 2
        out.n_bytes += 1
    return text if text < end else NULL


cdef const uint8_t *read_number(const uint8_t *text, const uint8_t *end, int64_t *number) noexcept nogil:
    """Read digits; returns where they end, NULL where there are none, or too many for 63 bits."""
    cdef const uint8_t *begin = text
    cdef int64_t value = 0
    cdef int digit
    while text < end and 48 <= text[0] <= 57:
        digit = text[0] - 48
        if value > (INT64_MAX - digit) // 10:
            return NULL
        value = 10 * value + digit
        text += 1
    number[0] = value
    return text if text > begin else NULL


cdef inline void add_row(Columns *out, int64_t count) noexcept nogil:
    out.counts[out.n] = count
    out.n += 1
    out.offsets[out.n] = <int64_t>out.n_bytes


cdef bint read_rows(const uint8_t *text, size_t n, Columns *out) noexcept nogil:
    """Read lines ``piece<TAB>count``; whether all are such."""
    cdef const uint8_t *end = text + n
    cdef const uint8_t *line_end
    cdef int64_t count = 0
    while text < end:
        line_end = <const uint8_t *>memchr(text, 10, end - text)
        if line_end == NULL:
            return False
        text = read_escaped(text, line_end, out)
        if text == NULL:
            return False
        if read_number(text + 1, line_end, &count) != line_end:
            return False
        add_row(out, count)
        text = line_end + 1
    return True


cdef const uint8_t *skip(const uint8_t *text, const uint8_t *end, const char *expected, size_t n) noexcept nogil:
    """What comes after an expected string; NULL if that is not there."""
    if text == NULL or <size_t>(end - text) < n or memcmp(text, expected, n) != 0:
        return NULL
    return text + n


cdef const uint8_t *skip_string(const uint8_t *text, const uint8_t *end) noexcept nogil:
    """What comes after a JSON string whose first character is at `text`; NULL if it is none."""
    cdef int k
    while text < end and text[0] != 34:
        if text[0] < 0x20:
            return NULL
        if text[0] == 92:
            text += 1
            if text == end or memchr(b'"\\/bfnrtu', text[0], 9) == NULL:
                return NULL
            if text[0] == 117:    # u, then four digits
                if end - text < 5:
                    return NULL
                for k in range(1, 5):
                    if hex_value(text[k] | 0x20) < 0 or text[k] < 48:
                        return NULL
                text += 4
        text += 1
    return text + 1 if text < end else NULL


cdef const uint8_t *read_base64(
    const uint8_t *text, const uint8_t *end, const uint8_t *values, Columns *out
) noexcept nogil:
    """Read base64 up to a quote; returns what comes after that, NULL unless all is canonical."""
    cdef uint32_t group
    cdef size_t n
    cdef int k
    while end - text >= 5 and text[0] != 34:
        group = 0
        n = 3
        for k in range(4):
            if k >= 2 and text[k] == 61:    # =
                n = <size_t>k - 1
                break
            if values[text[k]] == 0xFF:
                return NULL
            group |= <uint32_t>values[text[k]] << (18 - 6 * k)
        if n == 1 and text[3] != 61:
            return NULL
        if group & (0xFFFFFF >> 8 * n):
            return NULL
        for k in range(<int>n):
            out.data[out.n_bytes] = <uint8_t>(group >> (16 - 8 * k))
            out.n_bytes += 1
        text += 4
        if n < 3:
            break
    return text + 1 if text < end and text[0] == 34 else NULL


cdef bint read_entries(
    const uint8_t *text, size_t n, int64_t first_id, const uint8_t *values, Columns *out
) noexcept nogil:
    """Read BytePiece's JSON as BytePiece writes it; whether it is that."""
    cdef const uint8_t *end = text + n
    cdef int64_t id = 0, count = 0
    text = skip(text, end, b"{", 1)
    while True:
        text = skip(text, end, b'\n    "', 6)
        if text == NULL:
            return False
        text = skip(read_base64(text, end, values, out), end, b": [\n        ", 12)
        if text == NULL or text[0] == 48:
            return False
        text = read_number(text, end, &id)
        if id != first_id + <int64_t>out.n:
            return False
        text = skip(text, end, b',\n        "', 11)
        if text == NULL:
            return False
        text = skip(skip_string(text, end), end, b",\n        ", 10)
        if text == NULL or text[0] == 48:
            return False
        text = skip(read_number(text, end, &count), end, b"\n    ]", 6)
        if text == NULL:
            return False
        add_row(out, count)
        if text == end or text[0] != 44:    # a comma
            break
        text += 1
    return skip(text, end, b"\n}", 2) == end


def parse_rows(bytes text):
    """The lines ``piece<TAB>count`` of a model file, pieces escaped by `bytepiece.text.display.escape_piece`.

    Returns the pieces one after the other, where each begins and the last ends (int64), and the counts (int64); None
    where a line is no such.
    """
    return parse(text, 3, -1)


def parse_entries(bytes text, int64_t first_id):
    """BytePiece's JSON, which is UTF-8, in the very form in which BytePiece writes it, ids from `first_id` on.

    Returns what `parse_rows` does, None where anything is otherwise: then the JSON library has to say what it is.
    """
    return parse(text, 40, first_id)


cdef object parse(bytes text, Py_ssize_t least, int64_t first_id):
    """Parse rows of at least `least` bytes: entries from an id on, or lines if that is negative."""
    cdef Py_ssize_t n = len(text), n_rows
    cdef const uint8_t *bytes_ = text
    cdef Columns out
    cdef bint done
    cdef uint8_t values[256]
    cdef int k
    data = np.empty(n, dtype=np.uint8)
    offsets = np.zeros(n // least + 2, dtype=np.int64)
    counts = np.empty(n // least + 2, dtype=np.int64)
    memset(&out, 0, sizeof(Columns))
    out.data = <uint8_t *>items(data, 1, &n_rows, True)
    out.offsets = <int64_t *>items(offsets, 8, &n_rows, True)
    out.counts = <int64_t *>items(counts, 8, &n_rows, True)
    memset(values, 0xFF, 256)
    for k in range(64):
        values[BASE64[k]] = <uint8_t>k
    with nogil:
        if first_id < 0:
            done = read_rows(bytes_, n, &out)
        else:
            done = read_entries(bytes_, n, first_id, values, &out)
    if not done:
        return None
    return data[: out.n_bytes].tobytes(), offsets[: out.n + 1].copy(), counts[: out.n].copy()


cdef inline uint64_t hash_of(const uint8_t *piece, size_t n, uint64_t hash) noexcept nogil:
    cdef size_t k
    for k in range(n):
        hash = (hash ^ piece[k]) * <uint64_t>0x9E3779B97F4A7C15
        hash ^= hash >> 29
    return hash


def find_repeat(bytes data, offsets, seed):
    """The first piece that was there before, and the number of that one; None if all are distinct.

    Pieces are given as `parse_rows` returns them. With a random seed nobody can make pieces whose hashes collide; the
    result does not depend on it.
    """
    cdef uint64_t hash = <uint64_t>(seed & 0xFFFFFFFFFFFFFFFF)
    cdef Py_ssize_t n_offsets, n, k
    cdef const uint8_t *text = data
    cdef const int64_t *offset = <const int64_t *>items(offsets, 8, &n_offsets)
    cdef size_t size = 64, place, length
    cdef uint32_t *numbers
    cdef uint32_t number = UINT32_MAX
    n = n_offsets - 1
    if offset[0] != 0 or offset[n] != len(data) or n >= UINT32_MAX:
        raise ValueError("pieces and offsets do not match")
    while size < 2 * <size_t>n:
        size *= 2
    numbers = <uint32_t *>malloc(size * sizeof(uint32_t))
    if numbers == NULL:
        raise MemoryError("no memory to compare pieces")
    with nogil:
        memset(numbers, 0xFF, size * sizeof(uint32_t))
        k = 0
        while k < n:
            length = <size_t>(offset[k + 1] - offset[k])
            place = hash_of(text + offset[k], length, hash) & (size - 1)
            while True:
                number = numbers[place]
                if number == UINT32_MAX or (
                    <size_t>(offset[number + 1] - offset[number]) == length
                    and memcmp(text + offset[number], text + offset[k], length) == 0
                ):
                    break
                place = (place + 1) & (size - 1)
            if number != UINT32_MAX:
                break
            numbers[place] = <uint32_t>k
            k += 1
    free(numbers)
    return (k, number) if k < n else None
