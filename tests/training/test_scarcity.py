"""Pieces of scarce scripts count for less."""

import random

import numpy as np
import pytest

from bytepiece import Trainer
from bytepiece.core.packed import PackedBytes
from bytepiece.training.refinement import refinement, scarcity
from bytepiece.training.refinement.growing import grow
from bytepiece.training.refinement.loss_pruning import prune_by_loss
from bytepiece.training.refinement.phrases import in_lines
from bytepiece.training.refinement.scarcity import FULL, SCARCE, Scarcity
from bytepiece.training.refinement.workbench import Workbench, by_bytes
from bytepiece.training.workers import Threads
from helpers.samples import sample_of
from helpers.vocabularies import BYTES

LATIN, GREEK = "ab" * 5000, "λμ" * 250  # 10,000 bytes, and 1,000
GREEK_PIECE = "λμ".encode()


def weights_of(pieces, segments, corpus_bytes=None):
    sample = sample_of([[segment.encode() for segment in segments]])
    weights = Scarcity(sample, corpus_bytes or sample.text_bytes).weights(PackedBytes.from_list(pieces))
    return dict(zip(pieces, weights.tolist(), strict=True))


def expected(text, most, scarce):
    return text / (text + scarce) / (most / (most + scarce))


# Weights.


def test_a_weight_is_by_the_text_of_a_script_beside_the_script_with_most():
    pieces = [b"ab", GREEK_PIECE, b" " + GREEK_PIECE, "жж".encode()]
    found = weights_of(pieces, [LATIN, GREEK, "123 !"])
    small = pytest.approx(expected(1000, 10_000, 10_000 // 16), abs=1 / FULL)
    assert found == dict(zip(pieces, [1, small, small, 0], strict=True))


def test_a_sample_stands_for_the_corpus():
    share = 1_000_000
    found = weights_of([GREEK_PIECE], [LATIN, GREEK], share * len((LATIN + GREEK).encode()))
    assert found == {GREEK_PIECE: pytest.approx(expected(1000 * share, 10_000 * share, SCARCE), abs=2 / FULL)}
    assert found[GREEK_PIECE] > 0.999


def test_all_occurrences_of_a_segment_count():
    assert weights_of([GREEK_PIECE], [LATIN, *[GREEK] * 10]) == {GREEK_PIECE: 1}


def test_a_piece_of_two_scripts_has_the_weight_of_the_scarcer():
    mixed = "aλ".encode()
    found = weights_of([GREEK_PIECE, mixed], [LATIN, GREEK])
    assert found[mixed] == found[GREEK_PIECE] < 1


def test_parts_of_characters_do_not_matter():
    pieces = [GREEK_PIECE, GREEK_PIECE[1:], GREEK_PIECE[:3]]  # λμ, the end of λ and μ, λ and the start of μ
    found = weights_of(pieces, [LATIN, GREEK])
    assert len({*found.values()}) == 1


def test_single_characters_bytes_and_what_is_no_letter_have_full_weight():
    pieces = ["λ".encode(), b"\xce", b"\xbb\xce", b"\xce\xff", b"  ", "—!".encode(), b"12"]
    assert {*weights_of(pieces, [LATIN, GREEK]).values()} == {1}


def test_a_corpus_without_letters_has_weights():
    assert weights_of([b"12", b"ab"], ["12" * 50]) == {b"12": 1, b"ab": 0}
    assert Scarcity(sample_of([[b"12"]]), 2).weights(PackedBytes.from_list([])).tolist() == []


# Where they are used.


def bench_of(segments, scarce):
    """A bench with the segments in each of three documents, by likelihood."""
    sample = sample_of([[segment.encode() for segment in segments]] * 3)
    given = Scarcity(sample, sample.text_bytes) if scarce else None
    return Workbench(sample, 36, True, 0, Threads(), lambda n: None, given)


def counted(pieces):
    packed = PackedBytes.from_list([*BYTES, *(piece.encode() for piece in pieces)])
    return by_bytes(packed.with_counts(np.full(len(packed), 10, dtype=np.uint64)))


def longer(pieces):
    return {piece.decode() for piece in pieces.to_list() if len(piece) > 1}


@pytest.mark.parametrize(("scarce", "best"), [(False, "λμ"), (True, "ab")])
def test_a_vocabulary_grows_by_weighted_gains(scarce, best):
    bench = bench_of(["x"] * 2000 + ["ab"] * 9 + ["λμ"] * 12, scarce)
    pieces = counted(["λ", "μ"])
    grown = grow(bench, bench.segment(pieces), len(pieces) + 1)
    assert longer(grown) == {"λ", "μ", best}


@pytest.mark.parametrize(("scarce", "first"), [(False, "ab"), (True, "λμ")])
def test_losses_are_weighted_even_at_first_sight(scarce, first):
    # Without weights, the loss of the Greek piece is so much greater that it is no candidate.
    bench = bench_of(["x"] * 50_000 + ["ab"] * 10 + ["λμ"] * 40 + ["a", "b", "λ", "μ"] * 50, scarce)
    pieces = counted(["λ", "μ", "λμ", "ab"])
    pruned, _ = prune_by_loss(bench, bench.segment(pieces), len(pieces) - 1)
    assert longer(pruned.pieces) == {"λ", "μ", "λμ", "ab"} - {first}


def test_phrases_are_weighted_as_words_are():
    bench = bench_of(["ab"], True)
    assert in_lines(bench, bench.sample).scarcity is bench.scarcity


@pytest.fixture
def corpus_bytes(monkeypatch):
    """What `Scarcity` is told in trainings."""
    told = []

    def note(sample, corpus_bytes):
        told.append(corpus_bytes)
        return Scarcity(sample, corpus_bytes)

    monkeypatch.setattr(refinement, "Scarcity", note)
    return told


@pytest.mark.slow
def test_the_bytes_of_the_corpus_are_known_in_all_workflows(texts, corpus_bytes, monkeypatch, tmp_path):
    monkeypatch.setattr("bytepiece.training.trainer.SMALLEST_SAMPLE", 1)
    trainer = Trainer(vocab_size=[500, 400], refine_sample=20_000)
    trainer.train(texts, progress=False)
    ngrams, pieces, sample = (tmp_path / name for name in ("ngrams", "pieces", "sample"))
    trainer.count_ngrams(texts, ngrams, progress=False)
    trainer.count_pieces(texts, ngrams, pieces, progress=False)
    trainer.take_sample(texts, sample, progress=False)
    trainer.train(from_counts=pieces, from_sample=sample, progress=False)
    n_bytes = sum(len(text.encode()) for text in texts)
    assert n_bytes > 2 * 20_000
    assert corpus_bytes[0] == corpus_bytes[1]
    assert n_bytes <= corpus_bytes[0] <= n_bytes + 256


# Trainings.


@pytest.fixture(scope="module")
def texts():
    """Much Latin text and little Greek: the same words in both."""
    generator = random.Random(3)
    words = ["".join(generator.choices("abcdefgh", k=generator.randint(3, 7))) for _ in range(200)]
    shares = [1 / n for n in range(1, 201)]
    latin = [" ".join(generator.choices(words, shares, k=300)) for _ in range(60)]
    greek = str.maketrans("abcdefgh", "αβγδεζηθ")
    return latin + [text.translate(greek) for text in latin[:6]]


def train(texts, workers=None, **chosen):
    trainer = Trainer(vocab_size=500, **chosen)
    trainer.train(texts, workers, progress=False)
    return trainer.models[500].pieces


def greek_pieces(pieces):
    return [piece for piece in pieces if b"\xce" in piece and len(piece) > 3]


@pytest.mark.slow
def test_vocabularies_have_fewer_pieces_of_scarce_scripts(texts, monkeypatch):
    scarce = greek_pieces(train(texts))
    monkeypatch.setattr(scarcity, "SCARCE", 1)
    assert len(scarce) < 0.9 * len(greek_pieces(train(texts)))


@pytest.mark.slow
def test_the_shortest_sequences_do_not_depend_on_weights(texts, monkeypatch):
    before = train(texts, refine_objective="length")
    monkeypatch.setattr(scarcity, "SCARCE", 1)
    assert train(texts, refine_objective="length") == before


@pytest.mark.slow
def test_a_corpus_in_one_script_does_not_depend_on_weights(texts, monkeypatch):
    latin = texts[:60]
    before = train(latin)
    monkeypatch.setattr(scarcity, "SCARCE", 1)
    assert train(latin) == before


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 3])
def test_workers_change_nothing(texts, workers):
    assert train(texts, workers) == train(texts, 2)
