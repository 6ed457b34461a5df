"""The verb ``evaluate``."""

from __future__ import annotations

import argparse

from bytepiece import Tokenizer, evaluate
from bytepiece.analysis.tables import evaluations_as_json, evaluations_as_text
from bytepiece.cli.options import (
    Verbs,
    add_corpus,
    add_models,
    add_output,
    add_verb,
    add_workers,
    corpus_of,
    say_skipped,
)
from bytepiece.cli.streams import output_to
from bytepiece.exchange import import_model

__all__ = ["add_to"]


def add_to(verbs: Verbs) -> None:
    """Add the verb with its flags."""
    parser = add_verb(
        verbs,
        "evaluate",
        _evaluate,
        "measure how well a model cuts a corpus, or several models side by side",
        "bytepiece evaluate --model my.model corpora/english.txt corpora/chinese.txt",
        "For each file and for all of them:\n"
        "bytes and characters per token, tokens per document, the share of single bytes among the tokens,\n"
        "the Rényi efficiency (order 2.5), the number of unused pieces, and the share of the used pieces that\n"
        "only one document uses. Pieces here are those of two bytes or more. To see how much of the corpus\n"
        "the model learned by heart, compare the bytes per token of that corpus with those of other text.",
    )
    add_corpus(parser)
    add_models(parser)
    parser.add_argument("--json", action="store_true", help="write all figures as JSON, not rounded")
    add_output(parser)
    add_workers(parser)


def _evaluate(options: argparse.Namespace) -> None:
    tokenizers = [Tokenizer(import_model(path)) for path in options.models]  # all of them, before the corpus is read
    corpus = corpus_of(options)
    evaluations = [
        (path, evaluate(tokenizer, corpus, options.workers))
        for path, tokenizer in zip(options.models, tokenizers, strict=True)
    ]
    text = evaluations_as_json(evaluations) if options.json else evaluations_as_text(evaluations)
    with output_to(options.output) as output:
        output.write(text.encode("utf-8", "backslashreplace"))  # names of files can be invalid UTF-8
    say_skipped(options, corpus)
