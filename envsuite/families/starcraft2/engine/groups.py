"""Control groups and the panel of the selected units."""

from __future__ import annotations

from typing import Any

from envsuite.families.starcraft2.codes import (
    APPEND_AND_STEAL,
    DESELECT_ALL_OF_TYPE,
    DESELECT_UNIT,
    RECALL,
    SELECT_ALL_OF_TYPE,
    SET,
    SET_AND_STEAL,
    SINGLE,
)
from envsuite.families.starcraft2.engine.compiled import kernel
from envsuite.families.starcraft2.engine.roster import alive
from envsuite.families.starcraft2.engine.selection import clear, deselect, is_selected, select


@kernel
def use_group(game: Any, player: Any, group: Any, how: Any) -> None:
    """Recalls a control group, or puts the selected own units in it; an empty group or selection changes nothing."""
    bit = 1 << group
    found = False
    for slot in range(game.state[0].slots):
        unit = game.units[slot]
        if unit.owner == player and alive(unit):
            found = found or (unit.groups & bit != 0 if how == RECALL else is_selected(unit, player))
    if not found:
        return
    if how == RECALL:
        clear(game, player, False)
    for slot in range(game.state[0].slots):
        unit = game.units[slot]
        if unit.owner != player or not alive(unit):
            continue
        if how == RECALL:
            if unit.groups & bit:
                select(unit, player)
        elif is_selected(unit, player):
            unit.groups = (0 if how in (SET_AND_STEAL, APPEND_AND_STEAL) else unit.groups) | bit
        elif how in (SET, SET_AND_STEAL):
            unit.groups = unit.groups & ~bit


@kernel
def use_panel(game: Any, player: Any, slots: Any, count: Any, index: Any, how: Any) -> None:
    """Changes the selection by a click on a unit of its panel; `slots[:count]` is the panel."""
    chosen = game.units[slots[index]]
    kind = chosen.type
    if how == SINGLE:
        clear(game, player, False)
        select(chosen, player)
    elif how == DESELECT_UNIT:
        deselect(chosen, player)
    for place in range(count):
        unit = game.units[slots[place]]
        if (how == SELECT_ALL_OF_TYPE and unit.type != kind) or (how == DESELECT_ALL_OF_TYPE and unit.type == kind):
            deselect(unit, player)
