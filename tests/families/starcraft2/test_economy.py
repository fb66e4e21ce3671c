import numpy as np
import pytest
from families.starcraft2.arena import MOVE, STOP, field, mine, mini_game, state, tags, unit, until

from envsuite.families.starcraft2.economy_expert import build_marines_policy, collect_minerals_and_gas_policy
from envsuite.families.starcraft2.engine import abilities, calibration, units
from envsuite.families.starcraft2.engine.abilities import SUCCESS
from envsuite.families.starcraft2.engine.layout import BUILD, GATHER, ME, NEUTRAL, RETURN

SMART, GATHER_ID, RETURN_ID, HALT_ID = 1, 295, 296, 348
BUILD_CENTER, BUILD_DEPOT, BUILD_REFINERY, BUILD_BARRACKS = 318, 319, 320, 321
TRAIN_SCV, TRAIN_MARINE, RALLY, RALLY_WORKERS, CANCEL_LAST, CANCEL_BUILDING = 524, 560, 195, 203, 3671, 3659


def base(workers=1, minerals=1000, **changes):
    """Returns a field with a command centre at (20.5, 20.5) and workers below it, and the tags of all."""
    games = field(**changes)
    games.batch.players[0, ME]["minerals"] = minerals
    center = games.create(0, ME, units.COMMAND_CENTER, 20.5, 20.5)
    return games, center, [games.create(0, ME, units.SCV, 18 + index, 16) for index in range(workers)]


def player(games):
    return games.batch.players[0, ME]


def edit(games, tag, **values):
    """Writes into a unit's record."""
    for name, value in values.items():
        games.batch.units[0, tag % 4096][name] = value


def order(games, tag):
    return games.batch.orders[0, tag % 4096, 0]


def find(games, kind):
    return [record for record in games.units(0) if record["type"] == kind]


def finished(games, kind, x, y):
    """Returns the tag of a structure that stands from the beginning."""
    return games.create(0, ME, kind, x, y)


# Harvesting


def test_a_trip_brings_five_minerals():
    games, _, (worker,) = base(minerals=0)
    place = games.create(0, NEUTRAL, units.MINERAL_FIELD, 13, 20.5)
    assert games.command(0, ME, [worker], GATHER_ID, target=place) == SUCCESS
    began = until(games, lambda: unit(games, worker)["target"] == place, 200)
    assert began > calibration.TURN_LOOPS
    assert until(games, lambda: unit(games, worker)["minerals"] > 0, 100) == calibration.MINE_LOOPS
    assert order(games, worker)["ability"] == RETURN_ID
    assert order(games, worker)["verb"] == RETURN
    assert unit(games, place)["contents"] == calibration.FIELD_CONTENTS - 5
    until(games, lambda: player(games)["minerals"] > 0, 200)
    assert (player(games)["minerals"], player(games)["collected_minerals"]) == (5, 5)
    assert order(games, worker)["ability"] == GATHER_ID
    assert order(games, worker)["verb"] == GATHER
    assert (unit(games, worker)["minerals"], order(games, worker)["tag"]) == (0, place)


def test_one_works_at_a_field_at_a_time():
    games, _, workers = base(workers=4)
    place = games.create(0, NEUTRAL, units.MINERAL_FIELD, 13, 20.5)
    games.command(0, ME, workers, GATHER_ID, target=place)
    had = set()
    for _ in range(600):
        games.step(0, 1)
        at_work = [tag for tag in workers if unit(games, tag)["target"] == place]
        assert len(at_work) <= 1
        had.update(at_work)
    assert had == set(workers)
    # The field is never idle: with four workers somebody always waits.
    assert player(games)["collected_minerals"] >= 5 * (600 - 200) // (calibration.MINE_LOOPS + 2)


def test_workers_sent_to_one_field_spread_over_those_near():
    games = mini_game("CollectMineralsAndGas")
    workers = tags(mine(games)[mine(games)["type"] == units.SCV])
    place = find(games, units.MINERAL_FIELD)[0]
    games.command(0, ME, workers, GATHER_ID, target=int(place["tag"]))
    games.step(0, 900)
    counts = np.unique([order(games, worker)["tag"] for worker in workers], return_counts=True)[1]
    assert len(counts) >= 6
    assert counts.max() <= 3
    assert all(record["x"] < 27 for record in mine(games) if record["type"] == units.SCV)


def test_a_field_ends_and_its_worker_takes_the_next_and_then_rests():
    games, _, (worker,) = base(minerals=0)
    first = games.create(0, NEUTRAL, units.MINERAL_FIELD, 13, 20.5)
    second = games.create(0, NEUTRAL, units.MINERAL_FIELD, 13, 22.5)
    edit(games, first, contents=7)
    edit(games, second, contents=3)
    games.command(0, ME, [worker], GATHER_ID, target=first)
    until(games, lambda: unit(games, first) is None, 600)
    assert games.batch.blocked[0, 12, 20] == 0
    until(games, lambda: unit(games, second) is None, 600)
    until(games, lambda: unit(games, worker)["orders"] == 0, 300)
    assert player(games)["collected_minerals"] == 10


def test_a_far_field_is_not_gone_to_of_itself():
    games, _, (worker,) = base()
    near, far = (games.create(0, NEUTRAL, units.MINERAL_FIELD, x, 20.5) for x in (13, 40))
    edit(games, near, contents=5)
    games.command(0, ME, [worker], GATHER_ID, target=near)
    until(games, lambda: unit(games, worker)["orders"] == 0, 600)
    assert unit(games, far)["contents"] == calibration.FIELD_CONTENTS


def test_a_return_that_is_commanded_goes_on_to_gather_unless_more_is_queued():
    games, center, (worker,) = base(minerals=0)
    place = games.create(0, NEUTRAL, units.MINERAL_FIELD, 13, 20.5)
    assert games.command(0, ME, [worker], RETURN_ID) == abilities.ERROR  # it has nothing
    games.command(0, ME, [worker], GATHER_ID, target=place)
    until(games, lambda: unit(games, worker)["minerals"] > 0, 300)
    games.command(0, ME, [worker], STOP)
    assert games.command(0, ME, [worker], RETURN_ID) == SUCCESS
    until(games, lambda: player(games)["minerals"] == 5, 300)
    games.step(0, 1)
    assert (order(games, worker)["verb"], order(games, worker)["tag"]) == (GATHER, place)
    until(games, lambda: unit(games, worker)["minerals"] > 0, 300)
    assert games.command(0, ME, [worker], SMART, target=center) == SUCCESS
    games.command(0, ME, [worker], MOVE, point=(30.0, 30.0), queued=True)
    until(games, lambda: unit(games, worker)["orders"] == 0, 500)
    assert unit(games, worker)["x"] == pytest.approx(30, abs=0.1)
    assert player(games)["minerals"] == 10


def test_who_has_nowhere_to_bring_it_stops():
    games, center, (worker,) = base()
    place = games.create(0, NEUTRAL, units.MINERAL_FIELD, 13, 20.5)
    games.command(0, ME, [worker], GATHER_ID, target=place)
    until(games, lambda: unit(games, worker)["minerals"] > 0, 300)
    games.kill(0, center)
    games.step(0, 2)
    assert unit(games, worker)["orders"] == 0
    assert unit(games, worker)["minerals"] == 5


def gas_base(workers=1):
    """Returns a base with a geyser and a refinery that was just built there."""
    games, _, crew = base(workers=workers)
    geyser = games.create(0, NEUTRAL, units.VESPENE_GEYSER, 13.5, 20.5)
    assert games.command(0, ME, crew[:1], BUILD_REFINERY, target=geyser) == SUCCESS
    until(games, lambda: [r for r in find(games, units.REFINERY) if r["progress"] >= 1.0], 1000)
    return games, crew, geyser, int(find(games, units.REFINERY)[0]["tag"])


def test_a_refinery_takes_the_geysers_place_and_its_builder_works_there():
    games, crew, geyser, refinery = gas_base(workers=4)
    assert player(games)["minerals"] == 1000 - 75
    assert (unit(games, geyser)["inside"], unit(games, geyser)["contents"]) == (1, 0)
    assert unit(games, refinery)["contents"] == calibration.GEYSER_CONTENTS
    assert (order(games, crew[0])["verb"], order(games, crew[0])["tag"]) == (GATHER, refinery)
    games.command(0, ME, crew[1:], GATHER_ID, target=refinery)
    for _ in range(500):
        games.step(0, 1)
        assert sum(unit(games, tag)["inside"] for tag in crew) <= 1
    gas = player(games)["vespene"]
    assert gas == player(games)["collected_vespene"] > 30
    assert gas % 4 == 0
    assert unit(games, refinery)["contents"] <= calibration.GEYSER_CONTENTS - gas


def test_a_dead_refinery_gives_back_its_geyser():
    games, (worker,), geyser, refinery = gas_base()
    edit(games, refinery, contents=77)
    until(games, lambda: unit(games, worker)["inside"] == 1, 300)
    games.kill(0, refinery)
    games.step(0, 2)
    assert (unit(games, worker)["inside"], unit(games, worker)["orders"]) == (0, 0)
    assert (unit(games, geyser)["inside"], unit(games, geyser)["contents"]) == (0, 77)
    assert games.batch.blocked[0, 13, 20] == 1
    assert games.command(0, ME, [worker], BUILD_REFINERY, target=geyser) == SUCCESS


def test_a_dry_refinery_ends_the_work():
    games, (worker,), _, refinery = gas_base()
    edit(games, refinery, contents=6)
    until(games, lambda: unit(games, worker)["orders"] == 0, 1000)
    assert player(games)["collected_vespene"] == 6
    assert (unit(games, worker)["inside"], unit(games, worker)["vespene"]) == (0, 0)


# Construction


def test_what_cannot_be_built_is_refused_with_the_reason():
    games, center, (worker,) = base(minerals=99)
    build = lambda what, **at: games.command(0, ME, [worker], what, **at)  # noqa: E731
    assert build(BUILD_DEPOT, point=(30.0, 30.0)) == abilities.NOT_ENOUGH_MINERALS
    player(games)["minerals"] = 1000
    assert build(BUILD_BARRACKS, point=(30.0, 30.0)) == abilities.TECH_MISSING
    for place in ((20.0, 20.0), (0.4, 0.4), (23.4, 20.0)):
        assert build(BUILD_DEPOT, point=place) == abilities.CANT_BUILD_HERE
    assert build(BUILD_REFINERY, target=center) == abilities.CANT_TARGET_THAT
    assert build(BUILD_REFINERY, point=(30.0, 30.0)) == abilities.MUST_TARGET_UNIT
    games.create(0, NEUTRAL, units.MINERAL_FIELD, 40, 40.5)
    assert build(BUILD_CENTER, point=(45.0, 40.0)) == abilities.CANT_BUILD_HERE
    assert unit(games, worker)["orders"] == 0
    assert build(BUILD_CENTER, point=(46.0, 40.0)) == SUCCESS  # three cells between
    assert build(BUILD_DEPOT, point=(24.0, 20.0)) == SUCCESS


def test_cards_of_the_marines_map_are_cut():
    games = mini_game("BuildMarines")
    player(games)["minerals"] = 1000
    worker = tags(mine(games)[mine(games)["type"] == units.SCV])[0]
    assert games.command(0, ME, [worker], BUILD_CENTER, point=(38.0, 28.0)) == abilities.NOT_SUPPORTED
    assert games.command(0, ME, [worker], BUILD_DEPOT, point=(38.0, 28.0)) == SUCCESS


def test_a_depot_is_paid_for_when_begun_and_counts_when_it_stands():
    games, _, (worker,) = base()
    assert games.command(0, ME, [worker], BUILD_DEPOT, point=(30.3, 29.8)) == SUCCESS
    games.step(0, 10)
    assert player(games)["minerals"] == 1000
    until(games, lambda: find(games, units.SUPPLY_DEPOT), 300)
    site = find(games, units.SUPPLY_DEPOT)[0]
    assert (site["x"], site["y"]) == (30, 30)
    assert site["health"] == 40
    assert player(games)["minerals"] == player(games)["minerals"] == 900
    assert player(games)["supply_cap"] == 15
    tag = int(site["tag"])
    assert games.command(0, ME, [tag], CANCEL_LAST) != SUCCESS
    games.step(0, 240)
    assert unit(games, tag)["progress"] == pytest.approx(0.5, abs=0.01)
    assert unit(games, tag)["health"] == pytest.approx(220, abs=2)
    until(games, lambda: unit(games, tag)["progress"] >= 1.0, 241)
    assert unit(games, tag)["health"] == 400
    assert player(games)["supply_cap"] == 23
    assert unit(games, worker)["orders"] == 0
    assert player(games)["spent_minerals"] == 100
    games.kill(0, tag)
    assert player(games)["supply_cap"] == 15


def test_who_builds_obeys_only_halt_and_another_goes_on():
    games, _, (worker, other) = base(workers=2)
    games.command(0, ME, [worker], BUILD_DEPOT, point=(30.0, 30.0))
    assert games.command(0, ME, [worker], HALT_ID) == abilities.ERROR  # on its way it builds nothing
    until(games, lambda: find(games, units.SUPPLY_DEPOT), 300)
    site = int(find(games, units.SUPPLY_DEPOT)[0]["tag"])
    games.step(0, 5)
    assert games.command(0, ME, [worker], MOVE, point=(10.0, 10.0)) == abilities.ERROR
    assert games.command(0, ME, [worker], STOP) == abilities.ERROR
    assert games.command(0, ME, [other], SMART, target=site) == abilities.ERROR  # one builds
    assert games.command(0, ME, [worker], HALT_ID) == SUCCESS
    games.step(0, 3)
    before = unit(games, site)["progress"]
    games.step(0, 50)
    assert unit(games, site)["progress"] == before
    assert games.command(0, ME, [other], SMART, target=site) == SUCCESS
    assert order(games, other)["verb"] == BUILD
    until(games, lambda: unit(games, site)["progress"] >= 1.0, 800)


def test_money_that_is_gone_when_the_worker_arrives():
    games, _, (worker,) = base()
    games.command(0, ME, [worker], BUILD_DEPOT, point=(30.0, 30.0))
    player(games)["minerals"] = 99
    until(games, lambda: unit(games, worker)["orders"] == 0, 300)
    assert find(games, units.SUPPLY_DEPOT) == []
    assert player(games)["minerals"] == 99


def test_friends_leave_the_place_and_nobody_is_built_in():
    games, _, (worker,) = base()
    crowd = [games.create(0, ME, units.MARINE, 29.5 + 0.5 * (i % 3), 29.5 + 0.5 * (i // 3)) for i in range(9)]
    games.command(0, ME, [worker], BUILD_DEPOT, point=(30.0, 30.0))
    until(games, lambda: find(games, units.SUPPLY_DEPOT), 400)
    for _ in range(20):
        games.step(0, 1)
        for tag in (*crowd, worker):
            record = unit(games, tag)
            assert games.batch.blocked[0, int(record["x"]), int(record["y"])] == 0


def test_a_cancelled_site_pays_back_its_share():
    games, _, (worker,) = base()
    games.command(0, ME, [worker], BUILD_DEPOT, point=(30.0, 30.0))
    until(games, lambda: find(games, units.SUPPLY_DEPOT), 300)
    site = int(find(games, units.SUPPLY_DEPOT)[0]["tag"])
    assert games.command(0, ME, [site], CANCEL_BUILDING) == SUCCESS
    assert player(games)["minerals"] == 900 + 75
    games.step(0, 2)
    assert unit(games, worker)["orders"] == 0
    assert player(games)["supply_cap"] == 15
    assert player(games)["losses"] == 0
    depot = finished(games, units.SUPPLY_DEPOT, 30, 30)
    assert games.command(0, ME, [depot], CANCEL_BUILDING) == abilities.ERROR


def test_the_nearest_worker_builds():
    games, _, crew = base(workers=3)
    assert games.command(0, ME, crew, BUILD_DEPOT, point=(26.0, 14.0)) == SUCCESS
    assert [unit(games, tag)["orders"] for tag in crew] == [0, 0, 1]
    geyser = games.create(0, NEUTRAL, units.VESPENE_GEYSER, 13.5, 16.5)
    assert games.command(0, ME, crew, BUILD_REFINERY, target=geyser) == SUCCESS
    assert [unit(games, tag)["orders"] for tag in crew] == [1, 0, 1]


# Production


def test_a_worker_is_trained_in_its_time_and_supply_is_kept_for_it():
    games, center, (_,) = base(minerals=50)
    assert player(games)["supply"] == 1
    assert games.command(0, ME, [center], TRAIN_SCV) == SUCCESS
    assert (player(games)["minerals"], player(games)["supply"]) == (0, 2)
    assert games.command(0, ME, [center], TRAIN_SCV) == abilities.NOT_ENOUGH_MINERALS
    assert until(games, lambda: len(find(games, units.SCV)) == 2, 300) == 272
    assert (player(games)["supply"], player(games)["made_units"]) == (2, 0)
    new = find(games, units.SCV)[1]
    assert new["y"] < 18  # below it
    assert games.batch.blocked[0, int(new["x"]), int(new["y"])] == 0


def test_a_queue_has_five_places_and_pays_back_what_is_cancelled():
    games, center, _ = base()
    results = [games.command(0, ME, [center], TRAIN_SCV) for _ in range(6)]
    assert results == [SUCCESS] * 5 + [abilities.QUEUE_IS_FULL]
    assert (player(games)["minerals"], player(games)["supply"]) == (750, 2)
    games.step(0, 100)
    for left in (4, 3, 2, 1, 0):
        assert games.command(0, ME, [center], CANCEL_LAST) == SUCCESS
        assert (unit(games, center)["queue"] != 0).sum() == left
    assert games.command(0, ME, [center], CANCEL_LAST) == abilities.ERROR
    assert (player(games)["minerals"], player(games)["supply"], unit(games, center)["made"]) == (1000, 1, 0)


def test_without_supply_nothing_begins():
    games, center, _ = base(workers=14)
    assert [games.command(0, ME, [center], TRAIN_SCV) for _ in range(2)] == [SUCCESS] * 2
    games.step(0, 400)
    assert len(find(games, units.SCV)) == 15
    assert unit(games, center)["made"] == 0  # the second waits
    other = finished(games, units.COMMAND_CENTER, 40.5, 40.5)
    player(games)["supply_cap"] = 15
    assert games.command(0, ME, [other], TRAIN_SCV) == abilities.NOT_ENOUGH_FOOD
    finished(games, units.SUPPLY_DEPOT, 30, 30)
    assert until(games, lambda: len(find(games, units.SCV)) == 16, 300) == 272
    games.kill(0, center)
    assert player(games)["supply"] == 16


def test_a_dead_maker_frees_the_supply_it_kept():
    games, center, _ = base()
    games.command(0, ME, [center], TRAIN_SCV)
    games.kill(0, center)
    assert player(games)["supply"] == 1


def test_the_shortest_queue_trains_and_the_longest_is_cancelled():
    games, center, _ = base()
    other = finished(games, units.COMMAND_CENTER, 40.5, 40.5)
    for _ in range(3):
        games.command(0, ME, [center, other], TRAIN_SCV)
    assert [(unit(games, tag)["queue"] != 0).sum() for tag in (center, other)] == [2, 1]
    games.command(0, ME, [other, center], CANCEL_LAST)
    assert [(unit(games, tag)["queue"] != 0).sum() for tag in (center, other)] == [1, 1]


def test_rally_points_send_workers_to_fields_and_marines_to_places():
    games, center, _ = base()
    finished(games, units.SUPPLY_DEPOT, 40, 40)
    barracks = finished(games, units.BARRACKS, 30.5, 30.5)
    place = games.create(0, NEUTRAL, units.MINERAL_FIELD, 13, 20.5)
    assert games.command(0, ME, [center], RALLY_WORKERS, target=place) == SUCCESS
    assert games.command(0, ME, [barracks], SMART, point=(36.0, 25.0)) == SUCCESS
    games.command(0, ME, [center], TRAIN_SCV)
    games.command(0, ME, [barracks], TRAIN_MARINE)
    until(games, lambda: len(find(games, units.SCV)) == 2, 300)
    worker = int(find(games, units.SCV)[1]["tag"])
    assert (order(games, worker)["verb"], order(games, worker)["tag"]) == (GATHER, place)
    until(games, lambda: find(games, units.MARINE), 300)
    assert player(games)["made_units"] == 1
    marine = int(find(games, units.MARINE)[0]["tag"])
    assert unit(games, marine)["x"] > 30.5
    until(games, lambda: unit(games, marine)["orders"] == 0, 200)
    assert (unit(games, marine)["x"], unit(games, marine)["y"]) == pytest.approx((36, 25), abs=0.1)
    games.command(0, ME, [barracks], RALLY, target=barracks)
    assert unit(games, barracks)["has_rally"] == 0


def test_a_full_game_keeps_a_unit_that_is_ready():
    games, center, (worker,) = base(slots=2)
    games.command(0, ME, [center], TRAIN_SCV)
    games.step(0, 300)
    assert unit(games, center)["queue"][0] == units.SCV
    assert player(games)["supply"] == 2
    games.kill(0, worker)
    games.step(0, 2)
    assert len(find(games, units.SCV)) == 1
    assert player(games)["supply"] == 1


# Whole games


def books_agree(games):
    """Tells whether what a player's record counts is what its units are."""
    own, record = mine(games), player(games)
    kept = own["queue"][:, 0][own["made"] > 0]
    done = own["progress"] >= 1.0
    return (
        record["supply"] == units.SUPPLY[own["type"]].sum() + units.SUPPLY[kept].sum()
        and record["supply_cap"] == units.SUPPLY_PROVIDED[own["type"][done]].sum()
        and record["units"] == len(own)
        and record["minerals"] == 50 + record["collected_minerals"] - record["spent_minerals"]
        and record["vespene"] == record["collected_vespene"] - record["spent_vespene"]
        and state(games)["blocked"] == games.batch.blocked[0].sum()
    )


@pytest.mark.parametrize(
    ("name", "policy", "least", "most"),
    [
        # People: 6880 (DeepMind's player) to 7566 (a grandmaster).
        ("CollectMineralsAndGas", collect_minerals_and_gas_policy, 6880, 7566),
        # People: 133 and 138; rules do not tire.
        ("BuildMarines", build_marines_policy, 133, 160),
    ],
)
def test_rules_play_as_well_as_people(name, policy, least, most):
    games = mini_game(name, seed=3)
    while not state(games)["ended"]:
        policy(games, 0)
        games.step(0, 8)
        assert state(games)["loop"] % 400 or books_agree(games)
    assert least <= state(games)["score"] <= most
    assert state(games)["overflow"] == 0


def test_a_restored_game_goes_on_as_it_would_have():
    games = mini_game("BuildMarines", seed=4)

    def play(steps):
        for _ in range(steps):
            build_marines_policy(games, 0)
            games.step(0, 8)

    play(300)
    kept = games.state(0)
    play(100)
    once = games.state(0)
    games.set_state(0, kept)
    play(100)
    assert all((once[name] == value).all() for name, value in games.state(0).items())
