"""The family's native vector envs: many games stepped in one call of the engine, over all cores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from envsuite.env import TaskEnv
from envsuite.families.starcraft2.engine.play import RESET_ROW
from envsuite.families.starcraft2.env import MINI_GAME_METRICS, SimulatorEnv, metrics_of
from envsuite.families.starcraft2.plays import Plays, results_of
from envsuite.families.starcraft2.teams.vector import BattleKernel, make_battle_kernel
from envsuite.task import Family, Task

if TYPE_CHECKING:
    from envsuite.vector.memory import BatchMemory

Resets = Mapping[int, tuple[int | None, dict[str, Any] | None]]
_EPISODE_SEEDS = 2**31


class SimulatorKernel:
    """The games of a vector env; what it writes equals what single environments of the same seeds return."""

    hands_out = False

    def __init__(
        self, num_envs: int, *, task: Task, family: Family, threads: int | None = None, **arguments: Any
    ) -> None:
        """Allocates the games.

        Args:
            num_envs: how many.
            task: the record in the catalogue.
            family: the record of its family.
            threads: how many run at once; None takes as many as there are cores.
            arguments: go to `SimulatorEnv`.
        """
        if threads is not None and threads < 1:
            raise ValueError(f"threads: expected None or at least 1, got {threads}")
        self.num_envs = num_envs
        # A first environment of its own checks the arguments and tells the spaces.
        self._template = template = SimulatorEnv(task=task, family=family, **arguments)
        self._plays = Plays(num_envs, template.options, threads=threads)
        self._arguments = {"task": task, "family": family, **arguments}
        self._envs: dict[int, SimulatorEnv] = {}
        self._rng = np.random.default_rng()
        self._memory: BatchMemory

    def env(self, row: int) -> TaskEnv:
        """Returns the environment of a row; it acts on the row's game."""
        if row not in self._envs:
            self._envs[row] = SimulatorEnv(plays=self._plays, row=row, **self._arguments)
        env = self._envs[row]
        if hasattr(self, "_memory"):
            env.follow()
        return env

    def bind(self, memory: BatchMemory) -> None:
        """Lets the engine write into the batch."""
        self._memory = memory
        self._plays.bind(
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

    def begin(self, resets: Resets) -> None:
        """Starts what the batch commands."""
        for _, options in resets.values():
            self._template.check_options(options)
        memory, plays = self._memory, self._plays
        unseeded = (memory.command == RESET_ROW) & (plays.state["episode"] == 0)
        for row in np.flatnonzero(unseeded).tolist():
            plays.games.seed(row, int(self._rng.integers(_EPISODE_SEEDS)))
        for row, (seed, _) in resets.items():
            if seed is not None:
                plays.games.seed(row, seed)
        plays.begin(memory.command, memory.actions)

    def finish(self) -> None:
        """Waits for the engine and writes what infos hold beside what it has written itself."""
        self._plays.finish()
        memory, state, player = self._memory, self._plays.state, self._plays.player
        arrays = memory.arrays
        arrays["loop"][:], arrays["score"][:] = state["loop"], state["score"]
        arrays["minerals"][:], arrays["vespene"][:] = player["minerals"], player["vespene"]
        memory.invalid_action[:] = state["no_effect"]
        ended = memory.terminated | memory.truncated
        memory.has_metrics[:] = ended
        if ended.any():
            memory.metrics[ended] = np.nan
            memory.metrics[ended, : len(MINI_GAME_METRICS)] = metrics_of(self._plays, ended)

    def close(self) -> None:
        """Ends the threads."""
        self._plays.close()


def make_kernel(
    num_envs: int, *, task: Task, family: Family, **arguments: Any
) -> SimulatorKernel | BattleKernel | None:
    """Returns the kernel of a task's vector env, None for the game, each of which has a process of its own."""
    if "simulator" not in task.tags:
        return None
    if "scenario" in task.kwargs:
        return make_battle_kernel(num_envs, task=task, family=family, **arguments)
    return SimulatorKernel(num_envs, task=task, family=family, **arguments)
