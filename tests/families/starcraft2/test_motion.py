import numpy as np
import pytest
from families.starcraft2.arena import MOVE, PATROL, field, gap, mine, tags, unit, until

from envsuite.families.starcraft2.engine import units
from envsuite.families.starcraft2.engine.layout import FOE, GRAIN, ME


def overlaps(games):
    records = games.units(0)
    return [
        gap(a, b) - units.RADIUS[a["type"]] - units.RADIUS[b["type"]]
        for i, a in enumerate(records)
        for b in records[:i]
    ]


@pytest.mark.parametrize("kind", [units.MARINE, units.ZERGLING, units.STALKER, units.SCV, units.MEDIVAC])
def test_speed_is_that_of_the_table(kind):
    games = field()
    tag = games.create(0, ME, kind, 10, 10)
    games.command(0, ME, [tag], MOVE, point=(50.0, 10.0))
    games.step(0, 160)
    travelled = unit(games, tag)["x"] - 10
    assert travelled == pytest.approx(units.UNIT_TYPES[kind].speed * 10, abs=160 / GRAIN)


def test_positions_are_on_the_grain():
    games = field()
    tag = games.create(0, ME, units.MARINE, 10.123456, 10.98765)
    games.command(0, ME, [tag], MOVE, point=(33.3333, 21.7))
    for _ in range(20):
        games.step(0, 7)
        record = unit(games, tag)
        assert float(record["x"]) * GRAIN == round(float(record["x"]) * GRAIN)
        assert np.float32(record["y"]) == record["y"]


def test_a_unit_stops_where_it_was_sent():
    games = field()
    tag = games.create(0, ME, units.MARINE, 10, 10)
    games.command(0, ME, [tag], MOVE, point=(15.0, 12.0))
    until(games, lambda: unit(games, tag)["orders"] == 0, 200)
    record = unit(games, tag)
    assert np.hypot(record["x"] - 15, record["y"] - 12) <= 1 / 16
    games.step(0, 50)
    assert unit(games, tag)["x"] == record["x"]


def test_a_close_group_keeps_its_shape_and_a_wide_one_gathers():
    games = field()
    close = [games.create(0, ME, units.MARINE, 10 + index, 10) for index in range(3)]
    games.command(0, ME, close, MOVE, point=(30.0, 30.0))
    until(games, lambda: not mine(games)["orders"].any(), 400)
    assert np.allclose(np.diff(mine(games)["x"]), 1.0, atol=0.15)
    games = field()
    wide = [games.create(0, ME, units.MARINE, 10 + 6 * index, 10) for index in range(3)]
    games.command(0, ME, wide, MOVE, point=(30.0, 30.0))
    until(games, lambda: not mine(games)["orders"].any(), 600)
    assert np.ptp(mine(games)["x"]) < 3


def test_a_crowd_comes_to_rest_round_its_point_without_overlapping():
    games = field()
    crowd = [games.create(0, ME, units.MARINE, 8 + 3 * (index % 5), 8 + 3 * (index // 5)) for index in range(20)]
    games.command(0, ME, crowd, MOVE, point=(40.0, 40.0))
    until(games, lambda: not mine(games)["orders"].any(), 1000)
    games.step(0, 40)
    assert min(overlaps(games)) > -0.1
    assert max(np.hypot(record["x"] - 40, record["y"] - 40) for record in mine(games)) < 4


def test_units_made_at_one_point_part():
    games = field()
    for _ in range(8):
        games.create(0, ME, units.ZERGLING, 20, 20)
    games.command(0, ME, tags(mine(games))[:1], MOVE, point=(21.0, 20.0))
    games.step(0, 60)
    assert min(overlaps(games)) > -0.05


def test_a_unit_passes_an_enemy_that_stands_in_its_way_and_does_not_move_it():
    games = field()
    runner = games.create(0, ME, units.TYPE_OF_NAME["Marine_RL"], 10, 20)
    post = games.create(0, FOE, units.TYPE_OF_NAME["Marine_RL"], 20, 20)
    games.command(0, ME, [runner], MOVE, point=(30.0, 20.0))
    until(games, lambda: unit(games, runner)["orders"] == 0, 400)
    assert abs(unit(games, runner)["x"] - 30) < 0.1
    assert gap(unit(games, post), {"x": 20, "y": 20}) < 0.01


def test_the_idle_make_way_for_friends():
    games = field()
    runner = games.create(0, ME, units.MARINE, 10, 20)
    idler = games.create(0, ME, units.MARINE, 20, 20)
    games.command(0, ME, [runner], MOVE, point=(30.0, 20.0))
    loops = until(games, lambda: unit(games, runner)["orders"] == 0, 400)
    assert loops < 20 / units.SPEED[units.MARINE] * 1.15
    assert gap(unit(games, idler), {"x": 20, "y": 20}) < 2


def test_flyers_pass_over_everything():
    games = field()
    medivac = games.create(0, ME, units.MEDIVAC, 10, 20)
    for y in range(15, 26):
        games.create(0, FOE, units.SPINE_CRAWLER, 20, y)
    games.command(0, ME, [medivac], MOVE, point=(30.0, 20.0))
    games.step(0, 64)
    assert unit(games, medivac)["y"] == 20


def test_nobody_leaves_the_playable_rectangle():
    games = field(playable=(10.0, 10.0, 30.0, 20.0))
    tag = games.create(0, ME, units.MARINE, 20, 15)
    games.command(0, ME, [tag], MOVE, point=(60.0, 60.0))
    games.step(0, 400)
    assert (unit(games, tag)["x"], unit(games, tag)["y"]) == (30, 20)
    assert unit(games, tag)["orders"] == 0


def test_a_patrol_goes_to_and_fro():
    games = field()
    tag = games.create(0, ME, units.MARINE, 20, 20)
    games.command(0, ME, [tag], PATROL, point=(24.0, 20.0))
    xs = []
    for _ in range(200):
        games.step(0, 1)
        xs.append(float(unit(games, tag)["x"]))
    turns = np.count_nonzero(np.diff(np.sign(np.diff(xs))) != 0)
    assert turns >= 4
    assert min(xs) >= 20 - 0.2
    assert max(xs) <= 24.01


def test_a_follower_stays_with_its_leader():
    games = field()
    leader, follower = games.create(0, ME, units.MARINE, 20, 20), games.create(0, ME, units.MARINE, 15, 20)
    games.command(0, ME, [follower], MOVE, target=leader)
    games.command(0, ME, [leader], MOVE, point=(40.0, 30.0))
    games.step(0, 250)
    assert gap(unit(games, leader), unit(games, follower)) < 1.5
    games.kill(0, leader)
    games.step(0, 2)
    assert unit(games, follower)["orders"] == 0
