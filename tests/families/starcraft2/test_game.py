"""The driver of the game, against a program that stands in the game's place and fails in every way a game can."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from gymnasium.error import ResetNeeded

from envsuite.catalogue import FAMILIES
from envsuite.errors import InvalidAction, MissingSimulator, UnknownName
from envsuite.families.starcraft2 import install
from envsuite.families.starcraft2.functions import FUNCTIONS, OF_MINI_GAME, QUICK
from envsuite.families.starcraft2.game_client import GameCrashed
from envsuite.families.starcraft2.game_env import StarCraft2GameEnv
from envsuite.families.starcraft2.game_keeper import GRACE_S
from envsuite.families.starcraft2.game_reading import make_call, name_of
from envsuite.families.starcraft2.tasks import GAME_TASKS

STUB = Path(__file__).parent / "stub_game.py"
TASKS = {task.kwargs["mini_game"]: task for task in GAME_TASKS}
MOVE = OF_MINI_GAME["FindAndDefeatZerglings"].index("Move_screen")


@pytest.fixture
def game(tmp_path, monkeypatch):
    """A function that writes the plan of a game which is the stub, and makes environments in it; all are closed."""
    root = tmp_path / "StarCraftII"
    binary = root / "Versions" / "Base75689" / "SC2_x64"
    binary.parent.mkdir(parents=True)
    binary.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{STUB}' \"$@\"\n")
    binary.chmod(0o755)
    (root / install.MAPS_FOLDER).mkdir(parents=True)
    for name in install.MINI_GAMES:
        (root / install.MAPS_FOLDER / f"{name}.SC2Map").write_bytes(f"a map named {name}".encode())
    monkeypatch.setenv("SC2PATH", str(root))
    made = []

    def make(mini_game="FindAndDefeatZerglings", options=None, **plan):
        (root / "plan.json").write_text(json.dumps(plan))
        arguments = {"timeout_s": 20.0, **(options or {})}
        env = StarCraft2GameEnv(task=TASKS[mini_game], family=FAMILIES["starcraft2"], mini_game=mini_game, **arguments)
        made.append(env)
        return env

    make.root = root
    yield make
    for env in made:
        env.close()


def alive(pid):
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def child_of(env):
    """The game's own process, which the keeper has started."""
    pid = env.client.pid
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def waited(condition, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def act(env, name="no_op", x=0, y=0):
    return np.array([env.function_names.index(name), x, y])


def test_an_episode_is_laid_out_as_the_spaces_say(game):
    env = game(end=48, result=1)
    observation, info = env.reset(seed=5)
    assert env.observation_space.contains(observation)
    assert observation["screen"].shape == (8, 64, 64)
    assert observation["minimap"].shape == (4, 64, 64)
    assert info["game_version"] == "4.10.0.75689"
    assert info["map_sha256"] == install.sha256_of(b"a map named FindAndDefeatZerglings")
    assert info["simulator"] is False
    assert info["units"] == (("Marine", "own"),) * 3
    assert info["loop"] == 0
    rewards = []
    while True:
        observation, reward, terminated, truncated, info = env.step(act(env, "Move_screen", 10, 20))
        assert env.observation_space.contains(observation)
        rewards.append(reward)
        if terminated or truncated:
            break
    assert rewards == [0, 1, 1, 0, 1, 1]
    assert (info["loop"], info["score"], info["minerals"], info["invalid_action"]) == (48, 4.0, 48, 0)
    assert set(info["metrics"]) == {"kills", "losses", "waves", "collected_minerals", "collected_vespene", "units_made"}
    with pytest.raises(ResetNeeded):
        env.step(act(env))
    assert env.reset()[1]["loop"] == 0


def test_units_are_seen_from_the_screens_corner(game):
    env = game(options={"observe": "units"})
    observation, _ = env.reset(seed=0)
    assert env.observation_space.contains(observation)
    assert observation["unit_type"].tolist() == [48] * 3 + [0] * 61
    row = observation["units"][0].tolist()
    assert row[:3] == pytest.approx([0.5 + 3 / 24, 0.5 + 3 / 24, 30 / 45])
    assert row[7:] == [1, 0, 0, 0, 1, 0, 0]
    assert not observation["units"][3:].any()


def test_the_mask_rules_out_what_is_not_sent(game):
    env = game("BuildMarines")
    observation, info = env.reset(seed=0)
    mask = env.action_masks()
    assert mask.tolist() == observation["action_mask"].tolist()
    assert mask[len(env.function_names) :].all()
    assert info["available"] == ("no_op", "select_point", "select_army")
    assert env.step(act(env, "Train_SCV_quick"))[4]["invalid_action"] == 1
    assert env.step(act(env, "select_army"))[4]["invalid_action"] == 1
    with pytest.raises(InvalidAction):
        env.step(np.array([0, 64, 0]))


def test_a_command_that_the_game_refuses_is_counted(game):
    env = game(options={"functions": ("no_op", "Move_screen", "HoldPosition_quick")})
    env.reset(seed=0)
    # Whatever the mask said: the game has the last word.
    env._observation["action_mask"][2] = 1
    assert env.step(act(env, "HoldPosition_quick"))[4]["invalid_action"] == 1
    assert env.step(act(env, "Move_screen", 1, 1))[4]["invalid_action"] == 1


@pytest.mark.parametrize(
    ("mini_game", "plan", "terminated"),
    [
        ("FindAndDefeatZerglings", {"result": 1, "marines": 3}, False),
        ("FindAndDefeatZerglings", {"result": 2, "marines": 0}, True),
        ("FindAndDefeatZerglings", {"result": 1, "marines": 0}, True),
        ("FindAndDefeatZerglings", {"result": 2, "marines": 3}, True),
        ("MoveToBeacon", {"result": 2, "marines": 0}, False),
    ],
)
def test_all_marines_dead_terminates_and_any_other_end_is_a_limit(game, mini_game, plan, terminated):
    env = game(mini_game, end=16, **plan)
    env.reset(seed=0)
    assert env.step(act(env))[2:4] == (False, False)
    assert env.step(act(env))[2:4] == (terminated, not terminated)


def test_a_seed_makes_a_game_and_no_seed_restarts_it(game):
    env = game()
    for seed in (7, None, None, 2**31 + 5, 2**32 + 1):
        env.reset(seed=seed)
    assert json.loads((game.root / "seeds.json").read_text()) == [7, 2**31 + 5, 1]


def test_a_game_that_dies_is_an_error_of_the_environment(game):
    env = game(die=24)
    env.reset(seed=0)
    env.step(act(env))
    env.step(act(env))
    with pytest.raises(
        GameCrashed, match=r"(?s)ended with status 3; it wrote last:\ne_fileCorruptRepairable"
    ) as caught:
        env.step(act(env))
    assert "expected the game to take a step" in str(caught.value)
    assert not env.client.running
    with pytest.raises(GameCrashed, match=r"reset\(\) starts a new one"):
        env.step(act(env))
    env.reset()
    assert env.step(act(env))[4]["loop"] == 8


def test_a_game_that_is_killed_leaves_nothing(game):
    env = game()
    env.reset(seed=0)
    keeper, child, folder = env.client.pid, child_of(env), Path(env.client.tmp_dir)
    assert (folder / "cache").exists()
    os.kill(child, signal.SIGKILL)
    with pytest.raises(GameCrashed, match="ended with status 137"):
        env.step(act(env))
    assert not alive(keeper)
    assert not folder.exists()


@pytest.mark.parametrize("stopped", [False, True])
def test_a_game_that_hangs_is_given_up_and_killed(game, stopped):
    env = game(options={"timeout_s": 0.5}, **({} if stopped else {"hang": 8}))
    env.reset(seed=0)
    child = child_of(env)
    if stopped:
        os.kill(child, signal.SIGSTOP)
    started = time.monotonic()
    with pytest.raises(GameCrashed, match=r"take a step within 1 s, got: ConnectionError: .*timed out.*still runs"):
        env.step(act(env))
    assert time.monotonic() - started < 0.5 + GRACE_S + 1.0
    assert not alive(child)


def test_a_game_that_does_not_go_on_is_found_out(game):
    env = game(stick=8)
    env.reset(seed=0)
    env.step(act(env))
    with pytest.raises(GameCrashed, match="expected the game to be at loop 16, got 8"):
        env.step(act(env))
    assert not env.client.running


def test_a_game_that_does_not_start_says_why(game):
    env = game(die_at_start=True)
    with pytest.raises(GameCrashed, match=r"(?s)the game did not start; it wrote last:\nlibEGL is missing"):
        env.reset(seed=0)


def test_a_map_that_the_game_refuses_is_an_install_that_is_broken(game):
    env = game(refuse_map=True)
    with pytest.raises(MissingSimulator, match=r"FindAndDefeatZerglings\.SC2Map \(34 bytes.*InvalidMapData.*copy its"):
        env.reset(seed=0)
    assert not env.client.running


def test_the_simulator_cannot_pass_for_the_game(game):
    env = game(version="envsuite-sim 0.1.0")
    with pytest.raises(MissingSimulator, match=r"got envsuite-sim 0\.1\.0, envsuite's simulator"):
        env.reset(seed=0)
    assert not env.client.running
    allowed = game(options={"allow_simulator": True}, version="envsuite-sim 0.1.0")
    assert allowed.reset(seed=0)[1]["simulator"] is True


def test_close_ends_the_process_and_its_folder(game):
    env = game()
    env.reset(seed=0)
    keeper, child, folder = env.client.pid, child_of(env), Path(env.client.tmp_dir)
    assert alive(keeper)
    assert alive(child)
    env.close()
    env.close()
    assert not alive(keeper)
    assert not alive(child)
    assert not folder.exists()


def test_an_interrupted_step_ends_the_game(game, monkeypatch):
    env = game()
    env.reset(seed=0)
    keeper = env.client.pid

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(env.client._process.controller, "step", interrupt)
    with pytest.raises(KeyboardInterrupt):
        env.step(act(env))
    # Its answer would be taken for that of the next request.
    assert not alive(keeper)
    assert not env.client.running


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_leaves_the_game_to_its_parent(game):
    env = game()
    env.reset(seed=0)
    child = os.fork()
    if child == 0:
        env.close()
        os._exit(0)
    os.waitpid(child, 0)
    assert env.step(act(env))[4]["loop"] == 8


def test_a_killed_interpreter_leaves_no_game(game, tmp_path):
    game()
    script = tmp_path / "play.py"
    script.write_text(
        "from envsuite.catalogue import FAMILIES\n"
        "from envsuite.families.starcraft2.game_env import StarCraft2GameEnv\n"
        "from envsuite.families.starcraft2.tasks import GAME_TASKS\n"
        "env = StarCraft2GameEnv(task=GAME_TASKS[0], family=FAMILIES['starcraft2'], mini_game='MoveToBeacon')\n"
        "env.reset(seed=0)\n"
        "print(env.client.pid, flush=True)\n"
        "input()\n"
    )
    process = subprocess.Popen([sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    keeper = int(process.stdout.readline())
    child = int(Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()[0])
    process.kill()
    process.communicate()
    assert waited(lambda: not alive(keeper) and not alive(child))


def test_a_killed_keeper_takes_the_game_along(game):
    env = game()
    env.reset(seed=0)
    child = child_of(env)
    os.kill(env.client.pid, signal.SIGKILL)
    assert waited(lambda: not alive(child))
    with pytest.raises(GameCrashed):
        env.step(act(env))


def test_the_picture_shows_the_layers(game):
    env = game(options={"render_mode": "rgb_array", "observe": "units"})
    with pytest.raises(ResetNeeded):
        env.render()
    env.reset(seed=0)
    picture = env.render()
    assert (picture.shape, picture.dtype) == ((512, 768, 3), np.uint8)


def test_what_is_not_there_is_refused_when_the_environment_is_made(game):
    with pytest.raises(UnknownName, match=r"such as 4\.1"):
        game(options={"version": "4.1a"})
    with pytest.raises(MissingSimulator, match="build 69232"):
        game(options={"version": "4.6.2"})
    with pytest.raises(ValueError, match="timeout_s: expected more than 0"):
        game(options={"timeout_s": 0})
    (game.root / install.MAPS_FOLDER / "BuildMarines.SC2Map").unlink()
    with pytest.raises(MissingSimulator, match="BuildMarines"):
        game("BuildMarines")
    with pytest.raises(ResetNeeded):
        game().action_masks()


def test_every_function_is_pysc2s_own():
    for function in FUNCTIONS.values():
        call = make_call(function, 3, 4)
        assert ([3, 4] in call.arguments) == (function.place != QUICK)
    ids = [int(make_call(function, 0, 0).function) for function in FUNCTIONS.values()]
    assert len(set(ids)) == len(ids)


def test_units_have_names():
    assert name_of(48) == "Marine"
    assert name_of(59) == "Nexus"
    assert name_of(60000) == "unit 60000"
