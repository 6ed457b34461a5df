"""Other ways to encode: arrays, offsets, sampling and streams beside plain `encode`, one thread."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from texts import documents, label
from timing import progress, table, timed

from bytepiece import Tokenizer
from bytepiece.bench.machine import Others, machine
from bytepiece.bench.rounds import alternate, ratio

METHODS: dict[str, Callable[[Tokenizer, str], object]] = {
    "encode": lambda tokenizer, text: tokenizer.encode(text),
    "encode_to_numpy": lambda tokenizer, text: tokenizer.encode_to_numpy(text),
    "encode_with_offsets": lambda tokenizer, text: tokenizer.encode_with_offsets(text),
    "encode with alpha": lambda tokenizer, text: tokenizer.encode(text, alpha=0.3, seed=1),
    "encode_stream": lambda tokenizer, text: list(tokenizer.encode_stream([text])),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=f"{__doc__} If the model normalizes, that is part of the time.")
    parser.add_argument("corpora", nargs="+", metavar="CORPUS", help=".jsonl, or .txt as one document; also .xz, .gz")
    parser.add_argument("--model", required=True, help="this project's format or BytePiece's JSON")
    parser.add_argument("--length", type=int, metavar="BYTES", help="cut documents to about so many; default: whole")
    parser.add_argument("--rounds", type=int, default=9, metavar="N", help="default %(default)s")
    options = parser.parse_args()

    tokenizer = Tokenizer(options.model)
    others = Others()
    rows = []
    for path in options.corpora:
        progress(label(path))
        texts = documents(path)
        if options.length:
            texts = [part for text in texts for part in cut(text, options.length)]

        def encode_all(method: Callable[[Tokenizer, str], object], texts: list[str] = texts) -> None:
            for text in texts:
                method(tokenizer, text)

        for method in METHODS.values():
            encode_all(method)
        seconds = alternate(
            {name: timed(lambda method=method: encode_all(method)) for name, method in METHODS.items()}, options.rounds
        )
        rows.append([label(path), *(f"{ratio(seconds['encode'], seconds[name]):.2f}" for name in list(METHODS)[1:])])

    print(f"{machine()}; {options.rounds} rounds; {others}\n")
    table(["", *list(METHODS)[1:]], rows)
    print("Speed divided by that of encode, median of the ratios of each round.")


def cut(text: str, n_bytes: int) -> list[str]:
    """The text in parts of about ``n_bytes``."""
    n_parts = -(-len(text.encode()) // n_bytes)
    step = -(-len(text) // n_parts)
    return [text[begin : begin + step] for begin in range(0, len(text), step)]


if __name__ == "__main__":
    main()
