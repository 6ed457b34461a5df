"""Kills: a training with checkpoints, killed at any moment, resumes and gives the same model (POSIX)."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from process_tree import killed_after
from timing import progress, table

from bytepiece.bench.machine import machine

COUNTED = {"ngrams": "n-grams", "pieces": "pieces"}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=f"{__doc__} The moments are spread evenly over the time of an undisturbed run. At each moment all "
        "processes of the training get SIGKILL, and then it is started again. The exit status is 1 if a model differs "
        "or a temporary file is left."
    )
    parser.add_argument("corpora", nargs="+", metavar="CORPUS", help="what the command reads; 20 to 40 MB will do")
    parser.add_argument("--moments", type=int, default=20, metavar="N", help="default %(default)s")
    parser.add_argument("--size", type=int, default=64000, metavar="N", help="vocabulary size (default %(default)s)")
    parser.add_argument("--min-count", type=int, default=8, metavar="N", help="default %(default)s")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="default %(default)s")
    parser.add_argument("--memory-limit", metavar="SIZE", help="such as 256M, so that counts go to temporary files")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as temporary:
        training = Training(Path(temporary), options)
        progress("undisturbed")
        duration = training.run()
        expected = training.model.read_bytes()
        rows, failures = [], 0
        for number in range(options.moments):
            moment = duration * (number + 0.5) / options.moments
            progress(f"killed after {moment:.2f} s")
            training.start_anew()
            status = "killed" if training.kill_after(moment) else "finished before"
            done = training.finished_parts()
            left_before = len(training.temporary_files())
            seconds = training.run()
            same, left = training.model.read_bytes() == expected, len(training.temporary_files())
            failures += not same or left > 0
            row = [f"{moment:.2f}", status, ", ".join(f"{done[kind]} of {name}" for kind, name in COUNTED.items())]
            rows.append([*row, left_before, f"{seconds:.2f}", "the same" if same else "ANOTHER", left])

    print(f"{machine()}.")
    print(f"Undisturbed: {duration:.2f} s.\n")
    head = ["after, s", "", "finished parts", "temporary files", "resumed, s", "model", "temporary files left"]
    table(head, rows)
    sys.exit(failures > 0)


class Training:
    """The command that trains, with all its files in one folder."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self.model = folder / "output" / "model"
        self._checkpoint = folder / "checkpoint"
        self._temporary = folder / "temporary"
        self._command = [sys.executable, "-m", "bytepiece", "train", *options.corpora, "--quiet"]
        self._command += ["--vocab-size", str(options.size), "--min-count", str(options.min_count)]
        self._command += ["--workers", str(options.workers), "--output", str(self.model)]
        self._command += ["--checkpoint", str(self._checkpoint), "--temp-dir", str(self._temporary)]
        self._command += ["--memory-limit", options.memory_limit] if options.memory_limit else []
        self.start_anew()

    def start_anew(self) -> None:
        for folder in (self.model.parent, self._checkpoint, self._temporary):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()

    def run(self) -> float:
        """Train to the end; returns the seconds it takes."""
        start = time.perf_counter()
        subprocess.run(self._command, check=True)
        return time.perf_counter() - start

    def kill_after(self, seconds: float) -> bool:
        """Train, and kill the training after some seconds. Returns whether it was still running."""
        return killed_after(self._command, seconds)

    def finished_parts(self) -> Counter[str]:
        """How many parts of each pass the checkpoint has."""
        try:
            parts = json.loads((self._checkpoint / "checkpoint.json").read_bytes())["parts"]
        except FileNotFoundError:
            parts = {}
        return Counter({kind: len(files) for kind, files in parts.items()})

    def temporary_files(self) -> list[Path]:
        """Everything that is neither the model nor the checkpoint."""
        files = [*self._temporary.iterdir(), *self._checkpoint.iterdir(), *self.model.parent.iterdir()]
        return [file for file in files if file != self.model and file.suffix not in (".counts", ".json")]


if __name__ == "__main__":
    main()
