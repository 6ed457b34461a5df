"""Many texts at once, one long text, and any number of workers: always what `encode` gives."""

import sysconfig
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import Model, SettingsError, TextError, Tokenizer, UnknownIdError
from bytepiece.encoding import batches as batches_module
from helpers.properties import examples

WORDS = [b"the ", b"cat", b" sat\n", b"\n\n", "钟楼".encode(), b"aaa", b"aa"]
TOKENIZER = Tokenizer(Model.from_counts({bytes([byte]): 1 for byte in range(256)} | dict.fromkeys(WORDS, 50)))
PARTS = st.lists(st.sampled_from([*WORDS, b"\xff\x00", b"x"]), max_size=30).map(b"".join)
TEXTS = st.lists(PARTS | st.text(max_size=20), max_size=12)
WORKERS = [1, 2, 3, 7, None]


@pytest.fixture(autouse=True)
def small_shares(monkeypatch):
    """Makes shares so small that short texts, too, are divided among threads."""
    monkeypatch.setattr(batches_module, "SMALLEST_SHARE", 4)
    monkeypatch.setattr("bytepiece.encoding.encoder._SHORT", 8)


@pytest.mark.parametrize("workers", WORKERS)
@given(texts=TEXTS)
@examples(40)
def test_a_batch_is_each_text_encoded(texts, workers):
    assert TOKENIZER.encode_batch(texts, workers) == [TOKENIZER.encode(text) for text in texts]


@pytest.mark.parametrize("workers", WORKERS)
@given(texts=TEXTS)
@examples(40)
def test_arrays_hold_the_same_ids(texts, workers):
    ids, offsets = TOKENIZER.encode_batch_to_numpy(texts, workers)
    assert ids.dtype == np.uint32
    assert offsets.dtype == np.int64
    pieces = [ids[begin:end].tolist() for begin, end in pairwise(offsets.tolist())]
    assert pieces == [TOKENIZER.encode(text) for text in texts]


@pytest.mark.parametrize("workers", WORKERS)
@given(parts=TEXTS)
@examples(40)
def test_one_text_divided_among_threads_is_the_same(parts, workers):
    text = b"".join(part if isinstance(part, bytes) else part.encode() for part in parts)
    assert TOKENIZER.encode_to_numpy(text, workers).tolist() == TOKENIZER.encode(text)


@given(texts=TEXTS)
@examples(40)
def test_count_is_the_number_of_ids(texts):
    assert [TOKENIZER.count(text) for text in texts] == [len(TOKENIZER.encode(text)) for text in texts]


@given(texts=TEXTS)
@examples(40)
def test_decoding_a_batch_is_decoding_each(texts):
    ids = TOKENIZER.encode_batch(texts)
    assert TOKENIZER.decode_batch(ids) == [TOKENIZER.decode(each) for each in ids]


def test_texts_can_be_a_generator():
    assert TOKENIZER.encode_batch(text for text in ["the cat", ""]) == [TOKENIZER.encode("the cat"), []]


def test_ids_of_one_thread_are_not_copied():
    assert TOKENIZER.encode_to_numpy("the cat sat", 1).base is not None


def test_a_share_ends_behind_newlines():
    shares, numbers = batches_module._shares([(b"ab\n\n\ncd\nef", 0, 10), (b"gh", 0, 2)], [0, 1], 1)
    assert shares == [
        [(b"ab\n\n\ncd\nef", 0, 5)],
        [(b"ab\n\n\ncd\nef", 5, 8)],
        [(b"ab\n\n\ncd\nef", 8, 10)],
        [(b"gh", 0, 2)],
    ]
    assert numbers == [[0], [0], [0], [1]]


@pytest.mark.parametrize("workers", [0, -1, 1.5, "2", True])
def test_workers_must_be_a_number(workers):
    with pytest.raises(SettingsError, match="workers must be"):
        TOKENIZER.encode_batch(["a"], workers)


def test_ints_of_lists_are_shared_and_right():
    ids = TOKENIZER.encode(WORDS[0] * 300)
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):  # there, threads would wait for each other to count references
        assert len({id(each) for each in ids}) == 1
    assert set(ids) == {TOKENIZER.piece_to_id(WORDS[0])}


def test_what_is_no_text_is_refused():
    with pytest.raises(TextError):
        TOKENIZER.encode_batch_to_numpy(["a", 7])


class TestEnds:
    """The ids of <bos> and <eos> around those of texts, in every method that encodes."""

    @pytest.fixture(params=[(False, False), (True, False), (False, True), (True, True)])
    def ends(self, request):
        return dict(zip(("add_bos", "add_eos"), request.param, strict=True))

    @pytest.mark.parametrize("text", ["", "the cat sat\n", "x\n\nthe cat"])
    def test_are_those_of_encode(self, text, ends):
        expected = TOKENIZER.encode(text, **ends)
        assert expected == [1] * ends["add_bos"] + TOKENIZER.encode(text) + [2] * ends["add_eos"]
        assert TOKENIZER.encode_ordinary(text, **ends) == expected
        assert TOKENIZER.encode_to_numpy(text, **ends).tolist() == expected
        assert TOKENIZER.count(text, **ends) == len(expected)
        assert list(TOKENIZER.encode_stream([text], **ends)) == expected
        assert TOKENIZER.encode_segments([(text, ())], **ends) == expected

    @given(texts=TEXTS)
    @examples(20)
    def test_are_around_each_text_of_a_batch(self, texts, ends):
        expected = [TOKENIZER.encode(text, **ends) for text in texts]
        assert TOKENIZER.encode_batch(texts, **ends) == expected
        ids, offsets = TOKENIZER.encode_batch_to_numpy(texts, **ends)
        assert [ids[begin:end].tolist() for begin, end in pairwise(offsets.tolist())] == expected

    @pytest.mark.parametrize("text", ["", "né x"])
    def test_have_offsets_without_extent(self, text, ends):
        encoding = TOKENIZER.encode_with_offsets(text, **ends)
        assert encoding.ids == TOKENIZER.encode(text, **ends)
        for offsets, length in ((encoding.byte_offsets, len(text.encode())), (encoding.char_offsets, len(text))):
            assert len(offsets) == len(encoding.ids)
            assert offsets[:1].tolist() == [[0, 0]] or not ends["add_bos"]
            assert offsets[-1:].tolist() == [[length, length]] or not ends["add_eos"]


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("kind", [list, np.array, lambda ids: np.array(ids, dtype=np.uint32)])
def test_any_number_of_workers_decodes_the_same(kind, workers):
    texts = [f"the cat {k} sat\n" * (k % 5) for k in range(300)]
    batch = [kind(TOKENIZER.encode(text)) for text in texts]
    assert TOKENIZER.decode_batch(batch, workers=workers) == texts


def test_arrays_with_unknown_ids_are_refused():
    with pytest.raises(UnknownIdError, match="4294967295"):
        TOKENIZER.decode(np.array([5, 2**32 - 1], dtype=np.uint32))


@pytest.mark.parametrize("text", ["ab", b"ab"])
@pytest.mark.parametrize("method", ["encode_batch", "encode_batch_to_numpy"])
def test_a_single_text_is_no_batch(byte_model, method, text):
    with pytest.raises(TextError, match=f"not a single {type(text).__name__}"):
        getattr(Tokenizer(byte_model), method)(text)
