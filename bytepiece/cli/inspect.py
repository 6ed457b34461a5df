"""The verbs ``vocab``, ``inspect`` and ``compare``: what vocabularies are like."""

from __future__ import annotations

import argparse

from bytepiece import Corpus
from bytepiece.analysis.comparison import compare_models
from bytepiece.analysis.inspection import inspect_model
from bytepiece.analysis.tables import report_as_text, vocabulary_as_text
from bytepiece.cli.options import Verbs, add_input, add_model_argument, add_output, add_verb, add_workers
from bytepiece.cli.streams import output_to
from bytepiece.exchange import import_model

__all__ = ["add_to"]


def add_to(verbs: Verbs) -> None:
    """Add the verbs with their flags."""
    vocab = add_verb(
        verbs,
        "vocab",
        _vocab,
        "list the vocabulary: id, piece and count, separated by tabs",
        "bytepiece vocab my.model",
    )
    add_model_argument(vocab)
    inspect = add_verb(
        verbs,
        "inspect",
        _inspect,
        "describe a vocabulary: settings, sizes, lengths and scripts of pieces, special tokens, checks",
        "bytepiece inspect my.model",
    )
    add_model_argument(inspect)
    compare = add_verb(
        verbs,
        "compare",
        _compare,
        "show how two vocabularies differ, and how each encodes a corpus",
        "bytepiece compare my.model my.model corpora/english.txt",
        "Where two figures are given, the second is that of OTHER.",
    )
    add_model_argument(compare)
    compare.add_argument("other", metavar="OTHER", help="the model it is compared with, in any of these forms")
    add_input(compare, "*", "CORPUS")
    add_workers(compare)
    for verb in (vocab, inspect, compare):
        add_output(verb)


def _vocab(options: argparse.Namespace) -> None:
    model = import_model(options.model)
    with output_to(options.output) as output:
        output.write(vocabulary_as_text(model).encode())


def _inspect(options: argparse.Namespace) -> None:
    model = import_model(options.model)
    with output_to(options.output) as output:
        output.write(report_as_text(inspect_model(model)).encode())


def _compare(options: argparse.Namespace) -> None:
    models = import_model(options.model), import_model(options.other)
    texts = Corpus(options.inputs, options.text_field) if options.inputs else ()
    report = compare_models(*models, texts, options.workers)
    with output_to(options.output) as output:
        output.write(report_as_text(report).encode())
