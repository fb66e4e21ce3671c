"""Debug commands and queries."""

import math

import pytest
from families.starcraft2.client import ENDED, ZERG, Client, army, command, fight, units_of
from s2clientprotocol import common_pb2, debug_pb2, query_pb2

MARINE, ROACH, SCV, CENTER, DEPOT = 48, 110, 45, 18, 19
BUILD_DEPOT, BUILD_BARRACKS, BUILD_REFINERY = 319, 321, 320


def point(x, y):
    return common_pb2.Point2D(x=x, y=y)


def create(kind, owner, x, y, quantity=1):
    return debug_pb2.DebugCommand(
        create_unit={"unit_type": kind, "owner": owner, "pos": point(x, y), "quantity": quantity}
    )


def value(tag, kind, number):
    return debug_pb2.DebugCommand(unit_value={"unit_value": kind, "value": number, "unit_tag": tag})


def kill(*tags):
    return debug_pb2.DebugCommand(kill_unit={"tag": tags})


def state(number):
    return debug_pb2.DebugCommand(game_state=number)


def start(name="Simple64", **options):
    client = Client()
    client.start(name, **{"computer": ZERG if name == "Simple64" else None, **options})
    return client


def do(client, *commands):
    client.get("debug", debug=list(commands))


def test_units_are_made_hurt_and_killed():
    client = start()
    do(client, create(MARINE, 1, 32, 32, 5), create(ROACH, 2, 20, 20))
    told = client.observe(disable_fog=True)
    marines = units_of(told, MARINE, 1)
    assert len(marines) == 5
    assert len(units_of(told, ROACH, 2)) == 1
    do(client, kill(marines[0].tag), value(marines[1].tag, 2, 5))
    client.step(2)
    left = {unit.tag: unit for unit in units_of(client.observe(), MARINE)}
    assert marines[0].tag not in left
    assert len(left) == 4
    assert left[marines[1].tag].health == 5
    do(client, value(marines[1].tag, 2, 1e9))
    assert {unit.health for unit in units_of(client.observe(), MARINE)} == {45}


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (create(12345, 1, 30, 30), "unit_type"),
        (create(0, 1, 30, 30), "unit_type"),
        (create(MARINE, 7, 30, 30), "owner"),
        (create(MARINE, 1, float("nan"), 30), "pos"),
        (create(MARINE, 1, 30, 30, 1_000_000), "quantity"),
        (value(99, 2, 5), "unit_tag"),
        (value(2**64 - 1, 2, 5), "unit_tag"),
        (state(12), "fast_build"),
        (state(10), "tech_tree"),
        (debug_pb2.DebugCommand(test_process={"test": 2}), "test_process"),
        (debug_pb2.DebugCommand(), "got None"),
        (debug_pb2.DebugCommand(score={"score": float("inf")}), "score"),
    ],
)
def test_what_cannot_be_done_is_told_when_the_rest_is_done(wrong, text):
    client = start()
    assert text in client.fault("debug", debug=[wrong, create(ROACH, 2, 30, 30)])
    # Where the wrong one has taken all the room there is none for the other.
    assert len(units_of(client.observe(disable_fog=True), ROACH)) == (0 if text == "quantity" else 1)
    assert client.step(8) == 8


def test_points_beyond_the_map_are_moved_onto_it():
    client = start()
    do(client, create(MARINE, 1, -1e9, 1e9))
    client.step(8)
    [marine] = units_of(client.observe(), MARINE)
    assert 2 <= marine.pos.x <= 62
    assert 2 <= marine.pos.y <= 62


def test_nothing_hurts_the_units_of_a_god():
    for god in (False, True):
        client = start("DefeatRoaches")
        if god:
            do(client, state(6))
        fight(client)
        client.step(200)
        lives = [unit.health for unit in units_of(client.observe(), MARINE)]
        assert (len(lives) == 9 and set(lives) == {45.0}) == god


def test_resources_supply_and_the_whole_map():
    client = start()
    assert len(units_of(client.observe(), CENTER)) == 1
    do(client, state(1), state(5), state(3))
    told = client.observe()
    assert len(units_of(told, CENTER)) == 2
    player = told.observation.player_common
    assert (player.minerals, player.vespene, player.food_cap) == (5050, 5000, 200)
    do(client, state(1))
    assert len(units_of(client.observe(), CENTER)) == 1


def test_the_enemys_units_can_be_taken_over():
    client = start("DefeatRoaches")
    roaches = [unit.tag for unit in units_of(client.observe(), ROACH)]
    assert client.act(command(16, roaches, (33.0, 28.0))) == [2]
    do(client, state(2))
    assert client.act(command(16, roaches, (33.0, 28.0))) == [1]
    assert {unit.orders[0].ability_id for unit in units_of(client.observe(), ROACH)} == {16}


@pytest.mark.parametrize(("how", "results"), [(1, [2, 1]), (2, [1, 2])])
def test_a_game_is_given_up_or_won(how, results):
    client = start()
    response = client.ask("debug", debug=[debug_pb2.DebugCommand(end_game={"end_result": how})])
    assert response.status == ENDED
    assert [row.result for row in client.observe().player_result] == results


def test_drawings_and_scores():
    client = start("MoveToBeacon")
    do(client, debug_pb2.DebugCommand(draw={"text": [{"text": "hello"}]}), debug_pb2.DebugCommand(score={"score": 7}))
    assert client.observe().observation.score.score == 7


def test_smac_begins_an_episode_by_killing_everybody():
    client = start("2s3z", computer=3, race=3, layers=False, score=False)
    before = client.observe()
    assert len(units_of(before, owner=1)) == len(units_of(before, owner=2)) == 5
    do(client, kill(*(unit.tag for unit in units_of(before))))
    client.step(2)
    after = client.observe()
    assert len(units_of(after, owner=1)) == len(units_of(after, owner=2)) == 5
    assert not {unit.tag for unit in units_of(before)} & {unit.tag for unit in units_of(after)}


# Queries


def pathing(begin, end, tag=None):
    question = query_pb2.RequestQueryPathing(end_pos=point(*end))
    if tag is None:
        question.start_pos.CopyFrom(point(*begin))
    else:
        question.unit_tag = tag
    return question


def test_ways_are_straight_or_go_round_and_may_not_exist():
    client = start("corridor", computer=ZERG, layers=False)
    cliffs = client.match.games.setting.cliffs
    wall = tuple(int(number) for number in next(zip(*cliffs.nonzero(), strict=True)))
    inside = (5.5, 5.5), (24.5, 24.5)
    questions = [
        pathing(inside[0], (6.5, 6.5)),
        pathing(*inside),
        pathing(inside[0], wall),
        pathing(inside[0], (-5.0, 3.0)),
        pathing(inside[0], (float("nan"), 3.0)),
    ]
    answers = [row.distance for row in client.get("query", pathing=questions).pathing]
    assert answers[0] == pytest.approx(math.sqrt(2))
    assert answers[1] >= math.dist(*inside)
    assert answers[2:] == [0.0, 0.0, 0.0]
    unit = units_of(client.observe(), owner=1)[0]
    [answer] = client.get("query", pathing=[pathing(None, (unit.pos.x, unit.pos.y), unit.tag)]).pathing
    assert answer.distance == 0.0
    [answer] = client.get("query", pathing=[pathing(None, (5.0, 5.0), 2**64 - 1)]).pathing
    assert answer.distance == 0.0


def test_abilities_of_single_units_leave_the_selection_alone():
    client = start("BuildMarines")
    client.act(army())
    told = client.observe()
    [center], worker = units_of(told, CENTER), units_of(told, SCV)[0]
    asked = [{"unit_tag": center.tag}, {"unit_tag": worker.tag}, {"unit_tag": 99}]
    answers = client.get("query", query_pb2.RequestQuery(abilities=asked)).abilities
    known = [{row.ability_id for row in answer.abilities} for answer in answers]
    assert 524 in known[0]
    assert 295 in known[1]
    assert BUILD_DEPOT not in known[1]  # 50 minerals
    assert known[2] == set()
    [rich] = client.get(
        "query", query_pb2.RequestQuery(abilities=asked[1:2], ignore_resource_requirements=True)
    ).abilities
    assert BUILD_DEPOT in {row.ability_id for row in rich.abilities}
    again = client.observe().observation
    assert again.ui_data == told.observation.ui_data
    assert again.player_common.minerals == 50


def test_places_for_structures():
    client = start("CollectMineralsAndGas")
    told = client.observe()
    [center], geyser = units_of(told, CENTER), units_of(told, 342)[0]
    asked = [
        (BUILD_DEPOT, 35.0, 27.0),
        (BUILD_DEPOT, center.pos.x, center.pos.y),
        (BUILD_DEPOT, 1e9, -1e9),
        (BUILD_DEPOT, float("nan"), 3.0),
        (BUILD_BARRACKS, 35.0, 27.0),
        (BUILD_REFINERY, geyser.pos.x, geyser.pos.y),
        (BUILD_REFINERY, 35.0, 27.0),
        (16, 35.0, 27.0),
        (0, 35.0, 27.0),
    ]
    questions = [{"ability_id": number, "target_pos": point(x, y)} for number, x, y in asked]
    answers = [row.result for row in client.get("query", query_pb2.RequestQuery(placements=questions)).placements]
    assert answers == [1, 44, 44, 3, 40, 1, 44, 2, 2]
