cpdef enum:
    COMMON = 0x7FFFFFFF    # in the place of a number that is so great that it does not matter, see `least_of_characters`
