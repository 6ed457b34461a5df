"""Training: this project beside its peers, with the same corpus and vocabulary size, as whole processes (Linux)."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import tempfile
from statistics import median

import process_tree
from texts import documents, label, n_bytes
from timing import progress, table
from trainers import TRAINERS, Trained

from bytepiece.bench.machine import Others, machine
from bytepiece.bench.rounds import ratio

NEWLINE = "\n"


def main() -> None:
    peers = [name for name in TRAINERS if name != "this"]
    parser = argparse.ArgumentParser(
        description=f"{__doc__} SentencePiece and HF tokenizers get the text as a file of lines, made beforehand. This "
        "project and BytePiece read the JSON themselves.",
        epilog=f"peers: {', '.join(peers)}",
    )
    parser.add_argument("corpora", nargs="+", metavar="CORPUS", help=".jsonl, also .xz or .gz; unpacked beforehand")
    parser.add_argument("--valid", nargs="+", default=[], metavar="CORPUS", help="held-out documents, to be encoded")
    parser.add_argument("--size", type=int, default=64000, metavar="N", help="vocabulary size (default %(default)s)")
    parser.add_argument(
        "--min-count", type=int, metavar="N", help="of this project and BytePiece (default: what it chooses, and 8)"
    )
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="or threads (default %(default)s)")
    parser.add_argument("--memory-limit", metavar="SIZE", help="of this project, such as 512M")
    parser.add_argument(
        "--rounds", type=int, default=1, metavar="N", help="in which all take turns (default %(default)s)"
    )
    parser.add_argument("--peers", nargs="*", choices=peers, default=peers, metavar="PEER", help="default: all")
    parser.add_argument("--bytepiece063", metavar="PYTHON", help="interpreter of an environment with BytePiece 0.6.3")
    parser.add_argument("--keep", metavar="FOLDER", help="keep models and logs there (default: do not)")
    options = parser.parse_args()

    names = ["this"]
    for name in options.peers:
        if options.bytepiece063 if name == "bp063" else importlib.util.find_spec(TRAINERS[name].module):
            names.append(name)
        else:
            progress(f"{TRAINERS[name].label} is not installed: left out")

    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or temporary
        os.makedirs(folder, exist_ok=True)
        jsonl, lines = os.path.join(temporary, "corpus.jsonl"), os.path.join(temporary, "corpus.txt")
        size, n_documents = unpack(options.corpora, jsonl, lines)
        usages: dict[str, list[process_tree.Usage]] = {name: [] for name in names}
        busy: dict[str, list[float]] = {name: [] for name in names}
        for number in range(options.rounds):
            first = number % len(names)
            for name in names[first:] + names[:first]:
                if all(usage.status == 0 for usage in usages[name]):
                    others = Others()
                    usages[name].append(train(name, jsonl, lines, folder, options))
                    busy[name].append(others.seconds())
        results = {}
        for name in names:
            if usages[name][-1].status == 0:
                trained = TRAINERS[name].open(model_path(folder, name))
                results[name] = [
                    f"{trained.size:,}",
                    *(f"{value:.4f}" for value in bytes_per_token(trained, options.valid)),
                ]

    print(f"{machine()}.")
    print(
        f"{size:,} bytes of text in {n_documents:,} documents; size {options.size:,}, "
        f"min_count {options.min_count or 'chosen'}, "
        f"{options.workers} workers or threads, memory limit {options.memory_limit or 'none'}, "
        f"{options.rounds} rounds."
        "\n"
    )
    columns = [*map(label, options.valid), "all"] if options.valid else []
    rows = []
    for name in names:
        if name not in results:
            rows.append([TRAINERS[name].label, "failed", *[""] * (7 + len(columns))])
            continue
        seconds, peaks = ([getattr(usage, field) for usage in usages[name]] for field in ("seconds", "peak"))
        row = [TRAINERS[name].label, f"{min(seconds):.2f}", f"{median(seconds):.2f}"]
        row += [f"{ratio(seconds, [usage.seconds for usage in usages['this']]):.2f}"]
        row += [f"{median(usage.cpu_seconds for usage in usages[name]):.2f}", f"{max(peaks) / 1e6:.0f}"]
        row += [f"{max(peaks) / max(usage.peak for usage in usages['this']):.2f}", f"{max(busy[name]):.1f}"]
        rows.append(row + results[name])
    head = ["", "best, s", "median, s", "times this", "CPU, s", "peak, MB", "times this", "others' CPU, s"]
    head += ["ids", *columns]
    table(head, rows)
    print("MB are 10^6 bytes." + (" The last columns are bytes of held-out text per token." if columns else ""))


def unpack(paths: list[str], jsonl: str, lines: str) -> tuple[int, int]:
    """Write the corpus as JSON lines and as lines of text. Returns its bytes and the number of documents."""
    size = number = 0
    with (
        open(jsonl, "w", encoding="utf-8", newline=NEWLINE) as as_json,
        open(lines, "w", encoding="utf-8", newline=NEWLINE) as as_lines,
    ):
        for path in paths:
            for text in documents(path):
                as_json.write(json.dumps({"text": text}, ensure_ascii=False) + NEWLINE)
                as_lines.writelines(line + NEWLINE for line in text.split(NEWLINE) if line)
                size += len(text.encode())
                number += 1
    return size, number


def model_path(folder: str, name: str) -> str:
    return os.path.join(folder, f"{name}.model")


def train(name: str, jsonl: str, lines: str, folder: str, options: argparse.Namespace) -> process_tree.Usage:
    progress(TRAINERS[name].label)
    environment = os.environ | {"TOKENIZERS_PARALLELISM": "true", "RAYON_NUM_THREADS": str(options.workers)}
    python = sys.executable
    if name == "bp063":
        python = options.bytepiece063
        environment.pop("PYTHONPATH", None)
    command = [python, os.path.join(os.path.dirname(os.path.abspath(__file__)), "trainers.py"), name]
    command += ["--jsonl", jsonl, "--lines", lines, "--output", model_path(folder, name), "--size", str(options.size)]
    command += ["--workers", str(options.workers)]
    command += ["--min-count", str(options.min_count)] if options.min_count else []
    command += ["--memory-limit", options.memory_limit] if options.memory_limit else []
    log = os.path.join(folder, f"{name}.log")
    usage = process_tree.run(command, environment, log)
    if usage.status:
        with open(log, encoding="utf-8", errors="replace") as file:
            progress(f"{TRAINERS[name].label} failed with status {usage.status}: {file.read()[-1000:]}")
    else:
        progress(f"  {usage.seconds:.2f} s, {usage.peak / 1e6:.0f} MB")
    return usage


def bytes_per_token(trained: Trained, corpora: list[str]) -> list[float]:
    """Bytes per token on each corpus, and then on all of them together; empty without a corpus."""
    amounts = []
    for corpus in corpora:
        texts = documents(corpus)
        amounts.append((n_bytes(texts), sum(map(trained.count, texts))))
    if amounts:
        amounts.append(tuple(map(sum, zip(*amounts, strict=True))))
    return [size / tokens for size, tokens in amounts]


if __name__ == "__main__":
    main()
