"""Why this cut: the lattice, the n best and the draws of the page are those of Python; run by Node."""

import math
import random

import pytest

from bytepiece import Model, Tokenizer
from helpers.node import Page, needs_node
from helpers.vocabularies import random_text, random_vocabulary

pytestmark = needs_node


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer(Model.from_counts(random_vocabulary(5, b"ab \n")))


@pytest.fixture(scope="module")
def texts(tokenizer):
    counts = dict.fromkeys(tokenizer.model.pieces, 1)
    return [b"", b"a", b"ab\n\nba", *(random_text(seed, counts, 6) for seed in range(20))]


def ids_of(tokenizer, path):
    return [piece + tokenizer.model.first_id for piece in path["pieces"]]


def test_n_best(tokenizer, texts):
    found = Page(tokenizer).call("best", [(text, 7) for text in texts])
    for text, paths in zip(texts, found, strict=True):
        expected = tokenizer.nbest(text, 7)
        assert [ids_of(tokenizer, path) for path in paths] == [ids for ids, _ in expected]
        assert [path["score"] for path in paths] == pytest.approx([score for _, score in expected])


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0, 0.3, 1, 2.5])
def test_draws_are_those_of_python(tokenizer, texts, alpha):
    found = Page(tokenizer).call("draws", [(text, alpha, 11, 9) for text in texts])
    for text, paths in zip(texts, found, strict=True):
        expected = [tokenizer.encode(text, alpha=alpha, seed=seed) for seed in range(11, 20)]
        assert [ids_of(tokenizer, path) for path in paths] == expected


@pytest.mark.slow
def test_shares_are_probabilities(tokenizer):
    text = b"abab b"
    (paths,) = Page(tokenizer).call("best", [(text, 10**6)])
    assert math.fsum(path["share"] for path in paths) == pytest.approx(1)
    (edges,) = Page(tokenizer).call("edges", [(text, 1)])
    for edge in edges:
        with_it = [path["share"] for path in paths if has_edge(tokenizer, path, edge)]
        assert edge["share"] == pytest.approx(math.fsum(with_it))


def has_edge(tokenizer, path, edge):
    begin = 0
    pieces = tokenizer.model.pieces
    for piece in path["pieces"]:
        if (begin, piece) == (edge["begin"], edge["piece"]):
            return True
        begin += len(pieces[piece])
    return False


def test_edges_are_all_pieces_that_fit(tokenizer):
    text = b"ab\n\nb a"
    (edges,) = Page(tokenizer).call("edges", [(text, 1)])
    pieces = tokenizer.model.pieces
    found = {(edge["begin"], edge["end"]) for edge in edges}
    spans = [(begin, end) for begin in range(len(text)) for end in range(begin + 1, len(text) + 1)]
    fitting = {(begin, end) for begin, end in spans if text[begin:end] in pieces and not begin < 4 < end}
    assert found == fitting


def test_random_numbers_do_not_depend_on_the_size_of_the_seed(tokenizer):
    text = random.Random(1).randbytes(3) + b"abababab"
    (paths,) = Page(tokenizer).call("draws", [(text, 0.5, 2**40, 3)])
    assert [ids_of(tokenizer, path) for path in paths] == [
        tokenizer.encode(text, alpha=0.5, seed=2**40 + k) for k in range(3)
    ]
