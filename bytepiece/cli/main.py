"""The command ``bytepiece``: its parser, and how its errors end.

Each verb is in a file of its own, with its flags and the function that runs it. The work is done by the library.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from bytepiece import __version__
from bytepiece.cli import convert, count, decode, encode, evaluate, inspect, train, view
from bytepiece.cli.streams import say
from bytepiece.errors import BytePieceError

__all__ = ["main"]

SIGINT, SIGPIPE = 2, 13


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns its exit status: 0, or 1 for an error; 128 plus the number of the signal where the user interrupts it, or
    where whoever reads its output closes the pipe. Wrong usage raises `SystemExit` with status 2.
    """
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader has enough. Python would fail again when it flushes standard output at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + SIGPIPE
    except KeyboardInterrupt:
        say(options.verb, "interrupted")
        return 128 + SIGINT
    except (BytePieceError, OSError, MemoryError) as error:
        say(options.verb, _message(error))
        return 1
    return 0


def _message(error: Exception) -> str:
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}"
    return str(error) or "out of memory"  # a MemoryError has no text


class _Parser(argparse.ArgumentParser):
    """Reports wrong usage in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="bytepiece",
        description="Byte-level unigram tokenizer: train a vocabulary, encode text, decode ids.",
    )
    parser.add_argument("--version", action="version", version=f"bytepiece {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for module in (train, count, evaluate, encode, decode, inspect, view, convert):
        module.add_to(verbs)
    return parser
