"""Debugging: what testing tools do to a game beside playing it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from s2clientprotocol import debug_pb2

from envsuite.families.starcraft2.engine.layout import FOE, ME, NEUTRAL
from envsuite.families.starcraft2.engine.production import MOST_SUPPLY
from envsuite.families.starcraft2.engine.units import MAX_ENERGY, MAX_HEALTH, MAX_SHIELD, TYPE_OF_ID, UNIT_ID
from envsuite.families.starcraft2.protocol.fault import Fault
from envsuite.families.starcraft2.protocol.match import Match

_GIFT = 5000
"""Minerals and vespene that a player is given."""
_NOBODY = (0, NEUTRAL)
_VITALS = {
    debug_pb2.DebugSetUnitValue.Energy: ("energy", MAX_ENERGY, 0.0),
    debug_pb2.DebugSetUnitValue.Life: ("health", MAX_HEALTH, 1.0),
    debug_pb2.DebugSetUnitValue.Shields: ("shield", MAX_SHIELD, 0.0),
}


def debug(match: Match, request: Any) -> None:
    """Does the commands of a RequestDebug; raises `Fault` with what it could not do when all others are done."""
    match.note("debug", request)
    problems = []
    for command in request.debug:
        kind = command.WhichOneof("command")
        act = _COMMANDS.get(kind)
        problem = act(match, getattr(command, kind)) if act else f"expected one of {', '.join(_COMMANDS)}, got {kind}"
        if problem:
            problems.append(f"debug {kind}: {problem}")
    if problems:
        raise Fault("; ".join(problems))


def _draw(match: Match, command: Any) -> str:
    return ""  # there is no screen to draw on


def _create(match: Match, command: Any) -> str:
    kind = TYPE_OF_ID.get(command.unit_type)
    if not kind:
        known = ", ".join(str(number) for number in UNIT_ID[1:].tolist())
        return f"unit_type: expected one that the simulator has ({known}), got {command.unit_type}"
    owner = NEUTRAL if command.owner in _NOBODY else command.owner
    if owner not in (ME, FOE, NEUTRAL):
        return f"owner: expected {ME}, {FOE}, or {NEUTRAL} for nobody, got {command.owner}"
    if not (math.isfinite(command.pos.x) and math.isfinite(command.pos.y)):
        return f"pos: expected a point of the map, got ({command.pos.x}, {command.pos.y})"
    setting = match.games.setting
    x = min(max(command.pos.x, setting.left), setting.right)
    y = min(max(command.pos.y, setting.bottom), setting.top)
    wanted = command.quantity if command.HasField("quantity") else 1
    for made in range(wanted):
        if not match.games.create(0, owner, kind, x, y):
            room = match.rules.scenario.slots
            return f"quantity: expected room for {wanted}, got {made} made; the map holds {room} units"
    return ""


def _kill(match: Match, command: Any) -> str:
    for tag in command.tag:
        match.games.kill(0, tag)
    return ""


def _set_value(match: Match, command: Any) -> str:
    slot = match.slot_of(command.unit_tag)
    if slot is None:
        return f"unit_tag: expected a living unit's, got {command.unit_tag}"
    if command.unit_value not in _VITALS or not math.isfinite(command.value):
        return f"expected energy, life or shields and a number, got {command.unit_value} and {command.value}"
    name, most, least = _VITALS[command.unit_value]
    unit = match.games.batch.units[0, slot]
    unit[name] = min(max(command.value, least), float(most[unit["type"]]))
    return ""


def _set_state(match: Match, state: int) -> str:
    player = match.own_record
    if state in (debug_pb2.minerals, debug_pb2.all_resources):
        player["minerals"] = min(int(player["minerals"]) + _GIFT, 1_000_000)
    if state in (debug_pb2.gas, debug_pb2.all_resources):
        player["vespene"] = min(int(player["vespene"]) + _GIFT, 1_000_000)
    if state == debug_pb2.food:
        player["supply_cap"] = MOST_SUPPLY
    elif state == debug_pb2.show_map:
        fog = match.rules.scenario.fog and not match.rules.disable_fog and not match.games.setting.fog
        match.games.setting = match.games.setting._replace(fog=fog)
    elif state == debug_pb2.control_enemy:
        match.controls_enemy = not match.controls_enemy
    elif state == debug_pb2.god:
        match.untouchable ^= {match.player}
    elif state not in (debug_pb2.minerals, debug_pb2.gas, debug_pb2.all_resources):
        return f"expected another state, got {debug_pb2.DebugGameState.Name(state)}, which the simulator does not have"
    return ""


def _end(match: Match, command: Any) -> str:
    match.end(1 if command.end_result == debug_pb2.DebugEndGame.DeclareVictory else 2)
    return ""


def _set_score(match: Match, command: Any) -> str:
    if not math.isfinite(command.score):
        return f"score: expected a number, got {command.score}"
    match.state["score"] = command.score
    return ""


_COMMANDS: Mapping[str, Callable[[Match, Any], str]] = {
    "draw": _draw,
    "game_state": _set_state,
    "create_unit": _create,
    "kill_unit": _kill,
    "unit_value": _set_value,
    "score": _set_score,
    "end_game": _end,
}
