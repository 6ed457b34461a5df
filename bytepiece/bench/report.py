"""The result of a contest as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from bytepiece.bench.machine import Others, machine
from bytepiece.bench.rounds import ratio
from bytepiece.bench.speed import Contest, Result

__all__ = ["conditions", "markdown_table", "result_as_table"]


def markdown_table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table that can be read as it is. All columns but the first are numbers.

    >>> print(markdown_table(["", "MB/s"], [["one", 5], ["another", 12.5]]), end="")
    |         | MB/s |
    | ---     | ---: |
    | one     |    5 |
    | another | 12.5 |
    """
    lines = [[*map(str, head)], ["---", *["---:"] * (len(head) - 1)], *([*map(str, row)] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(
        "| " + " | ".join([cells[0].ljust(widths[0]), *map(str.rjust, cells[1:], widths[1:])]) + " |\n"
        for cells in lines
    )


def result_as_table(result: Result) -> str:
    """A line for each tokenizer.

    It has the speed in the median round and in the best one, in 10^6 bytes of UTF-8 a second; how many times as fast
    this project is, as the median of the ratios of each round; the number of ids; and how many texts have other ids.
    """
    this = result.speeds[0]
    rows = []
    for speed in result.speeds:
        row = [speed.peer.label, *(f"{result.n_bytes / of(speed.seconds) / 1e6:.2f}" for of in (median, min))]
        compared = [f"{ratio(speed.seconds, this.seconds):.2f}", f"{speed.n_ids:,}", f"{speed.differing:,}"]
        rows.append([*row, *(compared if speed is not this else ["", f"{speed.n_ids:,}", ""])])
    return markdown_table(["", "MB/s", "best", "this is faster by", "ids", "documents with other ids"], rows)


def conditions(contest: Contest, result: Result, others: Others) -> str:
    """What was compared, on which machine, and what to know of it, a line each."""
    rounds = len(result.speeds[0].seconds)
    lines = [
        f"{', '.join(dict.fromkeys(speed.peer.version for speed in result.speeds))}; {machine()}.",
        f"{contest.model.vocab_size:,} ids; {result.documents:,} documents, {result.n_bytes / 1e6:.2f} MB; "
        f"{rounds} round{'s' if rounds > 1 else ''}, one thread each. {others}",
    ]
    if contest.model.normalization is not None:
        lines.append("The model applies NFC: all texts were NFC already when they were encoded.")
    for label, reason in contest.left_out.items():
        lines.append(f"Left out: {label}: {reason}.")
    return "".join(f"{line}\n" for line in lines)
