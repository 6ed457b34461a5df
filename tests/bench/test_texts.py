"""The beginning of files: no more is read than is needed."""

import gzip
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import Corpus, CorpusError
from bytepiece.bench.texts import beginnings
from bytepiece.corpus import blocks, compression

LINE = "0123456789\n"


@pytest.fixture
def write(tmp_path):
    def write(**lines):
        for name, n in lines.items():
            (tmp_path / f"{name}.txt").write_text(LINE * n)
        return Corpus(tmp_path)

    return write


class TestShares:
    def test_each_file_has_its_share(self, write):
        assert len(beginnings(write(a=100, b=100), 20 * len(LINE))) == 20

    @pytest.mark.parametrize(("sizes", "expected"), [((2, 100), 20), ((100, 2), 12), ((0, 100), 20), ((1, 2), 3)])
    def test_what_a_file_leaves_is_for_those_after_it(self, write, sizes, expected):
        corpus = write(a=sizes[0], b=sizes[1])
        assert len(beginnings(corpus, 20 * len(LINE))) == expected

    def test_many_files(self, write):
        """More than bytes: the first ones fill it."""
        corpus = write(**{f"f{k:03}": 1 for k in range(200)})
        assert len(beginnings(corpus, 10 * len(LINE))) <= 11

    def test_bytes_count_and_not_characters(self, tmp_path):
        (tmp_path / "a.txt").write_text("你好\n" * 10, encoding="utf-8")
        assert len(beginnings(Corpus(tmp_path), 14)) == 2

    @given(st.lists(st.integers(0, 30), min_size=1, max_size=6), st.integers(1, 500))
    def test_never_too_much(self, tmp_path_factory, sizes, size):
        folder = tmp_path_factory.mktemp("texts")
        for k, n in enumerate(sizes):
            (folder / f"{k}.txt").write_text(LINE * n)
        texts = beginnings(Corpus(folder), size)
        assert len(texts) * len(LINE) < size + len(LINE)
        assert len(texts) >= min(sizes[0], size / len(sizes) / len(LINE))


class TestReading:
    def test_a_large_file_is_not_read(self, tmp_path, monkeypatch):
        n_read = []

        class Counted(io.FileIO):
            def readinto(self, buffer):
                n_read.append(super().readinto(buffer))
                return n_read[-1]

        monkeypatch.setattr(compression, "open_raw", Counted)
        (tmp_path / "large.txt").write_text(LINE * 400_000)
        assert len(beginnings(Corpus(tmp_path), 1000)) == 91
        assert 0 < sum(n_read) <= blocks.BLOCK_BYTES

    def test_a_long_line_is_not_read(self, tmp_path):
        (tmp_path / "long.txt").write_bytes(b"a" * 10**6)
        with pytest.raises(CorpusError, match="line 1: longer than 1000 bytes"):
            beginnings(Corpus(tmp_path, max_document_bytes=1000), 1000)

    def test_a_damaged_rest_does_not_matter(self, tmp_path):
        (tmp_path / "a.txt").write_bytes(LINE.encode() * 10 + b"\xff\n")
        assert len(beginnings(Corpus(tmp_path), 100)) == 10

    def test_formats(self, tmp_path, write_parquet):
        row = json.dumps({"text": "one"}) + "\n"
        (tmp_path / "a.jsonl").write_text(row)
        (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(row.encode()))
        write_parquet("c.parquet", text=["one"])
        assert beginnings(Corpus(tmp_path), 1000) == ["one"] * 3
