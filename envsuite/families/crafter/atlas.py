"""The map that Crafter's scripted player draws while it walks, and the ways it finds on it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import NDArray

from envsuite.families.crafter.perception import Sight
from envsuite.families.crafter.rules import AREA, SEMANTICS, VIEW

Tile = tuple[int, int]
STEPS: tuple[Tile, ...] = ((-1, 0), (1, 0), (0, -1), (0, 1))
UNKNOWN = -1
GRASS, SAND, PATH, STONE = (SEMANTICS.index(name) for name in ("grass", "sand", "path", "stone"))
WALKABLE = frozenset({GRASS, SAND, PATH})
_SOLID = frozenset(
    SEMANTICS.index(name) for name in ("stone", "coal", "iron", "diamond", "tree", "table", "furnace", "water")
)
"""What no creature walks through."""


class Atlas:
    """What has been seen so far; the player begins at the centre."""

    def __init__(self) -> None:
        self.material: NDArray[np.int64] = np.full(AREA, UNKNOWN, np.int64)
        self.things: dict[Tile, str] = {}
        """What stood on which tile in the last picture."""
        self.position: Tile = (AREA[0] // 2, AREA[1] // 2)
        self.facing: Tile = (0, 1)

    def update(self, sight: Sight, attempted: Tile | None) -> None:
        """Takes in a picture; `attempted` is the step that the last action tried, if it was a move."""
        if attempted is not None:
            self.position = self._located(sight, attempted)
        left, top = self.position[0] - VIEW[0] // 2, self.position[1] - VIEW[1] // 2
        self.facing = sight.facing
        self.things = {}
        for column in range(VIEW[0]):
            for row in range(VIEW[1]):
                tile = (left + column, top + row)
                if sight.material[column, row] > 0 and _inside(tile):
                    self.material[tile] = sight.material[column, row]
                    if sight.thing[column, row] and tile != self.position:
                        self.things[tile] = sight.thing[column, row]

    def _located(self, sight: Sight, attempted: Tile) -> Tile:
        """Returns where the player is: one step on or not, whichever fits the map better."""
        moved = add(self.position, attempted)
        expected = [moved, self.position] if self.free(moved) else [self.position, moved]
        return max(expected, key=lambda position: self._agreement(sight, position))

    def _agreement(self, sight: Sight, position: Tile) -> int:
        left, top = position[0] - VIEW[0] // 2, position[1] - VIEW[1] // 2
        right, bottom = left + VIEW[0], top + VIEW[1]
        known = self.material[max(0, left) : right, max(0, top) : bottom]
        seen = sight.material[max(0, -left) :, max(0, -top) :][: known.shape[0], : known.shape[1]]
        both = (known >= 0) & (seen > 0)
        return int((known == seen)[both].sum()) - int((known != seen)[both].sum())

    def at(self, tile: Tile) -> int:
        """Returns the material of a tile, `UNKNOWN` outside the map too."""
        return int(self.material[tile]) if _inside(tile) else UNKNOWN

    def around(self, tile: Tile) -> set[int]:
        """Returns the materials that count as near: 3 x 3 tiles, but nothing at all in the first row and column."""
        x, y = tile
        if x == 0 or y == 0:
            return set()
        return {self.at((i, j)) for i in (x - 1, x, x + 1) for j in (y - 1, y, y + 1)}

    def free(self, tile: Tile) -> bool:
        """Returns whether the player can walk onto the tile now without harm."""
        return self.at(tile) in WALKABLE and tile not in self.things

    @property
    def target(self) -> Tile:
        """The tile that the player faces."""
        return add(self.position, self.facing)

    def threatened(self) -> bool:
        """Returns whether anything that does harm is in sight."""
        return any(name in ("zombie", "skeleton") or "arrow" in name for name in self.things.values())

    def enclosed(self) -> bool:
        """Returns whether no creature can come to the tiles that can be reached from here."""
        region, edge = {self.position}, [self.position]
        while edge and len(region) <= 4:
            for other in neighbours(edge.pop()):
                if other not in region and self.free(other):
                    region.add(other)
                    edge.append(other)
        return len(region) <= 4 and not self.threatened()

    def diggable(self, tile: Tile, step: Tile) -> bool:
        """Returns whether two tiles from `tile` along `step` are stone with nothing open beside them."""
        first = add(tile, step)
        second = add(first, step)
        walls = {*neighbours(first), *neighbours(second)} - {tile, first, second}
        return self.at(first) == self.at(second) == STONE and all(self.at(wall) in _SOLID for wall in walls)

    def beside(self, wanted: Collection[int]) -> Callable[[Tile], bool]:
        """Returns a goal for `route`: to stand beside a tile of one of the materials, nothing on it."""
        return lambda tile: any(self.at(other) in wanted and other not in self.things for other in neighbours(tile))

    def frontier(self, tile: Tile) -> bool:
        """A goal for `route`: to stand beside a tile that has not been seen."""
        return any(_inside(other) and self.material[other] == UNKNOWN for other in neighbours(tile))

    def route(self, goal: Callable[[Tile], bool], passable: Collection[int], limit: int = 4096) -> list[Tile] | None:
        """Returns a shortest way to a tile that satisfies `goal`: its tiles, empty if already there.

        Goes over tiles of the `passable` materials that nothing stands on, looks at `limit` tiles at most,
        and returns None where it finds no way.
        """
        origin: dict[Tile, Tile | None] = {self.position: None}
        queue = deque([self.position])
        while queue and limit:
            limit -= 1
            tile = queue.popleft()
            if goal(tile):
                return _traced(origin, tile)
            for other in neighbours(tile):
                if other not in origin and self.at(other) in passable and other not in self.things:
                    origin[other] = tile
                    queue.append(other)
        return None


def add(tile: Tile, step: Tile) -> Tile:
    """Returns the tile one step on."""
    return tile[0] + step[0], tile[1] + step[1]


def neighbours(tile: Tile) -> tuple[Tile, ...]:
    """Returns the four tiles beside a tile, some perhaps off the map."""
    return tuple(add(tile, step) for step in STEPS)


def distance(a: Tile, b: Tile) -> int:
    """Returns how many steps apart two tiles are."""
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _inside(tile: Tile) -> bool:
    return 0 <= tile[0] < AREA[0] and 0 <= tile[1] < AREA[1]


def _traced(origin: dict[Tile, Tile | None], tile: Tile) -> list[Tile]:
    way = []
    at: Tile | None = tile
    while at is not None:
        way.append(at)
        at = origin[at]
    return way[-2::-1]
