"""SMAC's maps: who stands where, what happens when all are dead, whom the enemy goes for, who steps over cliffs."""

import numpy as np
import pytest

from envsuite.errors import UnknownName
from envsuite.families.starcraft2.engine.battles import BATTLES, GROUNDS, SMAC
from envsuite.families.starcraft2.engine.games import Games
from envsuite.families.starcraft2.engine.layout import FOE, LEDGE, ME
from envsuite.families.starcraft2.engine.units import AIR, RADIUS, TYPE_OF_NAME, UNIT_TYPES
from envsuite.families.starcraft2.teams.options import battle_of

TABLE = {
    "3m": (3, 3, 60),
    "8m": (8, 8, 120),
    "25m": (25, 25, 150),
    "5m_vs_6m": (5, 6, 70),
    "8m_vs_9m": (8, 9, 120),
    "10m_vs_11m": (10, 11, 150),
    "27m_vs_30m": (27, 30, 180),
    "MMM": (10, 10, 150),
    "MMM2": (10, 12, 180),
    "2s3z": (5, 5, 120),
    "3s5z": (8, 8, 150),
    "3s5z_vs_3s6z": (8, 9, 170),
    "1c3s5z": (9, 9, 180),
    "3s_vs_3z": (3, 3, 150),
    "3s_vs_4z": (3, 4, 200),
    "3s_vs_5z": (3, 5, 250),
    "2m_vs_1z": (2, 1, 150),
    "corridor": (6, 24, 400),
    "6h_vs_8z": (6, 8, 150),
    "2s_vs_1sc": (2, 1, 300),
    "so_many_baneling": (7, 32, 100),
    "bane_vs_bane": (24, 24, 200),
    "2c_vs_64zg": (2, 64, 400),
}
"""SMAC's own: agents, enemies, steps."""


def test_the_scenarios_are_smacs():
    assert {name: (battle.agents, battle.foes, battle.limit) for name, battle in SMAC.items()} == TABLE
    assert list(BATTLES) == list(SMAC)
    assert len(BATTLES) == len(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_everybody_stands_on_the_ground_and_nobody_on_another(name):
    battle, scenario = SMAC[name], BATTLES[name]
    owners = [spawn[0] for spawn in scenario.spawn]
    assert owners == [ME] * battle.agents + [FOE] * battle.foes
    ground = GROUNDS[battle.ground]
    places = np.array([spawn[2:] for spawn in scenario.spawn])
    kinds = np.array([spawn[1] for spawn in scenario.spawn])
    assert all(ground[int(x), int(y)] for x, y in places)
    gaps = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    reach = RADIUS[kinds][:, None] + RADIUS[kinds][None]
    apart = (gaps >= reach - 1e-9) | (AIR[kinds][:, None] != AIR[kinds][None])
    assert (apart | np.eye(len(kinds), dtype=bool)).all()
    for (x, y), _, _ in (*battle.allies, *battle.enemies):
        assert np.hypot(*(places - (x, y)).T).min() <= 0.5


@pytest.mark.parametrize("name", TABLE)
def test_agents_are_passive_and_in_smacs_order_and_enemies_are_the_games_own(name):
    scenario, agents = BATTLES[name], SMAC[name].agents
    own = [(UNIT_TYPES[kind].unit_id, x, y) for _, kind, x, y in scenario.spawn[:agents]]
    assert own == sorted(own)
    assert all(UNIT_TYPES[spawn[1]].passive for spawn in scenario.spawn[:agents])
    assert not any(UNIT_TYPES[spawn[1]].passive for spawn in scenario.spawn[agents:])


def test_self_play_is_the_same_battle_from_the_other_side():
    for name in ("3m", "MMM", "2s3z"):
        spawn, count = SMAC[name].scenario(passive=True).spawn, SMAC[name].agents
        mirrored = [(kind, 32 - x, y) for _, kind, x, y in spawn[:count]]
        assert [(kind, x, y) for _, kind, x, y in spawn[count:]] == mirrored


def test_an_unknown_scenario_is_told_the_nearest():
    with pytest.raises(UnknownName, match=r"unknown scenario '5m_vs_7m'\. Did you mean: .*5m_vs_6m"):
        battle_of("5m_vs_7m")
    with pytest.raises(UnknownName, match="unknown scenario '7'"):
        battle_of(7)


def begun(name, seed=0):
    games = Games(1, BATTLES[name])
    games.seed(0, seed)
    games.reset(0)
    return games


def living(games, owner):
    units = games.units(0)
    return units[units["owner"] == owner]


def test_killing_all_and_two_loops_put_both_teams_down_again():
    games = begun("3m")
    games.step(0, 40)
    before = games.units(0)
    for tag in before["tag"].tolist():
        games.kill(0, tag)
    assert not len(games.units(0))
    games.step(0, 2)
    after = games.units(0)
    assert len(after) == 6
    assert not set(before["tag"].tolist()) & set(after["tag"].tolist())
    assert (after["health"] == 45).all()
    assert (living(games, FOE)["orders"] == 1).all()
    assert (living(games, ME)["orders"] == 0).all()
    x = living(games, FOE)["x"].mean()
    games.step(0, 16)
    assert living(games, FOE)["x"].mean() < x - 2.0


def test_one_team_dead_puts_nobody_down():
    games = begun("3m")
    for tag in living(games, FOE)["tag"].tolist():
        games.kill(0, tag)
    games.step(0, 20)
    assert (len(living(games, ME)), len(living(games, FOE))) == (3, 0)


def test_agents_left_alone_do_nothing_and_lose():
    games = begun("3m")
    start = living(games, ME)[["x", "y"]].copy()
    games.step(0, 60)
    assert (living(games, ME)[["x", "y"]] == start).all()
    games.step(0, 400)
    assert not len(living(games, ME))
    assert (living(games, FOE)["health"] == 45).all()


def test_hunters_follow_the_agents_and_others_stop_at_their_point():
    for name, hunts in (("2c_vs_64zg", True), ("3s_vs_3z", False)):
        games = begun(name)
        assert BATTLES[name].hunt == hunts
        for tag in living(games, ME)["tag"].tolist():
            games.kill(0, tag)
        x, y = 30.0, 20.0 if hunts else 30.0
        games.create(0, ME, TYPE_OF_NAME["Stalker_RL"], x, y)
        games.step(0, 300)
        foes, decoy = living(games, FOE), living(games, ME)
        reached = len(decoy) == 0 or decoy["health"][0] + decoy["shield"][0] < 160
        assert reached == hunts
        if not hunts:
            assert np.hypot(foes["x"] - 9, foes["y"] - 16).max() < 3
            assert (foes["orders"] == 0).all()


@pytest.mark.parametrize(("kind", "over"), [("Colossus_RL", True), ("Zealot_RL", False)])
def test_only_a_colossus_steps_over_a_ledge(kind, over):
    games = begun("2c_vs_64zg")
    assert (games.batch.blocked[0] == LEDGE).sum() == 24
    for tag in games.units(0)["tag"].tolist():
        games.kill(0, tag)
    tag = games.create(0, ME, TYPE_OF_NAME[kind], 16.0, 15.0)
    games.command(0, ME, [tag], 16, point=(16.0, 10.0))
    lowest = 16.0
    for _ in range(12):
        games.step(0, 4)
        unit = living(games, ME)[0]
        if not 4 <= unit["x"] < 28:
            break  # it goes round
        lowest = min(lowest, float(unit["y"]))
    assert (lowest < 11.0) == over
    assert over or lowest >= 14.0
