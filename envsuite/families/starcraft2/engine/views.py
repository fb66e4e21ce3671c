"""What agents in a battle see and may do: SMAC's observations, states and masks of actions, and who the agents are.

The formulas are those of SMAC's environment (github.com/oxwhirl/smac, commit d6aab33), its whims included: the first
number of an enemy is the agent's own mask at the enemy's place, which for a medivac tells of a friend.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from envsuite.families.starcraft2.engine.compiled import inlined, kernel
from envsuite.families.starcraft2.engine.roster import alive, distance
from envsuite.families.starcraft2.engine.units import HEALS, MAX_HEALTH, MAX_SHIELD

NO_OP, STOP, NORTH, SOUTH, EAST, WEST, FIRST_TARGET = range(7)
"""Actions; those from FIRST_TARGET on attack an enemy, or heal a friend, by its number."""
MOVE_AMOUNT = 2.0
_STEPS = ((0.0, 1.0), (0.0, -1.0), (1.0, 0.0), (-1.0, 0.0))
"""Of NORTH and those after it."""
_AROUND = ((0, 4), (0, -4), (4, 0), (-4, 0), (2, 2), (-2, -2), (2, -2), (-2, 2))
PATHING = len(_AROUND)
"""Numbers of the ground round an agent."""
NOTHING_DONE = -1
"""In `acted`: the agent has not acted yet."""


class Side(NamedTuple):
    """One team as its agents see the battle: who they are, and what their observations hold."""

    owner: int
    first: int
    """Slot of the first agent; agent i is in slot first + i."""
    agents: int
    foes_first: int
    foes: int
    targets: int
    """Actions beside the first six."""
    heals: bool
    """Whether medivacs can be among the agents."""
    bits: int
    """Of types, 0 where all are of one."""
    shields: bool
    foe_shields: bool
    bit: Any
    """int64 (types,): the place of an agent's type among the bits."""
    foe_bit: Any
    reach: Any
    """float64 (types,): how near an agent's target must be, centre to centre."""
    sight: Any
    cooldown: Any
    """float64 (types,): what a state's cooldown, or a medivac's energy, is divided by."""
    pathing: bool
    """Whether observations hold the ground round an agent,"""
    last_actions: bool
    """what each friend did last,"""
    position: bool
    """where the agent is,"""
    clock: bool
    """and how much of the episode is over."""


@inlined
def _walkable(setting: Any, x: Any, y: Any) -> Any:
    """Tells whether a cell of the map is ground; outside the map nothing is."""
    if x < 0 or y < 0 or x >= setting.cliffs.shape[0] or y >= setting.cliffs.shape[1]:
        return False
    return setting.cliffs[x, y] == 0


@inlined
def can_move(setting: Any, unit: Any, action: Any) -> Any:
    """Tells whether the cell half a move away is ground: SMAC's test, for units in the air, too."""
    dx, dy = _STEPS[action - NORTH]
    half = MOVE_AMOUNT / 2
    return _walkable(setting, int(unit.x + half * dx), int(unit.y + half * dy))


@inlined
def goal_of(unit: Any, action: Any) -> Any:
    """Returns where a move leads to, as x and y."""
    dx, dy = _STEPS[action - NORTH]
    return unit.x + MOVE_AMOUNT * dx, unit.y + MOVE_AMOUNT * dy


@inlined
def target_of(game: Any, side: Any, unit: Any, index: Any) -> Any:
    """Returns the slot that the target action of a number is about, -1 where there is none within reach."""
    healer = HEALS[unit.type]
    if index >= (side.agents if healer else side.foes):
        return -1
    slot = (side.first if healer else side.foes_first) + index
    other = game.units[slot]
    if not alive(other) or (healer and HEALS[other.type]) or distance(unit, other) > side.reach[unit.type]:
        return -1
    return slot


@kernel
def may(game: Any, setting: Any, side: Any, agent: Any, action: Any) -> Any:
    """Tells whether an agent's mask allows an action."""
    unit = game.units[side.first + agent]
    if not alive(unit):
        return action == NO_OP
    if action < NORTH:
        return action == STOP
    if action < FIRST_TARGET:
        return can_move(setting, unit, action)
    return target_of(game, side, unit, action - FIRST_TARGET) >= 0


@kernel
def look_round(game: Any, setting: Any, side: Any, acted: Any, elapsed: Any, observations: Any, mask: Any) -> None:
    """Writes every agent's observation and mask.

    `acted` int64 (slots,) is what each unit did last; `elapsed` the share of the episode that is over.
    """
    for agent in range(side.agents):
        _write_mask(game, setting, side, agent, mask[agent])
        _write_observation(game, setting, side, agent, acted, elapsed, mask[agent], observations[agent])


@kernel
def _write_mask(game: Any, setting: Any, side: Any, agent: Any, mask: Any) -> None:
    mask[:] = 0
    unit = game.units[side.first + agent]
    if not alive(unit):
        mask[NO_OP] = 1
        return
    mask[STOP] = 1
    for action in range(NORTH, FIRST_TARGET):
        mask[action] = can_move(setting, unit, action)
    for index in range(side.targets):
        mask[FIRST_TARGET + index] = target_of(game, side, unit, index) >= 0


@kernel
def _write_observation(
    game: Any, setting: Any, side: Any, agent: Any, acted: Any, elapsed: Any, mask: Any, out: Any
) -> None:
    out[:] = 0.0
    if side.clock:
        out[len(out) - 1] = elapsed
    unit = game.units[side.first + agent]
    if not alive(unit):
        return
    out[0], out[1], out[2], out[3] = mask[NORTH], mask[SOUTH], mask[EAST], mask[WEST]
    place = FIRST_TARGET - NORTH
    if side.pathing:
        _write_pathing(setting, unit, out, place)
        place += PATHING
    for foe in range(side.foes):
        other = game.units[side.foes_first + foe]
        if alive(other) and _write_other(side, unit, other, side.foe_shields, side.foe_bit, out, place):
            out[place] = mask[FIRST_TARGET + foe]
        place += 5 + side.foe_shields + side.bits
    for friend in range(side.agents):
        if friend == agent:
            continue
        width = 5 + side.shields + side.bits
        slot = side.first + friend
        other = game.units[slot]
        seen = alive(other) and _write_other(side, unit, other, side.shields, side.bit, out, place)
        if seen and side.last_actions and acted[slot] != NOTHING_DONE:
            out[place + width + acted[slot]] = 1.0
        place += width + (FIRST_TARGET + side.targets if side.last_actions else 0)
    _write_self(setting, side, unit, out, place)


@inlined
def _share(value: Any, most: Any) -> Any:
    return value / most if most > 0.0 else 0.0


@inlined
def _write_other(side: Any, unit: Any, other: Any, shields: Any, bit: Any, out: Any, place: Any) -> Any:
    """Writes what an agent sees of another unit; returns whether it sees it."""
    sight = side.sight[unit.type]
    gap = distance(unit, other)
    if gap >= sight:
        return False
    out[place] = 1.0
    out[place + 1] = gap / sight
    out[place + 2], out[place + 3] = (other.x - unit.x) / sight, (other.y - unit.y) / sight
    out[place + 4] = other.health / MAX_HEALTH[other.type]
    if shields:
        out[place + 5] = _share(other.shield, MAX_SHIELD[other.type])
    if side.bits:
        out[place + 5 + shields + bit[other.type]] = 1.0
    return True


@inlined
def _write_self(setting: Any, side: Any, unit: Any, out: Any, place: Any) -> None:
    out[place] = unit.health / MAX_HEALTH[unit.type]
    place += 1
    if side.shields:
        out[place] = _share(unit.shield, MAX_SHIELD[unit.type])
        place += 1
    if side.position:
        out[place], out[place + 1] = unit.x / setting.width, unit.y / setting.height
        place += 2
    if side.bits:
        out[place + side.bit[unit.type]] = 1.0


@kernel
def _write_pathing(setting: Any, unit: Any, out: Any, place: Any) -> None:
    """Writes which of eight cells round a unit are ground; those outside the map count as such."""
    for index in range(PATHING):
        x, y = int(unit.x) + _AROUND[index][0], int(unit.y) + _AROUND[index][1]
        outside = x < 0 or y < 0 or x >= setting.cliffs.shape[0] or y >= setting.cliffs.shape[1]
        out[place + index] = outside or setting.cliffs[x, y] == 0


@kernel
def write_state(game: Any, setting: Any, side: Any, acted: Any, out: Any) -> None:
    """Writes the state that a team is trained with: friends, enemies, and what each friend did last."""
    out[:] = 0.0
    place = 0
    for agent in range(side.agents):
        unit = game.units[side.first + agent]
        if alive(unit):
            wait = unit.energy if HEALS[unit.type] else max(unit.cooldown, 0.0)
            out[place], out[place + 1] = unit.health / MAX_HEALTH[unit.type], wait / side.cooldown[unit.type]
            _write_rest(setting, side, unit, side.shields, side.bit, out, place + 2)
        place += 4 + side.shields + side.bits
    for foe in range(side.foes):
        unit = game.units[side.foes_first + foe]
        if alive(unit):
            out[place] = unit.health / MAX_HEALTH[unit.type]
            _write_rest(setting, side, unit, side.foe_shields, side.foe_bit, out, place + 1)
        place += 3 + side.foe_shields + side.bits
    for agent in range(side.agents):
        did = acted[side.first + agent]
        if did != NOTHING_DONE:
            out[place + did] = 1.0
        place += FIRST_TARGET + side.targets


@inlined
def _write_rest(setting: Any, side: Any, unit: Any, shields: Any, bit: Any, out: Any, place: Any) -> None:
    out[place], out[place + 1] = unit.x / setting.width - 0.5, unit.y / setting.height - 0.5
    if shields:
        out[place + 2] = _share(unit.shield, MAX_SHIELD[unit.type])
    if side.bits:
        out[place + 2 + shields + bit[unit.type]] = 1.0


def widths(side: Side) -> tuple[int, int]:
    """Returns how many numbers an agent's observation has, and a team's state."""
    actions = FIRST_TARGET + side.targets
    own, foe = side.shields + side.bits, side.foe_shields + side.bits
    observation = FIRST_TARGET - NORTH + PATHING * side.pathing + side.foes * (5 + foe)
    observation += (side.agents - 1) * (5 + own + actions * side.last_actions)
    observation += 1 + own + 2 * side.position + side.clock
    state = side.agents * (4 + own) + side.foes * (3 + foe) + side.agents * actions
    return int(observation), int(state)
