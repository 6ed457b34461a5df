"""Loading: from file to first token, and the memory a tokenizer adds to its process (Linux)."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path
from statistics import median

from peers import PEERS, add_peer_options, peers_of, versions
from timing import progress, table

from bytepiece import Model
from bytepiece.bench import worker
from bytepiece.bench.machine import Others, machine
from bytepiece.bench.peers import THIS, Peer
from bytepiece.bench.process import environment
from bytepiece.bench.rounds import alternate, ratio

LOADS = str(Path(__file__).with_name("load_peer.py"))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=f"{__doc__} Each time is measured in a fresh process, and the peers take turns. Files are in the "
        "page cache. The time to import is not included."
    )
    parser.add_argument("--model", required=True, help="this project's format or BytePiece's JSON")
    parser.add_argument("--rounds", type=int, default=15, metavar="N", help="default %(default)s")
    add_peer_options(parser, default=["this-json", "sentencepiece", "tokenizers", "bytepiece063"])
    options = parser.parse_args()

    peers = [THIS, *(peer for peer in peers_of(options) if peer.installed)]
    model = Model.load(options.model)
    others = Others()
    results: dict[str, list[dict[str, float]]] = {peer.label: [] for peer in peers}
    with tempfile.TemporaryDirectory() as folder:
        progress("converting")
        paths = {peer: os.path.join(folder, f"{number}.model") for number, peer in enumerate(peers)}
        for peer, path in paths.items():
            peer.write(model, path)
        sizes = {peer: os.path.getsize(path) for peer, path in paths.items()}

        def load(peer: Peer) -> float:
            command = [peer.python, LOADS, worker.__file__, peer.module, paths[peer]]
            done = subprocess.run(command, env=environment(peer.python), stdout=subprocess.PIPE, check=True)
            result = json.loads(done.stdout)
            results[peer.label].append(result)
            return result["seconds"]

        progress("loading")
        for peer in peers:
            load(peer)
            results[peer.label].clear()
        seconds = alternate({peer.label: lambda peer=peer: load(peer) for peer in peers}, options.rounds)

    print(f"{machine()}; {versions(peers)}.")
    print(f"{os.path.basename(options.model)}: {model.vocab_size} ids; {options.rounds} rounds; {others}\n")
    rows = []
    for peer in peers:
        of = {key: [result[key] for result in results[peer.label]] for key in results[peer.label][0]}
        rows.append(
            [
                peer.label,
                f"{sizes[peer] / 1e6:.1f}",
                f"{min(of['seconds']):.3f}",
                f"{median(of['seconds']):.3f}",
                f"{ratio(seconds[peer.label], seconds[THIS.label]):.2f}",
                f"{median(of['import']):.3f}",
                f"{median(of['adds']) / 1e6:.1f}",
                f"{median(of['peak']) / 1e6:.1f}",
            ]
        )
    head = "", "file, MB", "best, s", "median, s", "times this project's", "import, s", "adds, MB", "at its peak, MB"
    table(head, rows)
    print("Adds: resident memory after the first token, minus that after importing. MB are 10^6 bytes.")
    for dividend, divisor in ((THIS, PEERS["sentencepiece"]), (PEERS["this-json"], PEERS["bytepiece063"])):
        if {dividend.label, divisor.label} <= {*seconds}:
            value = ratio(seconds[dividend.label], seconds[divisor.label])
            print(f"{dividend.label} takes {value:.2f} of the time of {divisor.label}.")


if __name__ == "__main__":
    main()
