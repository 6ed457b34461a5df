"""Documents in UTF-8, beside a reader that goes through files line by line; and who reads them."""

import gzip
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import Corpus, CorpusError, Trainer
from bytepiece.corpus import blocks
from bytepiece.corpus.documents import count_documents, document_sizes, utf8_documents
from bytepiece.corpus.partitions import Partition
from bytepiece.corpus.spans import Span, cut
from helpers.one_by_one import documents

LINES = [b"", b"one", "zwölf 漢字 🙂".encode(), b"\xff", b"longer than others"]


def events(read):
    """Documents and errors, in the order in which a reader gives them."""
    found = []
    for document in read(lambda error: found.append(str(error))):
        found.append(document)
    return found


def events_of(span, longest=None):
    return events(lambda failed: utf8_documents(span, "text", None, failed, longest=longest))


def one_by_one(span, longest=None):
    found = events(lambda failed: documents(span.path, failed, span.part, longest))
    return [each if str(span.path) in each else each.encode() for each in found]


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


class TestFiles:
    @pytest.fixture(autouse=True)
    def small_blocks(self, monkeypatch):
        monkeypatch.setattr(blocks, "BLOCK_BYTES", 64)
        monkeypatch.setattr(blocks, "BLOCK_ROWS", 3)

    @pytest.mark.parametrize("longest", [None, 15])
    @pytest.mark.parametrize("name", ["a.jsonl", "b.txt", "c.txt.gz", "d.txt"])
    def test_documents_and_errors_in_order(self, files, name, longest):
        span = Span(str(files / name), 0, 1)
        assert events_of(span, longest) == one_by_one(span, longest)

    @given(st.lists(st.sampled_from(LINES), max_size=30), st.integers(1, 5))
    def test_parts(self, tmp_path, lines, n):
        path = tmp_path / "a.txt"
        path.write_bytes(b"\n".join(lines))
        for (span,) in filter(None, cut([str(path)], [path.stat().st_size], n)):
            expected = one_by_one(span)
            assert events_of(span) == expected
            texts = [each for each in expected if isinstance(each, bytes)]
            sizes = [size for _, some in document_sizes(span, "text", lambda error: None) for size in some.tolist()]
            assert sizes == [*map(len, texts)]
            assert count_documents(span) == len(expected)

    def test_rows_of_parquet(self, tmp_path):
        arrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        texts = ["one", "", None, "drei 漢字"] * 3
        parquet.write_table(arrow.table({"text": texts}), tmp_path / "a.parquet", row_group_size=5)
        span = Span(str(tmp_path / "a.parquet"), 0, 1)
        assert events_of(span) == one_by_one(span)


class TestCorpus:
    def test_documents_and_what_is_skipped(self, files):
        corpus = Corpus(files, on_error="skip")
        found = [one_by_one(Span(path, 0, 1)) for path in corpus.paths]
        texts = [each for some in found for each in some if isinstance(each, bytes)]
        errors = [each for some in found for each in some if isinstance(each, str)]
        assert [*corpus.iter_utf8()] == texts
        assert (corpus.skipped, corpus.first_error) == (len(errors), errors[0])
        assert corpus.raw_position == corpus.raw_bytes

    def test_the_first_error_ends_them(self, files):
        documents = Corpus(files / "b.txt").iter_utf8()
        assert [next(documents) for _ in range(3)] == [line + b"\n" for line in LINES[:3]]
        with pytest.raises(CorpusError, match="line 4"):
            next(documents)

    @pytest.mark.parametrize("n", [1, 3, 10])
    def test_parts_of_a_sample_are_the_sample(self, files, n):
        corpus = Corpus(files, on_error="skip", sample_bytes=200)
        parts = [corpus.part(number, n) for number in range(n)]
        assert [text for part in parts for text in part.iter_utf8()] == [*corpus.iter_utf8()]

    @pytest.mark.slow
    def test_many_that_cannot_be_read_take_little_memory(self, tmp_path):
        (tmp_path / "a.jsonl").write_bytes(b"{\n" * 50_000)
        corpus = Corpus(tmp_path, on_error="skip")
        tracemalloc.start()
        try:
            assert not [*corpus.iter_utf8()]
            assert tracemalloc.get_traced_memory()[1] < 12_000_000
        finally:
            tracemalloc.stop()
        assert corpus.skipped == 50_000


class Shouted(Corpus):
    def __iter__(self):
        return (text.upper() for text in super().__iter__())


class ShoutedPart(Partition):
    def __iter__(self):
        return (text.upper() for text in super().__iter__())


class Wrapper:
    def __init__(self, texts):
        self.texts = texts

    def __iter__(self):
        return (text.upper() for text in self.texts)

    def __getattr__(self, name):
        return getattr(self.texts, name)


class TestTraining:
    @pytest.mark.parametrize("kind", ["subclass", "subclass of a part", "wrapper"])
    def test_what_iterating_gives_counts(self, tmp_path, kind):
        (tmp_path / "a.txt").write_text("some words, and some words more\n" * 50)
        corpus = Corpus(tmp_path)
        part = corpus.part(0, 1)
        texts = {
            "subclass": lambda: Shouted(tmp_path),
            "subclass of a part": lambda: ShoutedPart(part.spans, part.text_field, part.on_error),
            "wrapper": lambda: Wrapper(corpus),
        }[kind]()
        expected = Trainer(vocab_size=300, min_count=2)
        expected.train(["SOME WORDS, AND SOME WORDS MORE\n"] * 50)
        trainer = Trainer(vocab_size=300, min_count=2)
        trainer.train(texts)
        assert trainer.models == expected.models

    @pytest.mark.slow
    @pytest.mark.parametrize("normalization", [None, "nfc"])
    def test_files_are_what_their_documents_are(self, files, normalization):
        corpus = Corpus(files, on_error="skip")
        models = []
        for texts in (corpus, [*corpus]):
            trainer = Trainer(vocab_size=300, min_count=2, normalization=normalization)
            trainer.train(texts)
            models.append(trainer.models)
        assert models[0] == models[1]
