"""The family's native vector envs: many games stepped in one call of the engine, over all cores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from envsuite.families.starcraft2.env import MINI_GAME_METRICS, SimulatorEnv, metrics_of
from envsuite.families.starcraft2.plays import Plays, results_of
from envsuite.families.starcraft2.teams.vector import BattleKernel
from envsuite.kernel import RowKernel
from envsuite.task import Family, Task

if TYPE_CHECKING:
    from envsuite.vector.memory import BatchMemory


class SimulatorKernel(RowKernel):
    """The mini-games of a vector env."""

    env_class = SimulatorEnv
    rows_argument = "plays"

    def _make_rows(self, threads: int | None) -> Plays:
        return Plays(self.num_envs, self._template.options, threads=threads)

    def bind(self, memory: BatchMemory) -> None:
        """Lets the engine write into the batch."""
        super().bind(memory)
        self._rows.bind(
            results_of(
                self.num_envs,
                self._template.options,
                memory.observations,
                rewards=memory.rewards,
                terminated=memory.terminated,
                truncated=memory.truncated,
                events=memory.events,
                factors=memory.factors,
            )
        )

    def finish(self) -> None:
        """Waits for the engine and writes what infos hold beside what it has written itself."""
        super().finish()
        memory, state, player = self._memory, self._rows.state, self._rows.player
        arrays = memory.arrays
        arrays["loop"][:], arrays["score"][:] = state["loop"], state["score"]
        arrays["minerals"][:], arrays["vespene"][:] = player["minerals"], player["vespene"]
        memory.invalid_action[:] = state["no_effect"]
        ended = memory.terminated | memory.truncated
        memory.has_metrics[:] = ended
        if ended.any():
            memory.metrics[ended] = np.nan
            memory.metrics[ended, : len(MINI_GAME_METRICS)] = metrics_of(self._rows, ended)


def make_kernel(
    num_envs: int, *, task: Task, family: Family, **arguments: Any
) -> SimulatorKernel | BattleKernel | None:
    """Returns the kernel of a task's vector env, None for the game, each of which has a process of its own."""
    if "simulator" not in task.tags:
        return None
    if "scenario" in task.kwargs:
        return BattleKernel(num_envs, task=task, family=family, **arguments)
    return SimulatorKernel(num_envs, task=task, family=family, **arguments)
