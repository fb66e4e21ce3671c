"""Pictures of tiles, made from the installed package's textures for any size of picture."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from envsuite.families.crafter.engine.frame import Art, Scratch
from envsuite.families.crafter.engine.ground import allocate_strip
from envsuite.families.crafter.engine.noise import allocate_lattice
from envsuite.families.crafter.engine.tables import package_folder
from envsuite.families.crafter.options import Options, Pair
from envsuite.families.crafter.rules import ITEMS, MATERIAL_COUNT, SEMANTICS, SPRITES

Pixels = NDArray[np.uint8]
_OUTSIDE_GREY = 127
_MUTED = 0.4
_ITEM_SIDE, _ITEM_AT = 0.8, 0.1
_DIGIT_SIDE, _DIGIT_AT = 0.6, 0.4
_VIGNETTE_WIDTH = 0.5


@functools.lru_cache(maxsize=16)
def make_art(size: Pair, view: Pair) -> Art:
    """Returns the tiles of a picture of `size` pixels that shows `view` tiles, made once."""
    options = Options(view=view, size=size)
    (columns, rows), (width, height) = options.map_view, options.unit
    tiles = _ground_tiles(width, height)
    return Art(
        tiles=tiles,
        muted=_muted(tiles),
        items=_item_tiles(width, height),
        vignette=_vignette(columns * width, rows * height),
        left=(size[0] - columns * width) // 2,
        top=(size[1] - view[1] * height) // 2,
        columns=columns,
        rows=rows,
        offset_x=columns // 2,
        offset_y=rows // 2,
    )


def allocate_scratch(art: Art, area: Pair) -> Scratch:
    """Returns the memory that one thread draws and makes worlds of so many tiles with."""
    kinds = art.tiles.shape[0] * art.tiles.shape[1]
    return Scratch(
        lit=np.zeros((kinds, *art.tiles.shape[2:]), np.uint8),
        lit_in=np.zeros(kinds + 1, np.int64),
        fractions=np.zeros(art.vignette.size),
        words=np.zeros(2 * art.vignette.size, np.uint32),
        lattice=allocate_lattice(),
        strip=allocate_strip(*area),
    )


@functools.cache
def textures() -> Mapping[str, Pixels]:
    """Returns the installed package's textures by name, uint8 (16, 16, 3 or 4)."""
    files = sorted((package_folder() / "assets").glob("*.png"))
    return MappingProxyType({file.stem: np.array(Image.open(file)) for file in files})


def _resized(name: str, width: int, height: int) -> Pixels:
    return np.array(Image.fromarray(textures()[name]).resize((width, height), resample=Image.Resampling.NEAREST))


def _painted(tile: Pixels, texture: Pixels) -> Pixels:
    """Returns a tile with a texture over it, blended by its alpha in float32."""
    if texture.shape[2] == 3:
        return texture
    alpha = texture[..., 3:].astype(np.float32) / 255
    colour, ground = texture[..., :3].astype(np.float32) / 255, tile.astype(np.float32) / 255
    return np.asarray(255 * (alpha * colour + (1 - alpha) * ground)).astype(np.uint8)


def _ground_tiles(width: int, height: int) -> Pixels:
    """Returns every sprite on every material and on the grey beyond the edge, (14, sprites, height, width, 3)."""
    tiles = np.full((MATERIAL_COUNT + 1, len(SPRITES), height, width, 3), _OUTSIDE_GREY, np.uint8)
    for material, name in enumerate(SEMANTICS[:MATERIAL_COUNT]):
        tiles[material] = _resized("unknown" if material == 0 else name, width, height)[..., :3]
    for sprite, name in enumerate(SPRITES):
        if name:
            texture = _resized(name, width, height)
            for material in range(MATERIAL_COUNT):
                tiles[material, sprite] = _painted(tiles[material, 0], texture)
    return tiles


def _muted(tiles: Pixels) -> Pixels:
    """Returns the tiles in the colours of the night: Pillow blends them with their grey."""
    flat = Image.fromarray(tiles.reshape(-1, tiles.shape[3], 3))
    return np.array(Image.blend(flat.convert("L").convert("RGB"), flat, _MUTED)).reshape(tiles.shape)


def _item_tiles(width: int, height: int) -> Pixels:
    """Returns each item in each amount on black, the amount 0 all black, (items, 10, height, width, 3)."""
    tiles = np.zeros((len(ITEMS), 10, height, width, 3), np.uint8)
    for index, item in enumerate(ITEMS):
        for amount in range(1, 10):
            for name, side, at in ((item, _ITEM_SIDE, _ITEM_AT), (str(amount), _DIGIT_SIDE, _DIGIT_AT)):
                texture = _resized(name, int(side * width), int(side * height))
                x, y = int(at * width), int(at * height)
                place = tiles[index, amount, y : y + texture.shape[0], x : x + texture.shape[1]]
                place[:] = _painted(place, texture)
    return tiles


def _vignette(width: int, height: int) -> NDArray[np.float64]:
    """Returns how strong the night's noise is at each pixel, (height, width): none in the middle."""
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    shade: NDArray[np.float64] = 1 - np.exp(-0.5 * (x**2 + y**2) / _VIGNETTE_WIDTH**2)
    return shade
