"""Harvest: workers go to fields and refineries, work there one at a time, and carry what they get to a command centre.

A worker's order changes in place between GATHER and RETURN, and keeps the tag of what it harvests; only a RETURN that
was commanded has none. `unit.target` is what a worker works at now, or the command centre that it carries to.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from envsuite.families.starcraft2.engine.abilities import ABILITIES, ABILITY_ROW
from envsuite.families.starcraft2.engine.calibration import (
    GAS_LOOPS,
    GAS_PER_TRIP,
    MINE_LOOPS,
    MINERALS_PER_TRIP,
    TURN_LOOPS,
)
from envsuite.families.starcraft2.engine.compiled import inlined, kernel
from envsuite.families.starcraft2.engine.layout import GATHER, RETURN
from envsuite.families.starcraft2.engine.orders import finish_order, give_order
from envsuite.families.starcraft2.engine.paths import NO_WAY, approach
from envsuite.families.starcraft2.engine.places import touches
from envsuite.families.starcraft2.engine.roster import NO_SLOT, alive, distance, remove, slot_of
from envsuite.families.starcraft2.engine.units import ATTRIBUTES, MINERAL_FIELD, REFINERY, SCV, TOWNHALL

GATHER_ID = ABILITIES[ABILITY_ROW["Harvest_Gather_SCV"]].ability_id
RETURN_ID = ABILITIES[ABILITY_ROW["Harvest_Return_SCV"]].ability_id
_FIELDS_NEAR = 8.0
"""A worker looks this far from its field for another."""
_LOOK_PERIOD_LOOPS = 16
"""A worker that waits at a field looks for another this often."""


@kernel
def gather(game: Any, setting: Any, slot: Any) -> None:
    """Lets a worker go to its field or refinery and work there, for one loop."""
    unit, order = game.units[slot], game.orders[slot, 0]
    place = slot_of(game, order.tag)
    if place == NO_SLOT or game.units[place].contents <= 0:
        _go_elsewhere(game, slot, place != NO_SLOT and game.units[place].type == REFINERY)
        return
    source = game.units[place]
    if unit.target == source.tag:
        _harvest(game, slot, place)
    elif not touches(unit, source):
        unit.work = 0.0
        if unit.stuck >= NO_WAY:
            _go_elsewhere(game, slot, source.type == REFINERY)
        else:
            approach(game, setting, slot, source.type, source.x, source.y)
    elif (unit.vespene if source.type == REFINERY else unit.minerals) > 0:
        _turn(game, slot, RETURN, RETURN_ID)
    else:
        _take_turn(game, slot, place)


@kernel
def _take_turn(game: Any, slot: Any, place: Any) -> None:
    """Lets a worker at a field stop there, and begin when nobody else works at it."""
    unit, source = game.units[slot], game.units[place]
    loops = GAS_LOOPS if source.type == REFINERY else MINE_LOOPS
    if unit.work <= 0.0:
        unit.work = loops + TURN_LOOPS
    if unit.work > loops:
        unit.work -= 1.0
        return
    if not _worked_at(game, source.tag):
        unit.target = source.tag
        unit.inside = 1 if source.type == REFINERY else 0
    elif source.type == MINERAL_FIELD and (game.state[0].loop + slot) % _LOOK_PERIOD_LOOPS == 0:
        other = _less_crowded(game, source)
        if other != NO_SLOT:
            _turn_to(game, slot, other)


@kernel
def _harvest(game: Any, slot: Any, place: Any) -> None:
    """Lets a worker work for a loop; at the end it takes what it got, and the last of a field takes the field away."""
    unit, source = game.units[slot], game.units[place]
    unit.work -= 1.0
    if unit.work > 0.0:
        return
    unit.inside = 0
    gas = source.type == REFINERY
    amount = min(GAS_PER_TRIP if gas else MINERALS_PER_TRIP, int(source.contents))
    unit.minerals, unit.vespene = 0 if gas else amount, amount if gas else 0
    source.contents -= amount
    unit.rally_tag = source.tag
    if source.contents <= 0 and not gas:
        remove(game, place)
    _turn(game, slot, RETURN, RETURN_ID)


@inlined
def _turn(game: Any, slot: Any, verb: Any, ability: Any) -> None:
    """Lets a worker's order go on with its other half."""
    unit, order = game.units[slot], game.orders[slot, 0]
    order.verb, order.ability = verb, ability
    unit.target = 0
    unit.work = 0.0
    unit.stuck = 0


@kernel
def _turn_to(game: Any, slot: Any, place: Any) -> None:
    """Lets a worker gather at a place."""
    order, source = game.orders[slot, 0], game.units[place]
    order.tag, order.x, order.y = source.tag, source.x, source.y
    _turn(game, slot, GATHER, GATHER_ID)


@kernel
def _go_elsewhere(game: Any, slot: Any, gas: Any) -> None:
    """Lets a worker whose field is gone take the nearest other; with none left, or at a dry refinery, it stops."""
    unit, order = game.units[slot], game.orders[slot, 0]
    unit.inside = 0
    place = NO_SLOT if gas else _nearest_field(game, order.x, order.y, order.tag)
    if place != NO_SLOT:
        _turn_to(game, slot, place)
    elif unit.minerals + unit.vespene > 0:
        order.tag = 0
        _turn(game, slot, RETURN, RETURN_ID)
    else:
        unit.work = 0.0
        finish_order(game, slot)


@kernel
def _worked_at(game: Any, tag: Any) -> Any:
    """Tells whether a worker works at a field or in a refinery now."""
    for slot in range(game.state[0].slots):
        worker = game.units[slot]
        if worker.target == tag and worker.type == SCV and alive(worker) and _gathers(game, slot):
            return True
    return False


@inlined
def _gathers(game: Any, slot: Any) -> Any:
    return game.units[slot].orders > 0 and game.orders[slot, 0].verb == GATHER


@kernel
def _sent_to(game: Any, tag: Any) -> Any:
    """Returns how many workers harvest at a field: those on their way count too."""
    count = 0
    for slot in range(game.state[0].slots):
        worker = game.units[slot]
        if worker.type != SCV or worker.orders == 0 or not alive(worker) or game.orders[slot, 0].tag != tag:
            continue
        verb = game.orders[slot, 0].verb
        count += verb in (GATHER, RETURN)
    return count


@kernel
def _less_crowded(game: Any, source: Any) -> Any:
    """Returns the field near a crowded one that fewest workers are sent to; -1 where all are as full."""
    best, best_count, best_gap = NO_SLOT, _sent_to(game, source.tag) - 1, np.inf
    for slot in range(game.state[0].slots):
        field = game.units[slot]
        if field.type != MINERAL_FIELD or field.tag == source.tag:
            continue
        gap = distance(field, source)
        if gap > _FIELDS_NEAR:
            continue
        count = _sent_to(game, field.tag)
        if count < best_count or (count == best_count and best != NO_SLOT and gap < best_gap):
            best, best_count, best_gap = slot, count, gap
    return best


@kernel
def _nearest_field(game: Any, x: Any, y: Any, besides: Any) -> Any:
    """Returns the mineral field that is nearest to a point and not far from it; -1 for none."""
    best, best_gap = NO_SLOT, _FIELDS_NEAR
    for slot in range(game.state[0].slots):
        field = game.units[slot]
        if field.type != MINERAL_FIELD or field.tag == besides:
            continue
        gap = np.sqrt((field.x - x) * (field.x - x) + (field.y - y) * (field.y - y))
        if gap <= best_gap:
            best, best_gap = slot, gap
    return best


@kernel
def bring_back(game: Any, setting: Any, slot: Any) -> None:
    """Lets a worker carry what it has to the nearest command centre, for one loop."""
    unit, order = game.units[slot], game.orders[slot, 0]
    goal = slot_of(game, order.tag)
    if goal != NO_SLOT and _takes_in(unit, game.units[goal]):  # told to bring it there
        unit.target = order.tag
        order.tag = 0
    home = slot_of(game, unit.target)
    if home == NO_SLOT or not _takes_in(unit, game.units[home]):
        home = _nearest_home(game, slot)
        if home == NO_SLOT or unit.stuck >= NO_WAY:
            unit.work = 0.0
            finish_order(game, slot)
            return
        unit.target = game.units[home].tag
    center = game.units[home]
    if not touches(unit, center):
        unit.work = 0.0
        approach(game, setting, slot, center.type, center.x, center.y)
        return
    if unit.work <= 0.0:
        unit.work = TURN_LOOPS
    unit.work -= 1.0
    if unit.work <= 0.0:
        _hand_over(game, slot)


@inlined
def _takes_in(unit: Any, other: Any) -> Any:
    """Tells whether a unit can carry its load to another."""
    return (ATTRIBUTES[other.type] & TOWNHALL) != 0 and other.owner == unit.owner and other.progress >= 1.0


@kernel
def _nearest_home(game: Any, slot: Any) -> Any:
    unit = game.units[slot]
    best, best_gap = NO_SLOT, np.inf
    for other_slot in range(game.state[0].slots):
        other = game.units[other_slot]
        if not alive(other) or not _takes_in(unit, other):
            continue
        gap = distance(unit, other)
        if gap < best_gap:
            best, best_gap = other_slot, gap
    return best


@kernel
def _hand_over(game: Any, slot: Any) -> None:
    """Books what a worker has brought, and sends it back to where it came from."""
    unit, order, player = game.units[slot], game.orders[slot, 0], game.players[game.units[slot].owner]
    player.minerals += unit.minerals
    player.vespene += unit.vespene
    player.collected_minerals += unit.minerals
    player.collected_vespene += unit.vespene
    unit.minerals = unit.vespene = 0
    if order.tag != 0:
        _turn(game, slot, GATHER, GATHER_ID)
        return
    place = slot_of(game, unit.rally_tag)
    if place == NO_SLOT:
        place = _nearest_field(game, unit.x, unit.y, 0)
    if unit.orders > 1 or place == NO_SLOT:
        unit.work = 0.0
        finish_order(game, slot)
    else:
        _turn_to(game, slot, place)


@kernel
def gather_at(game: Any, slot: Any, place: Any) -> None:
    """Orders a worker to harvest, behind the orders that it has."""
    source = game.units[place]
    give_order(game, slot, GATHER, GATHER_ID, source.x, source.y, source.tag, 0)


@kernel
def leave_work(game: Any, slot: Any) -> None:
    """Lets a worker step out of its harvest or building when its orders change."""
    unit = game.units[slot]
    unit.work = 0.0
    if unit.type == SCV:
        unit.inside = 0
        unit.target = 0
