"""The verb ``view``."""

from __future__ import annotations

import argparse

from bytepiece import view
from bytepiece.cli.options import MODEL_HELP, Verbs, add_text_field, add_verb

__all__ = ["add_to"]


def add_to(verbs: Verbs) -> None:
    """Add the verb with its flags."""
    parser = add_verb(
        verbs,
        "view",
        _view,
        "write a page that shows what tokenizers do: one HTML file, which works without a network",
        "bytepiece view my.model --text corpora/english.txt --output page.html",
        "Several models are shown side by side, at most four. The page has a playground, the reasons for each cut,\n"
        "the vocabulary, and plots; with --text also the bytes per token of each file.",
    )
    parser.add_argument("models", nargs="+", metavar="MODEL", help=MODEL_HELP)
    parser.add_argument("--output", required=True, metavar="PATH", help="where to write the page")
    parser.add_argument(
        "--text",
        nargs="+",
        default=[],
        metavar="FILE",
        help="texts, as 'bytepiece train' reads them: encoded for the plots, and samples in the playground",
    )
    parser.add_argument("--open", action="store_true", help="open the page in a browser")
    add_text_field(parser)


def _view(options: argparse.Namespace) -> None:
    view(options.models, options.output, texts=options.text, text_field=options.text_field, open=options.open)
