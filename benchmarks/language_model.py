"""Bits per byte: what a language model pays for a text, by the vocabulary that the text is cut with.

Each verb appends its results to FOLDER/results.jsonl, a line each, and prints them; ``plot`` draws all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from consistency import cut_entropy
from kneser_ney import Documents, KneserNey
from texts import label
from timing import progress, table
from vocabularies import PEERS, Tokenizer, encode, held_out, texts_of, vocabulary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)

    ngrams = verbs.add_parser("ngrams", help="order-5 interpolated modified Kneser-Ney over tokens")
    _add_corpora(ngrams)
    ngrams.add_argument("--order", type=int, default=5, metavar="N", help="default %(default)s")
    ngrams.add_argument("--by-script", action="store_true", help="also tell the documents of each script apart")
    ngrams.set_defaults(run=measure_ngrams)

    consistency = verbs.add_parser("consistency", help="the entropy of how frequent strings are cut in their contexts")
    _add_corpora(consistency)
    consistency.set_defaults(run=measure_consistency)

    network = verbs.add_parser("transformer", help="a small transformer, trained on equal bytes or equal operations")
    _add_corpora(network)
    network.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], metavar="N", help="default 1 2 3")
    network.add_argument("--width", type=int, default=256, metavar="N", help="default %(default)s")
    network.add_argument("--layers", type=int, default=4, metavar="N", help="default %(default)s")
    network.add_argument("--context", type=int, default=1024, metavar="BYTES", help="default %(default)s")
    network.add_argument("--batch", type=int, default=16, metavar="N", help="windows in a step (default %(default)s)")
    network.add_argument("--rate", type=float, default=2e-3, metavar="X", help="learning rate (default %(default)s)")
    budget = network.add_mutually_exclusive_group(required=True)
    budget.add_argument("--megabytes", type=float, metavar="N", help="of text to train on, 10^6 bytes each")
    budget.add_argument("--teraflops", type=float, metavar="N", help="operations to train with, 10^12 each")
    network.set_defaults(run=measure_transformer)

    difference = verbs.add_parser("difference", help="of two vocabularies, in the results of `transformer`")
    _add_corpora(difference)
    difference.set_defaults(run=measure_difference)

    plot = verbs.add_parser("plot", help="bits per byte over bytes per token")
    plot.add_argument("folder", metavar="FOLDER", help="with results of `ngrams`")
    plot.add_argument("--output", required=True, metavar="PATH", help="a .svg or .png file")
    plot.set_defaults(run=draw)

    options = parser.parse_args()
    options.run(options)


def _add_corpora(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("corpus", metavar="CORPUS", help="to train vocabularies and models on, a .jsonl file")
    parser.add_argument("--valid", nargs="+", required=True, metavar="CORPUS=WEIGHT", help="held-out .jsonl files")
    parser.add_argument("--sizes", type=int, nargs="+", default=[8000], metavar="N", help="ids (default 8000)")
    parser.add_argument(
        "--vocabularies",
        nargs="+",
        required=True,
        metavar="NAME",
        help=f"{', '.join(PEERS)}, or this:SETTINGS, those of bytepiece.Trainer as name=value,name=value",
    )
    parser.add_argument("--folder", required=True, metavar="FOLDER", help="for vocabularies, texts as ids and results")
    parser.add_argument("--valid-bytes", type=int, default=300_000, metavar="N", help="of each (default %(default)s)")
    parser.add_argument("--longest", type=int, default=20_000, metavar="BYTES", help="of held-out documents")


def weights_of(options: argparse.Namespace) -> dict[str, float]:
    """The held-out corpora, by path, with their weights."""
    return {path: float(weight) for path, _, weight in (spec.rpartition("=") for spec in options.valid)}


class Encoded:
    """A vocabulary of one size, and the texts cut with it. All is kept in a folder, and made once."""

    def __init__(self, name: str, size: int, options: argparse.Namespace) -> None:
        self.name, self.size = name, size
        self._options = options
        corpus = Path(options.corpus).stem
        self._folder = Path(options.folder) / corpus / f"{name.replace('/', '_')}-{size}"
        self._folder.mkdir(parents=True, exist_ok=True)
        kind, path = vocabulary(name), self._folder / "model"
        self.label = kind.label
        if not path.exists():
            progress(f"training {kind.label}, {size} ids")
            temporary = str(path) + ".part"
            kind.train(options.corpus, size, temporary)
            os.replace(temporary, path)
        self.tokenizer: Tokenizer = kind.open(str(path))
        # The end token comes after all ids of the tokenizer.
        self.n_ids = len(self.tokenizer.pieces) + 1
        self.weights = weights_of(options)

    def corpus(self) -> tuple[Documents, int]:
        """The training text, and its bytes."""
        path = self._folder / "corpus.npz"
        if not path.exists():
            documents = encode(self.tokenizer, texts_of(self._options.corpus))
            n_bytes = sum(len(text.encode()) for text in texts_of(self._options.corpus))
            np.savez(path, ids=documents.ids.astype(np.int32), offsets=documents.offsets, n_bytes=n_bytes)
        data = np.load(path)
        return Documents(data["ids"].astype(np.int64), data["offsets"]), int(data["n_bytes"])

    def valid(self) -> Iterator[tuple[str, float, Documents, list[str]]]:
        """Of each held-out corpus its name, its weight, and its documents as ids and as texts."""
        for path, weight in self.weights.items():
            texts = held_out(path, self._options.valid_bytes, self._options.longest)
            yield label(path), weight, encode(self.tokenizer, texts), texts

    def note(self, result: dict[str, Any]) -> dict[str, Any]:
        """Keep a result."""
        options = self._options
        head = {"verb": options.verb, "corpus": Path(options.corpus).stem}
        result = {**head, "vocabulary": self.name, "label": self.label, "ids": self.size, **result}
        with open(Path(options.folder) / "results.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
        return result


def encoded(options: argparse.Namespace) -> Iterator[Encoded]:
    for size in options.sizes:
        for name in options.vocabularies:
            yield Encoded(name, size, options)


def bits_per_byte(each: Encoded, bits: dict[str, np.ndarray]) -> dict[str, Any]:
    """Bits per byte of each held-out corpus and of their mix by weight, with 95 % intervals of the mix.

    ``bits`` has those of each document.
    """
    rates, sizes, tokens = {}, {}, 0.0
    for name, weight, documents, texts in each.valid():
        sizes[name] = sizes_of(texts)
        rates[name] = round(float(bits[name].sum() / sizes[name].sum()), 4)
        # Of a text with these parts by weight: its bytes by its tokens.
        tokens += weight * len(documents.ids) / sizes[name].sum()
    weights = {label(path): weight for path, weight in each.weights.items()}
    mix, low, high = (round(value, 4) for value in mixed(bits, sizes, weights))
    return {**rates, "mix": mix, "low": low, "high": high, "bytes_per_token": round(sum(weights.values()) / tokens, 4)}


def mixed(
    bits: dict[str, np.ndarray], sizes: dict[str, np.ndarray], weights: dict[str, float]
) -> tuple[float, float, float]:
    """Bits per byte of corpora, mixed by weight, and its 95 % interval, of the bits and the bytes of each document.

    The interval is that of percentiles of 1,000 samples of documents, drawn with repetition within each corpus; the
    same documents each time.
    """
    generator = np.random.default_rng(0)
    total_weight = sum(weights.values())
    mix, samples = 0.0, np.zeros(1000)
    for name, weight in weights.items():
        n = len(sizes[name])
        drawn = generator.integers(n, size=(1000, n))
        mix += weight / total_weight * bits[name].sum() / sizes[name].sum()
        samples += weight / total_weight * bits[name][drawn].sum(axis=1) / sizes[name][drawn].sum(axis=1)
    low, high = np.percentile(samples, [2.5, 97.5])
    return float(mix), float(low), float(high)


def sizes_of(texts: list[str]) -> np.ndarray:
    """The bytes of each text."""
    return np.array([len(text.encode()) for text in texts])


def per_document(values: np.ndarray, documents: Documents) -> np.ndarray:
    """The sums of the values of tokens over documents, none of which is empty."""
    return np.add.reduceat(values, documents.offsets[:-1])


def measure_ngrams(options: argparse.Namespace) -> None:
    results = []
    for each in encoded(options):
        start = time.perf_counter()
        documents, n_bytes = each.corpus()
        model = KneserNey(documents, options.order, each.n_ids)
        bits = {name: per_document(model.bits(valid), valid) for name, _, valid, _ in each.valid()}
        rate = round(n_bytes / len(documents.ids), 4)
        seconds = round(time.perf_counter() - start)
        result = {"order": options.order, **bits_per_byte(each, bits), "trained_on": rate, "seconds": seconds}
        if options.by_script:
            result["scripts"] = {name: by_script(texts, bits[name], valid) for name, _, valid, texts in each.valid()}
        results.append(each.note(result))
        progress(json.dumps(results[-1]))
    _print(results, [label(path) for path in each.weights])


def by_script(texts: list[str], bits: np.ndarray, documents: Documents) -> dict[str, list[float]]:
    """Of the documents of each script: their bytes, bits per byte, and bytes per token."""
    totals: dict[str, np.ndarray] = {}
    for text, cost, n_tokens in zip(texts, bits, np.diff(documents.offsets), strict=True):
        letters = Counter(unicodedata.name(letter, "?").split()[0] for letter in text if letter.isalpha())
        script = letters.most_common(1)[0][0] if letters else "none"
        totals[script] = totals.get(script, 0) + np.array([len(text.encode()), cost, n_tokens])
    ordered = sorted(totals.items(), key=lambda item: -item[1][0])
    return {script: [int(n), round(cost / n, 4), round(n / tokens, 3)] for script, (n, cost, tokens) in ordered}


def measure_consistency(options: argparse.Namespace) -> None:
    rows, names = [], []
    for each in encoded(options):
        pieces = each.tokenizer.pieces
        entropies = {name: cut_entropy(texts, valid, pieces) for name, _, valid, texts in each.valid()}
        each.note({"entropy": {name: round(value, 3) for name, value in entropies.items()}})
        names = [*entropies]
        rows.append([each.label, f"{each.size:,}", *(f"{value:.3f}" for value in entropies.values())])
    table(["bits", "ids", *names], rows)


def measure_transformer(options: argparse.Namespace) -> None:
    from transformer import Settings, bits_of_tokens, train

    results = []
    for each in encoded(options):
        documents, n_bytes = each.corpus()
        rate = n_bytes / len(documents.ids)
        for seed in options.seeds:
            settings = Settings(
                n_ids=each.n_ids,
                width=options.width,
                layers=options.layers,
                context=round(options.context / rate),
                batch=options.batch,
                rate=options.rate,
                seed=seed,
            )
            n_tokens = None if options.megabytes is None else round(options.megabytes * 1e6 / rate)
            operations = None if options.teraflops is None else options.teraflops * 1e12
            model, report = train(documents, settings, n_tokens, operations)
            bits = {
                name: per_document(bits_of_tokens(model, valid, settings), valid) for name, _, valid, _ in each.valid()
            }
            result = {"seed": seed, **vars(settings), **report, **bits_per_byte(each, bits)}
            result["bits"] = {name: np.round(values, 2).tolist() for name, values in bits.items()}
            results.append(each.note(result))
            progress(json.dumps({name: value for name, value in results[-1].items() if name != "bits"}))
    _print(results, [label(path) for path in each.weights])


def measure_difference(options: argparse.Namespace) -> None:
    """Bits per byte of the second vocabulary minus those of the first, by seed, and their mean with its interval."""
    first, second = options.vocabularies
    with open(Path(options.folder) / "results.jsonl", encoding="utf-8") as file:
        results = [result for result in map(json.loads, file) if result["verb"] == "transformer"]
    weights = weights_of(options)
    sizes = {label(path): sizes_of(held_out(path, options.valid_bytes, options.longest)) for path in weights}
    weights = {label(path): weight for path, weight in weights.items()}
    rows = []
    for size in options.sizes:
        bits = {(each["vocabulary"], each["seed"]): each["bits"] for each in results if each["ids"] == size}
        seeds = sorted(seed for name, seed in bits if name == first and (second, seed) in bits)
        excess = [
            {name: np.subtract(bits[second, seed][name], bits[first, seed][name]) for name in weights} for seed in seeds
        ]
        by_seed = [f"{seed}: {mixed(each, sizes, weights)[0]:+.4f}" for seed, each in zip(seeds, excess, strict=True)]
        means = {name: np.mean([each[name] for each in excess], axis=0) for name in weights}
        mean, low, high = mixed(means, sizes, weights)
        rows.append([f"{size:,}", ", ".join(by_seed), f"{mean:+.4f}", f"{low:+.4f} to {high:+.4f}"])
    print(f"Bits per byte of {vocabulary(second).label} minus those of {vocabulary(first).label}.\n")
    table(["ids", "by seed", "mean", "95 %"], rows)


def _print(results: list[dict[str, Any]], names: list[str]) -> None:
    table(
        ["", "ids", "bytes per token", *names, "mix", "95 % of the mix"],
        [
            [
                result["label"] + (f", seed {result['seed']}" if "seed" in result else ""),
                f"{result['ids']:,}",
                f"{result['bytes_per_token']:.3f}",
                *(f"{result[name]:.3f}" for name in names),
                f"{result['mix']:.4f}",
                f"{result['low']:.3f} to {result['high']:.3f}",
            ]
            for result in results
        ],
    )


def draw(options: argparse.Namespace) -> None:
    """Draw a line for each vocabulary, over its sizes."""
    from matplotlib import pyplot

    points: dict[str, dict[int, tuple[float, float]]] = {}
    with open(Path(options.folder) / "results.jsonl", encoding="utf-8") as file:
        for result in map(json.loads, file):
            if result["verb"] == "ngrams":
                line = points.setdefault(f"{result['label']} ({result['corpus']})", {})
                line[result["ids"]] = result["bytes_per_token"], result["mix"]
    figure, axes = pyplot.subplots(figsize=(8, 5))
    for name, line in points.items():
        sizes = sorted(line)
        axes.plot(*zip(*(line[size] for size in sizes), strict=True), marker="o", label=name)
        for size in sizes:
            axes.annotate(f"{size // 1000}k", line[size], textcoords="offset points", xytext=(4, -10), fontsize=7)
    axes.set_xlabel("bytes per token, held-out mix")
    axes.set_ylabel("bits per byte, Kneser-Ney of order 5")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.12))
    pyplot.rcParams["svg.fonttype"] = "none"
    figure.savefig(options.output, bbox_inches="tight")


if __name__ == "__main__":
    main()
