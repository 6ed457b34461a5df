"""The verbs ``encode`` and ``tokenize``: text to ids or pieces."""

from __future__ import annotations

import argparse
import os
import sys

import numpy as np

from bytepiece import Tokenizer
from bytepiece.cli.options import (
    Verbs,
    add_allow_special,
    add_files,
    add_model,
    add_output,
    add_text_field,
    add_verb,
    add_workers,
    allowed_special_of,
)
from bytepiece.cli.streams import Lines, is_terminal, output_to, reading
from bytepiece.core.decimal import write_lines
from bytepiece.encoding.encoder import Encoder
from bytepiece.encoding.ends import add_to_arrays
from bytepiece.encoding.pipeline import in_order
from bytepiece.exchange import import_model
from bytepiece.text.coloured import in_terminal
from bytepiece.text.display import escape_piece
from bytepiece.workers import check_workers

__all__ = ["add_to"]


def add_to(verbs: Verbs) -> None:
    """Add the verbs with their flags."""
    encode = add_verb(
        verbs,
        "encode",
        _encode,
        "turn text into ids, one line of ids for each line or document",
        "bytepiece encode --model my.model corpora/english.txt",
        "The newline of a line is encoded too, so that decode restores the same bytes. Of a .jsonl file, each\n"
        "document has a line of ids, and 'decode --jsonl' gives the documents back.",
    )
    add_workers(encode)
    encode.add_argument("--add-bos", action="store_true", help="begin each line with the id of <bos>")
    encode.add_argument("--add-eos", action="store_true", help="end each line with the id of <eos>")
    add_allow_special(encode)
    tokenize = add_verb(
        verbs,
        "tokenize",
        _tokenize,
        "show the pieces of text, separated by tabs",
        "bytepiece tokenize --model my.model corpora/chinese.txt",
        "What cannot be printed is escaped. On a terminal, colours show the pieces instead of tabs.",
    )
    tokenize.add_argument(
        "--color",
        choices=["auto", "always", "never"],
        default="auto",
        help="colour the pieces (default auto: on a terminal, unless NO_COLOR is set)",
    )
    for verb in (encode, tokenize):
        add_files(verb)
        add_model(verb)
        add_output(verb)
        add_text_field(verb)


def _encode(options: argparse.Namespace) -> None:
    workers = check_workers(options.workers)
    encoder = Encoder(import_model(options.model))
    allowed = allowed_special_of(options)

    def encoded(lines: Lines) -> bytes:
        ids, ends = encoder.encode_texts(lines.texts(options.text_field), allowed)
        if options.add_bos or options.add_eos:
            ids, offsets = add_to_arrays(np.asarray(ids), np.append(0, ends), options.add_bos, options.add_eos)
            ends = offsets[1:]
        return write_lines(ids, ends)

    with output_to(options.output) as output, reading(options.files, options.text_field) as blocks:
        for ids in in_order(encoded, blocks, workers, lambda lines: lines.block.n_bytes):
            output.write(ids)


def _tokenize(options: argparse.Namespace) -> None:
    tokenizer = Tokenizer(import_model(options.model))
    colored = options.color == "always" or (options.color == "auto" and _shows_colors(options.output))
    with output_to(options.output) as output, reading(options.files, options.text_field) as blocks:
        for lines in blocks:
            for text in lines.texts(options.text_field).to_list():
                pieces = tokenizer.tokenize(text)
                shown = in_terminal(pieces) if colored else "\t".join(map(escape_piece, pieces))
                output.write(shown.encode() + b"\n")


def _shows_colors(output: str | None) -> bool:
    """Whether the output is a terminal whose user has nothing against colours, see https://no-color.org."""
    return (
        output is None
        and is_terminal(sys.stdout)
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )
