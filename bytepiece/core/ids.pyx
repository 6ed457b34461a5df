"""Ids as kernels make them: an array that grows, a buffer of uint32 for NumPy, or a list of ints."""

from cpython.list cimport PyList_New
from cpython.ref cimport PyObject
from libc.stdint cimport SIZE_MAX, uint32_t
from libc.stdlib cimport free, realloc

from bytepiece.core.memory cimport prefetch, use_large_pages

# Pointers, because Cython counts references at each assignment of an object.
cdef extern from "Python.h":
    PyObject **items_of "PySequence_Fast_ITEMS"(object list) noexcept
    void increase_count "Py_INCREF"(PyObject *item) noexcept
    PyObject *new_int "PyLong_FromUnsignedLong"(unsigned long number) except NULL

cdef enum:
    SPARE = 8192           # ids for which there is room beyond an estimate
    SLACK = 524288         # ids for which there may be room to no use
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

    def tolist(self, list ints):
        """The ids as a list of ints.

        Making an int takes longer than finding the id of a short piece, so lists share them: `ints[id]` is the int of
        an id, or None until it is first needed. Ids beyond the end of `ints` are made anew.
        """
        cdef size_t begin = 0, end, k, n = self.data.size, n_ints = len(ints)
        cdef const uint32_t *numbers = self.data.ids
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
