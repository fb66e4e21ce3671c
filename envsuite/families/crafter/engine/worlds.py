"""Worlds: the arrays of a batch of worlds, and calls of the compiled functions on them, over all cores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envsuite.crew import RESET_ROW, STEP_ROW, Crew
from envsuite.families.crafter.engine import compiled
from envsuite.families.crafter.engine.art import allocate_scratch, make_art
from envsuite.families.crafter.engine.frame import Scratch
from envsuite.families.crafter.engine.ground import DOUBT
from envsuite.families.crafter.engine.layout import (
    ACHIEVED,
    AT_X,
    AT_Y,
    DIRECTION_X,
    DIRECTION_Y,
    EPISODE,
    FACING,
    GONE,
    INVENTORY,
    KIND,
    NO_EFFECT,
    SLEEPING,
    SLOTS,
    STEP,
    X,
    Y,
    allocate,
)
from envsuite.families.crafter.engine.results import allocate_results, flattened
from envsuite.families.crafter.engine.run import Results, Setting
from envsuite.families.crafter.engine.run import draw_row as _draw_row
from envsuite.families.crafter.engine.run import meadow_row as _meadow_row
from envsuite.families.crafter.engine.run import run_rows as _run_rows
from envsuite.families.crafter.engine.tables import DAYLIGHT
from envsuite.families.crafter.options import Options

_NO_MEADOW = np.zeros(0)
_DIRECTIONS = np.stack([DIRECTION_X, DIRECTION_Y], axis=1)


class Worlds:
    """A batch of worlds; rows are stepped and reset together, by as many threads as asked for."""

    def __init__(self, num_envs: int, options: Options, *, rewarded: bool, threads: int | None = 1) -> None:
        """Allocates the worlds; `bind` comes before anything else.

        Args:
            num_envs: how many rows.
            options: the shape of the worlds.
            rewarded: False writes rewards of 0.
            threads: how many run at once; None takes as many as there are cores.
        """
        self.num_envs = num_envs
        self.options = options
        self.batch = allocate(num_envs, options)
        self._art = make_art(options.size, options.view)
        self._crew = Crew(threads, num_envs, "crafter")
        self._scratch = [allocate_scratch(self._art, options.area) for _ in range(self._crew.size)]
        self._status = np.zeros(num_envs, np.uint8)
        self._one_row = np.zeros(1, np.int64)
        self._furthest = 0
        """No row has taken more steps."""
        self._setting = Setting(
            daylight=DAYLIGHT.upto(0),
            width=options.area[0],
            height=options.area[1],
            reach=options.reach,
            pixels=options.map_pixels,
            limit=options.length,
            rewarded=rewarded,
        )
        self.results = allocate_results(0, options, pictures=False, symbols=False, semantic=False)

    def bind(self, results: Results) -> None:
        """Takes the arrays that come back from a batch, and compiles the engine if that has not been done."""
        self.results = results
        self._command, self._actions = np.zeros(self.num_envs, np.uint8), np.zeros(self.num_envs, np.int64)
        with compiled.announced(_run_rows):
            self._call(self._scratch[0], np.zeros(0, np.int64))

    def hand_out(self, pictures: NDArray[np.uint8] | None) -> None:
        """Lets the pictures to come be written a second time; None ends that."""
        nowhere = self.results.flat[:0]
        self.results = self.results._replace(handout=nowhere if pictures is None else flattened(pictures))

    def seed(self, row: int, seed: int) -> None:
        """Lets the row's next reset begin the first episode of a seed, and those after it the following ones."""
        self.batch.seeds[row] = hash(seed)
        self.batch.state[row, EPISODE] = 0

    def run_row(self, row: int, command: int, action: int) -> None:
        """Steps or resets one row and no other."""
        self._look_ahead()
        self._command[row], self._actions[row] = command, action
        self._one_row[0] = row
        self._call(self._scratch[0], self._one_row)
        if self._status[row]:
            self._remake(row)

    def begin(self, command: NDArray[np.uint8], actions: NDArray[np.int64]) -> None:
        """Starts what `finish` waits for."""
        self._crew.settle()
        self._command[:], self._actions[:] = command, actions
        self._look_ahead()
        # A reset takes as long as fifty steps, so each is a part of its own and comes first.
        self._crew.begin(self._work, np.flatnonzero(command == RESET_ROW), np.flatnonzero(command == STEP_ROW))

    def finish(self) -> None:
        """Returns when all is done; a world in doubt is made again with numpy's exponential."""
        self._crew.finish()
        for row in np.flatnonzero(self._status).tolist():
            self._remake(row)

    def close(self) -> None:
        """Ends the threads; may be called twice."""
        self._crew.close()

    def draw(self, row: int, size: tuple[int, int]) -> NDArray[np.uint8]:
        """Returns a picture of any size, uint8 (height, width, 3), and leaves the world as it was."""
        art = make_art(size, self.options.view)
        out = np.zeros((size[1], size[0], 3), np.uint8)
        scratch = allocate_scratch(art, self.options.area)
        with compiled.announced(_draw_row):
            _draw_row(self.batch, self._setting, art, scratch, row, self.batch.stream[row].copy(), out)
        return out

    # What the state says, as views or small arrays with a leading axis of rows.

    @property
    def inventory(self) -> NDArray[np.int32]:
        """int32 (n, items)."""
        return self.batch.state[:, INVENTORY:ACHIEVED]

    @property
    def achievements(self) -> NDArray[np.int32]:
        """int32 (n, achievements): how often each was done."""
        return self.batch.state[:, ACHIEVED:]

    @property
    def position(self) -> NDArray[np.int32]:
        """int32 (n, 2): x and y of the player."""
        return self.batch.state[:, X : Y + 1]

    @property
    def facing(self) -> NDArray[np.int64]:
        """int64 (n, 2): the step ahead of the player."""
        return _DIRECTIONS[self.batch.state[:, FACING]]

    @property
    def facing_number(self) -> NDArray[np.int32]:
        """int32 (n,): numbers of `rules.FACINGS`."""
        return self.batch.state[:, FACING]

    @property
    def sleeping(self) -> NDArray[np.bool_]:
        """Bool (n,)."""
        return self.batch.state[:, SLEEPING] != 0

    @property
    def daylight(self) -> NDArray[np.float64]:
        """float64 (n,): how bright it is, from 0 to 1."""
        return self._setting.daylight[self.batch.state[:, STEP]]

    @property
    def no_effect_count(self) -> NDArray[np.int32]:
        """int32 (n,): how many actions of the episode had no effect."""
        return self.batch.state[:, NO_EFFECT]

    @property
    def episode(self) -> NDArray[np.int32]:
        """int32 (n,): the number of the episode under its seed, 0 before the first."""
        return self.batch.state[:, EPISODE]

    @property
    def steps(self) -> NDArray[np.int32]:
        """int32 (n,): how many steps the episode has taken."""
        return self.batch.state[:, STEP]

    def semantic(self, row: int) -> NDArray[np.uint8]:
        """Returns the row's map, uint8 (width, height) of `rules.SEMANTICS`: materials and what stands on them."""
        if len(self.results.semantic):
            return self.results.semantic[row].copy()
        canvas = self.batch.tiles[row].copy()
        kinds = self.batch.bodies[row, : self.batch.state[row, SLOTS], KIND]
        living = np.flatnonzero(kinds != GONE)
        things = self.batch.things[row, living]
        canvas[things[:, AT_X], things[:, AT_Y]] = kinds[living]
        return canvas

    # Snapshots.

    def state(self, row: int) -> dict[str, NDArray[Any]]:
        """Returns copies of everything that decides how the row's world goes on."""
        slots = int(self.batch.state[row, SLOTS])
        arrays = self.batch._asdict()
        cut = {name: arrays[name][row, :slots].copy() for name in ("things", "bodies")}
        whole = ("stream", "tiles", "chunks", "state", "seeds")
        effective = {"effective": self.results.effective[row].copy()}
        return cut | {name: np.array(arrays[name][row]) for name in whole} | effective

    def set_state(self, row: int, state: Mapping[str, NDArray[Any]]) -> None:
        """Continues the world of `state`, of worlds of the same shape."""
        arrays = self.batch._asdict()
        for name, value in state.items():
            if name in ("things", "bodies"):
                arrays[name][row, : len(value)] = value
            else:
                target = arrays[name] if name in arrays else getattr(self.results, name)
                target[row] = value
        occupant = self.batch.occupant[row]
        occupant[:] = 0
        living = np.flatnonzero(state["bodies"][:, KIND] != GONE)
        x, y = state["things"][living, AT_X], state["things"][living, AT_Y]
        occupant[x, y] = living + 1
        # A picture may be asked for before the next step.
        self._furthest = max(self._furthest, int(self.batch.state[row, STEP]))
        self._light_up()

    # Parts of the above.

    def _look_ahead(self) -> None:
        """Sees to it that the brightness of the step to come is known for every row."""
        self._furthest += 1
        if self._furthest >= len(self._setting.daylight):
            self._furthest = int(self.batch.state[:, STEP].max()) + 1
            self._light_up()

    def _light_up(self) -> None:
        """Lets the table of brightness reach the furthest step."""
        self._setting = self._setting._replace(daylight=DAYLIGHT.upto(self._furthest))

    def _work(self, number: int, rows: NDArray[np.int64]) -> None:
        self._call(self._scratch[number], rows)

    def _call(
        self,
        scratch: Scratch,
        rows: NDArray[np.int64],
        meadow: NDArray[np.float64] = _NO_MEADOW,
        doubt: float | None = None,
    ) -> None:
        _run_rows(
            self.batch,
            self._setting,
            self._art,
            scratch,
            self.results,
            self._command,
            self._actions,
            self._status,
            meadow,
            DOUBT if doubt is None else doubt,
            rows,
        )

    def _remake(self, row: int) -> None:
        """Makes the row's new world again, its meadow through numpy, whose exponential the reference uses."""
        meadow = np.zeros(self.options.area[0] * self.options.area[1])
        _meadow_row(self.batch, self._setting, self._scratch[0], row, meadow)
        self.batch.state[row, EPISODE] -= 1
        self._call(self._scratch[0], np.array([row]), 1 / (1 + np.exp(-meadow)), 0.0)
