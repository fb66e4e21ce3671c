"""Stable-Baselines3 trains on the vector env."""

import numpy as np
import pytest

sb3 = pytest.importorskip("stable_baselines3")

from envsuite.interop.sb3 import to_vec_env  # noqa: E402  # needs the package

PIXELS, SYMBOLIC = "envsuite/crafter-reward-v1", "envsuite/crafter-symbolic-v1"


def trained(task_id, policy, steps, **arguments):
    """Returns the mean lengths and returns that PPO has seen last."""
    venv = to_vec_env(task_id, 32, seed=0)
    model = sb3.PPO(policy, venv, n_steps=64, batch_size=512, seed=0, device="cpu", **arguments)
    model.learn(steps)
    buffer = list(model.ep_info_buffer)
    venv.close()
    assert model.num_timesteps >= steps
    return np.mean([each["l"] for each in buffer]), np.mean([each["r"] for each in buffer])


@pytest.mark.parametrize(("task_id", "policy"), [(PIXELS, "CnnPolicy"), (SYMBOLIC, "MultiInputPolicy")])
def test_ppo_learns_for_some_steps(task_id, policy):
    length, _ = trained(task_id, policy, 8192, n_epochs=1)
    assert length > 20


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_ppo_trains_for_100_000_steps_and_earns_more_than_at_random():
    _, earned = trained(PIXELS, "CnnPolicy", 100_000, n_epochs=4, learning_rate=3e-4, gamma=0.95, ent_coef=0.01)
    assert earned > 1.6
