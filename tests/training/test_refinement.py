"""Refinement: what it promises, what it gains, and its kernels against slow twins."""

import json
import random
from collections import Counter, defaultdict
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import SettingsError, Tokenizer, Trainer, TrainingError, evaluate, reference
from bytepiece.core.automaton import Automaton
from bytepiece.core.segment import segment_packed
from bytepiece.training.refinement import refinement
from bytepiece.training.refinement.kernels.characters import COMMON
from bytepiece.training.refinement.kernels.documents import MANY, NONE, piece_documents
from bytepiece.training.refinement.kernels.pairs import PairCounter
from bytepiece.training.refinement.kernels.pruner import Pruner
from bytepiece.training.refinement.kernels.sample import Pieces, Sample
from bytepiece.training.refinement.kernels.windows import additional_tokens
from bytepiece.training.refinement.refinement import collect_sample
from bytepiece.training.segments import Reader
from helpers.properties import examples

CORPORA = Path(__file__).parents[2] / "corpora"
BYTES = [bytes([byte]) for byte in range(256)]
WORDS = st.text("ab1٣é你🙂 \n", min_size=1, max_size=8)
TEXTS = st.lists(
    st.lists(st.builds(str.__mul__, WORDS, st.integers(1, 4)), max_size=6).map("".join), min_size=1, max_size=12
).filter(any)


def train(texts, workers=1, rounds=2, **chosen):
    trainer = Trainer(refine_rounds=rounds, **chosen)
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
    return train(texts, max_vocab_size=[550, 450])


# What holds for every vocabulary.


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
        "max_vocab_size": size,
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


def test_pieces_of_two_bytes_or_more_are_used(texts, refined):
    for model in refined.values():
        counts = Counter(piece for text in texts for piece in Tokenizer(model).tokenize(text))
        assert sum(piece not in counts for piece in long_pieces(model)) <= 2


@pytest.mark.parametrize("workers", [2, 3, 7])
def test_workers_change_nothing(texts, refined, workers):
    assert train(texts, workers, max_vocab_size=[550, 450]) == refined


def test_the_order_of_texts_changes_nothing(texts, refined):
    assert train(texts[::-1], max_vocab_size=[550, 450]) == refined


def test_a_memory_limit_changes_nothing(texts, refined):
    trainer = Trainer(max_vocab_size=[550, 450], refine_rounds=2)
    trainer.train(texts, memory_limit="128M", progress=False)
    assert trainer.models == refined


def test_a_limit_that_is_too_small_is_an_error():
    with pytest.raises(TrainingError, match=r"needs 66 MB of memory, and the limit is 60 MB.*refine_rounds=0"):
        collect_sample(Reader(["some text\n" * 10_000]), 60 * 2**20)


@pytest.mark.parametrize("rounds", [-1, 101, True, 1.5, None])
def test_rounds_are_checked(rounds):
    with pytest.raises(SettingsError, match="refine_rounds"):
        Trainer(refine_rounds=rounds)


def test_settings_tell_the_rounds(texts, refined):
    assert refined[550].settings["refine_rounds"] == 2
    assert "refine_rounds" not in train(texts, rounds=0, max_vocab_size=300)[300].settings


@pytest.mark.parametrize("texts", [["a"], ["\n"], ["ab" * 50], ["", "é"], ["x" * 200_000]], ids=str.__len__ and repr)
def test_tiny_corpora(texts):
    model = train(texts, max_vocab_size=1000)[1000]
    assert set(BYTES) <= set(model.pieces)
    assert Tokenizer(model).decode_bytes(Tokenizer(model).encode(texts[0])) == texts[0].encode()


def test_more_rounds_than_there_are_pairs():
    assert train(["abc abd abe " * 3] * 20, rounds=5, max_vocab_size=262)[262].vocab_size <= 262


# What it gains.


def documents():
    for name in ("english.txt", "chinese.txt", "more-languages.txt", "code.txt", "notes.txt"):
        yield from (CORPORA / name).read_text(encoding="utf-8").split("\n\n")
    for line in (CORPORA / "dialogue.jsonl").read_text(encoding="utf-8").splitlines():
        yield json.loads(line)["text"]


@pytest.mark.skipif(not CORPORA.is_dir(), reason="needs the sample corpora")
@pytest.mark.parametrize("size", [1500, 8000], ids=["exact", "more than there is"])
def test_held_out_text_takes_fewer_tokens(size):
    everything = list(documents())
    learned, held_out = [text for k, text in enumerate(everything) if k % 5], everything[::5]
    plain = train(learned, rounds=0, max_vocab_size=size)[size]
    better = train(learned, rounds=2, max_vocab_size=size)[size]
    assert plain.vocab_size <= better.vocab_size
    assert tokens_of(better, held_out) < 0.95 * tokens_of(plain, held_out)


# The sample.


def test_a_sample_is_of_whole_documents_whatever_their_order(texts):
    size = sum(len(text.encode()) for text in texts) // 2
    sample = collect_sample(Reader(texts), None, size)
    again = collect_sample(Reader(texts[::-1]), None, size)
    assert 0 < len(sample.data) <= size
    assert not sample.whole
    assert sample.data == again.data
    bounds = [0, *sample.document_ends.tolist()]
    assert {sample.data[begin:end] for begin, end in pairwise(bounds)} <= {text.encode() for text in texts}


@pytest.mark.parametrize("n_bytes", range(300, 330, 5))
def test_documents_that_come_late_do_not_fill_room_that_came_free(monkeypatch, n_bytes):
    """Also where some documents are there twice, and different ones have parts in common."""
    monkeypatch.setattr(refinement, "DOCUMENT_BYTES", 60)
    generator = random.Random(3)
    texts = [f"{k}: {'x' * generator.randrange(50)}\n" for k in range(60)]
    texts += ["".join(texts[k : k + 4]) for k in range(0, 40, 5)] * 2
    first = collect_sample(Reader(texts), None, n_bytes)
    for _ in range(20):
        generator.shuffle(texts)
        again = collect_sample(Reader(texts), None, n_bytes)
        assert again.data == first.data
        assert again.document_ends.tolist() == first.document_ends.tolist()


def test_long_documents_are_cut_where_segments_end(monkeypatch):
    monkeypatch.setattr(refinement, "DOCUMENT_BYTES", 50)
    text = "".join(f"line {k} of some\n" for k in range(100))
    sample = collect_sample(Reader([text]), None)
    assert sample.whole
    assert len(sample.data) == len(text)
    bounds = [0, *sample.document_ends.tolist()]
    assert {line for begin, end in pairwise(bounds) for line in sample.data[begin:end].splitlines(True)} == set(
        text.encode().splitlines(True)
    )
    assert len(bounds) > 25


@pytest.mark.parametrize(
    ("many", "largest", "expected"),
    [(31, 1, [1] * 30 + [10]), (32, 1, [1] * 40), (31, 1 / 5, [1] * 40)],
    ids=["as one", "of a corpus of few documents", "of one that is most of the sample"],
)
@pytest.mark.parametrize("n_bytes", [None, 700], ids=["whole", "sampled"])
def test_parts_of_a_document_count(monkeypatch, many, largest, expected, n_bytes):
    monkeypatch.setattr(refinement, "DOCUMENT_BYTES", 20)
    monkeypatch.setattr(refinement, "MANY_DOCUMENTS", many)
    monkeypatch.setattr(refinement, "LARGEST_SHARE", largest)
    long = "".join(f"long {k:13}.\n" for k in range(10))  # the parts have 20 bytes
    texts = [f"short {k:13}\n" for k in range(15)] + [long] + [f"short {k:13}\n" for k in range(15, 30)]
    sample = collect_sample(Reader(texts), None, n_bytes)
    bounds = [0, *sample.document_ends.tolist()]
    found = [sample.data[begin:end] for begin, end in pairwise(bounds)]
    parts = [*map(len, found)]
    assert sum(parts) == (20 * 40 if n_bytes is None else n_bytes)
    assert all(len({document.split(b" ")[0] for document in text.splitlines()}) == 1 for text in found)
    if n_bytes is None:
        assert sorted(parts) == [20 * n for n in expected]
    else:
        # All that is left of the long document counts as one, or each part for itself.
        assert (max(parts) > 20) == (expected[-1] > 1)
        assert sum(text.startswith(b"long") for text in found) == 1 or expected[-1] == 1
    assert [sample.document_ends[k] for k in sample.documents] >= sample.offsets[1:].tolist()


@pytest.mark.slow
@pytest.mark.parametrize("size", [1000, 1400], ids=["chosen", "exchanged in the end"])
def test_few_pieces_are_in_one_document_only(monkeypatch, size):
    """Also where documents are so long that they are read in parts, and repeat themselves in all of them."""
    monkeypatch.setattr(refinement, "DOCUMENT_BYTES", 300)
    generator = random.Random(2)

    def word():
        return "".join(generator.choices("abcdefgh", k=generator.randint(3, 6)))

    common = [word() for _ in range(300)]
    texts = [" ".join(generator.choices(common, k=10)) for _ in range(1000)]
    for _ in range(20):
        own = [f"{word()} {word()}" for _ in range(20)]
        texts.append("\n".join(" ".join(generator.choices(own, k=3)) for _ in range(60)))
    model = train(texts, max_vocab_size=size)[size]
    assert model.vocab_size == size
    pieces = [piece.decode() for piece in long_pieces(model)]
    assert sum(sum(piece in text for text in texts) == 1 for piece in pieces) <= 0.01 * len(pieces)
    # Small vocabularies; and the scores of the last step were those of the counts before it.
    assert evaluate(model, texts).total.one_document_share < 0.0125


def test_final_counts_are_of_all_text(texts, monkeypatch):
    monkeypatch.setattr(refinement, "SAMPLE_BYTES", 8000)
    model = train(texts, max_vocab_size=350)[350]
    assert model == train(texts, 3, max_vocab_size=350)[350]
    covered = sum(len(piece) * count for piece, count in zip(model.pieces, model.counts, strict=True))
    n_bytes = sum(len(text.encode()) for text in texts)
    assert n_bytes <= covered <= n_bytes + 256


# The kernels.


def best(text, costs, without=None):
    """The least cost of a text and its pieces; of equals the longest last piece."""
    ways = [(0, [])]
    for end in range(1, len(text) + 1):
        options = []
        for begin in range(end):
            piece = text[begin:end]
            if piece in costs and piece != without:
                cost, way = ways[begin]
                options.append((cost + costs[piece], begin, way))
        cost, begin, way = min(options, key=lambda option: option[:2])
        ways.append((cost, [*way, text[begin:end]]))
    return ways[-1]


@pytest.fixture(scope="module")
def toy():
    """Pieces with costs, and documents of segments cut with them."""
    generator = random.Random(1)
    pieces = {"".join(generator.choices("abc", k=generator.randint(2, 5))).encode() for _ in range(40)}
    pieces = sorted({*pieces, *BYTES})
    costs = {piece: (64 << 16) + generator.randrange(1, 2**19) for piece in pieces}
    segments = [
        ["".join(generator.choices("abc", k=generator.randint(1, 30))).encode() for _ in range(generator.randint(1, 4))]
        for _ in range(30)
    ]
    return pieces, costs, segments


def sample_of(segments):
    flat = [segment for document in segments for segment in document]
    offsets = np.array([*accumulate(map(len, flat), initial=0)], dtype=np.int64)
    document_ends = np.cumsum([sum(map(len, document)) for document in segments], dtype=np.int64)
    numbers = np.repeat(np.arange(len(segments), dtype=np.uint32), [len(document) for document in segments])
    return Sample(b"".join(flat), offsets, numbers, document_ends)


def table_of(pieces):
    offsets = np.array([*accumulate(map(len, pieces), initial=0)], dtype=np.int64)
    return Pieces(np.frombuffer(b"".join(pieces), dtype=np.uint8), offsets)


def costs_of(pieces, costs):
    return np.array([costs[piece] for piece in pieces], dtype=np.uint32)


def pruner_of(pieces, costs, segments, windows, rarest=COMMON, penalties=None):
    sample, cost, n = sample_of(segments), costs_of(pieces, costs), len(pieces)
    automaton = Automaton(pieces, cost / -65536.0)
    ids, _ = segment_packed(automaton, sample.data, sample.offsets, 0, len(sample.documents))
    penalties = np.zeros(n) if penalties is None else penalties
    rarest = np.full(n, rarest, dtype=np.uint32)
    return Pruner(automaton, sample, table_of(pieces), cost, np.asarray(ids), rarest, penalties, windows)


@pytest.mark.parametrize("rarest", [COMMON, 3])
def test_losses_are_those_of_the_twin(toy, rarest):
    pieces, costs, segments = toy
    pruner = pruner_of(pieces, costs, segments, 1000, rarest)
    places = defaultdict(list)  # of each piece: document, additional tokens of the window
    likely = Counter()
    for number, document in enumerate(segments):
        for segment in document:
            way = best(segment, costs)[1]
            for k, piece in enumerate(way):
                if len(piece) > 1:
                    window = way[max(0, k - 1) : k + 2]
                    cost, other = best(b"".join(window), costs, without=piece)
                    places[piece].append((number, len(other) - len(window)))
                    likely[piece] += cost
    candidates = np.array([k for k, piece in enumerate(pieces) if len(piece) > 1], dtype=np.int64)
    for k, loss in zip(candidates, pruner.estimate(candidates, 1000), strict=True):
        found = places[pieces[k]]
        n = len(found)
        if n == 0:
            assert loss == -1e9
            continue
        by_document = Counter(number for number, _ in found)
        share = 1 if rarest == COMMON else max(0, rarest - len(by_document)) / rarest
        robust = n - share * sum(count**2 for count in by_document.values()) / n
        mean = sum(more for _, more in found) / n
        assert loss == pytest.approx(robust * mean + 1e-9 * likely[pieces[k]] / 65536 / n)


def test_the_sample_stays_cut_after_pieces_are_dropped(toy):
    pieces, costs, segments = toy
    pruner = pruner_of(pieces, costs, segments, 8)
    candidates = np.array([k for k, piece in enumerate(pieces) if len(piece) > 1], dtype=np.int64)
    pruner.estimate(candidates, 8)
    pruner.consider(candidates)
    dropped, _ = pruner.drop(15)
    assert len(set(dropped.tolist())) == 15
    assert sorted([*dropped.tolist(), *pruner.left().tolist()]) == list(range(len(pieces)))
    ids, ends = pruner.segmentation()
    assert len(ids) == pruner.n_tokens == ends[-1]
    assert not {*ids.tolist()} & {*dropped.tolist()}
    flat = [segment for document in segments for segment in document]
    bounds = [0, *ends.tolist()]
    assert [b"".join(pieces[k] for k in ids[begin:end]) for begin, end in pairwise(bounds)] == flat
    rest, _ = pruner.drop(1000)
    assert len(rest) == len(candidates) - 15
    assert pruner.n_tokens == sum(map(len, flat))


def test_penalties_come_first(toy):
    pieces, costs, segments = toy
    candidates = np.array([k for k, piece in enumerate(pieces) if len(piece) > 1], dtype=np.int64)
    penalties = np.zeros(len(pieces))
    penalties[candidates[::3]] = 1e12
    pruner = pruner_of(pieces, costs, segments, 8, penalties=penalties)
    pruner.estimate(candidates, 8)
    pruner.consider(candidates)
    used = len(set(pruner.drop(len(candidates[::3]))[0].tolist()) & set(candidates[::3].tolist()))
    unused = int((pruner_of(pieces, costs, segments, 8).estimate(candidates, 8) == -1e9).sum())
    assert used >= len(candidates[::3]) - unused


def test_additional_tokens_are_those_of_the_twin(toy):
    pieces, costs, _ = toy
    cost, table = costs_of(pieces, costs), table_of(pieces)
    automaton = Automaton(pieces, cost / -65536.0)
    expected = [len(best(piece, costs, without=piece)[1]) - 1 if len(piece) > 1 else 0 for piece in pieces]
    assert additional_tokens(automaton, table, cost, 0, len(pieces)).tolist() == expected
    assert additional_tokens(automaton, table, cost, 90, 120).tolist() == expected[90:120]


def test_documents_of_pieces_are_those_of_the_twin(toy):
    pieces, costs, segments = toy
    sample = sample_of(segments)
    automaton = Automaton(pieces, costs_of(pieces, costs) / -65536.0)
    found = piece_documents(automaton, sample, 0, len(sample.documents))
    for piece, number in zip(pieces, found.tolist(), strict=True):
        if len(piece) > 1:
            where = [k for k, document in enumerate(segments) if any(piece in segment for segment in document)]
            assert number == (NONE if not where else where[0] if len(where) == 1 else MANY)


@pytest.mark.parametrize("parts", [1, 5])
def test_pairs_are_those_of_the_twin(toy, parts):
    pieces, costs, segments = toy
    number = {piece: k for k, piece in enumerate(pieces)}
    counts = defaultdict(Counter)
    ids, ends = [], []
    for k, document in enumerate(segments):
        for segment in document:
            way = best(segment, costs)[1]
            ids += [number[piece] for piece in way]
            ends.append(len(ids))
            for left, right in pairwise(way):
                if len(left + right) <= 7:
                    counts[number[left], number[right]][k] += 1
    expected = {}
    for pair, by_document in counts.items():
        n = by_document.total()
        gain = n - 0.5 * sum(count**2 for count in by_document.values()) / n
        if n >= 3 and len(by_document) >= 2 and gain > 0:
            expected[pair] = int(gain * 256)
    found = {}
    counter = PairCounter(
        sample_of(segments),
        table_of(pieces),
        np.array(ids, dtype=np.uint32),
        np.array(ends, dtype=np.int64),
        np.ones(len(pieces), dtype=np.uint8),
        7,
    )
    for part in range(parts):
        lefts, rights, gains = counter.count(part, parts, 3, 2, 0.5)
        found |= dict(zip(zip(lefts.tolist(), rights.tolist(), strict=True), gains.tolist(), strict=True))
    assert found == expected


def test_damaged_arrays_are_errors(toy):
    pieces, costs, segments = toy
    sample, table, cost, n = sample_of(segments), table_of(pieces), costs_of(pieces, costs), len(pieces)
    automaton = Automaton(pieces, cost / -65536.0)
    ids = np.frombuffer(sample.data, dtype=np.uint8).astype(np.uint32)  # not the numbers of the pieces
    rarest, penalties = np.zeros(n, dtype=np.uint32), np.zeros(n)
    with pytest.raises(ValueError, match="do not match"):
        Pruner(automaton, sample, table_of(pieces[:-1]), cost, ids, rarest, penalties, 8)
    with pytest.raises(ValueError, match="tokens do not match"):
        Pruner(automaton, sample, table, cost, ids[1:] * 0 + 2**31, rarest, penalties, 8)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"offsets": [0, 3, 2, 6]}, "must not descend"),
        ({"offsets": [0, 2, 4, 5]}, "offsets do not match"),
        ({"documents": [0, 0]}, "segments and documents do not match"),
        ({"document_ends": [4, 7]}, "documents do not match the text"),
        ({"document_ends": [7, 6]}, "documents do not match the text"),
        ({"document_ends": []}, "documents do not match the text"),
    ],
)
def test_a_sample_that_does_not_fit_together_is_an_error(change, match):
    good = {"offsets": [0, 2, 4, 6], "documents": [0, 0, 1], "document_ends": [4, 6]}
    types = {"offsets": np.int64, "documents": np.uint32, "document_ends": np.int64}
    arrays = {name: np.array(value, dtype=types[name]) for name, value in {**good, **change}.items()}
    with pytest.raises(ValueError, match=match):
        Sample(b"abcdef", **arrays)


def test_pieces_have_a_byte_at_least_and_lengths_of_16_bits():
    for lengths in ([1, 0], [1, 2**16]):
        data = np.zeros(sum(lengths), dtype=np.uint8)
        with pytest.raises(ValueError, match=f"piece 1 has {lengths[1]} bytes"):
            Pieces(data, np.array([*accumulate(lengths, initial=0)], dtype=np.int64))
