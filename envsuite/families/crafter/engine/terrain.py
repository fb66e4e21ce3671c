"""A new world: its ground from noise around the player's meadow, then its creatures.

Three levels decide what a tile is: how much it belongs to the meadow where the player begins, to water, and to
mountains. They are sums of noise, and noise has no side effects, so a level is only worked out as far as
its comparisons need it: no noise is beyond 1. A column of tiles is taken at a time, one layer of noise after the other:
neighbours take the same branches, which halves the cost of a noise.
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


class Column(NamedTuple):
    """Scratch for the tiles of a column, (height,) each."""

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
    """Further noise, (6, height)."""
    chosen: Any
    """Which tiles the next layer is needed of."""
    rows: Any
    """Coordinates along the column: y over 5, 6, 7, 8 and 15, over 5 and 3, and twice y over 3, (7, height)."""


_SIZES = (5, 6, 7, 8, 15)
_BY_5, _BY_6, _BY_7, _BY_8, _BY_15, _NARROW, _WIDE = range(7)
_CAVE, _ALONG, _ACROSS, _COAL, _IRON, _FOREST = range(6)


def allocate_column(height: int) -> Column:
    """Returns the scratch for columns of so many tiles."""
    y = np.arange(height)
    rows = np.stack([*(y / size for size in _SIZES), y / 5 / 3, 2 * y / 3])
    levels = np.zeros((6, height))
    return Column(
        kind=np.zeros(height, np.uint8),
        meadow=levels[0],
        coarse_water=levels[1],
        coarse_rock=levels[2],
        fine_water=levels[3],
        fine_rock=levels[4],
        rock=levels[5],
        layers=np.zeros((6, height)),
        chosen=np.zeros(height, np.int64),
        rows=rows,
    )


@kernel
def generate(
    world: World, lattice: Lattice, column: Column, centre_x: int, centre_y: int, meadow: Any, doubt: float
) -> bool:
    """Makes ground and creatures from the world's stream; returns whether it is surely the reference's world.

    False means that a comparison was closer than `doubt`: the same stream must be used again with
    `meadow` (`write_meadow`, through numpy), float64 (cells,), which is empty otherwise.
    """
    shuffle(lattice, below(world.stream, _NOISE_SEEDS))
    height = world.height
    certain = True
    for x in range(world.width):
        certain &= _classify(lattice, column, x, centre_x, centre_y, meadow[x * height : x * height + height], doubt)
        _sample_details(lattice, column, x)
        for y in range(height):
            world.tiles[x, y] = _material(world.stream, lattice, column, x, y)
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
def _sample(lattice: Lattice, column: Column, count: int, x: float, row: int, z: float, out: Any) -> None:
    """Writes the noise of the first `count` chosen tiles."""
    along, chosen = column.rows[row], column.chosen
    for index in range(count):
        out[chosen[index]] = noise(lattice, x, along[chosen[index]], z)


@kernel
def _classify(
    lattice: Lattice, column: Column, x: int, centre_x: int, centre_y: int, known_meadow: Any, doubt: float
) -> bool:
    """Writes the kinds of a column's tiles, and the level of rock of the mountains; returns whether all are sure."""
    height, chosen = len(column.kind), column.chosen
    for y in range(height):
        chosen[y] = y
    _sample(lattice, column, height, x / 15, _BY_15, 3.0, column.coarse_water)
    _sample(lattice, column, height, x / 15, _BY_15, 0.0, column.coarse_rock)
    sure = True
    for y in range(height):
        distance = _distance(x - centre_x, y - centre_y)
        if len(known_meadow):
            column.meadow[y] = known_meadow[y]
        elif distance <= _NEAR:
            column.meadow[y] = _logistic(_meadow_logit(lattice, x, y, distance))
            sure &= abs(column.meadow[y] - 0.5) >= doubt
        else:
            column.meadow[y] = _UNKNOWN
    closest = 0.0 if len(known_meadow) else doubt
    sure &= _classify_rock(lattice, column, x, centre_x, centre_y, closest)
    return sure & _classify_water(lattice, column, x, centre_x, centre_y, closest)


@kernel
def _classify_rock(lattice: Lattice, column: Column, x: int, centre_x: int, centre_y: int, doubt: float) -> bool:
    """Tells meadow and rock from the rest, and writes the level of rock."""
    height, chosen = len(column.kind), column.chosen
    spread = _FINE_ROCK / (1 + _FINE_ROCK) + 0.3 * _FINE_WATER + _ROUNDING
    undecided = 0
    for y in range(height):
        meadow = max(column.meadow[y], 0.0)
        rock = column.coarse_rock[y] / (1 + _FINE_ROCK) - 0.3 * (column.coarse_water[y] + 0.1) - 3.4 * meadow
        column.rock[y] = rock
        if meadow > 0.5:
            column.kind[y] = _MEADOW
        elif rock + spread < _ROCKY:
            column.kind[y] = _LOWLAND
        elif rock - spread - 3.4 * _FAR_MEADOW > _DEEP:
            column.kind[y] = _ROCK
        else:
            chosen[undecided] = y
            undecided += 1
    _sample(lattice, column, undecided, x / 5, _BY_5, 0.0, column.fine_rock)
    spread = 0.3 * _FINE_WATER + _ROUNDING
    still = 0
    for index in range(undecided):
        y = chosen[index]
        column.rock[y] += _FINE_ROCK * column.fine_rock[y] / (1 + _FINE_ROCK)
        if column.rock[y] + spread < _ROCKY:
            column.kind[y] = _LOWLAND
        elif column.rock[y] - spread - 3.4 * _FAR_MEADOW > _DEEP:
            column.kind[y] = _ROCK
        else:
            chosen[still] = y
            still += 1
    _sample(lattice, column, still, x / 5, _BY_5, 3.0, column.fine_water)
    sure = True
    for index in range(still):
        y = chosen[index]
        rock = _rock_level(column, y, max(column.meadow[y], 0.0))
        if column.meadow[y] == _UNKNOWN:
            lowest = rock - 3.4 * _FAR_MEADOW - _ROUNDING
            if _between(_ROCKY, lowest, rock) or _between(_ORES, lowest, rock) or _between(_DEEP, lowest, rock):
                column.meadow[y] = _logistic(_meadow_logit(lattice, x, y, _distance(x - centre_x, y - centre_y)))
                rock = _rock_level(column, y, column.meadow[y])
        for threshold in (_ROCKY, _ORES, _DEEP):
            sure &= abs(rock - threshold) >= doubt
        column.rock[y] = rock
        column.kind[y] = _ROCK if rock > _ROCKY else _LOWLAND
    return sure


@kernel
def _between(threshold: float, low: float, high: float) -> bool:
    return low <= threshold <= high + _ROUNDING


@kernel
def _water_level(column: Column, y: int, meadow: float) -> float:
    return (column.coarse_water[y] + _FINE_WATER * column.fine_water[y]) + 0.1 - 2 * meadow


@kernel
def _rock_level(column: Column, y: int, meadow: float) -> float:
    summed = column.coarse_rock[y] + _FINE_ROCK * column.fine_rock[y]
    return summed / (1 + _FINE_ROCK) - (4 * meadow + 0.3 * _water_level(column, y, meadow))


@kernel
def _classify_water(lattice: Lattice, column: Column, x: int, centre_x: int, centre_y: int, doubt: float) -> bool:
    """Tells water and shore from the lowlands."""
    chosen, undecided = column.chosen, 0
    for y in range(len(column.kind)):
        if column.kind[y] != _LOWLAND:
            continue
        coarse = column.coarse_water[y] + 0.1 - 2 * max(column.meadow[y], 0.0)
        if coarse - _FINE_WATER - _ROUNDING - 2 * _FAR_MEADOW > _BEACH:
            column.kind[y] = _WATER
        elif coarse + _FINE_WATER + _ROUNDING >= _DRY:
            chosen[undecided] = y
            undecided += 1
    _sample(lattice, column, undecided, x / 5, _BY_5, 3.0, column.fine_water)
    sure = True
    for index in range(undecided):
        y = chosen[index]
        water = _water_level(column, y, max(column.meadow[y], 0.0))
        if column.meadow[y] == _UNKNOWN:
            lowest = water - 2 * _FAR_MEADOW - _ROUNDING
            if _between(_DRY, lowest, water) or _between(_WET, lowest, water) or _between(_BEACH, lowest, water):
                meadow = _logistic(_meadow_logit(lattice, x, y, _distance(x - centre_x, y - centre_y)))
                water = _water_level(column, y, meadow)
        for threshold in (_DRY, _WET, _BEACH):
            sure &= abs(water - threshold) >= doubt
        if _DRY < water <= _BEACH and noise(lattice, x / 9, y / 9, 4.0) > -0.2:
            column.kind[y] = _SHORE
        elif water > _WET:
            column.kind[y] = _WATER
    return sure


@kernel
def _choose(column: Column, kind: int, least_rock: float) -> int:
    """Chooses the tiles of a kind whose level of rock is above `least_rock`, and returns how many there are."""
    count = 0
    for y in range(len(column.kind)):
        if column.kind[y] == kind and column.rock[y] > least_rock:
            column.chosen[count] = y
            count += 1
    return count


@kernel
def _sample_details(lattice: Lattice, column: Column, x: int) -> None:
    """Writes the noise of caves, tunnels and ores, of sand and of forests, where they are asked for."""
    layers = column.layers
    rock, kind = column.rock, column.kind
    _sample(lattice, column, _choose(column, _ROCK, _DEEP), x / 7, _BY_7, 6.0, layers[_CAVE])
    for y in range(len(kind)):
        if kind[y] == _ROCK and rock[y] > _DEEP and layers[_CAVE, y] > 0.15:
            kind[y] = _HOLLOW
    count = _choose(column, _ROCK, _ROCKY)
    _sample(lattice, column, count, 2 * x / 3, _NARROW, 7.0, layers[_ALONG])
    _sample(lattice, column, count, x / 5 / 3, _WIDE, 7.0, layers[_ACROSS])
    for y in range(len(kind)):
        if kind[y] == _ROCK and (layers[_ALONG, y] > 0.4 or layers[_ACROSS, y] > 0.4):
            kind[y] = _TUNNELLED
    count = _choose(column, _ROCK, _ROCKY)
    _sample(lattice, column, count, x / 8, _BY_8, 1.0, layers[_COAL])
    _sample(lattice, column, count, x / 6, _BY_6, 2.0, layers[_IRON])
    count = _choose(column, _LOWLAND, -np.inf)
    _sample(lattice, column, count, x / 7, _BY_7, 5.0, layers[_FOREST])


@inlined
def _material(stream: Any, lattice: Lattice, column: Column, x: int, y: int) -> int:
    """Returns the material of a tile; draws where the noise allows ores or a tree."""
    kind, layers = column.kind[y], column.layers
    if kind == _MEADOW:
        return GRASS
    if kind == _SHORE:
        return SAND
    if kind == _WATER:
        return WATER
    if kind == _LOWLAND:
        return TREE if layers[_FOREST, y] > 0 and uniform(stream) > 0.8 else GRASS
    if kind == _HOLLOW:
        return PATH
    if kind == _TUNNELLED:
        return PATH | _TUNNEL
    rock = column.rock[y]
    if layers[_COAL, y] > 0 and uniform(stream) > 0.85:
        return COAL
    if layers[_IRON, y] > 0.4 and uniform(stream) > 0.75:
        return IRON
    if rock > _ORES and uniform(stream) > 0.994:
        return DIAMOND
    if rock > _DEEP and noise(lattice, x / 5, column.rows[_BY_5, y], 6.0) > 0.35:
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
