"""Samples of a corpus: of the size asked for, fair, and always the same."""

import gzip
import json
import random

import numpy as np
import pytest

from bytepiece import Corpus, CorpusError
from bytepiece.corpus.blocks import span_blocks
from bytepiece.corpus.sample import hashes
from helpers.processes import run_python

FROZEN = [
    0x568A9B0B1A2C05EC,
    0x44E5B8B147EF718B,
    0x458563AB55521133,
    0xB425E95C358ED360,
    0x6EC85F1F8547BC0C,
    0x238275BC38FCBE91,
]
FIRST = np.zeros(1, dtype=np.int64)


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
    @pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, -5, 2**70))])
    def test_size(self, folder, wanted, seed):
        assert abs(self.size(Corpus(folder, sample_bytes=wanted, seed=seed)) - wanted) <= 100

    @pytest.mark.slow
    def test_size_as_people_write_it(self, folder):
        assert list(Corpus(folder, sample_bytes="50K")) == list(Corpus(folder, sample_bytes=50 * 1024))

    @pytest.mark.slow
    def test_documents_in_their_order(self, folder):
        everything = list(Corpus(folder))
        sample = list(Corpus(folder, sample_bytes=100_000))
        positions = {document: number for number, document in enumerate(everything)}
        assert len(positions) == len(everything)
        assert [positions[document] for document in sample] == sorted(positions[document] for document in sample)

    @pytest.mark.slow
    def test_every_pass_is_the_same(self, folder):
        corpus = Corpus(folder, sample_bytes=100_000, seed=3)
        assert list(corpus) == list(corpus) == list(Corpus(folder, sample_bytes=100_000, seed=3))

    @pytest.mark.slow
    def test_hash_seed_of_python_does_not_matter(self, folder):
        code = """
            import sys, zlib
            from bytepiece import Corpus
            print(zlib.crc32("".join(Corpus(sys.argv[1], sample_bytes=9999)).encode()))
        """
        seeds = [{"PYTHONHASHSEED": hash_seed} for hash_seed in ("1", "2")]
        outputs = {run_python(code, folder, environment=seed, check=True).stdout for seed in seeds}
        assert len(outputs) == 1

    def test_the_stream_of_chance_is_frozen(self):
        first = hashes(0, 0, np.arange(2000)).tolist()
        assert first[:3] == FROZEN[:3]
        assert first[1999] == FROZEN[3]
        assert hashes(0, 0, np.array([1999, 1])).tolist() == [FROZEN[3], FROZEN[1]]
        assert hashes(1, 0, FIRST) == FROZEN[4]
        assert hashes(0, 1, FIRST) == FROZEN[5]
        assert hashes(-1, 0, FIRST) == hashes(2**64 - 1, 0, FIRST)

    def test_chance_is_even(self):
        values = hashes(5, 5, np.arange(100_000)).astype(np.float64) / 2**64
        counts, _ = np.histogram(values, bins=100, range=(0, 1))
        assert ((counts - 1000) ** 2 / 1000).sum() < 160  # chi squared of 99 degrees of freedom: 1 in 10,000
        assert abs(((values[1:] - 0.5) * (values[:-1] - 0.5)).sum() * 12 / len(values)) < 0.02, "no correlation"

    def test_seeds_and_files_differ(self):
        streams = [(seed, number) for seed in range(20) for number in range(20)]
        assert len({int(hashes(seed, number, FIRST)[0]) for seed, number in streams}) == len(streams)

    @pytest.mark.slow
    def test_other_seed_other_sample(self, folder):
        samples = [set(Corpus(folder, sample_bytes=100_000, seed=seed)) for seed in (0, 1)]
        shared = self.size(samples[0] & samples[1])
        assert shared == pytest.approx(10_000, abs=4000), "as much as chance has it"

    @pytest.mark.slow
    def test_smaller_samples_are_part_of_larger_ones(self, folder):
        samples = [set(Corpus(folder, sample_bytes=size)) for size in (1000, 30_000, 400_000)]
        assert samples[0] < samples[1] < samples[2]

    @pytest.mark.slow
    def test_every_document_has_the_same_chance(self, folder):
        """The chance depends neither on the file nor on the place in it."""
        counts = np.zeros((3, 4), np.int64)
        for seed in range(8):
            for document in Corpus(folder, sample_bytes=100_000, seed=seed):
                name, number, _ = document.split(" ")
                counts["abc".index(name[0]), int(number) // 1675] += 1
        assert counts.max() / counts.min() < 1.2

    @pytest.mark.parametrize("more", [0, 1, 10**12])
    @pytest.mark.slow
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

    @pytest.mark.slow
    def test_there_is_always_a_document(self, tmp_path):
        (tmp_path / "a.txt").write_bytes(b"x" * 1000 + b"\n" + b"y" * 2000 + b"\n")
        for seed in range(10):
            assert len(list(Corpus(tmp_path, sample_bytes=1, seed=seed))) == 1

    @pytest.mark.slow
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
            "bytepiece.corpus.documents.span_blocks",
            lambda *args, **kwargs: opened.append(args[0]) or span_blocks(*args, **kwargs),
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
            "bytepiece.corpus.documents.span_blocks",
            lambda *args, **kwargs: opened.append(args[0]) or span_blocks(*args, **kwargs),
        )
        list(Corpus(folder))
        assert len(opened) == 3
