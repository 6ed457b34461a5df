"""Kernels of discovery: the n-gram model, and the best cut of segments into candidate pieces."""

from libc.math cimport INFINITY, log
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc

from bytepiece.core.buffers cimport items
from bytepiece.core.memory cimport allocate_table, prefetch
from bytepiece.core.utf8 cimport character_length
from bytepiece.training.counting.kernels.ngrams cimport MAX_ORDER
from bytepiece.training.counting.kernels.pieces cimport PieceTable

cdef enum:
    BLOCK = 1 << 12      # about as many bytes of text are cut at a time: what is known of them stays in the caches
    GROUP = 32           # so many lookups are under way at a time
    PAIRS = 1 << 16      # of bytes
    N_PILOTS = 1 << 16
    LARGEST_GROUP = 32   # with any luck at all, none is half as large

cdef uint64_t NONE = ~<uint64_t>0    # the key of no n-gram


cdef union Number:
    double real
    uint64_t bits


# An n-gram of a length that is known: its bytes as an integer, the last one lowest.
cdef struct Ngram:
    uint64_t key
    double logp


# The n-grams of one length: a list while they come in, then a hash table in which each has a place of its own.
#
# What is at a place is the key, and log-probabilities of its suffixes, of three bytes, four bytes, and so on
# up to itself: all that a text needs to know where the n-gram ends. Those of one and two bytes have arrays.
#
# N-grams that are alike in one hash have a pilot together: a number that sends them, by another hash, to places that
# are free. So one look tells whether there is an n-gram.
cdef struct Table:
    Ngram *ngrams
    Py_ssize_t capacity
    Py_ssize_t size
    uint64_t *places
    uint64_t n_places
    uint64_t width       # of a place, in numbers of eight bytes
    uint16_t *pilots
    uint64_t n_groups
    uint64_t seed        # of the first hash


# Of the n-grams of one length, those whose last byte is all they do not share: until the part they share is counted.
cdef struct Siblings:
    uint64_t keys[256]
    uint64_t counts[256]
    int size


cdef inline uint64_t flipped(double logp) noexcept nogil:
    """The bits of a log-probability, where they differ from those of minus infinity: which is 0, then."""
    cdef Number number, infinity
    number.real = logp
    infinity.real = -INFINITY
    return number.bits ^ infinity.bits


cdef inline double unflipped(uint64_t bits) noexcept nogil:
    cdef Number number
    number.real = -INFINITY
    number.bits ^= bits
    return number.real


cdef inline uint64_t hash_of(const Table *table, uint64_t key) noexcept nogil:
    """Another number for each key."""
    key = (key ^ table.seed) * <uint64_t>0x9E3779B97F4A7C15
    return (key ^ key >> 32) * <uint64_t>0xFF51AFD7ED558CCD


cdef inline uint64_t group_of(const Table *table, uint64_t hash) noexcept nogil:
    """The n-grams that have a pilot together."""
    return <uint64_t><uint32_t>hash * table.n_groups >> 32


cdef inline uint64_t place_of(const Table *table, uint64_t hash, uint64_t pilot) noexcept nogil:
    hash = (hash ^ pilot * <uint64_t>0xD6E8FEB86659FD93) * <uint64_t>0xC4CEB9FE1A85EC53
    return (hash >> 32) * table.n_places >> 32


cdef inline uint64_t *look(const Table *table, uint64_t key) noexcept nogil:
    """The only place where an n-gram can be."""
    cdef uint64_t hash = hash_of(table, key)
    return table.places + place_of(table, hash, table.pilots[group_of(table, hash)]) * table.width


cdef inline uint64_t suffix_of(uint64_t key, int n) noexcept nogil:
    """An n-gram of `n` bytes without its first one."""
    return key & ((<uint64_t>1 << 8 * (n - 1)) - 1)


cdef inline uint64_t n_places_for(Py_ssize_t size) noexcept nogil:
    """Some stay free: without, the last pilots would be hard to find."""
    return <uint64_t>(size + size // 9 + 1)


cdef inline uint64_t n_groups_for(Py_ssize_t size) noexcept nogil:
    return <uint64_t>(size // 3 + 1)


cdef int append(Table *table, uint64_t key, double logp) except -1 nogil:
    cdef Py_ssize_t capacity
    cdef void *grown
    if table.size == table.capacity:
        capacity = table.capacity + table.capacity // 2 + 1024
        if capacity >= <Py_ssize_t>0xFFFFFFFF:
            raise MemoryError("more than 2**32 n-grams of one length: raise min_count")
        grown = realloc(table.ngrams, capacity * sizeof(Ngram))
        if grown == NULL:
            raise MemoryError("no memory for the n-gram model")
        table.ngrams = <Ngram *>grown
        table.capacity = capacity
    table.ngrams[table.size].key = key
    table.ngrams[table.size].logp = logp
    table.size += 1
    return 0


cdef int make_table(Table *table, int n, const Table *shorter) except -1 nogil:
    """All n-grams of `n` bytes are known: make a hash table of the list; `shorter` has those of a byte less."""
    cdef Py_ssize_t k
    cdef int j
    cdef uint64_t key
    cdef uint64_t *place
    cdef const uint64_t *suffix
    table.width = n - 1
    table.n_places = n_places_for(table.size)
    table.n_groups = n_groups_for(table.size)
    table.pilots = <uint16_t *>calloc(table.n_groups, sizeof(uint16_t))
    table.places = <uint64_t *>allocate_table(table.n_places * table.width * sizeof(uint64_t))
    if table.pilots == NULL or table.places == NULL:
        raise MemoryError("no memory for the n-gram model")
    while not find_pilots(table):
        table.seed += <uint64_t>0xA0761D6478BD642F
    for k in range(<Py_ssize_t>table.n_places):
        table.places[k * table.width] = NONE
    for k in range(table.size):
        if k + GROUP < table.size:
            key = table.ngrams[k + GROUP].key
            prefetch(look(table, key))
            if n > 3:
                prefetch(look(shorter, suffix_of(key, n)))
        key = table.ngrams[k].key
        place = look(table, key)
        place[0] = key
        if n > 3:
            suffix = look(shorter, suffix_of(key, n))
            if suffix[0] != suffix_of(key, n):
                raise ValueError("an n-gram is counted more often than its part: damaged counts")
            for j in range(1, n - 2):
                place[j] = suffix[j]
        place[n - 2] = flipped(table.ngrams[k].logp)
    free(table.ngrams)
    table.ngrams = NULL
    table.capacity = 0
    return 0


cdef int find_pilots(Table *table) except -1 nogil:
    """Find pilots that send each n-gram to a place of its own: for large groups first, as long as much is free.

    Returns 0 where there are none, so that another seed is to be tried.
    """
    cdef Py_ssize_t k, size, most = 0, group, n_groups = <Py_ssize_t>table.n_groups
    cdef uint64_t hash
    cdef int pilot
    cdef uint32_t *begins = <uint32_t *>calloc(n_groups + 2, sizeof(uint32_t))
    cdef uint64_t *hashes = <uint64_t *>malloc(table.size * sizeof(uint64_t) + 1)
    cdef uint8_t *taken = <uint8_t *>calloc(table.n_places // 8 + 1, 1)
    try:
        if begins == NULL or hashes == NULL or taken == NULL:
            raise MemoryError("no memory for the n-gram model")
        # Bring together the hashes of each group: from hashes[begins[group]] to hashes[begins[group + 1] - 1].
        for k in range(table.size):
            begins[group_of(table, hash_of(table, table.ngrams[k].key)) + 2] += 1
        for group in range(n_groups):
            most = max(most, <Py_ssize_t>begins[group + 2])
            begins[group + 2] += begins[group + 1]
        for k in range(table.size):
            hash = hash_of(table, table.ngrams[k].key)
            group = group_of(table, hash)
            hashes[begins[group + 1]] = hash
            begins[group + 1] += 1
        if most > LARGEST_GROUP:
            return 0
        for size in range(most, 0, -1):
            for group in range(n_groups):
                if begins[group + 1] - begins[group] != size:
                    continue
                pilot = find_pilot(table, hashes + begins[group], <int>size, taken)
                if pilot == N_PILOTS:
                    return 0
                table.pilots[group] = <uint16_t>pilot
    finally:
        free(begins)
        free(hashes)
        free(taken)
    return 1


cdef int find_pilot(const Table *table, const uint64_t *hashes, int size, uint8_t *taken) noexcept nogil:
    """The first pilot that sends the n-grams with these hashes to free places, which are then taken; or N_PILOTS."""
    cdef uint64_t places[32]
    cdef int pilot, j = 0, k
    for pilot in range(N_PILOTS):
        for j in range(size):
            places[j] = place_of(table, hashes[j], pilot)
            if taken[places[j] >> 3] >> (places[j] & 7) & 1:
                break
            taken[places[j] >> 3] |= <uint8_t>(1 << (places[j] & 7))
        else:
            return pilot
        for k in range(j):
            taken[places[k] >> 3] &= <uint8_t>~(1 << (places[k] & 7))
    return N_PILOTS


cdef class NgramModel:
    """The n-grams that occur often enough, with log-probabilities, in hash tables by their length.

    Whatever part of an n-gram occurs at least as often as the whole, so the set is closed under taking parts. The
    longest n-gram that ends at a byte of a text says it all: all shorter ones that end there are in the set, too, and
    no longer one is.

    Build it with `add`, all counts in the order of their keys, then `finish`. Immutable from then on, and
    shared by threads.

    Args:
        order: the longest n-gram, 1 to `MAX_ORDER`.
        min_count: n-grams of two bytes or more that occur less often are left out.
        dry: only find out how large it would be.
    """

    cdef Table tables[8]                  # for n-grams of three bytes and more
    cdef double bytes[256]                # log-probabilities
    cdef uint64_t *pairs                  # those of all pairs of bytes, as in tables
    cdef readonly int order
    cdef readonly uint64_t min_count
    cdef readonly uint64_t n_bytes        # the sum of all counts
    cdef bint dry
    cdef bint finished
    cdef uint64_t hashes[2]               # of the n-grams and their counts, as they came
    # The n-grams that are still open while counts come in: those of the last key, by length; and of each length
    # those that wait for the count of what they go on with.
    cdef uint64_t last
    cdef uint64_t open_counts[8]
    cdef Siblings siblings[8]

    def __cinit__(self, int order, uint64_t min_count, bint dry=False):
        if not 1 <= order <= MAX_ORDER or min_count < 1:
            raise ValueError(f"order {order}, min_count {min_count}")
        self.order = order
        self.min_count = min_count
        self.dry = dry
        self.pairs = <uint64_t *>calloc(PAIRS, sizeof(uint64_t))
        if self.pairs == NULL:
            raise MemoryError("no memory for the n-gram model")

    def __dealloc__(self):
        cdef int n
        for n in range(MAX_ORDER + 1):
            free(self.tables[n].ngrams)
            free(self.tables[n].places)
            free(self.tables[n].pilots)
        free(self.pairs)

    @property
    def sizes(self):
        """list[int]: the number of n-grams of 1, 2, ... `order` bytes."""
        return [self.tables[n].size for n in range(1, self.order + 1)]

    @property
    def nbytes(self):
        """int: the memory that the n-grams take, in bytes."""
        return PAIRS * 8 + sum(
            n_places_for(self.tables[n].size) * (n - 1) * 8 + n_groups_for(self.tables[n].size) * sizeof(uint16_t)
            for n in range(3, self.order + 1)
        )

    @property
    def peak_nbytes(self):
        """int: the memory that finishing takes, where those of one length are there twice."""
        return self.nbytes + max(self.sizes) * (sizeof(Ngram) + 2 * sizeof(uint64_t))

    @property
    def fingerprint(self):
        """str: stands for the n-grams and their counts; equal for equal models."""
        return f"{self.hashes[0]:016x}{self.hashes[1]:016x}"

    def add(self, keys, counts):
        """Take counts: keys of the longest n-grams at each position, ascending, each greater than all before.

        Both are uint64 arrays; see `bytepiece.training.counting.kernels.ngram_keys`.
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
            self.open_counts[n] = (self.open_counts[n] if n <= common else 0) + count
        return 0

    cdef int close(self, int common) except -1 nogil:
        """Settle the open n-grams of more than `common` bytes: those that occur often enough stay."""
        cdef int n = <int>(self.last & 0xFF)
        while n > common:
            # First those that go on with it: they are not more frequent, and wait for its count.
            if n < self.order:
                self.release(n + 1, self.open_counts[n])
            if n == 1:
                self.add_unseen(self.last >> 56)
            if n == 1 or self.open_counts[n] >= self.min_count:
                self.keep(n, self.last >> (64 - 8 * n), self.open_counts[n])
            n -= 1
        return 0

    cdef void add_unseen(self, uint64_t end) noexcept nogil:
        """The bytes below `end` that never occur are in the model too: each counts once, and in the total."""
        while <uint64_t>self.siblings[1].size < end:
            self.n_bytes += 1
            self.keep(1, <uint64_t>self.siblings[1].size, 1)

    cdef void keep(self, int n, uint64_t key, uint64_t count) noexcept nogil:
        """An n-gram is in the model."""
        cdef Siblings *siblings = &self.siblings[n]
        siblings.keys[siblings.size] = key
        siblings.counts[siblings.size] = count
        siblings.size += 1
        self.note(key << 8 | <uint64_t>n)
        self.note(count)

    cdef int release(self, int n, uint64_t count) except -1 nogil:
        """What the n-grams of `n` bytes go on with occurs `count` times: so they have their log-probabilities."""
        cdef Siblings *siblings = &self.siblings[n]
        cdef double logp, log_count = log(<double>count)
        cdef int k
        for k in range(siblings.size):
            logp = log(<double>siblings.counts[k]) - log_count
            if n == 1:
                self.bytes[siblings.keys[k]] = logp
            elif n == 2:
                self.pairs[siblings.keys[k]] = flipped(logp)
            if n > 2 and not self.dry:
                append(&self.tables[n], siblings.keys[k], logp)
            else:
                self.tables[n].size += 1
        siblings.size = 0
        return 0

    cdef void note(self, uint64_t number) noexcept nogil:
        """Mix a number into the hashes."""
        self.hashes[0] = (self.hashes[0] ^ number) * <uint64_t>0xFF51AFD7ED558CCD
        self.hashes[0] ^= self.hashes[0] >> 32
        self.hashes[1] = (self.hashes[1] + number) * <uint64_t>0xC4CEB9FE1A85EC53
        self.hashes[1] ^= self.hashes[1] >> 29

    def finish(self):
        """All counts are in: make the model of them."""
        cdef int n
        if self.finished or self.dry:
            raise ValueError("finished before, or dry")
        with nogil:
            self.close(0)
            self.add_unseen(256)
            self.release(1, self.n_bytes)
            for n in range(3, self.order + 1):
                make_table(&self.tables[n], n, &self.tables[n - 1])
        self.finished = True

    def discover(self, bytes data, Py_ssize_t begin, segment_ends, bint ensure_unicode, PieceTable counter):
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
        trellis.keys = <uint64_t *>malloc(n * sizeof(uint64_t))
        trellis.unknown = <Py_ssize_t *>malloc(n * sizeof(Py_ssize_t))
        trellis.emissions = <double *>malloc(n * self.order * sizeof(double))
        trellis.back = <uint8_t *>malloc(n)
        trellis.starts = <Py_ssize_t *>malloc((n + 1) * sizeof(Py_ssize_t))
        try:
            if not (trellis.keys and trellis.unknown and trellis.emissions and trellis.back and trellis.starts):
                raise MemoryError("no memory to cut a segment")
            start = begin
            first = 0
            with nogil:
                for k in range(n_segments):
                    if ends[k] - start >= BLOCK or k == n_segments - 1:
                        self.cut_block(
                            text + start, start, ends + first, k + 1 - first, ensure_unicode, &trellis, counter
                        )
                        start = ends[k]
                        first = k + 1
        finally:
            free(trellis.keys)
            free(trellis.unknown)
            free(trellis.emissions)
            free(trellis.back)
            free(trellis.starts)

    cdef int cut_block(
        self, const uint8_t *text, int64_t offset, const int64_t *ends, Py_ssize_t n_segments, bint ensure_unicode,
        Trellis *trellis, PieceTable counter
    ) except -1 nogil:
        """Cut some segments; `ends` count from `offset` bytes before `text`."""
        cdef Py_ssize_t size = ends[n_segments - 1] - offset, k, start, end, n_pieces = 0
        self.look_up(text, offset, ends, n_segments, trellis)
        # From the last segment to the first, as the way back through each leads from its last byte to its first.
        trellis.starts[0] = end = size
        for k in range(n_segments - 1, -1, -1):
            start = ends[k - 1] - offset if k else 0
            if start < end:
                if ensure_unicode:
                    rule_out_starts(text, start, end, self.order, trellis)
                # The usual order as a constant, so that its loops are unrolled.
                if self.order == 6:
                    n_pieces = best_path(start, end, 6, trellis, n_pieces)
                else:
                    n_pieces = best_path(start, end, self.order, trellis, n_pieces)
            end = start
        counter.add_cuts(text, trellis.starts, n_pieces)
        return 0

    cdef void look_up(
        self, const uint8_t *text, int64_t offset, const int64_t *ends, Py_ssize_t n_segments, Trellis *trellis
    ) noexcept nogil:
        """Note for each byte the log-probabilities of the n-grams that end there."""
        cdef Py_ssize_t size = ends[n_segments - 1] - offset, i, k, start, end, n_unknown = 0
        cdef uint64_t key = 0
        cdef int n, order = self.order
        cdef double *row = trellis.emissions
        for i in range(size):
            key = key << 8 | text[i]
            trellis.keys[i] = key
            row[0] = self.bytes[text[i]]
            if order > 1:
                row[1] = unflipped(self.pairs[key & (PAIRS - 1)])
            row += order
        start = 0
        for k in range(n_segments):
            end = ends[k] - offset
            # No n-gram begins before its segment.
            for i in range(start, min(start + order - 1, end)):
                for n in range(<int>(i - start) + 1, order):
                    trellis.emissions[i * order + n] = -INFINITY
            for i in range(start + order - 1, end):
                trellis.unknown[n_unknown] = i
                n_unknown += 1
            start = end
        # First the longest n-grams; then where there is none, or a segment has but so many, those of a byte less.
        for n in range(order, 2, -1):
            n_unknown = find(&self.tables[n], n, order, trellis, n_unknown)
            start = 0
            for k in range(n_segments):
                if start + n - 2 < ends[k] - offset:
                    trellis.unknown[n_unknown] = start + n - 2
                    n_unknown += 1
                start = ends[k] - offset


# What is known of each byte of a block on the way to its best path.
cdef struct Trellis:
    uint64_t *keys       # the eight bytes that end there
    double *emissions    # log-probabilities of the n-grams of 1 .. order bytes that end there
    Py_ssize_t *unknown  # bytes of which that is not known yet
    uint8_t *back        # best predecessors: of state 0 as bits, LAST_STAYS for the last state
    Py_ssize_t *starts   # where pieces start, from the end of the block on


cdef enum:
    LAST_STAYS = 1 << 7


cdef Py_ssize_t find(const Table *table, int n, int order, Trellis *trellis, Py_ssize_t n_unknown) noexcept nogil:
    """Note what n-grams of `n` bytes, and so on down to three bytes, end at bytes that are not known yet.

    Returns how many are not known still: those where no n-gram of that length ends. The table is larger than the
    caches; so places are fetched for some bytes while those for the bytes before are looked at.
    """
    cdef uint64_t *places[2][32]
    cdef uint64_t *place
    cdef uint64_t mask = (<uint64_t>1 << 8 * n) - 1, found
    cdef Py_ssize_t begin = 0, i, n_left = 0
    cdef int turn = 0, k, j, n_ahead, n_here = 0
    cdef double *row
    while begin < n_unknown or n_here:
        n_ahead = <int>max(0, min(<Py_ssize_t>GROUP, n_unknown - begin))
        for k in range(n_ahead):
            place = look(table, trellis.keys[trellis.unknown[begin + k]] & mask)
            prefetch(place)
            prefetch(place + table.width - 1)
            places[turn][k] = place
        turn ^= 1
        for k in range(n_here):
            i = trellis.unknown[begin - GROUP + k]
            place = places[turn][k]
            row = trellis.emissions + i * order
            # Without branches, which would be unpredictable.
            found = -<uint64_t>(place[0] == trellis.keys[i] & mask)
            for j in range(1, n - 1):
                row[j + 1] = unflipped(place[j] & found)
            trellis.unknown[n_left] = i
            n_left += found == 0
        begin += GROUP
        n_here = n_ahead
    return n_left


cdef void rule_out_starts(
    const uint8_t *text, Py_ssize_t start, Py_ssize_t end, int order, Trellis *trellis
) noexcept nogil:
    """Make it impossible that pieces start inside characters of a segment, as far as that is possible.

    A character is unreachable when the n-grams that would carry a piece through it are too rare to be in the
    model. It is spelled in single bytes, and a piece starts behind it.
    """
    cdef Py_ssize_t i = start, k, behind
    cdef int n
    cdef bint unreachable
    cdef double *emissions = trellis.emissions
    while i < end:
        behind = min(i + <Py_ssize_t>character_length(text[i]), end)
        unreachable = False
        for k in range(i + 1, behind):
            n = <int>min(k - i + 1, <Py_ssize_t>order)
            if order == 1 or emissions[k * order + n - 1] == -INFINITY:
                unreachable = True
        if unreachable:
            for k in range(i, behind + 1 if behind < end else behind):
                for n in range(2, order + 1):
                    emissions[k * order + n - 1] = -INFINITY
        else:
            for k in range(i + 1, behind):
                emissions[k * order] = -INFINITY
        i = behind


cdef inline Py_ssize_t best_path(
    Py_ssize_t start, Py_ssize_t end, int order, Trellis *trellis, Py_ssize_t n_pieces
) noexcept nogil:
    """Viterbi over a segment. Appends where the pieces start, from the last to the first; returns their new number.

    In state j < order - 1 the piece has j bytes before this one, in the last state that many or more. Sums are
    compared, not the scores before the addition: rounding makes some equal. The lowest state wins ties.
    """
    cdef double score[7]
    cdef double sums[7]
    cdef double last, stays, best
    cdef const double *row = trellis.emissions + start * order
    cdef Py_ssize_t i
    cdef int j, state
    cdef uint32_t marks
    score[0] = row[0]
    for j in range(1, order):
        score[j] = -INFINITY
    for i in range(start + 1, end):
        row += order
        best = -INFINITY
        for j in range(order - 1, -1, -1):  # the one that is known last comes last
            sums[j] = score[j] + row[0]
            best = sums[j] if sums[j] > best else best
        marks = 0
        for j in range(order):
            marks |= <uint32_t>(sums[j] >= best) << j
        if order > 1:
            last = score[order - 2] + row[order - 1]
            stays = score[order - 1] + row[order - 1]
            marks |= <uint32_t>(stays > last) << 7
            for j in range(order - 2, 0, -1):
                score[j] = score[j - 1] + row[j]
            score[order - 1] = stays if stays > last else last
        score[0] = best
        trellis.back[i] = <uint8_t>marks
    state = 0
    for j in range(1, order):
        if score[j] > score[state]:
            state = j
    for i in range(end - 1, start, -1):
        if state == 0:
            n_pieces += 1
            trellis.starts[n_pieces] = i
            marks = trellis.back[i]
            while not marks & 1:
                marks >>= 1
                state += 1
        elif state < order - 1 or not trellis.back[i] & LAST_STAYS:
            state -= 1
    n_pieces += 1
    trellis.starts[n_pieces] = start
    return n_pieces
