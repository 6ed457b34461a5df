"""Files of counts: they come back as they were, or not at all.

The golden files in tests/data are those of format 1, and must always load. This writes them:
``python tests/training/test_counts_file.py``.
"""

import re
import struct
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece.core.packed import PackedBytes
from bytepiece.errors import BytePieceError, CountsFormatError
from bytepiece.training.counting import counts_file
from bytepiece.training.counting.blocks import read_header
from bytepiece.training.counting.counts_file import save_counts
from bytepiece.training.counting.parts import merge_counts, open_counts
from bytepiece.training.counting.runs import NgramRun
from bytepiece.training.resources import Resources
from helpers.counts import key_of, run_of
from helpers.properties import examples

DATA = Path(__file__).parents[1] / "data"
KINDS = pytest.mark.parametrize("kind", ["ngrams", "pieces"])
HEADERS = {
    "ngrams": {"kind": "ngrams", "settings": {"order": 6, "isolate_digits": False, "normalization": None}},
    "pieces": {"kind": "pieces", "settings": {"order": 6, "min_count": 2}, "model": [12, 256, 3]},
}
COUNTS = {
    "ngrams": {0x6100000000000001: 1, 0x6162000000000002: 2**32, 0x6162636465666707: 2**61, 0xFF00000000000001: 3},
    "pieces": {b"\0": 2**32 - 1, b"a": 2**32, b"a\0": 2**60, b"abcdefghi": 5, "é你🙂".encode(): 7},
}


def save(path, kind, counts, block_items=2**16):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counts_file, "_BLOCK_ITEMS", block_items)
        save_counts(path, HEADERS[kind], [run_of(kind, counts)])


def load(path):
    """The header, and keys with their counts, in the order of the file."""
    header = read_header(path)[0]
    counts = open_counts([path], {header["kind"]: {}}, Resources())[header["kind"]].counts
    rows = []
    for run in counts:
        keys = run.keys.tolist() if isinstance(run, NgramRun) else run.to_list()
        rows += zip(keys, run.counts.tolist(), strict=True)
    return header, rows


def golden_path(kind):
    return DATA / f"format-1-{kind}.counts"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some.counts"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The bytes of a file of each kind, in several blocks."""
    path = tmp_path_factory.mktemp("saved") / "some.counts"
    files = {}
    for kind, counts in COUNTS.items():
        save(path, kind, counts, block_items=3)
        files[kind] = path.read_bytes()
    return files


@pytest.fixture(scope="module")
def one_block(tmp_path_factory):
    """The bytes of a file with a single count, of each kind."""
    path = tmp_path_factory.mktemp("saved") / "some.counts"
    files = {}
    for kind, counts in COUNTS.items():
        save(path, kind, dict([*counts.items()][:1]))
        files[kind] = path.read_bytes()
    return files


def begin_of_blocks(data):
    """Where the header ends."""
    return data.index(b"\n", data.index(b"\n") + 1) + 1


def check_refused(path, data):
    """A file must be refused, by an error in one line that names it."""
    check_refused_or_same(path, data, None)


def check_refused_or_same(path, data, expected):
    path.write_bytes(data)
    try:
        loaded = load(path)
    except CountsFormatError as error:
        loaded = str(error)
    if isinstance(loaded, str):
        assert str(path) in loaded
        assert "\n" not in loaded
    else:
        assert loaded == expected


# As they were.


@KINDS
@given(data=st.data(), block_items=st.integers(1, 4) | st.just(2**16))
def test_counts_come_back(kind, block_items, data, tmp_path_factory):
    keys = st.binary(min_size=1, max_size=7).map(key_of) if kind == "ngrams" else st.binary(min_size=1, max_size=12)
    counts = data.draw(st.dictionaries(keys, st.integers(1, 2**53), max_size=20))
    path = tmp_path_factory.getbasetemp() / "round-trip.counts"
    save(path, kind, counts, block_items)
    assert load(path) == (HEADERS[kind], sorted(counts.items()))


@pytest.mark.slow
@KINDS
def test_more_counts_than_a_block_come_back(kind, path):
    counts = {k << 8 | 7 if kind == "ngrams" else b"%06d" % k: k + 2**32 for k in range(2**17 + 5)}
    save(path, kind, counts)
    assert load(path)[1] == sorted(counts.items())


@KINDS
def test_the_golden_file_loads(kind):
    assert load(golden_path(kind)) == (HEADERS[kind], sorted(COUNTS[kind].items()))


@KINDS
def test_the_golden_file_is_what_is_written(kind, path):
    """A change of the format gets another number."""
    save(path, kind, COUNTS[kind])
    assert path.read_bytes() == golden_path(kind).read_bytes()


@KINDS
def test_the_same_counts_are_the_same_file(kind, path):
    """The file is the same, however counts were divided into runs."""
    save(path, kind, COUNTS[kind])
    expected = path.read_bytes()
    run = run_of(kind, COUNTS[kind])
    save_counts(path, HEADERS[kind], [run.slice(k, k + 1) for k in range(len(run))])
    assert path.read_bytes() == expected


@KINDS
def test_arrays_are_aligned(kind, path):
    """The kernels read 8 bytes at a time."""
    save(path, kind, COUNTS[kind], block_items=1)
    counts = open_counts([path], {kind: {}}, Resources())[kind].counts
    assert all(array.flags.aligned for run in counts for array in run.arrays)


# Damage.


@KINDS
def test_a_file_cut_off_anywhere_is_refused(kind, path, saved):
    data = saved[kind]
    for end in range(len(data)):
        check_refused(path, data[:end])


@pytest.mark.slow
@KINDS
def test_zeros_at_the_end_are_refused(kind, path, saved):
    """Some file systems leave zeros at the end after a crash."""
    data = saved[kind]
    path.write_bytes(data)
    expected = load(path)
    for end in range(len(data)):
        check_refused_or_same(path, data[:end].ljust(len(data), b"\0"), expected)


@KINDS
@pytest.mark.slow
def test_no_flipped_bit_gives_other_counts(kind, path, one_block):
    data = one_block[kind]
    path.write_bytes(data)
    expected = load(path)
    for position in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[position] ^= 1 << bit
            check_refused_or_same(path, flipped, expected)


@KINDS
@given(data=st.data())
@examples(150)
def test_no_damage_gives_other_counts(kind, saved, data, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "damaged.counts"
    path.write_bytes(saved[kind])
    expected = load(path)
    begin = data.draw(st.integers(0, len(saved[kind])))
    end = data.draw(st.integers(begin, len(saved[kind])))
    new = data.draw(st.binary(max_size=20) | st.just(bytes(end - begin)) | st.just(saved[kind][:begin]))
    check_refused_or_same(path, saved[kind][:begin] + new + saved[kind][end:], expected)


@KINDS
def test_blocks_that_are_missing_doubled_or_exchanged_are_refused(kind, path, saved, one_block):
    """Each block is intact by itself."""
    data, begin = saved[kind], begin_of_blocks(saved[kind])
    path.write_bytes(data)
    expected = load(path)
    n_items, n_bytes = struct.unpack_from("<QQ", data, begin)
    assert n_items == 3
    header, first, rest = data[:begin], data[begin : begin + n_bytes + 20], data[begin + n_bytes + 20 :]
    for damaged in (header + rest, header + first + first + rest, header + rest[:-20] + first + rest[-20:]):
        check_refused_or_same(path, damaged, expected)
    check_refused(path, header + first + data[begin : begin + 1])


# Counts that no pass can have made, in files whose checksums are right.


@pytest.mark.parametrize(
    ("kind", "items", "counts", "says"),
    [
        ("ngrams", [key_of(b"a"), key_of(b"b")], [0, 1], "a count is 0"),
        ("pieces", [b"a", b"b"], [0, 1], "a count is 0"),
        ("ngrams", [key_of(b"b"), key_of(b"a")], [1, 1], "do not ascend"),
        ("ngrams", [key_of(b"a"), key_of(b"a")], [1, 1], "do not ascend"),
        ("pieces", [b"b", b"a"], [1, 1], "do not ascend"),
        ("pieces", [b"ab", b"a"], [1, 1], "do not ascend"),
        ("pieces", [b"a", b"a"], [1, 1], "do not ascend"),
        ("ngrams", [0x6100000000000000], [1], "1 to 7 bytes"),
        ("ngrams", [0x6162636465666708], [1], "1 to 7 bytes"),
        ("ngrams", [0x6162000000000001], [1], "zeros"),
        ("ngrams", [0x6162636465660106], [1], "zeros"),
        ("pieces", [b"", b"a"], [1, 1], "1 to 65535 bytes"),
        ("pieces", [b"a", b"b" * 65536], [1, 1], "1 to 65535 bytes"),
        ("ngrams", [key_of(b"a"), key_of(b"b")], [2**62, 1], "4 exabytes"),
        ("ngrams", [key_of(b"a"), key_of(b"b")], [2**64 - 1, 2**64 - 1], "4 exabytes"),
        ("pieces", [b"a", b"b" * 1000], [1, 2**53], "4 exabytes"),
    ],
)
@pytest.mark.parametrize("block_items", [1, 2**16])
def test_counts_of_no_text_are_refused(kind, items, counts, says, block_items, path, monkeypatch):
    monkeypatch.setattr(counts_file, "_BLOCK_ITEMS", block_items)
    numbers = np.array(counts, dtype=np.uint64)
    pieces = kind == "pieces"
    run = PackedBytes.from_list(items).with_counts(numbers) if pieces else NgramRun(np.array(items, np.uint64), numbers)
    save_counts(path, HEADERS[kind], [run])
    for refuse in (load, lambda path: merge_counts([path], path.with_name("merged"))):
        with pytest.raises(CountsFormatError, match=f"{re.escape(str(path))}.*{says}"):
            refuse(path)
    assert not path.with_name("merged").exists()


def test_files_whose_sums_are_too_large_are_refused_together(tmp_path):
    paths = [tmp_path / "a", tmp_path / "b"]
    for path in paths:
        save(path, "ngrams", {key_of(b"a"): 2**61 + 2**20})
        load(path)
    with pytest.raises(CountsFormatError, match=re.escape(f"{paths[0]}, {paths[1]}: ")):
        merge_counts(paths, tmp_path / "merged")
    assert sorted(tmp_path.iterdir()) == paths


@KINDS
def test_what_stands_behind_the_end_changes_nothing(kind, path, saved):
    path.write_bytes(saved[kind])
    expected = load(path)
    check_refused_or_same(path, saved[kind] * 2, expected)


@KINDS
@pytest.mark.parametrize("n_bytes", [0, 16, 2**31, 2**39, 2**40, 2**40 + 1, 2**63 - 1, 2**63, 2**64 - 1])
def test_absurd_sizes_of_a_block_take_no_memory(kind, n_bytes, path, saved):
    for n_items in (0, 1, 2, 2**16, 2**16 + 1, 2**32, 2**63, 2**64 - 1):
        check_no_memory(path, saved[kind], n_items, n_bytes)


def check_no_memory(path, saved, n_items, n_bytes):
    data = bytearray(saved)
    struct.pack_into("<QQ", data, begin_of_blocks(data), n_items, n_bytes)
    tracemalloc.start()
    try:
        check_refused(path, data)
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "offsets",
    [[0, 2, 1, 3], [0, -1, 1, 3], [0, 1, 2**62, 3], [0, -(2**63), 2**63 - 1, 3], [0, 4, 4, 3]],
    ids=str,
)
def test_offsets_outside_the_pieces_are_refused(offsets, path):
    """Written so on purpose, with a checksum that is right."""
    run = run_of("pieces", {b"a": 1, b"b": 1, b"c": 1})
    save_counts(path, HEADERS["pieces"], [replace(run, offsets=np.array(offsets, dtype=np.int64))])
    check_refused(path, path.read_bytes())


# Other files.


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\0" * 1000,
        b"a text\nof lines\n",
        b"bytepiece-counts",
        b"bytepiece-counts \n",
        b"bytepiece-counts 1",
        b"bytepiece-counts 1\n",
        b"bytepiece-counts 1\r\n{}\n",
        b"bytepiece-count 1\n{}\n",
        b"bytepiece-counts x\n{}\n",
        b"x" * 2**21,
    ],
    ids=lambda data: str(data[:20]),
)
def test_what_is_no_file_of_counts_is_refused(data, path):
    check_refused(path, data)


def test_a_model_is_refused(path):
    check_refused(path, (DATA / "format-1.model").read_bytes())


@pytest.mark.parametrize("version", [b"0", b"2", b"10", b"01", b"1 ", b"1.0", b"9" * 60])
@KINDS
def test_another_version_is_refused_by_its_number(kind, version, path, saved):
    data = saved[kind].replace(b"counts 1\n", b"counts " + version + b"\n", 1)
    check_refused(path, data)
    with pytest.raises(CountsFormatError, match=re.escape(version.decode()[:16])):
        load(path)


def test_a_directory_is_refused(tmp_path):
    with pytest.raises(CountsFormatError, match="a directory"):
        load(tmp_path)


def test_a_file_that_is_not_there_is_an_os_error(path):
    with pytest.raises(FileNotFoundError):
        load(path)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"1",
        b'"ngrams"',
        b"{}",
        b'{"kind": null}',
        b'{"kind": "words"}',
        b'{"kind": ["ngrams"]}',
        b'{"kind": {}}',
        b'{"kind": "ngrams", "settings": null}',
        b'{"kind": "ngrams", "settings": [1]}',
        b'{"kind": "ngrams", "settings": 6}',
        b'{"kind": "ngrams", "settings": {"order": 6}, "documents": -1}',
        b'{"kind": "ngrams", "settings": {"order": 6}, "documents": true}',
        b'{"kind": "ngrams", "settings": {"order": 6}, "documents": "9"}',
        b'{"kind": "ngrams", "settings": {"order": 6}, "documents": 281474976710656}',
        b"\xff\xfe",
        b'{"kind": "\xff"}',
        b"[" * 100_000,
        b'{"kind": ' + b"9" * 10_000 + b"}",
        b'{"kind": "ngrams", "x": "' + b"x" * 2**20 + b'"}',
        b'{"kind": "ngrams", "settings": {"order": ' + b"[" * 600 + b"]" * 600 + b"}}",
    ],
    ids=lambda header: str(header[:40]),
)
def test_a_wrong_header_is_refused(header, path, saved):
    data = saved["ngrams"]
    path.write_bytes(b"bytepiece-counts 1\n" + header + b"\n" + data[begin_of_blocks(data) :])
    with pytest.raises(CountsFormatError, match=re.escape(str(path))):
        open_counts([path], {"ngrams": {"order": 6}}, Resources())
    with pytest.raises(CountsFormatError, match=re.escape(str(path))):
        merge_counts([path], path.with_name("merged.counts"))


@pytest.mark.parametrize(("kind", "other"), [("ngrams", "pieces"), ("pieces", "ngrams")])
def test_the_wrong_kind_is_refused_by_its_name(kind, other, path, saved):
    path.write_bytes(saved[kind])
    with pytest.raises(CountsFormatError, match=f"{re.escape(str(path))}.*{kind}"):
        open_counts([path], {other: {}}, Resources())


@KINDS
def test_no_counts_of_a_kind_pass_for_the_other(kind, path, saved):
    other = "pieces" if kind == "ngrams" else "ngrams"
    check_refused(path, saved[kind].replace(kind.encode(), other.encode(), 1))


def test_errors_are_those_of_the_package(path):
    path.write_bytes(b"x")
    with pytest.raises(BytePieceError):
        load(path)
    with pytest.raises(ValueError, match=re.escape(str(path))):
        load(path)


# Writing.


@KINDS
def test_a_failed_writing_leaves_the_old_file(kind, path, saved):
    path.write_bytes(saved[kind])

    def runs():
        yield run_of(kind, COUNTS[kind])
        raise OSError("unplugged")

    with pytest.raises(OSError, match="unplugged"):
        save_counts(path, HEADERS[kind], runs())
    assert path.read_bytes() == saved[kind]
    assert list(path.parent.iterdir()) == [path]


@KINDS
def test_a_merged_file_may_replace_one_of_its_parts(kind, path, saved):
    path.write_bytes(saved[kind])
    expected = [(key, 2 * count) for key, count in load(path)[1] if count < 2**60]
    save(path, kind, {key: count for key, count in COUNTS[kind].items() if count < 2**60})
    merge_counts([path, path], path)
    assert load(path) == ({**HEADERS[kind], "documents": None}, expected)


def test_documents_of_a_merged_file(path):
    """They are not known if one part does not say them."""
    others = [path.with_name(name) for name in "abc"]
    for other, documents in zip(others, (3, 4, None), strict=True):
        save_counts(other, {**HEADERS["ngrams"], "documents": documents}, [run_of("ngrams", {key_of(b"a"): 1})])
    merge_counts(others[:2], path)
    assert read_header(path)[0]["documents"] == 7
    merge_counts(others[:1] + others[2:], path)
    assert read_header(path)[0]["documents"] is None


if __name__ == "__main__":
    for kind, counts in COUNTS.items():
        save(golden_path(kind), kind, counts)
