"""Training by Dask's executor, a worker of which is killed."""

import os
import signal

import pytest

from bytepiece import ExecutorEngine
from helpers.engine_training import train

distributed = pytest.importorskip("distributed")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def client():
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_models_are_those_of_one_machine(client, corpus, expected, tmp_path):
    assert train(corpus, ExecutorEngine(client.get_executor(), tmp_path)).models == expected


def test_a_worker_is_killed(client, corpus, expected, tmp_path, monkeypatch):
    engine = ExecutorEngine(client.get_executor(), tmp_path)
    run = engine.map
    killed = []

    def killing(task, items, n_outputs, done):
        def told(number, usage):
            if type(task).__name__ == "CountRanges" and not killed:
                killed.append(client.submit(os.getpid, pure=False).result())
                os.kill(killed[0], signal.SIGKILL)
            done(number, usage)

        return run(task, items, n_outputs, told)

    monkeypatch.setattr(engine, "map", killing)
    assert train(corpus, engine).models == expected
    assert killed
