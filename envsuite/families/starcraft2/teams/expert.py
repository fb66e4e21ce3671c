"""SMAC's scripted attack as an agent that steers a whole team.

Every unit goes for the living enemy that was nearest when its last target died, and attacks it once its mask allows; a
medivac goes for the nearest friend that is hurt, until it is whole. A marauder leaves alone medivacs, which it cannot
hit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envsuite.families.starcraft2.engine.battles import SIDE
from envsuite.families.starcraft2.engine.units import TYPE_OF_NAME
from envsuite.families.starcraft2.engine.views import EAST, FIRST_TARGET, NO_OP, NORTH, SOUTH, STOP, WEST
from envsuite.families.starcraft2.teams.options import checked_options
from envsuite.families.starcraft2.teams.tasks import smac_tasks, smacv2_tasks
from envsuite.task import TaskInfo

_WHOLE = 1.0 - 1e-6
"""Of the share of its life that an unhurt unit has."""
_NOBODY = -1


class Attacker:
    """Plays a battle from its state and masks; it draws nothing."""

    def __init__(self, scenario: Any) -> None:
        """Takes the layout of a scenario's state."""
        rules = checked_options(scenario, "shaped", (), False, 1).rules
        self._side = rules.mine
        medivac, marauder = TYPE_OF_NAME["Medivac"], TYPE_OF_NAME["Marauder"]
        self._medivac, self._marauder = int(self._side.bit[medivac]), int(self._side.bit[marauder])
        self._foe_medivac = int(self._side.foe_bit[medivac])
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Begins a battle without targets."""
        del seed
        self._targets = np.full(self._side.agents, _NOBODY)

    def act(self, observation: dict[str, NDArray[Any]]) -> NDArray[np.int64]:
        """Returns the action of every unit."""
        side = self._side
        mask = observation["action_mask"].reshape(side.agents, -1)
        friends, enemies = self._units(observation["state"])
        actions = np.full(side.agents, NO_OP, np.int64)
        for agent in np.flatnonzero(friends[:, 0] > 0).tolist():
            healer = side.heals and friends[agent, 3 + self._medivac] > 0
            others = friends if healer else enemies
            able = (others[:, 0] > 0) & ~self._barred(friends, enemies, agent, healer)
            target = int(self._targets[agent])
            if target == _NOBODY or not able[target]:
                gaps = np.where(able, np.hypot(*(others[:, 1:3] - friends[agent, 1:3]).T), np.inf)
                target = int(np.argmin(gaps)) if able.any() else _NOBODY
                self._targets[agent] = target
            actions[agent] = (
                STOP if target == _NOBODY else self._pursue(mask[agent], friends[agent], others[target], target)
            )
        return actions

    def _units(self, state: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns both teams as rows of life, x, y and bits of type, all of one scale."""
        side = self._side
        width, foe_width = 4 + side.shields + side.bits, 3 + side.foe_shields + side.bits
        own = state[: side.agents * width].reshape(side.agents, width).astype(np.float64)
        foes = state[side.agents * width :][: side.foes * foe_width].reshape(side.foes, foe_width).astype(np.float64)
        return (
            np.column_stack([own[:, 0], own[:, 2:4] * SIDE, own[:, 4 + side.shields :]]),
            np.column_stack([foes[:, 0], foes[:, 1:3] * SIDE, foes[:, 3 + side.foe_shields :]]),
        )

    def _barred(
        self, friends: NDArray[np.float64], enemies: NDArray[np.float64], agent: int, healer: bool
    ) -> NDArray[np.bool_]:
        """Returns which friends a medivac, or which enemies another unit, leaves alone."""
        if healer:
            barred = (friends[:, 3 + self._medivac] > 0) | (friends[:, 0] >= _WHOLE)
            return np.asarray(barred, np.bool_)
        if self._side.heals and friends[agent, 3 + self._marauder] > 0:
            return np.asarray(enemies[:, 3 + self._foe_medivac] > 0, np.bool_)
        return np.zeros(len(enemies), np.bool_)

    def _pursue(self, mask: NDArray[np.int8], unit: NDArray[Any], other: NDArray[Any], target: int) -> int:
        """Returns the action on a target, or the move that leads nearer to it."""
        if mask[FIRST_TARGET + target]:
            return FIRST_TARGET + target
        dx, dy = other[1] - unit[1], other[2] - unit[2]
        across, along = (EAST if dx > 0 else WEST), (NORTH if dy > 0 else SOUTH)
        first, second = (across, along) if abs(dx) > abs(dy) else (along, across)
        if mask[first]:
            return first
        return second if mask[second] else STOP


def make_attacker(task: TaskInfo) -> Attacker:
    """Returns the scripted attack for a battle's task.

    Raises LookupError for a task that is no battle.
    """
    scenarios = {each.id: each.kwargs["scenario"] for each in (*smac_tasks(), *smacv2_tasks())}
    if task.id not in scenarios:
        raise LookupError(f"task: expected a battle such as {next(iter(scenarios))}, got {task.id}")
    return Attacker(scenarios[task.id])
