"""Documents in UTF-8: those that iterating gives, with the same errors."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import Corpus, CorpusError, Trainer
from bytepiece.corpus import blocks

LINES = [b"", b"one", "zwölf 漢字 🙂".encode(), b"\xff", b"longer than others"]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 64)


def in_utf8(texts):
    return [text.encode() for text in texts]


def up_to_the_error(documents):
    """The documents before the first error, and the error."""
    found = []
    try:
        for document in documents:
            found.append(document)
    except CorpusError as error:
        return found, str(error)
    return found, None


@pytest.fixture
def files(tmp_path):
    """Files of several kinds, some of whose documents cannot be read."""
    rows = [json.dumps({"text": f"row {k}"}).encode() for k in range(30)]
    rows[7] = b'{"text": 7}'
    rows[9] = b'{"text": "\\ud83d"}'
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(rows))
    (tmp_path / "b.txt").write_bytes(b"\n".join(LINES))
    (tmp_path / "c.txt.gz").write_bytes(gzip.compress(b"line\n" * 1000)[:-9])
    (tmp_path / "d.txt").write_bytes(b"the last\n")
    return tmp_path


class TestCorpus:
    @pytest.mark.parametrize("options", [{}, {"sample_bytes": 100}, {"sample_bytes": 1000}, {"max_document_bytes": 15}])
    def test_documents_that_can_be_read(self, files, options):
        corpus = Corpus(files, on_error="skip", **options)
        expected = in_utf8(corpus)
        skipped = corpus.skipped, corpus.first_error
        assert [*corpus.iter_utf8()] == expected
        assert (corpus.skipped, corpus.first_error) == skipped
        assert corpus.raw_position == corpus.raw_bytes
        assert skipped[0]

    @given(st.lists(st.sampled_from(LINES), max_size=12))
    def test_the_first_error_ends_them(self, tmp_path, lines):
        (tmp_path / "a.txt").write_bytes(b"\n".join(lines))
        corpus = Corpus(tmp_path / "a.txt")
        texts, error = up_to_the_error(corpus)
        assert up_to_the_error(corpus.iter_utf8()) == (in_utf8(texts), error)

    @pytest.mark.parametrize("sample", [None, 200])
    @pytest.mark.parametrize("n", [1, 3, 10])
    def test_parts(self, files, n, sample):
        corpus = Corpus(files, on_error="skip", sample_bytes=sample)
        for number in range(n):
            part = corpus.part(number, n)
            expected = in_utf8(part)
            skipped = part.skipped
            assert [*part.iter_utf8()] == expected
            assert part.skipped == skipped

    def test_rows_of_parquet(self, tmp_path):
        arrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        texts = ["one", "", None, "drei 漢字"] * 3
        parquet.write_table(arrow.table({"text": texts}), tmp_path / "a.parquet", row_group_size=5)
        corpus = Corpus(tmp_path, on_error="skip")
        assert [*corpus.iter_utf8()] == in_utf8(corpus)
        assert corpus.skipped == 3


class Shouted(Corpus):
    def __iter__(self):
        return (text.upper() for text in super().__iter__())


class TestTraining:
    def test_a_subclass_has_documents_of_its_own(self, tmp_path):
        (tmp_path / "a.txt").write_text("some words, and some words more\n" * 50)
        expected = Trainer(vocab_size=300, min_count=2)
        expected.train(["SOME WORDS, AND SOME WORDS MORE\n"] * 50)
        trainer = Trainer(vocab_size=300, min_count=2)
        trainer.train(Shouted(tmp_path))
        assert trainer.models == expected.models

    @pytest.mark.parametrize("normalization", [None, "nfc"])
    def test_files_are_what_their_documents_are(self, files, normalization):
        corpus = Corpus(files, on_error="skip")
        models = []
        for texts in (corpus, [*corpus]):
            trainer = Trainer(vocab_size=300, min_count=2, normalization=normalization)
            trainer.train(texts)
            models.append(trainer.models)
        assert models[0] == models[1]
