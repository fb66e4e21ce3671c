"""What units can be told to do, as data: the protocol's abilities, who has them, and what they take.

Commands name an ability by its specific id or by the general one that stands for a kind (Move 3794 for Move 16);
observations report specific ids. Ids are those of pysc2's tables and of the protocol's stable ids.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envsuite.families.starcraft2.engine import layout, units

NO_TARGET, POINT, UNIT, POINT_OR_UNIT = range(4)
"""What an ability takes; a command's own kind of target is one of the first three."""

# What a command does beside giving an order of a verb (`layout`).
SMART, STOP, TRAIN, RALLY, CANCEL_LAST, CANCEL_BUILDING, HALT = range(100, 107)


class Ability(NamedTuple):
    """A specific ability."""

    name: str
    ability_id: int
    general_id: int
    """0 where there is none."""
    target: int
    does: int
    """A verb of `layout`, or one of the codes above."""
    makes: int = 0
    """The type that BUILD or TRAIN makes."""
    types: tuple[int, ...] = ()
    """Unit types that have it."""


def _where(condition: object) -> tuple[int, ...]:
    """Returns the types that a column of `units` is true for."""
    return tuple(int(index) for index in np.flatnonzero(np.asarray(condition)))


_MOBILE = _where(units.MOBILE)
_FIGHTERS = _where(units.MOBILE & (units._column("damage") > 0))
_UNARMED = _where(units.MOBILE & (units._column("damage") == 0))
_HEALERS = _where(units.HEALS)
_MAKERS = (units.COMMAND_CENTER, units.BARRACKS)
_ROOTED_FIGHTERS = (units.SPINE_CRAWLER,)

ABILITIES: tuple[Ability, ...] = (
    Ability("Smart", 1, 0, POINT_OR_UNIT, SMART, types=(*_MOBILE, *_MAKERS)),
    Ability("Stop_Stop", 4, 3665, NO_TARGET, STOP, types=(*_MOBILE, *_ROOTED_FIGHTERS)),
    Ability("Move_Move", 16, 3794, POINT_OR_UNIT, layout.MOVE, types=_MOBILE),
    Ability("Patrol_Patrol", 17, 3795, POINT_OR_UNIT, layout.PATROL, types=_MOBILE),
    Ability("HoldPosition_Hold", 18, 3793, NO_TARGET, layout.HOLD, types=_MOBILE),
    Ability("Scan_Move", 19, 3674, POINT_OR_UNIT, layout.SCAN_MOVE, types=_UNARMED),
    Ability("Attack_Attack", 23, 3674, POINT_OR_UNIT, layout.ATTACK, types=(*_FIGHTERS, *_ROOTED_FIGHTERS)),
    Ability("Effect_Heal", 386, 0, POINT_OR_UNIT, layout.HEAL, types=_HEALERS),
    Ability("Harvest_Gather_SCV", 295, 3666, UNIT, layout.GATHER, types=(units.SCV,)),
    Ability("Harvest_Return_SCV", 296, 3667, NO_TARGET, layout.RETURN, types=(units.SCV,)),
    Ability("Halt_TerranBuild", 348, 3660, NO_TARGET, HALT, types=(units.SCV,)),
    Ability("Build_CommandCenter", 318, 0, POINT, layout.BUILD, units.COMMAND_CENTER, (units.SCV,)),
    Ability("Build_SupplyDepot", 319, 0, POINT, layout.BUILD, units.SUPPLY_DEPOT, (units.SCV,)),
    Ability("Build_Refinery", 320, 0, UNIT, layout.BUILD, units.REFINERY, (units.SCV,)),
    Ability("Build_Barracks", 321, 0, POINT, layout.BUILD, units.BARRACKS, (units.SCV,)),
    Ability("Train_SCV", 524, 0, NO_TARGET, TRAIN, units.SCV, (units.COMMAND_CENTER,)),
    Ability("Train_Marine", 560, 0, NO_TARGET, TRAIN, units.MARINE, (units.BARRACKS,)),
    Ability("Rally_Building", 195, 3673, POINT_OR_UNIT, RALLY, types=(units.BARRACKS,)),
    Ability("Rally_CommandCenter", 203, 3690, POINT_OR_UNIT, RALLY, types=(units.COMMAND_CENTER,)),
    Ability("Cancel_Queue5", 306, 3671, NO_TARGET, CANCEL_LAST, types=_MAKERS),
    Ability(
        "Cancel_BuildInProgress",
        314,
        3659,
        NO_TARGET,
        CANCEL_BUILDING,
        types=(units.COMMAND_CENTER, units.SUPPLY_DEPOT, units.REFINERY, units.BARRACKS),
    ),
)  # fmt: skip
"""Every ability; a row's number is what compiled functions call it by."""

REQUEST_IDS: tuple[int, ...] = tuple(
    sorted({number for row in ABILITIES for number in (row.ability_id, row.general_id) if number})
)
"""Every id that a command may name."""
REQUEST_OF_ID = {number: index for index, number in enumerate(REQUEST_IDS)}


def _resolve_table() -> NDArray[np.int64]:
    table = np.full((len(REQUEST_IDS), len(units.UNIT_TYPES)), -1, np.int64)
    for row, ability in enumerate(ABILITIES):
        for number in (ability.ability_id, ability.general_id):
            if number:
                table[REQUEST_OF_ID[number], list(ability.types)] = row
    return table


RESOLVE = _resolve_table()
"""[request, type]: the ability's row, -1 where the type has none of it. A request is a place in `REQUEST_IDS`."""
ABILITY_ID = np.array([row.ability_id for row in ABILITIES])
TARGET = np.array([row.target for row in ABILITIES])
DOES = np.array([row.does for row in ABILITIES])
MAKES = np.array([row.makes for row in ABILITIES])
ABILITY_ROW = {row.name: index for index, row in enumerate(ABILITIES)}

# Results of a command: the protocol's ActionResult.
SUCCESS, NOT_SUPPORTED, ERROR = 1, 2, 3
QUEUE_IS_FULL, NOT_ENOUGH_MINERALS, NOT_ENOUGH_VESPENE, NOT_ENOUGH_FOOD = 7, 9, 10, 13
CANT_TARGET_THAT, TECH_MISSING, CANT_BUILD_HERE, IS_UNDER_CONSTRUCTION = 36, 40, 44, 64
MUST_TARGET_UNIT, MUST_TARGET_RESOURCES, NOT_A_HEAL_TARGET = 81, 89, 90
