"""Tasks that are run by executors; what they yield goes through files."""

import os
import pickle
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context

import pytest

from bytepiece import Corpus, EngineError, ExecutorEngine, LocalEngine, SettingsError, Trainer
from bytepiece.engines import running
from helpers.divided import Divided


@dataclass(frozen=True)
class Double:
    """Yield an item twice; items can be outputs of other tasks."""

    def __call__(self, item):
        value = item.get() if hasattr(item, "get") else item
        yield value
        yield value


@dataclass(frozen=True)
class Fail:
    """Raise an error for an item that is one."""

    def __call__(self, item):
        if isinstance(item, BaseException):
            raise item
        yield item


@pytest.fixture
def engine(tmp_path):
    with ThreadPoolExecutor(2) as executor:
        yield ExecutorEngine(executor, tmp_path)


def ignore(number, usage):
    pass


def files_of(folder):
    return [name for _, _, files in os.walk(folder) for name in files]


class TestMap:
    def test_outputs_are_in_the_order_of_items(self, engine):
        outputs = engine.map(Double(), range(50), 2, ignore)
        assert [[output.get() for output in each] for each in outputs] == [[k, k] for k in range(50)]

    def test_outputs_are_items_of_other_tasks(self, engine):
        first = engine.map(Double(), ["a", "b"], 2, ignore)
        second = engine.map(Double(), [output for each in first for output in each], 2, ignore)
        assert [each[1].get() for each in second] == ["a", "a", "b", "b"]

    def test_broadcast(self, engine):
        assert engine.map(Double(), [engine.broadcast([1, 2])], 2, ignore)[0][0].get() == [1, 2]

    def test_of_nothing(self, engine):
        assert engine.map(Double(), [], 2, ignore) == []

    def test_usage(self, engine):
        told = {}
        engine.map(Double(), [b"x" * 1000, b""], 2, told.__setitem__)
        assert sorted(told) == [0, 1]
        assert 2000 < told[0].n_bytes < 2200
        assert told[0].seconds > 0

    def test_files_are_there_as_long_as_somebody_has_them(self, engine, tmp_path):
        outputs = engine.map(Double(), [1, 2, 3], 2, ignore)
        assert len(files_of(tmp_path)) == 3
        copy = pickle.loads(pickle.dumps(outputs[0][0]))
        assert copy.get() == 1
        del copy
        kept = outputs.pop()[0]
        del outputs
        assert len(files_of(tmp_path)) == 1
        assert kept.get() == 3

    def test_the_folder_is_left_as_it_was(self, tmp_path):
        engine = LocalEngine(tmp_path)
        kept = engine.map(Double(), [1], 2, ignore)
        del engine, kept
        assert os.listdir(tmp_path) == []


class TestErrors:
    @pytest.mark.parametrize(
        ("error", "message"),
        [
            (OSError(28, "No space left on device", "/there"), "/there: No space left on device"),
            (MemoryError(), "out of memory"),
            (EngineError("two\nlines"), "two lines"),
        ],
        ids=str,
    )
    def test_of_tasks_name_the_item(self, engine, error, message):
        with pytest.raises(EngineError) as caught:
            engine.map(Fail(), [1, error, 2], 1, ignore)
        assert str(caught.value).endswith(f": {message}")

    def test_a_bug_is_an_error_too(self, engine):
        with pytest.raises(EngineError, match="ZeroDivisionError: by zero"):
            engine.map(Fail(), [ZeroDivisionError("by zero")], 1, ignore)

    def test_other_tasks_are_cancelled(self, tmp_path):
        class Waiting(ThreadPoolExecutor):
            futures = []  # noqa: RUF012

            def submit(self, *args):
                future = Future() if self.futures else super().submit(*args)
                self.futures.append(future)
                return future

        with Waiting(1) as executor, pytest.raises(EngineError):
            ExecutorEngine(executor, tmp_path).map(Fail(), [MemoryError(), 1, 2], 1, ignore)
        assert all(future.cancelled() for future in Waiting.futures[1:])

    def test_other_versions(self, engine, monkeypatch):
        told = iter([{"bytepiece": "1.2", "numpy": "2"}, {"bytepiece": "1.3", "numpy": "2"}])
        monkeypatch.setattr(running, "versions", lambda: next(told))
        monkeypatch.setattr("bytepiece.engines.executor.versions", lambda: next(told))
        with pytest.raises(EngineError, match=r"this machine has bytepiece 1\.3, the one that trains 1\.2"):
            engine.map(Double(), [1], 2, ignore)

    def test_a_lost_output(self, engine, tmp_path):
        output = engine.broadcast(1)
        os.unlink(output.path)
        with pytest.raises(EngineError, match="an output of a task is lost"):
            output.get()

    def test_an_executor_that_breaks(self, tmp_path):
        class Broken(ThreadPoolExecutor):
            def submit(self, *args):
                future = Future()
                future.set_exception(BrokenProcessPool("a process died"))
                return future

        with Broken() as executor, pytest.raises(EngineError, match="item 5: BrokenProcessPool: a process died"):
            ExecutorEngine(executor, tmp_path).map(Double(), ["item 5"], 2, ignore)

    def test_no_folder(self, tmp_path):
        with ThreadPoolExecutor(1) as executor, pytest.raises(SettingsError, match="there is no folder"):
            ExecutorEngine(executor, tmp_path / "none")

    @pytest.mark.parametrize("workers", [0, 1.5, 2000])
    def test_wrong_workers(self, tmp_path, workers):
        with ThreadPoolExecutor(1) as executor, pytest.raises(SettingsError, match="workers"):
            ExecutorEngine(executor, tmp_path, workers)


class TestTraining:
    """Models are those of a training without an engine."""

    @pytest.fixture
    def texts(self):
        return [f"{number} clocks and {number % 7} towers\n" for number in range(300)]

    @pytest.mark.slow
    def test_threads(self, engine, texts):
        whole, parts = (Trainer(vocab_size=350) for _ in range(2))
        whole.train(texts, progress=False)
        parts.train(Divided(texts, 7), engine=engine, progress=False)
        assert parts.models == whole.models

    @pytest.mark.slow
    def test_processes(self, tmp_path, texts, monkeypatch):
        monkeypatch.setattr("bytepiece.engines.parts.LEAST_PART", 1000)
        (tmp_path / "a.txt").write_text("".join(texts))
        corpus = Corpus(tmp_path / "a.txt")
        whole, parts = (Trainer(vocab_size=350) for _ in range(2))
        whole.train(corpus, progress=False)
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
            parts.train(corpus, engine=ExecutorEngine(executor, tmp_path), progress=False)
        assert parts.models == whole.models
