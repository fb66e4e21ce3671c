"""What cows, zombies, skeletons, arrows and plants do in a step; each draws from the stream in a fixed order."""

from __future__ import annotations

import numpy as np

from envsuite.families.crafter.engine.compiled import kernel
from envsuite.families.crafter.engine.layout import (
    ARROW,
    AT_X,
    AT_Y,
    COW,
    DIRECTION_X,
    DIRECTION_Y,
    HEALTH,
    INVENTORY,
    KIND,
    PLANT,
    SKELETON,
    SLEEPING,
    TIMER,
    ZOMBIE,
    World,
    X,
    Y,
)
from envsuite.families.crafter.engine.stream import below, uniform
from envsuite.families.crafter.engine.tables import AS_ARROW, ON_FOOT, WALKABLE
from envsuite.families.crafter.engine.things import PATH, add, is_free, remove, set_tile, try_move
from envsuite.families.crafter.rules import SEMANTICS

TABLE, FURNACE = SEMANTICS.index("table"), SEMANTICS.index("furnace")
COW_HEALTH, ZOMBIE_HEALTH, SKELETON_HEALTH, PLANT_HEALTH = 3, 5, 3, 1
RIPE_AGE = 300
"""A plant that is older is ripe."""
COOLDOWN, RELOAD = 5, 4
BITE, BITE_ASLEEP, SHOT = 2, 7, 2
"""Health that a zombie takes, awake and asleep, and an arrow."""


@kernel
def act(world: World, slot: int) -> None:
    """Lets a thing other than the player take its turn."""
    kind = world.bodies[slot, KIND]
    if kind == ZOMBIE:
        _zombie(world, slot)
    elif kind == COW:
        _cow(world, slot)
    elif kind == SKELETON:
        _skeleton(world, slot)
    elif kind == ARROW:
        _arrow(world, slot)
    elif kind == PLANT:
        _plant(world, slot)


@kernel
def hurt(world: World, slot: int, damage: int) -> None:
    """Takes health from a thing, down to zero at most."""
    if slot == 0:
        world.state[INVENTORY] = max(0, world.state[INVENTORY] - damage)
    else:
        world.bodies[slot, HEALTH] = max(0, np.int64(world.bodies[slot, HEALTH]) - damage)


@kernel
def _offset(world: World, slot: int) -> tuple[int, int]:
    """Returns how far the player is from a thing, in x and y."""
    return world.state[X] - world.things[slot, AT_X], world.state[Y] - world.things[slot, AT_Y]


@kernel
def _sign(value: int) -> int:
    return (value > 0) - (value < 0)


@kernel
def _toward(dx: int, dy: int, long_axis: bool) -> tuple[int, int]:
    """Returns the step along the longer axis of an offset, or along the other; none where that is zero."""
    along_x = abs(dx) > abs(dy) if long_axis else abs(dx) <= abs(dy)
    return (_sign(dx), 0) if along_x else (0, _sign(dy))


@kernel
def _wander(world: World, slot: int) -> None:
    direction = below(world.stream, 4)
    try_move(world, slot, DIRECTION_X[direction], DIRECTION_Y[direction], ON_FOOT)


@kernel
def _cow(world: World, slot: int) -> None:
    if world.bodies[slot, HEALTH] == 0:
        remove(world, slot)
    if uniform(world.stream) < 0.5:
        _wander(world, slot)


@kernel
def _zombie(world: World, slot: int) -> None:
    if world.bodies[slot, HEALTH] == 0:
        remove(world, slot)
    dx, dy = _offset(world, slot)
    if abs(dx) + abs(dy) <= 8 and uniform(world.stream) < 0.9:
        step_x, step_y = _toward(dx, dy, uniform(world.stream) < 0.8)
        try_move(world, slot, step_x, step_y, ON_FOOT)
    else:
        _wander(world, slot)
    dx, dy = _offset(world, slot)
    if abs(dx) + abs(dy) <= 1:
        if world.things[slot, TIMER] > 0:
            world.things[slot, TIMER] -= 1
        else:
            hurt(world, 0, BITE_ASLEEP if world.state[SLEEPING] else BITE)
            world.things[slot, TIMER] = COOLDOWN


@kernel
def _skeleton(world: World, slot: int) -> None:
    if world.bodies[slot, HEALTH] == 0:
        remove(world, slot)
    stream = world.stream
    world.things[slot, TIMER] = max(0, world.things[slot, TIMER] - 1)
    dx, dy = _offset(world, slot)
    distance = abs(dx) + abs(dy)
    if distance <= 3:
        step_x, step_y = _toward(dx, dy, uniform(stream) < 0.6)
        if try_move(world, slot, -step_x, -step_y, ON_FOOT):
            return
    if distance <= 5 and uniform(stream) < 0.5:
        step_x, step_y = _toward(dx, dy, True)
        _shoot(world, slot, step_x, step_y)
    elif distance <= 8 and uniform(stream) < 0.3:
        step_x, step_y = _toward(dx, dy, uniform(stream) < 0.6)
        try_move(world, slot, step_x, step_y, ON_FOOT)
    elif uniform(stream) < 0.2:
        _wander(world, slot)


@kernel
def _shoot(world: World, slot: int, step_x: int, step_y: int) -> None:
    x, y = world.things[slot, AT_X] + step_x, world.things[slot, AT_Y] + step_y
    if world.things[slot, TIMER] > 0 or not is_free(world, x, y, AS_ARROW):
        return
    direction = (step_x + 1) // 2 if step_x != 0 else 2 + (step_y + 1) // 2
    add(world, ARROW, x, y, 0, direction)
    world.things[slot, TIMER] = RELOAD


@kernel
def _arrow(world: World, slot: int) -> None:
    direction = world.things[slot, TIMER]
    x, y = world.things[slot, AT_X] + DIRECTION_X[direction], world.things[slot, AT_Y] + DIRECTION_Y[direction]
    if x < 0 or y < 0 or x >= world.width or y >= world.height:
        remove(world, slot)
        return
    material = world.tiles[x, y]
    if world.occupant[x, y] > 0:
        hurt(world, world.occupant[x, y] - 1, SHOT)
        remove(world, slot)
    elif (WALKABLE[material] & AS_ARROW) == 0:
        remove(world, slot)
        if material in (TABLE, FURNACE):
            set_tile(world, x, y, PATH)
    else:
        try_move(world, slot, DIRECTION_X[direction], DIRECTION_Y[direction], AS_ARROW)


@kernel
def _plant(world: World, slot: int) -> None:
    world.things[slot, TIMER] += 1
    for direction in range(4):
        x, y = world.things[slot, AT_X] + DIRECTION_X[direction], world.things[slot, AT_Y] + DIRECTION_Y[direction]
        if x < 0 or y < 0 or x >= world.width or y >= world.height:
            continue
        beside = world.occupant[x, y]
        if beside > 0:
            kind = world.bodies[beside - 1, KIND]
            if kind in (ZOMBIE, SKELETON, COW):
                hurt(world, slot, 1)
                break
    if world.bodies[slot, HEALTH] == 0:
        remove(world, slot)
