"""What a step of a battle was worth, and when a battle is over: SMAC's rewards and ends, for either team.

The formulas are those of SMAC's environment (github.com/oxwhirl/smac, commit d6aab33), except that a sparse reward is
1 or -1 and not scaled.
"""

from __future__ import annotations

from typing import Any

from envsuite.families.starcraft2.engine.compiled import kernel
from envsuite.families.starcraft2.engine.roster import alive
from envsuite.families.starcraft2.engine.script import DEFEAT, TIE, VICTORY
from envsuite.families.starcraft2.engine.units import HEALS, MAX_HEALTH, MAX_SHIELD

DEATH_VALUE, WIN_VALUE, BEST_RETURN = 10.0, 200.0, 20.0
"""What a killed enemy and a battle won are worth beside the damage, and what all of it is scaled to."""
KILLED, LOST_UNIT, WON, LOST = 2, 3, 6, 7
"""Columns of events, as `describe.EVENTS` has them."""
BY_KILLS, BY_DAMAGE, BY_WIN = 3, 5, 6
"""Columns of factors, as `describe.FACTORS` has them."""


@kernel
def best_return(game: Any, side: Any) -> Any:
    """Returns what a team can get in an episode before it is scaled."""
    most = WIN_VALUE
    for slot in range(side.foes_first, side.foes_first + side.foes):
        kind = game.units[slot].type
        most += DEATH_VALUE + MAX_HEALTH[kind] + MAX_SHIELD[kind]
    return most


@kernel
def judge(game: Any, rules: Any, mine: Any, theirs: Any) -> Any:
    """Returns the allies' result, 0 while the battle goes on; who has nothing but medivacs left has lost."""
    allies, my_fighters = _left(game, mine)
    foes, their_fighters = _left(game, theirs)
    if rules.duel:
        if my_fighters and their_fighters:
            return 0
        return TIE if my_fighters == their_fighters else (VICTORY if my_fighters else DEFEAT)
    if (allies == 0 and foes > 0) or (mine.heals and my_fighters == 0):
        return DEFEAT
    if their_fighters == 0 and allies + foes > 0:
        return VICTORY
    return TIE if allies + foes == 0 else 0


@kernel
def _left(game: Any, side: Any) -> Any:
    """Returns how many units of a team live, and how many of them fight."""
    living = fighters = 0
    for slot in range(side.first, side.first + side.agents):
        if alive(game.units[slot]):
            living += 1
            fighters += not HEALS[game.units[slot].type]
    return living, fighters


@kernel
def reward(game: Any, rules: Any, mine: Any, theirs: Any, ledger: Any, row: Any, result: Any, out: Any) -> None:
    """Writes both teams' rewards, and the events and factors of the allies'; notes what is left of every unit."""
    last = ledger.last[row]
    damage, kills = _dealt(game, mine, last)
    their_damage, losses = _dealt(game, theirs, last)
    for slot in range(len(last)):
        unit = game.units[slot]
        last[slot] = unit.health + unit.shield if alive(unit) else 0.0
    events, factors = out.events[row], out.factors[row]
    events[:] = False
    events[KILLED], events[LOST_UNIT] = kills > 0, losses > 0
    events[WON], events[LOST] = result == VICTORY, result == DEFEAT
    factors[:] = 0.0
    if rules.sparse:
        end = 1.0 if result == VICTORY else (-1.0 if result == DEFEAT else 0.0)
        factors[BY_WIN] = out.rewards[row] = end
        out.their_rewards[row] = 0.0 - end
        return
    scale = ledger.most[row, 0] / BEST_RETURN
    win = WIN_VALUE if result == VICTORY else 0.0
    # Shields that have recovered make the sum negative; SMAC takes it for positive all the same.
    out.rewards[row] = (abs(damage + DEATH_VALUE * kills) + win) / scale
    factors[BY_KILLS], factors[BY_WIN] = DEATH_VALUE * kills / scale, win / scale
    factors[BY_DAMAGE] = out.rewards[row] - factors[BY_KILLS] - factors[BY_WIN]
    win = WIN_VALUE if result == DEFEAT else 0.0
    out.their_rewards[row] = (abs(their_damage + DEATH_VALUE * losses) + win) / (ledger.most[row, 1] / BEST_RETURN)


@kernel
def _dealt(game: Any, side: Any, last: Any) -> Any:
    """Returns what life and shields a team's enemies have lost in a step, and how many of them died."""
    damage, kills = 0.0, 0
    for slot in range(side.foes_first, side.foes_first + side.foes):
        if last[slot] <= 0.0:
            continue
        unit = game.units[slot]
        if alive(unit):
            damage += last[slot] - unit.health - unit.shield
        else:
            damage += last[slot]
            kills += 1
    return damage, kills
