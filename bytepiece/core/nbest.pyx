"""The n best segmentations of a text, all different, best first.

The n best paths to a position are among the n best paths to each earlier position, followed by one more piece. For each
piece that ends here these form a run, which is sorted already, as each of its paths gets the same score added. The n
best of all runs are merged with a heap:

    "the "     -8.1   -8.5   -9.0   -9.2      the scores of the paths that end with this piece
    "he "      -8.3   -8.3   -9.8
    " "       -11.2
    merged     -8.1   -8.3   -8.3   -8.5      n = 4

The paths through the segments of a text are merged in the same way, with a segmentation of the last segment in place
of the last piece.
"""

from libc.math cimport INFINITY
from libc.stdint cimport SIZE_MAX, int64_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memset

from bytepiece.core.alphabet cimport read_bytes
from bytepiece.core.automaton cimport (
    Automaton,
    AutomatonView,
    check_goes_by_bytes,
    first_group,
    length_of,
    piece_of,
    score_of,
)
from bytepiece.core.buffers cimport items
from bytepiece.core.ids cimport IdArray, Ids, reserve
from bytepiece.core.segment cimport segment_end, walk

import numpy as np


# A growing array, the owner of its memory.
cdef struct Array:
    void *items
    size_t size            # items in use
    size_t capacity


cdef int extend(Array *array, size_t n, size_t item_size) except -1 nogil:
    """Make room for `n` more items."""
    cdef size_t capacity
    cdef void *grown
    if array.capacity - array.size >= n:
        return 0
    capacity = array.capacity + array.capacity // 2
    if n > SIZE_MAX // item_size // 2 - array.size:
        raise MemoryError("no memory for the best segmentations")
    capacity = max(capacity, array.size + n)
    grown = realloc(array.items, capacity * item_size)
    if grown == NULL:
        raise MemoryError("no memory for the best segmentations")
    array.items = grown
    array.capacity = capacity
    return 0


cdef int append_size(Array *sizes, size_t size) except -1 nogil:
    extend(sizes, 1, sizeof(size_t))
    (<size_t *>sizes.items)[sizes.size] = size
    sizes.size += 1
    return 0


# One of the best paths to a position in a segment; or, in a text, to the end of one of its segments.
cdef struct Path:
    double score
    uint32_t before        # the rank of the path it continues, among those to the earlier position
    uint32_t last          # the last match; in a text, the rank among the segmentations of the last segment


# Paths with the same ending, best first: those to an earlier position, each with the same score added.
cdef struct Run:
    double head            # the score of the first path that is left
    double added
    size_t next            # the index of that path
    size_t end
    uint32_t rank          # its rank
    uint32_t order         # of equal heads, the run with the lower order wins
    uint32_t last


cdef struct Search:
    size_t n               # how many paths are wanted
    Array symbols          # uint16_t: the symbols of a segment
    Array groups           # uint32_t: for each the last group of its matches
    Array runs             # Run: a heap, the best head on top
    Array paths            # Path: the best to each position in a segment
    Array path_ends        # size_t: for each position, where its paths end
    Array text_paths       # Path: the best to the end of each segment
    Array text_path_ends   # size_t: for each segment, where its paths end
    Ids ids                # of the best segmentations of all segments
    Array id_ends          # size_t: for each segmentation, where its ids end
    Array segment_ends     # size_t: for each segment, where its segmentations end in `id_ends`


cdef void close_search(Search *s) noexcept nogil:
    free(s.symbols.items)
    free(s.groups.items)
    free(s.runs.items)
    free(s.paths.items)
    free(s.path_ends.items)
    free(s.text_paths.items)
    free(s.text_path_ends.items)
    free(s.ids.ids)
    free(s.id_ends.items)
    free(s.segment_ends.items)


cdef inline size_t end_of(const Array *ends, size_t k) noexcept nogil:
    return (<const size_t *>ends.items)[k]


cdef inline size_t begin_of(const Array *ends, size_t k) noexcept nogil:
    return (<const size_t *>ends.items)[k - 1] if k else 0


cdef int add_run(
    Array *runs, const Array *paths, size_t begin, size_t end, double score, uint32_t last
) except -1 nogil:
    cdef Run *run
    extend(runs, 1, sizeof(Run))
    run = &(<Run *>runs.items)[runs.size]
    run.head = (<const Path *>paths.items)[begin].score + score
    run.added = score
    run.next = begin
    run.end = end
    run.rank = 0
    run.order = <uint32_t>runs.size
    run.last = last
    runs.size += 1
    return 0


cdef inline bint is_better(const Run *run, const Run *other) noexcept nogil:
    return run.head > other.head or (run.head == other.head and run.order < other.order)


cdef void sift_down(Run *heap, size_t n, size_t place) noexcept nogil:
    cdef Run run = heap[place]
    cdef size_t child = 2 * place + 1
    while child < n:
        if child + 1 < n and is_better(&heap[child + 1], &heap[child]):
            child += 1
        if not is_better(&heap[child], &run):
            break
        heap[place] = heap[child]
        place = child
        child = 2 * place + 1
    heap[place] = run


cdef int merge(Array *runs, Array *paths, Array *ends, size_t n) except -1 nogil:
    """Append the `n` best paths of all runs, or all if there are fewer, and remove the runs."""
    cdef Run *heap = <Run *>runs.items
    cdef size_t k, left, n_runs = runs.size, n_paths = 0
    cdef Path *path
    for k in range(n_runs):
        n_paths += heap[k].end - heap[k].next
    left = min(n, n_paths)
    extend(paths, left, sizeof(Path))
    for k in range(n_runs // 2, 0, -1):
        sift_down(heap, n_runs, k - 1)
    while left:
        left -= 1
        path = &(<Path *>paths.items)[paths.size]
        path.score = heap[0].head
        path.before = heap[0].rank
        path.last = heap[0].last
        paths.size += 1
        heap[0].next += 1
        heap[0].rank += 1
        if heap[0].next < heap[0].end:
            heap[0].head = (<const Path *>paths.items)[heap[0].next].score + heap[0].added
        else:
            n_runs -= 1
            heap[0] = heap[n_runs]
        if n_runs:
            sift_down(heap, n_runs, 0)
    runs.size = 0
    append_size(ends, paths.size)
    return 0


cdef int begin_paths(Array *paths, Array *ends) except -1 nogil:
    """Begin with the one path to position 0."""
    paths.size = ends.size = 0
    extend(paths, 1, sizeof(Path))
    memset(paths.items, 0, sizeof(Path))
    paths.size = 1
    return append_size(ends, 1)


cdef int search_segment(Search *s, const AutomatonView *a, const uint8_t *text, size_t n) except -1 nogil:
    """Find the best paths to each position in a segment. Of equal scores, the longer last piece is better."""
    cdef size_t position, start
    cdef uint32_t group, k
    cdef uint32_t *groups
    cdef double score
    begin_paths(&s.paths, &s.path_ends)
    extend(&s.symbols, n, sizeof(uint16_t))
    extend(&s.groups, n, sizeof(uint32_t))
    groups = <uint32_t *>s.groups.items
    read_bytes(&a.alphabet, text, n, <uint16_t *>s.symbols.items, NULL)
    walk(a, a.root, <const uint16_t *>s.symbols.items, n, groups)
    for position in range(1, n + 1):
        group = groups[position - 1]
        for k in range(4 * first_group(a, group), 4 * (group + 1)):
            score = score_of(a, k)
            if score != -INFINITY:
                start = position - length_of(a, k)
                add_run(&s.runs, &s.paths, begin_of(&s.path_ends, start), end_of(&s.path_ends, start), score, k)
        merge(&s.runs, &s.paths, &s.path_ends, s.n)
    return 0


cdef int note_ids(Search *s, const AutomatonView *a, size_t n) except -1 nogil:
    """Append the ids of the best segmentations of a segment of `n` bytes."""
    cdef const Path *paths = <const Path *>s.paths.items
    cdef const Path *path
    cdef size_t k, position, n_ids
    cdef uint32_t *place
    for k in range(begin_of(&s.path_ends, n), end_of(&s.path_ends, n)):
        n_ids = 0
        position = n
        path = &paths[k]
        while position:
            n_ids += 1
            position -= length_of(a, path.last)
            path = &paths[begin_of(&s.path_ends, position) + path.before]
        reserve(&s.ids, n_ids)
        s.ids.size += n_ids
        place = s.ids.ids + s.ids.size
        position = n
        path = &paths[k]
        while position:
            place -= 1
            place[0] = a.first_id + piece_of(a, path.last)
            position -= length_of(a, path.last)
            path = &paths[begin_of(&s.path_ends, position) + path.before]
        append_size(&s.id_ends, s.ids.size)
    return append_size(&s.segment_ends, s.id_ends.size)


cdef int search_text(Search *s, const AutomatonView *a, const uint8_t *text, size_t n) except -1 nogil:
    """Find the best paths through each segment, and from these the best through the text."""
    cdef const Path *paths
    cdef size_t begin = 0, end, k, before_begin, before_end
    begin_paths(&s.text_paths, &s.text_path_ends)
    while begin < n:
        end = segment_end(text, begin, n)
        search_segment(s, a, text + begin, end - begin)
        note_ids(s, a, end - begin)
        before_begin = begin_of(&s.text_path_ends, s.text_path_ends.size - 1)
        before_end = end_of(&s.text_path_ends, s.text_path_ends.size - 1)
        paths = <const Path *>s.paths.items + begin_of(&s.path_ends, end - begin)
        for k in range(end_of(&s.path_ends, end - begin) - begin_of(&s.path_ends, end - begin)):
            add_run(&s.runs, &s.text_paths, before_begin, before_end, paths[k].score, <uint32_t>k)
        merge(&s.runs, &s.text_paths, &s.text_path_ends, s.n)
        begin = end
    return 0


cdef int join_ids(const Search *s, const Path *path, Ids *out) except -1 nogil:
    """Append the ids of a path through the text; it is followed from the last segment back."""
    cdef const Path *paths = <const Path *>s.text_paths.items
    cdef const Path *last = path
    cdef size_t segment, found, n_ids = 0
    cdef uint32_t *place
    for segment in range(s.segment_ends.size, 0, -1):
        found = begin_of(&s.segment_ends, segment - 1) + path.last
        n_ids += end_of(&s.id_ends, found) - begin_of(&s.id_ends, found)
        path = &paths[begin_of(&s.text_path_ends, segment - 1) + path.before]
    reserve(out, n_ids)
    out.size += n_ids
    place = out.ids + out.size
    path = last
    for segment in range(s.segment_ends.size, 0, -1):
        found = begin_of(&s.segment_ends, segment - 1) + path.last
        n_ids = end_of(&s.id_ends, found) - begin_of(&s.id_ends, found)
        place -= n_ids
        memcpy(place, s.ids.ids + begin_of(&s.id_ends, found), n_ids * sizeof(uint32_t))
        path = &paths[begin_of(&s.text_path_ends, segment - 1) + path.before]
    return 0


def best_of(Automaton automaton, bytes data, uint32_t n):
    """The `n` best segmentations of a text, best first, or all if there are fewer.

    Returns all ids, as an `IdArray`; where those of each segmentation end, as an int64 array; and the scores, as a
    float64 array. Takes 16 * `n` bytes of memory for each byte of the longest segment, besides all ids.
    """
    cdef Py_ssize_t size, k, n_found
    cdef const uint8_t *text = <const uint8_t *>items(data, 1, &size)
    cdef const Path *paths
    cdef Search s
    cdef IdArray out = IdArray()
    cdef int64_t *end
    cdef double *score
    check_goes_by_bytes(automaton)
    memset(&s, 0, sizeof(Search))
    s.n = n
    try:
        with nogil:
            search_text(&s, &automaton.view, text, size)
        n_found = s.text_paths.size - begin_of(&s.text_path_ends, s.text_path_ends.size - 1)
        paths = <const Path *>s.text_paths.items + (s.text_paths.size - n_found)
        ends = np.empty(n_found, dtype=np.int64)
        scores = np.empty(n_found, dtype=np.float64)
        end = <int64_t *>items(ends, 8, &size, True)
        score = <double *>items(scores, 8, &size, True)
        with nogil:
            for k in range(n_found):
                join_ids(&s, &paths[k], &out.data)
                end[k] = <int64_t>out.data.size
                score[k] = paths[k].score
    finally:
        close_search(&s)
    return out, ends, scores
