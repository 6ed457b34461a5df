"""The kernels of refinement against slow twins."""

import random
from collections import Counter, defaultdict
from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece.core.automaton import Automaton
from bytepiece.core.packed import PackedBytes
from bytepiece.core.segment import segment_packed
from bytepiece.training.refinement.kernels.characters import (
    COMMON,
    character_bytes,
    character_documents,
    least_of_characters,
    spelled_characters,
)
from bytepiece.training.refinement.kernels.distinct import SegmentTable
from bytepiece.training.refinement.kernels.documents import NO_DOCUMENT, SEVERAL, string_documents, token_documents
from bytepiece.training.refinement.kernels.pairs import PairCounter, join_pairs
from bytepiece.training.refinement.kernels.pruner import Pruner
from bytepiece.training.refinement.kernels.sample import Pieces, Sample, Tokens
from bytepiece.training.refinement.kernels.windows import additional_costs
from bytepiece.training.refinement.loss_pruning import drop_pieces
from bytepiece.training.workers import Threads
from helpers.samples import sample_of
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
    """Pieces with costs, and documents of segments, some of them several times."""
    generator = random.Random(1)
    pieces = {"".join(generator.choices("abc", k=generator.randint(2, 5))).encode() for _ in range(40)}
    pieces = sorted({*pieces, *BYTES})
    costs = {piece: (64 << 16) + generator.randrange(1, 2**19) for piece in pieces}
    segments = [
        ["".join(generator.choices("abc", k=generator.randint(1, 30))).encode() for _ in range(generator.randint(1, 4))]
        for _ in range(30)
    ]
    for document in segments:
        document += generator.choices(segments[0] + segments[1], k=generator.randrange(5))
    return pieces, costs, segments


def flat(segments):
    return [segment for document in segments for segment in document]


def distinct(segments):
    return [*dict.fromkeys(flat(segments))]


def tokens_of(segments, pieces, costs):
    """The tokens of the distinct segments, as numbers of pieces, and how many there are up to the end of each."""
    ways = [best(segment, costs)[1] for segment in distinct(segments)]
    number = {piece: k for k, piece in enumerate(pieces)}
    ids = np.array([number[piece] for way in ways for piece in way], dtype=np.uint32)
    return ids, np.array([*accumulate(map(len, ways))], dtype=np.int64)


def table_of(pieces):
    return Pieces(PackedBytes.from_list(pieces))


def costs_of(pieces, costs):
    return np.array([costs[piece] for piece in pieces], dtype=np.uint32)


def pruner_of(pieces, costs, segments, rarest=COMMON, weights=None, penalties=None):
    sample, cost, n = sample_of(segments), costs_of(pieces, costs), len(pieces)
    automaton = Automaton(PackedBytes.from_list(pieces), cost / -65536.0)
    ids, ends = segment_packed(automaton, sample.data, sample.offsets)
    weights = np.ones(n) if weights is None else weights
    penalties = np.zeros(n) if penalties is None else penalties
    rarest = np.full(n, rarest, dtype=np.uint32)
    tokens = Tokens(sample, table_of(pieces), np.asarray(ids), ends)
    return Pruner(automaton, tokens, cost, rarest, weights, penalties)


@pytest.mark.parametrize("rarest", [COMMON, 3])
def test_losses_are_those_of_the_twin(toy, rarest):
    pieces, costs, segments = toy
    weights = np.random.default_rng(0).random(len(pieces))
    pruner = pruner_of(pieces, costs, segments, rarest, weights)
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
        assert loss == pytest.approx(weights[k] * robust * mean)


def test_the_sample_stays_cut_after_pieces_are_dropped(toy):
    pieces, costs, segments = toy
    pruner = pruner_of(pieces, costs, segments)
    candidates = np.array([k for k, piece in enumerate(pieces) if len(piece) > 1], dtype=np.int64)
    dropped, _ = drop_pieces(Threads(2), pruner, candidates, 15)
    assert len(set(dropped.tolist())) == 15
    assert sorted([*dropped.tolist(), *pruner.left().tolist()]) == list(range(len(pieces)))
    ids, ends = pruner.segmentation()
    assert len(ids) == pruner.n_tokens == ends[-1]
    left = [pieces[k] for k in pruner.left()]
    bounds = [0, *ends.tolist()]
    assert [b"".join(left[k] for k in ids[begin:end]) for begin, end in pairwise(bounds)] == distinct(segments)
    pruner = pruner_of(pieces, costs, segments)
    dropped, _ = drop_pieces(Threads(2), pruner, candidates, 1000)
    assert len(dropped) == len(candidates)
    assert pruner.n_tokens == sum(map(len, distinct(segments)))


def test_pieces_whose_losses_are_no_longer_valid_are_set_aside(toy):
    """A piece is not dropped by a loss that was measured before a piece went that its windows would use."""
    pieces, costs, segments = toy
    pruner = pruner_of(pieces, costs, segments)
    candidates = np.array([k for k, piece in enumerate(pieces) if len(piece) > 1], dtype=np.int64)
    pruner.estimate(candidates, 8)
    pruner.consider(candidates)
    dropped, counts, stale = pruner.drop(1000, 2)
    assert len(dropped) == len(counts) < len(candidates) - 2
    assert len(stale) == 2
    assert not {*stale.tolist()} & {*dropped.tolist()}
    with pytest.raises(ValueError, match="more candidates"):
        pruner.consider(np.resize(stale, len(pieces)))
    pruner.estimate(stale, 8)
    pruner.consider(stale)
    rest, _ = drop_pieces(Threads(1), pruner, candidates[:0], 1000)
    assert {*rest.tolist()} | {*dropped.tolist()} == {*candidates.tolist()}


def test_penalties_come_first(toy):
    pieces, costs, segments = toy
    candidates = np.array([k for k, piece in enumerate(pieces) if len(piece) > 1], dtype=np.int64)
    penalties = np.zeros(len(pieces))
    penalties[candidates[::3]] = 1e16
    pruner = pruner_of(pieces, costs, segments, penalties=penalties)
    dropped, _ = drop_pieces(Threads(1), pruner, candidates, len(candidates[::3]))
    used = len(set(dropped.tolist()) & set(candidates[::3].tolist()))
    unused = int((pruner_of(pieces, costs, segments).estimate(candidates, 8) == -1e18).sum())
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
    found = string_documents(automaton, sample, 0, len(sample.counts))
    for piece, number in zip(pieces, found.tolist(), strict=True):
        if len(piece) > 1:
            where = [k for k, document in enumerate(segments) if any(piece in segment for segment in document)]
            assert number == (NO_DOCUMENT if not where else where[0] if len(where) == 1 else SEVERAL)


def test_documents_of_tokens_are_those_of_the_twin(toy):
    pieces, costs, segments = toy
    sample, table = sample_of(segments), table_of(pieces)
    where = defaultdict(set)
    for number, document in enumerate(segments):
        for segment in document:
            for piece in best(segment, costs)[1]:
                where[piece].add(number)
    ids, ends = tokens_of(segments, pieces, costs)
    tokens = Tokens(sample, table, ids, ends)
    found = token_documents(tokens, 0, len(sample.counts))
    expected = [
        NO_DOCUMENT if not where[piece] else min(where[piece]) if len(where[piece]) == 1 else SEVERAL
        for piece in pieces
    ]
    assert found.tolist() == expected
    assert (token_documents(tokens, 3, 3) == NO_DOCUMENT).all()
    for damaged in (ids[1:], ids[:-1], np.append(ids, ids[:1]), ids + np.uint32(2**31)):
        with pytest.raises(ValueError, match="tokens do not match the segments"):
            Tokens(sample, table, damaged, ends)


@pytest.mark.parametrize("n_shares", [2, 1, 5])
def test_tokens_are_counted_in_all_occurrences(toy, n_shares):
    pieces, costs, segments = toy
    expected = Counter(piece for segment in flat(segments) for piece in best(segment, costs)[1])
    tokens = Tokens(sample_of(segments), table_of(pieces), *tokens_of(segments, pieces, costs))
    assert tokens.sample.text_bytes == sum(map(len, flat(segments)))
    assert len(tokens) == sum(len(best(segment, costs)[1]) for segment in distinct(segments))
    counts = sum(tokens.count(*share) for share in tokens.sample.shares(n_shares))
    assert counts.tolist() == [expected[piece] for piece in pieces]
    for begin, end in ((-1, 1), (1, 0), (0, len(tokens.sample.counts) + 1)):
        with pytest.raises(ValueError, match=f"segments {begin} to {end} of"):
            tokens.count(begin, end)


@pytest.mark.parametrize("most", [1, 3, 100])
def test_documents_of_characters_are_those_of_the_twin(most):
    generator = random.Random(4)
    segments = [["".join(generator.choices("abcé你🙂", k=2)).encode() for _ in range(3)] for _ in range(20)]
    segments += [["你".encode()[:2], b"a"], [b"\xff"]]
    found = character_documents(sample_of(segments), most)
    for character in "abcdé你🙂":
        where = sum(any(character.encode() in segment for segment in document) for document in segments)
        assert found[ord(character)] == min(where, most)
    assert found[-1] == min(2, most)


def test_bytes_of_characters_are_counted_in_all_occurrences():
    segments = [["é你".encode(), b"e\xffe"], ["é你".encode()] * 2]
    found = character_bytes(sample_of(segments))
    expected = {ord("e"): 2, ord("é"): 6, ord("你"): 9, 0x110000: 1}
    assert {code: int(found[code]) for code in np.flatnonzero(found).tolist()} == expected


def test_spelled_characters_are_counted_in_all_occurrences():
    segments = [["é你".encode(), b"e"], ["é你".encode()] * 2]
    pieces = sorted({*BYTES, "你".encode()})
    tokens = tokens_of(segments, pieces, dict.fromkeys(pieces, 1))
    found = spelled_characters(Tokens(sample_of(segments), table_of(pieces), *tokens))
    assert found[ord("é")] == 3
    assert found.sum() == 3


@pytest.mark.parametrize("parts", [1, 5])
def test_pairs_are_those_of_the_twin(toy, parts):
    pieces, costs, segments = toy
    number = {piece: k for k, piece in enumerate(pieces)}
    counts = defaultdict(Counter)
    for k, document in enumerate(segments):
        for segment in document:
            for left, right in pairwise(best(segment, costs)[1]):
                if len(left + right) <= 7 and left != b"ab":  # it may only be the right of a pair
                    counts[number[left], number[right]][k] += 1
    expected = {}
    for pair, by_document in counts.items():
        n = by_document.total()
        gain = n - 0.5 * sum(count**2 for count in by_document.values()) / n
        if n >= 3 and len(by_document) >= 2 and gain > 0:
            expected[pair] = int(gain * 256)
    found = {}
    tokens = Tokens(sample_of(segments), table_of(pieces), *tokens_of(segments, pieces, costs))
    counter = PairCounter(tokens, np.array([3 - (piece == b"ab") for piece in pieces], dtype=np.uint8), 7)
    for part in range(parts):
        lefts, rights, gains = counter.count(part, parts, 3, 2, 0.5)
        found |= dict(zip(zip(lefts.tolist(), rights.tolist(), strict=True), gains.tolist(), strict=True))
    assert found == expected


def test_a_pruner_refuses_the_automaton_of_other_pieces(toy):
    pieces, costs, segments = toy
    sample, cost, n = sample_of(segments), costs_of(pieces, costs), len(pieces)
    automaton = Automaton(PackedBytes.from_list([*pieces, b"more"]), np.zeros(n + 1))
    tokens = Tokens(sample, table_of(pieces), *tokens_of(segments, pieces, costs))
    with pytest.raises(ValueError, match="do not match"):
        Pruner(automaton, tokens, cost, np.zeros(n, dtype=np.uint32), np.ones(n), np.zeros(n))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"costs": np.zeros(2, dtype=np.uint32)}, "costs and pieces"),
        ({"rarest": np.zeros(2, dtype=np.uint32)}, "rarest characters and pieces"),
        ({"weights": np.ones(2)}, "weights and pieces"),
        ({"penalties": np.zeros(2)}, "penalties and pieces"),
    ],
)
def test_a_pruner_needs_a_number_for_each_piece(toy, change, match):
    pieces, costs, segments = toy
    sample, cost, n = sample_of(segments), costs_of(pieces, costs), len(pieces)
    automaton = Automaton(PackedBytes.from_list(pieces), cost / -65536.0)
    ids, ends = segment_packed(automaton, sample.data, sample.offsets)
    arrays = {"costs": cost, "rarest": np.zeros(n, dtype=np.uint32), "weights": np.ones(n), "penalties": np.zeros(n)}
    with pytest.raises(ValueError, match=match):
        Pruner(automaton, Tokens(sample, table_of(pieces), np.asarray(ids), ends), **arrays | change)


def test_a_pruner_refuses_what_it_cannot_drop(toy):
    pruner, n = pruner_of(*toy), len(toy[0])
    assert (pruner.n_pieces, pruner.n_left) == (n, n)
    longer = np.array([next(k for k, piece in enumerate(toy[0]) if len(piece) > 1)])
    with pytest.raises(ValueError, match="need a window"):
        pruner.estimate(longer, 0)
    for piece in (-1, n, toy[0].index(b"a")):
        with pytest.raises(ValueError, match=f"piece {piece} cannot be dropped"):
            pruner.estimate(np.array([piece]), 4)
    with pytest.raises(ValueError, match=f"piece {longer[0]} is not estimated"):
        pruner.consider(longer)
    with pytest.raises(ValueError, match="more candidates than pieces"):
        pruner.consider(np.zeros(n + 1, dtype=np.int64))


def test_pairs_of_other_pieces_are_refused(toy):
    pieces, costs, segments = toy
    table = table_of(pieces)
    tokens = Tokens(sample_of(segments), table, *tokens_of(segments, pieces, costs))
    with pytest.raises(ValueError, match="joinable does not match"):
        PairCounter(tokens, np.ones(3, dtype=np.uint8), 7)
    counter = PairCounter(tokens, np.full(len(pieces), 3, dtype=np.uint8), 7)
    with pytest.raises(ValueError, match="part 2 of 2"):
        counter.count(2, 2, 3, 2, 0.5)
    one, two = np.zeros(1, dtype=np.uint32), np.zeros(2, dtype=np.uint32)
    with pytest.raises(ValueError, match="left and right pieces"):
        join_pairs(table, one, two)
    with pytest.raises(IndexError, match="pair 0: no such piece"):
        join_pairs(table, one + len(pieces), one)


@pytest.mark.parametrize(("begin", "end"), [(-1, 3), (4, 3), (0, 10**6)])
def test_segments_and_pieces_that_are_not_there_are_refused(toy, begin, end):
    pieces, costs, segments = toy
    sample, table, cost = sample_of(segments), table_of(pieces), costs_of(pieces, costs)
    automaton = Automaton(PackedBytes.from_list(pieces), cost / -65536.0)
    where = f"segments {begin} to {end} of {len(sample.counts)}"
    with pytest.raises(ValueError, match=where):
        token_documents(Tokens(sample, table, *tokens_of(segments, pieces, costs)), begin, end)
    with pytest.raises(ValueError, match=where):
        string_documents(automaton, sample, begin, end)
    with pytest.raises(ValueError, match=f"pieces {begin} to {end} of {len(pieces)}"):
        additional_costs(automaton, table, cost, begin, end)


def test_costs_of_other_pieces_are_refused(toy):
    pieces, costs, _ = toy
    cost = costs_of(pieces, costs)
    automaton = Automaton(PackedBytes.from_list(pieces), cost / -65536.0)
    with pytest.raises(ValueError, match="do not match"):
        additional_costs(automaton, table_of(pieces), cost[:-1], 0, 1)
    with pytest.raises(ValueError, match="not those of the automaton"):
        additional_costs(automaton, table_of([bytes(99)] * len(pieces)), cost, 0, 1)
    with pytest.raises(ValueError, match="for each code point"):
        least_of_characters(PackedBytes.from_list(pieces), np.zeros(9, dtype=np.uint32), 3)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"offsets": [0, 7, 6]}, "must not descend"),
        ({"offsets": [0, 4, 5]}, "offsets do not match"),
        ({"posting_offsets": [0, 3]}, "segments and postings do not match"),
        ({"posting_offsets": [0, 2, 4]}, "segments and postings do not match"),
        ({"posting_offsets": [0, 0, 3]}, "must have a posting"),
        ({"posting_offsets": [0, 2**32 - 1, 3]}, "must have a posting"),
        ({"postings": [[0, 1], [1, 0], [0, 1]]}, "postings do not match the documents"),
        ({"postings": [[0, 1], [2, 1], [0, 1]]}, "postings do not match the documents"),
        ({"postings": [[0, 1], [0, 1], [0, 1]]}, "must ascend"),
        ({"postings": [[0, 1], [1, 2**30], [0, 1]]}, "shorter than 2 GB"),
    ],
)
def test_a_sample_that_does_not_fit_together_is_an_error(change, match):
    good = {"offsets": [0, 4, 6], "posting_offsets": [0, 2, 3], "postings": [[0, 1], [1, 5], [0, 2]]}
    types = {"offsets": np.int64, "posting_offsets": np.uint32, "postings": np.uint32}
    arrays = {name: np.array(value, dtype=types[name]) for name, value in good.items()}
    assert Sample(b"abcdef", **arrays, n_documents=2).counts.tolist() == [6, 2]
    arrays |= {name: np.array(value, dtype=types[name]) for name, value in change.items()}
    with pytest.raises(ValueError, match=match):
        Sample(b"abcdef", **arrays, n_documents=2)


@given(st.lists(st.lists(st.binary(min_size=1, max_size=20) | st.sampled_from([b"a", b"ab"]))))
def test_distinct_segments_are_those_of_the_twin(segments):
    sample = sample_of(segments)
    bounds, places = sample.offsets.tolist(), sample.posting_offsets.tolist()
    assert [sample.data[begin:end].tobytes() for begin, end in pairwise(bounds)] == distinct(segments)
    counts = [Counter(document) for document in segments]
    for segment, (begin, end) in zip(distinct(segments), pairwise(places), strict=True):
        expected = [[k, count[segment]] for k, count in enumerate(counts) if segment in count]
        assert sample.postings[begin:end].tolist() == expected
    assert sample.counts.tolist() == [Counter(flat(segments))[segment] for segment in distinct(segments)]
    assert sample.n_documents == len(segments)


def test_a_table_of_many_segments_starts_afresh():
    table = SegmentTable()
    for _ in range(2):
        words = [f"{k}".encode() for k in range(10_000)]
        ends = np.cumsum([*map(len, words)], dtype=np.int64)
        for document in range(3):
            table.add(b"".join(words), ends, np.full(len(words), document, dtype=np.uint32))
        sample = table.take(3)
        assert sample.data.tobytes() == b"".join(words)
        assert sample.counts.tolist() == [3] * len(words)


@pytest.mark.parametrize(
    ("ends", "documents", "match"),
    [
        ([2, 2], [0, 0], "must have bytes"),
        ([2, 1], [0, 0], "must have bytes"),
        ([2, 5], [0, 0], "within the data"),
        ([2, 4], [0], "segments and documents"),
        ([2, 4], [1, 0], "must ascend"),
    ],
)
def test_segments_that_do_not_fit_the_text_are_errors(ends, documents, match):
    table = SegmentTable()
    with pytest.raises(ValueError, match=match):
        table.add(b"abab", np.array(ends, dtype=np.int64), np.array(documents, dtype=np.uint32))


@pytest.mark.parametrize("length", [0, 2**16])
def test_pieces_have_a_byte_at_least_and_lengths_of_16_bits(length):
    with pytest.raises(ValueError, match=f"piece 1 has {length} bytes"):
        table_of([b"a", bytes(length)])
