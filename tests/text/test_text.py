"""Text to bytes, and pieces shown on one line."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import SettingsError, TextError
from bytepiece.text.display import escape_piece, unescape_piece
from bytepiece.text.normal_form import check_normalization
from bytepiece.text.preparation import to_bytes
from bytepiece.text.surrogates import has_surrogates

# Mostly characters that combine, so that NFC has something to do, and bytes that form none.
COMBINING = st.text(st.sampled_from("aeoA\u0300\u0301\u0308\u0327\u030a가ᄀ\u1161\u11a8Åﬁ你\n"))
SCRAPS = st.lists(
    COMBINING.map(str.encode) | st.sampled_from([b"\xff", b"\xc3", b"\xe4\xbd", b"\x80", b"\xed\xa0\x80"])
)


class TestToBytes:
    @given(st.text())
    def test_str_becomes_utf8(self, text):
        assert to_bytes(text) == text.encode("utf-8")

    @given(st.binary())
    def test_bytes_stay_as_they_are(self, data):
        assert to_bytes(data) == data

    @given(st.text() | COMBINING)
    def test_nfc_normalizes_str(self, text):
        assert to_bytes(text, "nfc") == unicodedata.normalize("NFC", text).encode()

    @given(st.text() | COMBINING)
    def test_nfc_of_bytes_is_nfc_of_their_text(self, text):
        assert to_bytes(text.encode(), "nfc") == to_bytes(text, "nfc")

    @pytest.mark.parametrize(
        ("data", "expected"),
        [
            (b"\xff", b"\xff"),
            (b"e\xcc\x81\xff", b"\xc3\xa9\xff"),
            (b"\xffe\xcc\x81", b"\xff\xc3\xa9"),
            (b"\xc3e\xcc\x81\xe4\xbd", b"\xc3\xc3\xa9\xe4\xbd"),
            (b"e\xff\xcc\x81", b"e\xff\xcc\x81"),  # what stands between keeps them apart
            (b"\xed\xa0\x80e\xcc\x81", b"\xed\xa0\x80\xc3\xa9"),  # a surrogate in UTF-8 is no character
        ],
    )
    def test_nfc_leaves_bytes_that_form_no_character(self, data, expected):
        assert to_bytes(data, "nfc") == expected

    @given(SCRAPS.map(b"".join))
    def test_nfc_of_bytes_is_idempotent(self, data):
        once = to_bytes(data, "nfc")
        assert to_bytes(once, "nfc") == once

    @pytest.mark.parametrize(
        ("text", "named"),
        [
            ("\ud800", r"U\+D800 at character 0\b"),
            ("abc\udfff", r"U\+DFFF at character 3\b"),
            ("你好\ud83d", r"U\+D83D at character 2\b"),
            ("\U0001f600\udc80\udc81", r"U\+DC80 at character 1\b"),
            ("\ud83d\ude00", r"U\+D83D at character 0\b"),  # two escapes do not make a character
        ],
    )
    @pytest.mark.parametrize("normalization", [None, "nfc"])
    def test_lone_surrogate_is_an_error_that_names_it(self, text, named, normalization):
        with pytest.raises(TextError, match=named):
            to_bytes(text, normalization)

    @given(st.text(st.characters(exclude_categories=[]) | st.sampled_from("\ud7ff\ud800\udc00\udfff\ue000\U0001d800")))
    def test_surrogates_are_found_in_text_of_any_width(self, text):
        assert has_surrogates(text) == any("\ud800" <= character <= "\udfff" for character in text)

    def test_position_of_a_surrogate_is_that_in_the_text_given(self):
        with pytest.raises(TextError, match=r"at character 4\b"):
            to_bytes("e\u0301e\u0301\ud800", "nfc")

    @pytest.mark.parametrize("value", [None, 1, ["a"], bytearray(b"a"), memoryview(b"a")])
    @pytest.mark.parametrize("normalization", [None, "nfc"])
    def test_what_is_no_text_is_an_error_that_names_the_type(self, value, normalization):
        with pytest.raises(TextError, match=type(value).__name__):
            to_bytes(value, normalization)


class TestNormalizationSetting:
    @pytest.mark.parametrize("normalization", [None, "nfc"])
    def test_known(self, normalization):
        assert check_normalization(normalization) is None

    @pytest.mark.parametrize("normalization", ["NFC", "nfkc", "", "none", False, 0, ["nfc"]])
    def test_unknown(self, normalization):
        with pytest.raises(SettingsError, match="normalization"):
            check_normalization(normalization)


class TestEscapes:
    @given(st.binary() | st.text().map(str.encode))
    def test_round_trip(self, piece):
        assert unescape_piece(escape_piece(piece).encode()) == piece

    @pytest.mark.slow
    def test_round_trip_of_every_two_bytes(self):
        pieces = [bytes([first, second]) for first in range(256) for second in range(256)]
        assert [unescape_piece(escape_piece(piece).encode()) for piece in pieces] == pieces

    @given(st.lists(st.binary(), unique=True))
    def test_different_pieces_look_different(self, pieces):
        assert len({escape_piece(piece) for piece in pieces}) == len(pieces)

    @given(st.binary() | st.text().map(str.encode))
    def test_escaped_is_one_line_without_tabs(self, piece):
        escaped = escape_piece(piece)
        assert "\t" not in escaped
        assert len(escaped.splitlines()) <= 1

    @given(st.text())
    def test_escaped_has_no_character_that_controls(self, text):
        # Cc: control, Cs: surrogate, Zl and Zp: line and paragraph separator
        assert not {unicodedata.category(c) for c in escape_piece(text.encode())} & {"Cc", "Cs", "Zl", "Zp"}

    @pytest.mark.parametrize(
        ("piece", "escaped"),
        [
            (b"the", "the"),
            (b" the ", " the "),
            ("né 你好 😀".encode(), "né 你好 😀"),
            (b"\n\r\t", r"\n\r\t"),
            (b"\\n", r"\\n"),
            (b"\x00\x7f\xff", r"\x00\x7f\xff"),
            ("你".encode()[:2], r"\xe4\xbd"),
            ("\u2028".encode(), r"\xe2\x80\xa8"),
            ("\u202e".encode(), r"\xe2\x80\xae"),  # would turn the line around
            ("\ufeff".encode(), r"\xef\xbb\xbf"),
            ("\u0085".encode(), r"\xc2\x85"),
            ("\ue000".encode(), r"\xee\x80\x80"),
            (b"", ""),
        ],
    )
    def test_looks(self, piece, escaped):
        assert escape_piece(piece) == escaped

    @pytest.mark.parametrize(
        "escaped", [rb"\q", rb"a\x", rb"\x1", rb"\xg0", rb"\xFF", b"\\", b"a\\\\\\", b"\\\n", rb"\0"]
    )
    def test_unknown_escape_is_an_error(self, escaped):
        with pytest.raises(ValueError, match="escape"):
            unescape_piece(escaped)
