"""The public tokenizer: text in, ids out, and back."""

import copy
import pickle
import random
import threading
import unicodedata
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import (
    Model,
    ModelFormatError,
    SettingsError,
    TextError,
    Tokenizer,
    TrainingError,
    UnknownIdError,
    UnknownPieceError,
    convert_to_bytepiece,
)

FIRST = 3  # the id of the first piece, after <pad>, <bos> and <eos>
TEXT = "he said héllo\n\n the 你好 🙂\ta\x00b\r\n"


@pytest.fixture(scope="session")
def tokenizer(byte_model):
    return Tokenizer(byte_model)


@pytest.fixture(scope="session")
def nfc(byte_model):
    """A tokenizer whose model normalizes."""
    return Tokenizer(Model(byte_model.pieces, byte_model.counts, {"normalization": "nfc"}))


# Encoding.


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("hello", [b"he", b"llo"]),
        ("\n\n\n", [b"\n", b"\n\n"]),
        ("x the", [b"x", b" the"]),
        ("你好é", ["你好".encode(), "é".encode()]),
        ("a\tb", [b"a\tb"]),
        ("\x00", [b"\x00"]),
        ("\U0010ffff", [b"\xf4", b"\x8f", b"\xbf", b"\xbf"]),
        (b"\xff\xfehe\xc3", [b"\xff", b"\xfe", b"he", b"\xc3"]),
    ],
)
class TestPieces:
    def test_tokenize_gives_them(self, tokenizer, text, pieces):
        assert tokenizer.tokenize(text) == pieces

    def test_encode_gives_their_ids(self, tokenizer, text, pieces):
        assert tokenizer.encode(text) == [FIRST + tokenizer.model.pieces.index(piece) for piece in pieces]


def test_ids_are_ints_in_a_list(tokenizer):
    ids = tokenizer.encode(TEXT)
    assert type(ids) is list
    assert set(map(type, ids)) == {int}


def test_str_is_encoded_as_its_utf8(tokenizer):
    assert tokenizer.encode(TEXT) == tokenizer.encode(TEXT.encode())


@pytest.mark.parametrize("subclass", [type("Text", (str,), {}), type("Data", (bytes,), {}), np.str_, np.bytes_])
def test_subclasses_of_str_and_bytes_are_text(tokenizer, subclass):
    text = subclass("hello") if issubclass(subclass, str) else subclass(b"hello")
    assert tokenizer.tokenize(text) == [b"he", b"llo"]


@pytest.mark.parametrize("text", [np.str_("ne\u0301"), type("Text", (str,), {})("ne\u0301"), np.bytes_("né".encode())])
def test_subclasses_of_str_and_bytes_are_normalized(text):
    model = Model.from_counts({"né": 20}, settings={"normalization": "nfc"})
    assert Tokenizer(model).tokenize(text) == ["né".encode()]


@pytest.mark.parametrize(
    ("add_bos", "add_eos", "before", "after"),
    [(False, False, [], []), (True, False, [1], []), (False, True, [], [2]), (True, True, [1], [2])],
)
@pytest.mark.parametrize("text", ["", "hello\n"])
def test_bos_and_eos_stand_around_the_text(tokenizer, text, add_bos, add_eos, before, after):
    assert tokenizer.encode(text, add_bos, add_eos) == before + tokenizer.encode(text) + after


@pytest.mark.parametrize("name", ["<pad>", "<bos>", "<eos>"])
def test_special_tokens_in_text_are_plain_text(tokenizer, name):
    assert tokenizer.tokenize(name) == [name[k : k + 1].encode() for k in range(5)]


@pytest.mark.parametrize("text", [None, 1, ["hello"], bytearray(b"hello"), memoryview(b"hello"), object()])
@pytest.mark.parametrize("method", ["encode", "tokenize"])
def test_what_is_no_text_is_refused_by_its_type(tokenizer, method, text):
    with pytest.raises(TextError, match=rf"must be str or bytes, not {type(text).__name__}"):
        getattr(tokenizer, method)(text)


@pytest.mark.parametrize(
    ("text", "position"),
    [("\ud800", 0), ("abc\udfff", 3), ("你é🙂\udc80x", 3), ("a\ud83d\ude00", 1), ("e\u0301\ud800", 2)],
)
@pytest.mark.parametrize("fixture", ["tokenizer", "nfc"])
def test_a_lone_surrogate_is_refused_with_its_position(request, fixture, text, position):
    with pytest.raises(TextError, match=f"U\\+{ord(text[position]):04X} at character {position}\\b"):
        request.getfixturevalue(fixture).encode(text)


# Decoding.


@given(data=st.binary(max_size=100))
def test_decode_bytes_undoes_encode_for_any_bytes(tokenizer, data):
    assert tokenizer.decode_bytes(tokenizer.encode(data)) == data


@given(text=st.text(max_size=100))
def test_decode_undoes_encode_for_any_text(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text)) == text


@given(ids=st.lists(st.integers(0, 265), max_size=50))
def test_decode_bytes_joins_the_pieces_of_any_ids(tokenizer, ids):
    pieces = tokenizer.ids_to_pieces(ids)
    assert tokenizer.decode_bytes(ids) == b"".join(piece for piece in pieces if isinstance(piece, bytes))


def test_special_tokens_decode_to_nothing(tokenizer):
    assert tokenizer.decode_bytes([1, 0, *tokenizer.encode(TEXT), 0, 2]) == TEXT.encode()


def test_bytes_that_form_no_character_decode_to_replacements(tokenizer):
    assert tokenizer.decode(tokenizer.encode(b"a\xffb")) == "a\ufffdb"


@pytest.mark.parametrize(("errors", "text"), [("ignore", "ab"), ("backslashreplace", "a\\xffb")])
def test_decode_obeys_errors(tokenizer, errors, text):
    assert tokenizer.decode(tokenizer.encode(b"a\xffb"), errors=errors) == text


def test_decode_can_be_strict(tokenizer):
    with pytest.raises(UnicodeDecodeError):
        tokenizer.decode(tokenizer.encode(b"a\xffb"), errors="strict")


@pytest.mark.parametrize("kind", [list, tuple, iter, np.array, lambda ids: (id for id in ids), dict.fromkeys])
@pytest.mark.parametrize("method", ["decode", "decode_bytes", "ids_to_pieces"])
def test_ids_come_in_any_iterable(tokenizer, method, kind):
    ids = tokenizer.encode("hello 你好")
    assert getattr(tokenizer, method)(kind(ids)) == getattr(tokenizer, method)(ids)


class Index:
    """An object with ``__index__``, and nothing else."""

    def __index__(self):
        return 104


INTEGERS = [np.int8(104), np.uint8(104), np.int64(104), np.uint64(104), np.int32(104), True, np.array(104), Index()]


@pytest.mark.parametrize("id", INTEGERS, ids=lambda id: type(id).__name__)
class TestIntegersOfAllTypes:
    def test_decode_bytes(self, tokenizer, id):
        assert tokenizer.decode_bytes([id, 5]) == tokenizer.decode_bytes([id.__index__(), 5])

    def test_id_to_piece(self, tokenizer, id):
        assert tokenizer.id_to_piece(id) == tokenizer.id_to_piece(id.__index__())


BAD_IDS = [
    -1,
    -266,
    266,
    2**31,
    2**63,
    2**64,
    2**100,
    -(2**100),
    1.0,
    0.5,
    float("nan"),
    float("inf"),
    None,
    "5",
    "",
    b"a",
    Fraction(5),
    1j,
    [5],
    np.float64(5),
    np.int64(-1),
    np.array([5, 6]),
    np.array([5]),
]


@pytest.mark.parametrize("bad", BAD_IDS, ids=repr)
class TestBadIds:
    @pytest.mark.parametrize("method", ["decode", "decode_bytes", "ids_to_pieces"])
    @pytest.mark.parametrize("place", [0, 1, 2])
    def test_is_refused_among_others(self, tokenizer, method, place, bad):
        ids = [5, 6]
        ids.insert(place, bad)
        with pytest.raises(UnknownIdError) as caught:
            getattr(tokenizer, method)(ids)
        assert str(caught.value).startswith(f"{bad!r} is not an id")

    @pytest.mark.parametrize("method", ["decode", "decode_bytes", "ids_to_pieces"])
    def test_is_refused_alone(self, tokenizer, method, bad):
        with pytest.raises(UnknownIdError):
            getattr(tokenizer, method)([bad])

    def test_has_no_piece(self, tokenizer, bad):
        with pytest.raises(UnknownIdError) as caught:
            tokenizer.id_to_piece(bad)
        assert str(caught.value).startswith(f"{bad!r} is not an id")


def test_unknown_id_is_a_value_error(tokenizer):
    with pytest.raises(ValueError, match="266 is not an id: ids are ints from 0 to 265"):
        tokenizer.decode([266])


def test_the_first_bad_id_is_named(tokenizer):
    with pytest.raises(UnknownIdError, match=r"^777 "):
        tokenizer.decode([5, 777, -1, "x"])


def test_a_bad_id_in_a_generator_is_named(tokenizer):
    with pytest.raises(UnknownIdError, match=r"^777 "):
        tokenizer.decode(id for id in (5, 777, 6))


# Pieces and ids.


def test_vocab_size_is_special_tokens_and_pieces(tokenizer, byte_model):
    assert tokenizer.vocab_size == 3 + len(byte_model.pieces)


def test_what_it_knows_of_itself(tokenizer, byte_model):
    assert len(tokenizer) == tokenizer.vocab_size
    assert (tokenizer.pad_id, tokenizer.bos_id, tokenizer.eos_id) == (0, 1, 2)
    assert tokenizer.special_tokens == byte_model.special_tokens
    assert list(tokenizer.get_vocab()) == tokenizer.ids_to_pieces(range(len(tokenizer)))
    assert list(tokenizer.get_vocab().values()) == list(range(len(tokenizer)))
    assert repr(tokenizer) == f"Tokenizer({byte_model!r})"


def test_special_tokens_have_the_first_ids(tokenizer):
    assert tokenizer.ids_to_pieces([0, 1, 2]) == ["<pad>", "<bos>", "<eos>"]


def test_pieces_have_the_ids_after_them(tokenizer, byte_model):
    assert tokenizer.ids_to_pieces(range(3, tokenizer.vocab_size)) == byte_model.pieces


def test_piece_to_id_undoes_id_to_piece(tokenizer):
    assert [tokenizer.piece_to_id(tokenizer.id_to_piece(id)) for id in range(tokenizer.vocab_size)] == list(
        range(tokenizer.vocab_size)
    )


def test_pieces_to_ids_of_a_text_are_its_ids(tokenizer):
    assert tokenizer.pieces_to_ids(iter(tokenizer.tokenize(TEXT))) == tokenizer.encode(TEXT)


@pytest.mark.parametrize("name", ["<pad>", "<bos>", "<eos>"])
def test_the_bytes_of_a_special_token_are_not_its_name(name):
    piece = name.encode()
    counts = {bytes([byte]): 1 for byte in range(256)} | {piece: 100}
    tokenizer = Tokenizer(Model.from_counts(counts))
    assert tokenizer.piece_to_id(piece) == tokenizer.encode(name)[0] == 3 + 256


@pytest.mark.parametrize("bad", [b"unknown", b"", "he", "", "<unk>", 104, None, [b"he"], bytearray(b"he")], ids=repr)
@pytest.mark.parametrize("method", ["piece_to_id", "pieces_to_ids"])
def test_an_unknown_piece_is_a_key_error_with_its_name(tokenizer, method, bad):
    with pytest.raises(KeyError) as caught:
        getattr(tokenizer, method)(bad if method == "piece_to_id" else [b"he", bad])
    assert type(caught.value) is UnknownPieceError
    assert str(caught.value).startswith(f"{bad!r} is not in the vocabulary")


# Models.


def test_a_model_can_be_given_by_its_path(tokenizer, tmp_path):
    tokenizer.model.save(tmp_path / "model")
    assert Tokenizer(tmp_path / "model").encode(TEXT) == tokenizer.encode(TEXT)


def test_a_path_can_be_str(tokenizer, tmp_path):
    tokenizer.model.save(tmp_path / "model")
    assert Tokenizer(str(tmp_path / "model")).model == tokenizer.model


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        Tokenizer(tmp_path / "none")


def test_a_bad_file_is_a_format_error(tmp_path):
    (tmp_path / "model").write_bytes(b"")
    with pytest.raises(ModelFormatError):
        Tokenizer(tmp_path / "model")


def test_model_is_the_one_it_was_made_of(tokenizer, byte_model):
    assert tokenizer.model is byte_model


def test_order_of_pieces_in_the_model_is_that_of_the_ids(byte_model):
    reverse = Tokenizer(Model(byte_model.pieces[::-1], byte_model.counts[::-1]))
    assert reverse.tokenize(TEXT) == Tokenizer(byte_model).tokenize(TEXT)
    assert reverse.ids_to_pieces([3, 4]) == byte_model.pieces[:-3:-1]


# Normalization.

DECOMPOSED = "cafe\u0301 \u1112\u1161\u11ab \u212b a\u0323\u0307"


def test_without_normalization_text_stays_as_it_is(tokenizer):
    assert tokenizer.decode(tokenizer.encode(DECOMPOSED)) == DECOMPOSED


@pytest.mark.parametrize("text", [DECOMPOSED, DECOMPOSED.encode()], ids=["str", "bytes"])
def test_nfc_model_normalizes(nfc, text):
    assert nfc.decode(nfc.encode(text)) == unicodedata.normalize("NFC", DECOMPOSED)


@given(text=st.text(max_size=50))
def test_nfc_model_gives_back_the_nfc_of_any_text(nfc, text):
    assert nfc.decode(nfc.encode(text)) == unicodedata.normalize("NFC", text)


@given(data=st.binary(max_size=50))
def test_nfc_model_keeps_bytes_that_form_no_character(nfc, data):
    text = data.decode(errors="surrogateescape")
    expected = unicodedata.normalize("NFC", text).encode(errors="surrogateescape")
    assert nfc.decode_bytes(nfc.encode(data)) == expected


def test_tokenize_normalizes_as_encode_does(nfc):
    assert nfc.tokenize(DECOMPOSED) == nfc.ids_to_pieces(nfc.encode(DECOMPOSED))


def test_a_model_in_json_normalizes(byte_model, tmp_path):
    byte_model.save(tmp_path / "model", format="json")
    assert Tokenizer(tmp_path / "model").tokenize("e\u0301") == ["é".encode()]


# Copies and threads.

COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{
        f"pickle {protocol}": lambda tokenizer, protocol=protocol: pickle.loads(pickle.dumps(tokenizer, protocol))
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
    },
}


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_gives_the_same_ids(nfc, name):
    assert COPIES[name](nfc).encode(TEXT + DECOMPOSED) == nfc.encode(TEXT + DECOMPOSED)


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_has_an_equal_model(nfc, name):
    assert COPIES[name](nfc).model == nfc.model


@pytest.mark.slow
def test_threads_that_share_a_tokenizer_get_what_one_thread_gets():
    generator = random.Random(0)
    counts = {bytes([byte]): 1 for byte in range(256)}
    counts |= {
        bytes(generator.choices(b"abc ", k=generator.randint(2, 9))): generator.randint(1, 50) for _ in range(500)
    }
    shared = Tokenizer(Model.from_counts(counts))
    texts = [bytes(generator.choices(b"abc \n", [9, 9, 9, 9, 1 / (k + 1)], k=20_000)) for k in range(8)]
    expected = [(shared.encode(text), shared.tokenize(text)) for text in texts]
    barrier = threading.Barrier(len(texts))
    results = [None] * len(texts)

    def work(k):
        barrier.wait(timeout=60)
        results[k] = [
            (ids := shared.encode(text), [shared.id_to_piece(id) for id in ids], shared.decode_bytes(ids), text)
            for text in texts[k:] + texts[:k]
        ]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(len(texts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k, result in enumerate(results):
        assert result == [
            (ids, pieces, text, text)
            for text, (ids, pieces) in zip(texts[k:] + texts[:k], expected[k:] + expected[:k], strict=True)
        ]


@pytest.mark.parametrize("added", [2, "yes", np.True_])
def test_ends_are_added_once_by_whatever_is_true(added):
    tokenizer = Tokenizer(Model.from_counts({"ab": 5}))
    ids = tokenizer.encode("ab", add_bos=True, add_eos=True)
    assert tokenizer.encode("ab", add_bos=added, add_eos=added) == ids
    assert tokenizer.encode_batch(["ab", "ab"], add_bos=added, add_eos=added) == [ids, ids]
    assert tokenizer.count("ab", add_bos=added, add_eos=added) == len(ids)


def test_ints_that_python_does_not_write_are_refused_like_others():
    tokenizer = Tokenizer(Model.from_counts({"ab": 5}))
    huge = 10**5000
    with pytest.raises(UnknownIdError, match="an int of 16610 bits is not an id"):
        tokenizer.decode([huge])
    for arguments in ({"alpha": huge}, {"alpha": 0.5, "seed": huge}):
        with pytest.raises(SettingsError):
            tokenizer.encode("ab", **arguments)
    with pytest.raises(SettingsError):
        tokenizer.encode_batch(["ab"], workers=huge)
    with pytest.raises(ModelFormatError):
        Model.from_counts({"ab": huge})


@pytest.fixture(scope="module")
def long_pieces():
    """Pieces that have 18 million beginnings."""
    return {random.Random(k).randbytes(60_000).replace(b"\n", b"x"): 300 for k in range(300)}


@pytest.mark.slow
def test_more_beginnings_than_an_automaton_has_room_for(long_pieces):
    model = Model.from_counts(long_pieces)
    with pytest.raises(ModelFormatError, match=r"more than 2\*\*24 different beginnings"):
        Tokenizer(model)


@pytest.mark.slow
def test_pieces_that_cannot_be_pruned_are_a_clear_error(long_pieces, tmp_path):
    with pytest.raises(TrainingError, match=r"556 pieces are too many .*: raise min_count"):
        convert_to_bytepiece(long_pieces, tmp_path / "model.json")
