"""The command on parts of a corpus: counted, merged, and trained on; and on checkpoints."""

import sys

import pytest

from bytepiece import LocalEngine, Trainer
from bytepiece.training.counting.blocks import read_header
from helpers.texts import random_texts


@pytest.fixture
def inputs(tmp_path):
    """Three text files; a line is a document."""
    texts = random_texts("abcdeé你12")
    folder = tmp_path / "in"
    folder.mkdir()
    for k in range(3):
        (folder / f"{k}.txt").write_text("".join(text.strip("\n") + "\n" for text in texts[k::3]))
    return sorted(folder.iterdir())


@pytest.fixture
def expected(inputs, ok, tmp_path):
    """The bytes of the model of all inputs."""
    path = tmp_path / "expected.model"
    ok("train", *inputs, "--vocab-size", 320, "--output", path, "--quiet")
    return path.read_bytes()


@pytest.mark.slow
def test_trains_on_parts(inputs, expected, ok, tmp_path):
    ngrams = [tmp_path / f"ngrams-{k}" for k in range(3)]
    pieces = [tmp_path / f"pieces-{k}" for k in range(3)]
    merged, model = tmp_path / "merged", tmp_path / "my.model"
    train_it = ("train", "--vocab-size", 320, "--output", model, "--quiet")
    for path, output in zip(inputs, ngrams, strict=True):
        ok("count", path, "--output", output, "--quiet")
    ok(*train_it, *inputs, "--from-counts", *ngrams)
    assert model.read_bytes() == expected
    ok("merge", *ngrams, "--output", merged)
    ok(*train_it, *inputs, "--from-counts", merged, "--workers", 2)
    assert model.read_bytes() == expected
    for path, output in zip(inputs, pieces, strict=True):
        ok("count", "--pieces", "--ngrams", merged, "--output", output, "--quiet", "--workers", 1, path)
    ok(*train_it, *inputs, "--from-counts", *pieces)
    assert model.read_bytes() == expected
    ok("merge", *pieces, "--output", merged)
    ok(*train_it, *inputs, "--from-counts", merged)
    assert model.read_bytes() == expected


@pytest.mark.slow
def test_trains_on_parts_of_the_same_files(inputs, expected, ok, tmp_path):
    """As the jobs of an array do, each with its number."""
    ngrams = [tmp_path / f"ngrams-{k}" for k in range(1, 6)]
    pieces = [tmp_path / f"pieces-{k}" for k in range(1, 6)]
    for k, output in enumerate(ngrams, 1):
        ok("count", *inputs, "--part", f"{k}/5", "--output", output, "--quiet")
    for k, output in enumerate(pieces, 1):
        ok("count", *inputs, "--part", f"{k}/5", "--pieces", "--ngrams", *ngrams, "--output", output, "--quiet")
    ok("train", "--vocab-size", 320, "--output", tmp_path / "model", *inputs, "--quiet", "--from-counts", *pieces)
    assert (tmp_path / "model").read_bytes() == expected


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 3])
def test_no_machine_reads_everything(n, ok, tmp_path, monkeypatch):
    """The steps of a job array, of a corpus that is larger than the sample: see docs/cluster.md."""
    monkeypatch.setattr("bytepiece.training.trainer.SMALLEST_SAMPLE", 1)
    folder = tmp_path / "in"
    folder.mkdir()
    for k in range(3):
        (folder / f"{k}.txt").write_text("".join(random_texts("abcdeé你12")) * (k + 1))
    refined = ["--refine-sample", 3000, "--refine-rounds", 1, "--special-token", "<x>"]
    train_it = ["train", "--vocab-size", "300,280", *refined, "--normalization", "nfc", "--quiet", "--output"]
    parts = [f"{k}/{n}" for k in range(1, n + 1)]

    def each(verb, name, *flags):
        outputs = [tmp_path / f"{k}.{name}" for k in range(1, n + 1)]
        for part, output in zip(parts, outputs, strict=True):
            ok(verb, folder, "--part", part, "--output", output, "--quiet", "--normalization", "nfc", *flags)
        return outputs

    ngrams = each("count", "ngrams")
    pieces = each("count", "pieces", "--pieces", "--ngrams", *ngrams)
    samples = each("sample", "sample", "--refine-sample", 3000)
    ok("merge", *samples, "--output", tmp_path / "sample")
    ok(*train_it, tmp_path / "draft", "--from-counts", *pieces, "--from-sample", tmp_path / "sample")
    drafts = [tmp_path / f"draft.{size}" for size in (300, 280)]
    tokens = each("count", "tokens", "--tokens", *drafts)
    ok(*train_it, tmp_path / "expected", folder)
    for size, draft in zip((300, 280), drafts, strict=True):
        ok("finish", draft, *(f"{path}.{size}" for path in tokens), "--output", tmp_path / "model")
        assert (tmp_path / "model").read_bytes() == (tmp_path / f"expected.{size}").read_bytes()
        assert draft.read_bytes() != (tmp_path / "model").read_bytes()


def test_a_draft_of_another_format(inputs, ok, error, tmp_path):
    ok("sample", *inputs, "--output", tmp_path / "sample", "--quiet")
    flags = ["--from-counts", "x", "--from-sample", tmp_path / "sample", "--format", "json", "--output", tmp_path / "x"]
    assert "saved in the format bytepiece" in error("train", "--vocab-size", 300, *flags, status=2)


@pytest.mark.parametrize("part", ["0/3", "4/3", "1/0", "-1/3"])
def test_a_part_that_does_not_exist(inputs, error, tmp_path, part):
    assert "--part must be" in error("count", *inputs, f"--part={part}", "--output", tmp_path / "counts")


@pytest.mark.parametrize("part", ["x", "1", "1/2/3", "/"])
def test_a_part_that_is_none(inputs, error, tmp_path, part):
    assert "--part" in error("count", *inputs, f"--part={part}", "--output", tmp_path / "counts", status=2)


@pytest.mark.slow
def test_takes_settings_with_counts(inputs, ok, error, tmp_path):
    ngrams, pieces, model = tmp_path / "ngrams", tmp_path / "pieces", tmp_path / "my.model"
    chosen = ["--order", 4, "--min-count", 3, "--isolate-digits", "--no-ensure-unicode", "--normalization", "nfc"]
    chosen += ["--boundaries", "words"]
    ok("count", *inputs, "--output", ngrams, "--quiet", *chosen)
    ok("count", *inputs, "--pieces", "--ngrams", ngrams, "--output", pieces, "--quiet", *chosen)
    chosen += ["--refine-rounds", 0]
    ok("train", "--from-counts", pieces, "--vocab-size", 300, "--output", model, "--quiet", *chosen)
    ok("train", *inputs, "--vocab-size", 300, "--output", tmp_path / "whole", "--quiet", *chosen)
    assert model.read_bytes() == (tmp_path / "whole").read_bytes()
    line = error("train", *inputs, "--from-counts", pieces, "--vocab-size", 300, "--output", model, "--quiet")
    assert str(pieces) in line
    assert "order 4, not 6" in line


def test_writes_what_the_trainer_writes(inputs, ok, tmp_path):
    ok("count", *inputs, "--output", tmp_path / "a", "--quiet")
    lines = [line for path in inputs for line in path.read_text().splitlines(keepends=True)]
    Trainer().count_ngrams(lines, tmp_path / "b", progress=False)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert read_header(tmp_path / "a")[0]["kind"] == "ngrams"


@pytest.mark.slow
def test_trains_with_a_checkpoint(inputs, expected, ok, tmp_path):
    model, folder = tmp_path / "my.model", tmp_path / "checkpoint"
    arguments = ("train", *inputs, "--output", model, "--quiet", "--checkpoint", folder)
    ok(*arguments, "--vocab-size", 320)
    assert (folder / "checkpoint.json").exists()
    ok(*arguments, "--vocab-size", 320, "--workers", 1, "--memory-limit", "128M", "--temp-dir", tmp_path)
    assert model.read_bytes() == expected


@pytest.mark.slow
def test_refuses_a_checkpoint_of_other_settings_in_one_line(inputs, ok, error, tmp_path):
    model, folder = tmp_path / "my.model", tmp_path / "checkpoint"
    arguments = ("train", *inputs, "--output", model, "--quiet", "--checkpoint", folder, "--vocab-size", 320)
    ok(*arguments)
    model.unlink()
    assert "order was 6 and is 3" in error(*arguments, "--order", 3)
    inputs[0].write_text("something else\n")
    assert "another corpus" in error(*arguments)
    assert not model.exists()


@pytest.mark.slow
def test_says_in_one_line_what_is_wrong(inputs, error, ok, tmp_path):
    counts, other, out = tmp_path / "counts", tmp_path / "other", tmp_path / "out"
    pieces = tmp_path / "pieces"
    ok("count", *inputs, "--output", counts, "--quiet")
    ok("count", *inputs, "--output", other, "--quiet", "--order", 3)
    ok("count", *inputs, "--pieces", "--ngrams", counts, "--output", pieces, "--quiet")
    train_it = ("train", "--vocab-size", 300, "--output", out, "--quiet")
    assert str(other) in error(*train_it, *inputs, "--from-counts", counts, other)
    assert str(other) in error("merge", counts, other, "--output", out)
    assert str(pieces) in error(*train_it, *inputs, "--from-counts", counts, pieces)
    assert str(pieces) in error("merge", counts, pieces, "--output", out)
    assert str(pieces) in error("count", *inputs, "--pieces", "--ngrams", pieces, "--output", out, "--quiet")
    assert "ngrams" in error("count", *inputs, "--pieces", "--output", out, "--quiet")
    assert "no texts" in error(*train_it, "--from-counts", counts, "--refine-rounds", 0)
    assert "refinement needs the texts" in error(*train_it, "--from-counts", pieces, status=2)
    assert str(inputs[0]) in error(*train_it, *inputs, "--from-counts", inputs[0])
    assert str(inputs[0]) in error("merge", inputs[0], "--output", out)
    assert str(tmp_path / "none") in error("merge", tmp_path / "none", "--output", out)
    assert str(tmp_path) in error("merge", tmp_path, "--output", out)
    assert str(tmp_path / "none") in error("merge", counts, "--output", tmp_path / "none" / "out")
    assert "memory-limit" in error(*train_it, *inputs, "--memory-limit", "much", status=2)
    assert "memory_limit" in error(*train_it, *inputs, "--memory-limit", "1K")
    assert str(tmp_path / "none") in error(*train_it, *inputs, "--temp-dir", tmp_path / "none")
    assert not out.exists()


@pytest.mark.parametrize("arguments", ["count", "count x", "merge --output x", "merge x", "train --output x"])
def test_needs_its_arguments(arguments, error):
    assert "--help" in error(*arguments.split(), status=2)


def test_ngrams_without_pieces_are_refused(inputs, run, ok, tmp_path):
    """With n-grams given, it is pieces that are to be counted."""
    ok("count", *inputs, "--output", tmp_path / "ngrams", "--quiet")
    arguments = ("count", *inputs, "--ngrams", tmp_path / "ngrams", "--output", tmp_path / "out", "--quiet")
    status, out, err = run(*arguments)
    assert status != 0
    assert out == b""
    assert "--pieces" in err
    assert not (tmp_path / "out").exists()


class TestEngines:
    """The flags; tests/engines has trainings."""

    def train(self, *flags):
        return ["train", "--vocab-size", 320, "--output", "model", *flags]

    def test_address_without_engine(self, inputs, error):
        assert "go with --engine" in error(*self.train(*inputs, "--address", "auto"), status=2)

    def test_without_ray(self, inputs, error, monkeypatch):
        monkeypatch.setitem(sys.modules, "ray", None)
        assert "pip install ray" in error(*self.train(*inputs, "--engine", "ray"))

    def test_with_ray(self, inputs, expected, ok, tmp_path, monkeypatch):
        """An engine of this process in the place of Ray."""
        monkeypatch.setattr("bytepiece.cli.options.RayEngine", lambda address, workers: LocalEngine(tmp_path, workers))
        flags = ["--engine", "ray", "--address", "auto", "--task-workers", 1, "--quiet"]
        ok("train", "--vocab-size", 320, "--output", tmp_path / "model", *inputs, *flags)
        assert (tmp_path / "model").read_bytes() == expected
