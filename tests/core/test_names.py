"""Names of special tokens found in a text: against the definition."""

import pickle
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece.core.names import NameFinder
from helpers.properties import examples


def check(names, text):
    """Compare with the leftmost longest names, found as slowly as that is obviously right; the names are sorted."""
    expected, begin = [], 0
    while begin < len(text):
        here = [name for name in names if text.startswith(name, begin)]
        if here:
            name = max(here, key=len)
            expected.append((begin, begin + len(name), name))
            begin += len(name)
        else:
            begin += 1
    assert [(begin, end, names[number]) for begin, end, number in NameFinder(names).find(text)] == expected


@given(
    names=st.sets(
        st.lists(st.sampled_from([0, 97, 98, 255]), min_size=1, max_size=9).map(bytes) | st.binary(min_size=1),
        min_size=1,
        max_size=20,
    ),
    data=st.data(),
)
@examples(300)
def test_of_any_bytes(names, data):
    parts = st.sampled_from(sorted(names)) | st.sampled_from([b"a", b"b", b"\0", b"\xff"]) | st.binary(max_size=3)
    text = b"".join(data.draw(st.lists(parts, max_size=20)))
    check(sorted(names), text)


@pytest.mark.slow
@pytest.mark.parametrize("lengths", [[1], [2], [3], [4, 5], [6], [7, 40], range(1, 10)], ids=str)
def test_random_names(lengths):
    generator = random.Random(0)
    for alphabet in (b"ab", b"abcdefgh\0", bytes(range(256))):
        names = sorted({bytes(generator.choices(alphabet, k=generator.choice(lengths))) for _ in range(400)})
        text = b"".join(
            generator.choice(names) if generator.random() < 0.2 else bytes(generator.choices(alphabet, k=3))
            for _ in range(500)
        )
        for end in (len(text), len(text) - 1, 5, 1, 0):
            check(names, text[:end])


def test_names_in_names_in_names():
    names = [b"ab" * k for k in range(1, 300)] + [b"ab" * 300 + b"c"]
    check(names, b"ab" * 1000 + b"c" + b"ab" * 250 + b"a")


def test_of_thousands_each_is_found():
    names = sorted({f"{chr(0x4E00 + k % 2000)}{chr(0x4E00 + k * 7 % 1999)}" for k in range(5000)})
    finder = NameFinder([name.encode() for name in names])
    for number, name in enumerate(names):
        data = name.encode()
        assert finder.find(data) == [(0, len(data), number)]
        assert finder.find(data[:-1]) == finder.find(data[1:]) == []


def test_a_finder_is_not_pickled():
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(NameFinder([b"a"]))
