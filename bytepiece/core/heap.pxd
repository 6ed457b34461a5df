cdef void release_at_times() noexcept nogil
