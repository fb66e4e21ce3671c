"""What clients can do by the protocol, and how wrong actions end."""

import numpy as np
import pytest
from families.starcraft2.client import ZERG, Client, army, box, click, command, order, units_of
from s2clientprotocol import error_pb2, sc2api_pb2

MOVE, STOP, ATTACK, HEAL = 16, 4, 23, 386
SUCCESS, NOT_SUPPORTED, ERROR, CANT_TARGET, MUST_SEE = 1, 2, 3, 36, 84


def start(name="CollectMineralShards", **options):
    client = Client()
    client.start(name, **options)
    return client, [unit.tag for unit in units_of(client.observe(), owner=1)]


def camera(x, y):
    action = sc2api_pb2.Action()
    center = action.action_raw.camera_move.center_world_space
    center.x, center.y = x, y
    return action


def ui(name, **fields):
    action = sc2api_pb2.Action()
    part = getattr(action.action_ui, name)
    part.SetInParent()
    for field, value in fields.items():
        setattr(part, field, value)
    return action


def test_units_obey_to_commands_by_their_tags():
    client, [first, second] = start()
    assert client.act(command(MOVE, [first], (40.0, 30.0)), command(3794, [second], (25.0, 25.0), queued=True)) == [
        1,
        1,
    ]
    told = {unit.tag: unit for unit in units_of(client.observe(), owner=1)}
    assert [(row.ability_id, row.target_world_space_pos.x) for row in told[first].orders] == [(MOVE, 40.0)]
    assert client.act(command(STOP, [first, second])) == [1]
    assert not any(unit.orders for unit in units_of(client.observe(), owner=1))


def test_a_unit_can_be_the_target():
    client, marines = start("DefeatRoaches")
    enemy = units_of(client.observe(), owner=2)[0]
    assert client.act(command(ATTACK, marines, target=enemy.tag)) == [SUCCESS]
    assert {unit.orders[0].target_unit_tag for unit in units_of(client.observe(), owner=1)} == {enemy.tag}


@pytest.mark.parametrize(
    ("make", "result"),
    [
        (lambda own, enemy: command(0, own), NOT_SUPPORTED),
        (lambda own, enemy: command(-5, own), NOT_SUPPORTED),
        (lambda own, enemy: command(2**31 - 1, own, (30.0, 30.0)), NOT_SUPPORTED),
        (lambda own, enemy: command(HEAL, own, (30.0, 30.0)), NOT_SUPPORTED),
        (lambda own, enemy: command(MOVE, [], (30.0, 30.0)), NOT_SUPPORTED),
        (lambda own, enemy: command(MOVE, [enemy], (30.0, 30.0)), NOT_SUPPORTED),
        (lambda own, enemy: command(MOVE, [2**64 - 1, 0, 12345], (30.0, 30.0)), NOT_SUPPORTED),
        (lambda own, enemy: command(ATTACK, own, target=2**64 - 1), CANT_TARGET),
        (lambda own, enemy: command(ATTACK, own, target=77), CANT_TARGET),
        (lambda own, enemy: command(ATTACK, own, target=own[0]), CANT_TARGET),
        (lambda own, enemy: command(MOVE, own), ERROR),
        (lambda own, enemy: command(MOVE, own, (float("nan"), 1.0)), MUST_SEE),
        (lambda own, enemy: command(MOVE, own, (float("inf"), 1.0)), MUST_SEE),
        (lambda own, enemy: command(MOVE, own, (-1e30, 1e30)), SUCCESS),
        (lambda own, enemy: command(STOP, [*own, 2**64 - 1, 12345]), SUCCESS),
        (lambda own, enemy: camera(float("nan"), 0.0), MUST_SEE),
        (lambda own, enemy: camera(1e30, -1e30), SUCCESS),
        (lambda own, enemy: click(-1, 5), ERROR),
        (lambda own, enemy: click(64, 5), ERROR),
        (lambda own, enemy: box((0, 0, 64, 64)), ERROR),
        (lambda own, enemy: box(), ERROR),
        (lambda own, enemy: order(MOVE, screen=(2**31 - 1, 0)), ERROR),
        (lambda own, enemy: order(MOVE, minimap=(0, -1)), ERROR),
        (lambda own, enemy: order(0), NOT_SUPPORTED),
        (lambda own, enemy: ui("multi_panel", type=1, unit_index=99), ERROR),
        (lambda own, enemy: ui("multi_panel", type=1, unit_index=-1), ERROR),
        (lambda own, enemy: ui("control_group", action=1, control_group_index=10), ERROR),
        (lambda own, enemy: ui("production_panel", unit_index=0), ERROR),
        (lambda own, enemy: ui("cargo_panel", unit_index=0), ERROR),
        (lambda own, enemy: ui("select_idle_worker", type=1), ERROR),
        (lambda own, enemy: ui("select_larva"), SUCCESS),
        (lambda own, enemy: ui("toggle_autocast", ability_id=HEAL), SUCCESS),
        (lambda own, enemy: sc2api_pb2.Action(), SUCCESS),
        (lambda own, enemy: sc2api_pb2.Action(action_raw={}), ERROR),
        (lambda own, enemy: sc2api_pb2.Action(action_ui={}), ERROR),
        (lambda own, enemy: sc2api_pb2.Action(action_render={"camera_move": {}}), NOT_SUPPORTED),
        (lambda own, enemy: sc2api_pb2.Action(action_chat={"message": "hello"}), SUCCESS),
    ],
)
def test_what_wrong_actions_result_in(make, result):
    client, own = start("DefeatRoaches")
    enemy = units_of(client.observe(), owner=2)[0].tag
    assert client.act(make(own, enemy)) == [result]
    assert error_pb2.ActionResult.Name(result)
    client.step(8)
    units = client.match.games.units(0)
    assert np.isfinite(units["x"]).all()
    assert client.observe().observation.game_loop == 8


def test_actions_by_pixels_need_pictures():
    client, _ = start(layers=False)
    assert client.act(click(3, 3), army()) == [NOT_SUPPORTED, SUCCESS]


def test_one_action_can_have_several_parts():
    client, [first, _] = start()
    action = command(MOVE, [first], (40.0, 30.0))
    action.action_ui.select_army.selection_add = False
    action.action_chat.message = "gg"
    assert client.act(action) == [SUCCESS]
    client.step(1)
    told = client.observe()
    assert len(told.actions) == 2
    assert [(line.player_id, line.message) for line in told.chat] == [(1, "gg")]
    assert client.act() == []


def test_rectangles_add_up():
    client, _ = start("DefeatRoaches")
    client.act(click(1, 1))
    assert client.act(box((0, 0, 63, 31), (0, 32, 63, 63))) == [SUCCESS]
    assert all(unit.is_selected for unit in units_of(client.observe(), owner=1))


def test_the_camera_moves_where_the_map_lets_it():
    client, _ = start("Simple64", computer=ZERG)
    before = client.observe().observation.raw_data.player.camera
    assert client.act(camera(30.0, 30.0)) == [SUCCESS]
    now = client.observe().observation.raw_data.player.camera
    assert (now.x, now.y) == (30.0, 30.0) != (before.x, before.y)
    locked, _ = start("MoveToBeacon")
    before = locked.observe().observation.raw_data.player.camera
    assert locked.act(camera(30.0, 30.0)) == [SUCCESS]
    assert locked.observe().observation.raw_data.player.camera == before


def test_the_game_moves_its_camera_to_the_base_by_itself():
    client, _ = start("Simple64", computer=ZERG)
    client.step(1)
    assert not client.observe().actions
    client.step(1)
    [action] = client.observe().actions
    assert action.action_feature_layer.HasField("camera_move")
