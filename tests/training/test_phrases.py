"""Pieces of several words: which strings they may be, and how many."""

import random
import re
from operator import mul

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import SettingsError, Tokenizer, Trainer, reference
from bytepiece.core.packed import PackedBytes
from bytepiece.training.refinement.phrases import is_phrase, is_within_word
from helpers.properties import examples

CHARACTERS = "aé한中ア12٣ \n\t\u3000'’,.，_("


@pytest.fixture(scope="module")
def texts():
    """Of frequent phrases and rare words, with numbers and Chinese."""
    generator = random.Random(5)
    phrases = ["the end of the", "in the clock tower", "they don't", "x += 1;\n", "return (i)", "你好，世界", "12 of"]
    words = ["".join(generator.choices("abcdefgh", k=5)) for _ in range(300)]
    return [
        " ".join(generator.choice(phrases if k % 2 else words) for k in range(60)) + "\n" * (n % 3) for n in range(60)
    ]


def trained(texts, size=500, **settings):
    trainer = Trainer(vocab_size=size, **{"refine_rounds": 1, "min_count": 2, **settings})
    trainer.train(texts, progress=False)
    return trainer.models


def packed(strings):
    return PackedBytes.from_list([string.encode() for string in strings])


def phrases_of(model):
    pieces = [piece for piece in model.pieces if len(piece) > 1]
    return [piece for piece, found in zip(pieces, is_phrase(PackedBytes.from_list(pieces)), strict=True) if found]


@given(st.lists(st.text(CHARACTERS, min_size=1, max_size=6), min_size=1, max_size=5))
@examples(300)
def test_strings_within_a_word_are_those_that_the_reference_cuts_nowhere(strings):
    # An apostrophe joins letters if a letter is before it.
    expected = [
        len(reference.words("a" + string)) == 1 or reference.words("a" + string)[1:] == [string] for string in strings
    ]
    assert is_within_word(packed(strings)).tolist() == expected


@pytest.mark.parametrize(
    ("string", "found"),
    [
        (" of the", True),
        (", and", True),
        ("    return", True),
        (") {\n", True),
        (", 한국", True),
        (" don't", True),
        (" the", False),  # one word
        ("the end", False),  # begins inside of a word, perhaps
        (" of ", False),  # a last space may lead the next word
        (" of a  ", False),
        (" 12", False),
        (" a 1", False),
        ("，世", False),
        (" 中文 a", False),
        (" คน ดี", False),
    ],
)
def test_rules(string, found):
    assert is_phrase(packed([string])).tolist() == [found]


def test_no_strings():
    assert is_phrase(packed([])).tolist() == is_within_word(packed([])).tolist() == []


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.02, 0.1, 1])
def test_phrases_are_no_more_than_their_share(texts, share):
    model = trained(texts, phrases=share)[500]
    found = phrases_of(model)
    assert model.vocab_size == 500
    assert 0 < len(found) <= share * (500 - 3 - 256)
    words = {word.encode() for text in texts for word in reference.words(text)}
    for piece in {*model.pieces} - {*found}:
        assert len(piece) == 1 or any(piece in word for word in words)


def test_frequent_phrases_are_found_and_make_tokens_longer(texts):
    words, phrases = trained(texts)[500], trained(texts, phrases=0.05)[500]
    assert {b" of the", b" the end of the"} & {*phrases.pieces}
    n_tokens = [sum(map(Tokenizer(model).count, texts)) for model in (words, phrases)]
    assert n_tokens[1] < 0.95 * n_tokens[0]


@pytest.mark.slow
def test_each_size_has_its_own_share(texts):
    models = trained(texts, [500, 400], phrases=0.1)
    for size, model in models.items():
        assert model.vocab_size == size
        assert 0 < len(phrases_of(model)) <= 0.1 * (size - 3 - 256)


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{}, {"ensure_unicode": False}, {"isolate_digits": True}, {"max_piece_length": 4}])
def test_models_are_the_same_for_any_number_of_workers(texts, settings):
    models = []
    for workers in (1, 3):
        trainer = Trainer(vocab_size=500, refine_rounds=1, boundaries="words", phrases=0.1, **settings)
        trainer.train(texts, workers=workers, progress=False)
        models.append(trainer.models[500])
    assert models[0] == models[1]
    assert max(map(len, models[0].pieces)) <= settings.get("max_piece_length", 36)


@pytest.mark.slow
def test_encoding_is_lossless(texts):
    tokenizer = Tokenizer(trained(texts, phrases=0.1)[500])
    for text in [*texts, "   the end of then\n\n  x+=1", "the\xa0end of  the"]:
        assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("workers", [1, 2])
def test_phrases_are_learned_from_some_lines_and_counted_in_all(monkeypatch, texts, workers):
    monkeypatch.setattr("bytepiece.training.refinement.refinement.LINES", 4000 / 2**26)
    trainer = Trainer(vocab_size=400, refine_rounds=1, phrases=0.1)
    trainer.train(texts, workers=workers, progress=False)
    model = trainer.models[400]
    assert model.vocab_size == 400
    counts = dict(zip(model.pieces, model.counts, strict=True))
    assert min(counts[piece] for piece in phrases_of(model)) > 1
    # Pieces that are no token count as one.
    surplus = sum(map(mul, map(len, model.pieces), model.counts)) - sum(len(text.encode()) for text in texts)
    assert (
        0 <= surplus <= sum(len(piece) for piece, count in zip(model.pieces, model.counts, strict=True) if count == 1)
    )


def test_a_corpus_without_phrases(texts):
    lines = [re.sub("[^a-h]+", "\n", text) for text in texts]
    model = trained(lines, 400, phrases=0.5)[400]
    assert model.vocab_size == 400
    assert not phrases_of(model)


@pytest.mark.slow
def test_settings_say_what_was_used(texts):
    assert trained(texts, phrases=0.05)[500].settings["phrases"] == 0.05
    assert "phrases" not in trained(texts)[500].settings
    for settings in ({"boundaries": None}, {"refine_rounds": 0}):
        assert "phrases" not in trained(texts, phrases=0.05, **settings)[500].settings


@pytest.mark.slow
def test_small_vocabularies_have_none_by_default(texts):
    trainer = Trainer(vocab_size=[32_000, 31_999], refine_rounds=1)
    trainer.train(texts, progress=False)
    models, report = trainer.models, trainer.report["models"]
    assert models[32_000].settings["phrases"] == report["32000"]["phrases"] == 0.02
    assert "phrases" not in models[31_999].settings
    assert "phrases" not in report["31999"]
    assert phrases_of(models[32_000])
    assert not phrases_of(models[31_999])


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan"), True, "0.1", np.inf])
def test_wrong_shares(share):
    with pytest.raises(SettingsError, match="phrases must be a number from 0 to 1"):
        Trainer(phrases=share)
