"""The n-gram model of the benchmarks, held to its definition written out with dictionaries."""

import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
kneser_ney = pytest.importorskip("kneser_ney")

N_IDS = 7
CONTEXTS = [[], [3], [1, 1], [2, 1, 3, 1, 1], [6, 6], [1, 6, 2]]


def documents(lists):
    offsets = np.cumsum([0, *map(len, lists)])
    return kneser_ney.Documents(np.array([id for each in lists for id in each], dtype=np.int64), offsets)


@pytest.fixture(scope="module")
def corpus():
    generator = np.random.default_rng(5)
    # Id 6 never occurs; 0 ends each document.
    return [[*(1 + generator.zipf(1.5, size=generator.integers(0, 30)) % 5).tolist(), 0] for _ in range(80)]


def probability_by_definition(corpus, order, context, token):
    """Chen and Goodman's equations, a document at a time. A document begins with the token None, order - 1 times."""
    grams = {n: Counter() for n in range(1, order + 1)}
    for document in corpus:
        padded = [None] * (order - 1) + document
        for end in range(order - 1, len(padded)):
            for n in grams:
                grams[n][tuple(padded[end + 1 - n : end + 1])] += 1
    counts = {order: grams[order]}
    for n in range(1, order):
        counts[n] = Counter(gram[1:] for gram in grams[n + 1])

    def discounts(n):
        n_1, n_2, n_3, n_4 = (sum(count == k for count in counts[n].values()) for k in (1, 2, 3, 4))
        if min(n_1, n_2, n_3) == 0:
            return [0, 0.5, 1, 1.5]
        y = n_1 / (n_1 + 2 * n_2)
        found = [0, 1 - 2 * y * n_2 / n_1, 2 - 3 * y * n_3 / n_2, 3 - 4 * y * n_4 / n_3]
        return found if min(found[1:]) > 0 else [0, 0.5, 1, 1.5]

    after = {n: defaultdict(dict) for n in counts}
    for n, grams_of_order in counts.items():
        for gram, count in grams_of_order.items():
            after[n][gram[:-1]][gram[-1]] = count

    def probability(n, context):
        if n == 0:
            return 1 / N_IDS
        lower = probability(n - 1, context[1:])
        following = after[n].get(tuple(context))
        if not following:
            return lower
        discount = discounts(n)
        own = following.get(token, 0)
        left = sum(discount[min(count, 3)] for count in following.values())
        return (own - discount[min(own, 3)] + left * lower) / sum(following.values())

    padded = [None] * (order - 1) + context
    return probability(order, padded[len(padded) - order + 1 :] if order > 1 else [])


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_it_is_the_definition(corpus, order):
    model = kneser_ney.KneserNey(documents(corpus), order, N_IDS)
    for context in CONTEXTS:
        for token in range(N_IDS):
            expected = probability_by_definition(corpus, order, context, token)
            bits = model.bits(documents([[*context, token]]))[-1]
            assert 2**-bits == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize("context", CONTEXTS, ids=str)
def test_probabilities_sum_to_one(corpus, order, context):
    model = kneser_ney.KneserNey(documents(corpus), order, N_IDS)
    bits = [model.bits(documents([[*context, token]]))[-1] for token in range(N_IDS)]
    assert np.exp2(-np.array(bits)).sum() == pytest.approx(1, abs=1e-12)


def test_documents_do_not_touch(corpus):
    """What a document costs does not depend on the one before it."""
    model = kneser_ney.KneserNey(documents(corpus), 3, N_IDS)
    alone = model.bits(documents([corpus[1]]))
    after = model.bits(documents([corpus[0], corpus[1]]))[len(corpus[0]) :]
    np.testing.assert_array_equal(after, alone)
