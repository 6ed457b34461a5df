"""Special tokens in text: found only where a call allows them."""

import pickle
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import BytePieceError, DisallowedSpecialError, SettingsError, TextError, Tokenizer
from bytepiece.encoding.special import SpecialTokens
from bytepiece.text.preparation import to_bytes
from helpers.properties import examples
from helpers.special import END, NAMES, START, TEXTS


def id_of(tokenizer, name):
    return tokenizer.model.special_tokens[name]


def oracle(text, names, begin=0):
    """Cut a text at the leftmost longest names, in a way that is slow and obviously right."""
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

    def test_names_do_not_come_in_an_iterator(self, tokenizer):
        """It would be empty after the first text of a batch."""
        with pytest.raises(SettingsError, match="allowed_special must be names"):
            tokenizer.encode_batch([f"a{END}", f"b{END}"], allowed_special=iter([END]))

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
    def test_an_unknown_name(self, tokenizer, argument, names):
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


class TestOtherCalls:
    @pytest.mark.parametrize("workers", [1, 2, None])
    def test_batch(self, tokenizer, workers):
        expected = [tokenizer.encode(text, allowed_special="all") for text in TEXTS]
        assert tokenizer.encode_batch(TEXTS, workers, allowed_special="all") == expected

    @pytest.mark.parametrize("workers", [1, 3])
    def test_batch_in_small_shares(self, tokenizer, workers, monkeypatch):
        monkeypatch.setattr("bytepiece.encoding.batches.SMALLEST_SHARE", 3)
        expected = [tokenizer.encode(text, allowed_special={START, "\n"}) for text in TEXTS]
        assert tokenizer.encode_batch(TEXTS, workers, allowed_special={START, "\n"}) == expected

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

    @pytest.mark.parametrize("workers", [1, 2])
    def test_drawn_they_are_the_same_alone_and_in_a_batch(self, tokenizer, workers):
        text = f"he{START}hello the\nhe{END}llo"
        alone = tokenizer.encode(text, alpha=0.0, seed=5, allowed_special="all")
        batch = tokenizer.encode_batch([text, text], workers, alpha=0.0, seed=5, allowed_special="all")
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


@pytest.mark.parametrize("segment", ["ab", ("a",), ("a", (), ()), None, 5])
def test_segments_that_are_no_pairs(byte_model, segment):
    with pytest.raises(TextError, match="a segment must be a text and the special tokens allowed in it, not"):
        Tokenizer(byte_model).encode_segments([segment])
