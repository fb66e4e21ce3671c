"""BattleParallelEnv: PettingZoo's own tests, agents and their infos, self-play, and what is refused."""

import types
import warnings

import numpy as np
import pytest
from families.starcraft2.smac_reference import TASKS, make, make_parallel
from gymnasium.error import ResetNeeded

import envsuite
from envsuite import parallel
from envsuite.errors import InvalidAction, InvalidArgument, MissingExtra, UnknownName
from envsuite.families.starcraft2 import FAMILY
from envsuite.families.starcraft2.engine.units import TYPE_OF_NAME
from envsuite.families.starcraft2.teams.parallel import make_parallel as entry_point

with warnings.catch_warnings():
    # Its tests of environments import one of its own in a way that it warns of.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pettingzoo.test import parallel_api_test, parallel_seed_test


def acts(env, observations, rng, attack=0.8):
    actions = {}
    for agent, observation in observations.items():
        mask = observation["action_mask"]
        targets = np.flatnonzero(mask[6:]) + 6
        legal = targets if len(targets) and rng.random() < attack else np.flatnonzero(mask)
        actions[agent] = int(rng.choice(legal))
    return actions


@pytest.mark.parametrize("options", [{}, {"self_play": True}, {"reward": "sparse"}])
@pytest.mark.parametrize("name", ["3m", "zerg_5_vs_5"])
def test_pettingzoos_tests_pass(name, options, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parallel_api_test(make_parallel(name, **options), num_cycles=80)
        parallel_seed_test(lambda: make_parallel(name, **options), num_cycles=20)
    capsys.readouterr()


def test_the_team_sees_and_gets_what_the_central_view_does():
    together, apart = make("MMM2"), make_parallel("MMM2")
    whole, _ = together.reset(seed=4)
    parts, _ = apart.reset(seed=4)
    assert list(parts) == apart.agents == apart.possible_agents == [f"ally_{index}" for index in range(10)]
    rng = np.random.default_rng(0)
    while apart.agents:
        np.testing.assert_array_equal(np.stack([part["observation"] for part in parts.values()]), whole["observation"])
        np.testing.assert_array_equal(
            np.concatenate([part["action_mask"] for part in parts.values()]), whole["action_mask"]
        )
        np.testing.assert_array_equal(apart.state(), whole["state"])
        actions = acts(apart, parts, rng)
        whole, reward, terminated, truncated, info = together.step(np.array(list(actions.values())))
        parts, rewards, terminations, truncations, infos = apart.step(actions)
        assert set(rewards.values()) == {reward}
        assert set(terminations.values()) == {terminated}
        assert set(truncations.values()) == {truncated}
        for each in infos.values():
            for key in ("success", "events", "loop", "allies_left", "enemies_left", "invalid_action"):
                assert each[key] == info[key]
    assert terminated or truncated
    assert apart.state_space.contains(apart.state())


def test_spaces_hold_what_is_handed_out_and_it_is_the_callers():
    env = make_parallel("2s3z", self_play=True)
    observations, _ = env.reset(seed=0)
    for agent, observation in observations.items():
        assert env.observation_space(agent).contains(observation)
        observation["action_mask"][:] = 1
        observation["observation"][:] = 9.0
    again = make_parallel("2s3z", self_play=True)
    fresh, _ = again.reset(seed=0)
    actions = dict.fromkeys(env.agents, 6)  # against every true mask
    found, expected = env.step(actions)[0], again.step(actions)[0]
    for agent in fresh:
        np.testing.assert_array_equal(found[agent]["observation"], expected[agent]["observation"])


def test_the_dead_stay_and_can_do_nothing():
    env = make_parallel("3m")
    env.reset(seed=0)
    games = env._fights.games
    games.kill(0, int(games.batch.units[0, 1]["tag"]))
    observations, _, terminations, _, infos = env.step(dict.fromkeys(env.agents, 1))
    assert env.agents == env.possible_agents
    assert not any(terminations.values())
    assert [infos[agent]["alive"] for agent in env.agents] == [True, False, True]
    assert observations["ally_1"]["action_mask"].tolist() == [1] + [0] * 8
    assert not observations["ally_1"]["observation"].any()
    # It had an action of the living, as PettingZoo's seed test gives it one.
    assert infos["ally_1"]["invalid_action"] == 1
    infos = env.step({"ally_0": 1, "ally_1": 0, "ally_2": 1})[4]
    assert infos["ally_0"]["invalid_action"] == 1


def test_bad_actions_are_refused_and_the_battle_is_unchanged():
    env, twin = make_parallel("3m"), make_parallel("3m")
    with pytest.raises(ResetNeeded, match=r"call reset\(\) before step\(\)"):
        env.step({})
    env.reset(seed=0)
    twin.reset(seed=0)
    wrong = [
        ({"ally_0": 1, "ally_1": 1}, "expected one of each of 3 agents, the dead included, got none of ally_2"),
        ({"ally_0": 1, "ally_1": 1, "ally_2": 1, "red_0": 1}, "got one of red_0"),
        ({"ally_0": 1, "ally_1": 1, "ally_2": 9}, r"expected a member of Discrete\(9\), got int 9"),
        ({"ally_0": 1, "ally_1": 1, "ally_2": None}, r"expected a member of Discrete\(9\)"),
        ({"ally_0": 1, "ally_1": 1, "ally_2": np.array([1, 1])}, r"expected a member of Discrete\(9\)"),
    ]
    for actions, message in wrong:
        with pytest.raises(InvalidAction, match=message):
            env.step(actions)
    good = dict.fromkeys(env.agents, 4)
    np.testing.assert_array_equal(
        env.step(good)[0]["ally_0"]["observation"], twin.step(good)[0]["ally_0"]["observation"]
    )


def test_an_ended_battle_needs_a_reset_and_a_reset_goes_on_with_the_stream():
    env, twin = make_parallel("terran_5_vs_5"), make_parallel("terran_5_vs_5")
    for each in (env, twin):
        each.reset(seed=9)
        for tag in each._fights.games.units(0)["tag"].tolist()[5:]:
            each._fights.games.kill(0, tag)
        infos = each.step(dict.fromkeys(each.agents, 1))[4]
        assert all(info["success"] for info in infos.values())
        assert each.agents == []
        with pytest.raises(ResetNeeded):
            each.step({})
    first, second = env.reset()[0], twin.reset()[0]
    other = make_parallel("terran_5_vs_5").reset(seed=9)[0]
    np.testing.assert_array_equal(first["ally_0"]["observation"], second["ally_0"]["observation"])
    assert not np.array_equal(
        np.stack([o["observation"] for o in first.values()]), np.stack([o["observation"] for o in other.values()])
    )


# Self-play.


def mirrored(env):
    """Puts the second player where the first is, seen in a mirror; returns which team is which player."""
    units = env._fights.games.batch.units[0]
    count = env.options.rules.mine.agents
    units["x"][count : 2 * count] = 32 - units["x"][:count]
    units["y"][count : 2 * count] = units["y"][:count]
    env.restore(env.snapshot())
    return ("red", "ally") if env._fights.state[0]["side"] else ("ally", "red")


@pytest.mark.parametrize("name", ["3m", "MMM", "1c3s5z"])
def test_both_teams_of_self_play_see_the_same_in_a_mirror(name):
    env = make_parallel(name, self_play=True)
    env.reset(seed=len(name))
    left, right = mirrored(env)
    count = env.options.rules.mine.agents
    assert env.possible_agents == [f"{team}_{index}" for team in ("ally", "red") for index in range(count)]
    observations = env._observations()
    side = env.options.rules.mine
    for index in range(count):
        ally, red = observations[f"{left}_{index}"], observations[f"{right}_{index}"]
        swap = [0, 1, 2, 3, 5, 4, *range(6, 6 + side.targets)]  # east for west
        np.testing.assert_array_equal(red["action_mask"], ally["action_mask"][swap])
        expected = ally["observation"].copy()
        expected[[2, 3]] = expected[[3, 2]]
        width, foe_width = 5 + side.shields + side.bits, 5 + side.foe_shields + side.bits
        places = [4 + 2 + foe_width * foe for foe in range(side.foes)]
        places += [4 + foe_width * side.foes + 2 + width * friend for friend in range(count - 1)]
        expected[places] = -expected[places]
        np.testing.assert_allclose(red["observation"], expected, atol=1e-6)
    assert env.team_state("red").shape == env.team_state("ally").shape
    assert not np.array_equal(env.team_state("red"), env.state())
    with pytest.raises(InvalidArgument, match="team: expected one of ally, red, got 'blue'"):
        env.team_state("blue")


@pytest.mark.parametrize("name", ["3m", "8m", "2s3z"])
def test_rewards_and_infos_of_self_play_mirror_each_other_and_neither_team_has_an_advantage(name):
    env = make_parallel(name, self_play=True)
    rng = np.random.default_rng(1)
    outcomes, sides = [], []
    for seed in range(60):
        observations, _ = env.reset(seed=seed)
        sides.append(int(env._fights.state[0]["side"]))
        forward = (5, 4) if sides[-1] else (4, 5)
        totals, ended = np.zeros(2), False
        while not ended:
            # Everybody goes to the middle and shoots.
            actions = acts(env, observations, rng, attack=1.0)
            for agent, observation in observations.items():
                ahead = forward[agent.startswith("red")]
                if observation["action_mask"][ahead] and actions[agent] < 6:
                    actions[agent] = ahead
            observations, rewards, terminations, truncations, infos = env.step(actions)
            totals += rewards["ally_0"], rewards["red_0"]
            ended = terminations["ally_0"] or truncations["ally_0"]
            ally, red = infos["ally_0"], infos["red_0"]
            assert (ally["allies_left"], ally["enemies_left"]) == (red["enemies_left"], red["allies_left"])
            assert ("won" in ally["events"]) == ("lost" in red["events"]) == ally["success"]
            assert ("enemy_killed" in ally["events"]) == ("unit_lost" in red["events"])
        winner = 0 if ally["success"] else 1 if red["success"] else None
        if winner is not None:
            assert totals[winner] >= 19.99  # shields recover
            # All the damage and kills, without the victory; shields recover.
            assert totals[1 - winner] < 20.0 - 20.0 * 200.0 / env._fights._ledger.most[0, 0] + 0.5
        outcomes.append(winner)
    assert 15 <= sum(sides) <= 45
    # Whichever place is the better one, both teams have it equally often.
    decided = [winner for winner in outcomes if winner is not None]
    assert len(decided) > 30
    assert 0.25 < np.mean(decided) < 0.75


def test_units_of_both_teams_are_passive_in_self_play_and_enemies_do_what_they_are_told():
    env = make_parallel("3s_vs_5z", self_play=True)
    env.reset(seed=0)
    kinds = set(env._fights.games.units(0)["type"].tolist())
    assert kinds == {TYPE_OF_NAME["Stalker_RL"], TYPE_OF_NAME["Zealot_RL"]}
    before = env._fights.games.units(0)
    for _ in range(20):
        env.step(dict.fromkeys(env.agents, 1))
    after = env._fights.games.units(0)
    assert (before[["x", "y"]] == after[["x", "y"]]).all()
    for _ in range(4):
        env.step({agent: 5 if agent == "red_2" else 1 for agent in env.agents})
    moved = env._fights.games.units(0)["x"] - after["x"]
    assert np.flatnonzero(moved < -1.0).tolist() == [3 + 2]


def test_self_play_needs_units_that_can_be_steered():
    with pytest.raises(
        ValueError, match="self_play: expected a scenario whose enemies are units that SMAC gives to agents"
    ):
        make_parallel("2s_vs_1sc", self_play=True)


def test_a_snapshot_brings_agents_and_battle_back():
    env = make_parallel("3m", self_play=True)
    with pytest.raises(ResetNeeded):
        env.snapshot()
    observations, _ = env.reset(seed=2)
    rng = np.random.default_rng(0)
    for _ in range(12):
        observations = env.step(acts(env, observations, rng))[0]
    saved, trails = env.snapshot(), []
    for _ in range(2):
        draws, found, total = np.random.default_rng(5), env._observations(), []
        while env.agents:
            found, rewards, *_ = env.step(acts(env, found, draws))
            total.append(rewards["ally_0"])
        trails.append(total)
        env.restore(saved)
        assert len(env.agents) == 6
    assert trails[0] == trails[1]
    with pytest.raises(ValueError, match="expected version 1 of 8m with 8 against 8, got version 1 of 3m"):
        make_parallel("8m").restore(saved)


def test_pictures_and_the_end():
    env = make_parallel("3m", render_mode="rgb_array")
    with pytest.raises(ResetNeeded):
        env.render()
    env.reset(seed=0)
    assert env.render().shape[2] == 3
    assert make_parallel("3m").render() is None
    assert dict.fromkeys(env.units()) == {("Marine", "own"): None, ("Marine", "enemy"): None}
    env.close()
    env.close()
    with pytest.raises(ValueError, match="render_mode: expected None or one of"):
        make_parallel("3m", render_mode="ansi")


# parallel_env.


@pytest.fixture
def registered(monkeypatch):
    """A catalogue that knows the battles."""
    family = types.SimpleNamespace(**{name: getattr(FAMILY, name) for name in FAMILY.__slots__})
    family.parallel = "envsuite.families.starcraft2.teams.parallel:make_parallel"
    by_id = {task.id: task for task in TASKS.values()}
    monkeypatch.setattr(parallel, "get_task", lambda name: by_id[f"envsuite/{name.removeprefix('envsuite/')}"])
    monkeypatch.setattr(parallel, "family_of", lambda name: family)


@pytest.mark.usefixtures("registered")
def test_parallel_env_makes_a_battle_with_its_arguments(monkeypatch):
    env = envsuite.parallel_env("starcraft2-sim-smac-5m-vs-6m-v1", self_play=True, reward="sparse")
    assert len(env.possible_agents) == 11
    assert env.options.rules.sparse
    assert env.options.limit == 70
    monkeypatch.setattr(parallel.importlib.util, "find_spec", lambda name: None if name == "pettingzoo" else object())
    with pytest.raises(MissingExtra, match=r'PettingZoo is not installed; run: pip install "envsuite\[starcraft2\]"'):
        envsuite.parallel_env("starcraft2-sim-smac-3m-v1")


def test_parallel_env_refuses_tasks_of_one_agent():
    with pytest.raises(UnknownName, match="unknown task id"):
        envsuite.parallel_env("starcraft2-sim-smac-3n-v1")
    with pytest.raises(InvalidArgument, match="task_id: expected a task for several agents"):
        envsuite.parallel_env("crafter-reward-v1")
    with pytest.raises(InvalidArgument, match="task_id: expected a battle such as starcraft2-sim-smac-3m-v1"):
        entry_point(task=TASKS["3m"], family=FAMILY, mini_game="MoveToBeacon")
