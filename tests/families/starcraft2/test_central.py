"""BattleEnv under the contract, its kernel for many rows, and SMAC's scripted attack."""

import dataclasses
import pickle

import numpy as np
import pytest
from families.starcraft2.smac_reference import TASKS, legal, make, make_parallel
from gymnasium.error import ResetNeeded

from envsuite.conformance import check_env
from envsuite.episode import new_digest, update_digest
from envsuite.errors import InvalidAction, InvalidTask, UnknownName
from envsuite.families.starcraft2 import FAMILY, describe
from envsuite.families.starcraft2.engine import verdict
from envsuite.families.starcraft2.teams import tasks
from envsuite.families.starcraft2.teams.central import BATTLE_METRICS
from envsuite.families.starcraft2.teams.expert import Attacker, make_attacker
from envsuite.families.starcraft2.teams.vector import BattleKernel
from envsuite.vector.env import TaskVectorEnv


def vector(name, count, **options):
    kernel = BattleKernel(count, task=TASKS[name], family=FAMILY, scenario=name, **options)
    return TaskVectorEnv(kernel=kernel)


def played(env, seed, steps):
    """Returns the hash of an episode of random legal actions."""
    digest, rng = new_digest(), np.random.default_rng(seed)
    count = len(env.action_space.nvec)
    observation, _ = env.reset(seed=seed)
    update_digest(digest, (observation,))
    for _ in range(steps):
        result = env.step(legal(rng, observation["action_mask"], count))
        observation = result[0]
        update_digest(digest, result[:4])
        if result[2] or result[3]:
            break
    return digest.hexdigest()


@pytest.mark.parametrize("name", ["3m", "terran_5_vs_5"])
def test_the_contract_is_kept(name):
    check_env(lambda **options: make(name, **options), steps=24)


def test_names_of_columns_are_those_that_the_engine_writes():
    events = {"enemy_killed": verdict.KILLED, "unit_lost": verdict.LOST_UNIT, "won": verdict.WON, "lost": verdict.LOST}
    factors = {"kills": verdict.BY_KILLS, "damage": verdict.BY_DAMAGE, "win": verdict.BY_WIN}
    assert {name: describe.EVENTS.index(name) for name in tasks.EVENTS} == events
    assert {name: describe.FACTORS.index(name) for name in tasks.FACTORS} == factors
    assert set(BATTLE_METRICS) <= set(describe.METRICS)
    assert verdict.BEST_RETURN == tasks.BEST_RETURN


def test_tasks_say_who_fights_whom():
    ids = [task.id for task in tasks.smac_tasks()]
    assert len(set(ids)) == 23
    assert "envsuite/starcraft2-sim-smac-5m-vs-6m-v1" in ids
    by_id = {task.id: task for task in (*tasks.smac_tasks(), *tasks.smacv2_tasks())}
    mmm2 = by_id["envsuite/starcraft2-sim-smac-mmm2-v1"]
    assert mmm2.goal == (
        "Win a battle with a team of 2 marauders, 7 marines and 1 medivac against 3 marauders, 8 marines and 1 medivac."
    )
    assert (mmm2.max_episode_steps, mmm2.metric, mmm2.snapshots) == (180, "success_rate", True)
    crawler = by_id["envsuite/starcraft2-sim-smac-2s-vs-1sc-v1"]
    assert crawler.goal.endswith("2 stalkers against 1 spine crawler.")
    assert by_id["envsuite/starcraft2-sim-smacv2-zerg-10-vs-11-v1"].max_episode_steps == 200


def test_an_action_against_the_mask_is_a_stop_and_is_counted():
    env, twin = make("3m"), make("3m")
    env.reset(seed=0)
    twin.reset(seed=0)
    # Nobody is in reach yet, and nobody is dead.
    first = env.step(np.array([6, 0, 4]))
    second = twin.step(np.array([1, 1, 4]))
    np.testing.assert_array_equal(first[0]["state"], second[0]["state"])
    assert (first[4]["invalid_action"], second[4]["invalid_action"]) == (1, 0)
    games = env._fights.games
    games.kill(0, int(games.batch.units[0, 0]["tag"]))
    assert env.step(np.array([4, 4, 4]))[4]["invalid_action"] == 2
    assert env.step(np.array([0, 4, 4]))[4]["invalid_action"] == 2


def test_an_action_outside_the_space_harms_nothing():
    env, twin = make("3m"), make("3m")
    env.reset(seed=1)
    twin.reset(seed=1)
    for action in (np.array([9, 1, 1]), np.array([1, -1, 1]), np.array([1, 1]), 4, None, "attack"):
        with pytest.raises(InvalidAction):
            env.step(action)
    assert played(env, 1, 5) == played(twin, 1, 5)


def test_bad_arguments_are_told_of():
    with pytest.raises(UnknownName, match=r"unknown scenario '3n'\. Did you mean: .*3m"):
        make_with("3n")
    with pytest.raises(UnknownName, match="unknown reward 'dense'"):
        make("3m", reward="dense")
    with pytest.raises(UnknownName, match=r"unknown part of observations 'patching'\. Did you mean: pathing"):
        make("3m", sees=("patching",))
    with pytest.raises(ValueError, match="sees: expected no 'terrain_height': the simulator's maps are flat"):
        make("3m", sees="terrain_height")
    with pytest.raises(ValueError, match="render_mode: expected None or one of"):
        make("3m", render_mode="ansi")
    with pytest.raises(InvalidTask):
        make("3m").reset(options={"map": 1})


def make_with(scenario):
    return type(make("3m"))(task=TASKS["3m"], family=FAMILY, scenario=scenario)


def test_the_step_limit_truncates_and_the_last_step_has_the_metrics():
    env = make("3m")
    env.reset(seed=0)
    games = env._fights.games
    for tag in games.batch.units[0, 4:6]["tag"].tolist():
        games.kill(0, tag)
    games.batch.units[0, 3]["x"] = 30.0
    games.batch.units[0, 3]["orders"] = 0
    for _ in range(59):
        _, _, terminated, truncated, info = env.step(np.ones(3, np.int64))
        assert not terminated
        assert not truncated
    _, _, terminated, truncated, info = env.step(np.ones(3, np.int64))
    assert (terminated, truncated, info["success"]) == (False, True, False)
    metrics = info["metrics"]
    assert set(metrics) == set(FAMILY.metrics)
    assert {name: metrics[name] for name in ("won", "allies_left", "enemies_left", "kills")} == {
        "won": 0.0,
        "allies_left": 3.0,
        "enemies_left": 1.0,
        "kills": 2.0,
    }
    with pytest.raises(ResetNeeded):
        env.step(np.ones(3, np.int64))


def test_a_restored_snapshot_continues_with_the_same_bytes():
    env = make("2s3z")
    played(env, 5, 20)
    env.reset(seed=5)
    rng = np.random.default_rng(0)
    observation = None
    for _ in range(20):
        observation = env.step(legal(rng, env.action_masks(), 5))[0]
    saved = pickle.loads(pickle.dumps(env.snapshot()))
    other = make("2s3z", reward="sparse")
    other.restore(saved)
    np.testing.assert_array_equal(other._observation()["state"], observation["state"])
    trails = []
    for each in (env, other, env):
        each.restore(saved)
        digest, draws = new_digest(), np.random.default_rng(7)
        for _ in range(15):
            result = each.step(legal(draws, each.action_masks(), 5))
            update_digest(digest, (result[0], *result[2:4]))
            if result[2] or result[3]:
                break
        trails.append(digest.hexdigest())
    assert len(set(trails)) == 1


def test_a_foreign_snapshot_is_refused_and_nothing_changes():
    env, foreign, parallel = make("3m"), make("8m"), make_parallel("3m")
    env.reset(seed=0)
    foreign.reset(seed=0)
    parallel.reset(seed=0)
    with pytest.raises(TypeError, match=r"snapshot: expected what snapshot\(\) returned, got dict"):
        env.restore({})
    with pytest.raises(ValueError, match="snapshot: expected version 1 of 3m with 3 against 3, got version 1 of 8m"):
        env.restore(foreign.snapshot())
    with pytest.raises(ValueError, match="snapshot: expected version 1"):
        env.restore(dataclasses.replace(env.snapshot(), version=0))
    with pytest.raises(ValueError, match="got one of BattleEnv"):
        parallel.restore(env.snapshot())
    with pytest.raises(ValueError, match="got one of a parallel environment"):
        env.restore(parallel.snapshot())
    with pytest.raises(ResetNeeded):
        make("3m").snapshot()


def test_pictures_show_both_teams():
    env = make("3m", render_mode="rgb_array")
    env.reset(seed=0)
    frame = env.render()
    assert frame.dtype == np.uint8
    assert frame.shape[2] == 3
    colours = {tuple(colour) for colour in np.unique(frame.reshape(-1, 3), axis=0).tolist()}
    assert {(94, 172, 255), (236, 96, 84)} <= colours


@pytest.mark.parametrize(("name", "threads"), [("3m", 1), ("MMM2", 2), ("protoss_5_vs_5", None)])
def test_every_row_equals_a_single_environment_through_ends_and_resets(name, threads):
    count = 20
    envs, singles = vector(name, count, threads=threads), [make(name) for _ in range(count)]
    agents = len(envs.single_action_space.nvec)
    observations, infos = envs.reset(seed=40)
    for row, env in enumerate(singles):
        observation, _ = env.reset(seed=40 + row)
        assert_same(observations, row, observation)
    assert not infos["success"].any()
    rng, ended, ends = np.random.default_rng(0), np.zeros(count, bool), 0
    for _ in range(70):
        masks = observations["action_mask"].reshape(count, agents, -1)
        # Attacks come first, so that battles end.
        choice = np.where(
            masks[:, :, 6:].any(axis=2) & (rng.random((count, agents)) < 0.8), 6 + masks[:, :, 6:].argmax(2), -1
        )
        drawn = (masks * rng.random(masks.shape)).argmax(axis=2)
        actions = np.where(choice >= 0, choice, drawn)
        observations, rewards, terminated, truncated, infos = envs.step(actions)
        for row, env in enumerate(singles):
            if ended[row]:
                observation, info = env.reset()
                result = (observation, 0.0, False, False, info)
            else:
                result = env.step(actions[row])
            assert_same(observations, row, result[0])
            assert (rewards[row], terminated[row], truncated[row]) == result[1:4]
            assert_info(envs, infos, row, result[4])
        ended = terminated | truncated
        ends += int(ended.sum())
    assert ends > 5
    envs.close()


def assert_same(observations, row, observation):
    for key, part in observation.items():
        np.testing.assert_array_equal(observations[key][row], part)


def assert_info(envs, infos, row, info):
    happened = tuple(name for name, is_so in zip(envs.event_names, infos["events"][row], strict=True) if is_so)
    assert happened == info["events"]
    assert infos["factors"][row].tolist() == list(info["factors"].values())
    for name in ("loop", "allies_left", "enemies_left", "invalid_action"):
        assert infos[name][row] == info[name]
    assert bool(infos["success"][row]) == info.get("success", False)
    assert bool(infos["_metrics"][row]) == ("metrics" in info)
    if "metrics" in info:
        np.testing.assert_array_equal(infos["metrics"][row], list(info["metrics"].values()))


def test_the_kernel_checks_its_arguments_and_its_rows_are_environments():
    with pytest.raises(ValueError, match="threads: expected None or at least 1, got 0"):
        vector("3m", 2, threads=0)
    envs = vector("3m", 3)
    envs.reset(seed=0)
    envs.step(np.ones((3, 3), np.int64))
    saved = envs.call("snapshot")
    envs.step(np.full((3, 3), 4))
    assert [snapshot.episode["_elapsed_steps"] for snapshot in saved] == [1, 1, 1]
    masks = np.stack(envs.call("action_masks"))
    np.testing.assert_array_equal(masks, envs.step(np.ones((3, 3), np.int64))[0]["action_mask"] * 0 + masks)
    with pytest.raises(InvalidAction, match="in row 1"):
        envs.step(np.array([[1, 1, 1], [1, 9, 1], [1, 1, 1]]))
    envs.close()


# The scripted attack.


def wins(name, episodes):
    env, agent = make(name), Attacker(name)
    won = 0
    for seed in range(episodes):
        observation, _ = env.reset(seed=seed)
        agent.reset(seed)
        ended = False
        while not ended:
            action = agent.act(observation)
            mask = env.action_masks().reshape(len(action), -1)
            assert mask[np.arange(len(action)), action].all()
            observation, _, terminated, truncated, info = env.step(action)
            ended = terminated or truncated
        won += info["success"]
    return won


def test_the_scripted_attack_wins_most_battles_of_three_marines():
    assert wins("3m", 24) >= 12
    assert wins("5m_vs_6m", 4) <= 1


def test_the_scripted_attack_plays_every_kind_of_battle_within_the_masks():
    for name in ("MMM", "2s3z", "2s_vs_1sc", "zerg_5_vs_5", "terran_10_vs_11"):
        wins(name, 1)


def test_the_script_is_found_by_the_tasks_id():
    assert isinstance(make_attacker(make("MMM2").task_info()), Attacker)
    with pytest.raises(LookupError, match="task: expected a battle such as envsuite/starcraft2-sim-smac-3m-v1"):
        make_attacker(dataclasses.replace(make("3m").task_info(), id="envsuite/starcraft2-sim-move-to-beacon-v1"))
