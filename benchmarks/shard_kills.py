"""Kills: shards that are killed at any moment and started again have the same bytes (POSIX)."""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from process_tree import killed_after
from timing import progress, table

from bytepiece.bench.machine import machine


def main() -> None:
    parser = argparse.ArgumentParser(
        description=f"{__doc__} The command gets SIGKILL at a random moment, again and again, until a run comes to its "
        "end. The exit status is 1 if a file differs from that of an undisturbed run, or a temporary file is left."
    )
    parser.add_argument("corpora", nargs="+", metavar="CORPUS", help="what the command reads; some 10 MB will do")
    parser.add_argument("--model", required=True)
    parser.add_argument("--format", default="megatron", help="default %(default)s")
    parser.add_argument("--shard-tokens", default="200000", metavar="N", help="default %(default)s")
    parser.add_argument("--kills", type=int, default=50, metavar="N", help="default %(default)s")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    options = parser.parse_args()

    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as temporary:
        shards = Shards(Path(temporary) / "shards", options)
        progress("undisturbed")
        start = time.perf_counter()
        shards.run()
        duration = time.perf_counter() - start
        expected = shards.content()
        rows, kills, failures = [], 0, 0
        while kills < options.kills:
            shutil.rmtree(shards.folder)
            moments = []
            while kills + len(moments) < options.kills and shards.killed_after(moment := chance.uniform(0, duration)):
                moments.append(f"{moment:.2f} ({shards.n_whole()})")
            shards.run()
            same = shards.content() == expected
            failures += not same
            kills += len(moments)
            rows.append([", ".join(moments) or "none", "the same" if same else "OTHERS"])
            progress(f"{kills} kills")
    print(f"{machine()}. Undisturbed: {duration:.2f} s, {len(expected)} files. {kills} kills.\n")
    table(["killed after, s (and whole shards)", "files"], rows)
    sys.exit(failures > 0)


class Shards:
    """The command, and its folder."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self.folder = folder
        self._command = [sys.executable, "-m", "bytepiece", "shards", *options.corpora, "--quiet"]
        self._command += ["--model", options.model, "--format", options.format, "--output", str(folder)]
        self._command += ["--shard-tokens", options.shard_tokens]

    def run(self) -> None:
        subprocess.run(self._command, check=True)

    def killed_after(self, seconds: float) -> bool:
        """Run, and kill it after some seconds. Returns whether it was still running."""
        return killed_after(self._command, seconds)

    def content(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}

    def n_whole(self) -> int:
        """How many shards have an entry in the manifest."""
        try:
            return (self.folder / "manifest.json").read_text().count('"name"')
        except FileNotFoundError:
            return 0


if __name__ == "__main__":
    main()
