"""Places: the cells that structures and resources cover, what touches them, and where there is room."""

from __future__ import annotations

from typing import Any

import numpy as np

from envsuite.families.starcraft2.engine.compiled import inlined, kernel
from envsuite.families.starcraft2.engine.layout import LEDGE
from envsuite.families.starcraft2.engine.motion import edge_gap
from envsuite.families.starcraft2.engine.units import COLOSSUS, FOOTPRINT_HEIGHT, FOOTPRINT_WIDTH, RADIUS, TYPE_OF_NAME

TOUCHING = 0.125
"""Two whose edges are no further apart than this touch."""
_MARGIN = 0.25
"""How far from a cell's edges a unit that is put into the cell stands at least."""
_TOWARD = 0.5
"""Weight of the distance to where one comes from, or wants to, in the choice of a free cell."""
_NOT_FOUND = -1
_COLOSSUS_RL = TYPE_OF_NAME["Colossus_RL"]


@inlined
def rectangle(kind: Any, x: Any, y: Any) -> Any:
    """Returns left, bottom, right and top of the cells that a structure at a point covers."""
    left = np.floor(x - FOOTPRINT_WIDTH[kind] / 2 + 0.5)
    bottom = np.floor(y - FOOTPRINT_HEIGHT[kind] / 2 + 0.5)
    return left, bottom, left + FOOTPRINT_WIDTH[kind], bottom + FOOTPRINT_HEIGHT[kind]


@inlined
def snapped(kind: Any, x: Any, y: Any) -> Any:
    """Returns the centre of a structure that is told to be built at a point: its cells are whole ones."""
    across, along = 0.5 * (FOOTPRINT_WIDTH[kind] % 2), 0.5 * (FOOTPRINT_HEIGHT[kind] % 2)
    return np.floor(x + 0.5 - across) + across, np.floor(y + 0.5 - along) + along


@inlined
def between(value: Any, low: Any, high: Any) -> Any:
    """Returns the number of a range that is nearest to a value."""
    return min(max(value, low), high)


@kernel
def gap_to(unit: Any, kind: Any, x: Any, y: Any) -> Any:
    """Returns the distance from a unit's centre to the cells of a structure at a point, 0 on them."""
    left, bottom, right, top = rectangle(kind, x, y)
    dx, dy = unit.x - between(unit.x, left, right), unit.y - between(unit.y, bottom, top)
    return np.sqrt(dx * dx + dy * dy)


@kernel
def touches(unit: Any, other: Any) -> Any:
    """Tells whether a unit is at the edge of a structure or a field: of its circle, or of its cells."""
    if edge_gap(unit, other) <= TOUCHING:
        return True
    if FOOTPRINT_WIDTH[other.type] == 0:
        return False
    return gap_to(unit, other.type, other.x, other.y) <= RADIUS[unit.type] + TOUCHING


@inlined
def cell_of(game: Any, x: Any, y: Any) -> Any:
    """Returns the number of the cell that a point lies in."""
    width, height = game.blocked.shape
    return between(int(x), 0, width - 1) * height + between(int(y), 0, height - 1)


@inlined
def steps_over(unit: Any) -> Any:
    """Returns what a unit can walk on of `Game.blocked`: a colossus on a low cliff, others on what is 0 alone."""
    return LEDGE if unit.type == COLOSSUS or unit.type == _COLOSSUS_RL else 0


@inlined
def free(game: Any, setting: Any, over: Any, column: Any, row: Any) -> Any:
    """Tells whether ground units that can walk on `over` can be in the middle of a cell."""
    if column + 0.5 < setting.left or column + 0.5 > setting.right:
        return False
    if row + 0.5 < setting.bottom or row + 0.5 > setting.top:
        return False
    return game.blocked[column, row] == 0 or game.blocked[column, row] == over


@inlined
def free_cell(game: Any, setting: Any, over: Any, cell: Any) -> Any:
    """Tells the same of a cell given by its number."""
    height = game.blocked.shape[1]
    return free(game, setting, over, cell // height, cell % height)


@inlined
def point_in(game: Any, cell: Any, x: Any, y: Any) -> Any:
    """Returns the point of a cell, a little off its edges, that is nearest to a point."""
    column, row = float(cell // game.blocked.shape[1]), float(cell % game.blocked.shape[1])
    return between(x, column + _MARGIN, column + 1.0 - _MARGIN), between(y, row + _MARGIN, row + 1.0 - _MARGIN)


@kernel
def free_near(game: Any, setting: Any, over: Any, x: Any, y: Any, toward_x: Any, toward_y: Any) -> Any:
    """Returns the free cell nearest to a point, of those about as near the one toward another point; -1 for none."""
    width, height = game.blocked.shape
    middle_column, middle_row = between(int(x), 0, width - 1), between(int(y), 0, height - 1)
    best, best_score = _NOT_FOUND, np.inf
    for ring in range(max(width, height)):
        if best_score < ring - 1.0:
            break
        for column in range(max(0, middle_column - ring), min(width, middle_column + ring + 1)):
            edge = column == middle_column - ring or column == middle_column + ring
            step = 1 if edge or ring == 0 else 2 * ring
            for row in range(middle_row - ring, middle_row + ring + 1, step):
                if row < 0 or row >= height or not free(game, setting, over, column, row):
                    continue
                near_x, near_y = point_in(game, column * height + row, x, y)
                score = np.sqrt((near_x - x) * (near_x - x) + (near_y - y) * (near_y - y))
                off_x, off_y = near_x - toward_x, near_y - toward_y
                score += _TOWARD * np.sqrt(off_x * off_x + off_y * off_y)
                if score < best_score:
                    best, best_score = column * height + row, score
    return best
