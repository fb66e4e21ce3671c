"""Meta-World: equal to upstream bit for bit, without history, solved by its experts."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files

import metaworld
import numpy as np
import pytest
from metaworld.env_dict import ALL_V3_ENVIRONMENTS

from envsuite import SUITES, get_task
from envsuite.env import TaskEnv
from envsuite.errors import InvalidTask, MissingExtra
from envsuite.families.metaworld import FAMILY, draw
from envsuite.families.metaworld.describe import GOAL, describe
from envsuite.families.metaworld.expert import ScriptedExpert, make_expert
from envsuite.families.metaworld.space import FIXED_GOALS, ResetSpace
from envsuite.registration import make_env

NAMES = [task.name.removeprefix("metaworld-").removesuffix("-v1") for task in FAMILY.tasks]
SOME = ["pick-place", "door-lock", "basketball", "peg-unplug-side", "window-close", "handle-pull", "sweep-into", "push"]
"""Tasks that differ in how upstream resets them: free objects, moved bodies, live views, fixed goals."""


def make(name: str, **kwargs: object) -> TaskEnv:
    return make_env(f"envsuite/metaworld-{name}-v1", **kwargs)


def expert_for(env: TaskEnv) -> ScriptedExpert:
    return make_expert(env.task_info())


def upstream(name: str, *, seed: int | None = None, vector: np.ndarray | None = None):
    """A fresh upstream object with the goal visible: seeded as its users do, or with a vector as `set_task` does."""
    raw = ALL_V3_ENVIRONMENTS[f"{name}-v3"](reward_function_version="v2")
    raw._partially_observable = False
    raw._set_task_called = True
    del raw.sawyer_observation_space
    if vector is None:
        raw._freeze_rand_vec = False
        raw.seeded_rand_vec = True
        raw.seed(seed)
    else:
        raw._last_rand_vec = vector.copy()
    return raw


def play(env: TaskEnv, agent: ScriptedExpert, observation: np.ndarray, steps: int) -> list:
    record = []
    for _ in range(steps):
        action = agent.act(observation)
        observation, reward, *_, info = env.step(action)
        record.append((action.tobytes(), observation.tobytes(), reward, info["success"], info["events"]))
    return record


def assert_equals_upstream(name: str, seed: int, steps: int) -> None:
    seeded = upstream(name, seed=seed)
    seeded.reset()
    env = make(name)
    observation, info = env.reset(seed=seed)
    assert info["task"].tobytes() == seeded._last_rand_vec.tobytes()
    raw = upstream(name, vector=seeded._last_rand_vec)
    expected = np.clip(raw.reset()[0], env.observation_space.low, env.observation_space.high)
    assert observation.tobytes() == expected.tobytes()
    agent = expert_for(env)
    for _ in range(steps):
        action = agent.act(observation)
        expected, expected_reward, _, _, expected_info = raw.step(action)
        observation, reward, _, _, info = env.step(action)
        assert observation.tobytes() == expected.tobytes()
        assert reward == float(expected_reward)
        assert info["success"] == bool(expected_info["success"])
        assert info["unscaled_reward"] == float(expected_info["unscaled_reward"])
    env.close()


@pytest.mark.parametrize("name", SOME)
def test_same_seed_gives_upstreams_trajectory(name):
    assert_equals_upstream(name, seed=5, steps=120)


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_same_seed_gives_upstreams_whole_episode(name):
    for seed in (0, 11):
        assert_equals_upstream(name, seed=seed, steps=500)


def assert_free_of_history(name: str) -> None:
    fresh, used = make(name), make(name)
    agent = expert_for(used)
    for seed in (77, 78):
        observation, _ = used.reset(seed=seed)
        play(used, agent, observation, 60)
    used.reset()
    records = []
    for env in (fresh, used):
        observation, info = env.reset(seed=5)
        records.append((observation.tobytes(), info["task"].tobytes(), play(env, agent, observation, 60)))
    assert records[0] == records[1]


@pytest.mark.parametrize("name", SOME)
def test_reset_does_not_depend_on_what_was_played_before(name):
    assert_free_of_history(name)


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_no_task_depends_on_what_was_played_before(name):
    assert_free_of_history(name)


@pytest.mark.parametrize("name", ["pick-place", "door-lock", "peg-unplug-side"])
def test_task_vector_alone_decides_the_episode(name):
    env = make(name)
    observation, info = env.reset(seed=3)
    seeded = play(env, expert_for(env), observation, 60)
    vector = info["task"]
    assert env.task_space.contains(vector)
    again, info = env.reset(seed=4, options={"task": vector})
    assert again.tobytes() == observation.tobytes()
    assert info["task"].tobytes() == vector.tobytes()
    assert play(env, expert_for(env), again, 60) == seeded


def test_seed_chooses_the_task_vector_and_no_global_generator_is_touched():
    env = make("reach")
    _, key, position, *_ = np.random.get_state()  # noqa: NPY002  # the generator that must not be used
    vectors = [env.reset(seed=seed)[1]["task"] for seed in (1, 2)]
    assert not np.array_equal(*vectors)
    _, key_after, position_after, *_ = np.random.get_state()  # noqa: NPY002
    assert np.array_equal(key_after, key)
    assert position_after == position


def test_task_vector_in_info_cannot_be_changed():
    _, info = make("reach").reset(seed=0)
    with pytest.raises(ValueError, match="read-only"):
        info["task"][0] = 1.0


def test_vector_that_upstream_would_turn_down_for_ever_is_an_invalid_task():
    env = make("pick-place")
    observation, _ = env.reset(seed=0)
    vector = env.task_space.sample()
    vector[:2], vector[3:5] = (0.0, 0.7), (0.0, 0.8)
    with pytest.raises(InvalidTask, match=r"min_distance=0\.15"):
        env.reset(options={"task": vector})
    twin = make("pick-place")
    twin.reset(seed=0)
    agent = expert_for(env)
    assert play(env, agent, observation, 5) == play(twin, agent, observation, 5), "the episode goes on unharmed"


@pytest.mark.parametrize("name", NAMES)
def test_task_space_holds_exactly_what_upstream_accepts(name):
    """Every vector that upstream draws again is outside, every other one inside."""
    raw = upstream(name, seed=0)
    raw._reset_hand = lambda: type(raw)._reset_hand(raw, 0)
    space = ResetSpace(raw._random_reset_space.low, raw._random_reset_space.high, name)
    rng = np.random.default_rng(1)
    if name in FIXED_GOALS:
        assert FIXED_GOALS[name] == tuple(raw.goal[:2])
    for _ in range(30):
        first = rng.uniform(space.low, space.high)
        far = space.draw(rng)
        queue = iter([first, far])
        given = []
        raw._get_state_rand_vec = lambda queue=queue, given=given: given.append(next(queue).copy()) or given[-1]
        raw.reset_model()
        assert len(given) == (1 if first in space else 2)
    members = [space.sample() for _ in range(5)]
    assert all(member in space for member in members)


@pytest.mark.parametrize("name", ["stick-pull", "door-lock", "coffee-pull"])
def test_snapshot_continues_bit_for_bit_in_any_environment_of_the_task(name):
    env, other = make(name), make(name)
    agent = expert_for(env)
    observation, _ = env.reset(seed=3)
    play(env, agent, observation, 70)
    saved = env.snapshot()
    observation = env._raw._last_stable_obs
    expected = play(env, agent, observation, 50)
    other.reset(seed=9)
    for target in (other, env):
        target.restore(saved)
        assert play(target, agent, observation, 50) == expected
        assert target._elapsed_steps == 120


def test_snapshot_of_another_task_is_refused():
    env, other = make("reach"), make("push")
    env.reset(seed=0)
    with pytest.raises(ValueError, match="metaworld-push-v1"):
        other.restore(env.snapshot())
    with pytest.raises(TypeError, match="snapshot"):
        other.restore({})


@pytest.mark.parametrize("name", NAMES)
def test_observations_lie_in_the_declared_space(name):
    env = make(name)
    observation, _ = env.reset(seed=1)
    rng = np.random.default_rng(0)
    for _ in range(10):
        assert observation.dtype == np.float64
        assert observation.flags.c_contiguous
        assert env.observation_space.contains(observation)
        assert observation[36:].any(), "the goal is visible"
        observation, reward, terminated, _, info = env.step(rng.uniform(-1, 1, 4).astype(np.float32))
        assert 0.0 <= reward <= 10.0
        assert not terminated
        assert set(info["events"]) <= set(FAMILY.events)
    env.close()


@pytest.mark.parametrize("name", ["door-open", "drawer-open", "pick-place", "push", "peg-insert-side"])
def test_expert_solves_the_task(name):
    env = make(name)
    observation, _ = env.reset(seed=0)
    record = play(env, expert_for(env), observation, 300)
    solved = [step[3] for step in record]
    assert any(solved)
    assert "success" in record[solved.index(True)][4]


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_expert_solves_at_least_two_of_three_episodes(name):
    env = make(name)
    solved = 0
    for seed in (100, 101, 102):
        observation, _ = env.reset(seed=seed)
        solved += any(step[3] for step in play(env, expert_for(env), observation, 500))
    assert solved >= 2


def test_limit_truncates_and_metrics_are_reported():
    env = make("reach")
    agent = expert_for(env)
    observation, _ = env.reset(seed=0)
    successes = 0
    for step in range(500):
        observation, _, terminated, truncated, info = env.step(agent.act(observation))
        successes += info["success"]
        assert not terminated
        assert truncated == (step == 499)
    assert info["metrics"] == {"obj_to_target_final": info["obj_to_target"], "success_steps": successes}
    assert successes > 0


def test_first_reward_functions_can_be_asked_for():
    best = {}
    for version in ("v1", "v2"):
        env = make("reach", reward_function_version=version)
        observation, _ = env.reset(seed=0)
        best[version] = max(step[2] for step in play(env, expert_for(env), observation, 100))
    assert best["v2"] <= 10.0 < best["v1"]
    with pytest.raises(ValueError, match="'v1' or 'v2'"):
        make("reach", reward_function_version="v3")


def test_frame_shows_the_scene_and_changes_nothing():
    env, twin = make("push", render_mode="rgb_array"), make("push")
    agent = expert_for(env)
    observation, _ = env.reset(seed=0)
    twin.reset(seed=0)
    before = env.render()
    assert before.shape == (480, 480, 3)
    assert before.dtype == np.uint8
    assert before.std() > 10
    assert np.array_equal(before, env.render())
    assert play(env, agent, observation, 20) == play(twin, agent, observation, 20)
    assert not np.array_equal(before, env.render())
    env.close()
    env.close()


@pytest.mark.parametrize("name", ["sweep", "pick-out-of-hole"])
def test_the_marker_of_the_goal_is_drawn_at_the_goal(name, monkeypatch):
    drawn = []
    monkeypatch.setattr(draw, "frame", lambda _, scene: drawn.append(scene.site("goal").xpos.copy()))
    env = make(name, render_mode="rgb_array")
    observation, _ = env.reset(seed=1)
    env.step(np.zeros(4, np.float32))
    env.render()
    env.close()
    np.testing.assert_allclose(drawn[0], observation[GOAL], atol=1e-9)


def test_missing_opengl_names_the_packages(monkeypatch):
    def missing(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    for name in ("DISPLAY", "WAYLAND_DISPLAY", "MUJOCO_GL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(draw.sys, "platform", "linux")
    monkeypatch.setattr(draw.ctypes, "CDLL", missing)
    env = make("reach", render_mode="rgb_array")
    env.reset(seed=0)
    with pytest.raises(MissingExtra, match="libegl1"):
        env.render()


def test_description_is_english_about_hand_object_and_goal():
    env = make("pick-place")
    observation, info = env.reset(seed=0)
    text = describe(observation, info)
    assert text == describe(observation.copy(), info)
    assert re.search(r"The hand is at x -?\d+, y \d+, z \d+ cm", text)
    assert "The object is at" in text
    assert "The goal is at" in text
    assert "solved" not in text
    assert describe(observation, {**info, "success": True}).endswith("The task is solved.")


def test_every_upstream_task_has_an_id():
    assert sorted(f"{name}-v3" for name in NAMES) == sorted(ALL_V3_ENVIRONMENTS)
    tagged = {tag: {t.kwargs["env_name"] for t in FAMILY.tasks if tag in t.tags} for tag in ("mt10", "quick", "core")}
    assert tagged["mt10"] == set(metaworld.env_dict.MT10_V3)
    assert len(tagged["quick"]) == 2
    assert tagged["core"] | tagged["quick"] <= tagged["mt10"]
    assert all(task.goal.endswith(".") for task in FAMILY.tasks)


def test_keys_are_actions():
    space = make("reach").action_space
    for action in (*FAMILY.keys.values(), FAMILY.idle_action):
        assert space.contains(np.asarray(action, np.float32))


def test_published_scores_have_a_source():
    table = tomllib.loads(files("envsuite.families.metaworld").joinpath("published.toml").read_text("utf-8"))
    assert table["score"]
    for score in table["score"]:
        assert {"suite", "agent", "value", "metric", "unit", "protocol", "source"} <= set(score)
        assert 0.0 <= score["value"] <= 100.0
        assert score["suite"] in SUITES
    assert get_task("metaworld-reach-v1").metric == "success_rate"
