"""Raw: the units of an observation as the protocol tells them, and the camera."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from s2clientprotocol import raw_pb2

from envsuite.families.starcraft2.engine.layout import BUILD, MOVE, NEUTRAL, QUEUED_UNITS
from envsuite.families.starcraft2.engine.units import (
    AIR,
    BUILD_LOOPS,
    COMMAND_CENTER,
    MAX_ENERGY,
    MAX_HEALTH,
    MAX_SHIELD,
    MINERAL_FIELD,
    RADIUS,
    REFINERY,
    SIGHT,
    UNIT_ID,
    VESPENE_GEYSER,
)
from envsuite.families.starcraft2.protocol.harvesters import crews
from envsuite.families.starcraft2.protocol.match import Match
from envsuite.families.starcraft2.protocol.panels import MAKER_ID, relation
from envsuite.families.starcraft2.protocol.pictures import image

GROUND, FLIGHT = 8.0, 3.75
"""How high the ground is, and how much higher what flies."""
_CARRIES_MINERALS, _CARRIES_VESPENE = 271, 273
"""The protocol's buffs of workers on their way back."""
_VISIBLE, _NOT_CLOAKED = raw_pb2.Visible, raw_pb2.NotCloaked
_TURN = 2.0 * math.pi


def write_raw(match: Match, message: Any) -> None:
    """Writes an ObservationRaw: what the client sees, in order of the engine's slots."""
    player = match.own_record
    message.player.camera.x, message.player.camera.y = float(player["camera_x"]), float(player["camera_y"])
    message.player.camera.z = GROUND
    slots = visible_slots(match)
    on_screen = _on_screen(match, slots)
    crew = crews(match)
    for slot, shown in zip(slots.tolist(), on_screen.tolist(), strict=True):
        _write_unit(match, slot, shown, crew.get(slot), message.units.add())
    _write_map(match, message.map_state)
    _write_dead(match, slots, message)


def visible_slots(match: Match) -> NDArray[np.int64]:
    """Returns the slots of what the client sees now, its own units first of all."""
    units = match.slots
    shown = (units["type"] != 0) & (units["health"] > 0.0) & (units["inside"] == 0)
    if match.games.setting.fog:
        own = units[(units["owner"] == match.player) & (units["type"] != 0) & (units["health"] > 0.0)]
        dx, dy = units["x"][:, None] - own["x"], units["y"][:, None] - own["y"]
        near = (np.sqrt(dx * dx + dy * dy) <= SIGHT[own["type"]]).any(axis=1)
        shown &= near | (units["owner"] == match.player)
    return np.flatnonzero(shown)


def _on_screen(match: Match, slots: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Returns which units' middles lie on the client's screen."""
    units, screen, player = match.slots, match.console.screen, match.own_record
    scale = screen.width / screen.columns
    left = float(player["camera_x"]) - 0.5 * screen.columns * scale
    top = float(player["camera_y"]) + 0.5 * screen.rows * scale
    x, y = (units["x"][slots] - left) / scale, (top - units["y"][slots]) / scale
    return (x >= 0.0) & (y >= 0.0) & (x < screen.columns) & (y < screen.rows)


def _write_unit(match: Match, slot: int, on_screen: bool, crew: tuple[int, int] | None, message: Any) -> None:
    unit, player = match.slots[slot], match.player
    kind, owner = int(unit["type"]), int(unit["owner"])
    message.display_type, message.cloak = _VISIBLE, _NOT_CLOAKED
    message.alliance = relation(owner, player)
    message.tag, message.unit_type, message.owner = int(unit["tag"]), int(UNIT_ID[kind]), owner
    flies = bool(AIR[kind])
    position = message.pos
    position.x, position.y, position.z = float(unit["x"]), float(unit["y"]), GROUND + FLIGHT * flies
    message.facing = math.atan2(unit["facing_y"], unit["facing_x"]) % _TURN
    message.radius = float(RADIUS[kind])
    message.build_progress = float(unit["progress"])
    message.is_selected = bool(unit["selected"] & (1 << (player - 1)))
    message.is_on_screen, message.is_flying = on_screen, flies
    message.is_powered = message.is_blip = message.is_burrowed = message.is_hallucination = False
    message.detect_range = message.radar_range = 0.0
    message.health, message.health_max = float(unit["health"]), float(MAX_HEALTH[kind])
    if MAX_SHIELD[kind] > 0.0:
        message.shield, message.shield_max = float(unit["shield"]), float(MAX_SHIELD[kind])
    if MAX_ENERGY[kind] > 0.0:
        message.energy, message.energy_max = float(unit["energy"]), float(MAX_ENERGY[kind])
    if kind == MINERAL_FIELD:
        message.mineral_contents = int(unit["contents"])
    elif kind in (VESPENE_GEYSER, REFINERY):
        message.vespene_contents = int(unit["contents"])
    if owner == player or (match.controls_enemy and owner != NEUTRAL):
        _write_own(match, slot, crew, message)


def _write_own(match: Match, slot: int, crew: tuple[int, int] | None, message: Any) -> None:
    """Writes what only a unit's owner is told."""
    unit = match.slots[slot]
    message.weapon_cooldown = max(float(unit["cooldown"]), 0.0)
    message.engaged_target_tag = int(unit["target"]) if unit["swing"] > 0.0 or unit["cooldown"] > 0.0 else 0
    message.is_active = bool(unit["queue"][0] != 0 and unit["made"] > 0.0)
    if unit["minerals"] or unit["vespene"]:
        message.buff_ids.append(_CARRIES_MINERALS if unit["minerals"] else _CARRIES_VESPENE)
    for order in match.games.batch.orders[0, slot, : int(unit["orders"])]:
        told = message.orders.add(ability_id=int(order["ability"]))
        if order["tag"]:
            told.target_unit_tag = int(order["tag"])
        elif order["verb"] >= MOVE and (order["x"] or order["y"]):
            told.target_world_space_pos.x, told.target_world_space_pos.y = float(order["x"]), float(order["y"])
            told.target_world_space_pos.z = GROUND
        if order["verb"] == BUILD and order["tag"] and order["tag"] == unit["target"]:
            message.is_active = True
    for place in range(QUEUED_UNITS):
        kind = int(unit["queue"][place])
        if kind == 0:
            break
        message.orders.add(
            ability_id=MAKER_ID[kind], progress=float(unit["made"] / BUILD_LOOPS[kind]) if place == 0 else 0.0
        )
    if unit["has_rally"]:
        target = message.rally_targets.add()
        target.point.x, target.point.y, target.point.z = float(unit["rally_x"]), float(unit["rally_y"]), GROUND
        if unit["rally_tag"]:
            target.tag = int(unit["rally_tag"])
    if crew is not None and unit["type"] in (COMMAND_CENTER, REFINERY):
        message.assigned_harvesters, message.ideal_harvesters = crew


def _write_map(match: Match, message: Any) -> None:
    """Writes a MapState: what the client sees of the map, row 0 lowest, and no creep."""
    setting = match.games.setting
    width, height = int(setting.width), int(setting.height)
    if setting.fog:
        shades = match.games.batch.seen[0, match.player]
    else:
        shades = np.zeros((width, height), np.uint8)
        shades[int(setting.left) : math.ceil(setting.right), int(setting.bottom) : math.ceil(setting.top)] = 2
    image(message.visibility, shades.T, 8)
    image(message.creep, np.zeros((height, width), np.uint8), 1)


def _write_dead(match: Match, slots: NDArray[np.int64], message: Any) -> None:
    """Tells which units of the last observation are dead."""
    known, match.known_tags = match.known_tags, {int(tag) for tag in match.slots["tag"][slots]}
    gone = sorted(tag for tag in known - match.known_tags if match.slot_of(tag) is None)
    message.event.dead_units.extend(gone)
