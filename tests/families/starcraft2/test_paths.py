import numpy as np
import pytest
from families.starcraft2.arena import MOVE, field, unit, until

from envsuite.families.starcraft2.engine import units
from envsuite.families.starcraft2.engine.abilities import SUCCESS
from envsuite.families.starcraft2.engine.layout import ME, NEUTRAL

WALL = ((30.0, 0.0, 31.0, 40.0), (30.0, 41.0, 31.0, 64.0))
"""Across the field, with a gap one cell wide."""
MAZE = (
    *((10.0, 10.0, 11.0, 41.0), (40.0, 10.0, 41.0, 41.0), (10.0, 10.0, 41.0, 11.0), (10.0, 40.0, 41.0, 41.0)),
    *((15.0, 10.0, 16.0, 38.0), (20.0, 13.0, 21.0, 41.0), (25.0, 10.0, 26.0, 38.0), (30.0, 13.0, 31.0, 41.0)),
)
"""A box in which walls leave gaps above and below by turns."""
GROUND = sorted(
    {radius: kind for kind, radius in enumerate(units.RADIUS) if units.MOBILE[kind] and not units.AIR[kind]}.values()
)
"""A type of each radius."""


def walk(games, tag, goal, loops=4000):
    """Sends a unit and returns its places, loop by loop, until its order ends; none lies in a blocked cell."""
    assert games.command(0, ME, [tag], MOVE, point=goal) == SUCCESS
    places = []

    def at_rest():
        record = unit(games, tag)
        places.append((float(record["x"]), float(record["y"])))
        cell = int(places[-1][0]), int(places[-1][1])
        blocked = games.batch.blocked[0][cell]
        assert blocked == 0 or units.AIR[record["type"]] or len(places) == 1, places[-1]
        return record["orders"] == 0

    until(games, at_rest, loops)
    return np.array(places)


def length(places):
    return float(np.hypot(*np.diff(places, axis=0).T).sum())


def test_nothing_in_the_way_is_straight():
    games = field()
    tag = games.create(0, ME, units.MARINE, 10, 10)
    places = walk(games, tag, (40.0, 30.0))
    assert length(places) == pytest.approx(np.hypot(30, 20), abs=0.1)
    assert np.ptp((places[:, 0] - 10) * 20 - (places[:, 1] - 10) * 30) < 1.0


@pytest.mark.parametrize("kind", GROUND)
def test_every_radius_finds_the_gap_of_one_cell_and_the_way_is_short(kind):
    games = field(cliffs=WALL)
    tag = games.create(0, ME, kind, 20, 20)
    places = walk(games, tag, (40.0, 22.0))
    assert places[-1] == pytest.approx((40, 22), abs=0.1)
    shortest = np.hypot(10, 20) + 1 + np.hypot(9, 18)
    assert length(places) < 1.08 * shortest


@pytest.mark.parametrize("kind", GROUND)
def test_a_maze_is_walked_through(kind):
    games = field(cliffs=MAZE)
    tag = games.create(0, ME, kind, 13, 12)
    places = walk(games, tag, (38.0, 12.5))
    assert places[-1] == pytest.approx((38, 12.5), abs=0.1)
    shortest = np.hypot(2, 26) + 3 * np.hypot(4, 25) + np.hypot(8, 0.5) + 4  # by the inner corners of four gaps
    assert shortest - 1 < length(places) < 1.06 * shortest


def test_a_group_comes_through_a_gap():
    games = field(cliffs=WALL)
    tags = [games.create(0, ME, units.MARINE, 20 + index % 4, 35 + index // 4) for index in range(12)]
    games.command(0, ME, tags, MOVE, point=(40.0, 40.0))
    until(games, lambda: all(unit(games, tag)["orders"] == 0 for tag in tags), 3000)
    assert all(np.hypot(unit(games, tag)["x"] - 40, unit(games, tag)["y"] - 40) < 4 for tag in tags)


def test_flyers_know_no_walls():
    games = field(cliffs=WALL)
    tag = games.create(0, ME, units.MEDIVAC, 20, 20)
    assert length(walk(games, tag, (40.0, 20.0))) == pytest.approx(20, abs=0.1)


def test_a_colossus_steps_over_a_ledge_that_others_walk_round():
    games = field(ledges=((30.0, 10.0, 31.0, 30.0),))
    colossus, marine = games.create(0, ME, units.COLOSSUS, 25, 20), games.create(0, ME, units.MARINE, 20, 20)
    games.command(0, ME, [colossus], MOVE, point=(40.0, 20.0))
    places = walk(games, marine, (40.0, 15.0))
    assert length(places) > np.hypot(10, 10) + np.hypot(10, 5)
    assert unit(games, colossus)["x"] == pytest.approx(40, abs=0.1)
    assert unit(games, colossus)["y"] == pytest.approx(20, abs=0.6)


def test_a_goal_in_a_wall_is_the_nearest_free_place():
    games = field(cliffs=((30.0, 10.0, 40.0, 30.0),))
    tag = games.create(0, ME, units.MARINE, 20, 20)
    places = walk(games, tag, (32.0, 20.0))
    assert places[-1][0] == pytest.approx(29.7, abs=0.4)
    assert places[-1][1] == pytest.approx(20, abs=1.0)
    assert unit(games, tag)["stuck"] == 0


def test_who_cannot_reach_a_goal_goes_as_near_as_it_can_and_stops():
    box = ((30.0, 20.0, 40.0, 21.0), (30.0, 29.0, 40.0, 30.0), (30.0, 20.0, 31.0, 30.0), (39.0, 20.0, 40.0, 30.0))
    games = field(cliffs=box)
    tag = games.create(0, ME, units.MARINE, 20, 25)
    places = walk(games, tag, (35.0, 22.0))
    assert places[-1] == pytest.approx((35, 19.7), abs=0.6)
    crowd = [games.create(0, ME, units.MARINE, 15, 20 + index) for index in range(6)]
    games.command(0, ME, crowd, MOVE, point=(35.0, 22.0))
    until(games, lambda: all(unit(games, one)["orders"] == 0 for one in crowd), 3000)


def test_who_is_walled_in_stays_in():
    games = field(cliffs=MAZE)
    tag = games.create(0, ME, units.MARINE, 13, 12)
    places = walk(games, tag, (5.0, 12.0))
    assert places[-1] == pytest.approx((11.3, 12), abs=0.5)


def test_who_stands_in_a_blocked_cell_comes_out():
    games = field(cliffs=((30.0, 10.0, 40.0, 30.0),))
    tag = games.create(0, ME, units.MARINE, 32, 20)
    games.command(0, ME, [tag], MOVE, point=(20.0, 20.0))
    until(games, lambda: unit(games, tag)["orders"] == 0, 300)
    assert unit(games, tag)["x"] == pytest.approx(20, abs=0.1)


def test_a_new_structure_is_walked_round():
    games = field()
    tag = games.create(0, ME, units.MARINE, 20, 20)
    games.command(0, ME, [tag], MOVE, point=(40.0, 20.0))
    games.step(0, 20)
    center = games.create(0, ME, units.COMMAND_CENTER, 30.5, 20.5)
    assert games.batch.state[0, 0]["blocked"] == games.batch.blocked[0].sum() == 25
    until(games, lambda: unit(games, tag)["orders"] == 0, 400)
    assert unit(games, tag)["x"] == pytest.approx(40, abs=0.1)
    games.kill(0, center)
    assert games.batch.state[0, 0]["blocked"] == games.batch.blocked[0].sum() == 0


def test_random_goals_between_random_blocks_never_end_in_one():
    draw = np.random.default_rng(5)
    blocks = tuple((x, y, x + w, y + h) for x, y, w, h in draw.integers([2, 2, 1, 1], [58, 58, 5, 5], (60, 4)).tolist())
    games = field(cliffs=blocks)
    for kind in GROUND:
        free = np.argwhere(games.batch.blocked[0] == 0) + 0.5
        tag = games.create(0, ME, kind, *free[draw.integers(len(free))])
        for _ in range(4):
            walk(games, tag, tuple(draw.uniform(0, 64, 2)))
        games.kill(0, tag)


def test_fields_count_as_walls():
    games = field()
    games.create(0, NEUTRAL, units.MINERAL_FIELD, 30, 20.5)
    tag = games.create(0, ME, units.SCV, 20, 20.5)
    assert walk(games, tag, (40.0, 20.5))[-1] == pytest.approx((40, 20.5), abs=0.1)
