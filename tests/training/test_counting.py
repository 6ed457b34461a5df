"""Counts of n-grams and of pieces: exact, whoever counts, and mergeable."""

import random
import threading
from collections import Counter
from dataclasses import replace
from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import CorpusError, reference
from bytepiece.core.packed import PackedBytes
from bytepiece.training.context import Context
from bytepiece.training.counting.kernels.ngrams import merge_runs, ngram_keys, run_lengths
from bytepiece.training.counting.kernels.pieces import PieceTable
from bytepiece.training.counting.kernels.segments import cut_segments
from bytepiece.training.counting.passes import NgramTask, PieceCounter, count_ngrams, count_pass
from bytepiece.training.counting.runs import NgramRun, merge, merge_streams
from bytepiece.training.resources import Resources
from bytepiece.training.segments import Batch, Reader
from bytepiece.training.texts import Texts
from bytepiece.training.workers import Threads
from helpers.counts import key_of
from helpers.properties import examples
from helpers.trainers import plain_trainer

ORDERS = range(1, 8)
SEGMENTS = st.lists(
    st.one_of(st.binary(min_size=1, max_size=12), st.text("ab", min_size=1, max_size=20).map(str.encode)), max_size=8
)


def batch_of(segments, before=b""):
    """A batch of segments, which lie in the data behind something else."""
    ends = np.array([*accumulate(map(len, segments), initial=len(before))][1:], dtype=np.int64)
    return Batch(before + b"".join(segments) + b"something behind", len(before), ends, True)


def longest_ngrams(segments, order):
    return [segment[k : k + order] for segment in segments for k in range(len(segment))]


def ngram_counts(run):
    """The n-grams of all lengths with their counts, of a run that has the longest ones."""
    counts = Counter()
    for packed, count in zip(run.keys.tolist(), run.counts.tolist(), strict=True):
        ngram = packed.to_bytes(8, "big")
        for n in range(1, ngram[7] + 1):
            counts[ngram[:n]] += count
    return counts


def all_ngrams(segments, order):
    return Counter(
        segment[k : k + n] for segment in segments for n in range(1, order + 1) for k in range(len(segment) - n + 1)
    )


def nothing(amount):
    """A progress callback that does nothing."""


# N-grams.


@given(segments=SEGMENTS, before=st.binary(max_size=5))
@examples(60)
@pytest.mark.parametrize("order", ORDERS)
def test_keys_are_the_longest_ngrams_at_each_byte(order, segments, before):
    batch = batch_of(segments, before)
    keys = ngram_keys(batch.data, batch.begin, batch.ends, order)
    assert keys.tolist() == [key_of(ngram) for ngram in longest_ngrams(segments, order)]


@given(ngrams=st.lists(st.binary(min_size=1, max_size=7)))
@examples(60)
def test_keys_sort_as_byte_strings(ngrams):
    assert sorted(ngrams) == sorted(ngrams, key=key_of)


@pytest.mark.parametrize("order", [-1, 0, 8, 100])
def test_keys_of_other_orders_are_refused(order):
    with pytest.raises(ValueError, match="order"):
        ngram_keys(b"abc", 0, np.array([3]), order)


@pytest.mark.parametrize(("begin", "ends"), [(0, [4]), (2, [1]), (-1, [3]), (0, [2, 1, 3]), (0, [9, 3]), (1, [0, 3])])
def test_keys_outside_the_data_are_refused(begin, ends):
    with pytest.raises(ValueError, match="ascend"):
        ngram_keys(b"abc", begin, np.array(ends), 3)


@given(keys=st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 3), max_size=50))
@examples(60)
def test_run_lengths_count_equal_keys(keys):
    distinct, counts = run_lengths(np.array(sorted(keys), dtype=np.uint64))
    assert list(zip(distinct.tolist(), counts.tolist(), strict=True)) == sorted(Counter(keys).items())


RUNS = st.dictionaries(st.integers(0, 20) | st.integers(0, 2**64 - 1), st.integers(1, 2**60), max_size=30)


def run_of(counts):
    keys = sorted(counts)
    return np.array(keys, dtype=np.uint64), np.array([counts[key] for key in keys], dtype=np.uint64)


@given(a=RUNS, b=RUNS)
@examples(60)
def test_merged_runs_are_the_sum(a, b):
    keys, counts = merge_runs(*run_of(a), *run_of(b))
    assert list(zip(keys.tolist(), counts.tolist(), strict=True)) == sorted((Counter(a) + Counter(b)).items())


@given(a=RUNS)
@examples(60)
def test_a_run_merged_with_nothing_stays_as_it_is(a):
    merged = merge_runs(*run_of({}), *run_of(a))
    assert [array.tolist() for array in merged] == [array.tolist() for array in run_of(a)]


def test_a_key_without_count_is_refused():
    keys, counts = run_of({1: 1, 2: 2})
    with pytest.raises(ValueError, match="count"):
        merge_runs(keys, counts[:1], keys, counts)


TEXTS = st.lists(st.text("ab🙂\n", max_size=30), max_size=10).filter(any)
SPILLING = pytest.mark.parametrize("limit", [0, 1000, 2**28], ids=["each batch spills", "some spill", "none spills"])


def counted_ngrams(texts, order, workers=1, limit=2**28, advance=nothing):
    """All runs of a pass over texts, in tiny batches; beyond the limit, counts go to files."""
    return count_pass(limited(workers, limit), NgramTask(order), Reader(texts, batch_bytes=20), advance)


def limited(workers, limit):
    """A context in which counts may take some bytes of memory."""

    class Limited(Resources):
        def store_bytes(self, taken=0):
            return limit

        counter_bytes = store_bytes

    return Context(Limited(workers))


def one_run(runs):
    return NgramRun.join(list(runs))


@given(texts=TEXTS, workers=st.integers(1, 3))
@examples(40)
@SPILLING
@pytest.mark.parametrize("order", [1, 7])
def test_ngrams_of_all_texts(order, limit, texts, workers):
    run = one_run(counted_ngrams(texts, order, workers, limit))
    assert ngram_counts(run) == all_ngrams([segment for text in texts for segment in reference.segments(text)], order)


@given(texts=TEXTS)
@examples(50)
@SPILLING
def test_ngrams_come_sorted_and_distinct(limit, texts):
    keys = one_run(counted_ngrams(texts, 3, 2, limit)).keys.tolist()
    assert keys == sorted(set(keys))


@SPILLING
def test_counts_can_be_read_again(limit):
    counts = counted_ngrams(["abc" * 50] * 30, 6, 2, limit)
    first, second = one_run(counts), one_run(counts)
    assert (first.keys.tolist(), first.counts.tolist()) == (second.keys.tolist(), second.counts.tolist())


@SPILLING
@pytest.mark.parametrize("workers", [2, 3, 7])
def test_the_number_of_workers_does_not_change_ngrams(workers, limit):
    generator = random.Random(workers)
    texts = ["".join(generator.choices("abc", k=generator.randint(1, 500))) for _ in range(60)]
    one, many = one_run(counted_ngrams(texts, 6)), one_run(counted_ngrams(texts, 6, workers, limit))
    assert (one.keys.tolist(), one.counts.tolist()) == (many.keys.tolist(), many.counts.tolist())


@SPILLING
def test_progress_is_told_the_bytes_of_the_texts(limit):
    told = []
    counted_ngrams(["é\n" * 100, "", "abc" * 50], 6, 2, limit, told.append)
    assert sum(told) == 300 + 150


@pytest.mark.parametrize("texts", [[], [""]], ids=repr)
def test_no_text_is_an_error(texts):
    """But a part may be without text."""
    assert list(count_ngrams(Context(Resources(2)), Texts(texts, None, False), 6)) == []
    with pytest.raises(CorpusError, match="no text"):
        plain_trainer().train(texts, progress=False)


def test_counting_ngrams_is_that_pass():
    run = one_run(count_ngrams(Context(Resources(2)), Texts(["abab", "b"], None, False), 2))
    assert ngram_counts(run) == {b"a": 2, b"b": 3, b"ab": 2, b"ba": 1}


# Pieces.

PIECES = st.binary(max_size=20) | st.text("\x00a", max_size=20).map(str.encode)
COUNTED = st.lists(st.tuples(PIECES, st.integers(1, 2**33)), max_size=40)


def packed(counted):
    """Counted byte strings, a list of pairs, as `CountedBytes`."""
    counts = np.array([count for _, count in counted], dtype=np.uint64)
    return PackedBytes.from_list(piece for piece, _ in counted).with_counts(counts)


def pairs(counts):
    return list(zip(counts.to_list(), counts.counts.tolist(), strict=True))


def total(*lists):
    counts = Counter()
    for counted in lists:
        for piece, count in counted:
            counts[piece] += count
    return counts


def taken(counter):
    return pairs(counter.take())


@given(counted=COUNTED)
@examples(60)
def test_pieces_are_summed_and_sorted_by_bytes(counted):
    counter = PieceTable()
    counter.add_pieces(packed(counted))
    assert taken(counter) == sorted(total(counted).items())


@given(parts=st.lists(COUNTED, max_size=4))
@examples(60)
def test_parts_counted_one_by_one_are_the_whole(parts):
    merged = PieceTable()
    for part in parts:
        counter = PieceTable()
        counter.add_pieces(packed(part))
        merged.add_pieces(counter.take())
    assert taken(merged) == sorted(total(*parts).items())


@pytest.mark.parametrize(
    "pieces",
    [
        [b"", b"\0", b"\0\0", b"\0" * 7, b"\0" * 8, b"\0" * 9, b"\0" * 16],
        [b"a", b"a\0", b"a\0\0", b"\0a"],
        [b"abcdefgh", b"abcdefgh\0", b"abcdefghi", b"abcdefg"],
        [b"\xff" * n for n in range(20)],
        [b"x" * 1000, b"x" * 1000 + b"\0", b"x" * 999],
    ],
    ids=range(5),
)
def test_pieces_that_differ_in_little_are_told_apart(pieces):
    counter = PieceTable()
    counter.add_pieces(packed([(piece, 1) for piece in pieces]))
    assert taken(counter) == [(piece, 1) for piece in sorted(pieces)]


def test_counts_of_pieces_go_beyond_32_bits():
    counter = PieceTable()
    for _ in range(3):
        counter.add_pieces(packed([(b"a", 2**61)]))
    assert taken(counter) == [(b"a", 3 * 2**61)]


@pytest.mark.slow
def test_many_pieces():
    generator = random.Random(0)
    counted = [(generator.randbytes(generator.choice([1, 2, 3, 8, 30])), k) for k in range(1, 50_000)]
    counter = PieceTable()
    counter.add_pieces(packed(counted))
    assert taken(counter) == sorted(total(counted).items())


@given(counted=COUNTED)
@examples(60)
def test_length_is_the_number_of_distinct_pieces(counted):
    counter = PieceTable()
    counter.add_pieces(packed(counted))
    assert len(counter) == len(total(counted))


def test_taken_it_starts_afresh():
    counter = PieceTable()
    counter.add_pieces(packed([(b"a", 1), (b"b", 2)]))
    counter.take()
    counter.add_pieces(packed([(b"b", 5)]))
    assert taken(counter) == [(b"b", 5)]


def test_taken_it_holds_no_memory():
    counter = PieceTable()
    counter.add_pieces(packed([(b"a" * 10_000, 1)]))
    assert counter.nbytes > 10_000
    counter.take()
    assert counter.nbytes == 0


@pytest.mark.parametrize("ends", [[4], [2, 1], [-1]], ids=str)
def test_short_segments_outside_the_data_are_refused(ends):
    with pytest.raises(ValueError, match="ascend"):
        PieceTable().add_short(b"abc", 0, np.array(ends, dtype=np.int64), 2)


def test_nothing_counted_is_nothing_taken():
    assert taken(PieceTable()) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"offsets": np.array([0, 1], dtype=np.int64)}, "each string needs a count"),
        ({"offsets": np.array([], dtype=np.int64)}, "one offset more"),
        ({"offsets": np.array([0, 3, 2], dtype=np.int64)}, "must ascend"),
        ({"offsets": np.array([-1, 2, 3], dtype=np.int64)}, "must ascend"),
        ({"counts": np.array([1], dtype=np.uint64)}, "each string needs a count"),
        ({"data": np.array([1], dtype=np.uint8)}, "within the data"),
    ],
)
def test_arrays_that_do_not_match_are_refused(change, problem):
    counted = replace(packed([(b"ab", 1), (b"c", 2)]), **change)
    with pytest.raises(ValueError, match=problem):
        PieceTable().add_pieces(counted)


@pytest.mark.parametrize("dtype", [np.int32, np.uint8])
def test_counts_of_another_width_are_refused(dtype):
    counted = packed([(b"ab", 1)])
    with pytest.raises(TypeError, match="8 bytes"):
        PieceTable().add_pieces(counted.with_counts(counted.counts.astype(dtype)))


@SPILLING
@pytest.mark.parametrize("workers", [1, 2, 5])
def test_pieces_of_all_workers_are_summed(workers, limit):
    class Task:
        kind, basis, nbytes = "pieces", None, 0

        def counter(self, store, limit):
            return PieceCounter(self.count, limit, store)

        def count(self, batch, table):
            table.add_pieces(packed([(batch.data, 1), (b"each", 2**40)]))

    reader = Reader(["ABCD"[k % 4] for k in range(30)], batch_bytes=1)
    counts = count_pass(limited(workers, limit), Task(), reader, nothing)
    expected = [(b"A", 8), (b"B", 8), (b"C", 7), (b"D", 7), (b"each", 30 * 2**40)]
    assert [pair for run in counts for pair in pairs(run)] == expected


# Runs.


@given(parts=st.lists(RUNS, min_size=1, max_size=6))
@examples(60)
def test_many_runs_merged_are_the_sum(parts):
    merged = merge([NgramRun(*run_of(part)) for part in parts])
    assert dict(zip(merged.keys.tolist(), merged.counts.tolist(), strict=True)) == summed(parts)


def summed(parts):
    counts = Counter()
    for part in parts:
        counts.update(part)
    return counts


@st.composite
def streams(draw):
    """Counts with the places where they are cut, for each of some streams."""
    cuts = st.sets(st.integers(0, 30), max_size=5)
    parts = st.dictionaries(st.integers(0, 40), st.integers(1, 2**59), max_size=30)
    return draw(st.lists(st.tuples(parts, cuts), max_size=5))


def cut_up(run, cuts):
    n = len(run)
    edges = [0, *sorted(min(cut, n) for cut in cuts), n]
    return iter([run.slice(begin, end) for begin, end in pairwise(edges)])


@given(drawn=streams())
@examples(60)
def test_merged_streams_of_ngrams_are_the_sum(drawn):
    merged = merge_streams([cut_up(NgramRun(*run_of(part)), cuts) for part, cuts in drawn])
    rows = [row for run in merged for row in zip(run.keys.tolist(), run.counts.tolist(), strict=True)]
    assert rows == sorted(summed(part for part, _ in drawn).items())


@given(drawn=streams())
@examples(60)
def test_merged_streams_of_pieces_are_the_sum(drawn):
    named = [({b"\0" * (key % 3) + b"x" * (key // 3): n for key, n in part.items()}, cuts) for part, cuts in drawn]
    merged = merge_streams([cut_up(packed(sorted(part.items())), cuts) for part, cuts in named])
    assert [pair for run in merged for pair in pairs(run)] == sorted(summed(part for part, _ in named).items())


@given(counted=COUNTED, key=PIECES)
@examples(60)
def test_a_run_is_split_behind_a_key(counted, key):
    run = packed(sorted(total(counted).items()))
    first, rest = run.split(key)
    assert pairs(first) + pairs(rest) == pairs(run)
    assert all(piece <= key for piece in first.to_list())
    assert all(piece > key for piece in rest.to_list())


# Workers.


def batches_of(n):
    return [Batch(b"x" * 50, 0, np.array([k + 1]), True) for k in range(n)]


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_each_batch_is_counted_once(workers):
    counters = [[] for _ in range(workers)]
    Threads(len(counters)).consume(
        batches_of(50), counters, lambda counter, batch: counter.append(batch.n_bytes), nothing
    )
    assert sorted(n for counter in counters for n in counter) == list(range(1, 51))


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_what_is_done_is_told_in_order(workers):
    told = []
    Threads(workers).consume(range(50), [None] * workers, lambda counter, item: None, told.append)
    assert told == list(range(50))


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_run_side_by_side(workers):
    together = threading.Barrier(workers)
    Threads(workers).consume(
        batches_of(workers), [None] * workers, lambda counter, batch: together.wait(timeout=60), nothing
    )
    assert not together.broken


def test_a_counter_is_in_one_thread_at_a_time():
    counters = [threading.Lock() for _ in range(3)]

    def count(lock, batch):
        assert lock.acquire(blocking=False)
        threading.Event().wait(0.001)
        lock.release()

    Threads(len(counters)).consume(batches_of(60), counters, count, nothing)


class Failure(Exception):
    """Raised in a worker."""


def fail(counter, batch):
    if batch.n_bytes == 3:
        raise Failure("batch 3")


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("n_batches", [3, 4, 50])
def test_an_exception_of_a_worker_is_passed_on(workers, n_batches):
    with pytest.raises(Failure, match="batch 3"):
        Threads(workers).consume(batches_of(n_batches), [None] * workers, fail, nothing)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_exception_of_the_texts_is_passed_on(workers):
    def batches():
        yield from batches_of(5)
        raise Failure("texts")

    with pytest.raises(Failure, match="texts"):
        Threads(workers).consume(batches(), [None] * workers, lambda counter, batch: None, nothing)


def test_no_thread_is_left_after_an_exception():
    before = threading.active_count()
    with pytest.raises(Failure):
        Threads(4).consume(batches_of(50), [None] * 4, fail, nothing)
    assert threading.active_count() == before


def test_reading_ends_soon_after_an_exception():
    read = []

    def batches():
        for batch in batches_of(1000):
            read.append(batch)
            yield batch

    with pytest.raises(Failure):
        Threads(2).consume(batches(), [None] * 2, fail, nothing)
    assert len(read) < 20


def test_reading_is_a_few_batches_ahead_at_most():
    waiting = [0]
    most = [0]

    def batches():
        for batch in batches_of(100):
            waiting[0] += 1
            most[0] = max(most[0], waiting[0])
            yield batch

    def told(n_bytes):
        waiting[0] -= 1

    Threads(2).consume(batches(), [None] * 2, lambda counter, batch: None, told)
    assert most[0] <= 6


@pytest.mark.parametrize("n", [0, 1, 2, 9])
def test_results_of_threads_come_in_the_order_of_the_items(n):
    assert Threads(n + 1).map(lambda k: k * k, range(1, n + 2)) == [k * k for k in range(1, n + 2)]


@pytest.mark.parametrize("n", [1, 4])
def test_an_exception_of_a_thread_is_passed_on(n):
    with pytest.raises(ZeroDivisionError):
        Threads(n + 1).map(lambda k: 1 // k, range(n))


# Kernels against wrong input.


@pytest.mark.parametrize("ends", [[4], [2, 1], [-1]], ids=str)
def test_documents_outside_the_data_are_refused(ends):
    with pytest.raises(ValueError, match="ascend"):
        cut_segments(b"abc", np.array(ends, dtype=np.int64), 10, 10, np.zeros(0, dtype=np.int64))
