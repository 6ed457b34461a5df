"""Files at addresses, which fsspec reads: in its memory, and on a server of S3 on this machine."""

import gzip
import json
import pickle

import pytest

from bytepiece import Corpus, CorpusError, Trainer
from bytepiece.corpus.storage import is_address
from bytepiece.errors import OptionalDependencyError
from helpers.processes import run_python

LINES = [f"line {number} é\n" for number in range(300)]


@pytest.fixture
def memory():
    fsspec = pytest.importorskip("fsspec")
    system = fsspec.filesystem("memory")
    system.pipe("/data/b.txt", "".join(LINES).encode())
    system.pipe("/data/a.jsonl", json.dumps({"text": "one"}).encode() + b"\n")
    system.pipe("/data/deep/c.txt.gz", gzip.compress(b"packed\n" * 3))
    system.pipe("/data/.hidden/d.txt", b"hidden\n")
    system.pipe("/data/others/e.other", b"other\n")
    yield system
    system.rm("/data", recursive=True)


class TestAddresses:
    @pytest.mark.parametrize("path", ["s3://bucket/a.txt", "gs://b", "hf://datasets/x", "zip://a.txt::s3://b/c.zip"])
    def test_are_seen(self, path):
        assert is_address(path)

    @pytest.mark.parametrize("path", ["a.txt", "/a/b", "C://a", "C:\\a", "a:b", "//server/a", "", "s3:/a"])
    def test_paths_are_none(self, path):
        assert not is_address(path)


class TestFiles:
    def test_a_file(self, memory):
        corpus = Corpus("memory://data/b.txt")
        assert list(corpus) == LINES
        assert corpus.raw_bytes == corpus.raw_position == len("".join(LINES).encode())

    def test_a_folder(self, memory):
        corpus = Corpus("memory://data")
        assert [path.rpartition("/")[2] for path in corpus.paths] == ["a.jsonl", "b.txt", "c.txt.gz"]
        assert list(corpus) == ["one", *LINES, *["packed\n"] * 3]

    def test_a_pattern(self, memory):
        assert list(Corpus("memory://data/**/*.gz")) == ["packed\n"] * 3

    def test_parquet(self, memory, write_parquet):
        path = write_parquet(text=LINES, row_group_size=50)
        memory.pipe("/data/f.parquet", path.read_bytes())
        corpus = Corpus("memory://data/f.parquet")
        assert list(corpus) == LINES
        assert [text for part in corpus.partitions(500) for text in part] == LINES

    def test_parts_of_files(self, memory):
        parts = Corpus("memory://data/b.txt").partitions(500)
        assert len(parts) > 5
        assert [text for part in parts for text in pickle.loads(pickle.dumps(part))] == LINES

    def test_training(self, memory):
        trainers = [Trainer(vocab_size=300), Trainer(vocab_size=300)]
        for trainer, texts in zip(trainers, (Corpus("memory://data/b.txt"), LINES), strict=True):
            trainer.train(texts, progress=False)
        assert trainers[0].models == trainers[1].models


class TestErrors:
    def test_no_file(self, memory):
        with pytest.raises(FileNotFoundError) as caught:
            Corpus("memory://data/none.txt")
        assert caught.value.filename == "memory://data/none.txt"

    def test_no_match(self, memory):
        with pytest.raises(CorpusError, match="no file matches this pattern"):
            Corpus("memory://data/*.none")

    def test_a_folder_without_files(self, memory):
        with pytest.raises(CorpusError, match="a directory with no file to read"):
            Corpus("memory://data/others")

    def test_unknown_kinds(self, memory):
        with pytest.raises(CorpusError, match="unknown://a: ValueError: Protocol not known"):
            Corpus("unknown://a")

    @pytest.mark.slow
    def test_without_fsspec(self, monkeypatch):
        code = "import sys; sys.modules['fsspec'] = None; import bytepiece; bytepiece.Corpus('s3://bucket/a.txt')"
        done = run_python(code)
        assert "pip install fsspec" in done.stderr

    def test_without_the_library_of_a_kind(self, memory, monkeypatch):
        fsspec = pytest.importorskip("fsspec")

        def missing(*args, **kwargs):
            raise ImportError("Install s3fs to access S3")

        monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
        with pytest.raises(OptionalDependencyError, match=r"s3://bucket/a\.txt: Install s3fs"):
            Corpus("s3://bucket/a.txt")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_s3(monkeypatch):
    """A bucket on a server of moto."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=0, verbose=False)
    pytest.importorskip("s3fs")
    server.start()
    try:
        host, port = server.get_host_and_port()
        environment = {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_DEFAULT_REGION": "us-east-1"}
        environment |= {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        import s3fs

        system = s3fs.S3FileSystem(skip_instance_cache=True)
        system.mkdir("bucket")
        system.pipe("bucket/data/a.txt", "".join(LINES).encode())
        corpus = Corpus("s3://bucket/data")
        assert corpus.paths == ["s3://bucket/data/a.txt"]
        assert list(corpus) == LINES
        assert [text for part in corpus.partitions(1000) for text in part] == LINES
        with pytest.raises(FileNotFoundError):
            Corpus("s3://bucket/none.txt")
    finally:
        server.stop()
