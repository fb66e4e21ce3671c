"""A new world: its ground around the player's meadow, ores and trees on it, then its creatures."""

from __future__ import annotations

from typing import Any

from envsuite.families.crafter.engine.compiled import inlined, kernel
from envsuite.families.crafter.engine.creatures import COW_HEALTH, SKELETON_HEALTH, ZOMBIE_HEALTH
from envsuite.families.crafter.engine.ground import (
    COAL_NOISE,
    COLUMNS,
    DEEP,
    FOREST_NOISE,
    HOLLOW,
    IRON_NOISE,
    LOWLAND,
    MEADOW,
    ORES,
    SHORE,
    TUNNELLED,
    WATER,
    Strip,
    classify,
    distance_of,
    meadow_logit,
    sample_details,
)
from envsuite.families.crafter.engine.layout import COW, GRASS_TILES, PATH_TILES, SKELETON, ZOMBIE, World
from envsuite.families.crafter.engine.noise import Lattice, noise, shuffle
from envsuite.families.crafter.engine.stream import below, uniform
from envsuite.families.crafter.engine.tables import ON_FOOT, WALKABLE
from envsuite.families.crafter.engine.things import GRASS, PATH, add, chunk_of
from envsuite.families.crafter.rules import SEMANTICS

_LAKE, _STONE, _SAND, _TREE, _LAVA, _COAL, _IRON, _DIAMOND = (
    SEMANTICS.index(name) for name in ("water", "stone", "sand", "tree", "lava", "coal", "iron", "diamond")
)
_TUNNEL, _MATERIAL = 128, 127
"""The bit that marks the paths of tunnels until the creatures are placed, and the others."""
_NOISE_SEEDS = 2**31 - 1


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
    for first in range(0, world.width, COLUMNS):
        tiles = min(COLUMNS, world.width - first) * height
        known = meadow[first * height : first * height + tiles]
        certain &= classify(lattice, strip, tiles, first, centre_x, centre_y, known, doubt)
        sample_details(lattice, strip, tiles, first)
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
            out[x * world.height + y] = meadow_logit(lattice, x, y, distance_of(x - centre_x, y - centre_y))


@inlined
def _material(stream: Any, lattice: Lattice, strip: Strip, tile: int, x: int, y: int) -> int:
    """Returns the material of a tile; draws where the noise allows ores or a tree."""
    kind, layers = strip.kind[tile], strip.layers
    if kind == MEADOW:
        return GRASS
    if kind == SHORE:
        return _SAND
    if kind == WATER:
        return _LAKE
    if kind == LOWLAND:
        return _TREE if layers[FOREST_NOISE, tile] > 0 and uniform(stream) > 0.8 else GRASS
    if kind == HOLLOW:
        return PATH
    if kind == TUNNELLED:
        return PATH | _TUNNEL
    rock = strip.rock[tile]
    if layers[COAL_NOISE, tile] > 0 and uniform(stream) > 0.85:
        return _COAL
    if layers[IRON_NOISE, tile] > 0.4 and uniform(stream) > 0.75:
        return _IRON
    if rock > ORES and uniform(stream) > 0.994:
        return _DIAMOND
    if rock > DEEP and noise(lattice, x / 5, y / 5, 6.0) > 0.35:
        return _LAVA
    return _STONE


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
