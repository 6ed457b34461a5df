"""Encoding: this project beside its peers, with the same vocabulary and one thread."""

from __future__ import annotations

import argparse
import os
import pickle
import tempfile
from statistics import median

from peers import PEERS, Worker, add_peer_options, available, convert, python_of, versions
from texts import documents, label, n_bytes, normalized
from timing import Others, Seconds, alternate, machine, progress, ratio, table

from bytepiece import Model


def main() -> None:
    parser = argparse.ArgumentParser(
        description=f"{__doc__} Each peer has a process of its own. In each round they take turns to encode all "
        "documents of a corpus, each as a whole, with the public method that returns a list of ids."
    )
    parser.add_argument("corpora", nargs="+", metavar="CORPUS", help=".jsonl, or .txt as one document; also .xz, .gz")
    parser.add_argument("--model", required=True, help="this project's format or BytePiece's JSON")
    parser.add_argument("--rounds", type=int, default=25, metavar="N", help="default %(default)s")
    parser.add_argument(
        "--slow-rounds", type=int, default=5, metavar="N", help="rounds of slow peers (default %(default)s)"
    )
    add_peer_options(parser, default=["sp", "sp-noescape", "hf", "rs", "bp063"])
    options = parser.parse_args()

    names = available(options)
    rounds = {name: min(options.rounds, options.slow_rounds if PEERS[name].slow else options.rounds) for name in names}
    model = Model.load(options.model)
    others = Others()
    seconds: dict[str, Seconds] = {}
    sizes: dict[str, int] = {}
    ids: dict[str, dict[str, list[list[object]]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        progress("converting and loading")
        paths = convert(model, names, folder)
        workers = {name: Worker(name, paths[name], python_of(name, options)) for name in names}
        for path in options.corpora:
            corpus = label(path)
            progress(corpus)
            texts = normalized(documents(path), model.normalization)
            sizes[corpus] = n_bytes(texts)
            pickled = os.path.join(folder, "texts")
            with open(pickled, "wb") as file:
                pickle.dump(texts, file)
            for worker in workers.values():
                worker.ask("read", pickled)
            ids[corpus] = {name: worker.ask("ids") for name, worker in workers.items()}
            jobs = {name: lambda worker=worker: worker.ask("time") for name, worker in workers.items()}
            seconds[corpus] = alternate(jobs, rounds)
        for worker in workers.values():
            worker.close()

    print(f"{machine()}; {versions(names)}.")
    print(f"{os.path.basename(options.model)}: {model.vocab_size} ids; {others}")
    if model.normalization == "nfc":
        print("The model normalizes: all texts were NFC already when they were timed.")
    elif {"rs", "bp063"} & set(names):
        print("The model does not normalize, but BytePiece 0.6.3 and rs_bytepiece do: their tokens can differ.")
    print("\nMB/s (10^6 bytes of UTF-8), best round (median round):\n")
    head = ["", *(f"{corpus}, {sizes[corpus] / 1e6:.2f} MB" for corpus in seconds)]
    table(head, ([f"{PEERS[name].label}, {rounds[name]} rounds", *speeds(name, seconds, sizes)] for name in names))
    if names[1:]:
        print("How many times as fast this project is, median of the ratios of each round:\n")
        ratios = {name: [f"{ratio(of[name], of['this']):.2f}" for of in seconds.values()] for name in names[1:]}
        table(["", *seconds], ([PEERS[name].label, *ratios[name]] for name in names[1:]))
    print("Tokens, and documents whose tokens differ from this project's:\n")
    table(["", *seconds], ([PEERS[name].label, *differences(name, ids)] for name in names))


def speeds(name: str, seconds: dict[str, Seconds], sizes: dict[str, int]) -> list[str]:
    return [
        f"{sizes[corpus] / min(of[name]) / 1e6:.2f} ({sizes[corpus] / median(of[name]) / 1e6:.2f})"
        for corpus, of in seconds.items()
    ]


def differences(name: str, ids: dict[str, dict[str, list[list[object]]]]) -> list[str]:
    cells = []
    for of in ids.values():
        differing = sum(a != b for a, b in zip(of["this"], of[name], strict=True))
        tokens = sum(number for number, _ in of[name])
        cells.append(f"{tokens:,}" + ("" if name == "this" else f"; {differing} of {len(of[name])}"))
    return cells


if __name__ == "__main__":
    main()
