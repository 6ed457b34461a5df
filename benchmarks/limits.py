"""Limits of memory: what a million small calls leave behind, what large calls take, and training with a limit (Linux).

What is wrong ends with exit status 1.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from process_tree import run
from timing import progress, table

from bytepiece import Model, StreamDecoder, Tokenizer
from bytepiece.bench.machine import machine

MB = 2**20
SLACK = 2 * MB
"""What the allocators of C and Python may hold on to."""

STATED = {"encode_to_numpy": 9, "encode_to_numpy, bytes": 9, "count": 0.1, "encode": 13}
"""What each call may take, in bytes for each byte of a text that has no pieces but bytes: see docs/security.md."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", choices=["calls", "large", "training"], metavar="PART", help="default: all")
    parser.add_argument("--calls", type=int, default=10**6, metavar="N", help="default %(default)s")
    parser.add_argument("--megabytes", type=int, default=200, metavar="N", help="of large texts (default %(default)s)")
    options = parser.parse_args()
    print(f"{machine()}.\n")
    wrong = False
    for part in options.what or ["calls", "large", "training"]:
        head, rows = {"calls": calls, "large": large, "training": training}[part](options)
        rows = [*rows]
        wrong |= any(row[-1] != "yes" for row in rows)
        table(head, rows)
    sys.exit(wrong)


# A million small calls.


def small_calls() -> Iterator[tuple[str, Callable[[int], object]]]:
    """Each method on a short text; the number makes texts differ."""
    counts = {"ab": 5, "abc": 3, "é": 2, "e\u0301x": 2, "你好": 4}
    model = Model.from_counts(counts, {"normalization": "nfc"}, ["<a>"])
    t = Tokenizer(model)
    texts = [f"ab abc<a> e\u0301 {k} 你好\n" for k in range(100)]
    data = [text.encode() for text in texts]
    ids = [t.encode(text) for text in texts]
    decoder = StreamDecoder(t)
    yield "encode", lambda k: t.encode(texts[k % 100])
    yield "encode, bytes", lambda k: t.encode(data[k % 100])
    yield "encode, special tokens", lambda k: t.encode(texts[k % 100], allowed_special="all")
    yield "encode, sampled", lambda k: t.encode(texts[k % 100], alpha=0.2 + k % 3, seed=k)
    yield "encode, iterated", lambda k: [*t.encode(texts[k % 100], iter=True)]
    yield "encode_to_numpy", lambda k: t.encode_to_numpy(texts[k % 100])
    yield "encode_batch", lambda k: t.encode_batch([texts[k % 100]] * 2, workers=1)
    yield "encode_stream", lambda k: [*t.encode_stream([texts[k % 100]])]
    yield "encode_with_offsets", lambda k: t.encode_with_offsets(texts[k % 100])
    yield "tokenize", lambda k: t.tokenize(texts[k % 100])
    yield "count", lambda k: t.count(texts[k % 100])
    yield "nbest", lambda k: t.nbest(texts[k % 100], 2)
    yield "entropy", lambda k: t.entropy(texts[k % 100])
    yield "decode", lambda k: t.decode(ids[k % 100])
    yield "decode_bytes", lambda k: t.decode_bytes(ids[k % 100])
    yield "StreamDecoder", lambda k: [decoder.feed(id) for id in ids[k % 100]]
    yield "an error", lambda k: refused(t, k)
    yield "Tokenizer, 1 of 1000", lambda k: Tokenizer(model) if k % 1000 == 0 else None


def refused(tokenizer: Tokenizer, k: int) -> None:
    try:
        tokenizer.encode("\udc80" if k % 2 else None)
    except Exception:
        return
    raise SystemExit("there was no error")


def calls(options: argparse.Namespace) -> tuple[list[str], Iterable[list[str]]]:
    return ["method", "calls", "grows by, KB", "right"], _calls(options.calls)


def _calls(n: int) -> Iterator[list[str]]:
    for name, call in small_calls():
        progress(name)
        for k in range(n // 10):
            call(k)
        before = resident()
        for k in range(n):
            call(k)
        grown = resident() - before
        yield [name, f"{n:,}", str(grown >> 10), "yes" if grown < SLACK else "NO"]


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


# Large calls.

LARGE = """
import sys
from bytepiece import Model, Tokenizer
def field(name):
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith(name))
method, text = sys.argv[1], sys.argv[2] * (int(sys.argv[3]) // len(sys.argv[2]))
if method.endswith("bytes"):
    text = text.encode()
tokenizer = Tokenizer(Model.from_counts({"the": 5}))
tokenizer.encode("warm")
before = field("VmRSS")
open("/proc/self/clear_refs", "w").write("5")  # the peak begins anew
result = getattr(tokenizer, method.partition(",")[0])(text)
print(field("VmHWM") - before)
"""


def large(options: argparse.Namespace) -> tuple[list[str], Iterable[list[str]]]:
    return ["call", "text", "takes, bytes for each byte of text", "stated", "right"], _large(options.megabytes * 10**6)


def _large(size: int) -> Iterator[list[str]]:
    for method, stated in STATED.items():
        for name, text in (("a line of bytes without pieces", "xyz "), ("lines", "xyzxyzx\n")):
            progress(f"{method}: {name}")
            code = [sys.executable, "-c", LARGE, method, text, str(size)]
            taken = int(subprocess.run(code, check=True, capture_output=True, text=True).stdout) / size
            yield [method, name, f"{taken:.2f}", str(stated), "yes" if taken <= stated else "NO"]


# Training with a memory limit.


def random_bytes(size: int) -> Iterator[bytes]:
    """Each of 256 characters, by chance, in lines of 1 KB or so."""
    generator = np.random.default_rng(0)
    for _ in range(size // 1_500_000):
        yield generator.integers(0, 256, 10**6, dtype=np.uint8).tobytes().decode("latin-1").encode() + b"\n"


def distinct_cjk(size: int) -> Iterator[bytes]:
    """Ideographs by chance: no three of them together occur often."""
    generator = np.random.default_rng(0)
    for _ in range(size // 3_000_000):
        codes = generator.integers(0x4E00, 0x9FFF, 10**6, dtype=np.uint32)
        codes[::100] = 10
        yield codes.tobytes().decode("utf-32-le").encode()


def one_line(size: int) -> Iterator[bytes]:
    words = [bytes(random.Random(k).choices(b"abcdefgh", k=1 + k % 9)) for k in range(5000)]
    line = b" ".join(random.Random(0).choices(words, k=200_000))
    for _ in range(size // len(line)):
        yield line


def tiny_documents(size: int) -> Iterator[bytes]:
    """Ten million documents of a byte and a newline."""
    for _ in range(20):
        yield b"a\nb\nc\n1\n\n" * 100_000


CORPORA: dict[str, Callable[[int], Iterator[bytes]]] = {
    "random bytes, as characters": random_bytes,
    "ideographs by chance": distinct_cjk,
    "one line": one_line,
    "10^7 documents of one byte": tiny_documents,
}


def training(options: argparse.Namespace) -> tuple[list[str], Iterable[list[str]]]:
    return ["corpus", "MB", "settings", "peak beyond the interpreter, MB", "it ends with", "right"], _training(options)


def _training(options: argparse.Namespace) -> Iterator[list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        idle = run([sys.executable, "-c", "import bytepiece.cli.main"], dict(os.environ), f"{folder}/log").peak
        for name, corpus in CORPORA.items():
            path = Path(folder, "corpus.txt")
            with path.open("wb") as file:
                for chunk in corpus(options.megabytes * 10**6):
                    file.write(chunk)
            for settings in ("--refine-rounds 0", "", "--refine-sample 16M"):
                progress(f"{name} {settings}")
                command = [sys.executable, "-m", "bytepiece", "train", str(path), "--vocab-size", "8000", "--quiet"]
                command += ["--memory-limit", "256M", "--temp-dir", folder, "--output", f"{folder}/model"]
                usage = run([*command, *settings.split()], dict(os.environ), f"{folder}/log")
                said = Path(folder, "log").read_text(errors="replace").strip()
                beyond = (usage.peak - idle) / MB
                left = [each.name for each in Path(folder).iterdir() if each.name not in ("log", "corpus.txt", "model")]
                right = beyond <= 256 and usage.status in (0, 1) and "\n" not in said and not left
                row = [name, f"{path.stat().st_size / 1e6:.0f}", settings or "default", f"{beyond:.0f}"]
                yield [*row, said or "a model", "yes" if right else "NO"]


if __name__ == "__main__":
    main()
