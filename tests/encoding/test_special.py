"""Special tokens: in the vocabulary, and in text only where a call allows them."""

import copy
import json
import multiprocessing
import os
import pickle
import random
import re
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256
from importlib.util import find_spec
from operator import methodcaller

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import (
    BytePieceError,
    DisallowedSpecialError,
    Model,
    ModelFormatError,
    SettingsError,
    TextError,
    Tokenizer,
)
from bytepiece.encoding.special import SpecialTokens
from bytepiece.text.preparation import to_bytes
from helpers.processes import run_python
from helpers.properties import examples

START, END = "<|im_start|>", "<|im_end|>"
NAMES = ["<|im_start|>", "<|im_end|>", "<|im", "im_end", "好", "\U0001f642", "a\x00b", " ", "<", "e\u0301", "\n"]


@pytest.fixture(scope="module")
def model(byte_model):
    return byte_model.with_special_tokens(NAMES)


@pytest.fixture(scope="module")
def tokenizer(model):
    return Tokenizer(model)


@pytest.fixture(scope="module")
def nfc(model):
    return Tokenizer(Model(model.pieces, model.counts, {"normalization": "nfc"}, NAMES))


def id_of(tokenizer, name):
    return tokenizer.model.special_tokens[name]


# Models.


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


# In text.


def oracle(text, names, begin=0):
    """Cut a text at the leftmost longest names, as slowly as that is obviously right."""
    found = []
    while begin < len(text):
        here = [name for name in names if text.startswith(name, begin)]
        if here:
            name = max(here, key=len)
            found.append((begin, begin + len(name), name))
            begin += len(name)
        else:
            begin += 1
    return found


class TestFinding:
    def test_nothing_is_found_that_is_not_allowed(self, tokenizer):
        text = "".join(NAMES) + "<pad><bos><eos>"
        special = set(tokenizer.model.special_tokens.values())
        assert not special.intersection(tokenizer.encode(text))
        assert not special.intersection(tokenizer.encode(text.encode()))

    def test_what_is_allowed_is_found(self, tokenizer):
        ids = tokenizer.encode(f"{START}he{END}", allowed_special={START, END})
        assert tokenizer.ids_to_pieces(ids) == [START, b"he", END]

    def test_the_rest_is_plain_text(self, tokenizer):
        ids = tokenizer.encode(f"{START}he{END}", allowed_special={START})
        assert ids == [id_of(tokenizer, START), *tokenizer.encode(f"he{END}")]

    def test_all_are_all(self, tokenizer):
        ids = tokenizer.encode("<pad>x<|im_end|>", allowed_special="all")
        assert tokenizer.ids_to_pieces(ids) == ["<pad>", b"x", END]

    @pytest.mark.parametrize(
        "kind", [set, frozenset, list, tuple, dict.fromkeys, lambda names: dict.fromkeys(names).keys()]
    )
    def test_names_come_in_any_collection(self, tokenizer, kind):
        ids = tokenizer.encode(f"a{END}", allowed_special=kind([END]))
        assert ids[-1] == id_of(tokenizer, END)

    def test_no_piece_goes_across(self, tokenizer):
        assert tokenizer.ids_to_pieces(tokenizer.encode("h<e", allowed_special={"<"})) == [b"h", "<", b"e"]

    def test_a_newline_can_be_one(self, tokenizer):
        ids = tokenizer.encode("he\n\nhe", allowed_special={"\n"})
        assert tokenizer.ids_to_pieces(ids) == [b"he", "\n", "\n", b"he"]

    @pytest.mark.parametrize("text", ["", START, START + START, f"{START}x", f"x{START}"])
    def test_at_the_edges(self, tokenizer, text):
        ids = tokenizer.encode(text, allowed_special="all")
        assert tokenizer.decode(ids, skip_special_tokens=False) == text
        assert START not in tokenizer.decode(ids)

    @pytest.mark.parametrize(
        ("names", "text", "found"),
        [
            (["ab", "abcd", "bcde"], "abcde", ["abcd"]),
            (["b", "abcd"], "abcd", ["abcd"]),
            (["b", "abcd"], "abcx", ["b"]),
            (["abc", "cde", "e"], "abcde", ["abc", "e"]),
            (["aa"], "aaaaa", ["aa", "aa"]),
            (["a", "aa", "aaa"], "aaaaa", ["aaa", "aa"]),
            (["abcab", "ca"], "abcabcab", ["abcab", "ca"]),
        ],
    )
    def test_leftmost_longest(self, names, text, found):
        tokens = SpecialTokens({name: k for k, name in enumerate(names)})
        for given_text in (text, text.encode()):
            assert [names[id] for id in tokens.split(given_text, "all") if isinstance(id, int)] == found

    @given(
        names=st.sets(st.text("ab你\U0001f642", min_size=1, max_size=4), min_size=1, max_size=8),
        text=st.text("abc你\U0001f642\ud800", max_size=40),
    )
    def test_it_is_what_the_definition_says(self, names, text):
        tokens = SpecialTokens(ids := {name: k for k, name in enumerate(sorted(names))})
        parts = tokens.split(text, "all", errors="replace")
        expected, position = [], 0
        for begin, end, name in oracle(text, names):
            expected += [to_bytes(text[position:begin], errors="replace"), ids[name]]
            position = end
        expected.append(to_bytes(text[position:], errors="replace"))
        assert parts == [part for part in expected if part != b""]

    @given(text=st.lists(st.sampled_from([*NAMES, "he", "x", "<|im_", "\xff", "é"])).map("".join))
    def test_bytes_are_searched_as_str_is(self, tokenizer, text):
        assert tokenizer.encode(text.encode(), allowed_special="all") == tokenizer.encode(text, allowed_special="all")

    def test_bytes_that_form_no_character_do_not_hide_a_name(self, tokenizer):
        ids = tokenizer.encode(b"\xe5\xa5" + "好".encode() + b"\xff", allowed_special={"好"})
        assert tokenizer.ids_to_pieces(ids) == [b"\xe5", b"\xa5", "好", b"\xff"]

    def test_thousands_of_names(self, byte_model):
        names = [f"<|special_{k}|>" for k in range(5000)]
        tokenizer = Tokenizer(byte_model.with_special_tokens(names))
        generator = random.Random(0)
        chosen = generator.choices(range(5000), k=500)
        text = "".join(f"he {names[k]}llo" for k in chosen)
        found = [id - byte_model.vocab_size for id in tokenizer.encode(text, allowed_special="all")]
        assert [k for k in found if k >= 0] == chosen

    @given(text=st.text() | st.lists(st.sampled_from([*NAMES, "<pad>", "<bos>", "<eos>", "x"])).map("".join))
    @examples(300)
    def test_no_text_makes_a_special_id(self, tokenizer, nfc, text):
        special = set(tokenizer.model.special_tokens.values())
        for each in (tokenizer, nfc):
            for ids in (
                each.encode_ordinary(text),
                each.encode(text, errors="replace"),
                each.encode(text.encode("utf-8", "surrogatepass")),
                each.encode_batch([text])[0],
                each.encode_to_numpy(text, errors="replace").tolist(),
                each.encode_segments([(text, ())], errors="replace"),
                each.encode_with_offsets(text, errors="replace").ids,
                each.encode(text, alpha=0, seed=1, errors="replace"),
                list(each.encode(text, iter=True, errors="replace")),
                list(each.encode_stream([text], errors="replace")),
            ):
                assert not special.intersection(ids)

    @given(text=st.text(), allowed=st.sets(st.sampled_from(NAMES)))
    def test_only_what_is_allowed_becomes_a_special_id(self, tokenizer, text, allowed):
        ids = tokenizer.encode(text + "".join(NAMES), allowed_special=allowed, errors="replace")
        special = set(tokenizer.model.special_tokens.values())
        assert special.intersection(ids) <= {id_of(tokenizer, name) for name in allowed}


class TestNormalization:
    def test_names_are_found_in_the_text_as_given(self, nfc):
        assert nfc.encode("e\u0301", allowed_special="all") == [id_of(nfc, "e\u0301")]
        assert id_of(nfc, "e\u0301") not in nfc.encode("é", allowed_special="all")

    def test_the_parts_between_are_normalized_one_by_one(self, nfc):
        ids = nfc.encode("e<\u0301e\u0301", allowed_special={"<"})
        assert nfc.decode_bytes(ids) == "e\u0301é".encode()


class TestDisallowed:
    def test_by_default_nothing_is(self, tokenizer):
        assert tokenizer.decode(tokenizer.encode(START)) == START

    @pytest.mark.parametrize("disallowed", [{END, START}, "all", [END]])
    @pytest.mark.parametrize("method", ["encode", "count", "encode_to_numpy", "encode_with_offsets"])
    def test_the_first_is_named_with_its_position(self, tokenizer, method, disallowed):
        with pytest.raises(DisallowedSpecialError, match=r"'<\|im_end\|>' at position 2") as caught:
            getattr(tokenizer, method)(f"你h{END}{START}", disallowed_special=disallowed)
        assert (caught.value.name, caught.value.position) == (END, 2)

    def test_in_bytes_the_position_is_that_of_a_byte(self, tokenizer):
        with pytest.raises(DisallowedSpecialError) as caught:
            tokenizer.encode(f"你h{END}".encode(), disallowed_special="all")
        assert caught.value.position == 4

    def test_is_a_value_error_of_this_package_that_can_be_pickled(self):
        error = pickle.loads(pickle.dumps(DisallowedSpecialError("<a>", 5)))
        assert isinstance(error, (ValueError, BytePieceError))
        assert (error.name, error.position, str(error)) == ("<a>", 5, str(DisallowedSpecialError("<a>", 5)))

    def test_what_is_allowed_is_not_disallowed(self, tokenizer):
        ids = tokenizer.encode(END, allowed_special={END}, disallowed_special="all")
        assert ids == [id_of(tokenizer, END)]

    def test_in_a_batch(self, tokenizer):
        with pytest.raises(DisallowedSpecialError):
            tokenizer.encode_batch(["x", END], disallowed_special={END})

    def test_an_allowed_name_can_hold_a_disallowed_one(self, tokenizer):
        ids = tokenizer.encode(START, allowed_special={START}, disallowed_special="all")
        assert ids == [id_of(tokenizer, START)]

    def test_a_text_without_any_is_encoded(self, tokenizer):
        assert tokenizer.encode("hello", disallowed_special="all") == tokenizer.encode("hello")


class TestArguments:
    @pytest.mark.parametrize("argument", ["allowed_special", "disallowed_special"])
    @pytest.mark.parametrize("names", [{"<unknown>"}, {END, "<unknown>"}, {b"x"}, {5}])
    def test_a_name_that_is_none(self, tokenizer, argument, names):
        with pytest.raises(SettingsError, match=f"{argument}: not a special token"):
            tokenizer.encode("x", **{argument: names})

    @pytest.mark.parametrize("argument", ["allowed_special", "disallowed_special"])
    @pytest.mark.parametrize("names", ["<|im_end|>", "ALL", b"all", 5, [["x"]]])
    def test_what_is_no_collection_of_names(self, tokenizer, argument, names):
        with pytest.raises(SettingsError, match=f"{argument} must be names or 'all'"):
            tokenizer.encode("x", **{argument: names})

    @pytest.mark.parametrize("text", [None, 5, ["x"], bytearray(b"x")])
    def test_what_is_no_text(self, tokenizer, text):
        with pytest.raises(TextError, match="must be str or bytes"):
            tokenizer.encode(text, allowed_special="all")

    def test_a_set_that_changes(self, tokenizer):
        allowed = {START}
        tokenizer.encode(START, allowed_special=allowed)
        allowed.add(END)
        assert tokenizer.encode(END, allowed_special=allowed) == [id_of(tokenizer, END)]

    def test_a_lone_surrogate_is_named_with_its_position_in_the_text(self, tokenizer):
        with pytest.raises(TextError, match=r"U\+D800 at character 14\b"):
            tokenizer.encode(f"a{START}b\ud800{END}\ud801", allowed_special="all")


# Every call that takes them.

TEXTS = [f"{START}he said{END}\nhello", "", END, "plain", f"x{START}{START}y\n\n", "你好 好\n" * 50, b"\xff<\xfe"]


class TestOtherCalls:
    @pytest.mark.parametrize("threads", [1, 2, None])
    def test_batch(self, tokenizer, threads):
        expected = [tokenizer.encode(text, allowed_special="all") for text in TEXTS]
        assert tokenizer.encode_batch(TEXTS, threads, allowed_special="all") == expected

    @pytest.mark.parametrize("threads", [1, 3])
    def test_batch_in_small_shares(self, tokenizer, threads, monkeypatch):
        monkeypatch.setattr("bytepiece.encoding.batches._SMALLEST_SHARE", 3)
        expected = [tokenizer.encode(text, allowed_special={START, "\n"}) for text in TEXTS]
        assert tokenizer.encode_batch(TEXTS, threads, allowed_special={START, "\n"}) == expected

    def test_batch_to_numpy(self, tokenizer):
        ids, offsets = tokenizer.encode_batch_to_numpy(TEXTS, allowed_special="all")
        assert (ids.dtype, offsets.dtype, len(offsets)) == (np.uint32, np.int64, len(TEXTS) + 1)
        assert ids[offsets[0] : offsets[1]].tolist() == tokenizer.encode(TEXTS[0], allowed_special="all")

    @pytest.mark.parametrize("text", TEXTS)
    def test_to_numpy_and_count(self, tokenizer, text):
        ids = tokenizer.encode(text, allowed_special="all")
        assert tokenizer.encode_to_numpy(text, allowed_special="all").tolist() == ids
        assert tokenizer.count(text, allowed_special="all") == len(ids)

    @pytest.mark.parametrize("text", TEXTS)
    def test_iterator(self, tokenizer, text):
        expected = tokenizer.encode(text, True, True, allowed_special="all")
        assert list(tokenizer.encode(text, True, True, allowed_special="all", iter=True)) == expected

    @pytest.mark.parametrize("threads", [1, 2])
    def test_drawn_they_are_the_same_alone_and_in_a_batch(self, tokenizer, threads):
        text = f"he{START}hello the\nhe{END}llo"
        alone = tokenizer.encode(text, alpha=0.0, seed=5, allowed_special="all")
        batch = tokenizer.encode_batch([text, text], threads, alpha=0.0, seed=5, allowed_special="all")
        assert batch[0] == alone
        assert tokenizer.decode(batch[1], skip_special_tokens=False) == text
        assert tokenizer.encode_segments([(text, "all")], alpha=0.0, seed=5) == alone

    def test_bos_and_eos_stand_around_them(self, tokenizer):
        assert tokenizer.encode(END, True, True, allowed_special="all") == [1, id_of(tokenizer, END), 2]


class TestSegments:
    def test_each_has_its_own_rights(self, tokenizer):
        ids = tokenizer.encode_segments([(START, "all"), (START, ()), (END, {START}), (END, {END})])
        assert tokenizer.decode(ids, skip_special_tokens=False) == START + START + END + END
        assert [id for id in ids if id >= id_of(tokenizer, START)] == [id_of(tokenizer, START), id_of(tokenizer, END)]

    def test_no_piece_goes_across(self, tokenizer):
        assert tokenizer.ids_to_pieces(tokenizer.encode_segments([("h", ()), ("e", ())])) == [b"h", b"e"]

    def test_no_name_goes_across(self, tokenizer):
        ids = tokenizer.encode_segments([("<|im_", "all"), ("end|>", "all")])
        assert id_of(tokenizer, END) not in ids

    def test_none(self, tokenizer):
        assert tokenizer.encode_segments([]) == []
        assert tokenizer.encode_segments([("", "all")], add_bos=True, add_eos=True) == [1, 2]

    def test_disallowed_names_are_those_that_the_text_does_not_allow(self, tokenizer):
        tokenizer.encode_segments([(START, {START})], disallowed_special="all")
        with pytest.raises(DisallowedSpecialError):
            tokenizer.encode_segments([(START, {START}), (START, ())], disallowed_special="all")

    def test_errors(self, tokenizer):
        with pytest.raises(TextError, match="at character 1"):
            tokenizer.encode_segments([("ab", ()), ("c\ud800", ())])
        assert tokenizer.decode(tokenizer.encode_segments([("c\ud800", ())], errors="replace")) == "c\ufffd"


class TestDecoding:
    def test_they_are_skipped_or_shown(self, tokenizer):
        ids = tokenizer.encode(f"{START}he{END}", True, True, allowed_special="all")
        assert tokenizer.decode(ids) == "he"
        assert tokenizer.decode(ids, skip_special_tokens=False) == f"<bos>{START}he{END}<eos>"
        assert tokenizer.decode_bytes(ids, skip_special_tokens=False) == f"<bos>{START}he{END}<eos>".encode()
        assert tokenizer.decode_batch([ids, []], skip_special_tokens=False) == [f"<bos>{START}he{END}<eos>", ""]

    @given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"])))
    def test_shown_they_give_the_text_back(self, tokenizer, text):
        text += "".join(NAMES)
        assert tokenizer.decode(tokenizer.encode(text, allowed_special="all"), skip_special_tokens=False) == text


# Lone surrogates.


class TestSurrogates:
    @given(text=st.text(st.characters() | st.sampled_from("\ud800\udbff\udc00\udfff")))
    def test_each_becomes_a_replacement_character(self, tokenizer, nfc, text):
        replaced = re.sub("[\ud800-\udfff]", "\ufffd", text)
        for each in (tokenizer, nfc):
            ids = each.encode(replaced)
            assert each.encode(text, errors="replace") == ids
            assert each.encode_ordinary(text) == ids
            assert each.encode_batch([text, text]) == [ids, ids]
            assert list(each.encode_stream(text, errors="replace")) == ids
            assert each.tokenize(text, errors="replace") == each.tokenize(replaced)
            assert each.count(text, errors="replace") == len(ids)

    @pytest.mark.parametrize("method", ["encode", "tokenize", "count", "encode_to_numpy", "encode_with_offsets"])
    def test_by_default_they_are_an_error(self, tokenizer, method):
        with pytest.raises(TextError, match=r"U\+D800 at character 1\b"):
            getattr(tokenizer, method)("a\ud800")

    def test_a_batch_can_be_strict(self, tokenizer):
        with pytest.raises(TextError):
            tokenizer.encode_batch(["a\ud800"], errors="strict")

    @pytest.mark.parametrize("errors", ["ignore", "", None, 5, "surrogateescape"])
    def test_other_ways_are_refused(self, tokenizer, errors):
        for method in ("encode", "tokenize", "encode_to_numpy", "encode_with_offsets", "count"):
            with pytest.raises(SettingsError, match="errors must be 'strict' or 'replace'"):
                getattr(tokenizer, method)("a", errors=errors)

    @pytest.mark.parametrize("text", [None, 5, ["x"], bytearray(b"x")])
    def test_what_is_no_text_is_refused_all_the_same(self, tokenizer, text):
        with pytest.raises(TextError, match="must be str or bytes"):
            tokenizer.encode_ordinary(text)
        with pytest.raises(TextError, match="must be str or bytes"):
            tokenizer.encode_batch([text])


# Copies, threads, processes.

TEXT = f"{START}he said{END}hello\n"


encode_it = methodcaller("encode", TEXT, alpha=0.0, seed=1, allowed_special="all")  # which other processes can import


DATASETS_SCRIPT = """
import json, os
import datasets
from bytepiece import Tokenizer

def encode(batch):
    return {"ids": tokenizer.encode_batch(batch["text"], allowed_special="all")}

if __name__ == "__main__":
    datasets.disable_progress_bars()
    tokenizer = Tokenizer("model")
    if not os.path.exists("rows"):
        rows = {"text": [f"he said {k} <|im_end|>" for k in range(20)]}
        datasets.Dataset.from_dict(rows).save_to_disk("rows")
    before = set(os.listdir("rows"))
    rows = datasets.load_from_disk("rows").map(encode, batched=True, batch_size=3, num_proc=2)
    print("new" if set(os.listdir("rows")) - before else "cached", rows._fingerprint)
    print(json.dumps([list(ids) for ids in rows["ids"]]))
"""


class TestCopies:
    def test_equal_models_have_one_pickle(self, model, tmp_path):
        model.save(tmp_path / "model")
        loaded = Model.load(tmp_path / "model")
        again = pickle.loads(pickle.dumps(loaded))
        used = Tokenizer(again)
        encode_it(used)
        used.decode(used.encode(TEXT)), used.decode_with_offsets([5]), used.encode_with_offsets(TEXT)
        expected = pickle.dumps(Tokenizer(model))
        assert {pickle.dumps(Tokenizer(loaded)), pickle.dumps(used), pickle.dumps(copy.deepcopy(used))} == {expected}

    def test_settings_in_another_order_are_the_same_pickle(self, byte_model):
        pieces, counts = byte_model.pieces, byte_model.counts
        assert pickle.dumps(Model(pieces, counts, {"a": "x", "b": "x"})) == pickle.dumps(
            Model(pieces, counts, {"b": "".join(["x"]), "a": "x"})
        )

    def test_it_has_little_more_than_the_pieces(self, model):
        pieces = b"".join(model.pieces)
        assert len(pickle.dumps(Tokenizer(model))) < len(pieces) + 12 * len(model.pieces) + 1000

    @pytest.mark.parametrize("how", [copy.copy, copy.deepcopy])
    def test_a_copy_takes_no_memory(self, tokenizer, how):
        assert how(tokenizer) is tokenizer
        assert how(tokenizer.model) is tokenizer.model

    def test_a_closure_keeps_one_pickle(self, tokenizer):
        # What `datasets.map` does to find its cache: it pickles the function with all that it refers to.
        dill = pytest.importorskip("dill")

        def function(example):
            return {"ids": tokenizer.encode(example["text"])}

        before = dill.dumps(function, recurse=True)
        function({"text": TEXT})
        encode_it(tokenizer)
        assert dill.dumps(function, recurse=True) == before

    @pytest.mark.slow
    def test_pickles_are_the_same_in_other_processes(self, model, tmp_path):
        model.save(tmp_path / "model")
        code = """
            import pickle, sys
            from hashlib import sha256
            from bytepiece import Tokenizer
            tokenizer = Tokenizer(sys.argv[1])
            tokenizer.encode("x", allowed_special="all", alpha=0)
            print(sha256(pickle.dumps(tokenizer, 4)).hexdigest())
        """
        for hash_seed in ("1", "2"):
            done = run_python(code, tmp_path / "model", environment={"PYTHONHASHSEED": hash_seed}, check=True)
            assert done.stdout.strip() == sha256(pickle.dumps(Tokenizer(model), 4)).hexdigest()

    @pytest.mark.skipif(find_spec("datasets") is None, reason="needs datasets")
    def test_datasets_map_in_processes_and_find_their_cache(self, model, tmp_path):
        model.save(tmp_path / "model")
        (tmp_path / "script.py").write_text(DATASETS_SCRIPT)
        environment = os.environ | {"HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1"}
        outputs = [
            subprocess.run(
                [sys.executable, "script.py"],
                cwd=tmp_path,
                env=environment | {"PYTHONHASHSEED": str(number)},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for number in (1, 2)
        ]
        assert outputs[0] == outputs[1].replace("cached", "new")
        assert "cached" in outputs[1]
        ids = json.loads(outputs[0].splitlines()[-1])
        assert ids == Tokenizer(model).encode_batch([f"he said {k} {END}" for k in range(20)], allowed_special="all")

    @pytest.mark.slow
    @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
    @pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
    def test_in_other_processes(self, byte_model, method):
        tokenizer = Tokenizer(byte_model.with_special_tokens([START, END]))
        expected = encode_it(tokenizer)
        # Not a `multiprocessing.Pool`, which waits for ever for a process that could not read its task.
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as executor:
            assert list(executor.map(encode_it, [tokenizer] * 3)) == [expected] * 3

    @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
    def test_after_a_batch_in_threads_forks_work(self, tokenizer):
        if "fork" not in multiprocessing.get_all_start_methods():
            pytest.skip("needs fork")
        tokenizer.encode_batch(TEXTS * 10, 2)
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as executor:
            assert executor.submit(encode_it, tokenizer).result() == encode_it(tokenizer)

    def test_threads_that_share_one(self, byte_model):
        tokenizer = Tokenizer(byte_model.with_special_tokens([START, END]))
        reference = Tokenizer(byte_model.with_special_tokens([START, END]))
        allowed = ["all", {START}, frozenset([END]), (), {START, END}]
        texts = [f"{START}{k}{END}" * 20 for k in range(40)]
        expected = [[reference.encode(text, allowed_special=each) for text in texts] for each in allowed]
        barrier = threading.Barrier(len(allowed))
        results = [None] * len(allowed)

        def work(k):
            barrier.wait(timeout=60)
            results[k] = [tokenizer.encode(text, allowed_special=allowed[k]) for text in texts]

        threads = [threading.Thread(target=work, args=(k,)) for k in range(len(allowed))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == expected
