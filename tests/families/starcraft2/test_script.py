import numpy as np
import pytest
from families.starcraft2.arena import ATTACK, MOVE, gap, mine, mini_game, owned, state, tags, theirs, unit

from envsuite.families.starcraft2.engine import units
from envsuite.families.starcraft2.engine.layout import ME, NEUTRAL

SEEDS = range(1, 25)


def inside(records, left, bottom, right, top):
    return all(left <= u["x"] <= right and bottom <= u["y"] <= top for u in records)


# MoveToBeacon.


@pytest.mark.parametrize("seed", SEEDS)
def test_the_beacon_keeps_its_distances(seed):
    games = mini_game("MoveToBeacon", seed)
    (marine,), (beacon,) = mine(games), owned(games, NEUTRAL)
    assert inside([marine], 22, 20, 44, 36)
    assert inside([beacon], 23.5, 21.5, 42.5, 34.5)
    assert gap(marine, beacon) >= 5.0 - 1e-3
    assert np.hypot(beacon["x"] - 33, beacon["y"] - 28) > 4.0 - 1e-3


def test_the_beacon_counts_within_its_circle_and_jumps_away():
    games = mini_game("MoveToBeacon")
    (marine,), (beacon,) = mine(games), owned(games, NEUTRAL)
    games.command(0, ME, tags(mine(games)), MOVE, point=(float(beacon["x"]), float(beacon["y"])))
    while state(games)["score"] == 0:
        before = unit(games, marine["tag"])
        assert gap(before, beacon) > 1.25
        games.step(0, 1)
    after, moved = unit(games, marine["tag"]), owned(games, NEUTRAL)[0]
    assert gap(after, beacon) <= 1.25
    assert gap(after, moved) >= 5.0 - 1e-3
    assert moved["tag"] == beacon["tag"]
    assert state(games)["score"] == 1


@pytest.mark.parametrize(
    ("name", "loops"),
    [
        ("MoveToBeacon", 1920),
        ("CollectMineralShards", 1920),
        ("FindAndDefeatZerglings", 2880),
        ("DefeatRoaches", 1920),
        ("DefeatZerglingsAndBanelings", 1920),
        ("CollectMineralsAndGas", 6720),
        ("BuildMarines", 14400),
    ],
)
def test_the_timer_ends_the_game(name, loops):
    games = mini_game(name)
    games.step(0, loops - 1)
    assert not state(games)["ended"]
    games.step(0, 100)
    assert state(games)["ended"]
    assert state(games)["loop"] == loops
    assert games.batch.players[0, ME]["result"] == 1


# CollectMineralShards.


@pytest.mark.parametrize("seed", SEEDS)
def test_twenty_shards_lie_off_the_marines(seed):
    games = mini_game("CollectMineralShards", seed)
    shards, marines = owned(games, NEUTRAL), mine(games)
    assert len(shards) == 20
    assert len(marines) == 2
    assert inside(shards, 23, 21, 43, 35)
    assert min(gap(shard, marine) for shard in shards for marine in marines) >= 2.0 - 1e-3


def test_a_shard_is_a_point_and_a_hundred_minerals_and_twenty_more_come():
    games = mini_game("CollectMineralShards")
    while owned(games, NEUTRAL).size and state(games)["score"] < 20:
        for marine in mine(games):
            shards = owned(games, NEUTRAL)
            nearest = min(shards, key=lambda shard: gap(shard, marine))
            games.command(0, ME, [int(marine["tag"])], MOVE, point=(float(nearest["x"]), float(nearest["y"])))
        games.step(0, 1)
        score = state(games)["score"]
        assert games.batch.players[0, ME]["minerals"] == 100 * score
        assert len(owned(games, NEUTRAL)) == 20 - score % 20
    assert state(games)["score"] == 20
    assert len(owned(games, NEUTRAL)) == 20


# FindAndDefeatZerglings.


@pytest.mark.parametrize("seed", SEEDS)
def test_zerglings_lie_apart_and_off_the_middle(seed):
    games = mini_game("FindAndDefeatZerglings", seed)
    zerglings, marines = theirs(games), mine(games)
    assert len(zerglings) == 25
    assert len(marines) == 3
    assert all(marine["selected"] for marine in marines)
    assert all(np.isclose(np.hypot(m["x"] - 32, m["y"] - 28), 1.0, atol=1e-3) for m in marines)
    middle = [np.hypot(z["x"] - 32, z["y"] - 28) for z in zerglings]
    assert 8 - 1e-3 <= middle[0] <= 9 + 1e-3
    assert 7.5 - 1e-3 <= middle[1] <= 9.5 + 1e-3
    assert min(middle[2:]) > 10.5 - 1e-3
    assert inside(zerglings[2:], 11, 13, 53, 43)
    gaps = [gap(a, b) for i, a in enumerate(zerglings) for b in zerglings[:i]]
    assert np.mean(np.array(gaps) >= 5 - 1e-3) > 0.99  # the script gives up where there is no room


def test_a_new_wave_of_zerglings_keeps_clear_of_the_marines():
    games = mini_game("FindAndDefeatZerglings")
    for tag in tags(theirs(games)):
        games.kill(0, tag)
    assert state(games)["score"] == 25
    games.step(0, 1)
    assert len(theirs(games)) == 25
    assert min(gap(z, m) for z in theirs(games) for m in mine(games)) >= 9 - 1e-3


# The Defeat games.


@pytest.mark.parametrize("seed", SEEDS)
def test_marines_stand_in_a_column_opposite_four_roaches(seed):
    games = mini_game("DefeatRoaches", seed)
    marines, roaches = mine(games), theirs(games)
    assert len(marines) == 9
    assert len(roaches) == 4
    offsets = marines["y"] - marines["y"][0]
    assert np.allclose(offsets, [0, 1, -1, 2, -2, 3, -3, 4, -4], atol=1e-3)
    assert np.allclose(np.diff(roaches["y"]), 1.0, atol=1e-3)
    left, right = sorted([float(marines["x"][0]), float(roaches["x"][0])])
    assert 23.97 - 1e-3 <= left <= 27.98 + 1e-3
    assert 38.02 - 1e-3 <= right <= 42.04 + 1e-3
    assert all(marine["selected"] for marine in marines)


def test_sides_differ_between_seeds():
    assert {int(state(mini_game("DefeatRoaches", seed))["side"]) for seed in SEEDS} == {0, 1}


@pytest.mark.parametrize(
    ("name", "enemies", "points", "more"),
    [("DefeatRoaches", 4, 10, 5), ("DefeatZerglingsAndBanelings", 10, 5, 4)],
)
def test_a_wave_that_is_cleared_brings_marines_and_keeps_lives(name, enemies, points, more):
    games = mini_game(name)
    hurt = tags(mine(games))[0]
    games.batch.units[0]["health"][games.batch.units[0]["tag"] == hurt] = 7.0
    games.kill(0, tags(mine(games))[1])
    assert state(games)["score"] == -1
    for tag in tags(theirs(games)):
        games.kill(0, tag)
    assert state(games)["score"] == enemies * points - 1
    games.step(0, 1)
    marines = mine(games)
    assert len(marines) == 8 + more
    assert sorted(marines["health"])[0] == 7.0
    assert np.count_nonzero(marines["health"] == 45.0) == 7 + more
    assert len(theirs(games)) == enemies
    assert state(games)["wave"] == 1
    assert hurt not in tags(marines)


@pytest.mark.parametrize("name", ["DefeatRoaches", "FindAndDefeatZerglings", "DefeatZerglingsAndBanelings"])
def test_a_game_without_marines_is_lost(name):
    games = mini_game(name)
    for tag in tags(mine(games)):
        games.kill(0, tag)
    games.step(0, 1)
    assert state(games)["ended"]
    assert games.batch.players[0, ME]["result"] == 2


def test_the_enemy_of_the_second_game_is_six_zerglings_and_four_banelings():
    enemies = theirs(mini_game("DefeatZerglingsAndBanelings"))["type"].tolist()
    assert enemies == [units.ZERGLING] * 6 + [units.BANELING] * 4


# The economies.


@pytest.mark.parametrize("name", ["CollectMineralsAndGas", "BuildMarines"])
def test_twelve_workers_begin_beside_the_command_centre(name):
    games = mini_game(name)
    own = mine(games)
    assert np.count_nonzero(own["type"] == units.SCV) == 12
    assert games.batch.players[0, ME]["minerals"] == 50
    workers = own[own["type"] == units.SCV]
    assert set(np.round(abs(workers["x"] - 29.825), 2)) == {3.5, 4.5}
    assert (workers["orders"] > 0).all() == (name == "BuildMarines")


def test_the_maps_fields():
    for name, fields, geysers in (("CollectMineralsAndGas", 16, 4), ("BuildMarines", 8, 0)):
        neutral = owned(mini_game(name), NEUTRAL)["type"].tolist()
        assert neutral.count(units.MINERAL_FIELD) == fields
        assert neutral.count(units.VESPENE_GEYSER) == geysers


# Episodes.


@pytest.mark.parametrize("name", ["MoveToBeacon", "DefeatRoaches", "FindAndDefeatZerglings"])
def test_the_seed_decides_every_episode_and_episodes_differ(name):
    def play(seed):
        games = mini_game(name, seed)
        rows = []
        for _ in range(3):
            enemies = games.units(0)
            rows.append(enemies.tobytes())
            games.command(0, ME, tags(mine(games)), ATTACK, point=(33.0, 28.0))
            games.step(0, 200)
            rows.append(games.units(0).tobytes())
            games.reset(0)
        return rows

    first = play(3)
    assert first == play(3)
    assert first != play(4)
    assert len(set(first)) == len(first)
