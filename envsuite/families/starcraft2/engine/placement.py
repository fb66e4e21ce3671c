"""Placement: whether a structure could be built at a point, asked from Python."""

from __future__ import annotations

from typing import Any

from envsuite.families.starcraft2.engine.abilities import CANT_BUILD_HERE, SUCCESS, TECH_MISSING
from envsuite.families.starcraft2.engine.compiled import entry_point, kernel
from envsuite.families.starcraft2.engine.construction import has_room, has_tech
from envsuite.families.starcraft2.engine.places import rectangle, snapped
from envsuite.families.starcraft2.engine.roster import alive
from envsuite.families.starcraft2.engine.run import game_of
from envsuite.families.starcraft2.engine.units import REFINERY, VESPENE_GEYSER


@kernel
def _covers(unit: Any, x: Any, y: Any) -> Any:
    """Tells whether a point lies on the cells of a structure."""
    left, bottom, right, top = rectangle(unit.type, unit.x, unit.y)
    return left <= x < right and bottom <= y < top


@entry_point
def placement_row(batch: Any, setting: Any, row: Any, player: Any, kind: Any, x: Any, y: Any) -> Any:
    """Returns the protocol's result of building a type at a point in one row, whatever it costs.

    A refinery has to be put on a geyser that is free, wherever on it the point lies.
    """
    game = game_of(batch, row)
    if not has_tech(game, player, kind):
        return TECH_MISSING
    if kind == REFINERY:
        for slot in range(game.state[0].slots):
            unit = game.units[slot]
            if unit.type == VESPENE_GEYSER and alive(unit) and unit.inside == 0 and _covers(unit, x, y):
                return SUCCESS
        return CANT_BUILD_HERE
    center_x, center_y = snapped(kind, x, y)
    return SUCCESS if has_room(game, setting, player, kind, center_x, center_y) else CANT_BUILD_HERE
