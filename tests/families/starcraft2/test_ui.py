import numpy as np
import pytest
from families.starcraft2.arena import field, mini_game

from envsuite.families.starcraft2 import codes
from envsuite.families.starcraft2.engine import abilities, units
from envsuite.families.starcraft2.engine.abilities import ERROR, NOT_SUPPORTED, REQUEST_OF_ID, SUCCESS
from envsuite.families.starcraft2.engine.console import Console
from envsuite.families.starcraft2.engine.layout import FOE, ME, NEUTRAL
from envsuite.families.starcraft2.engine.screen import Screen

NAN = float("nan")


def pixel(x, y):
    """Returns the pixel of a point under a camera at (30, 30)."""
    return int((x - 18.0) / 0.375), int((42.0 - y) / 0.375)


def scene(**changes):
    """Returns a field with a camera at (30, 30) and the first player's console."""
    games = field(**changes)
    for player in (ME, FOE):
        games.batch.players[0, player]["camera_x"] = games.batch.players[0, player]["camera_y"] = 30.0
    return games, Console(games, ME)


def put(games, *placed):
    """Creates units given as (owner, type, x, y); returns their slots."""
    return [games.create(0, *one) % 4096 for one in placed]


def click(console, x, y, how=codes.SELECT):
    return console.act(codes.SELECT_POINT, *pixel(x, y), how=how)


def box(console, left, bottom, right, top, add=0):
    return console.act(codes.SELECT_RECT, *pixel(left, top), *pixel(right, bottom), how=add)


def order(games, slot, place=0):
    """Returns (ability, x, y, tag) of an order, None where there is none."""
    if games.batch.units[0, slot]["orders"] <= place:
        return None
    found = games.batch.orders[0, slot, place]
    return int(found["ability"]), float(found["x"]), float(found["y"]), int(found["tag"])


# Points


def test_a_click_selects_what_is_under_it_and_nothing_else():
    games, console = scene()
    a, b = put(games, (ME, units.MARINE, 25, 30), (ME, units.MARINE, 35, 30))
    assert click(console, 25, 30) == SUCCESS
    assert console.selected() == [a]
    assert click(console, 35, 30) == SUCCESS
    assert console.selected() == [b]
    assert click(console, 30, 25) == SUCCESS  # bare ground
    assert console.selected() == [b]


def test_a_click_hits_exactly_the_pixels_that_are_drawn():
    games, console = scene()
    put(games, (ME, units.COMMAND_CENTER, 30.2, 29.9), (ME, units.MARINE, 25.1, 30.3))
    density = console.draw(np.array([14]), np.array([0]))[0][0]
    for row in range(10, 60, 3):
        for column in range(5, 60, 3):
            games.batch.units[0]["selected"] = 0
            console.act(codes.SELECT_POINT, column, row, how=codes.SELECT)
            assert len(console.selected()) == (density[row, column] > 0)


def test_own_units_come_before_others_and_the_nearest_before_the_rest():
    games, console = scene()
    enemy, far, near = put(
        games, (FOE, units.MARINE, 30.1, 30.1), (ME, units.ROACH, 30.6, 30.1), (ME, units.ROACH, 30.4, 30.1)
    )
    click(console, 30.1, 30.1)
    assert console.selected() == [near]
    for slot in (far, near):
        games.kill(0, int(games.batch.units[0, slot]["tag"]))
    click(console, 30.1, 30.1)
    assert console.selected() == [enemy]


def test_others_are_selected_alone():
    games, console = scene()
    own, enemy, ore = put(
        games, (ME, units.MARINE, 25, 30), (FOE, units.ROACH, 30, 30), (NEUTRAL, units.MINERAL_FIELD, 35, 30)
    )
    for slot, x in ((enemy, 30), (ore, 35)):
        click(console, 25, 30)
        for how in (codes.TOGGLE, codes.ALL_TYPE, codes.ADD_ALL_TYPE, codes.SELECT):
            click(console, x, 30, how)
            assert console.selected() == [slot]
    click(console, 25, 30, codes.TOGGLE)
    assert console.selected() == [own]


def test_beacons_and_shards_are_not_selected():
    games, console = scene()
    (own,) = put(games, (ME, units.MARINE, 25, 30))
    put(games, (NEUTRAL, units.BEACON, 30, 30), (NEUTRAL, units.SHARD, 35, 30))
    for x in (25, 30, 35):
        assert click(console, x, 30) == SUCCESS
        assert console.selected() == [own]


def test_a_toggled_unit_comes_and_goes():
    games, console = scene()
    a, b = put(games, (ME, units.MARINE, 25, 30), (ME, units.MARINE, 35, 30))
    click(console, 25, 30)
    click(console, 35, 30, codes.TOGGLE)
    assert console.selected() == [a, b]
    click(console, 25, 30, codes.TOGGLE)
    assert console.selected() == [b]


def test_all_of_a_type_on_the_screen():
    games, console = scene()
    a, scv, b, _ = put(
        games,
        *((ME, units.MARINE, 25, 30), (ME, units.SCV, 28, 30), (ME, units.MARINE, 41.9, 30)),
        (ME, units.MARINE, 50, 30),
    )
    put(games, (FOE, units.MARINE, 31, 30))
    click(console, 25, 30, codes.ALL_TYPE)
    assert console.selected() == [a, b]
    click(console, 28, 30, codes.ADD_ALL_TYPE)
    assert console.selected() == [a, b, scv]
    click(console, 28, 30, codes.ALL_TYPE)
    assert console.selected() == [scv]


def test_a_click_does_not_find_what_fog_hides():
    games, console = scene(fog=True)
    put(games, (ME, units.MARINE, 20, 30), (FOE, units.ROACH, 40, 30))
    click(console, 40, 30)
    assert console.selected() == []


# Rectangles


def test_a_box_selects_own_units_whose_discs_meet_it():
    games, console = scene()
    a, b, _ = put(games, (ME, units.MARINE, 25, 30), (ME, units.MARINE, 28, 30), (FOE, units.MARINE, 26, 30))
    put(games, (ME, units.MARINE, 40, 40))
    assert box(console, 25.3, 29, 27.6, 31) == SUCCESS
    assert console.selected() == [a, b]
    assert box(console, 25.8, 29, 27.0, 31) == SUCCESS
    assert console.selected() == [a, b]  # nothing was in it


def test_a_box_may_be_drawn_from_any_corner():
    games, console = scene()
    (a,) = put(games, (ME, units.MARINE, 25, 30))
    (left, top), (right, bottom) = pixel(24, 31), pixel(26, 29)
    for corners in ((left, bottom, right, top), (right, top, left, bottom), (right, bottom, left, top)):
        games.batch.units[0]["selected"] = 0
        assert console.act(codes.SELECT_RECT, *corners) == SUCCESS
        assert console.selected() == [a]


def test_a_box_leaves_structures_out_where_there_are_mobile_units():
    games, console = scene()
    depot, crawler = put(games, (ME, units.SUPPLY_DEPOT, 25, 30), (ME, units.SPINE_CRAWLER, 28, 30))
    box(console, 20, 25, 40, 35)
    assert console.selected() == [depot, crawler]
    (scv,) = put(games, (ME, units.SCV, 35, 30))
    box(console, 20, 25, 40, 35)
    assert console.selected() == [scv]
    box(console, 20, 25, 30, 35, add=1)
    assert console.selected() == [scv, depot, crawler]


# Army, workers


def test_the_army_is_armed_and_no_workers():
    games, console = scene()
    marine, _, medivac, _ = put(
        games,
        *((ME, units.MARINE, 25, 30), (ME, units.SCV, 28, 30), (ME, units.MEDIVAC, 50, 50)),
        (ME, units.SPINE_CRAWLER, 35, 30),
    )
    put(games, (FOE, units.MARINE, 40, 30))
    assert console.act(codes.SELECT_ARMY) == SUCCESS
    assert console.selected() == [marine, medivac]
    click(console, 28, 30)
    assert console.act(codes.SELECT_ARMY, how=1) == SUCCESS
    assert len(console.selected()) == 3


def test_without_army_or_idle_workers_the_selection_stays():
    games, console = scene()
    (depot,) = put(games, (ME, units.SUPPLY_DEPOT, 25, 30))
    click(console, 25, 30)
    assert console.act(codes.SELECT_ARMY) == ERROR
    for how in (1, 2, 3, 4):
        assert console.act(codes.SELECT_IDLE_WORKER, how=how) == ERROR
    assert console.selected() == [depot]


def test_idle_workers_in_turn_and_all():
    games, console = scene()
    workers = put(games, *((ME, units.SCV, 22.0 + 3 * index, 30) for index in range(4)))
    games.command(0, ME, [int(games.batch.units[0, workers[1]]["tag"])], 16, point=(40.0, 40.0))
    idle = [workers[0], workers[2], workers[3]]
    for expected in (*idle, idle[0]):
        assert console.act(codes.SELECT_IDLE_WORKER, how=codes.SET_IDLE) == SUCCESS
        assert console.selected() == [expected]
    for count in (2, 3):
        assert console.act(codes.SELECT_IDLE_WORKER, how=codes.ADD_IDLE) == SUCCESS
        assert console.selected() == idle[:count]
    assert console.act(codes.SELECT_IDLE_WORKER, how=codes.ADD_IDLE) == ERROR
    click(console, 25, 30)
    console.act(codes.SELECT_IDLE_WORKER, how=codes.ALL_IDLE)
    assert console.selected() == idle
    click(console, 25, 30)
    console.act(codes.SELECT_IDLE_WORKER, how=codes.ADD_ALL_IDLE)
    assert console.selected() == sorted(workers)


# Control groups


def groups_of(games, slot):
    return [group for group in range(10) if games.batch.units[0, slot]["groups"] >> group & 1]


def test_groups_are_set_appended_and_recalled():
    games, console = scene()
    a, b = put(games, (ME, units.MARINE, 25, 30), (ME, units.MARINE, 35, 30))
    click(console, 25, 30)
    assert console.act(codes.CONTROL_GROUP, 9, how=codes.SET) == SUCCESS
    click(console, 35, 30)
    console.act(codes.CONTROL_GROUP, 9, how=codes.APPEND)
    assert (groups_of(games, a), groups_of(games, b)) == ([9], [9])
    console.act(codes.CONTROL_GROUP, 1, how=codes.SET)
    assert groups_of(games, b) == [1, 9]
    console.act(codes.CONTROL_GROUP, 9, how=codes.RECALL)
    assert console.selected() == [a, b]
    console.act(codes.CONTROL_GROUP, 5, how=codes.RECALL)  # empty
    assert console.selected() == [a, b]
    click(console, 25, 30)
    console.act(codes.CONTROL_GROUP, 9, how=codes.SET)
    assert (groups_of(games, a), groups_of(games, b)) == ([9], [1])


def test_groups_are_stolen_from():
    games, console = scene()
    a, b = put(games, (ME, units.MARINE, 25, 30), (ME, units.MARINE, 35, 30))
    console.act(codes.SELECT_ARMY)
    for group in (0, 1, 2):
        console.act(codes.CONTROL_GROUP, group, how=codes.SET)
    click(console, 25, 30)
    console.act(codes.CONTROL_GROUP, 1, how=codes.SET_AND_STEAL)
    assert (groups_of(games, a), groups_of(games, b)) == ([1], [0, 2])
    click(console, 35, 30)
    console.act(codes.CONTROL_GROUP, 1, how=codes.APPEND_AND_STEAL)
    assert (groups_of(games, a), groups_of(games, b)) == ([1], [1])


def test_only_own_units_are_in_groups():
    games, console = scene()
    enemy, a = put(games, (FOE, units.MARINE, 25, 30), (ME, units.MARINE, 35, 30))
    click(console, 35, 30)
    console.act(codes.CONTROL_GROUP, 1, how=codes.SET)
    click(console, 25, 30)
    console.act(codes.CONTROL_GROUP, 1, how=codes.SET)
    assert (groups_of(games, enemy), groups_of(games, a)) == ([], [1])
    assert Console(games, FOE).act(codes.CONTROL_GROUP, 1, how=codes.RECALL) == SUCCESS
    assert Console(games, FOE).selected() == []


def test_players_select_apart():
    games, console = scene()
    a, b = put(games, (ME, units.MARINE, 25, 30), (FOE, units.MARINE, 35, 30))
    other = Console(games, FOE)
    console.act(codes.SELECT_ARMY)
    other.act(codes.SELECT_ARMY)
    assert (console.selected(), other.selected()) == ([a], [b])
    click(other, 25, 30)
    assert games.batch.units[0, a]["selected"] == 3
    click(console, 35, 30)
    assert (console.selected(), other.selected()) == ([b], [a])


# The panel


def panel():
    games, console = scene()
    slots = put(
        games,
        *((ME, units.SCV, 22, 30), (ME, units.MARINE, 25, 30), (ME, units.SCV, 28, 30), (ME, units.MARINE, 31, 30)),
    )
    box(console, 20, 25, 40, 35)
    return games, console, slots


def test_the_panel_is_ordered_by_type_then_slot():
    _, console, (a, b, c, d) = panel()
    assert console.selected() == [b, d, a, c]


@pytest.mark.parametrize(
    ("how", "index", "left"),
    [
        (codes.SINGLE, 2, [0]),
        (codes.DESELECT_UNIT, 1, [1, 0, 2]),
        (codes.SELECT_ALL_OF_TYPE, 3, [0, 2]),
        (codes.DESELECT_ALL_OF_TYPE, 3, [1, 3]),
    ],
)
def test_clicks_on_the_panel(how, index, left):
    _, console, slots = panel()
    assert console.act(codes.SELECT_UNIT, index, how=how) == SUCCESS
    assert console.selected() == [slots[place] for place in left]


def test_units_are_taken_out_of_the_queue():
    games, console = scene()
    (barracks,) = put(games, (ME, units.BARRACKS, 30, 30))
    put(games, (ME, units.SUPPLY_DEPOT, 36, 30))
    games.batch.players[0, ME]["minerals"] = 150
    click(console, 30, 30)
    for _ in range(3):
        assert console.act(codes.COMMAND_QUICK, 0, 0, REQUEST_OF_ID[560]) == SUCCESS
    assert games.batch.players[0, ME]["minerals"] == 0
    assert console.act(codes.BUILD_QUEUE, 3) == ERROR
    assert console.act(codes.BUILD_QUEUE, 1) == SUCCESS
    assert games.batch.players[0, ME]["minerals"] == 50
    assert list(games.batch.units[0, barracks]["queue"]) == [units.MARINE] * 2 + [0] * 3
    click(console, 36, 30, codes.TOGGLE)
    assert console.act(codes.BUILD_QUEUE, 0) == ERROR  # no queue is shown of two
    assert Console(games, FOE).act(codes.BUILD_QUEUE, 0) == ERROR


# Camera


def test_the_camera_goes_where_the_minimap_is_clicked_and_stays_in_the_playable_part():
    games = mini_game("FindAndDefeatZerglings")
    console, player = Console(games, ME), games.batch.players[0, ME]
    assert console.act(codes.MOVE_CAMERA, 20, 30) == SUCCESS
    assert (player["camera_x"], player["camera_y"]) == (20.5, 33.5)
    console.act(codes.MOVE_CAMERA, 0, 63)
    assert (player["camera_x"], player["camera_y"]) == (10.0, 12.0)
    console.act(codes.MOVE_CAMERA_WORLD, 1e30, 28.1)
    assert (player["camera_x"], player["camera_y"]) == (54.0, round(28.1 * 4096) / 4096)
    assert console.act(codes.MOVE_CAMERA_WORLD, NAN, 3.0) == ERROR
    assert player["camera_x"] == 54.0


def test_a_locked_camera_stays():
    games = mini_game("MoveToBeacon")
    console, player = Console(games, ME), games.batch.players[0, ME]
    assert console.act(codes.MOVE_CAMERA, 20, 30) == SUCCESS
    assert console.act(codes.MOVE_CAMERA_WORLD, 20, 30) == SUCCESS
    assert (player["camera_x"], player["camera_y"]) == (33.0, 25.0)


# Commands


def test_commands_go_to_the_selected_alone():
    games, console = scene()
    a, b = put(games, (ME, units.MARINE, 25, 30), (ME, units.MARINE, 35, 30))
    click(console, 25, 30)
    assert console.act(codes.COMMAND_SCREEN, *pixel(30, 33), REQUEST_OF_ID[3794]) == SUCCESS
    column, row = pixel(30, 33)
    middle = 18.0 + (column + 0.5) * 0.375, 42.0 - (row + 0.5) * 0.375
    assert order(games, a) == (16, pytest.approx(middle[0], abs=1e-3), pytest.approx(middle[1], abs=1e-3), 0)
    assert order(games, b) is None
    assert console.act(codes.COMMAND_MINIMAP, 40, 40, REQUEST_OF_ID[3674], queued=True) == SUCCESS
    assert order(games, a, 1) == (23, 40.5, 23.5, 0)
    assert console.act(codes.COMMAND_QUICK, 0, 0, REQUEST_OF_ID[3665]) == SUCCESS
    assert order(games, a) is None


def test_a_unit_under_the_pixel_is_the_target_but_no_beacon_or_shard():
    games, console = scene()
    a, enemy, friend = put(games, (ME, units.MARINE, 25, 30), (FOE, units.ROACH, 35, 30), (ME, units.MARINE, 35.2, 30))
    put(games, (NEUTRAL, units.BEACON, 30, 30), (NEUTRAL, units.SHARD, 30, 35))
    tag = {slot: int(games.batch.units[0, slot]["tag"]) for slot in (enemy, friend)}
    click(console, 25, 30)
    console.act(codes.COMMAND_SCREEN, *pixel(35.4, 30), REQUEST_OF_ID[3674])
    assert order(games, a)[3] == tag[enemy]  # although the friend is nearer
    console.act(codes.COMMAND_SCREEN, *pixel(35.4, 30), REQUEST_OF_ID[3794])
    assert order(games, a)[3] == tag[friend]
    for point in ((30, 30), (30, 35)):
        assert console.act(codes.COMMAND_SCREEN, *pixel(*point), REQUEST_OF_ID[3794]) == SUCCESS
        assert order(games, a)[3] == 0


def test_what_builds_takes_the_point_and_what_gathers_the_unit():
    games, console = scene()
    games.batch.players[0, ME]["minerals"] = 500
    a, _ = put(games, (ME, units.SCV, 25, 30), (NEUTRAL, units.MINERAL_FIELD, 35, 30.5))
    click(console, 25, 30)
    gather, depot = REQUEST_OF_ID[3666], REQUEST_OF_ID[319]
    assert console.act(codes.COMMAND_SCREEN, *pixel(30, 30), gather) == abilities.MUST_TARGET_UNIT
    assert console.act(codes.COMMAND_SCREEN, *pixel(35, 30.5), gather) == SUCCESS
    assert order(games, a)[0] == 295
    assert console.act(codes.COMMAND_SCREEN, *pixel(35, 30.5), depot) == abilities.CANT_BUILD_HERE
    assert console.act(codes.COMMAND_SCREEN, *pixel(25, 30), depot) == SUCCESS  # the worker itself stands there
    assert order(games, a)[0] == 319


def test_points_beyond_the_playable_rectangle_mean_its_edge():
    games = mini_game("MoveToBeacon")
    console = Console(games, ME)
    console.act(codes.SELECT_ARMY)
    assert console.act(codes.COMMAND_SCREEN, 0, 63, REQUEST_OF_ID[3794]) == SUCCESS
    assert order(games, console.selected()[0])[1:3] == (22.0, 20.0)


def test_a_foreign_selection_obeys_nobody():
    games, console = scene()
    (enemy,) = put(games, (FOE, units.MARINE, 25, 30))
    click(console, 25, 30)
    assert console.act(codes.COMMAND_SCREEN, *pixel(30, 33), REQUEST_OF_ID[3794]) == NOT_SUPPORTED
    assert order(games, enemy) is None


# Bad input

_PIXELS = [(-1, 5), (5, -1), (64, 5), (5, 64), (NAN, 5), (5, float("inf")), (1e300, 1)]


@pytest.mark.parametrize(
    ("code", "numbers", "how"),
    [
        *((codes.MOVE_CAMERA, point, 0) for point in _PIXELS),
        *((codes.SELECT_POINT, point, 1) for point in _PIXELS),
        *((codes.SELECT_RECT, (*point, 5, 5), 0) for point in _PIXELS),
        *((codes.SELECT_RECT, (5, 5, *point), 0) for point in _PIXELS),
        *((codes.COMMAND_SCREEN, (*point, 3), 0) for point in _PIXELS),
        *((codes.COMMAND_MINIMAP, (*point, 3), 0) for point in _PIXELS),
        *((code, (1e9, 1, number), 0) for code in (9, 10, 11) for number in (-1, 999, NAN, 1e300)),
        (codes.SELECT_POINT, (5, 5), 0),
        (codes.SELECT_POINT, (5, 5), 5),
        (codes.SELECT_RECT, (5, 5, 9, 9), 2),
        *((codes.CONTROL_GROUP, (group,), 2) for group in (-1, 10, NAN, 1e300)),
        *((codes.CONTROL_GROUP, (1,), how) for how in (0, 6)),
        *((codes.SELECT_UNIT, (index,), 1) for index in (-1, 1, NAN, 1e300)),
        *((codes.SELECT_UNIT, (0,), how) for how in (0, 5)),
        *((codes.SELECT_IDLE_WORKER, (), how) for how in (0, 5)),
        *((codes.SELECT_ARMY, (), how) for how in (-1, 2)),
        *((codes.BUILD_QUEUE, (index,), 0) for index in (-1, 0, 5, NAN)),
        *((code, (1, 1, 1, 1), 1) for code in (-1, 13, 10**9)),
    ],
)
def test_what_is_out_of_range_does_nothing_and_is_an_error(code, numbers, how):
    games, console = scene(free_camera=True)
    put(games, (ME, units.SCV, 25, 30))
    click(console, 25, 30)
    before = games.state(0)
    assert console.act(code, *numbers, how=how) in (ERROR, NOT_SUPPORTED)
    assert all((before[name] == value).all() for name, value in games.state(0).items())


def test_doing_nothing_is_a_success():
    games, console = scene()
    before = games.state(0)
    assert console.act(codes.NO_OP) == SUCCESS
    assert all((before[name] == value).all() for name, value in games.state(0).items())


def test_every_act_in_random_order_never_breaks_the_game():
    rng = np.random.default_rng(0)
    games = mini_game("CollectMineralsAndGas")
    console = Console(games, ME, Screen(24.0, 32, 32, 16, 16))
    results = set()
    for _ in range(3000):
        code = int(rng.integers(0, 13))
        numbers = [*rng.integers(-1, 33, 2), int(rng.integers(0, len(abilities.REQUEST_IDS))), int(rng.integers(32))]
        results.add(console.act(code, *numbers, how=int(rng.integers(0, 6)), queued=bool(rng.integers(2))))
        if rng.integers(4) == 0:
            games.step(0, 1)
    assert {SUCCESS, NOT_SUPPORTED, ERROR} <= results
    records = games.units(0)
    assert np.isfinite(records["x"]).all()
    assert ((records["x"] >= 0) & (records["x"] < 64) & (records["y"] >= 0) & (records["y"] < 64)).all()
