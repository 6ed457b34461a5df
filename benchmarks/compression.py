"""Compression: bytes per token on held-out text, by rounds of refinement, beside peers; and a look at the pieces."""

from __future__ import annotations

import argparse
import ast
import os
import random
import tempfile

import numpy as np
from texts import label
from timing import progress, table
from train import unpack
from trainers import TRAINERS

from bytepiece import Corpus, Model, Tokenizer, Trainer, evaluate
from bytepiece.text.display import escape_piece
from bytepiece.training.refinement import (
    growing,
    loss_pruning,
    refinement,
    sample,
    scarcity,
    settling,
    spread,
    workbench,
)

REFINEMENT = (growing, loss_pruning, refinement, sample, scarcity, settling, spread, workbench)
PEERS = [name for name in TRAINERS if name != "bp063" and not name.startswith("this")]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=f"{__doc__} For each model: bytes per token on each held-out corpus, and on their weighted mix; "
        "bytes per token on the training corpus, and the gap, which is that divided by bytes per token on the mix; and "
        "how many of the pieces of two bytes or more that the training corpus uses are used by one document only.",
        epilog=f"peers: {', '.join(PEERS)}",
    )
    parser.add_argument("corpus", metavar="CORPUS", help="the training corpus: a .jsonl file, also .xz or .gz")
    parser.add_argument("--valid", nargs="+", required=True, metavar="CORPUS=WEIGHT", help="held-out documents")
    parser.add_argument("--size", type=int, default=32000, metavar="N", help="vocabulary size (default %(default)s)")
    parser.add_argument("--min-count", type=int, default=4, metavar="N", help="default %(default)s")
    parser.add_argument("--rounds", type=int, nargs="*", default=[0, 2], metavar="N", help="default 0 2: refine_rounds")
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="NAME=VALUE", help="constants of bytepiece/training/refinement"
    )
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=[], metavar="PEER", help="default: none")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="or threads (default %(default)s)")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="show N random pieces of the last vocabulary")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="which pieces (default %(default)s)")
    options = parser.parse_args()
    weights = {path: float(weight) for path, _, weight in (corpus.rpartition("=") for corpus in options.valid)}
    constants = change(options.set)

    size, n_documents, rows, model = 0, 0, [], None
    with tempfile.TemporaryDirectory() as folder:
        options.jsonl, options.lines = (os.path.join(folder, name) for name in ("corpus.jsonl", "corpus.txt"))
        options.output = os.path.join(folder, "peer.model")
        size, n_documents = unpack([options.corpus], options.jsonl, options.lines)
        for rounds in options.rounds:
            model = train(options, rounds)
            rows.append(row_of(f"refine_rounds={rounds}{constants}", model, options.jsonl, weights))
        for name in options.peers:
            progress(TRAINERS[name].label)
            TRAINERS[name].train(options)
            rows.append(peer_row(name, options, weights))

    print(
        f"{size:,} bytes of text in {n_documents:,} documents; size {options.size:,}, min_count {options.min_count}; "
        f"the mix has the weights {', '.join(f'{label(path)} {weight:g}' for path, weight in weights.items())}.\n"
    )
    head = ["", "ids", "mix", "times the first", *map(label, weights), "trained on", "gap", "in one document"]
    first = float(rows[0][2])
    table(head, [[*row[:3], f"{float(row[2]) / first:.3f}", *row[3:]] for row in rows])
    if options.show and model is not None:
        show(model, [*weights], options.show, options.seed)


def change(settings: list[str]) -> str:
    """Set constants of refinement. Returns what the table says about them."""
    for setting in settings:
        name, _, value = setting.partition("=")
        modules = [module for module in REFINEMENT if name.isupper() and hasattr(module, name)]
        if not modules:
            raise SystemExit(f"refinement has no constant {name}")
        for module in modules:  # those that import it have it as well
            setattr(module, name, ast.literal_eval(value))
    return "".join(f", {setting}" for setting in settings)


def train(options: argparse.Namespace, rounds: int) -> Model:
    progress(f"refine_rounds={rounds}")
    trainer = Trainer(
        vocab_size=options.size,
        min_count=options.min_count,
        refine_rounds=rounds,
        refine_objective="length",
        boundaries=None,
    )
    trainer.train(Corpus(options.jsonl), workers=options.workers, progress=False)
    return trainer.models[options.size]


def row_of(name: str, model: Model, corpus: str, weights: dict[str, float]) -> list[str]:
    valid = evaluate(model, Corpus([*weights])).files
    trained = evaluate(model, Corpus(corpus)).total
    rates = {path: valid[path].bytes_per_token for path in weights}
    alone = f"{trained.one_document_pieces:,} of {trained.pieces - trained.unused_pieces:,}"
    share = f"{alone}: {100 * trained.one_document_share:.2f} %"
    return figures(name, model.vocab_size, rates, weights, trained.bytes_per_token, share)


def peer_row(name: str, options: argparse.Namespace, weights: dict[str, float]) -> list[str]:
    peer = TRAINERS[name].open(options.output)

    def rate(path: str) -> float:
        texts = list(Corpus(path))
        return sum(len(text.encode()) for text in texts) / sum(map(peer.count, texts))

    rates = {path: rate(path) for path in weights}
    return figures(TRAINERS[name].label, peer.size, rates, weights, rate(options.jsonl), "")


def figures(
    name: str, size: int, rates: dict[str, float], weights: dict[str, float], trained: float, share: str
) -> list[str]:
    # The weights are shares of the bytes, so these are the bytes of the mix divided by its tokens.
    mix = sum(weights.values()) / sum(weight / rates[path] for path, weight in weights.items())
    each = [f"{rates[path]:.3f}" for path in weights]
    return [name, f"{size:,}", f"{mix:.4f}", *each, f"{trained:.3f}", f"{trained / mix:.3f}", share]


def show(model: Model, paths: list[str], number: int, seed: int) -> None:
    """Print random pieces of two bytes or more for each corpus. A piece belongs to the corpus that uses it most."""
    tokenizer, n_pieces = Tokenizer(model), len(model.pieces)
    shares = []
    for path in paths:
        ids, _ = tokenizer.encode_batch_to_numpy(list(Corpus(path)))
        counts = np.bincount(ids.astype(np.int64) - model.first_id, minlength=n_pieces)
        shares.append(counts / counts.sum())
    place = np.where(np.max(shares, axis=0) > 0, np.argmax(shares, axis=0), len(paths))
    groups: list[list[bytes]] = [[] for _ in [*paths, None]]
    for piece, k in zip(model.pieces, place.tolist(), strict=True):
        if len(piece) > 1:
            groups[k].append(piece)
    for name, pieces in zip([*map(label, paths), "in none of them"], groups, strict=True):
        chosen = random.Random(seed).sample(pieces, min(number, len(pieces)))
        shown = (escape_piece(piece).replace(" ", "␣").replace("`", "ˋ") for piece in chosen)
        print(f"- **{name}** ({len(pieces):,} pieces): " + " ".join(f"`{piece}`" for piece in shown))


if __name__ == "__main__":
    main()
