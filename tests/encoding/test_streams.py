"""Streams: ids of text that comes in chunks, and text of ids that come one by one."""

import random
import unicodedata
from itertools import count, islice, takewhile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import Model, SettingsError, StreamDecoder, TextError, Tokenizer, UnknownIdError
from bytepiece.core.stream import SegmentStream
from helpers.goldens import each_published
from helpers.properties import examples
from helpers.vocabularies import BYTE_COUNTS

TEXT = "he said héllo\n\n the 你好 🙂\ta\x00b\r\n"


@pytest.fixture(scope="module")
def tokenizer(byte_model):
    return Tokenizer(byte_model.with_special_tokens(["<a>", "é"]))


@pytest.fixture(scope="module")
def nfc(byte_model):
    return Tokenizer(Model(byte_model.pieces, byte_model.counts, {"normalization": "nfc"}))


def cut(text, generator, n):
    """The parts of a text cut at ``n`` random places."""
    places = sorted(generator.randint(0, len(text)) for _ in range(n))
    return [text[begin:end] for begin, end in zip([0, *places], [*places, len(text)], strict=True)]


# Decoding.


def decoded(decoder, ids):
    return [*map(decoder.feed, ids), decoder.flush()]


class TestStreamDecoder:
    def test_whole_characters_come_at_once(self, tokenizer):
        decoder = StreamDecoder(tokenizer)
        assert decoded(decoder, tokenizer.encode("he🙂é")) == ["he", "", "", "", "🙂", "é", ""]

    @given(ids=st.lists(st.integers(0, 267)))
    @examples(300)
    def test_it_makes_up_what_decode_gives(self, tokenizer, ids):
        for skip in (True, False):
            for errors in ("replace", "ignore", "backslashreplace"):
                parts = decoded(StreamDecoder(tokenizer, errors, skip), ids)
                assert "".join(parts) == tokenizer.decode(ids, errors, skip)

    @given(
        data=st.lists(st.sampled_from([b"\xe4", b"\xbd", b"\xa0", b"\xf0", b"\x9f\x99", b"\xed", b"a"])).map(b"".join)
    )
    @examples(300)
    def test_of_bytes_that_form_no_character_too(self, tokenizer, data):
        ids = tokenizer.encode(data)
        assert "".join(decoded(StreamDecoder(tokenizer), ids)) == data.decode(errors="replace")

    @given(text=st.text())
    def test_it_shows_no_replacement_character_of_its_own(self, tokenizer, text):
        parts = decoded(StreamDecoder(tokenizer), tokenizer.encode(text))
        assert "".join(parts) == text
        assert parts[-1] == ""

    def test_a_text_that_breaks_off_ends_with_a_replacement(self, tokenizer):
        decoder = StreamDecoder(tokenizer)
        assert decoded(decoder, tokenizer.encode(b"a\xe4\xbd")) == ["a", "", "", "\ufffd"]

    def test_after_the_end_it_is_as_new(self, tokenizer):
        decoder = StreamDecoder(tokenizer)
        decoded(decoder, tokenizer.encode(b"\xe4"))
        assert decoded(decoder, tokenizer.encode(b"\xbda")) == ["\ufffd", "a", ""]

    def test_strict_decoders_raise(self, tokenizer):
        decoder = StreamDecoder(tokenizer, errors="strict")
        with pytest.raises(UnicodeDecodeError):
            decoder.feed(tokenizer.piece_to_id(b"\xff"))

    def test_strict_decoders_are_as_new_after_an_error(self, tokenizer):
        decoder = StreamDecoder(tokenizer, errors="strict")
        decoder.feed(tokenizer.piece_to_id(b"\xe4"))
        with pytest.raises(UnicodeDecodeError):
            decoder.feed(tokenizer.piece_to_id(b"a"))
        assert decoded(decoder, tokenizer.encode("bc")) == ["b", "c", ""]
        decoder.feed(tokenizer.piece_to_id(b"\xe4"))
        with pytest.raises(UnicodeDecodeError):
            decoder.flush()
        assert decoder.flush() == ""

    @pytest.mark.parametrize("bad", [-1, 10**6, "a", None, 1.0, [5]])
    def test_a_bad_id_is_refused_and_changes_nothing(self, tokenizer, bad):
        decoder = StreamDecoder(tokenizer)
        begin, *rest = tokenizer.encode("🙂")
        decoder.feed(begin)
        with pytest.raises(UnknownIdError):
            decoder.feed(bad)
        assert "".join(decoded(decoder, rest)) == "🙂"

    def test_ids_can_be_integers_of_numpy(self, tokenizer):
        assert "".join(decoded(StreamDecoder(tokenizer), np.array(tokenizer.encode(TEXT)))) == TEXT

    def test_special_tokens(self, tokenizer):
        ids = tokenizer.encode("x<a>", add_bos=True, allowed_special="all")
        assert "".join(decoded(StreamDecoder(tokenizer), ids)) == "x"
        assert "".join(decoded(StreamDecoder(tokenizer, skip_special_tokens=False), ids)) == "<bos>x<a>"


# Encoding.


class TestEncodeStream:
    @pytest.mark.parametrize("chunks", [[], [""], [TEXT], list(TEXT), ["", TEXT[:3], "", TEXT[3:], ""]])
    def test_ids_are_those_of_the_whole(self, tokenizer, chunks):
        assert list(tokenizer.encode_stream(chunks)) == tokenizer.encode("".join(chunks))

    @given(data=st.data(), text=st.text("he lo\nt你é\u0301") | st.text())
    @examples(200)
    def test_wherever_it_is_cut(self, tokenizer, nfc, data, text):
        generator = data.draw(st.randoms(use_true_random=False))
        for each in (tokenizer, nfc):
            assert list(each.encode_stream(cut(text, generator, 5))) == each.encode(text)
            assert list(each.encode_stream(cut(text.encode(), generator, 5))) == each.encode(text)

    @given(data=st.binary())
    def test_of_any_bytes(self, tokenizer, nfc, data):
        chunks = [data[k : k + 1] for k in range(len(data))]
        for each in (tokenizer, nfc):
            assert list(each.encode_stream(chunks)) == each.encode(data)

    def test_chunks_can_be_str_and_bytes(self, nfc):
        assert list(nfc.encode_stream(["caf", b"e\xcc", b"\x81", "\u0301"])) == nfc.encode("cafe\u0301\u0301")

    @pytest.mark.slow
    @pytest.mark.parametrize("normalization", [None, "nfc"])
    def test_random_vocabularies(self, normalization):
        generator = random.Random(0)
        for _ in range(150):
            letters = generator.choice([b"ab\n", b"a", b"abc \n\n", "éa\u0301".encode()])
            pieces = {
                bytes(generator.choices(letters, k=generator.randint(2, generator.choice([3, 6, 20]))))
                for _ in range(20)
            }
            counts = BYTE_COUNTS | {piece: generator.randint(1, 50) for piece in pieces}
            tokenizer = Tokenizer(Model.from_counts(counts, {"normalization": normalization}))
            text = bytes(generator.choices(letters, k=generator.choice([5, 50, 3000])))
            chunks = cut(text, generator, generator.choice([1, 10, len(text)]))
            assert list(tokenizer.encode_stream(chunks)) == tokenizer.encode(text)

    @pytest.mark.slow
    def test_long_stretches_that_stay_undecided(self):
        # Of runs of a, the pieces depend on how many are to come.
        tokenizer = Tokenizer(Model.from_counts(BYTE_COUNTS | {b"aa": 50, b"aaa": 60, b"a" * 7: 3}))
        text = b"a" * 100_001 + b"b" + b"a" * 20_000 + b"\n\n" + b"a" * 5
        for size in (1, 7, 1000, 50_000):
            chunks = [text[k : k + size] for k in range(0, len(text), size)]
            assert list(tokenizer.encode_stream(chunks)) == tokenizer.encode(text)

    @pytest.mark.slow
    def test_long_pieces(self):
        generator = random.Random(0)
        pieces = {bytes(generator.choices(b"ab", k=k)): k for k in (2, 3, 500, 20_000, 65_535)}
        tokenizer = Tokenizer(Model.from_counts(BYTE_COUNTS | pieces))
        text = b"".join(generator.choices([*pieces, b"a"], k=20))
        for size in (500, 9000, 100_000):
            chunks = [text[k : k + size] for k in range(0, len(text), size)]
            assert list(tokenizer.encode_stream(chunks)) == tokenizer.encode(text)

    @pytest.mark.parametrize("chunks", [[5], ["a", None], "ab", [["a"]], [bytearray(b"a")], b"ab"])
    def test_what_is_no_text_is_refused(self, tokenizer, chunks):
        if isinstance(chunks, str):
            assert list(tokenizer.encode_stream(chunks)) == tokenizer.encode(chunks)
        else:
            with pytest.raises(TextError, match="must be str or bytes"):
                list(tokenizer.encode_stream(chunks))

    @pytest.mark.parametrize("fixture", ["tokenizer", "nfc"])
    def test_a_lone_surrogate_is_named_with_its_position_in_the_whole(self, request, fixture):
        tokenizer = request.getfixturevalue(fixture)
        with pytest.raises(TextError, match=r"U\+DC80 at character 4\b"):
            list(tokenizer.encode_stream(["ab", "é", "x\udc80\ud800"]))
        ids = tokenizer.encode("abéx\ufffd\ufffd")
        assert list(tokenizer.encode_stream(["ab", "é", "x\udc80\ud800"], errors="replace")) == ids

    def test_other_errors_are_refused(self, tokenizer):
        with pytest.raises(SettingsError):
            list(tokenizer.encode_stream(["a"], errors="ignore"))

    def test_special_tokens_are_plain_text(self, tokenizer):
        assert list(tokenizer.encode_stream(["<", "a>"])) == tokenizer.encode("<a>")


class TestWhenIdsCome:
    """An id comes as soon as no text that follows can change it."""

    def test_ids_come_while_chunks_are_taken(self, tokenizer):
        taken = count()
        chunks = (f" the {next(taken)}\n" for _ in iter(int, 1))
        assert len(list(islice(tokenizer.encode_stream(chunks), 1000))) == 1000
        assert next(taken) < 1000

    @pytest.mark.parametrize(
        ("text", "pieces", "undecided"),
        [
            (b"x", [b"x"], b""),
            (b"h", [], b"h"),  # of he
            (b"he", [b"he"], b""),
            (b"hel", [b"he"], b"l"),  # of llo
            (b"hell", [b"he"], b"ll"),
            (b"hello", [b"he", b"llo"], b""),
            (b"\n", [], b"\n"),  # of two newlines
            (b"\n\n", [], b"\n\n"),  # of three newlines the last two are a piece
            (b"x\n\ny", [b"x", b"\n\n", b"y"], b""),
            (b"a\xe4\xbd", [b"a"], b"\xe4\xbd"),
            (b" th", [], b" th"),
            (b" tha", [b" ", b"t", b"h"], b"a"),  # of a, tab, b
        ],
    )
    def test_what_is_kept_back_can_still_be_the_beginning_of_a_piece(self, tokenizer, text, pieces, undecided):
        stream = SegmentStream(tokenizer._encoder._byte_automaton)
        assert tokenizer.ids_to_pieces(stream.feed(text).tolist([])) == pieces
        assert tokenizer.decode_bytes(stream.flush().tolist([])) == undecided

    @pytest.mark.slow
    def test_against_all_continuations(self):
        generator = random.Random(1)
        for _ in range(30):
            pieces = {bytes(generator.choices(b"ab", k=generator.randint(2, 4))) for _ in range(5)}
            tokenizer = Tokenizer(
                Model.from_counts(BYTE_COUNTS | {piece: generator.randint(1, 30) for piece in pieces})
            )
            text = bytes(generator.choices(b"ab", k=20))
            stream, out = SegmentStream(tokenizer._encoder._byte_automaton), []
            for k in range(len(text)):
                out += stream.feed(text[k : k + 1]).tolist([])
                # What is out is right, whatever comes.
                for rest in (b"", b"a", b"b", b"ab", b"ba", b"aab", b"bba", b"abab"):
                    assert tokenizer.encode(text[: k + 1] + rest)[: len(out)] == out
                # And what is shared by the paths to all places, from the first on where a piece can have begun, is out.
                first = min(
                    p for p in range(k + 2) if any(x.startswith(text[p : k + 1]) and len(x) > k + 1 - p for x in pieces)
                )
                paths = [tokenizer.encode(text[:p]) for p in range(first, k + 2)]
                shared = sum(1 for _ in takewhile(lambda ids: len(set(ids)) == 1, zip(*paths, strict=False)))
                assert len(out) == shared

    def test_what_is_composed_waits(self, nfc):
        def ids_after(*chunks):
            return len(list(islice_until(nfc.encode_stream, chunks)))

        def islice_until(encode, chunks):
            out, done = [], []

            def feeding():
                yield from chunks
                done.append(True)
                yield ""

            for id in encode(feeding()):
                if done:
                    break
                out.append(id)
            return out

        assert ids_after("1e") == 1
        assert ids_after("12") == 2
        assert ids_after("1e", "\u0301") == 1
        assert ids_after("1e", "\u0301", "2") == 3


class TestIterators:
    @pytest.mark.parametrize("text", ["", TEXT, TEXT.encode(), "e\u0301", TEXT * 5000])
    def test_encode(self, tokenizer, nfc, text):
        for each in (tokenizer, nfc):
            ids = each.encode(text, iter=True)
            assert iter(ids) is ids
            assert list(ids) == each.encode(text)

    def test_bos_and_eos(self, tokenizer):
        assert list(tokenizer.encode("he", True, True, iter=True)) == tokenizer.encode("he", True, True)

    def test_tokenize(self, tokenizer):
        pieces = tokenizer.tokenize(TEXT, iter=True)
        assert iter(pieces) is pieces
        assert list(pieces) == tokenizer.tokenize(TEXT)

    def test_drawn(self, tokenizer):
        ids = tokenizer.encode(TEXT, alpha=0.1, seed=5, iter=True)
        assert iter(ids) is ids
        assert list(ids) == tokenizer.encode(TEXT, alpha=0.1, seed=5)
        assert list(tokenizer.tokenize(TEXT, 0.1, 5, iter=True)) == tokenizer.tokenize(TEXT, 0.1, 5)

    def test_a_negative_alpha_means_none(self, tokenizer):
        assert list(tokenizer.encode(TEXT, alpha=-1, iter=True)) == tokenizer.encode(TEXT)

    def test_errors_come_at_once(self, tokenizer):
        with pytest.raises(TextError):
            tokenizer.encode("\ud800", iter=True)
        assert list(tokenizer.encode("\ud800", iter=True, errors="replace")) == tokenizer.encode("\ufffd")


@each_published
class TestGoldenTexts:
    @pytest.mark.slow
    def test_1000_random_cuts(self, name, goldens):
        tokenizer = goldens.tokenizer(name)
        generator = random.Random(0)
        for k in range(1000):
            text = generator.choice(goldens.texts)
            given_text = text if k % 2 else text.encode()
            chunks = cut(given_text, generator, generator.choice([1, 2, 5, len(text)]))
            assert list(tokenizer.encode_stream(chunks)) == tokenizer.encode(text)

    @pytest.mark.slow
    def test_decoded_ids_are_the_text(self, name, goldens):
        tokenizer = goldens.tokenizer(name)
        decoder = StreamDecoder(tokenizer)
        for text in goldens.texts:
            parts = decoded(decoder, tokenizer.encode(text))
            assert "".join(parts) == unicodedata.normalize("NFC", text)
            assert "\ufffd" in text or "\ufffd" not in "".join(parts)


def test_characters_of_chunks_of_bytes_are_counted(tokenizer):
    with pytest.raises(TextError, match=r"U\+D800 at character 3\b"):
        list(tokenizer.encode_stream(["a", "éé".encode(), "\ud800"]))
