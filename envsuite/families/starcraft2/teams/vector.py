"""BattleKernel: many battles stepped in one call of the engine, over all cores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from envsuite.families.starcraft2.engine.battle import View
from envsuite.families.starcraft2.engine.script import VICTORY
from envsuite.families.starcraft2.teams.central import BATTLE_METRICS, BattleEnv, metrics_of
from envsuite.families.starcraft2.teams.fights import Fights, allocate_results
from envsuite.families.starcraft2.teams.options import actions_of
from envsuite.kernel import RowKernel

if TYPE_CHECKING:
    from envsuite.vector.memory import BatchMemory


class BattleKernel(RowKernel):
    """The battles of a vector env."""

    env_class = BattleEnv
    rows_argument = "fights"

    def _make_rows(self, threads: int | None) -> Fights:
        return Fights(self.num_envs, self._template.options, threads=threads)

    def bind(self, memory: BatchMemory) -> None:
        """Lets the engine write into the batch."""
        super().bind(memory)
        self._columns = [self._template.family.metrics.index(name) for name in BATTLE_METRICS]
        options, observations = self._template.options, memory.observations
        side = options.rules.mine
        view = View(
            observation=observations["observation"],
            state=observations["state"],
            mask=observations["action_mask"].reshape(self.num_envs, side.agents, actions_of(side)),
        )
        self._rows.bind(
            allocate_results(self.num_envs, options)._replace(
                mine=view,
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
        fights, memory = self._rows, self._memory
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
