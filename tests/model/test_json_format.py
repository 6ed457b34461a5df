"""Damage in a model file in BytePiece's JSON, and the kernel that reads such files."""

import json
from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import Model, ModelFormatError
from bytepiece.model.rows import read_entries
from helpers.model_files import dump
from helpers.properties import examples


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
