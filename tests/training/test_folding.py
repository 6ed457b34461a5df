"""Rare n-grams are given to their prefixes: the n-gram model of what is left is that of all counts."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece.training.counting.kernels.ngrams import fold_rare
from bytepiece.training.counting.runs import NgramRun, folded
from bytepiece.training.discovery.kernels.model import NgramModel
from helpers.counts import key_of, run_of
from helpers.properties import examples

# Few bytes, so that many n-grams begin alike; and zeros, with which keys are filled up, too.
NGRAMS = st.lists(st.sampled_from([0, 1, 97, 98, 255]), min_size=1, max_size=7).map(bytes)
COUNTS = st.dictionaries(NGRAMS, st.integers(1, 4), max_size=60)
SEGMENTS = st.lists(st.lists(st.sampled_from([0, 1, 97, 98]), max_size=40).map(bytes), max_size=4)


def counted(segments):
    """The counts of the longest n-gram that begins at each byte of some segments."""
    return Counter(segment[k : k + 7] for segment in segments for k in range(len(segment)))


def by_hand(counts, min_count):
    """The counts that are left, longest n-grams first given to their prefixes."""
    left = Counter(counts)
    for length in range(7, 3, -1):
        for ngram in [ngram for ngram in left if len(ngram) == length]:
            if sum(count for other, count in counts.items() if other.startswith(ngram)) < min_count:
                left[ngram[:-1]] += left.pop(ngram)
    return dict(left)


def rows(runs):
    return [row for run in runs for row in zip(run.keys.tolist(), run.counts.tolist(), strict=True)]


def rows_of(counts):
    return sorted((key_of(ngram), count) for ngram, count in counts.items())


def run(counts):
    return run_of("ngrams", {key_of(ngram): count for ngram, count in counts.items()})


def fingerprint(runs, min_count):
    model = NgramModel(7, min_count)
    for each in runs:
        model.add(each.keys, each.counts)
    model.finish()
    return model.fingerprint, model.sizes, model.n_bytes


class TestFoldRare:
    @given(counts=COUNTS, min_count=st.integers(1, 12))
    @examples(200)
    def test_gives_counts_to_prefixes(self, counts, min_count):
        keys, numbers = fold_rare(*run(counts).arrays, min_count)
        assert list(zip(keys.tolist(), numbers.tolist(), strict=True)) == rows_of(by_hand(counts, min_count))

    def test_example(self):
        keys, numbers = fold_rare(*run({b"abcdef": 2, b"abcd": 1, b"abcx": 1}).arrays, 3)
        assert list(zip(keys.tolist(), numbers.tolist(), strict=True)) == rows_of({b"abcd": 3, b"abc": 1})

    @pytest.mark.parametrize("keys", [[0], [5, 5], [9 << 56 | 2, 9 << 56 | 1], [1 << 56 | 8]])
    def test_refuses_what_is_no_run_of_ngrams(self, keys):
        with pytest.raises(ValueError, match="n-grams"):
            fold_rare(np.array(keys, dtype=np.uint64), np.ones(len(keys), dtype=np.uint64), 2)

    def test_needs_as_many_counts(self):
        with pytest.raises(ValueError, match="count"):
            fold_rare(np.array([257], dtype=np.uint64), np.zeros(0, dtype=np.uint64), 2)


class TestFolded:
    @given(
        segments=SEGMENTS,
        min_count=st.integers(1, 12),
        cuts=st.lists(st.integers(0, 60), max_size=8),
        ranges=st.lists(st.lists(st.sampled_from([0, 1, 97, 98, 255]), min_size=3, max_size=3), max_size=4),
    )
    @examples(200)
    def test_model_is_that_of_all_counts(self, segments, min_count, cuts, ranges):
        """However the counts are cut into runs, and into ranges that are folded one by one."""
        counts = counted(segments)
        whole = run(counts)
        edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
        runs = [whole.slice(begin, end) for begin, end in pairwise(edges)]
        left = list(folded(runs, min_count))
        assert rows(left) == rows_of(by_hand(counts, min_count))
        assert fingerprint(left, min_count) == fingerprint([whole], min_count)

        borders = [0, *sorted(int.from_bytes(bytes(prefix), "big") << 40 for prefix in ranges), 2**64]
        parts = []
        for low, high in pairwise(borders):
            inside = {ngram: count for ngram, count in counts.items() if low <= key_of(ngram) < high}
            parts += folded([run(inside)], min_count)
        assert rows(parts) == rows(left)

    def test_of_nothing(self):
        assert rows(folded([], 5)) == rows(folded([NgramRun.join([])], 5)) == []
