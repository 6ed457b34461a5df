"""The verb ``bench``."""

from __future__ import annotations

import argparse
import sys

from bytepiece import Corpus
from bytepiece.bars import progress_bar
from bytepiece.bench.machine import Others
from bytepiece.bench.report import conditions, result_as_table
from bytepiece.bench.speed import Contest
from bytepiece.bench.texts import beginnings
from bytepiece.cli.options import Verbs, add_input, add_model, add_output, add_verb, size_in_bytes
from bytepiece.cli.streams import is_terminal, output_to
from bytepiece.exchange import import_model

__all__ = ["add_to"]


def add_to(verbs: Verbs) -> None:
    """Add the verb with its flags."""
    parser = add_verb(
        verbs,
        "bench",
        _bench,
        "measure how fast text is encoded, beside other tokenizers that are installed",
        "bytepiece bench --model my.model corpora/english.txt",
        "SentencePiece, Hugging Face tokenizers and rs_bytepiece take part if they are installed, with the\n"
        "vocabulary of the model. Each has a process of its own and one thread, and they take turns. Ids are\n"
        "compared. The table has MB of text a second, in the median round and in the best one. Do not compare\n"
        "figures of different runs.",
    )
    add_input(parser, "+")
    add_model(parser)
    parser.add_argument(
        "--max-bytes",
        type=size_in_bytes,
        default="4M",
        metavar="SIZE",
        help="read about so much text, the beginning of each file; a document may not be longer (default %(default)s)",
    )
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="turns of each (default %(default)s)")
    add_output(parser)


def _bench(options: argparse.Namespace) -> None:
    model = import_model(options.model)
    corpus = Corpus(options.inputs, options.text_field, max_document_bytes=options.max_bytes)
    texts = beginnings(corpus, options.max_bytes)
    others = Others()
    with output_to(options.output) as output:
        with (
            Contest(model) as contest,
            progress_bar(" turns", shown=is_terminal(sys.stderr)) as bar,
        ):
            result = contest.measure(texts, options.rounds, bar.update)
        text = conditions(contest, result, others) + "\n" + result_as_table(result)
        output.write(text.encode())
