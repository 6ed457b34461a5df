"""Pointers into Python buffers: NumPy arrays and bytes."""

from cpython.buffer cimport (
    PyBUF_C_CONTIGUOUS,
    PyBUF_WRITABLE,
    Py_buffer,
    PyBuffer_Release,
    PyObject_GetBuffer,
)


cdef inline void *items(object array, Py_ssize_t itemsize, Py_ssize_t *length, bint writable=False) except? NULL:
    """The address of the items of a contiguous buffer, and their number.

    The caller keeps `array` alive, and its size unchanged, while it uses the address. Raises ``TypeError`` unless items
    have `itemsize` bytes, ``ValueError`` unless they are aligned.
    """
    cdef Py_buffer view
    PyObject_GetBuffer(array, &view, PyBUF_C_CONTIGUOUS | (PyBUF_WRITABLE if writable else 0))
    cdef void *address = view.buf
    cdef Py_ssize_t n_bytes = view.len
    cdef Py_ssize_t actual = view.itemsize
    PyBuffer_Release(&view)
    if actual != itemsize:
        raise TypeError(f"expected items of {itemsize} bytes, not {actual}")
    if <size_t>address % <size_t>itemsize and n_bytes:
        raise ValueError("items do not begin at a multiple of their size")
    length[0] = n_bytes // itemsize
    return address
