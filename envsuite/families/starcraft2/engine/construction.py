"""Construction: a worker goes to a place, pays when it begins, and builds beside the structure until it stands."""

from __future__ import annotations

from typing import Any

import numpy as np

from envsuite.families.starcraft2.engine.abilities import (
    CANT_BUILD_HERE,
    CANT_TARGET_THAT,
    ERROR,
    NOT_ENOUGH_MINERALS,
    NOT_ENOUGH_VESPENE,
    SUCCESS,
    TECH_MISSING,
)
from envsuite.families.starcraft2.engine.calibration import REFUND, ROOM_LOOPS, TOWNHALL_CLEAR_CELLS
from envsuite.families.starcraft2.engine.compiled import inlined, kernel
from envsuite.families.starcraft2.engine.harvest import gather_at
from envsuite.families.starcraft2.engine.layout import BUILD
from envsuite.families.starcraft2.engine.orders import finish_order
from envsuite.families.starcraft2.engine.paths import NO_WAY, approach
from envsuite.families.starcraft2.engine.places import (
    TOUCHING,
    free_near,
    gap_to,
    point_in,
    rectangle,
    snapped,
    touches,
)
from envsuite.families.starcraft2.engine.roster import NO_SLOT, alive, create, remove, slot_of
from envsuite.families.starcraft2.engine.units import (
    AIR,
    ATTRIBUTES,
    BARRACKS,
    BUILD_LOOPS,
    GEYSER,
    MAX_HEALTH,
    MINERAL,
    MINERALS,
    MOBILE,
    RADIUS,
    REFINERY,
    SPEED,
    SUPPLY_DEPOT,
    SUPPLY_PROVIDED,
    TOWNHALL,
    VESPENE,
    VESPENE_GEYSER,
)

_FIRST_HEALTH = 0.1
"""Share of its health that a structure begins with."""


@kernel
def has_tech(game: Any, player: Any, kind: Any) -> Any:
    """Tells whether a player has what a structure needs: barracks need a finished supply depot."""
    if kind != BARRACKS:
        return True
    for slot in range(game.state[0].slots):
        unit = game.units[slot]
        if unit.type == SUPPLY_DEPOT and unit.owner == player and alive(unit) and unit.progress >= 1.0:
            return True
    return False


@kernel
def may_build(game: Any, setting: Any, slot: Any, kind: Any, target: Any, x: Any, y: Any) -> Any:
    """Returns why a worker cannot build something at a place or on a geyser, SUCCESS where it can."""
    owner = game.units[slot].owner
    player = game.players[owner]
    if target != NO_SLOT and game.units[target].type == kind:
        return _may_go_on(game, owner, target)
    if not has_tech(game, owner, kind):
        return TECH_MISSING
    if player.minerals < MINERALS[kind]:
        return NOT_ENOUGH_MINERALS
    if player.vespene < VESPENE[kind]:
        return NOT_ENOUGH_VESPENE
    if kind == REFINERY:
        on_geyser = target != NO_SLOT and game.units[target].type == VESPENE_GEYSER and game.units[target].inside == 0
        return SUCCESS if on_geyser else CANT_TARGET_THAT
    center_x, center_y = snapped(kind, x, y)
    return SUCCESS if has_room(game, setting, owner, kind, center_x, center_y) else CANT_BUILD_HERE


@kernel
def _may_go_on(game: Any, owner: Any, target: Any) -> Any:
    """Tells whether a worker can take up work at a structure that another has left."""
    site = game.units[target]
    if site.owner != owner or site.progress >= 1.0:
        return CANT_TARGET_THAT
    return ERROR if _has_builder(game, site.tag) else SUCCESS


@kernel
def has_room(game: Any, setting: Any, owner: Any, kind: Any, x: Any, y: Any) -> Any:
    """Tells whether a structure can stand at a point of the grid: on free cells, with no enemy on them."""
    left, bottom, right, top = rectangle(kind, x, y)
    if left < setting.left or right > setting.right or bottom < setting.bottom or top > setting.top:
        return False
    for column in range(int(left), int(right)):
        for row in range(int(bottom), int(top)):
            if game.blocked[column, row]:
                return False
    clear = TOWNHALL_CLEAR_CELLS if ATTRIBUTES[kind] & TOWNHALL else 0.0
    for slot in range(game.state[0].slots):
        other = game.units[slot]
        if not alive(other):
            continue
        if clear > 0.0 and ATTRIBUTES[other.type] & (MINERAL | GEYSER):
            a, b, c, d = rectangle(other.type, other.x, other.y)
            if a < right + clear and c > left - clear and b < top + clear and d > bottom - clear:
                return False
        elif _stands_on(other, left, bottom, right, top) and other.owner != owner:
            return False
    return True


@inlined
def _stands_on(unit: Any, left: Any, bottom: Any, right: Any, top: Any) -> Any:
    """Tells whether the centre of a ground unit lies in a rectangle."""
    mobile = MOBILE[unit.type] and not AIR[unit.type] and unit.inside == 0
    return mobile and left < unit.x < right and bottom < unit.y < top


@inlined
def is_building(game: Any, slot: Any) -> Any:
    """Tells whether a worker is at work on a structure."""
    unit, order = game.units[slot], game.orders[slot, 0]
    return unit.orders > 0 and order.verb == BUILD and unit.target != 0 and unit.target == order.tag


@kernel
def _has_builder(game: Any, tag: Any) -> Any:
    for slot in range(game.state[0].slots):
        if alive(game.units[slot]) and game.units[slot].target == tag and is_building(game, slot):
            return True
    return False


@kernel
def build(game: Any, setting: Any, slot: Any) -> None:
    """Lets a worker go to a place and build there, for one loop."""
    unit, order = game.units[slot], game.orders[slot, 0]
    place = slot_of(game, order.tag)
    if place != NO_SLOT and game.units[place].type == order.type:
        _go_on(game, setting, slot, place)
        return
    if (order.tag != 0 and place == NO_SLOT) or unit.stuck >= NO_WAY:
        _give_up(game, slot)  # what it was to build on, or has built, is gone
        return
    kind = order.type
    if place == NO_SLOT:
        order.x, order.y = snapped(kind, order.x, order.y)
    if gap_to(unit, kind, order.x, order.y) > RADIUS[unit.type] + TOUCHING:
        unit.work = 0.0
        approach(game, setting, slot, kind, order.x, order.y)
    elif may_build(game, setting, slot, kind, place, order.x, order.y) != SUCCESS:
        _give_up(game, slot)
    elif _makes_room(game, slot, kind, order.x, order.y):
        _begin(game, setting, slot, place)


@inlined
def _give_up(game: Any, slot: Any) -> None:
    game.units[slot].work = 0.0
    finish_order(game, slot)


@kernel
def _makes_room(game: Any, slot: Any, kind: Any, x: Any, y: Any) -> Any:
    """Sends friends off the place and tells whether it is empty, or was waited for long enough."""
    builder = game.units[slot]
    left, bottom, right, top = rectangle(kind, x, y)
    waits = False
    for other_slot in range(game.state[0].slots):
        unit = game.units[other_slot]
        if alive(unit) and _stands_on(unit, left, bottom, right, top):
            waits = True
            _walk_off(game, unit, left, bottom, right, top)
    builder.work += 1.0
    return not waits or builder.work > ROOM_LOOPS


@kernel
def _walk_off(game: Any, unit: Any, left: Any, bottom: Any, right: Any, top: Any) -> None:
    """Moves a unit towards the nearest side of a rectangle by what it goes in a loop."""
    nearest = min(unit.x - left, right - unit.x, unit.y - bottom, top - unit.y)
    dx = -1.0 if nearest == unit.x - left else (1.0 if nearest == right - unit.x else 0.0)
    dy = 0.0 if dx != 0.0 else (-1.0 if nearest == unit.y - bottom else 1.0)
    x, y = unit.x + dx * SPEED[unit.type], unit.y + dy * SPEED[unit.type]
    if game.blocked[int(x), int(y)] == 0:
        unit.x, unit.y = x, y


@kernel
def _begin(game: Any, setting: Any, slot: Any, geyser: Any) -> None:
    """Puts down a structure, pays for it, and puts whoever still stands there beside it."""
    unit, order, player = game.units[slot], game.orders[slot, 0], game.players[game.units[slot].owner]
    kind = order.type
    place = create(game, unit.owner, kind, order.x, order.y)
    if place == NO_SLOT:
        _give_up(game, slot)
        return
    site = game.units[place]
    site.progress = 0.0
    site.health = _FIRST_HEALTH * MAX_HEALTH[kind]
    player.supply_cap -= SUPPLY_PROVIDED[kind]  # which `create` gives to finished ones
    player.minerals -= MINERALS[kind]
    player.vespene -= VESPENE[kind]
    player.spent_minerals += MINERALS[kind]
    player.spent_vespene += VESPENE[kind]
    if geyser != NO_SLOT:
        site.contents = game.units[geyser].contents
        game.units[geyser].contents = 0
        game.units[geyser].inside = 1
    order.tag = unit.target = site.tag
    unit.work = 0.0
    _clear_cells(game, setting, place)


@kernel
def _clear_cells(game: Any, setting: Any, place: Any) -> None:
    site = game.units[place]
    left, bottom, right, top = rectangle(site.type, site.x, site.y)
    for slot in range(game.state[0].slots):
        unit = game.units[slot]
        if alive(unit) and _stands_on(unit, left, bottom, right, top):
            cell = free_near(game, setting, 0, unit.x, unit.y, unit.x, unit.y)
            if cell >= 0:
                unit.x, unit.y = point_in(game, cell, unit.x, unit.y)


@kernel
def _go_on(game: Any, setting: Any, slot: Any, place: Any) -> None:
    """Lets a worker build for a loop, or go to a structure that another has begun."""
    unit, site = game.units[slot], game.units[place]
    if site.progress >= 1.0 or (unit.target != site.tag and _has_builder(game, site.tag)) or unit.stuck >= NO_WAY:
        _give_up(game, slot)
        return
    if unit.target != site.tag:
        if not touches(unit, site):
            approach(game, setting, slot, site.type, site.x, site.y)
            return
        unit.target = site.tag
    most, share = MAX_HEALTH[site.type], 1.0 / BUILD_LOOPS[site.type]
    site.progress += share
    site.health = min(most, site.health + (1.0 - _FIRST_HEALTH) * most * share)
    if site.progress > 1.0 - 0.5 * share:
        _complete(game, slot, place)


@kernel
def _complete(game: Any, slot: Any, place: Any) -> None:
    """Lets a structure stand, and its worker go; one that built a refinery begins to harvest there, as in the game."""
    unit, site = game.units[slot], game.units[place]
    site.progress = 1.0
    site.health = np.floor(site.health + 0.5)
    game.players[site.owner].supply_cap += SUPPLY_PROVIDED[site.type]
    finish_order(game, slot)
    if site.type == REFINERY and unit.orders == 0:
        gather_at(game, slot, place)


@kernel
def cancel_building(game: Any, slot: Any) -> Any:
    """Takes down an unfinished structure and pays a share of it back; returns the protocol's result."""
    site = game.units[slot]
    if site.progress >= 1.0:
        return ERROR
    player = game.players[site.owner]
    minerals, vespene = int(REFUND * MINERALS[site.type]), int(REFUND * VESPENE[site.type])
    player.minerals += minerals
    player.vespene += vespene
    player.spent_minerals -= minerals
    player.spent_vespene -= vespene
    remove(game, slot)
    return SUCCESS


@kernel
def halt(game: Any, slot: Any) -> Any:
    """Lets a worker leave what it builds; returns the protocol's result."""
    if not is_building(game, slot):
        return ERROR
    finish_order(game, slot)
    return SUCCESS
