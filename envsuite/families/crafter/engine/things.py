"""Who stands where: things come, move and go, and the chunks keep count of creatures and of their ground."""

from __future__ import annotations

from envsuite.families.crafter.engine.compiled import kernel
from envsuite.families.crafter.engine.layout import (
    AT_X,
    AT_Y,
    CHUNK,
    CLOCK,
    COW,
    COWS,
    GONE,
    GRASS_TILES,
    HEALTH,
    KIND,
    LIVING,
    ORDER,
    PATH_TILES,
    SKELETON,
    SKELETONS,
    SLOTS,
    SPARE_SLOTS,
    STAMP,
    TIMER,
    TOUCHED,
    TOUCHED_CHUNKS,
    ZOMBIE,
    ZOMBIES,
    World,
)
from envsuite.families.crafter.engine.tables import WALKABLE
from envsuite.families.crafter.rules import SEMANTICS

GRASS, PATH = SEMANTICS.index("grass"), SEMANTICS.index("path")


@kernel
def chunk_of(world: World, x: int, y: int) -> int:
    """Returns the number of the chunk that a tile lies in."""
    return x // CHUNK * ((world.height + CHUNK - 1) // CHUNK) + y // CHUNK


@kernel
def _count(world: World, chunk: int, kind: int, change: int) -> None:
    if kind == ZOMBIE:
        world.chunks[chunk, ZOMBIES] += change
    elif kind == SKELETON:
        world.chunks[chunk, SKELETONS] += change
    elif kind == COW:
        world.chunks[chunk, COWS] += change


@kernel
def _enter(world: World, slot: int, chunk: int) -> None:
    """Puts a thing last in a chunk; a chunk that nothing was in before comes last among the chunks."""
    state, chunks = world.state, world.chunks
    if not chunks[chunk, TOUCHED]:
        chunks[chunk, TOUCHED] = 1
        chunks[state[TOUCHED_CHUNKS], ORDER] = chunk
        state[TOUCHED_CHUNKS] += 1
    _count(world, chunk, world.bodies[slot, KIND], 1)
    world.things[slot, STAMP] = state[CLOCK]
    state[CLOCK] += 1


@kernel
def add(world: World, kind: int, x: int, y: int, health: int, timer: int) -> None:
    """Puts a new thing, the youngest, onto a free tile."""
    state = world.state
    slot = state[SLOTS]
    state[SLOTS] += 1
    state[LIVING] += 1
    world.things[slot, AT_X] = x
    world.things[slot, AT_Y] = y
    world.things[slot, TIMER] = timer
    world.bodies[slot, KIND] = kind
    world.bodies[slot, HEALTH] = health
    world.occupant[x, y] = slot + 1
    _enter(world, slot, chunk_of(world, x, y))


@kernel
def remove(world: World, slot: int) -> None:
    """Takes a thing out of the world; what it is and where it was can still be read until `settle`."""
    x, y = world.things[slot, AT_X], world.things[slot, AT_Y]
    _count(world, chunk_of(world, x, y), world.bodies[slot, KIND], -1)
    world.occupant[x, y] = 0
    world.bodies[slot, KIND] = GONE
    world.state[LIVING] -= 1


@kernel
def relocate(world: World, slot: int, x: int, y: int) -> None:
    """Moves a thing onto a free tile."""
    old_x, old_y = world.things[slot, AT_X], world.things[slot, AT_Y]
    world.occupant[old_x, old_y] = 0
    world.occupant[x, y] = slot + 1
    world.things[slot, AT_X] = x
    world.things[slot, AT_Y] = y
    left, entered = chunk_of(world, old_x, old_y), chunk_of(world, x, y)
    if left != entered:
        _count(world, left, world.bodies[slot, KIND], -1)
        _enter(world, slot, entered)


@kernel
def is_free(world: World, x: int, y: int, who: int) -> bool:
    """Returns whether the tile is on the map, nothing stands on it, and its material lets `who` in."""
    if x < 0 or y < 0 or x >= world.width or y >= world.height:
        return False
    return world.occupant[x, y] == 0 and (WALKABLE[world.tiles[x, y]] & who) != 0


@kernel
def try_move(world: World, slot: int, dx: int, dy: int, who: int) -> bool:
    """Returns whether the way is free, and moves the thing there; one that has just gone stays gone."""
    x, y = world.things[slot, AT_X] + dx, world.things[slot, AT_Y] + dy
    if not is_free(world, x, y, who):
        return False
    if world.bodies[slot, KIND] != GONE:
        relocate(world, slot, x, y)
    return True


@kernel
def set_tile(world: World, x: int, y: int, material: int) -> None:
    """Changes the material of a tile."""
    chunk, old = chunk_of(world, x, y), world.tiles[x, y]
    for counted, column in ((GRASS, GRASS_TILES), (PATH, PATH_TILES)):
        if old == counted:
            world.chunks[chunk, column] -= 1
        if material == counted:
            world.chunks[chunk, column] += 1
    world.tiles[x, y] = material


@kernel
def settle(world: World) -> None:
    """Moves the living up, in order, once enough of the gone lie between them."""
    state, things, bodies = world.state, world.things, world.bodies
    if state[SLOTS] - state[LIVING] <= SPARE_SLOTS:
        return
    kept = 0
    for slot in range(state[SLOTS]):
        if bodies[slot, KIND] == GONE:
            continue
        for column in range(things.shape[1]):
            things[kept, column] = things[slot, column]
        bodies[kept, KIND] = bodies[slot, KIND]
        bodies[kept, HEALTH] = bodies[slot, HEALTH]
        kept += 1
        world.occupant[things[slot, AT_X], things[slot, AT_Y]] = kept
    state[SLOTS] = kept
