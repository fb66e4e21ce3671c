"""BattleEnv: a whole team as one agent, under the contract."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envsuite.env import Info, TaskEnv, Transition
from envsuite.families.starcraft2.describe import EVENTS, FACTORS
from envsuite.families.starcraft2.draw import draw_top_view
from envsuite.families.starcraft2.engine.layout import LAYOUT_VERSION
from envsuite.families.starcraft2.engine.script import VICTORY
from envsuite.families.starcraft2.engine.units import UNIT_TYPES
from envsuite.families.starcraft2.teams.fights import Fights, allocate_results
from envsuite.families.starcraft2.teams.options import actions_of, central_space, checked_options
from envsuite.families.starcraft2.teams.tasks import ranged
from envsuite.task import Family, Task


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A battle at one moment; it may be restored any number of times."""

    version: int
    key: tuple[Any, ...]
    battle: Mapping[str, NDArray[Any]]
    episode: Mapping[str, Any]


class BattleEnv(TaskEnv):
    """A battle on envsuite's simulator, not on the game, with a team of agents steered as one.

    Observation, a Dict: `observation`, float32 (agents, numbers), what each agent sees, as SMAC has it; `state`,
    float32, SMAC's state; `action_mask`, int8, the masks of all agents one after another.

    Action: MultiDiscrete([actions] * agents): 0 nothing (the dead), 1 stop, 2 to 5 two units north, south, east or
    west, from 6 on an attack on an enemy by its number, or a medivac's heal of a friend. A step is 8 of the game's 16
    loops a second.

    Reward "shaped": the damage to enemies, 10 for each that dies and 200 for a victory, scaled so that all of it is 20;
    "sparse": 1 for a victory, -1 for a defeat. An episode terminates when a team is dead, or has nothing but medivacs
    left; at the step limit it is truncated, which is no victory. `info["success"]` tells of a victory.

    `info` also holds `loop`, `allies_left`, `enemies_left`, `units` (name and "own" or "enemy" of every living unit)
    and `simulator`, True. `info["invalid_action"]` counts the steps in which an agent's action was against its mask; it
    stopped in its place, or did nothing where it was dead.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array", "human"], "render_fps": 2}  # type: ignore[misc]  # gymnasium declares it per instance

    def __init__(
        self,
        *,
        task: Task,
        family: Family,
        scenario: Any,
        reward: str = "shaped",
        sees: Any = (),
        render_mode: str | None = None,
        copy: bool = True,
        fights: Fights | None = None,
        row: int = 0,
    ) -> None:
        """Creates the environment.

        Args:
            task: the record in the catalogue.
            family: the record of its family.
            scenario: SMAC's name of a battle, a name in `random.VARIANTS`, or a `random.Variant`.
            reward: "shaped" or "sparse".
            sees: what observations hold beside SMAC's default: "pathing", "last_actions", "position", "timestep".
            render_mode: None, "rgb_array" or "human".
            copy: False hands out the simulator's own arrays.
            fights: a batch that the environment is a row of, for vector envs.
            row: which row.
        """
        self.options = checked_options(scenario, reward, sees, False, task.max_episode_steps)
        super().__init__(task=ranged(task, reward), family=family, render_mode=render_mode, copy=copy)
        side = self.options.rules.mine
        self.observation_space = central_space(side)
        self.action_space = spaces.MultiDiscrete([actions_of(side)] * side.agents)
        self.info_arrays = INFO_ARRAYS
        self._row = row
        self._fights = fights or Fights(1, self.options)
        if fights is None:
            self._fights.bind(allocate_results(1, self.options))

    def action_masks(self) -> NDArray[np.int8]:
        """Returns the observation's `action_mask`, int8: that of each agent one after another."""
        mask: NDArray[np.int8] = self._fights.results.mine.mask[self._row].reshape(-1).copy()
        return mask

    def snapshot(self) -> Snapshot:
        """Returns the whole state of the battle and of the stream of seeds, detached from the environment.

        Raises Gymnasium's `ResetNeeded` before the first `reset`.
        """
        self._require_episode("snapshot()")
        battle = self._fights.state_of(self._row)
        return Snapshot(LAYOUT_VERSION, self.options.key, battle, self._episode_state())

    def restore(self, snapshot: Snapshot) -> None:
        """Continues from a snapshot of this or another environment of the scenario: the same actions, the same bytes.

        Raises TypeError for anything but a `Snapshot`, ValueError for one of another version of envsuite or of another
        scenario; nothing has changed then.
        """
        check_snapshot(snapshot, self.options.key)
        if "_episode" not in snapshot.episode:
            raise ValueError("snapshot: expected one of BattleEnv, got one of a parallel environment; restore it there")
        self._fights.set_state(self._row, snapshot.battle)
        self._set_episode_state(snapshot.episode)

    def follow(self) -> None:
        """Takes over where the batch has brought the row to, of which the environment is a view."""
        state, results, row = self._fights.state[self._row], self._fights.results, self._row
        self._episode, self._elapsed_steps = int(state["episode"]), int(state["steps"])
        self._no_effect_count = int(state["no_effect"])
        self._running = self._episode > 0 and not (results.terminated[row] or results.truncated[row])

    def _begin(self, seed: int, task_value: Any) -> tuple[Any, Info]:
        del task_value
        if self._episode == 1:
            # Later episodes of a seed go on with the battle's own stream.
            self._fights.games.seed(self._row, seed)
        self._fights.reset_row(self._row)
        return self._observation(), {**self._extra(), "success": False}

    def _advance(self, action: Any) -> Transition:
        fights, row = self._fights, self._row
        before = int(fights.state[row]["no_effect"])
        fights.step_row(row, action)
        results = fights.results
        return Transition(
            observation=self._observation(),
            reward=float(results.rewards[row]),
            terminated=bool(results.terminated[row]),
            stalled=bool(results.truncated[row]),
            success=bool(fights.player[row]["result"] == VICTORY),
            events=tuple(itertools.compress(EVENTS, results.events[row].tolist())),
            factors=dict(zip(FACTORS, results.factors[row].tolist(), strict=True)),
            no_effect=int(fights.state[row]["no_effect"]) > before,
            extra=self._extra(),
        )

    def _frame(self) -> NDArray[np.uint8]:
        games = self._fights.games
        return draw_top_view(games.units(self._row), self.options.scenario, games.batch.blocked[self._row])

    def _metrics(self) -> Mapping[str, float]:
        values = metrics_of(self._fights, slice(self._row, self._row + 1))[0]
        return dict.fromkeys(self.family.metrics, float("nan")) | dict(
            zip(BATTLE_METRICS, values.tolist(), strict=True)
        )

    def _observation(self) -> dict[str, NDArray[Any]]:
        view, row = self._fights.results.mine, self._row
        parts = {
            "observation": view.observation[row],
            "state": view.state[row],
            "action_mask": view.mask[row].reshape(-1),
        }
        return {name: part.copy() for name, part in parts.items()} if self.copy else parts

    def _extra(self) -> Info:
        fights, row = self._fights, self._row
        rules = self.options.rules
        return {
            "loop": int(fights.state[row]["loop"]),
            "allies_left": int(fights.left(rules.mine)[row]),
            "enemies_left": int(fights.left(rules.theirs)[row]),
            "units": named_units(fights, row),
            "simulator": True,
        }


BATTLE_METRICS = ("kills", "losses", "won", "allies_left", "enemies_left")
"""Which of `describe.METRICS` a battle tells."""
INFO_ARRAYS: Mapping[str, tuple[tuple[int, ...], str]] = {
    "loop": ((), "int64"),
    "allies_left": ((), "int64"),
    "enemies_left": ((), "int64"),
}
"""What of an info a vector env carries."""


def metrics_of(fights: Fights, rows: Any) -> NDArray[np.float64]:
    """Returns `BATTLE_METRICS` of some rows, (rows, 5)."""
    player, rules = fights.player[rows], fights.options.rules
    columns = (
        *(player["kills"], player["losses"], player["result"] == VICTORY),
        *(fights.left(rules.mine)[rows], fights.left(rules.theirs)[rows]),
    )
    return np.stack(columns, axis=1).astype(np.float64)


def named_units(fights: Fights, row: int) -> tuple[tuple[str, str], ...]:
    """Returns the name of every living unit, and whose it is: "own" or "enemy"."""
    units, own = fights.games.units(row), fights.sides(row)[0].owner
    return tuple(
        (UNIT_TYPES[kind].name.removesuffix("_RL"), "own" if owner == own else "enemy")
        for kind, owner in zip(units["type"].tolist(), units["owner"].tolist(), strict=True)
    )


def check_snapshot(snapshot: Any, key: tuple[Any, ...]) -> None:
    """Raises TypeError for what is no snapshot, ValueError for one that does not fit the battle of a key."""
    if not isinstance(snapshot, Snapshot):
        raise TypeError(f"snapshot: expected what snapshot() returned, got {type(snapshot).__name__}")
    if (snapshot.version, snapshot.key) != (LAYOUT_VERSION, key):
        raise ValueError(
            f"snapshot: expected version {LAYOUT_VERSION} of {key[0]} with {key[1]} against {key[2]}, "
            f"got version {snapshot.version} of {snapshot.key[0]} with {snapshot.key[1]} against {snapshot.key[2]}"
        )
