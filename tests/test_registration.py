import subprocess
import sys

import gymnasium
import pytest

import envsuite
from envsuite import registration
from envsuite.errors import MissingSimulator, UnknownName


def test_every_task_is_registered_with_string_entry_points():
    for task_id in envsuite.TASKS:
        spec = gymnasium.spec(task_id)
        assert isinstance(spec.entry_point, str)
        assert isinstance(spec.vector_entry_point, str)
        assert spec.kwargs == {"task_id": task_id}


def test_gymnasium_makes_the_bare_environment():
    env = gymnasium.make("envsuite/bipedal-flat-v1")
    assert env.unwrapped is env
    assert env.unwrapped.spec.id == "envsuite/bipedal-flat-v1"
    env.close()


def test_an_id_with_its_module_imports_envsuite_on_demand():
    code = 'import gymnasium; print(gymnasium.make("envsuite:envsuite/bipedal-flat-v1").unwrapped.task.id)'
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "envsuite/bipedal-flat-v1"


def test_gymnasium_suggests_the_nearest_id():
    with pytest.raises(gymnasium.error.NameNotFound, match="crafter-reward"):
        gymnasium.make("envsuite/crafter-rewards-v1")


def test_make_env_suggests_the_nearest_id():
    with pytest.raises(UnknownName, match="envsuite/crafter-reward-v1"):
        registration.make_env("crafter-rewards-v1")


def test_a_missing_simulator_is_told_with_the_command_that_brings_it(monkeypatch):
    monkeypatch.setattr(registration, "missing_modules", lambda family: ["nle"])
    with pytest.raises(MissingSimulator, match=r'no module nle.*pip install "envsuite\[nethack\]"'):
        gymnasium.make("envsuite/nethack-score-v1")


def test_a_user_may_shorten_the_limit_as_gymnasium_does():
    env = gymnasium.make("envsuite/bipedal-flat-v1", max_episode_steps=2)
    env.reset(seed=0)
    env.action_space.seed(0)
    assert [env.step(env.action_space.sample())[3] for _ in range(2)] == [False, True]
    env.close()
