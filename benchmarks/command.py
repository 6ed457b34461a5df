"""The command line: a corpus encoded to lines of ids and decoded again, beside another checkout of this project."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from statistics import median

import process_tree
from timing import progress, table

from bytepiece.bench.machine import Others, machine
from bytepiece.bench.rounds import ratio

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", metavar="CORPUS", help="a .jsonl file")
    parser.add_argument("--model", required=True, help="a model file that both checkouts read")
    parser.add_argument("--base", metavar="DIR", help="another checkout, built in place")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="default %(default)s")
    options = parser.parse_args()

    others = Others()
    checkouts = {"this": ROOT, **({"base": options.base} if options.base else {})}
    usages: dict[tuple[str, str], list[process_tree.Usage]] = {}
    sizes = {}
    with tempfile.TemporaryDirectory() as folder:
        ids = os.path.join(folder, "this.encode")
        sources = {"encode": options.corpus, "decode": ids}
        for number in range(options.rounds):
            progress(f"round {number + 1}")
            for verb, source in sources.items():
                for name in sorted(checkouts, reverse=bool(number % 2) or verb == "encode"):
                    output = os.path.join(folder, f"{name}.{verb}")
                    usage = run(checkouts[name], [verb, "--model", options.model, source], output)
                    usages.setdefault((verb, name), []).append(usage)
                sizes[verb] = os.path.getsize(source)

        with (
            open(os.path.join(folder, "this.decode"), "rb") as decoded,
            open(os.path.join(folder, "base.decode" if options.base else "this.decode"), "rb") as expected,
        ):
            if decoded.read() != expected.read():
                raise SystemExit("the checkouts decode differently")

    print(f"{machine()}; {options.rounds} rounds; {others}\n")
    rows = []
    for (verb, name), measured in usages.items():
        seconds = [usage.seconds for usage in measured]
        gain = ratio([usage.seconds for usage in usages[verb, "base"]], seconds) if options.base else 1
        cells = [
            f"{median(seconds):.2f}",
            f"{sizes[verb] / median(seconds) / 1e6:.0f}",
            f"{median(usage.cpu_seconds for usage in measured):.2f}",
            f"{max(usage.peak for usage in measured) / 1e6:.0f}",
        ]
        rows.append([f"{verb}, {name}", *cells, *([f"{gain:.2f}"] if options.base else [])])
    table(["", "seconds", "MB/s", "CPU seconds", "peak, MB", *(["times base"] if options.base else [])], rows)
    print("Medians of whole processes; the texts were equal. MB/s are those of the file that is read.")


def run(checkout: str, arguments: list[str], output: str) -> process_tree.Usage:
    """Run the command of a checkout, with its output in a file."""
    script = f"import sys; sys.path.insert(0, {os.path.abspath(checkout)!r}); from bytepiece.cli.main import main"
    command = [sys.executable, "-c", f"{script}; sys.exit(main())", *arguments]
    usage = process_tree.run(command, dict(os.environ), output)
    if usage.status:
        with open(output, "rb") as file:
            raise SystemExit(f"{checkout}: {file.read()[-1000:].decode(errors='replace')}")
    return usage


if __name__ == "__main__":
    main()
