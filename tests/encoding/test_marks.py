"""Texts with special tokens segmented as one: the ids are those of each part by itself."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import Model, Tokenizer
from bytepiece.encoding.marks import Marks

TOKENS = ["<a>", "<b>"]


def random_tokenizer(generator, letters, normalization=None):
    """A tokenizer with pieces over few letters: many ties, and many cuts that later text could change."""
    pieces = {bytes(generator.choices(letters, k=generator.randint(2, 5))) for _ in range(20)}
    some = generator.choice([[1], [1, 2, 3, 6, 12], [1, 10, 100, 1000]])
    counts = {piece: generator.choice(some) for piece in sorted(pieces | {bytes([letter]) for letter in letters})}
    return Tokenizer(Model.from_counts(counts, {"normalization": normalization}, TOKENS))


def random_parts(generator, letters, n):
    """Plain texts and names of special tokens in random order."""
    return [
        generator.choice(TOKENS)
        if generator.random() < 0.4
        else bytes(generator.choices(letters, k=generator.choice([0, 1, 3, 30])))
        for _ in range(n)
    ]


def ids_one_by_one(tokenizer, parts):
    return [
        id
        for part in parts
        for id in ([tokenizer.piece_to_id(part)] if isinstance(part, str) else tokenizer.encode(part))
    ]


LETTERS = [b"ab", b"abc", b"ab\n", b"a\n", b"ab\n\xff", b"\xe4\xbd\xa0\n", b"a\xfe\n"]


@pytest.mark.slow
@pytest.mark.parametrize("letters", [LETTERS[0], *(pytest.param(each, marks=pytest.mark.slow) for each in LETTERS[1:])])
def test_each_part_is_segmented_by_itself(letters):
    generator = random.Random(0)
    for _ in range(40):
        tokenizer = random_tokenizer(generator, letters)
        for also in (b"", b"", b"\n", b"\xff"):
            parts = random_parts(generator, letters + also, 8)
            segments = [(part, "all" if isinstance(part, str) else ()) for part in parts]
            assert tokenizer.encode_segments(segments) == ids_one_by_one(tokenizer, parts)


@pytest.mark.slow
def test_ties_fall_as_they_fall_in_each_part():
    """Sums of scores are equal but for rounding, which depends on what was added before."""
    generator = random.Random(3)
    for _ in range(100):
        tokenizer = random_tokenizer(generator, b"abc")
        parts = [bytes(generator.choices(b"abc", k=20)) for _ in range(30)]
        assert tokenizer.encode_segments([(part, ()) for part in parts]) == ids_one_by_one(tokenizer, parts)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("letters", LETTERS)
def test_in_batches_too(letters, workers, monkeypatch):
    monkeypatch.setattr("bytepiece.encoding.batches.SMALLEST_SHARE", 50)
    generator = random.Random(1)
    for _ in range(20):
        tokenizer = random_tokenizer(generator, letters)
        # Names between plain texts, so that these are the parts.
        batch = [
            [each for part in random_parts(generator, letters, 5) if part for each in (part, generator.choice(TOKENS))]
            for _ in range(8)
        ]
        texts = [b"".join(part.encode() if isinstance(part, str) else part for part in parts) for parts in batch]
        expected = [ids_one_by_one(tokenizer, parts) for parts in batch]
        assert tokenizer.encode_batch(texts, workers, allowed_special="all") == expected
        ids, offsets = tokenizer.encode_batch_to_numpy(texts, workers, allowed_special="all")
        assert (ids.dtype, offsets.dtype) == (np.uint32, np.int64)
        assert [tokenizer.encode(text, allowed_special="all") for text in texts] == expected


def test_normalized():
    generator = random.Random(2)
    tokenizer = random_tokenizer(generator, "aé\n".encode(), "nfc")
    for _ in range(200):
        parts = [
            generator.choice(TOKENS) if k % 2 else "".join(generator.choices("ae\u0301é\n", k=5)) for k in range(6)
        ]
        expected = ids_one_by_one(tokenizer, [part if part in TOKENS else part.encode() for part in parts])
        assert tokenizer.encode("".join(parts), allowed_special="all") == expected


class TestMarks:
    def test_not_where_a_longer_piece_has_the_byte_of_a_mark(self):
        parts = [[b"a", b"b"]]
        assert Tokenizer(Model.from_counts({b"a\xff": 3}))._encoder._marks.join(parts) is None
        assert Tokenizer(Model.from_counts({b"a\xfe": 3}))._encoder._marks.join(parts) is not None

    @pytest.mark.parametrize("parts", [[b"\xff"], [b"a", 300, b"b\xff"], [b"a\xff\n", 300]])
    def test_not_in_a_text_that_has_that_byte(self, parts):
        marks = Marks(258, lambda n: [13] * n, keep_apart=True)
        assert marks.join([parts]) is None
        assert marks.join([[b"a"], parts]) is None

    @given(st.lists(st.integers(300, 305) | st.sampled_from([b"a", b"\n", b"\n\nb", b"b\n", b""])))
    def test_what_is_joined_is_what_was_given(self, parts):
        (document,), inserted = Marks(258, lambda n: [13] * n, keep_apart=True).join([parts])
        texts = document.split(b"\xff\n")
        assert len(texts) == len(inserted) + 1
        ids = [*texts[0]]
        for text, each in zip(texts[1:], inserted, strict=True):
            ids += [10 if id == 13 else id for id in each] + [*text]
        assert ids == [id for part in parts for id in ([part] if isinstance(part, int) else part)]

    @pytest.mark.parametrize("ids", [[1, 258, 13, 258, 13], [1, 258], [258, 258, 13], [1, 2]])
    def test_marks_that_were_not_joined_are_refused(self, ids):
        marks = Marks(258, lambda n: [13] * n, keep_apart=True)
        with pytest.raises(ValueError, match="not those that were joined"):
            marks.replace(np.array(ids, dtype=np.uint32), np.array([0, len(ids)]), [[300]])
