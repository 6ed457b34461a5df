from libc.stdint cimport uint8_t, uint32_t, uint64_t

from bytepiece.core.automaton cimport AutomatonView, Slot, child_of, slot_at


cdef inline uint32_t next_state(const AutomatonView *a, uint32_t state, uint32_t byte) noexcept nogil:
    """The state after one more byte. The root has a child by every byte, so this ends."""
    cdef const Slot *slot
    cdef uint32_t child
    while True:
        slot = slot_at(a.slots, state)
        if slot.children >> (byte & 15) & 1:
            child = child_of(slot, byte)
            if slot_at(a.slots, child).label == byte:
                return child
        state = slot.fail


# The lattice of a window. Threads have one each.
#
#     text       t   h   e   _   c   a   t
#     costs    0 .   .   .  70   .   . 141     least cost of the text up to each position
#     last       .   .   .  the_ .   . cat     last piece of the segmentation that costs it
#
# Followed backwards from the end, `last` gives the best segmentation.
cdef struct Window:
    uint64_t *costs
    uint32_t *last


cdef int open_window(Window *window, size_t capacity) except -1 nogil
cdef void close_window(Window *window) noexcept nogil
cdef uint64_t segment_without(
    const AutomatonView *a, const uint32_t *costs, const uint8_t *text, size_t n, uint32_t without, Window *window
) noexcept nogil
