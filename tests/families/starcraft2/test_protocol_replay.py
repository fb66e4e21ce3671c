"""Replays: the same game again, seen by whoever likes."""

import msgpack
import pytest
from families.starcraft2.client import (
    ENDED,
    IN_REPLAY,
    ZERG,
    Client,
    army,
    created,
    interface,
    order,
    units_of,
)
from s2clientprotocol import debug_pb2, sc2api_pb2

from envsuite.families.starcraft2.protocol.replay import MAGIC, read_record

START, INFO = sc2api_pb2.ResponseStartReplay, sc2api_pb2.ResponseReplayInfo
ATTACK = 3674


def play(client, steps=20):
    """Plays a fight and returns every observation's units."""
    frames = []
    for step in range(steps):
        told = client.observe()
        frames.append((told.observation.game_loop, list(told.observation.raw_data.units)))
        if step % 5 == 0:
            client.act(army(), order(ATTACK, screen=(10 + 2 * step, 30)))
        if step == 7:
            marine = units_of(told, 48)[0]
            client.get("debug", debug=[debug_pb2.DebugCommand(kill_unit={"tag": [marine.tag]})])
            client.fault("debug", debug=[debug_pb2.DebugCommand(test_process={})])
        client.step(8)
    return frames


@pytest.fixture(scope="module")
def game():
    """A fight in a later episode, its frames and its replay."""
    client = Client()
    client.start("DefeatRoaches", seed=4)
    client.step(5)
    client.get("restart_game")
    return play(client), client.get("save_replay").data


def positions(units):
    return [(unit.tag, unit.pos.x, unit.pos.y, unit.health, unit.owner) for unit in units]


def test_a_replay_is_the_same_game_whoever_looks_and_however_often(game):
    frames, replay = game
    client = Client()
    assert client.ask("start_replay", replay_data=replay, options=interface(size=32, minimap=16)).status == IN_REPLAY
    assert client.get("game_info").options.feature_layer.resolution.x == 32
    for loop, units in frames:
        while (told := client.observe().observation).game_loop < loop:
            client.step(4)
        assert positions(told.raw_data.units) == positions(units)
    response = client.ask("step", count=1000)
    assert (response.status, response.step.simulation_loop) == (ENDED, 160)
    assert [row.result for row in client.observe().player_result] == [4]  # undecided
    assert "no replay is recorded" in client.fault("save_replay")
    assert "restart_game" in client.fault("restart_game")


def test_a_replay_tells_what_was_done(game):
    client = Client()
    client.get("start_replay", replay_data=game[1], options=interface())
    client.step(8)
    told = client.observe()
    assert [action.HasField("action_ui") for action in told.actions] == [True, False]
    assert told.actions[1].action_feature_layer.unit_command.ability_id == 23


def test_a_replay_may_be_seen_without_fog_and_by_the_other_player():
    client = Client()
    client.start("Simple64", computer=ZERG)
    client.step(20)
    replay = client.get("save_replay").data
    assert len(units_of(client.observe(), 18)) == 1
    client.get("start_replay", replay_data=replay, options=interface(), disable_fog=True)
    assert len(units_of(client.observe(), 18)) == 2
    client.get("start_replay", replay_data=replay, options=interface(), observed_player_id=2)
    told = client.observe()
    assert told.observation.player_common.player_id == 2
    assert {unit.alliance for unit in units_of(told, 18)} == {1}
    code, _ = client.refusal("start_replay", replay_data=replay, options=interface(), observed_player_id=3)
    assert code == START.InvalidObservedPlayerId


def test_what_a_replay_holds_can_be_asked(game):
    told = Client().get("replay_info", replay_data=game[1])
    assert (told.map_name, told.game_duration_loops, told.game_duration_seconds) == ("DefeatRoaches", 160, 10.0)
    assert told.game_version.startswith("envsuite-sim")
    assert [row.player_result.result for row in told.player_info] == [4]


def changed(replay, **fields):
    record = msgpack.unpackb(replay[len(MAGIC) :])
    return MAGIC + msgpack.packb({**record, **fields})


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda replay: b"MPQ\x1b of the game", "this simulator has saved"),
        (lambda replay: replay[:-3], "cannot be read"),
        (lambda replay: MAGIC, "cannot be read"),
        (lambda replay: MAGIC + b"\xc0", "cannot be read"),
        (lambda replay: MAGIC + msgpack.packb({"log": 3}), "cannot be read"),
        (lambda replay: changed(replay, map_path="Nowhere"), "Nowhere"),
        (lambda replay: changed(replay, map_path=5), "known map"),
        (lambda replay: changed(replay, loops=1 << 40), "length"),
        (lambda replay: changed(replay, player=2), "player"),
        (lambda replay: changed(replay, random=-1), "whole numbers"),
        (lambda replay: changed(replay, log=[["a", "b", "c"]]), "cannot be read"),
        (lambda replay: changed(replay, version="9.9"), "play it with that version"),
        (lambda replay: changed(replay, layout=0), "play it with that version"),
        (lambda replay: changed(replay, extra=1), "cannot be read"),
    ],
)
def test_bytes_that_are_no_replay(game, make, text):
    client = Client()
    data = make(game[1])
    code, details = client.refusal("start_replay", replay_data=data, options=interface())
    assert code == START.InvalidReplayData
    assert text in details
    assert client.refusal("replay_info", replay_data=data)[0] == INFO.InvalidReplayData
    assert client.ask("ping").status == 1


def test_a_replay_with_a_log_of_nonsense_does_not_end_the_session(game):
    client = Client()
    nonsense = changed(game[1], log=[[0, "action", b"\xff\xff"], [0, "fly", b""]])
    client.get("start_replay", replay_data=nonsense, options=interface())
    client.ask("step", count=8)
    assert client.ask("ping").status in (IN_REPLAY, ENDED)
    options = changed(game[1], options=b"\xff")
    assert client.ask("start_replay", replay_data=options, options=interface()).error
    assert client.ask("ping").HasField("status")


def test_replays_are_taken_as_bytes_only():
    client = Client()
    assert client.refusal("start_replay", replay_path="/etc/passwd")[0] == START.InvalidReplayPath
    assert client.refusal("start_replay")[0] == START.MissingReplay
    assert client.refusal("replay_info", replay_path="/etc/passwd")[0] == INFO.InvalidReplayPath
    client.start("MoveToBeacon")
    replay = client.get("save_replay").data
    assert client.refusal("start_replay", replay_data=replay)[0] == START.MissingOptions
    options = interface()
    options.render.resolution.x = 64
    assert client.refusal("start_replay", replay_data=replay, options=options)[0] == START.LaunchError


def test_a_replay_begins_with_the_state_of_its_own_episode(game):
    record = read_record(game[1])
    client = Client()
    client.get("create_game", created("DefeatRoaches", seed=4))
    client.get("join_game", race=1, options=interface())
    assert client.match.random != record.random
    assert {name for _, name, _ in record.log} == {"action", "debug"}
