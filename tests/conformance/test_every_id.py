"""The contract, Gymnasium's own checker and the golden hash, on every registered id."""

import json
import subprocess
import sys
import warnings
from pathlib import Path

import gymnasium
import pytest
from conformance.golden import build
from gymnasium.utils.env_checker import check_env as gymnasium_check_env
from kinds import once_a_kind

import envsuite
from envsuite.conformance import trajectory_hash

GOLDEN = json.loads((Path(__file__).parent / "golden.json").read_text())

ALLOWED = {
    "A Box observation space minimum value is -infinity": "Meta-World's object coordinates have no bound",
    "A Box observation space maximum value is infinity": "Meta-World's object coordinates have no bound",
    "A Box observation space maximum and minimum values are equal": "the goal of some Meta-World tasks never moves",
}
"""Warnings of Gymnasium's checker that cannot be avoided with a true space, and why."""


def in_another_process(task_id):
    code = f"from envsuite.conformance import trajectory_hash; print(trajectory_hash({task_id!r}))"
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()[-1]


every_id = pytest.mark.parametrize("task_id", sorted(envsuite.TASKS))


@every_id
def test_contract(task_id, parts_of):
    parts_of(task_id)
    envsuite.check_env(task_id, steps=8 if "/miniwob-" in task_id else 48)  # 135 ids, 20 episodes each


@pytest.mark.parametrize("task_id", once_a_kind(sorted(envsuite.TASKS)))
def test_gymnasium_checker(task_id, parts_of):
    parts_of(task_id)
    env = gymnasium.make(task_id, render_mode="rgb_array")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gymnasium_check_env(env.unwrapped)
    env.close()
    unexpected = [str(w.message) for w in caught if not any(text in str(w.message) for text in ALLOWED)]
    assert not unexpected


@every_id
def test_golden_hash(task_id, parts_of):
    parts_of(task_id)
    golden = {**GOLDEN["hashes"], **GOLDEN["builds"].get(build(task_id), {})}.get(task_id)
    if golden is None:  # a build without hashes: its bytes must still be the same in another process
        golden = in_another_process(task_id)
    assert trajectory_hash(task_id) == golden, (
        f"{task_id} plays another episode than before; after a release that needs a new version of the id. "
        "`python tests/conformance/golden.py` writes the new hashes"
    )
