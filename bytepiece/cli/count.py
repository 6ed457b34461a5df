"""The verbs ``count`` and ``merge``: parts of a corpus, counted on many machines."""

from __future__ import annotations

import argparse

from bytepiece.cli.options import (
    Verbs,
    add_corpus,
    add_counting,
    add_part,
    add_verb,
    corpus_of,
    part_of,
    resources_of,
    say_skipped,
    trainer_of,
)
from bytepiece.errors import SettingsError
from bytepiece.training.counting.parts import merge_counts

__all__ = ["add_to"]


def add_to(verbs: Verbs) -> None:
    """Add the verbs with their flags."""
    count = add_verb(
        verbs,
        "count",
        _count,
        "count a part of a corpus, for training on many machines",
        "bytepiece count corpora/english.txt --output english.counts",
        "First count the n-grams of each part. Then count the pieces of each part, with --pieces\n"
        "and the n-gram counts of all parts. A part is some of the files, or what --part says.",
    )
    count.add_argument("--output", required=True, metavar="PATH", help="where to save the counts")
    count.add_argument("--pieces", action="store_true", help="count pieces, with the n-gram model of --ngrams")
    count.add_argument("--ngrams", nargs="+", default=[], metavar="PATH", help="the n-gram counts of all parts")
    add_part(count, "count")
    add_corpus(count)
    add_counting(count)
    merge = add_verb(
        verbs,
        "merge",
        _merge,
        "merge files of counts into one",
        "bytepiece merge english.counts --output all.counts",
    )
    merge.add_argument("inputs", nargs="+", metavar="PART", help="a file of 'bytepiece count'")
    merge.add_argument("--output", required=True, metavar="PATH", help="where to save the counts")


def _count(options: argparse.Namespace) -> None:
    trainer, corpus = trainer_of(options), part_of(corpus_of(options), options.part)
    if options.ngrams and not options.pieces:
        raise SettingsError("--ngrams goes with --pieces")
    if options.pieces:
        trainer.count_pieces(corpus, options.ngrams, options.output, **resources_of(options))
    else:
        trainer.count_ngrams(corpus, options.output, **resources_of(options))
    say_skipped(options, corpus)


def _merge(options: argparse.Namespace) -> None:
    merge_counts(options.inputs, options.output)
