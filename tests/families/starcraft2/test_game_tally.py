"""What happened in a step of the game is inferred from the score and the player's units."""

import pytest

from envsuite.families.starcraft2.game_tally import Tally, has_lost
from envsuite.families.starcraft2.protocol.pysc2_shim import load_pysc2

load_pysc2()


def seen(score=0, tags=(), *, loop=8, minerals=0, vespene=0, result=None):
    from s2clientprotocol import sc2api_pb2

    response = sc2api_pb2.ResponseObservation()
    observation = response.observation
    observation.game_loop, observation.score.score, observation.player_common.player_id = loop, score, 1
    observation.score.score_details.collected_minerals = minerals
    observation.score.score_details.collected_vespene = vespene
    for tag in tags:
        observation.raw_data.units.add(tag=tag, alliance=1)
    observation.raw_data.units.add(tag=999, alliance=4)
    if result is not None:
        response.player_result.add(player_id=1, result=result)
    return response


def test_kills_and_losses_make_the_reward():
    tally = Tally("DefeatRoaches", seen(0, range(9)))
    told = tally.step(seen(18, range(7)))
    assert told.reward == 18
    assert told.factors == {"kills": 20, "losses": -2}
    assert told.events == ("enemy_killed", "unit_lost")
    assert tally.step(seen(18, range(7))) == (0, (), {"kills": 0, "losses": 0})
    assert (tally.metrics()["kills"], tally.metrics()["losses"]) == (2, 2)


@pytest.mark.parametrize(
    ("mini_game", "more", "kill"), [("DefeatRoaches", 5, 10), ("DefeatZerglingsAndBanelings", 4, 5)]
)
def test_a_wave_makes_the_marines_anew(mini_game, more, kill):
    tally = Tally(mini_game, seen(0, range(9)))
    # One marine falls as the last enemy does; the others come back with others' tags, and more with them.
    told = tally.step(seen(kill - 1, range(100, 100 + 8 + more)))
    assert told.factors == {"kills": kill, "losses": -1}
    assert told.events == ("enemy_killed", "unit_lost", "wave_cleared")
    assert tally.metrics()["waves"] == 1


def test_the_zerglings_of_a_wave_are_counted():
    tally = Tally("FindAndDefeatZerglings", seen(0, range(3)))
    assert tally.step(seen(24, range(3))).events == ("enemy_killed",)
    assert tally.step(seen(24, range(2))).factors == {"kills": 1, "losses": -1}
    assert tally.metrics() == {
        "kills": 25,
        "losses": 1,
        "waves": 1,
        "collected_minerals": 0,
        "collected_vespene": 0,
        "units_made": 0,
    }


def test_what_is_reached_collected_and_made():
    assert Tally("MoveToBeacon", seen(2)).step(seen(3)) == (1, ("beacon_reached",), {"reached": 1})
    shards = Tally("CollectMineralShards", seen(0))
    assert shards.step(seen(2)) == (2, ("resources_collected",), {"collected": 2})
    assert shards.metrics()["collected_minerals"] == 200
    gas = Tally("CollectMineralsAndGas", seen(0))
    assert gas.step(seen(9, minerals=5, vespene=4)) == (9, ("resources_collected",), {"collected": 9})
    assert (gas.metrics()["collected_minerals"], gas.metrics()["collected_vespene"]) == (5, 4)
    marines = Tally("BuildMarines", seen(0))
    assert marines.step(seen(2, minerals=50)) == (2, ("unit_made", "resources_collected"), {"made": 2})
    assert marines.metrics()["units_made"] == 2


@pytest.mark.parametrize(
    ("mini_game", "tags", "loop", "result", "lost"),
    [
        ("DefeatRoaches", (), 800, 2, True),
        ("DefeatRoaches", (), 1920, 1, True),
        ("DefeatRoaches", (1,), 1920, 1, False),
        ("DefeatRoaches", (1,), 1920, 2, False),
        # The last word of a game without an observation is the one before.
        ("DefeatRoaches", (1,), 792, 2, True),
        ("CollectMineralShards", (), 1920, 1, False),
    ],
)
def test_only_the_death_of_all_marines_loses(mini_game, tags, loop, result, lost):
    assert has_lost(mini_game, seen(0, tags, loop=loop, result=result), 1920) is lost
