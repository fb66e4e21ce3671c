"""CrafterEnv: Crafter under the contract."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envsuite.crew import RESET_ROW, STEP_ROW
from envsuite.env import Info, TaskEnv, Transition
from envsuite.families.crafter.describe import EVENTS, FACTORS
from envsuite.families.crafter.engine.layout import LAYOUT_VERSION
from envsuite.families.crafter.engine.results import allocate_results
from envsuite.families.crafter.engine.worlds import Worlds
from envsuite.families.crafter.observations import checked_observe, space_of, symbols_of, text_of
from envsuite.families.crafter.options import LEAST_TILE, Options, Pair, checked_options, checked_pair
from envsuite.families.crafter.rules import ACHIEVEMENTS, ACTIONS, ITEMS
from envsuite.task import Family, Task

FRAME_TILE = 64
"""Side of a tile in a picture for people, in pixels: four times that of the textures."""
FRAME_SIDE = 1024
"""The longer side of a picture for people, in pixels: a wide view has smaller tiles."""
OF_TASK = "the task's"
"""The length of an episode that is left out."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An episode of Crafter at one moment, for `CrafterEnv.restore`; it may be restored any number of times."""

    version: int
    options: Options
    world: Mapping[str, NDArray[Any]]
    action: int | None
    episode: Mapping[str, Any]


class CrafterEnv(TaskEnv):
    """Crafter, byte for byte that of the reference, whose episodes `reset()` without a seed goes through.

    Observation: as `observe` says.

    - "pixels": uint8 (height, width, 3), tiles of the map around the player over the inventory;
    - "symbols": the same as numbers, without night and noise: `material` and `thing`, uint8 (rows, columns) of
      `rules.SEMANTICS` and `rules.SPRITES`; `inventory`, uint8 (16,); `facing`, of `rules.FACINGS`;
      `daylight`, float32 (1,) in [0, 1]; `sleeping`, 0 or 1;
    - "text": uint8 (2048,), English in UTF-8 and zeros (`describe.read_text`).

    Action: Discrete(17), see `rules.ACTIONS`. The reward of a step is 1 if it has unlocked one or more
    achievements, plus a tenth of the change in health. The episode terminates at health zero.

    `info` also holds `inventory` and `achievements` (how often each was done), dicts of ints;
    `effective_actions`, bool (17,): which actions would do something now; `semantic`, uint8 of the area's shape, of
    `rules.SEMANTICS` numbers with the first axis x; `player_pos` and `player_facing`, int64 (2,) as x, y;
    `sleeping`, a bool; `daylight`, a float in [0, 1]; `action`, the name of the last action, None after a reset.

    `info["invalid_action"]` counts actions that were not effective: a move against an obstacle
    already faced; "do" on what gives nothing, or without the tool it needs; "sleep" at full energy;
    "place" and "make" without material, place or table; and anything but "noop" and "sleep" while asleep.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array", "human"], "render_fps": 10}  # type: ignore[misc]  # gymnasium declares it per instance

    def __init__(
        self,
        *,
        task: Task,
        family: Family,
        reward: bool = True,
        observe: str = "pixels",
        area: Any = (64, 64),
        view: Any = (9, 9),
        size: Any = (64, 64),
        length: Any = OF_TASK,
        semantic: bool = False,
        render_size: Any = None,
        render_mode: str | None = None,
        copy: bool = True,
        worlds: Worlds | None = None,
        row: int = 0,
    ) -> None:
        """Creates the environment.

        Args:
            task: the record in the catalogue.
            family: the record of its family.
            reward: False gives rewards of 0.
            observe: "pixels", "symbols" or "text".
            area: width and height of the world in tiles.
            view: columns and rows of a picture in tiles, the inventory's rows included.
            size: width and height of the observed picture in pixels. It is part of the game: at night every
                pixel of the map draws from the stream that moves the creatures, observed or not.
            length: steps after which an episode is truncated, in place of the task's; 0 or None for no limit.
            semantic: whether a vector env's infos hold `semantic`, too; a single one's always do.
            render_size: width and height of what `render()` returns; 64 pixels a tile, 1,024 in all, if left out.
            render_mode: None, "rgb_array" or "human".
            copy: False hands out the engine's own array of pixels.
            worlds: a batch that the environment is a row of, for vector envs.
            row: which row.
        """
        self.options = checked_options(area, view, size, task.max_episode_steps if length is OF_TASK else length)
        self.observe = checked_observe(observe)
        super().__init__(task=task, family=family, render_mode=render_mode, copy=copy)
        self.observation_space = space_of(self.observe, self.options)
        self.action_space = spaces.Discrete(len(ACTIONS))
        self.action_names = ACTIONS
        self.info_arrays = {**INFO_ARRAYS, "semantic": (self.options.area, "uint8")} if semantic else INFO_ARRAYS
        columns, rows = self.options.view
        tile = max(LEAST_TILE, min(FRAME_TILE, FRAME_SIDE // max(columns, rows)))
        self._render_size: Pair = (
            (columns * tile, rows * tile) if render_size is None else checked_pair("render_size", render_size)
        )
        # An impossible size is told of now, not at the first picture.
        checked_options(area, view, self._render_size, None)
        self.task = dataclasses.replace(task, max_episode_steps=self.options.length)
        self._row = row
        self._worlds = worlds or Worlds(1, self.options, rewarded=reward)
        if worlds is None:
            self._worlds.bind(allocate_results(1, self.options, pictures=self.observe == "pixels"))
        self._action: int | None = None

    def picture(self, size: Any) -> NDArray[np.uint8]:
        """Returns the state as uint8 (height, width, 3) at any size, (width, height), and leaves the episode as it is.

        Raises Gymnasium's `ResetNeeded` before the first `reset`, ValueError for a size without two pixels a tile.
        """
        self._require_episode("picture()")
        options = checked_options(self.options.area, self.options.view, size, None)
        return self._worlds.draw(self._row, options.size)

    def snapshot(self) -> Snapshot:
        """Returns the whole state of the episode and of the stream of seeds, detached from the environment.

        Raises Gymnasium's `ResetNeeded` before the first `reset`.
        """
        self._require_episode("snapshot()")
        world = self._worlds.state(self._row)
        return Snapshot(LAYOUT_VERSION, self.options, world, self._action, self._episode_state())

    def restore(self, snapshot: Snapshot) -> None:
        """Continues from a snapshot of this or another Crafter environment: the same actions give the same bytes.

        Raises TypeError for anything but a `Snapshot`, ValueError for one of another version of envsuite or of a
        world of another shape; nothing has changed then.
        """
        if not isinstance(snapshot, Snapshot):
            raise TypeError(f"snapshot: expected what snapshot() returned, got {type(snapshot).__name__}")
        if snapshot.version != LAYOUT_VERSION:
            raise ValueError(
                f"snapshot: expected version {LAYOUT_VERSION}, got {snapshot.version}; "
                "it can only be restored by the version of envsuite that took it"
            )
        if (snapshot.options.area, snapshot.options.view, snapshot.options.size) != (
            self.options.area,
            self.options.view,
            self.options.size,
        ):
            raise ValueError(f"snapshot: expected one of a world of {self.options}, got one of {snapshot.options}")
        self._worlds.set_state(self._row, snapshot.world)
        self._action = snapshot.action
        self._set_episode_state(snapshot.episode)

    def follow(self) -> None:
        """Takes over where the batch has brought the row to, of which the environment is a view."""
        worlds, row = self._worlds, self._row
        self._episode, self._elapsed_steps = int(worlds.episode[row]), int(worlds.steps[row])
        self._no_effect_count = int(worlds.no_effect_count[row])
        over = self._episode == 0 or worlds.results.terminated[row] or worlds.results.truncated[row]
        self._running = not over

    def _begin(self, seed: int, task_value: Any) -> tuple[Any, Info]:
        del task_value
        if self._episode == 1:
            # Later episodes of a seed are numbered, as the reference numbers them, not seeded.
            self._worlds.seed(self._row, seed)
        self._action = None
        self._run(RESET_ROW, 0)
        return self._observation(), self._extra()

    def _advance(self, action: Any) -> Transition:
        worlds, row, index = self._worlds, self._row, int(action)
        effective = bool(worlds.results.effective[row, index])
        self._action = index
        self._run(STEP_ROW, index)
        results = worlds.results
        return Transition(
            observation=self._observation(),
            reward=float(results.rewards[row]),
            terminated=bool(results.terminated[row]),
            events=tuple(itertools.compress(EVENTS, results.events[row].tolist())),
            factors=dict(zip(FACTORS, results.factors[row].tolist(), strict=True)),
            no_effect=not effective,
            extra=self._extra(),
        )

    def _frame(self) -> NDArray[np.uint8]:
        return self._worlds.draw(self._row, self._render_size)

    def _metrics(self) -> Mapping[str, float]:
        counts = self._worlds.achievements[self._row].tolist()
        return {name: float(count > 0) for name, count in zip(ACHIEVEMENTS, counts, strict=True)}

    def _run(self, command: int, action: int) -> None:
        self._worlds.run_row(self._row, command, action)

    def _observation(self) -> Any:
        if self.observe == "symbols":
            return symbols_of(self._worlds, self._row)
        if self.observe == "text":
            return text_of(self._worlds, self._row, self._action)
        picture = self._worlds.results.picture[self._row]
        return picture.copy() if self.copy else picture

    def _extra(self) -> Info:
        worlds, row = self._worlds, self._row
        return {
            "inventory": dict(zip(ITEMS, worlds.inventory[row].tolist(), strict=True)),
            "achievements": dict(zip(ACHIEVEMENTS, worlds.achievements[row].tolist(), strict=True)),
            "effective_actions": worlds.results.effective[row].copy(),
            "semantic": worlds.semantic(row),
            "player_pos": worlds.position[row].astype(np.int64),
            "player_facing": worlds.facing[row],
            "sleeping": bool(worlds.sleeping[row]),
            "daylight": float(worlds.daylight[row]),
            "action": None if self._action is None else ACTIONS[self._action],
        }


INFO_ARRAYS: Mapping[str, tuple[tuple[int, ...], str]] = {
    "inventory": ((len(ITEMS),), "int64"),
    "achievements": ((len(ACHIEVEMENTS),), "int64"),
    "effective_actions": ((len(ACTIONS),), "bool"),
    "player_pos": ((2,), "int64"),
    "player_facing": ((2,), "int64"),
    "sleeping": ((), "bool"),
}
"""What of an info a vector env carries, beside `daylight`."""
