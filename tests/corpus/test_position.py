"""The position in a corpus that is read, and the memory that reading takes."""

import gzip
import lzma
import os
import random
import tracemalloc

import pytest

from bytepiece import Corpus
from bytepiece.corpus import blocks


class TestLongLines:
    """A line takes memory of a small multiple of its size."""

    SIZE = 20_000_000

    @pytest.mark.slow
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

    @pytest.fixture(autouse=True)
    def small_blocks(self, monkeypatch):
        monkeypatch.setattr(blocks, "BLOCK_BYTES", 2**14)
        monkeypatch.setattr(blocks, "BLOCK_ROWS", 100)

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
