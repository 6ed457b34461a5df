"""Documents in a block of a file: where lines end, which strings are UTF-8, and the texts in lines of JSON.

A line of JSON is read here if it is an object in UTF-8, as strict as RFC 8259 has it, whose field is text. The text is
then what Python's `json` gives. All other lines are refused, and left to `json`, which knows more forms, such as
``NaN``, and says what is wrong.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.bytes cimport PyBytes_AS_STRING
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memchr, memcmp, memcpy

from bytepiece.core.buffers cimport items
from bytepiece.core.packing cimport Strings, view_strings
from bytepiece.core.utf8 cimport STRETCH, is_ascii, read_character, write_character

import numpy as np

cdef extern from *:
    """
    /* How many bytes of a word, in the order of memory, come before the first one whose highest bit is set; 0 where
       looking at each byte takes no longer. */
    #if defined(__GNUC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    #define bytepiece_bytes_before(marks) (__builtin_ctzll(marks) / 8)
    #else
    #define bytepiece_bytes_before(marks) 0
    #endif
    #define BYTEPIECE_WORD_OF(byte) (0x0101010101010101ull * (byte))
    """
    size_t bytes_before "bytepiece_bytes_before"(uint64_t marks) noexcept nogil
    uint64_t word_of "BYTEPIECE_WORD_OF"(uint8_t byte) noexcept nogil

cdef enum:
    NEWLINE = 10
    WORD = 8               # bytes of a string in JSON that are looked at together
    DEEPEST = 64           # levels of arrays and objects, a bit each
    LONGEST_NUMBER = 640   # Python can be told to refuse integers of more digits


# What is known of a string in JSON that was read.
cdef struct String:
    int64_t length         # in UTF-8, without escapes
    bint is_lone           # whether it has a lone surrogate


# Lines.

def count_newlines(data):
    """The number of newlines in some bytes."""
    cdef Py_ssize_t n_bytes, n
    cdef const uint8_t *text = <const uint8_t *>items(data, 1, &n_bytes)
    with nogil:
        n = newlines(text, n_bytes)
    return n


cdef Py_ssize_t newlines(const uint8_t *text, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t found = 0, begin = 0, end, k
    cdef uint8_t few
    while begin < n:
        end = min(begin + 255, n)    # so many a byte can count, and compilers vectorize the loop
        few = 0
        for k in range(begin, end):
            few += text[k] == NEWLINE
        found += few
        begin = end
    return found


def line_ends(lines):
    """Where each line ends, newline included, as an int64 array; the last line may lack it."""
    cdef Py_ssize_t n_bytes, n_lines, n, k
    cdef const uint8_t *text = <const uint8_t *>items(lines, 1, &n_bytes)
    cdef const uint8_t *end = text + n_bytes
    cdef const uint8_t *at = text
    with nogil:
        n_lines = newlines(text, n_bytes)
    if n_bytes and text[n_bytes - 1] != NEWLINE:
        n_lines += 1
    ends = np.empty(n_lines, dtype=np.int64)
    cdef int64_t *line_end = <int64_t *>items(ends, 8, &n, True)
    with nogil:
        for k in range(n_lines):
            at = <const uint8_t *>memchr(at, NEWLINE, <size_t>(end - at))
            at = end if at == NULL else at + 1
            line_end[k] = at - text
    return ends


# UTF-8.

def are_utf8(packed):
    """Whether each of some packed strings is UTF-8, as a bool array."""
    cdef Strings strings
    cdef Py_ssize_t n, k
    view_strings(packed, &strings)
    valid = np.empty(strings.n, dtype=np.bool_)
    cdef uint8_t *is_valid = <uint8_t *>items(valid, 1, &n, True)
    with nogil:
        for k in range(n):
            is_valid[k] = is_utf8(strings.data + strings.offsets[k], strings.data + strings.offsets[k + 1])
    return valid


cdef bint is_utf8(const uint8_t *at, const uint8_t *end) noexcept nogil:
    cdef size_t length
    cdef uint32_t code
    while at < end:
        if at[0] >= 0x80:
            while end - at >= 4 and is_of_three(at):
                at += 3
            if at == end or at[0] < 0x80:
                continue
            length = read_character(at, <size_t>(end - at), &code)
            if length == 0:
                return False
            at += length
        elif end - at >= STRETCH and is_ascii(at):
            at += STRETCH
        else:
            at += 1
    return True


cdef inline bint is_of_three(const uint8_t *text) noexcept nogil:
    """Whether a text of four bytes or more begins with a character of three; faster than `read_character`.

    Compilers load the four bytes at once. The bits of 0x200F tell overlong forms and surrogates.
    """
    cdef uint32_t bits = text[0] | <uint32_t>text[1] << 8 | <uint32_t>text[2] << 16 | <uint32_t>text[3] << 24
    return bits & 0xC0C0F0 == 0x8080E0 and bits & 0x200F != 0 and bits & 0x200F != 0x200D


# JSON.

def json_texts(bytearray lines, ends, numbers, bytes field, int64_t longest):
    """The texts in one field of lines of JSON; of a line of white space, the empty text.

    Args:
        lines: the lines, one after the other.
        ends: int64 array, where each line ends, see `line_ends`.
        numbers: int64 array, the numbers of the lines that are wanted; they ascend.
        field: the name of the field.
        longest: lines of more bytes are refused.

    Returns the texts as a uint8 array and an int64 array of offsets, as packed strings have them; and a bool array,
    whether each line is read. The text of a line that is refused is empty.
    """
    cdef Py_ssize_t n_lines, n, k, n_bytes = len(lines)
    cdef const uint8_t *data = <const uint8_t *>PyByteArray_AS_STRING(lines)    # a null byte comes behind them
    cdef const int64_t *end = <const int64_t *>items(ends, 8, &n_lines)
    cdef const int64_t *number = <const int64_t *>items(numbers, 8, &n)
    cdef int64_t begin = 0, last = -1, size = 0, length
    for k in range(n_lines):
        if not begin < end[k] <= n_bytes or (data[end[k] - 1] != NEWLINE and end[k] < n_bytes):
            raise ValueError(f"line {k}: {begin} to {end[k]} of {n_bytes} bytes")
        begin = end[k]
    for k in range(n):
        if not last < number[k] < n_lines:
            raise ValueError(f"line {number[k]} of {n_lines}, after line {last}")
        last = number[k]
        size += end[last] - (end[last - 1] if last else 0)
    texts = np.empty(size, dtype=np.uint8)
    offsets = np.zeros(n + 1, dtype=np.int64)
    read = np.empty(n, dtype=np.bool_)
    cdef uint8_t *text = <uint8_t *>items(texts, 1, &k, True)
    cdef int64_t *offset = <int64_t *>items(offsets, 8, &k, True)
    cdef uint8_t *is_read = <uint8_t *>items(read, 1, &k, True)
    cdef const uint8_t *name = <const uint8_t *>PyBytes_AS_STRING(field)
    cdef size_t name_length = len(field)
    with nogil:
        for k in range(n):
            begin = end[number[k] - 1] if number[k] else 0
            length = -1
            if end[number[k]] - begin <= longest:
                length = read_line(data + begin, data + end[number[k]], name, name_length, text + offset[k])
            is_read[k] = length >= 0
            offset[k + 1] = offset[k] + max(length, <int64_t>0)
    return texts[:offset[n]], offsets, read


cdef int64_t read_line(
    const uint8_t *at, const uint8_t *end, const uint8_t *name, size_t name_length, uint8_t *text
) noexcept nogil:
    """Write the text in the field of that name; returns its length, or -1 where the line is refused.

    There is room for as many bytes as the line has. Of several fields with the name, the last one counts.
    """
    cdef String string
    cdef int64_t length = -1
    cdef uint8_t *scratch = text    # for what is not wanted: behind the text
    at = skip_spaces(at)
    if is_end(at, end):
        return 0
    if at[0] != c"{":
        return -1
    at = skip_spaces(at + 1)
    while True:
        at = read_key(at, end, scratch, &string)
        if at == NULL:
            return -1
        if string.length != <int64_t>name_length or memcmp(scratch, name, name_length):
            at = skip_value(at, end, scratch)
        elif at[0] != c'"':
            return -1
        else:
            at = read_string(at, end, text, &string)
            length = -1 if string.is_lone else string.length
            scratch = text + string.length
        if at == NULL:
            return -1
        at = skip_spaces(at)
        if at[0] != c",":
            break
        at = skip_spaces(at + 1)
    return length if at[0] == c"}" and is_end(skip_spaces(at + 1), end) else -1


# These functions get the place where something begins. They return the place behind it, or NULL where the line is
# refused. None goes beyond the end of the line: its newline, or the null byte behind the last line, is part of nothing.

cdef inline const uint8_t *skip_spaces(const uint8_t *at) noexcept nogil:
    while at[0] == c" " or at[0] == c"\t" or at[0] == c"\r":
        at += 1
    return at


cdef inline bint is_end(const uint8_t *at, const uint8_t *end) noexcept nogil:
    return at == end or at[0] == NEWLINE


cdef const uint8_t *skip_value(const uint8_t *at, const uint8_t *end, uint8_t *scratch) noexcept nogil:
    """Any value, and the spaces behind it. There is room for as many bytes as it has."""
    cdef uint64_t objects = 0    # a bit for each array (0) and object (1) around the place, the innermost last
    cdef int depth = 0
    cdef bint opened
    cdef String string
    while True:
        opened = at[0] == c"{" or at[0] == c"["
        if opened:
            if depth == DEEPEST:
                return NULL
            depth += 1
            objects = objects << 1 | (at[0] == c"{")
            at += 1
        else:
            at = read_string(at, end, scratch, &string) if at[0] == c'"' else skip_scalar(at)
            if at == NULL:
                return NULL
        at = skip_spaces(at)
        while depth and at[0] == (c"}" if objects & 1 else c"]"):
            opened = False
            depth -= 1
            objects >>= 1
            at = skip_spaces(at + 1)
        if depth == 0:
            return at
        if not opened:
            if at[0] != c",":
                return NULL
            at = skip_spaces(at + 1)
        if objects & 1:
            at = read_key(at, end, scratch, &string)
            if at == NULL:
                return NULL


cdef const uint8_t *skip_scalar(const uint8_t *at) noexcept nogil:
    """A number, or one of three words."""
    if at[0] == c"t":
        return skip_word(at, "true")
    if at[0] == c"f":
        return skip_word(at, "false")
    if at[0] == c"n":
        return skip_word(at, "null")
    return skip_number(at)


cdef const uint8_t *skip_word(const uint8_t *at, const char *word) noexcept nogil:
    while word[0]:
        if at[0] != word[0]:
            return NULL
        at += 1
        word += 1
    return at


cdef const uint8_t *skip_number(const uint8_t *at) noexcept nogil:
    cdef const uint8_t *begin = at
    at += at[0] == c"-"
    at = at + 1 if at[0] == c"0" else skip_digits(at)
    if at != NULL and at[0] == c".":
        at = skip_digits(at + 1)
    if at != NULL and (at[0] == c"e" or at[0] == c"E"):
        at += 1
        at = skip_digits(at + (at[0] == c"+" or at[0] == c"-"))
    return NULL if at == NULL or at - begin > LONGEST_NUMBER else at


cdef const uint8_t *skip_digits(const uint8_t *at) noexcept nogil:
    """One digit or more."""
    cdef const uint8_t *begin = at
    while c"0" <= at[0] <= c"9":
        at += 1
    return at if at > begin else NULL


cdef const uint8_t *read_key(const uint8_t *at, const uint8_t *end, uint8_t *out, String *key) noexcept nogil:
    """Write a string, see `read_string`; a colon follows it, and maybe spaces."""
    at = read_string(at, end, out, key) if at[0] == c'"' else NULL
    at = skip_spaces(at) if at != NULL else NULL
    return skip_spaces(at + 1) if at != NULL and at[0] == c":" else NULL


cdef const uint8_t *read_string(const uint8_t *at, const uint8_t *end, uint8_t *out, String *string) noexcept nogil:
    """Write the characters for which a string stands; there is room for as many bytes as the rest of the line has."""
    cdef const uint8_t *begin = out
    cdef uint64_t word, marks
    cdef uint32_t code
    cdef size_t n
    string.length = 0
    string.is_lone = False
    at += 1
    while True:
        while end - at >= WORD:    # a word is written as a whole; what is too much is overwritten later
            memcpy(&word, at, WORD)
            memcpy(out, &word, WORD)
            marks = not_plain(word)
            n = bytes_before(marks) if marks else WORD
            at += n
            out += n
            if marks:
                break
        while is_plain(at[0]):
            out[0] = at[0]
            at += 1
            out += 1
        while end - at >= 4 and is_of_three(at):
            memcpy(out, at, 4)
            at += 3
            out += 3
        while at[0] >= 0x80:
            n = read_character(at, <size_t>(end - at), &code)
            if n == 0:
                return NULL
            out[0] = at[0]
            out[1] = at[1]
            if n > 2:
                out[2] = at[2]
            if n > 3:
                out[3] = at[3]
            at += n
            out += n
        if at[0] == c"\\":
            at = read_escape(at + 1, &out, &string.is_lone)
            if at == NULL:
                return NULL
        elif at[0] == c'"':
            string.length = out - begin
            return at + 1
        elif at[0] < 0x20:
            return NULL


cdef inline uint64_t not_plain(uint64_t word) noexcept nogil:
    """Marks by their highest bits the bytes of a word that are not plain, and some that come after such a byte."""
    return (
        word | (word - word_of(0x20)) | ((word ^ word_of(c'"')) - word_of(1)) | ((word ^ word_of(c"\\")) - word_of(1))
    ) & word_of(0x80)


cdef inline bint is_plain(uint8_t byte) noexcept nogil:
    """Whether a byte in a string is a character that stands for itself."""
    return 0x20 <= byte < 0x80 and byte != c'"' and byte != c"\\"


cdef const uint8_t *read_escape(const uint8_t *at, uint8_t **out, bint *is_lone) noexcept nogil:
    """Write what a backslash and what follows stand for, and move `out` behind it. Notes a lone surrogate."""
    cdef int32_t code, low
    if at[0] != c"u":
        out[0][0] = meaning(at[0])
        out[0] += 1
        return at + 1 if meaning(at[0]) else NULL
    code = code_unit(at + 1)
    if code < 0:
        return NULL
    at += 5
    if code & 0xFC00 == 0xD800 and at[0] == c"\\" and at[1] == c"u":
        low = code_unit(at + 2)
        if low & 0xFC00 == 0xDC00:
            code = 0x10000 + ((code & 0x3FF) << 10 | (low & 0x3FF))
            at += 6
    if code < 0x80:
        out[0][0] = <uint8_t>code
        out[0] += 1
    else:
        if 0xD800 <= code < 0xE000:
            is_lone[0] = True
        out[0] += write_character(<uint32_t>code, out[0])
    return at


cdef inline uint8_t meaning(uint8_t letter) noexcept nogil:
    """The character for which a letter after a backslash stands; 0 if it stands for none."""
    if letter == c"n":
        return c"\n"
    if letter == c'"' or letter == c"\\" or letter == c"/":
        return letter
    if letter == c"t":
        return c"\t"
    if letter == c"r":
        return c"\r"
    if letter == c"b":
        return c"\b"
    return c"\f" if letter == c"f" else 0


cdef inline int32_t code_unit(const uint8_t *digits) noexcept nogil:
    """The value of four hexadecimal digits; -1 where there are fewer."""
    cdef int32_t code = 0, digit
    cdef int k
    for k in range(4):
        digit = hex_digit(digits[k])
        if digit < 0:
            return -1
        code = code << 4 | digit
    return code


cdef inline int32_t hex_digit(uint8_t letter) noexcept nogil:
    """The value of a hexadecimal digit; -1 if it is none."""
    if c"0" <= letter <= c"9":
        return letter - c"0"
    letter |= 0x20
    return letter - c"a" + 10 if c"a" <= letter <= c"f" else -1
