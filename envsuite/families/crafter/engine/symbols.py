"""The symbolic view: what the picture shows, as numbers."""

from __future__ import annotations

from typing import Any

from envsuite.families.crafter.engine.compiled import kernel
from envsuite.families.crafter.engine.frame import sprite_of
from envsuite.families.crafter.engine.layout import AT_X, AT_Y, KIND, SLOTS, World, X, Y


@kernel
def write_symbols(world: World, materials: Any, things: Any) -> None:
    """Writes what is on the tiles of the view, each uint8 (rows, columns).

    Materials are numbers of `rules.SEMANTICS`, 0 beyond the edge of the map; things of `rules.SPRITES`.
    """
    rows, columns = materials.shape
    left, top = world.state[X] - columns // 2, world.state[Y] - rows // 2
    for row in range(rows):
        for column in range(columns):
            x, y = left + column, top + row
            materials[row, column] = things[row, column] = 0
            if 0 <= x < world.width and 0 <= y < world.height:
                materials[row, column] = world.tiles[x, y]
                slot = world.occupant[x, y] - 1
                if slot >= 0:
                    things[row, column] = sprite_of(world, slot)


@kernel
def write_semantic(world: World, out: Any) -> None:
    """Writes the whole map, uint8 (width, height): materials, and over them the kinds of things."""
    for x in range(world.width):
        for y in range(world.height):
            out[x, y] = world.tiles[x, y]
    for slot in range(world.state[SLOTS]):
        kind = world.bodies[slot, KIND]
        if kind:
            out[world.things[slot, AT_X], world.things[slot, AT_Y]] = kind
