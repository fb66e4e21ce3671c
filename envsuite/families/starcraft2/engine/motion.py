"""Movement: units go straight to their goals, round what stands in their way, and push each other apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from envsuite.families.starcraft2.engine.calibration import ARRIVED, WORKER_ACCELERATION
from envsuite.families.starcraft2.engine.compiled import inlined, kernel
from envsuite.families.starcraft2.engine.layout import GATHER, LEDGE, RETURN
from envsuite.families.starcraft2.engine.roster import alive, distance, on_grain
from envsuite.families.starcraft2.engine.units import AIR, COLOSSUS, MOBILE, RADIUS, SPEED, TYPE_OF_NAME

_AHEAD = 0.25
"""What is this near in front of a unit is in its way."""
_TURN = 0.8
"""How far a unit in a jam turns aside: the share of the direction across its way."""
_COLOSSUS_RL = TYPE_OF_NAME["Colossus_RL"]


@inlined
def go_to(unit: Any, x: Any, y: Any) -> None:
    """Lets a unit move to a point in this loop."""
    unit.goal_x, unit.goal_y = x, y
    unit.moving = 1


@inlined
def near(unit: Any, x: Any, y: Any, reach: Any) -> Any:
    """Tells whether a unit's centre is within `reach` of a point."""
    return (unit.x - x) * (unit.x - x) + (unit.y - y) * (unit.y - y) <= reach * reach


@kernel
def move_units(game: Any, setting: Any) -> None:
    """Moves every unit that wants to, then separates those that overlap."""
    count = game.state[0].slots
    crowd = False
    for slot in range(count):
        unit = game.units[slot]
        if alive(unit) and unit.moving:
            _advance(game, setting, slot)
            crowd = True
    if crowd or game.state[0].loop < 4:  # what a script has put down may overlap
        _separate(game, setting)
    for slot in range(count):
        unit = game.units[slot]
        if alive(unit) and MOBILE[unit.type]:
            unit.x, unit.y = on_grain(unit.x), on_grain(unit.y)


@kernel
def _advance(game: Any, setting: Any, slot: Any) -> None:
    unit = game.units[slot]
    dx, dy = unit.goal_x - unit.x, unit.goal_y - unit.y
    length = np.sqrt(dx * dx + dy * dy)
    if length <= 0.0:
        unit.bumped = 0
        return
    dx, dy = dx / length, dy / length
    if unit.bumped and not AIR[unit.type]:
        side = _way_round(game, slot, dx, dy)
        if side != 0.0:
            dx, dy = (1.0 - _TURN) * dx - side * _TURN * dy, (1.0 - _TURN) * dy + side * _TURN * dx
            norm = np.sqrt(dx * dx + dy * dy)
            dx, dy = dx / norm, dy / norm
    unit.bumped = 0
    speed = SPEED[unit.type] * (WORKER_ACCELERATION if _harvests(game, slot) else 1.0)
    step = min(speed, length)
    unit.facing_x, unit.facing_y = dx, dy
    _place(game, setting, unit, unit.x + dx * step, unit.y + dy * step)


@kernel
def _way_round(game: Any, slot: Any, dx: Any, dy: Any) -> Any:
    """Returns 1 to pass what is in the way on the left, -1 on the right, 0 where nothing is."""
    unit = game.units[slot]
    nearest, side = np.inf, 0.0
    for other_slot in range(game.state[0].slots):
        other = game.units[other_slot]
        if other_slot == slot or not alive(other) or AIR[other.type] or other.inside:
            continue
        if not MOBILE[other.type] or other.moving:
            continue
        rx, ry = other.x - unit.x, other.y - unit.y
        gap = np.sqrt(rx * rx + ry * ry)
        if gap > RADIUS[unit.type] + RADIUS[other.type] + _AHEAD or rx * dx + ry * dy <= 0.0 or gap >= nearest:
            continue
        nearest = gap
        side = -1.0 if dx * ry - dy * rx > 0.0 else 1.0
    return side


@inlined
def _open(game: Any, setting: Any, unit: Any, x: Any, y: Any) -> Any:
    """Tells whether a ground unit's centre may be at a point."""
    if x < setting.left or x > setting.right or y < setting.bottom or y > setting.top:
        return False
    columns, rows = game.blocked.shape
    cell = game.blocked[min(int(x), columns - 1), min(int(y), rows - 1)]
    return cell == 0 or (cell == LEDGE and (unit.type == COLOSSUS or unit.type == _COLOSSUS_RL))


@kernel
def _place(game: Any, setting: Any, unit: Any, x: Any, y: Any) -> None:
    """Puts a unit at a point, or as near as walls let it slide."""
    if AIR[unit.type]:
        unit.x, unit.y = min(max(x, 0.0), setting.width - 1e-3), min(max(y, 0.0), setting.height - 1e-3)
        return
    x, y = min(max(x, setting.left), setting.right), min(max(y, setting.bottom), setting.top)
    if _open(game, setting, unit, x, y) or not _open(game, setting, unit, unit.x, unit.y):
        unit.x, unit.y = x, y
    elif _open(game, setting, unit, x, unit.y):
        unit.x = x
        unit.bumped = 1
    elif _open(game, setting, unit, unit.x, y):
        unit.y = y
        unit.bumped = 1
    else:
        unit.bumped = 1


@inlined
def _harvests(game: Any, slot: Any) -> Any:
    """Tells whether a unit is at its harvest, when it passes through others as the game's workers do."""
    verb = game.orders[slot, 0].verb
    return game.units[slot].orders > 0 and (verb in (GATHER, RETURN))


@inlined
def _solid(game: Any, slot: Any) -> Any:
    unit = game.units[slot]
    return alive(unit) and MOBILE[unit.type] and unit.inside == 0 and not _harvests(game, slot)


@kernel
def _separate(game: Any, setting: Any) -> None:
    """Pushes overlapping units of one layer apart: who has an order stands, the idle give way to friends."""
    count = game.state[0].slots
    for slot in range(count):
        if not _solid(game, slot):
            continue
        unit = game.units[slot]
        for other_slot in range(slot + 1, count):
            other = game.units[other_slot]
            reach = RADIUS[unit.type] + RADIUS[other.type]
            rx, ry = other.x - unit.x, other.y - unit.y
            if rx > reach or -rx > reach or ry > reach or -ry > reach:
                continue
            gap = rx * rx + ry * ry
            if gap >= reach * reach or AIR[unit.type] != AIR[other.type] or not _solid(game, other_slot):
                continue
            _push(game, setting, unit, other, rx, ry, np.sqrt(gap), reach)


@kernel
def _push(
    game: Any, setting: Any, unit: Any, other: Any, rx: Any, ry: Any, gap: Any, reach: Any
) -> None:  # the pair and what lies between
    if gap < 1e-6:
        # Two at one point part along a direction of their tags, so that a pile spreads to all sides.
        rx, ry = _SPREAD[other.tag % len(_SPREAD), 0], _SPREAD[other.tag % len(_SPREAD), 1]
        gap = 1.0
        overlap = reach
    else:
        overlap = reach - gap
    first, second = _gives_way(unit, other), _gives_way(other, unit)
    if first + second == 0.0:
        first = second = 1.0
    first, second = first / (first + second), second / (first + second)
    nx, ny = rx / gap, ry / gap
    if first > 0.0:
        unit.bumped = 1 if unit.moving else unit.bumped
        _shift(game, setting, unit, -nx * overlap * first, -ny * overlap * first)
    if second > 0.0:
        other.bumped = 1 if other.moving else other.bumped
        _shift(game, setting, other, nx * overlap * second, ny * overlap * second)


@inlined
def _gives_way(unit: Any, other: Any) -> Any:
    """Returns how far a unit moves when pushed by another: 1 or 0."""
    if unit.moving:
        return 1.0
    if unit.swing > 0.0 or unit.target != 0 or unit.orders > 0:
        return 0.0  # it attacks, holds or works where it is
    return 1.0 if unit.owner == other.owner else 0.0


@kernel
def _shift(game: Any, setting: Any, unit: Any, dx: Any, dy: Any) -> None:
    x, y = unit.x + dx, unit.y + dy
    if AIR[unit.type]:
        _place(game, setting, unit, x, y)
    elif _open(game, setting, unit, x, y):
        unit.x, unit.y = x, y


@inlined
def arrived(unit: Any, x: Any, y: Any) -> Any:
    """Tells whether a unit is where it was sent."""
    return near(unit, x, y, ARRIVED)


@inlined
def edge_gap(a: Any, b: Any) -> Any:
    """Returns the distance between the edges of two units, below 0 where they overlap."""
    return distance(a, b) - RADIUS[a.type] - RADIUS[b.type]


_SPREAD = np.array(
    [(1.0, 0.0), (-0.6, 0.8), (0.0, -1.0), (0.6, 0.8), (-1.0, 0.0), (0.8, -0.6), (0.0, 1.0), (-0.8, -0.6)]
)
