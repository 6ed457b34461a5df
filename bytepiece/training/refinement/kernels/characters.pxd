cpdef enum:
    COMMON = 0x7FFFFFFF    # a number so great that it does not matter, see `least_of_characters`
