"""What the two economy games and a melee begin with."""

from __future__ import annotations

from typing import Any

from envsuite.families.starcraft2.engine.abilities import ABILITIES, ABILITY_ROW
from envsuite.families.starcraft2.engine.compiled import kernel
from envsuite.families.starcraft2.engine.layout import FOE, GATHER, ME
from envsuite.families.starcraft2.engine.orders import give_order
from envsuite.families.starcraft2.engine.roster import create
from envsuite.families.starcraft2.engine.scenario import (
    COMMAND_CENTER_AT,
    MARINES,
)
from envsuite.families.starcraft2.engine.stream import below
from envsuite.families.starcraft2.engine.units import (
    COMMAND_CENTER,
    MINERAL_FIELD,
    SCV,
)

_GATHER_ID = ABILITIES[ABILITY_ROW["Harvest_Gather_SCV"]].ability_id
_FIELDS = 8
"""Mineral fields at a base."""


@kernel
def begin_economy(game: Any, setting: Any) -> None:
    """Puts twelve workers on one side of the command centre; in BuildMarines they begin to gather."""
    state = game.state[0]
    game.players[ME].minerals = 50
    side = 1.0 if below(state, 2) == 0 else -1.0
    for index in range(12):
        x = COMMAND_CENTER_AT[0] + side * (3.5 if index < 6 else 4.5)
        y = COMMAND_CENTER_AT[1] - 2.5 + float(index % 6)
        slot = create(game, ME, SCV, x, y)
        if setting.script == MARINES:
            _send_to_field(game, slot, index % _FIELDS)
    if setting.script == MARINES:
        _rally_home(game)


@kernel
def _send_to_field(game: Any, slot: Any, index: Any) -> None:
    found = 0
    for field_slot in range(game.state[0].slots):
        field = game.units[field_slot]
        if field.type == MINERAL_FIELD:
            if found == index:
                give_order(game, slot, GATHER, _GATHER_ID, field.x, field.y, field.tag, 0)
                return
            found += 1


@kernel
def begin_melee(game: Any) -> None:
    """Lets every worker gather at a field of its own side, as workers in the game begin to by themselves."""
    game.players[ME].minerals = game.players[FOE].minerals = 50
    for owner in (ME, FOE):
        sent = 0
        for slot in range(game.state[0].slots):
            unit = game.units[slot]
            if unit.type == SCV and unit.owner == owner:
                _send_to_field(game, slot, sent % _FIELDS + (_FIELDS if owner == FOE else 0))
                sent += 1


@kernel
def _rally_home(game: Any) -> None:
    """Lets new workers of the command centre go to a mineral field, as the map's script does."""
    center, field = -1, -1
    for slot in range(game.state[0].slots):
        unit = game.units[slot]
        if unit.type == COMMAND_CENTER and unit.owner == ME:
            center = slot
        elif unit.type == MINERAL_FIELD and field < 0:
            field = slot
    if center >= 0 and field >= 0:
        home, goal = game.units[center], game.units[field]
        home.has_rally, home.rally_tag, home.rally_x, home.rally_y = 2, goal.tag, goal.x, goal.y
