cdef void release_if_limited() noexcept nogil
