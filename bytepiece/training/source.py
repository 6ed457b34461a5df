"""All that a training does with the texts themselves, from whichever place they are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bytepiece.core.packed import CountedBytes
from bytepiece.training.context import Context
from bytepiece.training.counting.passes import count_ngrams
from bytepiece.training.counting.spool import Counts
from bytepiece.training.discovery.candidates import discover
from bytepiece.training.discovery.ngram_model import ngram_model
from bytepiece.training.min_count import choose_min_count
from bytepiece.training.pruning.vocabularies import Useful, select_useful
from bytepiece.training.refinement.last_count import TokenCounter, counted
from bytepiece.training.refinement.sample import SampledText, collect_sample
from bytepiece.training.refinement.settling import Refined
from bytepiece.training.texts import Texts

__all__ = ["Rules", "Source", "StreamSource"]


@dataclass(frozen=True)
class Rules:
    """What may be a piece; as for `bytepiece.Trainer`."""

    order: int
    max_piece_length: int
    min_count: int | None
    ensure_unicode: bool

    def resolved_min_count(self, n_bytes: int) -> int:
        """The ``min_count`` for so much text."""
        return self.min_count or choose_min_count(n_bytes)


class Source(Protocol):
    """Texts, and the passes over them."""

    def find_pieces(self, context: Context, rules: Rules) -> tuple[CountedBytes, int]:
        """The useful pieces that are discovered in the texts, see `select_useful`; and the ``min_count``."""

    def sample(self, context: Context, n_bytes: int) -> SampledText:
        """A sample of the texts, see `collect_sample`."""

    def count_tokens(self, context: Context, refined: Mapping[int, Refined]) -> dict[int, CountedBytes]:
        """The pieces of each vocabulary, counted over all texts, segmented as the sample was in the end."""


class StreamSource:
    """Texts that are read in this process, one after the other; threads count.

    Args:
        texts: the texts.
        ngrams: the counts of their n-grams, if they were counted before.
    """

    def __init__(self, texts: Texts, ngrams: Counts[Any] | None = None) -> None:
        self._texts = texts
        self._ngrams = ngrams

    def find_pieces(self, context: Context, rules: Rules) -> tuple[CountedBytes, int]:
        """See `Source`."""
        texts = self._texts
        ngrams = self._ngrams or count_ngrams(context, texts, rules.order)
        min_count = rules.resolved_min_count(texts.n_bytes or ngrams.total)
        model = ngram_model(ngrams, rules.order, min_count, context.resources.model_bytes)
        self._ngrams = None
        del ngrams  # it may take much memory
        candidates = discover(context, texts, model, rules.ensure_unicode)
        context.progress.note(n_bytes=texts.n_bytes, documents=texts.documents, ngrams=sum(model.sizes))
        del model
        return select_useful(context, candidates, Useful(rules.max_piece_length, min_count)), min_count

    def sample(self, context: Context, n_bytes: int) -> SampledText:
        """See `Source`."""
        with self._texts.read(context, "Sampling") as (reader, advance):
            sample = collect_sample(reader, n_bytes)
            advance(reader.n_bytes)
        return sample

    def count_tokens(self, context: Context, refined: Mapping[int, Refined]) -> dict[int, CountedBytes]:
        """See `Source`. The texts are read once for each vocabulary."""
        return {size: self._count_tokens(context, vocabulary) for size, vocabulary in refined.items()}

    def _count_tokens(self, context: Context, vocabulary: Refined) -> CountedBytes:
        counters = [TokenCounter(vocabulary.automaton) for _ in range(context.threads.n)]
        with self._texts.read(context, "Counting pieces") as (reader, advance):
            for batches in reader.parts(in_lines=True):
                context.threads.consume(batches, counters, TokenCounter.add, lambda batch: advance(batch.n_bytes))
        return counted(vocabulary.pieces, sum((counter.counts for counter in counters[1:]), start=counters[0].counts))
