"""All that a training does with the texts themselves, from whichever place they are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from bytepiece.core.packed import CountedBytes
from bytepiece.errors import CorpusError
from bytepiece.training.context import Context
from bytepiece.training.counting.passes import count_ngrams
from bytepiece.training.counting.spool import Counts
from bytepiece.training.discovery.candidates import discover
from bytepiece.training.discovery.ngram_model import ngram_model
from bytepiece.training.min_count import choose_min_count
from bytepiece.training.pruning.vocabularies import Useful, automaton_of, select_useful
from bytepiece.training.refinement.last_count import count_tokens, counted
from bytepiece.training.refinement.sample import SampledText, collect_sample, sample_of
from bytepiece.training.refinement.sample_file import GatheredSample
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
        """The ``min_count`` for so much text; `CorpusError` if there is none."""
        if n_bytes == 0:
            raise CorpusError("there is no text to train on: all texts are empty, there is none, or none was counted")
        return self.min_count or choose_min_count(n_bytes)


class Source(Protocol):
    """Texts, and the passes over them."""

    def find_pieces(self, context: Context, rules: Rules) -> tuple[CountedBytes, int]:
        """The useful pieces that are discovered in the texts, see `select_useful`; and the ``min_count``."""

    def sample(self, context: Context, n_bytes: int) -> SampledText:
        """A sample of the texts, see `collect_sample`."""

    def count_tokens(self, context: Context, drafts: Mapping[int, CountedBytes]) -> dict[int, CountedBytes]:
        """The pieces of each draft, counted over all texts, see `bytepiece.training.refinement.last_count`."""


class StreamSource:
    """Texts that are read in this process, one after the other; threads count.

    Args:
        texts: the texts.
        ngrams: the counts of their n-grams, if they were counted before.
        sample: what may be in the sample, if it was taken before.
        leaves_drafts: whether others make the last count.
    """

    def __init__(
        self,
        texts: Texts,
        ngrams: Counts[Any] | None = None,
        sample: GatheredSample | None = None,
        leaves_drafts: bool = False,
    ) -> None:
        self._texts = texts
        self._ngrams = ngrams
        self._sample = sample
        self._leaves_drafts = leaves_drafts

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
        if self._sample is not None:
            sample, self._sample = self._sample, None  # it may take much memory
            return sample_of(sample.parts, self._texts.reader(context), sample.documents)
        with self._texts.read(context, "Sampling") as (reader, advance):
            check = partial(context.resources.check_sampling, n_bytes)
            text = collect_sample(reader, n_bytes, check)
            advance(reader.n_bytes)
        return text

    def count_tokens(self, context: Context, drafts: Mapping[int, CountedBytes]) -> dict[int, CountedBytes]:
        """See `Source`; the drafts as they are, if others make the last count."""
        if self._leaves_drafts:
            return dict(drafts)
        automata = [automaton_of(draft) for draft in drafts.values()]
        with self._texts.read(context, "Counting pieces") as (reader, advance):
            counts = count_tokens(reader, automata, context.threads, advance)
        return {size: counted(draft, uses) for (size, draft), uses in zip(drafts.items(), counts, strict=True)}
