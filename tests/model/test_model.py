"""The model: validated when it is made, and immutable."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import BytePieceError, Model, ModelFormatError, Tokenizer
from bytepiece.model import validation
from helpers.model_files import body_of, sign
from helpers.vocabularies import BYTES

ONES = [1] * 256


class TestValues:
    def test_pieces_in_the_order_given(self):
        pieces = [b"zz", *reversed(BYTES), b"a\xff"]
        assert Model(pieces, range(1, 259)).pieces == pieces

    def test_counts_in_the_order_of_the_pieces(self):
        assert Model(BYTES, range(1, 257)).counts == list(range(1, 257))

    def test_from_counts_orders_by_length_then_bytes(self):
        counts = {b"bc": 1, b"abc": 2, b"ba": 3, **dict.fromkeys(reversed(BYTES), 1)}
        assert Model.from_counts(counts).pieces == [*BYTES, b"ba", b"bc", b"abc"]

    def test_from_counts_keeps_each_count_with_its_piece(self):
        counts = {b"bc": 7, b"a\x00": 8, **{piece: k + 1 for k, piece in enumerate(BYTES)}}
        model = Model.from_counts(counts)
        assert dict(zip(model.pieces, model.counts, strict=True)) == counts

    def test_iterators_serve(self):
        assert Model(iter(BYTES), iter(ONES)) == Model(BYTES, ONES)

    def test_vocab_size_has_the_special_tokens_too(self, byte_model):
        assert byte_model.vocab_size == len(byte_model.pieces) + 3

    def test_special_tokens_have_the_first_ids(self, byte_model):
        assert byte_model.special_tokens == {"<pad>": 0, "<bos>": 1, "<eos>": 2}
        assert byte_model.first_id == 3

    def test_the_longest_piece(self):
        model = Model([*BYTES, b"a" * 65535], [*ONES, 1])
        assert Tokenizer(model).encode(b"a" * 65535) == [259]

    def test_new_models_are_lossless(self):
        assert Model(BYTES, ONES).normalization is None

    def test_normalization_is_a_setting(self):
        model = Model(BYTES, ONES, {"normalization": "nfc"})
        assert model.normalization == model.settings["normalization"] == "nfc"

    def test_settings_are_kept(self):
        settings = {"order": 6, "isolate_digits": False, "note": "né", "normalization": None}
        assert Model(BYTES, ONES, settings).settings == settings

    def test_the_greatest_sum_of_counts(self):
        assert Model(BYTES, [2**63 - 256, *ONES[1:]]).counts[0] == 2**63 - 256

    def test_repr_is_short_and_says_the_size(self, byte_model):
        assert repr(byte_model) == "<Model of 266 ids: 263 pieces, 3 special tokens; normalization=None>"


class TestValidation:
    """Each error says what is wrong, and with which piece."""

    def test_is_a_value_error_of_this_package(self):
        with pytest.raises(ModelFormatError) as caught:
            Model([], [])
        assert isinstance(caught.value, (ValueError, BytePieceError))

    @pytest.mark.parametrize("counts", [ONES[1:], [*ONES, 1], []])
    def test_as_many_counts_as_pieces(self, counts):
        with pytest.raises(ModelFormatError, match=f"256 pieces but {len(counts)} counts"):
            Model(BYTES, counts)

    @pytest.mark.parametrize("piece", [b"", "ab", None, 5, bytearray(b"ab"), [b"ab"]])
    def test_invalid_piece(self, piece):
        with pytest.raises(ModelFormatError, match=r"piece 256 \(id 259\)"):
            Model([*BYTES, piece, b"ok"], [1] * 258)

    @pytest.mark.parametrize("count", [0, -1, -(2**70), True, False, 1.0, 0.5, float("nan"), "1", None, np.int64(1)])
    def test_invalid_count(self, count):
        with pytest.raises(ModelFormatError, match=r"piece 65 \(id 68\), b'A': count"):
            Model(BYTES, [*ONES[:65], count, *ONES[66:]])

    @pytest.mark.parametrize("count", [2**63 - 255, 2**63, 2**64, 10**30])
    def test_sum_of_counts_beyond_63_bits(self, count):
        with pytest.raises(ModelFormatError, match=r"2\*\*63 - 1.*piece 255 \(id 258\)"):
            Model(BYTES, [*ONES[:255], count])

    def test_sum_of_counts_beyond_63_bits_when_each_fits(self):
        with pytest.raises(ModelFormatError, match=r"2\*\*63 - 1"):
            Model(BYTES, [2**62, 2**62, *ONES[2:]])

    @pytest.mark.parametrize("piece", [b"A", b"ab"])
    def test_piece_that_stands_there_twice(self, piece):
        first = 65 if piece == b"A" else 256
        with pytest.raises(ModelFormatError, match=rf"piece 257 .*repeats piece {first} .*{piece!r}"):
            Model([*BYTES, b"ab", piece], [1] * 258)

    @pytest.mark.parametrize("byte", [0, 10, 65, 127, 128, 255])
    def test_missing_byte(self, byte):
        with pytest.raises(ModelFormatError, match=f"1 of the 256 single bytes.*0x{byte:02x}"):
            Model([piece for piece in BYTES if piece != bytes([byte])], ONES[1:])

    def test_empty_vocabulary(self):
        with pytest.raises(ModelFormatError, match="256 of the 256 single bytes are missing"):
            Model([], [])

    @pytest.mark.parametrize("normalization", ["nfkc", "NFC", "", False, ["nfc"], {}])
    def test_unknown_normalization(self, normalization):
        with pytest.raises(ModelFormatError, match="normalization"):
            Model(BYTES, ONES, {"normalization": normalization})

    @pytest.mark.parametrize("value", [{1, 2}, b"x", object(), float("nan"), [1, {"a": b"x"}]])
    def test_setting_that_json_cannot_hold(self, value):
        with pytest.raises(ModelFormatError, match="settings"):
            Model(BYTES, ONES, {"note": value})


class TestImmutability:
    @pytest.mark.parametrize("name", ["pieces", "counts", "settings", "normalization", "special_tokens", "vocab_size"])
    def test_attributes_cannot_be_set(self, byte_model, name):
        with pytest.raises(AttributeError):
            setattr(byte_model, name, None)

    def test_attributes_cannot_be_added(self, byte_model):
        with pytest.raises(AttributeError):
            byte_model.other = 1

    @pytest.mark.parametrize("name", ["pieces", "counts", "settings", "special_tokens"])
    def test_what_it_gives_out_is_a_copy(self, byte_model, name):
        before = copy.copy(getattr(byte_model, name))
        getattr(byte_model, name).clear()
        assert getattr(byte_model, name) == before

    def test_what_it_was_made_of_can_change(self):
        pieces, counts, settings = list(BYTES), list(ONES), {"order": 3}
        model = Model(pieces, counts, settings)
        pieces.clear(), counts.clear(), settings.clear()
        assert model == Model(BYTES, ONES, {"order": 3})

    def test_lists_among_the_settings_are_copies_too(self):
        sizes = [400, 300]
        model = Model(BYTES, ONES, {"sizes": sizes})
        sizes.append(1)
        model.settings["sizes"].append(2)
        assert model.settings["sizes"] == [400, 300]


class TestEquality:
    def test_same_values_are_equal(self):
        assert Model(BYTES, ONES, {"order": 6}) == Model(BYTES, ONES, {"order": 6})

    def test_equal_models_have_one_hash(self):
        assert hash(Model(BYTES, ONES, {"a": 1, "b": [2]})) == hash(Model(BYTES, ONES, {"b": [2], "a": 1}))

    @pytest.mark.parametrize(
        "other",
        [
            Model([*BYTES[1:], BYTES[0]], ONES),
            Model(BYTES, [2, *ONES[1:]]),
            Model([*BYTES, b"ab"], [1] * 257),
            Model(BYTES, ONES, {"order": 6}),
            Model(BYTES, ONES, {"normalization": "nfc"}),
            None,
            BYTES,
        ],
        ids=["order", "counts", "pieces", "settings", "normalization", "None", "list"],
    )
    def test_different_values_are_not(self, other):
        assert Model(BYTES, ONES) != other


class TestCopies:
    @pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
    def test_pickle(self, byte_model, protocol):
        assert pickle.loads(pickle.dumps(byte_model, protocol)) == byte_model

    @pytest.mark.parametrize("how", [copy.copy, copy.deepcopy])
    def test_copy(self, byte_model, how):
        assert how(byte_model) == byte_model

    @given(st.dictionaries(st.binary(min_size=2), st.integers(1, 2**50)), st.sampled_from([None, "nfc"]))
    def test_pickle_of_any_model(self, counts, normalization):
        model = Model.from_counts(dict.fromkeys(BYTES, 1) | counts, {"normalization": normalization})
        assert pickle.loads(pickle.dumps(model)) == model


class TestBounds:
    """What a model may not have, wherever it comes from."""

    def test_a_longer_piece_is_refused_by_its_number(self):
        with pytest.raises(ModelFormatError, match=r"piece 256 \(id 259\), b'aaa.*65536 bytes"):
            Model([*BYTES, b"a" * 65536], [*ONES, 1])

    @pytest.mark.parametrize("format", ["bytepiece", "json"])
    def test_a_longer_piece_in_a_file_is_refused(self, tmp_path, format, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr(validation, "MAX_PIECE_BYTES", 2**20)
            Model([*BYTES, b"a" * 65536], [*ONES, 1]).save(tmp_path / "m", format)
        with pytest.raises(ModelFormatError, match=r"m: piece 256 .*65536 bytes"):
            Model.load(tmp_path / "m")

    @pytest.mark.parametrize("depth", [33, 600, 5000])
    def test_settings_nested_deep_are_refused(self, depth):
        nested = 1
        for _ in range(depth):
            nested = [nested]
        with pytest.raises(ModelFormatError, match=r"nested|recursion"):
            Model(BYTES, ONES, {"x": nested})

    @pytest.mark.parametrize("depth", [33, 600, 5000])
    def test_settings_nested_deep_in_a_file_are_refused(self, tmp_path, depth, byte_model):
        byte_model.save(tmp_path / "m")
        lines = body_of((tmp_path / "m").read_bytes()).split(b"\n")
        lines[1] = b'settings: {"x": ' + b"[" * depth + b"]" * depth + b"}"
        (tmp_path / "m").write_bytes(sign(b"\n".join(lines)))
        with pytest.raises(ModelFormatError, match=r"m: (line 2|settings)"):
            Model.load(tmp_path / "m")

    def test_settings_nested_as_deep_as_may_be(self):
        nested = 1
        for _ in range(31):
            nested = {"x": nested}
        assert Model(BYTES, ONES, {"x": nested}).settings["x"] == nested
