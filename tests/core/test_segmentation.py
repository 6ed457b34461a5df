"""The best segmentation: the core and its readable twin agree, with each other and with plain definitions."""

import math
import random
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from helpers.properties import examples
from helpers.segmenters import plain_tokenization
from helpers.vocabularies import (
    BYTE_COUNTS,
    BYTES,
    parts,
    random_text,
    random_vocabulary,
    vocabularies_and_texts,
    with_bytes,
)


def all_segmentations(counts, data):
    if not data:
        yield []
    for end in range(1, len(data) + 1):
        if data[:end] in counts:
            for rest in all_segmentations(counts, data[end:]):
                yield [data[:end], *rest]


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
@pytest.mark.slow
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


@pytest.mark.slow
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
