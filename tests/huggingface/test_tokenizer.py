"""`BytePieceTokenizer`: what transformers' own fast tokenizer gives, faster."""

import copy
import inspect
import pickle
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import Model, Tokenizer, UnknownIdError
from bytepiece.exchange import from_huggingface, to_huggingface
from helpers.exports import NAMES, TEXTS, many_scores
from helpers.frameworks import import_or_skip
from helpers.goldens import each_published

transformers = import_or_skip("transformers")
huggingface = import_or_skip("bytepiece.huggingface")

CALLS = {
    "plain": {},
    "masks": {"return_offsets_mapping": True, "return_special_tokens_mask": True, "return_length": True},
    "padded": {"padding": True, "pad_to_multiple_of": 8, "return_offsets_mapping": True},
    "padded on the left": {"padding": True, "padding_side": "left", "return_special_tokens_mask": True},
    "padded to a length": {"padding": "max_length", "max_length": 30, "truncation": True},
    "truncated": {"truncation": True, "max_length": 9, "return_offsets_mapping": True},
    "overflowing": {
        "truncation": True,
        "max_length": 9,
        "stride": 3,
        "return_overflowing_tokens": True,
        "return_offsets_mapping": True,
        "return_special_tokens_mask": True,
        "padding": True,
    },
    "special tokens as text": {"split_special_tokens": True},
    "nothing added": {"add_special_tokens": False, "return_token_type_ids": True},
    "ids alone": {"return_attention_mask": False},
}
each_call = pytest.mark.parametrize("options", CALLS.values(), ids=CALLS)

WORDS = ["a", "hello ", "é", "e\u0301", "<|im_start|>", "\n", "\n\n", "w3", "tool call", "好", "né", "<pad>", "🙂"]


def random_texts(n=60, seed=1):
    draw = random.Random(seed)
    return [*TEXTS, *("".join(draw.choices(WORDS, k=draw.randint(0, 40))) for _ in range(n))]


def same(ours, theirs):
    assert dict(ours) == dict(theirs)
    assert list(ours) == list(theirs)


def both_classes(folder, model):
    """What transformers makes of an export: with our class, and with its own."""
    to_huggingface(model, folder)
    ours = transformers.AutoTokenizer.from_pretrained(folder)
    theirs = transformers.PreTrainedTokenizerFast.from_pretrained(folder)
    assert type(ours) is huggingface.BytePieceTokenizer
    assert type(theirs) is not huggingface.BytePieceTokenizer
    return ours, theirs


@pytest.fixture(scope="module", params=[None, "nfc"])
def pair(request, tmp_path_factory):
    model = many_scores()
    model = Model(model.pieces, model.counts, {"normalization": request.param}, NAMES)
    return both_classes(tmp_path_factory.mktemp("hf"), model)


@pytest.fixture(params=[False, True], ids=["no ends", "bos and eos"])
def ends(request, pair):
    for tokenizer in pair:
        tokenizer.add_bos_token = tokenizer.add_eos_token = request.param
    yield pair
    for tokenizer in pair:
        tokenizer.add_bos_token = tokenizer.add_eos_token = False


class TestAsTheFastTokenizer:
    """With the same ids, masks and offsets in the same columns."""

    @each_call
    def test_batches(self, ends, options):
        ours, theirs = ends
        texts = random_texts()
        same(ours(texts, **options), theirs(texts, **options))

    @each_call
    def test_one_by_one(self, ends, options):
        ours, theirs = ends
        for text in random_texts(20):
            same(ours(text, **options), theirs(text, **options))

    @each_call
    def test_pairs(self, ends, options):
        ours, theirs = ends
        texts = random_texts(30)
        options = {**options, "return_overflowing_tokens": False, "stride": 0}
        same(ours(texts, texts[::-1], **options), theirs(texts, texts[::-1], **options))
        pairs = [*zip(texts, texts[::-1], strict=True)]
        same(ours(pairs, **options), theirs(pairs, **options))
        same(ours(texts[4], texts[5], **options), theirs(texts[4], texts[5], **options))

    @pytest.mark.parametrize("strategy", ["longest_first", "only_first", "only_second"])
    @pytest.mark.parametrize("side", ["left", "right"])
    @pytest.mark.parametrize("lengths", [(30, 10), (10, 30), (30, 31), (30, 30), (3, 60)])
    def test_pairs_that_overflow(self, ends, strategy, side, lengths):
        ours, theirs = ends
        texts = ["x" * length for length in lengths]
        options = {"truncation": strategy, "max_length": 31, "stride": 1, "return_overflowing_tokens": True}
        for tokenizer in ends:
            tokenizer.truncation_side = side
        try:
            expected = theirs(*texts, return_offsets_mapping=True, **options)
        except BaseException:  # of Rust, a panic
            with pytest.raises(ValueError, match=r"truncation|stride"):
                ours(*texts, return_offsets_mapping=True, **options)
        else:
            same(ours(*texts, return_offsets_mapping=True, **options), expected)
        finally:
            for tokenizer in ends:
                tokenizer.truncation_side = "right"

    def test_what_only_encodings_know(self, pair):
        for text in random_texts(20):
            ours, theirs = (tokenizer(text) for tokenizer in pair)
            assert ours.word_ids() == theirs.word_ids()
            assert ours.tokens() == theirs.tokens()
            assert ours.sequence_ids() == theirs.sequence_ids()
            assert ours.is_fast
            places = range(len(text))
            assert [*map(ours.char_to_token, places)] == [*map(theirs.char_to_token, places)]

    def test_words_are_lines(self, pair):
        ours, _ = pair
        ids = ours("one\ntwo\n").word_ids()
        assert ids == sorted(ids)
        assert {*ids} == {0, 1}

    def test_words_that_were_split_before(self, pair):
        ours, theirs = pair
        words = [["hello", "the", "né"], ["a"], []]
        options = {"is_split_into_words": True, "return_offsets_mapping": True}
        same(ours(words, **options), theirs(words, **options))
        assert ours(words, **options).word_ids(0) == theirs(words, **options).word_ids(0)

    def test_back_to_text(self, pair):
        ours, theirs = pair
        for text in random_texts():
            text = text.replace("né", "")  # theirs reads the bytes E9 and so on in the name of a token
            ids = ours(text)["input_ids"]
            for skip in (False, True):
                assert ours.decode(ids, skip_special_tokens=skip) == theirs.decode(ids, skip_special_tokens=skip)
            assert ours.convert_ids_to_tokens(ids) == theirs.convert_ids_to_tokens(ids) == ours.tokenize(text)
            assert ours.convert_tokens_to_ids(ours.tokenize(text)) == ids

    def test_tensors(self, pair):
        texts = random_texts(5)
        arrays = [tokenizer(texts, padding=True, return_tensors="np") for tokenizer in pair]
        assert {name: array.tolist() for name, array in arrays[0].items()} == {
            name: array.tolist() for name, array in arrays[1].items()
        }
        assert arrays[0]["input_ids"].dtype == arrays[1]["input_ids"].dtype

    @pytest.mark.parametrize("wrong", [3, None, [3], [["a", "b", "c"], 3], b"bytes", ["a", None]])
    def test_wrong_arguments(self, pair, wrong):
        for tokenizer in pair:
            with pytest.raises((ValueError, TypeError)):
                tokenizer(wrong)

    def test_vocabulary(self, pair):
        ours, theirs = pair
        assert len(ours) == len(theirs) == ours.model.vocab_size
        assert ours.get_vocab() == theirs.get_vocab() == ours.vocab
        assert ours.all_special_ids == theirs.all_special_ids
        assert ours.unk_token is None
        assert [ours.pad_token_id, ours.bos_token_id, ours.eos_token_id] == [0, 1, 2]
        assert ours.model_max_length == theirs.model_max_length

    @given(st.lists(st.sampled_from([*WORDS, "\u1100", "\u1161", "\u0958", "\x00", "\r"])).map("".join))
    def test_offsets(self, pair, text):
        ours, theirs = pair
        same(ours(text, return_offsets_mapping=True), theirs(text, return_offsets_mapping=True))


class TestGoldens:
    @each_published
    def test_ids_masks_and_offsets(self, name, goldens, tmp_path):
        ours, theirs = both_classes(tmp_path, goldens.tokenizer(name).model)
        pairs = goldens.pairs(name)
        texts = [text for text, _ in pairs]
        assert ours(texts)["input_ids"] == [ids for _, ids in pairs]
        for call in ("masks", "padded to a length", "overflowing"):
            same(ours(texts, **CALLS[call]), theirs(texts, **CALLS[call]))


@pytest.fixture(scope="module")
def model():
    return many_scores().with_special_tokens(NAMES)


@pytest.fixture
def tokenizer(model):
    return huggingface.BytePieceTokenizer.from_model(model)


class TestItself:
    """What it has beyond the fast tokenizer, or in its own way."""

    def test_from_a_model(self, model, tokenizer):
        assert tokenizer.model is model
        assert tokenizer("hello")["input_ids"] == Tokenizer(model).encode("hello")

    def test_strict(self, model):
        strict = huggingface.BytePieceTokenizer.from_model(model, special_tokens_as_text=True)
        assert strict("<|im_start|>")["input_ids"] == Tokenizer(model).encode("<|im_start|>")
        assert strict("<|im_start|>", split_special_tokens=False)["input_ids"] == [model.special_tokens["<|im_start|>"]]

    def test_lone_surrogates(self, tokenizer):
        assert tokenizer("a\ud800")["input_ids"] == tokenizer("a\ufffd")["input_ids"]
        offsets = tokenizer(["a\ud800é", "b"], return_offsets_mapping=True)["offset_mapping"][0]
        assert offsets[-1] == (2, 3)

    def test_names_beyond_ascii_are_decoded(self, model, tokenizer):
        assert tokenizer.decode([model.special_tokens["né"]]) == "né"

    def test_ids_that_there_are_not(self, tokenizer):
        assert tokenizer.decode([10**6, *tokenizer("a")["input_ids"]]) == "a"
        with pytest.raises(UnknownIdError, match="-1 is not an id"):
            tokenizer.decode([-1])

    def test_is_called_as_the_fast_tokenizer(self, tokenizer):
        fast = transformers.PreTrainedTokenizerFast
        assert inspect.signature(type(tokenizer).__call__) == inspect.signature(fast.__call__)

    def test_a_text_alone(self, tokenizer):
        """It goes a shorter way."""
        for text in random_texts(20):
            same(tokenizer(text), tokenizer(text, padding=False))

    def test_calls_change_nothing(self, tokenizer):
        before = tokenizer.backend_tokenizer.to_str()
        tokenizer(["a", "hello"], padding=True, truncation=True, max_length=3)
        assert tokenizer.backend_tokenizer.to_str() == before

    def test_an_empty_batch(self, tokenizer):
        assert dict(tokenizer([])) == {"input_ids": [], "attention_mask": []}

    @pytest.mark.parametrize("value", ["false", "0", "true", ""])
    def test_parallelism(self, tokenizer, monkeypatch, value):
        texts = random_texts()
        expected = tokenizer(texts)
        monkeypatch.setenv("TOKENIZERS_PARALLELISM", value)
        same(tokenizer(texts), expected)


class TestAddedTokens:
    @pytest.fixture
    def grown(self, pair, tmp_path):
        """Both classes, with some tokens added."""

        def grown(*tokens, special=False):
            both = [copy.deepcopy(tokenizer) for tokenizer in pair]
            assert both[0].add_tokens([*tokens], special_tokens=special) == both[1].add_tokens(
                [*tokens], special_tokens=special
            )
            return both

        return grown

    @pytest.mark.parametrize("special", [False, True])
    def test_are_found(self, grown, special):
        ours, theirs = grown("hello", "<new>", "lo <", "hello w", "ab", "bc", special=special)
        for text in [*random_texts(), "hello <new>", "abc", "xhello wy", "<pad>lo <pad>"]:
            for split in (False, True):
                options = {"split_special_tokens": split, "return_offsets_mapping": True}
                same(ours(text, **options), theirs(text, **options))
            ids = ours(text)["input_ids"]
            assert "né" in text or ours.decode(ids) == theirs.decode(ids)
        assert len(ours) == len(theirs)

    def test_that_are_normalized(self, grown):
        ours, theirs = grown("é", "caf\u00e9")
        texts = ["cafe\u0301", "caf\u00e9", "e\u0301", "x"]
        for options in ({}, {"return_offsets_mapping": True}):
            same(ours(texts, **options), theirs(texts, **options))

    @pytest.mark.parametrize("flag", ["lstrip", "rstrip", "single_word"])
    def test_that_take_what_is_around_them(self, grown, flag):
        ours, theirs = grown(transformers.AddedToken("<mask>", **{flag: True}))
        texts = ["a <mask> b", "x<mask>", "<mask>", "<mask>\n \n<mask>y"]
        same(ours(texts, return_offsets_mapping=True), theirs(texts, return_offsets_mapping=True))

    def test_that_are_pieces(self, grown):
        ours, theirs = grown("w3")
        same(ours(["w3 w3a", "\n"]), theirs(["w3 w3a", "\n"]))
        assert len(ours) == ours.model.vocab_size

    def test_named_ones(self, pair):
        ours, theirs = copy.deepcopy(pair)
        for tokenizer in (ours, theirs):
            tokenizer.add_special_tokens({"cls_token": "<cls>", "mask_token": "<mask>"})
        same(ours("<cls>a<mask>"), theirs("<cls>a<mask>"))
        assert ours.mask_token_id == theirs.mask_token_id


ADDED = "hello <new> <pad>"


class TestWithoutSpecialTokensOfTheModel:
    """Special tokens are found from the first one on that is added, unless the strict form was asked for."""

    @pytest.fixture(scope="class")
    @classmethod
    def reserved(cls):
        return many_scores()

    @pytest.fixture
    def plain(self, reserved):
        return huggingface.BytePieceTokenizer.from_model(reserved)

    @staticmethod
    def finds(tokenizer):
        ids = tokenizer(ADDED)["input_ids"]
        found = {tokenizer.convert_tokens_to_ids("<new>"), tokenizer.pad_token_id} <= {*ids}
        assert found == (tokenizer.tokenize(ADDED).count("<new>") == 1)
        return found

    def test_names_are_text_before(self, reserved, plain):
        assert plain(ADDED)["input_ids"] == Tokenizer(reserved).encode(ADDED)

    @pytest.mark.parametrize("name", ["additional_special_tokens", "extra_special_tokens"])
    def test_names_are_found_after(self, plain, name):
        try:
            assert plain.add_special_tokens({name: ["<new>"]}) == 1
        except (AssertionError, ValueError, KeyError):
            pytest.skip(f"this version of transformers has no {name}")
        assert self.finds(plain)

    def test_added_in_each_way(self, reserved, tmp_path):
        first, second = (huggingface.BytePieceTokenizer.from_model(reserved) for _ in range(2))
        first.add_tokens(["<new>"], special_tokens=True)
        second.add_special_tokens({"mask_token": "<new>"})
        made = huggingface.BytePieceTokenizer.from_model(reserved, mask_token="<new>")
        to_huggingface(reserved, tmp_path)
        loaded = transformers.AutoTokenizer.from_pretrained(tmp_path, mask_token="<new>")
        assert all(map(self.finds, (first, second, made, loaded)))

    def test_tokens_that_are_not_special_change_nothing(self, reserved, plain):
        plain.add_tokens(["<new>"])
        assert plain("<new>")["input_ids"] == [reserved.vocab_size]
        assert plain("<pad>")["input_ids"] == Tokenizer(reserved).encode("<pad>")

    @pytest.mark.parametrize("finds", [True, False])
    def test_files_and_copies_keep_it(self, plain, tmp_path, finds):
        plain.add_tokens(["<new>"], special_tokens=True)
        if not finds:
            plain.split_special_tokens = True
        plain.save_pretrained(tmp_path)
        loaded = transformers.AutoTokenizer.from_pretrained(tmp_path)
        fast = transformers.PreTrainedTokenizerFast.from_pretrained(tmp_path)
        for tokenizer in (plain, loaded, copy.deepcopy(plain), pickle.loads(pickle.dumps(plain))):
            assert self.finds(tokenizer) == finds
            same(tokenizer(ADDED), fast(ADDED))

    def test_the_strict_form_stays_strict(self, reserved, tmp_path):
        strict = huggingface.BytePieceTokenizer.from_model(reserved, special_tokens_as_text=True)
        to_huggingface(reserved, tmp_path / "strict", special_tokens_as_text=True)
        exported = transformers.AutoTokenizer.from_pretrained(tmp_path / "strict")
        for number, tokenizer in enumerate((strict, exported)):
            tokenizer.add_tokens(["<new>"], special_tokens=True)
            assert not self.finds(tokenizer)
            tokenizer.save_pretrained(tmp_path / str(number))
            again = transformers.AutoTokenizer.from_pretrained(tmp_path / str(number))
            again.add_tokens(["<newer>"], special_tokens=True)
            assert not self.finds(again)

    def test_so_does_the_strict_form_of_a_model_that_has_some(self, model):
        strict = huggingface.BytePieceTokenizer.from_model(model, special_tokens_as_text=True)
        strict.add_tokens(["<new>"], special_tokens=True)
        assert not self.finds(strict)

    def test_training_finds_new_ones(self, plain):
        trained = plain.train_new_from_iterator([["the clock\n"] * 9], 300, new_special_tokens=["<new>"])
        assert self.finds(trained)


class TestFiles:
    def test_to_hugging_face_and_back(self, model, tokenizer, tmp_path):
        tokenizer.save_pretrained(tmp_path)
        assert from_huggingface(tmp_path) == model
        again = transformers.AutoTokenizer.from_pretrained(tmp_path)
        assert type(again) is huggingface.BytePieceTokenizer
        assert again.model == model
        assert again("hello <|im_start|>") == tokenizer("hello <|im_start|>")
        again.save_pretrained(tmp_path / "twice")
        assert from_huggingface(tmp_path / "twice") == model

    def test_added_tokens_and_template_are_kept(self, tokenizer, tmp_path):
        tokenizer.add_tokens(["<new>"])
        tokenizer.add_bos_token = True
        tokenizer.chat_template = "{{ messages }}"
        tokenizer.save_pretrained(tmp_path)
        again = transformers.AutoTokenizer.from_pretrained(tmp_path)
        assert again("a<new>") == tokenizer("a<new>")
        assert again.chat_template == "{{ messages }}"

    @pytest.mark.parametrize("copied", [lambda it: pickle.loads(pickle.dumps(it)), copy.copy, copy.deepcopy])
    def test_copies(self, tokenizer, copied):
        tokenizer.add_tokens(["<new>"])
        tokenizer("used before")
        twin = copied(tokenizer)
        texts = random_texts()
        assert twin(texts) == tokenizer(texts)
        assert twin.model == tokenizer.model
        twin.add_tokens(["<newer>"])

    def test_pickles_are_the_same_before_and_after_use(self, tokenizer):
        """So the cache of `datasets` is found again."""
        before = pickle.dumps(tokenizer)
        tokenizer(["a", "b"], padding=True)
        assert pickle.dumps(tokenizer) == before

    def test_encodings_are_pickled(self, tokenizer):
        encoded = tokenizer("hello\nthe")
        assert pickle.loads(pickle.dumps(encoded)).word_ids() == encoded.word_ids()

    def test_trust_remote_code(self, model, tmp_path):
        to_huggingface(model, tmp_path, auto_map=True)
        fast = transformers.AutoTokenizer.from_pretrained(tmp_path, trust_remote_code=False)
        assert type(fast) is not huggingface.BytePieceTokenizer
        ours = transformers.AutoTokenizer.from_pretrained(tmp_path, trust_remote_code=True)
        assert type(ours).__name__ == "BytePieceTokenizer"
        assert ours("hello") == fast("hello")

    def test_model_max_length(self, model, tmp_path):
        to_huggingface(model, tmp_path, model_max_length=4)
        tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
        assert len(tokenizer("hello the he", truncation=True)["input_ids"]) == 4

    def test_another_tokenizer_is_refused(self, tmp_path):
        (tmp_path / "tokenizer.json").write_text('{"model": {"type": "BPE"}, "added_tokens": []}')
        with pytest.raises(ValueError, match="only Unigram can be a model here"):
            huggingface.BytePieceTokenizer.from_pretrained(tmp_path)


TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


class TestChatTemplates:
    def test_three_turns_are_what_encode_segments_gives(self):
        model = many_scores().with_special_tokens(["<|im_start|>", "<|im_end|>"])
        tokenizer = huggingface.BytePieceTokenizer.from_model(model, chat_template=TEMPLATE)
        turns = [("system", "be brief"), ("user", "hello\n\nthe né"), ("assistant", "w3")]
        messages = [{"role": role, "content": content} for role, content in turns]
        ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
        special = {"<|im_start|>", "<|im_end|>"}
        segments = [
            (text, special)
            for role, content in turns
            for text in ("<|im_start|>", f"{role}\n{content}", "<|im_end|>", "\n")
        ]
        segments += [("<|im_start|>", special), ("assistant\n", special)]
        assert ids == Tokenizer(model).encode_segments(segments)


class TestTraining:
    def test_from_an_iterator(self, tokenizer):
        trained = tokenizer.train_new_from_iterator([["the clock the clock\n"] * 9, ["a boat\n"] * 9], 300)
        assert type(trained) is type(tokenizer)
        assert trained.decode(trained("the clock")["input_ids"]) == "the clock"
        assert [*trained.model.special_tokens][3:] == NAMES

    def test_special_tokens_that_were_added_stay(self, tokenizer):
        tokenizer.add_special_tokens({"additional_special_tokens": ["<added>"], "pad_token": "[PAD]"})
        trained = tokenizer.train_new_from_iterator([["the clock the clock\n"] * 9], 300)
        assert {"<added>", "[PAD]"} < {*trained.model.special_tokens}
        assert trained.pad_token_id == trained.model.special_tokens["[PAD]"]
        assert trained.convert_tokens_to_ids("<added>") == trained.model.special_tokens["<added>"]
