"""Pieces of scarce scripts count for less."""

import random

import pytest

from bytepiece import Trainer
from bytepiece.core.packed import PackedBytes
from bytepiece.training.refinement import scarcity
from bytepiece.training.refinement.scarcity import FULL, SCARCE, Scarcity
from helpers.samples import sample_of

LATIN, GREEK = "ab" * 500, "λμ" * 25  # 1,000 bytes, and 100


def weights_of(pieces, segments, corpus_bytes=None):
    sample = sample_of([[segment.encode() for segment in segments]])
    weights = Scarcity(sample, corpus_bytes or sample.text_bytes).weights(PackedBytes.from_list(pieces))
    return dict(zip(pieces, weights.tolist(), strict=True))


def expected(text, most):
    return text / (text + SCARCE) / (most / (most + SCARCE))


def test_a_weight_is_by_the_text_of_a_script_beside_the_script_with_most():
    found = weights_of(["ab".encode(), "λμ".encode(), " λμ".encode(), "ж".encode() * 2], [LATIN, GREEK, "123 !"])
    assert found[b"ab"] == 1
    assert found["λμ".encode()] == pytest.approx(expected(100, 1000), abs=1 / FULL)
    assert found[" λμ".encode()] == found["λμ".encode()]
    assert found["ж".encode() * 2] == 0


def test_all_occurrences_of_a_segment_count():
    assert weights_of(["λμ".encode()], [LATIN, *[GREEK] * 10]) == {"λμ".encode(): 1}


def test_a_piece_of_two_scripts_has_the_weight_of_the_scarcer():
    found = weights_of(["λμ".encode(), "aλ".encode()], [LATIN, GREEK])
    assert found["aλ".encode()] == found["λμ".encode()] < 1


def test_single_characters_bytes_and_what_is_no_letter_have_full_weight():
    pieces = ["λ".encode(), b"\xce", b"\xce\xbb\xce"[2:] + b"\xff", b"  ", "—!".encode(), b"12"]
    assert set(weights_of(pieces, [LATIN, GREEK]).values()) == {1}


def test_a_sample_stands_for_the_corpus():
    pieces, corpus_bytes = ["λμ".encode()], 1_000_000_000
    found = weights_of(pieces, [LATIN, GREEK], corpus_bytes)["λμ".encode()]
    share = corpus_bytes / len((LATIN + GREEK).encode())
    assert found == pytest.approx(expected(100 * share, 1000 * share), abs=2 / FULL)
    assert found > 0.98


def test_a_corpus_without_letters_has_weights():
    assert weights_of([b"12", b"ab"], ["12" * 50]) == {b"12": 1, b"ab": 0}
    assert Scarcity(sample_of([[b"12"]]), 2).weights(PackedBytes.from_list([])).tolist() == []


@pytest.fixture(scope="module")
def texts():
    """Much Latin text and little Greek: the same words in both."""
    generator = random.Random(3)
    words = ["".join(generator.choices("abcdefgh", k=generator.randint(3, 7))) for _ in range(200)]
    shares = [1 / n for n in range(1, 201)]
    latin = [" ".join(generator.choices(words, shares, k=300)) for _ in range(60)]
    greek = str.maketrans("abcdefgh", "αβγδεζηθ")
    return latin + [text.translate(greek) for text in latin[:10]]


def train(texts, workers=None, **chosen):
    trainer = Trainer(vocab_size=500, **chosen)
    trainer.train(texts, workers, progress=False)
    return trainer.models[500].pieces


def greek_pieces(pieces):
    return [piece for piece in pieces if len(piece.decode(errors="replace").strip()) > 1 and b"\xce" in piece]


def test_vocabularies_have_fewer_pieces_of_scarce_scripts(texts, monkeypatch):
    scarce = greek_pieces(train(texts))
    monkeypatch.setattr(scarcity, "SCARCE", 1)
    assert len(scarce) < 0.8 * len(greek_pieces(train(texts)))


def test_the_shortest_sequences_are_those_of_all_scripts(texts, monkeypatch):
    before = train(texts, refine_objective="length")
    monkeypatch.setattr(scarcity, "SCARCE", 1)
    assert train(texts, refine_objective="length") == before


def test_a_corpus_in_one_script_is_trained_as_if_there_were_no_others(texts, monkeypatch):
    latin = texts[:60]
    before = train(latin)
    monkeypatch.setattr(scarcity, "SCARCE", 1)
    assert train(latin) == before


@pytest.mark.parametrize("workers", [1, 3])
def test_workers_change_nothing(texts, workers):
    assert train(texts, workers) == train(texts, 2)
