"""What can be trained on: folders, patterns, parquet and zstd files, samples, columns; and what is wrong skipped."""

import gzip
import json
import lzma
import os
import random
import subprocess
import sys
import textwrap
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bytepiece
from bytepiece import Column, Corpus, CorpusError, Model, OptionalDependencyError, SettingsError, Trainer
from bytepiece.cli.main import main
from bytepiece.corpus.corpus import _hashes
from bytepiece.corpus.readers import documents, open_input
from bytepiece.sizes import parse_size

not_root = pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() == 0, reason="root may read everything")
needs_posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX")


@pytest.fixture
def zstd():
    return pytest.importorskip("zstandard")


@pytest.fixture
def arrow():
    return pytest.importorskip("pyarrow")


@pytest.fixture
def write_parquet(arrow, tmp_path):
    """Write columns to a parquet file, and return its path."""
    from pyarrow import parquet

    def write(name="a.parquet", *, row_group_size=None, types=None, **columns):
        table = arrow.table({name: arrow.array(values, (types or {}).get(name)) for name, values in columns.items()})
        parquet.write_table(table, tmp_path / name, row_group_size=row_group_size, write_page_checksum=True)
        return tmp_path / name

    return write


@pytest.fixture
def tree(tmp_path):
    """A folder of files; each line of a file is its own name, so that documents show where they are from."""

    def write(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            line = json.dumps({"text": name}) if ".jsonl" in name else name
            packed = {".gz": gzip.compress, ".xz": lzma.compress}.get(path.suffix, bytes)(line.encode())
            path.write_bytes(packed)
        return tmp_path

    return write


def names(corpus, folder):
    return [os.path.relpath(path, folder).replace(os.sep, "/") for path in corpus.paths]


class TestFolders:
    def test_every_kind_of_file_in_sorted_order(self, tree):
        folder = tree(
            "b.txt", "a.jsonl", "c/d.txt.gz", "c/a.jsonl.xz", "c-d.txt", "z.txt.xz", "a.jsonl.gz", "c/e/f.txt"
        )
        found = ["a.jsonl", "a.jsonl.gz", "b.txt", "c/a.jsonl.xz", "c/d.txt.gz", "c/e/f.txt", "c-d.txt", "z.txt.xz"]
        corpus = Corpus(folder)
        assert names(corpus, folder) == found
        assert list(corpus) == found

    def test_zstd_and_parquet_files_are_found(self, tree, zstd, arrow):
        folder = tree("a.parquet", "b.txt.zst", "c.jsonl.zst")
        assert names(Corpus(folder), folder) == ["a.parquet", "b.txt.zst", "c.jsonl.zst"]

    @pytest.mark.parametrize(
        "name",
        ["README", "a.md", "a.json", "a.txt.bz2", "a.gz", "a.TXT", "a.parquet.gz", "txt", ".a.txt", ".git/a.txt"],
    )
    def test_other_and_hidden_files_are_left_out(self, tree, name):
        folder = tree(name, "good.txt")
        assert names(Corpus(folder), folder) == ["good.txt"]

    @pytest.mark.parametrize("files", [[], ["a.md"], [".hidden/a.txt"]])
    def test_none_found(self, tree, files):
        folder = tree(*files)
        with pytest.raises(CorpusError, match="directory with no file to read") as caught:
            Corpus(folder)
        assert str(folder) in str(caught.value)

    def test_a_hidden_folder_that_is_named_is_read(self, tree):
        assert list(Corpus(tree(".hidden/a.txt") / ".hidden")) == [".hidden/a.txt"]

    def test_folders_and_files_stay_in_the_order_given(self, tree):
        folder = tree("z/b.txt", "z/a.txt", "c.txt", "a/x.txt")
        assert list(Corpus([folder / "z", folder / "c.txt", folder / "a"])) == [
            "z/a.txt",
            "z/b.txt",
            "c.txt",
            "a/x.txt",
        ]

    def test_a_file_named_twice_is_read_twice(self, tree):
        folder = tree("a.txt")
        assert list(Corpus([folder, folder / "a.txt"])) == ["a.txt", "a.txt"]

    def test_found_once_when_the_corpus_is_made(self, tree):
        folder = tree("a.txt")
        corpus = Corpus(folder)
        tree("b.txt")
        assert list(corpus) == list(corpus) == ["a.txt"]

    @needs_posix
    def test_links_are_followed_and_circles_are_not(self, tree):
        folder = tree("data/a.txt", "store/b.txt", "store/blob")
        (folder / "data" / "linked").symlink_to(folder / "store")
        (folder / "data" / "blob.txt").symlink_to(folder / "store" / "blob")
        (folder / "data" / "circle").symlink_to(folder / "data")
        assert list(Corpus(folder / "data")) == ["data/a.txt", "store/blob", "store/b.txt"]

    @needs_posix
    def test_link_to_nothing_is_an_error(self, tree):
        folder = tree("a.txt")
        (folder / "b.txt").symlink_to("nothing")
        with pytest.raises(FileNotFoundError):
            Corpus(folder)

    @not_root
    def test_closed_subfolder_is_an_error(self, tree):
        folder = tree("a.txt", "closed/b.txt")
        (folder / "closed").chmod(0)
        try:
            with pytest.raises(PermissionError):
                Corpus(folder)
        finally:
            (folder / "closed").chmod(0o700)


class TestPatterns:
    @pytest.mark.parametrize(
        ("pattern", "found"),
        [
            ("*.txt", ["a.txt", "b.txt"]),
            ("**/*.txt", ["a.txt", "b.txt", "c/a.txt", "c/d/e.txt"]),
            ("c/**", ["c/a.txt", "c/d/e.txt", "c/f.md"]),
            ("?.txt", ["a.txt", "b.txt"]),
            ("[b-z].txt", ["b.txt"]),
            ("c/*", ["c/a.txt", "c/f.md"]),
            ("*/*/../*.txt", ["c/d/../a.txt"]),
        ],
    )
    def test_files_that_match_sorted(self, tree, pattern, found):
        folder = tree("b.txt", "a.txt", "c/d/e.txt", "c/a.txt", "c/f.md", ".hidden.txt")
        corpus = Corpus(f"{folder}/{pattern}")
        assert [os.path.normpath(path) for path in corpus.paths] == [os.path.normpath(folder / name) for name in found]

    @pytest.mark.parametrize("pattern", ["*.jsonl", "x/**/*.txt", "d*", "[x].txt"])
    def test_nothing_matches(self, tree, pattern):
        folder = tree("a.txt", "dir/b.txt")
        with pytest.raises(CorpusError, match="no file matches") as caught:
            Corpus(f"{folder}/{pattern}")
        assert str(caught.value).startswith(f"{folder}/{pattern}: ")

    def test_a_file_of_that_very_name_comes_first(self, tree):
        folder = tree("a[1].txt", "a1.txt")
        assert list(Corpus(f"{folder}/a[1].txt")) == ["a[1].txt"]

    def test_order_does_not_depend_on_that_of_the_system(self, tree, monkeypatch):
        folder = tree(*(f"{name}.txt" for name in "hgfedcba"))
        expected = Corpus(f"{folder}/*.txt").paths, Corpus(folder).paths
        scandir = os.scandir

        class Shuffled(list):
            __enter__, __exit__, close = lambda self: self, lambda *_: None, lambda self: None

            def __iter__(self):
                return iter([*super().__iter__()])

            def __next__(self):
                if not self:
                    raise StopIteration
                return self.pop()

        def shuffled(path="."):
            with scandir(path) as entries:
                found = Shuffled(entries)
            random.Random(7).shuffle(found)
            return found

        monkeypatch.setattr(os, "scandir", shuffled)
        assert (Corpus(f"{folder}/*.txt").paths, Corpus(folder).paths) == expected


class TestBeforeReading:
    """What is known to be wrong is said when the corpus is made."""

    def test_missing_file(self, tree):
        folder = tree("a.txt")
        with pytest.raises(FileNotFoundError) as caught:
            Corpus([folder / "a.txt", folder / "b.txt"])
        assert caught.value.filename == str(folder / "b.txt")

    @not_root
    def test_closed_file(self, tree):
        path = tree("a.txt") / "a.txt"
        path.chmod(0)
        with pytest.raises(PermissionError) as caught:
            Corpus(path)
        assert caught.value.filename == str(path)

    def test_closed_file_as_the_system_says(self, tree, monkeypatch):
        monkeypatch.setattr(os, "access", lambda path, mode: False)
        path = tree("a.txt") / "a.txt"
        with pytest.raises(PermissionError) as caught:
            Corpus(path)
        assert caught.value.filename == str(path)

    @needs_posix
    def test_pipe(self, tmp_path):
        os.mkfifo(tmp_path / "pipe.txt")
        with pytest.raises(CorpusError, match="pipe can be read once"):
            Corpus(tmp_path / "pipe.txt")

    @pytest.mark.parametrize(
        ("name", "module", "extra"), [("a.parquet", "pyarrow", "parquet"), ("a.txt.zst", "zstandard", "zstd")]
    )
    def test_missing_library(self, tree, monkeypatch, name, module, extra):
        monkeypatch.setitem(sys.modules, module, None)
        folder = tree(name, "good.txt")
        with pytest.raises(OptionalDependencyError) as caught:
            Corpus(folder)
        assert f"pip install 'bytepiece[{extra}]'" in str(caught.value)
        assert isinstance(caught.value, ImportError)
        assert list(Corpus(folder / "good.txt")) == ["good.txt"]

    def test_missing_library_when_only_opening(self, tree, monkeypatch):
        monkeypatch.setitem(sys.modules, "zstandard", None)
        with pytest.raises(OptionalDependencyError):
            open_input(str(tree("a.zst") / "a.zst"))

    @pytest.mark.parametrize(
        "wrong",
        [
            {"on_error": "ignore"},
            {"on_error": None},
            {"seed": "0"},
            {"seed": 1.0},
            {"seed": True},
            {"sample_bytes": 0},
            {"sample_bytes": -1},
            {"sample_bytes": "many"},
            {"sample_bytes": 0.5},
        ],
        ids=str,
    )
    def test_settings(self, wrong):
        (name,) = wrong
        with pytest.raises(SettingsError, match=name):
            Corpus([], **wrong)

    def test_no_files_are_no_documents(self):
        corpus = Corpus([])
        assert (list(corpus), corpus.raw_bytes) == ([], 0)

    def test_paths_of_every_kind(self, tree):
        path = tree("a.txt") / "a.txt"
        assert Corpus([path, str(path)]).paths == [str(path)] * 2


class TestZstd:
    LINES = b"".join(b"line %d\n" % k for k in range(5000))

    def pack(self, zstd, data, **options):
        return zstd.ZstdCompressor(write_checksum=True, **options).compress(data)

    @pytest.mark.parametrize("data", [b"", b"\n", b"one\ntwo", LINES, b"\n" * 200_000], ids=len)
    def test_lines(self, zstd, tmp_path, data):
        (tmp_path / "a.txt.zst").write_bytes(self.pack(zstd, data))
        assert "".join(Corpus(tmp_path / "a.txt.zst")).encode() == data

    def test_json_lines(self, zstd, tmp_path):
        (tmp_path / "a.jsonl.zst").write_bytes(self.pack(zstd, b'{"text": "one"}\n{"text": "two"}\n'))
        assert list(Corpus(tmp_path)) == ["one", "two"]

    @given(st.lists(st.binary(max_size=50).map(lambda data: data.hex().encode()), min_size=1), st.integers(1, 5))
    def test_frames_one_after_the_other(self, zstd, tmp_path, parts, level):
        skippable = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc"
        path = tmp_path / "a.zst"
        path.write_bytes(b"".join(self.pack(zstd, part, level=level) + skippable for part in parts))
        with open_input(str(path)) as file:
            assert file.read() == b"".join(parts)

    def test_large_window(self, zstd, tmp_path):
        """As of ``zstd --long=31``, in which well-known corpora come."""
        parameters = zstd.ZstdCompressionParameters(window_log=30, write_content_size=False)
        packer = zstd.ZstdCompressor(compression_params=parameters).compressobj()
        (tmp_path / "a.zst").write_bytes(packer.compress(self.LINES) + packer.flush())
        assert "".join(Corpus(tmp_path / "a.zst")).encode() == self.LINES

    def test_truncated_anywhere(self, zstd, tmp_path):
        """zstandard itself takes this for the end."""
        packed = self.pack(zstd, self.LINES[:2000])
        path = tmp_path / "a.txt.zst"
        for size in range(len(packed)):
            path.write_bytes(packed[:size])
            with pytest.raises(CorpusError, match=r"a\.txt\.zst, after line \d+: damaged archive: "):
                list(Corpus(path))

    def test_lines_before_the_damage_are_given(self, zstd, tmp_path):
        path = tmp_path / "a.txt.zst"
        path.write_bytes(self.pack(zstd, b"one\ntwo\n") + self.pack(zstd, b"three\n")[:-1])
        documents = iter(Corpus(path))
        assert [next(documents), next(documents)] == ["one\n", "two\n"]
        with pytest.raises(CorpusError, match=r"after line [23]: damaged archive"):
            list(documents)

    @pytest.mark.parametrize(
        "data", [b"plain text\n", b"\x00" * 100, gzip.compress(b"one\n")], ids=["text", "zeros", "gzip"]
    )
    def test_no_archive_at_all(self, zstd, tmp_path, data):
        (tmp_path / "a.zst").write_bytes(data)
        with pytest.raises(CorpusError, match="after line 0: damaged archive"):
            list(Corpus(tmp_path / "a.zst"))

    @given(data=st.data())
    def test_any_flipped_bit_is_an_error_or_harmless(self, zstd, tmp_path, data):
        damaged = bytearray(self.pack(zstd, self.LINES))
        damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        path = tmp_path / "a.txt.zst"
        path.write_bytes(damaged)
        try:
            text = "".join(Corpus([path]))
        except CorpusError:
            return
        assert text.encode() == self.LINES


class TestParquet:
    @given(st.lists(st.text()), st.integers(1, 7))
    def test_rows_are_documents(self, write_parquet, documents, row_group_size):
        path = write_parquet(text=documents, row_group_size=row_group_size)
        assert list(Corpus(path)) == documents

    def test_more_rows_than_are_read_at_a_time(self, write_parquet):
        documents = [str(k) * (k % 50) for k in range(5000)]
        corpus = Corpus(write_parquet(text=documents, row_group_size=3000))
        assert list(corpus) == list(corpus) == documents

    def test_column_of_another_name(self, write_parquet):
        path = write_parquet(text=["no"], **{"né.x": ["yes"], "né": [3]})
        assert list(Corpus(path, "né.x")) == ["yes"]

    @pytest.mark.parametrize("kind", ["string", "large_string", "binary", "large_binary", "string_view", "dictionary"])
    def test_types_of_text(self, arrow, write_parquet, kind):
        if kind == "dictionary":
            kind = arrow.dictionary(arrow.int32(), arrow.string())
        elif hasattr(arrow, kind):
            kind = getattr(arrow, kind)()
        else:
            pytest.skip("not of this pyarrow")
        values = [b"one", "né".encode(), b"one"] if "binary" in str(kind) else ["one", "né", "one"]
        assert list(Corpus(write_parquet(text=values, types={"text": kind}))) == ["one", "né", "one"]

    @pytest.mark.parametrize("values", [[1], [["one"]], [{"text": "one"}], [True]], ids=repr)
    def test_types_of_something_else(self, write_parquet, values):
        with pytest.raises(CorpusError, match=r"a\.parquet: field 'text' must be text, not "):
            list(Corpus(write_parquet(text=values)))

    def test_missing_column(self, write_parquet):
        with pytest.raises(CorpusError, match=r"a\.parquet: no field 'text' \(there are: body, id\)$"):
            list(Corpus(write_parquet(body=["one"], id=[1])))

    def test_null(self, write_parquet):
        with pytest.raises(CorpusError, match=r"a\.parquet, row 1 \(from 0\): field 'text' must be text, not null$"):
            list(Corpus(write_parquet(text=["one", None])))

    def test_nothing_but_nulls(self, write_parquet, tmp_path):
        corpus = Corpus(write_parquet(text=[None, None]), on_error="skip")
        assert (list(corpus), corpus.skipped) == ([], 2)

    def test_row_is_counted_over_batches_and_groups(self, write_parquet):
        path = write_parquet(text=["x"] * 4321 + [None], row_group_size=1500)
        with pytest.raises(CorpusError, match="row 4321 "):
            list(Corpus(path))

    @pytest.mark.parametrize("type", ["binary", "string"])
    def test_not_utf8(self, arrow, write_parquet, type):
        texts = arrow.array([b"one", b"tw\xff"], arrow.binary())
        if type == "string":  # Arrow lets it pass where it is not asked
            texts = arrow.StringArray.from_buffers(2, *texts.buffers()[1:])
        with pytest.raises(CorpusError, match=r"row 1 \(from 0\): not UTF-8: byte 0xff at position 2$"):
            list(Corpus(write_parquet(text=texts)))

    @pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1PAR1", b"text\n" * 100], ids=repr)
    def test_no_parquet_file_at_all(self, arrow, tmp_path, data):
        (tmp_path / "a.parquet").write_bytes(data)
        with pytest.raises(CorpusError, match=r"a\.parquet, after 0 rows: damaged file: "):
            list(Corpus(tmp_path))

    @given(data=st.data())
    def test_damage_is_an_error_or_harmless(self, write_parquet, data):
        texts = [f"line {k}" for k in range(200)]
        path = write_parquet(text=texts, row_group_size=50)
        damaged = bytearray(path.read_bytes())
        if data.draw(st.booleans()):
            damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        else:
            del damaged[data.draw(st.integers(0, len(damaged) - 1)) :]
        path.write_bytes(damaged)
        try:
            assert list(Corpus(path)) == texts
        except CorpusError as error:
            assert str(path) in str(error)  # noqa: PT017

    def test_memory_does_not_grow_with_the_file(self, write_parquet):
        if not os.path.exists("/proc/self/status"):
            pytest.skip("needs /proc")
        code = """
            import sys
            from bytepiece import Corpus

            for path in sys.argv[1:]:
                assert all(len(text) == 4000 for text in Corpus(path))
                print(int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) * 1024)
        """
        paths = [
            write_parquet(
                f"{n_rows}.parquet", text=[f"{k:04}"[-4:] * 1000 for k in range(n_rows)], row_group_size=10_000
            )
            for n_rows in (10_000, 40_000)
        ]
        environment = os.environ | {"PYTHONPATH": os.path.dirname(os.path.dirname(bytepiece.__file__))}
        command = [sys.executable, "-c", textwrap.dedent(code), *paths]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        peaks = [int(line) for line in done.stdout.split()]
        assert peaks[1] - peaks[0] < 40_000_000, "of 120 MB that the second file has more"


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


class TestSample:
    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, tmp_path_factory):
        """Three files with a million bytes of documents, of 1 to 100 bytes each."""
        folder = tmp_path_factory.mktemp("sample")
        chance = random.Random(0)
        for name in ("a.txt", "b.jsonl", "c.txt.gz"):
            lines = [f"{name} {number} {'é' * chance.randrange(45)}" for number in range(6700)]
            if "jsonl" in name:
                lines = [json.dumps({"text": f"{line}\n"}) for line in lines]
            data = "".join(f"{line}\n" for line in lines).encode()
            (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return folder

    @staticmethod
    def size(documents):
        return sum(len(document.encode()) for document in documents)

    @pytest.mark.parametrize("wanted", [100, 2000, 50_000, 500_000, 900_000])
    @pytest.mark.parametrize("seed", [0, 1, -5, 2**70])
    def test_size(self, folder, wanted, seed):
        assert abs(self.size(Corpus(folder, sample_bytes=wanted, seed=seed)) - wanted) <= 100

    def test_size_as_people_write_it(self, folder):
        assert list(Corpus(folder, sample_bytes="50K")) == list(Corpus(folder, sample_bytes=50 * 1024))

    def test_documents_in_their_order(self, folder):
        everything = list(Corpus(folder))
        sample = list(Corpus(folder, sample_bytes=100_000))
        positions = {document: number for number, document in enumerate(everything)}
        assert len(positions) == len(everything)
        assert [positions[document] for document in sample] == sorted(positions[document] for document in sample)

    def test_every_pass_is_the_same(self, folder):
        corpus = Corpus(folder, sample_bytes=100_000, seed=3)
        assert list(corpus) == list(corpus) == list(Corpus(folder, sample_bytes=100_000, seed=3))

    def test_hash_seed_of_python_does_not_matter(self, folder):
        code = "import sys, zlib; from bytepiece import Corpus; "
        code += "print(zlib.crc32(''.join(Corpus(sys.argv[1], sample_bytes=9999)).encode()))"
        outputs = set()
        for hash_seed in ("1", "2"):
            environment = os.environ | {
                "PYTHONHASHSEED": hash_seed,
                "PYTHONPATH": os.path.dirname(os.path.dirname(bytepiece.__file__)),
            }
            command = [sys.executable, "-c", code, folder]
            outputs.add(subprocess.run(command, capture_output=True, check=True, env=environment).stdout)
        assert len(outputs) == 1

    def test_the_stream_of_chance_is_frozen(self):
        stream = _hashes(0, 0)
        first = [next(stream) for _ in range(2000)]
        assert first[:3] == FROZEN[:3]
        assert first[1999] == FROZEN[3]
        assert next(_hashes(1, 0)) == FROZEN[4]
        assert next(_hashes(0, 1)) == FROZEN[5]
        assert next(_hashes(-1, 0)) == next(_hashes(2**64 - 1, 0))

    def test_chance_is_even(self):
        stream = _hashes(5, 5)
        values = np.array([next(stream) for _ in range(100_000)], np.float64) / 2**64
        counts, _ = np.histogram(values, bins=100, range=(0, 1))
        assert ((counts - 1000) ** 2 / 1000).sum() < 160  # chi squared of 99 degrees of freedom: 1 in 10,000
        assert abs(((values[1:] - 0.5) * (values[:-1] - 0.5)).sum() * 12 / len(values)) < 0.02, "no correlation"

    def test_seeds_and_files_differ(self):
        streams = [(seed, number) for seed in range(20) for number in range(20)]
        assert len({next(_hashes(seed, number)) for seed, number in streams}) == len(streams)

    def test_other_seed_other_sample(self, folder):
        samples = [set(Corpus(folder, sample_bytes=100_000, seed=seed)) for seed in (0, 1)]
        shared = self.size(samples[0] & samples[1])
        assert shared == pytest.approx(10_000, abs=4000), "as much as chance has it"

    def test_smaller_samples_are_part_of_larger_ones(self, folder):
        samples = [set(Corpus(folder, sample_bytes=size)) for size in (1000, 30_000, 400_000)]
        assert samples[0] < samples[1] < samples[2]

    def test_every_document_has_the_same_chance(self, folder):
        """Wherever it is: in each of the files, at the beginning and at the end."""
        counts = np.zeros((3, 4), np.int64)
        for seed in range(8):
            for document in Corpus(folder, sample_bytes=100_000, seed=seed):
                name, number, _ = document.split(" ")
                counts["abc".index(name[0]), int(number) // 1675] += 1
        assert counts.max() / counts.min() < 1.2

    @pytest.mark.parametrize("more", [0, 1, 10**12])
    def test_smaller_corpus_is_taken_whole(self, folder, more):
        everything = list(Corpus(folder))
        assert list(Corpus(folder, sample_bytes=self.size(everything) + more)) == everything

    def test_empty_documents_of_a_corpus_taken_whole(self, tmp_path):
        (tmp_path / "a.jsonl").write_bytes(b'\n\n{"text": "x"}\n\n\n')
        assert list(Corpus(tmp_path, sample_bytes=1000)) == ["", "", "x", "", ""]

    @pytest.mark.parametrize("data", [b"", b"\n\n"])
    def test_corpus_without_text(self, tmp_path, data):
        (tmp_path / "a.jsonl").write_bytes(data)
        assert "".join(Corpus(tmp_path, sample_bytes=1000)) == ""

    def test_there_is_always_a_document(self, tmp_path):
        (tmp_path / "a.txt").write_bytes(b"x" * 1000 + b"\n" + b"y" * 2000 + b"\n")
        for seed in range(10):
            assert len(list(Corpus(tmp_path, sample_bytes=1, seed=seed))) == 1

    def test_rows_of_parquet_files(self, write_parquet, tmp_path):
        texts = [f"text {k}" for k in range(5000)]
        sample = list(Corpus(write_parquet(text=texts, row_group_size=1700), sample_bytes=10_000))
        (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        assert sample == list(Corpus(tmp_path / "a.jsonl", sample_bytes=10_000))
        assert self.size(sample) == pytest.approx(10_000, abs=20)

    def test_everything_is_checked_while_choosing(self, tmp_path):
        (tmp_path / "a.txt").write_bytes(b"good\n" * 1000 + b"\xff\n")
        with pytest.raises(CorpusError, match="line 1001"):
            Corpus(tmp_path, sample_bytes=10).choose_sample()

    def test_skipping(self, tmp_path):
        lines = [b"good %d\n" % k if k % 2 else b"\xff\n" for k in range(2000)]
        (tmp_path / "a.txt").write_bytes(b"".join(lines))
        corpus = Corpus(tmp_path, on_error="skip", sample_bytes=5000)
        sample = list(corpus)
        assert self.size(sample) == pytest.approx(5000, abs=10)
        assert corpus.skipped == pytest.approx(len(sample), rel=0.2), "of the chosen ones"
        assert sample == list(corpus)

    def test_choosing_is_done_once(self, folder, monkeypatch):
        corpus = Corpus(folder, sample_bytes=1000)
        opened = []
        monkeypatch.setattr(
            "bytepiece.corpus.corpus.documents", lambda *args: opened.append(args[0]) or documents(*args)
        )
        corpus.choose_sample()
        assert len(opened) == 3
        corpus.choose_sample()
        list(corpus)
        list(corpus)
        assert len(opened) == 9

    def test_all_of_it_is_not_read_twice(self, folder, monkeypatch):
        opened = []
        monkeypatch.setattr(
            "bytepiece.corpus.corpus.documents", lambda *args: opened.append(args[0]) or documents(*args)
        )
        list(Corpus(folder))
        assert len(opened) == 3


FROZEN = [
    0x568A9B0B1A2C05EC,
    0x44E5B8B147EF718B,
    0x458563AB55521133,
    0xB425E95C358ED360,
    0x6EC85F1F8547BC0C,
    0x238275BC38FCBE91,
]


class TestLongLines:
    """A line takes a small multiple of its size."""

    SIZE = 20_000_000

    @pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a.txt.xz", "a.txt.zst", "a.jsonl"])
    def test_memory(self, tmp_path, name):
        line = b"0123456789" * (self.SIZE // 10)
        if "jsonl" in name:
            line = b'{"text": "' + line + b'"}'
        packers = {".gz": lambda data: gzip.compress(data, 1), ".xz": lambda data: lzma.compress(data, preset=0)}
        if name.endswith(".zst"):
            packers[".zst"] = pytest.importorskip("zstandard").compress
        (tmp_path / name).write_bytes(packers.get((tmp_path / name).suffix, bytes)(line))
        corpus = Corpus(tmp_path)
        tracemalloc.start()
        try:
            (length,) = map(len, corpus)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert length == self.SIZE
        assert peak < 4 * self.SIZE


class TestPosition:
    @pytest.fixture(scope="class", params=["txt", "txt.gz", "txt.xz", "txt.zst", "jsonl", "parquet"])
    @classmethod
    def folder(cls, request, tmp_path_factory):
        """Two files, of some 600 kB each on disk."""
        folder = tmp_path_factory.mktemp("position")
        texts = random.Random(0).randbytes(600_000).hex()
        lines = [texts[k : k + 200] for k in range(0, len(texts), 200)]
        data = "".join(f"{line}\n" for line in lines).encode()
        for number in range(2):
            path = folder / f"{number}.{request.param}"
            if path.suffix == ".jsonl":
                path.write_text("".join(f'{{"text": "{line}"}}\n' for line in lines))
            elif path.suffix == ".zst":
                path.write_bytes(pytest.importorskip("zstandard").compress(data))
            elif path.suffix == ".parquet":
                arrow = pytest.importorskip("pyarrow")
                from pyarrow import parquet

                parquet.write_table(arrow.table({"text": lines}), path)
            elif path.suffix == ".xz":
                path.write_bytes(lzma.compress(data, preset=0))
            else:
                path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
        return folder

    @pytest.fixture
    def corpus(self, folder):
        return Corpus(folder)

    def test_raw_bytes(self, corpus):
        assert corpus.raw_bytes == sum(os.path.getsize(path) for path in corpus.paths) > 1_000_000

    def test_goes_from_none_to_all(self, corpus):
        assert corpus.raw_position == 0
        for _ in range(2):
            positions = [corpus.raw_position for _ in corpus]
            assert positions == sorted(positions)
            assert positions[0] < corpus.raw_bytes // 3
            assert len(set(positions)) >= 4
            assert positions[-1] <= corpus.raw_bytes
            assert corpus.raw_position == corpus.raw_bytes

    def test_is_about_right(self, corpus):
        positions = [corpus.raw_position for _ in corpus]
        assert abs(positions[len(positions) // 2] - corpus.raw_bytes // 2) < corpus.raw_bytes // 4

    def test_skipped_rest_counts(self, tmp_path):
        (tmp_path / "a.txt.gz").write_bytes(b"no archive" * 100_000)
        (tmp_path / "b.txt").write_bytes(b"one\n")
        corpus = Corpus(tmp_path, on_error="skip")
        assert [corpus.raw_position >= 1_000_000 for _ in corpus] == [True]
        assert corpus.raw_position == corpus.raw_bytes == 1_000_004

    def test_is_of_the_pass_that_began_last(self, corpus):
        first, second = iter(corpus), iter(corpus)
        next(first)
        list(first)
        next(second)
        assert 0 < corpus.raw_position < corpus.raw_bytes

    def test_choosing_a_sample_is_a_pass(self, tmp_path):
        (tmp_path / "a.txt").write_bytes(b"one\n" * 1000)
        corpus = Corpus(tmp_path, sample_bytes=100)
        corpus.choose_sample()
        assert corpus.raw_position == corpus.raw_bytes == 4000


class HuggingFace:
    """What a ``datasets.Dataset`` has."""

    def __init__(self, columns, column_names=None):
        self.columns = columns
        self.column_names = list(columns) if column_names is None else column_names
        self.batch_sizes = []

    def select_columns(self, names):
        selected = HuggingFace({name: self.columns[name] for name in names})
        selected.batch_sizes = self.batch_sizes
        return selected

    def iter(self, batch_size):
        self.batch_sizes.append(batch_size)
        length = max(map(len, self.columns.values()))
        for k in range(0, length, batch_size):
            yield {name: values[k : k + batch_size] for name, values in self.columns.items()}

    def __iter__(self):
        raise AssertionError("rows one at a time are slow")
        yield

    def __len__(self):
        raise AssertionError("an IterableDataset has none")


class TestColumn:
    @given(st.lists(st.text()))
    def test_rows(self, texts):
        column = Column([{"text": text, "id": 1} for text in texts], "text")
        assert list(column) == list(column) == texts

    @given(st.lists(st.text(), max_size=300))
    def test_batches(self, texts):
        rows = HuggingFace({"id": [1] * len(texts), "text": texts})
        column = Column(rows, "text")
        assert list(column) == list(column) == texts

    def test_batches_are_small(self):
        rows = HuggingFace({"text": ["x"] * 1000})
        list(Column(rows, "text"))
        assert rows.batch_sizes == [100]

    def test_other_columns_are_not_even_decoded(self):
        class Image:
            def __getitem__(self, rows):
                raise AssertionError("decoded")

            def __len__(self):
                return 2

        assert list(Column(HuggingFace({"image": Image(), "text": ["one", "two"]}), "text")) == ["one", "two"]

    def test_object_whose_iteration_starts_anew(self):
        class Rows:
            def __iter__(self):
                return iter([{"text": "one"}])

        column = Column(Rows(), "text")
        assert list(column) == list(column) == ["one"]

    @pytest.mark.parametrize(
        ("row", "says"),
        [
            ({"text": None}, "field 'text' must be text, not NoneType"),
            ({"text": 5}, "field 'text' must be text, not int"),
            ({"text": b"x"}, "field 'text' must be text, not bytes"),
            ({"body": "x"}, "no field 'text' (there are: body)"),
            ({}, "no field 'text' (there are: none)"),
            ("text", "expected a mapping of fields, not str"),
            (("x",), "expected a mapping of fields, not tuple"),
        ],
        ids=repr,
    )
    def test_bad_row_is_named(self, row, says):
        column = Column([{"text": "one"}, {"text": "two"}, row], "text")
        with pytest.raises(CorpusError) as caught:
            list(column)
        assert str(caught.value) == f"row 2 (from 0): {says}"

    def test_bad_row_of_a_batch_is_named(self):
        with pytest.raises(CorpusError, match=r"^row 150 \(from 0\): field 'text' must be text, not NoneType$"):
            list(Column(HuggingFace({"text": ["x"] * 150 + [None]}), "text"))

    def test_missing_column_is_named_at_once(self):
        with pytest.raises(CorpusError, match=r"^no field 'body' \(there are: text, id\)$"):
            Column(HuggingFace({"text": [], "id": []}), "body")

    def test_missing_column_of_a_dataset_that_does_not_know(self):
        rows = HuggingFace({"text": ["x"]}, column_names=())
        with pytest.raises(CorpusError, match=r"^row 0 \(from 0\): no field 'body' \(there are: text\)$"):
            list(Column(rows, "body"))

    @pytest.mark.parametrize("once", [iter([{"text": "x"}]), ({"text": text} for text in "ab"), map(dict, [])])
    def test_what_can_be_read_once_is_refused(self, once):
        with pytest.raises(CorpusError, match="can be read once"):
            Column(once, "text")

    def test_splits_are_to_be_chosen(self):
        with pytest.raises(CorpusError, match=r"choose one of train, test$"):
            Column({"train": [], "test": []}, "text")

    @pytest.mark.parametrize("wrong", [None, 5])
    def test_no_rows_at_all(self, wrong):
        with pytest.raises(CorpusError, match="must be rows, not"):
            Column(wrong, "text")

    def test_error_of_the_dataset_itself_stays_as_it_is(self):
        class Rows:
            def __iter__(self):
                raise ValueError("the network")

        with pytest.raises(ValueError, match="the network") as caught:
            list(Column(Rows(), "text"))
        assert not isinstance(caught.value, CorpusError)

    def test_trains_as_a_list_does(self):
        texts = ["red house\n", "blue house\n", "red river\n", "blue river\n"] * 5
        models = []
        for source in (texts, Column(HuggingFace({"text": texts}), "text")):
            trainer = Trainer(max_vocab_size=300)
            trainer.train(source, progress=False)
            models.append(trainer.models[300])
        assert models[0] == models[1]

    def test_of_the_real_thing(self):
        datasets = pytest.importorskip("datasets")
        dataset = datasets.Dataset.from_dict({"text": [f"text {k}" for k in range(250)], "id": list(range(250))})
        expected = [f"text {k}" for k in range(250)]
        assert list(Column(dataset, "text")) == expected
        assert list(Column(dataset.to_iterable_dataset(), "text")) == expected

    def test_repr(self):
        assert repr(Column([], "text")) == "Column(list, 'text')"


class TestSizes:
    @pytest.mark.parametrize(
        ("size", "n_bytes"),
        [
            ("1", 1),
            ("512M", 512 * 2**20),
            ("512m", 512 * 2**20),
            ("512MB", 512 * 2**20),
            ("512MiB", 512 * 2**20),
            ("512 MiB", 512 * 2**20),
            ("1.5G", 3 * 2**29),
            ("0.1K", 102),
            ("0.3T", 329853488332),
            ("1000B", 1000),
            ("7K", 7168),
            ("9007199254740993", 2**53 + 1),
            (12345, 12345),
            (2**63 - 1, 2**63 - 1),
        ],
    )
    def test_sizes(self, size, n_bytes):
        assert parse_size(size) == n_bytes

    @pytest.mark.parametrize(
        "size",
        ["", "M", "-1", "+1", "1.M", ".5M", "1e9", "1,000", "1 000", "5X", "5MM", "5iB", " 5M", "5M ", "5M\n", "٣M"],
    )
    def test_no_sizes(self, size):
        with pytest.raises(SettingsError, match=r"^memory must be a number of bytes or a size like"):
            parse_size(size, "memory")

    @pytest.mark.parametrize(
        "size",
        [None, 1.5, b"5M", True, [], "9" * 5000],
        ids=lambda size: repr(size)[:20],
    )
    def test_no_sizes_at_all(self, size):
        with pytest.raises(SettingsError, match=r"^memory must be a number of bytes or a size like"):
            parse_size(size, "memory")

    @pytest.mark.parametrize("size", [0, -1, "0", "0G", "0.5B", 2**63, "9000000T", "9" * 50])
    def test_out_of_range(self, size):
        with pytest.raises(SettingsError, match=r"^memory must be 1 to "):
            parse_size(size, "memory")

    @given(st.integers(1, 2**63 - 1))
    def test_numbers_are_exact(self, n_bytes):
        assert parse_size(str(n_bytes)) == parse_size(n_bytes) == n_bytes


class TestCommand:
    @pytest.fixture
    def folder(self, tmp_path):
        (tmp_path / "data" / "deep").mkdir(parents=True)
        (tmp_path / "data" / "a.txt").write_bytes(b"zebra crossing\n" * 50 + b"\xff\n")
        (tmp_path / "data" / "deep" / "b.jsonl").write_bytes(b'{"text": "giraffe house"}\n' * 50 + b"{}\n")
        return tmp_path / "data"

    def train(self, *arguments):
        output = arguments[-1]
        status = main(["train", "--vocab-size", "300", "--output", *map(str, (output, *arguments[:-1]))])
        return status, [piece for piece in Model.load(output).pieces if len(piece) > 1] if status == 0 else None

    def test_stops_by_default(self, folder, tmp_path, capsys):
        assert self.train(folder, tmp_path / "model")[0] == 1
        err = capsys.readouterr().err
        assert f"{folder / 'a.txt'}, line 51: not UTF-8" in err
        assert not (tmp_path / "model").exists()

    @pytest.mark.parametrize("as_pattern", [False, True])
    def test_skips_and_says_so(self, folder, tmp_path, capsys, as_pattern):
        source = f"{folder}/**/*.*" if as_pattern else folder
        status, pieces = self.train(source, "--on-error", "skip", tmp_path / "model")
        assert status == 0
        assert any(b"zebra" in piece for piece in pieces)
        assert any(b"giraffe" in piece for piece in pieces)
        (line,) = (line for line in capsys.readouterr().err.splitlines() if "skipped" in line)
        says = f"skipped 2 documents that cannot be read, the first: {folder / 'a.txt'}, line 51: not UTF-8"
        assert line.startswith(f"bytepiece train: {says}")

    def test_says_nothing_where_nothing_was_skipped(self, folder, tmp_path, capsys):
        (folder / "deep" / "b.jsonl").write_bytes(b'{"text": "giraffe house"}\n' * 50)
        assert self.train(folder / "deep", "--on-error", "skip", tmp_path / "model")[0] == 0
        assert "skipped" not in capsys.readouterr().err

    def test_sample(self, tmp_path):
        (tmp_path / "a.txt").write_text("".join(f"number {k}\n" for k in range(3000)))
        models = []
        for more in ([], ["--sample-bytes", "2K"], ["--sample-bytes", "2K", "--seed", "0"], ["--seed", "1"]):
            if more == ["--seed", "1"]:
                more = ["--sample-bytes", "2048", *more]
            assert self.train(tmp_path / "a.txt", *more, tmp_path / "model")[0] == 0
            models.append(Model.load(tmp_path / "model"))
        assert models[1] == models[2]
        assert models[1] not in (models[0], models[3])
        assert sum(len(piece) * n for piece, n in zip(models[1].pieces, models[1].counts, strict=True)) < 4096

    def test_sample_equals_training_on_the_sample(self, tmp_path):
        (tmp_path / "a.txt").write_text("".join(f"number {k}\n" for k in range(3000)))
        trainer = Trainer(max_vocab_size=300)
        trainer.train(list(Corpus(tmp_path / "a.txt", sample_bytes=5000, seed=7)), progress=False)
        self.train(tmp_path / "a.txt", "--sample-bytes", "5000", "--seed", "7", tmp_path / "model")
        assert Model.load(tmp_path / "model") == trainer.models[300]

    @pytest.mark.parametrize(
        "wrong", [["--on-error", "ignore"], ["--sample-bytes", "many"], ["--sample-bytes", "0"], ["--seed", "x"]]
    )
    def test_wrong_usage(self, folder, tmp_path, capsys, wrong):
        with pytest.raises(SystemExit) as caught:
            self.train(folder, *wrong, tmp_path / "model")
        assert caught.value.code == 2
        err = capsys.readouterr().err
        assert wrong[0] in err
        assert err.count("\n") == 1

    @pytest.mark.parametrize("missing", ["nothing.txt", "*.nothing"])
    def test_missing_input_is_known_before_any_work(self, folder, tmp_path, capsys, missing):
        assert self.train(folder / "a.txt", tmp_path / missing, tmp_path / "model")[0] == 1
        assert missing in capsys.readouterr().err

    def test_missing_library(self, folder, tmp_path, capsys, monkeypatch):
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        (folder / "c.parquet").write_bytes(b"")
        assert self.train(folder, tmp_path / "model")[0] == 1
        assert "pip install 'bytepiece[parquet]'" in capsys.readouterr().err

    def test_parquet_and_zstd(self, tmp_path, write_parquet, zstd):
        lines = ["zebra crossing\n", "giraffe house\n"] * 50
        (tmp_path / "in").mkdir()
        write_parquet("in/a.parquet", text=lines)
        (tmp_path / "in" / "b.txt.zst").write_bytes(zstd.compress("".join(lines).encode()))
        trainer = Trainer(max_vocab_size=300)
        trainer.train(lines * 2, progress=False)
        assert self.train(tmp_path / "in", tmp_path / "model")[0] == 0
        assert Model.load(tmp_path / "model") == trainer.models[300]

    def test_encode_reads_zstd(self, tmp_path, zstd, byte_model, capfdbinary):
        byte_model.save(tmp_path / "model")
        (tmp_path / "a.jsonl.zst").write_bytes(zstd.compress(b'{"text": "hello"}\n'))
        assert main(["tokenize", "--model", str(tmp_path / "model"), str(tmp_path / "a.jsonl.zst")]) == 0
        assert capfdbinary.readouterr().out == b"he\tllo\n"
