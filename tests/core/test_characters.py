"""Texts segmented by characters: the same pieces as by bytes."""

import random
import sys

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bytepiece import Model, Tokenizer
from bytepiece.core.automaton import Automaton, log_probabilities
from bytepiece.core.packed import PackedBytes
from bytepiece.core.segment import segment
from helpers.processes import UNDER_ASAN, run_python
from helpers.segmenters import core, plain_tokenization, twin
from helpers.vocabularies import BYTE_COUNTS, BYTES, COUNTS

# Characters.

LETTERS = "aé你𝄞\n"

STRANGERS = "bñ好𝄟\x7f\x80\u0fff\ud7ff\ue000\uffff\U00010000\U0010ffff"


@st.composite
def character_vocabularies(draw):
    """Counted pieces of whole characters; of some characters the bytes are worth more than their piece, or as much."""
    pieces = draw(st.sets(st.text(LETTERS, min_size=1, max_size=6), max_size=30))
    count = draw(COUNTS)
    counts = {piece.encode(): draw(count) for piece in sorted(pieces)}
    return BYTE_COUNTS | {byte: draw(count) for byte in BYTES[0xA0:0xF8]} | counts


@given(counts=character_vocabularies(), text=st.text(LETTERS + STRANGERS, max_size=60))
@example(counts=BYTE_COUNTS | {"é".encode(): 1, b"\xc3": 2**45, b"\xa9": 2**45}, text="é")
@example(counts=BYTE_COUNTS | {"é".encode(): 2**30, b"\xc3": 2**61, b"\xa9": 2**61}, text="éaé")
def test_characters_are_segmented_like_their_bytes(counts, text):
    tokenizer = Tokenizer(Model.from_counts(counts))
    expected = plain_tokenization(counts, text.encode())
    assert tokenizer._encoder._automaton.by_characters
    assert tokenizer.tokenize(text) == tokenizer.tokenize(text.encode()) == expected
    assert tokenizer.count(text) == tokenizer.count(text.encode()) == len(expected)


@given(counts=character_vocabularies(), text=st.text(LETTERS, max_size=30), data=st.data())
def test_broken_characters_are_spelled(counts, text, data):
    broken = bytearray(text.encode())
    for _ in range(data.draw(st.integers(0, 5))):
        place = data.draw(st.integers(0, len(broken)))
        broken[place:place] = data.draw(
            st.binary(max_size=2) | st.sampled_from([b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90"])
        )
    assert core(counts)(bytes(broken)) == plain_tokenization(counts, bytes(broken))


@pytest.mark.slow
@pytest.mark.parametrize("letters", ["ab", "aé", "é你", "你𝄞", "a\n你", "\x80ÿ", "你好"])
@pytest.mark.parametrize("size", [8189, 8190, 8191, 8192, 8193, 16_385, 100_003])
def test_long_texts_of_characters(letters, size):
    generator = random.Random(size)
    pieces = {"".join(generator.choices(letters, k=generator.randint(2, 9))).encode() for _ in range(60)}
    counts = BYTE_COUNTS | dict.fromkeys(map(str.encode, letters), 5) | dict.fromkeys(sorted(pieces), 100)
    text = "".join(generator.choices(letters, k=size))
    expected = twin(counts)(text.encode())
    tokenizer = Tokenizer(Model.from_counts(counts))
    assert tokenizer.tokenize(text) == tokenizer.tokenize(text.encode()) == expected
    assert tokenizer.tokenize("x" + text.encode().decode("utf-8")) == twin(counts)(b"x" + text.encode())


@pytest.mark.slow
@pytest.mark.parametrize("stranger", ["ß", "你", "𝄞"])
@pytest.mark.parametrize("size", [30, 8191, 8193, 40_000])
def test_runs_of_characters_in_no_piece(stranger, size):
    """Among others, in runs that cross blocks: the sum goes on through them, to the last bit."""
    generator = random.Random(size)
    pieces = {"".join(generator.choices("abé\n", k=generator.randint(2, 9))).encode() for _ in range(60)}
    counts = {byte: generator.randint(1, 99) for byte in BYTES} | dict.fromkeys(sorted(pieces), 100)
    text = "".join(generator.choice("abé\n" * 9 + stranger) * generator.choice([1, 1, 2, 7]) for _ in range(size))
    text += stranger * size + text[: size // 2]
    expected = twin(counts)(text.encode())
    tokenizer = Tokenizer(Model.from_counts(counts))
    assert tokenizer._encoder._automaton.by_characters
    assert tokenizer.tokenize(text) == tokenizer.tokenize(text.encode()) == expected
    assert tokenizer.count(text) == len(expected)


@pytest.mark.parametrize("size", [30, 300, 8193])
def test_what_memory_held_before_does_not_matter(size):
    """Not even where sums are that nobody makes: before the text, and at characters in no piece."""
    counts = BYTE_COUNTS | {b"ab": 9, b"ba": 8, b"abba" * 5: 7}
    text = "".join(random.Random(size).choices(["ab", "ba", "abba" * 5, "你", "\n"], k=size))
    expected = twin(counts)(text.encode())
    tokenizer = Tokenizer(Model.from_counts(counts))
    for _ in range(20):
        held = [np.full(n, np.nan) for n in range(min(len(text), 8192), min(len(text), 8192) + 40)]
        del held
        assert tokenizer.tokenize(text) == expected


@pytest.mark.parametrize(
    "data", [b"\x80" * 20_000, b"\xe4" * 20_000, b"\xf0\x9f\x98" * 9000], ids=["80", "e4", "f09f98"]
)
def test_long_texts_of_broken_characters(data):
    counts = BYTE_COUNTS | {"你".encode(): 9, "你你".encode(): 9}
    assert core(counts)(data) == [data[k : k + 1] for k in range(len(data))]


@pytest.mark.parametrize("piece", [b"\xe4\xbd", b"\xa0a", b"\xed\xa0\x80", b"\xff\xff", b"a\xc3"])
def test_pieces_that_cut_characters_are_found(piece):
    counts = BYTE_COUNTS | {piece: 1000, "你".encode(): 10}
    assert core(counts)(b"x" + piece + b"x") == [b"x", piece, b"x"]


def test_a_vocabulary_of_more_characters_than_symbols_goes_by_bytes():
    pieces = [chr(code).encode() for code in range(0x20000, 0x20000 + 65_536)]
    scores = log_probabilities([1] * (256 + len(pieces)))
    automaton = Automaton(PackedBytes.from_list([*BYTES, *pieces]), scores, by_characters=True)
    assert not automaton.by_characters
    assert segment(automaton, pieces[7] + pieces[9]).tolist([]) == [256 + 7, 256 + 9]


def test_an_automaton_that_goes_by_bytes_takes_no_str():
    with pytest.raises(TypeError, match="must be bytes, not str"):
        segment(Automaton(PackedBytes.from_list(BYTES), log_probabilities([1] * 256)), "a")


@pytest.mark.slow
@pytest.mark.parametrize("newline", ["", "\n"])
def test_a_long_text_with_more_ids_than_its_beginning_promised(newline):
    """Room for all ids is made by the beginning of a text, which here has few; each kind of the rest has more."""
    counts = BYTE_COUNTS | {b"aaaaaaaa": 1000}
    runs = [("aaaaaaaa", 100_000), (newline, 1), ("b", 400_000), (newline, 1), ("你", 100_000), ("aaaaaaaa", 10_000)]
    pieces = {run: [bytes([byte]) for byte in run.encode()] for run, _ in runs} | {"aaaaaaaa": [b"aaaaaaaa"]}
    expected = [piece for run, n in runs for piece in pieces[run] * n]
    assert core(counts)("".join(run * n for run, n in runs)) == expected


@pytest.mark.slow
@pytest.mark.skipif(
    not sys.platform.startswith("linux") or UNDER_ASAN,
    reason="needs /proc and a limit of the address space",
)
def test_room_that_only_seemed_needed_is_not_missed():
    """The beginning has an id a byte, the rest one in eight; there is room for these, not for the first rate."""
    code = """
        import resource
        from bytepiece import Model, Tokenizer

        tokenizer = Tokenizer(Model.from_counts({bytes([byte]): 1 for byte in range(256)} | {b"aaaaaaac": 1000}))
        text = "b" * 700_000 + "aaaaaaac" * 10_000_000
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 250_000_000,) * 2)
        assert len(tokenizer.encode(text)) == 10_700_000
    """
    run = run_python(code, timeout=300)
    assert run.returncode == 0, run.stderr
