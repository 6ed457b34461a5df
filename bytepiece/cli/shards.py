"""The verb ``shards``: a corpus as files of ids."""

from __future__ import annotations

import argparse

from bytepiece import SettingsError, ShardsError, verify_shards, write_shards
from bytepiece.cli.options import (
    Verbs,
    add_allow_special,
    add_corpus,
    add_engine,
    add_model,
    add_part,
    add_verb,
    add_workers,
    allowed_special_of,
    check_engine,
    corpus_of,
    engine_of,
    size_in_bytes,
)
from bytepiece.cli.streams import say
from bytepiece.exchange import import_model
from bytepiece.shards.formats import FORMATS
from bytepiece.shards.settings import Options
from bytepiece.sizes import parse_size

__all__ = ["add_to"]


def add_to(verbs: Verbs) -> None:
    """Add the verb with its flags."""
    parser = add_verb(
        verbs,
        "shards",
        _shards,
        "encode a corpus into files of ids for a training framework",
        "bytepiece shards corpora/*.txt --model my.model --format megatron --output my.shards",
        "Started again after an interruption, the same command goes on after the last whole shard.\n"
        "Ids take two bytes in models of up to 65,536 ids, else four.",
    )
    add_model(parser, required=False)
    parser.add_argument("--output", metavar="DIR", help="the folder for the shards")
    parser.add_argument("--format", choices=FORMATS, default="megatron", help="whose files to write (default megatron)")
    parser.add_argument(
        "--shard-tokens",
        type=_tokens,
        metavar="N",
        help="the most ids of a shard, such as 64M (default 256M; 32M for mds; K, M, G: powers of 1024)",
    )
    parser.add_argument(
        "--no-append-eos", dest="append_eos", action="store_false", help="do not end documents with the id of <eos>"
    )
    parser.add_argument("--prepend-bos", action="store_true", help="begin documents with the id of <bos>")
    add_allow_special(parser)
    parser.add_argument(
        "--max-document-bytes",
        type=size_in_bytes,
        metavar="SIZE",
        help="longer lines or rows cannot be read, see --on-error; a line that is longer is never in memory",
    )
    add_part(parser, "write")
    add_engine(parser, "its files and the folder for the shards")
    parser.add_argument(
        "--verify",
        metavar="DIR",
        help="check the shards in this folder: sizes, hashes, ids, and a sample of documents against the corpus",
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress and no summary")
    add_corpus(parser, nargs="*")
    add_workers(parser)


def _shards(options: argparse.Namespace) -> None:
    if options.verify is not None:
        _verify(options)
        return
    if not (options.inputs and options.model and options.output):
        options.usage_error("give INPUT, --model and --output; or --verify")
    check_engine(options)
    settings: Options = {
        "shard_tokens": options.shard_tokens,
        "append_eos": options.append_eos,
        "prepend_bos": options.prepend_bos,
        "allowed_special": allowed_special_of(options),
    }
    totals = write_shards(
        corpus_of(options),
        import_model(options.model),
        options.output,
        options.format,
        part=options.part,
        engine=engine_of(options),
        workers=options.workers,
        progress=not options.quiet,
        **settings,
    )
    if totals["skipped"]:
        say(
            options.verb,
            f"skipped {totals['skipped']} documents that cannot be read, the first: {totals['first_error']}",
        )
    if not options.quiet:
        say(
            options.verb,
            f"{totals['documents']:,} documents, {totals['tokens']:,} tokens, {totals['text_bytes']:,} bytes of text "
            f"in {totals['shards']:,} shards; {totals['empty']:,} empty documents are left out",
        )


def _verify(options: argparse.Namespace) -> None:
    if options.inputs or options.output:
        options.usage_error("--verify takes no INPUT and no --output")
    problems = verify_shards(options.verify)
    for problem in problems[1:]:
        say(options.verb, problem)
    if problems:
        raise ShardsError(problems[0])
    if not options.quiet:
        say(options.verb, f"{options.verify}: all is well")


def _tokens(value: str) -> int:
    try:
        return parse_size(value, "shard_tokens", "tokens")
    except SettingsError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
