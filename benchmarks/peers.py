"""The peers: a vocabulary is converted for each of them, and each is timed in a process of its own.

Run as a script, this file is that process. The interpreter is the one that has the peer; it may not have this project.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import importlib.util
import json
import math
import os
import pickle
import subprocess
import sys
import time
from array import array
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from bytepiece import Model

Encode = Callable[[str], "list[int]"]


class Peer(NamedTuple):
    label: str
    module: str
    write: Callable[[Model, str], None]
    """Convert a model to a file of the peer."""
    open: Callable[[str], Encode]
    """Load that file; gives the public method that returns a list of ids."""
    slow: bool = False


# Conversions. All keep the ids of the pieces.


def _write_own(model: Model, path: str) -> None:
    model.save(path)


def _write_json(model: Model, path: str) -> None:
    model.save(path, format="json")


def _scores(model: Model) -> list[float]:
    log_total = math.log(sum(model.counts))
    return [math.log(count) - log_total for count in model.counts]


def _write_sentencepiece(model: Model, path: str, escape: bool = True) -> None:
    """A unigram model. Pieces that are not UTF-8 become unused ids, so that all other ids stay.

    The bytes from 0x80 on, and NUL, are byte pieces with their own ids. Byte fallback requires all 256 of them, so the
    others get ids after the vocabulary. No text uses these, since ASCII characters are pieces.
    """
    from sentencepiece import sentencepiece_model_pb2 as protobuf

    normal, unknown, control, unused, byte = 1, 2, 3, 5, 6
    proto = protobuf.ModelProto()

    def add(piece: str, score: float, kind: int) -> None:
        proto.pieces.add(piece=piece, score=score, type=kind)

    def text_of(piece: bytes) -> str | None:
        try:
            text = piece.decode()
        except UnicodeDecodeError:
            return None
        if "\0" in text or (escape and "\u2581" in text):
            return None
        return text.replace(" ", "\u2581") if escape else text

    for name, kind in (("<unk>", unknown), ("<s>", control), ("</s>", control)):
        add(name, 0.0, kind)
    taken = {"<unk>", "<s>", "</s>", *(f"<0x{value:02X}>" for value in range(256))}
    missing = set(range(256))
    for piece, score in zip(model.pieces, _scores(model), strict=True):
        if len(piece) == 1 and (piece[0] >= 0x80 or piece[0] == 0):
            add(f"<0x{piece[0]:02X}>", score, byte)
            missing.remove(piece[0])
            continue
        text = text_of(piece)
        if text is None or text in taken:
            add(f"<unused {len(proto.pieces)}>", -100.0, unused)
        else:
            add(text, score, normal)
            taken.add(text)
    for value in sorted(missing):
        add(f"<0x{value:02X}>", -100.0, byte)

    trainer, normalizer = proto.trainer_spec, proto.normalizer_spec
    trainer.model_type, trainer.vocab_size, trainer.byte_fallback = 1, len(proto.pieces), True
    trainer.split_by_whitespace = trainer.split_by_unicode_script = trainer.split_by_number = False
    trainer.unk_id, trainer.bos_id, trainer.eos_id, trainer.pad_id = 0, 1, 2, -1
    normalizer.name, normalizer.precompiled_charsmap, normalizer.escape_whitespaces = "identity", b"", escape
    normalizer.add_dummy_prefix = normalizer.remove_extra_whitespaces = False
    Path(path).write_bytes(proto.SerializeToString())


def _write_sentencepiece_unescaped(model: Model, path: str) -> None:
    _write_sentencepiece(model, path, escape=False)


def _write_tokenizers(model: Model, path: str) -> None:
    """Exactly the same pieces: GPT-2's alphabet spells each byte as a character."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [value for value in range(256) if value not in shown]
    alphabet = {value: chr(value) for value in shown} | {value: chr(256 + k) for k, value in enumerate(hidden)}
    # U+E000 is not in the alphabet, so no text contains these names.
    vocabulary = [(f"\ue000{name}", -100.0) for name in ("pad", "bos", "eos")]
    vocabulary += [
        ("".join(map(alphabet.__getitem__, piece)), score)
        for piece, score in zip(model.pieces, _scores(model), strict=True)
    ]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=0, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(path)


# Loading.


def _open_this(path: str) -> Encode:
    from bytepiece import Tokenizer

    return Tokenizer(path).encode


def _open_bytepiece063(path: str) -> Encode:
    import bytepiece

    if version("bytepiece") != "0.6.3" or hasattr(bytepiece, "Model"):
        raise SystemExit(f"{sys.executable} does not have BytePiece 0.6.3")
    return bytepiece.Tokenizer(path).encode


def _open_rs(path: str) -> Encode:
    from rs_bytepiece import Tokenizer

    return Tokenizer(path).encode


def _open_sentencepiece(path: str) -> Encode:
    from sentencepiece import SentencePieceProcessor

    return SentencePieceProcessor(model_file=path).encode


def _open_tokenizers(path: str) -> Encode:
    from tokenizers import Tokenizer

    encode = Tokenizer.from_file(path).encode
    return lambda text: encode(text, add_special_tokens=False).ids


PEERS = {
    "this": Peer("this project", "bytepiece", _write_own, _open_this),
    "this-json": Peer("this project, BytePiece's JSON", "bytepiece", _write_json, _open_this),
    "sp": Peer("SentencePiece", "sentencepiece", _write_sentencepiece, _open_sentencepiece),
    "sp-noescape": Peer(
        "SentencePiece, spaces not escaped",
        "sentencepiece",
        _write_sentencepiece_unescaped,
        _open_sentencepiece,
    ),
    "hf": Peer("HF tokenizers", "tokenizers", _write_tokenizers, _open_tokenizers, slow=True),
    "rs": Peer("rs_bytepiece", "rs_bytepiece", _write_json, _open_rs, slow=True),
    "bp063": Peer("BytePiece 0.6.3", "bytepiece", _write_json, _open_bytepiece063, slow=True),
}


def add_peer_options(parser: argparse.ArgumentParser, default: list[str]) -> None:
    names = [name for name in PEERS if name != "this"]
    parser.add_argument(
        "--peers", nargs="*", choices=names, default=default, metavar="PEER", help=f"some of {', '.join(names)}"
    )
    parser.add_argument(
        "--bytepiece063",
        metavar="PYTHON",
        help="the interpreter of an environment with BytePiece 0.6.3, which has the same name as this project; "
        "without it, BytePiece 0.6.3 is left out",
    )


def available(options: argparse.Namespace) -> list[str]:
    """This project, and those of ``--peers`` that are installed."""
    names = ["this"]
    for name in options.peers:
        if options.bytepiece063 if name == "bp063" else importlib.util.find_spec(PEERS[name].module):
            names.append(name)
        else:
            print(f"{PEERS[name].label} is not installed: left out", file=sys.stderr)
    return names


def python_of(name: str, options: argparse.Namespace) -> str:
    return options.bytepiece063 if name == "bp063" else sys.executable


def convert(model: Model, names: list[str], folder: str) -> dict[str, str]:
    """Write the model for each peer; returns the paths by name."""
    paths = {name: os.path.join(folder, f"{name}.model") for name in names}
    for name, path in paths.items():
        PEERS[name].write(model, path)
    return paths


def versions(names: list[str]) -> str:
    """What is compared, for the head of a report."""
    import bytepiece

    packages = dict.fromkeys(PEERS[name].module for name in names if PEERS[name].module != "bytepiece")
    found = [f"this project {bytepiece.__version__}", *(f"{package} {version(package)}" for package in packages)]
    return ", ".join(found + ["BytePiece 0.6.3"] * ("bp063" in names))


# A process for each peer.


def child_command(name: str, python: str, verb: str, path: str) -> dict[str, Any]:
    """The arguments of ``subprocess`` to run this file for a peer, with one thread."""
    environment = os.environ | {"TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1"}
    if name == "bp063":
        environment.pop("PYTHONPATH", None)
    return {"args": [python, __file__, verb, name, path], "env": environment, "text": True}


class Worker:
    """A peer in a process of its own. It is asked with the names of the methods of `_Served`."""

    def __init__(self, name: str, path: str, python: str) -> None:
        self._process = subprocess.Popen(
            **child_command(name, python, "serve", path), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def ask(self, function: str, *arguments: object) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps([function, *arguments]), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self._process.args}: ended with status {self._process.wait()}")
        return json.loads(answer)

    def close(self) -> None:
        self._process.communicate()  # the process ends when its input does


_SHORTEST = 0.1  # the least seconds of a measurement; an interruption would distort a shorter one


class _Served:
    def __init__(self, name: str, path: str) -> None:
        self._encode = PEERS[name].open(path)
        self._texts: list[str] = []

    def read(self, path: str) -> int:
        """Take the texts of a pickle."""
        with open(path, "rb") as file:
            self._texts = pickle.load(file)
        return len(self._texts)

    def time(self) -> float:
        """The seconds to encode all texts once. An untimed pass first fills the caches, which other peers used.

        Passes are repeated until they take `_SHORTEST` seconds together; the result is their mean.
        """
        encode, texts = self._encode, self._texts
        for text in texts:
            encode(text)
        passes = 0
        seconds = 0.0
        start = time.perf_counter()
        while seconds < _SHORTEST:
            for text in texts:
                encode(text)
            passes += 1
            seconds = time.perf_counter() - start
        return seconds / passes

    def ids(self) -> list[tuple[int, str]]:
        """The number of ids of each text, and a hash of them."""
        results = map(self._encode, self._texts)
        return [(len(ids), hashlib.sha256(array("I", ids).tobytes()).hexdigest()) for ids in results]


def _serve(name: str, path: str) -> None:
    served = _Served(name, path)
    for line in sys.stdin:
        function, *arguments = json.loads(line)
        print(json.dumps(getattr(served, function)(*arguments)), flush=True)


def _load(name: str, path: str) -> None:
    """Print the seconds to import, those from file to first token, and the memory that loading adds."""
    start = time.perf_counter()
    importlib.import_module(PEERS[name].module)
    imported = time.perf_counter()
    before = _memory(reset_peak=True)["VmRSS"]
    begin = time.perf_counter()
    encode = PEERS[name].open(path)
    encode("a")
    end = time.perf_counter()
    after = _memory()
    print(
        json.dumps(
            {
                "import": imported - start,
                "seconds": end - begin,
                "adds": after["VmRSS"] - before,
                "peak": after["VmHWM"] - before,
            }
        )
    )


def _memory(reset_peak: bool = False) -> dict[str, int]:
    """Resident memory in bytes: now (VmRSS) and at its peak (VmHWM). Linux only."""
    gc.collect()
    if reset_peak:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        lines = [line.split() for line in file]
    return {words[0][:-1]: int(words[1]) * 1024 for words in lines if words[0] in ("VmRSS:", "VmHWM:")}


if __name__ == "__main__":
    {"serve": _serve, "load": _load}[sys.argv[1]](*sys.argv[2:])
