"""Fog: which cells of the map a player sees, has seen, or never saw."""

from __future__ import annotations

from typing import Any

import numpy as np

from envsuite.families.starcraft2.engine.combat import visible_to
from envsuite.families.starcraft2.engine.compiled import kernel
from envsuite.families.starcraft2.engine.layout import FOE, ME
from envsuite.families.starcraft2.engine.roster import alive
from envsuite.families.starcraft2.engine.units import SIGHT

HIDDEN, FOGGED, VISIBLE = range(3)
"""In `Game.seen` and in the layer of visibility."""


@kernel
def look(game: Any, setting: Any) -> None:
    """Renews `Game.seen` where the map has fog; an enemy that a player no longer sees is no longer selected.

    Without fog all of the playable rectangle is visible and nothing is done.
    """
    if not setting.fog:
        return
    for player in (ME, FOE):
        seen = game.seen[player]
        for x in range(seen.shape[0]):
            for y in range(seen.shape[1]):
                seen[x, y] = seen[x, y] != HIDDEN  # what was visible is fogged
    for slot in range(game.state[0].slots):
        unit = game.units[slot]
        if alive(unit) and (unit.owner == ME or unit.owner == FOE):
            _light(game.seen[unit.owner], setting, unit)
    for slot in range(game.state[0].slots):
        unit = game.units[slot]
        for player in (ME, FOE):
            bit = 1 << (player - 1)
            if unit.selected & bit and unit.owner != player and not visible_to(game, setting, player, unit):
                unit.selected = unit.selected & ~bit


@kernel
def _light(seen: Any, setting: Any, unit: Any) -> None:
    """Marks the cells whose middles a unit sees."""
    sight = SIGHT[unit.type]
    first = max(int(np.ceil(unit.x - sight - 0.5)), int(np.ceil(setting.left - 0.5)))
    last = min(int(np.floor(unit.x + sight - 0.5)), int(np.ceil(setting.right - 0.5)) - 1)
    lowest, highest = int(np.ceil(setting.bottom - 0.5)), int(np.ceil(setting.top - 0.5)) - 1
    for x in range(first, last + 1):
        dx = x + 0.5 - unit.x
        half = np.sqrt(max(sight * sight - dx * dx, 0.0))
        for y in range(
            max(int(np.ceil(unit.y - half - 0.5)), lowest), min(int(np.floor(unit.y + half - 0.5)), highest) + 1
        ):
            seen[x, y] = VISIBLE
