"""Coverage of the kernels: which of their lines were executed, as a build for gcov counts; see `.ci/coverage`."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from timing import table

MARK = re.compile(r'\s*/\* "(bytepiece/[\w/]+\.p(?:yx|xd))":(\d+)$')
"""What Cython writes before the C of a line."""

END = re.compile(r"\s*/\* function exit code \*/$|/\* #### Code section: ")
"""What it writes before C that belongs to no line."""

Line = tuple[str, int]


def marks_of(source: Path) -> Iterator[Line | None]:
    """For each line of a C file, the line of Cython that it was made of."""
    mark = None
    for text in source.read_text(encoding="utf-8").splitlines():
        if found := MARK.match(text):
            mark = found[1], int(found[2])
        elif END.match(text):
            mark = None
        yield mark


def executed_lines(build: Path) -> dict[Line, bool]:
    """Each line of the kernels that has code, and whether it was executed; ``build`` has the counters."""
    executed: dict[Line, bool] = defaultdict(bool)
    for notes in sorted(build.rglob("*.gcno")):
        command = ["gcov", "--json-format", "--stdout", str(notes)]
        report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        for file in report["files"]:
            if not file["file"].endswith(".c"):
                continue
            marks = [*marks_of(Path(file["file"]))]
            for line in file["lines"]:
                if mark := marks[line["line_number"] - 1]:
                    executed[mark] |= line["count"] > 0
    return executed


def share(lines: list[bool]) -> str:
    return f"{100 * sum(lines) / len(lines):.1f} %"


def ranges(numbers: list[int]) -> str:
    """Numbers as ``3, 7-9``."""
    runs = [[*run] for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    return ", ".join(f"{run[0][1]}-{run[-1][1]}" if len(run) > 1 else f"{run[0][1]}" for run in runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("builds", nargs="+", metavar="NAME=FOLDER", help="folders with .gcno and .gcda files")
    parser.add_argument("--least", type=float, default=95, metavar="PERCENT", help="of the last (default %(default)s)")
    options = parser.parse_args()
    names, folders = zip(*(build.split("=", 1) for build in options.builds), strict=True)
    builds = [executed_lines(Path(folder)) for folder in folders]
    kernels = sorted({path for path, _ in builds[-1]})
    rows, poor = [], []
    for kernel in [*kernels, ""]:
        chosen = [[lines[line] for line in sorted(lines) if line[0].startswith(kernel)] for lines in builds]
        missed = [number for (path, number), done in sorted(builds[-1].items()) if path == kernel and not done]
        if 100 * sum(chosen[-1]) <= options.least * len(chosen[-1]):
            poor.append(kernel)
        rows.append([f"`{kernel}`" if kernel else "all", len(chosen[-1]), *map(share, chosen), ranges(missed)])
    table(["kernel", "lines", *names, "not executed"], rows)
    if poor:
        sys.exit(f"not more than {options.least:g} %: {', '.join(kernel or 'all' for kernel in poor)}")


if __name__ == "__main__":
    main()
