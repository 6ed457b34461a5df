"""Model files: what is written, what is read, and any damage found."""

import base64
import json
import random
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import ImportModelError, Model, ModelFormatError, SettingsError
from bytepiece.model import json_format
from helpers.model_files import dump, sign
from helpers.properties import examples
from helpers.vocabularies import BYTES

DATA = Path(__file__).parents[1] / "data"


@st.composite
def models(draw):
    """Valid models, most of them unlike any that training gives."""
    pieces = BYTES + draw(st.lists(st.binary(min_size=2) | st.text(min_size=2).map(str.encode), unique=True))
    random.Random(draw(st.integers())).shuffle(pieces)
    counts = draw(st.lists(st.integers(1, 2**45), min_size=1).map(lambda some: (some * len(pieces))[: len(pieces)]))
    values = st.none() | st.booleans() | st.integers() | st.text()
    training = draw(st.dictionaries(st.text(), values))
    return Model(pieces, counts, training | {"normalization": draw(st.sampled_from([None, "nfc"]))})


class TestRoundTrips:
    @given(models())
    @examples(50)
    def test_own_format_keeps_everything(self, tmp_path, model):
        model.save(tmp_path / "m")
        assert Model.load(tmp_path / "m") == model

    @given(models())
    @examples(50)
    def test_json_keeps_pieces_and_counts(self, tmp_path, model):
        model.save(tmp_path / "m", format="json")
        loaded = Model.load(tmp_path / "m")
        assert (loaded.pieces, loaded.counts) == (model.pieces, model.counts)

    @pytest.mark.parametrize("normalization", [None, "nfc"])
    def test_json_implies_nfc(self, tmp_path, normalization):
        Model(BYTES, [1] * 256, {"normalization": normalization, "order": 6}).save(tmp_path / "m", format="json")
        assert Model.load(tmp_path / "m").settings == {"normalization": "nfc"}

    @pytest.mark.parametrize("piece", [b"a" * 65535, b"\n" * 1000, b"\xff" * 1000], ids=["long", "newlines", "escapes"])
    @pytest.mark.parametrize("format", ["bytepiece", "json"])
    def test_long_pieces(self, tmp_path, piece, format):
        model = Model([*BYTES, piece], [1] * 257, {"normalization": "nfc"})
        model.save(tmp_path / "m", format)
        assert Model.load(tmp_path / "m") == model

    @pytest.mark.parametrize("format", ["bytepiece", "json"])
    def test_path_as_str(self, tmp_path, byte_model, format):
        byte_model.save(str(tmp_path / "m"), format)
        assert Model.load(str(tmp_path / "m")).pieces == byte_model.pieces


class TestWhatIsWritten:
    @given(models())
    @examples(50)
    def test_own_format_is_text_with_one_piece_a_line(self, tmp_path, model):
        model.save(tmp_path / "m")
        lines = (tmp_path / "m").read_bytes().decode("utf-8").split("\n")
        assert [line.count("\t") for line in lines] == [0] * 4 + [1] * len(model.pieces) + [0, 0]

    @given(models())
    @examples(50)
    def test_own_format_has_no_line_end_but_newline(self, tmp_path, model):
        model.save(tmp_path / "m")
        text = (tmp_path / "m").read_bytes().decode("utf-8")
        assert text.splitlines() == text.split("\n")[:-1]

    @pytest.mark.parametrize("format", ["bytepiece", "json"])
    def test_equal_models_are_equal_files(self, tmp_path, format):
        Model(BYTES, [1] * 256, {"order": 6, "min_count": 2, "normalization": None}).save(tmp_path / "a", format)
        Model(BYTES, [1] * 256, {"normalization": None, "min_count": 2, "order": 6}).save(tmp_path / "b", format)
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()

    def test_json_has_the_layout_of_bytepiece(self, tmp_path):
        Model([*BYTES, "né".encode(), "é".encode()[:1] + b"x"], [1] * 256 + [7, 9]).save(tmp_path / "m", "json")
        text = (tmp_path / "m").read_bytes().decode("utf-8")
        first = '{\n    "AA==": [\n        3,\n        "\\u0000",\n        1\n    ],\n'
        last = (
            '    "bsOp": [\n        259,\n        "né",\n        7\n    ],\n'
            '    "w3g=": [\n        260,\n        "x",\n        9\n    ]\n}'
        )
        assert (text[: len(first)], text[-len(last) :]) == (first, last)

    @pytest.mark.parametrize("format", ["", "JSON", "gguf", None, 1, []])
    def test_unknown_format_is_an_error_that_names_the_known(self, tmp_path, byte_model, format):
        with pytest.raises(SettingsError, match="bytepiece, json"):
            byte_model.save(tmp_path / "m", format=format)
        assert not (tmp_path / "m").exists()


class TestFilesOfOtherTimes:
    """Files in ``data`` of older versions: every later version must read them."""

    def test_format_1_is_read(self):
        model = Model.load(DATA / "format-1.model")
        multi = {
            b"\n\n": 12,
            b"\r\n": 3,
            b"  ": 9,
            b"12": 8,
            b"\\n": 4,
            b"\xe4\xbd": 6,
            b"\xff\xfe": 1,
            b"a\tb": 2,
            "né".encode(): 7,
            "\u2028".encode(): 2,
            b" the": 4000000000,
            "😀".encode(): 5,
            "你好".encode(): 21,
        }
        training = {
            "order": 6,
            "max_vocab_size": 300,
            "max_piece_length": 36,
            "min_count": 2,
            "isolate_digits": False,
            "ensure_unicode": True,
            "normalization": "nfc",
        }
        assert model == Model([*BYTES, *multi], [*range(1, 257), *multi.values()], training)

    def test_format_1_is_written(self, tmp_path):
        Model.load(DATA / "format-1.model").save(tmp_path / "m")
        assert (tmp_path / "m").read_bytes() == (DATA / "format-1.model").read_bytes()

    def test_file_of_bytepiece_is_read(self):
        path = DATA / "golden" / "odd" / "400.model"
        rows = json.loads(path.read_bytes())
        model = Model.load(path)
        assert dict(zip(model.pieces, model.counts, strict=True)) == {
            base64.b64decode(key): count for key, (_, _, count) in rows.items()
        }

    def test_file_of_bytepiece_is_written(self, tmp_path):
        path = DATA / "golden" / "odd" / "400.model"
        Model.load(path).save(tmp_path / "m", format="json")
        pairs = [json.loads(file.read_bytes(), object_pairs_hook=list) for file in (path, tmp_path / "m")]
        assert pairs[0] == pairs[1]


class TestAnyDamage:
    @pytest.mark.slow
    def test_every_truncation_of_the_own_format(self, own, load):
        for size in range(len(own)):
            with pytest.raises(ModelFormatError):
                load(own[:size])

    @pytest.mark.slow
    def test_every_truncation_of_json(self, rows):
        data = dump(rows)
        for size in range(len(data)):
            with pytest.raises(ModelFormatError):
                json_format.read(data[:size])

    @given(data=st.data())
    @examples(50)
    def test_any_flipped_bit_of_the_own_format(self, own, load, data):
        position = data.draw(st.integers(0, len(own) - 1))
        damaged = bytearray(own)
        damaged[position] ^= 1 << data.draw(st.integers(0, 7))
        with pytest.raises(ModelFormatError):
            load(damaged)

    @given(data=st.data())
    @examples(50)
    def test_any_two_lines_of_the_own_format_exchanged(self, own, load, data):
        lines = own.split(b"\n")[:-1]
        one, other = data.draw(st.lists(st.integers(0, len(lines) - 1), min_size=2, max_size=2, unique=True))
        lines[one], lines[other] = lines[other], lines[one]
        with pytest.raises(ModelFormatError):
            load(b"\n".join(lines) + b"\n")

    @given(data=st.data())
    @examples(50)
    def test_json_with_a_flipped_bit_is_a_valid_model_or_an_error(self, rows, load, data):
        damaged = bytearray(dump(rows))
        position = data.draw(st.integers(0, len(damaged) - 1))
        damaged[position] ^= 1 << data.draw(st.integers(0, 7))
        with suppress(ModelFormatError):
            assert set(load(damaged).pieces) >= set(BYTES)

    @given(st.binary() | st.text().map(str.encode) | st.binary().map(b"bytepiece-model 1\n".__add__))
    @examples(50)
    def test_any_bytes(self, load, data):
        with pytest.raises((ImportModelError, ModelFormatError)):
            load(data)

    @given(
        st.recursive(
            st.none() | st.integers() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
        )
    )
    @examples(50)
    def test_any_json(self, load, value):
        with pytest.raises(ModelFormatError):
            load(json.dumps(value).encode())

    @given(st.lists(st.binary().map(lambda row: row.replace(b"\n", b"\t"))))
    @examples(50)
    def test_any_rows_under_a_good_header(self, load, rows):
        head = b'bytepiece-model 1\nsettings: {"normalization": null}\nspecial-tokens: ["<pad>", "<bos>", "<eos>"]\n'
        body = head + b"pieces: %d\n" % len(rows) + b"".join(row + b"\n" for row in rows)
        with pytest.raises(ModelFormatError):
            load(sign(body))


class TestNoModel:
    @pytest.mark.parametrize(
        ("data", "says"),
        [
            (b"", "empty"),
            (b"\n", "not a SentencePiece model"),
            (b"\x00" * 1000, "neither lines of a piece"),
            (b"hello, world\n", "starts with b'hello, world.*: neither"),
            (b"[" * 100_000, "neither lines of a piece"),
            (b"\x1f\x8b\x08\x00", "neither lines of a piece"),
            (b'{"a": ' * 100_000, "not valid JSON"),
            (b"{", "not valid JSON.*line 1 column 2"),
            (b'{"AA==": [3, "\xff", 1]}', "not valid JSON"),
            (b"{}", "256 of the 256 single bytes are missing"),
            (b'{"AA==": [3, "", ' + b"9" * 5000 + b"]}", "JSON"),
        ],
        ids=lambda value: repr(value[:20]),
    )
    def test_says_what_it_is_instead(self, load, data, says):
        with pytest.raises((ModelFormatError, ImportModelError), match=says):
            load(data)

    def test_directory(self, tmp_path):
        with pytest.raises(ModelFormatError, match="directory"):
            Model.load(tmp_path)

    def test_missing_file_is_an_os_error(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            Model.load(tmp_path / "nothing")

    def test_every_error_names_the_file(self, tmp_path):
        (tmp_path / "some.model").write_bytes(b"nothing")
        with pytest.raises(ModelFormatError, match=r"some\.model: "):
            Model.load(tmp_path / "some.model")


def test_an_open_file_is_no_path(tmp_path):
    with open(tmp_path / "file", "w+b") as file:
        with pytest.raises(TypeError, match="not int"):
            Model.load(file.fileno())
        file.write(b"it is still open")
