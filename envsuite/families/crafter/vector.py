"""CrafterKernel: many Crafter worlds stepped in one call of the engine, over all cores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from envsuite.crew import STEP_ROW
from envsuite.families.crafter.engine.results import allocate_results, flattened
from envsuite.families.crafter.engine.worlds import Worlds
from envsuite.families.crafter.env import CrafterEnv
from envsuite.families.crafter.observations import text_of, write_symbols
from envsuite.kernel import Resets, RowKernel
from envsuite.task import Family, Task

if TYPE_CHECKING:
    from envsuite.vector.memory import BatchMemory


class CrafterKernel(RowKernel):
    """The worlds of a vector env."""

    env_class = CrafterEnv
    rows_argument = "worlds"

    def _make_rows(self, threads: int | None) -> Worlds:
        self._observe = self._template.observe
        self.hands_out = self._observe == "pixels"
        rewarded = self._arguments.get("reward", True)
        return Worlds(self.num_envs, self._template.options, rewarded=rewarded, threads=threads)

    def bind(self, memory: BatchMemory) -> None:
        """Lets the engine write into the batch."""
        super().bind(memory)
        own = allocate_results(
            self.num_envs,
            self._rows.options,
            pictures=False,
            symbols=self._observe == "text",
            semantic=False,
        )
        pictures = memory.observations if self._observe == "pixels" else own.picture
        symbols = memory.observations if self._observe == "symbols" else {}
        self._rows.bind(
            own._replace(
                picture=pictures,
                flat=flattened(pictures),
                material=symbols.get("material", own.material),
                thing=symbols.get("thing", own.thing),
                semantic=memory.arrays.get("semantic", own.semantic),
                rewards=memory.rewards,
                terminated=memory.terminated,
                truncated=memory.truncated,
                events=memory.events,
                factors=memory.factors,
                effective=memory.arrays["effective_actions"],
            )
        )

    def begin(self, resets: Resets) -> None:
        """Starts what the batch commands."""
        self._seed(resets)
        self._rows.hand_out(self._memory.handout)
        self._rows.begin(self._memory.command, self._memory.actions)

    def finish(self) -> None:
        """Waits for the engine and writes what infos hold beside what it has written itself."""
        super().finish()
        self._rows.hand_out(None)  # what was handed out is the caller's now
        memory, worlds = self._memory, self._rows
        if self._observe == "symbols":
            write_symbols(worlds, memory.observations)
        elif self._observe == "text":
            self._write_texts()
        memory.signals["daylight"][:] = worlds.daylight
        arrays = memory.arrays
        arrays["inventory"][:] = worlds.inventory
        arrays["achievements"][:] = worlds.achievements
        arrays["player_pos"][:] = worlds.position
        arrays["player_facing"][:] = worlds.facing
        arrays["sleeping"][:] = worlds.sleeping
        memory.invalid_action[:] = worlds.no_effect_count
        ended = memory.terminated | memory.truncated
        memory.has_metrics[:] = ended
        if ended.any():
            memory.metrics[ended] = worlds.achievements[ended] > 0

    def _write_texts(self) -> None:
        memory = self._memory
        for row in np.flatnonzero(memory.command).tolist():
            action = int(memory.actions[row]) if memory.command[row] == STEP_ROW else None
            memory.observations[row] = text_of(self._rows, row, action)


def make_kernel(num_envs: int, *, task: Task, family: Family, **arguments: Any) -> CrafterKernel:
    """Returns the kernel of a Crafter task's vector env."""
    return CrafterKernel(num_envs, task=task, family=family, **arguments)
