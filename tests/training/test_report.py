"""What a training shows and reports."""

import gzip
import json
import lzma
import random
import re
import sys

import pytest
from tqdm import tqdm

from bytepiece import Corpus, Tokenizer, TrainingError
from bytepiece.cli.main import main
from bytepiece.training.progress import Progress
from bytepiece.training.resources import Resources
from helpers.trainers import plain_trainer

SIZES = [300, 1000]


@pytest.fixture(scope="module")
def texts():
    """All bytes of a character occur in some text."""
    generator = random.Random(0)
    words = ["".join(generator.choices("abcdeé你12", k=generator.randint(1, 7))) for _ in range(60)]
    return [" ".join(generator.choices(words, k=40)) + "\n" * (k % 3) for k in range(24)]


@pytest.fixture(scope="module")
def n_bytes(texts):
    return sum(len(text.encode()) for text in texts)


@pytest.fixture(scope="module")
def trainer(texts):
    return train(texts)


DEFAULTS = {"min_count": None, "boundaries": "words", "refine_rounds": 2, "refine_objective": "likelihood"}


def train(texts, workers=1, from_counts=(), checkpoint=None, **settings):
    trainer = plain_trainer(**{"vocab_size": SIZES} | settings)
    trainer.train(texts, workers, from_counts=from_counts, checkpoint=checkpoint, progress=False)
    return trainer


def stages_of(report):
    return {stage["name"]: stage for stage in report["stages"]}


def without_measures(report):
    """The report without times and memory, which differ from run to run."""
    stages = [{name: value for name, value in stage.items() if name != "seconds"} for stage in report["stages"]]
    return {name: value for name, value in report.items() if name not in ("seconds", "peak_memory")} | {
        "stages": stages
    }


# The report.


def test_there_is_no_report_before_training():
    with pytest.raises(TrainingError, match="train"):
        _ = plain_trainer().report


def test_it_is_json(trainer):
    assert json.loads(json.dumps(trainer.report)) == trainer.report


def test_it_has_the_size_of_the_corpus(trainer, texts, n_bytes):
    assert trainer.report["n_bytes"] == n_bytes
    assert trainer.report["documents"] == len(texts)


def test_bytes_are_those_after_normalization():
    report = train(["e\u0301" * 10], normalization="nfc").report
    assert report["n_bytes"] == 20


def test_it_has_all_stages_in_their_order(trainer):
    assert [stage["name"] for stage in trainer.report["stages"]] == [
        "Counting n-grams",
        "Discovering pieces",
        "Selecting pieces",
        "Pruning",
    ]


def test_stages_have_counted_all_bytes(trainer, n_bytes):
    stages = stages_of(trainer.report)
    for name in ("Counting n-grams", "Discovering pieces"):
        assert (stages[name]["amount"], stages[name]["unit"]) == (n_bytes, "B")


def test_pruning_has_rounds(trainer):
    assert stages_of(trainer.report)["Pruning"]["amount"] >= len(SIZES)


def test_times_add_up(trainer):
    report = trainer.report
    assert all(stage["seconds"] >= 0 for stage in report["stages"])
    assert sum(stage["seconds"] for stage in report["stages"]) <= report["seconds"] + 0.01


@pytest.mark.skipif(sys.platform == "win32", reason="the system does not say")
def test_peak_memory_is_in_bytes(trainer):
    assert 2**24 < trainer.report["peak_memory"] < 2**40


def test_it_has_each_model(trainer):
    models = trainer.report["models"]
    assert [*models] == [str(size) for size in sorted(SIZES, reverse=True)]
    for size, model in trainer.models.items():
        assert models[str(size)]["pieces"] == len(model.pieces)
        assert models[str(size)]["longest_piece"] == max(map(len, model.pieces))


def test_bytes_per_token_are_about_those_of_encoding(trainer, texts, n_bytes):
    """The corpus is cut a bit differently in training."""
    for size, model in trainer.models.items():
        tokenizer = Tokenizer(model)
        n_tokens = sum(len(tokenizer.encode(text)) for text in texts)
        assert trainer.report["models"][str(size)]["bytes_per_token"] == pytest.approx(n_bytes / n_tokens, rel=0.2)


@pytest.mark.parametrize("text", ["a", "ab" * 5, "some words"])
def test_no_token_has_less_than_a_byte(text):
    """Of a corpus, however small. Bytes that do not occur in it are no tokens of it."""
    report = train([text]).report
    assert all(model["bytes_per_token"] >= 1 for model in report["models"].values())


def test_tokens_of_single_bytes_have_one_byte(n_bytes, texts):
    report = train(texts, vocab_size=259).report
    assert report["models"]["259"]["bytes_per_token"] == 1


@pytest.mark.parametrize("workers", [2, 5])
@pytest.mark.parametrize("batch_bytes", [100, 2**22])
def test_what_is_not_measured_is_the_same_for_any_resources(batch_bytes, workers, texts, trainer, monkeypatch):
    monkeypatch.setattr(Resources, "batch_bytes", batch_bytes)
    monkeypatch.setattr(Resources, "counter_bytes", lambda *_, **__: 1000)
    monkeypatch.setattr(Resources, "store_bytes", lambda *_, **__: 1000)
    assert without_measures(train(texts, workers).report) == without_measures(trainer.report)


def test_a_resumed_training_reports_the_whole(texts, trainer, tmp_path):
    train(texts, checkpoint=tmp_path)
    assert without_measures(train(texts, checkpoint=tmp_path).report) == without_measures(trainer.report)


def test_with_counts_of_ngrams_there_is_no_first_pass(texts, trainer, n_bytes, tmp_path):
    trainer.count_ngrams(texts, tmp_path / "ngrams", progress=False)
    report = train(texts, from_counts=[tmp_path / "ngrams"]).report
    assert [*stages_of(report)] == ["Discovering pieces", "Selecting pieces", "Pruning"]
    assert report["n_bytes"] == n_bytes
    assert report["models"] == trainer.report["models"]


def test_with_counts_of_pieces_there_is_no_corpus(texts, trainer, tmp_path):
    trainer.count_ngrams(texts, tmp_path / "ngrams", progress=False)
    trainer.count_pieces(texts, [tmp_path / "ngrams"], tmp_path / "pieces", progress=False)
    report = train(None, from_counts=[tmp_path / "pieces"]).report
    assert [*stages_of(report)] == ["Selecting pieces", "Pruning"]
    assert "n_bytes" not in report
    assert report["models"]["300"]["pieces"] == trainer.report["models"]["300"]["pieces"]


def test_it_is_new_at_each_call(trainer):
    expected = json.dumps(trainer.report)
    report = trainer.report
    report["models"].clear()
    report["stages"][0].clear()
    report.clear()
    assert json.dumps(trainer.report) == expected


def test_it_is_that_of_the_last_training(texts, n_bytes):
    trainer = train(["ab" * 9])
    trainer.train(texts, progress=False)
    assert trainer.report["n_bytes"] == n_bytes


def test_a_failed_training_leaves_it_as_it_was(texts):
    trainer = train(texts)
    report = trainer.report
    with pytest.raises(KeyboardInterrupt):
        trainer.train(interrupted(texts), progress=False)
    assert trainer.report == report


def interrupted(texts):
    class Texts:
        def __iter__(self):
            yield from texts
            raise KeyboardInterrupt

    return Texts()


# Progress.


@pytest.fixture
def bars(monkeypatch):
    """All progress bars; they appear at once, not after a second."""
    bars = []

    def new(**options):
        bars.append(tqdm(**options | {"delay": 0, "mininterval": 0}))
        return bars[-1]

    monkeypatch.setattr("bytepiece.bars.Bar", new)
    return bars


def test_a_stage_adds_up_what_it_is_told(bars):
    progress = Progress(False)
    with progress.stage("Sifting", "B", 100) as advance:
        for amount in (30, 0, 12):
            advance(amount)
    (stage,) = progress.report({})["stages"]
    assert (stage["name"], stage["unit"], stage["amount"]) == ("Sifting", "B", 42)


def test_a_stage_that_fails_is_not_done(bars):
    progress = Progress(True)
    with pytest.raises(KeyError), progress.stage("Sifting", "B"):
        raise KeyError
    assert progress.report({})["stages"] == []
    assert bars[0].disable  # closed


def test_stages_come_in_their_order():
    progress = Progress(False)
    for name in "cab":
        with progress.stage(name, " rounds"):
            pass
    assert [stage["name"] for stage in progress.report({})["stages"]] == [*"cab"]


def test_what_is_noted_is_reported():
    progress = Progress(False)
    progress.note(a=1, b=2)
    progress.note(b=3)
    report = progress.report({})
    assert (report["a"], report["b"]) == (1, 3)


def test_a_bar_has_bytes_rate_and_total(bars, capsys):
    with Progress(True).stage("Sifting", "B", 2_000_000) as advance:
        advance(1_000_000)
    line = capsys.readouterr().err
    assert "Sifting" in line
    assert re.search(r"1\.00M/2\.00M .*B/s", line)


def test_what_is_done_and_its_share_give_the_total(bars):
    shares = iter([0.0, 0.1, 0.5, 0.51, 1.0])
    totals = []
    with Progress(True).stage("Sifting", "B", share=lambda: next(shares)) as advance:
        for amount in (0, 30, 30, 30, 30):
            advance(amount)
            totals.append(bars[0].total)
    assert totals == [None, 300, 120, 176, 120]


@pytest.mark.parametrize("ending", ["", ".gz", ".xz"])
@pytest.mark.parametrize("verb", ["train", "count_ngrams", "count_pieces"])
def test_bars_reach_their_ends(verb, ending, bars, texts, n_bytes, tmp_path):
    """Compressed files, too; their number of bytes says nothing about the text."""
    path = tmp_path / f"corpus.jsonl{ending}"
    opener = {".gz": gzip.open, ".xz": lzma.open}.get(ending, open)
    with opener(path, "wt") as file:
        file.writelines(json.dumps({"text": text}) + "\n" for text in texts)
    trainer = plain_trainer(vocab_size=SIZES)
    if verb == "train":
        trainer.train(Corpus(path), 2)
    else:
        trainer.count_ngrams(Corpus(path), tmp_path / "ngrams", progress=False)
        given = [tmp_path / "out"] if verb == "count_ngrams" else [[tmp_path / "ngrams"], tmp_path / "out"]
        getattr(trainer, verb)(Corpus(path), *given)
    shown = bars[:2] if verb == "train" else bars[-1:]
    assert {(bar.n, bar.total) for bar in shown} == {(n_bytes, n_bytes)}


@pytest.mark.parametrize("verb", ["count_ngrams", "count_pieces"])
@pytest.mark.parametrize("progress", [True, False])
def test_counting_parts_shows_progress_unless_it_is_off(progress, verb, bars, texts, tmp_path, capsys):
    trainer = plain_trainer()
    trainer.count_ngrams(texts, tmp_path / "ngrams", progress=False)
    given = () if verb == "count_ngrams" else ([tmp_path / "ngrams"],)
    getattr(trainer, verb)(texts, *given, tmp_path / "out", progress=progress)
    out, err = capsys.readouterr()
    assert out == ""
    assert bool(err) == progress


def test_bars_of_a_failed_training_are_closed(bars, texts):
    with pytest.raises(KeyboardInterrupt):
        plain_trainer().train(interrupted(texts))
    assert all(bar.disable for bar in bars)


def test_progress_is_told_from_any_worker(bars, texts, n_bytes, monkeypatch):
    monkeypatch.setattr(Resources, "batch_bytes", 100)
    monkeypatch.setattr(Resources, "MERGED_FILES", 2)
    monkeypatch.setattr(Resources, "counter_bytes", lambda *_, **__: 0)
    monkeypatch.setattr(Resources, "store_bytes", lambda *_, **__: 0)
    plain_trainer(vocab_size=SIZES).train(texts, 4)
    assert [bar.n for bar in bars[:2]] == [n_bytes] * 2


# The command.


@pytest.fixture
def corpus(texts, tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text("".join(text.strip("\n") + "\n" for text in texts))
    return path


@pytest.fixture
def train_it(run, corpus, tmp_path):
    """Run ``bytepiece train`` in this process: its status, and standard error; standard output stays empty."""

    def train_it(*arguments, sizes="300,1000"):
        options = ["--vocab-size", sizes, "--output", tmp_path / "my.model"]
        status, out, err = run("train", corpus, *options, *arguments)
        assert out == b""
        return status, err

    return train_it


def test_command_sums_up_in_one_line(train_it, corpus):
    status, line = train_it()
    assert status == 0
    n_lines = len(corpus.read_text().splitlines())
    pattern = (
        r"bytepiece train: \d+\.\d s; 0\.0 MB of text in {} documents; "
        r"min_count 2, 2 rounds of refinement; (peak memory \d+ MB; )?"
        r"vocabulary 1000: \d+ pieces, \d\.\d+ bytes per token; vocabulary 300: 297 pieces, \d\.\d+ bytes per token\n"
    )
    assert re.fullmatch(pattern.format(n_lines), line)


def test_quiet_command_says_nothing(train_it, bars):
    assert train_it("--quiet") == (0, "")


@pytest.mark.slow
def test_command_shows_progress(train_it, bars):
    _, shown = train_it()
    for name in ("Counting n-grams", "Discovering pieces", "Pruning"):
        assert name in shown


def test_command_writes_the_report(train_it, corpus, tmp_path):
    assert train_it("--quiet", "--report", tmp_path / "report.json") == (0, "")
    lines = corpus.read_text().splitlines(keepends=True)
    written = json.loads((tmp_path / "report.json").read_text())
    assert without_measures(written) == without_measures(train(lines, **DEFAULTS).report)
    assert written["seconds"] >= 0


@pytest.mark.slow
def test_report_ends_in_a_newline(train_it, tmp_path):
    train_it("--quiet", "--report", tmp_path / "report.json")
    assert (tmp_path / "report.json").read_bytes().endswith(b"}\n")


def test_report_replaces_another(train_it, tmp_path):
    (tmp_path / "report.json").write_text("old")
    train_it("--quiet", "--report", tmp_path / "report.json")
    assert "models" in json.loads((tmp_path / "report.json").read_text())


def test_a_report_that_cannot_be_written_is_an_error_in_one_line(train_it, tmp_path):
    status, line = train_it("--quiet", "--report", tmp_path / "none" / "report.json")
    assert status == 1
    assert re.fullmatch(r"bytepiece train: .*report\.json: .*\n", line)


def test_a_failed_training_writes_no_report(train_it, tmp_path):
    status, _ = train_it("--quiet", "--report", tmp_path / "report.json", "--order", 9)
    assert status == 1
    assert not (tmp_path / "report.json").exists()


def test_command_on_counts_reports_what_it_knows(train_it, corpus, tmp_path):
    lines = corpus.read_text().splitlines(keepends=True)
    trainer = plain_trainer()
    trainer.count_ngrams(lines, tmp_path / "ngrams", progress=False)
    trainer.count_pieces(lines, [tmp_path / "ngrams"], tmp_path / "pieces", progress=False)
    arguments = ["--preset", "bytepiece-0.6.3", "--normalization", "none", "--from-counts", tmp_path / "pieces"]
    status, line = train_it(*arguments, "--report", tmp_path / "report.json", sizes="300")
    assert status == 0
    assert re.fullmatch(
        r"bytepiece train: \d+\.\d s; min_count 2, not refined; (peak memory \d+ MB; )?"
        r"vocabulary 300: 297 pieces(, [\d.]+ bytes per token)?\n",
        line,
    )
    assert json.loads((tmp_path / "report.json").read_text())["models"]["300"]["pieces"] == 297


@pytest.mark.slow
def test_skipped_documents_are_counted_at_the_end(train_it, corpus):
    corpus.write_bytes(corpus.read_bytes() + b"\xff\n\xfe\n")
    status, lines = train_it("--on-error", "skip")
    assert status == 0
    assert "skipped 2 documents" in lines.splitlines()[-2]
    assert f"{corpus}, line " in lines


@pytest.mark.slow
def test_a_closed_standard_error_is_no_error(train_it, monkeypatch, corpus, tmp_path):
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr("bytepiece.bars.DELAY", 0)  # as in a training that takes long
    arguments = ["train", corpus, "--vocab-size", "300", "--output", tmp_path / "my.model"]
    assert main([str(argument) for argument in arguments]) == 0
    assert (tmp_path / "my.model").exists()
