"""Training on a cluster of Ray with three nodes, on this machine."""

import pytest

from bytepiece import Corpus, EngineError, RayEngine
from bytepiece.errors import OptionalDependencyError
from bytepiece.training.distributed.source import PartitionedSource
from helpers.engine_training import STAGES, train

STORE = 80 * 2**20

try:
    import ray
    from ray.cluster_utils import Cluster
except ImportError:
    ray = None

needs_ray = pytest.mark.skipif(ray is None, reason="needs ray")
# Its processes leave sockets and files open when they are killed.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.mark.skipif(ray is not None, reason="ray is there")
def test_without_ray():
    with pytest.raises(OptionalDependencyError, match=r"pip install ray$"):
        RayEngine()


@pytest.fixture
def cluster(request):
    """A head without processors, and three nodes with one each, with object stores of 80 MB.

    It finds out soon when a node is dead. A test may set more of what Ray calls its system configuration.
    """
    soon = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500, "health_check_failure_threshold": 10}
    config = soon | getattr(request, "param", {})
    cluster = Cluster(True, head_node_args={"num_cpus": 0, "object_store_memory": STORE, "_system_config": config})
    for _ in range(3):
        cluster.add_node(num_cpus=1, object_store_memory=STORE)
    ray.init(cluster.address, log_to_driver=False)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@needs_ray
def test_models_are_those_of_one_machine(cluster, corpus, expected):
    engine = RayEngine()
    assert engine.workers == 1
    trainer = train(corpus, engine)
    assert trainer.models == expected
    assert [stage["name"] for stage in trainer.report["stages"] if "tasks" in stage] == STAGES


@needs_ray
@pytest.mark.parametrize("stages", [STAGES[:3], STAGES[3:6], STAGES[6:]], ids=", ".join)
def test_nodes_are_killed(cluster, corpus, expected, stages, monkeypatch):
    """One in each stage, when its first task is done, and others are under way or have what the next stage needs."""
    killed = []
    nodes = [*cluster.worker_nodes]
    run = PartitionedSource._map

    def killing(self, context, stage, *args):
        def told(number, usage):
            if stage in stages and stage not in killed:
                killed.append(stage)
                nodes.pop(0).kill_raylet(check_alive=False)
                nodes.append(cluster.add_node(wait=False, num_cpus=1, object_store_memory=STORE))

        self._engine.told = told
        return run(self, context, stage, *args)

    class Telling(RayEngine):
        told = None

        def map(self, task, items, n_outputs, done):
            def told(number, usage):
                if self.told:
                    self.told(number, usage)
                done(number, usage)

            return super().map(task, items, n_outputs, told)

    monkeypatch.setattr(PartitionedSource, "_map", killing)
    assert train(corpus, Telling()).models == expected
    assert killed == stages


@needs_ray
def test_a_task_that_fails_names_part_file_and_reason(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr("bytepiece.engines.parts.LEAST_PART", 100)
    monkeypatch.setattr("bytepiece.training.trainer.SMALLEST_SAMPLE", 1)
    (tmp_path / "a.txt").write_bytes(b"fine\n" * 100 + b"\xff\n")
    with pytest.raises(EngineError, match=r"a\.txt, bytes \d+ to 502: .*line \d+ from byte \d+ on: not UTF-8"):
        train(Corpus(tmp_path / "a.txt"), RayEngine())


@needs_ray
def test_after_an_error_few_tasks_are_left(cluster, tmp_path, monkeypatch):
    def first_fails(item):
        (tmp_path / item).touch()
        if item == "part 0":
            raise ValueError("no")
        yield b""

    monkeypatch.setattr("bytepiece.engines.ray.LEAST_AT_ONCE", 1)
    items = [f"part {n}" for n in range(200)]
    with pytest.raises(EngineError, match="part 0: ValueError: no"):
        RayEngine().map(first_fails, items, 1, lambda number, usage: None)
    assert len([*tmp_path.iterdir()]) < 100
    outputs = RayEngine().map(lambda item: iter([item]), items, 1, lambda number, usage: None)
    assert [output.get() for (output,) in outputs] == items


# A disk without room, as Ray sees it: what does not fit into an object store can go nowhere.
FULL_DISK = {"automatic_object_spilling_enabled": False, "local_fs_capacity_threshold": 1e-4}


@needs_ray
@pytest.mark.parametrize("cluster", [FULL_DISK], ids=["full"], indirect=True)
def test_a_full_disk_is_one_clear_error(cluster):
    def large(item):
        yield bytes(STORE // 4)

    def fill():
        # More than three nodes keep in memory.
        for (output,) in RayEngine().map(large, [f"part {n}" for n in range(20)], 1, lambda number, usage: None):
            output.get()

    with pytest.raises(EngineError, match=r"^part \d+: OutOfDiskError: Local disk is full") as caught:
        fill()
    assert "\n" not in str(caught.value)


@needs_ray
def test_no_cluster(monkeypatch):
    def init(address, **options):
        raise ConnectionError("Could not find any running Ray instance")

    # Another test or process may run a cluster here.
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    monkeypatch.setattr("ray.init", init)
    with pytest.raises(EngineError, match="no cluster of Ray at auto"):
        RayEngine("auto")
