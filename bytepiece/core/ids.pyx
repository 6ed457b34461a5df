"""Ids as kernels make them: an array that grows, a buffer of uint32 for NumPy, or a list of ints."""

from cpython.list cimport PyList_New
from cpython.ref cimport PyObject
from libc.stdint cimport SIZE_MAX, UINT32_MAX, int64_t, uint16_t, uint32_t
from libc.stdlib cimport free, realloc

from bytepiece.core.buffers cimport items
from bytepiece.core.memory cimport prefetch, use_large_pages

import numpy as np

# Pointers, because Cython counts references at each assignment of an object.
cdef extern from "Python.h":
    PyObject **items_of "PySequence_Fast_ITEMS"(object list) noexcept
    Py_ssize_t PY_SSIZE_T_MAX
    void increase_count "Py_INCREF"(PyObject *item) noexcept
    PyObject *new_int "PyLong_FromUnsignedLong"(unsigned long number) except NULL

# An id as it is stored in files.
ctypedef fused stored_id:
    uint16_t
    uint32_t

cdef object FROM_BUFFER = np.frombuffer, UINT32 = np.dtype(np.uint32)

NO_ID = UINT32_MAX    # for `frame_documents`

cdef enum:
    SPARE = 8192           # ids for which there is room beyond an estimate
    SLACK = 524288         # unused room, in ids, that may stay
    CHUNK = 64             # ids whose objects are fetched before they are counted


cdef bint resize(Ids *ids, size_t capacity) noexcept nogil:
    """Make room for `capacity` ids in all. Without memory for them, returns False and changes nothing."""
    cdef void *resized
    if capacity > SIZE_MAX // sizeof(uint32_t):
        return False
    resized = realloc(ids.ids, capacity * sizeof(uint32_t))
    if resized == NULL:
        return False
    ids.ids = <uint32_t *>resized
    ids.capacity = capacity
    return True


cdef int reserve(Ids *ids, size_t n) except -1 nogil:
    """Make room for `n` more ids."""
    if ids.capacity - ids.size < n and not resize(ids, max(ids.capacity + ids.capacity // 2, ids.size + n)):
        raise MemoryError("no memory for the ids")
    return 0


cdef void reserve_for_rest(Ids *ids, size_t taken, size_t total) noexcept nogil:
    """Make room for all ids of a text, estimated from those of its first `taken` of `total` units.

    An array that grows step by step is copied at each step. Without memory for the estimate nothing changes.
    """
    cdef double likely = 1.05 * <double>ids.size / <double>taken * <double>(total - taken)
    if likely < <double>(SIZE_MAX // 8):
        if resize(ids, max(ids.capacity + ids.capacity // 2, ids.size + SPARE + <size_t>likely)):
            use_large_pages(ids.ids, ids.capacity * sizeof(uint32_t))


cdef void give_back(Ids *ids) noexcept nogil:
    """Free the room for ids that never came, if it is large."""
    if ids.capacity - ids.size > SLACK:
        resize(ids, ids.size)


cdef class IdArray:
    """Ids in memory of their own: a buffer of uint32."""

    def __dealloc__(self):
        free(self.data.ids)

    def __len__(self):
        return self.data.size

    def __getbuffer__(self, Py_buffer *buffer, int flags):
        if self.data.ids == NULL:
            reserve(&self.data, 1)  # an empty buffer needs an address, too
        self.shape[0] = self.data.size
        buffer.buf = self.data.ids
        buffer.format = "I"
        buffer.internal = NULL
        buffer.itemsize = sizeof(uint32_t)
        buffer.len = self.data.size * sizeof(uint32_t)
        buffer.ndim = 1
        buffer.obj = self
        buffer.readonly = 0
        buffer.shape = self.shape
        buffer.strides = &buffer.itemsize
        buffer.suboffsets = NULL

    def to_numpy(self):
        """The ids as a uint32 array, which has their memory."""
        return FROM_BUFFER(self, UINT32)

    def tolist(self, list ints):
        """The ids as a list of ints, see `lists_of`."""
        return list_of(self.data.ids, self.data.size, ints)


def lists_of(ids, offsets, list ints):
    """The ids of several texts, a list of ints for each.

    Making an int takes longer than finding the id of a short piece, so lists share them: `ints[id]` is the int of an
    id, or None until it is first needed. Ids beyond the end of `ints` are made anew.

    Args:
        ids: uint32 buffer, the ids of all texts.
        offsets: int64 array; text k has `ids[offsets[k]:offsets[k + 1]]`.
        ints: ints by id. It keeps its length.
    """
    cdef Py_ssize_t n_ids, n_offsets, k
    cdef const uint32_t *numbers = <const uint32_t *>items(ids, 4, &n_ids)
    cdef const int64_t *offset = <const int64_t *>items(offsets, 8, &n_offsets)
    lists = []
    for k in range(n_offsets - 1):
        if not 0 <= offset[k] <= offset[k + 1] <= n_ids:
            raise ValueError(f"text {k}: {offset[k]} to {offset[k + 1]} of {n_ids} ids")
        lists.append(list_of(numbers + offset[k], offset[k + 1] - offset[k], ints))
    return lists


cdef list list_of(const uint32_t *numbers, size_t n, list ints):
    """A list of `n` ids, see `lists_of`."""
    cdef size_t begin = 0, end, k, n_ints = len(ints)
    cdef PyObject *found[CHUNK]
    cdef PyObject *none = <PyObject *>None
    ids = PyList_New(n)
    cdef PyObject **places = items_of(ids)    # each owns a reference
    use_large_pages(places, n * sizeof(PyObject *))
    cdef PyObject **known = items_of(ints)    # the list keeps its length
    while begin < n:
        end = min(begin + CHUNK, n)
        for k in range(begin, end):
            found[k - begin] = known[numbers[k]] if numbers[k] < n_ints else none
            prefetch(found[k - begin])
        for k in range(begin, end):
            if found[k - begin] == none:
                places[k] = int_of(numbers[k], ints)
            else:
                increase_count(found[k - begin])
                places[k] = found[k - begin]
        begin = end
    return ids


cdef PyObject *int_of(uint32_t number, list ints) except NULL:
    """The int of an id, kept in `ints` if that is long enough. The caller owns the reference."""
    cdef object id
    if number >= <size_t>len(ints):
        return new_int(number)
    id = ints[number]
    if id is None:
        id = ints[number] = number
    increase_count(<PyObject *>id)
    return <PyObject *>id


def frame_documents(ids, ends, uint32_t before, uint32_t after, bint wide):
    """The ids of documents as they are stored: with an id before and after each, and without empty documents.

    Args:
        ids: uint32 buffer, the ids of all documents.
        ends: int64 array, where the ids of each document end.
        before: the id that comes before each document; `NO_ID` for none.
        after: the id that comes after each document; `NO_ID` for none.
        wide: whether ids take four bytes, or two, which only ids below 65,536 fit.

    Returns a uint32 or uint16 array of all ids, and the length of each document as an int64 array, 0 for an empty one.
    """
    cdef Py_ssize_t n_ids, n_documents, n, k, n_full = 0
    cdef const uint32_t *source = <const uint32_t *>items(ids, 4, &n_ids)
    cdef const int64_t *end = <const int64_t *>items(ends, 8, &n_documents)
    cdef int64_t begin = 0, extra = (before != UINT32_MAX) + (after != UINT32_MAX)
    for k in range(n_documents):
        if not begin <= end[k] <= n_ids:
            raise ValueError(f"document {k}: {begin} to {end[k]} of {n_ids} ids")
        n_full += end[k] > begin
        begin = end[k]
    if n_full > (PY_SSIZE_T_MAX // 8 - n_ids) // 2:
        raise OverflowError(f"{n_full} documents are too many")
    framed = np.empty(begin + n_full * extra, dtype=np.uint32 if wide else np.uint16)
    lengths = np.empty(n_documents, dtype=np.int64)
    cdef int64_t *length = <int64_t *>items(lengths, 8, &n, True)
    cdef void *target = items(framed, 4 if wide else 2, &n, True)
    begin = 0
    with nogil:
        for k in range(n_documents):
            length[k] = end[k] - begin + extra if end[k] > begin else 0
            if wide and length[k]:
                target = copy_framed(<uint32_t *>target, source + begin, end[k] - begin, before, after)
            elif length[k]:
                target = copy_framed(<uint16_t *>target, source + begin, end[k] - begin, before, after)
            begin = end[k]
    return framed, lengths


cdef void *copy_framed(
    stored_id *target, const uint32_t *ids, Py_ssize_t n, uint32_t before, uint32_t after
) noexcept nogil:
    """Copy the ids of a document, with those before and after it. Returns the place behind them."""
    cdef Py_ssize_t k
    if before != UINT32_MAX:
        target[0] = <stored_id>before
        target += 1
    for k in range(n):
        target[k] = <stored_id>ids[k]
    target += n
    if after != UINT32_MAX:
        target[0] = <stored_id>after
        target += 1
    return target
