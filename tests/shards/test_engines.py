"""Shards that tasks of an engine write: those of the parts of the corpus."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import pytest

from bytepiece import (
    Corpus,
    EngineError,
    ExecutorEngine,
    LocalEngine,
    RayEngine,
    SettingsError,
    ShardsError,
    read_shards,
    verify_shards,
    write_shards,
)
from bytepiece.shards import job
from helpers.files import content


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(job, "LEAST_PART", 4000)


@pytest.fixture
def engine(tmp_path):
    with ThreadPoolExecutor(2) as executor:
        (tmp_path / "between").mkdir()
        yield ExecutorEngine(executor, tmp_path / "between")


def by_parts(corpus, model, folder, **settings):
    """The files that all parts give, and the totals."""
    n = len(corpus.partitions(job.LEAST_PART))
    assert n > 3
    totals = [write_shards(corpus, model, folder, part=(number, n), **settings) for number in range(1, n + 1)]
    return content(folder), totals


@pytest.mark.parametrize("sample_bytes", [None, 3000])
@pytest.mark.parametrize("kind", ["here", "threads"])
def test_files_are_those_of_the_parts(corpus_folder, model, tmp_path, engine, kind, sample_bytes):
    corpus = Corpus(corpus_folder, sample_bytes=sample_bytes)
    whole, totals = by_parts(corpus, model, tmp_path / "parts", shard_tokens=300)
    corpus = Corpus(corpus_folder, sample_bytes=sample_bytes)
    engine = LocalEngine() if kind == "here" else engine
    total = write_shards(corpus, model, tmp_path / "out", shard_tokens=300, engine=engine)
    assert content(tmp_path / "out") == whole
    for name in ("shards", "documents", "tokens", "text_bytes", "empty"):
        assert total[name] == sum(each[name] for each in totals)
    assert read_shards(tmp_path / "out").complete
    assert verify_shards(tmp_path / "out") == []


@pytest.mark.slow
def test_processes(corpus_folder, model, tmp_path, monkeypatch):
    whole, _ = by_parts(Corpus(corpus_folder), model, tmp_path / "parts")
    with ProcessPoolExecutor(2, get_context("spawn")) as executor:
        engine = ExecutorEngine(executor, tmp_path)
        write_shards(corpus_folder, model, tmp_path / "out", engine=engine)
    assert content(tmp_path / "out") == whole


def test_a_part_that_fails_is_named_and_the_others_stay(model, tmp_path, engine):
    (tmp_path / "in").mkdir()
    for name in "abcd":
        (tmp_path / "in" / f"{name}.txt").write_bytes(b"one\n" * 1000)
    with (tmp_path / "in" / "d.txt").open("ab") as file:
        file.write(b"\xff\n")
    with pytest.raises(EngineError, match=r"part 5/5: .*d\.txt, line 800 from byte 801 on: not UTF-8"):
        write_shards(tmp_path / "in", model, tmp_path / "out", engine=engine)
    assert len(read_shards(tmp_path / "out")) >= 1000  # those of the parts that were done before
    skipping = Corpus(tmp_path / "in", on_error="skip")
    with pytest.raises(ShardsError, match="on_error='stop', not 'skip'"):
        write_shards(skipping, model, tmp_path / "out", engine=engine)


def test_goes_on_where_parts_ended(corpus_folder, model, tmp_path, engine):
    whole, _ = by_parts(Corpus(corpus_folder), model, tmp_path / "parts")
    n = len(Corpus(corpus_folder).partitions(job.LEAST_PART))
    write_shards(corpus_folder, model, tmp_path / "out", part=(2, n))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*shard*")}
    write_shards(corpus_folder, model, tmp_path / "out", engine=engine)
    assert content(tmp_path / "out") == whole
    assert before == {path: path.stat().st_mtime_ns for path in before}


@pytest.mark.parametrize("more", [{"part": (1, 2)}, {"workers": 2}])
def test_what_an_engine_decides(corpus_folder, model, tmp_path, engine, more):
    with pytest.raises(SettingsError, match="an engine divides the corpus itself"):
        write_shards(corpus_folder, model, tmp_path / "out", engine=engine, **more)


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
@pytest.mark.filterwarnings("ignore")
def test_on_ray(corpus_folder, model, tmp_path):
    ray = pytest.importorskip("ray")
    whole, _ = by_parts(Corpus(corpus_folder), model, tmp_path / "parts")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        write_shards(corpus_folder, model, tmp_path / "out", engine=RayEngine(workers=1))
    finally:
        ray.shutdown()
    assert content(tmp_path / "out") == whole
