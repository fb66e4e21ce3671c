"""Actions: what a client does, given to the engine, and what is told of it afterwards."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from s2clientprotocol import sc2api_pb2

from envsuite.families.starcraft2 import codes
from envsuite.families.starcraft2.engine.abilities import (
    CANT_TARGET_THAT,
    ERROR,
    NOT_SUPPORTED,
    REQUEST_OF_ID,
    SUCCESS,
)
from envsuite.families.starcraft2.engine.layout import FOE, ME
from envsuite.families.starcraft2.protocol import echo
from envsuite.families.starcraft2.protocol.match import Match

MUST_TARGET_VISIBLE = 84
"""The protocol's result for a point that is none."""


def take_actions(match: Match, request: Any, response: Any) -> None:
    """Does the actions of a RequestAction one after another and writes the result of each."""
    for action in request.actions:
        results = [act(match, getattr(action, name)) for name, act in _PARTS.items() if action.HasField(name)]
        response.result.append(next((result for result in results if result != SUCCESS), SUCCESS))
    if request.actions:
        match.note("action", request)


def _act_raw(match: Match, part: Any) -> int:
    kind = part.WhichOneof("action")
    if kind == "unit_command":
        return _command_units(match, part.unit_command)
    if kind == "camera_move":
        center = part.camera_move.center_world_space
        if not _finite(center):
            return MUST_TARGET_VISIBLE
        result = match.console.act(codes.MOVE_CAMERA_WORLD, center.x, center.y)
        return _done(match, result, echo.of_camera(match, center.x, center.y))
    # Autocast is always on where there is any.
    return SUCCESS if kind == "toggle_autocast" else ERROR


def _command_units(match: Match, command: Any) -> int:
    """Gives a command to units that are named by their tags."""
    tags = list(command.unit_tags)
    point, target = None, 0
    if command.HasField("target_world_space_pos"):
        place = command.target_world_space_pos
        if not _finite(place):
            return _failed(match, MUST_TARGET_VISIBLE, command.ability_id, tags)
        setting = match.games.setting
        point = (min(max(place.x, 0.0), setting.width), min(max(place.y, 0.0), setting.height))
    elif command.HasField("target_unit_tag"):
        target = command.target_unit_tag
        if match.slot_of(target) is None:
            return _failed(match, CANT_TARGET_THAT, command.ability_id, tags)
    owners = (match.player, ME + FOE - match.player) if match.controls_enemy else (match.player,)
    result = NOT_SUPPORTED
    for owner in owners:
        own = [tag for tag in tags if _owner(match, tag) == owner]
        if own or result == NOT_SUPPORTED:
            one = match.games.command(
                0, owner, own, command.ability_id, point=point, target=target, queued=command.queue_command
            )
            result = one if result != SUCCESS else result
    if result != SUCCESS:
        return _failed(match, result, command.ability_id, tags)
    if match.options.raw_affects_selection:
        _select(match, tags)
    return _done(match, SUCCESS, echo.of_command(match, command, tags))


def _owner(match: Match, tag: int) -> int:
    slot = match.slot_of(tag)
    return 0 if slot is None else int(match.games.batch.units[0, slot]["owner"])


def _select(match: Match, tags: list[int]) -> None:
    """Selects the client's units of some tags and nothing else."""
    units, bit = match.slots, np.uint8(1 << (match.player - 1))
    chosen = np.isin(units["tag"], [tag for tag in tags if _owner(match, tag) == match.player])
    units["selected"] = np.where(chosen, units["selected"] | bit, units["selected"] & ~bit)


def _act_on_pictures(match: Match, part: Any) -> int:
    if not match.options.HasField("feature_layer"):
        return NOT_SUPPORTED
    kind = part.WhichOneof("action")
    if kind == "unit_command":
        return _command_selection(match, part.unit_command)
    console = match.console
    result = ERROR
    if kind == "camera_move":
        center = part.camera_move.center_minimap
        result = console.act(codes.MOVE_CAMERA, center.x, center.y)
    elif kind == "unit_selection_point":
        point = part.unit_selection_point
        result = console.act(
            codes.SELECT_POINT, point.selection_screen_coord.x, point.selection_screen_coord.y, how=point.type
        )
    elif kind == "unit_selection_rect":
        add = part.unit_selection_rect.selection_add
        for corners in part.unit_selection_rect.selection_screen_coord:
            a, b = corners.p0, corners.p1
            result = console.act(codes.SELECT_RECT, a.x, a.y, b.x, b.y, how=int(add))
            add = True
    return _done(match, result, echo.of_part(match, "action_feature_layer", part))


def _command_selection(match: Match, command: Any) -> int:
    """Gives a command to what is selected, at a point of the screen or the minimap or at none."""
    request = REQUEST_OF_ID.get(command.ability_id)
    units = match.games.batch.units[0]
    tags = [int(units[slot]["tag"]) for slot in match.console.selected()]
    if request is None:
        return _failed(match, NOT_SUPPORTED, command.ability_id, tags)
    code, x, y = codes.COMMAND_QUICK, 0, 0
    if command.HasField("target_screen_coord"):
        code, x, y = codes.COMMAND_SCREEN, command.target_screen_coord.x, command.target_screen_coord.y
    elif command.HasField("target_minimap_coord"):
        code, x, y = codes.COMMAND_MINIMAP, command.target_minimap_coord.x, command.target_minimap_coord.y
    result = match.console.act(code, x, y, request, queued=command.queue_command)
    if result != SUCCESS:
        return _failed(match, result, command.ability_id, tags)
    return _done(match, SUCCESS, echo.of_command(match, command, tags))


def _act_on_interface(match: Match, part: Any) -> int:
    kind = part.WhichOneof("action")
    act = _KEYS.get(kind)
    if act is None:
        # Larvae and warp gates there are none; autocast is always on.
        return SUCCESS if kind in ("select_larva", "select_warp_gates", "toggle_autocast") else ERROR
    code, number, how = act(getattr(part, kind))
    return _done(match, match.console.act(code, number, how=how), echo.of_part(match, "action_ui", part))


_KEYS: Mapping[str, Callable[[Any], tuple[int, int, int]]] = {
    "control_group": lambda part: (codes.CONTROL_GROUP, part.control_group_index, part.action),
    "select_army": lambda part: (codes.SELECT_ARMY, 0, int(part.selection_add)),
    "select_idle_worker": lambda part: (codes.SELECT_IDLE_WORKER, 0, part.type),
    "multi_panel": lambda part: (codes.SELECT_UNIT, part.unit_index, part.type),
    "production_panel": lambda part: (codes.BUILD_QUEUE, part.unit_index, 0),
}


def _act_on_rendered(match: Match, part: Any) -> int:
    return NOT_SUPPORTED


def _chat(match: Match, part: Any) -> int:
    match.waiting.chat.append((match.player, part.message))
    return SUCCESS


_PARTS: Mapping[str, Callable[[Match, Any], int]] = {
    "action_raw": _act_raw,
    "action_feature_layer": _act_on_pictures,
    "action_render": _act_on_rendered,
    "action_ui": _act_on_interface,
    "action_chat": _chat,
}


def _finite(point: Any) -> bool:
    return math.isfinite(point.x) and math.isfinite(point.y)


def _done(match: Match, result: int, echo: Any) -> int:
    """Lets an action that was done be told in an observation behind the next step; returns the result."""
    if result == SUCCESS:
        match.waiting.actions.append(echo)
    return result


def _failed(match: Match, result: int, ability_id: int, tags: list[int]) -> int:
    """Lets a command that was refused be told in an observation behind the next step; returns the result."""
    error = sc2api_pb2.ActionError(ability_id=max(ability_id, 0), result=result)
    if tags:
        error.unit_tag = tags[0]
    match.waiting.errors.append(error)
    return result
