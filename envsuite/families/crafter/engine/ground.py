"""What the tiles of a new world are before ores and trees: meadow, water, shore, lowland, rock, caves and tunnels.

Three levels decide it: how much a tile belongs to the meadow where the player begins, to water, and to mountains.
They are sums of noise, and noise has no side effects, so a level is only worked out as far as its comparisons need
it: no noise is beyond 1. A strip of columns is taken at a time, one layer of noise after the other on the tiles that
need it.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from envsuite.families.crafter.engine.compiled import kernel
from envsuite.families.crafter.engine.noise import Lattice, noise

MEADOW, ROCK, HOLLOW, TUNNELLED, WATER, SHORE, LOWLAND = range(7)
"""What a tile is before ores and trees."""
_NEAR = 12
"""Beyond it, in tiles, no tile is of the meadow."""
_FAR_MEADOW = 1 / (1 + math.exp(_NEAR - 6))
"""The most that the level of the meadow can be there."""
_FINE_WATER, _FINE_ROCK = 0.15, 0.3
_ROCKY, ORES, DEEP = 0.15, 0.18, 0.3
"""Levels of rock where mountains, diamonds, and caves and lava begin."""
_DRY, _WET, _BEACH = 0.25, 0.3, 0.35
"""Levels of water where the shore begins, where it is under water, and where no sand is any more."""
_ROUNDING = 1e-9
"""More than rounding can change a level."""
_UNKNOWN = -1.0
DOUBT = 1e-12
"""More than a level can change with the last bit of an exponential, in which numpy and the C library differ."""


class Strip(NamedTuple):
    """Scratch for the tiles of some neighbouring columns, (tiles,) each, column after column."""

    kind: Any
    meadow: Any
    """The level of the meadow, `_UNKNOWN` where that is at most `_FAR_MEADOW`."""
    coarse_water: Any
    coarse_rock: Any
    fine_water: Any
    fine_rock: Any
    rock: Any
    """The level of rock, exact or on the right side of every threshold."""
    layers: Any
    """Further noise, (6, tiles)."""
    chosen: Any
    """Which tiles the next layer is needed of."""
    column: Any
    """Which of the strip's columns a tile is in."""
    row: Any
    """Which row it is in."""
    across: Any
    """x over 5, 6, 7, 8 and 15, twice x over 3, and x over 5 and 3, (7, width)."""
    along: Any
    """y over 5, 6, 7, 8 and 15, y over 5 and 3, and twice y over 3, (7, height)."""


COLUMNS = 8
"""Columns of a strip: enough to make calls rare, few enough for the scratch to stay in the cache."""
_SIZES = (5, 6, 7, 8, 15)
_BY_5, _BY_6, _BY_7, _BY_8, _BY_15, _FLAT, _STEEP = range(7)
_CAVE, _ALONG, _ACROSS, COAL_NOISE, IRON_NOISE, FOREST_NOISE = range(6)


def allocate_strip(width: int, height: int) -> Strip:
    """Returns the scratch for worlds of so many tiles."""
    x, y = np.arange(width), np.arange(height)
    tiles = min(width, COLUMNS) * height
    levels = np.zeros((6, tiles))
    return Strip(
        kind=np.zeros(tiles, np.uint8),
        meadow=levels[0],
        coarse_water=levels[1],
        coarse_rock=levels[2],
        fine_water=levels[3],
        fine_rock=levels[4],
        rock=levels[5],
        layers=np.zeros((6, tiles)),
        chosen=np.zeros(tiles, np.int64),
        column=np.arange(tiles) // height,
        row=np.arange(tiles) % height,
        across=np.stack([*(x / size for size in _SIZES), 2 * x / 3, x / 5 / 3]),
        along=np.stack([*(y / size for size in _SIZES), y / 5 / 3, 2 * y / 3]),
    )


@kernel
def distance_of(dx: int, dy: int) -> float:
    """Returns the length of an offset."""
    return math.sqrt(float(dx * dx + dy * dy))


@kernel
def meadow_logit(lattice: Lattice, x: int, y: int, distance: float) -> float:
    """Returns what the level of the meadow is the logistic function of, `distance` tiles from its middle."""
    return (4 - distance) + 2 * noise(lattice, x / 3, y / 3, 8.0)


@kernel
def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value))


@kernel
def _sample(lattice: Lattice, strip: Strip, count: int, first: int, scale: int, z: float, out: Any) -> None:
    """Writes the noise of the first `count` chosen tiles."""
    across, along, chosen, column, row = strip.across[scale], strip.along[scale], strip.chosen, strip.column, strip.row
    for index in range(count):
        tile = chosen[index]
        out[tile] = noise(lattice, across[first + column[tile]], along[row[tile]], z)


@kernel
def _exact_meadow(lattice: Lattice, strip: Strip, tile: int, first: int, centre_x: int, centre_y: int) -> float:
    x, y = first + strip.column[tile], strip.row[tile]
    return _logistic(meadow_logit(lattice, x, y, distance_of(x - centre_x, y - centre_y)))


@kernel
def classify(
    lattice: Lattice,
    strip: Strip,
    tiles: int,
    first: int,
    centre_x: int,
    centre_y: int,
    known_meadow: Any,
    doubt: float,
) -> bool:
    """Writes the kinds of a strip's tiles, and the level of rock of the mountains; returns whether all are sure."""
    for tile in range(tiles):
        strip.chosen[tile] = tile
    _sample(lattice, strip, tiles, first, _BY_15, 3.0, strip.coarse_water)
    _sample(lattice, strip, tiles, first, _BY_15, 0.0, strip.coarse_rock)
    sure = True
    for tile in range(tiles):
        dx, dy = first + strip.column[tile] - centre_x, strip.row[tile] - centre_y
        if len(known_meadow):
            strip.meadow[tile] = known_meadow[tile]
        elif dx * dx + dy * dy <= _NEAR * _NEAR:
            strip.meadow[tile] = _exact_meadow(lattice, strip, tile, first, centre_x, centre_y)
            sure &= abs(strip.meadow[tile] - 0.5) >= doubt
        else:
            strip.meadow[tile] = _UNKNOWN
    closest = 0.0 if len(known_meadow) else doubt
    sure &= _classify_rock(lattice, strip, tiles, first, centre_x, centre_y, closest)
    return sure & _classify_water(lattice, strip, tiles, first, centre_x, centre_y, closest)


@kernel
def _classify_rock(
    lattice: Lattice, strip: Strip, tiles: int, first: int, centre_x: int, centre_y: int, doubt: float
) -> bool:
    """Tells meadow and rock from the rest, and writes the level of rock."""
    chosen = strip.chosen
    spread = _FINE_ROCK / (1 + _FINE_ROCK) + 0.3 * _FINE_WATER + _ROUNDING
    undecided = 0
    for tile in range(tiles):
        meadow = max(strip.meadow[tile], 0.0)
        rock = strip.coarse_rock[tile] / (1 + _FINE_ROCK) - 0.3 * (strip.coarse_water[tile] + 0.1) - 3.4 * meadow
        strip.rock[tile] = rock
        if meadow > 0.5:
            strip.kind[tile] = MEADOW
        elif rock + spread < _ROCKY:
            strip.kind[tile] = LOWLAND
        elif rock - spread - 3.4 * _FAR_MEADOW > DEEP:
            strip.kind[tile] = ROCK
        else:
            chosen[undecided] = tile
            undecided += 1
    _sample(lattice, strip, undecided, first, _BY_5, 0.0, strip.fine_rock)
    spread = 0.3 * _FINE_WATER + _ROUNDING
    still = 0
    for index in range(undecided):
        tile = chosen[index]
        strip.rock[tile] += _FINE_ROCK * strip.fine_rock[tile] / (1 + _FINE_ROCK)
        if strip.rock[tile] + spread < _ROCKY:
            strip.kind[tile] = LOWLAND
        elif strip.rock[tile] - spread - 3.4 * _FAR_MEADOW > DEEP:
            strip.kind[tile] = ROCK
        else:
            chosen[still] = tile
            still += 1
    _sample(lattice, strip, still, first, _BY_5, 3.0, strip.fine_water)
    sure = True
    for index in range(still):
        tile = chosen[index]
        rock = _rock_level(strip, tile, max(strip.meadow[tile], 0.0))
        if strip.meadow[tile] == _UNKNOWN:
            lowest = rock - 3.4 * _FAR_MEADOW - _ROUNDING
            if _between(_ROCKY, lowest, rock) or _between(ORES, lowest, rock) or _between(DEEP, lowest, rock):
                strip.meadow[tile] = _exact_meadow(lattice, strip, tile, first, centre_x, centre_y)
                rock = _rock_level(strip, tile, strip.meadow[tile])
        for threshold in (_ROCKY, ORES, DEEP):
            sure &= abs(rock - threshold) >= doubt
        strip.rock[tile] = rock
        strip.kind[tile] = ROCK if rock > _ROCKY else LOWLAND
    return sure


@kernel
def _between(threshold: float, low: float, high: float) -> bool:
    return low <= threshold <= high + _ROUNDING


@kernel
def _water_level(strip: Strip, tile: int, meadow: float) -> float:
    return (strip.coarse_water[tile] + _FINE_WATER * strip.fine_water[tile]) + 0.1 - 2 * meadow


@kernel
def _rock_level(strip: Strip, tile: int, meadow: float) -> float:
    summed = strip.coarse_rock[tile] + _FINE_ROCK * strip.fine_rock[tile]
    return summed / (1 + _FINE_ROCK) - (4 * meadow + 0.3 * _water_level(strip, tile, meadow))


@kernel
def _classify_water(
    lattice: Lattice, strip: Strip, tiles: int, first: int, centre_x: int, centre_y: int, doubt: float
) -> bool:
    """Tells water and shore from the lowlands."""
    chosen, undecided = strip.chosen, 0
    for tile in range(tiles):
        if strip.kind[tile] != LOWLAND:
            continue
        coarse = strip.coarse_water[tile] + 0.1 - 2 * max(strip.meadow[tile], 0.0)
        if coarse - _FINE_WATER - _ROUNDING - 2 * _FAR_MEADOW > _BEACH:
            strip.kind[tile] = WATER
        elif coarse + _FINE_WATER + _ROUNDING >= _DRY:
            chosen[undecided] = tile
            undecided += 1
    _sample(lattice, strip, undecided, first, _BY_5, 3.0, strip.fine_water)
    sure = True
    for index in range(undecided):
        tile = chosen[index]
        water = _water_level(strip, tile, max(strip.meadow[tile], 0.0))
        if strip.meadow[tile] == _UNKNOWN:
            lowest = water - 2 * _FAR_MEADOW - _ROUNDING
            if _between(_DRY, lowest, water) or _between(_WET, lowest, water) or _between(_BEACH, lowest, water):
                meadow = _exact_meadow(lattice, strip, tile, first, centre_x, centre_y)
                water = _water_level(strip, tile, meadow)
        for threshold in (_DRY, _WET, _BEACH):
            sure &= abs(water - threshold) >= doubt
        x, y = first + strip.column[tile], strip.row[tile]
        if _DRY < water <= _BEACH and noise(lattice, x / 9, y / 9, 4.0) > -0.2:
            strip.kind[tile] = SHORE
        elif water > _WET:
            strip.kind[tile] = WATER
    return sure


@kernel
def _choose(strip: Strip, tiles: int, kind: int, least_rock: float) -> int:
    """Chooses the tiles of a kind whose level of rock is above `least_rock`, and returns how many there are."""
    count = 0
    for tile in range(tiles):
        if strip.kind[tile] == kind and strip.rock[tile] > least_rock:
            strip.chosen[count] = tile
            count += 1
    return count


@kernel
def sample_details(lattice: Lattice, strip: Strip, tiles: int, first: int) -> None:
    """Writes the noise of caves, tunnels and ores, and of forests, where it is asked for."""
    layers, kind, chosen = strip.layers, strip.kind, strip.chosen
    count = _choose(strip, tiles, ROCK, DEEP)
    _sample(lattice, strip, count, first, _BY_7, 6.0, layers[_CAVE])
    for index in range(count):
        if layers[_CAVE, chosen[index]] > 0.15:
            kind[chosen[index]] = HOLLOW
    count = _choose(strip, tiles, ROCK, _ROCKY)
    _sample(lattice, strip, count, first, _FLAT, 7.0, layers[_ALONG])
    _sample(lattice, strip, count, first, _STEEP, 7.0, layers[_ACROSS])
    solid = 0
    for index in range(count):
        tile = chosen[index]
        if layers[_ALONG, tile] > 0.4 or layers[_ACROSS, tile] > 0.4:
            kind[tile] = TUNNELLED
        else:
            chosen[solid] = tile
            solid += 1
    _sample(lattice, strip, solid, first, _BY_8, 1.0, layers[COAL_NOISE])
    _sample(lattice, strip, solid, first, _BY_6, 2.0, layers[IRON_NOISE])
    count = _choose(strip, tiles, LOWLAND, -np.inf)
    _sample(lattice, strip, count, first, _BY_7, 5.0, layers[FOREST_NOISE])
