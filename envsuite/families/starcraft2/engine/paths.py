"""Paths: the next point on the way of a unit to its goal.

A unit goes straight where nothing stands between; else a search on the grid finds a shortest way (a step to a
neighbour costs 5, across a corner that is free on both sides 7), and the unit goes to the farthest point of it that it
sees. What was found is kept in the unit for some loops. Movement itself (`motion`) keeps only centres out of blocked
cells, so that units of every radius pass a gap one cell wide.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from envsuite.families.starcraft2.engine.calibration import ARRIVED, CROWD_RADIUS, STUCK_LOOPS
from envsuite.families.starcraft2.engine.compiled import inlined, kernel
from envsuite.families.starcraft2.engine.motion import go_to, near
from envsuite.families.starcraft2.engine.places import (
    between,
    cell_of,
    free,
    free_cell,
    free_near,
    point_in,
    rectangle,
    steps_over,
)
from envsuite.families.starcraft2.engine.units import AIR, RADIUS

NO_WAY = 20_000
"""`stuck` of a unit that is as near to its goal as it can get."""
_STRAIGHT = -1
_STRAIGHT_LOOPS, _SEARCHED_LOOPS = 8, 32
"""How long a way is kept."""
_AT_WAYPOINT = 0.3
_WIDEST = 0.45
"""Half of what a unit keeps clear of on its way: a gap of one cell is wide enough for all."""
_CLOSE = 0.9
"""Share of its radius that a unit comes to the cells of what it goes to."""
_STEP, _SLANT = 5, 7
"""Costs of a way."""
_LONGEST = 65_000


@kernel
def head_for(game: Any, setting: Any, slot: Any, x: Any, y: Any) -> None:
    """Lets a unit move on its way to a point in this loop; one that can get no nearer has `stuck` at NO_WAY."""
    unit, state = game.units[slot], game.state[0]
    if state.blocked == 0 or AIR[unit.type]:
        go_to(unit, x, y)
        return
    x, y = between(x, setting.left, setting.right), between(y, setting.bottom, setting.top)
    goal = cell_of(game, x, y)
    if unit.way_loop > state.loop and unit.way_goal == goal:
        if unit.way == _STRAIGHT:
            go_to(unit, x, y)
            return
        way_x, way_y = _middle(game, unit.way)
        if not near(unit, way_x, way_y, _AT_WAYPOINT):
            go_to(unit, way_x, way_y)
            return
    unit.way_goal = goal
    _look_for_way(game, setting, slot, goal, x, y)


@kernel
def approach(game: Any, setting: Any, slot: Any, kind: Any, x: Any, y: Any) -> None:
    """Lets a unit move to the edge of a structure or field, there or to be built, in this loop."""
    unit = game.units[slot]
    left, bottom, right, top = rectangle(kind, x, y)
    at_x, at_y = between(unit.x, left, right), between(unit.y, bottom, top)
    dx, dy = unit.x - at_x, unit.y - at_y
    gap = np.sqrt(dx * dx + dy * dy)
    if gap > 0.0:
        share = _CLOSE * RADIUS[unit.type] / gap
        at_x, at_y = at_x + dx * share, at_y + dy * share
    head_for(game, setting, slot, at_x, at_y)


@kernel
def _look_for_way(game: Any, setting: Any, slot: Any, goal: Any, x: Any, y: Any) -> None:
    unit, over = game.units[slot], steps_over(game.units[slot])
    start = cell_of(game, unit.x, unit.y)
    if not free_cell(game, setting, over, start):
        _step_out(game, setting, slot, start, x, y)
        return
    target = goal
    if not free_cell(game, setting, over, goal):
        target = free_near(game, setting, over, x, y, unit.x, unit.y)
        if target < 0:
            unit.stuck = NO_WAY
            return
        x, y = point_in(game, target, x, y)
    if clear_way(game, unit, x, y):
        _keep(game, unit, _STRAIGHT if target == goal else target, _STRAIGHT_LOOPS)
        end = target
    else:
        end = _search(game, setting, over, start, target, x, y)
        _keep(game, unit, _farthest_seen(game, unit, start, end), _SEARCHED_LOOPS)
    end_x, end_y = _middle(game, end)
    if end != goal and unit.stuck > STUCK_LOOPS and near(unit, end_x, end_y, CROWD_RADIUS):
        unit.stuck = NO_WAY
        return
    if end == start:
        unit.way_loop = 0
        _go_last_bit(game, slot, start, goal, x, y)
    elif unit.way == _STRAIGHT:
        go_to(unit, x, y)
    else:
        way_x, way_y = _middle(game, unit.way)
        go_to(unit, way_x, way_y)


@inlined
def _keep(game: Any, unit: Any, way: Any, loops: Any) -> None:
    unit.way, unit.way_loop = way, game.state[0].loop + loops


@kernel
def _step_out(game: Any, setting: Any, slot: Any, start: Any, x: Any, y: Any) -> None:
    """Lets a unit leave a blocked cell, or one on the rim of the map, by the nearest free one."""
    unit = game.units[slot]
    unit.way_loop = 0
    out = free_near(game, setting, steps_over(unit), unit.x, unit.y, x, y)
    column, row = start // game.blocked.shape[1], start % game.blocked.shape[1]
    # Half a cell at the rim is too narrow for the grid, but units can stand there.
    on_rim = game.blocked[column, row] == 0 or game.blocked[column, row] == steps_over(unit)
    if out < 0 or (on_rim and clear_way(game, unit, x, y)):
        go_to(unit, x, y)
        return
    way_x, way_y = _middle(game, out)
    go_to(unit, way_x, way_y)


@kernel
def _go_last_bit(game: Any, slot: Any, cell: Any, goal: Any, x: Any, y: Any) -> None:
    """Lets a unit go to the point of its cell that is nearest to its goal, and tells where that is all it can do."""
    unit = game.units[slot]
    if cell != goal:
        x, y = point_in(game, cell, x, y)
        if near(unit, x, y, ARRIVED):
            unit.stuck = NO_WAY
            return
    go_to(unit, x, y)


@inlined
def _middle(game: Any, cell: Any) -> Any:
    height = game.blocked.shape[1]
    return cell // height + 0.5, cell % height + 0.5


@kernel
def clear_way(game: Any, unit: Any, x: Any, y: Any) -> Any:
    """Tells whether a unit can go straight to a point without coming to a wall."""
    blocked, over = game.blocked, steps_over(unit)
    if not _clear_line(blocked, over, unit.x, unit.y, x, y):
        return False
    dx, dy = x - unit.x, y - unit.y
    length = np.sqrt(dx * dx + dy * dy)
    breadth = min(RADIUS[unit.type], _WIDEST)
    if length <= 2.0 * breadth:
        return True
    # Its edges may touch walls at both ends: it stands beside what it comes from, and stops beside what it goes to.
    dx, dy = dx / length * breadth, dy / length * breadth
    from_x, from_y, to_x, to_y = unit.x + dx, unit.y + dy, x - dx, y - dy
    return _clear_line(blocked, over, from_x - dy, from_y + dx, to_x - dy, to_y + dx) and _clear_line(
        blocked, over, from_x + dy, from_y - dx, to_x + dy, to_y - dx
    )


@kernel
def _clear_line(blocked: Any, over: Any, from_x: Any, from_y: Any, to_x: Any, to_y: Any) -> Any:
    """Tells whether no cell on a line is blocked; what lies outside the map is not."""
    width, height = blocked.shape
    column, row = int(np.floor(from_x)), int(np.floor(from_y))
    last_column, last_row = int(np.floor(to_x)), int(np.floor(to_y))
    dx, dy = to_x - from_x, to_y - from_y
    right, up = dx > 0.0, dy > 0.0
    # How far along the line the next cell to the side, and the next above or below, begins.
    side = (column + right - from_x) / dx if dx != 0.0 else np.inf
    rise = (row + up - from_y) / dy if dy != 0.0 else np.inf
    side_step = abs(1.0 / dx) if dx != 0.0 else np.inf
    rise_step = abs(1.0 / dy) if dy != 0.0 else np.inf
    for _ in range(abs(last_column - column) + abs(last_row - row) + 1):
        if 0 <= column < width and 0 <= row < height and blocked[column, row] != 0 and blocked[column, row] != over:
            return False
        if side < rise:
            column += 1 if right else -1
            side += side_step
        else:
            row += 1 if up else -1
            rise += rise_step
    return True


@kernel
def _search(game: Any, setting: Any, over: Any, start: Any, goal: Any, x: Any, y: Any) -> Any:
    """Writes the costs of ways from a cell into `game.path`; returns the goal, or the cell nearest it that is reached.

    One queue serves: cells come into it in order of their costs, since each cell's straight neighbours are looked at
    when the search has come to its cost, and the slanted ones when it is _SLANT - _STEP further.
    """
    cost, queue = game.path[0], game.path[1]
    height = game.blocked.shape[1]
    for cell in range(len(cost)):
        cost[cell] = 0
    cost[start] = 1
    queue[0] = start
    count, straight, slanted = 1, 0, 0
    best, best_gap = start, _gap(game, start, x, y)
    while cost[goal] == 0 and slanted < count:
        ahead = straight < count and int(cost[queue[straight]]) <= int(cost[queue[slanted]]) + _SLANT - _STEP
        cell = int(queue[straight if ahead else slanted])
        label = int(cost[cell]) + (_STEP if ahead else _SLANT)
        straight, slanted = straight + ahead, slanted + (not ahead)
        if label > _LONGEST:
            break
        column, row = cell // height, cell % height
        for turn in range(4):
            next_column, next_row = column + _TURNS[turn + 4 * (not ahead), 0], row + _TURNS[turn + 4 * (not ahead), 1]
            found = next_column * height + next_row
            if not _passes(game, setting, over, column, row, next_column, next_row) or cost[found] != 0:
                continue
            cost[found] = label
            queue[count] = found
            count += 1
            gap = _gap(game, found, x, y)
            if gap < best_gap:
                best, best_gap = found, gap
    return goal if cost[goal] != 0 else best


_TURNS = np.array([(1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, 1), (-1, -1), (1, -1)])
"""Neighbours of a cell, the slanted ones last."""


@inlined
def _gap(game: Any, cell: Any, x: Any, y: Any) -> Any:
    dx, dy = cell // game.blocked.shape[1] + 0.5 - x, cell % game.blocked.shape[1] + 0.5 - y
    return dx * dx + dy * dy


@inlined
def _passes(game: Any, setting: Any, over: Any, column: Any, row: Any, next_column: Any, next_row: Any) -> Any:
    """Tells whether a unit may step from a free cell to a neighbour: no corner is cut."""
    width, height = game.blocked.shape
    if not (0 <= next_column < width and 0 <= next_row < height) or not free(
        game, setting, over, next_column, next_row
    ):
        return False
    if column == next_column or row == next_row:
        return True
    return free(game, setting, over, column, next_row) and free(game, setting, over, next_column, row)


@kernel
def _farthest_seen(game: Any, unit: Any, start: Any, end: Any) -> Any:
    """Returns the farthest cell of the way found that a unit can go straight to, the first one at least."""
    cost, cell, before = game.path[0], end, end
    while cell != start:
        way_x, way_y = _middle(game, cell)
        if clear_way(game, unit, way_x, way_y):
            return cell
        before = cell
        cell = _step_back(game, cell, cost)
    return before


@kernel
def _step_back(game: Any, cell: Any, cost: Any) -> Any:
    """Returns the cell from which the search came to another."""
    width, height = game.blocked.shape
    column, row = cell // height, cell % height
    for turn in range(8):
        from_column, from_row = column + _TURNS[turn, 0], row + _TURNS[turn, 1]
        if not (0 <= from_column < width and 0 <= from_row < height):
            continue
        found = from_column * height + from_row
        if cost[found] == 0 or int(cost[found]) + (_STEP if turn < 4 else _SLANT) != int(cost[cell]):
            continue
        if turn < 4 or (cost[from_column * height + row] != 0 and cost[column * height + from_row] != 0):
            return found
    return cell
