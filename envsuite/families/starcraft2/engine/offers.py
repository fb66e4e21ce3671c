"""Offers: which abilities a player's selection has now, as the game's command card lights them."""

from __future__ import annotations

from typing import Any

from envsuite.families.starcraft2.engine.abilities import (
    CANCEL_BUILDING,
    CANCEL_LAST,
    DOES,
    HALT,
    MAKES,
    TRAIN,
)
from envsuite.families.starcraft2.engine.cards import allowed
from envsuite.families.starcraft2.engine.compiled import entry_point, kernel
from envsuite.families.starcraft2.engine.construction import has_tech, is_building
from envsuite.families.starcraft2.engine.layout import BUILD, QUEUED_UNITS, RETURN
from envsuite.families.starcraft2.engine.production import MOST_SUPPLY, queued
from envsuite.families.starcraft2.engine.roster import alive
from envsuite.families.starcraft2.engine.run import game_of
from envsuite.families.starcraft2.engine.selection import is_selected
from envsuite.families.starcraft2.engine.units import MINERALS, SUPPLY, VESPENE


@kernel
def offer(game: Any, setting: Any, player: Any, out: Any) -> None:
    """Writes 1 to `out`, uint8 (abilities,), where one of the player's selected units can do an ability now, else 0.

    What must be paid for needs the means; a structure under construction offers nothing but its end, and a worker at
    work on one nothing but to leave it.
    """
    out[:] = 0
    for slot in range(game.state[0].slots):
        unit = game.units[slot]
        if unit.owner != player or not alive(unit) or not is_selected(unit, player):
            continue
        for row in range(len(out)):
            if not out[row] and allowed(setting, row, unit.type) and _can(game, slot, row):
                out[row] = 1


@kernel
def _can(game: Any, slot: Any, row: Any) -> Any:
    """Tells whether a unit that has an ability can do it now."""
    unit, does = game.units[slot], DOES[row]
    if does == CANCEL_BUILDING or unit.progress < 1.0:
        return does == CANCEL_BUILDING and unit.progress < 1.0
    if does == HALT or is_building(game, slot):
        return does == HALT and is_building(game, slot)
    if does == RETURN:
        return unit.minerals + unit.vespene > 0
    if does == CANCEL_LAST:
        return queued(unit) > 0
    if does in (BUILD, TRAIN):
        return _can_pay(game, unit, does, MAKES[row])
    return True


@kernel
def _can_pay(game: Any, unit: Any, does: Any, kind: Any) -> Any:
    """Tells whether a type can be made: bought, placed in the queue, and by the technology there is."""
    player = game.players[unit.owner]
    if player.minerals < MINERALS[kind] or player.vespene < VESPENE[kind]:
        return False
    if does == BUILD:
        return has_tech(game, unit.owner, kind)
    waiting = queued(unit)
    # Only what begins at once needs its supply now.
    has_supply = waiting > 0 or player.supply + SUPPLY[kind] <= min(player.supply_cap, MOST_SUPPLY)
    return waiting < QUEUED_UNITS and has_supply


@entry_point
def offer_row(batch: Any, setting: Any, row: Any, player: Any, out: Any) -> None:
    """Writes what a player's selection in one row can do, uint8 (abilities,)."""
    offer(game_of(batch, row), setting, player, out)
