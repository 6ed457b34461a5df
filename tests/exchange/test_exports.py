"""Models for other tokenizers: what is written, and what those make of it."""

import json
import math
import random
import struct
import unicodedata
import warnings
from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import ExportError, Model, SettingsError, Tokenizer
from bytepiece.cli.main import main
from bytepiece.core.automaton import log_probabilities
from bytepiece.exchange import (
    export_model,
    from_huggingface,
    sentencepiece_problems,
    to_huggingface,
    to_sentencepiece,
)
from bytepiece.exchange.huggingface import _exact_number, _numbers
from bytepiece.exchange.protobuf import field, fields, float32
from helpers.goldens import each_published

NAMES = ["<|im_start|>", "tool call", "né"]

TEXTS = [
    "",
    "\n",
    "\n\n\nhello\n\nthe hello",
    "hello the he llo",
    "a\tb\r\nb\x00",
    "你好，世界 é e\u0301 😀\u2581",
    "<pad><bos><eos><unk><|im_start|>tool callné<0x41>",
    "  he  llo\n \n he",
    "\U0010ffff\ufffd\ufeff",
]


def id_of(model, piece):
    return model.first_id + model.pieces.index(piece)


def many_scores(n_counts=3000, seed=1):
    """A model with scores in plenty."""
    draw = random.Random(seed)
    counts = {bytes([byte]): draw.randint(1, 10**6) for byte in range(256)}
    counts |= {f"w{k:x}".encode(): int(10 ** draw.uniform(0, 9)) + 1 for k in range(n_counts)}
    return Model.from_counts(counts)


class TestHuggingFace:
    @pytest.fixture
    def document(self, tmp_path):
        def document(model, **options):
            to_huggingface(model, tmp_path / "hf", **options)
            return json.loads((tmp_path / "hf" / "tokenizer.json").read_text(encoding="utf-8"))

        return document

    @pytest.fixture
    def config(self, tmp_path):
        return lambda: json.loads((tmp_path / "hf" / "tokenizer_config.json").read_text(encoding="utf-8"))

    def test_vocabulary_is_in_the_order_of_ids(self, document, byte_model):
        model = byte_model.with_special_tokens(NAMES)
        names = [name for name, _ in document(model)["model"]["vocab"]]
        assert len(names) == len(set(names)) == model.vocab_size
        assert {name: names.index(name) for name in model.special_tokens} == model.special_tokens
        assert names[id_of(model, b" the")] == "Ġthe"
        assert names[id_of(model, "é".encode())] == "Ã©"

    def test_steps(self, document, byte_model):
        written = document(byte_model)
        assert [step["type"] for step in written["pre_tokenizer"]["pretokenizers"]] == ["Split", "ByteLevel"]
        assert (written["normalizer"], written["post_processor"], written["added_tokens"]) == (None, None, [])
        assert written["decoder"]["type"] == "ByteLevel"
        assert written["model"]["unk_id"] is None

    def test_nfc(self, document, byte_model):
        model = Model(byte_model.pieces, byte_model.counts, {"normalization": "nfc"})
        assert document(model)["normalizer"] == {"type": "NFC"}

    def test_special_tokens_are_found_in_text_only_if_wanted(self, document, config, byte_model):
        model = byte_model.with_special_tokens(NAMES)
        assert document(model)["added_tokens"] == []
        assert config()["split_special_tokens"] is True
        added = document(model, special_tokens_in_text=True)["added_tokens"]
        assert {token["content"]: token["id"] for token in added} == model.special_tokens
        assert all(token["special"] for token in added)
        assert config()["split_special_tokens"] is False

    def test_same_model_same_bytes(self, tmp_path, byte_model):
        to_huggingface(byte_model, tmp_path / "a")
        to_huggingface(Model(byte_model.pieces, byte_model.counts), tmp_path / "b")
        for name in ("tokenizer.json", "tokenizer_config.json"):
            assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()

    def test_scores_keep_every_bit_up_to_a_power_of_two(self, document):
        model = many_scores()
        scores = log_probabilities(model.counts).tolist()
        written = [score for _, score in document(model)["model"]["vocab"][3:]]
        factor = Fraction(written[0]) / Fraction(scores[0])
        assert all(Fraction(number) == Fraction(score) * factor for number, score in zip(written, scores, strict=True))
        assert factor > 1
        assert math.log2(factor).is_integer()

    def test_few_scores_stay_as_they_are(self, document, byte_model):
        written = [score for _, score in document(byte_model)["model"]["vocab"][3:]]
        assert written == log_probabilities(byte_model.counts).tolist()

    def test_special_tokens_lose_against_any_spelling(self, document):
        rows = document(many_scores())["model"]["vocab"]
        assert all(score < 65535 * min(score for _, score in rows[3:]) for _, score in rows[:3])

    def test_a_piece_named_like_a_special_token_is_an_error(self, tmp_path):
        with pytest.raises(ExportError, match=r"b'<bos>'.*special token '<bos>'"):
            to_huggingface(Model.from_counts({"<bos>": 3}), tmp_path / "hf")
        assert not (tmp_path / "hf").exists()

    def test_replaces_an_export(self, tmp_path, byte_model):
        to_huggingface(many_scores(), tmp_path)
        (tmp_path / "README.md").write_text("mine")
        to_huggingface(byte_model, tmp_path)
        assert len(json.loads((tmp_path / "tokenizer.json").read_bytes())["model"]["vocab"]) == byte_model.vocab_size
        assert (tmp_path / "README.md").read_text() == "mine"

    def test_a_folder_that_cannot_be_made(self, tmp_path, byte_model):
        with pytest.raises(FileNotFoundError):
            to_huggingface(byte_model, tmp_path / "no" / "such")
        (tmp_path / "file").write_text("")
        with pytest.raises(OSError, match="file"):
            to_huggingface(byte_model, tmp_path / "file")

    def test_leaves_no_folder_when_it_fails(self, tmp_path, byte_model, monkeypatch):
        def fail(path):
            raise OSError("disk full")

        monkeypatch.setattr("bytepiece.exchange.huggingface.atomic_writer", fail)
        with pytest.raises(OSError, match="disk full"):
            to_huggingface(byte_model, tmp_path / "hf")
        assert not (tmp_path / "hf").exists()


def read_like_serde(number):
    """What serde_json makes of a number, without its feature float_roundtrip."""
    digits, _, exponent = number.partition("e")
    if "." in digits:
        digits, _, fraction = digits.partition(".")
        digits, exponent = digits + fraction, int(exponent or 0) - len(fraction)
    assert abs(int(digits)) < 2**64
    exponent = int(exponent or 0)
    return float(int(digits)) * 10.0**exponent if exponent > 0 else float(int(digits)) / 10.0**-exponent


class TestNumbers:
    @given(st.floats(-45, -1e-12))
    def test_are_read_exactly_or_there_is_none(self, value):
        number = _exact_number(value)
        if number is not None:
            assert float(number) == read_like_serde(number) == value

    @given(st.floats(-45, -1e-12))
    def test_whole_numbers_always_are(self, value):
        whole = math.ldexp(value, 1100 if abs(value) < 1e-300 else 62 - math.frexp(value)[1])
        assert read_like_serde(_exact_number(whole)) == whole

    def test_nearly_every_score_has_one(self):
        draw = random.Random(3)
        scores = [-draw.uniform(0.5, 30) for _ in range(2000)]
        assert sum(_exact_number(score) is not None for score in scores) > 1950

    @given(st.lists(st.floats(-45, -1e-3), min_size=1))
    def test_of_a_model_have_one_factor(self, scores):
        numbers = [Fraction(read_like_serde(number)) for number in _numbers(scores)]
        assert len({number / Fraction(score) for number, score in zip(numbers, scores, strict=True)}) == 1


def load_tokenizers():
    return pytest.importorskip("tokenizers", reason="needs tokenizers")


def auto_tokenizer(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        transformers = pytest.importorskip("transformers", reason="needs transformers")
        return transformers.AutoTokenizer.from_pretrained(str(folder))


class TestTokenizersLibrary:
    """What `tokenizers` and `transformers` make of an export."""

    @each_published
    def test_goldens(self, name, goldens, tmp_path):
        tokenizers = load_tokenizers()
        to_huggingface(goldens.tokenizer(name).model, tmp_path)
        tokenizer = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
        pairs = goldens.pairs(name)
        assert len(pairs) == 957
        assert [text for text, ids in pairs if tokenizer.encode(text).ids != ids] == []
        assert [text for text, ids in pairs if tokenizer.decode(ids) != unicodedata.normalize("NFC", text)] == []

    @each_published
    def test_goldens_with_auto_tokenizer(self, name, goldens, tmp_path):
        to_huggingface(goldens.tokenizer(name).model, tmp_path)
        tokenizer = auto_tokenizer(tmp_path)
        pairs = goldens.pairs(name)
        assert [text for text, ids in pairs if tokenizer(text)["input_ids"] != ids] == []
        assert [text for text, ids in pairs if tokenizer.decode(ids) != unicodedata.normalize("NFC", text)] == []

    @pytest.mark.parametrize("text", TEXTS)
    @pytest.mark.parametrize(
        "model", [many_scores(), many_scores(5, 2).with_special_tokens(NAMES)], ids=["many", "few"]
    )
    def test_odd_texts(self, model, text, tmp_path):
        tokenizers = load_tokenizers()
        to_huggingface(model, tmp_path)
        ids = Tokenizer(model).encode(text)
        tokenizer = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
        assert tokenizer.encode(text).ids == ids
        assert tokenizer.decode(ids) == text
        auto = auto_tokenizer(tmp_path)
        assert auto(text)["input_ids"] == ids
        assert auto.decode(ids) == text

    def test_ties_and_pieces_across_newlines(self, tmp_path):
        tokenizers = load_tokenizers()
        model = Model.from_counts(dict.fromkeys(["ab", "bc", "abc", "\n\n", "a\nb", "\n\n\n", "b\n"], 3))
        to_huggingface(model, tmp_path)
        tokenizer = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
        draw = random.Random(5)
        for _ in range(300):
            text = "".join(draw.choices("abc\n", k=draw.randint(0, 60)))
            assert tokenizer.encode(text).ids == Tokenizer(model).encode(text)

    def test_special_tokens(self, tmp_path):
        model = many_scores().with_special_tokens(NAMES)
        to_huggingface(model, tmp_path)
        auto = auto_tokenizer(tmp_path)
        assert [auto.pad_token_id, auto.bos_token_id, auto.eos_token_id] == [0, 1, 2]
        assert auto.convert_tokens_to_ids([*model.special_tokens]) == [*model.special_tokens.values()]
        assert len(auto) == model.vocab_size
        ids = [1, *Tokenizer(model).encode("hello"), *model.special_tokens.values()]
        assert auto.decode(ids, skip_special_tokens=True) == "hello"
        assert auto.decode(ids).startswith("<bos>hello<pad>")

    def test_special_tokens_in_text(self, tmp_path):
        tokenizers = load_tokenizers()
        model = many_scores().with_special_tokens(NAMES)
        to_huggingface(model, tmp_path, special_tokens_in_text=True)
        names = [*model.special_tokens]
        ids = [*model.special_tokens.values()]
        tokenizer = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
        assert tokenizer.encode("".join(names)).ids == ids
        assert tokenizer.decode(ids) == ""
        assert auto_tokenizer(tmp_path)("".join(names))["input_ids"] == ids

    def test_special_tokens_in_text_are_those_of_ours(self, tmp_path):
        tokenizers = load_tokenizers()
        names = ["<|im_start|>", "<|im", "start|><", "ab", "abc", "bcd", "cd好", "好", "\n"]
        model = many_scores().with_special_tokens(names)
        to_huggingface(model, tmp_path, special_tokens_in_text=True)
        theirs, ours = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json")), Tokenizer(model)
        draw = random.Random(6)
        for _ in range(300):
            text = "".join(draw.choices([*names, "<pad>", "a", "b", "c", "d", "w3", "<", "_", "🙂"], k=12))
            assert theirs.encode(text).ids == ours.encode(text, allowed_special="all")

    @pytest.mark.parametrize("special_tokens_in_text", [False, True])
    def test_saved_again_it_comes_back(self, tmp_path, special_tokens_in_text):
        tokenizers = load_tokenizers()
        model = many_scores().with_special_tokens(NAMES)
        to_huggingface(model, tmp_path / "hf", special_tokens_in_text=special_tokens_in_text)
        tokenizer = tokenizers.Tokenizer.from_file(str(tmp_path / "hf" / "tokenizer.json"))
        tokenizer.save(str(tmp_path / "tokenizers.json"))
        assert from_huggingface(tmp_path / "tokenizers.json") == model
        tokenizer.add_special_tokens(["<|new|>"])
        tokenizer.save(str(tmp_path / "added.json"))
        assert from_huggingface(tmp_path / "added.json") == model.with_special_tokens(["<|new|>"])
        auto = auto_tokenizer(tmp_path / "hf")
        auto.save_pretrained(tmp_path / "transformers")
        assert from_huggingface(tmp_path / "transformers") == model
        auto.add_tokens(["<|new|>"], special_tokens=True)
        auto.save_pretrained(tmp_path / "transformers")
        assert from_huggingface(tmp_path / "transformers") == model.with_special_tokens(["<|new|>"])


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


class TestConvert:
    """The command."""

    @pytest.fixture
    def model_path(self, tmp_path, byte_model):
        byte_model.save(tmp_path / "my.model")
        return str(tmp_path / "my.model")

    def test_each_kind_and_back(self, model_path, tmp_path, byte_model, capsys):
        for kind in ("huggingface", "sentencepiece", "bytepiece"):
            out = str(tmp_path / kind)
            assert main(["convert", model_path, "--to", kind, out, "--force"]) == 0
            assert main(["convert", out, "--to", "bytepiece", str(tmp_path / "back")]) == 0
            assert Model.load(tmp_path / "back") == byte_model
        assert capsys.readouterr() == ("", "")

    def test_json(self, model_path, tmp_path, byte_model, capsys):
        out = tmp_path / "out.json"
        assert main(["convert", model_path, "--to", "json", str(out)]) == 0
        assert Model.load(out).counts == byte_model.counts
        assert "NFC" in capsys.readouterr().err
        assert main(["convert", str(out), "--to", "json", str(tmp_path / "again.json")]) == 0
        assert (tmp_path / "again.json").read_bytes() == out.read_bytes()
        assert capsys.readouterr().err == ""

    def test_problems(self, model_path, tmp_path, capsys):
        listed = tmp_path / "problems.tsv"
        arguments = ["convert", model_path, "--to", "sentencepiece", str(tmp_path / "sp")]
        assert main([*arguments, "--problems", str(listed)]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("bytepiece convert: SentencePiece cannot use 1 of 263 pieces")
        assert err.count("\n") == 1
        assert listed.read_text(encoding="utf-8").splitlines() == [
            "265\t你好\t9\tholds U+4F60, a character without a piece of its own"
        ]
        assert main([*arguments, "--force"]) == 0
        assert (tmp_path / "sp").exists()

    def test_a_note_where_the_model_normalizes(self, byte_model, tmp_path, capsys):
        Model(byte_model.pieces, byte_model.counts, {"normalization": "nfc"}).save(tmp_path / "nfc.model")
        arguments = ["convert", str(tmp_path / "nfc.model"), "--to", "sentencepiece", str(tmp_path / "sp"), "--force"]
        assert main(arguments) == 0
        assert "apply NFC" in capsys.readouterr().err

    def test_special_tokens_in_text(self, model_path, tmp_path):
        arguments = ["convert", model_path, "--to", "huggingface", str(tmp_path / "hf"), "--special-tokens-in-text"]
        assert main(arguments) == 0
        assert len(json.loads((tmp_path / "hf" / "tokenizer.json").read_bytes())["added_tokens"]) == 3

    def test_unknown_kind(self, byte_model, tmp_path):
        with pytest.raises(SettingsError, match=r"kind must be one of huggingface, .*, not 'xml'"):
            export_model(byte_model, tmp_path / "out", "xml")
