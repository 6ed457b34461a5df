"""Model files of this project's format: their rows; damage is found before anything is used, and named."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import ModelFormatError
from bytepiece.core.packed import PackedBytes
from bytepiece.model.rows import read_rows, write_rows
from bytepiece.text.display import UNPRINTABLE, escape_piece
from helpers.model_files import body_of, sign

EDGES = "".join(
    chr(code + step) for bounds in UNPRINTABLE for code in bounds for step in (-1, 0, 1) if code + step >= 0
)
LETTERS = EDGES.replace("\udfff", "a\\")
PIECES = st.binary() | st.text(LETTERS).map(str.encode)


@given(st.lists(st.tuples(PIECES, st.integers(0, 2**63 - 1))))
def test_rows_have_escaped_pieces(rows):
    counted = PackedBytes.from_list([piece for piece, _ in rows]).with_counts(
        np.array([count for _, count in rows], dtype=np.uint64)
    )
    written = write_rows(counted, np.array(UNPRINTABLE, dtype=np.uint32))
    assert written == "".join(f"{escape_piece(piece)}\t{count}\n" for piece, count in rows).encode()
    found = read_rows(written)
    assert (found.to_list(), found.counts.tolist()) == (counted.to_list(), counted.counts.tolist())


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
