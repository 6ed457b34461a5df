"""Vocabularies and texts made of their pieces."""

import random
import re

from hypothesis import strategies as st

from bytepiece import Model, Tokenizer

BYTES = [bytes([byte]) for byte in range(256)]
BYTE_COUNTS = dict.fromkeys(BYTES, 1)


def with_bytes(pieces, count=1):
    """A vocabulary in which all pieces, single bytes among them, have the same count, so that ties abound."""
    return dict.fromkeys([*BYTES, *pieces], count)


def random_vocabulary(seed, alphabet, size=300, longest=12):
    """Some hundred pieces over few letters, so that each overlaps with many."""
    generator = random.Random(seed)
    lengths = range(2, longest + 1)
    pieces = {bytes(generator.choices(alphabet, k=generator.choice(lengths))) for _ in range(size)}
    most = generator.choice([1, 3, 1000, 2**40])
    return {piece: generator.randint(1, most) for piece in [*BYTES, *sorted(pieces)]}


def random_text(seed, counts, n_pieces):
    generator = random.Random(seed)
    return b"".join(generator.choices([piece for piece in counts if len(piece) > 1], k=n_pieces))


def parts(data):
    """A text cut after each run of newlines, the plain way."""
    return re.findall(rb"[^\n]*\n+|[^\n]+", data)


def tokenizer_of(counts):
    return Tokenizer(Model.from_counts(counts))


ALPHABETS = st.sampled_from(
    [b"a", b"ab", b"abc", b"a\n", b"ab\n", b"\x00\xff", b"\x00a", "你é".encode(), b"\xf0\x80\xbf"]
)
COUNTS = st.sampled_from([st.just(1), st.integers(1, 3), st.sampled_from([1, 2, 4, 8]), st.integers(1, 2**45)])


@st.composite
def vocabularies(draw):
    """Counted pieces over few letters, all single bytes among them."""
    letters = st.sampled_from(list(draw(ALPHABETS)))
    pieces = draw(st.sets(st.lists(letters, min_size=2, max_size=10).map(bytes), max_size=40))
    count = draw(COUNTS)
    drawn = {piece: draw(count) for piece in sorted(pieces)}
    drawn |= {bytes([letter]): draw(count) for letter in sorted(set(b"".join(pieces)))}
    return BYTE_COUNTS | drawn


@st.composite
def vocabularies_and_texts(draw, max_size=30):
    """A vocabulary, and a text made of its pieces."""
    counts = draw(vocabularies())
    likely = [piece for piece in counts if len(piece) > 1 or counts[piece] > 1] or [b"a", b"\n"]
    pieces = draw(st.lists(st.sampled_from(likely), max_size=max_size))
    return counts, b"".join(pieces)
