"""Replays: the requests about them."""

from __future__ import annotations

from typing import Any

from s2clientprotocol import sc2api_pb2

from envsuite.families.starcraft2.engine.units import LOOPS_PER_SECOND
from envsuite.families.starcraft2.protocol.fault import Fault, Refusal
from envsuite.families.starcraft2.protocol.info import BUILD, DATA_VERSION, LABEL
from envsuite.families.starcraft2.protocol.interface import problem_of
from envsuite.families.starcraft2.protocol.lifecycle import usual
from envsuite.families.starcraft2.protocol.maps import name_of
from envsuite.families.starcraft2.protocol.replay import BadReplay, Record, Replay, read_record, write_record

START, INFO = sc2api_pb2.ResponseStartReplay, sc2api_pb2.ResponseReplayInfo


def save_replay(session: Any, request: Any, response: Any) -> None:
    """Tells the game so far as a replay."""
    if session.replay is not None:
        raise Fault("save_replay: expected a game, got a replay, of which no replay is recorded")
    response.data = write_record(session.match, session.race, session.player_name)


def start_replay(session: Any, request: Any, response: Any) -> None:
    """Begins a replay."""
    record = _record(request, START)
    if not 0 <= request.observed_player_id <= len(record.setups):
        expected = f"expected 0 to {len(record.setups)}, got {request.observed_player_id}"
        raise Refusal(START.InvalidObservedPlayerId, f"observed_player_id: {expected}")
    if not request.HasField("options"):
        raise Refusal(START.MissingOptions, "expected options that say what to observe, got none")
    options = usual(request.options)
    problem = problem_of(options)
    if problem:
        raise Refusal(START.LaunchError, problem)
    replay = Replay(record, request.observed_player_id or record.player, options, request.disable_fog)
    session.watch(replay)
    session.status = sc2api_pb2.in_replay


def replay_info(session: Any, request: Any, response: Any) -> None:
    """Tells what a replay holds."""
    record = _record(request, INFO)
    response.map_name, response.local_map_path = name_of(record.map_path), record.map_path
    for number, (data, result) in enumerate(zip(record.setups, record.result, strict=False), start=1):
        setup = sc2api_pb2.PlayerSetup.FromString(data)
        extra = response.player_info.add()
        extra.player_info.player_id, extra.player_info.type = number, setup.type
        extra.player_info.race_requested = record.race if number == record.player else setup.race
        extra.player_info.race_actual = extra.player_info.race_requested
        extra.player_result.player_id = number
        extra.player_result.result = result or sc2api_pb2.Undecided
    response.game_duration_loops = record.loops
    response.game_duration_seconds = record.loops / LOOPS_PER_SECOND
    response.game_version, response.data_version = LABEL, DATA_VERSION
    response.data_build = response.base_build = BUILD


def _record(request: Any, errors: Any) -> Record:
    kind = request.WhichOneof("replay")
    if kind == "replay_path":
        raise Refusal(errors.InvalidReplayPath, "expected replay_data, got replay_path; the simulator opens no files")
    if kind is None or not request.replay_data:
        raise Refusal(errors.MissingReplay, "expected replay_data, got none")
    try:
        return read_record(request.replay_data)
    except BadReplay as error:
        raise Refusal(errors.InvalidReplayData, str(error)) from error
