"""Shards: how fast a corpus becomes token files, beside encoding alone and beside peers."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from texts import documents
from timing import progress, table, timed

from bytepiece import Model, Tokenizer, write_shards
from bytepiece.bench.machine import Others, machine
from bytepiece.bench.rounds import Seconds, alternate, ratio
from bytepiece.exchange import export_model

ALONE = "encoding alone, in memory"
CHUNK = 2000
GIGATOKEN = """
import sys
from gigatoken import JsonlFileSource, Tokenizer
Tokenizer(sys.argv[1]).encode_files(JsonlFileSource(sys.argv[2]))
"""
MEASURED = """
import resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss)
"""
PEERS = (
    "Peers: gigatoken encodes files (a first pass, without writing) with a BPE; 'tokenizers' is what Megatron-LM's "
    "preprocess_data.py does, processes that parse JSON and encode with Hugging Face tokenizers, here with the same "
    "model and without writing, on a sample of the documents."
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=f"{__doc__} Encoding alone is `encode_batch_to_numpy` on texts that are in memory already, "
        f"{CHUNK:,} at a time; only the calls are timed. `write_shards` is called in the same process, with the same "
        "tokenizer: it reads the file, and ends when the shards are on the disk. Each command is a process of its own, "
        f"from its start to its end; its imports, and reading the model, count. {PEERS}"
    )
    parser.add_argument("corpus", help="a .jsonl file")
    parser.add_argument("--model", required=True)
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="default %(default)s")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="default %(default)s")
    parser.add_argument("--peer-python", metavar="PATH", help="a Python with gigatoken")
    parser.add_argument("--bpe", metavar="PATH", help="the tokenizer.json of a BPE, for gigatoken")
    parser.add_argument("--peer-bytes", type=int, default=2_000_000, metavar="N", help="for tokenizers (default 2 MB)")
    options = parser.parse_args()

    others = Others()
    tokenizer = Tokenizer(options.model)
    texts = documents(options.corpus)
    size = sum(len(text.encode()) for text in texts)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), options)
        bench.write_parquet(texts)
        jobs: dict[str, Callable[[], float]] = {
            ALONE: lambda: bench.encode_alone(tokenizer, texts),
            "write_shards, .jsonl to megatron": lambda: bench.write_shards(tokenizer, options.corpus),
            "write_shards, Parquet to megatron": lambda: bench.write_shards(tokenizer, str(bench.parquet)),
            "shards, .jsonl to megatron": lambda: bench.shards(options.corpus, "megatron"),
            "shards, Parquet to megatron": lambda: bench.shards(str(bench.parquet), "megatron"),
            "shards, .jsonl to parquet": lambda: bench.shards(options.corpus, "parquet"),
            "bytepiece encode, .jsonl to text": lambda: bench.run("encode", options.corpus, "--output", bench.ids),
        }
        if options.peer_python and options.bpe:
            jobs["gigatoken, files"] = lambda: bench.gigatoken(options.corpus)
        seconds = alternate(jobs, options.rounds)
        rows = []
        for name, each in seconds.items():
            cpu_seconds = bench.cpu_seconds[name]
            shares = ratio(seconds[ALONE], each), ratio(bench.cpu_seconds[ALONE], cpu_seconds)
            figures = median(each), size / median(each) / 1e6, shares[0], median(cpu_seconds), shares[1]
            formats = ".2f", ".0f", ".2f", ".2f", ".2f"
            rows.append([name, *map(format, figures, formats), bench.peak(name)])
        if peer := bench.tokenizers(texts):
            rows.append(["tokenizers, as Megatron-LM", "", f"{peer:.2f}", share_of(peer, size, seconds), "", "", ""])
    print(f"{machine()}. {others}")
    print(
        f"{len(texts):,} documents, {size / 1e6:.0f} MB of text; {options.workers} workers, {options.rounds} rounds.\n"
    )
    head = ["", "seconds", "MB/s", "of encoding alone", "CPU seconds", "of encoding alone", "peak memory, MB"]
    table(head, rows)


def kind_of(corpus: str) -> str:
    return "Parquet" if corpus.endswith(".parquet") else ".jsonl"


def share_of(peer: float, size: int, seconds: dict[str, list[float]]) -> str:
    return f"{peer * median(seconds[ALONE]) * 1e6 / size:.3f}"


class Bench:
    """The commands, with all their files in one folder."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self.folder, self.options = folder, options
        self.parquet, self.ids = folder / "corpus.parquet", str(folder / "ids.txt")
        self._peaks: dict[str, int] = {}
        self.cpu_seconds: Seconds = {}

    def encode_alone(self, tokenizer: Tokenizer, texts: list[str]) -> float:
        def encode() -> None:
            for first in range(0, len(texts), CHUNK):
                tokenizer.encode_batch_to_numpy(texts[first : first + CHUNK], workers=self.options.workers)

        return self._timed_here(ALONE, encode)

    def write_shards(self, tokenizer: Tokenizer, corpus: str) -> float:
        output = self._empty_output()
        name = f"write_shards, {kind_of(corpus)} to megatron"
        return self._timed_here(name, lambda: write_shards(corpus, tokenizer, output, workers=self.options.workers))

    def _timed_here(self, name: str, job: Callable[[], object]) -> float:
        progress(name)
        cpu_start = time.process_time()
        seconds = timed(job)()
        self.cpu_seconds.setdefault(name, []).append(time.process_time() - cpu_start)
        return seconds

    def _empty_output(self) -> str:
        output = self.folder / "shards"
        shutil.rmtree(output, ignore_errors=True)
        return str(output)

    def write_parquet(self, texts: list[str]) -> None:
        import pyarrow
        from pyarrow import parquet

        parquet.write_table(pyarrow.table({"text": texts}), self.parquet, row_group_size=10_000)

    def shards(self, corpus: str, format: str) -> float:
        name = f"shards, {kind_of(corpus)} to {format}"
        return self.run("shards", corpus, "--format", format, "--output", self._empty_output(), "--quiet", name=name)

    def run(self, verb: str, *arguments: str, name: str = "bytepiece encode, .jsonl to text") -> float:
        common = ["--model", self.options.model, "--workers", str(self.options.workers)]
        return self._measure(name, [sys.executable, "-m", "bytepiece", verb, *arguments, *common])

    def gigatoken(self, corpus: str) -> float:
        return self._measure("gigatoken, files", [self.options.peer_python, "-c", GIGATOKEN, self.options.bpe, corpus])

    def _measure(self, name: str, command: list[str]) -> float:
        progress(name)
        done = subprocess.run([sys.executable, "-c", MEASURED, *command], capture_output=True, text=True, check=True)
        seconds, cpu_seconds, peak = done.stdout.split()[-3:]
        self._peaks[name] = max(self._peaks.get(name, 0), int(peak))
        self.cpu_seconds.setdefault(name, []).append(float(cpu_seconds))
        return float(seconds)

    def peak(self, name: str) -> str:
        return f"{self._peaks[name] / 1000:.0f}" if name in self._peaks else ""

    def tokenizers(self, texts: list[str]) -> float | None:
        """MB/s of Hugging Face tokenizers in as many processes, on the first part of the texts."""
        try:
            import tokenizers  # noqa: F401
        except ImportError:
            return None
        export_model(Model.load(self.options.model), str(self.folder / "hf"), "huggingface")
        lines, size = [], 0
        for text in texts[:: max(1, len(texts) // 2000)]:
            lines.append(json.dumps({"text": text}))
            size += len(text.encode())
            if size >= self.options.peer_bytes:
                break
        os.environ["TOKENIZERS_PARALLELISM"] = "false"
        with multiprocessing.Pool(
            self.options.workers, load_peer, [str(self.folder / "hf" / "tokenizer.json")]
        ) as pool:
            pool.map(encode_line, lines[:4])
            seconds = timed(lambda: pool.map(encode_line, lines, chunksize=8))()
        return size / seconds / 1e6


def load_peer(path: str) -> None:
    global peer
    from tokenizers import Tokenizer

    peer = Tokenizer.from_file(path)


def encode_line(line: str) -> int:
    return len(peer.encode(json.loads(line)["text"]).ids)


if __name__ == "__main__":
    main()
