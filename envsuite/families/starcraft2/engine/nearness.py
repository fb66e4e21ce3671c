"""How near units are to a point: what the maps' scripts draw places by."""

from __future__ import annotations

from typing import Any

import numpy as np

from envsuite.families.starcraft2.engine.compiled import inlined, kernel
from envsuite.families.starcraft2.engine.roster import alive

TRIES = 1000
"""Draws of a place before a script takes the last: the maps' scripts would draw for ever."""


@kernel
def nearest(game: Any, owner: Any, kind: Any, x: Any, y: Any) -> Any:
    """Returns the distance from a point to the nearest unit of an owner and a type (0: any)."""
    nearest = np.inf
    for slot in range(game.state[0].slots):
        unit = game.units[slot]
        if alive(unit) and unit.owner == owner and (kind == 0 or unit.type == kind):
            nearest = min(nearest, np.sqrt((unit.x - x) * (unit.x - x) + (unit.y - y) * (unit.y - y)))
    return nearest


@inlined
def within(x: Any, y: Any, center: Any, radius: Any) -> Any:
    """Tells whether a point is in a circle."""
    return (x - center[0]) * (x - center[0]) + (y - center[1]) * (y - center[1]) <= radius * radius
