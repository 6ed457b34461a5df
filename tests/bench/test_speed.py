"""Tokenizers that take turns: all but the last class with this library in the place of all others."""

import os

import pytest

from bytepiece import BenchError, Model, SettingsError, Tokenizer
from bytepiece.bench import process, speed
from bytepiece.bench.machine import Others
from bytepiece.bench.peers import OTHERS, Peer, write_json
from bytepiece.bench.report import conditions, result_as_table
from bytepiece.bench.speed import Contest
from bytepiece.bench.worker import Worker, open_tokenizer
from bytepiece.errors import ExportError

TEXTS = ["hello the he", "", "你好 é\n", "\x00\r\n"]


def write_other(model, path):
    """A model with the same ids, in which "he" is less probable than its letters."""
    counts = [
        10**6 if piece in (b"h", b"e") else count for piece, count in zip(model.pieces, model.counts, strict=True)
    ]
    Model(model.pieces, counts).save(path)


def refuse(model, path):
    raise ExportError("no such model")


class Here:
    """Does in this process what `bytepiece.bench.process.Process` does in another; encoding takes no time."""

    asked = []  # noqa: RUF012

    def __init__(self, label, module, path, python=None):
        self.label = label
        self.worker = Worker(open_tokenizer(module, path))

    def ask(self, method, *arguments):
        Here.asked.append((self.label, method))
        return 0.5 if method == "time" else getattr(self.worker, method)(*arguments)

    def close(self):
        Here.asked.append((self.label, "close"))


@pytest.fixture
def here(monkeypatch):
    monkeypatch.setattr(speed, "Process", Here)
    monkeypatch.setattr(Here, "asked", [])
    return Here.asked


SAME, OTHER = Peer("same", "bytepiece", write_json), Peer("other", "bytepiece", write_other)


class TestContest:
    def test_turns(self, here, byte_model):
        with Contest(byte_model, [SAME]) as contest:
            contest.measure(TEXTS, 3)
        turns = [label for label, method in here if method == "time"]
        assert turns == ["this project", "same", "same", "this project", "this project", "same"]
        assert {label for label, method in here if method == "close"} == {"this project", "same"}

    def test_progress(self, here, byte_model):
        turns = []
        with Contest(byte_model, [SAME]) as contest:
            contest.measure(TEXTS, 3, lambda: turns.append(1))
        assert len(turns) == 6

    def test_ids_are_compared(self, here, byte_model):
        with Contest(byte_model, [SAME, OTHER]) as contest:
            this, same, other = contest.measure(TEXTS, 1).speeds
        expected = sum(map(len, Tokenizer(byte_model).encode_batch(TEXTS)))
        assert (this.n_ids, this.differing) == (same.n_ids, same.differing) == (expected, 0)
        assert (other.n_ids, other.differing) == (expected + 2, 1)

    def test_several_measurements(self, here, byte_model):
        with Contest(byte_model, [OTHER]) as contest:
            results = [contest.measure(texts, 1) for texts in (["he"], ["a", "b"])]
        assert [(result.documents, result.n_bytes) for result in results] == [(1, 2), (2, 2)]
        assert [result.speeds[1].differing for result in results] == [1, 0]

    def test_special_tokens_need_no_room_elsewhere(self, here, byte_model):
        with Contest(byte_model.with_special_tokens(["<x>"]), [SAME]) as contest:
            assert contest.measure(["hello <x>"], 1).speeds[1].differing == 0

    def test_texts_are_normalized(self, here, byte_model):
        model = Model(byte_model.pieces, byte_model.counts, {"normalization": "nfc"})
        with Contest(model, []) as contest:
            assert contest.measure(["e\u0301"], 1).n_bytes == 2

    @pytest.mark.parametrize("texts", [[], ["", ""]])
    def test_no_text(self, here, byte_model, texts):
        with Contest(byte_model, []) as contest, pytest.raises(SettingsError, match="no text"):
            contest.measure(texts, 1)

    @pytest.mark.parametrize("rounds", [0, -1, True, 1.0])
    def test_no_rounds(self, here, byte_model, rounds):
        with Contest(byte_model, []) as contest, pytest.raises(SettingsError, match="rounds must be"):
            contest.measure(TEXTS, rounds)


class TestWhoIsLeftOut:
    def test_not_installed_or_no_model(self, here, byte_model):
        peers = [Peer("absent", "no_such_library", write_json), Peer("poor", "bytepiece", refuse)]
        with Contest(byte_model, peers) as contest:
            assert [one.peer.label for one in contest.measure(TEXTS, 1).speeds] == ["this project"]
        assert contest.left_out == {"absent": "not installed", "poor": "no such model"}

    def test_whoever_fails_first(self, here, byte_model, monkeypatch):
        ask = Here.ask

        def fail(self, method, *arguments):
            if (self.label, method) == ("same", "digest"):
                raise BenchError("same failed: too bad")
            return ask(self, method, *arguments)

        monkeypatch.setattr(Here, "ask", fail)
        with Contest(byte_model, [SAME, OTHER]) as contest:
            labels = [one.peer.label for one in contest.measure(TEXTS, 1).speeds]
        assert labels == ["this project", "other"]
        assert contest.left_out == {"same": "same failed: too bad"}
        assert ("same", "close") in here


class TestReport:
    def test_table_and_conditions(self, here, byte_model):
        with Contest(byte_model, [OTHER, Peer("absent", "no_such_library", write_json)]) as contest:
            result = contest.measure(["hello\n" * 1000, "a"], 2)
        assert result_as_table(result) == (
            "|              | MB/s | best | this is faster by |   ids | documents with other ids |\n"
            "| ---          | ---: | ---: |              ---: |  ---: |                     ---: |\n"
            "| this project | 0.01 | 0.01 |                   | 3,001 |                          |\n"
            "| other        | 0.01 | 0.01 |              1.00 | 4,001 |                        1 |\n"
        )
        text = conditions(contest, result, Others())
        assert "; 2 documents, 0.01 MB; 2 rounds, one thread each." in text
        assert text.endswith("Left out: absent: not installed.\n")


@pytest.mark.slow
class TestProcesses:
    def test_of_their_own(self, byte_model):
        with Contest(byte_model, [OTHER]) as contest:
            first, second = contest.measure(TEXTS, 1).speeds
        assert first.seconds[0] > 0
        assert second.differing == 1

    @pytest.fixture
    def library(self, tmp_path, monkeypatch):
        """A library that encodes as the code of a function says."""

        def library(name, code):
            (tmp_path / f"{name}.py").write_text(f"import os\nclass Tokenizer:\n def __init__(self, path): {code}\n")
            monkeypatch.syspath_prepend(tmp_path)
            monkeypatch.setenv("PYTHONPATH", str(tmp_path))
            return Peer(name, name, write_json)

        return library

    def test_one_that_dies(self, byte_model, library):
        with Contest(byte_model, [library("suicidal", "os._exit(3)")]) as contest:
            contest.measure(TEXTS, 1)
        assert contest.left_out == {"suicidal": "the process of suicidal ended with status 3"}

    def test_one_that_dies_later(self, byte_model, library):
        calls = len(TEXTS) + 1
        code = f"self.left = {calls}\n def encode(self, text):\n  self.left -= 1\n  return [] if self.left else 1 / 0"
        with (
            Contest(byte_model, [library("tired", code)]) as contest,
            pytest.raises(BenchError, match="tired failed: ZeroDivisionError"),
        ):
            contest.measure(TEXTS, 1)

    def test_none_is_left_behind(self, byte_model, monkeypatch):
        started = []
        popen = process.subprocess.Popen
        monkeypatch.setattr(process.subprocess, "Popen", lambda *a, **k: started.append(popen(*a, **k)) or started[-1])
        with pytest.raises(KeyboardInterrupt), Contest(byte_model, [SAME]):
            raise KeyboardInterrupt
        assert len(started) == 2
        assert all(each.poll() is not None for each in started)

    def test_no_file_is_left_behind(self, byte_model, monkeypatch, tmp_path):
        monkeypatch.setattr(speed.tempfile, "tempdir", str(tmp_path))
        with Contest(byte_model, []) as contest:
            contest.measure(TEXTS, 1)
        assert os.listdir(tmp_path) == []


@pytest.mark.slow
class TestOthers:
    """The libraries themselves, where they are installed."""

    @pytest.mark.parametrize("peer", OTHERS, ids=lambda peer: peer.label)
    def test_ids_are_the_same(self, byte_model, peer):
        pytest.importorskip(peer.module)
        with Contest(byte_model, [peer]) as contest:
            _, other = contest.measure([*TEXTS[:3], "a line\nand another, 好\n"], 1).speeds
        assert other.differing == 0
        assert contest.left_out == {}
