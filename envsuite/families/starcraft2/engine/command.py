"""Commands: what a player tells units to do becomes orders, or is refused with the protocol's reason."""

from __future__ import annotations

from typing import Any

import numpy as np

from envsuite.families.starcraft2.engine import economy
from envsuite.families.starcraft2.engine.abilities import (
    ABILITY_ID,
    CANCEL_BUILDING,
    CANCEL_LAST,
    CANT_TARGET_THAT,
    DOES,
    ERROR,
    HALT,
    IS_UNDER_CONSTRUCTION,
    MAKES,
    MUST_TARGET_RESOURCES,
    MUST_TARGET_UNIT,
    NO_TARGET,
    NOT_A_HEAL_TARGET,
    NOT_SUPPORTED,
    POINT,
    QUEUE_IS_FULL,
    RALLY,
    RESOLVE,
    SMART,
    STOP,
    SUCCESS,
    TARGET,
    TRAIN,
    UNIT,
)
from envsuite.families.starcraft2.engine.abilities import ABILITY_ROW as _ROW
from envsuite.families.starcraft2.engine.calibration import FORMATION_RADIUS
from envsuite.families.starcraft2.engine.cards import allowed
from envsuite.families.starcraft2.engine.combat import can_heal, can_hit, visible_to
from envsuite.families.starcraft2.engine.compiled import inlined, kernel
from envsuite.families.starcraft2.engine.layout import (
    ATTACK,
    BUILD,
    GATHER,
    HEAL,
    NEUTRAL,
    PATROL,
    QUEUED_ORDERS,
    RETURN,
    SCAN_MOVE,
)
from envsuite.families.starcraft2.engine.orders import finish_order, give_order
from envsuite.families.starcraft2.engine.roster import NO_SLOT, alive, on_grain, slot_of
from envsuite.families.starcraft2.engine.units import (
    ARMED,
    ATTRIBUTES,
    HEALS,
    MINERAL_FIELD,
    MOBILE,
    REFINERY,
    SCV,
    TOWNHALL,
    UNIT_TYPES,
)

_MOVE_ROW, _ATTACK_ROW, _GATHER_ROW = _ROW["Move_Move"], _ROW["Attack_Attack"], _ROW["Harvest_Gather_SCV"]
_RETURN_ROW, _HEAL_ROW, _SCAN_ROW = _ROW["Harvest_Return_SCV"], _ROW["Effect_Heal"], _ROW["Scan_Move"]
_BUILD_ROWS = np.full(len(UNIT_TYPES), -1)
"""[type]: the ability that builds it."""
_BUILD_ROWS[MAKES[DOES == BUILD]] = np.flatnonzero(DOES == BUILD)


@kernel
def command_group(
    game: Any,
    setting: Any,
    player: Any,
    slots: Any,
    count: Any,
    request: Any,
    kind: Any,
    x: Any,
    y: Any,
    tag: Any,
    queued: Any,
) -> Any:
    """Returns the protocol's result of a command to the units in `slots[:count]`.

    `request` is a place in `abilities.REQUEST_IDS`; `kind` is NO_TARGET, POINT (x, y) or UNIT (`tag`). Of several units
    one builds and one trains, and those without the ability are left out. Success needs one that obeys.
    """
    result = NOT_SUPPORTED
    able = 0
    for index in range(count):
        unit = game.units[slots[index]]
        if alive(unit) and unit.owner == player and RESOLVE[request, unit.type] >= 0:
            slots[able] = slots[index]
            able += 1
    if able == 0:
        return result
    x, y = on_grain(x), on_grain(y)
    does = DOES[RESOLVE[request, game.units[slots[0]].type]]
    if does in (TRAIN, BUILD, CANCEL_LAST):
        place = slot_of(game, tag) if kind == UNIT else NO_SLOT
        if place != NO_SLOT:
            x, y = game.units[place].x, game.units[place].y
        chosen = economy.choose(game, slots, able, does, x, y)
        return command(game, setting, chosen, request, kind, x, y, tag, queued)
    shape = kind == POINT and able > 1 and _keeps_shape(game, slots, able, x, y)
    center_x, center_y = _center(game, slots, able) if shape else (0.0, 0.0)
    for index in range(able):
        goal_x, goal_y = x, y
        if shape and MOBILE[game.units[slots[index]].type]:
            goal_x = on_grain(x + game.units[slots[index]].x - center_x)
            goal_y = on_grain(y + game.units[slots[index]].y - center_y)
        one = command(game, setting, slots[index], request, kind, goal_x, goal_y, tag, queued)
        if one == SUCCESS or result == NOT_SUPPORTED:
            result = one
    return result


@kernel
def _center(game: Any, slots: Any, count: Any) -> Any:
    x = y = 0.0
    for index in range(count):
        x += game.units[slots[index]].x
        y += game.units[slots[index]].y
    return x / count, y / count


@kernel
def _keeps_shape(game: Any, slots: Any, count: Any, x: Any, y: Any) -> Any:
    """Tells whether a group is close together and is sent beyond itself."""
    center_x, center_y = _center(game, slots, count)
    widest = 0.0
    for index in range(count):
        unit = game.units[slots[index]]
        dx, dy = unit.x - center_x, unit.y - center_y
        widest = max(widest, np.sqrt(dx * dx + dy * dy))
    away = np.sqrt((x - center_x) * (x - center_x) + (y - center_y) * (y - center_y))
    return widest <= FORMATION_RADIUS and away > widest


@kernel
def command(game: Any, setting: Any, slot: Any, request: Any, kind: Any, x: Any, y: Any, tag: Any, queued: Any) -> Any:
    """Returns the protocol's result of a command to one living unit of the player that gives it."""
    unit = game.units[slot]
    row = RESOLVE[request, unit.type]
    if row < 0 or not allowed(setting, row, unit.type):
        return NOT_SUPPORTED
    if unit.progress < 1.0 and DOES[row] != CANCEL_BUILDING:
        return IS_UNDER_CONSTRUCTION
    target = NO_SLOT
    if kind == UNIT:
        target = slot_of(game, tag)
        if target == NO_SLOT or not visible_to(game, setting, unit.owner, game.units[target]):
            return CANT_TARGET_THAT
        x, y = game.units[target].x, game.units[target].y
    if not _takes(TARGET[row], kind):
        return MUST_TARGET_UNIT if TARGET[row] == UNIT else ERROR
    if DOES[row] == SMART:
        row = _smart(game, slot, target)
        if row < 0:
            return economy.rally(game, slot, target, x, y)
    return _obey(game, setting, slot, row, target, x, y, queued)


@inlined
def _takes(wanted: Any, kind: Any) -> Any:
    if wanted == NO_TARGET or kind == NO_TARGET:
        return wanted == kind
    return wanted == kind or wanted > UNIT


@kernel
def _smart(game: Any, slot: Any, target: Any) -> Any:
    """Returns the ability that a right click means, -1 for a rally point."""
    unit = game.units[slot]
    if not MOBILE[unit.type]:
        return -1
    if target == NO_SLOT:
        return _MOVE_ROW
    other = game.units[target]
    if other.owner == NEUTRAL:
        return _GATHER_ROW if unit.type == SCV and other.type == MINERAL_FIELD else _MOVE_ROW
    if other.owner != unit.owner:
        return (
            _ATTACK_ROW
            if can_hit(unit, other)
            else _SCAN_ROW
            if not ARMED[unit.type] or HEALS[unit.type]
            else _MOVE_ROW
        )
    if unit.type == SCV and other.progress < 1.0 and _BUILD_ROWS[other.type] >= 0:
        return _BUILD_ROWS[other.type]
    if unit.type == SCV and other.type == REFINERY:
        return _GATHER_ROW
    if unit.type == SCV and ATTRIBUTES[other.type] & TOWNHALL and unit.minerals + unit.vespene > 0:
        return _RETURN_ROW
    return _HEAL_ROW if can_heal(unit, other) else _MOVE_ROW


@kernel
def _obey(game: Any, setting: Any, slot: Any, row: Any, target: Any, x: Any, y: Any, queued: Any) -> Any:
    """Does what an ability does, or gives the order that it stands for."""
    unit = game.units[slot]
    does = DOES[row]
    if not queued and does != HALT and economy.is_building(game, slot):
        return ERROR  # as in the game, where a worker that builds obeys to nothing else
    if does >= STOP:
        return _do(game, slot, row, target, x, y)
    refusal = _refusal(game, setting, slot, row, target, x, y)
    if refusal != SUCCESS:
        return refusal
    verb = SCAN_MOVE if does == HEAL and target == NO_SLOT else does
    tag = game.units[target].tag if target != NO_SLOT else 0
    if tag == unit.tag:
        tag = 0
    # To be told again what it is about to hit does not break an attack off.
    swing = unit.swing if verb == ATTACK and tag != 0 and tag == unit.target else 0.0
    if not queued:
        clear_orders(game, slot)
        if swing > 0.0:
            unit.swing, unit.target = swing, tag
    elif unit.orders >= QUEUED_ORDERS:
        return QUEUE_IS_FULL
    start_x, start_y = unit.x, unit.y
    give_order(game, slot, verb, ABILITY_ID[row], x, y, tag, MAKES[row])
    if verb == PATROL:
        give_order(game, slot, PATROL, ABILITY_ID[row], start_x, start_y, 0, 0)
    return SUCCESS


@kernel
def _do(game: Any, slot: Any, row: Any, target: Any, x: Any, y: Any) -> Any:
    """Does at once what an ability does that is no order."""
    does = DOES[row]
    if does == RALLY:
        return economy.rally(game, slot, target, x, y)
    if does == TRAIN:
        return economy.train(game, slot, MAKES[row])
    if does == CANCEL_LAST:
        return economy.cancel_last(game, slot)
    if does == CANCEL_BUILDING:
        return economy.cancel_building(game, slot)
    if does == HALT:
        return economy.halt(game, slot)
    clear_orders(game, slot)
    game.units[slot].chase_loop = 0
    return SUCCESS


@kernel
def _refusal(game: Any, setting: Any, slot: Any, row: Any, target: Any, x: Any, y: Any) -> Any:
    """Returns why an order cannot be given, SUCCESS where it can."""
    unit, does = game.units[slot], DOES[row]
    if does == ATTACK and target != NO_SLOT:
        other = game.units[target]
        if other.owner == unit.owner or other.owner == NEUTRAL or not can_hit(unit, other):
            return CANT_TARGET_THAT
    elif does == HEAL and target != NO_SLOT and game.units[target].owner != unit.owner:
        return NOT_A_HEAL_TARGET
    elif does == GATHER:
        other = game.units[target]
        own_refinery = other.type == REFINERY and other.owner == unit.owner and other.progress >= 1.0
        if other.type != MINERAL_FIELD and not own_refinery:
            return MUST_TARGET_RESOURCES
    elif does == RETURN and unit.minerals + unit.vespene == 0:
        return ERROR
    elif does == BUILD:
        return economy.may_build(game, setting, slot, MAKES[row], target, x, y)
    return SUCCESS


@kernel
def clear_orders(game: Any, slot: Any) -> None:
    """Takes all orders from a unit; an attack that has begun and not yet hit is broken off."""
    unit = game.units[slot]
    economy.leave_work(game, slot)
    while unit.orders > 0:
        finish_order(game, slot)
    unit.target = 0
    unit.swing = 0.0
    unit.stuck = 0


@kernel
def attack_move(game: Any, slot: Any, x: Any, y: Any) -> None:
    """Orders a unit of a script to a point, attacking what it meets; the unarmed go along."""
    unit = game.units[slot]
    clear_orders(game, slot)
    armed = ARMED[unit.type] and not HEALS[unit.type]
    if armed:
        give_order(game, slot, ATTACK, ABILITY_ID[_ATTACK_ROW], x, y, 0, 0)
    else:
        give_order(game, slot, SCAN_MOVE, ABILITY_ID[_SCAN_ROW], x, y, 0, 0)
