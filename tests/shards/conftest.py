"""A corpus of several kinds of files, and the ids that shards of it must have."""

import gzip
import json
import random

import pytest

from bytepiece import Corpus, Model, Tokenizer

WORDS = ["the", "cat", " sat", "on ", "漢字", "🙂", "é", "\n", " ", "mat", "<eos>"]


def write_corpus(folder, n=60):
    """Files of every kind, with empty documents among others; long documents and short ones."""
    chance = random.Random(0)
    texts = ["".join(chance.choices(WORDS, k=chance.choice([0, 1, 3, 10, 60]))) for _ in range(n)]
    folder.mkdir()
    (folder / "a.txt").write_text("".join(text.replace("\n", " ") + "\n" for text in texts), encoding="utf-8")
    lines = [json.dumps({"n": 1, "text": text}, ensure_ascii=chance.random() < 0.5) for text in texts]
    (folder / "b.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    (folder / "c.txt.gz").write_bytes(gzip.compress((folder / "a.txt").read_bytes()))
    (folder / "d.txt").write_bytes(b"")
    (folder / "e.jsonl").write_bytes(b'\n\n{"text": ""}')
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        return
    parquet.write_table(pyarrow.table({"text": texts}), folder / "f.parquet", row_group_size=7)


@pytest.fixture(scope="session")
def corpus_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus") / "files"
    write_corpus(folder)
    return folder


@pytest.fixture(scope="session")
def model():
    return Model.from_counts({"the": 9, "cat": 5, " sat": 4, "漢字": 4, "mat": 2})


@pytest.fixture(scope="session")
def expected(corpus_folder, model):
    """The ids of all documents that are not empty, with ``<eos>``."""
    tokenizer = Tokenizer(model)
    return [[*tokenizer.encode(text), 2] for text in Corpus(corpus_folder) if text]
