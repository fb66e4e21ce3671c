"""The rules of battles, as SMAC's maps have them: teams are put down, enemies are sent; when all are dead, again."""

from __future__ import annotations

from typing import Any

import numpy as np

from envsuite.families.starcraft2.engine.command import attack_move
from envsuite.families.starcraft2.engine.compiled import kernel
from envsuite.families.starcraft2.engine.layout import FOE, ME
from envsuite.families.starcraft2.engine.roster import NO_SLOT, alive, create

_HUNT_LOOPS = 16
"""How often a hunting enemy without anything to do looks where to go: once a second."""


@kernel
def put_down(game: Any, setting: Any) -> None:
    """Makes the units that a scenario begins with."""
    spawn = setting.spawn
    for row in range(spawn.shape[0]):
        create(game, int(spawn[row, 0]), int(spawn[row, 1]), spawn[row, 2], spawn[row, 3])


@kernel
def order_battle(game: Any, setting: Any) -> None:
    """Sends the second player's units to a battle's point, or after the first player's; else nowhere."""
    if setting.hunt:
        _hunt(game)
    if np.isnan(setting.attack_x):
        return
    for slot in range(game.state[0].slots):
        unit = game.units[slot]
        if alive(unit) and unit.owner == FOE:
            attack_move(game, slot, setting.attack_x, setting.attack_y)


@kernel
def run_battle(game: Any, setting: Any) -> None:
    """Puts both teams down again when all units of both are dead; sends hunters that have nothing to do.

    SMAC's environment begins an episode by killing all units and letting two loops go by.
    """
    state = game.state[0]
    if setting.spawn.shape[0] > 0 and not _anybody_lives(game):
        state.wave += 1
        put_down(game, setting)
        order_battle(game, setting)
    elif setting.hunt and state.loop % _HUNT_LOOPS == 0:
        _hunt(game)


@kernel
def _anybody_lives(game: Any) -> Any:
    for slot in range(game.state[0].slots):
        unit = game.units[slot]
        if alive(unit) and (unit.owner == ME or unit.owner == FOE):
            return True
    return False


@kernel
def _hunt(game: Any) -> None:
    """Sends every enemy that has nothing to do to the nearest of the first player's units."""
    for slot in range(game.state[0].slots):
        unit = game.units[slot]
        if not alive(unit) or unit.owner != FOE or unit.orders > 0 or unit.target != 0:
            continue
        prey = _nearest(game, unit)
        if prey != NO_SLOT:
            attack_move(game, slot, game.units[prey].x, game.units[prey].y)


@kernel
def _nearest(game: Any, unit: Any) -> Any:
    best, nearest = NO_SLOT, np.inf
    for slot in range(game.state[0].slots):
        other = game.units[slot]
        if alive(other) and other.owner == ME:
            rx, ry = other.x - unit.x, other.y - unit.y
            if rx * rx + ry * ry < nearest:
                best, nearest = slot, rx * rx + ry * ry
    return best
