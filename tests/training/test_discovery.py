"""The n-gram model and the candidate pieces it finds, against the readable twin."""

import random
from collections import Counter
from itertools import accumulate, islice, product

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bytepiece import reference
from bytepiece.core.packed import PackedBytes
from bytepiece.training.counting.kernels.ngrams import ngram_keys, run_lengths
from bytepiece.training.counting.kernels.pieces import PieceTable
from bytepiece.training.discovery.candidates import SHORT, DiscoveryTask
from bytepiece.training.discovery.kernels.cutting import count_candidates
from bytepiece.training.discovery.kernels.model import NgramModel
from bytepiece.training.segments import Batch
from helpers.counts import key_of
from helpers.properties import examples

ORDERS = range(1, 8)
UNICODE = pytest.mark.parametrize("ensure_unicode", [True, False], ids=["unicode", "bytes"])
# Characters of 1, 2, 3 and 4 bytes; those of a row share their first bytes.
ALPHABETS = [
    "a",
    "ab",
    "abc ",
    "aé",
    "éèα",
    "你好們",
    "🙂🙃🚀",
    "aé你🙂",
    "a\x00\x7f\u0080\u07ff\u0800\uffff\U00010000\U0010ffff",
]
RARE = "ÿЖ가ﬁ🦀𝟘"


def counted_ngrams(segments, order):
    """Keys and counts of the longest n-gram at each byte, the keys sorted."""
    ends = np.array([*accumulate(map(len, segments))], dtype=np.int64)
    keys = ngram_keys(b"".join(segments), 0, ends, order)
    keys.sort()
    return run_lengths(keys)


def model_of(segments, order, min_count):
    model = NgramModel(order, min_count)
    model.add(*counted_ngrams(segments, order))
    model.finish()
    return model


def pieces_of(model, segments, ensure_unicode, counter=None):
    """The counted pieces that a model finds in segments."""
    counter = PieceTable() if counter is None else counter
    ends = np.array([*accumulate(map(len, segments))], dtype=np.int64)
    count_candidates(model, b"".join(segments) + b"behind", ends, None, ensure_unicode, counter)
    found = counter.take()
    return dict(zip(found.to_list(), found.counts.tolist(), strict=True))


def reference_pieces(segments, order, min_count, ensure_unicode):
    return reference.count_candidates(
        segments, reference.ngram_model(segments, order, min_count), order, ensure_unicode
    )


@st.composite
def corpora(draw):
    """Segments of a few characters, now and then with one that occurs nowhere else."""
    alphabet = draw(st.sampled_from(ALPHABETS))
    letters = st.sampled_from(alphabet) | st.sampled_from(alphabet + RARE)
    words = st.text(letters, min_size=1, max_size=12)
    repeated = st.builds(str.__mul__, words, st.integers(1, 6))
    segments = draw(st.lists(words | repeated, min_size=1, max_size=12))
    return [segment.encode() for segment in segments]


def random_corpus(seed, alphabet, n_segments=20, rare=0.0):
    """Segments of words that come again, and of rare characters."""
    generator = random.Random(seed)
    words = ["".join(generator.choices(alphabet, k=generator.randint(1, 6))) for _ in range(20)]
    segments = []
    for _ in range(n_segments):
        text = "".join(generator.choices(words, k=generator.randint(1, 15)))
        text = "".join(generator.choice(RARE) if generator.random() < rare else character for character in text)
        segments.append((text + "\n" * generator.randint(0, 2)).encode())
    return segments


@given(segments=corpora(), min_count=st.integers(1, 5))
@examples(40)
@UNICODE
@pytest.mark.parametrize("order", ORDERS)
def test_finds_what_the_reference_finds(order, ensure_unicode, segments, min_count):
    model = model_of(segments, order, min_count)
    assert pieces_of(model, segments, ensure_unicode) == reference_pieces(segments, order, min_count, ensure_unicode)


@pytest.mark.slow
@UNICODE
@pytest.mark.parametrize("min_count", [1, 3, 30])
@pytest.mark.parametrize("order", [2, 6, 7])
@pytest.mark.parametrize("alphabet", ALPHABETS, ids=range(len(ALPHABETS)))
def test_finds_what_the_reference_finds_in_more_text(alphabet, order, min_count, ensure_unicode):
    segments = random_corpus(order, alphabet, rare=0.03)
    model = model_of(segments, order, min_count)
    assert pieces_of(model, segments, ensure_unicode) == reference_pieces(segments, order, min_count, ensure_unicode)


@UNICODE
@pytest.mark.parametrize("order", ORDERS)
def test_ties_of_a_text_without_information(order, ensure_unicode):
    """All n-grams of a length are equally frequent, so paths have equal scores."""
    segments = [("ab" * 50).encode(), ("ba" * 50).encode(), b"a" * 64, b"b" * 64, bytes(range(128)) * 2]
    model = model_of(segments, order, 1)
    assert pieces_of(model, segments, ensure_unicode) == reference_pieces(segments, order, 1, ensure_unicode)


@UNICODE
@pytest.mark.parametrize("order", [2, 6, 7])
def test_text_of_another_corpus(order, ensure_unicode):
    """The model meets n-grams and bytes that it has never seen."""
    known, unknown = random_corpus(1, "aé你🙂", rare=0.05), random_corpus(2, "abèα們🙃", rare=0.3)
    logp = reference.ngram_model(known, order, 2)
    expected = reference.count_candidates(unknown, logp, order, ensure_unicode)
    assert pieces_of(model_of(known, order, 2), unknown, ensure_unicode) == expected


@pytest.mark.slow
@UNICODE
def test_segments_longer_than_a_block(ensure_unicode):
    """Cutting goes through a text in blocks; they end at the end of a segment."""
    generator = random.Random(0)
    segments = ["".join(generator.choices("🙂🙃", k=10_000)).encode() for _ in range(2)]
    model = model_of(segments, 3, 2)
    assert pieces_of(model, segments, ensure_unicode) == reference_pieces(segments, 3, 2, ensure_unicode)


# The model.


@given(segments=corpora(), min_count=st.integers(1, 5))
@examples(40)
@pytest.mark.parametrize("order", ORDERS)
def test_model_has_the_ngrams_of_the_reference(order, segments, min_count):
    lengths = Counter(map(len, reference.ngram_model(segments, order, min_count)))
    assert model_of(segments, order, min_count).sizes == [lengths[n] for n in range(1, order + 1)]


def test_bytes_that_never_occur_count_once():
    model = model_of([b"aaa", b"b"], 2, 1)
    assert (model.sizes[0], model.n_bytes) == (256, 4 + 254)


def test_counts_can_be_added_in_parts():
    segments = random_corpus(3, "aé你")
    keys, counts = counted_ngrams(segments, 6)
    model = NgramModel(6, 2)
    for k in range(0, len(keys), 7):
        model.add(keys[k : k + 7], counts[k : k + 7])
    model.finish()
    assert pieces_of(model, segments, True) == reference_pieces(segments, 6, 2, True)


def test_a_model_of_nothing_spells():
    model = NgramModel(6, 1)
    model.finish()
    assert pieces_of(model, [b"abc"], True) == {b"a": 1, b"b": 1, b"c": 1}


@pytest.mark.parametrize(("order", "min_count"), [(0, 1), (8, 1), (-1, 1), (6, 0)])
def test_settings_out_of_range_are_refused(order, min_count):
    with pytest.raises(ValueError, match="order"):
        NgramModel(order, min_count)


def test_keys_must_ascend():
    keys, counts = counted_ngrams([b"abc"], 3)
    with pytest.raises(ValueError, match="ascend"):
        NgramModel(3, 1).add(keys[::-1].copy(), counts)


def test_keys_of_a_longer_order_are_refused():
    with pytest.raises(ValueError, match="order"):
        NgramModel(2, 1).add(*counted_ngrams([b"abc"], 3))


def test_ngrams_of_equal_hashes_are_told_apart():
    """All of them are in one group of the hash table, which has no pilots for so many: so it takes other hashes."""

    def group(ngram, n_groups):
        key = int.from_bytes(ngram, "big") * 0x9E3779B97F4A7C15 % 2**64
        key = (key ^ key >> 32) * 0xFF51AFD7ED558CCD % 2**64
        return key % 2**32 * n_groups >> 32

    n = 60
    ngrams = (bytes(letters) for letters in product(b"abcdefghijklmnopqrstuvwxyz", repeat=3))
    segments = [*islice((ngram for ngram in ngrams if group(ngram, n // 3 + 1) == 0), n)]
    model = model_of(segments, 3, 1)
    assert model.sizes[2] == n
    assert pieces_of(model, segments, True) == reference_pieces(segments, 3, 1, True)


def test_counts_that_no_text_has_are_refused():
    """Where there is "abcd", there is "bcd"."""
    model = NgramModel(4, 2)
    model.add(np.array([key_of(b"abcd")], dtype=np.uint64), np.array([2], dtype=np.uint64))
    with pytest.raises(ValueError, match="more often than its suffix"):
        model.finish()


def test_keys_with_something_behind_the_ngram_are_refused():
    """The same n-gram would come again and again, and there is room for 256 that differ in their last byte."""
    model = NgramModel(3, 1)
    keys = [0x6162 << 48 | k << 40 | n for k in range(1, 600, 2) for n, k in [(2, k), (1, k + 1)] if k < 256]
    with pytest.raises(ValueError, match="zeros"):
        model.add(np.array(keys, dtype=np.uint64), np.ones(len(keys), dtype=np.uint64))


def test_equal_models_have_equal_fingerprints():
    segments = random_corpus(6, "aé你")
    model = model_of(segments, 6, 2)
    assert model_of(segments, 6, 2).fingerprint == model.fingerprint
    others = [model_of(segments, 6, 3), model_of(segments, 5, 2), model_of([*segments, segments[0]], 6, 2)]
    assert model.fingerprint not in [other.fingerprint for other in others]


def test_sum_of_counts_is_checked_for_overflow():
    keys, counts = counted_ngrams([b"abc"], 3)
    counts[:] = 2**62
    with pytest.raises(OverflowError):
        NgramModel(3, 1).add(keys, counts)


def test_an_unfinished_model_discovers_nothing():
    with pytest.raises(ValueError, match="not finished"):
        pieces_of(NgramModel(6, 1), [b"abc"], True)


def test_a_finished_model_takes_no_counts():
    model = model_of([b"abc"], 6, 1)
    with pytest.raises(ValueError, match="none may come after finish"):
        model.add(*counted_ngrams([b"abd"], 6))


@pytest.mark.parametrize("ends", [[4], [2, 1], [-1]], ids=str)
def test_segments_outside_the_data_are_refused(ends):
    model = model_of([b"abc"], 6, 1)
    with pytest.raises(ValueError, match="ascend"):
        count_candidates(model, b"abc", np.array(ends, dtype=np.int64), None, True, PieceTable())


# The pieces.


@given(segments=corpora(), order=st.integers(1, 7), min_count=st.integers(1, 5))
@examples(60)
@UNICODE
def test_pieces_make_up_the_text(ensure_unicode, segments, order, min_count):
    pieces = pieces_of(model_of(segments, order, min_count), segments, ensure_unicode)
    expected = Counter(b"".join(segments))
    assert (
        sum(
            (Counter({byte: n * count for byte, n in Counter(piece).items()}) for piece, count in pieces.items()),
            Counter(),
        )
        == expected
    )


@given(segments=corpora(), order=st.integers(1, 7), min_count=st.integers(1, 5))
@example(segments=["aЖa".encode(), "b🦀가b".encode()], order=6, min_count=2)
def test_longer_pieces_are_whole_characters(segments, order, min_count):
    pieces = pieces_of(model_of(segments, order, min_count), segments, True)
    assert all(piece.decode() for piece in pieces if len(piece) > 1)


@pytest.mark.parametrize("rare", ["ÿ", "가", "🦀"], ids=["2 bytes", "3 bytes", "4 bytes"])
@pytest.mark.parametrize("around", [("", "ab"), ("ab", ""), ("ab", "ab")], ids=["first", "last", "between"])
def test_a_rare_character_is_spelled_and_the_rest_is_not(rare, around):
    segments = [b"ab"] * 50 + [(around[0] + rare + around[1]).encode()]
    spelled = Counter(bytes([byte]) for byte in rare.encode())
    expected = Counter({b"ab": 50 + sum(map(bool, around))}) + spelled
    assert pieces_of(model_of(segments, 6, 2), segments, True) == expected


def test_rare_characters_in_a_row_are_spelled():
    segments = [b"ab"] * 50 + ["abÿ가🦀ab".encode()]
    spelled = Counter(bytes([byte]) for byte in "ÿ가🦀".encode())
    assert pieces_of(model_of(segments, 6, 2), segments, True) == Counter({b"ab": 52}) + spelled


def test_a_frequent_character_is_a_piece():
    segments = ["🦀".encode()] * 5
    assert pieces_of(model_of(segments, 6, 2), segments, True) == {"🦀".encode(): 5}


@pytest.mark.parametrize("order", [2, 3])
def test_a_character_longer_than_the_order_is_a_piece(order):
    segments = ["🦀".encode()] * 5
    assert pieces_of(model_of(segments, order, 2), segments, True) == {"🦀".encode(): 5}


def test_pieces_can_be_longer_than_the_order():
    segments = [b"internationalization"] * 5
    assert pieces_of(model_of(segments, 6, 2), segments, True) == {b"internationalization": 5}


def test_order_1_spells():
    segments = ["aé你🙂\n".encode()] * 3
    assert pieces_of(model_of(segments, 1, 1), segments, True) == {
        bytes([byte]): 3 * count for byte, count in Counter(segments[0]).items()
    }


@pytest.mark.parametrize("begin", [0, 5])
@pytest.mark.parametrize("characters", [5, 500])
def test_segments_of_a_batch_that_recur_are_cut_once(begin, characters):
    """Long ones, short ones and empty ones, of which a batch has many; what lies before a batch does not matter."""
    text = b"".join(random_corpus(4, "aé你", rare=0.05)).decode()
    segments = [text[k : k + characters].encode() for k in range(0, len(text), characters)] * 3
    segments += ["aé".encode() * 20, b"", b"a" * SHORT, b"a" * (SHORT + 1)]
    assert (sum(map(len, segments)) > SHORT * len(segments)) == (characters > SHORT)
    model = model_of(segments, 6, 2)
    ends = np.array([*accumulate(map(len, segments), initial=begin)][1:], dtype=np.int64)
    batch = Batch(b"\xa9" * begin + b"".join(segments) + b"behind", begin, ends, True)
    table = PieceTable()
    DiscoveryTask(model, True).cut(batch, table)
    found = table.take()
    assert dict(zip(found.to_list(), found.counts.tolist(), strict=True)) == pieces_of(model, segments, True)


def test_each_segment_needs_a_count():
    with pytest.raises(ValueError, match="needs a count"):
        count_candidates(model_of([b"ab"], 6, 1), b"ab", np.array([1, 2]), np.ones(1, np.uint64), True, PieceTable())


@pytest.mark.parametrize("order", [2, 6, 7])
def test_segments_do_not_touch_each_other(order):
    segments = random_corpus(5, "aé你🙂", n_segments=200, rare=0.05)
    model = model_of(segments, order, 2)
    one_by_one = sum((Counter(pieces_of(model, [segment], True)) for segment in segments), Counter())
    assert pieces_of(model, segments, True) == one_by_one


def test_pieces_are_added_to_what_was_counted():
    counter = PieceTable()
    counter.add_pieces(PackedBytes.from_list([b"ab"]).with_counts(np.array([2**40], np.uint64)))
    assert pieces_of(model_of([b"ab"] * 9, 6, 2), [b"ab"] * 9, True, counter=counter) == {b"ab": 2**40 + 9}


@pytest.mark.parametrize("segments", [[], [b""], [b"", b""]], ids=repr)
def test_no_text_has_no_pieces(segments):
    assert pieces_of(model_of([b"ab"], 6, 1), segments, True) == {}


def test_empty_segments_between_others():
    assert pieces_of(model_of([b"ab"] * 9, 6, 2), [b"", b"ab", b"", b"ab", b""], True) == {b"ab": 2}
