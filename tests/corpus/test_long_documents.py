"""Documents that are longer than memory allows, and documents in forms that the world sends."""

import gzip
import lzma
import tracemalloc
from functools import partial

import pytest

from bytepiece import Corpus, CorpusError, SettingsError
from bytepiece.training.resources import Resources
from helpers.trainers import plain_trainer


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_bytes(b"short\n" + b"x" * 100 + b"\n" + b"y" * 9 + b"\n" + b"z" * 200)
    return path


class TestTooLong:
    def test_the_error_names_file_and_line(self, lines):
        with pytest.raises(CorpusError, match=r"lines.txt, line 2: longer than 10 bytes"):
            list(Corpus(lines, max_document_bytes=10))

    def test_others_are_read(self, lines):
        corpus = Corpus(lines, on_error="skip", max_document_bytes=10)
        assert list(corpus) == ["short\n", "y" * 9 + "\n"]
        assert corpus.skipped == 2

    @pytest.mark.parametrize("n", [1, 2, 3, 7, 40, 400])
    def test_parts_read_the_same(self, lines, n):
        corpus = Corpus(lines, on_error="skip", max_document_bytes=10)
        assert [text for number in range(n) for text in corpus.part(number, n)] == list(corpus)

    @pytest.mark.parametrize("most", [9, 10, 100, 101, 199, 200])
    def test_the_bound_is_exact(self, lines, most):
        documents = lines.read_text().splitlines(keepends=True)
        found = list(Corpus(lines, on_error="skip", max_document_bytes=most))
        assert found == [document for document in documents if len(document) <= most]

    @pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "jsonl.xz"])
    def test_they_are_never_in_memory(self, tmp_path, ending):
        path = tmp_path / f"a.{ending}"
        pack = {"jsonl": bytes, "jsonl.gz": gzip.compress, "jsonl.xz": partial(lzma.compress, preset=0)}[ending]
        path.write_bytes(pack(b'{"text": "%s"}\n{"text": "b"}\n' % (b"a" * 10_000_000)))
        corpus = Corpus(path, on_error="skip", max_document_bytes=50)
        tracemalloc.start()
        try:
            assert list(corpus) == ["b"]
            assert tracemalloc.get_traced_memory()[1] < 4_000_000
        finally:
            tracemalloc.stop()

    def test_rows_of_parquet(self, write_parquet):
        path = write_parquet(text=["a", "b" * 20, "c"])
        assert list(Corpus(path, on_error="skip", max_document_bytes=10)) == ["a", "c"]
        with pytest.raises(CorpusError, match=r"row 1 .*longer than 10 bytes"):
            list(Corpus(path, max_document_bytes=10))

    @pytest.mark.parametrize("most", [0, -1, 1.5, "1M"])
    def test_bounds_that_are_none(self, lines, most):
        with pytest.raises(SettingsError, match="max_document_bytes"):
            Corpus(lines, max_document_bytes=most)


class TestUnderAMemoryLimit:
    def test_texts_are_refused_by_their_number(self):
        texts = ["a", "b" * (2**22 + 1)]
        with pytest.raises(CorpusError, match=r"text 1 \(from 0\): .*memory limit"):
            plain_trainer().train(texts, memory_limit="64M", progress=False)

    @pytest.mark.slow
    def test_the_longest_that_may_be(self):
        trainer = plain_trainer(vocab_size=300)
        trainer.train(["ab\n" * (2**22 // 3)], memory_limit="64M", progress=False)
        assert Resources(memory_limit=2**26).document_bytes == 2**22

    def test_the_command_names_file_and_line(self, error, tmp_path):
        (tmp_path / "long.txt").write_bytes(b"short\n" + b"a" * (2**22 + 1))
        said = error(
            "train", tmp_path / "long.txt", "--vocab-size", 300, "--output", tmp_path / "m", "--memory-limit", "64M"
        )
        assert "long.txt, line 2: longer than 4194304 bytes" in said

    def test_the_command_can_skip_it(self, run, tmp_path):
        (tmp_path / "long.txt").write_bytes(b"short\n" * 9 + b"a" * (2**22 + 1))
        arguments = ["--vocab-size", 300, "--output", tmp_path / "m", "--memory-limit", "64M", "--on-error", "skip"]
        status, _, said = run("train", tmp_path / "long.txt", "--refine-rounds", 0, *arguments)
        assert (status, "skipped 1 documents" in said) == (0, True)
        assert (tmp_path / "m").exists()


class TestForms:
    """What is decided in docs/training.md."""

    @pytest.mark.parametrize("escape", [b"\\ud83d", b"\\ude00", b"\\ud83d\\u0041", b"\\ud83dx\\ude00"])
    def test_a_broken_escape_is_no_text(self, tmp_path, escape):
        (tmp_path / "a.jsonl").write_bytes(b'{"text": "%s"}\n{"text": "\\ud83d\\ude00"}\n' % escape)
        with pytest.raises(CorpusError, match=r"a.jsonl, line 1: .*surrogate"):
            list(Corpus(tmp_path))
        assert list(Corpus(tmp_path, on_error="skip")) == ["😀"]

    def test_a_byte_order_mark_is_text_but_not_json(self, tmp_path):
        (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfa\n")
        (tmp_path / "b.jsonl").write_bytes(b'\xef\xbb\xbf{"text": "a"}\n')
        assert list(Corpus(tmp_path / "a.txt")) == ["\ufeffa\n"]
        with pytest.raises(CorpusError, match=r"b.jsonl, line 1: not JSON"):
            list(Corpus(tmp_path / "b.jsonl"))

    @pytest.mark.parametrize(("ending", "pack"), [("gz", gzip.compress), ("xz", lzma.compress)])
    def test_archives_of_several_members(self, tmp_path, ending, pack):
        (tmp_path / f"a.txt.{ending}").write_bytes(pack(b"a\r\nb") + pack(b"") + pack(b"c\n"))
        assert list(Corpus(tmp_path)) == ["a\r\n", "bc\n"]

    def test_columns_of_structs_and_lists_are_no_text(self, arrow, write_parquet):
        for value in ({"a": "b"}, ["b"]):
            with pytest.raises(CorpusError, match="must be text, not"):
                list(Corpus(write_parquet(text=[value])))

    def test_a_dictionary_with_nulls(self, arrow, write_parquet):
        values = arrow.array(["a", None, "a"]).dictionary_encode()
        path = write_parquet(text=values)
        assert list(Corpus(path, on_error="skip")) == ["a", "a"]
        with pytest.raises(CorpusError, match=r"row 1 .*null"):
            list(Corpus(path))


def test_the_greatest_bound_is_none_in_effect(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"one\ntwo\n")
    assert list(Corpus(tmp_path, max_document_bytes=2**63 - 1)) == ["one\n", "two\n"]
