"""Settings of training: bytes per token on held-out text, time and memory, for each combination of some settings."""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from time import process_time
from typing import Any

from texts import documents, label, n_bytes
from timing import progress, table

from bytepiece import Corpus, Tokenizer, Trainer, TrainingError


def main() -> None:
    parser = argparse.ArgumentParser(
        description=f"{__doc__} Each training has a process of its own. The mix is all held-out text, weighted."
    )
    parser.add_argument("corpora", nargs="+", metavar="CORPUS", help="training corpora: .jsonl files, also .xz or .gz")
    parser.add_argument("--valid", nargs="+", required=True, metavar="CORPUS=WEIGHT", help="held-out documents")
    parser.add_argument(
        "--try",
        dest="tried",
        nargs="+",
        required=True,
        metavar="SETTING=VALUE,...",
        help="values of a setting of bytepiece.Trainer, such as min_count=none,2,4",
    )
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="threads (default %(default)s)")
    options = parser.parse_args()
    weights = {path: float(weight) for path, _, weight in (each.rpartition("=") for each in options.valid)}
    names = [each.partition("=")[0] for each in options.tried]
    values = [[*map(value_of, each.partition("=")[2].split(","))] for each in options.tried]

    rows = []
    for corpus, *chosen in product(options.corpora, *values):
        progress(f"{label(corpus)}: {', '.join(f'{name}={value}' for name, value in zip(names, chosen, strict=True))}")
        settings = dict(zip(names, chosen, strict=True))
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=spawn) as executor:
            figures = executor.submit(figures_of, corpus, settings, options.workers, weights).result()
        rows.append([label(corpus), *map(str, chosen), *figures])
    table([*["corpus", *names], "min_count", "ids", "mix", *map(label, weights), "CPU, s", "peak, MB"], rows)


def value_of(text: str) -> Any:
    if text == "none":
        return None
    try:
        return int(text)
    except ValueError:
        return text


def figures_of(corpus: str, settings: dict[str, Any], workers: int, weights: dict[str, float]) -> list[str]:
    """Train with these settings; the cells of the table that tell what comes of it."""
    trainer = Trainer(**settings)
    start = process_time()
    try:
        trainer.train(Corpus(corpus), workers=workers, progress=False)
    except TrainingError as error:
        return ["", str(error), *[""] * (3 + len(weights))]
    seconds = process_time() - start
    (model,) = trainer.models.values()
    rates = [bytes_per_token(Tokenizer(model), documents(path)) for path in weights]
    mix = sum(weights.values()) / sum(weight / rate for weight, rate in zip(weights.values(), rates, strict=True))
    cells = [str(model.settings["min_count"]), f"{model.vocab_size:,}", f"{mix:.4f}"]
    return [*cells, *(f"{rate:.3f}" for rate in rates), f"{seconds:.1f}", f"{trainer.report['peak_memory'] / 1e6:.0f}"]


def bytes_per_token(tokenizer: Tokenizer, texts: Iterable[str]) -> float:
    texts = list(texts)
    return n_bytes(texts) / sum(map(tokenizer.count, texts))


if __name__ == "__main__":
    main()
