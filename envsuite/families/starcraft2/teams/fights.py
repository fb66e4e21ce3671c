"""Fights: a batch of battles as agents see them, stepped by compiled code over all cores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envsuite.crew import RESET_ROW, SKIP_ROW, Crew
from envsuite.families.starcraft2.describe import EVENTS, FACTORS
from envsuite.families.starcraft2.engine import compiled
from envsuite.families.starcraft2.engine.battle import (
    Ledger,
    Results,
    View,
    battle_look_rows,
    battle_reset_rows,
    battle_step_rows,
)
from envsuite.families.starcraft2.engine.games import Games
from envsuite.families.starcraft2.engine.layout import ME
from envsuite.families.starcraft2.engine.views import Side, widths
from envsuite.families.starcraft2.teams.options import Options, actions_of

_KEPT = ("last", "acted", "most")
"""What of a ledger is a battle's state; the rest is working memory."""


class Fights:
    """The battles of a batch, and what their agents get."""

    def __init__(self, num_envs: int, options: Options, *, threads: int | None = 1) -> None:
        """Allocates the battles; `bind` comes before anything else.

        Args:
            num_envs: how many rows.
            options: who fights whom, and what agents see.
            threads: how many run at once; None takes as many as there are cores.
        """
        self.num_envs = num_envs
        self.options = options
        self.games = Games(num_envs, options.scenario)
        self._crew = Crew(threads, num_envs, "starcraft2")
        self._ledger = _ledger(num_envs, options)
        self._one_row = np.zeros(1, np.int64)
        self._actions = np.zeros((num_envs, options.rules.mine.agents), np.int64)
        self._their_actions = np.zeros((num_envs, options.rules.theirs.agents if options.self_play else 0), np.int64)
        self._command = np.zeros(num_envs, np.uint8)
        self.results: Results

    def bind(self, results: Results) -> None:
        """Takes the arrays that come back from a batch, and compiles the engine if that has not been done."""
        self.results = results
        none = self._one_row[:0]
        with compiled.announced(battle_reset_rows):
            self._reset(none)
        with compiled.announced(battle_step_rows):
            self._step(none)

    def reset_row(self, row: int) -> None:
        """Begins the next episode of one row."""
        self._one_row[0] = row
        self._reset(self._one_row)

    def step_row(self, row: int, actions: Any, their_actions: Any = ()) -> None:
        """Does the actions of one row's agents; the second player's only where these are agents."""
        self._actions[row] = actions
        if self.options.self_play:
            self._their_actions[row] = their_actions
        self._one_row[0] = row
        self._step(self._one_row)

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

    def state_of(self, row: int) -> dict[str, NDArray[Any]]:
        """Returns a copy of everything that a row is."""
        kept = {f"ledger_{name}": getattr(self._ledger, name)[row].copy() for name in _KEPT}
        return self.games.state(row) | kept

    def set_state(self, row: int, state: Mapping[str, NDArray[Any]]) -> None:
        """Puts back what `state_of` returned, and what agents then see."""
        self.games.set_state(row, dict(state))
        for name in _KEPT:
            getattr(self._ledger, name)[row] = state[f"ledger_{name}"]
        self._one_row[0] = row
        with compiled.announced(battle_look_rows):
            battle_look_rows(
                self.games.batch, self.games.setting, self.options.rules, self._ledger, self._one_row, self.results
            )

    def _work(self, number: int, rows: NDArray[np.int64]) -> None:
        del number
        resets = self._command[rows] == RESET_ROW
        if resets.any():
            self._reset(rows[resets])
            rows = rows[~resets]
        self._step(rows)

    def _reset(self, rows: NDArray[np.int64]) -> None:
        battle_reset_rows(self.games.batch, self.games.setting, self.options.rules, self._ledger, rows, self.results)

    def _step(self, rows: NDArray[np.int64]) -> None:
        battle_step_rows(
            self.games.batch,
            self.games.setting,
            self.options.rules,
            self._ledger,
            rows,
            self._actions,
            self._their_actions,
            self.results,
        )

    # What the state says, with a leading axis of rows.

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
        """PLAYER records (n,) of the first player, whose `result` is 1 for a victory."""
        player: NDArray[Any] = self.games.batch.players[:, ME]
        return player

    def left(self, side: Side) -> NDArray[np.int64]:
        """Returns how many units of a side live, (n,)."""
        kinds = self.games.batch.units["type"][:, side.first : side.first + side.agents]
        left: NDArray[np.int64] = np.count_nonzero(kinds, axis=1)
        return left

    def sides(self, row: int) -> tuple[Side, Side]:
        """Returns the allies' side and the other: equal teams of agents may have changed places."""
        rules = self.options.rules
        changed = rules.fair and bool(self.state[row]["side"])
        return (rules.theirs, rules.mine) if changed else (rules.mine, rules.theirs)


def _ledger(num_envs: int, options: Options) -> Ledger:
    units = options.units
    return Ledger(
        last=np.zeros((num_envs, units)),
        acted=np.zeros((num_envs, units), np.int64),
        most=np.ones((num_envs, 2)),
        kind=np.zeros((num_envs, units), np.int64),
        at=np.zeros((num_envs, units, 2)),
        groups=np.zeros((num_envs, 4, 2)),
    )


def allocate_view(num_envs: int, side: Side, agents: int) -> View:
    """Returns arrays of zeros for what so many agents of a team get; none for a team of no agents."""
    numbers, state = widths(side)
    return View(
        observation=np.zeros((num_envs, agents, numbers), np.float32),
        state=np.zeros((num_envs, state if agents else 0), np.float32),
        mask=np.zeros((num_envs, agents, actions_of(side)), np.int8),
    )


def allocate_results(num_envs: int, options: Options) -> Results:
    """Returns arrays of zeros for what comes back from a batch."""
    mine, theirs = options.rules.mine, options.rules.theirs
    return Results(
        mine=allocate_view(num_envs, mine, mine.agents),
        theirs=allocate_view(num_envs, theirs, theirs.agents if options.self_play else 0),
        rewards=np.zeros(num_envs),
        their_rewards=np.zeros(num_envs),
        terminated=np.zeros(num_envs, np.bool_),
        truncated=np.zeros(num_envs, np.bool_),
        events=np.zeros((num_envs, len(EVENTS)), np.bool_),
        factors=np.zeros((num_envs, len(FACTORS))),
    )
