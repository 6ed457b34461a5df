"""The program that encodes in a process of its own."""

import io
import json
import pickle
import subprocess
import sys

import pytest

from bytepiece import Tokenizer
from bytepiece.bench import worker


@pytest.fixture
def counting(tmp_path):
    """A worker with three texts, and the texts that it has encoded."""
    encoded = []
    made = worker.Worker(lambda text: encoded.append(text) or [len(text), 7])
    (tmp_path / "texts").write_bytes(pickle.dumps(["a", "bb", ""]))
    assert made.read(tmp_path / "texts") == 3
    return made, encoded


class TestTime:
    @pytest.mark.parametrize(("tick", "passes"), [(1.0, 1), (0.1, 1), (0.04, 3)])
    def test_passes_until_it_is_long_enough(self, counting, monkeypatch, tick, passes):
        made, encoded = counting
        ticks = iter(range(100))
        monkeypatch.setattr(worker.time, "perf_counter", lambda: next(ticks) * tick)
        assert made.time() == pytest.approx(tick)
        assert encoded == ["a", "bb", ""] * (1 + passes)  # the first is not timed


class TestDigests:
    def test_one_for_each_text(self, counting, tmp_path):
        made, _ = counting
        assert made.digest(tmp_path / "digests") == 6
        data = (tmp_path / "digests").read_bytes()
        assert len(data) == 3 * worker.DIGEST_BYTES
        assert len({data[k : k + worker.DIGEST_BYTES] for k in range(0, len(data), worker.DIGEST_BYTES)}) == 3


def answers(*arguments, questions):
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    command = [sys.executable, worker.__file__, *map(str, arguments)]
    done = subprocess.run(command, input=lines, capture_output=True, text=True)
    assert done.returncode == 0
    return [*map(json.loads, done.stdout.splitlines())]


class TestMain:
    def test_answers_and_errors(self, byte_model, tmp_path, monkeypatch):
        """In this process, as coverage sees it: what a library prints is no answer."""
        byte_model.save(tmp_path / "my.model")
        (tmp_path / "texts").write_bytes(pickle.dumps(["hello"]))
        questions = [["read", str(tmp_path / "texts")], ["digest", str(tmp_path / "ids")], ["read", "nowhere"]]
        out = io.StringIO()
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(json.dumps(q) + "\n" for q in questions)))
        monkeypatch.setattr(sys, "stdout", out)
        worker.main("bytepiece", str(tmp_path / "my.model"))
        first, second, third = map(json.loads, out.getvalue().splitlines())
        assert first == {"result": 1}
        assert second == {"result": len(Tokenizer(byte_model).encode("hello"))}
        assert "FileNotFoundError" in third["error"]

    @pytest.mark.slow
    def test_a_library_that_prints_or_fails(self, tmp_path, monkeypatch):
        (tmp_path / "noisy.py").write_text("print('hello')\ndef Tokenizer(path):\n    raise KeyError(path)\n")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        assert answers("noisy", "m", questions=[["time"]]) == [{"error": "KeyError: 'm'"}]

    @pytest.mark.slow
    def test_a_library_that_is_not_there(self):
        (answer,) = answers("no_such_library", "m", questions=[["time"]])
        assert "No module named 'no_such_library'" in answer["error"]
