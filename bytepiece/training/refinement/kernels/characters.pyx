"""Characters of the sample: the number of documents they are in, and those that are spelled in single bytes."""

from libc.stdint cimport UINT32_MAX, uint8_t, uint32_t, uint64_t

from bytepiece.core.buffers cimport items
from bytepiece.core.utf8 cimport read_character
from bytepiece.training.refinement.kernels.sample cimport Pieces, Sample, check_tokens

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


def character_documents(Sample sample, uint32_t most):
    """For each code point, the number of documents that contain it, `most` for more: a uint32 array.

    One more item, the last, is for invalid bytes.
    """
    cdef Py_ssize_t n_codes, document
    cdef const uint8_t *text = sample.view.text
    documents = np.zeros(N_CODES + 1, dtype=np.uint32)
    last_documents = np.full(N_CODES + 1, UINT32_MAX, dtype=np.uint32)
    cdef uint32_t *number = <uint32_t *>items(documents, 4, &n_codes, True)
    cdef uint32_t *last = <uint32_t *>items(last_documents, 4, &n_codes, True)
    cdef size_t position = 0, end, length
    cdef uint32_t code
    with nogil:
        for document in range(sample.view.n_documents):
            end = <size_t>sample.view.document_ends[document]
            while position < end:
                code = code_at(text + position, end - position, &length)
                position += length
                if last[code] != <uint32_t>document:
                    last[code] = <uint32_t>document
                    if number[code] < most:
                        number[code] += 1
    return documents


def rarest_characters(Pieces pieces, documents, uint32_t most):
    """For each piece, the number of documents that contain its rarest character; COMMON for `most` or more.

    `documents` are those of `character_documents`, for the same `most`. Invalid bytes are not looked at. A uint32
    array.
    """
    cdef Py_ssize_t n_codes, n, k
    cdef const uint32_t *number = <const uint32_t *>items(documents, 4, &n_codes)
    cdef const uint8_t *text = pieces.view.text
    cdef size_t position, end, length
    cdef uint32_t code, least
    if n_codes <= N_CODES:
        raise ValueError("a number of documents for each code point is needed")
    result = np.empty(pieces.view.n_pieces, dtype=np.uint32)
    cdef uint32_t *out = <uint32_t *>items(result, 4, &n, True)
    with nogil:
        for k in range(pieces.view.n_pieces):
            position = <size_t>pieces.view.offsets[k]
            end = <size_t>pieces.view.offsets[k + 1]
            least = most
            while position < end:
                code = code_at(text + position, end - position, &length)
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


def spelled_characters(Sample sample, Pieces pieces, ids):
    """How often each character is segmented into single bytes: a uint64 array by code point.

    `ids` are the tokens of the sample. One more item, the last, is for invalid bytes.
    """
    cdef Py_ssize_t n_tokens, n_codes, k
    cdef const uint8_t *text = sample.view.text
    cdef const uint32_t *id = <const uint32_t *>items(ids, 4, &n_tokens)
    cdef size_t n_bytes = sample.view.n_bytes, position = 0, length
    result = np.zeros(N_CODES + 1, dtype=np.uint64)
    cdef uint64_t *out = <uint64_t *>items(result, 8, &n_codes, True)
    check_tokens(id, n_tokens, &pieces.view, n_bytes)
    with nogil:
        for k in range(n_tokens):
            if text[position] >= 0xC2 and pieces.view.lengths[id[k]] == 1:
                out[code_at(text + position, n_bytes - position, &length)] += 1
            position += pieces.view.lengths[id[k]]
    return result
