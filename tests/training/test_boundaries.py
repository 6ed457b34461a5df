"""What no piece crosses, and what refinement makes least."""

import random
import re
from itertools import accumulate

import pytest

from bytepiece import SettingsError, Tokenizer, reference
from helpers.trainers import plain_trainer


@pytest.fixture(scope="module")
def texts():
    generator = random.Random(3)
    words = ["the", "clock", "tower", "don't", "你好", "世界", "return", "x", "+=", "12", "(i)", ";\n", "，", "   "]
    return [" ".join(generator.choices(words, k=80)) + "".join(generator.choices(words, k=20)) for _ in range(60)]


def trained(texts, **settings):
    trainer = plain_trainer(**{"vocab_size": 330, "refine_rounds": 2, "refine_objective": "length"} | settings)
    trainer.train(texts, progress=False)
    return trainer.models[330]


@pytest.mark.parametrize("objective", ["length", "likelihood"])
def test_every_piece_is_part_of_a_word(texts, objective):
    model = trained(texts, boundaries="words", refine_objective=objective)
    words = {word.encode() for text in texts for word in reference.words(text)}
    for piece in model.pieces:
        assert len(piece) == 1 or any(piece in word for word in words)
    assert {b" clock", b"\xe4\xbd\xa0\xe5\xa5\xbd"} < {*model.pieces}
    assert not any(b" " in piece[1:].strip(b" ") for piece in model.pieces)


def test_encoding_cuts_at_boundaries_by_itself(texts):
    """But for runs of spaces, and apostrophes without a letter before them."""
    tokenizer = Tokenizer(trained(texts, boundaries="words"))
    for text in [*(re.sub(" +", " ", text) for text in texts), "the clock don't\nx +=12", "a\xa0b;\n(i)"]:
        ends = set(accumulate(map(len, reference.segments(text, boundaries="words"))))
        assert ends <= set(accumulate(map(len, tokenizer.tokenize(text)))), text


def test_encoding_is_lossless(texts):
    tokenizer = Tokenizer(trained(texts, boundaries="words"))
    for text in [*texts, "   the clock\n\n  x+=1", "a\xa0b", "['t', 's']"]:
        assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.slow
def test_likelihood_makes_the_text_more_probable_and_length_makes_fewer_tokens(texts):
    by_length, by_likelihood = (
        Tokenizer(trained(texts, boundaries="words", refine_objective=objective))
        for objective in ("length", "likelihood")
    )

    def n_tokens(tokenizer):
        return sum(map(tokenizer.count, texts))

    def nats(tokenizer):
        return -sum(tokenizer.score(tokenizer.encode(text)) for text in texts)

    assert nats(by_likelihood) < nats(by_length)
    assert n_tokens(by_length) <= n_tokens(by_likelihood)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 3])
def test_models_are_the_same_for_any_number_of_workers(texts, workers):
    settings = {"vocab_size": 330, "refine_rounds": 2, "boundaries": "words", "refine_objective": "likelihood"}
    models = []
    for n in (1, workers):
        trainer = plain_trainer(**settings)
        trainer.train(texts, workers=n, progress=False)
        models.append(trainer.models[330])
    assert models[0] == models[1]


@pytest.mark.slow
def test_settings_say_what_was_used_and_nothing_else(texts):
    assert trained(texts, boundaries="words", refine_objective="likelihood").settings.items() >= {
        ("boundaries", "words"),
        ("refine_objective", "likelihood"),
    }
    assert not {"boundaries", "refine_rounds", "refine_objective"} & trained(texts, refine_rounds=0).settings.keys()


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"boundaries": "word"}, "boundaries must be None or 'words', not 'word'"),
        ({"boundaries": []}, "boundaries must be"),
        ({"refine_objective": None}, "refine_objective must be 'likelihood' or 'length', not None"),
    ],
)
def test_wrong_settings(settings, problem):
    with pytest.raises(SettingsError, match=problem):
        plain_trainer(**settings)


def test_counts_of_other_boundaries_are_refused(texts, tmp_path):
    plain_trainer(boundaries="words").count_ngrams(texts, tmp_path / "ngrams", progress=False)
    with pytest.raises(ValueError, match="boundaries 'words', not None"):
        plain_trainer().train(texts, from_counts=[tmp_path / "ngrams"], progress=False)
