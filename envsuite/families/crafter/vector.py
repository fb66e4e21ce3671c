"""CrafterKernel: many Crafter worlds stepped in one call of the engine, over all cores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from envsuite.env import TaskEnv
from envsuite.families.crafter.engine.results import allocate_results, flattened
from envsuite.families.crafter.engine.run import RESET_ROW, STEP_ROW
from envsuite.families.crafter.engine.worlds import Worlds
from envsuite.families.crafter.env import CrafterEnv
from envsuite.families.crafter.observations import text_of, write_symbols
from envsuite.task import Family, Task

if TYPE_CHECKING:
    from envsuite.vector.memory import BatchMemory

Resets = Mapping[int, tuple[int | None, dict[str, Any] | None]]
_EPISODE_SEEDS = 2**31 - 1


class CrafterKernel:
    """The worlds of a vector env; what it writes equals what single environments of the same seeds return."""

    def __init__(
        self, num_envs: int, *, task: Task, family: Family, threads: int | None = None, **arguments: Any
    ) -> None:
        """Allocates the worlds.

        Args:
            num_envs: how many.
            task: the record in the catalogue.
            family: the record of its family.
            threads: how many run at once; None takes as many as there are cores.
            arguments: go to `CrafterEnv`.
        """
        if threads is not None and threads < 1:
            raise ValueError(f"threads: expected None or at least 1, got {threads}")
        self.num_envs = num_envs
        # A first environment of its own checks the arguments and tells the spaces.
        self._template = template = CrafterEnv(task=task, family=family, **arguments)
        self._worlds = Worlds(num_envs, template.options, rewarded=arguments.get("reward", True), threads=threads)
        self._arguments = {"task": task, "family": family, **arguments}
        self._envs: dict[int, CrafterEnv] = {}
        self._observe = template.observe
        self.hands_out = self._observe == "pixels"
        self._rng = np.random.default_rng()
        self._memory: BatchMemory

    def env(self, row: int) -> TaskEnv:
        """Returns the environment of a row; it acts on the row's world."""
        if row not in self._envs:
            self._envs[row] = CrafterEnv(worlds=self._worlds, row=row, **self._arguments)
        env = self._envs[row]
        env.follow()
        return env

    def bind(self, memory: BatchMemory) -> None:
        """Lets the engine write into the batch."""
        self._memory = memory
        own = allocate_results(
            self.num_envs,
            self._worlds.options,
            pictures=False,
            symbols=self._observe == "text",
            semantic=False,
        )
        pictures = memory.observations if self._observe == "pixels" else own.picture
        symbols = memory.observations if self._observe == "symbols" else {}
        self._worlds.bind(
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
        for _, options in resets.values():
            self._template.check_options(options)
        unseeded = (self._memory.command == RESET_ROW) & (self._worlds.episode == 0)
        for row in np.flatnonzero(unseeded).tolist():
            self._worlds.seed(row, int(self._rng.integers(_EPISODE_SEEDS)))
        for row, (seed, _) in resets.items():
            if seed is not None:
                self._worlds.seed(row, seed)
        self._worlds.hand_out(self._memory.handout)
        self._worlds.begin(self._memory.command, self._memory.actions)

    def finish(self) -> None:
        """Waits for the engine and writes what infos hold beside what it has written itself."""
        self._worlds.finish()
        self._worlds.hand_out(None)  # what was handed out is the caller's now
        memory, worlds = self._memory, self._worlds
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

    def close(self) -> None:
        """Ends the threads."""
        self._worlds.close()

    def _write_texts(self) -> None:
        memory = self._memory
        for row in np.flatnonzero(memory.command).tolist():
            action = int(memory.actions[row]) if memory.command[row] == STEP_ROW else None
            memory.observations[row] = text_of(self._worlds, row, action)


def make_kernel(num_envs: int, *, task: Task, family: Family, **arguments: Any) -> CrafterKernel:
    """Returns the kernel of a Crafter task's vector env."""
    return CrafterKernel(num_envs, task=task, family=family, **arguments)
