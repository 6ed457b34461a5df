"""Freed memory, which the C library would keep, given back to the system."""

from bytepiece.core.memory cimport keep_no_large_blocks, trim_memory

cdef bint keeps_little = False    # since `release_large_arrays`


def release_memory():
    """Give back what is free now. That takes some milliseconds, and as many again when the memory is used once more."""
    with nogil:
        trim_memory()


def release_large_arrays():
    """From now on, give arrays of 256 KB and more back to the system as soon as they are freed.

    Once arrays of some MB were freed, glibc would keep them. What is then free between other arrays takes as much
    memory again as the counts do, which breaks a limit of memory. After each automaton that is built, all that is
    free goes back, too.
    """
    global keeps_little
    keeps_little = True
    keep_no_large_blocks()


cdef void release_if_limited() noexcept nogil:
    if keeps_little:
        trim_memory()
