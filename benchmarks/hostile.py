"""Hostile texts: what a byte costs in very long lines, runs of one character, and random bytes."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from random import Random

from texts import documents, normalized, of_length
from timing import progress, table, timed

from bytepiece import Model, Tokenizer
from bytepiece.bench.machine import Others, machine
from bytepiece.bench.rounds import alternate, ratio

MB = 1_000_000
Text = str | bytes


def main() -> None:
    parser = argparse.ArgumentParser(
        description=f"{__doc__} A line of 100 MB is compared with the same text in lines of 1 KB. The other texts "
        "have 50 MB, and are compared with their first 1 MB. Both sides of a ratio encode the same number of bytes."
    )
    parser.add_argument("corpora", nargs="+", metavar="CORPUS", help=".jsonl, or .txt as one document; also .xz, .gz")
    parser.add_argument("--model", required=True, help="this project's format or BytePiece's JSON")
    parser.add_argument("--lossless", action="store_true", help="do not normalize, even if the model says so")
    parser.add_argument(
        "--scale", type=float, default=1, metavar="X", help="factor of the large sizes, for a quick try"
    )
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="default %(default)s")
    options = parser.parse_args()

    model = Model.load(options.model)
    if options.lossless:
        model = Model(model.pieces, model.counts, model.settings | {"normalization": None})
    tokenizer = Tokenizer(model)
    methods: dict[str, Callable[[Text], object]] = {
        "encode": tokenizer.encode,
        "encode_to_numpy": lambda text: tokenizer.encode_to_numpy(text, workers=1),
        "count": tokenizer.count,
    }
    others = Others()
    length, repeats = int(50 * MB * options.scale), max(1, round(50 * options.scale))
    rows = []

    def compare(name: str, large: Text, small: Text, n_repeats: int) -> None:
        """Add a row: the large text beside ``n_repeats`` times the small one."""
        progress(name)
        n_large, n_small = (len(text if isinstance(text, bytes) else text.encode()) for text in (large, small))
        n_small *= n_repeats
        row = [name]
        for method in methods.values():

            def encode_small(method: Callable[[Text], object] = method) -> None:
                for _ in range(n_repeats):
                    method(small)

            encode_small()
            jobs = {"large": timed(lambda method=method: method(large)), "small": timed(encode_small)}
            seconds = alternate(jobs, options.rounds)
            costs = (1e9 * min(seconds[side]) / size for side, size in (("large", n_large), ("small", n_small)))
            per_byte = ratio(seconds["large"], seconds["small"]) * n_small / n_large
            row += [f"{per_byte:.2f} ({' / '.join(f'{cost:.1f}' for cost in costs)})"]
        rows.append(row)

    texts = normalized([text for path in options.corpora for text in documents(path)], model.normalization)
    line = of_length([text.replace("\n", " ") for text in texts], 2 * length, " ")
    compare(f"a line of {len(line.encode()) / MB:.0f} MB", line, in_lines(line), 1)
    del line
    for character in "a", " ":
        compare(f"{character!r} * {length:,}", character * length, character * MB, repeats)
    noise = Random(0).randbytes(length)
    compare(f"{length:,} random bytes", noise, noise[:MB], repeats)

    print(f"{machine()}; {options.rounds} rounds, normalization {model.normalization}; {others}\n")
    table(["", *methods], rows)
    print("Cost of a byte divided by that in the small text, median of the ratios of each round (best round, ns/byte).")


def in_lines(text: str) -> str:
    """The text in lines of about 1 KB, with their newlines."""
    data = text.encode()
    lines, begin = [], 0
    while begin < len(data):
        end = begin + 1023
        while end < len(data) and data[end] & 0xC0 == 0x80:  # inside a character
            end -= 1
        lines.append(data[begin:end])
        begin = end
    return b"\n".join([*lines, b""]).decode()


if __name__ == "__main__":
    main()
