"""An empty field and small helpers for tests of the simulator."""

from __future__ import annotations

import numpy as np

from envsuite.families.starcraft2.engine.games import Games
from envsuite.families.starcraft2.engine.layout import FOE, ME
from envsuite.families.starcraft2.engine.scenario import BATTLE, MINI_GAMES, Scenario

SCENARIOS = {scenario.name: scenario for scenario in MINI_GAMES}
FIELD = Scenario(name="field", script=BATTLE, slots=32, playable=(0.0, 0.0, 64.0, 64.0), limit_loops=0)
MOVE, ATTACK, STOP, PATROL, HOLD = 3794, 3674, 3665, 3795, 3793


def field(seed=1, **changes):
    """Returns an empty field, 64 x 64, without a script that ends it."""
    from dataclasses import replace

    games = Games(1, replace(FIELD, **changes))
    games.seed(0, seed)
    games.reset(0)
    return games


def mini_game(name, seed=1):
    """Returns a mini-game that has begun."""
    games = Games(1, SCENARIOS[name])
    games.seed(0, seed)
    games.reset(0)
    return games


def unit(games, tag):
    """Returns a copy of a unit's record, None when it is gone."""
    found = [record for record in games.units(0) if record["tag"] == tag]
    return found[0] if found else None


def owned(games, owner):
    """Returns the records of an owner's units."""
    units = games.units(0)
    return units[units["owner"] == owner]


def mine(games):
    """Returns the first player's units."""
    return owned(games, ME)


def theirs(games):
    """Returns the second player's units."""
    return owned(games, FOE)


def tags(records):
    """Returns the tags of records as a list of ints."""
    return [int(tag) for tag in records["tag"]]


def state(games):
    """Returns the game's STATE record."""
    return games.batch.state[0, 0]


def gap(a, b):
    """Returns the distance of two records' centres."""
    return float(np.hypot(a["x"] - b["x"], a["y"] - b["y"]))


def until(games, condition, loops=2000):
    """Steps loop by loop until a condition holds; returns how many loops that took."""
    for count in range(loops):
        if condition():
            return count
        games.step(0, 1)
    raise AssertionError(f"not within {loops} loops")
