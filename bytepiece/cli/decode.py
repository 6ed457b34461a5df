"""The verb ``decode``: ids to text."""

from __future__ import annotations

import argparse
import json
from itertools import pairwise

import numpy as np

from bytepiece.cli.options import Verbs, add_files, add_model, add_output, add_verb, add_workers
from bytepiece.cli.streams import Lines, output_to, reading
from bytepiece.core.decimal import read_lines
from bytepiece.encoding.pipeline import in_order
from bytepiece.encoding.vocabulary import Vocabulary
from bytepiece.errors import BytePieceError
from bytepiece.exchange import import_model
from bytepiece.workers import check_workers

__all__ = ["add_to"]


def add_to(verbs: Verbs) -> None:
    """Add the verb with its flags."""
    parser = add_verb(
        verbs,
        "decode",
        _decode,
        "turn lines of ids back into text",
        "bytepiece encode --model my.model corpora/english.txt | bytepiece decode --model my.model",
    )
    parser.add_argument("--show-special", action="store_true", help="write special tokens too, by their names")
    parser.add_argument(
        "--jsonl",
        action="store_true",
        help="write the text of each line of ids as a line of JSON; bytes that form no character become U+FFFD",
    )
    parser.add_argument(
        "--text-field", default="text", metavar="NAME", help="the field of the JSON that holds the text (default text)"
    )
    add_files(parser)
    add_model(parser)
    add_output(parser)
    add_workers(parser)


def _decode(options: argparse.Namespace) -> None:
    workers = check_workers(options.workers)
    vocabulary = Vocabulary(import_model(options.model))
    head = f"{{{json.dumps(options.text_field, ensure_ascii=False)}: ".encode()

    def decoded(lines: Lines) -> bytes:
        found = read_lines(lines.content)
        data = None if found is None else vocabulary.join(found[0], not options.show_special)
        if found is None or data is None:
            raise _error(vocabulary, lines)
        if not options.jsonl:
            return data
        ids, ends = found
        lengths = vocabulary.lengths_of(not options.show_special)
        places = np.append(0, np.cumsum(lengths[ids], dtype=np.int64))[np.append(0, ends)]
        texts = (data[begin:end] for begin, end in pairwise(places.tolist()))
        return b"".join(head + _as_json(text) + b"}\n" for text in texts)

    with output_to(options.output) as output, reading(options.files, options.text_field) as blocks:
        for text in in_order(decoded, blocks, workers):
            output.write(text)


def _error(vocabulary: Vocabulary, lines: Lines) -> BytePieceError:
    """What is wrong with the first line that has something that is not an id."""
    for number, line in enumerate(bytes(lines.content).split(b"\n"), lines.block.place.number + 1):
        for word in line.split():
            try:
                if not word.isdigit():  # int() would also take signs and underscores
                    raise ValueError(f"{word.decode('utf-8', 'backslashreplace')!r} is not an id")
                vocabulary.checked(int(word))
            except ValueError as error:
                return BytePieceError(f"{lines.span.path}, line {number}: {error}")
    raise AssertionError("all words are ids")


def _as_json(text: bytes) -> bytes:
    return json.dumps(text.decode("utf-8", "replace"), ensure_ascii=False).encode()
