"""What the kernels of refinement share: the sample, and the pieces it is segmented with."""

from itertools import pairwise

from libc.stdint cimport int64_t, uint16_t, uint32_t
from libc.stdlib cimport free, malloc

from bytepiece.core.buffers cimport items
from bytepiece.core.packing cimport Strings, view_strings

import numpy as np


cdef class Sample:
    """Segments of some documents, one after the other.

    Args:
        data: all text; less than 2 GB.
        offsets: where each segment begins, and the last ends (int64).
        documents: for each segment, the number of its document (uint32), ascending.
        document_ends: where each document ends (int64).
        whole: whether the sample is the whole corpus.

    Raises ValueError if these do not fit each other.

    Thread safety: immutable.
    """

    def __cinit__(self, data, offsets, documents, document_ends, bint whole=True):
        cdef Py_ssize_t n, k
        cdef SampleView *view = &self.view
        self.data, self.offsets, self.documents, self.document_ends = data, offsets, documents, document_ends
        self.whole = whole
        view.text = <const uint8_t *>items(data, 1, &n)
        if n >= 2**31 - 1:
            raise ValueError("a sample must be shorter than 2 GB")
        view.n_bytes = <size_t>n
        view.offsets = <const int64_t *>items(offsets, 8, &n)
        view.n_segments = n - 1
        check_offsets(view.offsets, n, view.n_bytes)
        view.documents = <const uint32_t *>items(documents, 4, &n)
        if n != view.n_segments:
            raise ValueError("segments and documents do not match")
        for k in range(1, n):
            if view.documents[k] < view.documents[k - 1]:
                raise ValueError("the documents of segments must ascend")
        view.document_ends = <const int64_t *>items(document_ends, 8, &view.n_documents)
        for k in range(view.n_documents):
            if not (view.document_ends[k - 1] if k else 0) <= view.document_ends[k] <= <int64_t>view.n_bytes:
                raise ValueError("documents do not match the text")
        if view.n_documents == 0 or view.document_ends[view.n_documents - 1] != <int64_t>view.n_bytes:
            raise ValueError("documents do not match the text")

    def shares(self, Py_ssize_t n):
        """The segments in `n` shares: pairs of numbers, from the first to the one after the last.

        Shares are of about as much text each, and of whole documents.
        """
        bounds = [0]
        for k in range(1, n):
            document = np.searchsorted(self.document_ends, self.view.n_bytes * k // n)
            bounds.append(int(np.searchsorted(self.documents, document)))
        bounds.append(self.view.n_segments)
        return list(pairwise(bounds))


cdef class Pieces:
    """The pieces of a vocabulary, in the order of their bytes: ties by number are ties by bytes.

    Args:
        packed: the pieces, a `bytepiece.core.packed.PackedBytes`.

    Raises ValueError if a piece has no byte, or more than `MAX_PIECE`.

    Thread safety: immutable.
    """

    def __cinit__(self, packed):
        cdef Py_ssize_t k
        cdef PiecesView *view = &self.view
        cdef Strings strings
        cdef int64_t length
        self.keep = packed
        view_strings(packed, &strings)
        view.text = strings.data
        view.offsets = strings.offsets
        view.n_pieces = strings.n
        view.lengths = <uint16_t *>malloc(<size_t>(strings.n + 1) * sizeof(uint16_t))
        if view.lengths == NULL:
            raise MemoryError("no memory for the lengths of pieces")
        for k in range(strings.n):
            length = strings.offsets[k + 1] - strings.offsets[k]
            if not 1 <= length <= MAX_PIECE:
                raise ValueError(f"piece {k} has {length} bytes")
            view.lengths[k] = <uint16_t>length

    def __dealloc__(self):
        free(self.view.lengths)

    def __len__(self):
        return self.view.n_pieces


def token_ends(Sample sample, Pieces pieces, ids, Py_ssize_t begin, Py_ssize_t end):
    """For each of the segments from number `begin` to `end`, the number of tokens up to its end (int64).

    `ids` are the tokens of these segments. Raises ValueError unless each segment ends where a token does.
    """
    cdef Py_ssize_t n_tokens, n, k = 0, segment
    cdef const uint32_t *id = <const uint32_t *>items(ids, 4, &n_tokens)
    cdef int64_t position
    if not 0 <= begin <= end <= sample.view.n_segments:
        raise ValueError(f"segments {begin} to {end} of {sample.view.n_segments}")
    result = np.empty(end - begin, dtype=np.int64)
    cdef int64_t *ends = <int64_t *>items(result, 8, &n, True)
    with nogil:
        position = sample.view.offsets[begin]
        for segment in range(begin, end):
            while position < sample.view.offsets[segment + 1] and k < n_tokens and id[k] < pieces.view.n_pieces:
                position += pieces.view.lengths[id[k]]
                k += 1
            if position != sample.view.offsets[segment + 1]:
                raise ValueError("tokens do not match the segments")
            ends[segment - begin] = k
    if k != n_tokens:
        raise ValueError("tokens do not match the segments")
    return result


cdef int check_offsets(const int64_t *offsets, Py_ssize_t n_offsets, size_t n_bytes) except -1:
    """Raise ValueError unless offsets ascend from 0 to the end of the text."""
    cdef Py_ssize_t k
    if n_offsets < 1 or offsets[0] != 0 or offsets[n_offsets - 1] != <int64_t>n_bytes:
        raise ValueError("offsets do not match the text")
    for k in range(1, n_offsets):
        if offsets[k] < offsets[k - 1]:
            raise ValueError("offsets must not descend")
    return 0


cdef int check_tokens(const uint32_t *ids, Py_ssize_t n_tokens, const PiecesView *pieces, size_t n_bytes) except -1:
    """Raise ValueError unless tokens are numbers of pieces, which together are as long as the text."""
    cdef Py_ssize_t k
    cdef size_t total = 0
    cdef bint known = True
    with nogil:
        for k in range(n_tokens):
            if ids[k] >= pieces.n_pieces:
                known = False
                break
            total += pieces.lengths[ids[k]]
    if not known or total != n_bytes:
        raise ValueError("tokens do not match the text")
    return 0
