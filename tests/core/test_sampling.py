"""Segmentations drawn at random: against enumeration, and against the twin."""

import copy
import math
import pickle
import random
import threading
from collections import Counter
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import Model, SettingsError, TextError, Tokenizer
from bytepiece.core.automaton import Automaton, log_probabilities
from bytepiece.core.packed import PackedBytes
from bytepiece.core.sampling import Weights, sample_spans
from bytepiece.reference import Segmenter, uniforms
from helpers.enumeration import distribution, vocabularies_and_short_texts
from helpers.vocabularies import BYTE_COUNTS, BYTES, parts, random_text, random_vocabulary, tokenizer_of

ALPHAS = [0, 0.2, 1, 5]


# What is drawn: its distribution.


def chi_square_tail(x, degrees):
    """The probability that a chi-square of so many degrees of freedom is at least x: the regularized gamma Q."""
    a, x = degrees / 2, x / 2
    if x <= 0:
        return 1.0
    factor = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        k = a
        while term > total * 1e-16:
            k += 1
            term *= x / k
            total += term
        return max(0.0, 1 - total * factor)
    b = x + 1 - a  # Lentz's way through the continued fraction
    c, d = 1e300, 1 / b
    fraction, change, k = d, 0.0, 0
    while abs(change - 1) > 1e-15:
        k += 1
        b += 2
        numerator = -k * (k - a)
        d = 1 / (numerator * d + b)
        c = b + numerator / c
        change = c * d
        fraction *= change
    return fraction * factor


@pytest.mark.parametrize(
    ("x", "degrees", "expected"),
    [(3.841458820694124, 1, 0.05), (18.307038053275146, 10, 0.05), (149.4492527, 100, 0.001), (61.1, 100, 0.999284)],
)
def test_tail_of_the_chi_square(x, degrees, expected):
    assert chi_square_tail(x, degrees) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("degrees", [2, 4, 10, 60])
@pytest.mark.parametrize("x", [0.5, 7.0, 30.0, 90.0])
def test_tail_of_the_chi_square_with_even_degrees(x, degrees):
    plain = math.exp(-x / 2) * math.fsum((x / 2) ** k / math.factorial(k) for k in range(degrees // 2))
    assert chi_square_tail(x, degrees) == pytest.approx(plain, rel=1e-9)


def cut_codes(lengths, offsets):
    """For each text a number that tells where it is cut: bit p for a cut at byte p."""
    ends = np.cumsum(lengths)
    begins = (ends - lengths)[offsets[:-1]]
    positions = ends - np.repeat(begins, np.diff(offsets))
    return np.add.reduceat(np.left_shift(1, positions), offsets[:-1])


def code_of(pieces):
    return sum(1 << end for end in np.cumsum([*map(len, pieces)]).tolist())


def p_value(counts, data, alpha, seed, expected_alpha=None, n_draws=20_000):
    """How probable it is that 20,000 draws stray at least that far from the distribution."""
    tokenizer = tokenizer_of(counts)
    ids, offsets = tokenizer.encode_batch_to_numpy([data] * n_draws, alpha=alpha, seed=seed)
    lengths = np.array([*map(len, map(tokenizer._vocabulary._bytes.__getitem__, range(tokenizer.vocab_size)))])
    codes, numbers = np.unique(cut_codes(lengths[ids], offsets), return_counts=True)
    drawn = dict(zip(codes.tolist(), numbers.tolist(), strict=True))
    assert sum(drawn.values()) == n_draws
    segmentations, probabilities = distribution(counts, data, alpha if expected_alpha is None else expected_alpha)
    cells = sorted((n_draws * p, drawn.pop(code_of(pieces), 0)) for pieces, p in zip(segmentations, probabilities))  # noqa: B905
    assert not drawn, "what was drawn is no segmentation"
    pooled = [[0.0, 0]]  # cells of which few are expected count as one
    for expected, observed in cells:
        if pooled[-1][0] >= 5:
            pooled.append([0.0, 0])
        pooled[-1][0] += expected
        pooled[-1][1] += observed
    if pooled[-1][0] < 5 and len(pooled) > 1:
        expected, observed = pooled.pop()
        pooled[-1][0] += expected
        pooled[-1][1] += observed
    if len(pooled) == 1:
        return 1.0
    chi_square = math.fsum((observed - expected) ** 2 / expected for expected, observed in pooled)
    return chi_square_tail(chi_square, len(pooled) - 1)


def holm_rejects(p_values, level):
    """How many hypotheses Holm's procedure rejects."""
    n_rejected = 0
    for k, p in enumerate(sorted(p_values)):
        if p > level / (len(p_values) - k):
            break
        n_rejected += 1
    return n_rejected


PAIRS = [(alpha, alphabet) for alpha in ALPHAS for alphabet in (b"a", b"ab", b"abc", b"ab\n", b"\xff\x00")]


@pytest.mark.slow
def test_frequencies_are_the_distribution():
    """200 random vocabularies and texts, 20,000 draws each."""
    p_values = []
    for number in range(10):
        for alpha, alphabet in PAIRS:
            seed = 1000 * number + len(p_values)
            counts = random_vocabulary(seed, alphabet, size=30, longest=6)
            text = random_text(seed, counts, 6)[: 5 + number % 6]
            p_values.append(p_value(counts, text, alpha, seed))
    assert len(p_values) == 200
    assert holm_rejects(p_values, 1e-4) == 0
    # And they are not too good either: p is uniform from 0 to 1, where there is something to draw.
    informative = [p for p in p_values if p < 1]
    assert len(informative) > 150
    assert 0.4 < sum(informative) / len(informative) < 0.6


@pytest.mark.slow
def test_a_wrong_distribution_would_be_found():
    counts = random_vocabulary(5, b"ab", size=30, longest=6)
    text = random_text(5, counts, 3)[:8]
    assert p_value(counts, text, 1.0, 3) > 1e-4
    assert p_value(counts, text, 1.0, 3, expected_alpha=1.1) < 1e-4


@pytest.mark.slow
def test_what_fills_up_groups_is_never_drawn():
    """One to nine pieces end in a position, none of them in fours; all segmentations are equally probable."""
    counts = BYTE_COUNTS | {b"a" * n: n for n in range(2, 11)} | {b"ab": 5, b"cab": 5}
    tokenizer = tokenizer_of(counts)
    text = b"aaaaaaaaaaaabcab"
    for ids in tokenizer.encode_batch([text] * 2000, alpha=0, seed=1):
        assert tokenizer.decode_bytes(ids) == text


def test_a_great_alpha_gives_the_best():
    counts = random_vocabulary(4, b"ab", size=100, longest=6) | {b"ab": 2**41}
    tokenizer = tokenizer_of(counts)
    text = random_text(4, counts, 300)
    drawn = tokenizer.encode(text, alpha=1e6, seed=1)
    assert tokenizer.score(drawn) == pytest.approx(tokenizer.score(tokenizer.encode(text)), rel=1e-9)


@pytest.mark.parametrize("alpha", [None, -1, -0.1, -math.inf, math.inf, np.float32(-1)])
@pytest.mark.parametrize("seed", [None, 7])
def test_no_alpha_means_the_best(tokenizer, long_text, alpha, seed):
    text = long_text[:2000]
    assert tokenizer.encode(text, alpha=alpha, seed=seed) == tokenizer.encode(text)
    assert tokenizer.tokenize(text, alpha=alpha, seed=seed) == tokenizer.tokenize(text)
    assert tokenizer.encode_batch([text], alpha=alpha, seed=seed) == [tokenizer.encode(text)]
    assert tokenizer.encode_to_numpy(text, alpha=alpha, seed=seed).tolist() == tokenizer.encode(text)


@given(
    drawn=vocabularies_and_short_texts(max_size=30, longest=200),
    alpha=st.floats(0, 1e6),
    seed=st.integers(0, 2**128 - 1),
)
def test_pieces_joined_are_the_text(drawn, alpha, seed):
    counts, text = drawn
    assert b"".join(tokenizer_of(counts).tokenize(text, alpha=alpha, seed=seed)) == text


# What is drawn: the numbers.


def twin_tokenize(counts, data, alpha, seed, document=0):
    segmenter, uniform = Segmenter(counts), uniforms(seed, document)
    pieces = []
    begin = 0
    for part in parts(data):
        pieces += segmenter.sample(part, alpha, lambda position, begin=begin: uniform(begin + position))
        begin += len(part)
    return pieces


@given(
    drawn=vocabularies_and_short_texts(max_size=30, longest=200),
    alpha=st.sampled_from([0.0, 0.2, 1.0, 5.0, 100.0]),
    seed=st.integers(0, 2**128 - 1),
)
def test_the_twin_draws_the_same(drawn, alpha, seed):
    counts, text = drawn
    assert tokenizer_of(counts).tokenize(text, alpha=alpha, seed=seed) == twin_tokenize(counts, text, alpha, seed)


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0, 0.3])
@pytest.mark.parametrize("longest", [2, 12, 300, 9000])
def test_the_twin_draws_the_same_from_long_texts(alpha, longest):
    counts = random_vocabulary(longest, b"abc", size=60, longest=longest)
    text = (random_text(3, counts, 40_000 // longest + 5) * 2)[:60_000]
    text = text[:20_000] + b"\n\n" + text[20_000:]
    assert tokenizer_of(counts).tokenize(text, alpha=alpha, seed=9) == twin_tokenize(counts, text, alpha, 9)


def test_each_text_of_a_batch_has_its_own_numbers(overlapping, tokenizer, long_text):
    texts = [long_text[:500], b"", long_text[:500], long_text[7:900]]
    expected = [twin_tokenize(overlapping, text, 0.1, 5, document) for document, text in enumerate(texts)]
    batch = tokenizer.encode_batch(texts, alpha=0.1, seed=5)
    assert [tokenizer.ids_to_pieces(ids) for ids in batch] == expected
    assert batch[0] == tokenizer.encode(texts[0], alpha=0.1, seed=5) != batch[2]


@pytest.mark.parametrize(
    ("alpha", "digest"),
    [
        (0, "e762d1aea0881dcf81d3e54682e90b6a8c05191e8336196226c79ce5acf9b0f4"),  # no logarithm has a part in it
        (0.2, "aaf3b0891cdc030a75e22c172bfb124644714e2484cdfbe51bf243937e04ec9c"),
        (1.5, "538071c4ab70b0c51931fdf617728a76d136acc348803ff67f92a197dca5d9d2"),
    ],
)
def test_what_a_seed_gives_stays_as_it_is(alpha, digest):
    """Where the C library's logarithm rounds differently, one of these draws changes with a probability of 1e-10."""
    counts = random_vocabulary(11, b"abcd\n", size=500, longest=9)
    texts = [random_text(seed, counts, 2000) for seed in range(5)]
    ids, offsets = tokenizer_of(counts).encode_batch_to_numpy(texts, alpha=alpha, seed=2**100 + 7)
    stream = ids.astype("<u4").tobytes() + offsets.astype("<i8").tobytes()
    assert sha256(stream).hexdigest() == digest


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1, 2**64, 2**128 - 1])
def test_the_same_seed_gives_the_same(tokenizer, long_text, seed):
    text = long_text[:3000]
    first = tokenizer.encode(text, alpha=0.1, seed=seed)
    assert tokenizer.encode(text, alpha=0.1, seed=seed) == first
    assert tokenizer.tokenize(text, alpha=0.1, seed=seed) == tokenizer.ids_to_pieces(first)
    assert tokenizer.encode_to_numpy(text, alpha=0.1, seed=seed).tolist() == first
    assert tokenizer.encode(text, add_bos=True, add_eos=True, alpha=0.1, seed=seed) == [1, *first, 2]


def test_different_seeds_give_different_ids(tokenizer, long_text):
    seeds = [0, 1, 2, 2**63, 2**64, 2**64 + 1, 2**65, 2**127, None, None]
    assert len({tuple(tokenizer.encode(long_text[:500], alpha=0.1, seed=seed)) for seed in seeds}) == len(seeds)


@pytest.mark.parametrize("kind", [np.int64, np.uint8])
def test_integers_of_numpy_are_seeds(tokenizer, long_text, kind):
    text = long_text[:500]
    assert tokenizer.encode(text, alpha=0.1, seed=kind(7)) == tokenizer.encode(text, alpha=0.1, seed=7)


@pytest.mark.parametrize("bits", [np.random.PCG64, np.random.Philox, np.random.MT19937])
def test_a_generator_gives_a_seed_to_each_call(tokenizer, long_text, bits):
    text = long_text[:500]

    def draws():
        generator = np.random.Generator(bits(3))
        return [tokenizer.encode(text, alpha=0.1, seed=generator) for _ in range(5)]

    assert draws() == draws()
    assert len(set(map(tuple, draws()))) == 5


def test_the_seed_that_a_generator_gives():
    tokenizer = tokenizer_of(BYTE_COUNTS | {b"ab": 1, b"ba": 1})
    low, high = np.random.Generator(np.random.PCG64(3)).integers(2**64, size=2, dtype=np.uint64).tolist()
    by_generator = tokenizer.encode(b"ab" * 200, alpha=0, seed=np.random.Generator(np.random.PCG64(3)))
    assert by_generator == tokenizer.encode(b"ab" * 200, alpha=0, seed=high << 64 | low)


def test_no_global_state_is_touched(tokenizer, long_text):
    random.seed(1)
    np.random.seed(1)
    state, numpy_state = random.getstate(), pickle.dumps(np.random.get_state())
    tokenizer.encode(long_text[:500], alpha=0.1)
    tokenizer.encode(long_text[:500], alpha=0.1, seed=3)
    assert (random.getstate(), pickle.dumps(np.random.get_state())) == (state, numpy_state)


# Threads, tables, copies: none of them changes what is drawn.


@pytest.mark.parametrize("workers", [2, 3, 8, None])
@pytest.mark.slow
def test_any_number_of_threads_gives_the_same(tokenizer, long_text, workers):
    texts = [long_text, b"", long_text[:100], *[long_text[k : k + 3000] for k in range(0, 200_000, 3000)]]
    expected = tokenizer.encode_batch(texts, workers=1, alpha=0.2, seed=7)
    assert tokenizer.encode_batch(texts, workers=workers, alpha=0.2, seed=7) == expected
    ids = tokenizer.encode_to_numpy(long_text, workers=workers, alpha=0.2, seed=7)
    assert ids.tolist() == expected[0] == tokenizer.encode(long_text, alpha=0.2, seed=7)


@pytest.mark.parametrize("alpha", [0.0, 0.2, 1.0, 30.0, 1e6])
def test_a_table_of_weights_changes_nothing(overlapping, long_text, alpha):
    automaton = Automaton(PackedBytes.from_list(list(overlapping)), log_probabilities(list(overlapping.values())))
    spans = [(long_text, 0, 50_000)]
    plain, _ = sample_spans(automaton, spans, [3], alpha, 1, 2)
    quick, _ = sample_spans(automaton, spans, [3], alpha, 1, 2, Weights(automaton, alpha))
    assert plain.tolist([]) == quick.tolist([])


@pytest.mark.slow
def test_what_came_before_changes_nothing(overlapping, long_text):
    tokenizer = tokenizer_of(overlapping)
    first = [tokenizer.encode(long_text[:300], alpha=alpha, seed=1) for alpha in (0.1, 0.5)]
    for alpha in (0.1, 0.5, 0.1):
        tokenizer.encode(long_text, alpha=alpha)
    assert [tokenizer.encode(long_text[:300], alpha=alpha, seed=1) for alpha in (0.1, 0.5)] == first
    for other in (copy.copy(tokenizer), copy.deepcopy(tokenizer), pickle.loads(pickle.dumps(tokenizer))):
        assert other.encode(long_text[:300], alpha=0.1, seed=1) == first[0]


def test_drawing_leaves_the_pickle_as_it_is(overlapping, long_text):
    tokenizer = tokenizer_of(overlapping)
    before = pickle.dumps(tokenizer)
    tokenizer.encode(long_text, alpha=0.1)
    assert pickle.dumps(tokenizer) == before


@pytest.mark.slow
def test_many_threads_share_a_tokenizer(overlapping, long_text):
    text = long_text[:20_000]
    alphas = [0.0, 0.1, 0.2, 0.5]
    expected = {alpha: tokenizer_of(overlapping).encode(text, alpha=alpha, seed=1) for alpha in alphas}
    best = tokenizer_of(overlapping).encode(text)
    tokenizer = tokenizer_of(overlapping)
    barrier = threading.Barrier(4)
    failures = []

    def draw(thread):
        barrier.wait()
        for turn in range(20):
            alpha = alphas[(thread + turn) % 4]
            if tokenizer.encode(text, alpha=alpha, seed=1) != expected[alpha] or tokenizer.encode(text) != best:
                failures.append((thread, turn))

    threads = [threading.Thread(target=draw, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


# Long texts.


@pytest.fixture(scope="module")
def ten_megabytes():
    counts = random_vocabulary(6, b"abcdefgh", size=2000, longest=8)
    return tokenizer_of(counts), (random_text(6, counts, 40_000) * 70)[:10_000_000]


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0, 0.2, 5])
def test_ten_megabytes_without_a_newline(ten_megabytes, alpha):
    tokenizer, text = ten_megabytes
    ids = tokenizer.encode_to_numpy(text, alpha=alpha, seed=1)
    assert tokenizer.decode_bytes(ids.tolist()) == text
    # All along the text the same happens: no drift, nothing that dries up.
    lengths = np.array([*map(len, tokenizer._vocabulary._bytes)])[ids]
    means = [share.mean() for share in np.array_split(lengths, 10)]
    assert max(means) < 1.02 * min(means)


@pytest.mark.slow
def test_sums_over_ten_megabytes(ten_megabytes):
    tokenizer, text = ten_megabytes
    period = next(n for n in range(100_000, 10_000_000) if text[:1000] == text[n : n + 1000])
    n_periods = len(text) // period
    of_one, of_two, of_all = (tokenizer.log_partition(text[: k * period]) for k in (1, 2, n_periods))
    assert of_all == pytest.approx(of_one + (n_periods - 1) * (of_two - of_one), rel=1e-12)


@pytest.mark.parametrize("alpha", [0, 1])
@pytest.mark.slow
def test_long_texts_of_one_letter(alpha):
    """No path is ever sure, and any number of pieces end in each position."""
    counts = BYTE_COUNTS | {b"a" * length: 1 + length % 7 for length in range(2, 40)}
    tokenizer = tokenizer_of(counts)
    text = b"a" * 500_000
    ids = tokenizer.encode_to_numpy(text, alpha=alpha, seed=1)
    assert tokenizer.decode_bytes(ids.tolist()) == text


# Errors.


@pytest.mark.parametrize("method", ["encode", "tokenize", "encode_to_numpy", "encode_batch", "encode_batch_to_numpy"])
class TestArguments:
    @pytest.mark.parametrize("alpha", [math.nan, 1.1e6, 10**400, "0.2", True, 1j, [0.2]])
    def test_a_bad_alpha_is_refused(self, tokenizer, method, alpha):
        with pytest.raises(SettingsError, match="alpha must be"):
            getattr(tokenizer, method)(["abc"] if "batch" in method else "abc", alpha=alpha)

    @pytest.mark.parametrize("seed", [-1, 2**128, 1.0, "7", True, b"7", np.random.RandomState(1)])
    def test_a_bad_seed_is_refused(self, tokenizer, method, seed):
        with pytest.raises(SettingsError, match="seed must be"):
            getattr(tokenizer, method)(["abc"] if "batch" in method else "abc", alpha=0.2, seed=seed)


@pytest.mark.parametrize("text", [None, 1, "\ud800", bytearray(b"a")])
@pytest.mark.parametrize(
    "call",
    [
        lambda tokenizer, text: tokenizer.encode(text, alpha=0.2),
        lambda tokenizer, text: tokenizer.nbest(text, 3),
        lambda tokenizer, text: tokenizer.log_partition(text),
        lambda tokenizer, text: tokenizer.entropy(text),
    ],
)
def test_what_is_no_text_is_refused(tokenizer, call, text):
    with pytest.raises(TextError):
        call(tokenizer, text)


def test_the_core_checks_what_it_is_given():
    automaton, other = (Automaton(PackedBytes.from_list(BYTES), log_probabilities([1] * 256)) for _ in range(2))
    with pytest.raises(ValueError, match="match"):
        sample_spans(automaton, [(b"abc", 0, 3)], [0, 1], 0.5, 1, 2)
    with pytest.raises(ValueError, match="span 0"):
        sample_spans(automaton, [(b"abc", 0, 4)], [0], 0.5, 1, 2)
    for weights in (Weights(other, 0.5), Weights(automaton, 0.4)):
        with pytest.raises(ValueError, match="weights"):
            sample_spans(automaton, [(b"abc", 0, 3)], [0], 0.5, 1, 2, weights)
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(Weights(automaton, 0.4))


def test_normalized_text_is_sampled(overlapping):
    counts = Counter(overlapping) + Counter({"é".encode(): 5})
    tokenizer = Tokenizer(Model(list(counts), list(counts.values()), {"normalization": "nfc"}))
    assert tokenizer.encode("e\u0301" * 50, alpha=0, seed=1) == tokenizer.encode("é" * 50, alpha=0, seed=1)
    assert tokenizer.log_partition("e\u0301", 0) == pytest.approx(math.log(2))
    assert tokenizer.nbest("e\u0301", 5) == tokenizer.nbest("é", 5)
