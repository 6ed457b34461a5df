"""The best path: the core against its readable twin, and both against what is plainly right."""

import math
import os
import random
import re
import sys
from collections import Counter
from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bytepiece import Model, Tokenizer
from bytepiece.core.automaton import Automaton, log_probabilities
from bytepiece.core.packed import PackedBytes
from bytepiece.core.segment import segment
from bytepiece.reference import Segmenter
from bytepiece.training.pruning.kernels import count_parts
from helpers.processes import run_python
from helpers.properties import examples

BYTES = [bytes([byte]) for byte in range(256)]
BYTE_COUNTS = dict.fromkeys(BYTES, 1)
PRIMES = [2, 3, 5, 7, 11, 13, 17, 19, 23]
WINDOW_EDGES = [8191, 8192, 8193, 16_385, 65_537, 100_003]


def core(counts):
    return Tokenizer(Model.from_counts(counts)).tokenize


def byte_core(counts):
    """The core where it does not go by characters."""
    pieces = list(counts)
    automaton = Automaton(pieces, log_probabilities(list(counts.values())))
    return lambda data: [pieces[id] for id in segment(automaton, data).tolist([])]


def twin(counts):
    return Segmenter(counts).tokenize


@pytest.fixture(params=[core, byte_core, twin], ids=["core", "core by bytes", "reference"], scope="module")
def make(request):
    """Makes the function that cuts a text into pieces, of counted pieces; every test runs on both twins."""
    return request.param


def with_bytes(pieces, count=1):
    """A vocabulary in which all pieces, single bytes among them, have the same count, so that ties abound."""
    return dict.fromkeys([*BYTES, *pieces], count)


def parts(data):
    """A text cut after each run of newlines, the plain way."""
    return re.findall(rb"[^\n]*\n+|[^\n]+", data)


def plain_segmentation(counts, data):
    """The best path by the definition: all starts are tried, and there is no automaton."""
    log_total = math.log(sum(counts.values()))
    scores = {piece: math.log(count) - log_total for piece, count in counts.items()}
    longest = max(map(len, counts))
    best, last = [0.0], [b""]
    for end in range(1, len(data) + 1):
        sums = [
            (best[start] + scores[data[start:end]], data[start:end])
            for start in range(max(0, end - longest), end)
            if data[start:end] in scores
        ]
        score, piece = max(sums, key=lambda item: item[0])  # the first of equals, which is the longest
        best.append(score)
        last.append(piece)
    pieces = []
    while data:
        pieces.append(last[len(data)])
        data = data[: -len(pieces[-1])]
    return pieces[::-1]


def plain_lengths(counts, size):
    """`plain_segmentation` of a run of one letter: the lengths of its pieces."""
    log_total = math.log(sum(counts.values()))
    scores = [(n, math.log(counts[b"a" * n]) - log_total) for n in range(30, 0, -1) if b"a" * n in counts]
    best, last = [0.0], [0]
    for end in range(1, size + 1):
        score, n = max(((best[end - n] + score, n) for n, score in scores if n <= end), key=lambda item: item[0])
        best.append(score)
        last.append(n)
    lengths = []
    while size:
        lengths.append(last[size])
        size -= last[size]
    return lengths[::-1]


def plain_tokenization(counts, data):
    return [piece for part in parts(data) for piece in plain_segmentation(counts, part)]


def all_segmentations(counts, data):
    if not data:
        yield []
    for end in range(1, len(data) + 1):
        if data[:end] in counts:
            for rest in all_segmentations(counts, data[end:]):
                yield [data[:end], *rest]


def random_vocabulary(seed, alphabet, size=300, longest=12):
    """Some hundred pieces over few letters, so that each overlaps with many."""
    generator = random.Random(seed)
    lengths = range(2, longest + 1)
    pieces = {bytes(generator.choices(alphabet, k=generator.choice(lengths))) for _ in range(size)}
    most = generator.choice([1, 3, 1000, 2**40])
    return {piece: generator.randint(1, most) for piece in [*BYTES, *sorted(pieces)]}


def random_text(seed, counts, n_pieces):
    generator = random.Random(seed)
    return b"".join(generator.choices([piece for piece in counts if len(piece) > 1], k=n_pieces))


ALPHABETS = st.sampled_from(
    [b"a", b"ab", b"abc", b"a\n", b"ab\n", b"\x00\xff", b"\x00a", "你é".encode(), b"\xf0\x80\xbf"]
)
COUNTS = st.sampled_from([st.just(1), st.integers(1, 3), st.sampled_from([1, 2, 4, 8]), st.integers(1, 2**45)])


@st.composite
def vocabularies(draw):
    """Counted pieces over few letters, all single bytes among them."""
    letters = st.sampled_from(list(draw(ALPHABETS)))
    pieces = draw(st.sets(st.lists(letters, min_size=2, max_size=10).map(bytes), max_size=40))
    count = draw(COUNTS)
    drawn = {piece: draw(count) for piece in sorted(pieces)}
    drawn |= {bytes([letter]): draw(count) for letter in sorted(set(b"".join(pieces)))}
    return BYTE_COUNTS | drawn


@st.composite
def vocabularies_and_texts(draw, max_size=30):
    """A vocabulary, and a text made of its pieces."""
    counts = draw(vocabularies())
    likely = [piece for piece in counts if len(piece) > 1 or counts[piece] > 1] or [b"a", b"\n"]
    pieces = draw(st.lists(st.sampled_from(likely), max_size=max_size))
    return counts, b"".join(pieces)


@pytest.fixture(scope="module")
def overlapping():
    return random_vocabulary(1, b"ab\n\xff", 200)


# What holds for every text.


@given(data=st.binary(max_size=300))
@example(data=b"")
@example(data=b"\xff\x00\xfe\n\n\x80")
def test_pieces_joined_are_the_text(make, overlapping, data):
    assert b"".join(make(overlapping)(data)) == data


@given(drawn=vocabularies_and_texts())
@examples(60)
def test_pieces_joined_are_a_text_of_the_vocabulary(make, drawn):
    counts, data = drawn
    assert b"".join(make(counts)(data)) == data


@given(drawn=vocabularies_and_texts())
@examples(60)
def test_every_piece_is_in_the_vocabulary(make, drawn):
    counts, data = drawn
    assert set(make(counts)(data)) <= counts.keys()


@given(drawn=vocabularies_and_texts())
@examples(60)
def test_follows_the_definition(make, drawn):
    counts, data = drawn
    assert make(counts)(data) == plain_tokenization(counts, data)


@given(drawn=vocabularies_and_texts(), extra=st.binary(max_size=20))
@examples(60)
def test_what_follows_a_newline_changes_nothing_before_it(make, drawn, extra):
    counts, data = drawn
    tokenize = make(counts)
    assert tokenize(data + b"b\n" + b"a" + extra) == tokenize(data + b"b\n") + tokenize(b"a" + extra)


@given(drawn=vocabularies_and_texts(max_size=3))
@examples(60)
def test_no_segmentation_is_more_probable(make, drawn):
    counts, text = drawn
    text = text[:10].replace(b"\n", b"a")
    log_total = math.log(sum(counts.values()))

    def score(pieces):
        return math.fsum(math.log(counts[piece]) - log_total for piece in pieces)

    best = max(map(score, all_segmentations(counts, text)))
    assert score(make(counts)(text)) == pytest.approx(best, rel=1e-12, abs=1e-12)


@given(drawn=vocabularies_and_texts())
@examples(60)
def test_each_piece_is_at_least_as_probable_as_its_parts(make, drawn):
    counts, data = drawn
    tokenize = make(counts)
    pieces = tokenize(data)
    log_total = math.log(sum(counts.values()))
    for piece in pieces:
        alone = sum(math.log(counts[part]) - log_total for part in tokenize(piece))
        assert alone == pytest.approx(math.log(counts[piece]) - log_total, rel=1e-9)


@given(drawn=vocabularies_and_texts())
@examples(60)
def test_each_pair_of_neighbours_is_at_least_as_good_as_one_piece(make, drawn):
    counts, data = drawn
    log_total = math.log(sum(counts.values()))
    for left, right in pairwise(make(counts)(data)):
        if left + right in counts and not left.endswith(b"\n"):
            joined = math.log(counts[left + right]) - log_total
            assert math.log(counts[left]) + math.log(counts[right]) - 2 * log_total >= joined - 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("alphabet", [b"ab", b"abcd", b"ab\n", b"\x00\xff", bytes(range(256))])
def test_some_hundred_overlapping_pieces(make, alphabet, seed):
    counts = random_vocabulary(seed, alphabet)
    data = random_text(seed, counts, 300)
    assert make(counts)(data) == plain_tokenization(counts, data)


@pytest.mark.parametrize("seed", range(4))
def test_equal_counts_of_overlapping_pieces(make, seed):
    counts = with_bytes(random_vocabulary(seed, b"ab"))
    data = random_text(seed, counts, 300)
    assert make(counts)(data) == plain_tokenization(counts, data)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_text_that_only_just_misses_the_pieces(make, seed):
    """Pieces without their last byte: matching goes deep and fails, again and again."""
    counts = random_vocabulary(seed, b"ab", longest=40)
    data = b"".join(piece[:-1] for piece in counts)
    assert make(counts)(data) == plain_tokenization(counts, data)


# Ties.


@pytest.mark.parametrize(
    ("pieces", "data", "expected"),
    [
        ([b"aa"], b"aaa", [b"a", b"aa"]),
        ([b"aa", b"aaa"], b"aaaa", [b"a", b"aaa"]),
        ([b"aa", b"aaa"], b"aaaaa", [b"aa", b"aaa"]),
        ([b"ab", b"bc"], b"abc", [b"a", b"bc"]),
        ([b"abc", b"bcd"], b"abcd", [b"a", b"bcd"]),
        ([b"abc", b"cd"], b"abcd", [b"abc", b"d"]),  # every other way takes three pieces
        ([b"abc", b"cde", b"ab"], b"abcde", [b"ab", b"cde"]),
        ([b"abcd", b"ef", b"abc", b"def"], b"abcdef", [b"abc", b"def"]),
        ([b"\xff\xff", b"\xff\xff\xff"], b"\xff" * 4, [b"\xff", b"\xff\xff\xff"]),
        ([b"\x00\x00"], b"\x00" * 3, [b"\x00", b"\x00\x00"]),
        ([b"a\n", b"\n\n"], b"a\n\n", [b"a", b"\n\n"]),
    ],
)
def test_of_equal_sums_the_longest_last_piece_wins(make, pieces, data, expected):
    assert make(with_bytes(pieces))(data) == expected


@pytest.mark.parametrize("count", [1, 2, 7, 2**40])
def test_scale_of_equal_counts_does_not_matter(make, count):
    pieces = [b"a" * length for length in (2, 3, 5)]
    assert make(with_bytes(pieces, count))(b"a" * 99) == make(with_bytes(pieces))(b"a" * 99)


def test_a_frequent_piece_beats_a_longer_rare_one(make):
    assert make(BYTE_COUNTS | {b"ab": 1000, b"cd": 1000, b"abc": 1})(b"abcd") == [b"ab", b"cd"]


def test_one_rare_piece_beats_two_rare_ones(make):
    assert make(with_bytes([b"ab", b"cd", b"abcd"]))(b"abcd") == [b"abcd"]


# Newlines.


@given(data=st.text("ab\n", max_size=60).map(str.encode))
def test_each_part_up_to_a_run_of_newlines_stands_alone(make, data):
    tokenize = make(with_bytes([b"a\n", b"\n\n", b"ab", b"b\n\n\n", b"\na", b"a\nb", b"\n\nb", b"ba", b"bb"]))
    assert tokenize(data) == [piece for part in parts(data) for piece in tokenize(part)]


@pytest.mark.parametrize("piece", [b"\na", b"a\nb", b"\n\nb", b"\n\x00", b"x\n\ny\n"])
def test_a_piece_with_something_behind_a_newline_is_never_used(make, piece):
    assert piece not in make(BYTE_COUNTS | {piece: 1000})(b"z" + piece * 3 + b"z")


@pytest.mark.parametrize("piece", [b"\n\n", b"a\n", b"ab\n\n\n"])
def test_a_piece_that_ends_in_newlines_is_used(make, piece):
    assert make(BYTE_COUNTS | {piece: 1000})(b"z" + piece) == [b"z", piece]


@pytest.mark.parametrize("separator", [b"\r", b"\x0b", b"\x0c", b"\x1c", "\x85".encode(), "\u2028".encode()])
def test_only_line_feed_is_a_newline(make, separator):
    piece = b"a" + separator + b"b"
    assert make(BYTE_COUNTS | {piece: 1000})(piece) == [piece]


@pytest.mark.parametrize("size", [8191, 8192, 8193, 65536])
def test_newlines_where_the_window_ends(make, size):
    data = (b"a" * size + b"\n\n" + b"a" * (size - 1) + b"\n") * 2
    counts = with_bytes([b"aa", b"aaa", b"a\n", b"a\n\n", b"\na"])
    assert make(counts)(data) == [piece for part in parts(data) for piece in make(counts)(part)]


# Odd pieces.


@pytest.mark.parametrize("byte", [b"\x00", b"\xff", b"a", b"\n"])
def test_powers_of_one_byte(make, byte):
    counts = BYTE_COUNTS | {byte * length: 1 + length % 7 for length in range(1, 60)}
    data = byte * 1000
    assert make(counts)(data) == plain_tokenization(counts, data)


@pytest.mark.parametrize("length", [255, 256, 257, 300, 512, 1000, 9000, 32_767, 32_768, 65_535])
def test_a_long_piece_is_found(make, length):
    piece = random.Random(length).randbytes(length).replace(b"\n", b"n")
    assert make(BYTE_COUNTS | {piece: 1000})(b"<" + piece + b">" + piece) == [b"<", piece, b">", piece]


@pytest.mark.parametrize("length", [300, 9000, 65_535])
def test_a_long_piece_that_breaks_off_is_spelled(make, length):
    piece = random.Random(length).randbytes(length).replace(b"\n", b"n")
    assert set(map(len, make(BYTE_COUNTS | {piece: 1000})(piece[:-1]))) == {1}


def test_all_pairs_of_bytes(make):
    pairs = [first + second for first in BYTES for second in BYTES]
    data = b"".join(random.Random(0).choices([pair for pair in pairs if b"\n" not in pair], k=500))
    assert make(BYTE_COUNTS | dict.fromkeys(pairs, 2))(data) == [data[k : k + 2] for k in range(0, len(data), 2)]


def test_a_vocabulary_of_single_bytes_spells(make):
    data = bytes(range(256)) * 2
    assert make(BYTE_COUNTS)(data) == [bytes([byte]) for byte in data]


def test_suffixes_of_a_piece_are_found_where_it_breaks_off(make):
    counts = BYTE_COUNTS | dict.fromkeys([b"abcdefgh", b"cdef", b"def", b"ef"], 1000)
    assert make(counts)(b"abcdefx") == [b"a", b"b", b"cdef", b"x"]


# Characters.

LETTERS = "aé你𝄞\n"
STRANGERS = "bñ好𝄟\x7f\x80\u0fff\ud7ff\ue000\uffff\U00010000\U0010ffff"


@st.composite
def character_vocabularies(draw):
    """Counted pieces of whole characters; of some characters the bytes are worth more than their piece, or as much."""
    pieces = draw(st.sets(st.text(LETTERS, min_size=1, max_size=6), max_size=30))
    count = draw(COUNTS)
    counts = {piece.encode(): draw(count) for piece in sorted(pieces)}
    return BYTE_COUNTS | {byte: draw(count) for byte in BYTES[0xA0:0xF8]} | counts


@given(counts=character_vocabularies(), text=st.text(LETTERS + STRANGERS, max_size=60))
@example(counts=BYTE_COUNTS | {"é".encode(): 1, b"\xc3": 2**45, b"\xa9": 2**45}, text="é")
@example(counts=BYTE_COUNTS | {"é".encode(): 2**30, b"\xc3": 2**61, b"\xa9": 2**61}, text="éaé")
def test_characters_are_segmented_like_their_bytes(counts, text):
    tokenizer = Tokenizer(Model.from_counts(counts))
    expected = plain_tokenization(counts, text.encode())
    assert tokenizer._automaton.by_characters
    assert tokenizer.tokenize(text) == tokenizer.tokenize(text.encode()) == expected
    assert tokenizer.count(text) == tokenizer.count(text.encode()) == len(expected)


@given(counts=character_vocabularies(), text=st.text(LETTERS, max_size=30), data=st.data())
def test_broken_characters_are_spelled(counts, text, data):
    broken = bytearray(text.encode())
    for _ in range(data.draw(st.integers(0, 5))):
        place = data.draw(st.integers(0, len(broken)))
        broken[place:place] = data.draw(
            st.binary(max_size=2) | st.sampled_from([b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90"])
        )
    assert core(counts)(bytes(broken)) == plain_tokenization(counts, bytes(broken))


@pytest.mark.slow
@pytest.mark.parametrize("letters", ["ab", "aé", "é你", "你𝄞", "a\n你", "\x80ÿ", "你好"])
@pytest.mark.parametrize("size", [8189, 8190, 8191, 8192, 8193, 16_385, 100_003])
def test_long_texts_of_characters(letters, size):
    generator = random.Random(size)
    pieces = {"".join(generator.choices(letters, k=generator.randint(2, 9))).encode() for _ in range(60)}
    counts = BYTE_COUNTS | dict.fromkeys(map(str.encode, letters), 5) | dict.fromkeys(sorted(pieces), 100)
    text = "".join(generator.choices(letters, k=size))
    expected = twin(counts)(text.encode())
    tokenizer = Tokenizer(Model.from_counts(counts))
    assert tokenizer.tokenize(text) == tokenizer.tokenize(text.encode()) == expected
    assert tokenizer.tokenize("x" + text.encode().decode("utf-8")) == twin(counts)(b"x" + text.encode())


@pytest.mark.slow
@pytest.mark.parametrize("stranger", ["ß", "你", "𝄞"])
@pytest.mark.parametrize("size", [30, 8191, 8193, 40_000])
def test_runs_of_characters_in_no_piece(stranger, size):
    """Among others, in runs that cross blocks: the sum goes on through them, to the last bit."""
    generator = random.Random(size)
    pieces = {"".join(generator.choices("abé\n", k=generator.randint(2, 9))).encode() for _ in range(60)}
    counts = {byte: generator.randint(1, 99) for byte in BYTES} | dict.fromkeys(sorted(pieces), 100)
    text = "".join(generator.choice("abé\n" * 9 + stranger) * generator.choice([1, 1, 2, 7]) for _ in range(size))
    text += stranger * size + text[: size // 2]
    expected = twin(counts)(text.encode())
    tokenizer = Tokenizer(Model.from_counts(counts))
    assert tokenizer._automaton.by_characters
    assert tokenizer.tokenize(text) == tokenizer.tokenize(text.encode()) == expected
    assert tokenizer.count(text) == len(expected)


@pytest.mark.parametrize("size", [30, 300, 8193])
def test_what_memory_held_before_does_not_matter(size):
    """Not even where sums are that nobody makes: before the text, and at characters in no piece."""
    counts = BYTE_COUNTS | {b"ab": 9, b"ba": 8, b"abba" * 5: 7}
    text = "".join(random.Random(size).choices(["ab", "ba", "abba" * 5, "你", "\n"], k=size))
    expected = twin(counts)(text.encode())
    tokenizer = Tokenizer(Model.from_counts(counts))
    for _ in range(20):
        held = [np.full(n, np.nan) for n in range(min(len(text), 8192), min(len(text), 8192) + 40)]
        del held
        assert tokenizer.tokenize(text) == expected


@pytest.mark.parametrize(
    "data", [b"\x80" * 20_000, b"\xe4" * 20_000, b"\xf0\x9f\x98" * 9000], ids=["80", "e4", "f09f98"]
)
def test_long_texts_of_broken_characters(data):
    counts = BYTE_COUNTS | {"你".encode(): 9, "你你".encode(): 9}
    assert core(counts)(data) == [data[k : k + 1] for k in range(len(data))]


@pytest.mark.parametrize("piece", [b"\xe4\xbd", b"\xa0a", b"\xed\xa0\x80", b"\xff\xff", b"a\xc3"])
def test_pieces_that_cut_characters_are_found(piece):
    counts = BYTE_COUNTS | {piece: 1000, "你".encode(): 10}
    assert core(counts)(b"x" + piece + b"x") == [b"x", piece, b"x"]


def test_a_vocabulary_of_more_characters_than_symbols_goes_by_bytes():
    pieces = [chr(code).encode() for code in range(0x20000, 0x20000 + 65_536)]
    automaton = Automaton([*BYTES, *pieces], log_probabilities([1] * (256 + len(pieces))), by_characters=True)
    assert not automaton.by_characters
    assert segment(automaton, pieces[7] + pieces[9]).tolist([]) == [256 + 7, 256 + 9]


def test_an_automaton_that_goes_by_bytes_takes_no_str():
    with pytest.raises(TypeError, match="must be bytes, not str"):
        segment(Automaton(BYTES, log_probabilities([1] * 256)), "a")


@pytest.mark.parametrize("newline", ["", "\n"])
def test_a_long_text_with_more_ids_than_its_beginning_promised(newline):
    """Room for all ids is made by the beginning of a text, which here has few; each kind of the rest has more."""
    counts = BYTE_COUNTS | {b"aaaaaaaa": 1000}
    runs = [("aaaaaaaa", 100_000), (newline, 1), ("b", 400_000), (newline, 1), ("你", 100_000), ("aaaaaaaa", 10_000)]
    pieces = {run: [bytes([byte]) for byte in run.encode()] for run, _ in runs} | {"aaaaaaaa": [b"aaaaaaaa"]}
    expected = [piece for run, n in runs for piece in pieces[run] * n]
    assert core(counts)("".join(run * n for run, n in runs)) == expected


@pytest.mark.slow
@pytest.mark.skipif(
    not sys.platform.startswith("linux") or "asan" in os.environ.get("LD_PRELOAD", ""),
    reason="needs /proc and a limit of the address space",
)
def test_room_that_only_seemed_needed_is_not_missed():
    """The beginning has an id a byte, the rest one in eight; there is room for these, not for the first rate."""
    code = """
        import resource
        from bytepiece import Model, Tokenizer

        tokenizer = Tokenizer(Model.from_counts({bytes([byte]): 1 for byte in range(256)} | {b"aaaaaaac": 1000}))
        text = "b" * 700_000 + "aaaaaaac" * 10_000_000
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 250_000_000,) * 2)
        assert len(tokenizer.encode(text)) == 10_700_000
    """
    run = run_python(code, timeout=300)
    assert run.returncode == 0, run.stderr


# Texts of all lengths, because long ones are taken in parts.


@pytest.mark.parametrize("longest", [2, 3, 7])
@pytest.mark.parametrize("alphabet", [b"ab", b"ab\n", b"a\n"], ids=repr)
def test_texts_of_all_lengths(alphabet, longest):
    counts = random_vocabulary(7, alphabet, size=30, longest=longest)
    data = random_text(8, counts, 300)
    tokenize, tokenize_too = core(counts), twin(counts)
    assert [tokenize(data[:n]) for n in range(300)] == [tokenize_too(data[:n]) for n in range(300)]


@pytest.mark.slow
@pytest.mark.parametrize("size", [8190, 8191, 8192, 8193, 16_383, 16_384, 16_385, 24_577, 49_153])
@pytest.mark.parametrize("longest", [2, 12, 300])
def test_texts_whose_ends_and_newlines_move(longest, size):
    counts = random_vocabulary(9, b"abc", size=60, longest=longest)
    data = (random_text(10, counts, 60_000) * 2)[:size]
    tokenize, tokenize_too = core(counts), twin(counts)
    for cut in (0, 1, longest, 4095, 8191):
        moved = data[:cut] + b"\n" + data[cut:]
        assert tokenize(moved) == tokenize_too(moved)


# Texts longer than any part of them that is held in memory.


@pytest.mark.slow
@pytest.mark.parametrize("size", WINDOW_EDGES)
def test_paths_that_never_meet(make, size):
    """Only pieces whose lengths are primes: the best paths to neighbouring positions share nothing."""
    counts = BYTE_COUNTS | {b"a" * prime: 10**6 for prime in PRIMES}
    assert list(map(len, make(counts)(b"a" * size))) == plain_lengths(counts, size)


@pytest.mark.slow
@pytest.mark.parametrize("size", WINDOW_EDGES)
@pytest.mark.parametrize("primes", [(2, 3), (3, 5, 7), (997, 1009)], ids=str)
def test_ties_over_a_long_text(primes, size):
    counts = with_bytes([b"a" * prime for prime in primes])
    assert core(counts)(b"a" * size) == twin(counts)(b"a" * size)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("alphabet", [b"ab", b"\x00\xff", bytes(set(range(256)) - {10})])
def test_long_text_without_newline(alphabet, seed):
    counts = random_vocabulary(seed, alphabet)
    data = random_text(seed, counts, 20_000)
    assert core(counts)(data) == twin(counts)(data)


@pytest.mark.parametrize("length", [8191, 8192, 8193, 20_000])
def test_pieces_longer_than_the_window(length):
    unit = random.Random(length).randbytes(length).replace(b"\n", b"n")
    counts = with_bytes([unit, unit[1:], unit[:-1], unit[: length // 2], unit[-5:] + unit[:5]])
    data = unit[1:] + unit * 3 + unit[:-1] * 2 + b"x" + unit
    assert core(counts)(data) == twin(counts)(data)


# The work it takes.

HOSTILE = {
    "powers of one byte": lambda n: [b"a" * length for length in range(2, n)],
    "powers of one byte, and one byte more": lambda n: [b"a" * length + b"b" for length in range(2, n)],
    "one long piece and its suffixes": lambda n: [(bytes(range(100)) * 9)[k:n] for k in range(n - 2)],
    "scattered pairs": lambda n: sorted({bytes(random.Random(k).choices(range(256), k=2)) for k in range(n * 8)}),
    "scattered threes": lambda n: sorted({bytes(random.Random(k).choices(range(256), k=3)) for k in range(n * 8)}),
    "two letters": lambda n: sorted(random_vocabulary(3, b"ab", size=n * 8, longest=40).keys() - set(BYTES)),
}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_memory_of_the_automaton_is_linear_in_the_pieces(hostile):
    def bytes_per_byte(n):
        pieces = [*BYTES, *HOSTILE[hostile](n)]
        return Automaton(pieces, np.zeros(len(pieces))).nbytes / sum(map(len, pieces))

    assert bytes_per_byte(500) < 2 * bytes_per_byte(125)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_pieces_in_a_text_of_themselves(make, hostile):
    counts = with_bytes(HOSTILE[hostile](60))
    data = random_text(5, counts, 60)
    assert make(counts)(data) == plain_tokenization(counts, data)


# The core alone.


@pytest.fixture(scope="module")
def byte_automaton():
    return Automaton(BYTES, log_probabilities([1] * 256))


def ids_of(automaton, data):
    return np.asarray(segment(automaton, data)).tolist()


@pytest.mark.parametrize("first_id", [0, 3, 1000, 2**31 - 300])
def test_ids_count_from_the_first(first_id):
    automaton = Automaton(BYTES, log_probabilities([1] * 256), first_id=first_id)
    assert ids_of(automaton, bytes(range(11, 256))) == list(range(first_id + 11, first_id + 256))


def test_ids_follow_the_given_order_of_pieces():
    pieces = [*BYTES[::-1], b"ab"]
    assert ids_of(Automaton(pieces, log_probabilities([1] * 257)), b"abz") == [256, 255 - ord("z")]


def test_pieces_can_be_given_as_one_array():
    pieces = [*BYTES, b"ab", b"abc"]
    offsets = np.array([0, *accumulate(map(len, pieces))], dtype=np.int64)
    data = np.frombuffer(b"".join(pieces), dtype=np.uint8)
    automaton = Automaton((data, offsets), log_probabilities([1] * 258))
    assert ids_of(automaton, b"abcab") == [257, 256]


@pytest.mark.parametrize(
    "pieces",
    [[], BYTES[1:], BYTES[:-1], [*BYTES, b""], [*BYTES, b"ab", b"ab"], [*BYTES, b"a"]],
    ids=["none", "without 0x00", "without 0xff", "an empty one", "a pair twice", "a byte twice"],
)
def test_bad_pieces_are_refused(pieces):
    with pytest.raises(ValueError, match="piece"):
        Automaton(pieces, np.zeros(len(pieces)))


@pytest.mark.parametrize("length", [65_536, 2**20])
def test_a_piece_too_long_is_refused_by_its_length(length):
    with pytest.raises(ValueError, match=f"piece 256 has {length} bytes"):
        Automaton([*BYTES, b"a" * length], np.zeros(257))


@pytest.mark.parametrize("n_scores", [0, 255, 257])
def test_as_many_scores_as_pieces(n_scores):
    with pytest.raises(ValueError, match="match"):
        Automaton(BYTES, np.zeros(n_scores))


@pytest.mark.parametrize("score", [np.nan, np.inf, -np.inf, 1e100, -1e308])
def test_scores_whose_sums_could_be_no_numbers_are_refused(score):
    scores = np.zeros(256)
    scores[97] = score
    with pytest.raises(ValueError, match="piece 97 has the score"):
        Automaton(BYTES, scores)


@given(st.lists(st.integers(1, 2**55), min_size=1, max_size=50))
def test_log_probabilities_to_the_last_bit(counts):
    log_total = math.log(sum(counts))
    assert log_probabilities(counts).tolist() == [math.log(count) - log_total for count in counts]


def counted(counts):
    """A dict of counts by byte string, as the core takes them."""
    return PackedBytes.from_list(counts).with_counts(np.array(list(counts.values()), dtype=np.uint64))


@given(
    vocabulary=vocabularies(),
    words=st.dictionaries(st.text("abc", max_size=20).map(str.encode), st.integers(0, 2**50), max_size=20),
)
def test_count_parts_is_the_sum_over_the_words(vocabulary, words):
    expected = Counter()
    for word, count in words.items():
        for piece in twin(vocabulary)(word):
            expected[piece] += count
    automaton = Automaton(list(vocabulary), log_probabilities(list(vocabulary.values())))
    totals = count_parts(automaton, counted(words)).tolist()
    assert {piece: total for piece, total in zip(vocabulary, totals, strict=True) if total} == +expected


def test_count_parts_counts_beyond_32_bits(byte_automaton):
    assert count_parts(byte_automaton, counted({b"aa": 2**61}))[ord("a")] == 2**62


def test_count_parts_of_nothing(byte_automaton):
    assert not count_parts(byte_automaton, counted({})).any()


def test_count_parts_of_a_word_longer_than_the_window():
    counts = BYTE_COUNTS | {b"a" * 3: 10**6}
    automaton = Automaton(list(counts), log_probabilities(list(counts.values())))
    totals = count_parts(automaton, counted({b"a" * 100_000: 1}))
    assert (totals[256], totals[ord("a")]) == (33_333, 1)
