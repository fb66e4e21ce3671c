"""Selection: which units a player has selected, and the ways to change that.

Own units are selected in any number; an enemy's or a neutral unit only alone. A selection that finds no unit leaves the
old one as it is. Beacons and mineral shards are parts of the map's rules and cannot be selected.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from envsuite.families.starcraft2.codes import ADD_IDLE, ALL_IDLE, ALL_TYPE, SET_IDLE, TOGGLE
from envsuite.families.starcraft2.engine.combat import visible_to
from envsuite.families.starcraft2.engine.compiled import inlined, kernel
from envsuite.families.starcraft2.engine.disc import covers, disc_of
from envsuite.families.starcraft2.engine.layout import TAG_SLOTS
from envsuite.families.starcraft2.engine.roster import NO_SLOT, alive
from envsuite.families.starcraft2.engine.screen import middle_of
from envsuite.families.starcraft2.engine.units import ARMED, ATTRIBUTES, BEACON, MOBILE, RADIUS, SHARD, WORKER


@inlined
def is_selected(unit: Any, player: Any) -> Any:
    """Tells whether a player has a unit selected."""
    return unit.selected & (1 << (player - 1)) != 0


@inlined
def select(unit: Any, player: Any) -> None:
    """Adds a unit to a player's selection."""
    unit.selected = unit.selected | (1 << (player - 1))


@inlined
def deselect(unit: Any, player: Any) -> None:
    """Takes a unit from a player's selection."""
    unit.selected = unit.selected & ~(1 << (player - 1))


@inlined
def commanded(unit: Any, player: Any) -> Any:
    """Tells whether a unit lives, is a player's own and stands in the world."""
    return alive(unit) and unit.owner == player and not unit.inside


@kernel
def selected_slots(game: Any, player: Any, slots: Any) -> Any:
    """Returns how many units a player has selected; `slots` begins with them in the panel's order (type, then slot)."""
    found = 0
    for slot in range(game.state[0].slots):
        unit = game.units[slot]
        if not alive(unit) or not is_selected(unit, player):
            continue
        key = unit.type * TAG_SLOTS + slot
        place = found
        while place > 0 and slots[place - 1] > key:
            slots[place] = slots[place - 1]
            place -= 1
        slots[place] = key
        found += 1
    for place in range(found):
        slots[place] = slots[place] % TAG_SLOTS
    return found


@kernel
def clear(game: Any, player: Any, keep_own: Any) -> None:
    """Empties a player's selection, or takes only what is not the player's from it."""
    for slot in range(game.state[0].slots):
        if not (keep_own and game.units[slot].owner == player):
            deselect(game.units[slot], player)


@kernel
def unit_at(game: Any, setting: Any, view: Any, player: Any, column: Any, row: Any, preferred: Any) -> Any:
    """Returns the slot of the visible unit under a pixel, -1 without one.

    Of several those of the owner `preferred` come first, then the one whose middle is nearest. Beacons and mineral
    shards do not count.
    """
    x, y = middle_of(view, column, row)
    best, best_rank = NO_SLOT, np.inf
    for slot in range(game.state[0].slots):
        unit = game.units[slot]
        if not alive(unit) or unit.type == BEACON or unit.type == SHARD:
            continue
        if not covers(disc_of(view, unit), column, row):
            continue
        rank = (unit.x - x) * (unit.x - x) + (unit.y - y) * (unit.y - y) + (0.0 if unit.owner == preferred else 1e9)
        if rank < best_rank and visible_to(game, setting, player, unit):
            best, best_rank = slot, rank
    return best


@kernel
def select_at(game: Any, setting: Any, view: Any, player: Any, column: Any, row: Any, how: Any) -> None:
    """Selects what is under a pixel, in one of the four ways of `codes`."""
    slot = unit_at(game, setting, view, player, column, row, player)
    if slot == NO_SLOT:
        return
    unit = game.units[slot]
    if unit.owner != player:
        clear(game, player, False)
        select(unit, player)
        return
    if how >= ALL_TYPE:
        clear(game, player, how > ALL_TYPE)
        for other_slot in range(game.state[0].slots):
            other = game.units[other_slot]
            if commanded(other, player) and other.type == unit.type and _on_screen(view, other):
                select(other, player)
        return
    clear(game, player, how == TOGGLE)
    if how == TOGGLE and is_selected(unit, player):
        deselect(unit, player)
    else:
        select(unit, player)


@inlined
def _touches(unit: Any, left: Any, bottom: Any, right: Any, top: Any) -> Any:
    """Tells whether a unit's disc meets a rectangle of the world."""
    dx = unit.x - min(max(unit.x, left), right)
    dy = unit.y - min(max(unit.y, bottom), top)
    return dx * dx + dy * dy <= RADIUS[unit.type] * RADIUS[unit.type]


@inlined
def _on_screen(view: Any, unit: Any) -> Any:
    bottom, right = view.top - view.rows * view.scale, view.left + view.columns * view.scale
    return _touches(unit, view.left, bottom, right, view.top)


@kernel
def select_box(game: Any, player: Any, left: Any, bottom: Any, right: Any, top: Any, add: Any) -> None:
    """Selects the own units whose discs meet a rectangle of the world: no structures where there are mobile units."""
    found = mobile = False
    for slot in range(game.state[0].slots):
        unit = game.units[slot]
        if commanded(unit, player) and _touches(unit, left, bottom, right, top):
            found = True
            mobile = mobile or MOBILE[unit.type]
    if not found:
        return
    clear(game, player, add)
    for slot in range(game.state[0].slots):
        unit = game.units[slot]
        wanted = commanded(unit, player) and (MOBILE[unit.type] or not mobile)
        if wanted and _touches(unit, left, bottom, right, top):
            select(unit, player)


@inlined
def is_army(unit: Any) -> Any:
    """Tells whether a type fights or heals, moves and does not work."""
    return ARMED[unit.type] and MOBILE[unit.type] and ATTRIBUTES[unit.type] & WORKER == 0


@kernel
def select_army(game: Any, player: Any, add: Any) -> Any:
    """Selects the player's army; tells whether there is one."""
    found = False
    for slot in range(game.state[0].slots):
        unit = game.units[slot]
        if commanded(unit, player) and is_army(unit):
            if not found:
                clear(game, player, add)
            found = True
            select(unit, player)
    return found


@inlined
def is_idle_worker(unit: Any, player: Any) -> Any:
    """Tells whether a unit is a player's worker without an order."""
    return commanded(unit, player) and ATTRIBUTES[unit.type] & WORKER != 0 and unit.orders == 0


@kernel
def select_idle(game: Any, player: Any, how: Any) -> Any:
    """Selects idle workers; tells whether there was one to select.

    One that replaces the selection is the next in order of the slots behind the one that is selected, so that calls go
    through all of them; one that is added is the first not selected yet.
    """
    slots = game.state[0].slots
    begin = 0
    if how == SET_IDLE:
        for slot in range(slots):
            if is_idle_worker(game.units[slot], player) and is_selected(game.units[slot], player):
                begin = slot + 1
                break
    every = how >= ALL_IDLE
    found = False
    for step in range(slots):
        slot = (begin + step) % slots
        unit = game.units[slot]
        if not is_idle_worker(unit, player) or (how == ADD_IDLE and is_selected(unit, player)):
            continue
        if not found:
            clear(game, player, how != SET_IDLE and how != ALL_IDLE)
        found = True
        select(unit, player)
        if not every:
            break
    return found
