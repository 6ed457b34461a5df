"""Texts of a corpus become ids as they are stored in files."""

from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import Model, Tokenizer
from bytepiece.core.ids import NO_ID, frame_documents
from bytepiece.core.packed import PackedBytes
from bytepiece.encoding.encoder import Encoder

TEXTS = st.lists(st.text(max_size=8) | st.sampled_from(["", "<eos>", "e\u0301", "the cat\n\nsat", "漢字"]), max_size=8)


class TestEncodeTexts:
    @pytest.mark.parametrize("pieces", [["the", "é", "漢字"], ["the", b"\xc3"]], ids=["characters", "bytes"])
    @pytest.mark.parametrize("normalization", [None, "nfc"])
    @pytest.mark.parametrize("allowed", [(), "all"])
    @given(texts=TEXTS)
    def test_is_encode(self, pieces, normalization, allowed, texts):
        model = Model.from_counts(dict.fromkeys(pieces, 3), {"normalization": normalization})
        ids, ends = Encoder(model).encode_texts(PackedBytes.from_list(map(str.encode, texts)), allowed)
        tokenizer = Tokenizer(model)
        wanted = [tokenizer.encode(text, allowed_special=allowed) for text in texts]
        assert np.asarray(memoryview(ids)).tolist() == [*chain.from_iterable(wanted)]
        assert ends.tolist() == np.cumsum([*map(len, wanted)]).tolist()


class TestFrameDocuments:
    @given(
        st.lists(st.lists(st.integers(0, 65535), max_size=5), max_size=6),
        st.sampled_from([NO_ID, 1]),
        st.sampled_from([NO_ID, 2]),
        st.booleans(),
    )
    def test_property(self, documents, before, after, wide):
        ids = np.array([*chain.from_iterable(documents)], dtype=np.uint32)
        ends = np.cumsum([*map(len, documents)], dtype=np.int64)
        framed, lengths = frame_documents(ids, ends, before, after, wide)
        first, last = [before] * (before != NO_ID), [after] * (after != NO_ID)
        wanted = [first + document + last if document else [] for document in documents]
        assert framed.dtype == (np.uint32 if wide else np.uint16)
        assert framed.tolist() == [*chain.from_iterable(wanted)]
        assert lengths.tolist() == [*map(len, wanted)]

    @pytest.mark.parametrize("ends", [[2, 1], [4], [-1]])
    def test_ends_that_are_none(self, ends):
        with pytest.raises(ValueError, match="document"):
            frame_documents(np.arange(3, dtype=np.uint32), np.array(ends), NO_ID, NO_ID, False)
