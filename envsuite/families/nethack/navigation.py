"""What the scripted expert knows of a level, and the shortest ways across it.

Squares are numbers: `row * WIDTH + column` of a map that is padded by one square on each side, so that
every square of the game has eight neighbours.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from envsuite.families.nethack.describe import glyph_name

ROWS, COLUMNS = 21, 79
WIDTH = COLUMNS + 2
SQUARES = (ROWS + 2) * WIDTH
UNKNOWN, SOLID, FLOOR, CORRIDOR, DOORWAY, CLOSED_DOOR, DOWN, UP, HOLE, TRAP, OBJECT, GOLD, BOULDER, CREATURE, PET = (
    range(15)
)
"""Kinds of squares, by what is on top."""
MOVES = {-WIDTH: "k", 1: "l", WIDTH: "j", -1: "h", 1 - WIDTH: "u", 1 + WIDTH: "n", WIDTH - 1: "b", -WIDTH - 1: "y"}
"""Difference of squares -> key."""
STRAIGHT = (-WIDTH, 1, WIDTH, -1)
_DIAGONAL = (1 - WIDTH, 1 + WIDTH, WIDTH - 1, -WIDTH - 1)
_WALKABLE = (FLOOR, CORRIDOR, DOORWAY, CLOSED_DOOR, DOWN, UP, OBJECT, GOLD, CREATURE, PET)
_FLOORS = ("floor of a room", "dark part of a room", "altar", "grave", "opulent throne", "sink", "fountain", "ice")
_KINDS = {
    **dict.fromkeys((*_FLOORS, "lowered drawbridge"), FLOOR),
    **dict.fromkeys(("corridor", "lit corridor"), CORRIDOR),
    **dict.fromkeys(("doorway", "open door"), DOORWAY),
    **dict.fromkeys(("hole", "trap door"), HOLE),
    **dict.fromkeys(("staircase down", "ladder down"), DOWN),
    **dict.fromkeys(("staircase up", "ladder up"), UP),
    "closed door": CLOSED_DOOR,
    "boulder": BOULDER,
    "gold piece": GOLD,
}


@cache
def kinds() -> NDArray[np.uint8]:
    """Returns the kind of every glyph, uint8 (number of glyphs + 1,)."""
    from nle import nethack

    return np.array([_kind(glyph) for glyph in range(nethack.MAX_GLYPH + 1)], np.uint8)


def _kind(glyph: int) -> int:
    from nle import nethack

    name = glyph_name(glyph)
    if nethack.glyph_is_pet(glyph):
        return PET
    if nethack.glyph_is_monster(glyph) or nethack.glyph_is_invisible(glyph):
        return CREATURE
    if name in _KINDS:
        return _KINDS[name]
    if nethack.glyph_is_object(glyph) or nethack.glyph_is_body(glyph) or nethack.glyph_is_statue(glyph):
        return OBJECT
    if glyph == nethack.GLYPH_CMAP_OFF:
        return UNKNOWN
    return TRAP if nethack.glyph_is_trap(glyph) else SOLID


def square_at(x: int, y: int) -> int:
    """Returns the square of the map's column x and row y."""
    return (y + 1) * WIDTH + x + 1


@dataclass(slots=True)
class Level:
    """What has been seen and tried on one level of the dungeon; arrays are flat, one entry per square."""

    glyphs: NDArray[np.int16] = field(default_factory=lambda: np.zeros(SQUARES, np.int16))
    kinds: NDArray[np.uint8] = field(default_factory=lambda: np.full(SQUARES, SOLID, np.uint8))
    visited: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(SQUARES, np.bool_))
    searched: NDArray[np.int32] = field(default_factory=lambda: np.zeros(SQUARES, np.int32))
    blocked_until: NDArray[np.int64] = field(default_factory=lambda: np.zeros(SQUARES, np.int64))
    downs: set[int] = field(default_factory=set)
    ups: set[int] = field(default_factory=set)
    wrong_downs: set[int] = field(default_factory=set)
    """Ways down into another branch of the dungeon."""
    kicks: dict[int, int] = field(default_factory=dict)
    doors: set[int] = field(default_factory=set)
    peaceful: set[int] = field(default_factory=set)
    """Glyphs of creatures that it would be wrong to attack."""
    shop: bool = False
    turns: int = 0
    rounds: int = 0
    """How many squares have been searched from."""

    def see(self, glyphs: NDArray[np.int16], hero: int) -> None:
        """Takes in the map that the hero at square `hero` sees."""
        grid = self.glyphs.reshape(ROWS + 2, WIDTH)
        grid[1:-1, 1:-1] = glyphs
        self.kinds.reshape(ROWS + 2, WIDTH)[1:-1, 1:-1] = kinds()[glyphs]
        self.visited[hero] = True
        self.downs.update(np.flatnonzero((self.kinds == DOWN) | (self.kinds == HOLE)).tolist())
        self.ups.update(np.flatnonzero(self.kinds == UP).tolist())
        self.doors.update(np.flatnonzero((self.kinds == DOORWAY) | (self.kinds == CLOSED_DOOR)).tolist())

    def passable(self, turn: int, avoided: frozenset[int], push: bool) -> NDArray[np.bool_]:
        """Returns bool per square: whether the hero may try to walk there; `push` allows boulders too."""
        allowed = np.isin(self.kinds, (*_WALKABLE, BOULDER, TRAP) if push else _WALKABLE)
        allowed &= self.blocked_until <= turn
        creatures = np.flatnonzero(self.kinds == CREATURE)
        for square in creatures.tolist():
            glyph = int(self.glyphs[square])
            allowed[square] = glyph not in avoided and glyph not in self.peaceful
        if self.shop:
            allowed &= self.kinds != OBJECT
        return allowed

    def frontier(self, allowed: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Returns bool per square: where the hero has not been and would see something new."""
        unknown = self.kinds == UNKNOWN
        near = np.zeros_like(unknown)
        for step in MOVES:
            near |= np.roll(unknown, -step)
        closed = self.kinds == CLOSED_DOOR
        frontier: NDArray[np.bool_] = allowed & ~self.visited & (near | closed)
        return frontier

    def places_to_search(self, allowed: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Returns int per square: what searching there is worth, in steps of walking, 0 where it is not.

        Dead ends of corridors are worth most, then squares by a wall behind which nothing is known;
        every search there takes from it.
        """
        ways = np.zeros(SQUARES, np.int32)
        walls = np.zeros(SQUARES, np.bool_)
        for step in MOVES:
            ways += np.roll(allowed, -step)
        for step in STRAIGHT:
            wall = np.roll(self.kinds == SOLID, -step)
            beyond = np.roll(self.kinds == UNKNOWN, -2 * step) & np.roll(self.kinds == UNKNOWN, -3 * step)
            walls |= wall & beyond
        dead_end = (self.kinds == CORRIDOR) & (ways <= 1)
        worth = np.where(dead_end, 160, 0) + np.where(walls, 120, 0) + np.where(self.kinds == CORRIDOR, 60, 0) + 200
        return np.where(allowed, np.maximum(worth - 6 * self.searched, 1), 0).astype(np.int32)


def flood(level: Level, start: int, allowed: NDArray[np.bool_]) -> Iterator[tuple[int, int, int]]:
    """Yields square, distance and the first square of a shortest way there, nearest squares first.

    Doorways are entered and left straight only.
    """
    seen = bytearray(~allowed)
    seen[start] = 1
    doors = level.doors
    queue: deque[tuple[int, int, int]] = deque([(start, 0, start)])
    while queue:
        square, distance, first = queue.popleft()
        yield square, distance, first
        for step in STRAIGHT:
            there = square + step
            if not seen[there]:
                seen[there] = 1
                queue.append((there, distance + 1, first if distance else there))
        if square in doors:
            continue
        for step in _DIAGONAL:
            there = square + step
            if not seen[there] and there not in doors:
                seen[there] = 1
                queue.append((there, distance + 1, first if distance else there))


def nearest(level: Level, start: int, allowed: NDArray[np.bool_], targets: NDArray[np.bool_]) -> int | None:
    """Returns the first square of a shortest way from `start` to a target; `start` itself if it is one; else None."""
    wanted = targets.tobytes()
    if wanted[start]:
        return start
    reach = allowed | targets
    return next((first for square, _, first in flood(level, start, reach) if wanted[square]), None)


def squares(*members: int) -> NDArray[np.bool_]:
    """Returns bool per square: whether it is one of `members`."""
    mask = np.zeros(SQUARES, np.bool_)
    mask[list(members)] = True
    return mask
