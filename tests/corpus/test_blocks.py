"""Blocks of documents: the same documents, and the same errors, as those that are read one by one."""

import gzip
import json
import lzma
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import Corpus
from bytepiece.corpus import blocks
from bytepiece.corpus.blocks import Place, lines_before, span_blocks
from bytepiece.corpus.parsing import read_block
from bytepiece.corpus.spans import Span
from helpers.one_by_one import documents

LINES = [
    b"one\n",
    b"\n",
    "zwölf 漢字 🙂\n".encode(),
    b"\xff bad\n",
    b"a" * 50 + b"\n",
    b"\r\n",
]
JSON_LINES = [
    b'{"text": "one", "other": 1}\n',
    '{"text": "zwölf 漢字 🙂"}\n'.encode(),
    b'{"text": "\\ud83d\\ude42 \\n"}\n',
    b'{"text": "\\ud83d alone"}\n',
    b'{"text": "a", "text": "b"}\n',
    b'{"text": NaN, "n": NaN}\n',
    b'{"text": "kept", "n": [NaN, Infinity, 1e999]}\n',
    b'{"text": "big", "n": 123456789012345678901234567890}\n',
    b'{"text": "huge", "n": ' + b"1" * 400 + b"}\n",
    b'{"text": "too long a number", "n": ' + b"1" * 5000 + b"}\n",
    b'{"text": 5}\n',
    b'{"text": null}\n',
    b'{"no": "text"}\n',
    b'["text"]\n',
    b'"text"\n',
    b"not JSON\n",
    b'{"text": "a\tb"}\n',
    b'{"text": "\xff"}\n',
    b"  \n",
    b"\n",
    b"\xef\xbb\xbf{}\n",
    b'{"text": "two"} {"text": "three"}\n',
    b'{"text": "deep", "n": ' + b"[" * 2000 + b"]" * 2000 + b"}\n",
]


def read(span, text_field="text", start=None, keep=None, longest=None):
    """All texts of a span with their numbers, the places where they end, and the errors."""
    texts, ends, errors = [], [], []
    for block in span_blocks(span, text_field, start, longest):
        found = read_block(span, text_field, block, keep, longest)
        texts += [text.decode() for text in found.texts.to_list()]
        ends += [Place(int(end), int(number) + 1) for end, number in zip(found.ends, found.numbers, strict=True)]
        errors += [str(error) for _, error in found.errors]
        assert all(0 <= before <= len(found.texts) for before, _ in found.errors)
    return texts, ends, errors


def read_one_by_one(span, longest=None):
    errors = []
    texts = [*documents(span.path, lambda error: errors.append(str(error)), span.part, longest)]
    return texts, errors


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 64)
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 2)


class TestLines:
    @given(st.lists(st.sampled_from(LINES), max_size=12), st.booleans(), st.data())
    def test_are_those_of_documents(self, tmp_path, lines, ended, data):
        content = b"".join(lines) if ended else b"".join(lines)[:-1]
        path = tmp_path / "a.txt"
        path.write_bytes(content)
        begin = data.draw(st.integers(0, len(content)))
        end = data.draw(st.integers(begin, len(content)))
        for part in (None, (begin, end), (end, len(content))):
            span = Span(str(path), 0, len(content), part)
            texts, ends, errors = read(span)
            assert (texts, errors) == read_one_by_one(span)
            for k, place in enumerate(ends):  # from each place reading goes on
                assert read(span, start=place)[0] == texts[k + 1 :]

    @given(
        lengths=st.lists(st.sampled_from([0, 1, 20, 63, 64, 65, 130, 300, 1000]), max_size=8),
        longest=st.sampled_from([1, 10, 64, 100, 128, 300]),
        ended=st.booleans(),
        data=st.data(),
    )
    def test_that_are_too_long(self, tmp_path, lengths, longest, ended, data):
        content = "\n".join("x" * n for n in lengths) + "\n" * ended
        path = tmp_path / "a.txt"
        path.write_text(content)
        cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=3)))
        for part in (None, *pairwise([0, *cuts, len(content)])):
            span = Span(str(path), 0, len(content), part)
            texts, ends, errors = read(span, longest=longest)
            assert (texts, errors) == read_one_by_one(span, longest)
            for k, place in enumerate(ends):
                assert read(span, start=place, longest=longest)[0] == texts[k + 1 :]

    def test_that_are_too_long_are_not_in_memory(self, tmp_path):
        path = tmp_path / "a.txt"
        path.write_bytes(b"one\n" + b"x" * 10_000 + b"\ntwo\n")
        found = [*span_blocks(Span(str(path), 0, 1), "text", longest=100)]
        assert [block.content for block in found] == [b"one\n", None, b"two\n"]
        keep = lambda first, n: np.arange(first, first + n) != 1  # noqa: E731
        assert read(Span(str(path), 0, 1), keep=keep, longest=100)[2] == []

    @given(st.lists(st.sampled_from(JSON_LINES), max_size=12))
    def test_of_json(self, tmp_path, lines):
        (tmp_path / "a.jsonl").write_bytes(b"".join(lines))
        span = Span(str(tmp_path / "a.jsonl"), 0, 1)
        texts, _, errors = read(span)
        assert (texts, errors) == read_one_by_one(span)

    @pytest.mark.parametrize(("ending", "pack"), [(".gz", gzip.compress), (".xz", lzma.compress)])
    def test_of_archives(self, tmp_path, ending, pack):
        path = tmp_path / f"a.txt{ending}"
        path.write_bytes(pack(b"".join(b"line %d\n" % number for number in range(100))))
        span = Span(str(path), 0, 1)
        texts, ends, _ = read(span)
        assert texts == [f"line {number}\n" for number in range(100)]
        for k in (0, 50, 99):
            assert read(span, start=ends[k])[0] == texts[k + 1 :]

    @pytest.mark.parametrize("size", [30, 3000, 30_000])
    def test_before_damage(self, tmp_path, size):
        """An archive that was cut off: all its whole lines, and the error."""
        path = tmp_path / "a.txt.gz"
        lines = b"".join(b"%x\n" % number**9 for number in range(5000))
        path.write_bytes(gzip.compress(lines)[:size])
        span = Span(str(path), 0, 1)
        texts, _, errors = read(span)
        assert (texts, errors) == read_one_by_one(span)
        assert len(errors) == 1

    @pytest.mark.parametrize("position", [0, 1, 3, 4, 5, 6])
    def test_lines_before(self, tmp_path, position):
        (tmp_path / "a.txt").write_bytes(b"one\n\nb")
        begins = [0, 4, 5]
        assert lines_before(str(tmp_path / "a.txt"), position) == sum(begin < position for begin in begins)

    def test_only_wanted_ones_are_parsed(self, tmp_path):
        (tmp_path / "a.txt").write_bytes(b"one\n\xff\nthree\n")
        span = Span(str(tmp_path / "a.txt"), 0, 1)
        texts, ends, errors = read(span, keep=lambda first, n: np.arange(first, first + n) != 1)
        assert (texts, errors, ends[-1]) == (["one\n", "three\n"], [], Place(12, 3))


class TestRows:
    @pytest.fixture
    def span(self, tmp_path):
        arrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        texts = ["one", "", "drei 漢字", None, "five"] * 3
        parquet.write_table(arrow.table({"text": texts}), tmp_path / "a.parquet", row_group_size=4)
        return Span(str(tmp_path / "a.parquet"), 0, 1)

    @pytest.mark.parametrize("part", [None, (0, 1), (1, 4), (3, 4)])
    def test_are_those_of_documents(self, span, part):
        span = span._replace(part=part)
        texts, ends, errors = read(span)
        assert (texts, errors) == read_one_by_one(span)
        for k, place in enumerate(ends):
            assert read(span, start=place)[0] == texts[k + 1 :]

    def test_a_character_in_two_rows(self, tmp_path):
        """Together they are text; none of them is."""
        arrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        column = arrow.array([b"a\xc3", b"", b"\xa9b"], arrow.binary())
        parquet.write_table(arrow.table({"text": column}), tmp_path / "a.parquet")
        texts, _, errors = read(Span(str(tmp_path / "a.parquet"), 0, 1))
        assert texts == [""]
        assert ["row 0" in errors[0], "row 2" in errors[1], len(errors)] == [True, True, 2]

    def test_missing_column(self, span):
        texts, _, errors = read(span, "other")
        assert texts == []
        assert "no field 'other'" in errors[0]

    def test_damaged(self, span):
        with open(span.path, "r+b") as file:
            file.truncate(100)
        texts, _, errors = read(span)
        assert (texts, errors) == read_one_by_one(span)
        assert len(errors) == 1


def test_corpus_in_blocks(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"one\n")
    (tmp_path / "b.jsonl").write_text(json.dumps({"text": "two"}))
    assert [read(span)[0] for span in Corpus(tmp_path).part(0, 1).spans] == [["one\n"], ["two"]]
