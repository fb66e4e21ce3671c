"""The simulator's entry points: games begin, units are told what to do, loops go by."""

from __future__ import annotations

from typing import Any

from envsuite.families.starcraft2.engine import script
from envsuite.families.starcraft2.engine.behaviour import act
from envsuite.families.starcraft2.engine.combat import explode
from envsuite.families.starcraft2.engine.command import command_group
from envsuite.families.starcraft2.engine.compiled import entry_point, kernel
from envsuite.families.starcraft2.engine.layout import ME, PLAYERS, Game
from envsuite.families.starcraft2.engine.motion import move_units
from envsuite.families.starcraft2.engine.roster import alive, bury, create, remove
from envsuite.families.starcraft2.engine.stream import below
from envsuite.families.starcraft2.engine.units import EXPLODES, SPLASH


@kernel
def game_of(batch: Any, row: Any) -> Any:
    """Returns one row of a batch."""
    return Game(
        batch.units[row],
        batch.orders[row],
        batch.players[row],
        batch.state[row],
        batch.blocked[row],
        batch.seen[row],
        batch.path[row],
    )


@kernel
def reset(game: Any, setting: Any, camera_x: Any, camera_y: Any) -> None:
    """Begins the next episode of a game's stream."""
    state = game.state[0]
    for slot in range(len(game.units)):
        game.units[slot].type = 0
        game.units[slot].tag = 0
    for player in game.players:
        _clear_player(player, camera_x, camera_y)
    state.blocked = 0
    for x in range(game.blocked.shape[0]):
        for y in range(game.blocked.shape[1]):
            game.blocked[x, y] = setting.cliffs[x, y]
            state.blocked += setting.cliffs[x, y]
    for player in range(game.seen.shape[0]):
        for x in range(game.seen.shape[1]):
            for y in range(game.seen.shape[2]):
                game.seen[player, x, y] = 0
    state.loop = state.serial = state.steps = state.no_effect = state.events = 0
    state.slots = state.wave = state.left = state.overflow = 0
    state.side = state.ended = 0
    state.score = state.reward = state.goal_x = state.goal_y = 0.0
    state.episode += 1
    script.begin(game, setting)


@kernel
def _clear_player(player: Any, camera_x: Any, camera_y: Any) -> None:
    player.minerals = player.vespene = player.collected_minerals = player.collected_vespene = 0
    player.spent_minerals = player.spent_vespene = player.supply_cap = 0
    player.killed_minerals = player.killed_vespene = player.lost_minerals = player.lost_vespene = 0
    player.kills = player.losses = player.made_units = player.units = 0
    player.supply = player.healed = 0.0
    player.camera_x, player.camera_y = camera_x, camera_y
    player.result = 0
    for part in range(3):
        player.dealt[part] = player.taken[part] = 0.0


@kernel
def advance(game: Any, setting: Any, loops: Any) -> None:
    """Lets up to so many loops go by; an ended game stands still."""
    state = game.state[0]
    for _ in range(loops):
        if state.ended:
            return
        state.loop += 1
        # In an order that is drawn, as the game's is, so that no side is always first.
        forward, last = below(state, 2) == 0, state.slots - 1
        for place in range(last + 1):
            slot = place if forward else last - place
            if alive(game.units[slot]):
                act(game, setting, slot)
        move_units(game, setting)
        _bury_the_dead(game, setting)
        script.run(game, setting)


@kernel
def _bury_the_dead(game: Any, setting: Any) -> None:
    state = game.state[0]
    again = True
    while again:  # an explosion may kill what explodes
        again = False
        for slot in range(state.slots):
            unit = game.units[slot]
            if unit.type != 0 and unit.health <= 0.0:
                if SPLASH[unit.type] == EXPLODES:
                    explode(game, slot)
                    again = True
                bury(game, setting, slot)


@entry_point
def reset_rows(batch: Any, setting: Any, rows: Any, camera_x: Any, camera_y: Any) -> None:
    """Begins the next episode of some rows."""
    for row in rows:
        reset(game_of(batch, row), setting, camera_x, camera_y)


@entry_point
def step_rows(batch: Any, setting: Any, rows: Any, loops: Any) -> None:
    """Lets loops go by in some rows; the score's rise stands in `reward`."""
    for row in rows:
        game = game_of(batch, row)
        before = game.state[0].score
        advance(game, setting, loops)
        game.state[0].reward = game.state[0].score - before


@entry_point
def command_row(
    batch: Any,
    setting: Any,
    row: Any,
    player: Any,
    slots: Any,
    request: Any,
    kind: Any,
    x: Any,
    y: Any,
    tag: Any,
    queued: Any,
) -> Any:
    """Returns the protocol's result of a command to the units of `slots`, an int64 array that is written to."""
    game = game_of(batch, row)
    return command_group(game, setting, player, slots, len(slots), request, kind, x, y, tag, queued)


@entry_point
def create_row(batch: Any, row: Any, owner: Any, kind: Any, x: Any, y: Any) -> Any:
    """Returns the slot of a new unit, as debugging tools make them; -1 where there is no room."""
    return create(game_of(batch, row), owner, kind, x, y)


@entry_point
def kill_row(batch: Any, setting: Any, row: Any, slot: Any) -> None:
    """Kills a unit without an attacker."""
    bury(game_of(batch, row), setting, slot)


__all__ = ["ME", "PLAYERS", "advance", "command_row", "create_row", "kill_row", "remove", "reset_rows", "step_rows"]
