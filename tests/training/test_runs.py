"""Runs and streams of counts: merged they give the same sums, however they were divided."""

import io
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece.training.counting import counts_file
from bytepiece.training.counting import store as store_module
from bytepiece.training.counting.counts_file import write_runs
from bytepiece.training.counting.kernels.pieces import PieceTable
from bytepiece.training.counting.runs import NgramRun, merge, merge_streams
from bytepiece.training.counting.spool import Counts, RunFile, Spool
from bytepiece.training.counting.store import Store
from bytepiece.training.resources import Resources
from bytepiece.training.workers import Threads
from helpers.counts import run_of
from helpers.properties import examples

KINDS = pytest.mark.parametrize("kind", ["ngrams", "pieces"])
# Byte strings that kernels could confuse: empty, with NUL, with a common start or one the start of the other, longer
# than the eight bytes that are compared first.
PIECES = st.sampled_from(
    [b"", b"\0", b"\0\0", b"a", b"a\0", b"a\0b", b"ab", b"abcdefgh", b"abcdefgh\0", b"abcdefghi", b"\xff", b"\xff\xff"]
) | st.binary(max_size=12)
NGRAMS = st.integers(0, 9) | st.integers(0, 2**64 - 1) | st.sampled_from([2**32 - 1, 2**32, 2**63, 2**64 - 1])
# Eight of them still fit into 63 bits.
COUNTS = st.integers(1, 3) | st.sampled_from([2**32 - 1, 2**32, 2**32 + 1, 2**53 + 1, 2**60]) | st.integers(1, 2**60)


def rows_of(run):
    """Keys and counts, in their order."""
    keys = run.keys.tolist() if isinstance(run, NgramRun) else run.to_list()
    return list(zip(keys, run.counts.tolist(), strict=True))


def rows_of_all(runs):
    return [row for run in runs for row in rows_of(run)]


def added(parts):
    """The sums of all parts, in the order of keys."""
    total = Counter()
    for part in parts:
        total.update(part)
    return sorted(total.items())


def cut(run, places):
    """A run in pieces that ascend; some may be empty."""
    n = len(run)
    edges = [0, *sorted(min(place, n) for place in places), n]
    return [run.slice(begin, end) for begin, end in pairwise(edges)]


def file_of(kind, runs):
    file = io.BytesIO()
    write_runs(file, runs)
    return RunFile(file, 0, kind, "a file", own=True)


def parts_of(kind):
    keys = NGRAMS if kind == "ngrams" else PIECES
    return st.lists(st.dictionaries(keys, COUNTS, max_size=12), max_size=6)


def stored(runs, spool=None, limit=2**60):
    """Runs that go through a store, in their order."""
    store = Store(limit, spool)
    for run in runs:
        store.add(run)
    return store.take(Threads(2))


@pytest.fixture
def block_items(monkeypatch):
    """Sets the number of items in a block of a file."""
    return lambda n: monkeypatch.setattr(counts_file, "_BLOCK_ITEMS", n)


# Every way to divide counts.


@KINDS
@given(data=st.data())
@examples(100)
def test_counts_in_memory_and_in_files_are_the_sum(kind, block_items, data):
    parts = data.draw(parts_of(kind))
    block_items(data.draw(st.integers(1, 5) | st.just(2**16)))
    runs, files = [], []
    for part in parts:
        run = run_of(kind, part)
        if data.draw(st.booleans()):
            files.append(file_of(kind, cut(run, data.draw(st.lists(st.integers(0, 20), max_size=4)))))
        else:
            runs.append(run)
    assert rows_of_all(Counts(stored(runs), files)) == added(parts)


@KINDS
@given(data=st.data())
def test_counts_divided_are_the_whole(kind, data):
    """The same counts, divided among runs in random ways."""
    whole = data.draw(st.dictionaries(NGRAMS if kind == "ngrams" else PIECES, st.integers(1, 2**63), max_size=15))
    parts = [{} for _ in range(data.draw(st.integers(1, 6)))]
    for key, count in whole.items():
        edges = sorted(data.draw(st.integers(0, count)) for _ in parts[1:])
        for part, (low, high) in zip(parts, pairwise([0, *edges, count]), strict=True):
            if low < high:
                part[key] = high - low
    runs = [run_of(kind, part) for part in parts]
    assert rows_of_all(Counts(stored(runs))) == sorted(whole.items())
    assert rows_of(merge(runs)) == sorted(whole.items())


@KINDS
@given(data=st.data(), merge_files=st.integers(2, 4))
@examples(40)
def test_spilled_counts_are_the_sum(kind, block_items, monkeypatch, merge_files, data):
    parts = data.draw(st.lists(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 2**57)), max_size=30))
    parts = [{ord(key) if kind == "ngrams" else key.encode(): n for key, n in part.items()} for part in parts]
    block_items(2)
    monkeypatch.setattr(Resources, "MERGED_FILES", merge_files)
    spool = Spool(kind, Resources())
    for part in parts:
        spool.add([run_of(kind, part)])
    assert rows_of_all(Counts(files=spool.files)) == added(parts)


@KINDS
@pytest.mark.parametrize("n", [1, 15, 16, 17, 255, 256, 257])
def test_spilled_counts_are_in_few_files(kind, n):
    spool = Spool(kind, Resources())
    for k in range(n):
        spool.add([run_of(kind, {k if kind == "ngrams" else b"%03d" % k: 2**40})])
    assert len(spool.files) == sum(divmod(n % 256, 16)) + n // 256
    assert [count for _, count in rows_of_all(Counts(files=spool.files))] == [2**40] * n


@KINDS
@given(data=st.data())
@examples(40)
def test_merging_leaves_the_runs_as_they_were(kind, data):
    parts = data.draw(parts_of(kind))
    runs = [run_of(kind, part) for part in parts]
    list(merge_streams([iter([run]) for run in runs]))
    if runs:
        merge(runs)
    assert [rows_of(run) for run in runs] == [sorted(part.items()) for part in parts]


@KINDS
@given(data=st.data())
@examples(60)
def test_merged_streams_ascend_and_have_no_empty_run(kind, data):
    parts = data.draw(parts_of(kind))
    cuts = st.lists(st.integers(0, 20), max_size=4)
    merged = list(merge_streams([iter(cut(run_of(kind, part), data.draw(cuts))) for part in parts]))
    keys = [key for key, _ in rows_of_all(merged)]
    assert keys == sorted(set(keys))


@KINDS
@pytest.mark.parametrize("streams", [[], [[]], [[{}]], [[{}, {}], [{}]]], ids=str)
def test_nothing_merged_is_nothing(kind, streams):
    assert rows_of_all(merge_streams([iter([run_of(kind, part) for part in stream]) for stream in streams])) == []


@KINDS
def test_one_run_of_each_stream_is_in_memory_at_a_time(kind):
    n_streams, n_runs = 3, 50
    read = 0

    def stream(number):
        nonlocal read
        for k in range(n_runs):
            read += 1
            key = k * n_streams + number
            yield run_of(kind, {key if kind == "ngrams" else b"%05d" % key: 1})

    for given_out, _ in enumerate(merge_streams([stream(number) for number in range(n_streams)])):
        assert read <= given_out + 1 + n_streams


@KINDS
def test_counts_of_a_file_last_as_long_as_someone_reads_them(kind):
    parts = [{key if kind == "ngrams" else b"%d" % key: 1} for key in range(2)]
    runs = iter(Counts(files=[file_of(kind, [run_of(kind, part)]) for part in parts]))
    assert rows_of_all(runs) == added(parts)


# Stores.


@pytest.fixture
def range_bytes(monkeypatch):
    """Sets the size from which on ranges of keys are divided."""
    return lambda n: monkeypatch.setattr(store_module, "_RANGE_BYTES", n)


def words(kind, seed, n):
    """Some words with counts, a few of them often."""
    generator = random.Random(seed)
    keys = [min(generator.randrange(1, 5000), generator.randrange(1, 5000)) for _ in range(n)]
    return Counter(key if kind == "ngrams" else b"%x" % key * (key % 5 + 1) for key in keys)


@KINDS
@given(data=st.data(), n_bytes=st.integers(1, 400), limit=st.sampled_from([0, 300, 2**60]))
@examples(60)
def test_a_store_has_the_sum_of_what_is_added(kind, range_bytes, limit, n_bytes, data):
    range_bytes(n_bytes)
    parts = data.draw(parts_of(kind))
    spool = Spool(kind, Resources())
    runs = stored([run_of(kind, part) for part in parts], spool, limit)
    keys = [key for key, _ in rows_of_all(runs)]
    assert keys == sorted(set(keys))
    assert all(len(run) for run in runs)
    assert rows_of_all(Counts(runs, spool.files)) == added(parts)


@pytest.mark.slow
@KINDS
@pytest.mark.parametrize("n_bytes", [1, 1000, 2**22])
@pytest.mark.parametrize("limit", [0, 20_000, 2**60])
def test_many_threads_may_add_to_a_store(kind, n_bytes, limit, range_bytes):
    range_bytes(n_bytes)
    parts = [words(kind, seed, 200) for seed in range(40)]
    spool = Spool(kind, Resources())
    store = Store(limit, spool)
    with ThreadPoolExecutor(8) as executor:
        list(executor.map(lambda part: store.add(run_of(kind, part)), parts))
    assert rows_of_all(Counts(store.take(Threads(3)), spool.files)) == added(parts)


@KINDS
def test_a_store_holds_no_more_than_its_limit(kind):
    spool = Spool(kind, Resources())
    store = Store(10_000, spool)
    for seed in range(50):
        store.add(run_of(kind, words(kind, seed, 100)))
        assert sum(run.nbytes for run in kept(store)) <= 10_000
    assert spool.files


def ranges(store):
    """The runs of each range of a store."""
    ranges, place = [], store._first
    while place is not None:
        ranges.append(place.runs)
        place = place.following
    return ranges


def kept(store):
    """The runs that are in a store."""
    return [run for runs in ranges(store) for run in runs]


@KINDS
def test_large_ranges_of_a_store_are_divided(kind, range_bytes):
    range_bytes(2000)
    store = Store(2**60, None)
    for seed in range(20):
        store.add(run_of(kind, words(kind, seed, 500)))
    assert max(run.nbytes for run in kept(store)) < 4000
    assert len(ranges(store)) > 10


@KINDS
def test_a_store_merges_runs_of_like_size(kind):
    store = Store(2**60, None)
    for key in range(100):
        store.add(run_of(kind, {key if kind == "ngrams" else b"%03d" % key: 1}))
    assert [len(run) for run in kept(store)] == [64, 32, 4]


@KINDS
def test_a_store_keeps_nothing_of_what_it_was_given(kind):
    run = run_of(kind, {1: 1, 2: 2} if kind == "ngrams" else {b"a": 1, b"b": 2})
    (taken,) = stored([run])
    assert not any(np.shares_memory(a, b) for a, b in zip(taken.arrays, run.arrays, strict=True))


@KINDS
def test_a_store_that_was_taken_is_empty(kind):
    store = Store(2**60, None)
    part = words(kind, 0, 50)
    for _ in range(2):
        store.add(run_of(kind, part))
        assert rows_of_all(store.take(Threads(1))) == sorted(part.items())
    assert store.take(Threads(1)) == []


@KINDS
def test_a_failure_in_a_store_stops_nobody_else(kind, monkeypatch):
    store = Store(2**60, None)
    run = run_of(kind, words(kind, 0, 50))
    store.add(run)
    with monkeypatch.context() as patch:
        patch.setattr(type(run), "add", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError) as caught:
            store.add(run)
    other = threading.Thread(target=store.add, args=(run,), daemon=True)
    other.start()
    other.join(60)
    assert not other.is_alive()
    assert caught  # and with it all frames of the failure


def test_a_piece_larger_than_a_range_is_stored(range_bytes):
    range_bytes(1000)
    part = {b"x" * 5000: 1, b"y" * 5000: 2, b"y": 3}
    runs = stored([run_of("pieces", part)] * 3)
    assert rows_of_all(runs) == [(b"x" * 5000, 3), (b"y", 9), (b"y" * 5000, 6)]


# 64 bits.


@KINDS
@pytest.mark.parametrize(
    "counts",
    [
        [2**31, 2**31],
        [2**32 - 1, 1],
        [2**32 - 1, 2**32 - 1],
        [2**32, 2**32],
        [2**53, 1],
        [2**62, 2**62 - 1],
        [2**62, 2**62],
        [2**63 - 1, 1],
        [2**60] * 8,
        [1, 2**63 - 1],
    ],
    ids=str,
)
def test_sums_are_exact_in_64_bits(kind, counts):
    runs = [run_of(kind, {257 if kind == "ngrams" else b"a": count}) for count in counts]
    key = 257 if kind == "ngrams" else b"a"
    assert rows_of(merge(runs)) == [(key, sum(counts))]
    assert rows_of_all(Counts(runs[:1], [file_of(kind, [run]) for run in runs[1:]])) == [(key, sum(counts))]
    if kind == "pieces":
        counter = PieceTable()
        for run in runs:
            counter.add_pieces(run)
        assert rows_of(counter.take()) == [(key, sum(counts))]


# Pieces that are hard to tell apart.

TRICKY = [b"", b"\0", b"\0\0", b"a", b"a\0", b"aa"]
LONG = [b"\0" * 7, b"\0" * 8, b"\0" * 9, b"abcdefgh", b"abcdefgh\0", b"abcdefghi"]


def subsets(pieces):
    return [[piece for k, piece in enumerate(pieces) if number >> k & 1] for number in range(2 ** len(pieces))]


@pytest.mark.parametrize("pieces", [TRICKY, LONG], ids=["short", "long"])
def test_any_two_sets_of_pieces_merge(pieces):
    sets = [dict.fromkeys(subset, 2**33 + 1) for subset in subsets(pieces)]
    runs = [run_of("pieces", each) for each in sets]
    for a, run_a in zip(sets, runs, strict=True):
        for b, run_b in zip(sets, runs, strict=True):
            assert rows_of(run_a.add(run_b)) == added([a, b])


@pytest.mark.parametrize("pieces", [TRICKY, LONG], ids=["short", "long"])
def test_tricky_pieces_split_at_each_of_them(pieces):
    run = run_of("pieces", dict.fromkeys(pieces, 1))
    for key in sorted(pieces):
        first, rest = run.split(key)
        assert first.to_list() == [piece for piece in sorted(pieces) if piece <= key]
        assert rest.to_list() == [piece for piece in sorted(pieces) if piece > key]


def test_a_piece_of_a_megabyte_merges():
    long = b"x" * 2**20
    runs = [run_of("pieces", {long: 1, long + b"\0": 1}), run_of("pieces", {long: 2, long[:-1]: 2})]
    assert rows_of(merge(runs)) == [(long[:-1], 2), (long, 3), (long + b"\0", 1)]


# What runs can do.


@given(part=st.dictionaries(NGRAMS, COUNTS, max_size=20), key=NGRAMS)
def test_ngrams_are_split_behind_a_key(part, key):
    first, rest = run_of("ngrams", part).split(np.uint64(key))
    assert rows_of(first) == [row for row in sorted(part.items()) if row[0] <= key]
    assert rows_of(rest) == [row for row in sorted(part.items()) if row[0] > key]


@KINDS
@given(data=st.data())
def test_a_part_of_a_run_is_what_stands_there(kind, data):
    counts = data.draw(st.dictionaries(NGRAMS if kind == "ngrams" else PIECES, COUNTS, max_size=20))
    end = data.draw(st.integers(0, len(counts)))
    begin = data.draw(st.integers(0, end))
    run = run_of(kind, counts).slice(begin, end)
    assert rows_of(run) == sorted(counts.items())[begin:end]
    if begin < end:
        assert run.item(end - begin - 1) == sorted(counts)[end - 1]


@KINDS
@given(data=st.data())
def test_runs_that_ascend_are_joined(kind, data):
    counts = data.draw(st.dictionaries(NGRAMS if kind == "ngrams" else PIECES, COUNTS, max_size=20))
    run = run_of(kind, counts)
    runs = cut(run, data.draw(st.lists(st.integers(0, 20), max_size=4)))
    assert rows_of(type(run).join(runs)) == sorted(counts.items())


@KINDS
def test_no_runs_are_joined_to_an_empty_one(kind):
    run = run_of(kind, {})
    joined = type(run).join([])
    assert rows_of(joined) == []
    assert [array.dtype for array in joined.arrays] == [array.dtype for array in run.arrays]


@KINDS
def test_the_memory_of_a_run_is_that_of_its_arrays(kind):
    run = run_of(kind, {1: 1, 2: 2} if kind == "ngrams" else {b"a": 1, b"bc": 2})
    assert run.nbytes == (32 if kind == "ngrams" else 3 + 24 + 16)
