"""Special tokens of a model: their ids, their file, and names that are refused."""

import copy
import json
import pickle

import pytest

from bytepiece import Model, ModelFormatError, SettingsError, Tokenizer
from helpers.special import END, NAMES, START


@pytest.fixture(scope="module")
def model(byte_model):
    return byte_model.with_special_tokens(NAMES)


@pytest.fixture(scope="module")
def tokenizer(model):
    return Tokenizer(model)


def id_of(tokenizer, name):
    return tokenizer.model.special_tokens[name]


class TestModel:
    def test_ids_come_after_those_of_the_pieces(self, byte_model, model):
        first = byte_model.vocab_size
        assert model.special_tokens == byte_model.special_tokens | {name: first + k for k, name in enumerate(NAMES)}
        assert model.vocab_size == first + len(NAMES)

    def test_the_rest_stays(self, byte_model, model):
        assert (model.pieces, model.counts, model.settings) == (
            byte_model.pieces,
            byte_model.counts,
            byte_model.settings,
        )

    def test_more_can_be_added(self, model):
        more = model.with_special_tokens(["<new>"])
        assert more.special_tokens == model.special_tokens | {"<new>": model.vocab_size}

    def test_none_can_be_added(self, model):
        assert model.with_special_tokens([]) == model

    def test_the_model_they_are_added_to_is_unchanged(self, byte_model):
        before = byte_model.special_tokens
        byte_model.with_special_tokens(["<new>"])
        assert byte_model.special_tokens == before

    def test_names_come_in_any_iterable(self, byte_model):
        assert byte_model.with_special_tokens(iter(["a", "b"])) == byte_model.with_special_tokens(("a", "b"))

    def test_they_can_be_there_from_the_start(self, byte_model, model):
        assert Model(byte_model.pieces, byte_model.counts, special_tokens=NAMES) == model
        counts = dict(zip(byte_model.pieces, byte_model.counts, strict=True))
        assert Model.from_counts(counts, special_tokens=NAMES) == model

    @pytest.mark.parametrize(
        "names", [["", "a"], [b"a"], [None], [1], ["a", "b", "a"], ["<pad>"], ["x\ud800"], ["\udfff"]]
    )
    def test_bad_names_are_refused(self, byte_model, names):
        with pytest.raises(ModelFormatError, match="special token"):
            byte_model.with_special_tokens(names)

    @pytest.mark.parametrize("names", ["abc", b"abc", None, 5])
    def test_what_is_no_iterable_of_names_is_refused(self, byte_model, names):
        with pytest.raises(ModelFormatError, match="iterable of names"):
            byte_model.with_special_tokens(names)

    def test_a_name_that_is_there_is_refused(self, model):
        with pytest.raises(ModelFormatError, match=r"there is a special token '<\|im_end\|>' already"):
            model.with_special_tokens(["<new>", END])

    def test_models_with_others_differ(self, byte_model, model):
        assert model != byte_model
        assert model != byte_model.with_special_tokens(NAMES[::-1])
        assert hash(model) == hash(byte_model.with_special_tokens(NAMES))

    @pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
    def test_copies_have_them(self, model, how):
        assert how(model) == model
        assert how(model).special_tokens == model.special_tokens


class TestFile:
    def test_saved_and_loaded_it_is_equal(self, model, tmp_path):
        model.save(tmp_path / "model")
        assert Model.load(tmp_path / "model") == model

    def test_the_header_has_the_names(self, model, tmp_path):
        model.save(tmp_path / "model")
        line = (tmp_path / "model").read_bytes().splitlines()[2]
        assert json.loads(line.removeprefix(b"special-tokens: ")) == ["<pad>", "<bos>", "<eos>", *NAMES]

    def test_json_cannot_hold_them(self, model, tmp_path):
        with pytest.raises(SettingsError, match="no room for the special token"):
            model.save(tmp_path / "model", format="json")
        assert not (tmp_path / "model").exists()

    @pytest.mark.parametrize(
        ("names", "message"),
        [
            (["<pad>", "<bos>"], "come first"),
            (["<bos>", "<pad>", "<eos>"], "come first"),
            ([], "come first"),
            (["a", "<pad>", "<bos>", "<eos>"], "come first"),
            (["<pad>", "<bos>", "<eos>", ""], "non-empty str"),
            (["<pad>", "<bos>", "<eos>", "a", "a"], "'a' already"),
            (["<pad>", "<bos>", "<eos>", "<bos>"], "'<bos>' already"),
            (["<pad>", "<bos>", "<eos>", "\ud800"], "lone surrogates"),
            (["<pad>", "<bos>", "<eos>", 5], "line 3"),
        ],
    )
    def test_bad_headers_are_refused(self, model, tmp_path, names, message):
        import hashlib

        model.save(tmp_path / "model")
        lines = (tmp_path / "model").read_bytes().split(b"\n")
        lines[2] = b"special-tokens: " + json.dumps(names).encode()
        body = b"\n".join(lines[:-2]) + b"\n"
        (tmp_path / "bad").write_bytes(body + b"sha256: " + hashlib.sha256(body).hexdigest().encode() + b"\n")
        with pytest.raises(ModelFormatError, match=message):
            Model.load(tmp_path / "bad")


class TestVocabulary:
    def test_sizes_agree(self, tokenizer, model):
        assert tokenizer.vocab_size == model.vocab_size

    def test_names_are_str_and_pieces_bytes(self, tokenizer, model):
        everything = tokenizer.ids_to_pieces(range(tokenizer.vocab_size))
        assert everything == ["<pad>", "<bos>", "<eos>", *model.pieces, *NAMES]
        assert tokenizer.pieces_to_ids(everything) == [*range(tokenizer.vocab_size)]

    def test_old_ids_stay(self, tokenizer, byte_model):
        text = "he said héllo <|im_start|> 你好\n\n"
        assert tokenizer.encode(text) == Tokenizer(byte_model).encode(text)

    def test_their_score_is_zero(self, tokenizer):
        assert tokenizer.score([id_of(tokenizer, START)]) == 0.0
