"""NFC of a text in chunks, and which characters its characters come from."""

import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece.core.nfc import quick_check
from bytepiece.text.composition import codes_to_examine, composition
from bytepiece.text.nfc_alignment import align
from bytepiece.text.nfc_stream import NfcStream
from bytepiece.text.normal_form import nfc as nfc_quickly
from helpers.properties import examples

COMPOSING = [
    chr(c) for c in range(0x30000) if not unicodedata.is_normalized("NFD", chr(c)) or unicodedata.combining(chr(c))
]
PARTS = sorted({part for c in COMPOSING for part in unicodedata.normalize("NFD", c)})
JAMO = [chr(c) for c in range(0x1100, 0x1200)]
text_of_nfc = st.text(
    st.sampled_from(COMPOSING) | st.sampled_from(PARTS) | st.sampled_from(JAMO) | st.sampled_from("ae1\n")
)


def nfc(text):
    return unicodedata.normalize("NFC", text)


def spans(text):
    alignment = align(text)
    return list(zip(alignment.begins.tolist(), alignment.ends.tolist(), strict=True))


class TestStream:
    @pytest.mark.slow
    @given(parts=st.lists(text_of_nfc))
    @examples(300)
    def test_the_results_make_up_the_nfc(self, parts):
        stream = NfcStream()
        assert "".join(map(stream.feed, parts)) + stream.flush() == nfc("".join(parts))

    @pytest.mark.slow
    def test_random_texts(self):
        generator = random.Random(0)
        for _ in range(2000):
            text = "".join(generator.choices([*COMPOSING, *PARTS, *"ae1\n" * 200], k=8))
            cut = generator.randrange(9)
            stream = NfcStream()
            assert stream.feed(text[:cut]) + stream.feed(text[cut:]) + stream.flush() == nfc(text)

    @pytest.mark.parametrize("text", ["a1", "a\n", "你", "é 1", "한국어.", "\ufffd", "\U0001f642"])
    def test_nothing_is_kept_back_that_nothing_can_join(self, text):
        assert NfcStream().feed(text) == nfc(text)

    @pytest.mark.parametrize("text", ["e", "é", "e\u0301", "\u1100", "한", "하", "\u0928", "=", "\u212b", "\u0958"])
    def test_only_what_may_change_is_kept_back(self, text):
        stream = NfcStream()
        assert stream.feed("1" + text) == "1"
        assert stream.flush() == nfc(text)

    def test_after_the_end_it_is_as_new(self):
        stream = NfcStream()
        stream.feed("e")
        stream.flush()
        assert stream.feed("\u0301") + stream.flush() == "\u0301"


class TestAlignment:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", []),
            ("a", [(0, 1)]),
            ("é", [(0, 1), (1, 2)]),
            ("e\u0301", [(0, 3), (0, 3)]),
            ("xe\u0301y", [(0, 1), (1, 4), (1, 4), (4, 5)]),
            ("\u212b", [(0, 3), (0, 3)]),  # one character becomes another
            ("\u0958", [(0, 3)] * 6),  # one becomes two
            ("a\u0307\u0323", [(0, 5)] * 3 + [(1, 2), (2, 3)]),  # the first with the last
            ("\u0323\u0307", [(0, 1), (1, 2), (2, 3), (3, 4)]),
            ("\u0307\u0323", [(2, 3), (3, 4), (0, 1), (1, 2)]),  # another order
            ("\u1112\u1161\u11ab", [(0, 9)] * 3),
            ("\u1112\u1161\u11ab\u11ab", [(0, 9)] * 3 + [(9, 10), (10, 11), (11, 12)]),
            ("\udcff\u212b", [(0, 1), (1, 4), (1, 4)]),  # a byte that forms no character
        ],
    )
    def test_cases(self, text, expected):
        assert spans(text) == expected

    @given(text=text_of_nfc)
    @examples(300)
    def test_each_byte_of_the_nfc_comes_from_some_of_the_text(self, text):
        found = spans(text)
        assert len(found) == len(nfc(text).encode())
        assert all(0 <= begin < end <= len(text.encode()) for begin, end in found)
        assert {k for begin, end in found for k in range(begin, end)} == set(range(len(text.encode())))

    @given(text=text_of_nfc)
    @examples(300)
    def test_the_nfc_of_what_a_character_comes_from_has_it(self, text):
        found, data, position = spans(text), text.encode(), 0
        for character in nfc(text):
            size = len(character.encode())
            begin = min(begin for begin, _ in found[position : position + size])
            end = max(end for _, end in found[position : position + size])
            assert character in nfc(data[begin:end].decode()) or character in unicodedata.normalize("NFD", character)
            position += size

    @given(text=st.text(st.sampled_from("ab1 é你한")))
    def test_what_is_normalized_stays_where_it_is(self, text):
        assert spans(text) == [(k, k + 1) for k in range(len(text.encode()))]

    def test_a_long_run_of_marks(self):
        text = "a" + "\u0301" * 5000
        found = spans(text)
        assert found[:4] == [(0, 3), (0, 3), (3, 4), (4, 5)]
        assert found[-1] == (10_000, 10_001)


class TestAtAGlance:
    """`nfc_quickly` gives what ``unicodedata`` gives, though it seldom asks."""

    @given(
        st.text(max_size=6) | st.text(alphabet=st.sampled_from([chr(code) for code in codes_to_examine()]), max_size=5)
    )
    def test_any_text(self, text):
        normalized = unicodedata.normalize("NFC", text)
        assert nfc_quickly(text) == normalized
        assert nfc_quickly(normalized) == normalized

    @pytest.mark.parametrize(
        "text",
        [
            "e\u0323\u0301",
            "\u00e9\u0323",
            "\u1ecd\u0301",
            "\u0301",
            "\u1100\u1161\u11a8",
            "\uac00\u11a8",
            "\u09c7\u09be",
            "a\u0331\u0308",
            "\u00e4\u0331",
            "\u1ec7\u031b",
            "\u0344",
        ],
    )
    def test_marks_after_what_is_composed(self, text):
        assert nfc_quickly(text) == unicodedata.normalize("NFC", text)

    @pytest.mark.parametrize("size", range(40))
    def test_marks_after_a_stretch_of_letters(self, size):
        for mark in ("\u0301", "\u0323\u0301", "\u0301\u0323"):
            text = "a" * size + mark + "ж" * size + "e" + mark + "a" * size
            assert nfc_quickly(text) == unicodedata.normalize("NFC", text)
            assert len(spans(text)) == len(nfc_quickly(text).encode())

    def test_a_text_that_is_normalized_is_not_copied(self):
        for text in ("plain", "ñandú", "你好", "한국어", "Ọ\u0301yọ\u0301", "কে", "д\u0301"):
            assert nfc_quickly(text) is text

    def test_what_needs_no_table_is_plain(self):
        classes = composition().classes
        for code in range(0x30000):
            if not 0xD800 <= code < 0xE000 and quick_check(chr(code), None, None) == 1:
                assert classes[code] == 0, f"U+{code:04X}"


class TestLongRuns:
    """``unicodedata`` takes quadratic time for them, `nfc_quickly` does not; what they give is the same."""

    @given(
        st.lists(
            st.tuples(st.text(st.sampled_from(COMPOSING) | st.sampled_from(PARTS), max_size=4), st.integers(1, 40))
        ),
        st.text(st.sampled_from("ae1\u1100\u09c7"), max_size=2),
    )
    @examples(300)
    def test_are_composed_as_unicodedata_composes_them(self, repeated, before):
        text = before + "".join(part * n for part, n in repeated)
        assert nfc_quickly(text) == nfc(text)

    def test_random_runs(self):
        generator = random.Random(0)
        marks = [c for c in PARTS if unicodedata.combining(c)]
        for _ in range(300):
            few = generator.choices(marks, k=generator.randint(1, 6))
            text = "".join(generator.choices([*few * 20, *generator.choices(COMPOSING, k=2), "a"], k=200))
            assert nfc_quickly(text) == nfc(text)

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "text", ["\u0301\u0323" * 500_000, "\u0308" * 10**6 + "e\u0301", "a" + "\u0345\u0301" * 10**6]
    )
    def test_take_linear_time(self, text):
        """By ``unicodedata`` each would take minutes."""
        normalized = nfc_quickly(text)
        assert len(normalized) >= len(text) - 1
        assert nfc_quickly(normalized) is normalized
