"""Lifecycle: games are created, joined, restarted and left."""

from __future__ import annotations

import os
from typing import Any

from s2clientprotocol import common_pb2, sc2api_pb2

from envsuite.families.starcraft2.engine.layout import ME
from envsuite.families.starcraft2.engine.scenario import MELEE
from envsuite.families.starcraft2.protocol.fault import Fault, Refusal
from envsuite.families.starcraft2.protocol.interface import problem_of, screen_of
from envsuite.families.starcraft2.protocol.maps import FOLDERS, find_map
from envsuite.families.starcraft2.protocol.match import Match, Rules

CREATE, JOIN = sc2api_pb2.ResponseCreateGame, sc2api_pb2.ResponseJoinGame
USUAL_WIDTH = 24.0
"""World units that a screen is wide unless its client asks for another width."""
_PLAYABLE = (common_pb2.Terran, common_pb2.Random)


def rules_of(request: Any) -> Rules:
    """Returns what a RequestCreateGame asks for; raises `Refusal` and `Fault`."""
    if request.realtime:
        raise Fault("create_game: expected realtime false, got true; the simulator moves on when it is stepped")
    kind = request.WhichOneof("Map")
    if kind is None:
        raise Refusal(CREATE.MissingMap, f"expected local_map.map_path, got no map; known: {_known()}")
    if kind == "battlenet_map_name":
        name = request.battlenet_map_name
        raise Refusal(
            CREATE.InvalidMapName, f"expected local_map.map_path, got {name!r} of battle.net; known: {_known()}"
        )
    path = request.local_map.map_path
    if not path:
        raise Refusal(CREATE.MissingMap, f"expected local_map.map_path, got none; known: {_known()}")
    scenario = find_map(path)
    if scenario is None:
        raise Refusal(
            CREATE.InvalidMapPath, f"expected the file name of a known map, got {path[:200]!r}; known: {_known()}"
        )
    if not request.player_setup:
        raise Refusal(CREATE.MissingPlayerSetup, "expected a participant, and a computer where there are two players")
    types = [setup.type for setup in request.player_setup]
    if types.count(sc2api_pb2.Participant) > 1:
        raise Refusal(
            CREATE.MultiplayerUnsupported,
            "expected one participant and at most one computer, got two participants; two clients in one game are not "
            "simulated (envsuite.parallel_env has battles in which both sides are agents)",
        )
    computers = types.count(sc2api_pb2.Computer)
    if types.count(sc2api_pb2.Participant) != 1 or computers > 1 or len(types) > 1 + computers:
        names = ", ".join(sc2api_pb2.PlayerType.Name(kind) for kind in types)
        raise Refusal(CREATE.InvalidPlayerSetup, f"expected one participant and at most one computer, got {names}")
    setups = sorted(request.player_setup, key=lambda setup: setup.type)
    return Rules(path, scenario, request.disable_fog, tuple(setup.SerializeToString() for setup in setups))


def _known() -> str:
    return "; ".join(f"{folder}: {', '.join(names)}" for folder, names in FOLDERS.items())


def create_game(session: Any, request: Any, response: Any) -> None:
    """Notes what the next game is to be; it begins when it is joined."""
    rules = rules_of(request)
    session.rules, session.match, session.observer = rules, None, None
    session.seed = request.random_seed if request.HasField("random_seed") else int.from_bytes(os.urandom(4), "little")
    session.status = sc2api_pb2.init_game


def join_game(session: Any, request: Any, response: Any) -> None:
    """Begins the game that was created, with the client as its first player."""
    if session.rules is None:
        raise Fault("join_game: expected a game that this client has created, got none; send create_game first")
    who = request.WhichOneof("participation")
    if who is None:
        raise Refusal(JOIN.MissingParticipation, "expected a race, got none")
    if who == "observed_player_id":
        raise Refusal(JOIN.InvalidObservedPlayerId, "expected a race, got a request to observe; nobody else plays")
    if not request.HasField("options"):
        raise Refusal(JOIN.MissingOptions, "expected options that say what to observe, got none")
    options = usual(request.options)
    problem = problem_of(options)
    if problem:
        raise Refusal(JOIN.FeatureUnsupported, problem)
    melee = session.rules.scenario.script == MELEE
    if melee and request.race not in _PLAYABLE:
        race = common_pb2.Race.Name(request.race)
        raise Refusal(JOIN.FeatureUnsupported, f"race: expected Terran or Random, got {race}; melee has Terran only")
    match = Match(session.rules, ME, options, screen_of(options))
    match.seed(session.seed)
    match.begin()
    session.play(match, request.race, request.player_name)
    response.player_id = ME
    session.status = sc2api_pb2.in_game


def usual(options: Any) -> Any:
    """Returns a copy of InterfaceOptions in which the screen has a width."""
    copy = sc2api_pb2.InterfaceOptions()
    copy.CopyFrom(options)
    if copy.HasField("feature_layer") and not copy.feature_layer.HasField("width"):
        copy.feature_layer.width = USUAL_WIDTH
    return copy


def restart_game(session: Any, request: Any, response: Any) -> None:
    """Begins the next episode of the game's stream."""
    if session.replay is not None:
        raise Fault("restart_game: expected a game, got a replay; send start_replay again")
    session.match.begin()
    session.status = sc2api_pb2.in_game


def leave_game(session: Any, request: Any, response: Any) -> None:
    """Ends a game or a replay without a result."""
    session.forget()
    session.status = sc2api_pb2.launched


def step(session: Any, request: Any, response: Any) -> None:
    """Lets loops go by; the status is ended when the game is."""
    count = request.count if request.HasField("count") else 1
    match = session.match
    if session.replay is not None:
        session.replay.step(count)
        over = session.replay.over
    else:
        match.step(count)
        over = match.ended
    if over:
        session.status = sc2api_pb2.ended
    response.simulation_loop = match.loop


def save_map(session: Any, request: Any, response: Any) -> None:
    """Takes a map's file, which nothing is read from: the simulator knows its maps by their names."""
    if not request.map_data:
        raise Refusal(sc2api_pb2.ResponseSaveMap.InvalidMapData, "")


def available_maps(session: Any, request: Any, response: Any) -> None:
    """Tells the maps by their paths; there is no battle.net."""
    response.local_map_paths.extend(session.map_paths())


def quick_save(session: Any, request: Any, response: Any) -> None:
    """Keeps the state of the game."""
    session.saved = (session.match.games.state(0), list(session.match.log))


def quick_load(session: Any, request: Any, response: Any) -> None:
    """Brings the game back to where quick_save was."""
    if session.saved is None:
        raise Fault("quick_load: expected a quick_save of this game before, got none")
    state, log = session.saved
    session.match.games.set_state(0, state)
    session.match.log[:] = log
