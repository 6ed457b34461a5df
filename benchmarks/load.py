"""Loading: from file to first token, and the memory a tokenizer adds to its process (Linux)."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from statistics import median

from peers import PEERS, add_peer_options, available, child_command, convert, python_of, versions
from timing import Others, alternate, machine, progress, ratio, table

from bytepiece import Model


def main() -> None:
    parser = argparse.ArgumentParser(
        description=f"{__doc__} Each time is measured in a fresh process, and the peers take turns. Files are in the "
        "page cache. The time to import is not included."
    )
    parser.add_argument("--model", required=True, help="this project's format or BytePiece's JSON")
    parser.add_argument("--rounds", type=int, default=15, metavar="N", help="default %(default)s")
    add_peer_options(parser, default=["this-json", "sp", "hf", "bp063"])
    options = parser.parse_args()

    names = available(options)
    model = Model.load(options.model)
    others = Others()
    results: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        progress("converting")
        paths = convert(model, names, folder)
        sizes = {name: os.path.getsize(path) for name, path in paths.items()}

        def load(name: str) -> float:
            child = child_command(name, python_of(name, options), "load", paths[name])
            result = json.loads(subprocess.run(**child, stdout=subprocess.PIPE, check=True).stdout)
            results[name].append(result)
            return result["seconds"]

        progress("loading")
        for name in names:
            load(name)
            results[name].clear()
        seconds = alternate({name: lambda name=name: load(name) for name in names}, options.rounds)

    print(f"{machine()}; {versions(names)}.")
    print(f"{os.path.basename(options.model)}: {model.vocab_size} ids; {options.rounds} rounds; {others}\n")
    rows = []
    for name in names:
        of = {key: [result[key] for result in results[name]] for key in results[name][0]}
        rows.append(
            [
                PEERS[name].label,
                f"{sizes[name] / 1e6:.1f}",
                f"{min(of['seconds']):.3f}",
                f"{median(of['seconds']):.3f}",
                f"{ratio(seconds[name], seconds['this']):.2f}",
                f"{median(of['import']):.3f}",
                f"{median(of['adds']) / 1e6:.1f}",
                f"{median(of['peak']) / 1e6:.1f}",
            ]
        )
    head = "", "file, MB", "best, s", "median, s", "times this project's", "import, s", "adds, MB", "at its peak, MB"
    table(head, rows)
    print("Adds: resident memory after the first token, minus that after importing. MB are 10^6 bytes.")
    for dividend, divisor in (("this", "sp"), ("this-json", "bp063")):
        if dividend in names and divisor in names:
            value = ratio(seconds[dividend], seconds[divisor])
            print(f"{PEERS[dividend].label} takes {value:.2f} of the time of {PEERS[divisor].label}.")


if __name__ == "__main__":
    main()
