"""Shards that tasks of an engine write: those of the parts of the corpus."""

import os
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
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
from bytepiece.engines import parts
from bytepiece.shards import job, manifest, resuming, source
from bytepiece.shards.flat import Bin
from helpers.files import content


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(parts, "LEAST_PART", 4000)


@pytest.fixture
def many_parts(monkeypatch):
    """More than three parts of the corpus, also without its parquet file."""
    monkeypatch.setattr(parts, "LEAST_PART", 1500)


@pytest.fixture
def engine(tmp_path):
    with ThreadPoolExecutor(2) as executor:
        (tmp_path / "between").mkdir()
        yield ExecutorEngine(executor, tmp_path / "between")


def by_parts(corpus, model, folder, **settings):
    """The files that all parts give, and the totals."""
    n = len(corpus.partitions(parts.LEAST_PART))
    assert n > 3
    totals = [write_shards(corpus, model, folder, part=(number, n), **settings) for number in range(1, n + 1)]
    return content(folder), totals


@pytest.mark.slow
@pytest.mark.usefixtures("many_parts")
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


@pytest.mark.usefixtures("many_parts")
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


@pytest.mark.slow
@pytest.mark.usefixtures("many_parts")
def test_goes_on_where_parts_ended(corpus_folder, model, tmp_path, engine):
    whole, _ = by_parts(Corpus(corpus_folder), model, tmp_path / "parts")
    n = len(Corpus(corpus_folder).partitions(parts.LEAST_PART))
    write_shards(corpus_folder, model, tmp_path / "out", part=(2, n))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*shard*")}
    write_shards(corpus_folder, model, tmp_path / "out", engine=engine)
    assert content(tmp_path / "out") == whole
    assert before == {path: path.stat().st_mtime_ns for path in before}


def counted(monkeypatch, owner, name):
    """The arguments of all calls of a function from now on."""
    calls = []
    called = getattr(owner, name)

    def noting(*args, **kwargs):
        calls.append(args)
        return called(*args, **kwargs)

    monkeypatch.setattr(owner, name, noting)
    return calls


@pytest.mark.slow
def test_work_is_linear_in_the_number_of_parts(model, tmp_path, engine, monkeypatch):
    (tmp_path / "in").mkdir()
    for name in "abcd":
        (tmp_path / "in" / f"{name}.txt").write_bytes(b"one\n" * 10_000)
    loaded = counted(monkeypatch, manifest.Manifest, "load")
    described = counted(monkeypatch, resuming, "_describe")
    written = counted(monkeypatch, job, "Source")
    cleaned = [counted(monkeypatch, module, "remove_abandoned") for module in (job, resuming)]
    completed = counted(monkeypatch, Bin, "complete")
    totals = write_shards(tmp_path / "in", model, tmp_path / "out", "bin", engine=engine)
    n = len(Corpus(tmp_path / "in").partitions(parts.LEAST_PART))
    assert n == 40
    assert (len(loaded), len(described), len(written), len(completed)) == (n, 4, n, 1)
    names = sorted(path.stem for path in (tmp_path / "out").glob("*.bin"))
    assert completed[0][1] == names  # without a look into the folder, of which a machine can have an old list
    assert len(names) == n

    assert write_shards(tmp_path / "in", model, tmp_path / "out", "bin", engine=engine) == totals
    assert (len(loaded), len(described), len(written)) == (2 * n, 8, n)
    assert completed[1] == completed[0]
    assert [*map(len, cleaned)] == [2, 2]


@pytest.mark.usefixtures("many_parts")
def test_parts_are_not_more_than_a_bound(corpus_folder, model, tmp_path, engine, monkeypatch):
    monkeypatch.setattr(parts, "MOST_PARTS", 4)
    write_shards(corpus_folder, model, tmp_path / "out", engine=engine)
    assert {path.name for path in (tmp_path / "out").glob("part-*.json") if "shard" not in path.name} == {
        f"part-{number}-of-4.json" for number in range(1, 5)
    }


@pytest.mark.slow
@pytest.mark.parametrize("mended", [1000, 4000], ids=["as many parts", "more parts"])
def test_without_a_shard_all_may_change(model, tmp_path, engine, mended):
    """A part was without documents, and the others have failed."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").write_bytes(b"\n" * 4000)
    for name in "bcd":
        (tmp_path / "in" / f"{name}.txt").write_bytes(b"\xff\n" * 2000)
    with ThreadPoolExecutor(2) as executor:
        failing = ExecutorEngine(executor, tmp_path)
        with pytest.raises(EngineError, match="not UTF-8"):
            write_shards(tmp_path / "in", model, tmp_path / "out", append_eos=False, engine=failing)
    assert (tmp_path / "out" / "part-1-of-4.json").exists()
    stray = tmp_path / "out" / "part-2-of-4-shard-00000.bin"
    stray.write_bytes(b"the task was ended before it had noted its shard")
    for name in "bcd":
        (tmp_path / "in" / f"{name}.txt").write_bytes(b"one\n" * mended)
    write_shards(tmp_path / "in", model, tmp_path / "out", "datatrove", engine=engine)
    write_shards(tmp_path / "in", model, tmp_path / "whole", "datatrove", engine=engine)
    assert content(tmp_path / "out") == content(tmp_path / "whole")


@pytest.mark.slow
def test_documents_are_numbered_by_tasks(corpus_folder, model, tmp_path, engine, monkeypatch):
    pytest.importorskip("pyarrow")
    whole, _ = by_parts(Corpus(corpus_folder), model, tmp_path / "parts", format="parquet")
    counts = counted(monkeypatch, source, "lines_before")
    write_shards(corpus_folder, model, tmp_path / "out", "parquet", engine=engine)
    assert content(tmp_path / "out") == whole
    assert {position for _, position in counts} <= {0}  # nothing is counted again from the begin of a file


class Elsewhere(Executor):
    """Calls functions in another current folder."""

    def __init__(self, folder):
        self.folder = folder

    def submit(self, function, /, *args):
        here = os.getcwd()
        os.chdir(self.folder)
        future = Future()
        try:
            future.set_result(function(*args))
        except Exception as error:
            future.set_exception(error)
        finally:
            os.chdir(here)
        return future


@pytest.mark.parametrize("format", ["bin", "parquet"])
@pytest.mark.parametrize("sample_bytes", [None, 3000])
def test_in_another_folder(corpus_folder, model, tmp_path, monkeypatch, format, sample_bytes):
    if format == "parquet":
        pytest.importorskip("pyarrow")
    (tmp_path / "elsewhere").mkdir()
    engine = ExecutorEngine(Elsewhere(tmp_path / "elsewhere"), tmp_path)
    write_shards(Corpus(corpus_folder, sample_bytes=sample_bytes), model, tmp_path / "whole", format, engine=engine)
    monkeypatch.chdir(corpus_folder.parent)
    corpus = Corpus(corpus_folder.name, sample_bytes=sample_bytes)
    write_shards(corpus, model, os.path.relpath(tmp_path / "out"), format, engine=engine)
    assert content(tmp_path / "out") == content(tmp_path / "whole")


@pytest.mark.parametrize("more", [{"part": (1, 2)}, {"workers": 2}])
def test_what_an_engine_decides(corpus_folder, model, tmp_path, engine, more):
    with pytest.raises(SettingsError, match="an engine divides the corpus itself"):
        write_shards(corpus_folder, model, tmp_path / "out", engine=engine, **more)


@pytest.mark.usefixtures("many_parts")
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_on_ray(corpus_folder, model, tmp_path):
    ray = pytest.importorskip("ray")
    whole, _ = by_parts(Corpus(corpus_folder), model, tmp_path / "parts")
    # "local": another test may run a cluster on this machine, which would be joined.
    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        write_shards(corpus_folder, model, tmp_path / "out", engine=RayEngine(workers=1))
    finally:
        ray.shutdown()
    assert content(tmp_path / "out") == whole
