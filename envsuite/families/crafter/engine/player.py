"""The player's turn: the action, the needs of the body, and which actions would have an effect."""

from __future__ import annotations

from typing import Any

from envsuite.families.crafter.engine.compiled import kernel
from envsuite.families.crafter.engine.creatures import PLANT_HEALTH, RIPE_AGE, hurt
from envsuite.families.crafter.engine.layout import (
    ACHIEVED,
    ACTION_COUNT,
    ARROW,
    COW,
    DIRECTION_X,
    DIRECTION_Y,
    FACING,
    FATIGUE,
    HEALTH,
    HUNGER,
    HURT_FROM,
    INVENTORY,
    ITEM_COUNT,
    KIND,
    PLANT,
    RECOVER,
    SKELETON,
    SLEEPING,
    THIRST,
    TIMER,
    ZOMBIE,
    World,
    X,
    Y,
)
from envsuite.families.crafter.engine.stream import uniform
from envsuite.families.crafter.engine.tables import (
    AS_PLAYER,
    COLLECT_ACHIEVEMENT,
    COLLECT_CHANCE,
    COLLECT_GIVES,
    COLLECT_LEAVES,
    COLLECT_NEEDS,
    COLLECTABLE,
    ITEM_MAX,
    MAKE_ACHIEVEMENT,
    MAKE_GIVES,
    MAKE_NEARBY,
    MAKE_USES,
    ON_FOOT,
    PLACE_ACHIEVEMENT,
    PLACE_MATERIAL,
    PLACE_USES,
    PLACE_WHERE,
)
from envsuite.families.crafter.engine.things import add, is_free, set_tile, try_move
from envsuite.families.crafter.rules import ACHIEVEMENTS, ACTIONS, ITEMS, SEMANTICS

NOOP, MOVE, DO, SLEEP = (ACTIONS.index(name) for name in ("noop", "move_left", "do", "sleep"))
PLACE, MAKE = ACTIONS.index("place_stone"), ACTIONS.index("make_wood_pickaxe")
_LIFE, _FOOD, _DRINK, _ENERGY = (INVENTORY + ITEMS.index(name) for name in ("health", "food", "drink", "energy"))
_WOOD_SWORD, _STONE_SWORD, _IRON_SWORD = (
    INVENTORY + ITEMS.index(name) for name in ("wood_sword", "stone_sword", "iron_sword")
)
_WAKE_UP, _EAT_COW, _EAT_PLANT, _DEFEAT_ZOMBIE, _DEFEAT_SKELETON = (
    ACHIEVED + ACHIEVEMENTS.index(name)
    for name in ("wake_up", "eat_cow", "eat_plant", "defeat_zombie", "defeat_skeleton")
)
_WATER, _LAVA = SEMANTICS.index("water"), SEMANTICS.index("lava")
COW_FOOD, PLANT_FOOD = 6, 4
# Limits of the counters, those of hunger, thirst and recovery in halves.
_HUNGRY, _THIRSTY, _TIRED, _RESTED = 50, 40, 30, -10
_HEALED, _WEAKENED = 50, -30


@kernel
def take_turn(world: World, action: int) -> None:
    """Does the player's part of a step."""
    state = world.state
    if state[SLEEPING]:
        if state[_ENERGY] < ITEM_MAX[_ENERGY - INVENTORY]:
            action = SLEEP
        else:
            state[SLEEPING] = 0
            state[_WAKE_UP] += 1
    _act(world, action)
    _live(world)
    _heal(world)
    for item in range(ITEM_COUNT):
        state[INVENTORY + item] = max(0, min(state[INVENTORY + item], ITEM_MAX[item]))
    if state[_LIFE] < state[HURT_FROM]:
        state[SLEEPING] = 0
    state[HURT_FROM] = state[_LIFE]


@kernel
def _act(world: World, action: int) -> None:
    state = world.state
    x, y, inside = _target(world)
    if MOVE <= action < DO:
        _move(world, action - MOVE)
    elif action == DO and inside:
        slot = world.occupant[x, y] - 1
        if slot >= 0:
            _do_thing(world, slot)
        else:
            _do_material(world, x, y)
    elif action == SLEEP:
        if state[_ENERGY] < ITEM_MAX[_ENERGY - INVENTORY]:
            state[SLEEPING] = 1
    elif PLACE <= action < MAKE:
        if inside and _can_place(world, action - PLACE, x, y):
            _place(world, action - PLACE, x, y)
    elif action >= MAKE and _can_make(world, action - MAKE):
        _make(world, action - MAKE)


@kernel
def write_effective(world: World, out: Any) -> None:
    """Writes, bool (17,), which actions would do something now; "noop" always counts.

    A turn counts as acting, and so does a try whose outcome is drawn (a sapling from grass). Asleep and not
    rested, only "noop" and "sleep" act.
    """
    state = world.state
    tired = state[_ENERGY] < ITEM_MAX[_ENERGY - INVENTORY]
    out[:] = False
    out[NOOP] = True
    out[SLEEP] = tired
    if state[SLEEPING] and tired:
        return
    for direction in range(4):
        x, y = state[X] + DIRECTION_X[direction], state[Y] + DIRECTION_Y[direction]
        out[MOVE + direction] = state[FACING] != direction or is_free(world, x, y, ON_FOOT | AS_PLAYER)
    x, y, inside = _target(world)
    if inside:
        out[DO] = _can_do(world, x, y)
        for what in range(MAKE - PLACE):
            out[PLACE + what] = _can_place(world, what, x, y)
    for what in range(ACTION_COUNT - MAKE):
        out[MAKE + what] = _can_make(world, what)


@kernel
def _target(world: World) -> tuple[int, int, bool]:
    """Returns the tile that the player faces, and whether it is on the map."""
    state = world.state
    x, y = state[X] + DIRECTION_X[state[FACING]], state[Y] + DIRECTION_Y[state[FACING]]
    return x, y, 0 <= x < world.width and 0 <= y < world.height


@kernel
def _owns(world: World, amounts: Any) -> bool:
    for item in range(ITEM_COUNT):
        if world.state[INVENTORY + item] < amounts[item]:
            return False
    return True


@kernel
def _move(world: World, direction: int) -> None:
    state = world.state
    state[FACING] = direction
    if try_move(world, 0, DIRECTION_X[direction], DIRECTION_Y[direction], ON_FOOT | AS_PLAYER):
        state[X] += DIRECTION_X[direction]
        state[Y] += DIRECTION_Y[direction]
    if world.tiles[state[X], state[Y]] == _LAVA:
        state[_LIFE] = 0


@kernel
def _can_do(world: World, x: int, y: int) -> bool:
    slot = world.occupant[x, y] - 1
    if slot >= 0:
        kind = world.bodies[slot, KIND]
        return kind != ARROW and (kind != PLANT or world.things[slot, TIMER] > RIPE_AGE)
    material = world.tiles[x, y]
    return COLLECTABLE[material] and _owns(world, COLLECT_NEEDS[material])


@kernel
def _do_thing(world: World, slot: int) -> None:
    state, kind = world.state, world.bodies[slot, KIND]
    if kind == PLANT:
        if world.things[slot, TIMER] > RIPE_AGE:
            world.things[slot, TIMER] = 0
            state[_FOOD] += PLANT_FOOD
            state[_EAT_PLANT] += 1
        return
    if kind != COW and kind != ZOMBIE and kind != SKELETON:
        return
    damage = 1
    for sword, strength in ((_WOOD_SWORD, 2), (_STONE_SWORD, 3), (_IRON_SWORD, 5)):
        if state[sword] > 0:
            damage = max(damage, strength)
    hurt(world, slot, damage)
    if world.bodies[slot, HEALTH] > 0:
        return
    if kind == COW:
        state[_FOOD] += COW_FOOD
        state[_EAT_COW] += 1
        state[HUNGER] = 0
    elif kind == ZOMBIE:
        state[_DEFEAT_ZOMBIE] += 1
    else:
        state[_DEFEAT_SKELETON] += 1


@kernel
def _do_material(world: World, x: int, y: int) -> None:
    state, material = world.state, world.tiles[x, y]
    if material == _WATER:
        state[THIRST] = 0
    if not (COLLECTABLE[material] and _owns(world, COLLECT_NEEDS[material])):
        return
    set_tile(world, x, y, COLLECT_LEAVES[material])
    if uniform(world.stream) <= COLLECT_CHANCE[material]:
        for item in range(ITEM_COUNT):
            if COLLECT_GIVES[material, item] > 0:
                state[INVENTORY + item] += COLLECT_GIVES[material, item]
                state[ACHIEVED + COLLECT_ACHIEVEMENT[item]] += 1


@kernel
def _can_place(world: World, what: int, x: int, y: int) -> bool:
    if world.occupant[x, y] > 0:
        return False
    return PLACE_WHERE[what, world.tiles[x, y]] and _owns(world, PLACE_USES[what])


@kernel
def _place(world: World, what: int, x: int, y: int) -> None:
    state = world.state
    for item in range(ITEM_COUNT):
        state[INVENTORY + item] -= PLACE_USES[what, item]
    if PLACE_MATERIAL[what] > 0:
        set_tile(world, x, y, PLACE_MATERIAL[what])
    else:
        add(world, PLANT, x, y, PLANT_HEALTH, 0)
    state[ACHIEVED + PLACE_ACHIEVEMENT[what]] += 1


@kernel
def _can_make(world: World, what: int) -> bool:
    if not _owns(world, MAKE_USES[what]):
        return False
    for material in range(MAKE_NEARBY.shape[1]):
        if MAKE_NEARBY[what, material] and not _is_nearby(world, material):
            return False
    return True


@kernel
def _is_nearby(world: World, material: int) -> bool:
    """Returns whether the 3 x 3 tiles around the player hold a material.

    As in the reference, whose window begins at -1 in the first row and column and is read from the far end
    there: on any map wider than two tiles it is empty then.
    """
    x, y = world.state[X], world.state[Y]
    left, top = (x - 1) % world.width, (y - 1) % world.height
    for column in range(left, min(x + 2, world.width)):
        for row in range(top, min(y + 2, world.height)):
            if world.tiles[column, row] == material:
                return True
    return False


@kernel
def _make(world: World, what: int) -> None:
    state = world.state
    for item in range(ITEM_COUNT):
        state[INVENTORY + item] += MAKE_GIVES[what, item] - MAKE_USES[what, item]
    state[ACHIEVED + MAKE_ACHIEVEMENT[what]] += 1


@kernel
def _live(world: World) -> None:
    """Makes the player hungrier, thirstier, and more tired or more rested."""
    state = world.state
    pace = 1 if state[SLEEPING] else 2
    state[HUNGER] += pace
    if state[HUNGER] > _HUNGRY:
        state[HUNGER] = 0
        state[_FOOD] -= 1
    state[THIRST] += pace
    if state[THIRST] > _THIRSTY:
        state[THIRST] = 0
        state[_DRINK] -= 1
    state[FATIGUE] = min(state[FATIGUE] - 1, 0) if state[SLEEPING] else state[FATIGUE] + 1
    if state[FATIGUE] < _RESTED:
        state[FATIGUE] = 0
        state[_ENERGY] += 1
    if state[FATIGUE] > _TIRED:
        state[FATIGUE] = 0
        state[_ENERGY] -= 1


@kernel
def _heal(world: World) -> None:
    """Restores health while no need is at zero, wears it away otherwise."""
    state = world.state
    asleep = state[SLEEPING] != 0
    if state[_FOOD] > 0 and state[_DRINK] > 0 and (state[_ENERGY] > 0 or asleep):
        state[RECOVER] += 4 if asleep else 2
    else:
        state[RECOVER] -= 1 if asleep else 2
    if state[RECOVER] > _HEALED:
        state[RECOVER] = 0
        state[_LIFE] = max(0, state[_LIFE] + 1)
    if state[RECOVER] < _WEAKENED:
        state[RECOVER] = 0
        state[_LIFE] = max(0, state[_LIFE] - 1)
