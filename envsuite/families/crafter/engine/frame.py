"""The picture: lit tiles of the map around the player over the inventory, and the noise of the night.

The reference lights the whole canvas with numpy and Pillow; here the same operations run per pixel, in the same
order and precision: float64 for light, noise and tint, fractions cut off where it stores bytes, float32 for
Pillow's blending. By day a pixel depends on its tile and the light only, so each kind of tile in view is lit once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from envsuite.families.crafter.engine.compiled import kernel
from envsuite.families.crafter.engine.creatures import RIPE_AGE
from envsuite.families.crafter.engine.ground import Strip
from envsuite.families.crafter.engine.layout import (
    ARROW,
    COW,
    FACING,
    INVENTORY,
    ITEM_COUNT,
    KIND,
    PLANT,
    PLAYER,
    SLEEPING,
    TIMER,
    ZOMBIE,
    World,
    X,
    Y,
)
from envsuite.families.crafter.engine.noise import Lattice
from envsuite.families.crafter.engine.stream import fill_fractions, skip
from envsuite.families.crafter.rules import MATERIAL_COUNT, SPRITES

_PLAYER, _ASLEEP, _COW, _ZOMBIE, _SKELETON, _ARROW, _PLANT, _RIPE = (
    SPRITES.index(name)
    for name in ("player-left", "player-sleep", "cow", "zombie", "skeleton", "arrow-left", "plant", "plant-ripe")
)
SPRITE_COUNT = len(SPRITES)
OUTSIDE = MATERIAL_COUNT
"""What a tile beyond the edge of the map is drawn as, after the materials."""
NIGHT = 0.5
"""Below this brightness a picture has noise."""
_NOISE_LOW, _NOISE_SPAN = 32.0, 127.0 - 32.0
_SATURATION = np.float32(0.4)
_TINT_GREEN, _TINT_BLUE, _SLEEP_BLUE = 16.0, 64.0, 16.0


class Art(NamedTuple):
    """The tiles of one size of picture, and where they go."""

    tiles: Any
    """uint8 (materials + 1, sprites, height, width, 3): what stands on what, in full light."""
    muted: Any
    """The same, with the colours of the night before its tint."""
    items: Any
    """uint8 (items, 10, height, width, 3): each item of the inventory in each amount."""
    vignette: Any
    """float64 (rows, columns) of the map's pixels: how much of the night's noise there is."""
    left: int
    top: int
    columns: int
    """Tiles of the map in a row."""
    rows: int
    offset_x: int
    """The player's column of tiles."""
    offset_y: int


class Scratch(NamedTuple):
    """Memory that only one thread at a time may draw and make worlds with."""

    lit: Any
    """uint8 (kinds of tile, height, width, 3)."""
    lit_in: Any
    """int64: which picture a tile of `lit` belongs to; the last counts the pictures."""
    fractions: Any
    """float64: a number per pixel of the map."""
    words: Any
    """uint32: two per pixel of the map."""
    lattice: Lattice
    strip: Strip


@kernel
def sprite_of(world: World, slot: int) -> int:
    """Returns the number in `rules.SPRITES` of what a thing looks like."""
    kind = world.bodies[slot, KIND]
    if kind == PLAYER:
        return _ASLEEP if world.state[SLEEPING] else _PLAYER + world.state[FACING]
    if kind == ARROW:
        return _ARROW + world.things[slot, TIMER]
    if kind == PLANT:
        return _RIPE if world.things[slot, TIMER] > RIPE_AGE else _PLANT
    if kind == COW:
        return _COW
    return _ZOMBIE if kind == ZOMBIE else _SKELETON


@kernel
def draw(world: World, art: Art, scratch: Scratch, daylight: float, out: Any) -> None:
    """Writes the picture, uint8 (height, width, 3); at night it draws from the world's stream."""
    out[:] = 0
    if daylight < NIGHT:
        _draw_night(world, art, scratch, daylight, out)
    else:
        _draw_day(world, art, scratch, daylight, out)
    _draw_items(world, art, out)


@kernel
def skip_picture(world: World, pixels: int, daylight: float) -> None:
    """Leaves the stream as a picture whose map has so many pixels would."""
    if daylight < NIGHT:
        skip(world.stream, 2 * pixels)


@kernel
def _tile(world: World, art: Art, column: int, row: int) -> tuple[int, int]:
    """Returns the numbers of ground and sprite at a place of the view."""
    x, y = world.state[X] + column - art.offset_x, world.state[Y] + row - art.offset_y
    if x < 0 or y < 0 or x >= world.width or y >= world.height:
        return OUTSIDE, 0
    slot = world.occupant[x, y] - 1
    return world.tiles[x, y], sprite_of(world, slot) if slot >= 0 else 0


@kernel
def _draw_day(world: World, art: Art, scratch: Scratch, daylight: float, out: Any) -> None:
    height, width = art.tiles.shape[2], art.tiles.shape[3]
    scratch.lit_in[-1] += 1
    for row in range(art.rows):
        for column in range(art.columns):
            ground, sprite = _tile(world, art, column, row)
            kind = ground * SPRITE_COUNT + sprite
            if scratch.lit_in[kind] != scratch.lit_in[-1]:
                scratch.lit_in[kind] = scratch.lit_in[-1]
                _light(art.tiles[ground, sprite], art.muted[ground, sprite], daylight, scratch.lit[kind])
                if world.state[SLEEPING]:
                    _drain(scratch.lit[kind])
            _blit(scratch.lit[kind], out, art.top + row * height, art.left + column * width)


@kernel
def _light(tile: Any, muted: Any, daylight: float, out: Any) -> None:
    dark = 1 - daylight
    for y in range(tile.shape[0]):
        for x in range(tile.shape[1]):
            out[y, x, 0] = np.uint8(daylight * tile[y, x, 0] + dark * (0.5 * muted[y, x, 0]))
            out[y, x, 1] = np.uint8(daylight * tile[y, x, 1] + dark * (0.5 * muted[y, x, 1] + 0.5 * _TINT_GREEN))
            out[y, x, 2] = np.uint8(daylight * tile[y, x, 2] + dark * (0.5 * muted[y, x, 2] + 0.5 * _TINT_BLUE))


@kernel
def luma(red: int, green: int, blue: int) -> Any:
    """Returns the grey of a colour as Pillow rounds it: ITU-R 601-2 in 16 bits after the point."""
    return (19595 * np.int32(red) + 38470 * np.int32(green) + 7471 * np.int32(blue) + 0x8000) >> 16


@kernel
def mute(grey: int, value: int) -> Any:
    """Returns a channel with two fifths of its distance from grey, as Pillow blends: in float32, fractions cut off."""
    return np.uint8(np.float32(grey) + _SATURATION * np.float32(np.int32(value) - np.int32(grey)))


@kernel
def _drain(picture: Any) -> None:
    """Takes the colours out and darkens, for a sleeper's eyes."""
    for y in range(picture.shape[0]):
        for x in range(picture.shape[1]):
            half = 0.5 * luma(picture[y, x, 0], picture[y, x, 1], picture[y, x, 2])
            picture[y, x, 0] = picture[y, x, 1] = np.uint8(half)
            picture[y, x, 2] = np.uint8(half + 0.5 * _SLEEP_BLUE)


@kernel
def _draw_night(world: World, art: Art, scratch: Scratch, daylight: float, out: Any) -> None:
    height, width = art.tiles.shape[2], art.tiles.shape[3]
    fill_fractions(world.stream, scratch.words, scratch.fractions)
    for row in range(art.rows):
        for column in range(art.columns):
            ground, sprite = _tile(world, art, column, row)
            _blit(art.tiles[ground, sprite], out, art.top + row * height, art.left + column * width)
    amount, dark, asleep = 2 * (0.5 - daylight), 1 - daylight, world.state[SLEEPING] != 0
    rows, columns = art.vignette.shape
    picture = out[art.top : art.top + rows, art.left : art.left + columns]
    for y in range(rows):
        for x in range(columns):
            share = amount * art.vignette[y, x]
            # The reference draws the noise column by column.
            noise = share * (_NOISE_LOW + _NOISE_SPAN * scratch.fractions[x * rows + y])
            rest = 1 - share
            red, green, blue = picture[y, x, 0], picture[y, x, 1], picture[y, x, 2]
            dim_red, dim_green = np.uint8(rest * red + noise), np.uint8(rest * green + noise)
            dim_blue = np.uint8(rest * blue + noise)
            grey = luma(dim_red, dim_green, dim_blue)
            picture[y, x, 0] = np.uint8(daylight * red + dark * (0.5 * mute(grey, dim_red)))
            picture[y, x, 1] = np.uint8(daylight * green + dark * (0.5 * mute(grey, dim_green) + 0.5 * _TINT_GREEN))
            picture[y, x, 2] = np.uint8(daylight * blue + dark * (0.5 * mute(grey, dim_blue) + 0.5 * _TINT_BLUE))
    if asleep:
        _drain(picture)


@kernel
def _draw_items(world: World, art: Art, out: Any) -> None:
    height, width = art.items.shape[2], art.items.shape[3]
    for item in range(ITEM_COUNT):
        amount = world.state[INVENTORY + item]
        if amount > 0:
            top = art.top + (art.rows + item // art.columns) * height
            _blit(art.items[item, amount], out, top, art.left + item % art.columns * width)


@kernel
def _blit(tile: Any, out: Any, top: int, left: int) -> None:
    for y in range(tile.shape[0]):
        for x in range(tile.shape[1]):
            for channel in range(3):
                out[top + y, left + x, channel] = tile[y, x, channel]
