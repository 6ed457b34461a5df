"""The command on folders, patterns, samples and archives, and on documents that cannot be read."""

import sys

import pytest

from bytepiece import Corpus, Model, Trainer
from bytepiece.cli.main import main


class TestCommand:
    @pytest.fixture
    def folder(self, tmp_path):
        (tmp_path / "data" / "deep").mkdir(parents=True)
        (tmp_path / "data" / "a.txt").write_bytes(b"zebra crossing\n" * 50 + b"\xff\n")
        (tmp_path / "data" / "deep" / "b.jsonl").write_bytes(b'{"text": "giraffe house"}\n' * 50 + b"{}\n")
        return tmp_path / "data"

    def train(self, *arguments):
        output = arguments[-1]
        status = main(["train", "--vocab-size", "300", "--output", *map(str, (output, *arguments[:-1]))])
        return status, [piece for piece in Model.load(output).pieces if len(piece) > 1] if status == 0 else None

    def test_stops_by_default(self, folder, tmp_path, capsys):
        assert self.train(folder, tmp_path / "model")[0] == 1
        err = capsys.readouterr().err
        assert f"{folder / 'a.txt'}, line 51: not UTF-8" in err
        assert not (tmp_path / "model").exists()

    @pytest.mark.parametrize("as_pattern", [False, True])
    def test_skips_and_says_so(self, folder, tmp_path, capsys, as_pattern):
        source = f"{folder}/**/*.*" if as_pattern else folder
        status, pieces = self.train(source, "--on-error", "skip", tmp_path / "model")
        assert status == 0
        assert any(b"zebra" in piece for piece in pieces)
        assert any(b"giraffe" in piece for piece in pieces)
        (line,) = (line for line in capsys.readouterr().err.splitlines() if "skipped" in line)
        says = f"skipped 2 documents that cannot be read, the first: {folder / 'a.txt'}, line 51: not UTF-8"
        assert line.startswith(f"bytepiece train: {says}")

    def test_says_nothing_where_nothing_was_skipped(self, folder, tmp_path, capsys):
        (folder / "deep" / "b.jsonl").write_bytes(b'{"text": "giraffe house"}\n' * 50)
        assert self.train(folder / "deep", "--on-error", "skip", tmp_path / "model")[0] == 0
        assert "skipped" not in capsys.readouterr().err

    @pytest.mark.slow
    def test_sample(self, tmp_path):
        (tmp_path / "a.txt").write_text("".join(f"number {k}\n" for k in range(3000)))
        models = []
        for more in ([], ["--sample-bytes", "2K"], ["--sample-bytes", "2K", "--seed", "0"], ["--seed", "1"]):
            if more == ["--seed", "1"]:
                more = ["--sample-bytes", "2048", *more]
            assert self.train(tmp_path / "a.txt", *more, tmp_path / "model")[0] == 0
            models.append(Model.load(tmp_path / "model"))
        assert models[1] == models[2]
        assert models[1] not in (models[0], models[3])
        assert sum(len(piece) * n for piece, n in zip(models[1].pieces, models[1].counts, strict=True)) < 4096

    @pytest.mark.slow
    def test_sample_equals_training_on_the_sample(self, tmp_path):
        (tmp_path / "a.txt").write_text("".join(f"number {k}\n" for k in range(3000)))
        trainer = Trainer(vocab_size=300)
        trainer.train(list(Corpus(tmp_path / "a.txt", sample_bytes=5000, seed=7)), progress=False)
        self.train(tmp_path / "a.txt", "--sample-bytes", "5000", "--seed", "7", tmp_path / "model")
        assert Model.load(tmp_path / "model") == trainer.models[300]

    @pytest.mark.parametrize(
        "wrong", [["--on-error", "ignore"], ["--sample-bytes", "many"], ["--sample-bytes", "0"], ["--seed", "x"]]
    )
    def test_wrong_usage(self, folder, tmp_path, capsys, wrong):
        with pytest.raises(SystemExit) as caught:
            self.train(folder, *wrong, tmp_path / "model")
        assert caught.value.code == 2
        err = capsys.readouterr().err
        assert wrong[0] in err
        assert err.count("\n") == 1

    @pytest.mark.parametrize("missing", ["nothing.txt", "*.nothing"])
    def test_missing_input_is_known_before_any_work(self, folder, tmp_path, capsys, missing):
        assert self.train(folder / "a.txt", tmp_path / missing, tmp_path / "model")[0] == 1
        assert missing in capsys.readouterr().err

    def test_missing_library(self, folder, tmp_path, capsys, monkeypatch):
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        (folder / "c.parquet").write_bytes(b"")
        assert self.train(folder, tmp_path / "model")[0] == 1
        assert "pip install pyarrow\n" in capsys.readouterr().err

    def test_parquet_and_zstd(self, tmp_path, write_parquet, zstd):
        lines = ["zebra crossing\n", "giraffe house\n"] * 50
        (tmp_path / "in").mkdir()
        write_parquet("in/a.parquet", text=lines)
        (tmp_path / "in" / "b.txt.zst").write_bytes(zstd.compress("".join(lines).encode()))
        trainer = Trainer(vocab_size=300)
        trainer.train(lines * 2, progress=False)
        assert self.train(tmp_path / "in", tmp_path / "model")[0] == 0
        assert Model.load(tmp_path / "model") == trainer.models[300]

    def test_encode_reads_zstd(self, tmp_path, zstd, byte_model, capfdbinary):
        byte_model.save(tmp_path / "model")
        (tmp_path / "a.jsonl.zst").write_bytes(zstd.compress(b'{"text": "hello"}\n'))
        assert main(["tokenize", "--model", str(tmp_path / "model"), str(tmp_path / "a.jsonl.zst")]) == 0
        assert capfdbinary.readouterr().out == b"he\tllo\n"
