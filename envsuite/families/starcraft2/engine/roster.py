"""Units come, are found by their tags, and go."""

from __future__ import annotations

from typing import Any

import numpy as np

from envsuite.families.starcraft2.engine.calibration import FIELD_CONTENTS, GEYSER_CONTENTS
from envsuite.families.starcraft2.engine.compiled import inlined, kernel
from envsuite.families.starcraft2.engine.layout import FOE, GRAIN, ME, QUEUED_UNITS, TAG_SLOTS
from envsuite.families.starcraft2.engine.scenario import DEATH_SCORE
from envsuite.families.starcraft2.engine.units import (
    AIR,
    FOOTPRINT_HEIGHT,
    FOOTPRINT_WIDTH,
    MAX_HEALTH,
    MAX_SHIELD,
    MINERAL_FIELD,
    MINERALS,
    REFINERY,
    START_ENERGY,
    SUPPLY,
    SUPPLY_PROVIDED,
    VESPENE,
    VESPENE_GEYSER,
)

NO_SLOT = -1


@inlined
def alive(unit: Any) -> Any:
    """Tells whether a slot holds a unit that has not been killed in this loop."""
    return unit.type != 0 and unit.health > 0.0


@inlined
def slot_of(game: Any, tag: Any) -> Any:
    """Returns the slot of a living unit, -1 where the tag names none."""
    slot = int(tag % TAG_SLOTS)
    if tag <= 0 or slot >= len(game.units):
        return NO_SLOT
    unit = game.units[slot]
    return slot if unit.tag == tag and alive(unit) else NO_SLOT


@inlined
def on_grain(value: Any) -> Any:
    """Returns a coordinate as the nearest multiple of 1 / GRAIN."""
    return np.floor(value * GRAIN + 0.5) / GRAIN


@inlined
def distance(a: Any, b: Any) -> Any:
    """Returns the distance between the centres of two units."""
    return np.sqrt((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y))


@kernel
def create(game: Any, owner: Any, kind: Any, x: Any, y: Any) -> Any:
    """Returns the slot of a new, finished unit; -1 where every slot is taken, which `overflow` counts."""
    state = game.state[0]
    slot = 0
    while slot < len(game.units) and game.units[slot].type != 0:
        slot += 1
    if slot == len(game.units):
        state.overflow += 1
        return NO_SLOT
    state.serial += 1
    state.slots = max(state.slots, slot + 1)
    unit = game.units[slot]
    _clear(unit)
    unit.tag = state.serial * TAG_SLOTS + slot
    unit.type = kind
    unit.owner = owner
    unit.x, unit.y = on_grain(x), on_grain(y)
    unit.goal_x, unit.goal_y = unit.x, unit.y
    unit.health, unit.shield, unit.energy = MAX_HEALTH[kind], MAX_SHIELD[kind], START_ENERGY[kind]
    if kind == MINERAL_FIELD:
        unit.contents = FIELD_CONTENTS
    elif kind == VESPENE_GEYSER:
        unit.contents = GEYSER_CONTENTS
    cover(game, unit, 1)
    if owner in (ME, FOE):
        player = game.players[owner]
        player.units += 1
        player.supply += SUPPLY[kind]
        player.supply_cap += SUPPLY_PROVIDED[kind]
    return slot


@kernel
def _clear(unit: Any) -> None:
    unit.facing_x, unit.facing_y = 0.0, -1.0  # south, as the editor places units
    unit.cooldown = unit.swing = unit.flight = unit.work = unit.made = 0.0
    unit.progress = 1.0
    unit.target = unit.missile_target = unit.rally_tag = 0
    unit.rally_x = unit.rally_y = 0.0
    unit.hit_loop = -1_000_000
    unit.chase_loop = 0
    unit.contents = 0
    unit.minerals = unit.vespene = 0
    for place in range(QUEUED_UNITS):
        unit.queue[place] = 0
    unit.orders = unit.moving = unit.bumped = unit.has_rally = unit.inside = 0
    unit.stuck = 0
    unit.way = unit.way_goal = unit.way_loop = 0
    unit.selected = 0
    unit.groups = 0


@kernel
def cover(game: Any, unit: Any, value: Any) -> None:
    """Marks the cells of a structure, field or geyser as blocked (1), or frees them (0)."""
    width, height = FOOTPRINT_WIDTH[unit.type], FOOTPRINT_HEIGHT[unit.type]
    if width == 0:
        return
    left, bottom = int(np.floor(unit.x - width / 2 + 0.5)), int(np.floor(unit.y - height / 2 + 0.5))
    for column in range(max(0, left), min(game.blocked.shape[0], left + width)):
        for row in range(max(0, bottom), min(game.blocked.shape[1], bottom + height)):
            game.state[0].blocked += value - int(game.blocked[column, row])
            game.blocked[column, row] = value


@kernel
def remove(game: Any, slot: Any) -> None:
    """Takes a unit out of the game; nothing is scored."""
    unit = game.units[slot]
    cover(game, unit, 0)
    if unit.owner == ME or unit.owner == FOE:
        player = game.players[unit.owner]
        player.units -= 1
        player.supply -= SUPPLY[unit.type]
        if unit.progress >= 1.0:
            player.supply_cap -= SUPPLY_PROVIDED[unit.type]
        if unit.queue[0] != 0 and unit.made > 0.0:
            player.supply -= SUPPLY[unit.queue[0]]  # kept for what it made
    if unit.type == REFINERY:
        _give_back_geyser(game, unit)
    unit.type = 0
    unit.tag = 0
    state = game.state[0]
    while state.slots > 0 and game.units[state.slots - 1].type == 0:
        state.slots -= 1


@kernel
def _give_back_geyser(game: Any, refinery: Any) -> None:
    """Brings the geyser under a refinery to light, with the gas that is left."""
    for slot in range(game.state[0].slots):
        geyser = game.units[slot]
        if geyser.type == VESPENE_GEYSER and geyser.x == refinery.x and geyser.y == refinery.y:
            geyser.inside = 0
            geyser.contents = refinery.contents
            cover(game, geyser, 1)


@kernel
def bury(game: Any, setting: Any, slot: Any) -> None:
    """Takes a killed unit out of the game and counts its death."""
    unit, state = game.units[slot], game.state[0]
    enemy = 0 if unit.owner == ME else 1
    if unit.owner == ME or unit.owner == FOE:
        state.score += DEATH_SCORE[setting.script, unit.type, enemy]
        loser, winner = game.players[unit.owner], game.players[ME + FOE - unit.owner]
        loser.losses += 1
        loser.lost_minerals += MINERALS[unit.type]
        loser.lost_vespene += VESPENE[unit.type]
        winner.kills += 1
        winner.killed_minerals += MINERALS[unit.type]
        winner.killed_vespene += VESPENE[unit.type]
        if unit.owner == FOE:
            state.left -= 1
    remove(game, slot)


@inlined
def flies(unit: Any) -> Any:
    """Tells whether a unit is in the air."""
    return AIR[unit.type]
