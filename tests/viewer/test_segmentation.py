"""The page's JavaScript gives the ids that Python gives; run by Node."""

import unicodedata

import pytest

from bytepiece import Model, Tokenizer
from bytepiece.core.automaton import log_probabilities
from helpers.goldens import each_published
from helpers.hostile import HOSTILE, HOSTILE_BYTES, SURROGATES
from helpers.node import Page, needs_node
from helpers.texts import byte_strings, drawn_texts
from helpers.vocabularies import BYTES

pytestmark = needs_node


def check_ids(tokenizer, texts, **options):
    found = Page(tokenizer).call("encode", [(text, bool(options)) for text in texts])
    expected = [tokenizer.encode(text, errors="replace", **options) for text in texts]
    assert [each["ids"] for each in found] == expected


@pytest.mark.slow
@each_published
def test_ids_of_goldens(name, goldens):
    found = Page(goldens.tokenizer(name)).call("encode", goldens.texts)
    assert [each["ids"] for each in found] == goldens.ids(name)


@pytest.mark.slow
@each_published
def test_ids_of_random_texts(name, goldens):
    tokenizer = goldens.tokenizer(name)
    check_ids(tokenizer, byte_strings(name) + drawn_texts(tokenizer.model, name))


@pytest.fixture(params=[None, "nfc"])
def tokenizer(request, byte_model):
    counts = dict(zip(byte_model.pieces, byte_model.counts, strict=True)) | {"e\u0301 x".encode(): 50, b"\n\n\n": 9}
    model = Model.from_counts(counts, {"normalization": request.param}, ["<sep>", "<sep>>", "né<", "\n"])
    return Tokenizer(model)


@pytest.mark.slow
def test_ids_of_any_bytes(tokenizer):
    check_ids(tokenizer, byte_strings(1) + drawn_texts(tokenizer.model, 2))


def test_ids_of_hostile_texts(tokenizer):
    check_ids(tokenizer, [*HOSTILE, *SURROGATES, *HOSTILE_BYTES])
    check_ids(tokenizer, [*HOSTILE, *SURROGATES, *HOSTILE_BYTES], allowed_special="all")


def test_special_tokens_are_plain_text_unless_they_are_allowed(tokenizer):
    texts = ["a<sep>>he", "<sep", "<sep><sep>>", "ne\u0301<", "né<sep>\n\nllo", "", "<pad><bos>é<eos>"]
    check_ids(tokenizer, texts)
    check_ids(tokenizer, texts, allowed_special="all")


def test_equal_sums_are_decided_in_the_same_way():
    """Counts are powers of two, and so are shares: many sums are equal."""
    counts = dict.fromkeys(BYTES, 1) | {b"a": 256, b"b": 256, b"ab": 128, b"ba": 128, b"aba": 64, b"bab": 64}
    model = Model.from_counts(counts)
    tokenizer = Tokenizer(model)
    check_ids(tokenizer, ["ab" * 9, "abba" * 5, "a" * 30, "babab\naba", *drawn_texts(model, 3)])


def test_offsets(tokenizer):
    texts = ["né hello 你好\n\n the", "", "hello<sep>", b"\xff\xfe he\xe4\xbd"]
    for allowed in (False, True):
        found = Page(tokenizer).call("encode", [(text, allowed) for text in texts])
        options = {"allowed_special": "all"} if allowed else {}
        expected = [tokenizer.encode_with_offsets(text, **options).byte_offsets.tolist() for text in texts]
        assert [each["spans"] for each in found] == expected


def test_offsets_of_composed_characters(tokenizer):
    text = "xe\u0301 x \u1100\u1161\u11a8 q\u0323\u0307"
    (found,) = Page(tokenizer).call("encode", [text])
    n_bytes = len(text.encode())
    assert found["spans"][0][0] == 0
    assert found["spans"][-1][1] == n_bytes
    assert all(begin < end <= n_bytes for begin, end in found["spans"])
    if unicodedata.is_normalized("NFC", text):
        assert found["spans"] == tokenizer.encode_with_offsets(text).byte_offsets.tolist()


def test_counts_beyond_doubles_are_exact():
    model = Model.from_counts({"a": 2**60 + 1, "b": 2**60 + 3, "ab": 5})
    check_ids(Tokenizer(model), ["ab", "abab"])


@pytest.mark.slow
def test_a_long_piece():
    counts = dict.fromkeys(BYTES, 1) | {b"a" * 3000: 3}
    check_ids(Tokenizer(Model.from_counts(counts)), [b"a" * 9001])


def test_scores_are_the_very_doubles():
    counts = [1, 2, 3, 5, 1000, 1001, 2**40, 2**40 + 1, 2**53 + 1, 2**62]
    model = Model.from_counts({f"{k}{k}": count for k, count in enumerate(counts)})
    (found,) = Page(Tokenizer(model)).call("scores", [()])
    assert [*map(float, found)] == log_probabilities(model.packed.counts).tolist()
