"""From a vocabulary to a better one of the same size: it grows, is pruned, and settles.

Discovery finds words well and phrases badly, and cutting by frequency keeps pieces that others make superfluous. So a
sample of the corpus is segmented at the least cost, which is its number of tokens or its -log(probability), see
`workbench.TOKEN_COSTS`, and then in rounds:

* the vocabulary grows by the pairs of neighbouring tokens that gain most (`growing`);
* it is pruned: pieces go one by one, always the one without which the sample costs least
  (`loss_pruning`).

Where words bound pieces, phrases may then replace some of them (`phrases`).

In the end the vocabulary settles: the last count is by probability, as a tokenizer segments, and pieces that are not
used then are replaced (`settling`).

A piece that saves tokens in the sample may save none in other text. Two things guard against that (`spread`): counts
that come from few documents count for less, and few pieces may be in one document only. And a piece that makes text
likelier may be hard to learn: pieces of scarce scripts count for less (`scarcity`). `benchmarks/compression.md` and
`benchmarks/language_model.md` have the measurements behind each choice and each number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from bytepiece.core.packed import CountedBytes
from bytepiece.model.reserved import FIRST_PIECE_ID
from bytepiece.training.context import Context
from bytepiece.training.pruning.vocabularies import by_id
from bytepiece.training.refinement.growing import grow
from bytepiece.training.refinement.kernels.sample import Sample
from bytepiece.training.refinement.loss_pruning import prune_by_loss
from bytepiece.training.refinement.phrases import LINES, PARTS_OF_WORDS, add_phrases, in_lines, most_phrases
from bytepiece.training.refinement.sample import SampledText
from bytepiece.training.refinement.scarcity import Scarcity
from bytepiece.training.refinement.settling import Refined, settle
from bytepiece.training.refinement.workbench import TOKEN_COSTS, Workbench, by_bytes
from bytepiece.training.workers import Threads

__all__ = ["RefinementRules", "refine"]

FIRST_GROWTH = (0.5, 1.0)
"""By which parts of its size the vocabulary grows in the first round, step by step: the second step finds pairs of
pieces that the first has added. Pruning then has a choice."""

GROWTH = (0.5,)
"""By which parts it grows in each later round."""

SMALL = 16_000
"""A vocabulary of fewer pieces grows as one of so many does: a wider choice makes it better, and costs little."""


@dataclass(frozen=True)
class RefinementRules:
    """How vocabularies are refined; as for `bytepiece.Trainer`, unless stated.

    Attributes:
        rounds: ``refine_rounds``.
        objective: ``refine_objective``.
        phrases: the share of phrases that each size may have.
        sample_bytes: ``refine_sample``, in bytes.
        max_piece_length: as there.
        ensure_unicode: as there.
    """

    rounds: int
    objective: str
    phrases: Mapping[int, float]
    sample_bytes: int
    max_piece_length: int
    ensure_unicode: bool


class SampledTexts(Protocol):
    """What refinement asks of the texts, wherever they are read."""

    def sample(self, context: Context, n_bytes: int) -> SampledText:
        """A sample of the texts, see `collect_sample`."""

    def count_tokens(self, context: Context, drafts: Mapping[int, CountedBytes]) -> dict[int, CountedBytes]:
        """The pieces of each draft, counted over all texts, see `last_count`."""


def refine(
    context: Context,
    source: SampledTexts,
    vocabularies: Mapping[int, CountedBytes],
    rules: RefinementRules,
) -> dict[int, CountedBytes]:
    """Make better vocabularies of each size, the largest first, with pieces in the order of their ids.

    Each has exactly ``size - FIRST_PIECE_ID`` pieces, if the sample has so many that are of use. Only the largest is
    refined; the others are what is left of it when more is pruned. So all cost little more than one, and what a smaller
    one has, the larger ones nearly all have too.

    A piece is part of a segment, unless it is a phrase. If the sample is not all texts, the pieces are counted over all
    of them in the end.

    Raises `TrainingError` if refinement does not fit into the memory limit.
    """
    text = source.sample(context, rules.sample_bytes)
    sample, lines = _segments_and_lines(context, text, rules)
    del text
    with context.progress.stage("Refining", " steps") as advance:
        cost = TOKEN_COSTS[rules.objective]
        largest = vocabularies[max(vocabularies)]
        scarcity = Scarcity(sample, corpus_bytes=int(largest.text_bytes)) if rules.objective == "likelihood" else None
        bench = Workbench(
            sample, rules.max_piece_length, rules.ensure_unicode, cost, context.threads, advance, scarcity
        )
        pruned = dict(_refine_on_sample(bench, largest, rules.phrases, rules.rounds))
        refined = dict(_settle(bench, lines, pruned, rules.phrases))
        del bench
    if sample.whole:
        return {size: by_id(result.pieces) for size, result in refined.items()}
    drafts = {size: result.draft for size, result in refined.items()}
    return {size: by_id(pieces) for size, pieces in source.count_tokens(context, drafts).items()}


def _segments_and_lines(
    context: Context, text: SampledText, rules: RefinementRules
) -> tuple[Sample, tuple[Sample, Sample] | None]:
    """The segments of a sample; and if there are to be phrases, some of its lines and all of them.

    What each needs is checked while it grows, so that the memory limit holds.
    """
    makes: list[Callable[..., Sample]] = [text.segments]
    if any(rules.phrases.values()):
        makes += [partial(text.lines, int(LINES * rules.sample_bytes)), partial(text.lines, rules.sample_bytes)]
    amounts = [(0, 0, 0)] * 3

    def make(number: int) -> Sample:
        def check(now: tuple[int, int, int], share: float) -> None:
            amounts[number] = now
            context.resources.check_refinement(len(text.data), amounts[:2], amounts[2:], share)

        return makes[number](check=check)

    # One after the other, if there is a limit: an error says the same each time.
    threads = context.threads if context.resources.memory_limit is None else Threads()
    sample, *lines = threads.map(make, range(len(makes)))
    return sample, (lines[0], lines[1]) if lines else None


def _settle(
    bench: Workbench,
    lines: tuple[Sample, Sample] | None,
    pruned: Mapping[int, tuple[CountedBytes, CountedBytes]],
    phrases: Mapping[int, float],
) -> Iterator[tuple[int, Refined]]:
    """Vocabularies of each size, counted over the sample: first those of words only, then those with phrases.

    ``lines`` are some, to learn phrases from, and all, to count in: the words of a small language may be in few.
    """
    for size, (pieces, spare) in pruned.items():
        if not phrases[size]:
            yield size, settle(bench, pieces, spare, size - FIRST_PIECE_ID)
    if lines is None:
        return
    some, every = (in_lines(bench, each) for each in lines)
    for size, (pieces, spare) in pruned.items():
        if phrases[size]:
            most = most_phrases(size - FIRST_PIECE_ID, phrases[size])
            pieces = add_phrases(some, pieces, most, every.sample.text_bytes)
            # What fills gaps is no phrase: there would be too many.
            yield size, settle(every, pieces, spare, size - FIRST_PIECE_ID, PARTS_OF_WORDS)


def _refine_on_sample(
    bench: Workbench, vocabulary: CountedBytes, phrases: Mapping[int, float], rounds: int
) -> Iterator[tuple[int, tuple[CountedBytes, CountedBytes]]]:
    """Vocabularies of each size, the largest first, each with the pieces that were dropped last.

    They have no ``phrases`` yet, but room for those that each size may have.
    """
    largest = max(phrases) - FIRST_PIECE_ID
    segmented = bench.segment(by_bytes(vocabulary))
    spare = segmented.pieces.slice(0, 0)
    for number in range(rounds):
        if len(segmented.pieces) > largest:
            segmented, spare = prune_by_loss(bench, segmented, largest)
        for growth in GROWTH if number else FIRST_GROWTH:
            grown = grow(bench, segmented, largest + int(growth * max(largest, SMALL)))
            del segmented  # it would be in memory twice
            segmented = bench.segment(grown)
    for size in sorted(phrases, reverse=True):
        target = size - FIRST_PIECE_ID
        target -= most_phrases(target, phrases[size])
        if len(segmented.pieces) > target:
            segmented, spare = prune_by_loss(bench, segmented, target)
        yield size, (segmented.pieces, spare)
