"""Games: the records of a batch of games, and calls of the compiled functions on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envsuite.families.starcraft2.engine import compiled, run
from envsuite.families.starcraft2.engine.abilities import NO_TARGET, NOT_SUPPORTED, POINT, REQUEST_OF_ID, UNIT
from envsuite.families.starcraft2.engine.layout import TAG_SLOTS, Batch, allocate
from envsuite.families.starcraft2.engine.scenario import Scenario
from envsuite.seeding import derive_seed

_MASK = (1 << 64) - 1


class Games:
    """A batch of games of one scenario."""

    def __init__(self, num_envs: int, scenario: Scenario) -> None:
        """Allocates the games; `seed` and `reset` come before anything else."""
        self.num_envs = num_envs
        self.scenario = scenario
        self.setting = scenario.setting()
        self.batch: Batch = allocate(num_envs, scenario.slots, *scenario.size)
        self._row = np.zeros(1, np.int64)

    def seed(self, row: int, seed: int) -> None:
        """Lets the row's next reset begin the first episode of a seed, and those after it the following ones."""
        state = self.batch.state[row, 0]
        state["random"] = np.uint64(derive_seed(seed, "starcraft2") & _MASK)
        state["episode"] = 0

    def reset(self, row: int) -> None:
        """Begins the next episode of a row's stream."""
        self._row[0] = row
        with compiled.announced(run.reset_rows):
            run.reset_rows(self.batch, self.setting, self._row, *self.scenario.camera)

    def step(self, row: int, loops: int) -> None:
        """Lets loops go by; an ended game stands still."""
        self._row[0] = row
        with compiled.announced(run.step_rows):
            run.step_rows(self.batch, self.setting, self._row, loops)

    def command(
        self,
        row: int,
        player: int,
        tags: list[int],
        ability_id: int,
        *,
        point: tuple[float, float] | None = None,
        target: int = 0,
        queued: bool = False,
    ) -> int:
        """Returns the protocol's ActionResult of a command to units, named by their tags.

        `ability_id` is a specific or a general one; `target` is the tag of a unit. Tags of others' units, and of what
        is gone, are left out.
        """
        request = REQUEST_OF_ID.get(ability_id)
        if request is None:
            return NOT_SUPPORTED
        units = self.batch.units[row]
        slots = [tag % TAG_SLOTS for tag in tags]
        here = [s for s, tag in zip(slots, tags, strict=True) if tag > 0 and s < len(units) and units[s]["tag"] == tag]
        kind, x, y = (POINT, *point) if point is not None else (UNIT if target else NO_TARGET, 0.0, 0.0)
        chosen = np.array(here, np.int64)
        return int(
            run.command_row(
                self.batch, self.setting, row, player, chosen, request, kind, float(x), float(y), target, queued
            )
        )

    def create(self, row: int, owner: int, kind: int, x: float, y: float) -> int:
        """Returns the tag of a new unit, 0 where there is no room."""
        slot = int(run.create_row(self.batch, row, owner, kind, float(x), float(y)))
        return 0 if slot < 0 else int(self.batch.units[row, slot]["tag"])

    def kill(self, row: int, tag: int) -> None:
        """Kills a unit; a tag that names none does nothing."""
        slot = tag % TAG_SLOTS
        units = self.batch.units[row]
        if tag > 0 and slot < len(units) and units[slot]["tag"] == tag:
            run.kill_row(self.batch, self.setting, row, slot)

    def units(self, row: int) -> NDArray[Any]:
        """Returns the records of a row's units, a copy without free slots."""
        units: NDArray[Any] = self.batch.units[row]
        return _of_bytes(_bytes_of(units).reshape(len(units), -1)[units["type"] != 0], units)

    def state(self, row: int) -> dict[str, NDArray[Any]]:
        """Returns a copy of everything that a row is."""
        return {
            name: _of_bytes(_bytes_of(array[row]).copy(), array[row]).reshape(array[row].shape)
            for name, array in self.batch._asdict().items()
        }

    def set_state(self, row: int, state: dict[str, NDArray[Any]]) -> None:
        """Puts back what `state` returned."""
        for name, array in self.batch._asdict().items():
            _bytes_of(array[row])[:] = _bytes_of(state[name])


def _bytes_of(records: NDArray[Any]) -> NDArray[np.uint8]:
    """Returns records as bytes, so that what pads them is copied too and equal games have equal bytes."""
    return records.reshape(-1).view(np.uint8)


def _of_bytes(taken: NDArray[np.uint8], like: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(taken).reshape(-1).view(like.dtype)
