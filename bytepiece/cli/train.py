"""The verb ``train``."""

from __future__ import annotations

import argparse
import json
import os

from bytepiece import Trainer, view
from bytepiece.analysis.tables import training_as_text
from bytepiece.cli.options import (
    Verbs,
    add_corpus,
    add_counting,
    add_engine,
    add_refine_sample,
    add_setting,
    add_verb,
    check_engine,
    corpus_of,
    engine_of,
    resources_of,
    say_skipped,
    trainer_of,
)
from bytepiece.cli.streams import output_to, say
from bytepiece.exchange import KINDS
from bytepiece.exchange.huggingface import TOKENIZER
from bytepiece.files import check_writable, paths_by_size
from bytepiece.viewer.view import MAX_MODELS

__all__ = ["add_to"]


def add_to(verbs: Verbs) -> None:
    """Add the verb with its flags."""
    parser = add_verb(
        verbs,
        "train",
        _train,
        "train a vocabulary on files",
        "bytepiece train corpora/*.txt corpora/*.jsonl --vocab-size 8000 --output my.model",
    )
    parser.add_argument(
        "--output", required=True, metavar="PATH", help="where to save the model; several models are saved to PATH.SIZE"
    )
    add_setting(
        parser,
        "--vocab-size",
        required=True,
        type=_sizes,
        metavar="N[,N...]",
        help="the largest number of ids, special tokens included; several sizes train several models",
    )
    add_setting(parser, "--max-piece-length", type=int, metavar="N", help="longest piece in bytes (default 36)")
    parser.add_argument(
        "--format",
        choices=KINDS,
        default="bytepiece",
        help="format of the model (default bytepiece); json is that of BytePiece 0.6.3, see also 'convert'",
    )
    _add_refinement(parser)
    add_setting(
        parser,
        "--special-token",
        dest="special_tokens",
        action="append",
        metavar="NAME",
        help="add a special token, with an id after those of the pieces; repeat it for several",
    )
    parser.add_argument(
        "--from-counts", nargs="+", default=[], metavar="PATH", help="train on files of 'bytepiece count'"
    )
    parser.add_argument(
        "--from-sample",
        nargs="+",
        default=[],
        metavar="PATH",
        help="refine on files of 'bytepiece sample'; without INPUT, the model is a draft, for 'count --tokens'",
    )
    parser.add_argument(
        "--checkpoint", metavar="DIR", help="keep finished parts in this folder, and resume from those it holds"
    )
    add_engine(parser, "its files")
    parser.add_argument(
        "--report",
        metavar="FILE",
        help="write times, memory and sizes to this file, as JSON; or, if it ends in .html, as a page that also shows "
        "the models, of several the four largest",
    )
    add_corpus(parser, nargs="*")
    add_counting(parser)


def _add_refinement(parser: argparse.ArgumentParser) -> None:
    add_setting(
        parser,
        "--refine-rounds",
        type=int,
        metavar="N",
        help="how often the vocabulary grows by pairs of pieces and is pruned back (default 2; 0 is faster, with "
        "shorter tokens)",
    )
    add_setting(
        parser,
        "--refine-objective",
        choices=["length", "likelihood"],
        help="what refinement makes least: the number of tokens, or the cost of the text in the unigram model, which "
        "makes language models better (default likelihood)",
    )
    add_refine_sample(parser)
    add_setting(
        parser,
        "--phrases",
        type=float,
        metavar="SHARE",
        help="the share of pieces that may be learned across the borders of words, from 0 to 1 (default: "
        "0.02 of vocabularies of 32000 ids or more, 0 of smaller ones)",
    )


def _train(options: argparse.Namespace) -> None:
    if not (options.inputs or options.from_counts):
        options.usage_error("give INPUT, files to train on, or --from-counts")
    trainer = trainer_of(options)
    if trainer.special_tokens and options.format == "json":
        options.usage_error("--format json has no room for a --special-token")
    if trainer.refine_rounds and not (options.inputs or options.from_sample):
        options.usage_error(
            "refinement needs the texts, too: beside --from-counts give INPUT, or --from-sample, or --refine-rounds 0"
        )
    if not options.inputs and options.from_sample and options.format != "bytepiece":
        options.usage_error("a draft is saved in the format bytepiece; 'convert' the model that 'finish' makes")
    check_engine(options)
    _check_outputs(trainer, options)
    corpus = corpus_of(options) if options.inputs else None
    trainer.train(
        corpus,
        checkpoint=options.checkpoint,
        from_counts=options.from_counts,
        from_sample=options.from_sample,
        engine=engine_of(options),
        **resources_of(options),
    )
    trainer.save(options.output, options.format)
    if corpus is not None:
        say_skipped(options, corpus)
    if options.report:
        _write_report(trainer, options.report)
    if not options.quiet:
        say(options.verb, training_as_text(trainer.report))


def _check_outputs(trainer: Trainer, options: argparse.Namespace) -> None:
    """Raise `OSError` where the models or the report cannot be saved, before the training."""
    paths = paths_by_size(options.output, trainer.vocab_size)
    if options.format == "huggingface":  # each is a folder, which may be there
        paths = [os.path.join(path, TOKENIZER) if os.path.exists(path) else path for path in paths]
    for path in [*paths, options.report] if options.report else paths:
        check_writable(path)


def _write_report(trainer: Trainer, path: str) -> None:
    if path.lower().endswith(".html"):
        view([*trainer.models.values()][:MAX_MODELS], path, report=trainer.report)
        return
    with output_to(path) as output:
        output.write(json.dumps(trainer.report, indent=1).encode() + b"\n")


def _sizes(value: str) -> list[int]:
    return [int(size) for size in value.split(",")]


_sizes.__name__ = "size or list of sizes"  # argparse names it in errors
