"""Ids as lines of decimal numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece.core.decimal import read_lines, write_lines
from bytepiece.core.packed import PackedBytes
from bytepiece.core.packing import join_strings

IDS = st.integers(0, 2**32 - 1) | st.sampled_from([k for n in range(11) for k in (10**n - 1, 10**n) if k < 2**32])
LINES = st.lists(st.lists(IDS, max_size=8), max_size=8)


def arrays(lines):
    ids = np.array([id for line in lines for id in line], dtype=np.uint32)
    return ids, np.cumsum([len(line) for line in lines], dtype=np.int64)


@given(lines=LINES)
def test_lines_are_those_of_python(lines):
    assert write_lines(*arrays(lines)) == "".join(" ".join(map(str, line)) + "\n" for line in lines).encode()


@given(lines=LINES)
def test_lines_are_read_as_written(lines):
    ids, ends = read_lines(write_lines(*arrays(lines)))
    assert (ids.tolist(), ends.tolist()) == tuple(array.tolist() for array in arrays(lines))


@given(text=st.text("0123456789 \t\n\r\x0b\x0c", max_size=60) | st.text(max_size=20))
def test_any_text_is_read_as_python_reads_it(text):
    data = text.encode()
    found = read_lines(bytearray(data))
    words = [line.split() for line in data.removesuffix(b"\n").split(b"\n")] if data else []
    if all(word.isdigit() and int(word) < 2**32 for line in words for word in line):
        expected = arrays([[*map(int, line)] for line in words])
        assert tuple(array.tolist() for array in found) == tuple(array.tolist() for array in expected)
    else:
        assert found is None


@pytest.mark.parametrize("ends", [[], [1], [3], [2, 1, 2], [-1, 2]])
def test_ends_of_other_ids_are_refused(ends):
    with pytest.raises(ValueError, match="not those of the ids"):
        write_lines(np.array([7, 8], dtype=np.uint32), np.array(ends, dtype=np.int64))


@given(strings=st.lists(st.binary(max_size=20), max_size=8), numbers=st.lists(st.integers(0, 9), max_size=20))
def test_joined_strings(strings, numbers):
    joined = join_strings(PackedBytes.from_list(strings), np.array(numbers, dtype=np.uint32))
    known = all(number < len(strings) for number in numbers)
    assert joined == (b"".join(strings[number] for number in numbers) if known else None)
