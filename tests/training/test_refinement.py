"""Refinement: what it promises, and what it gains."""

import json
import random
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import SettingsError, Tokenizer, Trainer, TrainingError, evaluate, reference
from bytepiece.training.refinement import growing
from bytepiece.training.resources import Resources
from helpers.properties import examples
from helpers.trainers import plain_trainer
from helpers.vocabularies import BYTES

SAMPLE = "bytepiece.training.refinement.sample"
CORPORA = Path(__file__).parents[2] / "corpora"
WORDS = st.text("ab1٣é你🙂 \n", min_size=1, max_size=8)
TEXTS = st.lists(
    st.lists(st.builds(str.__mul__, WORDS, st.integers(1, 4)), max_size=6).map("".join), min_size=1, max_size=12
).filter(any)


def train(texts, workers=1, rounds=2, **chosen):
    trainer = plain_trainer(**{"refine_rounds": rounds, "refine_objective": "length"} | chosen)
    trainer.train(texts, workers=workers, progress=False)
    return trainer.models


def long_pieces(model):
    return [piece for piece in model.pieces if len(piece) > 1]


def tokens_of(model, texts):
    tokenizer = Tokenizer(model)
    return sum(len(tokenizer.encode(text)) for text in texts)


@pytest.fixture(scope="module")
def texts():
    """Phrases of words in several scripts, with rare characters and numbers."""
    generator = random.Random(0)
    words = ["".join(generator.choices("abcdeé你好🙂12٣", k=generator.randint(1, 6))) for _ in range(150)]
    phrases = [" ".join(generator.choices(words, k=generator.randint(2, 4))) for _ in range(150)]
    weights = [1 / n for n in range(1, 151)]
    return [
        ", ".join(generator.choices(phrases, weights, k=20)) + chr(0x4E00 + k % 30) + "\n" * (k % 3) + "the end"
        for k in range(80)
    ]


@pytest.fixture(scope="module")
def refined(texts):
    return train(texts, vocab_size=[550, 450])


# What holds for every vocabulary.


@pytest.mark.slow
@given(
    texts=TEXTS,
    workers=st.integers(1, 3),
    rounds=st.integers(1, 2),
    max_piece_length=st.integers(1, 12),
    isolate_digits=st.booleans(),
    ensure_unicode=st.booleans(),
    size=st.integers(259, 290),
)
@examples(60)
def test_promises(texts, workers, rounds, max_piece_length, isolate_digits, ensure_unicode, size):
    chosen = {
        "max_piece_length": max_piece_length,
        "isolate_digits": isolate_digits,
        "ensure_unicode": ensure_unicode,
        "vocab_size": size,
    }
    model = train(texts, workers, rounds, **chosen)[size]
    assert set(BYTES) <= set(model.pieces)
    assert model.pieces == sorted(model.pieces, key=lambda piece: (len(piece), piece))
    assert model.vocab_size <= size
    assert min(model.counts) >= 1
    found = [text.encode() for text in texts]
    for piece in long_pieces(model):
        assert len(piece) <= max_piece_length
        assert any(piece in text for text in found)
        assert b"\n" not in piece.rstrip(b"\n")
        if ensure_unicode:
            piece.decode()
        if isolate_digits and any(character.isdecimal() for character in piece.decode(errors="ignore")):
            assert len(piece.decode()) == 1
    assert model == train(texts, 1, rounds, **chosen)[size]


def test_sizes_are_exact(refined):
    assert {size: model.vocab_size for size, model in refined.items()} == {550: 550, 450: 450}


@pytest.mark.slow
def test_counts_are_those_of_the_tokenizer(texts, refined):
    for model in refined.values():
        segments = [segment for text in texts for segment in reference.segments(text)]
        assert sum(len(piece) * count for piece, count in zip(model.pieces, model.counts, strict=True)) >= sum(
            map(len, segments)
        )
        counts = Counter(piece for text in texts for piece in Tokenizer(model).tokenize(text))
        # The scores of the last step were those of the counts before it.
        stable = sum(
            counts[piece] == count for piece, count in zip(model.pieces, model.counts, strict=True) if count > 1
        )
        assert stable > 0.8 * sum(count > 1 for count in model.counts)


@pytest.mark.slow
def test_pieces_of_two_bytes_or_more_are_used(texts, refined):
    for model in refined.values():
        counts = Counter(piece for text in texts for piece in Tokenizer(model).tokenize(text))
        assert sum(piece not in counts for piece in long_pieces(model)) <= 2


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 3, 7])
def test_workers_change_nothing(texts, refined, workers):
    assert train(texts, workers, vocab_size=[550, 450]) == refined


@pytest.mark.slow
def test_a_small_vocabulary_grows_as_a_larger_one_does(texts, monkeypatch):
    targets = []

    def noting(bench, segmented, target, allowed=None):
        targets.append(target)
        return growing.grow(bench, segmented, target, allowed)

    monkeypatch.setattr("bytepiece.training.refinement.refinement.grow", noting)
    train(texts, vocab_size=403)
    assert targets == [8400, 16_400, 8400]


@pytest.mark.slow
def test_the_order_of_texts_changes_nothing(texts, refined):
    assert train(texts[::-1], vocab_size=[550, 450]) == refined


@pytest.mark.slow
def test_a_memory_limit_changes_nothing(texts, refined):
    trainer = plain_trainer(vocab_size=[550, 450], refine_rounds=2, refine_objective="length")
    trainer.train(texts, memory_limit="128M", progress=False)
    assert trainer.models == refined


@pytest.mark.parametrize("rounds", [-1, 101, True, 1.5, None])
def test_rounds_are_checked(rounds):
    with pytest.raises(SettingsError, match="refine_rounds"):
        plain_trainer(refine_rounds=rounds)


def test_settings_tell_the_rounds(texts, refined):
    assert refined[550].settings["refine_rounds"] == 2
    assert "refine_rounds" not in train(texts, rounds=0, vocab_size=300)[300].settings


@pytest.mark.parametrize("texts", [["a"], ["\n"], ["ab" * 50], ["", "é"], ["x" * 200_000]], ids=str.__len__ and repr)
def test_tiny_corpora(texts):
    model = train(texts, vocab_size=1000)[1000]
    assert set(BYTES) <= set(model.pieces)
    assert Tokenizer(model).decode_bytes(Tokenizer(model).encode(texts[0])) == texts[0].encode()


def test_more_rounds_than_there_are_pairs():
    assert train(["abc abd abe " * 3] * 20, rounds=5, vocab_size=262)[262].vocab_size <= 262


# What it gains.


def documents():
    for name in ("english.txt", "chinese.txt", "more-languages.txt", "code.txt", "notes.txt"):
        yield from (CORPORA / name).read_text(encoding="utf-8").split("\n\n")
    for line in (CORPORA / "dialogue.jsonl").read_text(encoding="utf-8").splitlines():
        yield json.loads(line)["text"]


@pytest.mark.skipif(not CORPORA.is_dir(), reason="needs the sample corpora")
@pytest.mark.parametrize("size", [1500, 8000], ids=["exact", "more than there is"])
@pytest.mark.slow
def test_held_out_text_takes_fewer_tokens(size):
    everything = list(documents())
    learned, held_out = [text for k, text in enumerate(everything) if k % 5], everything[::5]
    plain = train(learned, rounds=0, vocab_size=size)[size]
    better = train(learned, rounds=2, vocab_size=size)[size]
    assert plain.vocab_size <= better.vocab_size
    assert tokens_of(better, held_out) < 0.95 * tokens_of(plain, held_out)


@pytest.mark.slow
@pytest.mark.parametrize("size", [1000, 1400], ids=["chosen", "exchanged in the end"])
def test_few_pieces_are_in_one_document_only(monkeypatch, size):
    """Also where documents are so long that they are read in parts, and repeat themselves in all of them."""
    monkeypatch.setattr(f"{SAMPLE}.DOCUMENT_BYTES", 300)
    generator = random.Random(2)

    def word():
        return "".join(generator.choices("abcdefgh", k=generator.randint(3, 6)))

    common = [word() for _ in range(300)]
    texts = [" ".join(generator.choices(common, k=10)) for _ in range(1000)]
    for _ in range(20):
        own = [f"{word()} {word()}" for _ in range(20)]
        texts.append("\n".join(" ".join(generator.choices(own, k=3)) for _ in range(60)))
    model = train(texts, vocab_size=size)[size]
    assert model.vocab_size == size
    pieces = [piece.decode() for piece in long_pieces(model)]
    assert sum(sum(piece in text for text in texts) == 1 for piece in pieces) <= 0.01 * len(pieces)
    # Small vocabularies; and the scores of the last step were those of the counts before it.
    assert evaluate(model, texts).total.one_document_share < 0.0125


@pytest.mark.slow
def test_final_counts_are_of_all_text(texts, monkeypatch):
    monkeypatch.setattr("bytepiece.training.trainer.SMALLEST_SAMPLE", 1)
    model = train(texts, vocab_size=350, refine_sample=8000)[350]
    assert model == train(texts, 3, vocab_size=350, refine_sample="8000")[350]
    assert model.settings["refine_sample"] == 8000
    covered = sum(len(piece) * count for piece, count in zip(model.pieces, model.counts, strict=True))
    n_bytes = sum(len(text.encode()) for text in texts)
    assert n_bytes <= covered <= n_bytes + 256


# The sample.


def test_a_sample_that_does_not_fit_says_what_would():
    words, lines = (40 << 20, 2 << 20, 3 << 20), (90 << 20, 1 << 20, 1 << 20)

    def check(limit, sample=100 << 20, refined=(words,), counted=()):
        Resources(memory_limit=limit).check_refinement(sample, refined, counted)

    check(None)
    with pytest.raises(TrainingError, match=r"a sample of 100\.0 MB .*or train with refine_rounds=0") as caught:
        check(256 << 20)
    needed, fitting = map(int, re.findall(r" (?:to|of) (\d+)M", str(caught.value)))
    check(needed << 20)
    check(256 << 20, refined=[[each * fitting // 100 for each in words]])
    with pytest.raises(TrainingError, match=r"raise it to \d+M, or train with"):
        check(64 << 20)
    with pytest.raises(TrainingError):  # lines to count in are held beside the words
        check(needed << 20, counted=[lines])


def test_refinement_that_does_not_fit_is_an_error():
    text = "".join(f"{k:x}\n" for k in range(10_000))
    with pytest.raises(TrainingError, match="and the limit is 64 MB"):
        Trainer(vocab_size=300).train([text], memory_limit="64M", progress=False)


@pytest.mark.parametrize("size", [2**20 - 1, "1K", 2**31 - 1, "2G", "x", None, 0, -1, True, 2.0**21])
def test_wrong_samples(size):
    with pytest.raises(SettingsError, match=r"^refine_sample"):
        Trainer(refine_sample=size)


def test_the_default_sample_is_a_setting_of_the_model(texts):
    assert train(texts, vocab_size=300)[300].settings["refine_sample"] == 2**26
