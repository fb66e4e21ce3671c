"""The driver of the game plays on the simulator's server as the simulator's own environment does, to the byte."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import envsuite
from envsuite.catalogue import FAMILIES
from envsuite.errors import MissingSimulator
from envsuite.families.starcraft2.game_client import GameCrashed
from envsuite.families.starcraft2.game_env import StarCraft2GameEnv
from envsuite.families.starcraft2.tasks import GAME_TASKS

TASKS = {task.kwargs["mini_game"]: task for task in GAME_TASKS}
SIMULATED = {name: task.id.replace("starcraft2-", "starcraft2-sim-") for name, task in TASKS.items()}
LONGEST_S = 500.0
"""The first process that uses the engine compiles it."""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder in which pysc2 finds the simulator in the game's place."""
    folder = tmp_path_factory.mktemp("sc2") / "StarCraftII"
    command = [sys.executable, "-m", "envsuite.cli", "starcraft2", "install-sim", str(folder)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return folder


@pytest.fixture
def game(root, monkeypatch):
    """A function that makes environments of the driver on the simulator; all are closed."""
    monkeypatch.setenv("SC2PATH", str(root))
    made = []

    def make(mini_game, **options):
        arguments = {"allow_simulator": True, "timeout_s": LONGEST_S, **options}
        made.append(
            StarCraft2GameEnv(task=TASKS[mini_game], family=FAMILIES["starcraft2"], mini_game=mini_game, **arguments)
        )
        return made[-1]

    yield make
    for env in made:
        env.close()


def same(ours, theirs):
    """Asserts that two observations are equal."""
    assert ours.keys() == theirs.keys()
    for name in ours.keys() - {"units"}:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
    if "units" in ours:
        # The protocol's numbers have 32 bits, the engine's 64.
        np.testing.assert_allclose(ours["units"], theirs["units"], rtol=1e-5, atol=1e-5)


def play_both(ours, theirs, steps, rng):
    """Takes the same valid actions in two environments and asserts that all they give is equal, to the end."""
    observation, info = ours.reset(seed=3)
    same(observation, theirs.reset(seed=3)[0])
    count = len(ours.function_names)
    for _ in range(steps):
        function = rng.choice(np.flatnonzero(observation["action_mask"][:count]))
        action = np.array([function, rng.integers(64), rng.integers(64)])
        observation, reward, terminated, truncated, info = ours.step(action)
        expected = theirs.step(action)
        same(observation, expected[0])
        assert (reward, terminated, truncated) == expected[1:4]
        for name in ("loop", "score", "minerals", "vespene", "available", "events", "factors", "invalid_action"):
            assert info[name] == expected[4][name], name
        assert sorted(info["units"]) == sorted(expected[4]["units"])
        if terminated or truncated:
            assert info["metrics"] == pytest.approx(expected[4]["metrics"])
            observation, info = ours.reset()
            same(observation, theirs.reset()[0])
    assert info["simulator"] is True


@pytest.mark.parametrize(
    ("mini_game", "steps", "options"),
    [
        ("MoveToBeacon", 260, {}),
        ("CollectMineralShards", 60, {"observe": "units"}),
        ("FindAndDefeatZerglings", 120, {}),
        ("DefeatRoaches", 260, {}),
        ("DefeatZerglingsAndBanelings", 120, {"observe": "units"}),
        ("CollectMineralsAndGas", 60, {}),
        ("BuildMarines", 60, {"observe": "units"}),
    ],
)
def test_driver_and_environment_play_the_same_game(game, mini_game, steps, options):
    theirs = envsuite.make_env(SIMULATED[mini_game], **options)
    play_both(game(mini_game, **options), theirs, steps, np.random.default_rng(1))
    theirs.close()


def test_the_simulator_is_refused_unless_it_is_asked_for(game):
    with pytest.raises(MissingSimulator, match="envsuite's simulator in its place"):
        game("MoveToBeacon", allow_simulator=False)


def test_a_server_that_is_killed_or_hangs_leaves_nothing(game):
    for number in (signal.SIGKILL, signal.SIGSTOP):
        env = game("MoveToBeacon", timeout_s=2.0)
        env.reset(seed=0)
        keeper = env.client.pid
        child = int(Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()[0])
        os.kill(child, number)
        with pytest.raises(GameCrashed):
            env.step(np.zeros(3, np.int64))
        assert not Path(f"/proc/{keeper}").exists()
        assert not Path(f"/proc/{child}").exists()
