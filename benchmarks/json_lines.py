"""Lines of JSON: how fast their texts are found, by one thread and by two."""

from __future__ import annotations

import argparse
import gzip
import json
import lzma
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
from texts import label
from timing import progress, table, timed

from bytepiece.bench.machine import Others, machine
from bytepiece.bench.rounds import alternate
from bytepiece.core.documents import json_texts, line_ends

BLOCK_BYTES = 2**19
Block = bytearray
Parse = Callable[[Block], object]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=f"{__doc__} The kernel gives the texts of a block in UTF-8; `json`, and orjson if it is installed, "
        "make a str of each. The blocks, of half a megabyte, are in memory."
    )
    parser.add_argument("corpora", nargs="+", help=".jsonl files, which can be .xz or .gz; 'text' is the field")
    parser.add_argument("--megabytes", type=float, default=20, help="of each file (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="default %(default)s")
    options = parser.parse_args()

    others = Others()
    rows = []
    for path in options.corpora:
        blocks = blocks_of(path, int(options.megabytes * 1e6))
        n_bytes = sum(map(len, blocks))
        jobs = {
            f"{name}, {n} thread{'s' * (n > 1)}": partial(seconds, parse, blocks, n)
            for name, parse in parsers().items()
            for n in (1, 2)
        }
        progress(path)
        found = alternate(jobs, options.rounds)
        rows.append([label(path), *(f"{n_bytes / median(each) / 1e6:.0f}" for each in found.values())])
    print(f"{machine()}. {others}\n\nMB/s:\n")
    table(["", *jobs], rows)


def parsers() -> dict[str, Parse]:
    found: dict[str, Parse] = {"kernel": by_kernel, "json": lambda block: by_lines(json.loads, block)}
    try:
        import orjson
    except ImportError:
        return found
    return found | {"orjson": lambda block: by_lines(orjson.loads, block)}


def by_kernel(block: Block) -> object:
    ends = line_ends(block)
    *texts, are_read = json_texts(block, ends, np.arange(len(ends)), b"text", len(block))
    assert are_read.all()
    return texts


def by_lines(loads: Callable[[memoryview | bytes], dict[str, str]], block: Block) -> object:
    view, bounds = memoryview(block), [0, *line_ends(block).tolist()]
    lines = (view[begin:end] for begin, end in pairwise(bounds))
    return [loads(line if loads is not json.loads else bytes(line))["text"] for line in lines]


def blocks_of(path: str, n_bytes: int) -> list[Block]:
    opener = {".xz": lzma.open, ".gz": gzip.open}.get(Path(path).suffix, open)
    with opener(path, "rb") as file:
        blocks = []
        while n_bytes > 0 and (block := bytearray(file.read(BLOCK_BYTES) + file.readline())):
            blocks.append(block)
            n_bytes -= len(block)
    return blocks


def seconds(parse: Parse, blocks: list[Block], n_threads: int) -> float:
    with ThreadPoolExecutor(n_threads) as executor:
        return timed(lambda: [*executor.map(parse, blocks)])()


if __name__ == "__main__":
    main()
