cpdef enum:
    MAX_ORDER = 7    # the longest n-gram in bytes: a key has eight, and the last one is the length
