import numpy as np
import pytest
from families.starcraft2.arena import field, mini_game

from envsuite.families.starcraft2 import codes
from envsuite.families.starcraft2.engine import abilities, units
from envsuite.families.starcraft2.engine.abilities import ABILITIES, ABILITY_ROW
from envsuite.families.starcraft2.engine.console import Console
from envsuite.families.starcraft2.engine.layout import FOE, ME, NEUTRAL
from envsuite.families.starcraft2.engine.scenario import BATTLE, MARINES

ALWAYS = {"Smart", "Stop_Stop", "Move_Move", "Patrol_Patrol", "HoldPosition_Hold"}
SCV = ALWAYS | {"Attack_Attack", "Harvest_Gather_SCV"}
CENTER = {"Smart", "Rally_CommandCenter"}
BARRACKS = {"Smart", "Rally_Building"}


def offered(console):
    """Returns the names of what the selection can do."""
    return {row.name for row, able in zip(ABILITIES, console.offers(), strict=True) if able}


def base(*placed, minerals=0, vespene=0, **changes):
    """Returns a field with some of the first player's units, all selected."""
    games = field(**changes)
    games.batch.players[0, ME]["minerals"], games.batch.players[0, ME]["vespene"] = minerals, vespene
    tags = [games.create(0, ME, kind, 20.0 + 6 * index, 30.0) for index, kind in enumerate(placed)]
    for tag in tags:
        change(games, tag, selected=1)
    return games, Console(games, ME), tags


def change(games, tag, **values):
    for name, value in values.items():
        games.batch.units[0, tag % 4096][name] = value


def test_a_marine_has_six():
    _, console, _ = base(units.MARINE)
    assert [ABILITIES[row].ability_id for row in np.flatnonzero(console.offers())] == [1, 4, 16, 17, 18, 23]


def test_nothing_is_offered_without_a_selection_or_to_others():
    games, console, (tag,) = base(units.MARINE)
    assert offered(Console(games, FOE)) == set()
    games.create(0, FOE, units.MARINE, 40, 30)
    games.batch.units[0]["selected"] = 0
    assert offered(console) == set()
    games.batch.units[0, 1]["selected"] = 1
    assert offered(console) == set()
    change(games, tag, selected=1, health=0.0)
    assert offered(console) == set()


def test_the_unarmed_scan_and_heal():
    _, console, _ = base(units.MEDIVAC)
    assert offered(console) == ALWAYS | {"Scan_Move", "Effect_Heal"}


@pytest.mark.parametrize(
    ("minerals", "more"),
    [
        (74, set()),
        (75, {"Build_Refinery"}),
        (100, {"Build_Refinery", "Build_SupplyDepot"}),
        (400, {"Build_Refinery", "Build_SupplyDepot", "Build_CommandCenter"}),
    ],
)
def test_workers_build_what_can_be_paid_for(minerals, more):
    _, console, _ = base(units.SCV, minerals=minerals)
    assert offered(console) == SCV | more


def test_barracks_need_a_finished_depot():
    games, console, (_, depot) = base(units.SCV, units.SUPPLY_DEPOT, minerals=150)
    assert "Build_Barracks" in offered(console)
    change(games, depot, progress=0.99)
    assert "Build_Barracks" not in offered(console)


def test_what_is_carried_can_be_returned():
    games, console, (tag,) = base(units.SCV)
    for name in ("minerals", "vespene"):
        assert "Harvest_Return_SCV" not in offered(console)
        change(games, tag, **{name: 4})
        assert "Harvest_Return_SCV" in offered(console)
        change(games, tag, **{name: 0})


def test_structures_train_what_can_be_paid_for_and_fed():
    games, console, (center,) = base(units.COMMAND_CENTER, minerals=50)
    player = games.batch.players[0, ME]
    assert offered(console) == CENTER | {"Train_SCV"}
    player["minerals"] = 49
    assert offered(console) == CENTER
    player["minerals"] = 500
    player["supply"] = 15.0
    assert offered(console) == CENTER
    change(games, center, queue=[units.SCV, 0, 0, 0, 0], made=1.0)
    assert offered(console) == CENTER | {"Train_SCV", "Cancel_Queue5"}  # its turn is yet to come
    change(games, center, queue=[units.SCV] * 5)
    assert offered(console) == CENTER | {"Cancel_Queue5"}


@pytest.mark.parametrize("kind", [units.COMMAND_CENTER, units.SUPPLY_DEPOT, units.REFINERY, units.BARRACKS])
def test_an_unfinished_structure_offers_its_end_alone(kind):
    games, console, (tag,) = base(kind, minerals=1000)
    assert "Cancel_BuildInProgress" not in offered(console)
    change(games, tag, progress=0.5)
    assert offered(console) == {"Cancel_BuildInProgress"}


def test_a_worker_that_builds_can_be_halted_alone():
    games, console, (tag,) = base(units.SCV, minerals=500)
    assert games.command(0, ME, [tag], 319, point=(22.0, 30.0)) == abilities.SUCCESS
    assert "Halt_TerranBuild" not in offered(console)
    games.step(0, 60)
    assert (games.units(0)["type"] == units.SUPPLY_DEPOT).any()
    assert offered(console) == {"Halt_TerranBuild"}


def test_a_mixed_selection_offers_what_any_of_it_can_do():
    _, console, _ = base(units.MARINE, units.SCV, units.BARRACKS, minerals=50)
    assert offered(console) == SCV | BARRACKS


def test_the_map_of_the_marines_cuts_the_cards():
    games, console, _ = base(units.SCV, minerals=1000, script=MARINES)
    worker = {"Smart", "Harvest_Gather_SCV"}
    assert offered(console) == worker | {"Build_SupplyDepot"}
    games.create(0, ME, units.SUPPLY_DEPOT, 40, 40)
    assert offered(console) == worker | {"Build_SupplyDepot", "Build_Barracks"}
    for kind, names in (
        (units.COMMAND_CENTER, CENTER | {"Train_SCV"}),
        (units.BARRACKS, {"Smart", "Train_Marine"}),
        (units.SUPPLY_DEPOT, set()),
        (units.MARINE, ALWAYS | {"Attack_Attack"}),
    ):
        games, console, _ = base(kind, minerals=1000, script=MARINES)
        games.create(0, ME, units.SUPPLY_DEPOT, 40, 40)
        games.batch.players[0, ME]["supply"] = 0.0
        assert offered(console) == names


def test_a_cut_card_refuses_and_a_right_click_still_moves():
    games = mini_game("BuildMarines")
    records = games.units(0)
    worker = int(records["tag"][records["type"] == units.SCV][0])
    before = games.state(0)
    for ability, arguments in ((3794, {"point": (30.0, 35.0)}), (3665, {}), (3674, {"point": (30.0, 35.0)})):
        assert games.command(0, ME, [worker], ability, **arguments) == abilities.NOT_SUPPORTED
    assert all((before[name] == value).all() for name, value in games.state(0).items())
    assert games.command(0, ME, [worker], 1, point=(30.0, 35.0)) == abilities.SUCCESS
    assert games.batch.orders[0, worker % 4096, 0]["ability"] == 16


def targets_of(row, games):
    """Returns the arguments of commands that an ability may succeed with."""
    found = [{}] if row.target == abilities.NO_TARGET else []
    if row.target in (abilities.POINT, abilities.POINT_OR_UNIT):
        found += [{"point": (float(x), 44.0)} for x in (20, 30, 40)]
    if row.target in (abilities.UNIT, abilities.POINT_OR_UNIT):
        found += [{"target": int(tag)} for tag in games.units(0)["tag"]]
    return found


@pytest.mark.parametrize("seed", range(16))
def test_what_is_offered_succeeds_and_what_is_not_is_refused(seed):
    rng = np.random.default_rng(seed)
    kinds = rng.choice(
        [units.MARINE, units.SCV, units.MEDIVAC, units.COMMAND_CENTER, units.BARRACKS, units.SUPPLY_DEPOT], 3
    )
    games, console, tags = base(
        *map(int, kinds), minerals=int(rng.choice([0, 60, 120, 800])), script=int(rng.choice([BATTLE, MARINES]))
    )
    for tag in tags:
        change(games, tag, minerals=int(rng.integers(2)) * 5)
        if units.ATTRIBUTES[games.batch.units[0, tag % 4096]["type"]] & units.STRUCTURE:
            if rng.integers(2):
                change(games, tag, progress=0.5)
            elif rng.integers(2):
                change(games, tag, queue=[units.SCV] * 2 + [0] * 3, made=5.0)
    games.create(0, NEUTRAL, units.MINERAL_FIELD, 20, 40)
    games.create(0, NEUTRAL, units.VESPENE_GEYSER, 30, 38)
    kept, offers = games.state(0), console.offers()
    for row in ABILITIES:
        succeeds = False
        for arguments in targets_of(row, games):
            games.set_state(0, kept)
            succeeds |= games.command(0, ME, tags, row.ability_id, **arguments) == abilities.SUCCESS
        games.set_state(0, kept)
        assert succeeds == offers[ABILITY_ROW[row.name]], row.name


def test_offers_are_what_the_player_selected():
    games, console, _ = base(units.MARINE, units.MEDIVAC)
    games.batch.players[0, ME]["camera_x"] = games.batch.players[0, ME]["camera_y"] = 30.0
    games.batch.units[0]["selected"] = 0
    console.act(codes.SELECT_ARMY)
    assert offered(console) == ALWAYS | {"Attack_Attack", "Scan_Move", "Effect_Heal"}
