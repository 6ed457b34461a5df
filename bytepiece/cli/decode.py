"""The verb ``decode``: ids to text."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bytepiece import ShardsError, read_shards
from bytepiece.cli.options import Verbs, add_files, add_model, add_output, add_verb, add_workers
from bytepiece.cli.streams import Lines, output_to, reading
from bytepiece.core.decimal import read_lines
from bytepiece.encoding.pipeline import in_order
from bytepiece.encoding.vocabulary import Vocabulary
from bytepiece.errors import BytePieceError
from bytepiece.exchange import import_model
from bytepiece.shards.format import Ids
from bytepiece.workers import check_workers

__all__ = ["add_to"]

TOGETHER_IDS = 2**17


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
    parser.add_argument(
        "--shards", metavar="DIR", help="decode the documents in a folder of 'bytepiece shards', instead of FILE"
    )
    add_files(parser)
    add_model(parser, required=False)
    add_output(parser)
    add_workers(parser)


def _decode(options: argparse.Namespace) -> None:
    workers = check_workers(options.workers)
    if options.shards is not None and (options.files or options.model):
        options.usage_error("--shards takes no FILE and no --model")
    if options.shards is None and options.model is None:
        options.usage_error("give --model, or --shards")
    try:
        head = f"{{{json.dumps(options.text_field, ensure_ascii=False)}: ".encode()
    except UnicodeEncodeError:
        options.usage_error(f"--text-field {options.text_field!r} is not UTF-8")

    def decoded_lines(lines: Lines) -> bytes:
        found = read_lines(lines.content)
        text = None if found is None else decoded(*found)
        if text is None:
            raise _error(vocabulary, lines)
        return text

    def decoded_documents(documents: list[Ids]) -> bytes:
        text = decoded(np.concatenate(documents).astype(np.uint32), np.cumsum([*map(len, documents)]))
        if text is None:
            raise ShardsError(f"{options.shards}: damaged: an id that is not in the vocabulary")
        return text

    def decoded(ids: NDArray[np.uint32], ends: NDArray[np.int64]) -> bytes | None:
        """The text of documents, given where the ids of each end; None if some are not ids."""
        data = vocabulary.join(ids, not options.show_special)
        if data is None or not options.jsonl:
            return data
        lengths = vocabulary.lengths_of(not options.show_special)
        places = np.append(0, np.cumsum(lengths[ids], dtype=np.int64))[np.append(0, ends)]
        texts = (data[begin:end] for begin, end in pairwise(places.tolist()))
        return b"".join(head + _as_json(text) + b"}\n" for text in texts)

    if options.shards is not None:
        shards = read_shards(options.shards)
        vocabulary = Vocabulary(shards.model)
        with output_to(options.output) as output:
            for text in in_order(decoded_documents, _together(shards), workers):
                output.write(text)
        return
    vocabulary = Vocabulary(import_model(options.model))
    with output_to(options.output) as output, reading(options.files, options.text_field) as blocks:
        for text in in_order(decoded_lines, blocks, workers, lambda lines: lines.block.n_bytes):
            output.write(text)


def _together(documents: Iterable[Ids]) -> Iterator[list[Ids]]:
    """Documents in lists of some 100,000 ids."""
    some: list[Ids] = []
    n_ids = 0
    for ids in documents:
        some.append(ids)
        n_ids += len(ids)
        if n_ids >= TOGETHER_IDS:
            yield some
            some, n_ids = [], 0
    if some:
        yield some


def _error(vocabulary: Vocabulary, lines: Lines) -> BytePieceError:
    """What is wrong with the first line that has something that is not an id."""
    for number, line in enumerate(bytes(lines.content).split(b"\n"), lines.block.place.number + 1):
        for word in line.split():
            try:
                # int() would also take signs and underscores, and refuse thousands of digits in words of its own.
                if not word.isdigit() or len(word) > 20:
                    raise ValueError(f"{word[:40].decode('utf-8', 'backslashreplace')!r} is not an id")
                vocabulary.checked(int(word))
            except ValueError as error:
                return BytePieceError(f"{lines.span.path}, line {number}: {error}")
    raise AssertionError("all words are ids")


def _as_json(text: bytes) -> bytes:
    return json.dumps(text.decode("utf-8", "replace"), ensure_ascii=False).encode()
