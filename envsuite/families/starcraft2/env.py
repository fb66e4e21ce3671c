"""SimulatorEnv: a mini-game on our own simulator, under the contract."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from envsuite.crew import RESET_ROW, STEP_ROW
from envsuite.env import Info, TaskEnv, Transition
from envsuite.families.starcraft2.describe import EVENTS, FACTORS
from envsuite.families.starcraft2.draw import draw_top_view
from envsuite.families.starcraft2.engine.layout import LAYOUT_VERSION, ME, NEUTRAL
from envsuite.families.starcraft2.engine.units import SIGHT, UNIT_TYPES
from envsuite.families.starcraft2.observations import INFO_ARRAYS
from envsuite.families.starcraft2.options import checked_options
from envsuite.families.starcraft2.plays import Plays, allocate_results
from envsuite.task import Family, Task


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An episode on the simulator at one moment; it may be restored any number of times."""

    version: int
    scenario: str
    game: Mapping[str, NDArray[Any]]
    mask: NDArray[np.int8]
    episode: Mapping[str, Any]


class SimulatorEnv(TaskEnv):
    """A mini-game of StarCraft II on envsuite's simulator, not on the game: scores of the two do not compare.

    Observation, as `observe` says: "layers" gives `screen` (and `minimap`, where layers of it are asked for), "units"
    gives `units` and `unit_type`; both give `player` and `action_mask` (`observations.space_of`).

    Action: MultiDiscrete([functions, size, size]): the number of a function of `function_names`, and a point on the
    screen (of the minimap for `move_camera`), x to the right and y down. A step is 8 of the game's 16 loops a
    second. Reward: what the map's script adds to the score.

    An episode terminates when all of the player's units are dead in a map where that loses, and is truncated when
    the map's timer has run out. `info` also holds `loop`, `score`, `minerals`, `vespene`, `units` (name and "own",
    "enemy" or "neutral" of every unit the player sees), `available` (names of the functions that can be called) and
    `simulator`, True. `info["invalid_action"]` counts functions that could not be called, and refused commands.

    Bitwise: the simulator uses nothing but sums, products, quotients and square roots, whose results IEEE 754 fixes.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array", "human"], "render_fps": 2}  # type: ignore[misc]  # gymnasium declares it per instance

    def __init__(
        self,
        *,
        task: Task,
        family: Family,
        mini_game: str,
        observe: str = "layers",
        functions: Any = None,
        size: Any = 64,
        layers: Any = None,
        minimap_layers: Any = None,
        render_mode: str | None = None,
        copy: bool = True,
        plays: Plays | None = None,
        row: int = 0,
    ) -> None:
        """Creates the environment.

        Args:
            task: the record in the catalogue.
            family: the record of its family.
            mini_game: its name in pysc2.
            observe: "layers" or "units".
            functions: names of pysc2's functions that the agent may call (`functions.FUNCTIONS`); None takes the
                mini-game's own.
            size: side of the screen and the minimap in pixels, which is also the grid of points.
            layers: names of screen layers; None takes eight that fit a byte, or those an economy needs.
            minimap_layers: names of minimap layers; None takes four where the camera moves, else none.
            render_mode: None, "rgb_array" or "human".
            copy: False hands out the simulator's own arrays.
            plays: a batch that the environment is a row of, for vector envs.
            row: which row.
        """
        limit = task.max_episode_steps
        self.options = checked_options(mini_game, observe, functions, size, layers, minimap_layers, limit)
        super().__init__(task=task, family=family, render_mode=render_mode, copy=copy)
        self.observation_space = self.options.observation_space()
        self.action_space = self.options.action_space()
        self.function_names = tuple(function.name for function in self.options.functions)
        self.info_arrays = INFO_ARRAYS
        self._row = row
        self._plays = plays or Plays(1, self.options)
        if plays is None:
            self._plays.bind(allocate_results(1, self.options))

    def action_masks(self) -> NDArray[np.int8]:
        """Returns the observation's `action_mask`, int8: functions, then ones for x and for y."""
        mask: NDArray[np.int8] = self._plays.results.mask[self._row].copy()
        return mask

    def snapshot(self) -> Snapshot:
        """Returns the whole state of the game and of the stream of seeds, detached from the environment.

        Raises Gymnasium's `ResetNeeded` before the first `reset`.
        """
        self._require_episode("snapshot()")
        game = self._plays.games.state(self._row)
        return Snapshot(LAYOUT_VERSION, self.options.scenario.name, game, self.action_masks(), self._episode_state())

    def restore(self, snapshot: Snapshot) -> None:
        """Continues from a snapshot of this or another environment of the mini-game: the same actions, the same bytes.

        Raises TypeError for anything but a `Snapshot`, ValueError for one of another version of envsuite, of another
        mini-game or of other functions; nothing has changed then.
        """
        if not isinstance(snapshot, Snapshot):
            raise TypeError(f"snapshot: expected what snapshot() returned, got {type(snapshot).__name__}")
        mine = (LAYOUT_VERSION, self.options.scenario.name, self._plays.results.mask[self._row].shape)
        theirs = (snapshot.version, snapshot.scenario, snapshot.mask.shape)
        if mine != theirs:
            raise ValueError(
                f"snapshot: expected one of version {mine[0]} of {mine[1]} with a mask of shape {mine[2]}, "
                f"got version {theirs[0]} of {theirs[1]}, {theirs[2]}"
            )
        self._plays.games.set_state(self._row, dict(snapshot.game))
        self._plays.observe(self._row)
        self._set_episode_state(snapshot.episode)

    def follow(self) -> None:
        """Takes over where the batch has brought the row to, of which the environment is a view."""
        state, results, row = self._plays.state[self._row], self._plays.results, self._row
        self._episode, self._elapsed_steps = int(state["episode"]), int(state["steps"])
        self._no_effect_count = int(state["no_effect"])
        self._running = self._episode > 0 and not (results.terminated[row] or results.truncated[row])

    def _begin(self, seed: int, task_value: Any) -> tuple[Any, Info]:
        del task_value
        if self._episode == 1:
            # Later episodes of a seed go on with the game's own stream, as a restart of the game does.
            self._plays.games.seed(self._row, seed)
        self._plays.run_row(self._row, RESET_ROW)
        return self._observation(), self._extra()

    def _advance(self, action: Any) -> Transition:
        results, row = self._plays.results, self._row
        before = int(self._plays.state[row]["no_effect"])
        self._plays.run_row(row, STEP_ROW, action)
        return Transition(
            observation=self._observation(),
            reward=float(results.rewards[row]),
            terminated=bool(results.terminated[row]),
            stalled=bool(results.truncated[row]),
            events=tuple(itertools.compress(EVENTS, results.events[row].tolist())),
            factors=dict(zip(FACTORS, results.factors[row].tolist(), strict=True)),
            no_effect=int(self._plays.state[row]["no_effect"]) > before,
            extra=self._extra(),
        )

    def _frame(self) -> NDArray[np.uint8]:
        games = self._plays.games
        return draw_top_view(games.units(self._row), self.options.scenario, games.batch.blocked[self._row])

    def _metrics(self) -> Mapping[str, float]:
        return dict(zip(MINI_GAME_METRICS, metrics_of(self._plays, slice(self._row, self._row + 1))[0], strict=True))

    def _observation(self) -> dict[str, NDArray[Any]]:
        results, row = self._plays.results, self._row
        parts = {name: getattr(results, _ATTRIBUTES.get(name, name))[row] for name in self.observation_space.spaces}  # type: ignore[attr-defined]  # it is a Dict
        return {name: part.copy() for name, part in parts.items()} if self.copy else parts

    def _extra(self) -> Info:
        state, player = self._plays.state[self._row], self._plays.player[self._row]
        mask = self._plays.results.mask[self._row]
        return {
            "loop": int(state["loop"]),
            "score": float(state["score"]),
            "minerals": int(player["minerals"]),
            "vespene": int(player["vespene"]),
            "units": self._seen_units(),
            "available": tuple(itertools.compress(self.function_names, mask.tolist())),
            "simulator": True,
        }

    def _seen_units(self) -> tuple[tuple[str, str], ...]:
        units = self._plays.games.units(self._row)
        if self.options.scenario.fog:
            own = units[units["owner"] == ME]
            gaps = np.hypot(units["x"][:, None] - own["x"], units["y"][:, None] - own["y"])
            units = units[(units["owner"] == ME) | (gaps <= SIGHT[own["type"]]).any(axis=1)]
        return tuple(
            (UNIT_TYPES[kind].name, "own" if owner == ME else "neutral" if owner == NEUTRAL else "enemy")
            for kind, owner in zip(units["type"].tolist(), units["owner"].tolist(), strict=True)
        )


MINI_GAME_METRICS = ("kills", "losses", "waves", "collected_minerals", "collected_vespene", "units_made")
"""The first of `describe.METRICS`."""


def metrics_of(plays: Plays, rows: Any) -> NDArray[np.float64]:
    """Returns `MINI_GAME_METRICS` of some rows, (rows, 6)."""
    state, player = plays.state[rows], plays.player[rows]
    columns = (
        *(player["kills"], player["losses"], state["wave"]),
        *(player["collected_minerals"], player["collected_vespene"], player["made_units"]),
    )
    return np.stack(columns, axis=1).astype(np.float64)


_ATTRIBUTES = {"action_mask": "mask"}
