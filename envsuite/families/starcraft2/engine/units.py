"""Unit types as data: a row for each, and the same as arrays that compiled functions read.

Times are in game loops (16 a second of the game at its normal speed), speeds in world units a loop. The numbers are
those of the game's own ResponseData of version 5.0 and of the unit data of SMAC's maps; what neither tells is in
`calibration`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envsuite.families.starcraft2.engine import calibration

LOOPS_PER_SECOND = 16
LIGHT, ARMORED, BIOLOGICAL, MECHANICAL, STRUCTURE, MASSIVE, WORKER, MINERAL, GEYSER, TOWNHALL = (
    1 << bit for bit in range(10)
)
"""Bits of `UnitType.attributes`."""
NO_RACE, TERRAN, ZERG, PROTOSS = range(4)
NO_SPLASH, EXPLODES, SWEEPS = range(3)


class UnitType(NamedTuple):
    """What all units of a type have in common."""

    name: str
    unit_id: int
    """Of the protocol."""
    health: float = 1.0
    shield: float = 0.0
    energy: float = 0.0
    """The most there can be; a unit is made with `start_energy`."""
    start_energy: float = 0.0
    armor: float = 0.0
    attributes: int = 0
    race: int = TERRAN
    speed: float = 0.0
    """World units a game second."""
    radius: float = 0.375
    sight: float = 9.0
    air: bool = False
    damage: float = 0.0
    bonus: float = 0.0
    """Further damage against `bonus_against`."""
    bonus_against: int = 0
    hits: int = 1
    """How often an attack hits."""
    weapon_range: float = 0.0
    """From edge to edge; 0 with `damage` 0 means unarmed."""
    cooldown: float = 0.0
    """Seconds of the game between attacks."""
    shoots_up: bool = False
    missile_speed: float = 0.0
    """World units a game second that an attack flies; 0 hits at once."""
    splash: int = NO_SPLASH
    heals: bool = False
    passive: bool = False
    """Attacks only what it is told to: SMAC's own units."""
    minerals: int = 0
    vespene: int = 0
    build_loops: int = 0
    supply: float = 0.0
    supply_provided: int = 0
    footprint: tuple[int, int] = (0, 0)
    """Cells that a structure, a field or a geyser covers; (0, 0) for what moves."""


_MARINE = UnitType(
    name="Marine", unit_id=48, health=45, attributes=LIGHT | BIOLOGICAL, speed=2.25, damage=6, weapon_range=5,
    cooldown=0.8608, shoots_up=True, minerals=50, build_loops=400, supply=1,
)  # fmt: skip
_MARAUDER = UnitType(
    name="Marauder", unit_id=51, health=125, armor=1, attributes=ARMORED | BIOLOGICAL, speed=2.25, radius=0.5625,
    sight=10, damage=10, bonus=10, bonus_against=ARMORED, weapon_range=6, cooldown=1.5, minerals=100, vespene=25,
    build_loops=480, supply=2,
)  # fmt: skip
_MEDIVAC = UnitType(
    name="Medivac", unit_id=54, health=150, energy=200, start_energy=50, armor=1, attributes=ARMORED | MECHANICAL,
    speed=2.5, radius=0.75, sight=11, air=True, weapon_range=4, heals=True, minerals=100, vespene=100, build_loops=672,
    supply=2,
)  # fmt: skip
_ZERGLING = UnitType(
    name="Zergling", unit_id=105, health=35, attributes=LIGHT | BIOLOGICAL, race=ZERG, speed=2.9531, sight=8, damage=5,
    weapon_range=0.1, cooldown=0.696, minerals=25, build_loops=384, supply=0.5,
)  # fmt: skip
_BANELING = UnitType(
    name="Baneling", unit_id=9, health=30, attributes=BIOLOGICAL, race=ZERG, speed=2.5, sight=8,
    damage=calibration.BANELING_DAMAGE, bonus=calibration.BANELING_BONUS_LIGHT, bonus_against=LIGHT, weapon_range=0.25,
    splash=EXPLODES, minerals=25, vespene=25, build_loops=320, supply=0.5,
)  # fmt: skip
_HYDRALISK = UnitType(
    name="Hydralisk", unit_id=107, health=90, attributes=LIGHT | BIOLOGICAL, race=ZERG, speed=2.25, radius=0.625,
    damage=12, weapon_range=5, cooldown=0.825, shoots_up=True, minerals=100, vespene=50, build_loops=528, supply=2,
)  # fmt: skip
_ZEALOT = UnitType(
    name="Zealot", unit_id=73, health=100, shield=50, armor=1, attributes=LIGHT | BIOLOGICAL, race=PROTOSS, speed=2.25,
    radius=0.5, damage=8, hits=2, weapon_range=0.1, cooldown=1.2, minerals=100, build_loops=608, supply=2,
)  # fmt: skip
_STALKER = UnitType(
    name="Stalker", unit_id=74, health=80, shield=80, armor=1, attributes=ARMORED | MECHANICAL, race=PROTOSS,
    speed=2.9531, radius=0.625, sight=10, damage=13, bonus=5, bonus_against=ARMORED, weapon_range=6, cooldown=1.87,
    shoots_up=True, minerals=125, vespene=50, build_loops=672, supply=2,
)  # fmt: skip
_COLOSSUS = UnitType(
    name="Colossus", unit_id=4, health=200, shield=150, armor=1, attributes=ARMORED | MECHANICAL | MASSIVE,
    race=PROTOSS, speed=2.25, radius=1.0, sight=10, damage=10, bonus=5, bonus_against=LIGHT, hits=2, weapon_range=7,
    cooldown=1.5, splash=SWEEPS, minerals=300, vespene=200, build_loops=1200, supply=6,
)  # fmt: skip

_RL_ID = 1990
"""Of the first of SMAC's own units; the game allots such ids as it loads a map, in order of the names."""


def _rl(unit: UnitType, rank: int, **changes: float) -> UnitType:
    """Returns SMAC's own form of a unit, which acts on orders alone."""
    return unit._replace(name=f"{unit.name}_RL", unit_id=_RL_ID + rank, passive=True)._replace(**changes)  # type: ignore[arg-type]  # numbers only


UNIT_TYPES: tuple[UnitType, ...] = (
    UnitType(name="none", unit_id=0),
    _MARINE,
    _MARAUDER,
    _MEDIVAC,
    UnitType(
        name="SCV", unit_id=45, health=45, attributes=LIGHT | BIOLOGICAL | MECHANICAL | WORKER, speed=2.8125, sight=8,
        damage=5, weapon_range=0.1, cooldown=1.5, minerals=50, build_loops=272, supply=1,
    ),
    UnitType(
        name="CommandCenter", unit_id=18, health=1500, armor=1, attributes=ARMORED | MECHANICAL | STRUCTURE | TOWNHALL,
        radius=2.75, sight=11, minerals=400, build_loops=1600, supply_provided=15, footprint=(5, 5),
    ),
    UnitType(
        name="SupplyDepot", unit_id=19, health=400, armor=1, attributes=ARMORED | MECHANICAL | STRUCTURE, radius=1.25,
        minerals=100, build_loops=480, supply_provided=8, footprint=(2, 2),
    ),
    UnitType(
        name="Refinery", unit_id=20, health=500, armor=1, attributes=ARMORED | MECHANICAL | STRUCTURE, radius=1.6875,
        minerals=75, build_loops=480, footprint=(3, 3),
    ),
    UnitType(
        name="Barracks", unit_id=21, health=1000, armor=1, attributes=ARMORED | MECHANICAL | STRUCTURE, radius=1.8125,
        minerals=150, build_loops=1040, footprint=(3, 3),
    ),
    _ZERGLING,
    _BANELING,
    UnitType(
        name="Roach", unit_id=110, health=145, armor=1, attributes=ARMORED | BIOLOGICAL, race=ZERG, speed=2.25,
        radius=0.5, damage=16, weapon_range=4, cooldown=2.0, missile_speed=calibration.ROACH_MISSILE_SPEED,
        minerals=75, vespene=25, build_loops=432, supply=2,
    ),
    _HYDRALISK,
    UnitType(
        name="SpineCrawler", unit_id=98, health=300, armor=2, attributes=ARMORED | BIOLOGICAL | STRUCTURE, race=ZERG,
        radius=1.125, sight=11, damage=25, bonus=5, bonus_against=ARMORED, weapon_range=7, cooldown=1.85, minerals=150,
        build_loops=800, footprint=(2, 2),
    ),
    _ZEALOT,
    _STALKER,
    _COLOSSUS,
    UnitType(name="MineralField", unit_id=341, attributes=MINERAL, race=NO_RACE, radius=1.125, footprint=(2, 1)),
    UnitType(name="VespeneGeyser", unit_id=342, attributes=GEYSER, race=NO_RACE, radius=2.0625, footprint=(3, 3)),
    UnitType(name="Beacon_Terran", unit_id=317, race=NO_RACE, radius=calibration.BEACON_RADIUS),
    UnitType(name="NaturalMinerals", unit_id=1680, race=NO_RACE, radius=calibration.SHARD_RADIUS),
    # Numbered so that those of one of SMAC's maps follow one another in order of their names, as SMAC expects.
    _rl(_BANELING, 0),
    _rl(_COLOSSUS, 2),
    _rl(_HYDRALISK, 5, health=80),
    _rl(_MARAUDER, 6),
    _rl(_MARINE, 7),
    _rl(_MEDIVAC, 8, speed=2.75),
    _rl(_STALKER, 3),
    _rl(_ZEALOT, 4),
    _rl(_ZERGLING, 1),
)  # fmt: skip
"""Every type; a unit's `type` is its place here."""

TYPE_OF_NAME = {unit.name: index for index, unit in enumerate(UNIT_TYPES)}
TYPE_OF_ID = {unit.unit_id: index for index, unit in enumerate(UNIT_TYPES)}
(
    MARINE, MARAUDER, MEDIVAC, SCV, COMMAND_CENTER, SUPPLY_DEPOT, REFINERY, BARRACKS, ZERGLING, BANELING, ROACH,
    HYDRALISK, SPINE_CRAWLER, ZEALOT, STALKER, COLOSSUS, MINERAL_FIELD, VESPENE_GEYSER, BEACON, SHARD,
) = range(1, 21)  # fmt: skip


def _column(name: str, dtype: type = np.float64) -> NDArray[Any]:
    return np.array([getattr(unit, name) for unit in UNIT_TYPES], dtype)


UNIT_ID = _column("unit_id", np.int64)
MAX_HEALTH, MAX_SHIELD, MAX_ENERGY, START_ENERGY = map(_column, ("health", "shield", "energy", "start_energy"))
ARMOR, RADIUS, SIGHT, DAMAGE, BONUS = map(_column, ("armor", "radius", "sight", "damage", "bonus"))
ATTRIBUTES = _column("attributes", np.int64)
RACE = _column("race", np.int64)
SPEED = _column("speed") / LOOPS_PER_SECOND
AIR, SHOOTS_UP, HEALS, PASSIVE = (_column(name, np.bool_) for name in ("air", "shoots_up", "heals", "passive"))
MISSILE_SPEED = _column("missile_speed") / LOOPS_PER_SECOND
BONUS_AGAINST, HITS, SPLASH = (_column(name, np.int64) for name in ("bonus_against", "hits", "splash"))
WEAPON_RANGE = _column("weapon_range")
COOLDOWN = _column("cooldown") * LOOPS_PER_SECOND
SUPPLY, SUPPLY_PROVIDED = _column("supply"), _column("supply_provided")
MINERALS, VESPENE = _column("minerals", np.int64), _column("vespene", np.int64)
BUILD_LOOPS = _column("build_loops")
FOOTPRINT_WIDTH = np.array([unit.footprint[0] for unit in UNIT_TYPES])
FOOTPRINT_HEIGHT = np.array([unit.footprint[1] for unit in UNIT_TYPES])
ARMED = (_column("damage") > 0) | HEALS
MOBILE = SPEED > 0
SCAN = np.where(ARMED, np.maximum(WEAPON_RANGE + calibration.SCAN_MARGIN, calibration.SCAN_RANGE), 0.0)
