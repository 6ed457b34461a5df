"""Special tokens: what 5,000 of them cost in encoding, where a call allows them and where none does."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from random import Random

from texts import documents, label, n_bytes, normalized
from timing import progress, table

from bytepiece import Model, Tokenizer
from bytepiece.bench.machine import Others, machine
from bytepiece.bench.rounds import alternate, ratio

N_NAMES = 5000
N_FIRST = 2000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=f"{__doc__} CPU time of encode() divided by that with a model without special tokens. Texts are "
        "whole documents, single lines, and documents with a name in front of each line."
    )
    parser.add_argument("corpora", nargs="+", metavar="CORPUS", help=".jsonl, or .txt as one document; also .xz, .gz")
    parser.add_argument("--model", required=True, help="this project's format or BytePiece's JSON")
    parser.add_argument("--lossless", action="store_true", help="do not normalize, even if the model says so")
    parser.add_argument(
        "--megabytes", type=float, default=2, metavar="N", help="size of each corpus (default %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="default %(default)s")
    options = parser.parse_args()

    model = Model.load(options.model)
    if options.lossless:
        model = Model(model.pieces, model.counts, model.settings | {"normalization": None})
    corpora = {label(path): normalized(documents(path), model.normalization) for path in options.corpora}
    names = {"like <|name_7|>": [f"<|name_{k}|>" for k in range(N_NAMES)], "of Han characters": han_names(corpora)}
    plain = Tokenizer(model)
    special = {kind: Tokenizer(model.with_special_tokens(added)) for kind, added in names.items()}
    calls: dict[str, Callable[[str], list[int]]] = {"no names": plain.encode}
    for kind, tokenizer in special.items():
        calls[f"{kind}, not allowed"] = tokenizer.encode
        calls[f"{kind}, allowed"] = lambda text, tokenizer=tokenizer: tokenizer.encode(text, allowed_special="all")

    others = Others()
    rows = []
    for corpus, texts in corpora.items():
        texts = first_bytes(texts, options.megabytes * 1e6)
        lines = [text.splitlines(keepends=True) for text in texts]
        draw = Random(0)
        units = {
            "documents": texts,
            "lines": [line for each in lines for line in each],
            "documents with names": [
                "".join(f"<|name_{draw.randrange(N_NAMES)}|>{line}" for line in each) for each in lines
            ],
        }
        for unit, parts in units.items():
            progress(f"{corpus} {unit}")
            seconds = alternate({name: cpu_timed(call, parts) for name, call in calls.items()}, options.rounds)
            mean = n_bytes(parts) / len(parts)
            found = [sum(id >= model.vocab_size for part in parts for id in call(part)) for call in calls.values()]
            cells = [
                f"{ratio(times, seconds['no names']):.2f}" + (f" ({n:,} found)" if n else "")
                for times, n in zip(list(seconds.values())[1:], found[1:], strict=True)
            ]
            rows.append([f"{corpus}, {unit} of {mean:,.0f} bytes", *cells])
    print(f"{machine()}; {options.rounds} rounds, normalization {model.normalization}; {others}\n")
    table(["", *list(calls)[1:]], rows)
    print("Median of the ratios of each round.")


def han_names(corpora: dict[str, list[str]]) -> list[str]:
    """Names of two characters, the first of which is one of the most frequent characters."""
    counts = Counter(c for texts in corpora.values() for text in texts for c in text if "\u4e00" <= c <= "\u9fff")
    characters = [c for c, _ in counts.most_common(N_FIRST)]
    characters += [c for c in map(chr, range(0x4E00, 0x4E00 + 2 * N_FIRST)) if c not in counts]
    draw, firsts = Random(0), characters[:N_FIRST]
    words: dict[str, None] = {}
    while len(words) < N_NAMES:
        words[firsts[len(words) % N_FIRST] + draw.choice(firsts)] = None
    return list(words)


def first_bytes(texts: list[str], n: float) -> list[str]:
    chosen = []
    for text in texts:
        if n <= 0:
            break
        chosen.append(text)
        n -= len(text.encode())
    return chosen


def cpu_timed(call: Callable[[str], object], texts: list[str]) -> Callable[[], float]:
    def run() -> float:
        start = time.process_time()
        for text in texts:
            call(text)
        return time.process_time() - start

    return run


if __name__ == "__main__":
    main()
