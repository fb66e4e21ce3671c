"""RowKernel: what the kernels of families have in common whose engine holds a batch of rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from envsuite.crew import RESET_ROW
from envsuite.env import TaskEnv
from envsuite.task import Family, Task

if TYPE_CHECKING:
    from envsuite.vector.memory import BatchMemory

Resets = Mapping[int, tuple[int | None, dict[str, Any] | None]]
_EPISODE_SEEDS = 2**31 - 1


class Rows(Protocol):
    """A family's batch: rows that an engine steps and resets together."""

    @property
    def episode(self) -> NDArray[Any]:
        """The number of each row's episode under its seed, 0 before the first."""
        ...

    def seed(self, row: int, seed: int) -> None:
        """Lets the row's next reset begin the first episode of a seed."""
        ...

    def begin(self, command: NDArray[np.uint8], actions: NDArray[np.int64]) -> None:
        """Starts what `finish` waits for."""
        ...

    def finish(self) -> None:
        """Returns when all is done."""
        ...

    def close(self) -> None:
        """Ends the threads; may be called twice."""
        ...


class RowKernel:
    """The rows of a vector env; what it writes equals what single environments of the same seeds return.

    A family sets `env_class`, whose instances take `<rows_argument>=` and `row=` and have `follow()`, makes the rows in
    `_make_rows`, and extends `bind`, which lets the engine write into the batch, and `finish`, which writes the rest.
    """

    hands_out: bool = False
    env_class: ClassVar[type[Any]]
    rows_argument: ClassVar[str]

    def __init__(
        self, num_envs: int, *, task: Task, family: Family, threads: int | None = None, **arguments: Any
    ) -> None:
        """Allocates the rows.

        Args:
            num_envs: how many.
            task: the record in the catalogue.
            family: the record of its family.
            threads: how many run at once; None takes as many as there are cores.
            arguments: go to `env_class`.
        """
        if threads is not None and threads < 1:
            raise ValueError(f"threads: expected None or at least 1, got {threads}")
        self.num_envs = num_envs
        # A first environment of its own checks the arguments and tells the spaces.
        self._template = self.env_class(task=task, family=family, **arguments)
        self._arguments = {"task": task, "family": family, **arguments}
        self._rows = self._make_rows(threads)
        self._envs: dict[int, Any] = {}
        self._rng = np.random.default_rng()
        self._bound = False
        self._memory: BatchMemory

    def _make_rows(self, threads: int | None) -> Any:
        """Returns the family's `Rows`."""
        raise NotImplementedError

    def env(self, row: int) -> TaskEnv:
        """Returns the environment of a row; it acts on the row's state."""
        if row not in self._envs:
            self._envs[row] = self.env_class(row=row, **{self.rows_argument: self._rows}, **self._arguments)
        env: TaskEnv = self._envs[row]
        if self._bound:
            self._envs[row].follow()
        return env

    def bind(self, memory: BatchMemory) -> None:
        """Takes the batch that the engine reads and writes."""
        self._memory = memory
        self._bound = True

    def begin(self, resets: Resets) -> None:
        """Starts what the batch commands."""
        self._seed(resets)
        self._rows.begin(self._memory.command, self._memory.actions)

    def _seed(self, resets: Resets) -> None:
        """Checks the options of resets and seeds the rows that are to be, or never were."""
        for _, options in resets.values():
            self._template.check_options(options)
        rows = self._rows
        unseeded = (self._memory.command == RESET_ROW) & (rows.episode == 0)
        for row in np.flatnonzero(unseeded).tolist():
            rows.seed(row, int(self._rng.integers(_EPISODE_SEEDS)))
        for row, (seed, _) in resets.items():
            if seed is not None:
                rows.seed(row, seed)

    def finish(self) -> None:
        """Waits for the engine."""
        self._rows.finish()

    def close(self) -> None:
        """Ends the threads."""
        self._rows.close()
