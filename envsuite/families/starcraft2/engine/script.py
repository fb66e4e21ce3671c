"""The rules of the seven mini-games, as the maps' scripts have them; those of battles are in `skirmish`."""

from __future__ import annotations

from typing import Any

import numpy as np

from envsuite.families.starcraft2.engine.abilities import ABILITIES, ABILITY_ROW
from envsuite.families.starcraft2.engine.calibration import PICKUP_MARGIN
from envsuite.families.starcraft2.engine.compiled import inlined, kernel
from envsuite.families.starcraft2.engine.layout import FOE, GATHER, ME, NEUTRAL
from envsuite.families.starcraft2.engine.orders import give_order
from envsuite.families.starcraft2.engine.roster import alive, create, distance, remove
from envsuite.families.starcraft2.engine.scenario import (
    BANELINGS,
    BATTLE,
    BEACON,
    COMMAND_CENTER_AT,
    FIND,
    GAS,
    MARINES,
    MELEE,
    ROACHES,
    SHARDS,
)
from envsuite.families.starcraft2.engine.skirmish import order_battle, put_down, run_battle
from envsuite.families.starcraft2.engine.stream import below, uniform
from envsuite.families.starcraft2.engine.units import (
    BANELING,
    COMMAND_CENTER,
    MARINE,
    MINERAL_FIELD,
    RADIUS,
    ROACH,
    SCV,
    SHARD,
    ZERGLING,
)
from envsuite.families.starcraft2.engine.units import BEACON as BEACON_TYPE

PLAYING, VICTORY, DEFEAT, TIE = range(4)
"""Results, as the protocol numbers them."""
_BEACON_CIRCLE = 1.25
"""A marine in this circle round the beacon has reached it."""
_BEACON_APART = 5.0
_BEACON_MIDDLE, _BEACON_CLEAR = (33.0, 28.0), 4.0
"""No beacon comes into this circle."""
_SHARDS, _SHARD_APART, _SHARD_MINERALS = 20, 2.0, 100
_ZERGLINGS, _FIRST_ZERGLINGS, _ZERGLING_APART, _ZERGLING_CLEAR = 25, 2, 5.0, 9.0
_LEFT_RECTANGLE = (23.97, 25.06, 27.98, 31.05)
_RIGHT_RECTANGLE = (38.02, 25.04, 42.04, 31.08)
_MARINES_AT_FIRST = 9
_MARINES_MORE_AGAINST_ROACHES, _MARINES_MORE_AGAINST_BANELINGS = 5, 4
_GATHER_ID = ABILITIES[ABILITY_ROW["Harvest_Gather_SCV"]].ability_id
_FIELDS = 8
"""Mineral fields at a base."""
_TRIES = 1000
"""Draws of a place before a script takes the last: the maps' scripts would draw for ever."""


@kernel
def begin(game: Any, setting: Any) -> None:
    """Puts down what a scenario begins with; the game is empty and at loop 0."""
    put_down(game, setting)
    script = setting.script
    if script == BEACON:
        _begin_beacon(game, setting)
    elif script == SHARDS:
        _begin_shards(game, setting)
    elif script == FIND:
        _begin_find(game)
    elif script in (ROACHES, BANELINGS):
        _next_wave(game, setting, _MARINES_AT_FIRST)
    elif script in (GAS, MARINES):
        _begin_economy(game, setting)
    elif script == MELEE:
        _begin_melee(game)
    elif script == BATTLE:
        order_battle(game, setting)


@kernel
def run(game: Any, setting: Any) -> None:
    """Does what a script does at the end of a loop, and ends the game when it is over."""
    state = game.state[0]
    script = setting.script
    if script == BEACON:
        _run_beacon(game)
    elif script == SHARDS:
        _run_shards(game)
    elif script == FIND and state.left <= 0:
        _scatter_zerglings(game, _ZERGLINGS)
    elif (script in (ROACHES, BANELINGS)) and state.left <= 0:
        more = _MARINES_MORE_AGAINST_ROACHES if script == ROACHES else _MARINES_MORE_AGAINST_BANELINGS
        _next_wave(game, setting, _take_marines(game) + more)
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


@kernel
def _nearest(game: Any, owner: Any, kind: Any, x: Any, y: Any) -> Any:
    """Returns the distance from a point to the nearest unit of an owner and a type (0: any)."""
    nearest = np.inf
    for slot in range(game.state[0].slots):
        unit = game.units[slot]
        if alive(unit) and unit.owner == owner and (kind == 0 or unit.type == kind):
            nearest = min(nearest, np.sqrt((unit.x - x) * (unit.x - x) + (unit.y - y) * (unit.y - y)))
    return nearest


@inlined
def _within(x: Any, y: Any, center: Any, radius: Any) -> Any:
    return (x - center[0]) * (x - center[0]) + (y - center[1]) * (y - center[1]) <= radius * radius


# MoveToBeacon


@kernel
def _begin_beacon(game: Any, setting: Any) -> None:
    state = game.state[0]
    x, y = uniform(state, setting.left, setting.right), uniform(state, setting.bottom, setting.top)
    create(game, ME, MARINE, x, y)
    slot = create(game, NEUTRAL, BEACON_TYPE, x, y)
    _place_beacon(game, slot)


@kernel
def _place_beacon(game: Any, slot: Any) -> None:
    state, beacon = game.state[0], game.units[slot]
    for _ in range(_TRIES):
        x, y = uniform(state, 23.5, 42.5), uniform(state, 21.5, 34.5)
        if not _within(x, y, _BEACON_MIDDLE, _BEACON_CLEAR) and _nearest(game, ME, MARINE, x, y) >= _BEACON_APART:
            break
    beacon.x, beacon.y = np.floor(x * 4096.0 + 0.5) / 4096.0, np.floor(y * 4096.0 + 0.5) / 4096.0
    state.goal_x, state.goal_y = beacon.x, beacon.y


@kernel
def _run_beacon(game: Any) -> None:
    state = game.state[0]
    if _nearest(game, ME, MARINE, state.goal_x, state.goal_y) > _BEACON_CIRCLE:
        return
    state.score += 1.0
    for slot in range(state.slots):
        if game.units[slot].type == BEACON_TYPE:
            _place_beacon(game, slot)


# CollectMineralShards


@kernel
def _begin_shards(game: Any, setting: Any) -> None:
    state = game.state[0]
    for _ in range(2):
        create(
            game,
            ME,
            MARINE,
            uniform(state, setting.left, setting.right),
            uniform(state, setting.bottom, setting.top),
        )
    _scatter_shards(game)


@kernel
def _scatter_shards(game: Any) -> None:
    state = game.state[0]
    for _ in range(_SHARDS):
        for _ in range(_TRIES):
            x, y = uniform(state, 23.0, 43.0), uniform(state, 21.0, 35.0)
            if _nearest(game, ME, MARINE, x, y) >= _SHARD_APART:
                break
        create(game, NEUTRAL, SHARD, x, y)
    state.left = _SHARDS


@kernel
def _run_shards(game: Any) -> None:
    state, player = game.state[0], game.players[ME]
    for slot in range(state.slots):
        shard = game.units[slot]
        if shard.type != SHARD:
            continue
        for marine_slot in range(state.slots):
            marine = game.units[marine_slot]
            if marine.type != MARINE or distance(marine, shard) > RADIUS[MARINE] + RADIUS[SHARD] + PICKUP_MARGIN:
                continue
            remove(game, slot)
            state.left -= 1
            player.minerals += _SHARD_MINERALS
            player.collected_minerals += _SHARD_MINERALS
            break
    state.score = player.collected_minerals / _SHARD_MINERALS
    if state.left <= 0:
        _scatter_shards(game)


# FindAndDefeatZerglings


@kernel
def _begin_find(game: Any) -> None:
    state = game.state[0]
    for x, y in _TRIPLE:
        slot = create(game, ME, MARINE, 32.0 + x, 28.0 + y)
        game.units[slot].selected = ME
    state.left = 0
    # The first lies 8 to 9 away, the second in a ring a little wider.
    _put_zergling_in_ring(game, 8.0, 9.0)
    _put_zergling_in_ring(game, 7.5, 9.5)
    _scatter_zerglings(game, _ZERGLINGS - _FIRST_ZERGLINGS)


_TRIPLE = ((-0.8660254037844386, -0.5), (0.8660254037844386, -0.5), (0.0, 1.0))
"""Three points of a circle of radius 1 at 210, 330 and 90 (450) degrees."""


@kernel
def _put_zergling_in_ring(game: Any, inner: Any, outer: Any) -> None:
    state = game.state[0]
    for _ in range(_TRIES):
        x, y = uniform(state, -outer, outer), uniform(state, -outer, outer)
        radius = x * x + y * y
        if inner * inner <= radius <= outer * outer and _nearest(game, FOE, 0, 32.0 + x, 28.0 + y) >= _ZERGLING_APART:
            break
    create(game, FOE, ZERGLING, 32.0 + x, 28.0 + y)
    state.left += 1


@kernel
def _scatter_zerglings(game: Any, count: Any) -> None:
    """Puts zerglings anywhere; those of the first wave keep clear of the middle, later ones of the marines."""
    state = game.state[0]
    first = state.loop == 0
    if not first:
        state.left = 0
        state.wave += 1
    for _ in range(count):
        for _ in range(_TRIES):
            x, y = uniform(state, 11.0, 53.0), uniform(state, 13.0, 43.0)
            if _nearest(game, FOE, 0, x, y) < _ZERGLING_APART:
                continue
            if first and not _within(x, y, (32.0, 28.0), 10.5):
                break
            if not first and _nearest(game, ME, 0, x, y) >= _ZERGLING_CLEAR:
                break
        create(game, FOE, ZERGLING, x, y)
        state.left += 1


# DefeatRoaches and DefeatZerglingsAndBanelings


@kernel
def _take_marines(game: Any) -> Any:
    """Returns how many marines are left; their lives stand in order in the orders' x until `_next_wave` reads them."""
    state = game.state[0]
    count = 0
    for slot in range(state.slots):
        unit = game.units[slot]
        if alive(unit) and unit.owner == ME:
            game.orders[count, 0].x = unit.health
            count += 1
    slots = state.slots
    for slot in range(slots):
        if game.units[slot].type != 0:
            remove(game, slot)
    state.left = count
    return count


@kernel
def _next_wave(game: Any, setting: Any, marines: Any) -> None:
    """Puts a column of marines on one side, new ones behind those that live, and the enemy on the other."""
    state = game.state[0]
    survivors = state.left if state.loop > 0 else 0
    state.wave += state.loop > 0
    state.side = below(state, 2)
    left_x, left_y = (
        uniform(state, _LEFT_RECTANGLE[0], _LEFT_RECTANGLE[2]),
        uniform(state, _LEFT_RECTANGLE[1], _LEFT_RECTANGLE[3]),
    )
    right_x = uniform(state, _RIGHT_RECTANGLE[0], _RIGHT_RECTANGLE[2])
    right_y = uniform(state, _RIGHT_RECTANGLE[1], _RIGHT_RECTANGLE[3])
    mine_x, mine_y = (left_x, left_y) if state.side == 0 else (right_x, right_y)
    their_x, their_y = (right_x, right_y) if state.side == 0 else (left_x, left_y)
    for index in range(marines):
        # The script's integers: 0, +1, -1, +2, -2, ... from the middle.
        life = game.orders[index, 0].x if index < survivors else 0.0
        place = index + 1
        step = (place // 2) * (1 - 2 * (place % 2)) if place > 1 else 0
        slot = create(game, ME, MARINE, mine_x, mine_y + _column_offset(step))
        if slot < 0:
            break
        if life > 0.0:
            game.units[slot].health = life
        game.units[slot].selected = ME
    if setting.script == ROACHES:
        state.left = 4
        for step in range(4):
            create(game, FOE, ROACH, their_x, their_y + (step - 1.5))
    else:
        state.left = 10
        for index in range(10):
            create(game, FOE, ZERGLING if index < 6 else BANELING, their_x, their_y)


@inlined
def _column_offset(step: Any) -> Any:
    """Returns the offset of a place in the column; those that would leave the map fold back on it."""
    return float((step + 7) % 15 - 7)


# CollectMineralsAndGas and BuildMarines


@kernel
def _begin_economy(game: Any, setting: Any) -> None:
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
def _begin_melee(game: Any) -> None:
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
