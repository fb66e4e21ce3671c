"""Production: structures make units one after another, and send them to their rally points."""

from __future__ import annotations

from typing import Any

import numpy as np

from envsuite.families.starcraft2.engine.abilities import (
    ABILITIES,
    ABILITY_ROW,
    ERROR,
    NOT_ENOUGH_FOOD,
    NOT_ENOUGH_MINERALS,
    NOT_ENOUGH_VESPENE,
    QUEUE_IS_FULL,
    SUCCESS,
    TRAIN,
)
from envsuite.families.starcraft2.engine.compiled import inlined, kernel
from envsuite.families.starcraft2.engine.construction import is_building
from envsuite.families.starcraft2.engine.harvest import gather_at
from envsuite.families.starcraft2.engine.layout import BUILD, MOVE, QUEUED_UNITS
from envsuite.families.starcraft2.engine.orders import give_order
from envsuite.families.starcraft2.engine.places import between, cell_of, free_cell, free_near, point_in, rectangle
from envsuite.families.starcraft2.engine.roster import NO_SLOT, create, on_grain, slot_of
from envsuite.families.starcraft2.engine.units import (
    BUILD_LOOPS,
    MARINE,
    MINERAL_FIELD,
    MINERALS,
    RADIUS,
    REFINERY,
    SCV,
    SUPPLY,
    VESPENE,
)

MOST_SUPPLY = 200
"""No player has more, however many depots there are."""
_MOVE_ID = ABILITIES[ABILITY_ROW["Move_Move"]].ability_id
_BEGUN = 1.0 / 1024.0
"""`made` of a unit that has its supply and was not worked on yet; one that waits for supply has 0."""
_POINT, _UNIT = 1, 2
"""Kinds of rally points."""


@inlined
def queued(unit: Any) -> Any:
    """Returns how many units are in a structure's queue."""
    count = 0
    while count < QUEUED_UNITS and unit.queue[count] != 0:
        count += 1
    return count


@kernel
def choose(game: Any, slots: Any, count: Any, does: Any, x: Any, y: Any) -> Any:
    """Returns which of several units builds (the nearest), trains (the shortest queue) or cancels (the longest)."""
    best, best_rank = slots[0], np.inf
    for index in range(count):
        unit = game.units[slots[index]]
        if does == BUILD:
            rank = (unit.x - x) * (unit.x - x) + (unit.y - y) * (unit.y - y)
            rank += 1e6 * is_building(game, slots[index])
        elif does == TRAIN:
            rank = float(queued(unit)) + 10.0 * (unit.progress < 1.0)
        else:
            rank = -float(queued(unit))
        if rank < best_rank:
            best, best_rank = slots[index], rank
    return best


@kernel
def train(game: Any, slot: Any, kind: Any) -> Any:
    """Puts a unit into a structure's queue and pays for it; returns the protocol's result.

    What begins at once needs supply now; what waits behind others needs it when its turn comes.
    """
    unit = game.units[slot]
    player, place = game.players[unit.owner], queued(unit)
    if place >= QUEUED_UNITS:
        return QUEUE_IS_FULL
    if player.minerals < MINERALS[kind]:
        return NOT_ENOUGH_MINERALS
    if player.vespene < VESPENE[kind]:
        return NOT_ENOUGH_VESPENE
    if place == 0 and not _has_supply(player, kind):
        return NOT_ENOUGH_FOOD
    player.minerals -= MINERALS[kind]
    player.vespene -= VESPENE[kind]
    player.spent_minerals += MINERALS[kind]
    player.spent_vespene += VESPENE[kind]
    unit.queue[place] = kind
    if place == 0:
        _begin(player, unit)
    return SUCCESS


@inlined
def _has_supply(player: Any, kind: Any) -> Any:
    return player.supply + SUPPLY[kind] <= min(player.supply_cap, MOST_SUPPLY)


@inlined
def _begin(player: Any, unit: Any) -> None:
    """Keeps supply for the first unit of a queue."""
    player.supply += SUPPLY[unit.queue[0]]
    unit.made = _BEGUN


@kernel
def cancel_last(game: Any, slot: Any) -> Any:
    """Takes the last unit out of a structure's queue and pays it back; returns the protocol's result."""
    return cancel_place(game, slot, queued(game.units[slot]) - 1)


@kernel
def cancel_place(game: Any, slot: Any, place: Any) -> Any:
    """Takes a unit out of a structure's queue and pays it back whole; returns the protocol's result."""
    unit = game.units[slot]
    count = queued(unit)
    if place < 0 or place >= count:
        return ERROR
    player, kind = game.players[unit.owner], unit.queue[place]
    player.minerals += MINERALS[kind]
    player.vespene += VESPENE[kind]
    player.spent_minerals -= MINERALS[kind]
    player.spent_vespene -= VESPENE[kind]
    if place == 0 and unit.made > 0.0:
        player.supply -= SUPPLY[kind]
    _close_up(unit, place)
    return SUCCESS


@inlined
def _close_up(unit: Any, place: Any) -> None:
    """Lets the units behind a place of the queue move up; a new first one begins in the next loop."""
    for later in range(place, QUEUED_UNITS - 1):
        unit.queue[later] = unit.queue[later + 1]
    unit.queue[QUEUED_UNITS - 1] = 0
    if place == 0:
        unit.made = 0.0


@kernel
def run_structure(game: Any, setting: Any, slot: Any) -> None:
    """Goes on with what a structure builds in one loop."""
    unit = game.units[slot]
    kind = unit.queue[0]
    if kind == 0 or unit.progress < 1.0:
        return
    player = game.players[unit.owner]
    if unit.made <= 0.0:
        if not _has_supply(player, kind):
            return
        _begin(player, unit)
    unit.made += 1.0
    if unit.made >= BUILD_LOOPS[kind] and _release(game, setting, slot, kind):
        _close_up(unit, 0)


@kernel
def _release(game: Any, setting: Any, slot: Any, kind: Any) -> Any:
    """Puts a unit that is ready beside its structure and sends it off; returns whether there was a slot for it."""
    unit = game.units[slot]
    player = game.players[unit.owner]
    x, y = _way_out(game, setting, unit, kind)
    player.supply -= SUPPLY[kind]  # kept since it was begun; `create` counts it again
    new = create(game, unit.owner, kind, x, y)
    if new == NO_SLOT:
        player.supply += SUPPLY[kind]
        unit.made -= 1.0
        return False
    player.made_units += kind == MARINE
    _send_off(game, unit, new)
    return True


@kernel
def _way_out(game: Any, setting: Any, unit: Any, kind: Any) -> Any:
    """Returns the free point at a structure's edge toward its rally point, or below it."""
    left, bottom, right, top = rectangle(unit.type, unit.x, unit.y)
    to_x, to_y = (unit.rally_x, unit.rally_y) if unit.has_rally else (unit.x, bottom - 1.0)
    x, y = between(to_x, left, right), between(to_y, bottom, top)
    dx, dy = to_x - x, to_y - y
    length = np.sqrt(dx * dx + dy * dy)
    if length <= 0.0:  # the rally point is in the structure
        y, dx, dy, length = bottom, 0.0, -1.0, 1.0
    reach = RADIUS[kind] + 0.125
    x, y = x + dx / length * reach, y + dy / length * reach
    cell = cell_of(game, x, y)
    if not free_cell(game, setting, 0, cell):
        cell = free_near(game, setting, 0, x, y, to_x, to_y)
        if cell >= 0:
            x, y = point_in(game, cell, x, y)
    return x, y


@kernel
def _send_off(game: Any, maker: Any, slot: Any) -> None:
    """Gives a new unit the order that its maker's rally point stands for."""
    if maker.has_rally == 0:
        return
    goal = slot_of(game, maker.rally_tag) if maker.has_rally == _UNIT else NO_SLOT
    if goal == NO_SLOT:
        give_order(game, slot, MOVE, _MOVE_ID, maker.rally_x, maker.rally_y, 0, 0)
        return
    unit, other = game.units[slot], game.units[goal]
    refinery = other.type == REFINERY and other.owner == unit.owner and other.progress >= 1.0
    if unit.type == SCV and (other.type == MINERAL_FIELD or refinery):
        gather_at(game, slot, goal)
    else:
        give_order(game, slot, MOVE, _MOVE_ID, other.x, other.y, other.tag, 0)


@kernel
def rally(game: Any, slot: Any, target: Any, x: Any, y: Any) -> Any:
    """Sets where a structure's new units go, itself for nowhere; returns the protocol's result."""
    unit = game.units[slot]
    unit.rally_tag = game.units[target].tag if target != NO_SLOT else 0
    unit.has_rally = 0 if target == slot else _UNIT if target != NO_SLOT else _POINT
    unit.rally_x, unit.rally_y = on_grain(x), on_grain(y)
    return SUCCESS
