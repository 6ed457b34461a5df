"""Texts cut into training segments, and these into batches."""

import unicodedata
from itertools import accumulate, pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bytepiece import CorpusError, reference
from bytepiece.training.segments import MAX_CHARACTERS, MAX_NEWLINES, Reader
from bytepiece.training.texts import check_texts

DIGITS = "059٠٣٩०९０９𝟎𝟗𝟘𞥐𞥙"  # of 1, 2, 3 and 4 bytes: ASCII, Arabic, Devanagari, full width, mathematical, Adlam
NO_DIGITS = "½²①Ⅷ〇一௰༳"  # numbers, but none of category Nd
LETTERS = "aé你🙂"  # of 1, 2, 3 and 4 bytes
LENGTHS = [1, 2, 9_999, 10_000, 10_001, 19_999, 20_000, 20_001]

NASTY_TEXTS = st.lists(
    st.one_of(
        st.text(LETTERS + DIGITS + NO_DIGITS + "\n\r\t \x00\x85\u2028", max_size=8),
        st.builds("\n".__mul__, st.sampled_from([1, 2, 99, 100, 101, 199, 200, 201, 250, 300, 301])),
        st.builds(str.__mul__, st.sampled_from(LETTERS), st.sampled_from(LENGTHS)),
        st.builds(str.__mul__, st.sampled_from(LETTERS), st.integers(9_990, 10_010)),
        st.sampled_from(DIGITS),
    ),
    max_size=6,
).map("".join)


def batches(texts, **options):
    return [batch for part in Reader(texts, **options).parts() for batch in part]


def segments_of(batch):
    return [batch.data[begin:end] for begin, end in pairwise([batch.begin, *batch.ends.tolist()])]


def cut(texts, **options):
    """All segments of texts, by way of their batches."""
    return [segment for batch in batches(texts, **options) for segment in segments_of(batch)]


@given(text=NASTY_TEXTS)
@example("\n" * 250)
@example("a" * 10_000 + "\n" * 101 + "b")
@example("é" * 20_001)
@example("a" * 9_999 + "1" + "a" * 10_001)
@pytest.mark.parametrize("boundaries", [None, "words"])
@pytest.mark.parametrize("isolate_digits", [False, True])
def test_segments_are_those_of_the_reference(isolate_digits, boundaries, text):
    assert cut([text], isolate_digits=isolate_digits, boundaries=boundaries) == reference.segments(
        text, isolate_digits, boundaries
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("a", ["a"]),
        ("\n", ["\n"]),
        ("a\nb\n\nc", ["a\n", "b\n\n", "c"]),
        ("\n\na", ["\n\n", "a"]),
        ("a\r\nb", ["a\r\n", "b"]),
        ("a\x0b\x0c\x1c\x85\u2028b", ["a\x0b\x0c\x1c\x85\u2028b"]),
        ("\n" * 250, ["\n" * 100, "\n" * 100, "\n" * 50]),
        ("a" + "\n" * 101, ["a" + "\n" * 100, "\n"]),
        ("é" * 10_001, ["é" * 10_000, "é"]),
        ("🙂" * 10_000 + "\n\n" + "x", ["🙂" * 10_000 + "\n\n", "x"]),
        ("a" * 10_001 + "\n", ["a" * 10_000, "a\n"]),
    ],
    ids=range(12),
)
def test_text_is_cut(text, expected):
    assert cut([text]) == [segment.encode() for segment in expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", ["1"]),
        ("123", ["1", "2", "3"]),
        ("ab12cd", ["ab", "1", "2", "cd"]),
        ("1\n\n2", ["1", "\n\n", "2"]),
        ("a\n1", ["a\n", "1"]),
        ("a1\n", ["a", "1", "\n"]),
        ("a٣b", ["a", "٣", "b"]),
        ("½²①Ⅷ〇一", ["½²①Ⅷ〇一"]),
        ("a" * 9_999 + "1a", ["a" * 9_999, "1", "a"]),
    ],
)
def test_digits_are_isolated(text, expected):
    assert cut([text], isolate_digits=True) == [segment.encode() for segment in expected]


def test_digits_are_left_alone_unless_asked():
    assert cut(["a1b٣"]) == ["a1b٣".encode()]


@pytest.mark.slow
def test_the_digits_of_all_scripts_are_isolated_and_nothing_else():
    characters = [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF and code != 10]
    text = "".join(f"x{character}" for character in characters)
    alone = [segment.decode() for segment in cut([text], isolate_digits=True) if not segment.startswith(b"x")]
    assert alone == [character for character in characters if unicodedata.category(character) == "Nd"]


@given(texts=st.lists(st.text("ab\n1", max_size=5), max_size=8))
def test_a_segment_ends_with_its_text(texts):
    assert cut(texts) == [segment for text in texts for segment in reference.segments(text)]


def test_normalization_comes_before_cutting():
    text = "e\u0301" * 10_001
    assert cut([text], normalization="nfc") == ["é".encode() * 10_000, "é".encode()]


def test_text_stays_as_it_is_without_normalization():
    assert cut(["e\u0301\n"]) == ["e\u0301\n".encode()]


# Batches.

TEXTS = {
    "one without newline": ["🙂" * 100_000],
    "one of short lines": ["ab\n" * 20_000],
    "one of newlines": ["\n" * 50_000],
    "one of digits": ["7" * 5_000],
    "a huge one between small ones": ["x", "é\n" * 10_000, "y\n"],
    "many small ones": [str(k) * (k % 7) for k in range(5_000)],
    "empty ones between": ["", "a" * 999, "", "b", "", "c" * 25_000, ""],
    "none": [],
    "empty ones": ["", ""],
}


@pytest.mark.parametrize("batch_bytes", [1, 1000, 2**22])
@pytest.mark.parametrize("texts", TEXTS.values(), ids=TEXTS)
class TestBatches:
    def test_hold_the_segments_of_the_texts(self, texts, batch_bytes):
        assert cut(texts, batch_bytes=batch_bytes) == [
            segment for text in texts for segment in reference.segments(text)
        ]

    def test_cover_the_texts(self, texts, batch_bytes):
        covered = [batch.data[batch.begin :][: batch.n_bytes] for batch in batches(texts, batch_bytes=batch_bytes)]
        assert b"".join(covered) == "".join(texts).encode()

    def test_are_about_as_large_as_they_should_be(self, texts, batch_bytes):
        longest = 4 * MAX_CHARACTERS + MAX_NEWLINES
        sizes = [batch.n_bytes for batch in batches(texts, batch_bytes=batch_bytes)]
        assert max(sizes, default=0) <= batch_bytes + MAX_CHARACTERS + longest

    def test_are_never_empty(self, texts, batch_bytes):
        assert all(batch.n_bytes for batch in batches(texts, batch_bytes=batch_bytes))

    def test_leave_no_trace_in_the_fingerprint(self, texts, batch_bytes):
        assert read(texts, batch_bytes=batch_bytes).fingerprint == read(texts).fingerprint

    def test_say_where_a_text_ends_with_them(self, texts, batch_bytes):
        ends = {*accumulate(len(text.encode()) for text in texts)}
        position = 0
        for batch in batches(texts, batch_bytes=batch_bytes):
            position += batch.n_bytes
            assert batch.whole == (position in ends)


def test_a_document_larger_than_a_batch_is_cut_for_the_workers():
    assert len(batches(["a" * 99 + "\n" for _ in range(2)] + [("b" * 99 + "\n") * 3000], batch_bytes=10_000)) > 10


def test_tiny_texts_are_few_in_a_batch():
    """Each is an object, which takes many times its bytes."""
    sizes = [batch.n_bytes for batch in batches(["a\n"] * 1000, batch_bytes=1600)]
    assert sum(sizes) == 2000
    assert max(sizes) <= 200


def test_texts_are_read_no_further_than_the_batch():
    read = []

    def texts():
        for k in range(100):
            read.append(k)
            yield "a" * 1000

    next(next(Reader(texts(), batch_bytes=1000).parts()))
    assert len(read) == 1


# What a reader remembers.


def read(texts, **options):
    """A reader that has read all texts."""
    reader = Reader(texts, **options)
    for part in reader.parts():
        for _ in part:
            pass
    return reader


def test_reader_counts_the_texts():
    assert read(["ab", "", "é\n"]).documents == 3


def test_reader_counts_the_bytes():
    assert read(["ab", "", "é\n"]).n_bytes == 5


def test_reader_counts_what_is_normalized():
    assert read(["e\u0301"], normalization="nfc").n_bytes == 2


@pytest.mark.parametrize(
    "others",
    [["ab", "cd", ""], ["ab"], ["ab", "ce"], ["abc", "d"], ["abcd"], ["cd", "ab"], ["", "abcd"], []],
    ids=repr,
)
def test_other_texts_have_another_fingerprint(others):
    assert read(others).fingerprint != read(["ab", "cd"]).fingerprint


@pytest.mark.parametrize("n", range(5))
def test_skipped_texts_are_remembered(n):
    texts = ["ab", "", "cd\n", "ef"]
    reader = Reader(texts)
    reader.skip(n)
    assert (reader.documents, reader.fingerprint) == (min(n, 4), read(texts[:n]).fingerprint)


@pytest.mark.parametrize("n", range(5))
def test_skipped_texts_are_not_in_the_batches(n):
    texts = ["ab", "", "cd\n", "ef"]
    reader = Reader(texts)
    reader.skip(n)
    segments = [segment for part in reader.parts() for batch in part for segment in segments_of(batch)]
    assert segments == [segment for text in texts[n:] for segment in reference.segments(text)]


@pytest.mark.parametrize("part_bytes", [1, 500, 5000, 10**6])
def test_parts_are_of_whole_texts(part_bytes):
    texts = [("abc\n" * (k % 50)) for k in range(200)]
    reader = Reader(texts, batch_bytes=100)
    ends = {*accumulate(map(len, texts))}
    for part in reader.parts(lambda: part_bytes):
        for _ in part:
            pass
        assert reader.n_bytes in ends


@pytest.mark.parametrize("part_bytes", [1, 500, 5000, 10**6])
def test_parts_together_are_all_batches(part_bytes):
    texts = [("abc\n" * (k % 50)) for k in range(200)]
    parts = Reader(texts, batch_bytes=100).parts(lambda: part_bytes)
    assert b"".join(batch.data[batch.begin :][: batch.n_bytes] for part in parts for batch in part) == (
        "".join(texts).encode()
    )


def test_parts_are_as_large_as_asked_for():
    parts = Reader(["a" * 100] * 50, batch_bytes=100).parts(lambda: 1000)
    assert [sum(batch.n_bytes for batch in part) for part in parts] == [1000] * 5


# Not texts.


@pytest.mark.parametrize("bad", [b"bytes", None, 1, ["list"]], ids=repr)
def test_what_is_no_str_is_refused_with_its_number(bad):
    with pytest.raises(CorpusError, match=rf"text 2 .*must be str, not {type(bad).__name__}"):
        batches(["a", "b", bad])


@pytest.mark.parametrize("normalization", [None, "nfc"])
def test_a_lone_surrogate_is_refused_with_its_place(normalization):
    with pytest.raises(CorpusError, match=r"text 1 .*U\+D83D at character 3"):
        batches(["a", "bcd\ud83d"], normalization=normalization)


@pytest.mark.parametrize("texts", ["a text", b"a text", 7], ids=repr)
def test_what_is_no_iterable_of_texts_is_refused(texts):
    with pytest.raises(CorpusError, match=f"iterable of str, not .*{type(texts).__name__}"):
        check_texts(texts)


def test_no_texts_at_all_are_refused():
    with pytest.raises(CorpusError, match="no texts"):
        check_texts(None)


@pytest.mark.parametrize("make", [iter, lambda texts: (text for text in texts), lambda texts: map(str, texts), zip])
def test_what_can_be_read_once_is_refused(make):
    with pytest.raises(CorpusError, match="can be read once"):
        check_texts(make(["a"]))


class Again:
    def __iter__(self):
        return iter(["a"])


class OldStyle:
    def __getitem__(self, k):
        return ["a"][k]


@pytest.mark.parametrize("texts", [["a"], ("a",), {"a"}, {"a": 1}, {"a": 1}.keys(), Again(), OldStyle()])
def test_what_can_be_read_twice_is_taken(texts):
    check_texts(texts)
    assert cut(texts) == cut(texts) == [b"a"]
