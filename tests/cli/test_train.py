"""The verb that trains a model."""

import gzip
import json
import os
import re

import pytest

from bytepiece import Corpus, Model, Trainer
from helpers.files import PACKERS, TEXT
from helpers.processes import run_command


class TestTrain:
    def test_gives_what_the_trainer_gives(self, ok, corpus, tmp_path):
        ok("train", "--quiet", corpus, "--vocab-size", 300, "--output", tmp_path / "m")
        trainer = Trainer(vocab_size=300)
        trainer.train(Corpus([corpus]))
        assert Model.load(tmp_path / "m") == trainer.models[300]

    @pytest.mark.parametrize(
        ("flags", "name", "value"),
        [
            ([], "vocab_size", 300),
            ([], "order", 6),
            ([], "max_piece_length", 36),
            ([], "min_count", 2),
            ([], "isolate_digits", False),
            ([], "ensure_unicode", True),
            ([], "normalization", None),
            (["--order", 3], "order", 3),
            (["--max-piece-length", 5], "max_piece_length", 5),
            (["--min-count", 4], "min_count", 4),
            (["--isolate-digits"], "isolate_digits", True),
            (["--no-ensure-unicode"], "ensure_unicode", False),
            (["--normalization", "nfc"], "normalization", "nfc"),
            (["--normalization", "none"], "normalization", None),
            (["--boundaries", "words"], "boundaries", "words"),
            (["--refine-rounds", 1, "--refine-objective", "likelihood"], "refine_objective", "likelihood"),
            (["--refine-rounds", 1, "--boundaries", "words", "--phrases", 0.1], "phrases", 0.1),
        ],
    )
    def test_flags_are_settings(self, ok, corpus, tmp_path, flags, name, value):
        ok("train", "--quiet", corpus, "--vocab-size", 300, "--output", tmp_path / "m", *flags)
        assert Model.load(tmp_path / "m").settings[name] == value

    @pytest.mark.parametrize(
        ("flags", "changed"),
        [
            ([], {}),
            (["--min-count", 3], {"min_count": 3}),
            (["--normalization", "none", "--boundaries", "words"], {"normalization": None, "boundaries": "words"}),
        ],
    )
    def test_preset(self, ok, corpus, tmp_path, flags, changed):
        preset = ["--preset", "bytepiece-0.6.3"]
        ok("train", "--quiet", corpus, "--vocab-size", 300, "--output", tmp_path / "m", *preset, *flags)
        trainer = Trainer.bytepiece063(vocab_size=300, **changed)
        trainer.train(Corpus([corpus]))
        assert Model.load(tmp_path / "m") == trainer.models[300]

    def test_one_size_is_one_file(self, ok, corpus, tmp_path):
        ok("train", "--quiet", corpus, "--vocab-size", 300, "--output", tmp_path / "m")
        assert sorted(os.listdir(tmp_path)) == ["corpus.txt", "m"]

    def test_each_of_several_sizes_is_a_file(self, ok, corpus, tmp_path):
        ok("train", "--quiet", corpus, "--vocab-size", "264,300,270", "--output", tmp_path / "m")
        assert sorted(os.listdir(tmp_path)) == ["corpus.txt", "m.264", "m.270", "m.300"]
        assert [Model.load(tmp_path / f"m.{size}").settings["vocab_size"] for size in (264, 270)] == [264, 270]

    def test_format_of_bytepiece(self, ok, corpus, tmp_path):
        flags = ["--vocab-size", 300, "--normalization", "nfc"]
        ok("train", "--quiet", corpus, "--output", tmp_path / "own", *flags)
        ok("train", "--quiet", corpus, "--output", tmp_path / "json", *flags, "--format", "json")
        assert json.loads((tmp_path / "json").read_bytes())["AA=="] == [3, "\x00", 1]
        assert Model.load(tmp_path / "json").pieces == Model.load(tmp_path / "own").pieces

    @pytest.mark.slow
    @pytest.mark.parametrize("workers", [1, 2, 5])
    def test_file_is_the_same_for_any_number_of_workers(self, ok, corpus, tmp_path, workers):
        ok("train", "--quiet", corpus, "--vocab-size", 300, "--output", tmp_path / "default")
        ok("train", "--quiet", corpus, "--vocab-size", 300, "--output", tmp_path / "m", "--workers", workers)
        assert (tmp_path / "m").read_bytes() == (tmp_path / "default").read_bytes()

    @pytest.mark.parametrize("name", ["a.txt.gz", "a.txt.xz", "a.jsonl", "a.jsonl.gz", "a.jsonl.xz"])
    def test_kind_of_file_makes_no_difference(self, ok, corpus, tmp_path, name):
        lines = TEXT.decode().splitlines(keepends=True)
        data = "".join(json.dumps({"text": line}) + "\n" for line in lines).encode() if "jsonl" in name else TEXT
        path = tmp_path / name
        path.write_bytes(PACKERS.get(path.suffix, bytes)(data))
        ok("train", "--quiet", corpus, "--vocab-size", 300, "--output", tmp_path / "plain")
        ok("train", "--quiet", path, "--vocab-size", 300, "--output", tmp_path / "m")
        assert (tmp_path / "m").read_bytes() == (tmp_path / "plain").read_bytes()

    def test_several_files_and_a_field(self, ok, corpus, tmp_path):
        (tmp_path / "a.jsonl").write_bytes(b'{"body": "zebra zebra zebra zebra"}\n' * 20)
        ok(
            "train",
            "--quiet",
            corpus,
            tmp_path / "a.jsonl",
            "--text-field",
            "body",
            "--vocab-size",
            350,
            "--output",
            tmp_path / "m",
        )
        assert any(b"zebr" in piece for piece in Model.load(tmp_path / "m").pieces)

    @pytest.mark.slow
    def test_own_process(self, corpus, tmp_path):
        done = run_command("train", "--quiet", corpus, "--vocab-size", 300, "--output", "m", cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        assert Model.load(tmp_path / "m").vocab_size <= 300


class TestTrainErrors:
    @pytest.fixture
    def train_error(self, run, tmp_path):
        """Train, which must fail in one line with status 1 or 2, and leave no model; that line."""

        def train_error(*arguments):
            status, out, err = run("train", "--output", tmp_path / "m", *arguments)
            assert status in (1, 2)
            assert out == b""
            assert re.fullmatch(r"bytepiece train: .*\n", err), f"not one line: {err!r}"
            assert not (tmp_path / "m").exists()
            return err

        return train_error

    @pytest.mark.parametrize(
        ("flags", "says"),
        [
            (["--vocab-size", 258], "258"),
            (["--vocab-size", 0], "259"),
            (["--vocab-size", -5], "259"),
            (["--vocab-size", "300,8"], "8"),
            (["--vocab-size", 10**30], "vocab_size"),
            (["--vocab-size", 300, "--order", 0], "order"),
            (["--vocab-size", 300, "--order", 1000], "order"),
            (["--vocab-size", 300, "--min-count", 0], "min_count"),
            (["--vocab-size", 300, "--max-piece-length", 0], "max_piece_length"),
            (["--vocab-size", 300, "--workers", 0], "workers"),
            (["--vocab-size", 300, "--workers", -1], "workers"),
        ],
        ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else value,
    )
    def test_setting_out_of_range_is_named(self, train_error, corpus, flags, says):
        assert says in train_error(corpus, *flags)

    @pytest.mark.parametrize("data", [b"", b'{"text": ""}\n' * 3], ids=["no documents", "empty documents"])
    def test_empty_corpus(self, train_error, tmp_path, data):
        (tmp_path / "a.jsonl").write_bytes(data)
        assert "no text" in train_error(tmp_path / "a.jsonl", "--vocab-size", 300)

    def test_standard_input(self, train_error):
        assert "standard input" in train_error("-", "--vocab-size", 300)

    def test_missing_file(self, train_error, tmp_path):
        assert "nothing.txt: No such file" in train_error(tmp_path / "nothing.txt", "--vocab-size", 300)

    def test_missing_file_after_a_good_one(self, train_error, corpus, tmp_path):
        assert "nothing.txt: No such file" in train_error(corpus, tmp_path / "nothing.txt", "--vocab-size", 300)

    @pytest.mark.parametrize(
        ("flags", "says"),
        [
            (["--output", "{}/nowhere/m"], "nowhere/m: No such file"),
            (["--output", "{}"], ": Is a directory"),
            (["--output", "{}/corpus.txt/m"], "corpus.txt/m: Not a directory"),
            (["--output", "{}/nowhere/m", "--vocab-size", "300,400"], "nowhere/m.400: No such file"),
            (["--output", "{}/nowhere/m", "--format", "huggingface"], "nowhere/m: No such file"),
            (["--output", "{}/corpus.txt", "--format", "huggingface"], "corpus.txt/tokenizer.json: Not a directory"),
            (["--output", "{}/m", "--report", "{}/nowhere/r"], "nowhere/r: No such file"),
        ],
    )
    def test_output_that_cannot_be_written_is_found_before_training(
        self, error, corpus, tmp_path, monkeypatch, flags, says
    ):
        monkeypatch.delattr(Trainer, "train")
        assert says in error("train", corpus, "--vocab-size", 300, *[flag.format(tmp_path) for flag in flags])

    def test_checkpoint_that_is_a_file(self, train_error, corpus):
        assert "corpus.txt: Not a directory" in train_error(corpus, "--vocab-size", 300, "--checkpoint", corpus)

    def test_memory_limit_too_small(self, train_error, corpus):
        assert "memory_limit must be" in train_error(corpus, "--vocab-size", 300, "--memory-limit", 1)

    def test_directory_without_documents(self, train_error, tmp_path):
        assert f"{tmp_path}: " in train_error(tmp_path, "--vocab-size", 300)

    def test_text_that_is_not_utf8(self, train_error, tmp_path):
        (tmp_path / "a.txt").write_bytes(b"good\n\xff\n")
        assert "a.txt, line 2: not UTF-8" in train_error(tmp_path / "a.txt", "--vocab-size", 300)

    @pytest.mark.parametrize("line", [b"{", b"{}", b'{"text": 1}', b'{"text": "\\ud800"}', b'{"\\ud800\\n": "a"}'])
    def test_broken_json_line(self, train_error, tmp_path, line):
        (tmp_path / "a.jsonl").write_bytes(b'{"text": "good"}\n' + line + b"\n")
        assert "a.jsonl, line 2: " in train_error(tmp_path / "a.jsonl", "--vocab-size", 300)

    def test_truncated_archive(self, train_error, tmp_path):
        (tmp_path / "a.txt.gz").write_bytes(gzip.compress(TEXT)[:-3])
        assert "a.txt.gz, after line" in train_error(tmp_path / "a.txt.gz", "--vocab-size", 300)

    def test_output_in_a_missing_folder(self, error, corpus, tmp_path):
        assert "nowhere" in error("train", corpus, "--vocab-size", 300, "--output", tmp_path / "nowhere" / "m")

    def test_output_that_is_a_directory(self, error, corpus, tmp_path):
        assert "directory" in error("train", corpus, "--vocab-size", 300, "--output", tmp_path).lower()
