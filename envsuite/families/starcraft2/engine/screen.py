"""Geometry of the pictures: an orthogonal view from above, of the part round the camera or of the whole map.

A picture's pixel (column, row) is a square of the world; row 0 is on top, while the world's y grows upwards.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from envsuite.families.starcraft2.engine.compiled import inlined, kernel


class Screen(NamedTuple):
    """How large a player's screen and minimap are."""

    width: float = 24.0
    """World units that the screen is wide; its height follows from the pixels, which are squares."""
    columns: int = 64
    """Pixels of the screen."""
    rows: int = 64
    map_columns: int = 64
    """Pixels of the minimap, which shows the whole map from its upper left corner."""
    map_rows: int = 64
    crop: int = 0
    """1 where the minimap shows the playable rectangle only."""


class View(NamedTuple):
    """Where the pixels of a picture lie in the world."""

    left: Any
    """x of the picture's left edge."""
    top: Any
    """y of its upper edge."""
    scale: Any
    """World units that a pixel is wide and high."""
    columns: Any
    rows: Any


@inlined
def screen_view(player: Any, screen: Any) -> Any:
    """Returns the view of a player's screen; `player` is a PLAYER record."""
    scale = screen.width / screen.columns
    left = player.camera_x - 0.5 * screen.columns * scale
    top = player.camera_y + 0.5 * screen.rows * scale
    return View(left, top, scale, screen.columns, screen.rows)


@inlined
def minimap_view(setting: Any, screen: Any) -> Any:
    """Returns the view of the minimap."""
    left, right, bottom, top = 0.0, setting.width, 0.0, setting.height
    if screen.crop:
        left, right, bottom, top = setting.left, setting.right, setting.bottom, setting.top
    scale = max((right - left) / screen.map_columns, (top - bottom) / screen.map_rows)
    return View(left, top, scale, screen.map_columns, screen.map_rows)


@inlined
def middle_of(view: Any, column: Any, row: Any) -> Any:
    """Returns the point of the world at a pixel's middle."""
    return view.left + (column + 0.5) * view.scale, view.top - (row + 0.5) * view.scale


@inlined
def place_of(view: Any, x: Any, y: Any) -> Any:
    """Returns where a point of the world lies in the picture, in pixels: 0.5 is the middle of the first."""
    return (x - view.left) / view.scale, (view.top - y) / view.scale


@kernel
def world_of_screen(player: Any, screen: Any, px: Any, py: Any) -> Any:
    """Returns the point of the world at the middle of a pixel of the screen."""
    return middle_of(screen_view(player, screen), px, py)


@kernel
def screen_of_world(player: Any, screen: Any, x: Any, y: Any) -> Any:
    """Returns where a point of the world lies on the screen: floats, whose floor is the pixel."""
    return place_of(screen_view(player, screen), x, y)


@kernel
def world_of_minimap(setting: Any, screen: Any, px: Any, py: Any) -> Any:
    """Returns the point of the world at the middle of a pixel of the minimap."""
    return middle_of(minimap_view(setting, screen), px, py)


@kernel
def minimap_of_world(setting: Any, screen: Any, x: Any, y: Any) -> Any:
    """Returns where a point of the world lies on the minimap: floats, whose floor is the pixel."""
    return place_of(minimap_view(setting, screen), x, y)


@kernel
def window(view: Any, left: Any, bottom: Any, right: Any, top: Any) -> Any:
    """Returns columns (first, end) and rows (first, end): the pixels whose middles a rectangle of the world holds."""
    first = int(np.ceil((left - view.left) / view.scale - 0.5))
    end = int(np.ceil((right - view.left) / view.scale - 0.5))
    upper = int(np.floor((view.top - top) / view.scale - 0.5)) + 1
    lower = int(np.floor((view.top - bottom) / view.scale - 0.5)) + 1
    return (
        min(max(first, 0), view.columns),
        min(max(end, 0), view.columns),
        min(max(upper, 0), view.rows),
        min(max(lower, 0), view.rows),
    )
