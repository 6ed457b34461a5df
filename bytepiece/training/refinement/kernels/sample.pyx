"""What the kernels of refinement share: the sample, and the pieces it is segmented with."""

from itertools import pairwise

from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc

from bytepiece.core.buffers cimport items
from bytepiece.core.packing cimport Strings, view_strings

import numpy as np


cdef class Sample:
    """The distinct segments of some documents, and how often they are in each document.

    Args:
        data: the segments, one after the other (uint8 or bytes); less than 2 GB.
        offsets: where each segment begins, and the last ends (int64).
        posting_offsets: where the postings of each segment begin, and those of the last end (uint32).
        postings: for each segment, the documents that have it, ascending, each with its count: pairs of uint32.
        n_documents: the number of documents.
        whole: whether the sample is the whole corpus.

    Attributes:
        counts: how often each segment occurs (uint32).
        text_bytes: the length of all text, in which each segment is as often as it occurs.

    Raises ValueError if these do not fit each other.

    Thread safety: immutable.
    """

    def __cinit__(self, data, offsets, posting_offsets, postings, Py_ssize_t n_documents, bint whole=True):
        cdef Py_ssize_t n, n_postings
        cdef uint32_t *counts
        cdef SampleView *view = &self.view
        self.data, self.offsets, self.postings, self.posting_offsets = data, offsets, postings, posting_offsets
        self.n_documents = view.n_documents = n_documents
        self.whole = whole
        view.text = <const uint8_t *>items(data, 1, &n)
        if n >= 2**31 - 1:
            raise ValueError("a sample must be shorter than 2 GB")
        view.n_bytes = <size_t>n
        view.offsets = <const int64_t *>items(offsets, 8, &n)
        view.n_segments = n - 1
        check_offsets(view.offsets, n, view.n_bytes)
        view.posting_offsets = <const uint32_t *>items(posting_offsets, 4, &n)
        if n != view.n_segments + 1:
            raise ValueError("segments and postings do not match")
        view.postings = <const Posting *>items(postings, 4, &n_postings)
        self.counts = np.empty(view.n_segments, dtype=np.uint32)
        counts = <uint32_t *>items(self.counts, 4, &n, True)
        self.text_bytes = count_postings(view, n_postings // 2, counts)
        view.counts = counts
        view.landmarks = <uint32_t *>malloc(((view.n_bytes >> LANDMARK_BITS) + 1) * sizeof(uint32_t))
        if view.landmarks == NULL:
            raise MemoryError("no memory for a sample")
        set_landmarks(view)

    def __dealloc__(self):
        free(self.view.landmarks)

    @property
    def amounts(self):
        """tuple[int, int, int]: how many bytes, segments, and postings there are."""
        return self.view.n_bytes, self.view.n_segments, self.view.posting_offsets[self.view.n_segments]

    def shares(self, Py_ssize_t n):
        """The segments in `n` shares of about as much text each: pairs of numbers, from the first to after the last."""
        bounds = np.searchsorted(self.offsets, [self.view.n_bytes * k // n for k in range(1, n)]).tolist()
        return list(pairwise([0, *bounds, self.view.n_segments]))


cdef int64_t count_postings(const SampleView *s, Py_ssize_t n_postings, uint32_t *counts) except -1:
    """Check the postings, and sum up those of each segment; returns the length of all text."""
    cdef Py_ssize_t segment
    cdef uint64_t count, total = 0
    cdef uint32_t k, begin, end = 0
    if s.posting_offsets[0] != 0 or s.posting_offsets[s.n_segments] != n_postings:
        raise ValueError("segments and postings do not match")
    with nogil:
        for segment in range(s.n_segments):
            begin, end, count = end, s.posting_offsets[segment + 1], 0
            if end <= begin or end > n_postings:
                raise ValueError("a segment must have a posting")
            for k in range(begin, end):
                if s.postings[k].document >= s.n_documents or not s.postings[k].count:
                    raise ValueError("postings do not match the documents")
                if k > begin and s.postings[k].document <= s.postings[k - 1].document:
                    raise ValueError("the documents of a segment must ascend")
                count += s.postings[k].count
            total += count * <uint64_t>(s.offsets[segment + 1] - s.offsets[segment])
            if total >= <uint64_t>1 << 31:
                raise ValueError("a sample must be shorter than 2 GB")
            counts[segment] = <uint32_t>count
    return <int64_t>total


cdef void set_landmarks(SampleView *s) noexcept:
    cdef size_t k, segment = 0
    for k in range((s.n_bytes + (1 << LANDMARK_BITS) - 1) >> LANDMARK_BITS):
        while s.offsets[segment + 1] <= <int64_t>(k << LANDMARK_BITS):
            segment += 1
        s.landmarks[k] = <uint32_t>segment


cdef int open_tally(Tally *tally, const SampleView *s) except -1 nogil:
    """Make room for a count of each document. On an error nothing is left to free."""
    tally.here = <uint32_t *>calloc(s.n_documents + 1, sizeof(uint32_t))
    tally.documents = <uint32_t *>malloc((s.n_documents + 1) * sizeof(uint32_t))
    tally.n_documents = 0
    if tally.here == NULL or tally.documents == NULL:
        close_tally(tally)
        raise MemoryError("no memory to count documents")
    return 0


cdef void close_tally(Tally *tally) noexcept nogil:
    free(tally.here)
    free(tally.documents)
    tally.here = NULL
    tally.documents = NULL


cdef uint64_t clear_tally(Tally *tally) noexcept nogil:
    """Start afresh; returns the sum of the squared counts."""
    cdef uint64_t squares = 0
    cdef size_t k
    cdef uint32_t *here
    for k in range(tally.n_documents):
        here = &tally.here[tally.documents[k]]
        squares += <uint64_t>here[0] * here[0]
        here[0] = 0
    tally.n_documents = 0
    return squares


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


cdef class Tokens:
    """The tokens that a sample is segmented into.

    Args:
        sample: the sample.
        pieces: the vocabulary.
        ids: the tokens, as numbers of pieces (uint32).
        ends: for each segment, the number of tokens up to its end (int64).

    Raises ValueError unless each segment ends where a token does.

    Thread safety: immutable, as long as nobody changes the arrays.
    """

    def __cinit__(self, Sample sample, Pieces pieces, ids, ends):
        cdef Py_ssize_t n, k = 0, segment
        cdef int64_t position = 0
        cdef TokensView *view = &self.view
        cdef bint fits
        self.sample, self.pieces, self.ids, self.ends = sample, pieces, ids, ends
        view.ids = <const uint32_t *>items(ids, 4, &view.n_tokens)
        view.ends = <const int64_t *>items(ends, 8, &n)
        fits = n == sample.view.n_segments
        with nogil:
            for segment in range(n if fits else 0):
                while k < view.ends[segment] and k < view.n_tokens and view.ids[k] < pieces.view.n_pieces:
                    position += pieces.view.lengths[view.ids[k]]
                    k += 1
                if k != view.ends[segment] or position != sample.view.offsets[segment + 1]:
                    fits = False
                    break
        if not fits or k != view.n_tokens:
            raise ValueError("tokens do not match the segments")

    def __len__(self):
        return self.view.n_tokens

    def count(self, Py_ssize_t begin, Py_ssize_t end):
        """How often each piece is a token in all occurrences of the segments from number `begin` to `end` (uint64)."""
        cdef Py_ssize_t n, k, segment
        if not 0 <= begin <= end <= self.sample.view.n_segments:
            raise ValueError(f"segments {begin} to {end} of {self.sample.view.n_segments}")
        result = np.zeros(self.pieces.view.n_pieces, dtype=np.uint64)
        cdef uint64_t *count = <uint64_t *>items(result, 8, &n, True)
        with nogil:
            k = self.view.ends[begin - 1] if begin else 0
            for segment in range(begin, end):
                while k < self.view.ends[segment]:
                    count[self.view.ids[k]] += self.sample.view.counts[segment]
                    k += 1
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
