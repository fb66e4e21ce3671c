"""The Ray executor gives the episodes of the local one, also when a machine dies in the middle."""

import sys
import threading

import pytest

import envsuite
from envsuite.task import Suite, SuiteTask

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own: sockets and processes that it leaves to the interpreter

FLAT = "envsuite/bipedal-flat-v1"
ray = pytest.importorskip("ray")


def untimed(results):
    return [{**e.to_json(), "timings": None} for e in results.episodes]


@pytest.fixture
def cluster(monkeypatch):
    """A cluster of a head that plays nothing and two machines of one core each, all of them on this one."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", ":".join(path for path in sys.path if path))
    monkeypatch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    cluster.add_node(num_cpus=1)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def test_a_machine_that_dies_in_the_middle_changes_nothing(cluster, tmp_path):
    suite = Suite(name="ray-v1", summary="", tasks=(SuiteTask(task_id=FLAT, episodes=24),))
    expected = envsuite.evaluate("random", suite)
    seen = threading.Event()
    second = max(cluster.worker_nodes, key=lambda node: node.node_id)

    def kill_one(episode):
        if not seen.is_set():
            seen.set()
            cluster.remove_node(second, allow_graceful=False)
            cluster.add_node(num_cpus=1)

    results = envsuite.evaluate(
        "random", suite, out=tmp_path / "r", executor="ray", address=cluster.address, on_episode=kill_one
    )
    assert seen.is_set()
    assert untimed(results) == untimed(expected)
    assert len(results.attempts) == 24


def test_without_an_address_a_ray_is_started_and_ended_here():
    suite = Suite(name="ray-v1", summary="", tasks=(SuiteTask(task_id=FLAT, episodes=4),))
    on_ray = envsuite.evaluate("random", suite, executor="ray", workers=2)
    assert untimed(on_ray) == untimed(envsuite.evaluate("random", suite))
    assert not ray.is_initialized()
