"""BattleKernel: many battles stepped in one call of the engine, over all cores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from envsuite.env import TaskEnv
from envsuite.families.starcraft2.engine.battle import View
from envsuite.families.starcraft2.engine.script import VICTORY
from envsuite.families.starcraft2.teams.central import BATTLE_METRICS, BattleEnv, metrics_of
from envsuite.families.starcraft2.teams.fights import RESET_ROW, Fights, allocate_results
from envsuite.families.starcraft2.teams.options import actions_of
from envsuite.task import Family, Task

if TYPE_CHECKING:
    from envsuite.vector.memory import BatchMemory

Resets = Mapping[int, tuple[int | None, dict[str, Any] | None]]
_EPISODE_SEEDS = 2**31


class BattleKernel:
    """The battles of a vector env; what it writes equals what single environments of the same seeds return."""

    hands_out = False

    def __init__(
        self, num_envs: int, *, task: Task, family: Family, threads: int | None = None, **arguments: Any
    ) -> None:
        """Allocates the battles.

        Args:
            num_envs: how many.
            task: the record in the catalogue.
            family: the record of its family.
            threads: how many run at once; None takes as many as there are cores.
            arguments: go to `BattleEnv`.
        """
        if threads is not None and threads < 1:
            raise ValueError(f"threads: expected None or at least 1, got {threads}")
        self.num_envs = num_envs
        # A first environment of its own checks the arguments and tells the spaces.
        self._template = template = BattleEnv(task=task, family=family, **arguments)
        self._fights = Fights(num_envs, template.options, threads=threads)
        self._arguments = {"task": task, "family": family, **arguments}
        self._envs: dict[int, BattleEnv] = {}
        self._columns = [family.metrics.index(name) for name in BATTLE_METRICS]
        self._rng = np.random.default_rng()
        self._memory: BatchMemory

    def env(self, row: int) -> TaskEnv:
        """Returns the environment of a row; it acts on the row's battle."""
        if row not in self._envs:
            self._envs[row] = BattleEnv(fights=self._fights, row=row, **self._arguments)
        env = self._envs[row]
        if hasattr(self, "_memory"):
            env.follow()
        return env

    def bind(self, memory: BatchMemory) -> None:
        """Lets the engine write into the batch."""
        self._memory = memory
        options, observations = self._template.options, memory.observations
        side = options.rules.mine
        view = View(
            observation=observations["observation"],
            state=observations["state"],
            mask=observations["action_mask"].reshape(self.num_envs, side.agents, actions_of(side)),
        )
        self._fights.bind(
            allocate_results(self.num_envs, options)._replace(
                mine=view,
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
        memory, fights = self._memory, self._fights
        unseeded = (memory.command == RESET_ROW) & (fights.state["episode"] == 0)
        for row in np.flatnonzero(unseeded).tolist():
            fights.games.seed(row, int(self._rng.integers(_EPISODE_SEEDS)))
        for row, (seed, _) in resets.items():
            if seed is not None:
                fights.games.seed(row, seed)
        fights.begin(memory.command, memory.actions)

    def finish(self) -> None:
        """Waits for the engine and writes what infos hold beside what it has written itself."""
        fights, memory = self._fights, self._memory
        fights.finish()
        state, rules, arrays = fights.state, self._template.options.rules, memory.arrays
        arrays["loop"][:] = state["loop"]
        arrays["allies_left"][:] = fights.left(rules.mine)
        arrays["enemies_left"][:] = fights.left(rules.theirs)
        memory.invalid_action[:] = state["no_effect"]
        memory.has_success[:] = True
        memory.success[:] = fights.player["result"] == VICTORY
        ended = memory.terminated | memory.truncated
        memory.has_metrics[:] = ended
        if ended.any():
            memory.metrics[ended] = np.nan
            memory.metrics[np.ix_(ended, self._columns)] = metrics_of(fights, ended)

    def close(self) -> None:
        """Ends the threads."""
        self._fights.close()


def make_battle_kernel(num_envs: int, *, task: Task, family: Family, **arguments: Any) -> BattleKernel:
    """Returns the kernel of a battle's vector env."""
    return BattleKernel(num_envs, task=task, family=family, **arguments)
