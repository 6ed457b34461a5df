"""Wrong usage and other errors: one line that says what is wrong."""

import argparse
import re
import sys

import pytest

from bytepiece.cli import completion
from bytepiece.cli import main as command
from bytepiece.encoding.encoder import Encoder


class TestUsage:
    """Wrong flags: status 2."""

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            ([], "VERB"),
            (["fly"], "invalid choice: 'fly'"),
            (["--fly"], "VERB"),
            (["encode"], "--model"),
            (["decode"], "--model"),
            (["tokenize"], "--model"),
            (["encode", "--model"], "expected one argument"),
            (["vocab"], "MODEL"),
            (["vocab", "m", "--fly"], "--fly"),
            (["vocab", "m", "file"], "file"),
            (["inspect"], "MODEL"),
            (["compare", "m"], "OTHER"),
            (["train"], "--output"),
            (["train", "a.txt"], "--output"),
            (["train", "a.txt", "--output", "m"], "--vocab-size"),
            (["train", "--output", "m", "--vocab-size", "300"], "INPUT"),
            (["train", "a.txt", "--output", "m", "--vocab-size", "many"], "'many'"),
            (["train", "a.txt", "--output", "m", "--vocab-size", ""], "--vocab-size"),
            (["train", "a.txt", "--output", "m", "--vocab-size", "300,"], "'300,'"),
            (["train", "a.txt", "--output", "m", "--vocab-size", "300.0"], "'300.0'"),
            (["train", "a.txt", "--output", "m", "--vocab-size", "300", "--order", "x"], "--order"),
            (["train", "a.txt", "--output", "m", "--vocab-size", "300", "--format", "xml"], "'xml'"),
            (["train", "a.txt", "--output", "m", "--vocab-size", "300", "--normalization", "nfd"], "'nfd'"),
        ],
        ids=" ".join,
    )
    def test_is_one_line_that_says_what(self, error, arguments, says):
        assert says in error(*arguments, status=2)

    @pytest.mark.parametrize(
        "verb", ["train", "encode", "tokenize", "decode", "vocab", "inspect", "compare", "evaluate", "bench"]
    )
    def test_help(self, ok, verb):
        assert ok(verb, "--help").startswith(f"usage: bytepiece {verb} ".encode())

    def test_help_of_all(self, ok):
        assert ok("--help").startswith(b"usage: bytepiece ")

    @pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
    def test_completion(self, ok, shell):
        pytest.importorskip("shtab")
        script = ok("--completion", shell).decode()
        assert "tokenize" in script
        assert "special-token" in script

    def test_all_arguments_are_known_to_completion(self):
        """As files, as folders, or as something else."""
        others = {"K/N", "N", "N[,N...]", "NAME", "SHARE", "SIZE", "VERB", "ADDRESS", "DIR"}
        parsers, found = [command._parser()], set()
        while parsers:
            for action in parsers.pop()._actions:
                found |= {action.metavar} - {None}
                parsers += action.choices.values() if isinstance(action, argparse._SubParsersAction) else []
        assert found - others == completion._FILES

    def test_completion_without_its_library(self, error, monkeypatch):
        monkeypatch.setitem(sys.modules, "shtab", None)
        assert "pip install shtab" in error("--completion", "bash")

    def test_version(self, ok):
        assert re.fullmatch(rb"bytepiece \d+\.\d+\.\d+\S*\n", ok("--version"))


VERBS_WITH_MODEL = [("encode", "--model"), ("tokenize", "--model"), ("decode", "--model"), ("vocab",)]


class TestOtherErrors:
    @pytest.mark.parametrize("verb", VERBS_WITH_MODEL, ids=" ".join)
    def test_missing_model(self, error, tmp_path, verb):
        assert "nothing.model: No such file" in error(*verb, tmp_path / "nothing.model")

    @pytest.mark.parametrize("verb", VERBS_WITH_MODEL, ids=" ".join)
    def test_model_that_is_a_directory(self, error, tmp_path, verb):
        assert "a directory without a tokenizer.json" in error(*verb, tmp_path)

    @pytest.mark.parametrize("verb", VERBS_WITH_MODEL, ids=" ".join)
    @pytest.mark.parametrize("data", [b"", b"nothing\nof\nthe kind", b"{}", b"bytepiece-model 9\n"], ids=repr)
    def test_bad_model_is_named(self, error, tmp_path, verb, data):
        (tmp_path / "bad.model").write_bytes(data)
        assert "bad.model: " in error(*verb, tmp_path / "bad.model")

    @pytest.mark.parametrize("verb", ["encode", "tokenize", "decode"])
    def test_missing_input(self, error, model_path, tmp_path, verb):
        assert "nothing.txt: No such file" in error(verb, "--model", model_path, tmp_path / "nothing.txt")

    @pytest.mark.parametrize("verb", ["encode", "tokenize", "decode"])
    def test_input_that_is_a_directory(self, error, model_path, tmp_path, verb):
        assert "directory" in error(verb, "--model", model_path, tmp_path)

    @pytest.mark.parametrize("verb", VERBS_WITH_MODEL, ids=" ".join)
    def test_output_in_a_missing_folder(self, error, model_path, tmp_path, verb):
        assert "nowhere" in error(*verb, model_path, "--output", tmp_path / "nowhere" / "out")

    @pytest.mark.parametrize("verb", VERBS_WITH_MODEL, ids=" ".join)
    def test_output_that_is_a_directory(self, error, model_path, tmp_path, verb):
        assert "directory" in error(*verb, model_path, "--output", tmp_path).lower()

    def test_broken_json_line(self, run, model_path, tmp_path):
        (tmp_path / "a.jsonl").write_bytes(b'{"text": "good"}\n{"text": 1}\n')
        status, _, err = run("encode", "--model", model_path, tmp_path / "a.jsonl")
        assert (status, err.count("\n")) == (1, 1)
        assert "a.jsonl, line 2: field 'text' must be text, not int" in err

    @pytest.mark.parametrize("kind", [".gz", ".xz"])
    @pytest.mark.parametrize("verb", ["encode", "tokenize", "decode"])
    def test_no_archive(self, error, model_path, tmp_path, verb, kind):
        (tmp_path / f"a{kind}").write_bytes(b"1 2 3\n")
        assert f"a{kind}, after line 0: damaged archive" in error(verb, "--model", model_path, tmp_path / f"a{kind}")

    def test_folder_that_is_a_file(self, error, model_path, corpus):
        assert "corpus.txt: Not a directory" in error("shards", corpus, "--model", model_path, "--output", corpus)

    def test_empty_name(self, error):
        assert "'': No such file" in error("vocab", "")

    @pytest.mark.parametrize("name", ["two\nlines", "a\rb", "\x1b[31mred", "\udcff"])
    def test_any_name_is_in_one_line(self, error, tmp_path, name):
        assert "No such file" in error("vocab", tmp_path / name)

    @pytest.mark.parametrize(
        ("problem", "status", "says"),
        [(KeyboardInterrupt(), 130, "interrupted"), (MemoryError(), 1, "out of memory")],
        ids=["interrupted", "out of memory"],
    )
    def test_stopped_from_outside(self, error, model_path, monkeypatch, problem, status, says):
        def stop(*args, **options):
            raise problem

        monkeypatch.setattr(Encoder, "encode_texts", stop)
        assert says in error("encode", "--model", model_path, stdin=b"text\n", status=status)
