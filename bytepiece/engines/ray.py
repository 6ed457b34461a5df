"""An engine for Ray (https://www.ray.io, written for version 2.60): outputs of tasks lie in its object store."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from bytepiece.engines.engine import Output, Task, Usage
from bytepiece.engines.running import PROTOCOL, Call, describe, run_call, versions
from bytepiece.errors import EngineError, OptionalDependencyError, check_int

__all__ = ["RayEngine"]

RETRIES = 8
"""How often a task runs anew whose machine was lost."""

LEAST_AT_ONCE = 16
"""So many tasks are sent at least: a cluster may grow by what waits."""


class RayEngine:
    """Runs tasks on a cluster of Ray, which is on all machines: ``pip install ray``.

    Tasks that are lost with their machine run anew, and so do those whose outputs are lost with it. Outputs that do not
    fit into Ray's object store go to disk.

    Args:
        address: of the cluster: ``"auto"`` for the one that this machine belongs to, ``"ray://HOST:PORT"`` for another.
            None starts Ray on this machine, until the program ends, unless the program has started it.
        workers: the number of processors of each task, which is that of its threads. None for all that
            the smallest machine has.

    Raises `OptionalDependencyError` without Ray, `EngineError` if there is no cluster at the address.

    >>> from bytepiece import Corpus, RayEngine, Trainer
    >>> trainer = Trainer(vocab_size=64000)
    >>> trainer.train(Corpus("corpus/"), engine=RayEngine("auto"))  # doctest: +SKIP
    """

    def __init__(self, address: str | None = None, workers: int | None = None) -> None:
        try:
            import ray
        except ImportError as error:
            raise OptionalDependencyError(f"RayEngine needs Ray ({error}): pip install ray") from error
        if workers is not None:
            check_int("workers", workers, 1, 1024)
        if not ray.is_initialized():
            try:
                ray.init(address, log_to_driver=False, logging_level="warning", include_dashboard=False)
            except (ConnectionError, OSError, ValueError, RuntimeError) as error:
                raise EngineError(f"no cluster of Ray at {address}: {describe(error)}") from error
        processors = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
        self.workers = workers or max(1, min((n for n in processors if n), default=1))

    def map(
        self, task: Task, items: Sequence[Any], n_outputs: int, done: Callable[[int, Usage], object]
    ) -> list[list[Output[Any]]]:
        """Run a task for each item; see `bytepiece.engines.engine.Engine`."""
        import ray

        run = ray.remote(run_call).options(
            num_returns=n_outputs + 1, num_cpus=self.workers, max_retries=RETRIES, name=type(task).__name__
        )
        outputs: list[list[Output[Any]]] = []
        waiting: dict[Any, int] = {}
        rest = enumerate(items)
        while True:
            for number, item in islice(rest, max(0, self._most_at_once() - len(waiting))):
                *references, usage = run.remote(Call(versions(), task, item, n_outputs))
                outputs.append([RayOutput(reference) for reference in references])
                waiting[usage] = number
            if not waiting:
                return outputs
            ray.wait([*waiting], num_returns=1)
            ready, _ = ray.wait([*waiting], num_returns=len(waiting), timeout=0)
            for usage in ready:
                done(waiting[usage], _value(usage, items[waiting[usage]]))
                del waiting[usage]

    def _most_at_once(self) -> int:
        """How many tasks are sent before others are done: twice as many as can run.

        After an error, they run to their end, or until this process ends. Ray can cancel tasks; but with 2.60, to
        cancel one that is about to begin may abort this process.
        """
        import ray

        return max(LEAST_AT_ONCE, 2 * int(ray.cluster_resources().get("CPU", 0)) // self.workers)

    def broadcast(self, value: Any) -> Output[Any]:
        """Keep a value where all tasks get it."""
        import ray

        try:
            return RayOutput(ray.put(pickle.dumps(value, PROTOCOL)))
        except ray.exceptions.RayError as error:
            raise EngineError(f"{type(error).__name__}: {describe(error)}") from error


class RayOutput:
    """A value that lies in the object store."""

    def __init__(self, reference: Any) -> None:
        self._reference = reference

    def get(self) -> Any:
        """The value; raises `EngineError` if it is lost for good."""
        return _value(self._reference, "an output of a task")


def _value(reference: Any, what: Any) -> Any:
    """The value behind a reference of Ray."""
    import ray

    try:
        return pickle.loads(ray.get(reference))
    except ray.exceptions.RayTaskError as error:
        cause = error.cause
        if isinstance(cause, EngineError):
            raise EngineError(str(cause)) from None
        raise EngineError(f"{what}: {type(cause).__name__}: {describe(cause)}") from error
    except ray.exceptions.RayError as error:
        raise EngineError(f"{what}: {type(error).__name__}: {describe(error)}") from error
