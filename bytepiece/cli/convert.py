"""The verb ``convert``."""

from __future__ import annotations

import argparse

from bytepiece.analysis.tables import problems_as_text
from bytepiece.cli.options import Verbs, add_model_argument, add_verb
from bytepiece.cli.streams import output_to, say
from bytepiece.exchange import KINDS, caveats, drop_unused_pieces, export_model, import_model, sentencepiece_problems

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
        "--special-tokens-in-text",
        action="store_true",
        help="for huggingface: find the names of special tokens in any text, as is usual there",
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
    export_model(
        model,
        options.output,
        options.to,
        force=options.force,
        special_tokens_in_text=options.special_tokens_in_text,
    )
    for caveat in caveats(model, options.to):
        say(options.verb, f"written, but note: {caveat}")
