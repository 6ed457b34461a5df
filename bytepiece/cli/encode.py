"""The verbs ``encode``, ``tokenize`` and ``decode``: text to ids or pieces, and ids to text."""

from __future__ import annotations

import argparse

from bytepiece import Tokenizer
from bytepiece.cli.options import Verbs, add_files, add_model, add_output, add_text_field, add_verb
from bytepiece.cli.streams import numbered_lines, output_to, texts
from bytepiece.encoding.special import Names
from bytepiece.errors import BytePieceError
from bytepiece.exchange import import_model
from bytepiece.text.display import escape_piece

__all__ = ["add_to"]


def add_to(verbs: Verbs) -> None:
    """Add the verbs with their flags."""
    encode = add_verb(
        verbs,
        "encode",
        _encode,
        "turn text into ids, one line of ids for each line or document",
        "bytepiece encode --model my.model corpora/english.txt",
        "The newline of a line is encoded too, so that decode restores the same bytes.",
    )
    encode.add_argument("--add-bos", action="store_true", help="begin each line with the id of <bos>")
    encode.add_argument("--add-eos", action="store_true", help="end each line with the id of <eos>")
    encode.add_argument(
        "--allow-special",
        action="append",
        default=[],
        metavar="NAME",
        help="find this special token in the text, or 'all'; repeat it for several (default: they are plain text)",
    )
    tokenize = add_verb(
        verbs,
        "tokenize",
        _tokenize,
        "show the pieces of text, separated by tabs",
        "bytepiece tokenize --model my.model corpora/chinese.txt",
        "What cannot be printed is escaped.",
    )
    decode = add_verb(
        verbs,
        "decode",
        _decode,
        "turn lines of ids back into text",
        "bytepiece encode --model my.model corpora/english.txt | bytepiece decode --model my.model",
    )
    decode.add_argument("--show-special", action="store_true", help="write special tokens too, by their names")
    for verb in (encode, tokenize, decode):
        add_files(verb)
        add_model(verb)
        add_output(verb)
    for verb in (encode, tokenize):
        add_text_field(verb)


def _encode(options: argparse.Namespace) -> None:
    tokenizer = Tokenizer(import_model(options.model))
    allowed: Names = "all" if "all" in options.allow_special else frozenset(options.allow_special)
    with output_to(options.output) as output:
        for text in texts(options.files, options.text_field):
            ids = tokenizer.encode(text, options.add_bos, options.add_eos, allowed_special=allowed)
            output.write(" ".join(map(str, ids)).encode() + b"\n")


def _tokenize(options: argparse.Namespace) -> None:
    tokenizer = Tokenizer(import_model(options.model))
    with output_to(options.output) as output:
        for text in texts(options.files, options.text_field):
            output.write("\t".join(map(escape_piece, tokenizer.tokenize(text))).encode() + b"\n")


def _decode(options: argparse.Namespace) -> None:
    tokenizer = Tokenizer(import_model(options.model))
    with output_to(options.output) as output:
        for path, number, line in numbered_lines(options.files):
            try:
                output.write(tokenizer.decode_bytes(_ids(line), skip_special_tokens=not options.show_special))
            except ValueError as error:
                raise BytePieceError(f"{path}, line {number}: {error}") from None


def _ids(line: bytes) -> list[int]:
    words = line.split()
    if words and not b"".join(words).isdigit():  # int() would also take signs and underscores
        word = next(word for word in words if not word.isdigit())
        raise ValueError(f"{word.decode('utf-8', 'backslashreplace')!r} is not an id")
    return list(map(int, words))
