"""The jobs of an array, each with a part of the corpus, give the model of one machine."""

import os
import random
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytepiece import CorpusError, Model, ModelFormatError, SettingsError, Trainer
from bytepiece.errors import CountsFormatError
from bytepiece.training.counting.parts import merge_counts
from bytepiece.training.drafts import finish
from bytepiece.training.refinement import sample, sample_file
from bytepiece.training.refinement.sample_file import merge_samples
from helpers.divided import Divided
from helpers.properties import examples

SIZES = [400, 320]
SAMPLED = {"refine_sample": 4000}
ALL = {"refine_sample": 10**6}


@pytest.fixture(autouse=True)
def small_sample(monkeypatch):
    """Samples may be small, and documents are cut where they are not very long."""
    monkeypatch.setattr("bytepiece.training.trainer.SMALLEST_SAMPLE", 1)
    monkeypatch.setattr(sample, "DOCUMENT_BYTES", 300)


def trainer_of(**settings):
    return Trainer(**{"vocab_size": SIZES, "refine_rounds": 1} | settings)


def train(texts, **settings):
    trainer = trainer_of(**settings)
    trainer.train(texts, progress=False)
    return trainer.models


class Jobs:
    """What each job makes of its part, and what is made of that."""

    def __init__(self, parts, folder, **settings):
        self.parts = [[*part] for part in parts]
        self.folder = folder
        self.trainer = trainer_of(**settings)

    def paths(self, name):
        return [self.folder / f"{name}-{k}" for k in range(len(self.parts))]

    def each(self, name, make):
        paths = self.paths(name)
        for part, path in zip(self.parts, paths, strict=True):
            make(part, path)
        return paths

    def pieces(self):
        ngrams = self.each("ngrams", lambda part, path: self.trainer.count_ngrams(part, path, progress=False))
        return self.each("pieces", lambda part, path: self.trainer.count_pieces(part, ngrams, path, progress=False))

    def samples(self):
        return self.each("sample", lambda part, path: self.trainer.take_sample(part, path, progress=False))

    def drafts(self, pieces, samples):
        self.trainer.train(from_counts=pieces, from_sample=samples, progress=False)
        self.trainer.save(self.folder / "draft")
        return [self.folder / f"draft.{size}" for size in SIZES]

    def tokens(self, drafts):
        return self.each("tokens", lambda part, path: self.trainer.count_tokens(part, drafts, path, progress=False))

    def models(self, merged=lambda merge, paths: paths):
        drafts = self.drafts(merged(merge_counts, self.pieces()), merged(merge_samples, self.samples()))
        tokens = self.tokens(drafts)
        of_each = {size: [f"{path}.{size}" for path in tokens] for size in SIZES}
        return {
            size: finish(draft, merged(merge_counts, of_each[size])) for size, draft in zip(SIZES, drafts, strict=True)
        }


@pytest.fixture
def jobs(tmp_path, texts):
    return Jobs(Divided(texts, 3).partitions(0, map), tmp_path, **SAMPLED)


class TestTheModelOfOneMachine:
    @pytest.mark.parametrize("n", [1, 3, pytest.param(17, marks=pytest.mark.slow)])
    @pytest.mark.parametrize("settings", [SAMPLED, ALL], ids=["sampled", "whole"])
    def test_in_any_number_of_parts(self, n, settings, texts, tmp_path):
        parts = Divided(texts, n).partitions(0, map)
        assert Jobs(parts, tmp_path, **settings).models() == train(texts, **settings)

    @pytest.mark.slow
    def test_it_is_another_than_the_drafts(self, jobs, texts):
        drafts = [Model.load(path) for path in jobs.drafts(jobs.pieces(), jobs.samples())]
        expected = train(texts, **SAMPLED)
        for size, draft in zip(SIZES, drafts, strict=True):
            assert draft.settings.pop("draft") == len(texts)
            assert draft.pieces == expected[size].pieces
            assert draft.counts != expected[size].counts

    @pytest.mark.slow
    @given(seed=st.integers(0, 2**32), n=st.integers(1, 9), data=st.data())
    @examples(10)
    def test_shuffled_and_merged(self, texts, tmp_path_factory, monkeypatch, seed, n, data):
        """Some parts are empty, some texts are there twice, and some files are merged, in another order."""
        monkeypatch.setattr(sample, "MANY_DOCUMENTS", data.draw(st.sampled_from([1, 10**6])))
        monkeypatch.setattr(sample_file, "BLOCK_BYTES", data.draw(st.integers(1, 2000)))
        monkeypatch.setattr(sample_file, "BLOCK_ITEMS", data.draw(st.integers(1, 20)))
        settings = data.draw(st.sampled_from([{"refine_sample": 500}, SAMPLED, ALL]))
        chance = random.Random(seed)
        parts = [[] for _ in range(n)]
        for text in texts:
            chance.choice(parts).append(text)
        folder = tmp_path_factory.mktemp("jobs")

        def merged(merge, paths):
            paths = chance.sample(paths, len(paths))
            n = chance.randrange(len(paths) + 1)
            if n == 0:
                return paths
            output = folder / f"merged-{chance.random()}"
            merge(paths[:n], output)
            return [*paths[n:], output]

        assert Jobs(parts, folder, **settings).models(merged) == train(texts, **settings)

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "settings",
        [
            {"normalization": "nfc", "isolate_digits": True},
            {"boundaries": None, "refine_objective": "length", "min_count": 3},
            {"special_tokens": ["<a>", "<b>"], "phrases": 0.3},
        ],
        ids=str,
    )
    def test_with_any_settings(self, settings, texts, tmp_path):
        settings = SAMPLED | settings
        parts = Divided(texts, 4).partitions(0, map)
        assert Jobs(parts, tmp_path, **settings).models() == train(texts, **settings)

    @pytest.mark.slow
    def test_the_last_count_can_be_made_by_one_machine(self, jobs, texts):
        """As can the pass that finds pieces: a sample goes with texts, too."""
        trainer = trainer_of(**SAMPLED)
        trainer.train(texts, from_sample=jobs.samples(), progress=False)
        assert trainer.models == train(texts, **SAMPLED)
        assert [stage["name"] for stage in trainer.report["stages"]].count("Sampling") == 0

    @pytest.mark.slow
    def test_texts_are_read_once(self, jobs):
        class Once:
            passes = 0

            def __iter__(self):
                self.passes += 1
                yield from jobs.parts[0]

        drafts = jobs.drafts(jobs.pieces(), jobs.samples())
        texts = Once()
        jobs.trainer.take_sample(texts, jobs.folder / "s", progress=False)
        jobs.trainer.count_tokens(texts, drafts, jobs.folder / "t", progress=False)
        assert texts.passes == 2

    def test_of_a_final_model_nothing_is_counted(self, jobs, texts):
        trainer = trainer_of(vocab_size=320)
        trainer.train(texts, progress=False)
        trainer.save(jobs.folder / "final")

        class Texts:
            def __iter__(self):
                raise AssertionError
                yield

        trainer.count_tokens(Texts(), [jobs.folder / "final"], jobs.folder / "tokens", progress=False)
        assert finish(jobs.folder / "final", [jobs.folder / "tokens"]) == trainer.models[320]


class TestTheFile:
    def test_equal_parts_make_equal_files(self, jobs):
        first, second = (jobs.samples()[0].read_bytes() for _ in range(2))
        assert first == second

    @pytest.mark.slow
    def test_a_sample_of_nothing(self, jobs, texts):
        jobs.trainer.take_sample([], jobs.folder / "empty", progress=False)
        trainer = trainer_of(**SAMPLED)
        trainer.train(from_counts=jobs.pieces(), from_sample=[*jobs.samples(), jobs.folder / "empty"], progress=False)
        assert trainer.models == jobs_models(jobs)

    def test_is_not_larger_than_the_sample(self, jobs, texts):
        jobs.trainer.take_sample(texts * 50, jobs.folder / "many", progress=False)
        assert os.path.getsize(jobs.folder / "many") < SAMPLED["refine_sample"] + 300

    @pytest.mark.parametrize("position", [10, 40, 300, -10])
    def test_damage_is_told_by_the_name_of_the_file(self, jobs, position):
        path = jobs.samples()[1]
        data = bytearray(path.read_bytes())
        data[position] ^= 1
        path.write_bytes(data)
        check_refused(jobs, path, "damaged|not a file of counts|ends early|header|format")

    @pytest.mark.parametrize("size", [0, 30, 250, -1])
    def test_a_file_that_ends_early(self, jobs, size):
        path = jobs.samples()[1]
        path.write_bytes(path.read_bytes()[:size])
        check_refused(jobs, path, "damaged|not a file of counts|ends early|header|format")

    @pytest.mark.parametrize(
        ("lengths", "numbers", "text"),
        [([3, 0], [0, 0], b"abc"), ([3, 1], [0, 0], b"abc"), ([2, 1], [0, 9], b"abc"), ([1, 2], [0, 0], b"ab\xff")],
    )
    def test_what_no_pass_can_have_made(self, jobs, lengths, numbers, text):
        """Though its checksum holds."""
        path = jobs.samples()[1]
        arrays = [np.array(lengths, "<u4"), np.zeros(2, "<u8"), np.array(numbers, "<u8")]
        header, _ = sample_file.read_header(path)
        start = sample_file.header_line(header | {"documents": 5})
        with open(path, "wb") as file:
            file.write(start)
            data = b"".join(array.tobytes() for array in arrays) + text
            checksum = sample_file.write_block(file, 2, data, sample_file.zlib.crc32(start))
            sample_file.write_block(file, 0, b"", checksum)
        check_refused(jobs, path, "damaged|UTF-8")

    @pytest.mark.parametrize(
        "change",
        [
            {"documents": -1},
            {"documents": 2**60},
            {"documents": "3"},
            {"bound": None},
            {"bound": [1]},
            {"bound": [1, "x"]},
            {"bound": [-1, 0]},
            {"bound": [1, 2**70]},
            {"settings": {"refine_sample": "1M"}},
            {"settings": {"refine_sample": 2**40}},
        ],
        ids=str,
    )
    def test_wrong_headers(self, jobs, change):
        path = jobs.samples()[1]
        header, start = sample_file.read_header(path)
        path.write_bytes(sample_file.header_line(header | change) + path.read_bytes()[start:])
        with pytest.raises(CountsFormatError, match=r"line 2|checksum"):
            merge_samples([path], jobs.folder / "merged")
        assert not (jobs.folder / "merged").exists()


def jobs_models(jobs):
    trainer = trainer_of(**SAMPLED)
    trainer.train(from_counts=jobs.paths("pieces"), from_sample=jobs.paths("sample"), progress=False)
    return trainer.models


def check_refused(jobs, path, saying):
    """Training on samples one of which is ``path`` is an error that names it."""
    with pytest.raises(CountsFormatError, match=saying) as caught:
        trainer_of(**SAMPLED).train(jobs.parts[0], from_sample=jobs.paths("sample"), progress=False)
    assert str(path) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


class TestWhatDoesNotGoTogether:
    @pytest.mark.slow
    @pytest.mark.parametrize(
        "change", [{"isolate_digits": True}, {"normalization": "nfc"}, {"refine_sample": 5000}], ids=str
    )
    def test_samples_of_other_settings(self, jobs, change):
        path = jobs.samples()[1]
        trainer_of(**SAMPLED | change).take_sample(jobs.parts[1], path, progress=False)
        ((name, value),) = change.items()
        check_refused(jobs, path, f"{name} {value!r}, not")
        with pytest.raises(CountsFormatError, match=f"{name} {value!r}, not"):
            merge_samples(jobs.paths("sample"), jobs.folder / "merged")

    def test_files_of_other_kinds(self, jobs):
        pieces, samples = jobs.pieces(), jobs.samples()
        ngrams = jobs.paths("ngrams")
        trainer = jobs.trainer
        for path, saying, call in [
            (samples[0], "a file of sample, where", lambda path: trainer.train(jobs.parts[0], from_counts=[path])),
            (samples[0], "a file of sample, where", lambda path: trainer.count_pieces([], [path], jobs.folder / "x")),
            (samples[0], "a file of sample, where", lambda path: merge_counts([*ngrams, path], jobs.folder / "x")),
            (pieces[0], "a file of pieces, where", lambda path: trainer.train(jobs.parts[0], from_sample=[path])),
            (pieces[0], "a file of pieces, where", lambda path: merge_samples([*samples, path], jobs.folder / "x")),
        ]:
            with pytest.raises(CountsFormatError, match=saying) as caught:
                call(path)
            assert str(path) in str(caught.value)
        assert not (jobs.folder / "x").exists()

    @pytest.mark.slow
    def test_tokens_of_another_draft(self, jobs):
        pieces, samples = jobs.pieces(), jobs.samples()
        first, second = jobs.folder / "first", jobs.folder / "second"
        for path, longest in ((second, 4), (first, 36)):
            jobs.trainer = trainer_of(**SAMPLED, max_piece_length=longest)
            drafts = jobs.drafts(pieces, samples)
            jobs.trainer.count_tokens(jobs.parts[0], drafts[:1], path, progress=False)
        with pytest.raises(CountsFormatError, match=r"second: made with draft"):
            finish(drafts[0], [first, second])
        with pytest.raises(CountsFormatError, match=r"second: made with draft"):
            merge_counts([first, second], jobs.folder / "merged")
        with pytest.raises(CountsFormatError, match="a file of pieces, where one of tokens goes"):
            finish(drafts[0], pieces)

    @pytest.mark.parametrize("settings", [SAMPLED, ALL], ids=["sampled", "whole"])
    def test_more_or_fewer_parts(self, settings, texts, tmp_path):
        jobs = Jobs(Divided(texts, 3).partitions(0, map), tmp_path, **settings)
        pieces, samples, n = jobs.pieces(), jobs.samples(), len(texts)
        for some, k in ((samples[:1], len(jobs.parts[0])), (samples + samples[:1], n + len(jobs.parts[0]))):
            with pytest.raises(CountsFormatError, match=f"pieces of {n} documents do not go with samples of {k}"):
                jobs.drafts(pieces, some)
            with pytest.raises(CountsFormatError, match=f"ngrams of {n} documents do not go with samples of {k}"):
                jobs.trainer.train(texts, from_counts=jobs.paths("ngrams"), from_sample=some, progress=False)
        merge_counts(pieces[1:], tmp_path / "some")
        with pytest.raises(CountsFormatError, match=f"pieces of {n - len(jobs.parts[0])} documents do not go"):
            jobs.drafts([tmp_path / "some"], samples)

    def test_fewer_ngrams(self, jobs, texts):
        """Than documents: though the pieces are those of all."""
        jobs.pieces()
        ngrams = jobs.paths("ngrams")[1:]
        pieces = jobs.paths("pieces")
        for part, path in zip(jobs.parts, pieces, strict=True):
            jobs.trainer.count_pieces(part, ngrams, path, progress=False)
        n = len(texts) - len(jobs.parts[0])
        with pytest.raises(CountsFormatError, match=f"found by ngrams of {n} documents do not go .* of {len(texts)}"):
            jobs.drafts(pieces, jobs.samples())

    @pytest.mark.slow
    def test_more_or_fewer_tokens(self, jobs, texts):
        draft = jobs.drafts(jobs.pieces(), jobs.samples())[0]
        tokens = jobs.tokens([draft])
        n, first = len(texts), len(jobs.parts[0])
        for some, k in ((tokens[1:], n - first), (tokens + tokens[:1], n + first)):
            with pytest.raises(CountsFormatError, match=f"tokens of {k} documents do not go with the draft .* of {n}"):
                finish(draft, some)

    @pytest.mark.slow
    @pytest.mark.parametrize("with_counts", [True, False])
    @pytest.mark.parametrize("settings", [SAMPLED, ALL], ids=["sampled", "whole"])
    def test_more_or_fewer_texts(self, with_counts, settings, texts, tmp_path):
        """They are read for the last count of a sample, and to find pieces."""
        jobs = Jobs(Divided(texts, 3).partitions(0, map), tmp_path, **settings)
        pieces, samples = jobs.pieces() if with_counts else [], jobs.samples()
        for some in (texts[:9], [*texts, ""]):
            given = {"from_counts": pieces, "from_sample": samples, "progress": False}
            if with_counts and settings is ALL:
                jobs.trainer.train(some, **given)  # nothing is read
                continue
            with pytest.raises(CorpusError, match=f"there are {len(some)} texts, but .* of {len(texts)} are given"):
                jobs.trainer.train(some, **given)

    def test_what_are_no_texts(self, jobs):
        pieces, samples = jobs.pieces(), jobs.samples()
        for texts, saying in (("a.txt", "not a single str"), (5, "not int"), (iter(["a"]), "can be read once")):
            with pytest.raises(CorpusError, match=saying):
                jobs.trainer.train(texts, from_counts=pieces, from_sample=samples, progress=False)

    @pytest.mark.parametrize(
        ("name", "value"),
        [("vocab_size", "abc"), ("vocab_size", [1]), ("vocab_size", None), ("vocab_size", 0), ("draft", True)],
    )
    def test_what_is_no_draft(self, tmp_path, name, value):
        draft = tmp_path / "draft"
        Model.from_counts({"ab": 3}, {"draft": 9, "vocab_size": 300, name: value}).save(draft)
        saying = re.escape(f"{draft}: setting {name} must be an int from 1, not {value!r}")
        with pytest.raises(ModelFormatError, match=saying):
            trainer_of().count_tokens(["a"], [draft], tmp_path / "tokens", progress=False)
        with pytest.raises(ModelFormatError, match=saying):
            finish(draft, [tmp_path / "tokens"])
        assert not (tmp_path / "tokens").exists()

    @pytest.mark.slow
    def test_drafts_of_other_settings(self, jobs):
        drafts = jobs.drafts(jobs.pieces(), jobs.samples())
        with pytest.raises(SettingsError, match=r"draft\.400: trained with order 6, not 5"):
            trainer_of(order=5).count_tokens(jobs.parts[0], drafts, jobs.folder / "x", progress=False)
        with pytest.raises(SettingsError, match="of different sizes"):
            jobs.trainer.count_tokens(jobs.parts[0], drafts * 2, jobs.folder / "x", progress=False)
        with pytest.raises(SettingsError, match="one model or more"):
            jobs.trainer.count_tokens(jobs.parts[0], [], jobs.folder / "x", progress=False)

    @pytest.mark.slow
    def test_nothing(self, jobs):
        drafts = jobs.drafts(jobs.pieces(), jobs.samples())
        with pytest.raises(SettingsError, match="tokens must name"):
            finish(drafts[0], [])
        with pytest.raises(SettingsError, match="no samples"):
            merge_samples([], jobs.folder / "x")

    def test_a_sample_without_refinement(self, jobs):
        with pytest.raises(SettingsError, match="from_sample is for refinement"):
            trainer_of(**SAMPLED, refine_rounds=0).train(jobs.parts[0], from_sample=jobs.samples(), progress=False)

    def test_a_sample_alone(self, jobs):
        with pytest.raises(CorpusError, match="no texts"):
            jobs.trainer.train(from_sample=jobs.samples(), progress=False)
        with pytest.raises(CorpusError, match="no texts"):
            jobs.trainer.train(from_sample=jobs.samples(), from_counts=jobs.paths("ngrams")[:0], progress=False)

    def test_parts_without_text(self, tmp_path):
        jobs = Jobs([[], [""]], tmp_path)
        with pytest.raises(CorpusError, match="there is no text"):
            jobs.pieces()
