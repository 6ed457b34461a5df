"""Completion of the command in shells, by shtab."""

from __future__ import annotations

import argparse
from typing import Any

from bytepiece.cli.streams import output_to
from bytepiece.errors import OptionalDependencyError

__all__ = ["add_completion"]

_FILES = {"PATH", "FILE", "MODEL", "OTHER", "INPUT", "CORPUS", "OUT", "PART", "DRAFT", "TOKENS"}
"""The names that the help gives to files. Folders are named ``DIR``."""


def add_completion(parser: argparse.ArgumentParser) -> None:
    """Add ``--completion SHELL``, which writes the script that completes the command in a shell."""
    parser.add_argument(
        "--completion",
        action=_WriteScript,
        choices=["bash", "zsh", "tcsh"],
        help="write the script that completes this command in a shell, and exit (needs shtab)",
    )


class _WriteScript(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, options: object, shell: Any, flag: str | None = None) -> None:
        try:
            import shtab
        except ImportError as error:
            raise OptionalDependencyError(f"--completion needs shtab ({error}): pip install shtab") from error
        _name_files(parser, {**dict.fromkeys(_FILES, shtab.FILE), "DIR": shtab.DIRECTORY})
        script = shtab.complete(parser, shell)
        with output_to(None) as output:
            output.write(script.encode() + b"\n")
        parser.exit()


def _name_files(parser: argparse.ArgumentParser, completions: dict[str, Any]) -> None:
    """Tell shtab which arguments are files."""
    for action in parser._actions:
        if isinstance(action.metavar, str) and action.metavar in completions:
            action.complete = completions[action.metavar]  # type: ignore[attr-defined]
        if isinstance(action, argparse._SubParsersAction):
            for verb in action.choices.values():
                _name_files(verb, completions)
