cpdef enum:
    COMMON = 0x7FFFFFFF    # in the place of a number of documents: so many that it does not matter
