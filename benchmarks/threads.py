"""Threads: encoding many documents, and one long document, with one thread and with several."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import cycle, islice

import numpy as np
from texts import documents, n_bytes, normalized, of_length
from timing import progress, table, timed

from bytepiece import Tokenizer
from bytepiece.bench.machine import Others, machine
from bytepiece.bench.rounds import alternate, ratio

Job = Callable[[int], object]
_jobs: dict[str, Job] = {}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=f"{__doc__} As many processes, each with one thread and all of the work, show the gain that the "
        "machine allows."
    )
    parser.add_argument("corpora", nargs="+", metavar="CORPUS", help=".jsonl, or .txt as one document; also .xz, .gz")
    parser.add_argument("--model", required=True, help="this project's format or BytePiece's JSON")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="default %(default)s")
    parser.add_argument("--documents", type=int, default=1000, metavar="N", help="default %(default)s")
    parser.add_argument(
        "--megabytes", type=float, default=50, metavar="N", help="size of the long document (default %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=15, metavar="N", help="default %(default)s")
    options = parser.parse_args()

    n_threads = options.workers
    others = Others()
    arguments = options.model, options.corpora, options.documents, int(options.megabytes * 1e6)
    sizes = prepare(*arguments)
    executors = [ProcessPoolExecutor(1, initializer=prepare, initargs=arguments) for _ in range(n_threads)]
    rows = []
    for name, job in _jobs.items():
        progress(name)
        check_equal(job(1), job(n_threads))

        def processes(name: str = name) -> None:
            for future in [executor.submit(run, name) for executor in executors]:
                future.result()

        processes()
        seconds = alternate(
            {
                "one": timed(lambda job=job: job(1)),
                "several": timed(lambda job=job: job(n_threads)),
                "processes": timed(processes),
            },
            options.rounds,
        )
        speeds = (sizes[name] / min(seconds[which]) / 1e6 for which in ("one", "several"))
        gain = ratio(seconds["one"], seconds["several"])
        possible = n_threads * ratio(seconds["one"], seconds["processes"])
        rows.append([name, f"{sizes[name] / 1e6:.1f}", *(f"{x:.1f}" for x in speeds), f"{gain:.2f}", f"{possible:.2f}"])
    for executor in executors:
        executor.shutdown()

    print(f"{machine()}; {options.rounds} rounds; {others}\n")
    head = "", "MB", "1 thread, MB/s", f"{n_threads} threads, MB/s", "gain", f"gain of {n_threads} processes"
    table(head, rows)
    print("Speeds are those of the best round. Gains are medians of the ratios of each round. All results were equal.")


def prepare(model: str, paths: list[str], n_documents: int, length: int) -> dict[str, int]:
    """Make the jobs of this process. Returns their sizes in bytes."""
    tokenizer = Tokenizer(model)
    texts = normalized([text for path in paths for text in documents(path)], tokenizer.model.normalization)
    many = list(islice(cycle(texts), n_documents))
    long = of_length(texts, length, "\n")
    many_name, long_name = f"{n_documents:,} documents", "one document with lines"
    _jobs[many_name] = lambda threads: tokenizer.encode_batch_to_numpy(many, workers=threads)
    _jobs[long_name] = lambda threads: tokenizer.encode_to_numpy(long, workers=threads)
    return {many_name: n_bytes(many), long_name: n_bytes([long])}


def run(name: str) -> None:
    _jobs[name](1)


def check_equal(one: object, several: object) -> None:
    pairs = zip(one, several, strict=True) if isinstance(one, tuple) else [(one, several)]
    if not all(map(np.array_equal, *zip(*pairs, strict=True))):
        raise SystemExit("the results differ")


if __name__ == "__main__":
    main()
