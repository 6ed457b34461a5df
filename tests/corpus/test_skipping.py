"""Documents that cannot be read, skipped and counted."""

import gzip
import lzma

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import Corpus, CorpusError

BAD_LINES = [b"\xff", b"{", b'"one"', b"{}", b'{"text": 1}', b'{"text": null}', b'{"text": "\\ud800"}', b"[" * 100_000]


class TestSkipping:
    def test_stop_is_the_default(self, tmp_path):
        (tmp_path / "a.txt").write_bytes(b"\xff\n")
        with pytest.raises(CorpusError):
            list(Corpus(tmp_path))

    def test_lines_of_text(self, tmp_path):
        (tmp_path / "a.txt").write_bytes(b"one\n\xff\ntwo\nthr\xe4e\nfour\n")
        corpus = Corpus(tmp_path, on_error="skip")
        assert list(corpus) == ["one\n", "two\n", "four\n"]
        assert corpus.skipped == 2
        assert corpus.first_error == f"{tmp_path / 'a.txt'}, line 2: not UTF-8: byte 0xff at position 0"

    @pytest.mark.parametrize("line", BAD_LINES, ids=lambda line: repr(line)[:30])
    def test_json_lines(self, tmp_path, line):
        (tmp_path / "a.jsonl").write_bytes(b'{"text": "one"}\n' + line + b'\n{"text": "two"}\n')
        corpus = Corpus(tmp_path, on_error="skip")
        assert list(corpus) == ["one", "two"]
        assert corpus.skipped == 1
        assert f"{tmp_path / 'a.jsonl'}, line 2: " in corpus.first_error

    def test_rows(self, write_parquet, tmp_path):
        write_parquet(text=[None, "one", None, "two"])
        corpus = Corpus(tmp_path, on_error="skip")
        assert list(corpus) == ["one", "two"]
        assert corpus.skipped == 2
        assert "row 0 (from 0)" in corpus.first_error

    @pytest.mark.parametrize("kind", ["gz", "xz", "zst"])
    def test_rest_of_a_damaged_archive_counts_as_one(self, tmp_path, kind):
        lines = b"".join(b"line %d\n" % k for k in range(1000))
        if kind == "zst":
            packed = pytest.importorskip("zstandard").compress(lines)
        else:
            packed = {"gz": gzip.compress, "xz": lzma.compress}[kind](lines)
        (tmp_path / f"a.txt.{kind}").write_bytes(packed + packed[:-3])
        (tmp_path / "b.txt").write_bytes(b"last\n")
        corpus = Corpus(tmp_path, on_error="skip")
        documents = list(corpus)
        assert documents[:1000] == lines.decode().splitlines(keepends=True)
        assert documents[-1] == "last\n"
        assert corpus.skipped == 1
        assert "damaged archive" in corpus.first_error

    def test_rest_of_a_damaged_parquet_file_counts_as_one(self, write_parquet, tmp_path):
        path = write_parquet(text=[f"{k}" for k in range(3000)], row_group_size=1000)
        data = bytearray(path.read_bytes())
        middle = len(data) * 9 // 20
        data[middle : middle + 20] = bytes(20)
        path.write_bytes(data)
        (tmp_path / "b.txt").write_bytes(b"last\n")
        corpus = Corpus(tmp_path, on_error="skip")
        assert [*corpus][-1] == "last\n"
        assert corpus.skipped == 1
        assert "damaged file" in corpus.first_error

    def test_parquet_file_without_the_column_counts_as_one(self, write_parquet, tmp_path):
        write_parquet(body=["one", "two"])
        (tmp_path / "b.txt").write_bytes(b"last\n")
        corpus = Corpus(tmp_path, on_error="skip")
        assert (list(corpus), corpus.skipped) == (["last\n"], 1)

    def test_counts_are_of_the_last_complete_pass(self, tmp_path):
        (tmp_path / "a.txt").write_bytes(b"one\n\xff\ntwo\n")
        corpus = Corpus(tmp_path, on_error="skip")
        assert (corpus.skipped, corpus.first_error) == (0, None)
        for _ in range(3):
            list(corpus)
            assert corpus.skipped == 1
        unfinished = iter(corpus)
        next(unfinished)
        assert corpus.skipped == 1
        (tmp_path / "a.txt").write_bytes(b"one\n")
        list(corpus)
        assert (corpus.skipped, corpus.first_error) == (0, None)

    def test_nothing_to_skip(self, tmp_path):
        (tmp_path / "a.txt").write_bytes(b"one\n")
        corpus = Corpus(tmp_path, on_error="skip")
        assert (list(corpus), corpus.skipped, corpus.first_error) == (["one\n"], 0, None)

    def test_a_file_that_goes_away_is_an_error_all_the_same(self, tmp_path):
        (tmp_path / "a.txt").write_bytes(b"one\n")
        corpus = Corpus(tmp_path, on_error="skip")
        (tmp_path / "a.txt").unlink()
        with pytest.raises(FileNotFoundError):
            list(corpus)

    @given(st.lists(st.tuples(st.sampled_from(["txt", "jsonl"]), st.lists(st.booleans()))))
    def test_only_what_is_bad_goes(self, tmp_path_factory, files):
        folder = tmp_path_factory.mktemp("files")
        good = {"txt": b"good\n", "jsonl": b'{"text": "good\\n"}\n'}
        for number, (kind, lines) in enumerate(files):
            data = b"".join(good[kind] if line else b"\xff\n" for line in lines)
            (folder / f"{number}.{kind}").write_bytes(data)
        corpus = Corpus([folder / f"{number}.{kind}" for number, (kind, _) in enumerate(files)], on_error="skip")
        assert list(corpus) == ["good\n"] * sum(sum(lines) for _, lines in files)
        assert corpus.skipped == sum(len(lines) - sum(lines) for _, lines in files)
