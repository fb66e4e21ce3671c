"""RLlib's training itself runs in tests/docs/test_train_with_your_library.py, in one Ray session."""

import sys

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from ray.tune.registry import ENV_CREATOR, _global_registry

from envsuite.errors import MissingExtra
from envsuite.interop.rllib import register, to_box

FLAT, REACH, STAIRCASE = "envsuite/bipedal-flat-v1", "envsuite/metaworld-reach-v1", "envsuite/nethack-staircase-v1"


def create(name, **env_config):
    """The environment as RLlib makes it."""
    return _global_registry.get(ENV_CREATOR, name)(env_config)


@pytest.mark.parametrize("task_id", [FLAT, REACH, STAIRCASE])
def test_a_registered_task_has_a_space_that_the_default_models_take(task_id):
    env = create(register(task_id))
    space = env.observation_space
    assert isinstance(space, spaces.Box)
    assert space.dtype == np.float32
    assert space.shape == (spaces.flatdim(env.unwrapped.observation_space),)
    env.close()


@pytest.mark.parametrize("task_id", [FLAT, REACH, STAIRCASE])
def test_observations_are_those_of_the_task(task_id):
    env, plain = create(register(task_id)), gymnasium.make(task_id)
    plain.action_space.seed(4)
    flat, expected = env.reset(seed=4)[0], plain.reset(seed=4)[0]
    for _ in range(20):
        assert env.observation_space.contains(flat)
        np.testing.assert_array_equal(flat, spaces.flatten(plain.observation_space, expected).astype(np.float32))
        action = plain.action_space.sample()
        flat, expected = env.step(action)[0], plain.step(action)[0]
    env.close()
    plain.close()


def test_flattening_may_be_turned_off():
    env = create(register(STAIRCASE, flatten=False))
    assert isinstance(env.observation_space, spaces.Dict)
    env.close()


def test_arguments_reach_the_environment():
    env = create(register(FLAT, copy=False), render_mode="rgb_array")
    assert env.unwrapped.render_mode == "rgb_array"
    assert env.unwrapped.copy is False
    env.close()


class Pictures(gymnasium.Env):
    observation_space = spaces.Box(0, 255, (64, 64, 3), np.uint8)
    action_space = spaces.Discrete(2)


def test_pictures_stay_as_they_are():
    env = Pictures()
    assert to_box(env) is env
    assert to_box(env, flatten=True).observation_space.shape == (64 * 64 * 3,)


def test_without_ray_the_error_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray.tune.registry", None)
    monkeypatch.delitem(sys.modules, "envsuite.interop.rllib")
    with pytest.raises(MissingExtra, match=r"pip install .ray\[tune\]. dm-tree"):
        import envsuite.interop.rllib  # noqa: F401
