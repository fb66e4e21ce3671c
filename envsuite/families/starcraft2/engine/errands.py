"""The rules of MoveToBeacon and CollectMineralShards, as the maps' scripts have them."""

from __future__ import annotations

from typing import Any

from envsuite.families.starcraft2.engine.calibration import PICKUP_MARGIN
from envsuite.families.starcraft2.engine.compiled import kernel
from envsuite.families.starcraft2.engine.layout import ME, NEUTRAL
from envsuite.families.starcraft2.engine.nearness import TRIES, nearest, within
from envsuite.families.starcraft2.engine.roster import create, distance, on_grain, remove
from envsuite.families.starcraft2.engine.stream import uniform
from envsuite.families.starcraft2.engine.units import BEACON as BEACON_TYPE
from envsuite.families.starcraft2.engine.units import (
    MARINE,
    RADIUS,
    SHARD,
)

_BEACON_CIRCLE = 1.25
"""A marine in this circle round the beacon has reached it."""
_BEACON_APART = 5.0
_BEACON_MIDDLE, _BEACON_CLEAR = (33.0, 28.0), 4.0
"""No beacon comes into this circle."""
_SHARDS, _SHARD_APART, _SHARD_MINERALS = 20, 2.0, 100


@kernel
def begin_beacon(game: Any, setting: Any) -> None:
    """Puts down a marine and a beacon away from it."""
    state = game.state[0]
    x, y = uniform(state, setting.left, setting.right), uniform(state, setting.bottom, setting.top)
    create(game, ME, MARINE, x, y)
    slot = create(game, NEUTRAL, BEACON_TYPE, x, y)
    _place_beacon(game, slot)


@kernel
def _place_beacon(game: Any, slot: Any) -> None:
    state, beacon = game.state[0], game.units[slot]
    for _ in range(TRIES):
        x, y = uniform(state, 23.5, 42.5), uniform(state, 21.5, 34.5)
        if not within(x, y, _BEACON_MIDDLE, _BEACON_CLEAR) and nearest(game, ME, MARINE, x, y) >= _BEACON_APART:
            break
    beacon.x, beacon.y = on_grain(x), on_grain(y)
    state.goal_x, state.goal_y = beacon.x, beacon.y


@kernel
def run_beacon(game: Any) -> None:
    """Scores a marine in the beacon's circle and moves the beacon."""
    state = game.state[0]
    if nearest(game, ME, MARINE, state.goal_x, state.goal_y) > _BEACON_CIRCLE:
        return
    state.score += 1.0
    for slot in range(state.slots):
        if game.units[slot].type == BEACON_TYPE:
            _place_beacon(game, slot)


@kernel
def begin_shards(game: Any, setting: Any) -> None:
    """Puts down two marines and twenty shards."""
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
        for _ in range(TRIES):
            x, y = uniform(state, 23.0, 43.0), uniform(state, 21.0, 35.0)
            if nearest(game, ME, MARINE, x, y) >= _SHARD_APART:
                break
        create(game, NEUTRAL, SHARD, x, y)
    state.left = _SHARDS


@kernel
def run_shards(game: Any) -> None:
    """Lets marines pick up the shards they touch; the last brings twenty more."""
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
