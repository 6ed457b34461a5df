"""What kernels refuse, instead of reading where nothing is."""

import pickle

import numpy as np
import pytest

from bytepiece.core.alphabet import has_surrogates
from bytepiece.core.automaton import Automaton
from bytepiece.core.nfc import has_long_cluster, hash_pairs
from bytepiece.core.packed import PackedBytes
from bytepiece.core.segment import count_ids, segment_packed, segment_spans
from bytepiece.training.counting.kernels.ngrams import run_lengths
from bytepiece.training.refinement.kernels.documents import string_documents
from bytepiece.training.refinement.kernels.sample import Sample
from helpers.vocabularies import BYTES

NO_PAIRS = hash_pairs([])
CLASSES = np.zeros(0x30000, dtype=np.uint8)


@pytest.fixture(scope="module")
def automaton():
    """One that goes by bytes, as a piece is part of a character."""
    return Automaton(PackedBytes.from_list([*BYTES, b"\xe4\xbd"]), np.zeros(257))


def test_an_automaton_is_not_pickled(automaton):
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(automaton)


@pytest.mark.parametrize("offsets", [[-1, 2], [0, 4], [2, 1], [0, 2, 1]])
def test_strings_outside_the_data(automaton, offsets):
    with pytest.raises(ValueError, match=r"string \d: -?\d to \d of 3 bytes"):
        segment_packed(automaton, b"abc", np.array(offsets))


def test_strings_without_offsets(automaton):
    with pytest.raises(ValueError, match="no offsets"):
        segment_packed(automaton, b"abc", np.zeros(0, dtype=np.int64))


@pytest.mark.parametrize(("begin", "end"), [(0, 4), (2, 1)])
def test_spans_outside_the_text(automaton, begin, end):
    with pytest.raises(ValueError, match=f"span 0: {begin} to {end} of 3"):
        segment_spans(automaton, [(b"abc", begin, end)])


@pytest.mark.parametrize("text", ["abc", [], bytearray(b"abc")])
def test_a_text_of_another_type(automaton, text):
    with pytest.raises(TypeError, match="text must be bytes"):
        count_ids(automaton, text)


def test_an_automaton_that_goes_by_characters():
    by_characters = Automaton(PackedBytes.from_list([*BYTES, "你".encode()]), np.zeros(257), by_characters=True)
    sample = Sample(b"a", np.array([0, 1]), np.array([0, 1], np.uint32), np.array([[0, 1]], np.uint32), 1)
    with pytest.raises(ValueError, match="goes by bytes"):
        string_documents(by_characters, sample, 0, 1)


def test_items_that_are_not_aligned():
    with pytest.raises(ValueError, match="multiple of their size"):
        run_lengths(np.frombuffer(bytearray(17), dtype=np.uint64, count=2, offset=1))


def test_what_is_no_str():
    with pytest.raises(TypeError, match="not bytes"):
        has_surrogates(b"abc")
    with pytest.raises(TypeError, match="not bytes"):
        has_long_cluster(b"abc", CLASSES, NO_PAIRS, 3)


def test_tables_of_normal_forms():
    with pytest.raises(ValueError, match="not the classes"):
        has_long_cluster("ab", CLASSES[1:], NO_PAIRS, 3)
    with pytest.raises(ValueError, match="0 characters"):
        has_long_cluster("ab", CLASSES, NO_PAIRS, 0)
    assert not has_long_cluster("ab", CLASSES, NO_PAIRS, 3)
    with pytest.raises(ValueError, match="too many for the table"):
        hash_pairs([(1, 2)] * len(NO_PAIRS))
