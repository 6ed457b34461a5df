"""Segmentations drawn at random, and sums over all segmentations.

This is forward filtering, backward sampling. The weight of a piece is exp(alpha * score), and sum(p) is the sum, over
all segmentations of the text up to position p, of the products of their weights:

    sum(p) = sum over the pieces that end at p of  weight(piece) * sum(p - length of the piece)

The share of each term in sum(p) is the probability that its piece comes last, given that the path goes through p. The
last piece at p is drawn with this probability at once, on the way forward, and noted where the Viterbi notes the best
piece. The path back from the end is then the sample. Draws are independent, so those off the path do not matter, and
only the choices need be kept, in the same window as those of the best path.

A sum is a mantissa and an exponent of two. So it neither under- nor overflows, at any alpha and length of text,
and needs no logarithm. Each piece costs an exponential, a product and an addition, in plain IEEE arithmetic that no
compiler may reorder: from equal scores, every platform makes equal bits. The exponentials take half of the time; for
much text, a table of them pays off: `Weights`.
"""

from libc.math cimport INFINITY, log
from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memmove, memset

from bytepiece.core.alphabet cimport Text, text_of
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
from bytepiece.core.ids cimport IdArray, Ids
from bytepiece.core.memory cimport allocate_table, prefetch
from bytepiece.core.segment cimport (
    AHEAD,
    BLOCK,
    Lattice,
    Span,
    close_lattice,
    open_lattice,
    read_spans,
    segment_span,
    segment_text,
)

import numpy as np

cdef enum:
    FRACTION_BITS = 52     # of a double
    BIAS = 1023            # of its exponent

cdef int64_t NEVER = -(<int64_t>1 << 62)              # the exponent of zero
cdef double UNIT = 1.0 / (<int64_t>1 << 53)
cdef double LOG2_E = 1.4426950408889634
cdef double LN2 = 0.6931471805599453
cdef double LN2_HIGH = 6.93147180369123816490e-01     # 32 bits, so that products with exponents are exact
cdef double LN2_LOW = 1.90821492927058770002e-10
cdef double ROUNDING = 6755399441055744.0             # 1.5 * 2**52: adding it rounds to an integer


# Random numbers. They depend on a key and a counter alone, and so not on the order in which threads draw.

cdef struct Key:
    uint64_t low
    uint64_t high


cdef inline uint64_t mix(uint64_t x) noexcept nogil:
    """The output function of SplitMix64 (Steele, Lea and Flood 2014)."""
    x = (x ^ x >> 30) * <uint64_t>0xBF58476D1CE4E5B9
    x = (x ^ x >> 27) * <uint64_t>0x94D049BB133111EB
    return x ^ x >> 31


cdef inline uint64_t random_bits(Key key, uint64_t counter) noexcept nogil:
    """64 random bits: number `counter` of the stream of a key. SplitMix64 from key.low, mixed with key.high."""
    return mix(mix(key.low + (counter + 1) * <uint64_t>0x9E3779B97F4A7C15) ^ key.high)


cdef inline Key stream_of(Key seed, uint64_t document) noexcept nogil:
    """The key of one of the documents that are segmented with a seed."""
    cdef Key key
    key.low = random_bits(seed, 2 * document)
    key.high = random_bits(seed, 2 * document + 1)
    return key


# Sums over all segmentations.

cdef struct Sum:
    double mantissa        # from 1 to 2
    int64_t exponent


cdef inline double exponential(double x, int64_t *exponent) noexcept nogil:
    """exp(x) / 2**exponent, which is between 0.7 and 1.42; for abs(x) < 2**50."""
    cdef double n = (x * LOG2_E + ROUNDING) - ROUNDING
    cdef double r = (x - n * LN2_HIGH) - n * LN2_LOW
    exponent[0] = <int64_t>n
    # Taylor's series; for abs(r) <= log(2) / 2 the rest is below 2**-57.
    return 1.0 + r * (1.0 + r * (1.0 / 2 + r * (1.0 / 6 + r * (1.0 / 24 + r * (1.0 / 120 + r * (
        1.0 / 720 + r * (1.0 / 5040 + r * (1.0 / 40320 + r * (1.0 / 362880 + r * (1.0 / 3628800 + r * (
            1.0 / 39916800 + r * (1.0 / 479001600 + r * (1.0 / 6227020800.0)))))))))))))


cdef inline Sum weight_of(double score, double alpha) noexcept nogil:
    """exp(alpha * score), with the mantissa of `exponential`; zero for padding."""
    cdef Sum weight
    if score == -INFINITY:    # with alpha = 0 the product would be NaN
        weight.mantissa = 1.0
        weight.exponent = NEVER
    else:
        weight.mantissa = exponential(alpha * score, &weight.exponent)
    return weight


cdef inline double power_of_two(int64_t exponent) noexcept nogil:
    """2**exponent, for exponents up to 1023; 0 if it is not a normal number."""
    cdef uint64_t bits = <uint64_t>(max(exponent, <int64_t>-BIAS) + BIAS) << FRACTION_BITS
    cdef double power
    memcpy(&power, &bits, 8)
    return power


cdef inline Sum normalized(double mantissa, int64_t exponent) noexcept nogil:
    """The sum with a mantissa from 1 to 2; the one given is positive and normal."""
    cdef Sum sum
    cdef uint64_t bits
    memcpy(&bits, &mantissa, 8)
    sum.exponent = exponent + <int64_t>(bits >> FRACTION_BITS) - BIAS
    bits = bits & ((<uint64_t>1 << FRACTION_BITS) - 1) | <uint64_t>BIAS << FRACTION_BITS
    memcpy(&sum.mantissa, &bits, 8)
    return sum


cdef class Weights:
    """exp(alpha * score) of each match in an automaton. With them, `sample_spans` draws the same in half the time.

    They take 16 bytes a match, and as long to make as sampling 100 KB.

    Thread safety: immutable.
    """

    cdef Sum *of_match
    cdef Automaton automaton
    cdef double alpha

    def __cinit__(self, Automaton automaton, double alpha):
        cdef size_t k, n = 4 * automaton.view.n_groups
        self.automaton = automaton
        self.alpha = alpha
        with nogil:
            self.of_match = <Sum *>allocate_table(n * sizeof(Sum))
            if self.of_match == NULL:
                raise MemoryError("no memory for the weights of the pieces")
            for k in range(n):
                self.of_match[k] = weight_of(score_of(&automaton.view, <uint32_t>k), alpha)

    def __dealloc__(self):
        free(self.of_match)

    def __reduce__(self):
        raise TypeError("weights are made from an automaton, not pickled")


# The forward pass through the segments of a text. Sums lie backwards, as in a `Lattice`.
cdef struct ForwardPass:
    double alpha
    const Sum *weights     # of each match; NULL to compute them each time
    Key key                # of the document
    uint64_t position      # of the next byte in the document
    Sum *sums
    double *entropies      # of the segmentations up to each position; NULL if they are not needed
    size_t n_sums
    size_t place           # of the last sum
    size_t history         # how many sums the longest piece reaches back to
    # The terms of the current sum; there is room for those of any position.
    double *mantissas
    int64_t *exponents
    # Totals of all segments before the current one.
    double log_partition
    double entropy


cdef int open_pass(
    ForwardPass *f, const AutomatonView *a, size_t n, double alpha, bint with_entropies
) except -1 nogil:
    """Allocate a pass for texts of up to `n` bytes, or, with `BLOCK`, for any texts."""
    cdef size_t n_terms = <size_t>a.max_length + 4    # a match of each length, in whole groups
    f.alpha = alpha
    f.history = <size_t>a.max_length + 1
    f.n_sums = max(min(n, <size_t>BLOCK), f.history) + f.history    # so that the history is seldom moved
    f.sums = <Sum *>calloc(f.n_sums, sizeof(Sum))
    f.mantissas = <double *>malloc(n_terms * sizeof(double))
    f.exponents = <int64_t *>malloc(n_terms * sizeof(int64_t))
    if with_entropies:
        f.entropies = <double *>calloc(f.n_sums, sizeof(double))
    if f.sums == NULL or f.mantissas == NULL or f.exponents == NULL or (with_entropies and f.entropies == NULL):
        raise MemoryError("no memory for the sums of a segment")
    begin_segment(f)
    return 0


cdef void close_pass(ForwardPass *f) noexcept nogil:
    free(f.sums)
    free(f.entropies)
    free(f.mantissas)
    free(f.exponents)


cdef inline void begin_segment(ForwardPass *f) noexcept nogil:
    f.place = f.n_sums - f.history    # padding reads from before the beginning
    f.sums[f.place].mantissa = 1.0
    f.sums[f.place].exponent = 0
    if f.entropies != NULL:
        f.entropies[f.place] = 0.0


cdef inline void make_room(ForwardPass *f, size_t n) noexcept nogil:
    """Make room for `n` more sums, at most `BLOCK`, left of the last one."""
    cdef size_t end = f.n_sums - f.history
    if f.place < n:
        memmove(f.sums + end, f.sums + f.place, f.history * sizeof(Sum))
        if f.entropies != NULL:
            memmove(f.entropies + end, f.entropies + f.place, f.history * sizeof(double))
        f.place = end


cdef inline void note_term(
    const ForwardPass *f, const AutomatonView *a, uint32_t match, const Sum *top, double *mantissa, int64_t *exponent
) noexcept nogil:
    """The term of a match: its weight times the sum before it. `top` is the place of the current sum."""
    cdef const Sum *before = &top[length_of(a, match)]
    cdef Sum weight = f.weights[match] if f.weights != NULL else weight_of(score_of(a, match), f.alpha)
    mantissa[0] = before.mantissa * weight.mantissa
    exponent[0] = before.exponent + weight.exponent    # no text is so long that this overflows


cdef inline void note_group(
    const ForwardPass *f, const AutomatonView *a, uint32_t group, const Sum *top, double *mantissas, int64_t *exponents
) noexcept nogil:
    cdef uint32_t k
    for k in range(4):
        note_term(f, a, 4 * group + k, top, &mantissas[k], &exponents[k])


cdef inline Sum add_up(double *mantissas, const int64_t *exponents, size_t n) noexcept nogil:
    """The sum of terms, the last of which is not zero. Replaces mantissas by running sums, over a common exponent."""
    cdef int64_t largest = exponents[n - 1]
    cdef double sum = 0.0
    cdef size_t k
    for k in range(n - 1):
        largest = max(largest, exponents[k])
    for k in range(n):
        sum += mantissas[k] * power_of_two(exponents[k] - largest)
        mantissas[k] = sum
    return normalized(sum, largest)


cdef size_t make_sum(ForwardPass *f, const AutomatonView *a, uint32_t group, Sum *top) noexcept nogil:
    """Make the sum over all groups of a state, given the last; returns the number of terms."""
    cdef size_t n = 0
    cdef uint32_t number
    for number in range(first_group(a, group), group + 1):
        note_group(f, a, number, top, f.mantissas + n, f.exponents + n)
        n += 4
    top[0] = add_up(f.mantissas, f.exponents, n)
    return n


# Drawing.

cdef inline size_t pick(const double *sums, size_t n, double uniform) noexcept nogil:
    """Draw one of `n` terms by a random number from 0 to 1, given their running sums; without a branch.

    The number is less than 1, so its rounded product with the total is less than the total. The first running sum that
    is greater than the product is also greater than the one before it. So its term, the one picked, is not zero.
    """
    cdef double target = uniform * sums[n - 1]
    cdef size_t k, picked = 0
    for k in range(n - 1):
        picked += sums[k] <= target
    return picked


cdef void draw(
    void *context, const AutomatonView *a, const uint16_t *symbols, uint32_t *pieces, uint16_t *lengths, size_t n,
    bint begins_segment
) noexcept nogil:
    """A `Forward` that draws the last match at each position, each with the share of its term in the sum."""
    cdef ForwardPass *f = <ForwardPass *>context
    cdef Sum *top
    cdef double mantissas[4]
    cdef int64_t exponents[4]
    cdef double uniform
    cdef uint32_t group, match
    cdef size_t k, n_terms
    if begins_segment:
        begin_segment(f)
    make_room(f, n)
    top = f.sums + f.place
    for k in range(n):
        group = pieces[k + AHEAD]
        prefetch(&a.groups[group])
        if f.weights != NULL:
            prefetch(f.weights + 4 * group)
        top -= 1
        group = pieces[k]
        if a.groups[group].n_others == 0:    # only the byte itself, as often
            match = 4 * group + 3
            note_term(f, a, match, top, mantissas, exponents)
            top[0] = normalized(mantissas[0], exponents[0])
        else:
            uniform = (random_bits(f.key, f.position + k) >> 11) * UNIT
            if a.groups[group].n_others >= 4:
                n_terms = make_sum(f, a, group, top)
                match = 4 * first_group(a, group) + <uint32_t>pick(f.mantissas, n_terms, uniform)
            else:    # the same for one group, the usual case
                note_group(f, a, group, top, mantissas, exponents)
                top[0] = add_up(mantissas, exponents, 4)
                match = 4 * group + <uint32_t>pick(mantissas, 4, uniform)
        pieces[k] = piece_of(a, match)
        lengths[k] = <uint16_t>length_of(a, match)
    f.place -= n
    f.position += n


cdef int draw_spans(
    const AutomatonView *a, const Sum *weights, double alpha, Key seed, const Span *spans, const uint64_t *documents,
    int64_t *ends, size_t n_spans, Ids *out
) except -1 nogil:
    """Draw a segmentation of each span, append its ids, and note where they end."""
    cdef Lattice lattice
    cdef ForwardPass f
    cdef size_t k, longest = spans[0].text.n if n_spans == 1 else BLOCK
    memset(&lattice, 0, sizeof(Lattice))
    memset(&f, 0, sizeof(ForwardPass))
    f.weights = weights
    try:
        open_lattice(&lattice, a, longest)
        open_pass(&f, a, longest, alpha, False)
        lattice.forward = draw
        lattice.context = &f
        for k in range(n_spans):
            f.key = stream_of(seed, documents[k])
            f.position = spans[k].begin
            segment_span(a, &spans[k], &lattice, out)
            ends[k] = <int64_t>out.size
    finally:
        close_lattice(&lattice)
        close_pass(&f)
    return 0


cdef int check_weights(Weights weights, Automaton automaton, double alpha) except -1:
    if weights is not None and (weights.automaton is not automaton or weights.alpha != alpha):
        raise ValueError("the weights are of another automaton or alpha")
    return 0


def sample_spans(
    Automaton automaton, list spans, list documents, double alpha, uint64_t seed_low, uint64_t seed_high,
    Weights weights=None
):
    """Draw segmentations of parts of texts, which must be ``bytes``; spans are those of `segment_spans`.

    A draw depends on the seed, the number of the document that the span is from, given in `documents`, and the position
    in it. A span begins where a segment begins. `weights` of the same automaton and alpha make this faster.

    Returns all ids, as an `IdArray`, and where those of each span end, as an int64 array.
    """
    cdef Py_ssize_t n, n_spans = len(spans)
    cdef Key seed
    cdef Span *views
    cdef IdArray out = IdArray()
    cdef const Sum *of_match = NULL if weights is None else weights.of_match
    check_goes_by_bytes(automaton)
    check_weights(weights, automaton, alpha)
    ends = np.empty(n_spans, dtype=np.int64)
    numbers = np.array(documents, dtype=np.uint64)
    cdef int64_t *end = <int64_t *>items(ends, 8, &n, True)
    cdef const uint64_t *document = <const uint64_t *>items(numbers, 8, &n)
    if n != n_spans:
        raise ValueError("spans and documents do not match")
    seed.low = seed_low
    seed.high = seed_high
    views = read_spans(&automaton.view.alphabet, spans)
    try:
        with nogil:
            draw_spans(&automaton.view, of_match, alpha, seed, views, document, end, n_spans, &out.data)
    finally:
        free(views)
    return out, ends


# Measuring.

cdef void end_segment(ForwardPass *f) noexcept nogil:
    f.log_partition += <double>f.sums[f.place].exponent * LN2 + log(f.sums[f.place].mantissa)
    f.entropy += f.entropies[f.place]


cdef double entropy_of(
    const ForwardPass *f, const AutomatonView *a, uint32_t group, size_t n_terms, const double *top
) noexcept nogil:
    """The entropy of the segmentations up to a position.

    By the chain rule: the entropy of the last piece, and the expectation of that of the segmentations before it.
    """
    cdef double share, before = 0.0, entropy = 0.0
    cdef uint32_t first = 4 * first_group(a, group)
    cdef size_t k, length
    for k in range(n_terms):
        share = (f.mantissas[k] - before) / f.mantissas[n_terms - 1]
        before = f.mantissas[k]
        if share > 0.0:
            length = length_of(a, first + <uint32_t>k)
            entropy += share * (top[length] - log(share))
    return entropy


cdef void measure(
    void *context, const AutomatonView *a, const uint16_t *symbols, uint32_t *pieces, uint16_t *lengths, size_t n,
    bint begins_segment
) noexcept nogil:
    """A `Forward` that only makes sums and entropies; as path it notes single bytes."""
    cdef ForwardPass *f = <ForwardPass *>context
    cdef size_t k, n_terms
    if begins_segment:
        end_segment(f)
        begin_segment(f)
    make_room(f, n)
    for k in range(n):
        f.place -= 1
        n_terms = make_sum(f, a, pieces[k], f.sums + f.place)
        f.entropies[f.place] = entropy_of(f, a, pieces[k], n_terms, f.entropies + f.place)
        pieces[k] = a.byte_pieces[symbols[k]]
        lengths[k] = 1


def measure_all(Automaton automaton, bytes data, double alpha):
    """The log of the sum of exp(alpha * score) over all segmentations of a text, and the entropy of drawing one."""
    cdef Text text = text_of(&automaton.view.alphabet, data, 0, len(data))
    cdef Lattice lattice
    cdef ForwardPass f
    cdef Ids out
    check_goes_by_bytes(automaton)
    memset(&lattice, 0, sizeof(Lattice))
    memset(&f, 0, sizeof(ForwardPass))
    memset(&out, 0, sizeof(Ids))
    out.counting = True
    try:
        with nogil:
            open_lattice(&lattice, &automaton.view, text.n)
            open_pass(&f, &automaton.view, text.n, alpha, True)
            lattice.forward = measure
            lattice.context = &f
            segment_text(&automaton.view, &text, &lattice, &out)
            end_segment(&f)
    finally:
        close_lattice(&lattice)
        close_pass(&f)
    return f.log_partition, f.entropy
