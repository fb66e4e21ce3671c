"""How Crafter's scripted player gets to places: each method returns the next action, or None for no way."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from envsuite.families.crafter.atlas import STEPS, WALKABLE, Atlas, Tile, add, distance, neighbours
from envsuite.families.crafter.rules import ACTIONS

MOVES: Mapping[Tile, int] = dict(zip(STEPS, range(1, 5), strict=True))
"""The action that takes each of the four steps."""
DO = ACTIONS.index("do")
NOOP = ACTIONS.index("noop")
NEAR = 150
"""How many tiles a search for something optional looks at."""
ANYWHERE = 4096


class Walker:
    """Legs and hands on a map that somebody else keeps."""

    def __init__(self, atlas: Atlas, rng: np.random.Generator) -> None:
        self._atlas = atlas
        self._rng = rng
        self._step: Tile = (0, 1)
        self._steps_left = 0

    def use(self, materials: Collection[int], passable: frozenset[int], limit: int = ANYWHERE) -> int | None:
        """Goes beside the nearest tile of the materials, faces it and uses it."""
        atlas = self._atlas
        if not np.isin(atlas.material, list(materials)).any():
            return None
        way = atlas.route(atlas.beside(materials), passable - set(materials), limit)
        if way is None:
            return None
        if way:
            return self.towards(way[0])
        wanted = [tile for tile in neighbours(atlas.position) if atlas.at(tile) in materials]
        return self.face({tile for tile in wanted if tile not in atlas.things})

    def approach(self, tiles: Collection[Tile], limit: int = NEAR) -> int | None:
        """Goes beside the nearest of the things on the tiles, faces it and strikes."""
        if not tiles:
            return None
        way = self._atlas.route(lambda tile: any(distance(tile, other) == 1 for other in tiles), WALKABLE, limit)
        if way is None:
            return None
        return self.towards(way[0]) if way else self.face(tiles)

    def face(self, tiles: Collection[Tile]) -> int | None:
        """Faces one of the tiles, which must be beside the player, and uses or strikes it."""
        if self._atlas.target in tiles:
            return DO
        for step, action in MOVES.items():
            if add(self._atlas.position, step) in tiles:
                return action
        return None

    def towards(self, tile: Tile) -> int:
        """Returns the action that brings the player onto a tile beside it, or clears what is in the way."""
        step = (tile[0] - self._atlas.position[0], tile[1] - self._atlas.position[1])
        if self._atlas.at(tile) not in WALKABLE and self._atlas.facing == step:
            return DO
        return MOVES[step]

    def explore(self, passable: frozenset[int]) -> int | None:
        """Goes to the nearest edge of what has been seen."""
        way = self._atlas.route(self._atlas.frontier, passable)
        return self.towards(way[0]) if way else None

    def wander(self) -> int:
        """Walks on in one direction for a while, then in another; never onto a tile it does not know."""
        step, left = self._step, self._steps_left
        if left <= 0 or not self._atlas.free(add(self._atlas.position, step)):
            order = [STEPS[index] for index in self._rng.permutation(len(STEPS))]
            step = next((step for step in order if self._atlas.free(add(self._atlas.position, step))), (0, 0))
            left = int(self._rng.integers(2, 8))
        self._step, self._steps_left = step, left - 1
        return MOVES.get(step, NOOP)
