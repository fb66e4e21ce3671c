"""Creatures come and go: every tenth step each chunk that anything was ever in moves towards its share of them."""

from __future__ import annotations

from envsuite.families.crafter.engine.compiled import kernel
from envsuite.families.crafter.engine.creatures import COW_HEALTH, SKELETON_HEALTH, ZOMBIE_HEALTH
from envsuite.families.crafter.engine.layout import (
    AT_X,
    AT_Y,
    CHUNK,
    COW,
    COWS,
    GRASS_TILES,
    KIND,
    ORDER,
    PATH_TILES,
    SKELETON,
    SKELETONS,
    SLOTS,
    STAMP,
    TOUCHED_CHUNKS,
    ZOMBIE,
    ZOMBIES,
    World,
    X,
    Y,
)
from envsuite.families.crafter.engine.stream import below, uniform
from envsuite.families.crafter.engine.things import GRASS, PATH, add, chunk_of, remove

PERIOD = 10


@kernel
def balance(world: World, daylight: float) -> None:
    """Balances zombies, skeletons and cows in every touched chunk, in the order in which they were touched."""
    chunks = world.chunks
    for index in range(world.state[TOUCHED_CHUNKS]):
        chunk = chunks[index, ORDER]
        grass, path = chunks[chunk, GRASS_TILES], chunks[chunk, PATH_TILES]
        most = int(3.5 - 3 * daylight)
        least = 0 if grass < 50 else most
        _balance_kind(world, chunk, ZOMBIE, ZOMBIES, GRASS, least, most, 0.3, 0.4, 6, 0, ZOMBIE_HEALTH)
        least = 0 if path < 6 else 1
        _balance_kind(world, chunk, SKELETON, SKELETONS, PATH, least, 2, 0.1, 0.1, 7, 7, SKELETON_HEALTH)
        least = 0 if grass < 30 else 1
        _balance_kind(world, chunk, COW, COWS, GRASS, least, int(1.5 + daylight), 0.01, 0.1, 5, 5, COW_HEALTH)


@kernel
def _balance_kind(
    world: World,
    chunk: int,
    kind: int,
    column: int,
    ground: int,
    least: int,
    most: int,
    spawn_chance: float,
    despawn_chance: float,
    spawn_distance: int,
    despawn_distance: int,
    health: int,
) -> None:
    """Adds one of too few, or takes away one of too many, if the dice say so and the player is far enough."""
    count, stream = world.chunks[chunk, column], world.stream
    if count < least and uniform(stream) < spawn_chance:
        x, y = _draw_tile(world, chunk, ground)
        if world.occupant[x, y] == 0 and _distance(world, x, y) >= spawn_distance:
            add(world, kind, x, y, health, 0)
    elif count > most and uniform(stream) < despawn_chance:
        slot = _nth(world, chunk, kind, below(stream, count))
        if _distance(world, world.things[slot, AT_X], world.things[slot, AT_Y]) >= despawn_distance:
            remove(world, slot)


@kernel
def _distance(world: World, x: int, y: int) -> int:
    return abs(world.state[X] - x) + abs(world.state[Y] - y)


@kernel
def _draw_tile(world: World, chunk: int, ground: int) -> tuple[int, int]:
    """Returns a tile of the chunk whose material is `ground`; there is at least one."""
    height = world.height
    per_column = (height + CHUNK - 1) // CHUNK
    left, top = chunk // per_column * CHUNK, chunk % per_column * CHUNK
    column = GRASS_TILES if ground == GRASS else PATH_TILES
    wanted = below(world.stream, world.chunks[chunk, column])
    for x in range(left, min(left + CHUNK, world.width)):
        for y in range(top, min(top + CHUNK, height)):
            if world.tiles[x, y] == ground:
                if wanted == 0:
                    return x, y
                wanted -= 1
    return left, top


@kernel
def _nth(world: World, chunk: int, kind: int, index: int) -> int:
    """Returns the slot of the chunk's `index`-th creature of a kind, in the order in which they came into it."""
    things, bodies = world.things, world.bodies
    last_stamp, found = -1, 0
    for _ in range(index + 1):
        found = -1
        for slot in range(world.state[SLOTS]):
            stamp = things[slot, STAMP]
            if bodies[slot, KIND] != kind or stamp <= last_stamp:
                continue
            if chunk_of(world, things[slot, AT_X], things[slot, AT_Y]) != chunk:
                continue
            if found < 0 or stamp < things[found, STAMP]:
                found = slot
        last_stamp = things[found, STAMP]
    return found
