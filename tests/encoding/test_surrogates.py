"""Lone surrogates: an error, or the replacement character."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import SettingsError, TextError


class TestSurrogates:
    @given(text=st.text(st.characters() | st.sampled_from("\ud800\udbff\udc00\udfff")))
    def test_each_becomes_a_replacement_character(self, tokenizer, nfc, text):
        replaced = re.sub("[\ud800-\udfff]", "\ufffd", text)
        for each in (tokenizer, nfc):
            ids = each.encode(replaced)
            assert each.encode(text, errors="replace") == ids
            assert each.encode_ordinary(text) == ids
            assert each.encode_batch([text, text], errors="replace") == [ids, ids]
            assert list(each.encode_stream(text, errors="replace")) == ids
            assert each.tokenize(text, errors="replace") == each.tokenize(replaced)
            assert each.count(text, errors="replace") == len(ids)

    @pytest.mark.parametrize("method", ["encode", "tokenize", "count", "encode_to_numpy", "encode_with_offsets"])
    def test_by_default_they_are_an_error(self, tokenizer, method):
        with pytest.raises(TextError, match=r"U\+D800 at character 1\b"):
            getattr(tokenizer, method)("a\ud800")

    def test_by_default_a_batch_is_strict(self, tokenizer):
        with pytest.raises(TextError, match="text 1"):
            tokenizer.encode_batch(["a", "a\ud800"])

    @pytest.mark.parametrize("errors", ["ignore", "", None, 5, "surrogateescape"])
    def test_other_ways_are_refused(self, tokenizer, errors):
        for method in ("encode", "tokenize", "encode_to_numpy", "encode_with_offsets", "count"):
            with pytest.raises(SettingsError, match="errors must be 'strict' or 'replace'"):
                getattr(tokenizer, method)("a", errors=errors)

    @pytest.mark.parametrize("text", [None, 5, ["x"], bytearray(b"x")])
    def test_what_is_no_text_is_refused_all_the_same(self, tokenizer, text):
        with pytest.raises(TextError, match="must be str or bytes"):
            tokenizer.encode_ordinary(text)
        with pytest.raises(TextError, match="must be str or bytes"):
            tokenizer.encode_batch([text])
