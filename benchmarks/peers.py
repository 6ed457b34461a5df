"""The tokenizers of `bytepiece.bench`, and those that only benchmarks compare with."""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

from bytepiece import Model
from bytepiece.bench.peers import OTHERS, THIS, Peer, write_json
from bytepiece.exchange import to_sentencepiece


def _write_unescaped(model: Model, path: str) -> None:
    """A SentencePiece model in which spaces are not escaped as U+2581, which is faster."""
    from sentencepiece import sentencepiece_model_pb2 as protobuf

    to_sentencepiece(model, path, force=True)
    proto = protobuf.ModelProto.FromString(Path(path).read_bytes())
    for piece in proto.pieces:
        if piece.type == protobuf.ModelProto.SentencePiece.NORMAL:
            piece.piece = piece.piece.replace("\u2581", " ")
    proto.normalizer_spec.escape_whitespaces = False
    Path(path).write_bytes(proto.SerializeToString())


PEERS = {
    "this-json": Peer("this project, BytePiece's JSON", "bytepiece", write_json),
    **{peer.module: peer for peer in OTHERS},
    "sentencepiece-unescaped": Peer("SentencePiece, spaces not escaped", "sentencepiece", _write_unescaped),
    "bytepiece063": Peer("BytePiece 0.6.3", "bytepiece", write_json),
}


def add_peer_options(parser: argparse.ArgumentParser, default: list[str]) -> None:
    parser.add_argument(
        "--peers", nargs="*", choices=PEERS, default=default, metavar="PEER", help=f"some of {', '.join(PEERS)}"
    )
    parser.add_argument(
        "--bytepiece063",
        type=_python_with_bytepiece063,
        metavar="PYTHON",
        help="the interpreter of an environment with BytePiece 0.6.3, which has the same name as this project; "
        "without it, BytePiece 0.6.3 is left out",
    )


def peers_of(options: argparse.Namespace) -> list[Peer]:
    """Those of ``--peers``; BytePiece 0.6.3 only with its interpreter."""
    peers = {name: PEERS[name] for name in options.peers}
    if "bytepiece063" in peers:
        if options.bytepiece063:
            peers["bytepiece063"] = peers["bytepiece063"]._replace(python=options.bytepiece063)
        else:
            del peers["bytepiece063"]
    return [*peers.values()]


def versions(peers: list[Peer]) -> str:
    """What is compared, for the head of a report."""
    return ", ".join(dict.fromkeys(peer.version for peer in (THIS, *peers)))


def _python_with_bytepiece063(python: str) -> str:
    code = "from importlib.metadata import version; print(version('bytepiece'))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, env={})
    if done.stdout.strip() != "0.6.3":
        raise argparse.ArgumentTypeError(f"{python} does not have BytePiece 0.6.3")
    return python
