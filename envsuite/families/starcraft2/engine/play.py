"""Mini-games for Gymnasium: an action is done, loops go by, and what an agent gets is written into given arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from envsuite.crew import RESET_ROW, STEP_ROW
from envsuite.families.starcraft2.codes import (
    COMMAND_MINIMAP,
    COMMAND_QUICK,
    COMMAND_SCREEN,
    SELECT_ARMY,
    SELECT_IDLE_WORKER,
)
from envsuite.families.starcraft2.engine.abilities import ABILITIES, REQUEST_IDS, SUCCESS
from envsuite.families.starcraft2.engine.combat import visible_to
from envsuite.families.starcraft2.engine.compiled import entry_point, inlined, kernel
from envsuite.families.starcraft2.engine.layers import draw_minimap, draw_screen, look
from envsuite.families.starcraft2.engine.layout import FOE, ME, NEUTRAL
from envsuite.families.starcraft2.engine.offers import offer
from envsuite.families.starcraft2.engine.roster import alive
from envsuite.families.starcraft2.engine.run import advance, game_of, reset
from envsuite.families.starcraft2.engine.scenario import BANELINGS, BEACON, FIND, MARINES, ROACHES
from envsuite.families.starcraft2.engine.screen import screen_of_world
from envsuite.families.starcraft2.engine.script import DEFEAT
from envsuite.families.starcraft2.engine.ui import act_ui
from envsuite.families.starcraft2.engine.units import (
    ARMED,
    ATTRIBUTES,
    LOOPS_PER_SECOND,
    MAX_ENERGY,
    MAX_HEALTH,
    MAX_SHIELD,
    STRUCTURE,
    SUPPLY,
    UNIT_ID,
    WORKER,
)

STEP_LOOPS = 8
"""Loops of a step."""
PLAYER_COLUMNS, UNIT_COLUMNS = 11, 14
REACHED, COLLECTED, KILLED, LOST, CLEARED, MADE = range(6)
"""Columns of events: `describe.EVENTS` begins with them."""
BY_REACHING, BY_COLLECTING, BY_MAKING, BY_KILLS, BY_LOSSES = range(5)
"""Columns of factors: `describe.FACTORS` begins with them."""

GIVES = np.array(
    [[number in (row.ability_id, row.general_id) for row in ABILITIES] for number in REQUEST_IDS], np.bool_
)
"""[request, ability]: whether a command by the request's id may be the ability."""


class Results(NamedTuple):
    """What comes back from a batch, rows first."""

    screen: Any
    """(n, layers, size, size), or of no layer."""
    minimap: Any
    units: Any
    """float32 (n, most, 14), or of no row."""
    unit_type: Any
    player: Any
    """int32 (n, 11)."""
    mask: Any
    """int8 (n, functions + 2 * size)."""
    rewards: Any
    terminated: Any
    truncated: Any
    events: Any
    factors: Any


class Play(NamedTuple):
    """What all rows of a batch share beside the scenario."""

    screen: Any
    """The `screen.Screen`."""
    functions: Any
    """int64 (functions, 3): code, request (-1 without), how."""
    layers: Any
    minimap_layers: Any
    camera_x: Any
    camera_y: Any
    limit: Any
    """Steps of an episode."""


class Scratch(NamedTuple):
    """Memory that a thread works in."""

    slots: Any
    offers: Any


@entry_point
def play_rows(
    batch: Any, setting: Any, play: Play, scratch: Scratch, rows: Any, command: Any, actions: Any, out: Results
) -> None:
    """Steps or resets some rows, as `command` says, and writes what came of it."""
    for row in rows:
        game = game_of(batch, row)
        if command[row] == RESET_ROW:
            reset(game, setting, play.camera_x, play.camera_y)
            _write_start(out, row)
        elif command[row] == STEP_ROW:
            _step(game, setting, play, scratch, actions[row], out, row)
        else:
            continue
        _observe(game, setting, play, scratch, out, row)


@entry_point
def observe_row(batch: Any, setting: Any, play: Play, scratch: Scratch, row: Any, out: Results) -> None:
    """Writes the observation of a row as it is."""
    _observe(game_of(batch, row), setting, play, scratch, out, row)


@kernel
def _write_start(out: Any, row: Any) -> None:
    out.rewards[row] = 0.0
    out.terminated[row] = out.truncated[row] = False
    out.events[row, :] = False
    out.factors[row, :] = 0.0


@kernel
def _step(game: Any, setting: Any, play: Any, scratch: Any, action: Any, out: Any, row: Any) -> None:
    state, player = game.state[0], game.players[ME]
    function = action[0]
    code, request, how = play.functions[function, 0], play.functions[function, 1], play.functions[function, 2]
    done = out.mask[row, function] != 0
    if done:
        result = act_ui(
            game,
            setting,
            play.screen,
            ME,
            scratch.slots,
            code,
            float(action[1]),
            float(action[2]),
            float(request),
            0.0,
            how,
            False,
        )
        done = result == SUCCESS
    state.no_effect += not done
    score, losses, kills, wave = state.score, player.losses, player.kills, state.wave
    made, collected = player.made_units, player.collected_minerals + player.collected_vespene
    advance(game, setting, STEP_LOOPS)
    state.steps += 1
    reward = state.score - score
    state.reward = reward
    out.rewards[row] = reward
    # The maps' timer is a limit; to lose all marines is a rule.
    lost = state.ended != 0 and player.result == DEFEAT
    out.terminated[row] = lost
    out.truncated[row] = not lost and (state.ended != 0 or state.steps >= play.limit)
    events = out.events[row]
    events[:] = False
    events[REACHED] = setting.script == BEACON and reward > 0.0
    events[COLLECTED] = player.collected_minerals + player.collected_vespene > collected
    events[KILLED] = player.kills > kills
    events[LOST] = player.losses > losses
    events[CLEARED] = state.wave > wave
    events[MADE] = player.made_units > made
    _write_factors(setting, reward, float(player.losses - losses), out.factors[row])


@kernel
def _write_factors(setting: Any, reward: Any, losses: Any, factors: Any) -> None:
    """Parts the reward: a battle's score is kills and losses, every other's is one thing."""
    factors[:] = 0.0
    script = setting.script
    if script in (FIND, ROACHES, BANELINGS):
        factors[BY_LOSSES] = 0.0 - losses
        factors[BY_KILLS] = reward + losses
    elif script == BEACON:
        factors[BY_REACHING] = reward
    elif script == MARINES:
        factors[BY_MAKING] = reward
    else:
        factors[BY_COLLECTING] = reward


@kernel
def _observe(game: Any, setting: Any, play: Any, scratch: Any, out: Any, row: Any) -> None:
    look(game, setting)
    if len(play.layers):
        draw_screen(game, setting, play.screen, ME, play.layers, out.screen[row])
    if len(play.minimap_layers):
        draw_minimap(game, setting, play.screen, ME, play.minimap_layers, out.minimap[row])
    if out.units.shape[1]:
        _write_units(game, setting, play, out.units[row], out.unit_type[row])
    write_player(game, ME, out.player[row])
    _write_mask(game, setting, play, scratch, out.player[row], out.mask[row])


@kernel
def _write_units(game: Any, setting: Any, play: Any, units: Any, types: Any) -> None:
    """Writes what is on the screen and visible, in order of the slots."""
    screen, player = play.screen, game.players[ME]
    count = 0
    for slot in range(game.state[0].slots):
        unit = game.units[slot]
        if not alive(unit) or count == len(units):
            continue
        x, y = screen_of_world(player, screen, unit.x, unit.y)
        if x < 0.0 or y < 0.0 or x >= screen.columns or y >= screen.rows or not visible_to(game, setting, ME, unit):
            continue
        _write_unit(unit, units[count], x / screen.columns, y / screen.rows)
        types[count] = UNIT_ID[unit.type]
        count += 1
    units[count:, :] = 0.0
    types[count:] = 0


@inlined
def _share(value: Any, most: Any) -> Any:
    return value / most if most > 0.0 else 0.0


@kernel
def _write_unit(unit: Any, row: Any, x: Any, y: Any) -> None:
    row[0], row[1] = x, y
    row[2] = _share(unit.health, MAX_HEALTH[unit.type])
    row[3] = _share(unit.shield, MAX_SHIELD[unit.type])
    row[4] = _share(unit.energy, MAX_ENERGY[unit.type])
    # The game tells neither weapons nor orders nor loads of other players' units.
    own = unit.owner == ME
    row[5] = max(unit.cooldown, 0.0) / LOOPS_PER_SECOND if own else 0.0
    row[6] = unit.selected & ME != 0
    row[7] = own and unit.orders == 0 and unit.queue[0] == 0
    row[8] = unit.progress
    row[9] = unit.contents / 1000.0
    row[10] = own and unit.minerals + unit.vespene > 0
    row[11], row[12], row[13] = own, unit.owner == NEUTRAL, unit.owner == FOE


@kernel
def write_player(game: Any, owner: Any, row: Any) -> None:
    """Writes the eleven numbers that pysc2 has of a player, int32."""
    player = game.players[owner]
    army_food = workers = idle = army = 0.0
    for slot in range(game.state[0].slots):
        unit = game.units[slot]
        if not alive(unit) or unit.owner != owner or ATTRIBUTES[unit.type] & STRUCTURE:
            continue
        if ATTRIBUTES[unit.type] & WORKER:
            workers += SUPPLY[unit.type]
            idle += unit.orders == 0
        elif ARMED[unit.type]:
            army_food += SUPPLY[unit.type]
            army += 1
    row[0], row[1], row[2] = owner, player.minerals, player.vespene
    row[3], row[4] = int(np.floor(player.supply)), min(player.supply_cap, 200)
    row[5], row[6], row[7], row[8] = int(np.floor(army_food)), int(workers), int(idle), int(army)
    row[9] = row[10] = 0


@kernel
def _write_mask(game: Any, setting: Any, play: Any, scratch: Any, player: Any, mask: Any) -> None:
    offer(game, setting, ME, scratch.offers)
    count = len(play.functions)
    for index in range(count):
        code = play.functions[index, 0]
        able = True
        if code in (COMMAND_QUICK, COMMAND_SCREEN, COMMAND_MINIMAP):
            able = False
            for ability in range(len(scratch.offers)):
                if scratch.offers[ability] and GIVES[play.functions[index, 1], ability]:
                    able = True
        elif code == SELECT_ARMY:
            able = player[8] > 0
        elif code == SELECT_IDLE_WORKER:
            able = player[7] > 0
        mask[index] = able
    mask[count:] = 1
