import builtins
import functools
import importlib
import os
import sys

import numpy as np
import pytest
import torch
import vector_toys as toys
from gymnasium import spaces
from gymnasium.wrappers import TimeLimit
from kinds import once_a_kind
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecEnv, VecFrameStack, VecMonitor, VecNormalize, VecTransposeImage
from toy import ToyEnv

import envsuite
from envsuite.errors import MissingExtra
from envsuite.interop.sb3 import TaskVecEnv, to_vec_env
from envsuite.vector import TaskVectorEnv

RIGHT = np.array([2, 2])


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def make():
    made = []

    def build(env=ToyEnv, n=2, workers=0):
        made.append(TaskVecEnv(TaskVectorEnv([env] * n, autoreset_mode="same_step", workers=workers)))
        return made[-1]

    yield build
    for venv in made:
        venv.close()


def train(venv, steps=256, **kwargs):
    """Returns a PPO that has learned for a moment, its policy chosen by the observation space."""
    space = venv.observation_space
    pictures = isinstance(space, spaces.Box) and len(space.shape) == 3
    policy = "MultiInputPolicy" if isinstance(space, spaces.Dict) else "CnnPolicy" if pictures else "MlpPolicy"
    small = {"net_arch": [16]} | ({} if policy == "MlpPolicy" else {"features_extractor_kwargs": extractor(policy)})
    settings = {"n_steps": 128, "batch_size": 64, "n_epochs": 1, "device": "cpu", "seed": 0, **kwargs}
    return PPO(policy, venv, policy_kwargs=small, **settings).learn(steps)


def extractor(policy):
    return {"features_dim": 16} if policy == "CnnPolicy" else {"cnn_output_dim": 16}


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("env", [ToyEnv, toys.WithoutSuccess, toys.PicturesEnv, toys.BinaryEnv])
def test_ppo_learns_on_every_kind_of_space(make, env, workers):
    model = train(VecMonitor(make(env, workers=workers)))
    assert model.num_timesteps == 256
    episodes = model.ep_info_buffer
    assert episodes
    assert all(0 < episode["l"] <= 20 for episode in episodes)
    assert bool(model.ep_success_buffer) == (env is not toys.WithoutSuccess)


def test_sac_learns_although_it_computes_actions_in_float32(make):
    venv = VecTransposeImage(make(toys.PicturesEnv))
    kwargs = {"net_arch": [16], "features_extractor_kwargs": {"features_dim": 16}}
    settings = {"buffer_size": 64, "learning_starts": 16, "batch_size": 8, "device": "cpu", "seed": 0}
    assert SAC("CnnPolicy", venv, policy_kwargs=kwargs, **settings).learn(32).num_timesteps == 32


@pytest.mark.parametrize("workers", [0, 2])
def test_infos_are_plain_and_tell_the_last_step_of_the_episode(make, workers):
    venv, single = make(workers=workers), ToyEnv()
    venv.seed(4)
    first = venv.reset()
    np.testing.assert_array_equal(first[1], single.reset(seed=5)[0])
    assert venv.reset_infos[1]["factors"] == {"distance": 0.0}
    for _ in range(40):
        observations, rewards, dones, infos = venv.step(RIGHT)
        observation, reward, terminated, truncated, info = single.step(2)
        assert infos[1]["TimeLimit.truncated"] is (truncated and not terminated)
        for key in ("success", "events", "factors", "invalid_action"):
            assert infos[1][key] == info[key]
            assert type(infos[1][key]) is type(info[key])
        np.testing.assert_array_equal(infos[1]["task"], info["task"])
        assert (rewards.dtype, dones.dtype) == (np.float32, np.bool_)
        assert (rewards[1], dones[1]) == (reward, terminated or truncated)
        assert ("terminal_observation" in infos[1]) == ("is_success" in infos[1]) == dones[1]
        if dones[1]:
            np.testing.assert_array_equal(infos[1]["terminal_observation"], observation)
            assert infos[1]["metrics"] == info["metrics"]
            assert infos[1]["is_success"] is True
            observation, info = single.reset()
            assert venv.reset_infos[1]["invalid_action"] == 0
        np.testing.assert_array_equal(observations[1], observation)


def test_a_time_limit_is_told_apart_from_an_end(make):
    venv = make()
    venv.reset()
    ended = {}
    for _ in range(20):
        _, _, dones, infos = venv.step(np.array([2, 1]))
        for row in np.flatnonzero(dones):
            ended.setdefault(row, infos[row])
    assert (ended[0]["TimeLimit.truncated"], ended[1]["TimeLimit.truncated"]) == (False, True)
    assert (ended[0]["is_success"], ended[1]["is_success"]) == (True, False)


def test_the_usual_wrappers_work(make):
    venv = VecNormalize(VecMonitor(make()))
    venv.reset()
    for _ in range(40):
        observations, _, dones, infos = venv.step(RIGHT)
        assert all("episode" in infos[row] for row in np.flatnonzero(dones))
    assert observations.dtype == np.float32
    pictures = VecFrameStack(VecTransposeImage(make(toys.PicturesEnv)), 2)
    assert pictures.reset().shape == (2, 6, 40, 36)


def test_seeds_and_options_apply_to_the_next_reset_only(make):
    venv = make()
    assert venv.seed(7) == [7, 8]
    venv.set_options({"task": np.array([3], np.float32)})
    first = venv.reset()
    assert [info["task"].tolist() for info in venv.reset_infos] == [[3.0], [3.0]]
    venv.seed(7)
    venv.set_options([{"task": [4.0]}, {"task": [6.0]}])
    again = venv.reset()
    assert [info["task"].tolist() for info in venv.reset_infos] == [[4.0], [6.0]]
    np.testing.assert_array_equal(again[:, 0], first[:, 0])
    assert not np.array_equal(venv.reset()[:, 1], [4.0, 6.0])
    venv.set_options([{"task": [4.0]}, {}])
    with pytest.raises(ValueError, match="for every environment or none"):
        venv.reset()
    assert venv.seed(None) == [None, None]


def test_queued_seeds_are_played(make):
    venv = VecMonitor(make())
    venv.set_next([31, 32])
    np.testing.assert_array_equal(venv.reset()[1], ToyEnv().reset(seed=32)[0])


@pytest.mark.parametrize("workers", [0, 2])
def test_single_environments_can_be_reached(make, workers):
    venv = make(workers=workers, env=functools.partial(ToyEnv, render_mode="rgb_array"), n=3)
    venv.reset()
    venv.set_attr("position", 3, indices=[0, 2])
    assert venv.get_attr("position", indices=2) == [3]
    assert venv.env_method("_observe", indices=[2])[0][0] == 3.0
    assert venv.has_attr("target")
    assert not venv.has_attr("no_such")
    assert venv.env_is_wrapped(Monitor) == [False] * 3
    assert venv.render().shape == (40, 240, 3)
    assert venv.render_mode == "rgb_array"


@pytest.mark.parametrize("workers", [0, 1])
def test_wrappers_inside_are_found(make, workers):
    venv = make(env=toys.limited_toy, n=1, workers=workers)
    assert venv.env_is_wrapped(TimeLimit) == [True]
    assert venv.env_is_wrapped(Monitor) == [False]
    venv.set_attr("position", 5)
    assert venv.get_attr("position") == [5]


def test_another_autoreset_mode_is_refused():
    with pytest.raises(ValueError, match="expected autoreset_mode 'same_step'"):
        TaskVecEnv(TaskVectorEnv([ToyEnv], workers=0))


def test_a_missing_library_is_named_with_the_command_that_installs_it(monkeypatch):
    real = builtins.__import__

    def without_sb3(name, *args, **kwargs):
        if name.startswith("stable_baselines3"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_sb3)
    monkeypatch.delitem(sys.modules, "envsuite.interop.sb3")
    with pytest.raises(MissingExtra, match=r'pip install "envsuite\[interop\]"'):
        importlib.import_module("envsuite.interop.sb3")


@pytest.mark.parametrize("task_id", once_a_kind(envsuite.TASKS))
def test_a_moment_of_ppo_on_every_id(task_id, parts_of):
    parts_of(task_id)
    venv = to_vec_env(task_id, 2, seed=3, workers=0)
    assert isinstance(venv, VecEnv)
    model = train(venv)
    assert model.num_timesteps == 256
    assert np.isfinite(model.logger.name_to_value["train/loss"])
    venv.close()


def test_a_policy_is_evaluated_without_a_warning_about_monitors():
    task_id = next(iter(envsuite.TASKS))
    venv = to_vec_env(task_id, 2, seed=0)
    model = PPO(policy_of(venv), venv, n_steps=8, batch_size=8, device="cpu")
    _, lengths = evaluate_policy(model, venv, n_eval_episodes=1, return_episode_rewards=True)
    assert 0 < lengths[0] <= envsuite.get_task(task_id).max_episode_steps
    venv.close()


def test_web_pages_stay_in_one_process_and_share_a_browser(parts_of):
    task_id = "envsuite/miniwob-click-test-v1"
    parts_of(task_id)
    venv = to_vec_env(task_id, 2, seed=0)
    browsers = {page.browser for page in venv.get_attr("page")}
    assert len(browsers) <= 2
    assert all(browser.owner == os.getpid() for browser in browsers)
    venv.close()


def policy_of(venv):
    return "MultiInputPolicy" if isinstance(venv.observation_space, spaces.Dict) else "MlpPolicy"
