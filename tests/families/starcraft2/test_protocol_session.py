"""The states of a session, and what it answers to what it cannot do."""

import pytest
from families.starcraft2.client import (
    COMPUTER,
    ENDED,
    IN_GAME,
    IN_REPLAY,
    INIT_GAME,
    LAUNCHED,
    PARTICIPANT,
    PROTOSS,
    QUIT,
    RANDOM,
    TERRAN,
    ZERG,
    Client,
    army,
    created,
    interface,
)
from s2clientprotocol import sc2api_pb2

from envsuite.families.starcraft2.protocol import maps
from envsuite.families.starcraft2.protocol.session import GAME_OVER, Session

CREATE, JOIN = sc2api_pb2.ResponseCreateGame, sc2api_pb2.ResponseJoinGame
NEED_A_GAME = ("game_info", "data", "observation", "query", "leave_game", "save_replay", "step", "action", "debug")


def test_a_game_goes_through_its_states():
    client = Client()
    assert client.ask("ping").status == LAUNCHED
    assert client.ask("create_game", created("MoveToBeacon")).status == INIT_GAME
    response = client.ask("join_game", race=TERRAN, options=interface())
    assert (response.status, response.join_game.player_id) == (IN_GAME, 1)
    assert client.step(1919) == 1919
    assert client.ask("observation").status == IN_GAME
    response = client.ask("step", count=8)  # the map's timer stops it at 1920
    assert (response.status, response.step.simulation_loop) == (ENDED, 1920)
    told = client.observe()
    assert [(result.player_id, result.result) for result in told.player_result] == [(1, 1)]
    assert client.ask("restart_game").status == IN_GAME
    assert client.observe().observation.game_loop == 0
    assert client.ask("leave_game").status == LAUNCHED


def test_the_version_says_that_it_is_a_simulator():
    client = Client()
    ping = client.get("ping")
    assert ping.game_version.startswith("envsuite-sim ")
    assert (ping.base_build, ping.data_build) == (75689, 75689)
    assert len(bytes.fromhex(ping.data_version)) == 16
    client.start()
    assert list(client.get("game_info").mod_names) == [ping.game_version]


def test_quit_gets_no_answer_and_ends_everything():
    client = Client()
    client.start()
    assert client.session.handle(sc2api_pb2.Request(quit=sc2api_pb2.RequestQuit(), id=999999999)) is None
    assert client.session.status == QUIT
    assert client.session.match is None
    assert "after quit" in client.fault("ping")


@pytest.mark.parametrize("name", NEED_A_GAME)
def test_what_needs_a_game_is_an_error_without_one(name):
    client = Client()
    assert "got launched" in client.fault(name)
    client.get("create_game", created("MoveToBeacon"))
    assert "got init_game" in client.fault(name)
    assert client.session.status == INIT_GAME


def test_a_game_that_has_ended_takes_no_more_actions():
    client = Client()
    client.start()
    client.step(1920)
    for name in ("step", "action", "debug", "quick_save"):
        assert GAME_OVER in client.fault(name)
    assert client.get("data", unit_type_id=True).units
    assert client.get("game_info").map_name == "MoveToBeacon"


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"\xff\xff\xff", "none"), (b"", "an empty one"), (b"\x98\x06\x05", "an empty one"), (b"hello", "none")],
)
def test_bytes_that_are_no_request_get_an_error_and_harm_nothing(data, text):
    session = Session()
    response = sc2api_pb2.Response.FromString(session.answer(data))
    assert text in response.error[0]
    assert response.status == LAUNCHED
    assert sc2api_pb2.Response.FromString(session.answer(sc2api_pb2.Request(ping={}).SerializeToString())).HasField(
        "ping"
    )


def test_a_fault_of_the_simulator_itself_ends_neither_session_nor_game(monkeypatch):
    client = Client()
    client.start()
    monkeypatch.setattr(client.session.observer, "write", lambda request, response: 1 / 0)
    assert "internal error" in client.fault("observation")
    monkeypatch.undo()
    assert client.observe().observation.game_loop == 0


def change(**fields):
    request = created("MoveToBeacon")
    for name, value in fields.items():
        getattr(request, name) if value is None else setattr(request, name, value)
    return request


def without(field):
    request = created("MoveToBeacon")
    request.ClearField(field)
    return request


def with_path(path):
    request = created("MoveToBeacon")
    request.local_map.map_path = path
    return request


def with_players(*types):
    request = without("player_setup")
    for kind in types:
        request.player_setup.add(type=kind)
    return request


@pytest.mark.parametrize(
    ("request_", "code", "text"),
    [
        (sc2api_pb2.RequestCreateGame(), CREATE.MissingMap, "MoveToBeacon"),
        (without("local_map"), CREATE.MissingMap, "got no map"),
        (with_path(""), CREATE.MissingMap, "got none"),
        (with_path("Melee/Nowhere.SC2Map"), CREATE.InvalidMapPath, "Nowhere"),
        (with_path("../../../etc/passwd"), CREATE.InvalidMapPath, "passwd"),
        (sc2api_pb2.RequestCreateGame(battlenet_map_name="Acropolis LE"), CREATE.InvalidMapName, "Acropolis"),
        (without("player_setup"), CREATE.MissingPlayerSetup, "participant"),
        (with_players(PARTICIPANT, PARTICIPANT), CREATE.MultiplayerUnsupported, "parallel_env"),
        (with_players(COMPUTER), CREATE.InvalidPlayerSetup, "Computer"),
        (with_players(PARTICIPANT, COMPUTER, COMPUTER), CREATE.InvalidPlayerSetup, "Computer, Computer"),
        (with_players(PARTICIPANT, 3), CREATE.InvalidPlayerSetup, "Observer"),
    ],
)
def test_games_that_cannot_be_created(request_, code, text):
    client = Client()
    got, details = client.refusal("create_game", request_)
    assert got == code
    assert text in details
    assert client.session.status == LAUNCHED


def test_a_game_does_not_run_by_itself():
    assert "realtime" in Client().fault("create_game", change(realtime=True))


def test_a_game_in_play_survives_a_creation_that_fails():
    client = Client()
    client.start()
    client.step(8)
    client.refusal("create_game", with_path("Nowhere"))
    assert client.observe().observation.game_loop == 8


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"options": interface()}, JOIN.MissingParticipation),
        ({"observed_player_id": 1, "options": interface()}, JOIN.InvalidObservedPlayerId),
        ({"race": TERRAN}, JOIN.MissingOptions),
        ({"race": TERRAN, "options": interface(size=0)}, JOIN.FeatureUnsupported),
        ({"race": TERRAN, "options": interface(size=100_000)}, JOIN.FeatureUnsupported),
        ({"race": TERRAN, "options": interface(width=float("nan"))}, JOIN.FeatureUnsupported),
        ({"race": TERRAN, "options": interface(width=-1.0)}, JOIN.FeatureUnsupported),
        ({"race": TERRAN, "options": interface(raw_crop_to_playable_area=True)}, JOIN.FeatureUnsupported),
    ],
)
def test_games_that_cannot_be_joined(fields, code):
    client = Client()
    client.get("create_game", created("MoveToBeacon"))
    got, details = client.refusal("join_game", **fields)
    assert got == code
    assert details
    assert client.session.status == INIT_GAME
    client.get("join_game", race=TERRAN, options=interface())


def test_rgb_pictures_are_refused():
    client = Client()
    client.get("create_game", created("MoveToBeacon"))
    options = interface()
    options.render.resolution.x = options.render.resolution.y = 64
    assert client.refusal("join_game", race=TERRAN, options=options)[0] == JOIN.FeatureUnsupported


def test_a_melee_is_played_by_terran_against_anybody():
    for race in (ZERG, PROTOSS):
        client = Client()
        client.get("create_game", created("Simple64", computer=ZERG))
        assert client.refusal("join_game", race=race, options=interface())[0] == JOIN.FeatureUnsupported
    client.get("join_game", race=RANDOM, options=interface())
    players = client.get("game_info").player_info
    assert [(player.player_id, player.type, player.race_requested, player.race_actual) for player in players] == [
        (1, PARTICIPANT, RANDOM, TERRAN),
        (2, COMPUTER, ZERG, TERRAN),
    ]


@pytest.mark.parametrize("path", maps.paths())
def test_every_map_can_be_played(path):
    client = Client()
    client.get("create_game", with_path(path))
    client.get("join_game", race=RANDOM, options=interface(layers=False))
    assert client.step(2) == 2
    assert client.observe().observation.raw_data.units
    assert client.get("game_info").map_name == maps.name_of(path)


def test_maps_are_known_by_their_file_names():
    assert maps.name_of(r"C:\Maps\Melee\(2)Simple64.SC2Map") == "Simple64"
    assert maps.find_map("(2)Simple64.SC2Map").size == (64, 64)
    assert maps.find_map("3m").name == "3m"
    assert maps.find_map("") is None
    assert set(Client().get("available_maps").local_map_paths) == set(maps.paths())


def test_a_map_that_is_saved_is_not_read():
    client = Client()
    client.get("save_map", map_path="Simple64.SC2Map", map_data=bytes(1 << 20))
    assert client.ask("save_map", map_path="Simple64.SC2Map").save_map.error == 1


def first_beacon(client):
    return [(unit.pos.x, unit.pos.y) for unit in client.observe().observation.raw_data.units if unit.unit_type == 317]


def test_the_seed_decides_the_whole_stream_of_episodes():
    def stream(seed):
        client = Client()
        client.start(seed=seed)
        places = [first_beacon(client)]
        for _ in range(3):
            client.step(3)
            client.get("restart_game")
            places.append(first_beacon(client))
        return places

    assert stream(5) == stream(5)
    assert stream(5) != stream(6)
    assert len({str(place) for place in stream(5)}) == 4


def test_without_a_seed_every_game_is_another():
    places = set()
    for _ in range(2):
        client = Client()
        request = created("MoveToBeacon")
        request.ClearField("random_seed")
        client.get("create_game", request)
        client.get("join_game", race=TERRAN, options=interface())
        places.add(str(first_beacon(client)))
    assert len(places) == 2


def test_a_game_goes_no_further_than_the_game_would():
    client = Client()
    client.start()
    assert "524288" in client.fault("step", count=(1 << 32) - 1)
    assert client.step(1) == 1


def test_a_quick_save_is_loaded_as_it_was():
    client = Client()
    client.start()
    assert "quick_save" in client.fault("quick_load")
    client.step(16)
    client.get("quick_save")
    before = client.observe().observation.raw_data
    client.act(army())
    client.step(16)
    client.get("quick_load")
    assert client.observe().observation.raw_data == before


def test_requests_without_a_meaning_here():
    client = Client()
    client.start()
    assert client.refusal("map_command", trigger_cmd="reset")[0] == 1
    replay = client.get("save_replay").data
    client.get("start_replay", replay_data=replay, options=interface())
    assert client.session.status in (IN_REPLAY, ENDED)
    assert "obs_action" in client.fault("obs_action")
