"""What observations tell, against the engine's own records."""

import math

import numpy as np
import pytest
from families.starcraft2.client import TERRAN, ZERG, Client, army, box, click, command, fight, order, units_of

from envsuite.families.starcraft2.engine import layers, units
from envsuite.families.starcraft2.engine.abilities import ABILITIES, NO_TARGET
from envsuite.families.starcraft2.engine.layers import MINIMAP_LAYERS, SCREEN_LAYERS
from envsuite.families.starcraft2.protocol.panels import OFFERS
from envsuite.families.starcraft2.protocol.pysc2_shim import load_pysc2

load_pysc2()

from pysc2.lib import actions, features  # noqa: E402

MOVE, MOVE_GENERAL, SMART = 16, 3794, 1


def test_layers_carry_what_the_engine_draws_whatever_their_bits():
    client = Client()
    client.start("DefeatRoaches", size=(43, 37), minimap=(21, 30), allow_cheating_layers=True)
    client.step(30)
    observation = client.observe().observation
    every = np.arange(len(SCREEN_LAYERS)), np.arange(len(MINIMAP_LAYERS))
    screen, minimap = client.match.console.draw(*every)
    assert set(np.unique(screen[SCREEN_LAYERS.index("player_relative")])) >= {0, 1, 4}
    for known, drawn in ((features.SCREEN_FEATURES, screen), (features.MINIMAP_FEATURES, minimap)):
        assert len(known) == len(drawn)
        for feature, layer in zip(known, drawn, strict=True):
            np.testing.assert_array_equal(feature.unpack(observation), layer, err_msg=feature.full_name)


def test_only_who_asks_to_cheat_sees_types_on_the_minimap():
    client = Client()
    client.start("DefeatRoaches")
    told = client.observe().observation.feature_layer_data
    assert not told.minimap_renders.HasField("unit_type")
    assert told.renders.HasField("unit_type")
    assert features.MINIMAP_FEATURES.unit_type.unpack(client.observe().observation) is None


def test_a_cropped_minimap_shows_the_playable_rectangle():
    whole, cropped = Client(), Client()
    whole.start("DefeatRoaches")
    cropped.start("DefeatRoaches", crop_to_playable_area=True, minimap=(22, 16))
    pathable = features.MINIMAP_FEATURES.pathable
    assert pathable.unpack(cropped.observe().observation).all()
    assert pathable.unpack(whole.observe().observation).mean() < 0.2
    # The middle of the cropped minimap is the middle of the rectangle, (33, 28).
    cropped.act(army(), order(MOVE_GENERAL, minimap=(11, 8)))
    [point, *_] = [unit.orders[0].target_world_space_pos for unit in units_of(cropped.observe(), 48, 1)]
    assert (point.x, point.y) == pytest.approx((33.5, 27.5), abs=4.0)


def test_only_what_was_asked_for_is_told():
    client = Client()
    client.start(raw=False, score=False)
    observation = client.observe().observation
    assert observation.HasField("feature_layer_data")
    assert not observation.HasField("raw_data")
    assert not observation.HasField("score")
    assert not client.get("game_info").HasField("start_raw")
    client.start(layers=False)
    observation = client.observe().observation
    assert not observation.HasField("feature_layer_data")
    assert observation.HasField("raw_data")
    assert observation.score.score_details.collected_minerals == 0
    options = client.get("game_info").options
    assert not options.HasField("feature_layer")
    assert not options.HasField("render")


def test_units_are_told_as_the_engine_has_them():
    client = Client()
    client.start("DefeatRoaches")
    fight(client)
    client.step(40)
    records = client.match.games.units(0)
    told = client.observe().observation.raw_data.units
    assert [unit.tag for unit in told] == records["tag"].tolist()
    for unit, record in zip(told, records, strict=True):
        kind = units.UNIT_TYPES[record["type"]]
        assert (unit.pos.x, unit.pos.y) == (record["x"], record["y"])  # 32 bits carry them whole
        assert (unit.unit_type, unit.owner) == (kind.unit_id, record["owner"])
        assert (unit.health, unit.health_max) == pytest.approx((record["health"], kind.health))
        assert unit.facing == pytest.approx(
            math.atan2(record["facing_y"], record["facing_x"]) % (2 * math.pi), abs=1e-5
        )
        assert unit.alliance == (1 if record["owner"] == 1 else 4)
        assert unit.display_type == 1
        assert unit.is_on_screen
        if record["owner"] == 1:
            assert unit.is_selected
            assert [row.ability_id for row in unit.orders] == [23]
            assert unit.weapon_cooldown == pytest.approx(max(record["cooldown"], 0.0))
        else:
            assert not unit.orders
            assert unit.weapon_cooldown == 0.0


def test_beacons_and_shards_belong_to_nobody():
    client = Client()
    client.start("CollectMineralShards")
    shards = units_of(client.observe(), 1680)
    assert len(shards) == 20
    assert {(unit.owner, unit.alliance) for unit in shards} == {(16, 3)}


def test_what_fog_hides_is_not_told():
    client = Client()
    client.start("FindAndDefeatZerglings")
    seen, everything = client.observe(), client.observe(disable_fog=True)
    assert len(units_of(everything, 105)) == 25
    assert 1 <= len(units_of(seen, 105)) < 25
    marines = units_of(seen, 48)
    for unit in units_of(seen, 105):
        assert min(math.dist((unit.pos.x, unit.pos.y), (own.pos.x, own.pos.y)) for own in marines) <= 9.0
    again = client.observe()
    assert again.observation.raw_data.units == seen.observation.raw_data.units
    client.start("FindAndDefeatZerglings", create={"disable_fog": True})
    assert len(units_of(client.observe(), 105)) == 25


def test_the_dead_are_told_once():
    client = Client()
    client.start("DefeatRoaches")
    fight(client)
    living = {unit.tag for unit in units_of(client.observe())}
    for _ in range(60):
        client.step(8)
        told = client.observe()
        now = {unit.tag for unit in units_of(told)}
        dead = set(told.observation.raw_data.event.dead_units)
        assert dead == living - now
        if dead:
            break
        living = now
    assert dead
    assert not client.observe().observation.raw_data.event.dead_units


def test_every_ability_is_one_that_pysc2_knows_by_its_kind_of_target():
    for ability, offer in zip(ABILITIES, OFFERS, strict=True):
        assert offer.requires_point == (ability.target != NO_TARGET)
        kinds = actions.POINT_REQUIRED_FUNCS[offer.requires_point]
        found = [function for function in actions.ABILITY_IDS[offer.ability_id] if function.function_type in kinds]
        assert found, ability.name
        assert ability.general_id in {function.general_id for function in found}, ability.name


def test_offers_are_specific_abilities_of_the_selection():
    client = Client()
    client.start("MoveToBeacon")
    assert list(client.observe().observation.abilities) == []
    client.act(army())
    offers = {row.ability_id: row.requires_point for row in client.observe().observation.abilities}
    assert offers == {1: True, 4: False, 16: True, 17: True, 18: False, 23: True}


def test_panels_of_none_one_and_many():
    client = Client()
    client.start("CollectMineralShards")
    assert client.observe().observation.ui_data.WhichOneof("panel") is None
    client.act(army())
    panel = client.observe().observation.ui_data.multi
    assert [(unit.unit_type, unit.player_relative, unit.health, unit.build_progress) for unit in panel.units] == [
        (48, 1, 45, 0)
    ] * 2
    client.start("MoveToBeacon")
    client.act(army())
    assert client.observe().observation.ui_data.single.unit.unit_type == 48


def start_economy(name="BuildMarines"):
    """Returns a client whose command centre is selected."""
    client = Client()
    client.start(name)
    [center] = units_of(client.observe(), 18)
    camera = client.observe().observation.raw_data.player.camera
    scale = 64 / 24
    pixel = int((center.pos.x - camera.x) * scale + 32), int((camera.y - center.pos.y) * scale + 32)
    client.act(click(*pixel))
    return client, center


def test_a_structure_that_trains_shows_its_queue():
    client, center = start_economy()
    assert client.observe().observation.ui_data.single.unit.unit_type == 18
    assert client.act(order(524)) == [1]
    client.step(136)
    told = client.observe().observation
    panel = told.ui_data.production
    assert [(unit.unit_type, unit.build_progress) for unit in panel.build_queue] == [(45, pytest.approx(0.5, abs=0.02))]
    assert [row.ability_id for row in panel.production_queue] == [524]
    [center] = [unit for unit in told.raw_data.units if unit.tag == center.tag]
    assert [row.ability_id for row in center.orders] == [524]
    assert center.is_active
    assert (center.assigned_harvesters, center.ideal_harvesters) == (12, 16)


def test_numbers_of_the_player():
    client, _ = start_economy()
    player = client.observe().observation.player_common
    assert (player.player_id, player.minerals, player.food_used, player.food_cap) == (1, 50, 12, 15)
    assert (player.food_workers, player.food_army, player.army_count, player.idle_worker_count) == (12, 0, 0, 0)
    client.start("CollectMineralsAndGas")
    assert client.observe().observation.player_common.idle_worker_count == 12


def test_workers_that_carry_are_told_by_their_buff():
    client = Client()
    client.start("BuildMarines")
    client.step(200)
    workers = units_of(client.observe(), 45)
    carrying = client.match.games.units(0)
    carrying = {int(unit["tag"]) for unit in carrying if unit["minerals"]}
    assert {worker.tag for worker in workers if list(worker.buff_ids) == [271]} == carrying != set()
    assert {worker.orders[0].ability_id for worker in workers} <= {295, 296}


def test_control_groups():
    client = Client()
    client.start("CollectMineralShards")
    action = army()
    group = army()
    group.action_ui.control_group.action, group.action_ui.control_group.control_group_index = 2, 4
    assert client.act(action, group) == [1, 1]
    [told] = client.observe().observation.ui_data.groups
    assert (told.control_group_index, told.leader_unit_type, told.count) == (4, 48, 2)


def test_scores_of_curricula_and_of_a_melee():
    client = Client()
    client.start("CollectMineralShards")
    for _ in range(40):
        told = client.observe()
        shards, marines = units_of(told, 1680), units_of(told, 48)
        near = min(shards, key=lambda unit: math.dist((unit.pos.x, unit.pos.y), (marines[0].pos.x, marines[0].pos.y)))
        client.act(command(MOVE, [unit.tag for unit in marines], (near.pos.x, near.pos.y)))
        client.step(16)
    score = client.observe().observation.score
    assert score.score_type == 1
    assert score.score >= 2
    assert score.score_details.collected_minerals == 100 * score.score
    client.start("Simple64", computer=ZERG)
    score = client.observe().observation.score
    assert score.score_type == 2
    assert score.score_details.total_value_structures == 400
    assert score.score_details.total_value_units == 600
    assert score.score_details.used_minerals.economy == 1000
    assert score.score_details.food_used.economy == 12


def test_actions_and_errors_are_told_once_behind_the_next_step():
    client = Client()
    client.start("MoveToBeacon")
    assert client.act(army(), order(MOVE_GENERAL, screen=(3, 60)), order(524), order(999_999)) == [1, 1, 2, 2]
    assert not client.observe().actions
    client.step(8)
    told = client.observe()
    assert [action.action_ui.HasField("select_army") for action in told.actions] == [True, False]
    command_ = told.actions[1].action_feature_layer.unit_command
    assert (command_.ability_id, command_.target_screen_coord.x, command_.target_screen_coord.y) == (MOVE, 3, 60)
    by_tags = told.actions[1].action_raw.unit_command
    assert list(by_tags.unit_tags) == [unit.tag for unit in units_of(told, 48)]
    assert [(error.ability_id, error.result) for error in told.action_errors] == [(524, 2), (999_999, 2)]
    again = client.observe()
    assert not again.actions
    assert not again.action_errors
    client.step(8)
    assert not client.observe().actions


def test_pysc2_reads_every_echo_back():
    client = Client()
    client.start("CollectMineralShards")
    reader = features.features_from_game_info(client.get("game_info"))
    [tag, *_] = [unit.tag for unit in units_of(client.observe(), 48)]
    client.act(
        army(),
        click(5, 5),
        box((0, 0, 63, 63)),
        order(MOVE_GENERAL, screen=(9, 8)),
        order(SMART, minimap=(30, 31), queued=True),
        order(3665),
        command(MOVE, [tag], (33.0, 28.0)),
        command(4, [tag]),
        command(MOVE, [tag], (50.0, 60.0)),  # beyond the screen
    )
    client.step(8)
    told = client.observe()
    read = [reader.reverse_action(action) for action in told.actions]
    names = [actions.FUNCTIONS[call.function].name for call in read]
    assert names == [
        *("select_army", "select_point", "select_rect", "Move_screen", "Smart_minimap", "Stop_quick"),
        *("Move_screen", "Stop_quick", "Move_minimap"),
    ]
    assert [list(map(int, argument)) for argument in read[3].arguments] == [[0], [9, 8]]


def test_raw_commands_change_the_selection_only_where_that_is_asked_for():
    for wanted in (False, True):
        client = Client()
        client.start("CollectMineralShards", raw_affects_selection=wanted)
        tag = units_of(client.observe(), 48)[1].tag
        assert client.act(command(MOVE, [tag], (30.0, 28.0))) == [1]
        assert [unit.tag for unit in units_of(client.observe(), 48) if unit.is_selected] == ([tag] if wanted else [])


def test_own_units_that_were_hit_raise_an_alert():
    client = Client()
    client.start("DefeatRoaches")
    fight(client)
    assert not client.observe().observation.alerts
    alerts = set()
    for _ in range(30):
        client.step(8)
        alerts |= set(client.observe().observation.alerts)
    assert alerts == {19}


def test_the_grids_of_a_battle_are_read_as_smac_reads_them():
    client = Client()
    client.start("corridor", race=TERRAN, computer=ZERG, layers=False)
    start = client.get("game_info").start_raw
    side = start.map_size.x
    assert (side, start.map_size.y, start.pathing_grid.bits_per_pixel) == (32, 32, 1)
    assert (start.playable_area.p1.x, start.playable_area.p1.y) == (32, 32)
    rows = np.array(list(start.pathing_grid.data)).reshape(side, side // 8)
    grid = np.transpose(np.array([[(byte >> bit) & 1 for byte in row for bit in range(7, -1, -1)] for row in rows]))
    np.testing.assert_array_equal(grid == 1, client.match.games.setting.cliffs == 0)
    heights = np.frombuffer(start.terrain_height.data, np.uint8).reshape(side, side)
    assert set(np.unique(heights)) == {layers.GROUND, layers.CLIFF}
    np.testing.assert_array_equal(heights.T == layers.GROUND, grid == 1)


def test_a_melee_tells_where_the_enemy_begins():
    client = Client()
    client.start("Simple64", computer=ZERG)
    [place] = client.get("game_info").start_raw.start_locations
    [center] = units_of(client.observe(disable_fog=True), 18, 2)
    assert (place.x, place.y) == (center.pos.x, center.pos.y)


def test_static_data():
    client = Client()
    client.start()
    everything = client.get("data", ability_id=True, unit_type_id=True, upgrade_id=True, buff_id=True, effect_id=True)
    assert not client.get("data").abilities
    known = {row.unit_id: row for row in everything.units}
    marine = known[48]
    assert (marine.name, marine.mineral_cost, marine.food_required, marine.race) == ("Marine", 50, 1, 1)
    assert (marine.movement_speed, marine.ability_id, marine.build_time) == (2.25, 560, 400)
    assert [(weapon.damage, weapon.range, weapon.attacks) for weapon in marine.weapons] == [(6, 5, 1)]
    assert known[51].weapons[0].damage_bonus[0].bonus == 10
    abilities = {row.ability_id: row for row in everything.abilities}
    assert abilities[16].remaps_to_ability_id == 3794
    assert abilities[16].available
    assert not abilities[380].available  # a stimpack
    assert [row.ability_id for row in everything.abilities] == sorted(abilities)


def test_workers_of_a_melee_gather_by_themselves():
    client = Client()
    client.start("Simple64", computer=ZERG)
    assert {worker.orders[0].ability_id for worker in units_of(client.observe(), 45, 1)} == {295}
    client.step(400)
    assert client.observe().observation.player_common.minerals > 100
    assert client.match.games.batch.players[0, 2]["minerals"] > 100
