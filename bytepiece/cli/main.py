"""The command line: verbs and flags, no logic of its own."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, NoReturn, TextIO

from bytepiece import Corpus, Model, Tokenizer, Trainer, __version__, evaluate
from bytepiece.analysis.evaluation import as_json, as_table
from bytepiece.analysis.inspection import compare_models, inspect_model
from bytepiece.corpus.readers import documents, is_jsonl, open_input, read_lines
from bytepiece.encoding.batches import processors
from bytepiece.encoding.special import Names
from bytepiece.errors import BytePieceError, SettingsError
from bytepiece.exchange import KINDS, caveats, export_model, import_model, sentencepiece_problems, settle
from bytepiece.files import atomic_writer
from bytepiece.sizes import parse_size
from bytepiece.text.display import escape_piece
from bytepiece.training.counting.passes import merge_counts

__all__ = ["main"]

STANDARD_INPUT = "-"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status: 0, 1 for an error, 2 for wrong usage."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.run is _train and not (options.inputs or options.from_counts):
        parser.error("train takes INPUT, files to train on, or --from-counts")
    if options.run is _train and options.special_token and options.format == "json":
        parser.error("--format json has no room for a --special-token")
    try:
        options.run(options)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has enough. Python would complain again when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + 13
    except KeyboardInterrupt:
        return _fail(options.verb, "interrupted", 128 + 2)
    except BytePieceError as error:
        return _fail(options.verb, str(error))
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(options.verb, f"{where}{error.strerror or error}")
    except MemoryError as error:
        return _fail(options.verb, str(error) or "out of memory")
    return 0


def _fail(verb: str, message: str, status: int = 1) -> int:
    _say(verb, message)
    return status


def _say(verb: str, message: str) -> None:
    if sys.stderr is not None:  # else print() would take standard output
        print(f"bytepiece {verb}: {' '.join(message.splitlines())}", file=sys.stderr)


# The verbs.


def _train(options: argparse.Namespace) -> None:
    trainer = _trainer(
        options,
        max_vocab_size=options.vocab_size,
        max_piece_length=options.max_piece_length,
        refine_rounds=options.refine_rounds,
        special_tokens=options.special_token,
    )
    corpus = _corpus(options) if options.inputs else None
    trainer.train(corpus, checkpoint=options.checkpoint, counts=options.from_counts, **_resources(options))
    trainer.save(options.output, options.format)
    _say_skipped(options, corpus)
    if options.report:
        with _output(options.report) as output:
            output.write(json.dumps(trainer.report, indent=1).encode() + b"\n")
    if not options.quiet:
        _say(options.verb, _summary(trainer.report))


def _count(options: argparse.Namespace) -> None:
    trainer, corpus = _trainer(options), _corpus(options)
    if options.ngrams and not options.pieces:
        raise SettingsError("--ngrams goes with --pieces")
    if options.pieces:
        trainer.count_pieces(corpus, options.ngrams, options.output, **_resources(options))
    else:
        trainer.count_ngrams(corpus, options.output, **_resources(options))
    _say_skipped(options, corpus)


def _merge(options: argparse.Namespace) -> None:
    merge_counts(options.inputs, options.output)


def _trainer(options: argparse.Namespace, **sizes: Any) -> Trainer:
    return Trainer(
        order=options.order,
        min_count=options.min_count,
        isolate_digits=options.isolate_digits,
        ensure_unicode=options.ensure_unicode,
        normalization=None if options.normalization == "none" else options.normalization,
        **sizes,
    )


def _corpus(options: argparse.Namespace) -> Corpus:
    if STANDARD_INPUT in options.inputs:
        raise BytePieceError("a corpus is read several times, so it cannot be standard input: name files")
    return Corpus(options.inputs, options.text_field, options.on_error, options.sample_bytes, options.seed)


def _resources(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "workers": options.workers,
        "memory_limit": options.memory_limit,
        "temp_dir": options.temp_dir,
        "progress": not options.quiet,
    }


def _say_skipped(options: argparse.Namespace, corpus: Corpus | None) -> None:
    if corpus is not None and corpus.skipped:
        _say(options.verb, f"skipped {corpus.skipped} documents that cannot be read, the first: {corpus.first_error}")


def _summary(report: dict[str, Any]) -> str:
    parts = [f"{report['seconds']:.1f} s"]
    if "n_bytes" in report:
        parts.append(f"{report['n_bytes'] / 1e6:.1f} MB of text in {report['documents']} documents")
    if report["peak_memory"]:
        parts.append(f"peak memory {report['peak_memory'] / 1e6:.0f} MB")
    for size, model in report["models"].items():
        rate = f", {model['bytes_per_token']:.3f} bytes per token" if "bytes_per_token" in model else ""
        parts.append(f"vocabulary {size}: {model['pieces']} pieces{rate}")
    return "; ".join(parts)


def _encode(options: argparse.Namespace) -> None:
    tokenizer = Tokenizer(options.model)
    allowed: Names = "all" if "all" in options.allow_special else frozenset(options.allow_special)
    with _output(options.output) as output:
        for text in _texts(options):
            ids = tokenizer.encode(text, options.add_bos, options.add_eos, allowed_special=allowed)
            output.write(" ".join(map(str, ids)).encode() + b"\n")


def _tokenize(options: argparse.Namespace) -> None:
    tokenizer = Tokenizer(options.model)
    with _output(options.output) as output:
        for text in _texts(options):
            output.write("\t".join(map(escape_piece, tokenizer.tokenize(text))).encode() + b"\n")


def _decode(options: argparse.Namespace) -> None:
    tokenizer = Tokenizer(options.model)
    with _output(options.output) as output:
        for path, number, line in _lines(options.files):
            try:
                output.write(tokenizer.decode_bytes(_ids(line), skip_special_tokens=not options.show_special))
            except ValueError as error:
                raise BytePieceError(f"{path}, line {number}: {error}") from None


def _ids(line: bytes) -> list[int]:
    words = line.split()
    if words and not b"".join(words).isdigit():  # int() takes more: signs, underscores
        word = next(word for word in words if not word.isdigit())
        raise ValueError(f"{word.decode('utf-8', 'backslashreplace')!r} is not an id")
    return list(map(int, words))


def _vocab(options: argparse.Namespace) -> None:
    model = Model.load(options.model)
    with _output(options.output) as output:
        rows = [(name.encode(), "-") for name in model.special_tokens]
        rows[model.first_id : model.first_id] = zip(model.pieces, map(str, model.counts), strict=True)
        for id, (piece, count) in enumerate(rows):
            output.write(f"{id}\t{escape_piece(piece)}\t{count}\n".encode())


def _inspect(options: argparse.Namespace) -> None:
    _write_report(options.output, inspect_model(import_model(options.model)))


def _compare(options: argparse.Namespace) -> None:
    models = import_model(options.model), import_model(options.other)
    texts = Corpus(options.inputs, options.text_field) if options.inputs else ()
    _write_report(options.output, compare_models(*models, texts))


def _write_report(path: str | None, report: dict[str, Any]) -> None:
    with _output(path) as output:
        for name, value in report.items():
            if isinstance(value, dict):
                lines = [f"{name}:", *(f"  {_show(key)}: {_show(each)}" for key, each in value.items())]
            else:
                lines = [f"{name}: {_show(value)}"]
            output.write("\n".join([*lines, ""]).encode())


def _show(value: object) -> str:
    """A value in one line."""
    if isinstance(value, dict):
        return ", ".join(f"{_show(key)} {_show(each)}" for key, each in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        return (" / " if isinstance(value, tuple) else ", ").join(map(_show, value)) or "none"
    if isinstance(value, bytes):
        return f'"{escape_piece(value)}"'
    return escape_piece(value.encode()) if isinstance(value, str) else json.dumps(value)


def _evaluate(options: argparse.Namespace) -> None:
    models = [options.model, *([options.compare] if options.compare else [])]
    tokenizers = [Tokenizer(model) for model in models]  # all, before a corpus is read
    corpus = _corpus(options)
    evaluations = [
        (model, evaluate(tokenizer, corpus, options.workers))
        for model, tokenizer in zip(models, tokenizers, strict=True)
    ]
    if options.json:
        tables = [{"model": model, **as_json(evaluation)} for model, evaluation in evaluations]
        text = json.dumps({"models": tables}, indent=1, ensure_ascii=False) + "\n"
    else:
        text = as_table(evaluations)
    with _output(options.output) as output:
        output.write(text.encode("utf-8", "backslashreplace"))  # of the names of files
    _say_skipped(options, corpus)


def _convert(options: argparse.Namespace) -> None:
    model = import_model(options.model)
    if options.settle:
        model = settle(model)
    if options.problems is not None:
        with _output(options.problems) as output:
            for problem in sentencepiece_problems(model):
                line = f"{problem.id}\t{escape_piece(problem.piece)}\t{problem.count}\t{problem.reason}\n"
                output.write(line.encode())
    export_model(
        model,
        options.output,
        options.to,
        force=options.force,
        special_tokens_in_text=options.special_tokens_in_text,
    )
    for caveat in caveats(model, options.to):
        _say(options.verb, f"written, but note: {caveat}")


# Input and output.


def _standard(name: str, stream: TextIO | None) -> BinaryIO:
    if stream is None:
        raise BytePieceError(f"standard {name} is closed")
    return stream.buffer


def _lines(files: Sequence[str]) -> Iterator[tuple[str, int, bytes]]:
    for path in files or [STANDARD_INPUT]:
        if path == STANDARD_INPUT:
            for number, line in enumerate(_standard("input", sys.stdin), 1):
                yield "standard input", number, line
        else:
            with open_input(path) as file:
                for number, line in enumerate(read_lines(file, path), 1):
                    yield path, number, line


def _texts(options: argparse.Namespace) -> Iterator[bytes | str]:
    for path in options.files or [STANDARD_INPUT]:
        if is_jsonl(path):
            yield from documents(path, options.text_field)
        else:
            for _, _, line in _lines([path]):
                yield line


@contextmanager
def _output(path: str | None) -> Iterator[BinaryIO]:
    if path is None:
        output = _standard("output", sys.stdout)
        yield output
        output.flush()
    else:
        with atomic_writer(path) as file:
            yield file


# The flags.


class _Parser(argparse.ArgumentParser):
    """Errors in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _sizes(value: str) -> list[int]:
    return [int(size) for size in value.split(",")]


_sizes.__name__ = "size or list of sizes"  # what argparse calls it


def _bytes(value: str) -> int:
    try:
        return parse_size(value)
    except SettingsError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


_INPUT_HELP = (
    "a text file (a line is a document), .jsonl file (an object a line), each also .gz, .xz or .zst, or "
    ".parquet file (a row); a pattern like 'data/**/*.txt'; a folder, for its .txt, .jsonl and .parquet files"
)

_MODEL_HELP = (
    "a model file of this program or BytePiece; a tokenizer.json or its folder; a SentencePiece model; or "
    "lines of a piece, a tab and a count, escaped as vocab does"
)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="bytepiece",
        description="Byte-level unigram tokenizer: train a vocabulary, encode text, decode ids.",
    )
    parser.add_argument("--version", action="version", version=f"bytepiece {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=_Parser)

    def verb(
        name: str, run: Callable[[argparse.Namespace], None], help: str, example: str, details: str = ""
    ) -> argparse.ArgumentParser:
        added = verbs.add_parser(
            name,
            help=help,
            description=f"{help[0].upper()}{help[1:]}. {details}",
            epilog=f"example:\n  {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(run=run)
        return added

    train = verb(
        "train",
        _train,
        "train a vocabulary on files",
        "bytepiece train corpora/*.txt corpora/*.jsonl --vocab-size 8000 --output my.model",
    )
    count = verb(
        "count",
        _count,
        "count a part of a corpus, for a training on many machines",
        "bytepiece count corpora/english.txt --output english.counts",
        "First the n-grams of each part; then, with --pieces and the counts of all parts, the pieces of each part.",
    )
    merge = verb(
        "merge",
        _merge,
        "make one file of counts of several",
        "bytepiece merge english.counts --output all.counts",
    )
    train.add_argument("inputs", nargs="*", metavar="INPUT", help=_INPUT_HELP)
    count.add_argument("inputs", nargs="+", metavar="INPUT", help=_INPUT_HELP)
    merge.add_argument("inputs", nargs="+", metavar="PART", help="a file that bytepiece count made")
    merge.add_argument("--output", required=True, metavar="PATH", help="where to save the counts")
    count.add_argument("--output", required=True, metavar="PATH", help="where to save the counts")
    count.add_argument("--pieces", action="store_true", help="count pieces, with the n-gram model of --ngrams")
    count.add_argument("--ngrams", nargs="+", default=[], metavar="PATH", help="counts of n-grams, of all parts")
    train.add_argument("--output", required=True, metavar="PATH", help="where to save the model; of several, PATH.SIZE")
    train.add_argument(
        "--vocab-size",
        required=True,
        type=_sizes,
        metavar="N[,N...]",
        help="ids of the vocabulary at most, special tokens among them; several train several",
    )
    train.add_argument(
        "--max-piece-length", type=int, default=36, metavar="N", help="longest piece in bytes (default 36)"
    )
    train.add_argument(
        "--format",
        choices=["bytepiece", "json"],
        default="bytepiece",
        help="model file format; json is BytePiece 0.6.3's",
    )

    train.add_argument(
        "--refine-rounds",
        type=int,
        default=0,
        metavar="N",
        help="how often the vocabulary grows by pairs of pieces and is pruned back (default 0; 2 gives longer tokens)",
    )
    train.add_argument(
        "--special-token",
        action="append",
        default=[],
        metavar="NAME",
        help="a further special token, with an id after those of the pieces; again for several",
    )
    train.add_argument("--from-counts", nargs="+", default=[], metavar="PATH", help="counts that bytepiece count made")
    train.add_argument("--checkpoint", metavar="DIR", help="keep finished parts there, and go on from them")
    train.add_argument("--report", metavar="FILE", help="write times, memory and sizes there, as JSON")
    for each in (train, count):
        each.add_argument("--order", type=int, default=6, metavar="N", help="longest n-gram in bytes (default 6)")
        each.add_argument(
            "--min-count",
            type=int,
            default=2,
            metavar="N",
            help="leave out n-grams and pieces that occur less often (default 2; raise it for large corpora)",
        )
        each.add_argument("--isolate-digits", action="store_true", help="every digit is a piece of its own")
        each.add_argument(
            "--no-ensure-unicode",
            dest="ensure_unicode",
            action="store_false",
            help="allow pieces that begin or end inside a character",
        )
        each.add_argument(
            "--normalization",
            choices=["none", "nfc"],
            default="none",
            help="what the model does to text first (default none: every byte is kept)",
        )
        each.add_argument(
            "--memory-limit",
            type=_bytes,
            metavar="SIZE",
            help="such as 2G: what does not fit is counted on disk; the result is the same",
        )
        each.add_argument("--temp-dir", metavar="DIR", help="where temporary files go")
        each.add_argument("--quiet", action="store_true", help="show no progress, and no summary")
    evaluation = verb(
        "evaluate",
        _evaluate,
        "measure how well a model cuts a corpus, or two models side by side",
        "bytepiece evaluate --model my.model corpora/english.txt corpora/chinese.txt",
        "For each file and for all:\n"
        "bytes and characters per token, tokens per document, the share of single bytes among the tokens,\n"
        "the Rényi efficiency (order 2.5), how many pieces of two bytes or more are unused, and the share of\n"
        "the others that one document only has. Given the corpus that the model was trained on and other\n"
        "text, the gap between their bytes per token tells how much was learned by heart.",
    )
    evaluation.add_argument("inputs", nargs="+", metavar="INPUT", help=_INPUT_HELP)
    evaluation.add_argument("--compare", metavar="PATH", help="another model file, to be measured on the same corpus")
    evaluation.add_argument("--json", action="store_true", help="write everything, exactly, as JSON")
    for each in (train, count, evaluation):
        each.add_argument(
            "--on-error",
            choices=["stop", "skip"],
            default="stop",
            help="what to do with a document that cannot be read: not UTF-8, broken JSON, no such field (default stop)",
        )
        each.add_argument(
            "--sample-bytes",
            type=_bytes,
            metavar="SIZE",
            help="take a sample of the documents of about this size, such as 2G (K, M, G, T: powers of 1024)",
        )
        each.add_argument("--seed", type=int, default=0, metavar="N", help="which sample (default 0)")
        each.add_argument(
            "--workers",
            type=int,
            default=processors(),
            metavar="N",
            help="threads (default: all processors, here %(default)s)",
        )
    encode = verb(
        "encode",
        _encode,
        "turn text into ids, a line of ids for each line or document",
        "bytepiece encode --model my.model corpora/english.txt",
        "The newline is among the ids, so that decode gives back the same bytes.",
    )
    tokenize = verb(
        "tokenize",
        _tokenize,
        "show the pieces of text, tabs between them",
        "bytepiece tokenize --model my.model corpora/chinese.txt",
        "What cannot be printed is escaped.",
    )
    decode = verb(
        "decode",
        _decode,
        "turn lines of ids back into text",
        "bytepiece encode --model my.model corpora/english.txt | bytepiece decode --model my.model",
    )
    vocab = verb(
        "vocab",
        _vocab,
        "list the vocabulary: id, piece and count, tabs between them",
        "bytepiece vocab --model my.model",
    )
    inspect = verb(
        "inspect",
        _inspect,
        "describe a vocabulary: settings, sizes, lengths and scripts of pieces, special tokens, checks",
        "bytepiece inspect my.model",
    )
    compare = verb(
        "compare",
        _compare,
        "show how two vocabularies differ, and what they make of a corpus",
        "bytepiece compare my.model my.model corpora/english.txt",
        "Of two figures the second is that of the other model.",
    )
    inspect.add_argument("model", metavar="MODEL", help=_MODEL_HELP)
    compare.add_argument("model", metavar="MODEL", help=_MODEL_HELP)
    compare.add_argument("other", metavar="OTHER", help="another one")
    compare.add_argument("inputs", nargs="*", metavar="CORPUS", help=_INPUT_HELP)
    convert = verb(
        "convert",
        _convert,
        "write a model for another tokenizer, or read one of another",
        "bytepiece convert my.model --to huggingface my_tokenizer",
        "Ids stay the same; where that cannot be, it is an error that says why.",
    )
    convert.add_argument("model", metavar="MODEL", help=_MODEL_HELP)
    convert.add_argument("--to", required=True, choices=KINDS, help="json is BytePiece 0.6.3's format")
    convert.add_argument("output", metavar="OUT", help="a file; a folder for huggingface")
    convert.add_argument(
        "--force",
        action="store_true",
        help="for sentencepiece: write even what gives other ids there",
    )
    convert.add_argument(
        "--problems",
        metavar="PATH",
        help="for sentencepiece: list there the pieces that cannot be exact: id, piece, count, reason",
    )
    convert.add_argument(
        "--special-tokens-in-text",
        action="store_true",
        help="for huggingface: find names of special tokens in any text, as is usual there",
    )
    convert.add_argument(
        "--settle",
        action="store_true",
        help="drop pieces that no text would use, as BytePiece's convert_to_bytepiece does",
    )

    encode.add_argument("--add-bos", action="store_true", help="begin each line with the id of <bos>")
    encode.add_argument("--add-eos", action="store_true", help="end each line with the id of <eos>")
    encode.add_argument(
        "--allow-special",
        action="append",
        default=[],
        metavar="NAME",
        help="find this special token in text, or 'all'; again for several (default: they are plain text)",
    )
    decode.add_argument("--show-special", action="store_true", help="write special tokens too, by their names")
    for each in (encode, tokenize, decode, vocab, evaluation):
        each.add_argument("--model", required=True, metavar="PATH", help="a model file")
    for each in (encode, tokenize, decode, vocab, inspect, compare, evaluation):
        each.add_argument("--output", metavar="PATH", help="where to write (default: standard output)")
    for each in (encode, tokenize, decode):
        each.add_argument("files", nargs="*", metavar="FILE", help="default, and '-': standard input")
    for each in (train, count, encode, tokenize, compare, evaluation):
        each.add_argument(
            "--text-field",
            default="text",
            metavar="NAME",
            help="field of a .jsonl line, or column of a .parquet file, that is the text (default text)",
        )
    return parser
