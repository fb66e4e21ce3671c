"""CrafterEnv under the contract: episodes, infos, effective actions, snapshots, and what an agent may not harm."""

import dataclasses
import pickle
import subprocess
import sys
import tomllib
import warnings
from importlib.resources import files

import crafter
import numpy as np
import pytest
from crafter import constants
from families.crafter.reference import REWARD, Pair, make
from gymnasium.utils.env_checker import check_env

from envsuite.catalogue import family_of, get_task
from envsuite.episode import new_digest, update_digest
from envsuite.errors import InvalidAction
from envsuite.families.crafter import FAMILY
from envsuite.families.crafter import rules as names
from envsuite.families.crafter.describe import EVENTS, FACTORS
from envsuite.families.crafter.engine import layout as at
from envsuite.families.crafter.engine.player import write_effective
from envsuite.families.crafter.env import FRAME_TILE, CrafterEnv

NOREWARD, SYMBOLIC, TEXT = (f"envsuite/crafter-{name}-v1" for name in ("noreward", "symbolic", "text"))
IDS = [REWARD, NOREWARD, SYMBOLIC, TEXT]
ACTION = {name: index for index, name in enumerate(names.ACTIONS)}
NIGHT = 160
"""A step in the dark: daylight is below one half from 148 to 272."""


def actions_of(seed, count):
    return np.random.default_rng(seed).integers(17, size=count).tolist()


def digest_of(env, actions):
    digest = new_digest()
    for action in actions:
        result = env.step(action)
        update_digest(digest, result[:4])
        if result[2] or result[3]:
            break
    return digest.hexdigest()


def test_names_are_those_of_the_installed_package():
    assert list(names.ACTIONS) == constants.actions
    assert list(names.ACHIEVEMENTS) == constants.achievements
    assert list(names.ITEMS) == list(constants.items)
    view = crafter.Env(seed=0)._sem_view
    numbers = {**{k or "nothing": v for k, v in view._mat_ids.items()}}
    numbers |= {kind.__name__.lower(): number for kind, number in view._obj_ids.items()}
    assert {name: number for number, name in enumerate(names.SEMANTICS)} == numbers
    assert len(view._mat_ids) == names.MATERIAL_COUNT


# Episodes.


@pytest.mark.parametrize("task_id", IDS)
def test_gymnasium_finds_nothing_to_complain_about(task_id):
    env = make(task_id, render_mode="rgb_array")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env)
    env.close()
    env.close()


def test_a_reset_without_a_seed_goes_to_the_references_next_episode():
    env, upstream = make(), crafter.Env(seed=7)
    observation, _ = env.reset(seed=7)
    for _ in range(3):
        np.testing.assert_array_equal(observation, upstream.reset())
        observation, _ = env.reset()
    env.reset(seed=1)
    np.testing.assert_array_equal(env.reset(seed=7)[0], make().reset(seed=7)[0])


def test_without_any_seed_two_environments_differ():
    assert not np.array_equal(make().reset()[0], make().reset()[0])


def test_the_trajectory_depends_on_nothing_but_seed_and_actions():
    script = (
        "import sys, gymnasium, envsuite, numpy as np\n"
        "from envsuite.episode import new_digest, update_digest\n"
        "ballast = [object() for _ in range(int(sys.argv[1]))]\n"
        "env = gymnasium.make('envsuite/crafter-reward-v1').unwrapped\n"
        "env.reset(seed=2)\n"
        "digest = new_digest()\n"
        "for action in np.random.default_rng(0).integers(0, 6, 100).tolist():\n"
        "    update_digest(digest, env.step(action)[:4])\n"
        "print(digest.hexdigest())\n"
    )
    commands = [[sys.executable, "-c", script, size] for size in ("0", "12345")]
    assert len({subprocess.run(command, check=True, capture_output=True).stdout for command in commands}) == 1


def test_the_step_limit_truncates_and_the_last_step_has_the_metrics():
    task = dataclasses.replace(get_task(REWARD), max_episode_steps=3)
    env = CrafterEnv(task=task, family=family_of(REWARD))
    env.reset(seed=0)
    env._worlds.batch.state[0, at.ACHIEVED] = 2
    steps = [env.step(0) for _ in range(3)]
    assert [step[2:4] for step in steps] == [(False, False), (False, False), (False, True)]
    assert "metrics" not in steps[1][4]
    metrics = steps[2][4]["metrics"]
    assert tuple(metrics) == FAMILY.metrics == names.ACHIEVEMENTS
    assert [name for name, value in metrics.items() if value] == ["collect_coal"]


def test_death_terminates_with_its_event_and_the_lost_health():
    pair = Pair(0)
    pair.reset()
    pair.tile(0, 1, "lava")
    _, reward, terminated, truncated, info = pair.step(ACTION["move_down"])
    assert (terminated, truncated) == (True, False)
    assert info["events"] == ("damaged", "died")
    assert reward == -0.9 == info["factors"]["health"]


@pytest.mark.parametrize("task_id", IDS)
def test_two_achievements_in_one_step_are_worth_one(task_id):
    pair = Pair(0)
    pair.env = env = make(task_id)
    env.reset(seed=0)
    pair.upstream.reset()
    pair.tile(0, 1, "tree")
    pair.sleep()
    _, reward, _, _, info = env.step(ACTION["do"])
    assert info["events"] == ("collect_wood", "wake_up", "woke_up")
    assert info["factors"] == {"achievement": 1.0, "health": 0.0}
    assert reward == (0.0 if task_id == NOREWARD else 1.0)
    pair.tile(0, 1, "tree")
    assert env.step(ACTION["do"])[4]["events"] == ()


def test_factors_sum_to_the_reward_and_events_are_declared():
    env = make()
    env.reset(seed=5)
    rewards = []
    for action in actions_of(5, 120):
        _, reward, terminated, _, info = env.step(action)
        assert sum(info["factors"].values()) == reward
        assert set(info["events"]) <= set(FAMILY.events)
        low, high = env.task.reward_range
        assert low <= reward <= high
        rewards.append(reward)
        if terminated:
            break
    assert max(rewards) >= 1
    assert (FAMILY.events, FAMILY.factors) == (EVENTS, FACTORS)


# Pictures and what is handed out.


@pytest.mark.parametrize("night", [False, True])
def test_rendering_leaves_the_trajectory_alone_and_repeats_itself(night):
    plain, drawn = make(), make(render_mode="rgb_array")
    digests = []
    for env in (plain, drawn):
        env.reset(seed=3)
        late = env.snapshot()
        late.world["state"][at.STEP] = NIGHT if night else 0
        env.restore(late)
        env.step(0)
        if env is drawn:
            first, second = env.render(), env.render()
            np.testing.assert_array_equal(first, second)
            assert (first.shape, first.dtype) == ((9 * FRAME_TILE, 9 * FRAME_TILE, 3), np.uint8)
            assert first.std() > 10
        digests.append(digest_of(env, actions_of(0, 6)))
    assert digests[0] == digests[1]


def test_the_global_generator_is_left_alone():
    before = np.random.get_state()[1:3]  # noqa: NPY002
    env = make(render_mode="rgb_array")
    env.reset()
    env.step(5)
    env.render()
    after = np.random.get_state()[1:3]  # noqa: NPY002
    assert (before[0] == after[0]).all()
    assert before[1] == after[1]


def test_what_is_handed_out_belongs_to_the_caller():
    env = make()
    observation, info = env.reset(seed=1)
    kept = observation.copy(), {key: np.copy(value) for key, value in info.items() if isinstance(value, np.ndarray)}
    digest_of(env, [1, 2, 3, 4, 2, 2, 2, 4, 4])
    np.testing.assert_array_equal(observation, kept[0])
    for key, value in kept[1].items():
        np.testing.assert_array_equal(info[key], value)
    assert observation.flags.c_contiguous
    assert observation.flags.owndata


# Snapshots.


@pytest.mark.parametrize("night", [False, True])
def test_a_restored_snapshot_continues_with_the_same_bytes(night):
    env, other = make(), make(NOREWARD)
    env.reset(seed=11)
    digest_of(env, actions_of(1, 60))
    saved = env.snapshot()
    saved.world["state"][at.STEP] += NIGHT if night else 0
    env.restore(saved)
    actions = actions_of(2, 25)
    first = digest_of(env, actions)
    assert not np.array_equal(env.reset()[0], env.reset()[0])
    env.restore(saved)
    assert digest_of(env, actions) == first
    env.restore(pickle.loads(pickle.dumps(saved)))
    assert digest_of(env, actions) == first
    other.restore(saved)
    env.restore(saved)
    for action in actions:
        ours, theirs = env.step(action), other.step(action)
        np.testing.assert_array_equal(ours[0], theirs[0])
        assert ours[4]["factors"] == theirs[4]["factors"]


def test_a_snapshot_holds_the_limits_and_the_stream_of_episodes():
    env = make()
    env.reset(seed=11)
    env.step(ACTION["place_table"])
    saved = env.snapshot()
    following, _ = env.reset()
    env.restore(saved)
    assert env.step(0)[4]["invalid_action"] == 1
    np.testing.assert_array_equal(env.reset()[0], following)


def test_a_late_snapshot_can_be_drawn_before_the_next_step():
    env = make(render_mode="rgb_array")
    env.reset(seed=11)
    late = env.snapshot()
    late.world["state"][at.STEP] = late.episode["_elapsed_steps"] = 50_000
    env.restore(late)
    assert len(env._worlds._setting.daylight) > 50_000
    picture = env.render()
    env.restore(late)
    np.testing.assert_array_equal(env.render(), picture)


def test_a_foreign_snapshot_is_refused_and_nothing_changes():
    env, twin = make(), make()
    for each in (env, twin):
        each.reset(seed=11)
    saved = env.snapshot()
    small = make(area=(32, 32))
    small.reset(seed=1)
    with pytest.raises(TypeError, match=r"snapshot: expected what snapshot\(\) returned, got dict"):
        env.restore({})
    with pytest.raises(ValueError, match="snapshot: expected version 1, got 0"):
        env.restore(dataclasses.replace(saved, version=0))
    with pytest.raises(ValueError, match="snapshot: expected one of a world of"):
        env.restore(small.snapshot())
    np.testing.assert_array_equal(env.step(2)[0], twin.step(2)[0])


# Actions.


@pytest.mark.parametrize("task_id", [REWARD, SYMBOLIC])
def test_an_action_outside_the_space_harms_nothing(task_id):
    env, twin = make(task_id), make(task_id)
    env.reset(seed=1)
    twin.reset(seed=1)
    for action in (17, -1, 1.5, True, None, "noop", np.array([1]), np.float32(2)):
        with pytest.raises(InvalidAction):
            env.step(action)
    assert digest_of(env, [2, 5, 5]) == digest_of(twin, [2, 5, 5])


IRON_KIT = {"wood": 1, "coal": 1, "iron": 1}


@pytest.mark.parametrize(
    ("action", "effect", "setting"),
    [
        ("noop", True, {}),
        ("move_down", True, {}),
        ("move_down", False, {"ahead": "water"}),
        ("move_down", False, {"thing": at.COW}),
        ("move_down", True, {"ahead": "lava"}),
        ("move_left", True, {"ahead": "water"}),
        ("do", True, {}),
        ("do", False, {"ahead": "sand"}),
        ("do", True, {"ahead": "tree"}),
        ("do", True, {"ahead": "water"}),
        ("do", False, {"ahead": "stone"}),
        ("do", True, {"ahead": "stone", "wood_pickaxe": 1}),
        ("do", False, {"ahead": "diamond", "stone_pickaxe": 1}),
        ("do", True, {"thing": at.COW}),
        ("do", True, {"thing": at.ZOMBIE}),
        ("do", False, {"thing": at.ARROW}),
        ("do", False, {"thing": at.PLANT}),
        ("do", True, {"thing": at.PLANT, "age": 301}),
        ("sleep", False, {}),
        ("sleep", True, {"energy": 8}),
        ("sleep", True, {"energy": 5, "sleeping": True}),
        ("do", False, {"ahead": "tree", "energy": 5, "sleeping": True}),
        ("noop", True, {"energy": 5, "sleeping": True}),
        ("do", True, {"ahead": "tree", "sleeping": True}),
        ("place_stone", False, {}),
        ("place_stone", True, {"ahead": "lava", "stone": 1}),
        ("place_stone", False, {"ahead": "tree", "stone": 1}),
        ("place_stone", False, {"thing": at.COW, "stone": 1}),
        ("place_table", False, {"wood": 1}),
        ("place_table", True, {"wood": 2}),
        ("place_furnace", True, {"stone": 4}),
        ("place_plant", False, {"ahead": "sand", "sapling": 1}),
        ("place_plant", True, {"sapling": 1}),
        ("make_wood_pickaxe", False, {"wood": 1}),
        ("make_wood_pickaxe", True, {"wood": 1, "nearby": ["table"]}),
        ("make_stone_sword", False, {"wood": 1, "nearby": ["table"]}),
        ("make_iron_sword", False, {**IRON_KIT, "nearby": ["table"]}),
        ("make_iron_sword", True, {**IRON_KIT, "nearby": ["table", "furnace"]}),
    ],
)
def test_actions_without_their_preconditions_are_counted(action, effect, setting):
    pair = scene(**setting)
    before = pair.env.snapshot().world
    number = ACTION[action]
    assert effective(pair)[number] == effect
    # Told after each step; the scene was set after the last one.
    pair.env._worlds.results.effective[0] = effective(pair)
    info = pair.step(number)[4]
    assert info["invalid_action"] == (0 if effect else 1)
    if not effect:
        after = pair.env.snapshot().world
        np.testing.assert_array_equal(after["tiles"], before["tiles"])
        for column in (at.X, at.Y, at.FACING, at.SLEEPING, *range(at.INVENTORY, at.STATE_COLUMNS)):
            assert after["state"][column] == before["state"][column]


def scene(ahead="grass", thing=None, age=0, facing=3, energy=9, sleeping=False, nearby=(), **inventory):
    """A player on grass, alone but for what it faces."""
    pair = Pair(0)
    pair.reset()
    pair.clear()
    pair.face(facing)
    pair.tile(0, 1, ahead)
    if thing is not None:
        pair.thing(thing, 0, 1, timer=age, direction=3)
    for name, (dx, dy) in zip(nearby, ((-1, -1), (1, -1)), strict=False):
        pair.tile(dx, dy, name)
    pair.own(energy=energy, **inventory)
    pair.sleep(sleeping)
    return pair


def effective(pair):
    out = np.zeros(17, bool)
    batch = pair.env._worlds.batch
    write_effective(at.World(*(array[0] for array in batch[:-1]), *pair.env.options.area), out)
    return out


def test_what_is_told_effective_is_what_has_an_effect():
    env = make()
    rng = np.random.default_rng(4)
    told = {True: 0, False: 0}
    for seed in range(3):
        _, info = env.reset(seed=seed)
        for _ in range(100):
            action = int(rng.integers(17))
            expected, before = bool(info["effective_actions"][action]), info["invalid_action"]
            _, _, terminated, _, info = env.step(action)
            assert info["invalid_action"] - before == (not expected)
            told[expected] += 1
            if terminated:
                break
    assert min(told.values()) > 50


def test_keys_are_actions_and_published_scores_are_of_our_tasks():
    assert set(FAMILY.keys.values()) | {FAMILY.idle_action} == set(range(17))
    table = tomllib.loads(files("envsuite.families.crafter").joinpath("published.toml").read_text("utf-8"))
    assert {row["task"] for row in table["score"]} == {REWARD, NOREWARD}
    assert all(0 < row["value"] < 100 and row["source"] and row["protocol"] for row in table["score"])
