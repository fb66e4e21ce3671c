"""What maps' scripts do: mini-games' rules are in `errands`, `waves` and `bases`, those of battles in `skirmish`."""

from __future__ import annotations

from typing import Any

from envsuite.families.starcraft2.engine.bases import begin_economy, begin_melee
from envsuite.families.starcraft2.engine.compiled import kernel
from envsuite.families.starcraft2.engine.errands import begin_beacon, begin_shards, run_beacon, run_shards
from envsuite.families.starcraft2.engine.layout import FOE, ME
from envsuite.families.starcraft2.engine.roster import alive
from envsuite.families.starcraft2.engine.scenario import (
    BANELINGS,
    BATTLE,
    BEACON,
    FIND,
    GAS,
    MARINES,
    MELEE,
    ROACHES,
    SHARDS,
)
from envsuite.families.starcraft2.engine.skirmish import order_battle, put_down, run_battle
from envsuite.families.starcraft2.engine.waves import ZERGLINGS, begin_find, next_wave, scatter_zerglings, take_marines

PLAYING, VICTORY, DEFEAT, TIE = range(4)
"""Results, as the protocol numbers them."""
_MARINES_AT_FIRST = 9
_MARINES_MORE_AGAINST_ROACHES, _MARINES_MORE_AGAINST_BANELINGS = 5, 4


@kernel
def begin(game: Any, setting: Any) -> None:
    """Puts down what a scenario begins with; the game is empty and at loop 0."""
    put_down(game, setting)
    script = setting.script
    if script == BEACON:
        begin_beacon(game, setting)
    elif script == SHARDS:
        begin_shards(game, setting)
    elif script == FIND:
        begin_find(game)
    elif script in (ROACHES, BANELINGS):
        next_wave(game, setting, _MARINES_AT_FIRST)
    elif script in (GAS, MARINES):
        begin_economy(game, setting)
    elif script == MELEE:
        begin_melee(game)
    elif script == BATTLE:
        order_battle(game, setting)


@kernel
def run(game: Any, setting: Any) -> None:
    """Does what a script does at the end of a loop, and ends the game when it is over."""
    state = game.state[0]
    script = setting.script
    if script == BEACON:
        run_beacon(game)
    elif script == SHARDS:
        run_shards(game)
    elif script == FIND and state.left <= 0:
        scatter_zerglings(game, ZERGLINGS)
    elif (script in (ROACHES, BANELINGS)) and state.left <= 0:
        more = _MARINES_MORE_AGAINST_ROACHES if script == ROACHES else _MARINES_MORE_AGAINST_BANELINGS
        next_wave(game, setting, take_marines(game) + more)
    elif script == GAS:
        player = game.players[ME]
        state.score = float(player.collected_minerals + player.collected_vespene)
    elif script == MARINES:
        state.score = float(game.players[ME].made_units)
    elif script == BATTLE:
        run_battle(game, setting)
    _end(game, setting)


@kernel
def _end(game: Any, setting: Any) -> None:
    state, script = game.state[0], setting.script
    mine, theirs = _count(game, ME), _count(game, FOE)
    if script == BATTLE:
        # SMAC's maps know no end: its environment resets them.
        return
    if script == MELEE:
        if mine == 0 or theirs == 0:
            _finish(game, TIE if mine + theirs == 0 else (VICTORY if theirs == 0 else DEFEAT))
        return
    if mine == 0 and (script in (FIND, ROACHES, BANELINGS)):
        _finish(game, DEFEAT)
    elif setting.limit_loops > 0 and state.loop >= setting.limit_loops:
        _finish(game, VICTORY)


@kernel
def _finish(game: Any, result: Any) -> None:
    game.state[0].ended = 1
    game.players[ME].result = result
    game.players[FOE].result = VICTORY + DEFEAT - result if result != TIE else TIE


@kernel
def _count(game: Any, owner: Any) -> Any:
    count = 0
    for slot in range(game.state[0].slots):
        unit = game.units[slot]
        count += alive(unit) and unit.owner == owner
    return count
