"""Verbs for a corpus in parts, which many machines read: ``count``, ``sample``, ``merge`` and ``finish``."""

from __future__ import annotations

import argparse

from bytepiece import Trainer
from bytepiece.cli.options import (
    Verbs,
    add_corpus,
    add_counting,
    add_part,
    add_refine_sample,
    add_verb,
    corpus_of,
    part_of,
    resources_of,
    say_skipped,
    trainer_of,
)
from bytepiece.errors import SettingsError
from bytepiece.training.counting.blocks import read_header
from bytepiece.training.counting.parts import merge_counts
from bytepiece.training.refinement.sample_file import merge_samples

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
        "and the n-gram counts of all parts. A part is some of the files, or what --part says.\n"
        "When 'train' has made a draft, count its tokens in each part, with --tokens.",
    )
    count.add_argument(
        "--output", required=True, metavar="PATH", help="where to save the counts; of several drafts, in PATH.SIZE"
    )
    what = count.add_mutually_exclusive_group()
    what.add_argument("--pieces", action="store_true", help="count pieces, with the n-gram model of --ngrams")
    what.add_argument(
        "--tokens", nargs="+", metavar="DRAFT", help="count the tokens of drafts: models of 'train --from-sample'"
    )
    count.add_argument("--ngrams", nargs="+", default=[], metavar="PATH", help="the n-gram counts of all parts")
    _add_texts(count, "count")
    sample = add_verb(
        verbs,
        "sample",
        _sample,
        "take the sample for refinement of a part of a corpus, for training on many machines",
        "bytepiece sample corpora/english.txt --output english.sample",
        "The samples of all parts together are that of the corpus. Give the settings of 'train'.",
    )
    sample.add_argument("--output", required=True, metavar="PATH", help="where to save the sample")
    _add_texts(sample, "sample")
    add_refine_sample(sample)
    merge = add_verb(
        verbs,
        "merge",
        _merge,
        "merge files of counts, or of samples, into one",
        "bytepiece merge english.counts --output all.counts",
    )
    merge.add_argument("inputs", nargs="+", metavar="PART", help="a file of 'bytepiece count' or 'bytepiece sample'")
    merge.add_argument("--output", required=True, metavar="PATH", help="where to save what they are together")
    finishing = add_verb(
        verbs,
        "finish",
        _finish,
        "make a draft the model of the corpus, by the counts of its tokens in all parts",
        "bytepiece count corpora/*.txt --tokens my.model --output my.tokens --quiet && "
        "bytepiece finish my.model my.tokens --output final.model",
        "A model that is no draft stays as it is.",
    )
    finishing.add_argument("draft", metavar="DRAFT", help="a model of 'train --from-sample'")
    finishing.add_argument("tokens", nargs="+", metavar="TOKENS", help="files of 'count --tokens', of all parts")
    finishing.add_argument("--output", required=True, metavar="PATH", help="where to save the model")


def _add_texts(parser: argparse.ArgumentParser, verb: str) -> None:
    add_part(parser, verb)
    add_corpus(parser)
    add_counting(parser)


def _count(options: argparse.Namespace) -> None:
    trainer, corpus = trainer_of(options), part_of(corpus_of(options), options.part)
    if options.ngrams and not options.pieces:
        raise SettingsError("--ngrams goes with --pieces")
    resources = resources_of(options)
    if options.pieces:
        trainer.count_pieces(corpus, options.ngrams, options.output, **resources)
    elif options.tokens:
        trainer.count_tokens(corpus, options.tokens, options.output, **resources)
    else:
        trainer.count_ngrams(corpus, options.output, **resources)
    say_skipped(options, corpus)


def _sample(options: argparse.Namespace) -> None:
    trainer, corpus = trainer_of(options), part_of(corpus_of(options), options.part)
    trainer.take_sample(corpus, options.output, **resources_of(options))
    say_skipped(options, corpus)


def _merge(options: argparse.Namespace) -> None:
    header, _ = read_header(options.inputs[0])
    merge = merge_samples if header["kind"] == "sample" else merge_counts
    merge(options.inputs, options.output)


def _finish(options: argparse.Namespace) -> None:
    Trainer.finish(options.draft, options.tokens).save(options.output)
