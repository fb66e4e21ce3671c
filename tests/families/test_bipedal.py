"""The bipedal family: equal to Gymnasium bit for bit, honest about its tracks, scripted and drawn."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import warnings
from importlib.resources import files

import gymnasium
import numpy as np
import pytest
from Box2D import b2PolygonShape
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

import envsuite.families.bipedal as bipedal
from envsuite.agent import make_scripted
from envsuite.errors import InvalidAction, InvalidTask
from envsuite.families.bipedal import track as tracks
from envsuite.families.bipedal.describe import EVENTS, FACTORS, describe

FLAT, HARDCORE, STUMPS = IDS = [f"envsuite/bipedal-{name}-v1" for name in ("flat", "hardcore", "stumps")]
UPSTREAM = {FLAT: "BipedalWalker-v3", HARDCORE: "BipedalWalkerHardcore-v3"}


def zero(rng, t):
    return np.zeros(4, np.float32)


def uniform(rng, t):
    return rng.uniform(-1, 1, 4).astype(np.float32)


def full_torque(rng, t):
    return rng.choice([-1, 1], 4).astype(np.float32)


def swing(rng, t):
    return np.array([np.sin(t / 8), np.cos(t / 8) / 2, -np.sin(t / 8), -np.cos(t / 8) / 2], np.float32)


def make(task_id, **kwargs):
    return gymnasium.make(task_id, **kwargs).unwrapped


def make_upstream(task_id):
    return gymnasium.make(UPSTREAM[task_id], disable_env_checker=True).unwrapped


def info_for(task_id):
    env = make(task_id)
    return env.task_info()


def trajectory(env, seed, act, steps=300, options=None):
    """The bytes of every observation, reward and end flag."""
    observation, _ = env.reset(seed=seed, options=options)
    rng = np.random.default_rng(seed)
    record = [observation.tobytes()]
    for t in range(steps):
        observation, reward, terminated, *_ = env.step(act(rng, t))
        record.append((observation.tobytes(), float(reward), terminated))
        if terminated:
            break
    return record


def play(env, agent, seed, options=None):
    """Total reward, length and last info of an episode."""
    observation, _ = env.reset(seed=seed, options=options)
    agent.reset(seed)
    total, length, done = 0.0, 0, False
    while not done:
        observation, reward, terminated, truncated, info = env.step(agent.act(observation))
        total, length, done = total + reward, length + 1, terminated or truncated
    return total, length, info


@pytest.mark.parametrize("act", [zero, uniform, full_torque, swing])
@pytest.mark.parametrize("task_id", [FLAT, HARDCORE])
def test_whole_episodes_equal_gymnasium_bit_for_bit(task_id, act):
    env = make(task_id)
    for seed in (0, 1, 2, 2**31 - 1):
        upstream = make_upstream(task_id)
        steps = env.task.max_episode_steps
        assert trajectory(env, seed, act, steps) == trajectory(upstream, seed, act, steps)


def test_a_walk_to_the_finish_equals_gymnasium_bit_for_bit():
    env, upstream, agent = make(FLAT), make_upstream(FLAT), make_scripted(info_for(FLAT))
    observation, _ = env.reset(seed=0)
    expected, _ = upstream.reset(seed=0)
    terminated = truncated = False
    while not (terminated or truncated):
        np.testing.assert_array_equal(observation, expected, strict=True)
        action = agent.act(observation)
        observation, reward, terminated, truncated, info = env.step(action)
        expected, expected_reward, expected_terminated, _, _ = upstream.step(action)
        assert (reward, terminated) == (float(expected_reward), expected_terminated)
    assert info["success"]


def test_tracks_equal_the_ground_and_the_blocks_of_gymnasium():
    for task_id in (FLAT, HARDCORE):
        for seed in range(30):
            upstream = make_upstream(task_id)
            upstream.reset(seed=seed)
            track = tracks.classic_track(np.random.default_rng(seed), hardcore=task_id == HARDCORE)
            assert track.ground == tuple(zip(upstream.terrain_x, upstream.terrain_y, strict=True))
            shapes = [body.fixtures[0].shape for body in reversed(upstream.terrain)]
            blocks = [set(shape.vertices) for shape in shapes if isinstance(shape, b2PolygonShape)]
            assert [set(map(tuple, np.float32(block).tolist())) for block in track.blocks] == blocks


@pytest.mark.parametrize("task_id", IDS)
def test_the_seed_alone_decides_the_episode_whatever_came_before(task_id):
    used = make(task_id)
    trajectory(used, 123, full_torque, 80)
    used.reset()
    used.step(np.ones(4, np.float32))
    assert trajectory(used, 7, uniform) == trajectory(make(task_id), 7, uniform)


def test_gymnasium_reusing_its_world_gives_other_bits():
    # Why every episode here has a world of its own.
    used = make_upstream(HARDCORE)
    trajectory(used, 777, full_torque)
    changed = [
        seed
        for seed in range(8)
        if trajectory(used, seed, full_torque) != trajectory(make_upstream(HARDCORE), seed, full_torque)
    ]
    assert changed


def test_another_process_gives_the_same_bytes():
    code = (
        "import envsuite, gymnasium, numpy as np\n"
        f"env = gymnasium.make({STUMPS!r}); env.reset(seed=11)\n"
        "steps = [env.step(np.full(4, 0.1, np.float32)) for _ in range(40)]\n"
        "print([(o.tobytes().hex(), r) for o, r, *_ in steps])"
    )
    env = make(STUMPS)
    env.reset(seed=11)
    steps = [env.step(np.full(4, 0.1, np.float32)) for _ in range(40)]
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip().endswith(repr([(o.tobytes().hex(), r) for o, r, *_ in steps]))


def test_unseeded_resets_continue_a_seeded_stream():
    def three_episodes():
        env = make(STUMPS)
        return [env.reset(seed=4)[0].tobytes(), *(env.reset()[0].tobytes() for _ in range(2))]

    assert three_episodes() == three_episodes()
    assert len(set(three_episodes())) == 3


@pytest.mark.parametrize("task_id", IDS)
def test_the_factors_add_up_to_the_reward_exactly(task_id):
    env = make(task_id)
    for seed in range(6):
        env.reset(seed=seed)
        rng = np.random.default_rng(seed)
        terminated = False
        for _ in range(250):
            _, reward, terminated, _, info = env.step(uniform(rng, 0) if seed % 2 else full_torque(rng, 0))
            assert sum(info["factors"].values()) == reward
            assert tuple(info["factors"]) == bipedal.FAMILY.factors
            if terminated:
                break
        low, high = env.task.reward_range
        assert low <= reward <= high


def test_the_factors_are_what_their_names_say():
    env = make(FLAT)
    before, _ = env.reset(seed=1)
    start = env._world.position[0]
    action = np.array([0.5, -0.25, 0.0, 1.0], np.float32)
    after, _, _, _, info = env.step(action)
    assert info["factors"]["torque"] == pytest.approx(-0.028 * 1.75, rel=1e-6)
    assert info["factors"]["posture"] == pytest.approx(-5 * (abs(after[0]) - abs(before[0])), abs=1e-6)
    assert info["factors"]["progress"] == pytest.approx(130 / 30 * (env._world.position[0] - start), abs=1e-6)


def test_a_fall_ends_the_episode_with_minus_one_hundred():
    env = make(FLAT)
    total, _, info = play(env, Still(), seed=0)
    assert info["events"][-1:] == ("fell",)
    assert info["factors"] == {"progress": 0.0, "posture": 0.0, "torque": 0.0, "fall": -100.0}
    assert not info["success"]
    assert total < -90
    assert info["metrics"]["mastered"] == 0.0
    assert set(info["metrics"]) == set(bipedal.FAMILY.metrics)
    with pytest.raises(ResetNeeded):
        env.step(np.zeros(4, np.float32))


class Still:
    def reset(self, seed):
        pass

    def act(self, observation):
        return np.zeros(4, np.float32)


def test_contact_events_are_the_rising_edges_of_the_contact_flags():
    env = make(FLAT)
    env.reset(seed=2)
    rng = np.random.default_rng(2)
    before, seen = (0.0, 0.0), set()
    for _ in range(200):
        observation, _, terminated, _, info = env.step(uniform(rng, 0))
        flags = (observation[8], observation[13])
        for name, old, new in zip(("left_contact", "right_contact"), before, flags, strict=True):
            assert (name in info["events"]) == (new > old)
        before = flags
        seen |= set(info["events"])
        if terminated:
            break
    assert {"left_contact", "right_contact"} <= seen <= set(bipedal.FAMILY.events)


def test_the_space_holds_where_that_of_gymnasium_does_not():
    env, upstream = make(HARDCORE), make_upstream(HARDCORE)
    env.reset(seed=314)
    rng = np.random.default_rng(314)
    left_upstream = False
    for t in range(200):
        observation, _, terminated, _, _ = env.step(full_torque(rng, t))
        assert env.observation_space.contains(observation)
        left_upstream |= not upstream.observation_space.contains(observation)
        if terminated:
            break
    assert left_upstream


@pytest.mark.parametrize("task_id", IDS)
def test_gymnasiums_own_checker_finds_nothing(task_id):
    env = gymnasium.make(task_id, render_mode="rgb_array").unwrapped
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env)
    env.close()
    env.close()


def test_wrong_actions_and_arguments_are_refused():
    env = make(FLAT)
    env.reset(seed=0)
    for action in (np.full(4, 1.1, np.float32), np.zeros(4), np.zeros(3, np.float32), [0.0] * 4):
        with pytest.raises(InvalidAction):
            env.step(action)
    with pytest.raises(ValueError, match="lidar"):
        make(FLAT, lidar="furthest")
    with pytest.raises(ValueError, match="track"):
        make(FLAT, track="moon")


def test_stumps_take_their_task_from_the_caller_or_from_the_seed():
    env = make(STUMPS)
    _, info = env.reset(seed=3, options={"task": [1.5, 4.0]})
    np.testing.assert_array_equal(info["task"], np.array([1.5, 4.0], np.float32), strict=True)
    assert env.step(np.zeros(4, np.float32))[4]["task"] is info["task"]
    drawn = [env.reset(seed=seed)[1]["task"] for seed in range(200)]
    assert all(env.task_space.contains(task) for task in drawn)
    np.testing.assert_allclose(np.mean(drawn, axis=0), [1.5, 3.0], atol=0.35)
    np.testing.assert_allclose(np.std(drawn, axis=0), np.array([3.0, 6.0]) / 12**0.5, rtol=0.15)
    assert trajectory(env, 9, uniform) == trajectory(make(STUMPS), 9, uniform, options={"task": _drawn(9)})


def _drawn(seed):
    return make(STUMPS).reset(seed=seed)[1]["task"]


@pytest.mark.parametrize("task", [[3.1, 1.0], [-0.1, 1.0], [1.0, 6.5], [1.0], [np.nan, 1.0]])
def test_tasks_outside_the_task_space_are_refused(task):
    with pytest.raises(InvalidTask):
        make(STUMPS).reset(seed=0, options={"task": task})


@pytest.mark.parametrize("task_id", [FLAT, HARDCORE])
def test_classic_tracks_have_no_task_parameters(task_id):
    env = make(task_id)
    assert env.reset(seed=0)[1]["task"] is None
    with pytest.raises(InvalidTask):
        env.reset(seed=0, options={"task": [1.0, 1.0]})


@pytest.mark.parametrize(("height", "spacing"), [(0.0, 6.0), (1.0, 3.0), (3.0, 0.5), (2.0, 0.0)])
def test_stumps_have_the_height_and_the_spacing_of_the_task(height, spacing):
    blocks, ground = [], set()
    for seed in range(20):
        track = tracks.stump_track(np.random.default_rng(seed), height, spacing)
        blocks += track.blocks
        ground |= {y for _, y in track.ground}
        xs = [x for x, _ in track.ground]
        assert xs == sorted(set(xs))
        assert xs[0] == 0.0
        assert xs[-1] >= tracks.LENGTH > tracks.FINISH_X
        lefts = [block[0][0] for block in track.blocks]
        assert lefts[0] == pytest.approx(20 * tracks.STEP)
        np.testing.assert_allclose(np.diff(lefts), tracks.STEP + max(spacing, 0.01))
    assert ground == {tracks.GROUND}
    heights = np.array([block[2][1] - block[0][1] for block in blocks]) / tracks.STEP
    widths = np.array([block[1][0] - block[0][0] for block in blocks]) / tracks.STEP
    np.testing.assert_allclose(widths, 1.0)
    assert heights.min() >= 0.05 - 1e-9
    if height > 0.5:
        assert heights.mean() == pytest.approx(height, abs=0.05)
        assert heights.std() == pytest.approx(0.1, abs=0.02)


def test_legacy_lidar_is_never_nearer_and_leaves_the_physics_alone():
    nearest, legacy = make(STUMPS), make(STUMPS, lidar="legacy")
    task = {"task": [2.0, 1.0]}
    observations = [env.reset(seed=6, options=task)[0] for env in (nearest, legacy)]
    rng = np.random.default_rng(6)
    differs = False
    for _ in range(60):
        near, first = observations
        np.testing.assert_array_equal(near[:14], first[:14])
        assert np.all(near[14:] <= first[14:])
        differs |= bool(np.any(near[14:] < first[14:]))
        action = uniform(rng, 0)
        results = [env.step(action) for env in (nearest, legacy)]
        observations = [result[0] for result in results]
        if results[0][2]:
            break
    assert differs


def test_observations_belong_to_the_caller():
    env = make(FLAT)
    first, _ = env.reset(seed=0)
    kept = first.copy()
    second, *_ = env.step(np.ones(4, np.float32))
    np.testing.assert_array_equal(first, kept)
    assert second.flags.owndata
    assert second.flags.c_contiguous


@pytest.mark.parametrize("task_id", IDS)
def test_pictures_show_the_scene_and_change_nothing(task_id):
    env, silent = make(task_id, render_mode="rgb_array"), make(task_id)
    observation, _ = env.reset(seed=8)
    silent.reset(seed=8)
    rng = np.random.default_rng(8)
    for _ in range(20):
        frame = env.render()
        assert frame.shape == (400, 600, 3)
        assert frame.dtype == np.uint8
        np.testing.assert_array_equal(frame, env.render())
        action = uniform(rng, 0)
        observation = env.step(action)[0]
        np.testing.assert_array_equal(observation, silent.step(action)[0])
    colors = np.unique(frame.reshape(-1, 3), axis=0)
    assert len(colors) > 100
    # The hull's blue is nowhere else in the scene.
    assert np.any(np.all(np.abs(frame.astype(int) - (86, 110, 178)) <= 2, axis=2))
    env.close()


def test_descriptions_are_short_english_and_depend_on_nothing_else():
    env = make(STUMPS)
    observation, info = env.reset(seed=0, options={"task": [2.0, 0.5]})
    text = describe(observation, info)
    assert text == describe(observation.copy(), dict(info))
    assert "Stumps are about 2.0 steps high and 0.5 units apart." in text
    assert text.startswith("The hull is level")
    assert f"higher ground {20 * tracks.STEP - tracks.START_X:.1f} units ahead" in text
    assert "no higher ground in sight" in describe(make(FLAT).reset(seed=0)[0])
    assert describe(observation) in text
    falling = observation.copy()
    falling[0], falling[8], falling[14:] = -0.7, 1.0, 0.2
    assert describe(falling, {"events": ("fell",)}).startswith("The hull is tilted 0.7 rad forward")
    assert "Left leg on the ground" in describe(falling)
    assert EVENTS["fell"] in describe(falling, {"events": ("fell",)})
    assert tuple(EVENTS) == bipedal.FAMILY.events
    assert tuple(FACTORS) == bipedal.FAMILY.factors


def test_the_scripted_walker_masters_flat_ground():
    env, agent = make(FLAT), make_scripted(info_for(FLAT))
    results = [play(env, agent, seed) for seed in range(100, 104)]
    assert np.mean([total for total, _, _ in results]) > 200
    assert any(info["success"] for _, _, info in results)
    for total, _, info in results:
        assert info["metrics"]["mastered"] == float(total > 230)
        assert 0.0 <= info["metrics"]["progress_fraction"] <= 1.0


def test_the_scripted_walker_gets_over_low_stumps():
    env, agent = make(STUMPS), make_scripted(info_for(STUMPS))
    distances = [play(env, agent, seed, {"task": [0.2, 4.0]})[2]["metrics"]["distance"] for seed in range(3)]
    assert np.mean(distances) > 20


@pytest.mark.parametrize("task_id", IDS)
def test_the_scripted_walker_is_repeatable_and_acts_inside_the_space(task_id):
    env, agent = make(task_id), make_scripted(info_for(task_id))
    records = []
    for _ in range(2):
        observation, _ = env.reset(seed=1)
        agent.reset(1)
        actions = []
        for _ in range(60):
            actions.append(agent.act(observation))
            assert env.action_space.contains(actions[-1])
            observation, _, terminated, _, _ = env.step(actions[-1])
            if terminated:
                break
        records.append(np.stack(actions).tobytes())
    assert records[0] == records[1]


def test_every_key_is_an_action_and_no_key_rests():
    space = make(FLAT).action_space
    keys = bipedal.FAMILY.keys
    assert len(keys) == 8
    assert all(space.contains(action) for action in (*keys.values(), bipedal.FAMILY.idle_action))
    assert len({action.tobytes() for action in keys.values()}) == 8


def test_published_scores_name_a_task_and_a_source():
    table = tomllib.loads(files(bipedal).joinpath("published.toml").read_text(encoding="utf-8"))
    assert table["score"]
    for score in table["score"]:
        assert score["task"] in IDS
        assert score["source"]
        assert score["protocol"]
        assert isinstance(score["value"], float)
