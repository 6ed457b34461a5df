"""In which documents pieces are found as strings, however the text is segmented."""

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
from bytepiece.training.refinement.kernels.sample cimport Sample
from bytepiece.training.refinement.kernels.windows cimport next_state

import numpy as np

# In the place of the number of a document, which is less, as a sample has less than 2**31 - 1 bytes.
cpdef enum:
    NONE = 0x7FFFFFFF
    MANY = 0x7FFFFFFE


def piece_documents(Automaton automaton, Sample sample, Py_ssize_t begin, Py_ssize_t end):
    """For each piece of two bytes or more, the document it is found in: NONE if in no document, MANY if in several.

    Looked at are the segments from number `begin` to `end`. A uint32 array.
    """
    cdef Py_ssize_t n, k, i
    cdef const AutomatonView *a = &automaton.view
    cdef const uint8_t *text = sample.view.text
    cdef const int64_t *offset = sample.view.offsets
    cdef const uint32_t *document = sample.view.documents
    cdef uint32_t state, group, first, match, piece
    cdef bint all_many
    check_goes_by_bytes(automaton)
    if not 0 <= begin <= end <= sample.view.n_segments:
        raise ValueError(f"segments {begin} to {end} of {sample.view.n_segments}")
    result = np.full(automaton.n_pieces, NONE, dtype=np.uint32)
    cdef uint32_t *seen = <uint32_t *>items(result, 4, &n, True)
    # For the matches of a state, named by their last group: whether all are MANY, so that they can be skipped.
    skipped = bytearray(a.n_groups)
    cdef uint8_t *skip = <uint8_t *>items(skipped, 1, &n, True)
    with nogil:
        for k in range(begin, end):
            state = a.root
            for i in range(offset[k], offset[k + 1]):
                state = next_state(a, state, text[i])
                group = slot_at(a.slots, state).group
                if skip[group]:
                    continue
                all_many = True
                first = 4 * first_group(a, group)
                for match in range(first, first + a.groups[group].n_others):
                    piece = piece_of(a, match)
                    if seen[piece] == <uint32_t>NONE:
                        seen[piece] = document[k]
                        all_many = False
                    elif seen[piece] != <uint32_t>MANY:
                        if seen[piece] == document[k]:
                            all_many = False
                        else:
                            seen[piece] = <uint32_t>MANY
                skip[group] = all_many
    return result
