"""What an observation shows: the lit map around the player and the inventory, put together from whole tiles."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
from crafter import constants, engine
from numpy.typing import NDArray

from envsuite.families.crafter.rules import ITEMS, VIEW

Image = NDArray[np.uint8]

GRID = VIEW[0]
"""Tiles along each side of a picture: the view and below it the inventory."""
ITEM_ROWS = 2
_OUTSIDE = 127


class LocalView(engine.LocalView):  # type: ignore[misc]  # crafter has no types
    """The lit map around the player, float64 (width, height, 3), put together from whole tiles."""

    def __call__(self, player: Any, unit: int) -> NDArray[np.float64]:
        """Returns the view, first axis x, tiles `unit` wide; at night it draws from the world's stream."""
        world = self._world
        (x, y), (columns, rows) = player.pos.tolist(), VIEW
        left, top = x - columns // 2, y - rows // 2
        inside_x = slice(max(0, left), min(world.area[0], left + columns))
        inside_y = slice(max(0, top), min(world.area[1], top + rows))
        materials = world._mat_map[inside_x, inside_y]
        canvas = np.full((columns, unit, rows, unit, 3), _OUTSIDE, np.uint8)
        at_x, at_y = inside_x.start - left, inside_y.start - top
        tiles = material_tiles(unit)[materials].transpose(0, 2, 1, 3, 4)
        canvas[at_x : at_x + materials.shape[0], :, at_y : at_y + materials.shape[1]] = tiles
        present = world._obj_map[inside_x, inside_y]
        for column, row in np.argwhere(present).tolist():
            sprite = sprite_tile(world._objects[present[column, row]].texture, int(materials[column, row]), unit)
            canvas[at_x + column, :, at_y + row] = sprite
        lit = self._light(canvas.reshape(columns * unit, rows * unit, 3), world.daylight)
        return self._sleep(lit) if player.sleeping else lit  # type: ignore[no-any-return]

    def _vignette(self, shape: tuple[int, ...], stddev: float) -> NDArray[np.float64]:
        return _vignette(shape, stddev)


def draw_items(inventory: Mapping[str, int], unit: int) -> Image:
    """Returns the two rows of the inventory, uint8 (2 unit, 9 unit, 3)."""
    cells = np.zeros((ITEM_ROWS * GRID, unit, unit, 3), np.uint8)
    cells[: len(ITEMS)] = item_tiles(unit)[range(len(ITEMS)), list(inventory.values())]
    rows = cells.reshape(ITEM_ROWS, GRID, unit, unit, 3).transpose(0, 3, 1, 2, 4)
    return rows.reshape(ITEM_ROWS * unit, GRID * unit, 3)


@functools.cache
def textures() -> Any:
    """Returns the pictures of the installed package, read once."""
    return engine.Textures(constants.root / "assets")


@functools.cache
def _vignette(shape: tuple[int, ...], stddev: float) -> NDArray[np.float64]:
    mask: NDArray[np.float64] = engine.LocalView._vignette.__wrapped__(None, shape, stddev)
    return mask


@functools.cache
def material_tiles(unit: int) -> Image:
    """Returns the materials' pictures, uint8 (materials, unit, unit, 3), the second axis x."""
    names = [None, *constants.materials]
    tiles: Image = np.stack([textures().get(name, (unit, unit))[..., :3] for name in names])
    return tiles


@functools.cache
def sprite_tile(texture: str, material: int, unit: int) -> Image:
    """Returns the picture of an object that stands on a material, uint8 (unit, unit, 3), first axis x."""
    tile: Image = material_tiles(unit)[material].copy()
    engine._draw_alpha(tile, np.array([0, 0]), textures().get(texture, (unit, unit)))
    return tile


@functools.cache
def item_tiles(unit: int) -> Image:
    """Returns the inventory's cells, uint8 (items, 10, unit, unit, 3): each item at each amount, third axis x."""
    view = engine.ItemView(textures(), [GRID, ITEM_ROWS])
    cells = np.zeros((len(ITEMS), 10, unit, unit, 3), np.uint8)
    for index, item in enumerate(ITEMS):
        x, y = index % GRID * unit, index // GRID * unit
        for amount in range(10):
            picture = view({name: amount if name == item else 0 for name in ITEMS}, [unit, unit])
            cells[index, amount] = picture[x : x + unit, y : y + unit]
    return cells
