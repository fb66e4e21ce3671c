import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from gymnasium.error import ResetNeeded

import envsuite
from envsuite.agent import RandomAgent
from envsuite.errors import InvalidAction, UnknownName
from envsuite.families.starcraft2 import observations as obs
from envsuite.families.starcraft2.describe import describe
from envsuite.families.starcraft2.env import SimulatorEnv
from envsuite.families.starcraft2.tasks import TASKS

NAMES = tuple(task.id for task in TASKS if task.entry_point.endswith("SimulatorEnv"))
BEACON, ROACHES, FIND = (
    f"envsuite/starcraft2-sim-{n}-v1" for n in ("move-to-beacon", "defeat-roaches", "find-and-defeat-zerglings")
)


def make(task_id=BEACON, **arguments):
    return envsuite.make_env(task_id, **arguments)


def digest(observation):
    found = hashlib.sha256()
    for name in sorted(observation):
        found.update(observation[name].tobytes())
    return found.hexdigest()


def call(env, name, x=0, y=0):
    return np.array([env.function_names.index(name), x, y])


def play(env, steps, seed=1):
    """Returns the hashes of an episode of the random agent, ends included."""
    agent = RandomAgent(env.task_info())
    agent.reset(seed)
    observation, _ = env.reset(seed=seed)
    rows = [digest(observation)]
    for _ in range(steps):
        observation, reward, terminated, truncated, _ = env.step(agent.act(observation))
        rows.append((digest(observation), reward, terminated, truncated))
        if terminated or truncated:
            observation, _ = env.reset()
            rows.append(digest(observation))
    return rows


def test_there_are_seven():
    assert len(NAMES) == 7


@pytest.mark.parametrize("task_id", NAMES)
def test_the_seed_decides_the_episodes(task_id):
    env = make(task_id, observe="units")
    first = play(env, 40)
    assert first == play(env, 40)
    assert first == play(make(task_id, observe="units"), 40)
    assert first != play(env, 40, seed=2)


@pytest.mark.parametrize("task_id", [BEACON, ROACHES])
def test_layers_and_units_are_of_one_game(task_id):
    layers, units = make(task_id), make(task_id, observe="units")
    agent = RandomAgent(units.task_info())
    agent.reset(0)
    layers.reset(seed=5)
    observation, _ = units.reset(seed=5)
    for _ in range(60):
        action = agent.act(observation)
        observation, reward, *_ = units.step(action)
        _, other, *_ = layers.step(action)
        assert reward == other
        assert layers.snapshot().game["units"].tobytes() == units.snapshot().game["units"].tobytes()


def test_a_marine_is_selected_and_goes_where_it_is_told():
    env = make(observe="units")
    observation, info = env.reset(seed=3)
    assert info["available"] == ("no_op", "select_army", "select_point")
    observation, *_, info = env.step(call(env, "select_army"))
    assert "Move_screen" in info["available"]
    marine, beacon = observation["units"][0], observation["units"][1]
    assert (marine[11], beacon[12]) == (1, 1)
    assert marine[6] == 1
    goal = (beacon[:2] * 64).astype(int)
    for _ in range(120):
        observation, reward, *_, info = env.step(call(env, "Move_screen", *goal))
        if reward:
            break
    assert reward == 1
    assert info["events"] == ("beacon_reached",)
    assert info["factors"]["reached"] == 1
    assert info["score"] == 1


def test_a_function_that_cannot_be_called_is_counted_and_nothing_is_done():
    env, idle = make(observe="units"), make(observe="units")
    env.reset(seed=3)
    idle.reset(seed=3)
    *_, info = env.step(call(env, "Move_screen", 10, 10))
    idle.step(call(idle, "no_op"))
    assert info["invalid_action"] == 1
    before, after = env.snapshot().game["units"], idle.snapshot().game["units"]
    assert before.tobytes() == after.tobytes()


@pytest.mark.parametrize(
    "action",
    [np.array([0, 64, 0]), np.array([99, 0, 0]), np.array([0.0, 1.0, 1.0]), np.array([0, 0]), 3, None],
)
def test_an_action_outside_the_space_harms_nothing(action):
    env = make(observe="units")
    env.reset(seed=3)
    before = env.snapshot().game
    with pytest.raises(InvalidAction, match="action: expected a member of"):
        env.step(action)
    after = env.snapshot().game
    assert all(before[name].tobytes() == after[name].tobytes() for name in before)


def test_the_timer_truncates_and_death_terminates():
    env = make(observe="units")
    env.reset(seed=1)
    for count in range(1, 241):
        *_, terminated, truncated, info = env.step(call(env, "no_op"))
        assert (terminated, truncated) == (False, count == 240)
    assert info["loop"] == 1920
    assert set(info["metrics"]) == {"kills", "losses", "waves", "collected_minerals", "collected_vespene", "units_made"}
    with pytest.raises(ResetNeeded):
        env.step(call(env, "no_op"))
    env = make(ROACHES, observe="units")
    observation, _ = env.reset(seed=1)
    env.step(call(env, "select_army"))
    for _ in range(240):
        enemy = observation["units"][observation["units"][:, 13] == 1]
        point = (enemy[0, :2] * 64).astype(int) if len(enemy) else (32, 32)
        observation, _, terminated, truncated, info = env.step(call(env, "Move_screen", *point))
        if terminated:
            break
    assert terminated
    assert not truncated
    assert info["metrics"]["losses"] >= 9
    assert "unit_lost" in info["events"]
    assert not any(owner == "own" for _, owner in info["units"])


def test_a_snapshot_goes_on_with_the_same_bytes_anywhere():
    env, other = make(ROACHES), make(ROACHES)
    play(env, 17)
    saved = env.snapshot()
    action = call(env, "select_army")

    def follow(subject):
        subject.restore(saved)
        return [digest(subject.step(action)[0]) for _ in range(20)]

    first = follow(env)
    assert follow(env) == first
    assert follow(other) == first
    with pytest.raises(TypeError, match="snapshot: expected what snapshot"):
        env.restore("nothing")
    with pytest.raises(ValueError, match="snapshot: expected one of version"):
        make(BEACON).restore(saved)
    import dataclasses

    with pytest.raises(ValueError, match="got version 0"):
        env.restore(dataclasses.replace(saved, version=0))


def test_fog_hides_what_is_far():
    env = make(FIND)
    observation, info = env.reset(seed=2)
    seen = [name for name, owner in info["units"] if owner == "enemy"]
    assert 0 < len(seen) < 25
    visibility = observation["screen"][obs.DEFAULT_LAYERS.index("visibility_map")]
    assert set(np.unique(visibility)) == {0, 2}


def test_the_camera_moves_where_the_map_lets_it():
    env = make(FIND)
    observation, _ = env.reset(seed=2)
    camera = obs.DEFAULT_MINIMAP_LAYERS.index("camera")
    before = observation["minimap"][camera].copy()
    observation, *_ = env.step(call(env, "move_camera", 15, 20))
    assert (observation["minimap"][camera] != before).any()


def test_the_player_row():
    env = make("envsuite/starcraft2-sim-build-marines-v1")
    observation, info = env.reset(seed=1)
    row = dict(zip(obs.PLAYER_COLUMNS, observation["player"].tolist(), strict=True))
    assert row["player_id"] == 1
    assert row["minerals"] == info["minerals"] == 50
    assert (row["food_used"], row["food_cap"], row["food_workers"], row["army_count"]) == (12, 15, 12, 0)
    assert row["idle_worker_count"] == 0


def test_arguments_are_checked_by_name():
    with pytest.raises(UnknownName, match="layers"):
        make(observe="layer")
    with pytest.raises(UnknownName, match="Move_screen"):
        make(functions=["Move_scren"])
    with pytest.raises(ValueError, match="functions: expected at least one"):
        make(functions=[])
    with pytest.raises(UnknownName, match="player_relative"):
        make(layers=["player_relativ"])
    with pytest.raises(ValueError, match="screen layers: expected every name once"):
        make(layers=["selected", "selected"])
    for size in (8, 1000, 64.0, True, "64"):
        with pytest.raises(ValueError, match="size: expected an integer from 16 to 256"):
            make(size=size)
    with pytest.raises(UnknownName, match="MoveToBeacon"):
        SimulatorEnv(task=TASKS[0], family=envsuite.FAMILIES["starcraft2"], mini_game="MoveToBeakon")


def test_other_sizes_layers_and_functions():
    env = make(size=32, layers=["unit_type", "selected"], minimap_layers=["camera"], functions=["no_op", "select_army"])
    observation, _ = env.reset(seed=1)
    assert observation["screen"].shape == (2, 32, 32)
    assert observation["screen"].dtype == np.int32
    assert set(np.unique(observation["screen"][0])) == {0, 48, 317}
    assert observation["minimap"].shape == (1, 32, 32)
    assert env.action_space.nvec.tolist() == [2, 32, 32]


def test_every_layer_can_be_asked_for():
    env = make(ROACHES, layers=obs.SCREEN_LAYERS, minimap_layers=obs.MINIMAP_LAYERS)
    observation, _ = env.reset(seed=1)
    screen = dict(zip(obs.SCREEN_LAYERS, observation["screen"], strict=True))
    assert set(np.unique(screen["player_relative"])) == {0, 1, 4}
    assert set(np.unique(screen["unit_hit_points"])) == {0, 45, 145}
    assert (screen["unit_density"] > 0).sum() == (screen["player_relative"] > 0).sum()
    assert ((screen["unit_type"] == 48) == (screen["selected"] == 1)).all()
    for name in ("creep", "power", "effects", "cloaked", "blip"):
        assert not screen[name].any()


def test_description():
    env = make(ROACHES)
    observation, info = env.reset(seed=1)
    text = describe(observation, info)
    assert "You have: 9 Marine." in text
    assert "You see of the enemy: 4 Roach." in text
    assert "You can: no_op" in text


def test_another_process_plays_the_same():
    script = (
        "from families.starcraft2.test_env import *\n"
        "print(hashlib.sha256(repr(play(make(ROACHES), 60)).encode()).hexdigest())"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
    assert run.stdout.strip() == hashlib.sha256(repr(play(make(ROACHES), 60)).encode()).hexdigest()
