"""Engines: training by tasks of Ray, on nodes of one core each on this machine, or of an executor, and in process."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from statistics import median
from typing import Any

from timing import progress, table

from bytepiece import Corpus, ExecutorEngine, LocalEngine, RayEngine, Trainer
from bytepiece.bench.machine import Others, machine
from bytepiece.bench.rounds import alternate, ratio
from bytepiece.engines import parts
from bytepiece.memory import peak_memory

JOBS = {
    "stream": "in process, without an engine",
    "local": "in process, `LocalEngine`",
    "processes": "`ExecutorEngine`, 2 processes",
    "ray1": "Ray, 1 node",
    "ray2": "Ray, 2 nodes",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=f"{__doc__} Each training is a process of its own; those in process have one thread. Starting Ray "
        "is not timed. The exit status is 1 if a model differs."
    )
    parser.add_argument("corpora", nargs="+", metavar="CORPUS", help="what the command reads")
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=[*JOBS], metavar="JOB", help=f"of {', '.join(JOBS)}")
    parser.add_argument("--size", type=int, default=64000, metavar="N", help="vocabulary size (default %(default)s)")
    parser.add_argument("--refine-rounds", type=int, default=2, metavar="N", help="default %(default)s")
    parser.add_argument("--part", type=float, default=16, metavar="MB", help="size of parts (default %(default)s)")
    parser.add_argument(
        "--store", type=int, default=200, metavar="MB", help="object store of a node (default %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=1, metavar="N", help="default %(default)s")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        print(json.dumps(JOB_KINDS[options.job](options)))
        return

    reports: dict[str, list[dict[str, Any]]] = {job: [] for job in options.jobs}
    others = Others()

    def timed(job: str) -> Callable[[], float]:
        def run() -> float:
            progress(JOBS[job])
            command = [sys.executable, *sys.argv, "--job", job]
            reports[job].append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))
            return reports[job][-1]["seconds"]

        return run

    seconds = alternate({job: timed(job) for job in options.jobs}, options.rounds)
    first = options.jobs[0]
    print(f"{machine()}. {others}")
    size = reports[first][0]["n_bytes"]
    print(f"{size / 1e6:.0f} MB of text; size {options.size:,}, refine_rounds {options.refine_rounds}.\n")
    rows = []
    for job in options.jobs:
        report = reports[job][0]
        stages = [stage for stage in report["stages"] if "tasks" in stage]
        shuffled = sum(stage["output_bytes"] for stage in stages)
        memory = max((stage["task_memory"] for stage in stages), default=0)
        row = [JOBS[job], f"{median(seconds[job]):.1f}", f"{ratio(seconds[first], seconds[job]):.2f}"]
        row += [f"{report['peak_memory'] / 1e6:.0f}", f"{memory / 1e6:.0f}" if memory else ""]
        rows.append([*row, f"{shuffled / size:.3f}" if stages else "", stages[0]["tasks"] if stages else ""])
    head = ["", "median, s", "times as fast as the first", "driver, MB", "task, MB", "output, bytes per byte of text"]
    table([*head, "parts"], rows)
    by_stage(options.jobs, reports)
    same = len({report["model"] for each in reports.values() for report in each}) == 1
    print("All models are the same, byte for byte." if same else "MODELS DIFFER.")
    sys.exit(not same)


def by_stage(jobs: list[str], reports: dict[str, list[dict[str, Any]]]) -> None:
    """Seconds of each stage in each job; and what its tasks took in the last one."""
    stages = {job: {stage["name"]: stage for stage in reports[job][0]["stages"]} for job in jobs}
    rows = []
    for name, last in stages[jobs[-1]].items():
        row = [name, *(f"{stages[job][name]['seconds']:.1f}" if name in stages[job] else "" for job in jobs)]
        if "tasks" in last:
            row += [
                f"{last['task_seconds']:.1f}",
                f"{last['task_memory'] / 1e6:.0f}",
                f"{last['output_bytes'] / 1e6:.1f}",
            ]
        rows.append(row + [""] * (4 + len(jobs) - len(row)))
    others = [reports[job][0]["seconds"] - sum(stage["seconds"] for stage in reports[job][0]["stages"]) for job in jobs]
    rows.append(["between stages", *(f"{seconds:.1f}" for seconds in others), "", "", ""])
    print(f"The stages in s, and the tasks of: {JOBS[jobs[-1]]}.\n")
    table(["", *(JOBS[job] for job in jobs), "tasks, s", "task, MB", "output, MB"], rows)


def train(options: argparse.Namespace, engine: Any = None) -> dict[str, Any]:
    parts.LEAST_PART = int(options.part * 1e6)
    trainer = Trainer(vocab_size=options.size, refine_rounds=options.refine_rounds)
    start = time.perf_counter()
    trainer.train(Corpus(options.corpora), workers=1, engine=engine, progress=False)
    seconds = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model")
        trainer.save(path)
        with open(path, "rb") as file:
            model = hashlib.sha256(file.read()).hexdigest()
    return {**trainer.report, "seconds": seconds, "peak_memory": peak_memory(), "model": model}


def train_on_processes(options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(2, get_context("spawn")) as executor:
        return train(options, ExecutorEngine(executor, folder))


def train_on_ray(options: argparse.Namespace) -> dict[str, Any]:
    import ray
    from ray.cluster_utils import Cluster

    store = options.store * 10**6
    cluster = Cluster(True, head_node_args={"num_cpus": 0, "object_store_memory": store})
    processors = os.sched_getaffinity(0)
    for processor, _ in zip(sorted(processors), range(int(options.job[-1])), strict=False):
        os.sched_setaffinity(0, {processor})  # what is started now stays there
        cluster.add_node(num_cpus=1, object_store_memory=store)
    os.sched_setaffinity(0, processors)
    ray.init(cluster.address, log_to_driver=False, logging_level="error")
    try:
        return train(options, RayEngine())
    finally:
        ray.shutdown()
        cluster.shutdown()


JOB_KINDS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "stream": train,
    "local": lambda options: train(options, LocalEngine(workers=1)),
    "processes": train_on_processes,
    "ray1": train_on_ray,
    "ray2": train_on_ray,
}


if __name__ == "__main__":
    main()
