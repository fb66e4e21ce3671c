"""Pictures for people: a top view of the playable part of a map."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envsuite.families.starcraft2.engine.layout import FOE, ME
from envsuite.families.starcraft2.engine.scenario import Scenario
from envsuite.families.starcraft2.engine.units import FOOTPRINT_HEIGHT, FOOTPRINT_WIDTH, MAX_HEALTH, RADIUS

LONGER_SIDE = 512
"""Of a picture, in pixels."""
_GROUND, _CLIFF, _HEALTH, _LOST, _RING = (46, 52, 64), (28, 31, 38), (120, 220, 120), (90, 40, 40), (250, 250, 250)
_COLOURS = {ME: (94, 172, 255), FOE: (236, 96, 84)}
_NEUTRAL = (214, 180, 90)
_WALL = 0.12
"""Of a structure, in world units; what is not built yet is dark, too."""
_BAR_HEIGHT = 0.12
"""Of the bar of life over a unit, in world units."""


def draw_top_view(units: NDArray[Any], scenario: Scenario, blocked: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns a picture of all units, uint8 (height, width, 3).

    Own are blue, enemies red, the selected ringed; a white dot looks ahead, a bar tells what is left of life.
    """
    left, bottom, right, top = scenario.playable
    scale = LONGER_SIDE / max(right - left, top - bottom)
    height, width = round((top - bottom) * scale), round((right - left) * scale)
    canvas = np.full((height, width, 3), _GROUND, np.uint8)
    # The world's coordinates of every pixel's middle.
    xs = left + (np.arange(width) + 0.5) / scale
    ys = top - (np.arange(height) + 0.5) / scale
    cells = blocked[np.ix_(xs.astype(int).clip(0, blocked.shape[0] - 1), ys.astype(int).clip(0, blocked.shape[1] - 1))]
    canvas[cells.T != 0] = _CLIFF
    for unit in units:
        _draw_unit(canvas, unit, xs, ys)
    for unit in units:
        _draw_bar(canvas, unit, xs, ys)
    return canvas


def _draw_unit(canvas: NDArray[np.uint8], unit: Any, xs: NDArray[Any], ys: NDArray[Any]) -> None:
    dx, dy = xs[None, :] - unit["x"], ys[:, None] - unit["y"]
    kind, radius = int(unit["type"]), float(RADIUS[unit["type"]])
    if FOOTPRINT_WIDTH[kind]:
        body = (abs(dx) < FOOTPRINT_WIDTH[kind] / 2) & (abs(dy) < FOOTPRINT_HEIGHT[kind] / 2)
    else:
        body = dx * dx + dy * dy < radius * radius
    canvas[body] = _COLOURS.get(int(unit["owner"]), _NEUTRAL)
    if FOOTPRINT_WIDTH[kind]:
        inner = (abs(dx) < FOOTPRINT_WIDTH[kind] / 2 - _WALL) & (abs(dy) < FOOTPRINT_HEIGHT[kind] / 2 - _WALL)
        canvas[body & ~inner] //= 2
        canvas[inner & (dy > (unit["progress"] - 0.5) * FOOTPRINT_HEIGHT[kind])] //= 2
    if unit["selected"] & ME:
        gap = np.sqrt(dx * dx + dy * dy) - radius
        canvas[(gap > 0.0) & (gap < 0.08)] = _RING
    if not FOOTPRINT_WIDTH[kind]:
        nose_x, nose_y = dx - 0.6 * radius * unit["facing_x"], dy - 0.6 * radius * unit["facing_y"]
        canvas[nose_x * nose_x + nose_y * nose_y < (0.25 * radius) ** 2] = _RING


def _draw_bar(canvas: NDArray[np.uint8], unit: Any, xs: NDArray[Any], ys: NDArray[Any]) -> None:
    most = float(MAX_HEALTH[unit["type"]])
    if unit["owner"] not in _COLOURS or most <= 1.0:
        return
    radius = float(RADIUS[unit["type"]])
    height = unit["y"] + radius + 0.1
    rows = (ys > height) & (ys < height + _BAR_HEIGHT)
    share = (xs - (unit["x"] - radius)) / (2 * radius)
    inside = (share >= 0.0) & (share <= 1.0)
    full = inside & (share <= unit["health"] / most)
    canvas[np.ix_(rows, inside)] = _LOST
    canvas[np.ix_(rows, full)] = _HEALTH
