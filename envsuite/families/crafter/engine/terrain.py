"""A new world: its ground from noise around the player's meadow, then its creatures.

Three levels decide what a tile is: how much it belongs to the meadow where the player begins, to water, and to
mountains. They are sums of noise, and noise has no side effects, so a level is only worked out as far as
its comparisons need it: no noise is beyond 1. A strip of columns is taken at a time, one layer of noise after the other
on the tiles that need it, which is one call a layer and not one a tile.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from envsuite.families.crafter.engine.compiled import inlined, kernel
from envsuite.families.crafter.engine.creatures import COW_HEALTH, SKELETON_HEALTH, ZOMBIE_HEALTH
from envsuite.families.crafter.engine.layout import COW, GRASS_TILES, PATH_TILES, SKELETON, ZOMBIE, World
from envsuite.families.crafter.engine.noise import Lattice, noise, shuffle
from envsuite.families.crafter.engine.stream import below, uniform
from envsuite.families.crafter.engine.tables import ON_FOOT, WALKABLE
from envsuite.families.crafter.engine.things import GRASS, PATH, add, chunk_of
from envsuite.families.crafter.rules import SEMANTICS

WATER, STONE, SAND, TREE, LAVA, COAL, IRON, DIAMOND = (
    SEMANTICS.index(name) for name in ("water", "stone", "sand", "tree", "lava", "coal", "iron", "diamond")
)
_TUNNEL, _MATERIAL = 128, 127
"""The bit that marks the paths of tunnels until the creatures are placed, and the others."""
_NOISE_SEEDS = 2**31 - 1
_MEADOW, _ROCK, _HOLLOW, _TUNNELLED, _WATER, _SHORE, _LOWLAND = range(7)
"""What a tile is before ores and trees."""
_NEAR = 12
"""Beyond it, in tiles, no tile is of the meadow."""
_FAR_MEADOW = 1 / (1 + math.exp(_NEAR - 6))
"""The most that the level of the meadow can be there."""
_FINE_WATER, _FINE_ROCK = 0.15, 0.3
_ROCKY, _ORES, _DEEP = 0.15, 0.18, 0.3
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


_COLUMNS = 8
"""Strips of a strip: enough to make calls rare, few enough for the scratch to stay in the cache."""
_SIZES = (5, 6, 7, 8, 15)
_BY_5, _BY_6, _BY_7, _BY_8, _BY_15, _FLAT, _STEEP = range(7)
_CAVE, _ALONG, _ACROSS, _COAL, _IRON, _FOREST = range(6)


def allocate_strip(width: int, height: int) -> Strip:
    """Returns the scratch for worlds of so many tiles."""
    x, y = np.arange(width), np.arange(height)
    tiles = min(width, _COLUMNS) * height
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
def generate(
    world: World, lattice: Lattice, strip: Strip, centre_x: int, centre_y: int, meadow: Any, doubt: float
) -> bool:
    """Makes ground and creatures from the world's stream; returns whether it is surely the reference's world.

    False means that a comparison was closer than `doubt`: the same stream must be used again with
    `meadow` (`write_meadow`, through numpy), float64 (cells,), which is empty otherwise.
    """
    shuffle(lattice, below(world.stream, _NOISE_SEEDS))
    height = world.height
    certain = True
    for first in range(0, world.width, _COLUMNS):
        tiles = min(_COLUMNS, world.width - first) * height
        known = meadow[first * height : first * height + tiles]
        certain &= _classify(lattice, strip, tiles, first, centre_x, centre_y, known, doubt)
        _sample_details(lattice, strip, tiles, first)
        for tile in range(tiles):
            x, y = first + strip.column[tile], strip.row[tile]
            world.tiles[x, y] = _material(world.stream, lattice, strip, tile, x, y)
    _count_ground(world)
    _populate(world, centre_x, centre_y)
    return certain


@kernel
def write_meadow(world: World, lattice: Lattice, centre_x: int, centre_y: int, out: Any) -> None:
    """Writes what the level of the meadow is the logistic function of, per tile; leaves the stream used."""
    shuffle(lattice, below(world.stream, _NOISE_SEEDS))
    for x in range(world.width):
        for y in range(world.height):
            out[x * world.height + y] = _meadow_logit(lattice, x, y, _distance(x - centre_x, y - centre_y))


@kernel
def _distance(dx: int, dy: int) -> float:
    return math.sqrt(float(dx * dx + dy * dy))


@kernel
def _meadow_logit(lattice: Lattice, x: int, y: int, distance: float) -> float:
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
    return _logistic(_meadow_logit(lattice, x, y, _distance(x - centre_x, y - centre_y)))


@kernel
def _classify(
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
            strip.kind[tile] = _MEADOW
        elif rock + spread < _ROCKY:
            strip.kind[tile] = _LOWLAND
        elif rock - spread - 3.4 * _FAR_MEADOW > _DEEP:
            strip.kind[tile] = _ROCK
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
            strip.kind[tile] = _LOWLAND
        elif strip.rock[tile] - spread - 3.4 * _FAR_MEADOW > _DEEP:
            strip.kind[tile] = _ROCK
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
            if _between(_ROCKY, lowest, rock) or _between(_ORES, lowest, rock) or _between(_DEEP, lowest, rock):
                strip.meadow[tile] = _exact_meadow(lattice, strip, tile, first, centre_x, centre_y)
                rock = _rock_level(strip, tile, strip.meadow[tile])
        for threshold in (_ROCKY, _ORES, _DEEP):
            sure &= abs(rock - threshold) >= doubt
        strip.rock[tile] = rock
        strip.kind[tile] = _ROCK if rock > _ROCKY else _LOWLAND
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
        if strip.kind[tile] != _LOWLAND:
            continue
        coarse = strip.coarse_water[tile] + 0.1 - 2 * max(strip.meadow[tile], 0.0)
        if coarse - _FINE_WATER - _ROUNDING - 2 * _FAR_MEADOW > _BEACH:
            strip.kind[tile] = _WATER
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
            strip.kind[tile] = _SHORE
        elif water > _WET:
            strip.kind[tile] = _WATER
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
def _sample_details(lattice: Lattice, strip: Strip, tiles: int, first: int) -> None:
    """Writes the noise of caves, tunnels and ores, and of forests, where it is asked for."""
    layers, kind, chosen = strip.layers, strip.kind, strip.chosen
    count = _choose(strip, tiles, _ROCK, _DEEP)
    _sample(lattice, strip, count, first, _BY_7, 6.0, layers[_CAVE])
    for index in range(count):
        if layers[_CAVE, chosen[index]] > 0.15:
            kind[chosen[index]] = _HOLLOW
    count = _choose(strip, tiles, _ROCK, _ROCKY)
    _sample(lattice, strip, count, first, _FLAT, 7.0, layers[_ALONG])
    _sample(lattice, strip, count, first, _STEEP, 7.0, layers[_ACROSS])
    solid = 0
    for index in range(count):
        tile = chosen[index]
        if layers[_ALONG, tile] > 0.4 or layers[_ACROSS, tile] > 0.4:
            kind[tile] = _TUNNELLED
        else:
            chosen[solid] = tile
            solid += 1
    _sample(lattice, strip, solid, first, _BY_8, 1.0, layers[_COAL])
    _sample(lattice, strip, solid, first, _BY_6, 2.0, layers[_IRON])
    count = _choose(strip, tiles, _LOWLAND, -np.inf)
    _sample(lattice, strip, count, first, _BY_7, 5.0, layers[_FOREST])


@inlined
def _material(stream: Any, lattice: Lattice, strip: Strip, tile: int, x: int, y: int) -> int:
    """Returns the material of a tile; draws where the noise allows ores or a tree."""
    kind, layers = strip.kind[tile], strip.layers
    if kind == _MEADOW:
        return GRASS
    if kind == _SHORE:
        return SAND
    if kind == _WATER:
        return WATER
    if kind == _LOWLAND:
        return TREE if layers[_FOREST, tile] > 0 and uniform(stream) > 0.8 else GRASS
    if kind == _HOLLOW:
        return PATH
    if kind == _TUNNELLED:
        return PATH | _TUNNEL
    rock = strip.rock[tile]
    if layers[_COAL, tile] > 0 and uniform(stream) > 0.85:
        return COAL
    if layers[_IRON, tile] > 0.4 and uniform(stream) > 0.75:
        return IRON
    if rock > _ORES and uniform(stream) > 0.994:
        return DIAMOND
    if rock > _DEEP and noise(lattice, x / 5, y / 5, 6.0) > 0.35:
        return LAVA
    return STONE


@kernel
def _count_ground(world: World) -> None:
    for x in range(world.width):
        for y in range(world.height):
            material = world.tiles[x, y] & _MATERIAL
            if material == GRASS:
                world.chunks[chunk_of(world, x, y), GRASS_TILES] += 1
            elif material == PATH:
                world.chunks[chunk_of(world, x, y), PATH_TILES] += 1


@kernel
def _populate(world: World, centre_x: int, centre_y: int) -> None:
    """Puts creatures on the ground, tile by tile: cows on grass, zombies far away, skeletons in tunnels."""
    stream, tiles = world.stream, world.tiles
    for x in range(world.width):
        for y in range(world.height):
            in_tunnel = (tiles[x, y] & _TUNNEL) != 0
            material = tiles[x, y] & _MATERIAL
            tiles[x, y] = material
            if (WALKABLE[material] & ON_FOOT) == 0:
                continue
            squared = (x - centre_x) ** 2 + (y - centre_y) ** 2
            if squared > 9 and material == GRASS and uniform(stream) > 0.985:
                add(world, COW, x, y, COW_HEALTH, 0)
            elif squared > 100 and uniform(stream) > 0.993:
                add(world, ZOMBIE, x, y, ZOMBIE_HEALTH, 0)
            elif in_tunnel and uniform(stream) > 0.95:
                add(world, SKELETON, x, y, SKELETON_HEALTH, 0)
