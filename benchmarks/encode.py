"""Encoding: this project beside its peers, with the same vocabulary and one thread."""

from __future__ import annotations

import argparse

from peers import add_peer_options, peers_of
from texts import documents, label
from timing import progress

from bytepiece import Model
from bytepiece.bench.machine import Others
from bytepiece.bench.report import conditions, result_as_table
from bytepiece.bench.speed import Contest


def main() -> None:
    parser = argparse.ArgumentParser(
        description=f"{__doc__} What `bytepiece bench` does, for several corpora, with whole documents, and with more "
        "peers."
    )
    parser.add_argument("corpora", nargs="+", metavar="CORPUS", help=".jsonl, or .txt as one document; also .xz, .gz")
    parser.add_argument("--model", required=True, help="this project's format or BytePiece's JSON")
    parser.add_argument("--rounds", type=int, default=9, metavar="N", help="default %(default)s")
    add_peer_options(
        parser, default=["sentencepiece", "sentencepiece-unescaped", "tokenizers", "rs_bytepiece", "bytepiece063"]
    )
    options = parser.parse_args()

    others = Others()
    results = {}
    with Contest(Model.load(options.model), peers_of(options)) as contest:
        for path in options.corpora:
            progress(label(path))
            results[label(path)] = contest.measure(documents(path), options.rounds)
    for corpus, result in results.items():
        print(f"{corpus}: {conditions(contest, result, others)}\n{result_as_table(result)}")


if __name__ == "__main__":
    main()
