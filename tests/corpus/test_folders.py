"""Folders and patterns: which files are read, in which order, and errors that are known before reading."""

import gzip
import json
import lzma
import os
import random
import sys

import pytest

from bytepiece import Corpus, CorpusError, OptionalDependencyError, SettingsError
from bytepiece.corpus.compression import open_input
from helpers.processes import needs_posix

not_root = pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() == 0, reason="root may read everything")


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
    """Errors that are raised as soon as the corpus is made."""

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

    @pytest.mark.parametrize(("name", "module"), [("a.parquet", "pyarrow"), ("a.txt.zst", "zstandard")])
    def test_missing_library(self, tree, monkeypatch, name, module):
        monkeypatch.setitem(sys.modules, module, None)
        folder = tree(name, "good.txt")
        with pytest.raises(OptionalDependencyError) as caught:
            Corpus(folder)
        assert str(caught.value).endswith(f": pip install {module}")
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
