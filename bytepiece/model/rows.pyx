"""Kernels of the rows of model files, which are pieces and their counts: they read them as a program wrote them.

Rows that they cannot read may be wrong, or only laid out otherwise: that is for `bytepiece.model.native_format` and
`bytepiece.model.json_format` to tell.
"""

from libc.stdint cimport INT64_MAX, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memchr, memcmp, memcpy, memset

from bytepiece.core.buffers cimport items
from bytepiece.core.packing cimport Strings, view_counts, view_strings
from bytepiece.core.utf8 cimport read_character

import numpy as np

from bytepiece.core.packed import CountedBytes

cdef const uint8_t *BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
cdef const uint8_t *HEX = b"0123456789abcdef"


# The arrays of a CountedBytes to be; with room for all that a file of this size can hold.
cdef struct Columns:
    uint8_t *data
    int64_t *offsets
    uint64_t *counts
    size_t n
    size_t n_bytes


# Reads a table from `text` up to `end`; returns whether all of it is such a table.
ctypedef bint (*Reader)(const uint8_t *text, const uint8_t *end, int64_t first_id, Columns *out) noexcept nogil


# These read a part of a row. They return where it ends, or NULL where something else stands there.


cdef inline int hex_value(uint8_t digit) noexcept nogil:
    """The value of a lower-case hexadecimal digit, or -1."""
    if c'0' <= digit <= c'9':
        return digit - c'0'
    return digit - c'a' + 10 if c'a' <= digit <= c'f' else -1


cdef const uint8_t *read_escaped(const uint8_t *text, const uint8_t *end, Columns *out) noexcept nogil:
    """Read a piece up to a tab, as `bytepiece.text.display.unescape_piece` does."""
    cdef int high, low
    while text < end and text[0] != c'\t':
        if text[0] != c'\\':
            out.data[out.n_bytes] = text[0]
            text += 1
        elif end - text < 2:
            return NULL
        elif text[1] == c'x':
            high = hex_value(text[2]) if end - text >= 4 else -1
            low = hex_value(text[3]) if end - text >= 4 else -1
            if high < 0 or low < 0:
                return NULL
            out.data[out.n_bytes] = <uint8_t>(high << 4 | low)
            text += 4
        else:
            if text[1] == c'\\':
                out.data[out.n_bytes] = c'\\'
            elif text[1] == c't':
                out.data[out.n_bytes] = c'\t'
            elif text[1] == c'n':
                out.data[out.n_bytes] = c'\n'
            elif text[1] == c'r':
                out.data[out.n_bytes] = c'\r'
            else:
                return NULL
            text += 2
        out.n_bytes += 1
    return text if text < end else NULL


cdef const uint8_t *read_number(const uint8_t *text, const uint8_t *end, int64_t *number) noexcept nogil:
    """Read a number of 63 bits at most."""
    cdef const uint8_t *begin = text
    cdef int64_t value = 0
    cdef int digit
    while text < end and c'0' <= text[0] <= c'9':
        digit = text[0] - c'0'
        if value > (INT64_MAX - digit) // 10:
            return NULL
        value = 10 * value + digit
        text += 1
    number[0] = value
    return text if text > begin else NULL


cdef inline void end_row(Columns *out, int64_t count) noexcept nogil:
    """The piece of a row has been read; now its count is."""
    out.counts[out.n] = <uint64_t>count
    out.n += 1
    out.offsets[out.n] = <int64_t>out.n_bytes


cdef bint read_lines(const uint8_t *text, const uint8_t *end, int64_t first_id, Columns *out) noexcept nogil:
    """Read lines ``piece<TAB>count``; returns whether all are."""
    cdef const uint8_t *line_end
    cdef int64_t count = 0
    while text < end:
        line_end = <const uint8_t *>memchr(text, c'\n', end - text)
        if line_end == NULL:
            return False
        text = read_escaped(text, line_end, out)
        if text == NULL:
            return False
        if read_number(text + 1, line_end, &count) != line_end:
            return False
        end_row(out, count)
        text = line_end + 1
    return True


cdef const uint8_t *skip(const uint8_t *text, const uint8_t *end, const char *expected, size_t n) noexcept nogil:
    """Skip an expected string. `text` may be NULL, so that calls can be nested."""
    if text == NULL or <size_t>(end - text) < n or memcmp(text, expected, n) != 0:
        return NULL
    return text + n


cdef const uint8_t *skip_string(const uint8_t *text, const uint8_t *end) noexcept nogil:
    """Skip a JSON string, of which the first quote was read."""
    cdef int k
    while text < end and text[0] != c'"':
        if text[0] < 0x20:
            return NULL
        if text[0] == c'\\':
            text += 1
            if text == end or memchr(b'"\\/bfnrtu', text[0], 9) == NULL:
                return NULL
            if text[0] == c'u':    # and four digits
                if end - text < 5:
                    return NULL
                for k in range(1, 5):
                    if hex_value(text[k] | 0x20) < 0 or text[k] < c'0':
                        return NULL
                text += 4
        text += 1
    return text + 1 if text < end else NULL


cdef const uint8_t *read_base64(
    const uint8_t *text, const uint8_t *end, const uint8_t *values, Columns *out
) noexcept nogil:
    """Read a piece in canonical base64, and the quote after it. `values` are those of its digits, 0xFF of others."""
    cdef uint32_t group
    cdef size_t n
    cdef int k
    while end - text >= 5 and text[0] != c'"':
        group = 0
        n = 3
        for k in range(4):
            if k >= 2 and text[k] == c'=':
                n = <size_t>k - 1
                break
            if values[text[k]] == 0xFF:
                return NULL
            group |= <uint32_t>values[text[k]] << (18 - 6 * k)
        if n == 1 and text[3] != c'=':
            return NULL
        if group & (0xFFFFFF >> 8 * n):
            return NULL
        for k in range(<int>n):
            out.data[out.n_bytes] = <uint8_t>(group >> (16 - 8 * k))
            out.n_bytes += 1
        text += 4
        if n < 3:
            break
    return text + 1 if text < end and text[0] == c'"' else NULL


cdef bint read_json(const uint8_t *text, const uint8_t *end, int64_t first_id, Columns *out) noexcept nogil:
    """Read BytePiece's JSON, laid out as BytePiece does it; returns whether all of it is."""
    cdef uint8_t values[256]
    cdef int64_t id = 0, count = 0
    cdef int k
    memset(values, 0xFF, 256)
    for k in range(64):
        values[BASE64[k]] = <uint8_t>k
    text = skip(text, end, b"{", 1)
    while True:
        text = skip(text, end, b'\n    "', 6)
        if text == NULL:
            return False
        text = skip(read_base64(text, end, values, out), end, b": [\n        ", 12)
        if text == NULL or text[0] == c'0':
            return False
        text = read_number(text, end, &id)
        if id != first_id + <int64_t>out.n:
            return False
        text = skip(text, end, b',\n        "', 11)
        if text == NULL:
            return False
        text = skip(skip_string(text, end), end, b",\n        ", 10)
        if text == NULL or text[0] == c'0':
            return False
        text = skip(read_number(text, end, &count), end, b"\n    ]", 6)
        if text == NULL:
            return False
        end_row(out, count)
        if text == end or text[0] != c',':
            break
        text += 1
    return skip(text, end, b"\n}", 2) == end


def read_rows(bytes text):
    """Read lines ``piece<TAB>count``, the pieces as `bytepiece.text.display.escape_piece` escapes them.

    Returns a `CountedBytes`, None if a line is no such.
    """
    return read_columns(read_lines, text, 0, shortest=3)


def read_entries(bytes text, int64_t first_id):
    """Read BytePiece's JSON, which must be UTF-8, with ids from `first_id` on.

    Returns a `CountedBytes`, None if the JSON is not laid out exactly as BytePiece does it.
    """
    return read_columns(read_json, text, first_id, shortest=40)


cdef object read_columns(Reader read, bytes text, int64_t first_id, Py_ssize_t shortest):
    """Read a table whose rows have at least `shortest` bytes; None if the reader cannot."""
    cdef Py_ssize_t n = len(text), n_items = 0
    cdef const uint8_t *begin = text
    cdef Columns out
    cdef bint complete
    data = np.empty(n, dtype=np.uint8)
    offsets = np.zeros(n // shortest + 2, dtype=np.int64)
    counts = np.empty(n // shortest + 2, dtype=np.uint64)
    memset(&out, 0, sizeof(Columns))
    out.data = <uint8_t *>items(data, 1, &n_items, True)
    out.offsets = <int64_t *>items(offsets, 8, &n_items, True)
    out.counts = <uint64_t *>items(counts, 8, &n_items, True)
    with nogil:
        complete = read(begin, begin + n, first_id, &out)
    if not complete:
        return None
    # The arrays had room for the most rows that the text could have.
    return CountedBytes(data[: out.n_bytes].copy(), offsets[: out.n + 1].copy(), counts[: out.n].copy())


def write_rows(counted, unprintable):
    """The rows of a `CountedBytes`: each piece as `bytepiece.text.display.escape_piece` shows it, a tab, its count.

    `unprintable` is a uint32 array: the first and the last code point of each range of characters that are escaped.
    """
    cdef Strings pieces
    cdef Py_ssize_t n_bounds, n, k
    cdef const uint32_t *bounds = <const uint32_t *>items(unprintable, 4, &n_bounds)
    view_strings(counted, &pieces)
    cdef const uint64_t *counts = view_counts(counted, pieces.n)
    # An escape takes four bytes; a count at most 20, and a tab and a newline come with it.
    text = np.empty(4 * (pieces.offsets[pieces.n] - pieces.offsets[0]) + 22 * pieces.n, dtype=np.uint8)
    cdef uint8_t *begin = <uint8_t *>items(text, 1, &n, True)
    cdef uint8_t *out = begin
    with nogil:
        for k in range(pieces.n):
            out = write_escaped(
                pieces.data + pieces.offsets[k], pieces.data + pieces.offsets[k + 1], bounds, n_bounds, out
            )
            out[0] = c'\t'
            out = write_number(counts[k], out + 1)
            out[0] = c'\n'
            out += 1
    return text[:out - begin].tobytes()


cdef uint8_t *write_escaped(
    const uint8_t *at, const uint8_t *end, const uint32_t *bounds, Py_ssize_t n_bounds, uint8_t *out
) noexcept nogil:
    """Write a piece; returns the place behind it."""
    cdef uint32_t code
    cdef size_t length, k
    while at < end:
        length = read_character(at, <size_t>(end - at), &code)
        if length == 1 and (code == c'\\' or code == c'\t' or code == c'\n' or code == c'\r'):
            out[0] = c'\\'
            out[1] = c't' if code == c'\t' else c'n' if code == c'\n' else c'r' if code == c'\r' else c'\\'
            out += 2
        elif length == 0 or is_between(code, bounds, n_bounds):
            length = max(length, <size_t>1)
            for k in range(length):
                out[0] = c'\\'
                out[1] = c'x'
                out[2] = HEX[at[k] >> 4]
                out[3] = HEX[at[k] & 15]
                out += 4
        else:
            memcpy(out, at, length)
            out += length
        at += length
    return out


cdef bint is_between(uint32_t code, const uint32_t *bounds, Py_ssize_t n_bounds) noexcept nogil:
    """Whether a code point is in one of the ranges."""
    cdef Py_ssize_t k
    for k in range(0, n_bounds - 1, 2):
        if bounds[k] <= code <= bounds[k + 1]:
            return True
    return False


cdef uint8_t *write_number(uint64_t number, uint8_t *out) noexcept nogil:
    """Write a number in decimal; returns the place behind it."""
    cdef uint8_t digits[20]
    cdef int n = 0, k
    while number or n == 0:
        digits[n] = <uint8_t>(c'0' + number % 10)
        number //= 10
        n += 1
    for k in range(n):
        out[k] = digits[n - 1 - k]
    return out + n
