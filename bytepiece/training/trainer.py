"""The story of training, from texts to models."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any

from bytepiece.core.heap import release_memory
from bytepiece.core.packed import CountedBytes
from bytepiece.engines.engine import Engine
from bytepiece.errors import CorpusError, SettingsError, TrainingError, check_choice, check_int, check_share
from bytepiece.files import check_writable, paths_by_size
from bytepiece.model.model import Model
from bytepiece.model.reserved import SMALLEST_VOCABULARY
from bytepiece.model.validation import check_special_tokens
from bytepiece.sizes import parse_size
from bytepiece.text.normal_form import check_normalization
from bytepiece.training.context import Context
from bytepiece.training.counting.checkpoint import Checkpoint
from bytepiece.training.counting.counts_file import save_counts
from bytepiece.training.counting.kernels.ngrams import MAX_ORDER
from bytepiece.training.counting.parts import documents_of_corpus, open_counts
from bytepiece.training.counting.passes import count_ngrams
from bytepiece.training.discovery.candidates import discover
from bytepiece.training.discovery.ngram_model import ngram_model
from bytepiece.training.distributed.source import PartitionedSource
from bytepiece.training.distributed.stages import Stages
from bytepiece.training.distributed.tasks import Reading
from bytepiece.training.drafts import DRAFT, Draft, finish, save_tokens
from bytepiece.training.progress import Progress
from bytepiece.training.pruning.vocabularies import Useful, prune, select_useful
from bytepiece.training.refinement.parts import Parts
from bytepiece.training.refinement.refinement import refine
from bytepiece.training.refinement.sample import LARGEST_SAMPLE, SMALLEST_SAMPLE, collect_parts
from bytepiece.training.refinement.sample_file import GatheredSample, open_sample, save_sample
from bytepiece.training.refinement.workbench import TOKEN_COSTS
from bytepiece.training.resources import Resources
from bytepiece.training.segments import BOUNDARIES
from bytepiece.training.settings import TrainerSettings
from bytepiece.training.source import Source, StreamSource
from bytepiece.training.texts import Texts, check_texts

__all__ = ["Trainer"]

_VOCAB_SIZE = 10000


class Trainer(TrainerSettings):
    r"""Trains vocabularies: new-word discovery with a byte n-gram language model, then unigram pruning.

    After Jianlin Su's BytePiece (https://kexue.fm/archives/9752); `bytepiece.reference` has all of the algorithm but
    refinement in plain Python, and gives the same vocabularies.

    Args:
        order: the longest n-gram of the language model in bytes, 1 to 7.
        vocab_size: the most ids of a vocabulary, special tokens included, 259 or more. A list trains several
            vocabularies at once. A corpus with fewer useful pieces gives a smaller vocabulary.
        max_piece_length: the longest piece in bytes.
        min_count: n-grams and pieces of two bytes or more that occur less often are left out. ``None`` chooses by the
            amount of text, see `bytepiece.training.min_count`; the settings of the model say what was chosen.
        isolate_digits: every decimal digit is a piece of its own.
        ensure_unicode: every piece of two bytes or more is whole characters, valid UTF-8.
        normalization: ``None`` keeps every text as it is, ``"nfc"`` applies Unicode's NFC before training, and before
            each encoding with the model.
        refine_rounds: how often the vocabulary grows by pairs of pieces and is pruned back, see
            `bytepiece.training.refinement`. A refined vocabulary has exactly ``vocab_size`` ids if the corpus has
            enough pieces. 0 leaves out refinement, which takes most of the time, for some 15 % shorter tokens.
        special_tokens: names of special tokens besides ``<pad>``, ``<bos>`` and ``<eos>``, distinct, non-empty ``str``.
            Their ids follow those of the pieces, and count in ``vocab_size``. In the corpus they are plain text.
        refine_objective: what refinement makes least: ``"likelihood"``, the cost of the text in the unigram model, with
            which language models learn best (`docs/evaluation.md`), and in which pieces of scripts with little text
            count for less; or ``"length"``, the number of tokens.
        boundaries: what no piece is learned across. ``"words"``: the borders of words, numbers and punctuation, in all
            scripts. A single space leads the word after it, and each digit stands alone, see
            `bytepiece.reference.words`. ``None``: newlines only, which gives longer tokens.
        phrases: the share of pieces that refinement may learn across the borders of words all the same, from 0 to 1,
            see `bytepiece.training.refinement.phrases`. ``None``: 0.02 of vocabularies of 32,000 ids or more, 0 of
            smaller ones. Without such boundaries it has no effect.
        refine_sample: how much text refinement looks at, in bytes, also as ``"64M"``, from 1 MB to 2 GB. Of a larger
            corpus it takes a sample of documents. More is better for large vocabularies, and takes memory and time.
        max_vocab_size: BytePiece's name of ``vocab_size``.

    The defaults are for language models. `Trainer.bytepiece063` has those of BytePiece 0.6.3.

    Raises `SettingsError` if an argument is out of range, `ModelFormatError` for an invalid special token.

    >>> trainer = Trainer(vocab_size=300)
    >>> trainer.train(["red house\n", "blue house\n", "red river\n", "blue river\n"] * 5)
    >>> [piece for piece in trainer.models[300].pieces if len(piece) > 1]
    [b'red', b'blue', b' house', b' river']
    """

    def __init__(
        self,
        order: int = 6,
        vocab_size: int | Iterable[int] = _VOCAB_SIZE,
        max_piece_length: int = 36,
        min_count: int | None = None,
        isolate_digits: bool = False,
        ensure_unicode: bool = True,
        normalization: str | None = None,
        refine_rounds: int = 2,
        special_tokens: Iterable[str] = (),
        refine_objective: str = "likelihood",
        boundaries: str | None = "words",
        phrases: float | None = None,
        refine_sample: int | str = "64M",
        *,
        max_vocab_size: int | Iterable[int] | None = None,
    ) -> None:
        self.special_tokens = check_special_tokens(special_tokens)
        if max_vocab_size is not None:
            if vocab_size != _VOCAB_SIZE:
                raise SettingsError("max_vocab_size is another name of vocab_size: give one of them")
            vocab_size = max_vocab_size
        sizes = list(vocab_size) if isinstance(vocab_size, Iterable) else [vocab_size]
        if not sizes:
            raise SettingsError("vocab_size must not be an empty list")
        for size in sizes:
            check_int("vocab_size", size, SMALLEST_VOCABULARY + len(self.special_tokens), 2**31 - 1)
        check_int("order", order, 1, MAX_ORDER)
        check_int("max_piece_length", max_piece_length, 1, 2**31 - 1)
        if min_count is not None:
            check_int("min_count", min_count, 1, 2**63 - 1)
        check_normalization(normalization)
        check_int("refine_rounds", refine_rounds, 0, 100)
        check_choice("refine_objective", refine_objective, TOKEN_COSTS)
        check_choice("boundaries", boundaries, BOUNDARIES)
        refine_sample = parse_size(refine_sample, "refine_sample")
        check_int("refine_sample", refine_sample, SMALLEST_SAMPLE, LARGEST_SAMPLE)
        if phrases is not None:
            check_share("phrases", phrases)
        self.order = order
        self.vocab_size = sorted(set(sizes), reverse=True)
        self.max_piece_length = max_piece_length
        self.min_count = min_count
        self.isolate_digits = bool(isolate_digits)
        self.ensure_unicode = bool(ensure_unicode)
        self.normalization = normalization
        self.refine_rounds = refine_rounds
        self.refine_objective = refine_objective
        self.boundaries = boundaries
        self.phrases = None if phrases is None else float(phrases)
        self.refine_sample = refine_sample
        self._models: dict[int, Model] | None = None
        self._report: dict[str, Any] | None = None

    @classmethod
    def bytepiece063(cls, **settings: Any) -> Trainer:
        """A trainer whose vocabularies are those of BytePiece 0.6.3, see `docs/parity.md`.

        Its defaults are ``min_count=2``, ``normalization="nfc"``, ``refine_rounds=0`` and ``boundaries=None``. Any
        setting of `Trainer` can be given.

        >>> trainer = Trainer.bytepiece063(max_vocab_size=300, isolate_digits=True)
        >>> trainer.min_count, trainer.normalization, trainer.refine_rounds
        (2, 'nfc', 0)
        """
        return cls(**{"min_count": 2, "normalization": "nfc", "refine_rounds": 0, "boundaries": None, **settings})

    @property
    def models(self) -> dict[int, Model]:
        """The trained models, by requested size, the largest first. A new dict at each call.

        Raises `TrainingError` before training.
        """
        if self._models is None:
            raise TrainingError("not trained yet: call train() first")
        return dict(self._models)

    def train(
        self,
        texts: Iterable[str] | None = None,
        workers: int | None = None,
        batch_size: int | None = None,
        *,
        memory_limit: int | str | None = None,
        temp_dir: str | os.PathLike[str] | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        from_counts: Iterable[str | os.PathLike[str]] = (),
        from_sample: Iterable[str | os.PathLike[str]] = (),
        engine: Engine | None = None,
        progress: bool = True,
    ) -> None:
        """Train on texts, and replace `models` and `report`.

        Args:
            texts: any iterable of ``str`` that starts anew each time it is iterated: a list, a `bytepiece.Corpus`, an
                object with ``__iter__``. It is read twice; for refinement once more, and, if it is larger than the
                sample, once more.
            workers: the number of threads, None for one on each processor. The models are the same for any number.
            batch_size: has no effect. BytePiece 0.6.3 takes it; here work is divided by bytes.
            memory_limit: bytes that training may take beyond the interpreter's own, also as ``"512M"`` or ``"2G"``.
                Counts that do not fit go to disk. Without a limit, the counts of a pass take half a gigabyte, and the
                rest goes to disk. The models are the same for any limit.
            temp_dir: where temporary files go; default: the system's place.
            checkpoint: a folder for finished parts, from which a training that was killed goes on.
            from_counts: files that `count_ngrams` made, which replace the first pass over the texts; or files that
                `count_pieces` made, which replace both passes.
            from_sample: files that `take_sample` made, which replace the pass for refinement. With pieces and a sample
                no texts are needed. The models are then *drafts*, unless the sample is the whole corpus: their counts
                are not those of the texts yet, see `count_tokens`.
            engine: who reads the texts: a `bytepiece.RayEngine` or `bytepiece.ExecutorEngine`, on the machines of a
                cluster; None for this process. The texts must be a `bytepiece.Corpus`, whose files all machines see.
                ``workers`` are then the threads of this process, which refines; ``memory_limit`` and ``temp_dir`` are
                for each task, too. The models are the same.
            progress: show a progress bar, on standard error, of each stage that takes longer than a second.

        Raises:
            CorpusError: the texts cannot be read twice, differ between passes, are more or fewer than those of the
                pieces or samples, contain something other than ``str``, or are all empty.
            SettingsError: an argument is out of range.
            TrainingError: the n-gram model, or refinement, does not fit the limit; temporary files cannot be written.
            CheckpointError, CountsFormatError: files are damaged, of another training, or not of all parts.
            EngineError: a task failed, or the engine did.

        >>> trainer = Trainer(vocab_size=[300, 400], special_tokens=["<|im_start|>"])
        >>> trainer.train(["a clock and a boat"] * 9)
        >>> [*trainer.models], trainer.models[300].special_tokens["<|im_start|>"]
        ([400, 300], 263)
        """
        resources = Resources.checked(workers, memory_limit, temp_dir)
        made_with = self._counting_settings
        given = open_counts(from_counts, {kind: made_with[kind] for kind in ("ngrams", "pieces")}, resources)
        sample = open_sample(from_sample, made_with["sample"])
        if sample is not None and not self.refine_rounds:
            raise SettingsError("from_sample is for refinement, which refine_rounds=0 leaves out")
        is_draft = texts is None and sample is not None and not sample.whole
        documents = documents_of_corpus(given, None if sample is None else sample.documents)
        settings = self._settings(self.vocab_size)
        stages = Stages(checkpoint if engine else None, settings)
        saved = None if checkpoint is None or engine else Checkpoint(checkpoint, settings)
        with stages, saved or nullcontext():
            context = Context(resources, Progress(progress), saved)
            if texts is not None or "pieces" not in given or (self.refine_rounds and sample is None):
                check_texts(texts, "pieces" in given)
            source: Source
            if engine is None:
                ngrams = given["ngrams"].counts if "ngrams" in given else None
                source = StreamSource(self._texts(texts, documents), ngrams, sample, is_draft)
            elif given or sample:
                raise SettingsError("an engine counts and samples by itself: give no from_counts and no from_sample")
            else:
                source = self._partitioned(texts, engine, resources, stages)

            if "pieces" in given:
                min_count = given["pieces"].min_count
                pieces = select_useful(context, given["pieces"].counts, Useful(self.max_piece_length, min_count))
            else:
                pieces, min_count = source.find_pieces(context, self._rules)
            del given, sample  # they may take much memory
            vocabularies = prune(context, pieces, [size - len(self.special_tokens) for size in self.vocab_size])
            if self.refine_rounds:
                vocabularies = refine(context, source, vocabularies, self._refinement)
            self._models = self._finish(vocabularies, min_count, documents if is_draft else None)
            context.progress.note(min_count=min_count, refine_rounds=self.refine_rounds)
            self._report = context.progress.report(self._models)
        release_memory()

    def count_ngrams(
        self,
        texts: Iterable[str],
        path: str | os.PathLike[str],
        workers: int | None = None,
        *,
        memory_limit: int | str | None = None,
        temp_dir: str | os.PathLike[str] | None = None,
        progress: bool = True,
    ) -> None:
        """Make the first pass over a part of a corpus, and save its counts for `train`; arguments as there.

        >>> import os, tempfile
        >>> texts = ["a clock and a boat"] * 9
        >>> trainer = Trainer(vocab_size=300)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "ngrams")
        ...     trainer.count_ngrams(texts, path)
        ...     trainer.train(texts, from_counts=[path])
        >>> trainer.models[300].pieces[-1]
        b' clock'
        """
        check_texts(texts)
        check_writable(path)
        context = Context(Resources.checked(workers, memory_limit, temp_dir), Progress(progress))
        read = self._texts(texts)
        counts = count_ngrams(context, read, self.order)
        settings = self._counting_settings["ngrams"]
        save_counts(path, {"kind": "ngrams", "settings": settings, "documents": read.documents}, counts)

    def count_pieces(
        self,
        texts: Iterable[str],
        ngrams: Iterable[str | os.PathLike[str]],
        path: str | os.PathLike[str],
        workers: int | None = None,
        *,
        memory_limit: int | str | None = None,
        temp_dir: str | os.PathLike[str] | None = None,
        progress: bool = True,
    ) -> None:
        """Make the second pass over a part of a corpus, and save its counts for `train`.

        ``ngrams`` are the files that `count_ngrams` made of all parts; the other arguments are those of `train`.

        >>> import os, tempfile
        >>> texts = ["a clock and a boat"] * 9
        >>> trainer = Trainer(vocab_size=300)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     ngrams, pieces = os.path.join(folder, "ngrams"), os.path.join(folder, "pieces")
        ...     trainer.count_ngrams(texts, ngrams)
        ...     trainer.count_pieces(texts, [ngrams], pieces)
        ...     trainer.train(texts, from_counts=[pieces])
        >>> trainer.models[300].pieces[-1]
        b' clock'
        """
        check_texts(texts)
        check_writable(path)
        context = Context(Resources.checked(workers, memory_limit, temp_dir), Progress(progress))
        settings = self._counting_settings
        given = open_counts(ngrams, {"ngrams": settings["ngrams"]}, context.resources).get("ngrams")
        if given is None:
            raise SettingsError("ngrams must name the files of n-gram counts of all parts of the corpus")
        min_count = self._rules.resolved_min_count(given.counts.total)
        model = ngram_model(given.counts, self.order, min_count, context.resources.model_bytes)
        read = self._texts(texts)
        pieces = discover(context, read, model, self.ensure_unicode)
        # Parts go together only if all were cut with the same model.
        settings["pieces"]["min_count"] = min_count
        header = {"kind": "pieces", "settings": settings["pieces"], "model": model.fingerprint}
        save_counts(path, {**header, "documents": read.documents, "ngrams_of": given.documents}, pieces)

    def take_sample(
        self,
        texts: Iterable[str],
        path: str | os.PathLike[str],
        workers: int | None = None,
        *,
        memory_limit: int | str | None = None,
        temp_dir: str | os.PathLike[str] | None = None,
        progress: bool = True,
    ) -> None:
        """Read a part of a corpus, and save what may be in the sample for refinement; arguments as for `train`.

        The samples of all parts together are that of the corpus. One thread reads. A limit that is too little for the
        sample is a `TrainingError`, as in `train`.

        >>> import os, tempfile
        >>> texts = ["a clock and a boat"] * 9
        >>> trainer = Trainer(vocab_size=300)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     ngrams, pieces, sample = (os.path.join(folder, name) for name in ("ngrams", "pieces", "sample"))
        ...     trainer.count_ngrams(texts, ngrams)
        ...     trainer.count_pieces(texts, [ngrams], pieces)
        ...     trainer.take_sample(texts, sample)
        ...     trainer.train(from_counts=[pieces], from_sample=[sample])
        >>> trainer.models[300].pieces[-1]
        b' clock'
        """
        check_texts(texts)
        check_writable(path)
        context = Context(Resources.checked(workers, memory_limit, temp_dir), Progress(progress))
        parts = Parts(self.refine_sample)
        with self._texts(texts).read(context, "Sampling") as (reader, advance):
            collect_parts(reader, parts, partial(context.resources.check_sampling, parts.most, refines=False))
            advance(reader.n_bytes)
        sample = GatheredSample(parts, reader.documents, parts.keys.bound)
        save_sample(path, {"settings": self._counting_settings["sample"]}, sample)

    def count_tokens(
        self,
        texts: Iterable[str],
        drafts: Iterable[str | os.PathLike[str]],
        path: str | os.PathLike[str],
        workers: int | None = None,
        *,
        memory_limit: int | str | None = None,
        temp_dir: str | os.PathLike[str] | None = None,
        progress: bool = True,
    ) -> None:
        """Make the last pass over a part of a corpus: count the tokens of drafts, for `finish`.

        A draft is a model that `train` made of pieces and a sample. Its pieces stay; their counts, and so their
        probabilities, become those of the whole corpus.

        Args:
            texts: as for `train`.
            drafts: the files of drafts of different sizes. A model that is none has its counts already: of such files
                nothing is counted.
            path: where to save the counts; of several drafts, those of each go to ``path.SIZE``.
            workers: as for `train`.
            memory_limit: as for `train`.
            temp_dir: as for `train`.
            progress: as for `train`.

        Raises `SettingsError` for drafts of other settings, `ModelFormatError` for files that are no models, and what
        `train` raises.

        >>> import os, tempfile
        >>> texts = ["a clock and a boat. " * 3000] * 20
        >>> trainer = Trainer(vocab_size=300, refine_sample="1M")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     ngrams, pieces, sample, draft, tokens = (os.path.join(folder, name) for name in "npsdt")
        ...     trainer.count_ngrams(texts, ngrams)
        ...     trainer.count_pieces(texts, ngrams, pieces)
        ...     trainer.take_sample(texts, sample)
        ...     trainer.train(from_counts=pieces, from_sample=sample)
        ...     trainer.save(draft)
        ...     trainer.count_tokens(texts, draft, tokens)
        ...     model = trainer.finish(draft, tokens)
        >>> trainer.models[300].settings["draft"], "draft" in model.settings
        (20, False)
        """
        check_texts(texts)
        context = Context(Resources.checked(workers, memory_limit, temp_dir), Progress(progress))
        opened = [Draft.open(each) for each in ([drafts] if isinstance(drafts, (str, os.PathLike)) else drafts)]
        save_tokens(context, self._texts(texts), opened, self._counting_settings["pieces"], path)

    @staticmethod
    def finish(draft: str | os.PathLike[str], tokens: Iterable[str | os.PathLike[str]]) -> Model:
        """The model that a draft becomes by the counts of its tokens; see `count_tokens` for an example.

        Args:
            draft: its file. A model that is no draft stays as it is.
            tokens: the files that `count_tokens` made of all parts of the corpus.

        Raises `CountsFormatError` for counts of another draft, for damaged ones, and where a part is missing or given
        twice; what `Model.load` raises.

        >>> Trainer.finish("draft", ["tokens-1", "tokens-2"]).save("my.model")  # doctest: +SKIP
        """
        return finish(draft, tokens)

    @property
    def report(self) -> dict[str, Any]:
        """What the training took and gave: stages with seconds and amounts, peak memory in bytes, and sizes.

        Raises `TrainingError` before training.
        """
        if self._report is None:
            raise TrainingError("not trained yet: call train() first")
        return deepcopy(self._report)

    def save(self, path: str | os.PathLike[str], format: str = "bytepiece") -> None:
        """Save the model to ``path``; of several, each to ``path.SIZE``. See `Model.save`.

        Raises `TrainingError` before training, `OSError` if a file cannot be written.

        >>> import os, tempfile
        >>> trainer = Trainer(vocab_size=[300, 400])
        >>> trainer.train(["a clock and a boat"] * 9)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     trainer.save(os.path.join(folder, "my.model"))
        ...     sorted(os.listdir(folder))
        ['my.model.300', 'my.model.400']
        """
        models = self.models
        for model, target in zip(models.values(), paths_by_size(path, [*models]), strict=True):
            model.save(target, format)

    def _partitioned(
        self,
        texts: Any,
        engine: Engine,
        resources: Resources,
        stages: Stages,
    ) -> PartitionedSource:
        """The source whose parts are read by the tasks of an engine."""
        if not hasattr(texts, "partitions"):
            raise CorpusError(f"an engine reads the files of a bytepiece.Corpus, not a {type(texts).__name__}")
        of_task = replace(resources, workers=engine.workers)
        reading = Reading(self.normalization, self.isolate_digits, self.boundaries, of_task)
        return PartitionedSource(texts, engine, reading, stages)

    def _texts(self, texts: Iterable[str] | None, expected: int | None = None) -> Texts:
        """What reads the texts; so many are ``expected``, if that is known."""
        given = () if texts is None else texts
        return Texts(given, self.normalization, self.isolate_digits, self.boundaries, expected)

    def _finish(self, vocabularies: dict[int, CountedBytes], min_count: int, draft_of: int | None) -> dict[int, Model]:
        """The models, by the sizes that were asked for; or their drafts, of a corpus of so many documents."""
        models = {}
        for size, pieces in vocabularies.items():
            size += len(self.special_tokens)
            settings = self._settings(size) | {"min_count": min_count}
            if share := self._share_of_phrases(size):
                settings["phrases"] = share
            if draft_of is not None:
                settings[DRAFT] = draft_of
            models[size] = Model.from_packed(pieces, settings, self.special_tokens)
        return models
