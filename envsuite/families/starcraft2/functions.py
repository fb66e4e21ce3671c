"""What an agent can do in a mini-game: functions named as pysc2 names them, with a point on the screen or the minimap.

An action is (function, x, y). Functions that take no point leave x and y unread. Commands are given at once
("now", not queued); selections replace what was selected.
"""

from __future__ import annotations

from typing import NamedTuple

from envsuite.errors import unknown_name
from envsuite.families.starcraft2 import codes

QUICK, SCREEN, MINIMAP = range(3)
"""Where a function's point lies: nowhere, on the screen, on the minimap."""


class Function(NamedTuple):
    """One function of pysc2 with its arguments but the point fixed."""

    name: str
    code: int
    """Of `codes`: what it does to the game's interface."""
    place: int = QUICK
    ability_id: int = 0
    """The general ability that a command gives."""
    how: int = 0
    """How a selection is made."""


def _command(name: str, ability_id: int) -> Function:
    """Returns a command; its name's ending tells where its point is."""
    place = {"quick": QUICK, "screen": SCREEN, "minimap": MINIMAP}[name.rsplit("_", 1)[1]]
    code = (codes.COMMAND_QUICK, codes.COMMAND_SCREEN, codes.COMMAND_MINIMAP)[place]
    return Function(name, code, place, ability_id)


FUNCTIONS: dict[str, Function] = {
    function.name: function
    for function in (
        Function("no_op", codes.NO_OP),
        Function("move_camera", codes.MOVE_CAMERA, MINIMAP),
        Function("select_point", codes.SELECT_POINT, SCREEN, how=codes.SELECT),
        Function("select_idle_worker", codes.SELECT_IDLE_WORKER, how=codes.SET_IDLE),
        Function("select_army", codes.SELECT_ARMY),
        _command("Smart_screen", 1),
        _command("Stop_quick", 3665),
        _command("HoldPosition_quick", 3793),
        _command("Move_screen", 3794),
        _command("Attack_screen", 3674),
        _command("Harvest_Gather_screen", 3666),
        _command("Harvest_Return_quick", 3667),
        _command("Build_CommandCenter_screen", 318),
        _command("Build_SupplyDepot_screen", 319),
        _command("Build_Refinery_screen", 320),
        _command("Build_Barracks_screen", 321),
        _command("Train_SCV_quick", 524),
        _command("Train_Marine_quick", 560),
        _command("Rally_Workers_screen", 3690),
        _command("Rally_Units_screen", 3673),
    )
}
"""Every function, by its name in pysc2."""

_MOVING = ("no_op", "select_army", "select_point", "Stop_quick", "Move_screen", "Smart_screen")
_FIGHTING = (*_MOVING, "Attack_screen", "HoldPosition_quick")
_WORKING = (
    *("no_op", "select_point", "select_idle_worker", "Smart_screen", "Harvest_Gather_screen", "Harvest_Return_quick"),
    *("Train_SCV_quick", "Rally_Workers_screen"),
)
OF_MINI_GAME: dict[str, tuple[str, ...]] = {
    "MoveToBeacon": _MOVING,
    "CollectMineralShards": _MOVING,
    "FindAndDefeatZerglings": (*_FIGHTING, "move_camera"),
    "DefeatRoaches": _FIGHTING,
    "DefeatZerglingsAndBanelings": _FIGHTING,
    "CollectMineralsAndGas": (
        *_WORKING,
        "Build_Refinery_screen",
        "Build_CommandCenter_screen",
        "Build_SupplyDepot_screen",
    ),
    "BuildMarines": (
        *(*_WORKING, "Build_SupplyDepot_screen", "Build_Barracks_screen", "Train_Marine_quick"),
        "select_army",
    ),
}
"""Which functions a mini-game's tasks offer, unless `functions=` names others."""


def checked_functions(names: tuple[str, ...] | list[str]) -> tuple[Function, ...]:
    """Returns the functions of some names.

    Raises `UnknownName` with the nearest names, ValueError for a name twice or none at all.
    """
    for name in names:
        if name not in FUNCTIONS:
            raise unknown_name("function", name, FUNCTIONS)
    if not names or len(set(names)) < len(names):
        raise ValueError(f"functions: expected at least one name and none twice, got {tuple(names)}")
    return tuple(FUNCTIONS[name] for name in names)
