"""Kernels of discovery: the n-gram model as an automaton, and the best cut of segments into candidate pieces."""

from libc.math cimport INFINITY, log
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memset

from bytepiece._buffers cimport items
from bytepiece._memory cimport allocate_table, prefetch
from bytepiece.training._counting cimport MAX_ORDER, PieceCounter, character_length

cdef enum:
    INLINE_LABELS = 6


# An n-gram shorter than the order, in one cache line: what a walk over the text needs of it.
cdef struct Context:
    double row[6]         # log-probabilities of its suffixes of 1, 2, ... bytes; -inf beyond its own length
    uint32_t first_child  # the n-grams one byte longer, sorted: their rank in the next level
    uint32_t suffix       # the n-gram without its first byte: its rank in the level before
    uint16_t n_children
    uint8_t labels[6]     # last bytes of the first children


# An n-gram of full order.
cdef struct Leaf:
    double logp
    uint32_t suffix


cdef union Number:
    double real
    uint64_t count


cdef struct Level:
    Context *contexts     # of levels 0 (the empty n-gram) to order - 1
    Leaf *leaves          # of level `order`
    uint8_t *labels       # the last byte of each n-gram
    Py_ssize_t size
    Py_ssize_t capacity


cdef int reserve(Level *level) except -1 nogil:
    """Make room for one more n-gram."""
    cdef Py_ssize_t capacity
    cdef void *grown
    if level.size < level.capacity:
        return 0
    capacity = level.capacity + level.capacity // 2 + 1024
    if capacity >= <Py_ssize_t>0xFFFFFFFF:
        raise MemoryError("more than 2**32 n-grams of one length: raise min_count")
    grown = realloc(level.labels, capacity)
    if grown == NULL:
        raise MemoryError("no memory for the n-gram model")
    level.labels = <uint8_t *>grown
    if level.leaves != NULL:
        grown = realloc(level.leaves, capacity * sizeof(Leaf))
        if grown != NULL:
            level.leaves = <Leaf *>grown
    else:
        grown = realloc(level.contexts, capacity * sizeof(Context))
        if grown != NULL:
            level.contexts = <Context *>grown
    if grown == NULL:
        raise MemoryError("no memory for the n-gram model")
    level.capacity = capacity
    return 0


cdef int settle(Level *level) except -1 nogil:
    """All n-grams of this length are known: move them to where they stay."""
    cdef size_t n = <size_t>level.size
    cdef void *labels = allocate_table(n + 1)
    cdef void *table = allocate_table(n * (sizeof(Leaf) if level.leaves != NULL else sizeof(Context)) + 1)
    if labels == NULL or table == NULL:
        free(labels)
        free(table)
        raise MemoryError("no memory for the n-gram model")
    if n:
        memcpy(labels, level.labels, n)
    free(level.labels)
    level.labels = <uint8_t *>labels
    if level.leaves != NULL:
        memcpy(table, level.leaves, n * sizeof(Leaf))
        free(level.leaves)
        level.leaves = <Leaf *>table
    else:
        memcpy(table, level.contexts, n * sizeof(Context))
        free(level.contexts)
        level.contexts = <Context *>table
    level.capacity = level.size
    return 0


cdef inline Py_ssize_t find_child(const Context *context, const uint8_t *labels, uint8_t byte) noexcept nogil:
    """The rank of the n-gram that is `context` and `byte`, or -1; `labels` are those of the next level."""
    cdef uint32_t n = context.n_children, k, rank = 0
    if n <= INLINE_LABELS:
        for k in range(n):
            if context.labels[k] == byte:
                return <Py_ssize_t>context.first_child + k
        return -1
    if n == 256:
        return <Py_ssize_t>context.first_child + byte
    labels += context.first_child
    for k in range(n):  # without branches, so that it is done many at a time
        rank += labels[k] < byte
    if rank < n and labels[rank] == byte:
        return <Py_ssize_t>context.first_child + rank
    return -1


cdef class NgramAutomaton:
    """The n-grams that occur often enough, with log-probabilities, as an automaton over bytes.

    Whatever part of an n-gram occurs at least as often as the whole, so the set is closed under taking parts.
    After each byte of a text the automaton is in the longest n-gram of the set that ends there, and all shorter
    n-grams that end there are in the set too. A context carries the log-probabilities of all of them.

    Build it with `add`, all counts in the order of their keys, then `finish`. Immutable from then on, and
    shared by threads.

    Args:
        order: the longest n-gram, 1 to `MAX_ORDER`.
        min_count: n-grams of two bytes or more that occur less often are left out.
        dry: only find out how large it would be.
    """

    cdef Level levels[8]
    cdef readonly int order
    cdef readonly uint64_t min_count
    cdef readonly uint64_t n_bytes        # the sum of all counts
    cdef public str fingerprint           # of all counts, from whoever gave them
    cdef bint dry
    cdef bint finished
    # The n-grams that are still open while counts come in: those of the last key, by length.
    cdef uint64_t last
    cdef uint64_t open_counts[8]
    cdef uint32_t open_first_child[8]

    def __cinit__(self, int order, uint64_t min_count, bint dry=False):
        cdef int n
        if not 1 <= order <= MAX_ORDER or min_count < 1:
            raise ValueError(f"order {order}, min_count {min_count}")
        self.order = order
        self.min_count = min_count
        self.dry = dry
        for n in range(order + 1):
            if n == order:
                self.levels[n].leaves = <Leaf *>malloc(sizeof(Leaf))
            else:
                self.levels[n].contexts = <Context *>malloc(sizeof(Context))
            if self.levels[n].leaves == NULL and self.levels[n].contexts == NULL:
                raise MemoryError("no memory for the n-gram model")

    def __dealloc__(self):
        cdef int n
        for n in range(MAX_ORDER + 1):
            free(self.levels[n].contexts)
            free(self.levels[n].leaves)
            free(self.levels[n].labels)

    @property
    def sizes(self):
        """list[int]: the number of n-grams of 1, 2, ... `order` bytes."""
        return [self.levels[n].size for n in range(1, self.order + 1)]

    @property
    def nbytes(self):
        """int: the memory that the n-grams take, in bytes."""
        return sum(self.level_bytes(n) for n in range(self.order + 1))

    @property
    def peak_nbytes(self):
        """int: the memory that finishing takes, where one length at a time is copied."""
        return self.nbytes + max(self.level_bytes(n) for n in range(self.order + 1))

    cdef Py_ssize_t level_bytes(self, int n) noexcept:
        return self.levels[n].size * <Py_ssize_t>((sizeof(Leaf) if n == self.order else sizeof(Context)) + 1)

    def add(self, keys, counts):
        """Take counts: keys of the longest n-grams at each position, ascending, each greater than all before.

        Both are uint64 arrays; see `bytepiece.training._counting.ngram_keys`.
        """
        cdef Py_ssize_t n_keys, n_counts, k
        cdef const uint64_t *key = <const uint64_t *>items(keys, 8, &n_keys)
        cdef const uint64_t *count = <const uint64_t *>items(counts, 8, &n_counts)
        if self.finished or n_keys != n_counts:
            raise ValueError("counts come in pairs, and before the end")
        with nogil:
            for k in range(n_keys):
                self.take(key[k], count[k])

    cdef int take(self, uint64_t key, uint64_t count) except -1 nogil:
        cdef int length = <int>(key & 0xFF), last_length = <int>(self.last & 0xFF), common = 0, n
        cdef uint64_t difference = key ^ self.last
        if key <= self.last or length < 1 or length > self.order:
            raise ValueError("keys must ascend, and be of the model's order")
        if count > (<uint64_t>1 << 63) - 1 - self.n_bytes:
            raise OverflowError("more than 2**63 bytes of text")
        while common < last_length and common < length and not (difference >> (56 - 8 * common)) & 0xFF:
            common += 1
        self.close(common)
        self.last = key
        self.n_bytes += count
        for n in range(1, length + 1):
            if n > common:
                self.open_counts[n] = 0
                if n < self.order:
                    self.open_first_child[n] = <uint32_t>self.levels[n + 1].size
            self.open_counts[n] += count
        return 0

    cdef int close(self, int common) except -1 nogil:
        """Settle the open n-grams of more than `common` bytes: those that occur often enough stay."""
        cdef int n = <int>(self.last & 0xFF)
        cdef uint8_t byte
        while n > common:
            byte = <uint8_t>(self.last >> (64 - 8 * n))
            if n == 1:
                self.append_unseen(byte)
                self.append(1, byte, self.open_counts[1], self.open_first_child[1])
            elif self.open_counts[n] >= self.min_count:
                self.append(n, byte, self.open_counts[n], self.open_first_child[n])
            n -= 1
        return 0

    cdef int append_unseen(self, int end) except -1 nogil:
        """The bytes below `end` that never occur are in the model too: each counts once, and in the total."""
        while self.levels[1].size < end:
            self.n_bytes += 1
            # Without children, wherever those of its neighbours begin.
            self.append(1, <uint8_t>self.levels[1].size, 1, 0)
            if self.order > 1 and not self.dry:
                self.levels[1].contexts[self.levels[1].size - 1].n_children = 0
        return 0

    cdef int append(self, int n, uint8_t byte, uint64_t count, uint32_t first_child) except -1 nogil:
        cdef Level *level = &self.levels[n]
        cdef Context *context
        cdef Number number
        cdef uint32_t k
        if self.dry:
            level.size += 1
            return 0
        number.count = count  # stands where its log-probability will, until all counts are known
        reserve(level)
        level.labels[level.size] = byte
        if n == self.order:
            level.leaves[level.size].logp = number.real
            level.leaves[level.size].suffix = 0
        else:
            context = &level.contexts[level.size]
            memset(context, 0, sizeof(Context))
            context.row[n - 1 if n else 0] = number.real
            context.first_child = first_child
            context.n_children = <uint16_t>(self.levels[n + 1].size - first_child)
            for k in range(min(<uint32_t>context.n_children, <uint32_t>INLINE_LABELS)):
                context.labels[k] = self.levels[n + 1].labels[first_child + k]
        level.size += 1
        return 0

    def finish(self):
        """All counts are in: make the model of them."""
        cdef int n
        if self.finished or self.dry:
            raise ValueError("finished before, or dry")
        with nogil:
            self.close(0)
            self.append_unseen(256)
            self.append(0, 0, self.n_bytes, 0)
            for n in range(self.order + 1):
                settle(&self.levels[n])
            self.set_probabilities()
            self.set_suffixes()
        self.finished = True

    cdef int set_probabilities(self) except -1 nogil:
        """Replace each count by log(count) - log(count without the last byte), the longest n-grams first."""
        cdef int n = self.order
        cdef Py_ssize_t p, k
        cdef Context *context
        cdef double *place
        cdef double log_context
        while n > 0:
            for p in range(self.levels[n - 1].size):
                context = &self.levels[n - 1].contexts[p]
                log_context = log_count(context.row[n - 2 if n > 1 else 0])
                for k in range(context.first_child, context.first_child + context.n_children):
                    if n == self.order:
                        place = &self.levels[n].leaves[k].logp
                    else:
                        place = &self.levels[n].contexts[k].row[n - 1]
                    place[0] = log_count(place[0]) - log_context
            n -= 1
        return 0

    cdef int set_suffixes(self) except -1 nogil:
        """Link each n-gram to the one without its first byte, and copy that one's row, the shortest first."""
        cdef int n, j
        cdef Py_ssize_t p, k, suffix
        cdef const Context *parent
        cdef const Context *parent_suffix
        cdef Context *context
        self.levels[0].contexts[0].row[0] = -INFINITY
        for n in range(1, self.order + 1):
            for p in range(self.levels[n - 1].size):
                parent = &self.levels[n - 1].contexts[p]
                parent_suffix = &self.levels[n - 2 if n > 1 else 0].contexts[parent.suffix]
                for k in range(parent.first_child, parent.first_child + parent.n_children):
                    suffix = 0
                    if n > 1:
                        suffix = find_child(parent_suffix, self.levels[n - 1].labels, self.levels[n].labels[k])
                        if suffix < 0:
                            raise ValueError("an n-gram is counted more often than its part: damaged counts")
                    if n == self.order:
                        self.levels[n].leaves[k].suffix = <uint32_t>suffix
                        continue
                    context = &self.levels[n].contexts[k]
                    context.suffix = <uint32_t>suffix
                    for j in range(n - 1):
                        context.row[j] = self.levels[n - 1].contexts[suffix].row[j]
                    for j in range(n, MAX_ORDER - 1):
                        context.row[j] = -INFINITY
        return 0

    def discover(self, bytes data, Py_ssize_t begin, segment_ends, bint ensure_unicode, PieceCounter counter):
        """Cut segments into the candidate pieces that the model finds most probable, and count them.

        Args:
            data: the segments, one after the other, UTF-8.
            begin: where in `data` the first segment starts.
            segment_ends: int64 array, where each segment ends.
            ensure_unicode: no piece starts inside a character, except in unreachable ones.
            counter: where the pieces are counted.
        """
        cdef Py_ssize_t n, n_segments, k, first, start = begin, longest = 0
        cdef const uint8_t *text = <const uint8_t *>items(data, 1, &n)
        cdef const int64_t *ends = <const int64_t *>items(segment_ends, 8, &n_segments)
        cdef Trellis trellis
        if not self.finished:
            raise ValueError("the model is not finished")
        for k in range(n_segments):
            if not start <= ends[k] <= n:
                raise ValueError("segment ends must ascend within the data")
            longest = max(longest, <Py_ssize_t>ends[k] - start)
            start = ends[k]
        n = BLOCK + longest
        trellis.rows = <const double **>malloc(n * sizeof(double *))
        trellis.tips = <double *>malloc(n * sizeof(double))
        trellis.marks = <uint8_t *>malloc(n)
        trellis.back = <uint8_t *>malloc(n)
        try:
            if not (trellis.rows and trellis.tips and trellis.marks and trellis.back):
                raise MemoryError("no memory to cut a segment")
            start = begin
            first = 0
            with nogil:
                for k in range(n_segments):
                    if ends[k] - start >= BLOCK or k == n_segments - 1:
                        self.cut_block(
                            text + start, start, ends + first, k + 1 - first, ensure_unicode, trellis, counter
                        )
                        start = ends[k]
                        first = k + 1
        finally:
            free(trellis.rows)
            free(trellis.tips)
            free(trellis.marks)
            free(trellis.back)

    cdef int cut_block(
        self, const uint8_t *text, int64_t offset, const int64_t *ends, Py_ssize_t n_segments, bint ensure_unicode,
        Trellis trellis, PieceCounter counter
    ) except -1 nogil:
        """Cut some segments; `ends` count from `offset` bytes before `text`."""
        cdef Py_ssize_t k, n, start = 0, end
        cdef int state
        memset(trellis.marks, FREE, ends[n_segments - 1] - offset)
        for k in range(n_segments):
            end = ends[k] - offset
            if start < end:
                trellis.marks[start] = SEGMENT_START
            start = end
        self.walk(text, start, &trellis)
        start = 0
        for k in range(n_segments):
            n = ends[k] - offset - start
            if n > 0:
                if ensure_unicode:
                    mark_starts(text, n, self.order, &trellis)
                # The usual order as a constant, so that its loops are unrolled.
                state = best_path(n, 6, &trellis) if self.order == 6 else best_path(n, self.order, &trellis)
                count_path(text, n, state, self.order, &trellis, counter)
            start += n
            text += n
            trellis.rows += n
            trellis.tips += n
            trellis.marks += n
            trellis.back += n
        return 0

    cdef void walk(self, const uint8_t *text, Py_ssize_t n, Trellis *trellis) noexcept nogil:
        """Note for each byte the log-probabilities of the n-grams that end there.

        The model is larger than the caches, so a walk would spend its time waiting for memory. Several walks
        through parts of the text take turns instead, and each asks for what it needs next before it waits. Where
        a part begins inside a segment, order - 1 bytes before it put the automaton in the right state.
        """
        cdef Walk walks[WALKS]
        cdef Walk *w
        cdef int k, top = self.order - 1, active = 0
        cdef Py_ssize_t begin, child
        cdef double tip
        for k in range(WALKS):
            begin = n * k // WALKS
            w = &walks[active]
            w.end = n * (k + 1) // WALKS
            if begin == w.end:
                continue
            w.begin = w.position = begin
            while w.position > 0 and w.position > begin - top and trellis.marks[w.position] != SEGMENT_START:
                w.position -= 1
            w.level = 0
            w.context = self.levels[0].contexts
            w.leaf = NULL
            active += 1
        while active:
            for k in range(active - 1, -1, -1):
                w = &walks[k]
                if w.leaf != NULL:
                    tip = w.leaf.logp
                    w.context = &self.levels[top].contexts[w.leaf.suffix]
                    w.leaf = NULL
                else:
                    if trellis.marks[w.position] == SEGMENT_START:
                        w.level = 0
                        w.context = self.levels[0].contexts
                    child = find_child(w.context, self.levels[w.level + 1].labels, text[w.position])
                    if child < 0:  # at the latest the empty n-gram is continued, by every byte
                        w.level -= 1
                        w.context = &self.levels[w.level].contexts[w.context.suffix]
                        prefetch(w.context)
                        continue
                    if w.level == top:
                        w.leaf = &self.levels[self.order].leaves[child]
                        prefetch(w.leaf)
                        continue
                    w.level += 1
                    w.context = &self.levels[w.level].contexts[child]
                    tip = -INFINITY
                prefetch(w.context)
                if w.position >= w.begin:
                    trellis.tips[w.position] = tip
                    trellis.rows[w.position] = &w.context.row[0]
                w.position += 1
                if w.position == w.end:
                    active -= 1
                    walks[k] = walks[active]


cdef enum:
    BLOCK = 1 << 16    # bytes of text that are cut at a time
    WALKS = 16
    AHEAD = 16         # how many bytes before its use a row is fetched


cdef struct Walk:
    Py_ssize_t begin
    Py_ssize_t end
    Py_ssize_t position
    const Context *context
    const Leaf *leaf      # the n-gram of full order that was found, until it is read
    int level             # the length of the context


# What is known of each byte of a block on the way to its best path.
cdef struct Trellis:
    const double **rows   # log-probabilities of the n-grams of 1 .. order - 1 bytes that end there
    double *tips          # of the n-gram of full order
    uint8_t *marks        # whether a piece may start there: one of the values below
    uint8_t *back         # best predecessors: of state 0 in the low bits, LAST_STAYS for the last state


cdef enum:
    FREE = 0
    SEGMENT_START = 1
    INSIDE = 2           # inside a character: no piece starts here
    MUST_START = 3
    LAST_STAYS = 8


cdef inline double log_count(double bits) noexcept nogil:
    cdef Number number
    number.real = bits
    return log(<double>number.count)


cdef inline double emission(const Trellis *trellis, Py_ssize_t i, int j, int order) noexcept nogil:
    return trellis.tips[i] if j == order - 1 else trellis.rows[i][j]


cdef void mark_starts(const uint8_t *text, Py_ssize_t n, int order, Trellis *trellis) noexcept nogil:
    """Say where pieces may and must start, for characters to stay whole where that is possible.

    A character is unreachable when the n-grams that would carry a piece through it are too rare to be in the
    model. It is spelled in single bytes, and a piece starts behind it.
    """
    cdef Py_ssize_t i = 0, k, end
    cdef bint unreachable
    while i < n:
        end = i + character_length(text[i])
        if end > n:
            end = n
        unreachable = False
        for k in range(i + 1, end):
            trellis.marks[k] = INSIDE
            if emission(trellis, k, <int>min(k - i, <Py_ssize_t>order - 1), order) == -INFINITY or order == 1:
                unreachable = True
        if unreachable:
            memset(trellis.marks + i, MUST_START, (end if end == n else end + 1) - i)
            # The next character may turn out unreachable as well, and is then marked throughout.
        i = end


cdef inline int best_path(Py_ssize_t n, int order, Trellis *trellis) noexcept nogil:
    """Viterbi. Returns the best state at the last byte; the way back is in `trellis.back`.

    In state j < order - 1 the piece has j bytes before this one, in the last state that many or more. Sums are
    compared, not the scores before the addition: rounding makes some equal. The lowest state wins ties.
    """
    cdef double score[8]
    cdef double first, last, stays, candidate
    cdef const double *row
    cdef Py_ssize_t i
    cdef int j, best
    cdef uint8_t mark
    for j in range(1, order):
        score[j] = -INFINITY
    score[0] = trellis.rows[0][0] if order > 1 else trellis.tips[0]
    for i in range(1, n):
        row = trellis.rows[i]
        prefetch(trellis.rows[i + AHEAD if i + AHEAD < n else i])
        mark = trellis.marks[i]
        first = row[0] if order > 1 else trellis.tips[i]
        if mark == INSIDE:
            first = -INFINITY
        best = 0
        candidate = score[0] + first
        for j in range(1, order):
            if score[j] + first > candidate:
                candidate = score[j] + first
                best = j
        if order > 1:
            if mark == MUST_START:
                for j in range(1, order):
                    score[j] = -INFINITY
            else:
                last = score[order - 2] + trellis.tips[i]
                stays = score[order - 1] + trellis.tips[i]
                if stays > last:
                    last = stays
                    best |= LAST_STAYS
                for j in range(order - 2, 0, -1):
                    score[j] = score[j - 1] + row[j]
                score[order - 1] = last
        score[0] = candidate
        trellis.back[i] = <uint8_t>best
    best = 0
    for j in range(1, order):
        if score[j] > score[best]:
            best = j
    return best


cdef int count_path(
    const uint8_t *text, Py_ssize_t n, Py_ssize_t state, int order, const Trellis *trellis, PieceCounter counter
) except -1 nogil:
    """Follow the best path back from the last byte, and count its pieces."""
    cdef Py_ssize_t i = n - 1, end = n
    while i >= 0:
        if state == 0:
            counter.add(text + i, end - i, 1)
            end = i
            state = trellis.back[i] & (LAST_STAYS - 1) if i else 0
        elif state < order - 1 or not trellis.back[i] & LAST_STAYS:
            state -= 1
        i -= 1
    return 0
