"""The kernels of refinement against slow twins."""

import random
from collections import Counter, defaultdict
from itertools import accumulate, pairwise

import numpy as np
import pytest

from bytepiece.core.automaton import Automaton
from bytepiece.core.packed import PackedBytes
from bytepiece.core.segment import segment_packed
from bytepiece.training.refinement.kernels.characters import COMMON
from bytepiece.training.refinement.kernels.documents import NO_DOCUMENT, SEVERAL, string_documents, token_documents
from bytepiece.training.refinement.kernels.pairs import PairCounter
from bytepiece.training.refinement.kernels.pruner import Pruner
from bytepiece.training.refinement.kernels.sample import Pieces, Sample, token_ends
from bytepiece.training.refinement.kernels.windows import additional_costs
from helpers.vocabularies import BYTES


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
    return Pieces(PackedBytes.from_list(pieces))


def costs_of(pieces, costs):
    return np.array([costs[piece] for piece in pieces], dtype=np.uint32)


def pruner_of(pieces, costs, segments, windows, rarest=COMMON, penalties=None):
    sample, cost, n = sample_of(segments), costs_of(pieces, costs), len(pieces)
    automaton = Automaton(PackedBytes.from_list(pieces), cost / -65536.0)
    ids, _ = segment_packed(automaton, sample.data, sample.offsets)
    penalties = np.zeros(n) if penalties is None else penalties
    rarest = np.full(n, rarest, dtype=np.uint32)
    return Pruner(automaton, sample, table_of(pieces), cost, np.asarray(ids), rarest, penalties, windows)


@pytest.mark.parametrize("rarest", [COMMON, 3])
def test_losses_are_those_of_the_twin(toy, rarest):
    pieces, costs, segments = toy
    pruner = pruner_of(pieces, costs, segments, 1000, rarest)
    places = defaultdict(list)  # of each piece: document, additional cost of the window
    for number, document in enumerate(segments):
        for segment in document:
            way = best(segment, costs)[1]
            for k, piece in enumerate(way):
                if len(piece) > 1:
                    window = way[max(0, k - 1) : k + 2]
                    cost, _ = best(b"".join(window), costs, without=piece)
                    places[piece].append((number, cost - sum(costs[each] for each in window)))
    candidates = np.array([k for k, piece in enumerate(pieces) if len(piece) > 1], dtype=np.int64)
    for k, loss in zip(candidates, pruner.estimate(candidates, 1000), strict=True):
        found = places[pieces[k]]
        n = len(found)
        if n == 0:
            assert loss == -1e18
            continue
        by_document = Counter(number for number, _ in found)
        share = 1 if rarest == COMMON else max(0, rarest - len(by_document)) / rarest
        robust = n - share * sum(count**2 for count in by_document.values()) / n
        mean = sum(more for _, more in found) / n
        assert loss == pytest.approx(robust * mean)


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
    penalties[candidates[::3]] = 1e16
    pruner = pruner_of(pieces, costs, segments, 8, penalties=penalties)
    pruner.estimate(candidates, 8)
    pruner.consider(candidates)
    used = len(set(pruner.drop(len(candidates[::3]))[0].tolist()) & set(candidates[::3].tolist()))
    unused = int((pruner_of(pieces, costs, segments, 8).estimate(candidates, 8) == -1e18).sum())
    assert used >= len(candidates[::3]) - unused


def test_additional_costs_are_those_of_the_twin(toy):
    pieces, costs, _ = toy
    cost, table = costs_of(pieces, costs), table_of(pieces)
    automaton = Automaton(PackedBytes.from_list(pieces), cost / -65536.0)
    expected = [best(piece, costs, without=piece)[0] - costs[piece] if len(piece) > 1 else 0 for piece in pieces]
    assert additional_costs(automaton, table, cost, 0, len(pieces)).tolist() == expected
    assert additional_costs(automaton, table, cost, 90, 120).tolist() == expected[90:120]


def test_documents_of_pieces_are_those_of_the_twin(toy):
    pieces, costs, segments = toy
    sample = sample_of(segments)
    automaton = Automaton(PackedBytes.from_list(pieces), costs_of(pieces, costs) / -65536.0)
    found = string_documents(automaton, sample, 0, len(sample.documents))
    for piece, number in zip(pieces, found.tolist(), strict=True):
        if len(piece) > 1:
            where = [k for k, document in enumerate(segments) if any(piece in segment for segment in document)]
            assert number == (NO_DOCUMENT if not where else where[0] if len(where) == 1 else SEVERAL)


def test_documents_of_tokens_are_those_of_the_twin(toy):
    pieces, costs, segments = toy
    sample, table = sample_of(segments), table_of(pieces)
    numbers = {piece: k for k, piece in enumerate(pieces)}
    where, ids, ends = defaultdict(set), [], []
    for number, segment in ((k, segment) for k, document in enumerate(segments) for segment in document):
        way = best(segment, costs)[1]
        for piece in way:
            where[piece].add(number)
        ids += [numbers[piece] for piece in way]
        ends.append(len(ids))
    tokens = np.array(ids, dtype=np.uint32), np.array(ends, dtype=np.int64)
    found = token_documents(sample, table, *tokens, 0, len(ends))
    expected = [
        NO_DOCUMENT if not where[piece] else min(where[piece]) if len(where[piece]) == 1 else SEVERAL
        for piece in pieces
    ]
    assert found.tolist() == expected
    assert (token_documents(sample, table, *tokens, 3, 3) == NO_DOCUMENT).all()
    with pytest.raises(ValueError, match="tokens do not match"):
        token_documents(sample, table, tokens[0][:-1], tokens[1], 0, len(ends))
    with pytest.raises(ValueError, match="tokens do not match"):
        token_documents(sample, table, tokens[0] + 2**31, tokens[1], 0, len(ends))


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
    automaton = Automaton(PackedBytes.from_list(pieces), cost / -65536.0)
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


def test_tokens_end_where_segments_do(toy):
    pieces, costs, segments = toy
    sample, table = sample_of(segments), table_of(pieces)
    automaton, n = Automaton(PackedBytes.from_list(pieces), costs_of(pieces, costs) / -65536.0), len(sample.documents)
    ids, ends = segment_packed(automaton, sample.data, sample.offsets)
    ids = np.asarray(ids)
    assert token_ends(sample, table, ids, 0, n).tolist() == ends.tolist()
    assert token_ends(sample, table, ids[ends[4] : ends[9]], 5, 10).tolist() == (ends[5:10] - ends[4]).tolist()
    for damaged in (ids[1:], ids[:-1], np.append(ids, ids[:1]), ids + 2**31):
        with pytest.raises(ValueError, match="tokens do not match the segments"):
            token_ends(sample, table, damaged.astype(np.uint32), 0, n)


@pytest.mark.parametrize("length", [0, 2**16])
def test_pieces_have_a_byte_at_least_and_lengths_of_16_bits(length):
    with pytest.raises(ValueError, match=f"piece 1 has {length} bytes"):
        table_of([b"a", bytes(length)])
