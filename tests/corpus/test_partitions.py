"""Parts of a corpus: together they are the whole, wherever files are cut."""

import gzip
import json
import pickle
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import Corpus, CorpusError, SettingsError
from bytepiece.corpus import compression
from bytepiece.corpus.paths import absolute
from helpers.processes import run_python
from helpers.properties import examples

NAMES = ["a.txt", "b.jsonl", "c.txt.gz", "d.txt"]
LINES = st.lists(st.text(alphabet="aé\r\n 中", max_size=8), max_size=12)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("partitions")


def write(folder, contents):
    """Files with lines, the last one with or without its newline; returns their paths."""
    for name, lines in contents.items():
        if "jsonl" in name:
            data = "".join(json.dumps({"text": line}, ensure_ascii=False) + "\n" for line in lines).encode()
        else:
            data = "\n".join(lines).encode()
        (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return [folder / name for name in contents]


def joined(partitions):
    return [text for partition in partitions for text in pickle.loads(pickle.dumps(partition))]


class TestTogetherTheyAreTheWhole:
    @given(contents=st.fixed_dictionaries(dict.fromkeys(NAMES, LINES)), n=st.integers(1, 40))
    @examples(100)
    def test_lines(self, folder, contents, n):
        corpus = Corpus(write(folder, contents))
        parts = [corpus.part(number, n) for number in range(n)]
        assert joined(parts) == list(corpus)
        assert sum(part.raw_bytes for part in parts) == corpus.raw_bytes

    @given(n_bytes=st.integers(1, 400), rows=st.integers(1, 5), n=st.integers(0, 30))
    @examples(50)
    def test_row_groups(self, write_parquet, n_bytes, rows, n):
        texts = [f"row {number}" * (number % 3) for number in range(n)]
        corpus = Corpus(write_parquet(text=texts, row_group_size=rows))
        parts = corpus.partitions(n_bytes)
        assert joined(parts) == texts
        assert sum(part.raw_bytes for part in parts) == corpus.raw_bytes

    @given(
        contents=st.fixed_dictionaries(dict.fromkeys(NAMES, LINES)),
        n=st.integers(1, 20),
        sample_bytes=st.integers(1, 100),
        seed=st.integers(0, 9),
    )
    @examples(20)
    def test_samples(self, folder, contents, n, sample_bytes, seed):
        paths = write(folder, contents)
        corpus = Corpus(paths, sample_bytes=sample_bytes, seed=seed)
        other = Corpus(paths, sample_bytes=sample_bytes, seed=seed)
        parts = other.partitions(max(1, other.raw_bytes // n))
        assert joined(parts) == list(corpus) == list(other)
        assert joined([corpus.part(0, 2), corpus.part(1, 2)]) == list(corpus)  # its sample is chosen already

    @pytest.mark.slow
    def test_samples_of_rows(self, write_parquet):
        path = write_parquet(text=[f"row {number}" for number in range(200)], row_group_size=7)
        corpus = Corpus(path, sample_bytes=500)
        assert joined(corpus.partitions(300)) == list(corpus) != []

    def test_a_file_that_is_named_twice(self, folder):
        (path,) = write(folder, {"a.txt": ["one", "two", "three"]})
        corpus = Corpus([path, path], sample_bytes=8, seed=1)
        assert joined(corpus.partitions(3)) == list(corpus)


class TestCuts:
    def test_a_line_is_of_the_part_in_which_it_begins(self, folder):
        (path,) = write(folder, {"a.txt": ["one", "two", "a line that is longer than a part", "four"]})
        parts = Corpus(path).partitions(8)
        assert [list(part) for part in parts] == [
            ["one\n", "two\n"],
            ["a line that is longer than a part\n"],
            [],
            [],
            [],
            ["four"],
        ]
        assert str(parts[1]) == f"{path}, bytes 7 to 15"

    def test_parts_have_about_the_same_size(self, folder):
        paths = write(folder, {"a.txt": ["x" * 9] * 1000, "d.txt": ["y" * 9] * 10})
        assert {len(list(part)) for part in Corpus(paths).partitions(1000)} == {91, 92}

    def test_a_compressed_file_is_in_one_part(self, folder):
        chance = random.Random(1)
        lines = [str(chance.random()) for _ in range(100)]
        paths = write(folder, {"c.txt.gz": lines, "d.txt": lines})
        sizes = [len(list(part)) for part in Corpus(paths).partitions(100)]
        assert sizes[0] == 100
        assert not any(sizes[1 : paths[0].stat().st_size // 100])
        assert sum(sizes) == 200

    def test_an_empty_corpus_is_one_part(self, folder):
        assert [list(part) for part in Corpus(write(folder, {"a.txt": []})).partitions("1M")] == [[]]

    def test_a_long_line_is_read_once(self, folder, monkeypatch):
        """Parts that lie inside of it look no further than to their end."""
        monkeypatch.setattr(compression, "BUFFER_BYTES", 100)
        (path,) = write(folder, {"a.txt": ["x" * 100_000, "end"]})
        read = []
        counted = compression._CountedFile.readinto
        monkeypatch.setattr(
            compression._CountedFile, "readinto", lambda *args: [n := counted(*args), read.append(n)][0]
        )
        parts = Corpus(path).partitions(1000)
        assert joined(parts) == ["x" * 100_000 + "\n", "end"]
        assert sum(read) < 2 * 100_000 + 300 * len(parts)


class TestErrors:
    def test_name_the_place(self, folder):
        (path,) = write(folder, {"a.txt": ["fine"] * 50})
        path.write_bytes(path.read_bytes() + b"\n\xff\n")
        with pytest.raises(CorpusError, match=r"a\.txt, line 5 from byte 226 on: not UTF-8"):
            joined([Corpus(path).part(9, 10)])

    def test_skipped_documents_are_counted(self, folder):
        (path,) = write(folder, {"a.txt": ["fine"] * 50})
        path.write_bytes(path.read_bytes() + b"\n\xff\nfine\n")
        parts = [Corpus(path, on_error="skip").part(number, 10) for number in range(10)]
        assert [text for part in parts for text in part] == ["fine\n"] * 51
        assert [part.skipped for part in parts] == [0] * 9 + [1]
        assert parts[9].first_error.startswith(f"{path}, line ")

    def test_damaged_parquet_is_found_when_it_is_read(self, tmp_path):
        pytest.importorskip("pyarrow")
        (tmp_path / "a.parquet").write_bytes(b"PAR1" + bytes(100) + b"PAR1")
        (tmp_path / "b.txt").write_text("fine\n")
        parts = Corpus(tmp_path).partitions(10)
        with pytest.raises(CorpusError, match=r"a\.parquet"):
            joined(parts)
        parts = Corpus(tmp_path, on_error="skip").partitions(10)
        assert joined(parts) == ["fine\n"]

    @pytest.mark.parametrize(("number", "n"), [(0, 0), (3, 3), (-1, 3), (1.0, 3)])
    def test_wrong_numbers(self, folder, number, n):
        with pytest.raises(SettingsError):
            Corpus(write(folder, {"a.txt": []})).part(number, n)


def test_partitions_are_read_in_another_folder(folder, tmp_path, monkeypatch):
    write(folder, {"a.txt": ["one", "two", "three", "four"]})
    monkeypatch.chdir(folder)
    parts = Corpus("a.txt").partitions(8)
    monkeypatch.chdir(tmp_path)
    assert [text for part in parts for text in part] == ["one\n", "two\n", "three\n", "four"]


def test_addresses_are_the_same_in_any_folder():
    assert absolute("s3://bucket/a.txt") == "s3://bucket/a.txt"


@pytest.mark.slow
def test_a_part_is_read_by_another_process(folder):
    paths = write(folder, {"a.txt": ["one", "two", "three", "four"]})
    part = pickle.dumps(Corpus(paths).part(1, 2))
    assert run_python(f"import pickle; print(*pickle.loads({part!r}), sep='', end='')").stdout == "four"
