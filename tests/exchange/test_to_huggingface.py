"""Models for `tokenizers` and `transformers`: what is written, and what those make of it."""

import json
import math
import random
import unicodedata
import warnings
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import ExportError, Model, SettingsError, Tokenizer
from bytepiece.core.automaton import log_probabilities
from bytepiece.exchange import (
    from_huggingface,
    to_huggingface,
)
from bytepiece.exchange.huggingface import _exact_number, _numbers
from helpers.exports import NAMES, TEXTS, id_of, many_scores
from helpers.goldens import each_published


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

    def test_special_tokens_of_its_own_are_found_in_text(self, document, config, byte_model):
        model = byte_model.with_special_tokens(NAMES)
        added = document(model)["added_tokens"]
        assert {token["content"]: token["id"] for token in added} == model.special_tokens
        assert all(token["special"] for token in added)
        assert config()["split_special_tokens"] is False
        assert document(model, special_tokens_as_text=True)["added_tokens"] == []
        assert config()["split_special_tokens"] is True

    def test_reserved_tokens_alone_stay_text(self, document, config, byte_model):
        assert document(byte_model)["added_tokens"] == []
        assert config()["split_special_tokens"] is True

    def test_config_leaves_nothing_to_chance(self, document, config, byte_model):
        document(byte_model)
        written = config()
        assert written["tokenizer_class"] == "BytePieceTokenizer"
        names = ["pad_token", "bos_token", "eos_token", "unk_token"]
        assert [written[name] for name in names] == ["<pad>", "<bos>", "<eos>", None]
        assert written["model_max_length"] == int(1e30)  # as transformers writes it where there is no limit
        document(byte_model, model_max_length=2048)
        assert config()["model_max_length"] == 2048

    @pytest.mark.parametrize("length", [0, -1, 1.5, "9"])
    def test_a_wrong_length(self, document, byte_model, length):
        with pytest.raises(SettingsError, match="model_max_length"):
            document(byte_model, model_max_length=length)

    def test_auto_map(self, document, config, tmp_path, byte_model):
        document(byte_model, auto_map=True)
        assert config()["tokenizer_class"] == "PreTrainedTokenizerFast"
        module, _, name = config()["auto_map"]["AutoTokenizer"][1].partition(".")
        assert f"import {name}" in (tmp_path / "hf" / f"{module}.py").read_text()

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
    def test_are_read_exactly_or_not_found(self, value):
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
    @pytest.mark.slow
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
        names = "all" if len(model.special_tokens) > 3 else ()
        ids = Tokenizer(model).encode(text, allowed_special=names)
        tokenizer = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
        assert tokenizer.encode(text).ids == ids
        # Names of special tokens are spelled by the alphabet of bytes, in which "é" is a byte that is no character.
        exact = Tokenizer(model).decode(ids, skip_special_tokens=False)
        decoded = exact.replace("né", "n\ufffd" if names else "né")
        assert tokenizer.decode(ids, skip_special_tokens=False) == decoded
        auto = auto_tokenizer(tmp_path)
        assert auto(text)["input_ids"] == ids
        ours = type(auto).__name__ == "BytePieceTokenizer"  # where other tests have imported it
        assert auto.decode(ids) == (exact if ours else decoded)

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
        to_huggingface(model, tmp_path)
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
        to_huggingface(model, tmp_path)
        theirs, ours = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json")), Tokenizer(model)
        draw = random.Random(6)
        for _ in range(300):
            text = "".join(draw.choices([*names, "<pad>", "a", "b", "c", "d", "w3", "<", "_", "🙂"], k=12))
            assert theirs.encode(text).ids == ours.encode(text, allowed_special="all")

    @pytest.mark.parametrize("special_tokens_as_text", [False, True])
    def test_saved_again_it_comes_back(self, tmp_path, special_tokens_as_text):
        tokenizers = load_tokenizers()
        model = many_scores().with_special_tokens(NAMES)
        to_huggingface(model, tmp_path / "hf", special_tokens_as_text=special_tokens_as_text)
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
