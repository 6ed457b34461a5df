"""This version beside another one of this project, each in processes of its own, by turns (Linux)."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from process_tree import Usage, run
from timing import progress, table

from bytepiece.bench.machine import Others, machine
from bytepiece.bench.process import environment

ENCODES = str(Path(__file__).with_name("version_peer.py"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("other", metavar="PYTHON", help="the interpreter of an environment with the other version")
    parser.add_argument("--encode", nargs="+", default=[], metavar="CORPUS", help="documents to encode one by one")
    parser.add_argument("--model", help="to encode with")
    parser.add_argument("--train", metavar="CORPUS", help="what to train on")
    parser.add_argument("--flags", default="--vocab-size 64000", help="for training (default '%(default)s')")
    parser.add_argument("--other-flags", help="those of the other version, if it calls something by another name")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="default %(default)s")
    options = parser.parse_args()
    if not (options.encode and options.model) and not options.train:
        parser.error("give --model and --encode, or --train")
    pythons = {"this": sys.executable, "other": options.other}
    others = Others()
    if options.encode:
        print_encoding(pythons, options.model, options.encode, options.rounds)
    if options.train:
        flags = {"this": options.flags, "other": options.other_flags or options.flags}
        print_training(pythons, options.train, flags, options.rounds)
    print(f"\n{machine()}; {options.rounds} rounds. {others}")


def by_turns(pythons: dict[str, str], rounds: int, measure: Callable[[str], object]) -> dict[str, list]:
    """What each version measures in each round; the first one changes from round to round."""
    results: dict[str, list] = {name: [] for name in pythons}
    for number in range(rounds):
        for name in [*pythons][:: -1 if number % 2 else 1]:
            progress(f"round {number + 1}: {name}")
            results[name].append(measure(name))
    return results


def print_encoding(pythons: dict[str, str], model: str, corpora: list[str], rounds: int) -> None:
    def measure(name: str) -> dict:
        command = [pythons[name], ENCODES, model, *corpora]
        done = subprocess.run(command, env=environment(pythons[name]), stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)

    results = by_turns(pythons, rounds, measure)
    rows = []
    for corpus, first in results["this"][0].items():
        least = {
            name: {method: min(each[corpus]["seconds"][method] for each in of) for method in first["seconds"]}
            for name, of in results.items()
        }
        ratios = {method: seconds / least["other"][method] for method, seconds in least["this"].items()}
        same = "yes" if first["ids"] == results["other"][0][corpus]["ids"] else "no"
        rows.append([corpus, *(f"{ratio:.3f}" for ratio in ratios.values()), same])
    print("Encoding: the least time of this version divided by the least of the other.\n")
    table(["", *first["seconds"], "same ids"], rows)


def print_training(pythons: dict[str, str], corpus: str, flags: dict[str, str], rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:

        def measure(name: str) -> Usage:
            output, log = os.path.join(folder, name), os.path.join(folder, "log")
            # Not `-m bytepiece`, which would take the package of the current folder.
            command = [str(Path(pythons[name]).with_name("bytepiece")), "train", corpus, "--output", output, "--quiet"]
            usage = run([*command, *shlex.split(flags[name])], environment(pythons[name]), log)
            if usage.status:
                sys.exit(f"{name}: {Path(log).read_text(encoding='utf-8')}")
            return usage

        results = by_turns(pythons, rounds, measure)
    seconds = {name: [usage.seconds for usage in usages] for name, usages in results.items()}
    ratios = [function(seconds["this"]) / function(seconds["other"]) for function in (min, median)]
    print("\nTraining: this version takes {:.3f} x the least time of the other, {:.3f} x the median.\n".format(*ratios))
    rows = [
        [
            f"{name}: `{flags[name]}`",
            f"{min(seconds[name]):.2f}",
            f"{median(seconds[name]):.2f}",
            f"{median(usage.cpu_seconds for usage in usages):.2f}",
            f"{median(usage.peak for usage in usages) / 1e6:.0f}",
        ]
        for name, usages in results.items()
    ]
    table(["", "best, s", "median, s", "CPU, s", "peak, MB"], rows)


if __name__ == "__main__":
    main()
