"""Models of a corpus in parts are those of the whole, however it is divided."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import Corpus, CorpusError, EngineError, LocalEngine, SettingsError, Trainer, TrainingError
from bytepiece.training.counting import packed_runs
from bytepiece.training.distributed import source, tasks
from bytepiece.training.resources import Resources
from helpers.divided import Divided
from helpers.properties import examples

SIZES = [400, 320]
PLAIN = {"refine_rounds": 0, "boundaries": None, "min_count": 2}


@pytest.fixture
def engine(tmp_path):
    return LocalEngine(tmp_path, workers=2)


def train(texts, engine=None, **settings):
    given = {name: settings.pop(name) for name in ("checkpoint", "memory_limit") if name in settings}
    trainer = Trainer(**{"vocab_size": SIZES} | settings)
    trainer.train(texts, engine=engine, progress=False, **given)
    return trainer


@pytest.fixture(scope="module")
def expected(texts):
    """The models of the whole, by their settings."""
    models = {}

    def of(**settings):
        key = repr(settings)
        if key not in models:
            models[key] = train(texts, **settings).models
        return models[key]

    return of


@pytest.fixture
def small_sample(monkeypatch):
    """The setting for a sample of a fifth of the texts."""
    monkeypatch.setattr("bytepiece.training.trainer.SMALLEST_SAMPLE", 1)
    return {"refine_sample": 4000}


class TestModelsAreTheSame:
    @pytest.mark.parametrize(
        "n", [1, 3, pytest.param(17, marks=pytest.mark.slow), pytest.param(160, marks=pytest.mark.slow)]
    )
    @pytest.mark.parametrize("settings", [{}, PLAIN], ids=["refined", "plain"])
    def test_in_any_number_of_parts(self, engine, divided, expected, n, settings):
        assert train(divided(n), engine, **settings).models == expected(**settings)

    @pytest.mark.slow
    def test_with_a_sample(self, engine, divided, texts, small_sample):
        whole = train(texts, **small_sample)
        assert whole.models != train(texts, refine_rounds=1).models
        for n in (1, 7):
            assert train(divided(n), engine, **small_sample).models == whole.models
        assert "Counting pieces" in [stage["name"] for stage in whole.report["stages"]]

    @pytest.mark.slow
    @given(seed=st.integers(0, 2**32), n=st.integers(1, 30), sampled=st.booleans(), data=st.data())
    @examples(10)
    def test_shuffled(self, engine, divided, texts, monkeypatch, seed, n, sampled, data):
        monkeypatch.setattr(packed_runs, "BLOCK_ITEMS", data.draw(st.integers(1, 1000)))
        monkeypatch.setattr(tasks, "LOOK_BYTES", data.draw(st.integers(1, 1000)))
        monkeypatch.setattr(Resources, "MERGED_FILES", data.draw(st.integers(2, 16)))
        monkeypatch.setattr("bytepiece.training.trainer.SMALLEST_SAMPLE", 1)
        size = {"refine_sample": 4000 if sampled else 10**6}
        order = random.Random(seed).sample(range(len(texts)), len(texts))
        assert train(divided(n, order), engine, **size).models == train(texts, **size).models

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "settings",
        [
            {"order": 7, "min_count": 5},
            {"order": 1, **PLAIN},
            {"ensure_unicode": False, "normalization": "nfc"},
            {"isolate_digits": True, "boundaries": None, "refine_objective": "length"},
            {"max_piece_length": 3, "memory_limit": "96M"},
        ],
        ids=str,
    )
    def test_with_any_settings(self, engine, divided, texts, settings):
        assert train(divided(5), engine, **settings).models == train(texts, **settings).models

    @pytest.mark.slow
    def test_of_files(self, engine, tmp_path, texts, monkeypatch):
        monkeypatch.setattr("bytepiece.engines.parts.LEAST_PART", 1000)
        (tmp_path / "a.txt").write_text("".join(texts), encoding="utf-8")
        (tmp_path / "b.txt").write_text("one more\n" * 100, encoding="utf-8")
        corpus = Corpus([tmp_path / "a.txt", tmp_path / "b.txt"], sample_bytes=9000, seed=3)
        trainer = train(corpus, engine)
        assert trainer.models == train(corpus).models
        assert trainer.report["stages"][0]["tasks"] > 10


class TestErrors:
    def test_texts_that_have_no_parts(self, engine):
        with pytest.raises(CorpusError, match=r"files of a bytepiece\.Corpus, not a list"):
            train(["a text"], engine)

    def test_no_text(self, engine):
        with pytest.raises(CorpusError, match="no text to train on"):
            train(Divided(["", ""], 3), engine)

    def test_counts_beside_an_engine(self, engine, divided, texts, tmp_path):
        Trainer().count_ngrams(texts, tmp_path / "ngrams", progress=False)
        with pytest.raises(SettingsError, match="from_counts"):
            Trainer().train(divided(2), engine=engine, from_counts=[tmp_path / "ngrams"])

    def test_a_document_that_cannot_be_read(self, engine, tmp_path, monkeypatch):
        monkeypatch.setattr("bytepiece.engines.parts.LEAST_PART", 100)
        (tmp_path / "a.txt").write_bytes(b"fine\n" * 100 + b"\xff\n")
        with pytest.raises(EngineError, match=r"a\.txt, bytes \d+ to 502: .*a\.txt, line \d+ from byte \d+ on: not"):
            train(Corpus(tmp_path / "a.txt"), engine)

    @pytest.mark.slow
    def test_documents_that_are_skipped_are_counted(self, engine, tmp_path, monkeypatch):
        monkeypatch.setattr("bytepiece.engines.parts.LEAST_PART", 100)
        (tmp_path / "a.txt").write_bytes(b"fine\n" * 100 + b"\xff\n")
        corpus = Corpus(tmp_path / "a.txt", on_error="skip")
        train(corpus, engine)
        assert corpus.skipped == 1
        assert "not UTF-8" in corpus.first_error

    def test_texts_that_change(self, engine, divided, monkeypatch):
        texts = divided(3)
        parts = texts.partitions(0, map)
        monkeypatch.setattr(texts, "partitions", lambda *args: parts)
        called = source.PartitionedSource._discover

        def changed(*args):
            parts[1].texts = [*parts[1].texts[:-1], "another text"]
            return called(*args)

        monkeypatch.setattr(source.PartitionedSource, "_discover", changed)
        with pytest.raises(CorpusError, match="not the same"):
            train(texts, engine)

    def test_a_model_that_does_not_fit(self, engine, divided, monkeypatch):
        monkeypatch.setattr(Resources, "model_bytes", property(lambda self: 2**19 + 2000))
        monkeypatch.setattr("bytepiece.training.discovery.ngram_model._LEAST", 0)
        with pytest.raises(TrainingError, match="n-gram model takes"):
            train(divided(3), engine)
