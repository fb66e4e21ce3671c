"""Echo: how an action that was done is told: by tags and points of the world, and by pixels, however it was given."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from s2clientprotocol import raw_pb2, sc2api_pb2, spatial_pb2

from envsuite.families.starcraft2.engine.abilities import ABILITY_ID, REQUEST_OF_ID, RESOLVE

if TYPE_CHECKING:
    from envsuite.families.starcraft2.protocol.match import Match


class _View(NamedTuple):
    """Where the pixels of a picture lie in the world, as in `engine.screen`."""

    left: float
    top: float
    scale: float
    columns: int
    rows: int

    def pixel(self, x: float, y: float) -> tuple[int, int] | None:
        """Returns the pixel that a point of the world lies in, None outside of the picture."""
        column, row = math.floor((x - self.left) / self.scale), math.floor((self.top - y) / self.scale)
        return (column, row) if 0 <= column < self.columns and 0 <= row < self.rows else None

    def point(self, column: int, row: int) -> tuple[float, float]:
        """Returns the point of the world at the middle of a pixel."""
        return self.left + (column + 0.5) * self.scale, self.top - (row + 0.5) * self.scale


def _screen(match: Match) -> _View:
    screen, player = match.console.screen, match.own_record
    scale = screen.width / screen.columns
    left, top = (
        float(player["camera_x"]) - 0.5 * screen.columns * scale,
        float(player["camera_y"]) + 0.5 * screen.rows * scale,
    )
    return _View(left, top, scale, screen.columns, screen.rows)


def _minimap(match: Match) -> _View:
    screen, setting = match.console.screen, match.games.setting
    left, right, bottom, top = 0.0, setting.width, 0.0, setting.height
    if screen.crop:
        left, right, bottom, top = setting.left, setting.right, setting.bottom, setting.top
    scale = max((right - left) / screen.map_columns, (top - bottom) / screen.map_rows)
    return _View(left, top, scale, screen.map_columns, screen.map_rows)


def of_part(match: Match, name: str, part: Any) -> Any:
    """Returns the Action that tells of one part of an action."""
    action = sc2api_pb2.Action(game_loop=match.loop)
    getattr(action, name).CopyFrom(part)
    return action


def of_camera(match: Match, x: float, y: float) -> Any:
    """Returns the Action that tells of a move of the camera to a point of the world."""
    action = sc2api_pb2.Action(game_loop=match.loop)
    center = action.action_raw.camera_move.center_world_space
    center.x, center.y = x, y
    pixel = _minimap(match).pixel(x, y)
    if match.options.HasField("feature_layer") and pixel is not None:
        point = action.action_feature_layer.camera_move.center_minimap
        point.x, point.y = pixel
    return action


def of_command(match: Match, command: Any, tags: list[int]) -> Any:
    """Returns the Action that tells of a command to units, by their tags where the client has them, and by pixels."""
    action = sc2api_pb2.Action(game_loop=match.loop)
    by_tags = isinstance(command, raw_pb2.ActionRawUnitCommand)
    ability_id = _specific(match, command.ability_id, tags)
    if by_tags:
        action.action_raw.unit_command.CopyFrom(command)
    elif match.options.raw:
        _by_tags(match, command, tags, action.action_raw.unit_command)
    if not by_tags:
        action.action_feature_layer.unit_command.CopyFrom(command)
    elif match.options.HasField("feature_layer"):
        _by_pixels(match, command, action.action_feature_layer.unit_command)
    for name in ("action_raw", "action_feature_layer"):
        if action.HasField(name):
            getattr(action, name).unit_command.ability_id = ability_id
    return action


def _specific(match: Match, ability_id: int, tags: list[int]) -> int:
    """Returns the specific ability that a command meant to the first unit that has it."""
    request = REQUEST_OF_ID[ability_id]
    for tag in tags:
        slot = match.slot_of(tag)
        if slot is not None:
            row = int(RESOLVE[request, match.games.batch.units[0, slot]["type"]])
            if row >= 0:
                return int(ABILITY_ID[row])
    return ability_id


def _by_tags(match: Match, command: spatial_pb2.ActionSpatialUnitCommand, tags: list[int], told: Any) -> None:
    told.unit_tags.extend(tags)
    told.queue_command = command.queue_command
    for name, view in (("target_screen_coord", _screen), ("target_minimap_coord", _minimap)):
        if command.HasField(name):
            pixel = getattr(command, name)
            told.target_world_space_pos.x, told.target_world_space_pos.y = view(match).point(pixel.x, pixel.y)


def _by_pixels(match: Match, command: raw_pb2.ActionRawUnitCommand, told: Any) -> None:
    told.queue_command = command.queue_command
    place = None
    if command.HasField("target_world_space_pos"):
        place = (command.target_world_space_pos.x, command.target_world_space_pos.y)
    elif command.HasField("target_unit_tag"):
        slot = match.slot_of(command.target_unit_tag)
        if slot is not None:
            unit = match.games.batch.units[0, slot]
            place = (float(unit["x"]), float(unit["y"]))
    if place is None:
        return
    for name, view in (("target_screen_coord", _screen), ("target_minimap_coord", _minimap)):
        pixel = view(match).pixel(*place)
        if pixel is not None:
            coordinates = getattr(told, name)
            coordinates.x, coordinates.y = pixel
            return
