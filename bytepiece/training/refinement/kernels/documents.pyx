"""In which documents pieces are found: as tokens, and as strings, however the text is segmented."""

from libc.stdint cimport int64_t, uint8_t, uint32_t

from bytepiece.core.automaton cimport (
    Automaton,
    AutomatonView,
    check_goes_by_bytes,
    first_group,
    piece_of,
    slot_at,
)
from bytepiece.core.buffers cimport items
from bytepiece.training.refinement.kernels.sample cimport Sample, SampleView, Tokens
from bytepiece.training.refinement.kernels.windows cimport next_state

import numpy as np

# In the place of the number of a document, which is less, as a sample has less than 2**31 - 1 bytes.
cpdef enum:
    NO_DOCUMENT = 0x7FFFFFFF
    SEVERAL = 0x7FFFFFFE


cdef inline uint32_t document_of(const SampleView *s, Py_ssize_t segment) noexcept nogil:
    """The document that has a segment, or SEVERAL."""
    cdef uint32_t k = s.posting_offsets[segment]
    return s.postings[k].document if s.posting_offsets[segment + 1] == k + 1 else <uint32_t>SEVERAL


cdef inline void note_document(uint32_t *found, uint32_t document) noexcept nogil:
    if found[0] == <uint32_t>NO_DOCUMENT:
        found[0] = document
    elif found[0] != document:
        found[0] = <uint32_t>SEVERAL


def token_documents(Tokens tokens, Py_ssize_t begin, Py_ssize_t end):
    """For each piece, the document in which it is a token: NO_DOCUMENT if in no document, SEVERAL if in several.

    Looked at are the segments from number `begin` to `end`. Returns a uint32 array.
    """
    cdef Py_ssize_t n, segment, k
    cdef const uint32_t *ids = tokens.view.ids
    cdef const int64_t *ends = tokens.view.ends
    cdef const SampleView *sample = &tokens.sample.view
    cdef uint32_t document
    if not 0 <= begin <= end <= sample.n_segments:
        raise ValueError(f"segments {begin} to {end} of {sample.n_segments}")
    result = np.full(tokens.pieces.view.n_pieces, NO_DOCUMENT, dtype=np.uint32)
    cdef uint32_t *found = <uint32_t *>items(result, 4, &n, True)
    with nogil:
        k = ends[begin - 1] if begin else 0
        for segment in range(begin, end):
            document = document_of(sample, segment)
            while k < ends[segment]:
                note_document(&found[ids[k]], document)
                k += 1
    return result


def string_documents(Automaton automaton, Sample sample, Py_ssize_t begin, Py_ssize_t end):
    """For each piece of two bytes or more, the document that contains it: NO_DOCUMENT or SEVERAL if not one.

    Looked at are the segments from number `begin` to `end`. Returns a uint32 array.
    """
    cdef Py_ssize_t n, k, i
    cdef const AutomatonView *a = &automaton.view
    cdef const uint8_t *text = sample.view.text
    cdef const int64_t *offset = sample.view.offsets
    cdef uint32_t state, group, first, match, piece, document
    cdef bint all_many
    check_goes_by_bytes(automaton)
    if not 0 <= begin <= end <= sample.view.n_segments:
        raise ValueError(f"segments {begin} to {end} of {sample.view.n_segments}")
    result = np.full(automaton.n_pieces, NO_DOCUMENT, dtype=np.uint32)
    cdef uint32_t *found = <uint32_t *>items(result, 4, &n, True)
    # For the matches of a state, named by their last group: whether all are SEVERAL, so that they can be skipped.
    skipped = bytearray(a.n_groups)
    cdef uint8_t *skip = <uint8_t *>items(skipped, 1, &n, True)
    with nogil:
        for k in range(begin, end):
            state = a.root
            document = document_of(&sample.view, k)
            for i in range(offset[k], offset[k + 1]):
                state = next_state(a, state, text[i])
                group = slot_at(a.slots, state).group
                if skip[group]:
                    continue
                all_many = True
                first = 4 * first_group(a, group)
                for match in range(first, first + a.groups[group].n_others):
                    piece = piece_of(a, match)
                    note_document(&found[piece], document)
                    if found[piece] != <uint32_t>SEVERAL:
                        all_many = False
                skip[group] = all_many
    return result
