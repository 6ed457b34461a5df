"""Where words begin and end: the kernel beside the regular expression of the reference."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import reference
from bytepiece.core.words import cut_words
from bytepiece.text.character_classes import class_table

CHARACTERS = st.sampled_from("ab é不の7٣ \n\r\t\u3000.,;(«'’_🙂\u0301")


def words(text):
    data = text.encode()
    ends = cut_words(data, 0, np.array([len(data)] if data else [], dtype=np.int64), class_table()).tolist()
    return [data[begin:end].decode() for begin, end in zip([0, *ends], ends, strict=False)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the clock's hands", "the| clock|'s| hands"),
        ("one  two", "one|  |two"),
        ("x = f(12);\n", "x| =| f|(|1|2|);\n"),
        ("    return", "    |return"),
        ("世界，你好。", "世界|，|你好|。"),
        ("e\u0301te\u0301", "e\u0301te\u0301"),
        (" 7 of", " 7| of"),
        ("rock 'n' roll", "rock| '|n|'| roll"),
        ("a\r\nb", "a|\r\n|b"),
        ("", ""),
    ],
)
def test_examples(text, expected):
    assert "|".join(words(text)) == expected


@given(st.text(CHARACTERS, max_size=30))
def test_the_kernel_is_the_definition(text):
    assert words(text) == reference.words(text)


@given(st.lists(st.text(CHARACTERS, min_size=1, max_size=8), max_size=6))
def test_segments_stand_alone(texts):
    data = "".join(texts).encode()
    ends = np.cumsum([len(text.encode()) for text in texts], dtype=np.int64)
    cut = cut_words(data, 0, ends, class_table()).tolist()
    together = [data[begin:end].decode() for begin, end in zip([0, *cut], cut, strict=False)]
    assert together == [word for text in texts for word in words(text)]


def test_a_segment_of_many_words_after_small_ones():
    text = "1" * 5000
    assert words(text) == ["1"] * 5000
    data = ("a\n" * 10 + text).encode()
    ends = np.array([*range(2, 22, 2), len(data)], dtype=np.int64)
    assert len(cut_words(data, 0, ends, class_table())) == 20 + 5000


@pytest.mark.parametrize("data", [b"a\xff", b"\xe4\xbd", b"\xed\xa0\x80"])
def test_what_is_not_utf8_is_refused(data):
    with pytest.raises(ValueError, match="valid UTF-8"):
        cut_words(data, 0, np.array([len(data)]), class_table())


@pytest.mark.parametrize("begin", [-64, -1, 4])
def test_the_beginning_must_be_within_the_data(begin):
    with pytest.raises(ValueError, match=r"within the data|ascend"):
        cut_words(b"abc", begin, np.array([3]), class_table())


def test_segments_may_begin_anywhere():
    data = "one 两个\nthree four\n".encode()
    assert cut_words(data, 11, np.array([len(data)]), class_table()).tolist() == [16, 21, 22]


@pytest.mark.parametrize("ends", [[2, 1], [9]])
def test_ends_must_ascend_within_the_data(ends):
    with pytest.raises(ValueError, match="ascend"):
        cut_words(b"abc", 0, np.array(ends), class_table())


def test_classes_must_be_those_of_all_code_points():
    with pytest.raises(ValueError, match="code points"):
        cut_words(b"abc", 0, np.array([3]), class_table()[:100].copy())
