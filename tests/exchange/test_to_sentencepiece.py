"""Models for SentencePiece: what is written, and what it makes of it."""

import struct
import unicodedata
import warnings
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import ExportError, Model, Tokenizer
from bytepiece.core.automaton import log_probabilities
from bytepiece.exchange import (
    sentencepiece_problems,
    to_sentencepiece,
)
from bytepiece.exchange.protobuf import field, fields, float32
from helpers.exports import NAMES, TEXTS, id_of, many_scores


def symbols_of(data):
    """Name, score, kind of each symbol of a SentencePiece model."""
    for number, value in fields(data):
        if number == 1:
            values = dict(fields(value))
            yield values[1].decode(), float32(values[2]), values[3]


NORMAL, UNKNOWN, CONTROL, UNUSED, BYTE = 1, 2, 3, 5, 6


class TestSentencePiece:
    @pytest.fixture
    def symbols(self, tmp_path):
        def symbols(model, **options):
            to_sentencepiece(model, tmp_path / "sp", **options)
            return list(symbols_of((tmp_path / "sp").read_bytes()))

        return symbols

    def test_symbols_are_in_the_order_of_ids(self, symbols, byte_model):
        model = Model.from_counts({" the": 5, "é": 4, "\n\n": 2}).with_special_tokens(NAMES)
        written = symbols(model)
        assert [written[id][::2] for id in model.special_tokens.values()] == [
            (name, CONTROL) for name in model.special_tokens
        ]
        for piece, name, kind in [
            (b" the", "\u2581the", NORMAL),
            ("é".encode(), "é", NORMAL),
            (b"\n\n", "\n\n", NORMAL),
            (b"A", "A", NORMAL),
            (b" ", "\u2581", NORMAL),
            (b"\x00", "<0x00>", BYTE),
            (b"\xff", "<0xFF>", BYTE),
        ]:
            assert written[id_of(model, piece)][::2] == (name, kind)

    def test_there_are_all_bytes_and_one_unknown(self, symbols):
        written = symbols(Model.from_counts({"ab": 3}))
        assert sorted(name for name, _, kind in written if kind == BYTE) == [f"<0x{byte:02X}>" for byte in range(256)]
        assert [name for name, _, kind in written if kind == UNKNOWN] == ["<unk>"]
        assert len({name for name, *_ in written}) == len(written)

    def test_scores_are_those_of_the_model(self, symbols):
        model = many_scores()
        expected = [struct.unpack("<f", struct.pack("<f", score))[0] for score in log_probabilities(model.counts)]
        assert [score for _, score, _ in symbols(model)[3 : model.vocab_size]] == expected

    def test_problems(self):
        model = Model.from_counts(
            {b"\xe4\xbd": 4, b"a\0": 3, "x\u2581": 2, "钟楼": 5, "钟": 2, "ok é": 9, "é": 1, "a\nb": 7, "\u2581": 6}
        )
        problems = {problem.piece: problem for problem in sentencepiece_problems(model)}
        assert {piece: problem.reason for piece, problem in problems.items()} == {
            b"\xe4\xbd": "not UTF-8",
            b"a\0": "holds NUL",
            "x\u2581".encode(): "holds U+2581, which stands for the space",
            "\u2581".encode(): "holds U+2581, which stands for the space",
            "钟楼".encode(): "holds U+697C, a character without a piece of its own",
        }
        assert all(id_of(model, piece) == problem.id for piece, problem in problems.items())
        assert problems["钟楼".encode()].count == 5
        assert [problem.id for problem in sentencepiece_problems(model)] == sorted(p.id for p in problems.values())

    def test_problems_are_an_error_unless_forced(self, symbols, tmp_path):
        model = Model.from_counts({b"\xe4\xbd": 4, b"\xe4\xbe": 4, "钟楼": 5})
        with pytest.raises(
            ExportError, match=r"3 of 259 pieces.*: 2 not UTF-8, 1 hold a character.*first: b'\\xe4\\xbd' "
        ):
            symbols(model)
        assert list(tmp_path.iterdir()) == []
        written = symbols(model, force=True)
        kinds = [written[id_of(model, piece)][2] for piece in (b"\xe4\xbd", "钟楼".encode())]
        assert kinds == [UNUSED, NORMAL]

    def test_pieces_that_no_text_gives_are_unused(self, symbols):
        model = Model.from_counts({"a\nb": 5})
        assert [name for name, _, kind in symbols(model) if kind == UNUSED] == [f"<unused {model.vocab_size - 1}>"]

    @pytest.mark.parametrize("settings", [None, {"normalization": "nfc", "order": 6}])
    def test_same_model_same_bytes(self, tmp_path, byte_model, settings):
        for name in "ab":
            to_sentencepiece(Model(byte_model.pieces, byte_model.counts, settings), tmp_path / name, force=True)
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


class TestSentencePieceLibrary:
    """What `sentencepiece` makes of an export."""

    @pytest.fixture
    def processor(self, tmp_path):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SWIG's types
            sentencepiece = pytest.importorskip("sentencepiece", reason="needs sentencepiece")

        def processor(model, **options):
            to_sentencepiece(model, tmp_path / "sp", **options)
            return sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "sp"))

        return processor

    # Sums in float32 and characters without a piece of their own. The other two have pieces that are not UTF-8.
    @pytest.mark.slow
    @pytest.mark.parametrize(("name", "most"), [("bytepiece.eu.plus.160k", 1), ("bytepiece.zh.id.eu.80k", 7)])
    def test_goldens(self, name, most, goldens, processor):
        encode = processor(goldens.tokenizer(name).model, force=True).encode
        different = [text for text, ids in goldens.pairs(name) if encode(unicodedata.normalize("NFC", text)) != ids]
        assert len(different) <= most

    @pytest.mark.parametrize("text", TEXTS)
    def test_odd_texts(self, text, processor):
        model = many_scores().with_special_tokens(NAMES)
        sentencepiece = processor(model)
        text = text.replace("\u2581", "")
        ids = Tokenizer(model).encode(text)
        assert sentencepiece.encode(text) == ids
        assert sentencepiece.decode(ids) == text

    def test_pieces_named_like_symbols(self, processor):
        model = Model.from_counts({"<bos>": 5, "<unk>": 5, "<0x41>": 5})
        text = "<bos><unk><0x41>A<eos>"
        assert processor(model).encode(text) == Tokenizer(model).encode(text)
        assert processor(model).decode(Tokenizer(model).encode(text)) == text

    def test_special_tokens(self, processor):
        model = many_scores().with_special_tokens(NAMES)
        sentencepiece = processor(model)
        assert [sentencepiece.pad_id(), sentencepiece.bos_id(), sentencepiece.eos_id()] == [0, 1, 2]
        assert [sentencepiece.piece_to_id(name) for name in NAMES] == [model.special_tokens[name] for name in NAMES]
        assert sentencepiece.encode("he", add_bos=True) == [1, *Tokenizer(model).encode("he")]


class TestProtobuf:
    @given(
        st.lists(
            st.tuples(st.integers(1, 2**29 - 1), st.integers(0, 2**63) | st.binary() | st.booleans()),
        )
    )
    def test_round_trip(self, message):
        assert list(fields(b"".join(field(*item) for item in message))) == message

    @given(st.floats(width=32, allow_nan=False))
    def test_floats(self, value):
        ((_, data),) = fields(field(2, value))
        assert float32(data) == value

    @given(st.binary())
    def test_other_bytes_are_a_value_error(self, data):
        with suppress(ValueError):
            assert all(number > 0 for number, _ in fields(data))

    def test_agrees_with_the_library(self, byte_model, tmp_path):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pytest.importorskip("google.protobuf", reason="needs protobuf")
            library = pytest.importorskip("sentencepiece.sentencepiece_model_pb2", reason="needs sentencepiece")
        model = Model.from_counts({"he": 5, "é": 4})
        to_sentencepiece(model, tmp_path / "sp")
        proto = library.ModelProto()
        proto.ParseFromString((tmp_path / "sp").read_bytes())
        assert [(each.piece, each.score, each.type) for each in proto.pieces] == list(
            symbols_of((tmp_path / "sp").read_bytes())
        )
        trainer, normalizer = proto.trainer_spec, proto.normalizer_spec
        assert (trainer.model_type, trainer.byte_fallback, trainer.vocab_size) == (1, True, len(proto.pieces))
        assert [trainer.pad_id, trainer.bos_id, trainer.eos_id, trainer.unk_id] == [0, 1, 2, len(proto.pieces) - 1]
        assert [trainer.pad_piece, trainer.bos_piece, trainer.eos_piece] == ["<pad>", "<bos>", "<eos>"]
        assert (normalizer.name, normalizer.add_dummy_prefix, normalizer.remove_extra_whitespaces) == (
            "identity",
            False,
            False,
        )
        assert normalizer.escape_whitespaces
