import sys
from functools import partial

import pytest
import torch
from torchrl.envs import ParallelEnv, check_env_specs

import envsuite
from envsuite.agent import TaskInfo, load_agent
from envsuite.errors import MissingExtra
from envsuite.interop.torchrl import to_torchrl

FLAT, REACH, STAIRCASE = "envsuite/bipedal-flat-v1", "envsuite/metaworld-reach-v1", "envsuite/nethack-staircase-v1"


@pytest.fixture(params=[FLAT, REACH, STAIRCASE])
def env(request):
    env = to_torchrl(request.param, success=True)
    yield env
    env.close()


def test_the_specs_tell_the_truth(env):
    check_env_specs(env, seed=0)


def test_a_seed_decides_the_rollout(env):
    rollouts = []
    for _ in range(2):
        env.set_seed(3)
        torch.manual_seed(0)
        rollouts.append(env.rollout(64))
    assert rollouts[0].batch_size == (64,)
    assert (rollouts[0] == rollouts[1]).all()
    assert rollouts[0]["next", "success"].shape == (64, 1)


def test_success_is_that_of_the_step():
    env = to_torchrl(REACH, success=True)
    task = envsuite.get_task(REACH)
    agent = load_agent("scripted")(
        TaskInfo(
            id=task.id,
            observation_space=env.observation_space,
            action_space=env.action_space,
            goal=task.goal,
            max_episode_steps=task.max_episode_steps,
        )
    )
    agent.reset(0)
    env.set_seed(0)
    row = env.reset()
    assert not row["success"].item()
    for _ in range(150):
        row["action"] = torch.from_numpy(agent.act(row["observation"].numpy()))
        after, row = env.step_and_maybe_reset(row)
        success = after["next", "success"].item()
        if success:
            break
    assert success
    env.close()


def test_rows_of_several_processes_are_batched():
    env = ParallelEnv(2, partial(to_torchrl, FLAT), mp_start_method="spawn")
    try:
        assert env.rollout(8, break_when_any_done=False).batch_size == (2, 8)
    finally:
        env.close()


def test_without_torchrl_the_error_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchrl.envs", None)
    monkeypatch.delitem(sys.modules, "envsuite.interop.torchrl")
    with pytest.raises(MissingExtra, match="pip install torchrl"):
        import envsuite.interop.torchrl  # noqa: F401
