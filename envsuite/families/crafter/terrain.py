"""Crafter's terrain from noise, drawn for the whole map at once and equal to upstream's, tile for tile."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from envsuite.families.crafter.noise import Floats, SimplexNoise
from envsuite.families.crafter.rules import SEMANTICS

_ID = {name: index for index, name in enumerate(SEMANTICS)}

Layer = tuple[Floats, Floats, int, float]
"""Coordinates x and y before scaling, the height z in the noise, and the feature size in tiles."""


def make_terrain(
    noise_seed: int, centre: tuple[int, int], area: tuple[int, int], uniform: Callable[[], float]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Returns the materials, uint8 of shape `area` (numbers of `SEMANTICS`), and which tiles are tunnels.

    `uniform` draws from [0, 1); it is called for the same tiles in the same order as upstream does, column
    by column, because the creatures are drawn from the same stream afterwards.
    """
    noise = SimplexNoise(noise_seed)
    x, y = (axis.ravel().astype(np.float64) for axis in np.indices(area))
    start, water, mountain = _elevation(noise, x, y, centre)
    rocky = (start <= 0.5) & (mountain > 0.15)
    flat = (start <= 0.5) & ~rocky
    materials = np.full(len(x), _ID["grass"], np.uint8)
    tunnels = np.zeros(len(x), bool)
    undecided: list[tuple[int, tuple[float, ...]]] = []

    rock = np.flatnonzero(rocky)
    rx, ry, height = x[rock], y[rock], mountain[rock]
    cave, along, across, coal, iron, lava = _sample(
        noise,
        [
            (rx, ry, 6, 7),
            (2 * rx, ry / 5, 7, 3),
            (rx / 5, 2 * ry, 7, 3),
            (rx, ry, 1, 8),
            (rx, ry, 2, 6),
            (rx, ry, 6, 5),
        ],
    )
    open_cave = (cave > 0.15) & (height > 0.3)
    tunnel = ~open_cave & ((along > 0.4) | (across > 0.4))
    materials[rock] = np.where(open_cave | tunnel, _ID["path"], _ID["stone"])
    tunnels[rock] = tunnel
    solid = np.flatnonzero(~(open_cave | tunnel))
    ores = np.stack([coal, iron, height, lava], axis=1)[solid].tolist()
    undecided += zip(rock[solid].tolist(), ores, strict=True)

    low = np.flatnonzero(flat)
    beach, forest = _sample(noise, [(x[low], y[low], 4, 9), (x[low], y[low], 5, 7)])
    wet = water[low]
    sand = (wet > 0.25) & (wet <= 0.35) & (beach > -0.2)
    lake = ~sand & (wet > 0.3)
    materials[low[sand]], materials[low[lake]] = _ID["sand"], _ID["water"]
    undecided += ((tile, ()) for tile in low[~sand & ~lake & (forest > 0)].tolist())

    for tile, levels in sorted(undecided):
        materials[tile] = _ore(levels, uniform) if levels else _tree(uniform)
    return materials.reshape(area), tunnels.reshape(area)


def _elevation(noise: SimplexNoise, x: Floats, y: Floats, centre: tuple[int, int]) -> tuple[Floats, Floats, Floats]:
    """Returns how much a tile belongs to the starting meadow, to water and to mountains."""
    around, coarse_water, fine_water, coarse_rock, fine_rock = _sample(
        noise, [(x, y, 8, 3), (x, y, 3, 15), (x, y, 3, 5), (x, y, 0, 15), (x, y, 0, 5)]
    )
    start = 4 - np.sqrt((x - centre[0]) ** 2 + (y - centre[1]) ** 2)
    start = 1 / (1 + np.exp(-(start + 2 * around)))
    water = (coarse_water + 0.15 * fine_water) + 0.1 - 2 * start
    mountain = (coarse_rock + 0.3 * fine_rock) / (1 + 0.3) - (4 * start + 0.3 * water)
    return start, water, mountain


def _sample(noise: SimplexNoise, layers: list[Layer]) -> list[Floats]:
    """Returns the noise of every layer, from one call."""
    size = len(layers[0][0])
    x = np.concatenate([x / scale for x, _, _, scale in layers])
    y = np.concatenate([y / scale for _, y, _, scale in layers])
    z = np.repeat([float(height) for _, _, height, _ in layers], size)
    return np.split(noise(x, y, z), len(layers))


def _ore(levels: tuple[float, ...], uniform: Callable[[], float]) -> int:
    coal, iron, height, lava = levels
    if coal > 0 and uniform() > 0.85:
        return _ID["coal"]
    if iron > 0.4 and uniform() > 0.75:
        return _ID["iron"]
    if height > 0.18 and uniform() > 0.994:
        return _ID["diamond"]
    if height > 0.3 and lava > 0.35:
        return _ID["lava"]
    return _ID["stone"]


def _tree(uniform: Callable[[], float]) -> int:
    return _ID["tree"] if uniform() > 0.8 else _ID["grass"]
