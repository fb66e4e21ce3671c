"""The crafter family: equal to the installed package bit for bit, reproducible where that is not, read and played."""

from __future__ import annotations

import collections
import dataclasses
import itertools
import pickle
import subprocess
import sys
import tomllib
import warnings
from importlib.resources import files

import crafter
import gymnasium
import numpy as np
import opensimplex
import pytest
from crafter import constants, engine, objects
from gymnasium.utils.env_checker import check_env

from envsuite.agent import RandomAgent, make_scripted
from envsuite.catalogue import family_of, get_task
from envsuite.episode import new_digest, update_digest
from envsuite.errors import InvalidAction
from envsuite.families.crafter import FAMILY
from envsuite.families.crafter import rules as names
from envsuite.families.crafter.describe import EVENTS, FACTORS, describe
from envsuite.families.crafter.env import FRAME_UNIT, CrafterEnv
from envsuite.families.crafter.noise import SimplexNoise
from envsuite.families.crafter.perception import Reader, daylight, is_asleep

REWARD, NOREWARD = IDS = ["envsuite/crafter-reward-v1", "envsuite/crafter-noreward-v1"]
ACTION = {name: index for index, name in enumerate(names.ACTIONS)}
NIGHT = 160
"""A step in the dark: daylight is below one half from 148 to 272."""


def make(task_id=REWARD, **kwargs):
    return gymnasium.make(task_id, **kwargs).unwrapped


def busy_actions(seed, count):
    """Mostly walking and doing, some of everything; no sleep, so that the needs can be topped up."""
    rng = np.random.default_rng(seed)
    actions = np.where(rng.random(count) < 0.7, rng.integers(1, 6, count), rng.integers(17, size=count))
    return np.where(actions == ACTION["sleep"], 0, actions).tolist()


def keep_alive(*players):
    for player in players:
        for need in names.STATUS:
            player.inventory[need] = 9


def digest_of(env, actions):
    digest = new_digest()
    for action in actions:
        update_digest(digest, env.step(action)[:4])
    return digest.hexdigest()


class OrderedSet(dict):
    def add(self, obj):
        self[obj] = None

    def remove(self, obj):
        del self[obj]


class OrderedWorld(engine.World):
    def reset(self, seed=None):
        super().reset(seed)
        self._chunks = collections.defaultdict(OrderedSet)


def ordered_upstream(seed):
    """The installed package with one change: the sets of objects keep their order."""
    env = crafter.Env(seed=seed)
    env._world.__class__ = OrderedWorld
    return env


class WatchedUpstream(crafter.Env):
    """The installed package; `ambiguous` once it has chosen one of several creatures by the order of a set."""

    ambiguous = False

    def _balance_object(self, chunk, objs, cls, *args):
        several = sum(isinstance(obj, cls) for obj in objs) > 1
        before = self._world.random.get_state()[2]
        super()._balance_object(chunk, objs, cls, *args)
        # Whether to choose takes two words of the stream of 624, the choice itself at least one more.
        drawn = (self._world.random.get_state()[2] - before) % 624
        self.ambiguous |= several and drawn > 2


def assert_same(ours, theirs, context):
    observation, reward, terminated, truncated, info = ours
    expected, their_reward, done, their_info = theirs
    np.testing.assert_array_equal(observation, expected, err_msg=str(context))
    np.testing.assert_array_equal(info["semantic"], their_info["semantic"], err_msg=str(context))
    assert (reward, terminated or truncated) == (their_reward, done), context
    assert info["inventory"] == their_info["inventory"], context
    assert info["achievements"] == their_info["achievements"], context
    assert info["player_pos"].tolist() == their_info["player_pos"].tolist(), context


# Equal to upstream.


def test_names_are_those_of_the_installed_package():
    assert list(names.ACTIONS) == constants.actions
    assert list(names.ACHIEVEMENTS) == constants.achievements
    assert list(names.ITEMS) == list(constants.items)
    view = crafter.Env(seed=0)._sem_view
    numbers = {**{k or "nothing": v for k, v in view._mat_ids.items()}}
    numbers |= {kind.__name__.lower(): number for kind, number in view._obj_ids.items()}
    assert {name: number for number, name in enumerate(names.SEMANTICS)} == numbers
    assert len(view._mat_ids) == names.MATERIAL_COUNT


@pytest.mark.parametrize("seed", [0, 1, 2**31 - 2])
def test_noise_equals_the_scalar_algorithm_bit_for_bit(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-30, 30, (2, 6000))
    z = rng.integers(0, 9, 6000).astype(float)
    x[:1000], y[:1000] = rng.integers(0, 64, 1000) / 15, rng.integers(0, 64, 1000) / 5
    scalar = opensimplex.OpenSimplex(seed)
    expected = [scalar.noise3(*point) for point in zip(x.tolist(), y.tolist(), z.tolist(), strict=True)]
    np.testing.assert_array_equal(SimplexNoise(seed)(x, y, z), expected)


@pytest.mark.parametrize("seed", [0, 7, 123_456, 2**31 - 1])
def test_reset_equals_a_fresh_upstream_environment_after_any_history(seed):
    env = make()
    env.reset(seed=99)
    digest_of(env, busy_actions(3, 5))
    observation, info = env.reset(seed=seed)
    upstream = crafter.Env(seed=seed)
    np.testing.assert_array_equal(observation, upstream.reset())
    np.testing.assert_array_equal(info["semantic"], upstream._sem_view())
    assert [type(obj) for obj in env._game._world.objects] == [type(obj) for obj in upstream._world.objects]


@pytest.mark.parametrize("seed", [1, 5])
def test_trajectory_through_a_night_equals_upstream_with_ordered_chunks(seed):
    env, upstream = make(), ordered_upstream(seed)
    env.reset(seed=seed)
    upstream.reset()
    for step, action in enumerate(busy_actions(seed, 330)):
        keep_alive(env._game.player, upstream._player)
        upstream._last_health = 9
        ours, theirs = env.step(action), upstream.step(action)
        assert_same(ours, theirs, (seed, step))
        if ours[2]:
            break
    assert step > NIGHT


def test_trajectory_with_sleep_and_death_equals_upstream_with_ordered_chunks():
    env, upstream = make(), ordered_upstream(4)
    env.reset(seed=4)
    upstream.reset()
    for player in (env._game.player, upstream._player):
        player.inventory["energy"] = 3
    slept = False
    for step in itertools.count():
        ours, theirs = env.step(ACTION["sleep"]), upstream.step(ACTION["sleep"])
        assert_same(ours, theirs, step)
        slept |= ours[4]["sleeping"]
        if step == 40:
            for game, player in ((env._game, env._game.player), (upstream, upstream._player)):
                game._world[player.pos + np.array([1, 0])] = "lava"
                player.sleeping = False
                player.inventory["energy"] = 9
            ours, theirs = env.step(ACTION["move_right"]), upstream.step(ACTION["move_right"])
            assert_same(ours, theirs, step)
            break
    assert slept
    assert ours[2]
    assert not ours[3]


def test_trajectory_equals_plain_upstream_until_the_order_of_a_set_decides():
    compared = 0
    for seed in range(6):
        env, upstream = make(), WatchedUpstream(seed=seed)
        env.reset(seed=seed)
        upstream.reset()
        for step, action in enumerate(busy_actions(seed, 60)):
            keep_alive(env._game.player, upstream._player)
            upstream._last_health = 9
            theirs = upstream.step(action)
            if upstream.ambiguous:
                break
            assert_same(env.step(action), theirs, (seed, step))
            compared += 1
    assert compared >= 60


# Reproducible.


def test_trajectory_does_not_depend_on_memory_addresses():
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


@pytest.mark.parametrize("step", [0, NIGHT])
def test_rendering_leaves_the_trajectory_alone_and_repeats_itself(step):
    plain, drawn = make(), make(render_mode="rgb_array")
    actions = busy_actions(0, 6)
    digests = []
    for env in (plain, drawn):
        env.reset(seed=3)
        env._game._step = step
        env.step(0)
        if env is drawn:
            first, second = env.render(), env.render()
            np.testing.assert_array_equal(first, second)
            assert (first.shape, first.dtype) == ((9 * FRAME_UNIT, 9 * FRAME_UNIT, 3), np.uint8)
            assert first.std() > 10
        digests.append(digest_of(env, actions))
    assert digests[0] == digests[1]


def test_night_noise_is_drawn_from_the_stream_of_the_game():
    env = make()
    env.reset(seed=3)
    env._game._step = NIGHT
    before = env._game._world.random.get_state()[2]
    env.step(0)
    assert env._game._world.random.get_state()[2] != before
    assert env._game.daylight < 0.5


@pytest.mark.parametrize("step", [0, NIGHT])
def test_a_restored_snapshot_continues_with_the_same_bytes(step):
    env, other = make(), make(NOREWARD)
    env.reset(seed=11)
    env._game._step = step
    digest_of(env, busy_actions(1, 12))
    saved = env.snapshot()
    actions = busy_actions(2, 25)
    first = digest_of(env, actions)
    assert not np.array_equal(env.reset()[0], env.reset()[0])
    env.restore(saved)
    assert digest_of(env, actions) == first
    env.restore(pickle.loads(pickle.dumps(saved)))
    assert digest_of(env, actions) == first
    other.restore(saved)
    steps = [other.step(action) for action in actions]
    env.restore(saved)
    for action, theirs in zip(actions, steps, strict=True):
        ours = env.step(action)
        np.testing.assert_array_equal(ours[0], theirs[0])
        assert ours[4]["factors"] == theirs[4]["factors"]


def test_a_snapshot_holds_the_limits_and_the_stream_of_seeds():
    env = make()
    env.reset(seed=11)
    env.step(ACTION["place_table"])
    saved = env.snapshot()
    following, _ = env.reset()
    env.restore(saved)
    assert env.step(0)[4]["invalid_action"] == 1
    np.testing.assert_array_equal(env.reset()[0], following)
    with pytest.raises(TypeError, match="snapshot"):
        env.restore({})


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
    kept = observation.copy(), info["semantic"].copy(), info["player_pos"].copy(), dict(info["inventory"])
    digest_of(env, [1, 2, 3, 4, 2, 2, 2, 4, 4])
    np.testing.assert_array_equal(observation, kept[0])
    np.testing.assert_array_equal(info["semantic"], kept[1])
    np.testing.assert_array_equal(info["player_pos"], kept[2])
    assert info["inventory"] == kept[3]
    assert observation.flags.c_contiguous
    assert observation.flags.owndata


# The contract.


@pytest.mark.parametrize("task_id", IDS)
def test_gymnasium_finds_nothing_to_complain_about(task_id):
    env = make(task_id, render_mode="rgb_array")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env)
    env.close()
    env.close()


def test_the_step_limit_truncates_and_the_last_step_has_the_metrics():
    task = dataclasses.replace(get_task(REWARD), max_episode_steps=3)
    env = CrafterEnv(task=task, family=family_of(REWARD), reward=True)
    env.reset(seed=0)
    env._game.player.achievements["collect_coal"] = 1
    steps = [env.step(0) for _ in range(3)]
    assert [step[2:4] for step in steps] == [(False, False), (False, False), (False, True)]
    assert "metrics" not in steps[1][4]
    metrics = steps[2][4]["metrics"]
    assert tuple(metrics) == FAMILY.metrics == names.ACHIEVEMENTS
    assert [name for name, value in metrics.items() if value] == ["collect_coal"]


def test_death_terminates_with_its_event_and_the_lost_health():
    env = make()
    env.reset(seed=0)
    player = env._game.player
    env._game._world[player.pos + np.array([0, 1])] = "lava"
    _, reward, terminated, truncated, info = env.step(ACTION["move_down"])
    assert (terminated, truncated) == (True, False)
    assert info["events"] == ("damaged", "died")
    assert reward == -0.9 == info["factors"]["health"]


@pytest.mark.parametrize("task_id", IDS)
def test_two_achievements_in_one_step_are_worth_one(task_id):
    env = make(task_id)
    env.reset(seed=0)
    player = env._game.player
    env._game._world[player.pos + np.array(player.facing)] = "tree"
    player.sleeping = True
    _, reward, _, _, info = env.step(ACTION["do"])
    assert info["events"] == ("collect_wood", "wake_up", "woke_up")
    assert info["factors"] == {"achievement": 1.0, "health": 0.0}
    assert reward == (1.0 if task_id == REWARD else 0.0)
    env._game._world[player.pos + np.array(player.facing)] = "tree"
    assert env.step(ACTION["do"])[4]["events"] == ()


def test_factors_sum_to_the_reward_and_events_are_declared():
    env = make()
    env.reset(seed=5)
    rewards = []
    for action in busy_actions(5, 120):
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


def test_an_action_outside_the_space_harms_nothing():
    env = make()
    env.reset(seed=1)
    for action in (17, -1, 1.5, True):
        with pytest.raises(InvalidAction):
            env.step(action)
    twin = make()
    twin.reset(seed=1)
    np.testing.assert_array_equal(env.step(2)[0], twin.step(2)[0])


def scene(ahead="grass", thing=None, facing=(0, 1), energy=9, sleeping=False, nearby=None, **inventory):
    """A player on grass, alone but for what it faces."""
    env = make()
    env.reset(seed=0)
    game = env._game
    world, player = game._world, game.player
    for obj in world.objects:
        if obj is not player:
            world.remove(obj)
    x, y = player.pos
    world._mat_map[x - 3 : x + 4, y - 3 : y + 4] = names.SEMANTICS.index("grass")
    player.facing, player.sleeping = facing, sleeping
    target = player.pos + np.array(facing)
    world[target] = ahead
    if thing is not None:
        world.add(thing(world, target, player))
    for name, offset in zip(nearby or (), ((-1, -1), (1, -1)), strict=False):
        world[player.pos + np.array(offset)] = name
    player.inventory.update(energy=energy, **inventory)
    return env


def cow(world, pos, player):
    return objects.Cow(world, pos)


def arrow(world, pos, player):
    return objects.Arrow(world, pos, (0, 1))


def sapling(world, pos, player):
    return objects.Plant(world, pos)


def ripe_plant(world, pos, player):
    plant = objects.Plant(world, pos)
    plant.grown = 301
    return plant


IRON_KIT = {"wood": 1, "coal": 1, "iron": 1}


@pytest.mark.parametrize(
    ("action", "effect", "setting"),
    [
        ("noop", True, {}),
        ("move_down", True, {}),
        ("move_down", False, {"ahead": "water"}),
        ("move_down", False, {"thing": cow}),
        ("move_down", True, {"ahead": "lava"}),
        ("move_left", True, {"ahead": "water"}),
        ("do", True, {}),
        ("do", False, {"ahead": "sand"}),
        ("do", True, {"ahead": "tree"}),
        ("do", True, {"ahead": "water"}),
        ("do", False, {"ahead": "stone"}),
        ("do", True, {"ahead": "stone", "wood_pickaxe": 1}),
        ("do", False, {"ahead": "diamond", "stone_pickaxe": 1}),
        ("do", True, {"thing": cow}),
        ("do", True, {"thing": objects.Zombie}),
        ("do", False, {"thing": arrow}),
        ("do", False, {"thing": sapling}),
        ("do", True, {"thing": ripe_plant}),
        ("sleep", False, {}),
        ("sleep", True, {"energy": 8}),
        ("sleep", True, {"energy": 5, "sleeping": True}),
        ("do", False, {"ahead": "tree", "energy": 5, "sleeping": True}),
        ("noop", True, {"energy": 5, "sleeping": True}),
        ("do", True, {"ahead": "tree", "sleeping": True}),
        ("place_stone", False, {}),
        ("place_stone", True, {"ahead": "lava", "stone": 1}),
        ("place_stone", False, {"ahead": "tree", "stone": 1}),
        ("place_stone", False, {"thing": cow, "stone": 1}),
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
    env = scene(**setting)
    player = env._game.player
    before = (dict(player.inventory), dict(player.achievements), player.pos.tolist(), player.facing, player.sleeping)
    before_map = env._game._world._mat_map.copy()
    info = env.step(ACTION[action])[4]
    assert info["invalid_action"] == (0 if effect else 1)
    if not effect:
        after = (info["inventory"], info["achievements"], player.pos.tolist(), player.facing, player.sleeping)
        assert after == before
        np.testing.assert_array_equal(env._game._world._mat_map, before_map)


# Text, sight, play.


def test_the_text_tells_what_is_near_and_what_has_happened():
    env = scene(ahead="tree", energy=8, wood=3)
    info = env.step(ACTION["do"])[4]
    text = describe(None, info)
    assert "You are awake. It is day." in text
    assert "You face south, towards grass." in text
    assert "energy 8/9" in text
    assert "You carry 4 wood." in text
    assert "Just happened: collect wood." in text
    assert describe(None, info) == text


def test_the_text_holds_at_the_edge_of_the_world():
    env = scene()
    game = env._game
    game._world._mat_map[:3, :3] = names.SEMANTICS.index("sand")
    game._world.move(game.player, np.array([0, 0]))
    game.player.facing = (-1, 0)
    text = describe(None, env.step(ACTION["move_left"])[4])
    assert "You face west, towards the edge of the world." in text
    assert "sand 1 east" in text or "sand 1 south" in text


def test_the_picture_can_be_read_back_by_day_and_by_night():
    env, read = make(), Reader()
    env.reset(seed=2)
    hidden = wrong = total = 0
    for step, action in enumerate(busy_actions(2, 240), start=1):
        keep_alive(env._game.player)
        observation, _, terminated, _, info = env.step(action)
        if terminated:
            break
        assert daylight(step) == pytest.approx(info["daylight"], abs=1e-12)
        if step % 8:
            continue
        sight = read(observation, step)
        assert sight.inventory == info["inventory"]
        assert sight.facing == tuple(info["player_facing"])
        padded = np.pad(info["semantic"], 4)
        x, y = info["player_pos"]
        shown = padded[x : x + 9, y + 1 : y + 8]
        for column, row in np.ndindex(9, 7):
            thing = sight.thing[column, row].split("-")[0]
            seen = names.SEMANTICS.index(thing) if thing else sight.material[column, row]
            hidden += seen < 0
            wrong += 0 <= seen != shown[column, row]
            total += 1
    assert total > 1000
    assert wrong == 0
    assert hidden < 0.05 * total


def test_sleep_shows_in_the_picture():
    env = scene(energy=5)
    assert not is_asleep(env.step(0)[0])
    assert is_asleep(env.step(ACTION["sleep"])[0])


def play(agent, seed):
    env = make()
    observation, _ = env.reset(seed=seed)
    agent.reset(seed)
    actions = []
    while True:
        actions.append(agent.act(observation))
        observation, _, terminated, truncated, info = env.step(actions[-1])
        if terminated or truncated or len(actions) == 400:
            return actions, sum(count > 0 for count in info["achievements"].values())


def test_the_expert_beats_the_random_agent_and_repeats_itself():
    env = make()
    task = env.task_info()
    expert = make_scripted(task)
    games = [play(expert, seed) for seed in range(4)]
    assert np.mean([unlocked for _, unlocked in games]) >= 10
    assert np.mean([play(RandomAgent(task), seed)[1] for seed in range(4)]) <= 5
    assert play(expert, 3)[0] == games[3][0]
    assert all(action in env.action_space for action in games[0][0])


def test_keys_are_actions_and_published_scores_are_of_our_tasks():
    assert set(FAMILY.keys.values()) | {FAMILY.idle_action} == set(range(17))
    table = tomllib.loads(files("envsuite.families.crafter").joinpath("published.toml").read_text("utf-8"))
    assert {row["task"] for row in table["score"]} == set(IDS)
    assert all(0 < row["value"] < 100 and row["source"] and row["protocol"] for row in table["score"])
