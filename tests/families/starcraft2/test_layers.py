import importlib

import numpy as np
import pytest
from families.starcraft2.arena import field, mine, mini_game, unit

from envsuite.families.starcraft2 import codes, observations
from envsuite.families.starcraft2.engine import layers, units
from envsuite.families.starcraft2.engine.console import Console
from envsuite.families.starcraft2.engine.layers import MINIMAP_LAYERS, SCREEN_LAYERS
from envsuite.families.starcraft2.engine.layout import FOE, LEDGE, ME, NEUTRAL
from envsuite.families.starcraft2.engine.screen import Screen
from envsuite.families.starcraft2.protocol.pysc2_shim import load_pysc2

EVERY = np.arange(len(SCREEN_LAYERS)), np.arange(len(MINIMAP_LAYERS))
SIZES = [Screen(), Screen(24.0, 84, 48, 64, 48), Screen(24.0, 16, 16, 16, 16), Screen(40.0, 33, 65, 20, 31)]
PLAIN = Screen()
NEVER_LIT = ("creep", "power", "effects", "hallucinations", "cloaked", "blip", "buffs", "buff_duration", "placeholder")


def draw(games, player=ME, screen=PLAIN):
    """Returns the layers of screen and minimap by their names."""
    of_screen, of_map = Console(games, player, screen).draw(*EVERY)
    return dict(zip(SCREEN_LAYERS, of_screen, strict=True)), dict(zip(MINIMAP_LAYERS, of_map, strict=True))


def look_at(games, x, y, player=ME):
    record = games.batch.players[0, player]
    record["camera_x"], record["camera_y"] = x, y


def change(games, tag, **values):
    units_ = games.batch.units[0]
    slot = int(np.flatnonzero(units_["tag"] == tag)[0])
    for name, value in values.items():
        units_[name][slot] = value


# What the picture must be, written plainly


def corner_and_scale(games, screen, player, minimap):
    if minimap:
        scale = max(games.setting.width / screen.map_columns, games.setting.height / screen.map_rows)
        return 0.0, games.setting.height, scale, screen.map_columns, screen.map_rows
    record, scale = games.batch.players[0, player], screen.width / screen.columns
    left, top = record["camera_x"] - 0.5 * screen.width, record["camera_y"] + screen.rows / 2 * scale
    return left, top, scale, screen.columns, screen.rows


def masks(games, screen, player, minimap=False):
    """Returns (record, covered pixels, covered sixteenths) of all units, those in the air last."""
    left, top, scale, columns, rows = corner_and_scale(games, screen, player, minimap)
    found = []
    records = [record for record in games.batch.units[0] if record["type"]]
    for record in sorted(records, key=lambda record: bool(units.AIR[record["type"]])):
        x, y, radius = (record["x"] - left) / scale, (top - record["y"]) / scale, units.RADIUS[record["type"]] / scale
        dx, dy = np.arange(columns) + 0.5 - x, np.arange(rows) + 0.5 - y
        covered = dx[None, :] ** 2 + dy[:, None] ** 2 <= radius**2
        if 0 <= x < columns and 0 <= y < rows:
            covered[int(y), int(x)] = True
        fine_x, fine_y = (np.arange(4 * columns) + 0.5) / 4 - x, (np.arange(4 * rows) + 0.5) / 4 - y
        points = fine_x[None, :] ** 2 + fine_y[:, None] ** 2 <= radius**2
        found.append((record, covered, points.reshape(rows, 4, columns, 4).sum(axis=(1, 3))))
    return found


def painted(found, value):
    picture = np.zeros(found[0][1].shape)
    for record, covered, _ in found:
        picture[covered] = value(record)
    return picture


def relative(player):
    return lambda record: 1 if record["owner"] == player else 3 if record["owner"] == NEUTRAL else 4


def scatter(seed, count=60):
    rng = np.random.default_rng(seed)
    games = field(slots=count)
    for _ in range(count):
        kind = int(rng.integers(1, len(units.UNIT_TYPES)))
        owner = int(rng.choice([ME, FOE, NEUTRAL]))
        tag = games.create(0, owner, kind, *rng.uniform(10.0, 54.0, 2))
        change(
            games,
            tag,
            health=np.ceil(units.MAX_HEALTH[kind] * rng.uniform(0.1, 1.0)),
            shield=units.MAX_SHIELD[kind] * rng.uniform(),
            energy=units.MAX_ENERGY[kind] * rng.uniform(),
            selected=rng.integers(4),
            progress=rng.choice([1.0, 1.0, rng.uniform()]),
        )
    look_at(games, *rng.uniform(20.0, 44.0, 2), ME)
    look_at(games, *rng.uniform(20.0, 44.0, 2), FOE)
    return games


@pytest.mark.parametrize("screen", SIZES)
@pytest.mark.parametrize("player", [ME, FOE])
def test_pictures_of_random_scenes(screen, player):
    for seed in range(12):
        games = scatter(seed)
        drawn, on_map = draw(games, player, screen)
        found = masks(games, screen, player)
        assert (drawn["unit_density"] == sum(covered.astype(int) for _, covered, _ in found)).all()
        assert (drawn["unit_density_aa"] == np.minimum(sum(points for _, _, points in found), 255)).all()
        for name, value in {
            "player_relative": relative(player),
            "player_id": lambda record: record["owner"],
            "unit_type": lambda record: units.UNIT_ID[record["type"]],
            "selected": lambda record: record["selected"] >> (player - 1) & 1,
            "unit_hit_points": lambda record: record["health"],
            "unit_energy": lambda record: int(record["energy"]),
            "unit_shields": lambda record: np.ceil(record["shield"]),
            "build_progress": lambda record: int(255 * record["progress"] + 0.5) if record["progress"] < 1.0 else 0,
        }.items():
            assert (drawn[name] == painted(found, value)).all(), name
        for name, of_unit, most in (
            ("unit_hit_points_ratio", "health", units.MAX_HEALTH),
            ("unit_energy_ratio", "energy", units.MAX_ENERGY),
            ("unit_shields_ratio", "shield", units.MAX_SHIELD),
        ):
            expected = painted(
                found,
                lambda record, of_unit=of_unit, most=most: record[of_unit] / max(most[record["type"]], 1e-9) * 255,
            )
            assert abs(drawn[name] - expected).max() <= 0.5001, name
        small = masks(games, screen, player, minimap=True)
        assert (on_map["player_relative"] == painted(small, relative(player))).all()
        assert (on_map["unit_type"] == painted(small, lambda record: units.UNIT_ID[record["type"]])).all()
        assert not any(drawn[name].any() for name in NEVER_LIT)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32])
def test_layers_are_written_in_the_order_and_type_asked_for(dtype):
    games = scatter(3)
    drawn, on_map = draw(games)
    names = ("unit_density_aa", "height_map", "selected", "player_relative", "unit_hit_points_ratio")
    of_screen = np.full((len(names), 64, 64), 77, dtype)
    of_map = np.full((1, 64, 64), 77, dtype)
    which = np.array([SCREEN_LAYERS.index(name) for name in names])
    run_draw(games, which, of_screen, np.array([MINIMAP_LAYERS.index("camera")]), of_map)
    for name, layer in zip(names, of_screen, strict=True):
        assert (layer == drawn[name]).all(), name
    assert (of_map[0] == on_map["camera"]).all()


def run_draw(games, which, of_screen, map_which, of_map):
    layers.draw_row(games.batch, games.setting, Screen(), 0, ME, which, of_screen, map_which, of_map)


def test_names_are_those_that_the_observations_have():
    assert SCREEN_LAYERS == observations.SCREEN_LAYERS
    assert MINIMAP_LAYERS == observations.MINIMAP_LAYERS


def test_names_are_pysc2s():
    pytest.importorskip("pysc2")
    load_pysc2()
    features = importlib.import_module("pysc2.lib.features")
    assert features.ScreenFeatures._fields == SCREEN_LAYERS
    assert features.MinimapFeatures._fields == MINIMAP_LAYERS


def test_drawing_changes_nothing_where_there_is_no_fog():
    games = scatter(5)
    before = games.state(0)
    draw(games)
    assert all((before[name] == value).all() for name, value in games.state(0).items())


# Hand-made scenes


def test_a_beacon_as_scripted_agents_look_for_it():
    games = mini_game("MoveToBeacon")
    drawn, _ = draw(games)
    rows, columns = np.nonzero(drawn["player_relative"] == 3)
    beacon = next(record for record in games.units(0) if record["type"] == units.BEACON)
    assert (24.0 / 64) * (columns.mean() + 0.5) + 21.0 == pytest.approx(beacon["x"], abs=0.4)
    assert 37.0 - (24.0 / 64) * (rows.mean() + 0.5) == pytest.approx(beacon["y"], abs=0.4)


def test_later_units_lie_over_earlier_ones_and_the_air_over_all():
    games = field()
    look_at(games, 30.0, 30.0)
    games.create(0, ME, units.MEDIVAC, 30, 30)
    games.create(0, FOE, units.MARINE, 30, 30)
    games.create(0, ME, units.SCV, 33, 30)
    games.create(0, FOE, units.MARINE, 33, 30)
    types = draw(games)[0]["unit_type"]
    assert types[32, 32] == 54
    assert types[32, 40] == 48
    assert draw(games)[0]["unit_density"][32, 32] == 2


def test_only_the_playable_rectangle_is_visible_and_can_be_walked_on():
    games = mini_game("DefeatRoaches")
    drawn, on_map = draw(games)
    xs, ys = 21.0 + (np.arange(64) + 0.5) * 0.375, 37.0 - (np.arange(64) + 0.5) * 0.375
    inside = ((ys >= 20) & (ys < 36))[:, None] & ((xs >= 22) & (xs < 44))[None, :]
    assert (drawn["visibility_map"] == 2 * inside).all()
    assert (drawn["pathable"] == inside).all()
    assert (drawn["buildable"] == inside).all()
    assert (on_map["visibility_map"][28:44, 22:44] == 2).all()
    assert on_map["visibility_map"].sum() == 2 * 16 * 22


def test_structures_cliffs_and_ledges_are_not_walked_on():
    games = field(cliffs=((28.0, 28.0, 30.0, 30.0),), ledges=((30.0, 28.0, 32.0, 30.0),))
    games.create(0, ME, units.SUPPLY_DEPOT, 34, 29)
    _, on_map = draw(games)
    blocked = np.zeros((64, 64), bool)
    blocked[34:36, 28:32] = True
    blocked[34:36, 33:35] = True
    assert games.batch.blocked[0, 30, 28] == LEDGE
    assert (on_map["pathable"] == ~blocked).all()
    assert (on_map["buildable"] == ~blocked).all()
    height = on_map["height_map"]
    assert (height == np.where(blocked & (np.arange(64) < 32), layers.CLIFF, layers.GROUND)).all()


def test_the_minimap_shows_the_camera():
    games = mini_game("FindAndDefeatZerglings")
    look_at(games, 30.0, 20.0)
    camera = draw(games)[1]["camera"]
    expected = np.zeros((64, 64), int)
    expected[64 - 32 : 64 - 8, 18:42] = 1
    assert (camera == expected).all()


def test_a_hit_lights_an_alert_for_a_second():
    games = field()
    tag = games.create(0, ME, units.MARINE, 30.5, 30.5)
    enemy = games.create(0, FOE, units.MARINE, 40.5, 30.5)
    games.step(0, 30)
    loop = games.batch.state[0, 0]["loop"]
    change(games, enemy, hit_loop=loop)
    assert not draw(games)[1]["alerts"].any()
    change(games, tag, hit_loop=loop)
    assert np.argwhere(draw(games)[1]["alerts"]).tolist() == [[33, 30]]
    change(games, tag, hit_loop=loop - 16)
    assert not draw(games)[1]["alerts"].any()


def test_what_is_active_and_how_far_it_is():
    games = field()
    look_at(games, 30.0, 30.0)
    barracks = games.create(0, ME, units.BARRACKS, 30, 30)
    site = games.create(0, ME, units.SUPPLY_DEPOT, 36, 30)
    games.create(0, ME, units.SUPPLY_DEPOT, 24, 30)
    games.batch.players[0, ME]["minerals"] = 100
    assert not draw(games)[0]["active"].any()
    assert games.command(0, ME, [barracks], 560) == 1
    games.step(0, 200)
    change(games, site, progress=0.25)
    drawn, _ = draw(games)
    assert drawn["active"][32, 32] == 1
    assert drawn["build_progress"][32, 32] == pytest.approx(127.5, abs=1)
    assert (drawn["build_progress"][32, 48], drawn["active"][32, 48]) == (64, 0)
    assert (drawn["build_progress"][32, 16], drawn["active"][32, 16]) == (0, 0)
    look_at(games, 30.0, 30.0, FOE)
    theirs, _ = draw(games, FOE)
    assert theirs["build_progress"][32, 32] == 0  # what an enemy trains is not shown
    assert theirs["build_progress"][32, 48] == 64


def test_what_is_inside_or_dead_is_not_drawn():
    games = field()
    look_at(games, 30.0, 30.0)
    inside, dead = games.create(0, ME, units.SCV, 30, 30), games.create(0, ME, units.MARINE, 33, 30)
    change(games, inside, inside=1)
    change(games, dead, health=0.0)
    assert not draw(games)[0]["unit_density"].any()


# Fog


def test_fog_hides_what_is_out_of_sight_and_remembers_the_ground():
    games = field(fog=True, free_camera=True)
    look_at(games, 30.0, 30.0)
    scout = games.create(0, ME, units.MARINE, 30, 30)
    near, far = games.create(0, FOE, units.ZERGLING, 37, 30), games.create(0, FOE, units.ZERGLING, 40, 30)
    own_far = games.create(0, ME, units.MARINE, 5, 5)
    assert all(unit(games, tag) is not None for tag in (near, far, own_far))
    _, on_map = draw(games)
    visible = on_map["visibility_map"]
    cells = np.arange(64) + 0.5
    expected = np.zeros((64, 64), int)
    for x, y in ((30, 30), (5, 5)):
        expected[(cells[None, :] - x) ** 2 + ((64 - cells)[:, None] - y) ** 2 <= 81] = 2
    assert (visible == expected).all()
    assert np.argwhere(on_map["player_relative"] == 4).tolist() == [[34, 37]]
    change(games, scout, x=50.0, y=50.0)
    _, later = draw(games)
    assert later["visibility_map"][33, 30] == 1
    assert later["visibility_map"][13, 50] == 2
    assert later["visibility_map"][60, 60] == 0
    assert not (later["player_relative"] == 4).any()
    assert (draw(games)[1]["visibility_map"] == later["visibility_map"]).all()


def test_players_have_a_fog_each():
    games = field(fog=True)
    games.create(0, ME, units.MARINE, 20, 20)
    games.create(0, FOE, units.ROACH, 50, 50)
    mine_seen, theirs_seen = draw(games)[1]["visibility_map"], draw(games, FOE)[1]["visibility_map"]
    assert mine_seen[64 - 20, 20] == 2
    assert mine_seen[64 - 50, 50] == 0
    assert theirs_seen[64 - 20, 20] == 0
    assert theirs_seen[64 - 50, 50] == 2


def test_nothing_beyond_the_playable_rectangle_is_seen():
    games = mini_game("FindAndDefeatZerglings")
    change(games, int(mine(games)["tag"][0]), x=11.0, y=13.0)
    visible = draw(games)[1]["visibility_map"]
    assert visible[64 - 14, 11] == 2
    assert not visible[:, :10].any()
    assert not visible[64 - 12 :, :].any()


def test_a_selected_enemy_that_is_out_of_sight_is_no_longer_selected():
    games = field(fog=True)
    look_at(games, 30.0, 30.0)
    scout = games.create(0, ME, units.MARINE, 30, 30)
    games.create(0, FOE, units.ROACH, 33, 30)
    console = Console(games, ME)
    assert console.act(codes.SELECT_POINT, 40, 32, how=codes.SELECT) == 1
    assert console.selected() == [1]
    draw(games)
    assert console.selected() == [1]
    change(games, scout, x=10.0, y=10.0)
    draw(games)
    assert console.selected() == []


def test_cells_of_a_map_of_another_size():
    games = field(size=(32, 32), playable=(0.0, 0.0, 32.0, 32.0), fog=True)
    look_at(games, 0.0, 32.0)
    games.create(0, ME, units.MARINE, 31, 31)
    drawn, on_map = draw(games)
    assert on_map["visibility_map"][0, 63] == 2
    assert not drawn["visibility_map"][:32].any()  # above the map
    assert (drawn["pathable"][32:, 32:] == 1).all()
    assert not drawn["pathable"][:, :32].any()
