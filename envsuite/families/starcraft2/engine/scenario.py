"""Scenarios: the seven mini-games, SMAC's battles and a melee as data, with what their scripts need to know."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from envsuite.families.starcraft2.engine import units
from envsuite.families.starcraft2.engine.layout import FOE, GRAIN, LEDGE, ME, NEUTRAL, Setting

BEACON, SHARDS, FIND, ROACHES, BANELINGS, GAS, MARINES, BATTLE, MELEE = range(9)
"""Scripts: rules of their own in `script`."""
NOWHERE = float("nan")
Spawn = tuple[int, int, float, float]
"""Owner, type, x, y."""
Rectangle = tuple[float, float, float, float]
"""Left, bottom, right, top."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One map: what stands where, how long it lasts, which rules it has."""

    name: str
    """As upstream spells it: MoveToBeacon, 3m."""
    script: int
    slots: int
    """Most units there can be at once."""
    size: tuple[int, int] = (64, 64)
    playable: Rectangle = (22.0, 20.0, 44.0, 36.0)
    limit_loops: int = 120 * units.LOOPS_PER_SECOND
    fog: bool = False
    free_camera: bool = False
    camera: tuple[float, float] = (33.0, 25.0)
    """Where the screen's centre is at first."""
    attack: tuple[float, float] = (NOWHERE, NOWHERE)
    """Where a battle's enemies attack-move to."""
    hunt: bool = False
    """Whether a battle's enemies go for the first player's units, wherever they are, in place of a point."""
    spawn: tuple[Spawn, ...] = ()
    cliffs: tuple[Rectangle, ...] = field(default=())
    """Where ground units cannot be, beside what lies outside `playable`."""
    ledges: tuple[Rectangle, ...] = field(default=())
    """Cliffs that a colossus steps over."""

    def setting(self) -> Setting:
        """Returns what compiled functions take."""
        left, bottom, right, top = self.playable
        return Setting(
            script=self.script,
            width=float(self.size[0]),
            height=float(self.size[1]),
            left=left,
            bottom=bottom,
            # A point on the map's far edge would be in no cell.
            right=min(right, self.size[0] - 1.0 / GRAIN),
            top=min(top, self.size[1] - 1.0 / GRAIN),
            limit_loops=self.limit_loops,
            fog=self.fog,
            free_camera=self.free_camera,
            attack_x=self.attack[0],
            attack_y=self.attack[1],
            hunt=self.hunt,
            flat=not self.cliffs and not self.ledges,
            spawn=np.array(self.spawn, np.float64).reshape(-1, 4),
            cliffs=self._cliffs(),
        )

    def _cliffs(self) -> NDArray[np.uint8]:
        grid = np.zeros(self.size, np.uint8)
        for value, rectangles in ((1, self.cliffs), (LEDGE, self.ledges)):
            for left, bottom, right, top in rectangles:
                grid[int(left) : int(right), int(bottom) : int(top)] = value
        return grid


_COLUMN = (
    (23.0, 28.5),
    (24.0, 29.5),
    (23.0, 26.5),
    (25.0, 22.5),
    (25.0, 32.5),
    (24.0, 23.5),
    (24.0, 31.5),
    (24.0, 25.5),
)
_FAR_COLUMN = (
    *((41.0, 22.5), (42.0, 25.5), (42.0, 23.5), (41.0, 32.5)),
    *((43.0, 26.5), (43.0, 28.5), (42.0, 29.5), (42.0, 31.5)),
)
_GEYSERS = ((39.5, 20.5), (26.5, 34.5), (39.5, 34.5), (26.5, 20.5))
_ECONOMY: Rectangle = (19.94, 19.0, 45.94, 37.0)
COMMAND_CENTER_AT = (29.825, 28.008)


def _fields(places: tuple[tuple[float, float], ...], kind: int = units.MINERAL_FIELD) -> tuple[Spawn, ...]:
    return tuple((NEUTRAL, kind, x, y) for x, y in places)


_HOME: tuple[Spawn, ...] = ((ME, units.COMMAND_CENTER, *COMMAND_CENTER_AT),)

MINI_GAMES: tuple[Scenario, ...] = (
    Scenario(name="MoveToBeacon", script=BEACON, slots=4),
    Scenario(name="CollectMineralShards", script=SHARDS, slots=24),
    Scenario(
        name="FindAndDefeatZerglings",
        script=FIND,
        slots=30,
        playable=(10.0, 12.0, 54.0, 44.0),
        limit_loops=180 * units.LOOPS_PER_SECOND,
        fog=True,
        free_camera=True,
        camera=(32.0, 28.0),
    ),
    Scenario(name="DefeatRoaches", script=ROACHES, slots=96),
    Scenario(name="DefeatZerglingsAndBanelings", script=BANELINGS, slots=96),
    Scenario(
        name="CollectMineralsAndGas",
        script=GAS,
        slots=256,
        playable=_ECONOMY,
        limit_loops=420 * units.LOOPS_PER_SECOND,
        spawn=(*_HOME, *_fields(_COLUMN + _FAR_COLUMN), *_fields(_GEYSERS, units.VESPENE_GEYSER)),
    ),
    Scenario(
        name="BuildMarines",
        script=MARINES,
        slots=384,
        playable=_ECONOMY,
        limit_loops=900 * units.LOOPS_PER_SECOND,
        spawn=(*_HOME, *_fields(_COLUMN)),
    ),
)
"""The seven, by the rules of their map scripts."""

DEATH_SCORE: NDArray[np.float64] = np.zeros((9, len(units.UNIT_TYPES), 2))
"""[script, type, 0 for the first player's own, 1 for an enemy's]: what a death adds to the score."""
for _script in (FIND, ROACHES, BANELINGS):
    DEATH_SCORE[_script, units.MARINE, 0] = -1.0
DEATH_SCORE[FIND, units.ZERGLING, 1] = 1.0
DEATH_SCORE[ROACHES, units.ROACH, 1] = 10.0
DEATH_SCORE[BANELINGS, [units.ZERGLING, units.BANELING], 1] = 5.0


def melee(name: str, size: int) -> Scenario:
    """Returns a map on which two command centres stand apart, each with its workers and fields."""
    margin, far = 12.5, size - 12.5
    spawn: list[Spawn] = []
    for owner, x, y, sign in ((ME, margin, far, -1.0), (FOE, far, margin, 1.0)):
        spawn.append((owner, units.COMMAND_CENTER, x, y))
        spawn += [(NEUTRAL, units.MINERAL_FIELD, x + sign * 7.0, y + 0.0 + offset) for offset in range(-4, 4)]
        spawn += [(NEUTRAL, units.VESPENE_GEYSER, x + offset, y - sign * 7.0) for offset in (-4.0, 4.0)]
        spawn += [(owner, units.SCV, x - sign * 3.5, y + 0.75 * offset) for offset in range(-6, 6)]
    return Scenario(
        name=name,
        script=MELEE,
        slots=512,
        size=(size, size),
        playable=(2.0, 2.0, size - 2.0, size - 2.0),
        limit_loops=0,
        fog=True,
        free_camera=True,
        camera=(margin, far),
        spawn=tuple(spawn),
    )
