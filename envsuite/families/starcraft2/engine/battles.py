"""SMAC's scenarios as data: who fights whom, where they stand, where the enemy goes, and where nobody can walk.

Teams, step limits, spawn points and attack points are those of SMAC's table and map scripts. Of 2m_vs_1z, 2s_vs_1sc,
6h_vs_8z and bane_vs_bane only the spawn points are known: there the enemy goes for the agents, or where these begin.
Where the members of a team stand round its point no public file tells: here they stand on a lattice, side by side.

The terrain is an approximation. The maps' cliff levels are Blizzard's data and not shipped; the areas below follow
smaclite's drawings of them (MIT) in coarse octagons. Scenarios that smaclite does not have lie where their nearest kin
do: the other battles at (9, 16) on the strip, so_many_baneling in corridor's squares, the rest on an open field.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from envsuite.families.starcraft2.engine.layout import FOE, ME
from envsuite.families.starcraft2.engine.scenario import BATTLE, NOWHERE, Rectangle, Scenario, Spawn
from envsuite.families.starcraft2.engine.units import TYPE_OF_NAME, UNIT_TYPES

SIDE = 32
"""Of every map."""
SPARE_SLOTS = 32
"""Room for units that debugging tools make."""
_LEFT, _RIGHT = (9.0, 16.0), (23.0, 16.0)
_ROW_HEIGHT = 0.875
"""Of a lattice whose points are 1 apart: a little more than that of equilateral triangles."""
_LATTICE_ROWS = 9
Point = tuple[float, float]
Group = tuple[Point, str, int]
"""Where, what, how many."""
Cells = NDArray[np.bool_]
"""(SIDE, SIDE), x first: where ground units can be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Battle:
    """One of SMAC's scenarios."""

    name: str
    """As SMAC spells it."""
    limit: int
    """Steps after which a battle is lost."""
    allies: tuple[Group, ...]
    """Types by the names of the game's own units; the agents' are SMAC's form of them."""
    enemies: tuple[Group, ...]
    attack: Point | None = _LEFT
    """Where the enemy goes; None goes for the agents wherever they are."""
    ground: str = "strip"
    """A name in `GROUNDS`."""
    enemy_order: tuple[str, ...] = ()
    """Types in the order of their bits, where it is not that of the names."""

    @property
    def agents(self) -> int:
        """How many units the first player has."""
        return sum(count for _, _, count in self.allies)

    @property
    def foes(self) -> int:
        """How many units the second player has."""
        return sum(count for _, _, count in self.enemies)

    def scenario(self, *, passive: bool = False) -> Scenario:
        """Returns the map; `passive` gives the second player SMAC's form of its units, too, and no orders."""
        return _scenario(self, passive)


def _octagon(left: int, bottom: int, right: int, top: int, cuts: tuple[int, int, int, int] = (0, 0, 0, 0)) -> Cells:
    """Returns the cells of a rectangle without its corners: bottom left, bottom right, top left, top right."""
    x, y = np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing="ij")
    west, east, south, north = x - left, right - 1 - x, y - bottom, top - 1 - y
    inside = (west >= 0) & (east >= 0) & (south >= 0) & (north >= 0)
    corners = ((west, south), (east, south), (west, north), (east, north))
    for (across, along), cut in zip(corners, cuts, strict=True):
        inside &= across + along >= cut
    return inside


_SQUARES = _octagon(11, 13, 31, 31, (0, 5, 8, 3)) | _octagon(1, 1, 13, 13, (1, 1, 1, 1)) | _octagon(11, 12, 15, 14)
GROUNDS: Mapping[str, Cells] = {
    "field": _octagon(0, 0, SIDE, SIDE),
    "strip": _octagon(0, 8, SIDE, 24),
    "squares": _SQUARES,
    "octagon": _octagon(5, 5, 27, 27, (5, 5, 5, 5)),
    "pentagon": _octagon(7, 6, 21, 25, (0, 0, 5, 5)),
    "ravine": _octagon(0, 5, SIDE, 21, (3, 3, 3, 3)),
}
LEDGES: Mapping[str, Rectangle] = {"ravine": (4.0, 13.0, 28.0, 14.0)}
"""A cliff across the ground that a colossus steps over."""

_ZEALOTS_FIRST = ("Zealot", "Stalker")
"""SMAC counts its enemies' bits from the zealot's id where there are these two, and its agents' from the stalker's."""


def _at(point: Point, **counts: int) -> tuple[Group, ...]:
    return tuple((point, name, count) for name, count in counts.items())


def _even(name: str, limit: int, enemy_order: tuple[str, ...] = (), **counts: int) -> Battle:
    """Returns a battle of equal teams, left and right."""
    return Battle(
        name=name,
        limit=limit,
        allies=_at(_LEFT, **counts),
        enemies=_at(_RIGHT, **counts),
        enemy_order=enemy_order,
    )


def _marines(allies: int, enemies: int, limit: int) -> Battle:
    name = f"{allies}m" if allies == enemies else f"{allies}m_vs_{enemies}m"
    return Battle(name=name, limit=limit, allies=_at(_LEFT, Marine=allies), enemies=_at(_RIGHT, Marine=enemies))


def _stalkers(zealots: int, limit: int) -> Battle:
    return Battle(
        name=f"3s_vs_{zealots}z",
        limit=limit,
        allies=_at(_LEFT, Stalker=3),
        enemies=_at(_RIGHT, Zealot=zealots),
        ground="field",
    )


_ROWS = (
    _marines(3, 3, 60),
    _marines(8, 8, 120),
    _marines(25, 25, 150),
    _marines(5, 6, 70),
    _marines(8, 9, 120),
    _marines(10, 11, 150),
    _marines(27, 30, 180),
    _even("MMM", 150, Marauder=2, Marine=7, Medivac=1),
    Battle(
        name="MMM2",
        limit=180,
        allies=_at(_LEFT, Marauder=2, Marine=7, Medivac=1),
        enemies=_at(_RIGHT, Marauder=3, Marine=8, Medivac=1),
    ),
    _even("2s3z", 120, _ZEALOTS_FIRST, Stalker=2, Zealot=3),
    _even("3s5z", 150, _ZEALOTS_FIRST, Stalker=3, Zealot=5),
    Battle(
        name="3s5z_vs_3s6z",
        limit=170,
        allies=_at(_LEFT, Stalker=3, Zealot=5),
        enemies=_at(_RIGHT, Stalker=3, Zealot=6),
        enemy_order=_ZEALOTS_FIRST,
    ),
    _even("1c3s5z", 180, Colossus=1, Stalker=3, Zealot=5),
    _stalkers(3, 150),
    _stalkers(4, 200),
    _stalkers(5, 250),
    Battle(
        name="2m_vs_1z",
        limit=150,
        allies=(*_at((13.0, 12.0), Marine=1), *_at((19.0, 12.0), Marine=1)),
        enemies=_at((16.0, 19.0), Zealot=1),
        attack=None,
        ground="field",
    ),
    Battle(
        name="2s_vs_1sc",
        limit=300,
        allies=(*_at((11.12, 10.34), Stalker=1), *_at((16.98, 10.37), Stalker=1)),
        enemies=_at((13.92, 20.04), SpineCrawler=1),
        ground="pentagon",
    ),
    Battle(
        name="6h_vs_8z",
        limit=150,
        allies=_at((14.60, 9.49), Hydralisk=6),
        enemies=_at((14.41, 16.76), Zealot=8),
        attack=(14.60, 9.49),
        ground="field",
    ),
    Battle(
        name="2c_vs_64zg",
        limit=400,
        allies=_at((16.0, 16.0), Colossus=2),
        enemies=_at((16.0, 9.0), Zergling=64),
        attack=None,
        ground="ravine",
    ),
    Battle(
        name="corridor",
        limit=400,
        allies=_at((19.04, 19.12), Zealot=6),
        enemies=_at((27.91, 28.24), Zergling=24),
        attack=(4.47, 4.33),
        ground="squares",
    ),
    Battle(
        name="so_many_baneling",
        limit=100,
        allies=_at((11.47, 12.02), Zealot=7),
        enemies=_at((27.91, 28.24), Baneling=32),
        attack=(4.47, 4.33),
        ground="squares",
    ),
    Battle(
        name="bane_vs_bane",
        limit=200,
        allies=(*_at((16.0, 8.0), Baneling=4), *_at((16.0, 11.0), Zergling=20)),
        enemies=(*_at((16.0, 24.0), Baneling=4), *_at((16.0, 21.0), Zergling=20)),
        attack=(16.0, 8.0),
        ground="octagon",
    ),
)
SMAC: Mapping[str, Battle] = {battle.name: battle for battle in _ROWS}
"""SMAC's scenarios by name."""


def own_form(name: str) -> int:
    """Returns the number of the type that agents have of a unit of the game: SMAC's passive form."""
    return TYPE_OF_NAME[f"{name}_RL"]


@functools.cache
def _scenario(battle: Battle, passive: bool) -> Scenario:
    ground = GROUNDS[battle.ground]
    allies = _stand(battle.allies, ME, ground, 1.0, passive=True)
    # SMAC's agents are sorted so.
    allies.sort(key=lambda spawn: (UNIT_TYPES[spawn[1]].unit_id, spawn[2], spawn[3]))
    enemies = _stand(battle.enemies, FOE, ground, -1.0, passive=passive)
    if passive:
        enemies.sort(key=lambda spawn: (UNIT_TYPES[spawn[1]].unit_id, -spawn[2], spawn[3]))
    return Scenario(
        name=battle.name,
        script=BATTLE,
        slots=len(allies) + len(enemies) + SPARE_SLOTS,
        size=(SIDE, SIDE),
        playable=(0.0, 0.0, float(SIDE), float(SIDE)),
        limit_loops=0,
        camera=(SIDE / 2, SIDE / 2),
        attack=(NOWHERE, NOWHERE) if passive or battle.attack is None else battle.attack,
        hunt=battle.attack is None and not passive,
        spawn=(*allies, *enemies),
        cliffs=tuple(_runs(~ground)),
        ledges=(LEDGES[battle.ground],) if battle.ground in LEDGES else (),
    )


def _stand(groups: tuple[Group, ...], owner: int, ground: Cells, mirror: float, *, passive: bool) -> list[Spawn]:
    """Returns where the units of a team stand: those of one point and one layer on one lattice."""
    spawns: list[Spawn] = []
    for (x, y), members in itertools.groupby(groups, key=lambda group: group[0]):
        names = [name for _, name, count in members for _ in range(count)]
        kinds = [own_form(name) if passive and f"{name}_RL" in TYPE_OF_NAME else TYPE_OF_NAME[name] for name in names]
        for air in (False, True):
            layer = [kind for kind in kinds if UNIT_TYPES[kind].air == air]
            if layer:
                spacing = 2.0 * max(UNIT_TYPES[kind].radius for kind in layer)
                places = _places((x, y), spacing, mirror, ground, len(layer))
                spawns += [(owner, kind, *place) for kind, place in zip(layer, places, strict=True)]
    return spawns


def _places(center: Point, spacing: float, mirror: float, ground: Cells, count: int) -> list[Point]:
    """Returns the points of a lattice that are nearest to a point and on the ground."""
    offsets = sorted(_lattice(), key=lambda offset: (offset[0] ** 2 + offset[1] ** 2, abs(offset[1]), *offset))
    points = ((center[0] + mirror * spacing * dx, center[1] + spacing * dy) for dx, dy in offsets)
    standing = [(x, y) for x, y in points if 0 <= x < SIDE and 0 <= y < SIDE and ground[int(x), int(y)]]
    return standing[:count]


def _lattice() -> Iterator[Point]:
    for row in range(-_LATTICE_ROWS, _LATTICE_ROWS + 1):
        for column in range(-_LATTICE_ROWS, _LATTICE_ROWS + 1):
            yield column + (0.5 if row % 2 else 0.0), row * _ROW_HEIGHT


def _runs(cells: Cells) -> Iterator[Rectangle]:
    """Yields rectangles that cover the cells: runs along x, row by row."""
    for y in range(SIDE):
        x = 0
        for value, run in itertools.groupby(cells[:, y].tolist()):
            length = len(list(run))
            if value:
                yield float(x), float(y), float(x + length), y + 1.0
            x += length


class _Maps(Mapping[str, Scenario]):
    """Maps that are made when they are asked for, so that whoever only lists tasks need not wait."""

    def __getitem__(self, name: str) -> Scenario:
        return SMAC[name].scenario()

    def __iter__(self) -> Iterator[str]:
        return iter(SMAC)

    def __len__(self) -> int:
        return len(SMAC)


BATTLES: Mapping[str, Scenario] = _Maps()
"""The maps of SMAC's scenarios by name."""
