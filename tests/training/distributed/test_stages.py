"""A training on an engine goes on from the stages that were finished."""

import numpy as np
import pytest

from bytepiece import CheckpointError, Corpus, CountsFormatError, LocalEngine, Trainer
from bytepiece.core.packed import PackedBytes
from bytepiece.training.counting.blocks import read_header
from bytepiece.training.counting.counts_file import save_counts
from bytepiece.training.counting.runs import NgramRun
from bytepiece.training.counting.spool import RunFile
from bytepiece.training.distributed import source
from bytepiece.training.distributed.stages import Stages
from helpers.divided import Divided
from helpers.engine_training import STAGES


class Failure(Exception):
    """What a training is interrupted by."""


@pytest.fixture
def engine(tmp_path):
    return LocalEngine(tmp_path, workers=1)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "checkpoint"


def train(texts, engine, folder=None, **settings):
    trainer = Trainer(**{"vocab_size": 350} | settings)
    trainer.train(texts, engine=engine, checkpoint=folder, progress=False)
    return trainer


def stages_of(trainer):
    return [stage["name"] for stage in trainer.report["stages"]]


@pytest.fixture
def sampled(monkeypatch):
    """The settings with a sample of some of the texts, so that there is a last count."""
    monkeypatch.setattr("bytepiece.training.trainer.SMALLEST_SAMPLE", 1)
    return {"refine_sample": 4000, "vocab_size": [350, 300]}


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_interrupted_in_any_stage(engine, folder, divided, texts, stage, sampled, monkeypatch):
    run = source.PartitionedSource._map

    def interrupted(self, context, name, *args):
        if name == stage:
            raise Failure
        return run(self, context, name, *args)

    with monkeypatch.context() as patch:
        patch.setattr(source.PartitionedSource, "_map", interrupted)
        with pytest.raises(Failure):
            train(divided(3), engine, folder, **sampled)
    trainer = train(divided(3), engine, folder, **sampled)
    assert trainer.models == train(texts, None, **sampled).models
    assert ("Counting n-grams" in stages_of(trainer)) == (STAGES.index(stage) < 2)
    assert ("Discovering pieces" in stages_of(trainer)) == (STAGES.index(stage) < 5)
    assert ("Sampling" in stages_of(trainer)) == (STAGES.index(stage) < 7)
    assert trainer.report["documents"] == len(texts)


@pytest.mark.slow
def test_finished(engine, folder, divided, sampled):
    first = train(divided(3), engine, folder, **sampled)
    again = train(divided(3), engine, folder, **sampled)
    assert again.models == first.models
    assert not {*STAGES} & {*stages_of(again)}


@pytest.mark.slow
def test_with_other_phrases(engine, folder, divided, texts, sampled):
    """Which are no matter of the sample: but the last counts are those of another vocabulary."""
    train(divided(3), engine, folder, phrases=0, **sampled)
    again = train(divided(3), engine, folder, phrases=0.5, **sampled)
    assert again.models == train(texts, None, phrases=0.5, **sampled).models
    assert [stage for stage in stages_of(again) if stage in STAGES] == ["Counting pieces"]


@pytest.mark.slow
def test_skipped_documents_are_known_again(engine, folder, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "a clock and a boat"}\n' * 50 + "{\n", encoding="utf-8")
    for _ in range(2):
        corpus = Corpus(tmp_path / "a.jsonl", on_error="skip")
        train(corpus, engine, folder)
        assert corpus.skipped == 1
        assert "line 51" in corpus.first_error


@pytest.mark.slow
def test_of_other_settings(engine, folder, divided):
    train(divided(3), engine, folder, min_count=3)
    with pytest.raises(CheckpointError, match="other settings: min_count was 3 and is 4"):
        train(divided(3), engine, folder, min_count=4)


@pytest.mark.slow
def test_of_another_division(engine, folder, divided):
    train(divided(3), engine, folder)
    with pytest.raises(CheckpointError, match="another corpus"):
        train(divided(4), engine, folder)


@pytest.mark.slow
@pytest.mark.parametrize("change", [{"seed": 1}, {"text_field": "title"}, {"on_error": "skip"}], ids=str)
def test_of_a_corpus_read_otherwise(engine, folder, tmp_path, change):
    (tmp_path / "a.txt").write_text("a clock and a boat\n" * 50, encoding="utf-8")
    corpus = {"paths": tmp_path / "a.txt", "sample_bytes": 500}
    train(Corpus(**corpus), engine, folder, refine_rounds=0)
    with pytest.raises(CheckpointError, match="another corpus"):
        train(Corpus(**corpus, **change), engine, folder, refine_rounds=0)


def test_of_another_file_behind_the_first(engine, folder, tmp_path):
    for name in "abc":
        (tmp_path / name).with_suffix(".txt").write_text(f"a clock and {name} boat\n" * 50, encoding="utf-8")
    train(Corpus([tmp_path / "a.txt", tmp_path / "b.txt"]), engine, folder, refine_rounds=0)
    with pytest.raises(CheckpointError, match="another corpus"):
        train(Corpus([tmp_path / "a.txt", tmp_path / "c.txt"]), engine, folder, refine_rounds=0)


@pytest.mark.slow
def test_one_folder_serves_one_training(engine, folder, divided):
    with Stages(folder, {}), pytest.raises(CheckpointError, match="another training uses"):
        train(divided(3), engine, folder)
    train(divided(3), engine, folder)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ngrams", "pieces", "sample", "tokens-350"])
def test_a_flipped_byte(engine, folder, divided, sampled, name):
    """At the end of a file, behind its header."""
    train(divided(3), engine, folder, **sampled)
    if name == "ngrams":
        (folder / "pieces.counts").unlink()  # which make the n-grams needless
    path = folder / f"{name}.counts"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=rf"{name}\.counts: damaged .* remove the folder to start anew"):
        train(divided(3), engine, folder, **sampled)


@pytest.mark.slow
def test_of_other_texts(engine, folder, divided, texts):
    train(divided(3), engine, folder)
    (folder / "sample.counts").unlink()
    with pytest.raises(Exception, match="not the same"):
        train(Divided([*texts[:-1], "another"], 3), engine, folder)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pieces", "sample", "tokens-350"])
def test_damaged(engine, folder, divided, sampled, name):
    train(divided(3), engine, folder, **sampled)
    path = folder / f"{name}.counts"
    data = path.read_bytes()
    path.write_bytes(b"bytepiece-counts 1\n{}\n" + data[100:])
    with pytest.raises(CheckpointError, match=rf"{name}\.counts: damaged"):
        train(divided(3), engine, folder, **sampled)


def rewrite(path, header, runs):
    """Replace a file by one with a right checksum."""
    found, _ = read_header(path)
    save_counts(path, found | header, runs)


@pytest.mark.parametrize(
    "facts", [5, "abc", [1, 2], [1, 2, 3], [-1, 2, "x"], [1, 2, "x", "y"], [1, 2, "x", 0, 5]], ids=str
)
def test_of_facts_that_are_none(engine, folder, divided, facts):
    train(divided(3), engine, folder, refine_rounds=0)
    path = folder / "pieces.counts"
    rewrite(path, {"facts": facts}, [*RunFile.open(path, "pieces")])
    with pytest.raises(CheckpointError, match=r"pieces\.counts: damaged"):
        train(divided(3), engine, folder, refine_rounds=0)


def test_of_ngrams_that_are_too_long(engine, folder, divided):
    train(divided(3), engine, folder, refine_rounds=0)
    (folder / "pieces.counts").unlink()
    path = folder / "ngrams.counts"
    key = int.from_bytes(b"abcdefg\x07", "big")
    rewrite(path, {}, [NgramRun(np.array([key], np.uint64), np.array([5], np.uint64))])
    with pytest.raises(CountsFormatError, match="damaged"):
        train(divided(3), engine, folder, refine_rounds=0)


def test_of_pieces_without_single_bytes(engine, folder, divided):
    train(divided(3), engine, folder, refine_rounds=0)
    rewrite(folder / "pieces.counts", {}, [PackedBytes.from_list([b"ab"]).with_counts(np.array([5], np.uint64))])
    assert b"ab" in train(divided(3), engine, folder, refine_rounds=0).models[350].pieces
