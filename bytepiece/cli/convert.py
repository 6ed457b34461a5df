"""The verb ``convert``."""

from __future__ import annotations

import argparse

from bytepiece.analysis.tables import problems_as_text
from bytepiece.cli.options import Verbs, add_model_argument, add_verb
from bytepiece.cli.streams import output_to, say
from bytepiece.exchange import KINDS, drop_unused_pieces, export_model, import_model, sentencepiece_problems

__all__ = ["add_to"]


def add_to(verbs: Verbs) -> None:
    """Add the verb with its flags."""
    parser = add_verb(
        verbs,
        "convert",
        _convert,
        "write a model for another tokenizer, read one of another, or add special tokens",
        "bytepiece convert my.model --to huggingface my_tokenizer",
        "Ids stay the same. Where that is impossible, the error says why. Special tokens can be added on the way:\n"
        "bytepiece convert my.model chat.model --special-token '<|user|>' --special-token '<|end|>'",
    )
    add_model_argument(parser)
    parser.add_argument(
        "--to",
        default="bytepiece",
        choices=KINDS,
        help="the format (default bytepiece); json is that of BytePiece 0.6.3",
    )
    parser.add_argument("output", metavar="OUT", help="the file to write; a folder for huggingface")
    parser.add_argument(
        "--force",
        action="store_true",
        help="for sentencepiece: write the model even if it will give other ids there",
    )
    parser.add_argument(
        "--problems",
        metavar="PATH",
        help="for sentencepiece: where to list the pieces that cannot be converted exactly: id, piece, count, reason",
    )
    parser.add_argument(
        "--special-tokens-as-text",
        action="store_true",
        help="for huggingface: leave the names of special tokens in a text as they are; without it they are found, as "
        "is usual there, if the model has special tokens of its own",
    )
    parser.add_argument(
        "--model-max-length", type=int, metavar="N", help="for huggingface: the number of ids that truncation leaves"
    )
    parser.add_argument(
        "--auto-map",
        action="store_true",
        help="for huggingface: let AutoTokenizer load this package if it is called with trust_remote_code=True",
    )
    parser.add_argument(
        "--special-token",
        dest="special_tokens",
        action="append",
        default=[],
        metavar="NAME",
        help="add a special token, with an id after all others; repeat it for several",
    )
    parser.add_argument(
        "--settle",
        action="store_true",
        help="drop pieces that no text would use, as BytePiece's convert_to_bytepiece does",
    )


def _convert(options: argparse.Namespace) -> None:
    model = import_model(options.model)
    if options.settle:
        model = drop_unused_pieces(model)
    if options.special_tokens:
        model = model.with_special_tokens(options.special_tokens)
    if options.problems is not None:
        with output_to(options.problems) as output:
            output.write(problems_as_text(sentencepiece_problems(model)).encode())
    remark = export_model(
        model,
        options.output,
        options.to,
        force=options.force,
        special_tokens_as_text=options.special_tokens_as_text,
        model_max_length=options.model_max_length,
        auto_map=options.auto_map,
    )
    if remark is not None:
        say(options.verb, f"written, but note: {remark}")
