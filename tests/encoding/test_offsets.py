"""Offsets: where each piece stands in a text."""

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import Encoding, Model, TextError, Tokenizer, UnknownIdError
from bytepiece.core.offsets import character_numbers, covering_spans, piece_offsets
from helpers.goldens import each_published
from helpers.properties import examples

NAMES = ["<|im_start|>", "好", "\n"]


@pytest.fixture(scope="module")
def tokenizer(byte_model):
    return Tokenizer(byte_model.with_special_tokens(NAMES))


@pytest.fixture(scope="module")
def nfc(byte_model):
    return Tokenizer(Model(byte_model.pieces, byte_model.counts, {"normalization": "nfc"}, NAMES))


def rows(encoding):
    """Each id of an encoding with its begin and end in bytes, and in characters."""
    return [*zip(encoding.ids, encoding.byte_offsets.tolist(), encoding.char_offsets.tolist(), strict=True)]


def starts_of_characters(data):
    """Where the characters of ``data.decode(errors="replace")`` begin in it, found with nothing but that."""
    starts, position = [], 0
    while position < len(data):
        starts.append(position)
        end = position + 1
        while end < len(data) and len(data[: end + 1].decode(errors="replace")) == len(starts):
            end += 1
        position = end
    return starts


class TestKernels:
    @given(
        data=st.binary()
        | st.lists(st.sampled_from([b"\xe4", b"\xbd", b"\xa0", b"\xf0\x9f", b"\xed", b"a"])).map(b"".join)
    )
    def test_characters_are_those_of_the_decoder(self, data):
        starts = starts_of_characters(data)
        assert len(starts) == len(data.decode(errors="replace"))
        expected = np.searchsorted(starts, np.arange(len(data)), side="right") - 1
        assert character_numbers(data).tolist() == expected.tolist()

    def test_every_pair_of_bytes_after_every_lead(self):
        for lead in range(0xC0, 0x100):
            for second in range(0x70, 0x100, 5):
                for third in (0x41, 0x7F, 0x80, 0xBF, 0xC2):
                    data = bytes([lead, second, third, 0x80, 0x80])
                    assert character_numbers(data)[-1] + 1 == len(data.decode(errors="replace"))

    @pytest.mark.parametrize(
        ("ids", "lengths", "data"),
        [([0], [2], b"a"), ([0], [1], b"ab"), ([1], [1], b"a"), ([0, 0], [1, 1], b"a"), ([], [], b"a")],
    )
    def test_ids_of_another_text_are_refused(self, ids, lengths, data):
        with pytest.raises(ValueError, match="not those of the text"):
            piece_offsets(np.array(ids, np.uint32), np.array(lengths, np.int32), data)

    @pytest.mark.parametrize("span", [(0, 0), (1, 0), (-1, 1), (0, 3)])
    def test_spans_of_another_text_are_refused(self, span):
        with pytest.raises(ValueError, match="not those of the text"):
            covering_spans(np.array([span], np.int64), np.array([0, 1], np.int64), np.array([1, 2], np.int64))


class TestEncoding:
    def test_ids_are_those_of_encode(self, tokenizer):
        text = "he said héllo\n\n the 你好 🙂\ta\x00b\r\n"
        encoding = tokenizer.encode_with_offsets(text)
        assert isinstance(encoding, Encoding)
        assert encoding.ids == tokenizer.encode(text)
        assert type(encoding.ids[0]) is int

    @pytest.mark.parametrize("text", ["", "abc", b"\xff"])
    def test_offsets_are_arrays(self, tokenizer, text):
        encoding = tokenizer.encode_with_offsets(text)
        for offsets in encoding[1:]:
            assert (offsets.dtype, offsets.shape) == (np.int64, (len(encoding.ids), 2))

    def test_parts_of_a_character_have_the_whole_in_characters(self, tokenizer):
        encoding = tokenizer.encode_with_offsets("a🙂b")
        assert encoding.byte_offsets.tolist() == [[k, k + 1] for k in range(6)]
        assert encoding.char_offsets.tolist() == [[0, 1], [1, 2], [1, 2], [1, 2], [1, 2], [2, 3]]

    @given(text=st.text() | st.binary())
    @examples(200)
    def test_slices_are_the_pieces(self, tokenizer, text):
        data = text if isinstance(text, bytes) else text.encode()
        encoding = tokenizer.encode_with_offsets(text)
        assert [data[begin:end] for begin, end in encoding.byte_offsets.tolist()] == tokenizer.tokenize(text)
        starts = [*starts_of_characters(data), len(data)]
        for _, (begin, end), (first, last) in rows(encoding):
            assert starts[first] <= begin < starts[first + 1]
            assert starts[last - 1] < end <= starts[last]

    def test_lone_surrogates_that_are_replaced(self, tokenizer):
        encoding = tokenizer.encode_with_offsets("a\ud800é", errors="replace")
        assert encoding.byte_offsets.tolist() == [[0, 1], [1, 2], [2, 3], [3, 4], [4, 6]]
        assert encoding.char_offsets.tolist() == [[0, 1], [1, 2], [1, 2], [1, 2], [2, 3]]

    def test_lone_surrogates_that_are_not(self, tokenizer):
        with pytest.raises(TextError, match="at character 14"):
            tokenizer.encode_with_offsets("a<|im_start|>b\ud800", allowed_special="all")


class TestSpecialTokens:
    @pytest.mark.parametrize("text", ["x<|im_start|>héllo好🙂\n", "<|im_start|>", "好好", "", "\n\n", "🙂好"])
    def test_they_have_the_span_of_their_name(self, tokenizer, text):
        encoding = tokenizer.encode_with_offsets(text, allowed_special="all")
        assert encoding.ids == tokenizer.encode(text, allowed_special="all")
        data = text.encode()
        pieces = [tokenizer.decode_bytes([id], skip_special_tokens=False) for id in encoding.ids]
        assert [data[begin:end] for begin, end in encoding.byte_offsets.tolist()] == pieces
        in_characters = character_numbers(data)
        expected = [[in_characters[b], in_characters[e - 1] + 1] for b, e in encoding.byte_offsets.tolist()]
        assert encoding.char_offsets.tolist() == expected

    @pytest.mark.parametrize("text", ["e\u0301好e\u0301", "x好\u0301好\u0301"])
    def test_between_normalized_parts(self, nfc, text):
        encoding = nfc.encode_with_offsets(text, allowed_special={"好"})
        assert encoding.ids == nfc.encode(text, allowed_special={"好"})
        at = encoding.ids.index(nfc.piece_to_id("好"))
        begin, end = encoding.char_offsets[at]
        assert text[begin:end] == "好"

    def test_in_bytes(self, tokenizer):
        data = b"\xe5\xa5\xff" + "好x好".encode() + b"\xa5"
        encoding = tokenizer.encode_with_offsets(data, allowed_special="all")
        pieces = [tokenizer.decode_bytes([id], skip_special_tokens=False) for id in encoding.ids]
        assert [data[begin:end] for begin, end in encoding.byte_offsets.tolist()] == pieces
        assert encoding.char_offsets.tolist() == [[0, 1], [0, 1], [1, 2], [2, 3], [3, 4], [4, 5], [5, 6]]


class TestNormalization:
    @pytest.mark.parametrize(
        ("text", "byte_offsets", "char_offsets"),
        [
            ("e\u0301", [[0, 3]], [[0, 2]]),
            ("xe\u0301y", [[0, 1], [1, 4], [4, 5]], [[0, 1], [1, 3], [3, 4]]),
            ("xé", [[0, 1], [1, 3]], [[0, 1], [1, 2]]),
            ("\u212b", [[0, 3], [0, 3]], [[0, 1], [0, 1]]),  # two pieces of one character, which was another
            ("o\u0302x", [[0, 3], [0, 3], [3, 4]], [[0, 2], [0, 2], [2, 3]]),
            ("he\u0301llo", [[0, 1], [1, 4], [4, 7]], [[0, 1], [1, 3], [3, 6]]),
        ],
    )
    def test_the_smallest_covering_span(self, nfc, text, byte_offsets, char_offsets):
        for given_text in (text, text.encode()):
            encoding = nfc.encode_with_offsets(given_text)
            assert encoding.ids == nfc.encode(text)
            assert encoding.byte_offsets.tolist() == byte_offsets
            assert encoding.char_offsets.tolist() == char_offsets

    def test_bytes_that_form_no_character(self, nfc):
        encoding = nfc.encode_with_offsets(b"\xe4\xbde\xcc\x81\xff")
        assert encoding.byte_offsets.tolist() == [[0, 1], [1, 2], [2, 5], [5, 6]]
        assert encoding.char_offsets.tolist() == [[0, 1], [0, 1], [1, 3], [3, 4]]


class TestDecoding:
    @given(ids=st.lists(st.integers(0, 268)))
    @examples(300)
    def test_each_id_has_its_characters(self, tokenizer, ids):
        for skip in (True, False):
            text, offsets = tokenizer.decode_with_offsets(ids, skip)
            assert text == tokenizer.decode(ids, skip_special_tokens=skip)
            assert (offsets.dtype, offsets.shape) == (np.int64, (len(ids), 2))
            pieces = [tokenizer.decode_bytes([id], skip) for id in ids]
            numbers = character_numbers(b"".join(pieces)).tolist()
            position = 0
            for piece, (begin, end) in zip(pieces, offsets.tolist(), strict=True):
                if piece:
                    assert (begin, end) == (numbers[position], numbers[position + len(piece) - 1] + 1)
                else:
                    assert begin == end == (numbers[position - 1] + 1 if position else 0)
                position += len(piece)

    def test_replacement_characters_are_characters(self, tokenizer):
        text, offsets = tokenizer.decode_with_offsets(tokenizer.encode(b"a\xffb\xe4\xbd"))
        assert (text, offsets.tolist()) == ("a\ufffdb\ufffd", [[0, 1], [1, 2], [2, 3], [3, 4], [3, 4]])

    def test_skipped_special_tokens_are_empty(self, tokenizer):
        text, offsets = tokenizer.decode_with_offsets([1, 100, 2])
        assert (text, offsets.tolist()) == ("a", [[0, 0], [0, 1], [1, 1]])

    def test_offsets_of_encode_are_those_of_decode(self, tokenizer):
        text = "héllo 🙂 the\n"
        encoding = tokenizer.encode_with_offsets(text)
        assert tokenizer.decode_with_offsets(iter(encoding.ids))[1].tolist() == encoding.char_offsets.tolist()

    def test_a_bad_id_is_named(self, tokenizer):
        with pytest.raises(UnknownIdError, match=r"^777 "):
            tokenizer.decode_with_offsets([5, 777])


@each_published
class TestGoldenTexts:
    @pytest.mark.slow
    def test_slices_are_the_pieces_or_become_them(self, name, goldens):
        tokenizer = goldens.tokenizer(name)
        n_changed = 0
        for text in goldens.texts:
            encoding = tokenizer.encode_with_offsets(text)
            assert encoding.ids == tokenizer.encode(text)
            data = text.encode()
            pieces = tokenizer.ids_to_pieces(encoding.ids)
            changed = unicodedata.normalize("NFC", text) != text
            n_changed += changed
            covered = 0
            for piece, (_, (begin, end), (first, last)) in zip(pieces, rows(encoding), strict=True):
                assert begin <= covered
                covered = max(covered, end)
                if data[begin:end] != piece:
                    assert changed
                    characters = data[begin:end].decode()
                    assert piece in unicodedata.normalize("NFC", characters).encode()
                    assert text[first:last] == characters
                    # And there is none to spare. (Some other character may begin with the same bytes.)
                    if piece.decode(errors="ignore").encode() == piece:
                        assert piece not in unicodedata.normalize("NFC", characters[1:]).encode()
                        assert piece not in unicodedata.normalize("NFC", characters[:-1]).encode()
                else:
                    assert piece in text[first:last].encode()
                    assert len(text[first:last].encode()) - len(piece) <= 6
            assert covered == len(data)
        assert n_changed > 10

    @pytest.mark.slow
    def test_of_bytes_they_are_the_same(self, name, goldens):
        tokenizer = goldens.tokenizer(name)
        for text in goldens.texts[:200]:
            assert rows(tokenizer.encode_with_offsets(text)) == rows(tokenizer.encode_with_offsets(text.encode()))

    @pytest.mark.slow
    def test_without_normalization_slices_are_the_pieces(self, name, goldens):
        tokenizer = goldens.tokenizer(name)
        lossless = Tokenizer(Model(tokenizer.model.pieces, tokenizer.model.counts))
        for text in goldens.texts:
            data = text.encode()
            encoding = lossless.encode_with_offsets(text)
            pieces = [data[begin:end] for begin, end in encoding.byte_offsets.tolist()]
            assert pieces == lossless.ids_to_pieces(encoding.ids)
