"""Battles for agents: their actions become orders, eight loops go by, and they see what came of it.

The meaning of actions is that of SMAC's environment (github.com/oxwhirl/smac, commit d6aab33).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from envsuite.families.starcraft2.engine.abilities import NO_TARGET, POINT, REQUEST_OF_ID, UNIT
from envsuite.families.starcraft2.engine.command import command
from envsuite.families.starcraft2.engine.compiled import entry_point, inlined, kernel
from envsuite.families.starcraft2.engine.layout import ATTACK, HEAL
from envsuite.families.starcraft2.engine.muster import Draft, Muster, muster
from envsuite.families.starcraft2.engine.roster import alive, remove
from envsuite.families.starcraft2.engine.run import advance, game_of, reset
from envsuite.families.starcraft2.engine.script import DEFEAT, TIE, VICTORY
from envsuite.families.starcraft2.engine.skirmish import order_battle
from envsuite.families.starcraft2.engine.stream import below
from envsuite.families.starcraft2.engine.units import HEALS
from envsuite.families.starcraft2.engine.verdict import best_return, judge, reward
from envsuite.families.starcraft2.engine.views import (
    FIRST_TARGET,
    NO_OP,
    NORTH,
    NOTHING_DONE,
    STOP,
    Side,
    goal_of,
    look_round,
    may,
    target_of,
    write_state,
)

STEP_LOOPS = 8
_MOVE, _ATTACK, _HEAL, _HALT = (REQUEST_OF_ID[number] for number in (16, 23, 386, 4))


class Rules(NamedTuple):
    """What all rows share beside the scenario."""

    mine: Side
    theirs: Side
    duel: bool
    """Whether the second player's units are agents, too."""
    fair: bool
    """Whether equal teams of agents draw who is the first player: who acts first in a loop, and which side is whose."""
    sparse: bool
    limit: int
    """Steps of an episode."""
    camera_x: float
    camera_y: float
    plan: Muster


class Ledger(NamedTuple):
    """What battles remember beside the game, rows first."""

    last: Any
    """float64 (n, slots): life and shields of every unit after the last step, 0 for the dead."""
    acted: Any
    """int64 (n, slots): what each agent did last."""
    most: Any
    """float64 (n, 2): the best return before it is scaled, of the allies and of the other team."""
    kind: Any
    at: Any
    groups: Any
    """As in `muster.Draft`."""


class View(NamedTuple):
    """What a team gets, rows first."""

    observation: Any
    """float32 (n, agents, numbers)."""
    state: Any
    """float32 (n, numbers)."""
    mask: Any
    """int8 (n, agents, actions)."""


class Results(NamedTuple):
    """What comes back from a batch: of the team of allies, and of the other."""

    mine: View
    theirs: View
    """Of no agents, unless they are."""
    rewards: Any
    """float64 (n,)."""
    their_rewards: Any
    terminated: Any
    truncated: Any
    events: Any
    factors: Any


@entry_point
def battle_reset_rows(batch: Any, setting: Any, rules: Rules, ledger: Ledger, rows: Any, out: Results) -> None:
    """Begins the next episode of some rows and writes what the agents see."""
    for row in rows:
        game = game_of(batch, row)
        reset(game, setting, rules.camera_x, rules.camera_y)
        if rules.plan.allies:
            muster(game, setting, rules.plan, _draft(ledger, row))
            order_battle(game, setting)
        if rules.fair:
            game.state[0].side = below(game.state[0], 2)
        _open_ledger(game, rules, ledger, row)
        out.rewards[row] = out.their_rewards[row] = 0.0
        out.terminated[row] = out.truncated[row] = False
        out.events[row, :] = False
        out.factors[row, :] = 0.0
        _look(game, setting, rules, ledger, row, out)


@entry_point
def battle_step_rows(
    batch: Any, setting: Any, rules: Rules, ledger: Ledger, rows: Any, actions: Any, their_actions: Any, out: Results
) -> None:
    """Does the agents' actions in some rows, lets eight loops go by and writes what came of it."""
    for row in rows:
        game = game_of(batch, row)
        _step(game, setting, rules, ledger, row, actions[row], their_actions[row], out)
        _look(game, setting, rules, ledger, row, out)


@entry_point
def battle_look_rows(batch: Any, setting: Any, rules: Rules, ledger: Ledger, rows: Any, out: Results) -> None:
    """Writes what the agents of some rows see, as the battles stand."""
    for row in rows:
        _look(game_of(batch, row), setting, rules, ledger, row, out)


@inlined
def _teams(game: Any, rules: Any) -> Any:
    """Returns the allies' side and the other: the second player and the first where they have changed places."""
    if rules.fair and game.state[0].side:
        return rules.theirs, rules.mine
    return rules.mine, rules.theirs


@inlined
def _draft(ledger: Any, row: Any) -> Any:
    return Draft(ledger.kind[row], ledger.at[row], ledger.groups[row])


@kernel
def _open_ledger(game: Any, rules: Any, ledger: Any, row: Any) -> None:
    for slot in range(ledger.last.shape[1]):
        unit = game.units[slot]
        ledger.last[row, slot] = unit.health + unit.shield if alive(unit) else 0.0
        ledger.acted[row, slot] = NOTHING_DONE
    mine, theirs = _teams(game, rules)
    ledger.most[row, 0] = best_return(game, mine)
    ledger.most[row, 1] = best_return(game, theirs)


@kernel
def _look(game: Any, setting: Any, rules: Any, ledger: Any, row: Any, out: Any) -> None:
    elapsed = game.state[0].steps / rules.limit
    acted = ledger.acted[row]
    mine, theirs = _teams(game, rules)
    look_round(game, setting, mine, acted, elapsed, out.mine.observation[row], out.mine.mask[row])
    write_state(game, setting, mine, acted, out.mine.state[row])
    if rules.duel:
        look_round(game, setting, theirs, acted, elapsed, out.theirs.observation[row], out.theirs.mask[row])
        write_state(game, setting, theirs, acted, out.theirs.state[row])


@kernel
def _step(
    game: Any, setting: Any, rules: Any, ledger: Any, row: Any, actions: Any, their_actions: Any, out: Any
) -> None:
    state, acted = game.state[0], ledger.acted[row]
    mine, theirs = _teams(game, rules)
    illegal = _obey(game, setting, mine, actions, acted)
    if rules.duel:
        illegal = _obey(game, setting, theirs, their_actions, acted) or illegal
    state.no_effect += illegal
    wave = state.wave
    advance(game, setting, STEP_LOOPS)
    if state.wave != wave:
        # All were dead, and the map's script has put them down again: that is an episode of its own.
        for slot in range(len(game.units)):
            if game.units[slot].type != 0:
                remove(game, slot)
    state.steps += 1
    result = judge(game, rules, mine, theirs)
    reward(game, rules, mine, theirs, ledger, row, result, out)
    if result:
        state.ended = 1
        game.players[mine.owner].result = result
        game.players[theirs.owner].result = VICTORY + DEFEAT - result if result != TIE else TIE
    out.terminated[row] = result != 0
    out.truncated[row] = result == 0 and state.steps >= rules.limit


@kernel
def _obey(game: Any, setting: Any, side: Any, actions: Any, acted: Any) -> Any:
    """Gives the orders that a team's actions stand for; returns whether one was against its mask, hence a stop."""
    illegal = False
    for agent in range(side.agents):
        slot, action = side.first + agent, int(actions[agent])
        if not may(game, setting, side, agent, action):
            illegal = True
            action = STOP if alive(game.units[slot]) else NO_OP
        acted[slot] = action
        if action == STOP:
            command(game, setting, slot, _HALT, NO_TARGET, 0.0, 0.0, 0, False)
        elif action >= FIRST_TARGET:
            _aim(game, setting, side, slot, action - FIRST_TARGET)
        elif action >= NORTH:
            x, y = goal_of(game.units[slot], action)
            command(game, setting, slot, _MOVE, POINT, x, y, 0, False)
    return illegal


@kernel
def _aim(game: Any, setting: Any, side: Any, slot: Any, index: Any) -> None:
    """Orders an attack or a heal; a unit that is at it already goes on."""
    unit = game.units[slot]
    heals = HEALS[unit.type]
    tag = game.units[target_of(game, side, unit, index)].tag
    order = game.orders[slot, 0]
    verb = HEAL if heals else ATTACK
    if unit.orders == 1 and order.verb == verb and order.tag == tag:
        return
    command(game, setting, slot, _HEAL if heals else _ATTACK, UNIT, 0.0, 0.0, tag, False)
