"""Characters of the sample: their bytes, the number of documents they are in, and those spelled in single bytes."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memset

from bytepiece.core.buffers cimport items
from bytepiece.core.packing cimport Strings, view_strings
from bytepiece.core.utf8 cimport read_character
from bytepiece.training.refinement.kernels.sample cimport Pieces, Sample, SampleView, Tokens

import numpy as np

cdef enum:
    N_CODES = 0x110000


cdef inline uint32_t code_at(const uint8_t *text, size_t n, size_t *length) noexcept nogil:
    """The code point of the character at the start of a text, and its length; N_CODES and 1 for an invalid byte."""
    cdef uint32_t code
    length[0] = read_character(text, n, &code)
    if length[0]:
        return code
    length[0] = 1
    return N_CODES


def character_bytes(Sample sample):
    """For each code point, the bytes of all its occurrences: a uint64 array.

    One more item, the last, is for invalid bytes.
    """
    cdef Py_ssize_t n_codes, segment
    cdef const SampleView *s = &sample.view
    cdef size_t position, end, length
    cdef uint32_t code
    result = np.zeros(N_CODES + 1, dtype=np.uint64)
    cdef uint64_t *out = <uint64_t *>items(result, 8, &n_codes, True)
    with nogil:
        for segment in range(s.n_segments):
            position, end = <size_t>s.offsets[segment], <size_t>s.offsets[segment + 1]
            while position < end:
                code = code_at(s.text + position, end - position, &length)
                out[code] += length * <uint64_t>s.counts[segment]
                position += length
    return result


def character_documents(Sample sample, uint32_t most):
    """For each code point, the number of documents that contain it, `most` for more: a uint32 array.

    One more item, the last, is for invalid bytes.
    """
    cdef Py_ssize_t n_codes, segment
    cdef const SampleView *s = &sample.view
    cdef DocumentSets sets
    result = np.zeros(N_CODES + 1, dtype=np.uint32)
    cdef uint32_t *number = <uint32_t *>items(result, 4, &n_codes, True)
    cdef size_t position, end, length
    cdef uint32_t code, k
    memset(&sets, 0, sizeof(DocumentSets))
    sets.size = most
    try:
        with nogil:
            open_sets(&sets)
            for segment in range(s.n_segments):
                position, end = <size_t>s.offsets[segment], <size_t>s.offsets[segment + 1]
                while position < end:
                    code = code_at(s.text + position, end - position, &length)
                    position += length
                    k = s.posting_offsets[segment]
                    while number[code] < most and k < s.posting_offsets[segment + 1]:
                        number[code] += add_document(&sets, code, s.postings[k].document, number[code])
                        k += 1
    finally:
        close_sets(&sets)
    return result


# For each code point, the first documents that were found to contain it.
cdef struct DocumentSets:
    uint32_t *places        # for each code point, one more than the number of its set, or 0
    uint32_t *documents     # `size` for each set
    size_t n_sets
    size_t capacity
    size_t size


cdef int open_sets(DocumentSets *sets) except -1 nogil:
    sets.places = <uint32_t *>calloc(N_CODES + 1, sizeof(uint32_t))
    if sets.places == NULL:
        raise MemoryError("no memory for the documents of characters")
    return 0


cdef void close_sets(DocumentSets *sets) noexcept nogil:
    free(sets.places)
    free(sets.documents)


cdef int add_document(DocumentSets *sets, uint32_t code, uint32_t document, uint32_t n) except -1 nogil:
    """Add a document to the set of a code point, which has `n`; returns 1 if it is new, else 0."""
    cdef uint32_t *documents
    cdef uint32_t k
    if sets.places[code] == 0:
        if sets.n_sets == sets.capacity:
            sets.capacity = 2 * sets.capacity + 256
            documents = <uint32_t *>realloc(sets.documents, sets.capacity * sets.size * sizeof(uint32_t))
            if documents == NULL:
                raise MemoryError("no memory for the documents of characters")
            sets.documents = documents
        sets.n_sets += 1
        sets.places[code] = <uint32_t>sets.n_sets
    documents = sets.documents + (sets.places[code] - 1) * sets.size
    for k in range(n):
        if documents[k] == document:
            return 0
    documents[n] = document
    return 1


def least_of_characters(packed, numbers, uint32_t most):
    """For each string, the least of the numbers of its characters; COMMON for `most` or more. A uint32 array.

    `packed` is a `PackedBytes`. `numbers` has one for each code point, and one more (uint32), as those of
    `character_documents`. Invalid bytes are not looked at.
    """
    cdef Py_ssize_t n_codes, n, k
    cdef const uint32_t *number = <const uint32_t *>items(numbers, 4, &n_codes)
    cdef Strings strings
    cdef size_t position, end, length
    cdef uint32_t code, least
    if n_codes <= N_CODES:
        raise ValueError("a number for each code point is needed")
    view_strings(packed, &strings)
    result = np.empty(strings.n, dtype=np.uint32)
    cdef uint32_t *out = <uint32_t *>items(result, 4, &n, True)
    with nogil:
        for k in range(strings.n):
            position = <size_t>strings.offsets[k]
            end = <size_t>strings.offsets[k + 1]
            least = most
            while position < end:
                code = code_at(strings.data + position, end - position, &length)
                position += length
                if code < N_CODES and number[code] < least:
                    least = number[code]
            out[k] = least if least < most else <uint32_t>COMMON
    return result


def whole_characters(Pieces pieces):
    """For each piece, whether it is whole characters, valid UTF-8: a uint8 array."""
    cdef Py_ssize_t n, k
    cdef const uint8_t *text = pieces.view.text
    cdef size_t position, end, length
    result = np.ones(pieces.view.n_pieces, dtype=np.uint8)
    cdef uint8_t *out = <uint8_t *>items(result, 1, &n, True)
    with nogil:
        for k in range(pieces.view.n_pieces):
            position = <size_t>pieces.view.offsets[k]
            end = <size_t>pieces.view.offsets[k + 1]
            while position < end:
                if code_at(text + position, end - position, &length) == N_CODES:
                    out[k] = False
                    break
                position += length
    return result


def spelled_characters(Tokens tokens):
    """How often each character is segmented into single bytes: a uint64 array by code point.

    One more item, the last, is for invalid bytes.
    """
    cdef Py_ssize_t n_codes, k = 0, segment
    cdef const uint32_t *ids = tokens.view.ids
    cdef const SampleView *sample = &tokens.sample.view
    cdef const uint16_t *lengths = tokens.pieces.view.lengths
    cdef size_t position = 0, length
    result = np.zeros(N_CODES + 1, dtype=np.uint64)
    cdef uint64_t *out = <uint64_t *>items(result, 8, &n_codes, True)
    with nogil:
        for segment in range(sample.n_segments):
            while k < tokens.view.ends[segment]:
                if sample.text[position] >= 0xC2 and lengths[ids[k]] == 1:
                    out[code_at(sample.text + position, sample.n_bytes - position, &length)] += sample.counts[segment]
                position += lengths[ids[k]]
                k += 1
    return result
