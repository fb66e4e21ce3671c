"""Observations, states, masks and rewards are SMAC's, number by number."""

import numpy as np
import pytest
from families.starcraft2.smac_reference import (
    Rewards,
    legal,
    make,
    mask_of,
    observation_of,
    state_of,
    teams,
)

from envsuite.families.starcraft2.engine.units import TYPE_OF_NAME
from envsuite.families.starcraft2.engine.views import widths


@pytest.mark.parametrize(
    ("name", "steps"),
    [("3m", 60), ("2s3z", 60), ("MMM2", 40), ("corridor", 40), ("2c_vs_64zg", 20), ("3s_vs_5z", 40)],
)
def test_what_agents_see_and_get_is_what_smacs_formulas_give(name, steps):
    env, rng = make(name), np.random.default_rng(1)
    count = len(env.action_space.nvec)
    for seed in range(2):
        observation, _ = env.reset(seed=seed)
        last, rewards = [None] * count, Rewards(env)
        for _ in range(steps):
            masks = np.stack([mask_of(env, agent) for agent in range(count)])
            np.testing.assert_array_equal(observation["action_mask"].reshape(count, -1), masks)
            expected = np.stack([observation_of(env, agent) for agent in range(count)])
            np.testing.assert_allclose(observation["observation"], expected, atol=1e-6)
            np.testing.assert_allclose(observation["state"], state_of(env, last), atol=1e-6)
            action = legal(rng, observation["action_mask"], count)
            # Most attack when they can, so that something happens.
            for agent, mask in enumerate(masks):
                if mask[6:].any() and rng.random() < 0.7:
                    action[agent] = 6 + np.flatnonzero(mask[6:])[0]
            last = action.tolist()
            observation, reward, terminated, truncated, info = env.step(action)
            assert reward == pytest.approx(rewards.step(info["success"]), abs=1e-9)
            assert sum(info["factors"].values()) == pytest.approx(reward, abs=1e-12)
            if terminated or truncated:
                break


def test_sizes_are_smacs():
    # From SMAC's get_env_info: observation, state, actions.
    sizes = {
        "3m": (30, 48, 9),
        "8m": (80, 168, 14),
        "2s3z": (80, 120, 11),
        "3s5z": (128, 216, 14),
        "MMM2": (176, 322, 18),
        "5m_vs_6m": (55, 98, 12),
        "27m_vs_30m": (285, 1170, 36),
        "corridor": (156, 282, 30),
        "6h_vs_8z": (78, 140, 14),
        "2c_vs_64zg": (332, 342, 70),
    }
    for name, (observation, state, actions) in sizes.items():
        env = make(name)
        assert widths(env.options.rules.mine) == (observation, state), name
        assert set(env.action_space.nvec.tolist()) == {actions}


def test_further_parts_of_observations_come_where_smac_has_them():
    plain = make("5m_vs_6m")
    full = make("5m_vs_6m", sees=("pathing", "last_actions", "position", "timestep"))
    before, _ = plain.reset(seed=3)
    more, _ = full.reset(seed=3)
    actions = np.array([4, 4, 2, 3, 1])
    before, more = plain.step(actions)[0]["observation"], full.step(actions)[0]["observation"]
    assert more.shape[1] - before.shape[1] == 8 + 4 * 12 + 2 + 1
    np.testing.assert_array_equal(more[:, :4], before[:, :4])
    # Four units away the strip still goes on to the left and the right, not far north and south.
    assert set(more[:, 4:12].ravel().tolist()) <= {0.0, 1.0}
    np.testing.assert_array_equal(more[:, 12 : 12 + 6 * 5], before[:, 4:34])
    friends = more[0, 42 : 42 + 4 * 17].reshape(4, 17)
    np.testing.assert_array_equal(friends[:, :5], before[0, 34:54].reshape(4, 5))
    np.testing.assert_array_equal(friends[:, 5:].argmax(axis=1), actions[1:])
    unit = teams(full)[0][0]
    np.testing.assert_allclose(more[0, -3:], [unit.x / 32, unit.y / 32, 1 / 70], atol=1e-6)


def test_the_ground_round_an_agent_is_told():
    env = make("3m", sees="pathing")
    env.reset(seed=0)
    unit = env._fights.games.batch.units[0, 0]
    unit["x"], unit["y"] = 2.5, 10.5
    snapshot = env.snapshot()
    env.restore(snapshot)
    # North, south, east, west by four; then the diagonals by two. Outside the map counts as ground.
    found = env._observation()["observation"][0, 4:12].tolist()
    assert found == [1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    assert env.action_masks()[:6].tolist() == [0, 1, 1, 1, 1, 1]
    unit["y"] = 8.5
    env.restore(env.snapshot())
    assert env.action_masks()[:6].tolist() == [0, 1, 1, 0, 1, 1]


def test_a_medivac_is_offered_friends_and_heals_them():
    env = make("MMM")
    env.reset(seed=0)
    units = env._fights.games.batch.units[0]
    allies, _ = teams(env)
    medivac = next(index for index, unit in enumerate(allies) if unit.name == "Medivac")
    for index, unit in enumerate(units[10:20]):
        unit["x"], unit["y"] = 30.0, 9.0 + index  # far away
    units[0]["health"] = 50.0
    env.restore(env.snapshot())
    mask = env.action_masks().reshape(10, -1)[medivac]
    assert mask[6 : 6 + medivac].all()
    assert mask[6 + medivac] == 0
    assert mask.shape == (16,)
    actions = np.ones(10, np.int64)
    actions[medivac] = 6
    energy = float(units[medivac]["energy"])
    env.step(actions)
    assert units[0]["health"] > 50.0
    assert units[medivac]["energy"] < energy
    actions[medivac] = 1
    health = float(units[0]["health"])
    env.step(actions)
    assert units[0]["health"] == health  # it heals nobody of itself


def test_who_has_nothing_but_medivacs_left_has_lost():
    for team, won in ((0, False), (1, True)):
        env = make("MMM")
        env.reset(seed=0)
        games = env._fights.games
        doomed = games.batch.units[0, :10] if team == 0 else games.batch.units[0, 10:20]
        for record in doomed[doomed["type"] != 0]:
            if record["type"] not in (TYPE_OF_NAME["Medivac"], TYPE_OF_NAME["Medivac_RL"]):
                games.kill(0, int(record["tag"]))
        _, _, terminated, truncated, info = env.step(np.ones(10, np.int64))
        assert (terminated, truncated, info["success"]) == (True, False, won)


def test_both_teams_dead_in_one_step_is_a_draw_and_no_new_battle():
    env = make("bane_vs_bane")
    env.reset(seed=0)
    games = env._fights.games
    for tag in games.units(0)["tag"].tolist():
        games.kill(0, tag)
    observation, reward, terminated, _, info = env.step(np.zeros(24, np.int64))
    assert terminated
    assert not info["success"]
    assert (info["allies_left"], info["enemies_left"]) == (0, 0)
    assert not observation["observation"].any()
    assert set(info["events"]) == {"enemy_killed", "unit_lost"}
    assert 0 < reward < 20


def test_a_sparse_reward_tells_of_the_end_alone():
    for doomed, reward, event in ((slice(3), -1.0, "lost"), (slice(3, 6), 1.0, "won")):
        env = make("3m", reward="sparse")
        env.reset(seed=0)
        assert env.step(np.ones(3, np.int64))[1] == 0.0
        games = env._fights.games
        for tag in games.batch.units[0, doomed]["tag"].tolist():
            games.kill(0, tag)
        _, got, terminated, _, info = env.step(env.action_masks().reshape(3, -1).argmax(axis=1))
        assert (got, terminated) == (reward, True)
        assert event in info["events"]
        assert info["factors"]["win"] == reward
        assert env.task.reward_range == (-1.0, 1.0)
