"""Plays: a batch of mini-games as Gymnasium sees them, stepped by compiled code over all cores."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envsuite.crew import SKIP_ROW, Crew
from envsuite.families.starcraft2.engine import compiled
from envsuite.families.starcraft2.engine.abilities import ABILITIES, REQUEST_OF_ID
from envsuite.families.starcraft2.engine.games import Games
from envsuite.families.starcraft2.engine.layout import ME
from envsuite.families.starcraft2.engine.play import (
    Play,
    Results,
    Scratch,
    observe_row,
    play_rows,
)
from envsuite.families.starcraft2.engine.screen import Screen
from envsuite.families.starcraft2.options import Options

_NO_REQUEST = -1


class Plays:
    """The games of a batch, and what an agent gets from each."""

    def __init__(self, num_envs: int, options: Options, *, threads: int | None = 1) -> None:
        """Allocates the games; `bind` comes before anything else.

        Args:
            num_envs: how many rows.
            options: what the agent sees and does, and in which scenario.
            threads: how many run at once; None takes as many as there are cores.
        """
        self.num_envs = num_envs
        self.options = options
        self.games = Games(num_envs, options.scenario)
        self.play = _play(options)
        self._crew = Crew(threads, num_envs, "starcraft2")
        slots = options.scenario.slots
        self._scratch = [
            Scratch(np.zeros(slots, np.int64), np.zeros(len(ABILITIES), np.uint8)) for _ in range(self._crew.size)
        ]
        self._one_row = np.zeros(1, np.int64)
        self.results: Results

    def bind(self, results: Results) -> None:
        """Takes the arrays that come back from a batch, and compiles the engine if that has not been done."""
        self.results = results
        self._command = np.zeros(self.num_envs, np.uint8)
        self._actions = np.zeros((self.num_envs, 3), np.int64)
        with compiled.announced(play_rows):
            self._work(0, self._one_row[:0])

    def run_row(self, row: int, command: int, action: NDArray[np.int64] | None = None) -> None:
        """Steps or resets one row and no other."""
        self._command[row] = command
        if action is not None:
            self._actions[row] = action
        self._one_row[0] = row
        self._work(0, self._one_row)

    def observe(self, row: int) -> None:
        """Writes the observation of a row that has been put into another state."""
        with compiled.announced(observe_row):
            observe_row(self.games.batch, self.games.setting, self.play, self._scratch[0], row, self.results)

    def seed(self, row: int, seed: int) -> None:
        """Lets the row's next reset begin the first episode of a seed, and those after it the following ones."""
        self.games.seed(row, seed)

    def begin(self, command: NDArray[np.uint8], actions: NDArray[np.int64]) -> None:
        """Starts what `finish` waits for."""
        self._crew.settle()
        self._command[:], self._actions[:] = command, actions
        rows = np.flatnonzero(command != SKIP_ROW)
        self._crew.begin(self._work, rows[:0], rows)

    def finish(self) -> None:
        """Returns when all is done."""
        self._crew.finish()

    def close(self) -> None:
        """Ends the threads; may be called twice."""
        self._crew.close()

    def _work(self, number: int, rows: NDArray[np.int64]) -> None:
        games = self.games
        scratch = self._scratch[number]
        play_rows(games.batch, games.setting, self.play, scratch, rows, self._command, self._actions, self.results)

    @property
    def episode(self) -> NDArray[np.int64]:
        """int64 (n,): the number of the episode under its seed, 0 before the first."""
        episode: NDArray[np.int64] = self.state["episode"]
        return episode

    @property
    def state(self) -> NDArray[Any]:
        """STATE records (n,)."""
        state: NDArray[Any] = self.games.batch.state[:, 0]
        return state

    @property
    def player(self) -> NDArray[Any]:
        """PLAYER records (n,) of the agent's player."""
        player: NDArray[Any] = self.games.batch.players[:, ME]
        return player


def _play(options: Options) -> Play:
    functions = [
        (function.code, REQUEST_OF_ID.get(function.ability_id, _NO_REQUEST), function.how)
        for function in options.functions
    ]
    camera_x, camera_y = options.scenario.camera
    size = options.size
    return Play(
        screen=Screen(columns=size, rows=size, map_columns=size, map_rows=size),
        functions=np.array(functions, np.int64),
        layers=np.array(options.layer_numbers, np.int64),
        minimap_layers=np.array(options.minimap_layer_numbers, np.int64),
        camera_x=camera_x,
        camera_y=camera_y,
        limit=options.limit,
    )


def allocate_results(num_envs: int, options: Options) -> Results:
    """Returns arrays of zeros for what comes back from a batch."""
    space = options.observation_space()
    parts: dict[str, NDArray[Any]] = {
        name: np.zeros((num_envs, *part.shape), part.dtype)  # type: ignore[misc]  # every part is a Box
        for name, part in space.spaces.items()
    }
    return results_of(num_envs, options, parts)


def results_of(num_envs: int, options: Options, parts: dict[str, NDArray[Any]], **arrays: NDArray[Any]) -> Results:
    """Returns results whose observations lie in the given arrays, and the rest too where it is given."""
    size = options.size
    return Results(
        screen=parts.get("screen", np.zeros((num_envs, 0, size, size), np.uint8)),
        minimap=parts.get("minimap", np.zeros((num_envs, 0, size, size), np.uint8)),
        units=parts.get("units", np.zeros((num_envs, 0, 0), np.float32)),
        unit_type=parts.get("unit_type", np.zeros((num_envs, 0), np.int32)),
        player=parts["player"],
        mask=parts["action_mask"],
        rewards=arrays.get("rewards", np.zeros(num_envs, np.float64)),
        terminated=arrays.get("terminated", np.zeros(num_envs, np.bool_)),
        truncated=arrays.get("truncated", np.zeros(num_envs, np.bool_)),
        events=arrays.get("events", np.zeros((num_envs, options.event_count), np.bool_)),
        factors=arrays.get("factors", np.zeros((num_envs, options.factor_count), np.float64)),
    )
