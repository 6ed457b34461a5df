"""The passes over a corpus in parts, which tasks of an engine read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from typing import Any, Protocol

import numpy as np

from bytepiece.core.packed import CountedBytes
from bytepiece.engines.engine import Engine, Output, Task, Usage
from bytepiece.engines.parts import call_by_tasks, part_size
from bytepiece.errors import CorpusError
from bytepiece.training.context import Context
from bytepiece.training.counting.packed_runs import pack_runs, unpack_runs
from bytepiece.training.counting.runs import NgramRun
from bytepiece.training.discovery.ngram_model import measure_ngram_model
from bytepiece.training.distributed.ranges import KeyRange, ends_of_ngrams, ends_of_pieces
from bytepiece.training.distributed.stages import Stages
from bytepiece.training.distributed.tasks import (
    ChooseKeys,
    ChooseParts,
    Counting,
    CountRanges,
    CountTokens,
    CutRest,
    Discovering,
    Facts,
    FoldRange,
    Look,
    NgramCounting,
    Reading,
    Rest,
    SelectRange,
)
from bytepiece.training.pruning.vocabularies import Useful, with_all_bytes
from bytepiece.training.refinement.last_count import counted
from bytepiece.training.refinement.parts import Parts, bound_after, merge_keys
from bytepiece.training.refinement.sample import SampledText, sample_of
from bytepiece.training.refinement.sample_file import GatheredSample
from bytepiece.training.source import Rules

__all__ = ["PartitionedSource", "PartitionedTexts"]

MOST_RANGES, LOOKS = 512, 64
"""The most ranges of keys, and the most parts that are looked at to find their ends."""


class PartitionedTexts(Protocol):
    """Texts that can be read in parts, as a `bytepiece.Corpus`."""

    @property
    def raw_bytes(self) -> int:
        """The size of all parts on disk."""

    def partitions(self, n_bytes: int, map: Callable[..., Iterable[Any]]) -> list[Any]:
        """Parts of about so many bytes on disk."""

    def note_skipped(self, skipped: int, first_error: str | None) -> None:
        """Hear how many documents the parts skip."""


class PartitionedSource:
    """Texts that tasks of an engine read, part by part; see `bytepiece.training.source.Source`.

    Args:
        texts: the texts.
        engine: who runs the tasks.
        reading: how a task reads a part.
        stages: what is kept of finished stages.
    """

    def __init__(self, texts: PartitionedTexts, engine: Engine, reading: Reading, stages: Stages) -> None:
        self._texts = texts
        self._engine = engine
        self._reading = reading
        self._stages = stages
        self._parts: list[Any] = []
        self._known: Facts | None = None

    def find_pieces(self, context: Context, rules: Rules) -> tuple[CountedBytes, int]:
        """See `Source`."""
        self._divide()
        saved = self._load(context, "pieces")
        if saved is not None:
            return with_all_bytes(CountedBytes.join(saved)), rules.resolved_min_count(self._facts.n_bytes)
        saved = self._load(context, "ngrams")
        if saved is not None:
            ngrams = [pack_runs([run]) for run in saved]
        else:
            ngrams = self._count_ngrams(context, rules)
            self._save("ngrams", _Unpacked(ngrams))
        min_count = rules.resolved_min_count(self._facts.n_bytes)
        pieces = self._discover(context, rules, ngrams, min_count)
        self._save("pieces", [pieces])
        return pieces, min_count

    def sample(self, context: Context, n_bytes: int) -> SampledText:
        """See `Source`."""
        saved = self._stages.load_sample(self._part_names)
        if saved is not None:
            sample, facts = saved
            self._note(facts)
        else:
            sample = self._gather(context, n_bytes)
            self._stages.save_sample(sample, self._part_names, self._facts)
        return sample_of(sample.parts, self._reading.reader(()), sample.documents)

    def count_tokens(self, context: Context, drafts: Mapping[int, CountedBytes]) -> dict[int, CountedBytes]:
        """See `Source`."""
        fingerprint = _hash(*(array.tobytes() for draft in drafts.values() for array in draft.arrays))
        saved = {size: self._load(context, f"tokens-{size}", fingerprint) for size in drafts}
        tokens = {size: CountedBytes.join(runs) for size, runs in saved.items() if runs is not None}
        if len(tokens) < len(drafts):
            tokens = self._count_tokens(context, drafts, fingerprint)
            for size, pieces in tokens.items():
                self._save(f"tokens-{size}", [pieces], fingerprint)
        return tokens

    @property
    def _facts(self) -> Facts:
        """What the last pass has read."""
        assert self._known is not None, "no pass before"
        return self._known

    def _divide(self) -> None:
        """Divide the corpus into parts."""
        by_tasks = partial(call_by_tasks, self._engine)
        self._parts = self._texts.partitions(part_size(self._texts.raw_bytes), by_tasks)

    def _count_ngrams(self, context: Context, rules: Rules) -> list[bytes]:
        """The counts for the n-gram model, packed."""
        counting = NgramCounting(rules.order)
        ends = ends_of_ngrams(self._look(counting), self._n_ranges)
        ranges = self._count(context, "Counting n-grams", counting, ends)
        task = FoldRange(rules.resolved_min_count(self._facts.n_bytes), self._reading.resources)
        return [output.get() for (output,) in self._map(context, "Merging n-grams", task, ranges, 1)]

    def _discover(self, context: Context, rules: Rules, ngrams: Sequence[bytes], min_count: int) -> CountedBytes:
        """The useful pieces that are discovered, with the uses of the others."""
        limit = self._reading.resources.model_bytes
        model = measure_ngram_model(_Unpacked(ngrams), rules.order, min_count, limit)
        shared = [self._engine.broadcast(packed) for packed in ngrams]
        counting = Discovering(shared, rules.order, min_count, rules.ensure_unicode, model.fingerprint)
        ends = ends_of_pieces(self._look(counting), self._n_ranges)
        ranges = self._count(context, "Discovering pieces", counting, ends)
        context.progress.note(n_bytes=self._facts.n_bytes, documents=self._facts.documents, ngrams=sum(model.sizes))
        task = SelectRange(Useful(rules.max_piece_length, min_count), self._reading.resources)
        selected = self._map(context, "Merging pieces", task, ranges, 2)
        del ranges
        runs: list[Any] = [run for useful, _ in selected for run in unpack_runs(useful.get())]
        pieces = with_all_bytes(CountedBytes.join(runs))
        packed = pack_runs([pieces])
        cut = CutRest(self._engine.broadcast(packed), _hash(packed), self._reading.resources)
        rests = [Rest(number, len(selected), rest) for number, (_, rest) in enumerate(selected)]
        counts = pieces.counts.copy()
        for (uses,) in self._map(context, "Selecting pieces", cut, rests, 1):
            counts += uses.get()
        return pieces.with_counts(counts)

    def _gather(self, context: Context, n_bytes: int) -> GatheredSample:
        """What may be in the sample. First only keys are gathered, then the parts that they choose."""
        outputs = self._read(context, "Sampling", ChooseKeys(self._reading, n_bytes), 2)
        facts: list[Facts] = [output[0].get() for output in outputs]
        bound = merge_keys((chosen.get() for _, chosen in outputs), n_bytes).bound
        del outputs
        task = ChooseParts(self._reading, n_bytes, bound)
        parts = Parts(n_bytes, bound_after(bound))
        first = 0
        gathered = self._read(context, "Gathering the sample", task, 1, known=True)
        for each, (chosen,) in zip(facts, gathered, strict=True):
            parts.add_all(chosen.get(), first)
            first += each.documents
        parts.drop_excess()
        return GatheredSample(parts, first, bound)

    def _count_tokens(
        self, context: Context, drafts: Mapping[int, CountedBytes], fingerprint: str
    ) -> dict[int, CountedBytes]:
        counts = [np.zeros(len(draft), dtype=np.uint64) for draft in drafts.values()]
        task = CountTokens(self._reading, [self._engine.broadcast(draft) for draft in drafts.values()], fingerprint)
        for _, *outputs in self._read(context, "Counting pieces", task, 1 + len(drafts)):
            for total, output in zip(counts, outputs, strict=True):
                total += output.get()
        return {size: counted(draft, total) for (size, draft), total in zip(drafts.items(), counts, strict=True)}

    @property
    def _n_ranges(self) -> int:
        return min(-(-len(self._parts) // 2), MOST_RANGES)

    def _look(self, counting: Counting) -> Iterator[Any]:
        """Some of the keys to be expected."""
        if self._n_ranges > 1:
            some = self._parts[:: -(-len(self._parts) // LOOKS)]
            for (keys,) in self._engine.map(Look(self._reading, counting), some, 1, lambda number, usage: None):
                yield from keys.get()

    def _count(self, context: Context, stage: str, counting: Counting, ends: Sequence[Any]) -> list[KeyRange]:
        """Count all parts; gives the ranges of keys, with the counts of all parts."""
        n = len(ends) + 1
        outputs = self._read(context, stage, CountRanges(self._reading, counting, ends), 1 + n)
        return [KeyRange(number, n, [output[1 + number] for output in outputs]) for number in range(n)]

    def _read(
        self, context: Context, stage: str, task: Task, n_outputs: int, known: bool = False
    ) -> list[list[Output[Any]]]:
        """Run a task that reads all parts; unless ``known``, its first outputs are `Facts`, which must be as before."""
        outputs = self._map(context, stage, task, self._parts, n_outputs, [part.raw_bytes for part in self._parts])
        if not known:
            facts = Facts.of_all([output[0].get() for output in outputs])
            if self._known is not None and facts[:3] != self._known[:3]:
                raise CorpusError("the texts are not the same as in the pass before")
            self._note(facts)
        return outputs

    def _note(self, facts: Facts) -> None:
        """Keep what is in the corpus, as the last pass has read it."""
        self._known = facts
        self._texts.note_skipped(facts.skipped, facts.first_error)

    def _map(
        self,
        context: Context,
        stage: str,
        task: Task,
        items: Sequence[Any],
        n_outputs: int,
        sizes: Sequence[int] | None = None,
    ) -> list[list[Output[Any]]]:
        """Run a task as a stage of the training; ``sizes`` are those of the items in bytes."""
        total = Usage()
        with context.progress.stage(stage, "B" if sizes else " tasks", sum(sizes or [1] * len(items))) as advance:

            def done(number: int, usage: Usage) -> None:
                nonlocal total
                total = total.add(usage)
                advance(sizes[number] if sizes else 1)

            outputs = self._engine.map(task, items, n_outputs, done)
        context.progress.add_to_stage(
            tasks=len(items),
            task_seconds=round(total.seconds, 3),
            output_bytes=total.n_bytes,
            task_memory=total.peak_memory,
        )
        return outputs

    def _load(self, context: Context, name: str, basis: str = "") -> list[Any] | None:
        saved = self._stages.load(name, self._part_names, basis)
        if saved is None:
            return None
        counts, facts = saved
        self._note(facts)
        context.progress.note(n_bytes=facts.n_bytes, documents=facts.documents)
        return counts

    def _save(self, name: str, counts: Iterable[Any], basis: str = "") -> None:
        self._stages.save(name, counts, self._part_names, self._facts, basis)

    @property
    def _part_names(self) -> str:
        return _hash("\n".join(part.identity for part in self._parts).encode())


def _hash(*data: bytes) -> str:
    return blake2b(b"".join(data), digest_size=16).hexdigest()


class _Unpacked:
    """Packed counts, unpacked each time they are read."""

    names = "the counts of all parts"

    def __init__(self, packed: Sequence[bytes]) -> None:
        self._packed = packed

    def __iter__(self) -> Iterator[NgramRun]:
        for each in self._packed:
            yield from unpack_runs(each)  # type: ignore[misc]
