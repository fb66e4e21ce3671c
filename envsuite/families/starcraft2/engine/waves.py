"""The rules of the three games against waves of enemies, as the maps' scripts have them."""

from __future__ import annotations

from typing import Any

from envsuite.families.starcraft2.engine.compiled import inlined, kernel
from envsuite.families.starcraft2.engine.layout import FOE, ME
from envsuite.families.starcraft2.engine.nearness import TRIES, nearest, within
from envsuite.families.starcraft2.engine.roster import alive, create, remove
from envsuite.families.starcraft2.engine.scenario import (
    ROACHES,
)
from envsuite.families.starcraft2.engine.stream import below, uniform
from envsuite.families.starcraft2.engine.units import (
    BANELING,
    MARINE,
    ROACH,
    ZERGLING,
)

ZERGLINGS = 25
_FIRST_ZERGLINGS, _ZERGLING_APART, _ZERGLING_CLEAR = 2, 5.0, 9.0
_LEFT_RECTANGLE = (23.97, 25.06, 27.98, 31.05)
_RIGHT_RECTANGLE = (38.02, 25.04, 42.04, 31.08)


@kernel
def begin_find(game: Any) -> None:
    """Puts down three marines in the middle, selected, and the first wave of zerglings."""
    state = game.state[0]
    for x, y in _TRIPLE:
        slot = create(game, ME, MARINE, 32.0 + x, 28.0 + y)
        game.units[slot].selected = ME
    state.left = 0
    # The first lies 8 to 9 away, the second in a ring a little wider.
    _put_zergling_in_ring(game, 8.0, 9.0)
    _put_zergling_in_ring(game, 7.5, 9.5)
    scatter_zerglings(game, ZERGLINGS - _FIRST_ZERGLINGS)


_TRIPLE = ((-0.8660254037844386, -0.5), (0.8660254037844386, -0.5), (0.0, 1.0))
"""Three points of a circle of radius 1 at 210, 330 and 90 (450) degrees."""


@kernel
def _put_zergling_in_ring(game: Any, inner: Any, outer: Any) -> None:
    state = game.state[0]
    for _ in range(TRIES):
        x, y = uniform(state, -outer, outer), uniform(state, -outer, outer)
        radius = x * x + y * y
        if inner * inner <= radius <= outer * outer and nearest(game, FOE, 0, 32.0 + x, 28.0 + y) >= _ZERGLING_APART:
            break
    create(game, FOE, ZERGLING, 32.0 + x, 28.0 + y)
    state.left += 1


@kernel
def scatter_zerglings(game: Any, count: Any) -> None:
    """Puts zerglings anywhere; those of the first wave keep clear of the middle, later ones of the marines."""
    state = game.state[0]
    first = state.loop == 0
    if not first:
        state.left = 0
        state.wave += 1
    for _ in range(count):
        for _ in range(TRIES):
            x, y = uniform(state, 11.0, 53.0), uniform(state, 13.0, 43.0)
            if nearest(game, FOE, 0, x, y) < _ZERGLING_APART:
                continue
            if first and not within(x, y, (32.0, 28.0), 10.5):
                break
            if not first and nearest(game, ME, 0, x, y) >= _ZERGLING_CLEAR:
                break
        create(game, FOE, ZERGLING, x, y)
        state.left += 1


@kernel
def take_marines(game: Any) -> Any:
    """Returns how many marines are left; their lives stand in order in the orders' x until `next_wave` reads them."""
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
def next_wave(game: Any, setting: Any, marines: Any) -> None:
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
