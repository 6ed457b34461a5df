"""Model files: what is written, what is read, and every damage found before anything is used."""

import base64
import hashlib
import json
import random
from base64 import b64decode, b64encode
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import Model, ModelFormatError, SettingsError
from bytepiece.core.packed import PackedBytes
from bytepiece.core.packing import find_repeat
from bytepiece.model.formats import read_model
from bytepiece.model.rows import read_entries
from helpers.properties import examples
from helpers.vocabularies import BYTES

DATA = Path(__file__).parents[1] / "data"


@st.composite
def models(draw):
    """Valid models, most of them such as no training makes."""
    pieces = BYTES + draw(st.lists(st.binary(min_size=2) | st.text(min_size=2).map(str.encode), unique=True))
    random.Random(draw(st.integers())).shuffle(pieces)
    counts = draw(st.lists(st.integers(1, 2**45), min_size=1).map(lambda some: (some * len(pieces))[: len(pieces)]))
    values = st.none() | st.booleans() | st.integers() | st.text()
    training = draw(st.dictionaries(st.text(), values))
    return Model(pieces, counts, training | {"normalization": draw(st.sampled_from([None, "nfc"]))})


@pytest.fixture(scope="module")
def own(byte_model, tmp_path_factory):
    """The bytes of a small model file in this project's format."""
    path = tmp_path_factory.mktemp("own") / "m"
    byte_model.save(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def rows(byte_model, tmp_path_factory):
    """The rows of a small model file in BytePiece's JSON: [key, [id, text, count]]."""
    path = tmp_path_factory.mktemp("json") / "m"
    byte_model.save(path, "json")
    return [[key, row] for key, row in json.loads(path.read_bytes()).items()]


@pytest.fixture
def load(tmp_path):
    """Load a model file of the bytes given."""

    def load(data):
        (tmp_path / "m").write_bytes(data)
        return Model.load(tmp_path / "m")

    return load


def sign(body):
    """A file in this project's format with a checksum that holds, whatever the body."""
    return body + b"sha256: " + hashlib.sha256(body).hexdigest().encode() + b"\n"


def body_of(data):
    return data[: data.rindex(b"sha256: ")]


def dump(rows):
    """JSON that may say a key twice."""
    return ("{" + ",".join(f"{json.dumps(key)}: {json.dumps(row)}" for key, row in rows) + "}").encode()


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

    @pytest.mark.parametrize("piece", [b"a" * 2**20, b"\n" * 1000, b"\xff" * 1000], ids=["long", "newlines", "escapes"])
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

    @pytest.mark.parametrize("format", ["", "JSON", "sentencepiece", None, 1, []])
    def test_unknown_format_is_an_error_that_names_the_known(self, tmp_path, byte_model, format):
        with pytest.raises(SettingsError, match="bytepiece, json"):
            byte_model.save(tmp_path / "m", format=format)
        assert not (tmp_path / "m").exists()


class TestFilesOfOtherTimes:
    """Files in ``data``, never to be written anew: each version must read them for ever."""

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
    def test_every_truncation_of_the_own_format(self, own, load):
        for size in range(len(own)):
            with pytest.raises(ModelFormatError):
                load(own[:size])

    def test_every_truncation_of_json(self, rows):
        data = dump(rows)
        for size in range(len(data)):
            with pytest.raises(ModelFormatError):
                read_model(data[:size])

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
        with pytest.raises(ModelFormatError):
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
            (b"\n", "not a model"),
            (b"\x00" * 1000, "not a model"),
            (b"hello, world\n", "not a model: it starts with b'hello, world"),
            (b"[" * 100_000, "not a model"),
            (b"\x1f\x8b\x08\x00", "not a model"),
            (b'{"a": ' * 100_000, "not valid JSON"),
            (b"{", "not valid JSON.*line 1 column 2"),
            (b'{"AA==": [3, "\xff", 1]}', "not valid JSON"),
            (b"{}", "256 of the 256 single bytes are missing"),
            (b'{"AA==": [3, "", ' + b"9" * 5000 + b"]}", "JSON"),
        ],
        ids=lambda value: repr(value[:20]),
    )
    def test_says_what_it_is_instead(self, load, data, says):
        with pytest.raises(ModelFormatError, match=says):
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


class TestDamageInTheOwnFormat:
    @pytest.mark.parametrize("version", [b"0", b"2", b"10", b"1.0", b"01", b"", b"x", b"\xff", b" 1"])
    def test_wrong_version(self, own, load, version):
        with pytest.raises(ModelFormatError, match=r"line 1: format version.* reads 1"):
            load(sign(body_of(own).replace(b"bytepiece-model 1", b"bytepiece-model " + version)))

    @pytest.mark.parametrize("rest", [b"x", b"\n", b"x\n", b"A\t1\n"])
    def test_bytes_after_the_end(self, own, load, rest):
        with pytest.raises(ModelFormatError, match="checksum"):
            load(own + rest)

    def test_the_file_twice(self, own, load):
        with pytest.raises(ModelFormatError, match="checksum"):
            load(own + own)

    def test_edited_by_hand(self, own, load):
        with pytest.raises(ModelFormatError, match=r"line 268: the checksum does not match"):
            load(own.replace(b"\nllo\t30\n", b"\nllo\t31\n"))

    def test_line_ends_of_windows_are_named(self, own, load):
        with pytest.raises(ModelFormatError, match=r"line 1.*\\r"):
            load(own.replace(b"\n", b"\r\n"))

    @pytest.mark.parametrize(
        ("old", "new", "says"),
        [
            (b"settings: ", b"setting: ", "line 2: expected 'settings: ...'"),
            (b"special-tokens: ", b"tokens: ", "line 3: expected 'special-tokens: ...'"),
            (b"pieces: ", b"piece: ", "line 4: expected 'pieces: ...'"),
            (b"settings: {", b"settings: {{", "line 2: settings is not JSON"),
            (b'settings: {"normalization": null}', b"settings: []", "line 2: settings must be an object"),
            (b'settings: {"normalization": null}', b"settings: " + b"[" * 100_000, "line 2: settings is not JSON"),
            (b'"normalization": null', b'"normalization": "nfd"', "unknown normalization 'nfd'"),
            (b'"normalization": null', b'"normalization": ["nfc"]', "unknown normalization"),
            (b'"<eos>"', b'"<end>"', "special tokens .*<end>"),
            (b', "<eos>"]', b"]", "special tokens"),
            (b'"<eos>"', b"2", "line 3: special-tokens must be a list of names"),
            (b'["<pad>", "<bos>", "<eos>"]', b'"<pad>"', "line 3: special-tokens must be a list of names"),
            (b"pieces: 263", b"pieces: 262", "line 4: announces 262 pieces, but 263 lines follow"),
            (b"pieces: 263", b"pieces: 264", "line 4: announces 264 pieces, but 263 lines follow"),
            (b"pieces: 263", b"pieces: -1", "line 4: announces -1 pieces"),
            (b"pieces: 263", b"pieces: 263.0", "line 4"),
            (b"pieces: 263", b'pieces: "263"', "line 4"),
            (b"pieces: 263", b"pieces: null", "line 4"),
            (b"pieces: 263", b"pieces: 1" + b"0" * 5000, "line 4"),
        ],
        ids=lambda value: repr(value[:40]),
    )
    def test_header(self, own, load, old, new, says):
        assert own.count(old) == 1
        with pytest.raises(ModelFormatError, match=says):
            load(sign(body_of(own).replace(old, new)))

    @pytest.mark.parametrize("n_lines", [1, 2, 3, 4])
    def test_only_a_header(self, own, load, n_lines):
        with pytest.raises(ModelFormatError, match=r"line \d|missing"):
            load(sign(b"".join(own.splitlines(keepends=True)[:n_lines])))

    @pytest.mark.parametrize(
        ("row", "says"),
        [
            (b"A\t0", r"piece 65 \(id 68\), b'A': count must be an int >= 1, not 0"),
            (b"A\t-1", "line 70: expected a piece, a tab and a count"),
            (b"A\t+1", "line 70: expected a piece, a tab and a count"),
            (b"A\t1.0", "line 70: expected a piece, a tab and a count"),
            (b"A\t1e3", "line 70: expected a piece, a tab and a count"),
            (b"A\t1_000", "line 70: expected a piece, a tab and a count"),
            (b"A\tTrue", "line 70: expected a piece, a tab and a count"),
            (b"A\t", "line 70: expected a piece, a tab and a count"),
            (b"A\t 1", "line 70: expected a piece, a tab and a count"),
            ("A\t１".encode(), "line 70: expected a piece, a tab and a count"),
            (b"A", "line 70: expected a piece, a tab and a count"),
            (b"", "line 70: expected a piece, a tab and a count"),
            (b"A 1", "line 70: expected a piece, a tab and a count"),
            (b"A\t1\t1", "line 70: expected a piece, a tab and a count"),
            (b"A\tA\t1", "line 70: expected a piece, a tab and a count"),
            (b"\t1", r"piece 65 \(id 68\) must be non-empty"),
            (b"A\t9223372036854775808", r"line 70: the count is beyond 2\*\*63 - 1: b'A"),
            (b"A\t" + b"9" * 100, r"line 70: the count is beyond 2\*\*63 - 1: b'A"),
            (b"A\t" + b"9" * 5000, "line 70: the count is beyond"),
            (b"B\t1", r"piece 66 \(id 69\) repeats piece 65 \(id 68\): b'B'"),
            (b"AA\t1", "1 of the 256 single bytes are missing, the first is 0x41"),
            (rb"\q" + b"\t1", r"line 70: unknown escape b'\\\\q'"),
            (b"A\\\t1", "line 70: unknown escape"),
        ],
        ids=lambda value: repr(value[:30]),
    )
    def test_row(self, own, load, row, says):
        assert own.count(b"\nA\t1\n") == 1
        with pytest.raises(ModelFormatError, match=says):
            load(sign(body_of(own).replace(b"\nA\t1\n", b"\n" + row + b"\n")))

    def test_cell_that_slipped_into_the_line_before(self, own, load):
        body = body_of(own).replace(b"pieces: 263", b"pieces: 265") + b"ab\t1\tcd\n5\n"
        with pytest.raises(ModelFormatError, match="line 268: expected a piece, a tab and a count"):
            load(sign(body))


class TestDamageInJson:
    """The rows of a file, changed by a function."""

    @pytest.mark.parametrize(
        ("position", "row", "says"),
        [
            (65, [69, "A", 1], "entry 'QQ==': id 69 where 68 is due"),
            (65, [67, "A", 1], "entry 'QQ==': id 67 where 68 is due"),
            (0, [0, "", 1], "entry 'AA==': id 0 where 3 is due"),
            (65, [-68, "A", 1], "id -68 where 68 is due"),
            (65, [68.0, "A", 1], "entry 'QQ==': expected .id, text, count."),
            (65, [True, "A", 1], "entry 'QQ==': expected .id, text, count."),
            (65, ["68", "A", 1], "entry 'QQ==': expected .id, text, count."),
            (65, [68, "A", 0], r"piece 65 \(id 68\), b'A': count must be an int >= 1, not 0"),
            (65, [68, "A", -1], r"piece 65 \(id 68\), b'A': count must be an int >= 1, not -1"),
            (65, [68, "A", 2**63], r"2\*\*63 - 1.*b'A'"),
            (65, [68, "A", 10**1000], r"2\*\*63 - 1.*b'A'"),
            (65, [68, "A", True], "entry 'QQ==': expected .id, text, count."),
            (65, [68, "A", 1.0], "entry 'QQ==': expected .id, text, count."),
            (65, [68, "A", float("nan")], "entry 'QQ==': expected .id, text, count."),
            (65, [68, "A", float("inf")], "entry 'QQ==': expected .id, text, count."),
            (65, [68, "A", "1"], "entry 'QQ==': expected .id, text, count."),
            (65, [68, "A", None], "entry 'QQ==': expected .id, text, count."),
            (65, [68, "A"], "entry 'QQ==': expected .id, text, count."),
            (65, [68, "A", 1, 1], "entry 'QQ==': expected .id, text, count."),
            (65, [], "entry 'QQ==': expected .id, text, count."),
            (65, {"id": 68}, "entry 'QQ==': expected .id, text, count."),
            (65, 68, "entry 'QQ==': expected .id, text, count."),
            (65, None, "entry 'QQ==': expected .id, text, count."),
        ],
        ids=lambda value: repr(value)[:30],
    )
    def test_row(self, rows, load, position, row, says):
        key = rows[position][0]
        with pytest.raises(ModelFormatError, match=says):
            load(dump([*rows[:position], [key, row], *rows[position + 1 :]]))

    @pytest.mark.parametrize(
        ("key", "says"),
        [
            ("QQ", r"entry 'QQ' \(id 68\): bad base64"),
            ("Q", r"entry 'Q' \(id 68\): bad base64"),
            ("Q Q==", "bad base64"),
            ("QQ==\n", "bad base64"),
            ("QQ==QQ==", "bad base64"),
            ("-_8=", "bad base64"),
            ("你", "bad base64"),
            ("\ud800", "bad base64"),
            ("A", "bad base64"),
            ("", r"piece 65 \(id 68\) must be non-empty"),
            ("QUE=", "the first is 0x41"),
            ("QR==", None),  # bits that no byte takes: read as BytePiece does
        ],
        ids=lambda value: ascii(value)[:30],
    )
    def test_key(self, rows, load, byte_model, key, says):
        data = dump([*rows[:65], [key, rows[65][1]], *rows[66:]])
        if says is None:
            assert load(data).pieces == byte_model.pieces
        else:
            with pytest.raises(ModelFormatError, match=says):
                load(data)

    def test_two_spellings_of_a_piece(self, rows, load):
        with pytest.raises(ModelFormatError, match=r"piece 263 .*repeats piece 65 .*b'A'"):
            load(dump([*rows, ["QR==", [266, "A", 1]]]))

    def test_duplicate_piece(self, rows, load):
        with pytest.raises(ModelFormatError, match="'QQ==' stands there twice"):
            load(dump([*rows, ["QQ==", [266, "A", 1]]]))

    def test_duplicate_id(self, rows, load):
        with pytest.raises(ModelFormatError, match="id 265 where 266 is due"):
            load(dump([*rows, ["enp6", [265, "zzz", 1]]]))

    def test_missing_id(self, rows, load):
        with pytest.raises(ModelFormatError, match="id 260 where 259 is due"):
            load(dump([*rows[:256], *rows[257:]]))

    def test_reordered(self, rows, load):
        with pytest.raises(ModelFormatError, match="id 260 where 259 is due"):
            load(dump([*rows[:256], rows[257], rows[256], *rows[258:]]))

    def test_missing_byte(self, rows, load):
        fewer = [[key, [id - (id > 68), text, count]] for key, (id, text, count) in rows if id != 68]
        with pytest.raises(ModelFormatError, match="1 of the 256 single bytes are missing, the first is 0x41"):
            load(dump(fewer))


class TestJsonAtOnce:
    """What BytePiece writes is read by a kernel, all else by the JSON library, with the same result."""

    @pytest.mark.parametrize(
        "change",
        [
            lambda text: text,
            lambda text: text.replace("    ", "  "),
            lambda text: text.replace("\n", ""),
            lambda text: text.replace('"A"', '"\\u0041"'),
            lambda text: text.replace('"A"', '"\\\\A\\/\\""'),
            lambda text: text + "\n",
            lambda text: json.dumps(json.loads(text), ensure_ascii=True, indent=4),
        ],
    )
    def test_same_model(self, byte_model, tmp_path, change):
        path = tmp_path / "m"
        byte_model.save(path, format="json")
        text = path.read_text(encoding="utf-8")
        path.write_text(change(text), encoding="utf-8")
        assert Model.load(path) == Model(byte_model.pieces, byte_model.counts, {"normalization": "nfc"})

    def test_the_kernel_reads_what_is_written(self, byte_model, tmp_path):
        path = tmp_path / "m"
        byte_model.save(path, format="json")
        pieces = read_entries(path.read_bytes(), 3)
        assert pieces.to_list() == byte_model.pieces
        assert pieces.counts.tolist() == byte_model.counts

    @given(place=st.integers(0, 3000), change=st.binary(max_size=3), cut=st.integers(0, 3))
    @examples(400)
    def test_what_the_kernel_reads_the_library_reads_too(self, place, change, cut):
        rows = {b64encode(piece).decode(): [k, piece.decode("utf-8", "ignore"), k] for k, piece in enumerate(PIECES, 3)}
        text = json.dumps(rows, indent=4, ensure_ascii=False).encode()
        damaged = text[:place] + change + text[place + cut :]
        pieces = read_entries(damaged, 3)
        if pieces is not None:
            try:
                entries = json.loads(damaged)
            except UnicodeDecodeError:
                return  # looked for before
            assert pieces.to_list() == [b64decode(key, validate=True) for key in entries]
            assert pieces.counts.tolist() == [entry[2] for entry in entries.values()]
            assert [entry[0] for entry in entries.values()] == list(range(3, 3 + len(entries)))


PIECES = [b"a", b"ab", b"abc", b'"', b"\\", b"\n", b"\x00\xff", "你好".encode(), b"\x1f", b"/+", b"z" * 20]


def test_repeats_are_found():
    for pieces, expected in (
        ([b"a", b"b", b"a"], (2, 0)),
        ([b"", b"a", b""], (2, 0)),
        ([b"a", b"ab", b"b"], None),
        ([], None),
    ):
        assert find_repeat(PackedBytes.from_list(pieces)) == expected
