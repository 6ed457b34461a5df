"""The flags that several verbs share, and what the library makes of them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, TypeAlias

from bytepiece import Corpus, RayEngine, Trainer
from bytepiece.cli.streams import STANDARD_INPUT, say
from bytepiece.corpus.partitions import Partition
from bytepiece.encoding.special import Names
from bytepiece.errors import BytePieceError, SettingsError, check_int
from bytepiece.sizes import parse_size
from bytepiece.training.resources import Resources
from bytepiece.workers import processors

__all__ = [
    "Verbs",
    "add_allow_special",
    "add_corpus",
    "add_counting",
    "add_engine",
    "add_files",
    "add_input",
    "add_model",
    "add_model_argument",
    "add_models",
    "add_output",
    "add_part",
    "add_refine_sample",
    "add_setting",
    "add_verb",
    "add_workers",
    "allowed_special_of",
    "check_engine",
    "corpus_of",
    "engine_of",
    "part_of",
    "resources_of",
    "say_skipped",
    "size_in_bytes",
    "trainer_of",
]

PRESETS = {"bytepiece-0.6.3": Trainer.bytepiece063}

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What the parser of the command adds verbs to."""

INPUT_HELP = (
    "a text file (one document per line) or a .jsonl file (one object per line), either also as .gz, .xz or .zst; "
    "a .parquet file (one document per row); a pattern like 'data/**/*.txt'; or a folder, for its .txt, .jsonl and "
    ".parquet files; any of these also at an address like s3://bucket/folder"
)

MODEL_HELP = (
    "a model file of this program or of BytePiece 0.6.3; a tokenizer.json or its folder; a SentencePiece model; or "
    "counted pieces, one per line: piece, tab, count, escaped as by 'bytepiece vocab'"
)


def add_verb(
    verbs: Verbs,
    name: str,
    run: Callable[[argparse.Namespace], None],
    help: str,
    example: str,
    details: str = "",
) -> argparse.ArgumentParser:
    """Add a verb; gives the parser that takes its flags.

    Args:
        verbs: what it is added to.
        name: the verb.
        run: called with the parsed flags. It can call ``options.usage_error(message)``, which ends the program.
        help: what it does, in one line.
        example: a command line.
        details: more of what it does, for its own ``--help``; lines of at most 100 characters.
    """
    parser = verbs.add_parser(
        name,
        help=help,
        description=f"{help[0].upper()}{help[1:]}.\n{details}".rstrip(),
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run, usage_error=parser.error)
    return parser


# Models, texts and outputs.


def add_model(parser: argparse.ArgumentParser, required: bool = True) -> None:
    """Add ``--model``, a file that `bytepiece.exchange.import_model` reads."""
    parser.add_argument("--model", required=required, metavar="MODEL", help=MODEL_HELP)


def add_models(parser: argparse.ArgumentParser) -> None:
    """Add ``--model``, which can be given several times."""
    parser.add_argument(
        "--model", dest="models", action="append", required=True, metavar="MODEL", help=f"{MODEL_HELP}; or several"
    )


def add_model_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``MODEL``, for verbs that are about the model itself; it is read as ``--model`` is."""
    parser.add_argument("model", metavar="MODEL", help=MODEL_HELP)


def add_files(parser: argparse.ArgumentParser) -> None:
    """Add ``FILE...``, read line by line."""
    parser.add_argument("files", nargs="*", metavar="FILE", help="files to read; '-', or no file: standard input")


def add_text_field(parser: argparse.ArgumentParser) -> None:
    """Add ``--text-field``."""
    parser.add_argument(
        "--text-field",
        default="text",
        metavar="NAME",
        help="the field of a .jsonl line, or the column of a .parquet file, that holds the text (default text)",
    )


def add_allow_special(parser: argparse.ArgumentParser) -> None:
    """Add ``--allow-special``, for `allowed_special_of`."""
    parser.add_argument(
        "--allow-special",
        action="append",
        default=[],
        metavar="NAME",
        help="find this special token in the text, or 'all'; repeat it for several (default: they are plain text)",
    )


def allowed_special_of(options: argparse.Namespace) -> Names:
    """The special tokens that are found in the text."""
    return "all" if "all" in options.allow_special else frozenset(options.allow_special)


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add ``--output``, by default standard output."""
    parser.add_argument("--output", metavar="PATH", help="where to write (default: standard output)")


# A corpus.


def add_input(parser: argparse.ArgumentParser, nargs: str, metavar: str = "INPUT") -> None:
    """Add the files of a corpus, and ``--text-field``."""
    parser.add_argument("inputs", nargs=nargs, metavar=metavar, help=INPUT_HELP)
    add_text_field(parser)


def add_corpus(parser: argparse.ArgumentParser, nargs: str = "+") -> None:
    """Add all flags of `corpus_of`."""
    add_input(parser, nargs)
    parser.add_argument(
        "--on-error",
        choices=["stop", "skip"],
        default="stop",
        help="what to do with a document that cannot be read: not UTF-8, broken JSON, no such field (default stop)",
    )
    parser.add_argument(
        "--sample-bytes",
        type=size_in_bytes,
        metavar="SIZE",
        help="use a random sample of the documents, of about this size, such as 2G (K, M, G, T: powers of 1024)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="which sample (default 0)")


def corpus_of(options: argparse.Namespace) -> Corpus:
    """The corpus that the flags of `add_corpus` describe."""
    if STANDARD_INPUT in options.inputs:
        raise BytePieceError("a corpus is read several times, so it cannot be standard input: name files")
    longest = getattr(options, "max_document_bytes", None)
    if getattr(options, "memory_limit", None) is not None:
        longest = Resources.checked(None, options.memory_limit, None).document_bytes
    return Corpus(options.inputs, options.text_field, options.on_error, options.sample_bytes, options.seed, longest)


def add_part(parser: argparse.ArgumentParser, verb: str) -> None:
    """Add ``--part``; ``verb`` says what is done with the part."""
    parser.add_argument(
        "--part",
        type=_part,
        default=(1, 1),
        metavar="K/N",
        help=f"{verb} part K of N of the corpus; the N parts together have each document once",
    )


def _part(value: str) -> tuple[int, int]:
    number, _, n = value.partition("/")
    return int(number), int(n)


_part.__name__ = "part"  # argparse names it in errors


def part_of(corpus: Corpus, part: tuple[int, int]) -> Corpus | Partition:
    """The part of a corpus that the flag ``--part`` names; all of it is the corpus itself, which knows its progress."""
    number, n = part
    check_int("N of --part", n, 1, 10**6)
    check_int("K of --part", number, 1, n)
    return corpus if n == 1 else corpus.part(number - 1, n)


def say_skipped(options: argparse.Namespace, corpus: Corpus | Partition) -> None:
    """Say how many documents were skipped, if any were."""
    if corpus.skipped:
        say(options.verb, f"skipped {corpus.skipped} documents that cannot be read, the first: {corpus.first_error}")


# Training.


def add_counting(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `trainer_of` and `resources_of`: those on which the counts depend, and how counting is done."""
    parser.add_argument(
        "--preset",
        choices=PRESETS,
        help="train as BytePiece 0.6.3 does: --min-count 2 --normalization nfc --refine-rounds 0 --boundaries none, "
        "unless these flags say otherwise",
    )
    add_setting(parser, "--order", type=int, metavar="N", help="length of the longest n-grams (default 6)")
    add_setting(
        parser,
        "--min-count",
        type=int,
        metavar="N",
        help="leave out n-grams and pieces that occur less often (default: chosen by the amount of text)",
    )
    add_setting(parser, "--isolate-digits", action="store_true", help="make every digit a piece of its own")
    add_setting(
        parser,
        "--boundaries",
        choices=["none", "words"],
        help="what no piece is learned across beside newlines: the borders of words, numbers and punctuation, which "
        "makes language models better; or nothing, which makes tokens longer (default words)",
    )
    add_setting(
        parser,
        "--no-ensure-unicode",
        dest="ensure_unicode",
        action="store_false",
        help="allow pieces that begin or end inside a character",
    )
    add_setting(
        parser,
        "--normalization",
        choices=["none", "nfc"],
        help="what the model does to text first (default none: every byte is kept)",
    )
    add_workers(parser)
    parser.add_argument(
        "--memory-limit",
        type=size_in_bytes,
        metavar="SIZE",
        help="such as 2G: counts that need more memory go to disk; the result is the same",
    )
    parser.add_argument("--temp-dir", metavar="DIR", help="where temporary files go")
    parser.add_argument("--quiet", action="store_true", help="show no progress and no summary")


def add_setting(parser: argparse.ArgumentParser, *names: str, **how: Any) -> None:
    """Add a flag that is a setting of `Trainer`, whose default holds where it is not given."""
    action = parser.add_argument(*names, default=argparse.SUPPRESS, **how)
    parser.set_defaults(settings=[*(parser.get_default("settings") or []), action.dest])


def add_refine_sample(parser: argparse.ArgumentParser) -> None:
    """Add ``--refine-sample``, a setting."""
    add_setting(
        parser,
        "--refine-sample",
        metavar="SIZE",
        help="how much text refinement looks at, such as 256M; of a larger corpus it takes a sample (default 64M)",
    )


def trainer_of(options: argparse.Namespace) -> Trainer:
    """A trainer with the settings that were given."""
    given = {name: getattr(options, name) for name in options.settings if hasattr(options, name)}
    make: Callable[..., Trainer] = Trainer if options.preset is None else PRESETS[options.preset]
    return make(**{name: None if value == "none" else value for name, value in given.items()})


def resources_of(options: argparse.Namespace) -> dict[str, Any]:
    """What a trainer may use, as arguments of its methods."""
    return {
        "workers": options.workers,
        "memory_limit": options.memory_limit,
        "temp_dir": options.temp_dir,
        "progress": not options.quiet,
    }


def add_engine(parser: argparse.ArgumentParser, seen: str) -> None:
    """Add the flags of `engine_of`; ``seen`` is what all machines of a cluster must see."""
    parser.add_argument(
        "--engine",
        choices=["ray"],
        help=f"read the corpus on the machines of a cluster; all of them must see {seen} (default: on this one)",
    )
    parser.add_argument(
        "--address",
        metavar="ADDRESS",
        help="of the cluster: 'auto', or ray://HOST:PORT (default: a cluster of this machine alone)",
    )
    parser.add_argument(
        "--task-workers",
        type=int,
        metavar="N",
        help="number of processors of a task on a cluster (default: those of the smallest machine)",
    )


def check_engine(options: argparse.Namespace) -> None:
    """End the program, if there are flags of an engine without one."""
    if not options.engine and (options.address or options.task_workers):
        options.usage_error("--address and --task-workers go with --engine")


def engine_of(options: argparse.Namespace) -> RayEngine | None:
    """The engine that was asked for; None for this machine alone."""
    return RayEngine(options.address, options.task_workers) if options.engine else None


def add_workers(parser: argparse.ArgumentParser) -> None:
    """Add ``--workers``."""
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help=f"number of threads (default: all processors, here {processors()})",
    )


def size_in_bytes(value: str) -> int:
    """The ``type`` of a flag that is a size, such as 2G."""
    try:
        return parse_size(value)
    except SettingsError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
